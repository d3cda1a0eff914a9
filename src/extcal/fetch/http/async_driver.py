"""The fetcher for tasks: it runs the driver for threads in a thread.

When it is its turn, a fetch starts in a thread, and the task waits for it on its event loop,
asyncio's or trio's. If the task is cancelled, the thread closes its connection and ends. Needs
``extcal[async]``; anyio is imported at the first fetch.
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec

from extcal.arguments import discreet
from extcal.fetch.http.deadline import STARVED
from extcal.fetch.http.driver import HttpDriver
from extcal.fetch.protocol import FetchRequest, FetchResponse

__all__ = ["AsyncHttpFetcher"]

_CLOSING = 0.1  # seconds; closing a socket takes far less
_GLANCE = 0.001


class _Progress:
    """The progress of the thread of one fetch."""

    def __init__(self) -> None:
        self.begun = False
        self.ended = False

    def running(self) -> bool:
        return self.begun and not self.ended


class AsyncHttpFetcher(HttpDriver):
    """Fetches feeds over HTTPS for programs with an event loop (asyncio or trio).

    The arguments are those of :class:`~extcal.fetch.HttpFetcher`. Safe to share between tasks and
    between event loops. Raises ValueError or TypeError for arguments that cannot be, and
    ImportError if ``extcal[async]`` is not installed.
    """

    def _require(self) -> None:
        if find_spec("anyio") is None:
            raise ImportError(
                "AsyncHttpFetcher needs anyio: pip install 'extcal[async]'", name="anyio"
            )

    @discreet
    async def fetch(self, request: FetchRequest, /) -> FetchResponse:
        """Fetch ``request.feed`` within ``request.deadline`` seconds; returns, never raises."""
        from anyio import CancelScope, CapacityLimiter, Event, move_on_after, sleep, to_thread

        from extcal.fetch.http.loop import Loop

        journey, deadline = self._begin(request)
        admitted, loop = Event(), Loop()
        turn = self._turns.join(request.feed.host, partial(loop.post, admitted.set))
        # The thread starts only when it is this fetch's turn. Otherwise threads that wait for one
        # slow host could take the places of fetches from other hosts.
        at = _Progress()

        def run() -> FetchResponse:
            at.begun = True
            try:
                return self._run(request, journey, deadline, turn)
            finally:
                at.ended = True

        try:
            with move_on_after(deadline.rest()):
                await admitted.wait()
            if not admitted.is_set():
                return STARVED
            # A limiter of its own: anyio's default one is shared with the rest of the application.
            return await to_thread.run_sync(run, abandon_on_cancel=True, limiter=CapacityLimiter(1))
        finally:
            if not at.ended:
                deadline.stop()
                with CancelScope(shield=True):
                    for _ in range(int(_CLOSING / _GLANCE)):
                        if not at.running():
                            break
                        await sleep(_GLANCE)
            if not at.begun:
                self._turns.leave(turn)
