"""The driver for threads: does what the decision core says, within one deadline.

A request in, an answer out; nothing a server, a network or an address does is raised. A connection
serves one hop and is closed. Proxies, credentials and certificates of the environment are not
looked at. httpcore2 and ssl are imported at the first fetch.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from extcal.fetch._addresses import Network
from extcal.fetch._body import Body
from extcal.fetch._core import Ask, Head, Journey, Read, default_user_agent
from extcal.fetch._deadline import Deadline, Stop
from extcal.fetch._dns import Lookup, Resolver, system_resolver
from extcal.fetch._policy import UrlPolicy
from extcal.fetch._quiet import quiet_transport
from extcal.fetch.protocol import Failed, FetchRequest, FetchResponse
from extcal.limits import Limits

if TYPE_CHECKING:
    import ssl

    import httpcore2

    from extcal.fetch._sockets import GuardedBackend

__all__ = ["HttpFetcher"]

_LOG = logging.getLogger("extcal.fetch")
# A library is silent until its host wants to hear it.
logging.getLogger("extcal").addHandler(logging.NullHandler())
_NOT_HTTP = Failed("protocol", looks_like="What the server answered is not HTTP.")
_NO_ANSWER = Failed("connect", looks_like="The server closed the connection without an answer.")
_CUT = Failed("truncated", looks_like="The answer broke off before its end.")


class HttpFetcher:
    """Fetches feeds over HTTPS, from the public internet only unless told otherwise.

    ``policy``: a :class:`~extcal.fetch.UrlPolicy`; or its fields as keywords (``allow_networks``,
    ``deny_networks``, ``allow_http``, ``allow_ip_literals``, ``allow_nat64``, ``ports``).
    ``user_agent``: what the requests say of themselves, by default extcal's name and version.
    ``limits``: used in place of the limits of each request. ``resolver``: host and port in,
    addresses as text out, in place of the system's. ``ssl_context``: the authorities to trust, in
    place of the operating system's.

    Safe to share between threads. Raises ValueError or TypeError for arguments that cannot be.
    """

    def __init__(
        self,
        *,
        policy: UrlPolicy | None = None,
        allow_networks: str | Iterable[str | Network] = (),
        deny_networks: str | Iterable[str | Network] = (),
        allow_http: bool = False,
        allow_ip_literals: bool = False,
        allow_nat64: bool = False,
        ports: Iterable[int] | None = None,
        user_agent: str | None = None,
        limits: Limits | None = None,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        fields = UrlPolicy(
            allow_networks=allow_networks,
            deny_networks=deny_networks,
            allow_http=allow_http,
            allow_ip_literals=allow_ip_literals,
            allow_nat64=allow_nat64,
            ports=ports,
        )
        if policy is not None and fields != UrlPolicy():
            raise TypeError("pass either policy or its fields as keywords, not both")
        self._policy = fields if policy is None else policy
        self._user_agent = _read_user_agent(user_agent)
        self._limits = limits
        self._lookup = Lookup(system_resolver if resolver is None else resolver)
        self._ssl_context = ssl_context
        self._lock = threading.Lock()

    @property
    def policy(self) -> UrlPolicy:
        """Where this fetcher may go; ``policy.check(feed)`` judges an address when it is pasted."""
        return self._policy

    def __repr__(self) -> str:
        return f"<HttpFetcher {self._user_agent.partition(' ')[0]}>"

    def fetch(self, request: FetchRequest, /) -> FetchResponse:
        """Fetch ``request.feed`` within ``request.deadline`` seconds; returns, never raises."""
        limits = request.limits if self._limits is None else self._limits
        journey = Journey(request, self._policy, limits, self._user_agent)
        deadline = Deadline(min(request.deadline, limits.fetch_deadline))
        with quiet_transport():
            answer = self._travel(journey, deadline)
        _LOG.debug("%r: %s", request.feed, type(answer).__name__)
        return answer

    def _travel(self, journey: Journey, deadline: Deadline) -> FetchResponse:
        try:
            step = journey.begin()
            while isinstance(step, Ask):
                step = self._hop(journey, step, deadline)
            return step
        except Stop as stop:
            return stop.answer
        except Exception as error:
            # Its text and its frames could hold the address; its type says enough to look further.
            _LOG.error("%r: fetcher failed with %s", journey.request.feed, type(error).__name__)
            return Failed("fetcher_error")

    def _hop(self, journey: Journey, ask: Ask, deadline: Deadline) -> Ask | FetchResponse:
        import httpcore2

        from extcal.fetch._sockets import GuardedBackend

        backend = GuardedBackend(journey.policy, self._lookup, journey.limits, deadline)
        url = ask.url
        origin = httpcore2.Origin(url.scheme.encode(), url.host.encode(), url.port)
        request = httpcore2.Request(
            "GET",
            httpcore2.URL(scheme=origin.scheme, host=origin.host, port=url.port, target=url.target),
            headers=[(name.encode(), value.encode()) for name, value in ask.headers],
        )
        context = self._trust() if url.scheme == "https" else None
        connection = httpcore2.HTTPConnection(origin, context, network_backend=backend)
        try:
            return self._converse(connection, request, backend, journey, ask)
        finally:
            connection.close()
            backend.close()

    def _converse(
        self,
        connection: httpcore2.HTTPConnection,
        request: httpcore2.Request,
        backend: GuardedBackend,
        journey: Journey,
        ask: Ask,
    ) -> Ask | FetchResponse:
        import httpcore2

        body: Body | None = None
        try:
            response = connection.handle_request(request)
            step = journey.head(ask, Head.from_raw(response.status, response.headers))
            if not isinstance(step, Read):
                return step
            body = Body(journey.limits, gzipped=step.gzipped)
            return _receive(response, body, step, backend.deadline)
        except httpcore2.NetworkError:
            return _NO_ANSWER if body is None else _CUT
        except httpcore2.ProtocolError:
            if body is not None:
                return _CUT if backend.ended else _NOT_HTTP
            return _NOT_HTTP if backend.heard else _NO_ANSWER

    def _trust(self) -> ssl.SSLContext:
        """The TLS context, built once: reading the system's certificates takes a while."""
        with self._lock:
            if self._ssl_context is None:
                from extcal.fetch._sockets import new_ssl_context

                self._ssl_context = new_ssl_context()
            return self._ssl_context


def _receive(
    response: httpcore2.Response, body: Body, read: Read, deadline: Deadline
) -> FetchResponse:
    for piece in response.iter_stream():
        deadline.left()
        failed = body.take(piece)
        if failed is not None:
            return failed
    whole = body.end()
    return whole if isinstance(whole, Failed) else read.finish(whole)


def _read_user_agent(user_agent: str | None) -> str:
    if user_agent is None:
        return default_user_agent()
    if not isinstance(user_agent, str):
        raise TypeError(f"user_agent takes a str, not {type(user_agent).__name__}")
    user_agent = user_agent.strip()
    if not user_agent or not user_agent.isascii() or not user_agent.isprintable():
        raise ValueError("user_agent takes one line of printable ASCII")
    return user_agent
