"""The driver for threads: carries out the decisions of ``exchange``, within one deadline.

A request in, an answer out. Whatever a server, a network or an address does, nothing is raised. A
connection is used for one hop and then closed. Proxies, credentials and certificates of the
environment are not used. httpcore2 and ssl are imported at the first fetch.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from extcal.fetch.body import Body
from extcal.fetch.http.connect.quiet import quiet_transport
from extcal.fetch.http.deadline import TIMED_OUT, Deadline, Stop
from extcal.fetch.http.exchange import Accident, Ask, Head, Journey, Pause, Read, Step
from extcal.fetch.http.options import LOG, PROXY_REFUSED, HttpOptions, mistake
from extcal.fetch.http.per_host_limit import Turn
from extcal.fetch.protocol import FetchRequest, FetchResponse, Gone, Refused

if TYPE_CHECKING:
    import httpcore2

    from extcal.fetch.http.connect.backend import GuardedBackend

__all__ = ["HttpDriver", "HttpFetcher"]


class HttpDriver(HttpOptions):
    """Fetches in the thread that calls it; the base of both fetchers."""

    def _fetch(self, request: FetchRequest) -> FetchResponse:
        return self._run(request, *self._begin(request))

    def _run(
        self, request: FetchRequest, journey: Journey, deadline: Deadline, turn: Turn | None = None
    ) -> FetchResponse:
        """Answer ``request``; ``turn`` was joined for the feed's own host, and is left here."""
        with quiet_transport(), deadline.registered():
            try:
                answer = self._travel(journey, deadline, turn)
            except Stop as stop:
                answer = stop.answer
            except Exception as error:
                answer = mistake(request, error)
            finally:
                if turn is not None:
                    self._turns.leave(turn)
        LOG.debug("%r: %s", request.feed, type(answer).__name__)
        return answer

    def _travel(self, journey: Journey, deadline: Deadline, turn: Turn | None) -> FetchResponse:
        step: Ask | Pause | FetchResponse = journey.begin()
        ask: Ask | None = None
        while True:
            if isinstance(step, Ask):
                ask, step, turn = step, self._hop(journey, step, deadline, turn), None
            elif isinstance(step, Pause):
                deadline.wait(threading.Event(), step.seconds)
                step = step.ask
            elif ask is not None and ask.again and not isinstance(step, Gone | Refused):
                return replace(step, tries=2)
            else:
                return step

    def _hop(
        self, journey: Journey, ask: Ask, deadline: Deadline, turn: Turn | None
    ) -> Ask | Pause | FetchResponse:
        """Send ``ask`` in its turn; if its User-Agent is refused, ask again in the same turn.

        So fetches that wait for the same host learn from the first one which string it accepts.
        """
        with self._turn(ask.url.host, deadline, turn):
            while True:
                ask = journey.informed(ask, self._browser_hosts)
                step = self._connect(journey, ask, deadline)
                self._learn(journey, ask, step)
                if not isinstance(step, Accident):
                    return step
                other = journey.try_again(step, left=deadline.rest(), chance=self._jitter())
                if not isinstance(other, Ask):
                    return other
                ask = other

    def _connect(self, journey: Journey, ask: Ask, deadline: Deadline) -> Step:
        from extcal.fetch.http.connect.backend import GuardedBackend

        backend = GuardedBackend(
            journey.policy, self._proxy, self._lookup, journey.limits, deadline
        )
        try:
            return self._converse(journey, ask, backend, deadline)
        finally:
            backend.close()

    @contextmanager
    def _turn(self, host: str, deadline: Deadline, turn: Turn | None) -> Iterator[None]:
        admitted = threading.Event()
        joined = turn is None
        if turn is None:
            turn = self._turns.join(host, admitted.set)
        try:
            if joined and not deadline.wait(admitted):
                raise Stop(TIMED_OUT)
            yield
        finally:
            self._turns.leave(turn)

    def _converse(
        self, journey: Journey, ask: Ask, backend: GuardedBackend, deadline: Deadline
    ) -> Step:
        import httpcore2

        from extcal.fetch.http.connect.guard import new_origin, new_request

        origin = new_origin(ask.url, self._proxy)
        own = self._own_fields(journey, ask)
        reading = False
        try:
            connection = self._connection(origin, backend)
            response = connection.handle_request(new_request(ask, origin, own))
            step = journey.head(ask, Head.from_raw(response.status, response.headers))
            if not isinstance(step, Read):
                return step
            reading = True
            with deadline.working(self._gate()):
                return _receive(journey, step, response, deadline, backend)
        except httpcore2.ProxyError:
            return PROXY_REFUSED
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            received = backend.received
            return journey.broken(
                ask,
                reset=isinstance(error, httpcore2.NetworkError),
                reading=reading,
                heard=received.begun,
                ended=received.ended,
            )

    def _connection(
        self, origin: httpcore2.Origin, backend: GuardedBackend
    ) -> httpcore2.ConnectionInterface:
        import httpcore2

        from extcal.fetch.http.connect.guard import proxy_options

        context = self._trust() if origin.scheme == b"https" else None
        if self._proxy is None:
            return httpcore2.HTTPConnection(origin, context, network_backend=backend)
        options = proxy_options(self._proxy)
        proxy = httpcore2.HTTPProxy(ssl_context=context, network_backend=backend, **options)
        return proxy.create_connection(origin)


class HttpFetcher(HttpDriver):
    """Fetches feeds over HTTPS, from the public internet only unless told otherwise.

    ``policy``: a :class:`~extcal.fetch.UrlPolicy`; or its fields as keywords (``allow_networks``,
    ``deny_networks``, ``allow_http``, ``allow_ip_literals``, ``allow_nat64``, ``ports``,
    ``allow_hosts``, ``address_policy``).
    ``user_agents``: the User-Agent of the requests, a :class:`~extcal.fetch.UserAgents`; by default
    extcal's name, and for Microsoft's hosts another form of it that they accept. ``user_agent``:
    one string for all hosts instead.
    ``limits``: used in place of the limits of each request.
    ``max_fetches``, ``max_fetches_per_host``: at most this many requests at a time; the others
    wait, and waiting counts against their deadline.
    ``proxy``: ``"http://[user:password@]host:port"``. The proxy then looks names up and connects,
    so only addresses that are spelled out can be judged here. Never taken from the environment.
    ``resolver``: host and port in, addresses as text out, in place of the system's.
    ``headers``: called with the feed before each request to the feed's own origin, returns header
    fields for it, such as a token; if it raises, the fetch of that feed fails.
    ``ssl_context``: the authorities to trust, in place of the operating system's.
    ``jitter``: returns random numbers in [0, 1), for the pause before a request is tried again.

    Safe to share between threads. Raises ValueError or TypeError for invalid arguments.
    """

    def fetch(self, request: FetchRequest, /) -> FetchResponse:
        """Fetch ``request.feed`` within ``request.deadline`` seconds; returns, never raises."""
        return self._fetch(request)


def _receive(
    journey: Journey,
    read: Read,
    response: httpcore2.Response,
    deadline: Deadline,
    backend: GuardedBackend,
) -> Accident | FetchResponse:
    import httpcore2

    body = Body(journey.limits, gzipped=read.gzipped, spent=read.spent)

    def noted() -> Read:
        return read.noting(unannounced=body.unannounced, coded_twice=backend.received.odd)

    try:
        for piece in response.iter_stream():
            for failed in body.take(piece):
                deadline.left()
                if failed is not None:
                    return failed
    except (Stop, httpcore2.NetworkError, httpcore2.ProtocolError) as broken:
        # If the deadline ended the fetch, the server may still be sending: the body is incomplete.
        if isinstance(broken, Stop) and (broken.answer is not TIMED_OUT or not deadline.rest()):
            raise
        rescued = noted().rescue(body.end())
        if rescued is None:
            raise
        return rescued
    return noted().finish(body.end())
