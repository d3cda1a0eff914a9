"""The driver for tasks: does what the decision core says, within one deadline.

A request in, an answer out; nothing a server, a network or an address does is raised. The same
decisions, the same guard and the same sockets as the driver for threads, on asyncio and on trio.
Whoever cancels a fetch leaves at once, and nothing stays open behind. Needs ``extcal[async]``;
httpcore2, ssl and anyio are imported at the first fetch.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from extcal.fetch.body import Body
from extcal.fetch.http.deadline import TIMED_OUT, Deadline, Stop
from extcal.fetch.http.exchange import Accident, Ask, Head, Journey, Pause, Read, Step
from extcal.fetch.http.options import LOG, PROXY_REFUSED, Door, mistake
from extcal.fetch.http.wire.quiet import quiet_transport
from extcal.fetch.protocol import FetchRequest, FetchResponse

if TYPE_CHECKING:
    import ssl

    import httpcore2

    from extcal.fetch.http.wire.async_backend import AsyncGuardedBackend

__all__ = ["AsyncHttpFetcher"]


class AsyncHttpFetcher(Door):
    """Fetches feeds over HTTPS for programs with an event loop (asyncio or trio).

    The arguments are those of :class:`~extcal.fetch.HttpFetcher`. Safe to share between the tasks
    of one event loop. Raises ValueError or TypeError for arguments that cannot be, and ImportError
    if ``extcal[async]`` is not installed.
    """

    def _require(self) -> None:
        if find_spec("anyio") is None:
            raise ImportError(
                "AsyncHttpFetcher needs anyio: pip install 'extcal[async]'", name="anyio"
            )

    async def fetch(self, request: FetchRequest, /) -> FetchResponse:
        """Fetch ``request.feed`` within ``request.deadline`` seconds; returns, never raises."""
        from anyio import move_on_after

        journey, deadline = self._begin(request)
        answer: FetchResponse = TIMED_OUT
        with quiet_transport(), move_on_after(deadline.rest()):
            try:
                answer = await self._travel(journey, deadline)
            except Stop as stop:
                answer = stop.answer
            except Exception as error:
                answer = mistake(request, error)
        LOG.debug("%r: %s", request.feed, type(answer).__name__)
        return answer

    async def _travel(self, journey: Journey, deadline: Deadline) -> FetchResponse:
        from anyio import sleep

        step: Step = journey.begin()
        while True:
            if isinstance(step, Ask):
                ask, step = step, await self._hop(journey, step, deadline)
                self._learn(journey, ask, step)
            elif isinstance(step, Accident):
                step = journey.try_again(step, left=deadline.rest(), chance=self._jitter())
            elif isinstance(step, Pause):
                await sleep(step.seconds)
                step = step.ask
            else:
                return step

    async def _hop(self, journey: Journey, ask: Ask, deadline: Deadline) -> Step:
        from extcal.fetch.http.wire.async_backend import AsyncGuardedBackend

        async with self._turn(ask.url.host):
            backend = AsyncGuardedBackend(
                journey.policy, self._proxy, self._lookup, journey.limits, deadline
            )
            try:
                return await self._converse(journey, ask, backend)
            finally:
                backend.close()

    @asynccontextmanager
    async def _turn(self, host: str) -> AsyncIterator[None]:
        from anyio import Event

        admitted = Event()
        turn = self._turns.join(host, admitted.set)
        try:
            await admitted.wait()
            yield
        finally:
            self._turns.leave(turn)

    async def _converse(self, journey: Journey, ask: Ask, backend: AsyncGuardedBackend) -> Step:
        import httpcore2

        from extcal.fetch.http.wire.guard import new_origin, new_request

        origin = new_origin(ask.url, self._proxy)
        own = self._own_fields(journey, ask)
        reading = False
        try:
            connection = await self._connection(origin, backend)
            response = await connection.handle_async_request(new_request(ask, origin, own))
            step = journey.head(ask, Head.from_raw(response.status, response.headers))
            if not isinstance(step, Read):
                return step
            reading = True
            return await _receive(journey, step, response, backend)
        except httpcore2.ProxyError:
            return PROXY_REFUSED
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            ear = backend.ear
            return journey.broken(
                ask,
                reset=isinstance(error, httpcore2.NetworkError),
                reading=reading,
                heard=ear.heard,
                ended=ear.ended,
            )

    async def _connection(
        self, origin: httpcore2.Origin, backend: AsyncGuardedBackend
    ) -> httpcore2.AsyncConnectionInterface:
        import httpcore2

        from extcal.fetch.http.wire.guard import proxy_options

        context = await self._trust_soon() if origin.scheme == b"https" else None
        if self._proxy is None:
            return httpcore2.AsyncHTTPConnection(origin, context, network_backend=backend)
        options = proxy_options(self._proxy)
        proxy = httpcore2.AsyncHTTPProxy(ssl_context=context, network_backend=backend, **options)
        return proxy.create_connection(origin)

    async def _trust_soon(self) -> ssl.SSLContext:
        """The TLS context; reading the system's certificates holds up no other task."""
        from anyio import to_thread

        if self._ssl_context is None:
            await to_thread.run_sync(self._trust)
        return self._trust()


async def _receive(
    journey: Journey, read: Read, response: httpcore2.Response, backend: AsyncGuardedBackend
) -> Accident | FetchResponse:
    import httpcore2
    from anyio.lowlevel import checkpoint

    body = Body(journey.limits, gzipped=read.gzipped, spent=read.spent)

    def noted() -> Read:
        return read.noting(unannounced=body.unannounced, coded_twice=backend.ear.odd)

    try:
        async with aclosing(response.aiter_stream()) as pieces:
            async for piece in pieces:
                for failed in body.take(piece):
                    # Inflating is work: the other tasks and the deadline get their turn in between.
                    await checkpoint()
                    if failed is not None:
                        return failed
    except (Stop, httpcore2.NetworkError, httpcore2.ProtocolError) as broken:
        if isinstance(broken, Stop) and broken.answer is not TIMED_OUT:
            raise
        rescued = noted().rescue(body.end())
        if rescued is None:
            raise
        return rescued
    return noted().finish(body.end())
