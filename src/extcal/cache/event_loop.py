"""The event loop of an AsyncCalendarCache, as the threads of its engine use it.

An event that a task waits for is set on the loop of that task, asyncio's or trio's. Code of the
application that has to run on the loop (its own fetcher, its callback) runs there as a task. All of
these tasks end with the ``async with`` block of the cache.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from functools import partial
from threading import get_ident
from typing import Any, TypeVar, cast

import anyio

from extcal.cache.refresh.single_flight import Flight
from extcal.cache.stores.watch import Late, Watch, result_of
from extcal.fetch.http.loop import Loop

__all__ = ["EventLoop", "NotFinished"]

_Found = TypeVar("_Found")
_LEAVING = 0.9  # seconds; a program that is told to end must end
_HELPERS = 16  # threads that look into a store or decode events for tasks
_CLOSED = (
    "an AsyncCalendarCache works inside its block: async with AsyncCalendarCache() as calendars"
)
_ELSEWHERE = (
    "this AsyncCalendarCache is used in another event loop than the one in which its block was "
    "entered; each loop needs a cache of its own, and they may share a store"
)


class NotFinished(Exception):
    """A task on the loop was cancelled: the block ends, or other code cancelled it."""


class EventLoop(Loop):
    """One event loop, from the moment a block is entered until it is left.

    ``ending``: the block is being left.
    """

    def __init__(self) -> None:
        super().__init__()
        self.ending = False
        self._thread = get_ident()
        self._helpers = anyio.CapacityLimiter(_HELPERS)
        self._threads = Watch(0.0)
        self._group = anyio.create_task_group()
        self._running: set[Future[Any]] = set()
        self._wanted: deque[Callable[[], None]] = deque()
        self._news = anyio.Event()

    async def open(self) -> None:
        """Start the task group; everything that runs on the loop is a task of the block."""
        await self._group.__aenter__()
        self._group.start_soon(self._serve, name="extcal-host")

    async def close(self, end: Callable[[], object]) -> None:
        """Cancel the tasks on the loop and wait for them; then run ``end`` in a thread.

        ``end`` is not waited for if something in it hangs: it goes on in its thread.
        """
        self._group.cancel_scope.cancel()
        try:
            # Without the error of the block: the task group would wrap it in an ExceptionGroup.
            await self._group.__aexit__(None, None, None)
        finally:
            self._give_up()
            with anyio.move_on_after(_LEAVING, shield=True):
                await self.in_thread(end)

    def owns_this_thread(self) -> bool:
        """Whether the caller runs in the thread of the loop; callable from any thread."""
        return get_ident() == self._thread

    def require(self) -> None:
        """Raise RuntimeError outside of the block, and in any other event loop."""
        if not self.runs_here():
            raise RuntimeError(_ELSEWHERE)
        if self.ending:
            raise RuntimeError(_CLOSED)

    async def in_thread(self, call: Callable[[], _Found]) -> _Found:
        """Run ``call`` in a thread. A task that is cancelled does not wait for the thread.

        It is a daemon thread, unlike anyio's: a call that hangs does not keep a program from
        ending. If the system allows no more threads, the loop itself runs ``call``.
        """
        done = anyio.Event()
        answers: list[tuple[object, BaseException | None]] = []

        def deliver(answer: tuple[object, BaseException | None]) -> None:
            answers.append(answer)
            self.post(done.set)

        async with self._helpers:
            try:
                if not self._threads.begin(call, deliver):
                    raise Late
            except (MemoryError, RuntimeError):
                return call()
            await done.wait()
        return cast("_Found", result_of(answers.pop()))

    async def landed(self, flight: Flight, seconds: float) -> None:
        """Wait until ``flight`` has ended, but no longer than ``seconds``."""
        if not flight.done():
            event = anyio.Event()
            flight.add_done_callback(lambda _: self.post(event.set))
            with anyio.move_on_after(max(seconds, 0.0)):
                await event.wait()

    def post(self, call: Callable[[], object]) -> bool:
        """From any thread: let the loop call ``call`` soon. False if the loop has ended."""
        there = super().post(call)
        if not there:
            self._give_up()
        return there

    def start(self, work: Callable[[], Awaitable[_Found]]) -> Future[_Found]:
        """From any thread: run ``work`` as a task of the block.

        The future has what ``work`` returns or raises, or NotFinished if it is cancelled.
        """
        done: Future[_Found] = Future()
        self._running.add(done)
        done.add_done_callback(self._running.discard)

        def start() -> None:
            self._group.start_soon(_work, work, done, name="extcal-host")

        if self.ending:
            _refuse(done)
        else:
            self.post(partial(self._want, start))
        return done

    def _want(self, start: Callable[[], None]) -> None:
        self._wanted.append(start)
        self._news.set()

    async def _serve(self) -> None:
        """Start the tasks that threads want. A loop lets only a task start another task."""
        while True:
            self._news = anyio.Event()
            while self._wanted:
                self._wanted.popleft()()
            await self._news.wait()

    def _give_up(self) -> None:
        for done in list(self._running):
            _refuse(done)


async def _work(work: Callable[[], Awaitable[_Found]], done: Future[_Found]) -> None:
    try:
        found = await work()
    except Exception as error:
        with suppress(InvalidStateError):
            done.set_exception(error)
    except BaseException as error:
        _refuse(done)
        ending = anyio.current_effective_deadline() == -math.inf
        if ending or not _only_cancelled(error):
            raise
        # Other code cancelled what the application's coroutine waited for. Only this call fails. If
        # the task ended as cancelled, the task group would cancel the whole block.
    else:
        with suppress(InvalidStateError):
            done.set_result(found)


def _only_cancelled(error: BaseException) -> bool:
    cancelled = anyio.get_cancelled_exc_class()
    if isinstance(error, BaseExceptionGroup):
        return error.split(cancelled)[1] is None
    return isinstance(error, cancelled)


def _refuse(done: Future[Any]) -> None:
    with suppress(InvalidStateError):
        done.set_exception(NotFinished())
