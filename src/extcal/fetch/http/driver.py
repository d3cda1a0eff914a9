"""The driver for threads: carries out the decisions of ``exchange``, within one deadline.

A request in, an answer out. Whatever a server, a network or an address does, nothing is raised.
Connections are kept in a :class:`~extcal.fetch.http.pool.ConnectionPool`. Proxies, credentials and
certificates of the environment are not used. h11 and ssl are imported at the first fetch.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from extcal.arguments import discreet
from extcal.fetch.address.url import Refusal, literal_of
from extcal.fetch.body import Body
from extcal.fetch.http.deadline import STARVED, TIMED_OUT, Deadline, Stop
from extcal.fetch.http.exchange import Accident, Ask, Head, Journey, Pause, Read, Step
from extcal.fetch.http.options import LOG, HttpOptions, mistake
from extcal.fetch.http.per_host_limit import Turn
from extcal.fetch.policy import UrlPolicy
from extcal.fetch.protocol import (
    Failed,
    Fetched,
    FetchRequest,
    FetchResponse,
    Gone,
    NotModified,
    Refused,
)

if TYPE_CHECKING:
    from extcal.fetch.address.networks import Address
    from extcal.fetch.http.connect.http11 import HttpConnection

__all__ = ["HttpDriver", "HttpFetcher"]


class HttpDriver(HttpOptions):
    """Fetches in the thread that calls it; the base of both fetchers."""

    def _fetch(self, request: FetchRequest) -> FetchResponse:
        return self._run(request, *self._begin(request))

    def _run(
        self, request: FetchRequest, journey: Journey, deadline: Deadline, turn: Turn | None = None
    ) -> FetchResponse:
        """Answer ``request``; ``turn`` was joined for the feed's own host, and is left here."""
        with deadline.registered():
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
                ask = step
                try:
                    step, turn = self._hop(journey, ask, deadline, turn), None
                    if isinstance(step, Failed):
                        step = journey.blamed(ask, step)
                except Stop as stop:
                    stop.answer = journey.blamed(ask, stop.answer)
                    raise
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
        """Send ``ask`` on a kept connection, and on a new one if there is none that still works."""
        own = self._own_fields(journey, ask)
        step = None
        # The second try of a fetch begins anew: its name is looked up once more.
        kept = None if ask.again else self._take(journey, ask)
        if kept is not None:
            kept.stream.lend(journey.limits, deadline)
            step = self._converse(journey, ask, kept, deadline, own)
        if step is None:
            step = self._converse(journey, ask, self._open(journey, ask, deadline), deadline, own)
        if step is None:
            # A TLS session was not resumed. It is forgotten now, so this connection has none.
            step = self._converse(journey, ask, self._open(journey, ask, deadline), deadline, own)
        assert step is not None
        return step

    @contextmanager
    def _turn(self, host: str, deadline: Deadline, turn: Turn | None) -> Iterator[None]:
        admitted = threading.Event()
        joined = turn is None
        if turn is None:
            turn = self._turns.join(host, admitted.set)
        try:
            if joined and not deadline.wait(admitted):
                raise Stop(STARVED)
            yield
        finally:
            self._turns.leave(turn)

    def _converse(
        self,
        journey: Journey,
        ask: Ask,
        connection: HttpConnection,
        deadline: Deadline,
        own: Mapping[str, str],
    ) -> Step | None:
        """Ask once; None if only the connection is to blame, and a new one has to be tried."""
        from extcal.fetch.http.connect.guard import request_fields
        from extcal.fetch.http.connect.http11 import ProtocolError
        from extcal.fetch.http.connect.stream import Broken

        received = connection.stream.received
        reading = done = False
        try:
            with deadline.working(self._gate()):
                if not connection.served:
                    self._set_up(ask, connection)
                connection.ask(ask.url, request_fields(ask, own))
                meaning = journey.head(ask, Head.from_raw(*connection.head()))
                step: Step
                if isinstance(meaning, Read):
                    reading = True
                    step = self._receive(journey, meaning, connection, deadline)
                else:
                    step = meaning
            done = _may_be_kept(step, own)
            return step
        except (Broken, ProtocolError) as error:
            if connection.reused and not received.begun:
                return None
            return journey.broken(
                ask,
                reset=isinstance(error, Broken),
                reading=reading,
                heard=received.begun,
                ended=received.ended,
            )
        finally:
            self._give_back(ask, connection, done)

    def _receive(
        self, journey: Journey, read: Read, connection: HttpConnection, deadline: Deadline
    ) -> Accident | FetchResponse:
        from extcal.fetch.http.connect.http11 import ProtocolError
        from extcal.fetch.http.connect.stream import Broken

        body = Body(journey.limits, gzipped=read.gzipped, spent=read.spent)

        def noted() -> Read:
            odd = connection.stream.received.odd
            return read.noting(unannounced=body.unannounced, coded_twice=odd)

        try:
            with self._room.receiving(body, deadline) as wait:
                for piece in connection.body():
                    for failed in body.take(piece):
                        deadline.left()
                        if failed is not None:
                            return failed
                        wait()
        except (Stop, Broken, ProtocolError) as broken:
            # If the deadline ended the fetch, the server may still be sending: the body is cut.
            if isinstance(broken, Stop) and (broken.answer is not TIMED_OUT or not deadline.rest()):
                raise
            rescued = noted().rescue(body.end())
            if rescued is None:
                raise
            return rescued
        return noted().finish(body.end())

    def _take(self, journey: Journey, ask: Ask) -> HttpConnection | None:
        if self._proxy is not None:
            # The operator of this program chose the proxy, so its addresses are not judged.
            return self._pool.take(self._key(ask), lambda peer: True)
        return self._pool.take(self._key(ask), partial(_admits, journey.policy, ask.url.host))

    def _key(self, ask: Ask) -> Hashable:
        """What connections have in common that may serve the same requests."""
        context = self._trust() if ask.url.scheme == "https" else None
        return ask.url.origin, self._proxy, context

    def _open(self, journey: Journey, ask: Ask, deadline: Deadline) -> HttpConnection:
        """A new connection to the server or to the proxy; raises Stop."""
        from extcal.fetch.http.connect.guard import vetted
        from extcal.fetch.http.connect.http11 import HttpConnection
        from extcal.fetch.http.connect.stream import GuardedStream, Sprint

        server = ask.url if self._proxy is None else self._proxy
        since = self._pool.timer()
        answers = [server.host]
        if literal_of(server.host) is None:
            seconds = journey.limits.connect_timeout
            answers = self._lookup.resolve(server.host, server.port, deadline, seconds)
        addresses = vetted(journey.policy, self._proxy, server.host, answers)
        self._pool.looked_up(self._key(ask), addresses)
        self._pool.opening(self._key(ask))
        try:
            with (
                Sprint(addresses, server.port, journey.limits.connect_timeout) as sprint,
                deadline.working(self._gate()),
            ):
                sock, peer = sprint.run(deadline)
        except BaseException:
            self._pool.drop()
            raise
        return HttpConnection(GuardedStream(sock, peer, journey.limits, deadline), since)

    def _set_up(self, ask: Ask, connection: HttpConnection) -> None:
        """The way through a proxy, and TLS; raises Stop or Broken."""
        if self._proxy is not None:
            if ask.url.scheme == "http":
                connection.forward(self._proxy)
                return
            connection.tunnel(ask.url, self._proxy)
        if ask.url.scheme == "https":
            session = self._pool.session(self._key(ask))
            connection.reused = session is not None
            connection.stream.start_tls(self._trust(), ask.url.host, session)
            connection.reused = False

    def _give_back(self, ask: Ask, connection: HttpConnection, done: bool) -> None:
        if done and connection.served == 1:
            session = connection.stream.session()
            if session is not None:
                self._pool.resumable(self._key(ask), session)
        if done and connection.finish() and connection.stream.release():
            connection.reused = True
            self._pool.give(self._key(ask), connection)
        else:
            self._pool.drop(connection)


_STATELESS = frozenset({"basic", "bearer"})


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

    @discreet
    def fetch(self, request: FetchRequest, /) -> FetchResponse:
        """Fetch ``request.feed`` within ``request.deadline`` seconds; returns, never raises."""
        return self._fetch(request)


def _admits(policy: UrlPolicy, host: str, peer: Address) -> bool:
    """Whether the policy still allows a connection to ``peer``."""
    return not isinstance(policy.vet((peer,), host), Refusal)


def _may_be_kept(step: Step, own: Mapping[str, str]) -> bool:
    """Whether this answer permits another request on its connection.

    Not if leniency was needed to read it, or if the server failed. Basic and Bearer go with every
    request (RFC 7617, RFC 6750). Negotiate and NTLM prove who uses a *connection*: some servers
    would then answer its next request, which may be another tenant's, under the same name.
    """
    if isinstance(step, Fetched):
        good = not step.problems
    else:
        good = isinstance(step, Ask | Gone | NotModified | Refused)
    if not good or not own:
        return good
    schemes = [value for name, value in own.items() if name.lower() == "authorization"]
    return all(value.partition(" ")[0].lower() in _STATELESS for value in schemes)
