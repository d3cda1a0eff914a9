"""Many feeds for tasks: a bounded number under way at a time, each result when it is there.

The iterator yields nothing inside a cancel scope of its own, so a task may stop iterating at any
point. Fetches that are under way then go on, and their results are stored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import count
from time import monotonic
from typing import NamedTuple, Protocol, TypeAlias

import anyio
from anyio.lowlevel import checkpoint

from extcal.cache.bulk.plan import Queue, Result
from extcal.cache.bulk.progress import Bar
from extcal.cache.freshness.values import Raise
from extcal.cache.refresh.single_flight import Promise
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.errors import Unavailable
from extcal.fetch.feed import Feed

__all__ = ["results"]

_Look: TypeAlias = "Callable[[Sequence[Feed]], Awaitable[list[Promise]]]"
_CLOSED = "the block of this AsyncCalendarCache has ended, and with it what was under way"
_AT_ONCE = 1_000_000


class BlockLoop(Protocol):
    """What is used here of the event loop of the ``async with`` block."""

    ending: bool

    def post(self, call: Callable[[], object]) -> bool: ...


class _UnderWay(NamedTuple):
    feed: Feed
    promise: Promise
    until: float


async def results(
    loop: BlockLoop,
    look: _Look,
    outcome: Callable[[Snapshot | Raise], Snapshot | Unavailable],
    queue: Queue,
    patience: float,
    bar: AbstractContextManager[Bar] | None,
) -> AsyncIterator[Result]:
    """What :meth:`extcal.AsyncCalendarCache.refresh_many` yields."""
    under_way: dict[int, _UnderWay] = {}
    numbers = count()
    arrivals = _Arrivals()
    with bar or nullcontext() as shown:
        while True:
            some = queue.take(_AT_ONCE)
            for feed, promise in zip(some, await look(some) if some else (), strict=True):
                number = next(numbers)
                under_way[number] = _UnderWay(feed, promise, monotonic() + patience)
                if promise.flight is None:
                    arrivals.add(number)
                else:
                    promise.flight.add_done_callback(partial(arrivals.add_soon, loop, number))
            if not under_way:
                return
            number = await arrivals.next(oldest := next(iter(under_way)), under_way[oldest].until)
            if loop.ending:
                raise RuntimeError(_CLOSED)
            found = under_way.pop(number, None)
            if found is None:
                continue  # its timeout was answered before the flight ended
            queue.done([found.feed])
            yield Result(found.feed, outcome(found.promise.wait(0.0)))
            if shown is not None:
                shown.update()
            await checkpoint()


class _Arrivals:
    """Numbers in the order in which they arrive, for one task that waits for them."""

    def __init__(self) -> None:
        self._numbers: deque[int] = deque()
        self._news: anyio.Event | None = None

    def add(self, number: int) -> None:
        self._numbers.append(number)
        if self._news is not None:
            self._news.set()

    def add_soon(self, loop: BlockLoop, number: int, _: object) -> None:
        """The same from another thread, when a flight has ended."""
        loop.post(partial(self.add, number))

    async def next(self, oldest: int, until: float) -> int:
        """The next number; ``oldest`` if none arrives before ``until`` (monotonic seconds)."""
        if not self._numbers:
            self._news = anyio.Event()
            with anyio.move_on_after(max(until - monotonic(), 0.0)):
                await self._news.wait()
        return self._numbers.popleft() if self._numbers else oldest
