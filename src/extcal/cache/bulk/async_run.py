"""Many feeds for tasks: each result when it is there.

The iterator yields nothing inside a cancel scope of its own, so a task may stop iterating at any
point. Fetches that are under way then go on, and their results are stored.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Protocol

import anyio
from anyio.lowlevel import checkpoint

from extcal.cache.bulk.plan import Result
from extcal.cache.bulk.under_way import UnderWay

__all__ = ["results"]

_CLOSED = "the block of this AsyncCalendarCache has ended, and with it what was under way"


class BlockLoop(Protocol):
    """What is used here of the event loop of the ``async with`` block."""

    ending: bool

    def post(self, call: Callable[[], object]) -> bool: ...

    async def in_thread(self, call: Callable[[], list[int]]) -> list[int]: ...


async def results(loop: BlockLoop, work: UnderWay, *, blocking: bool) -> AsyncIterator[Result]:
    """What :meth:`extcal.AsyncCalendarCache.refresh_many` yields.

    ``blocking``: a look-up may block, and is done in a thread.
    """
    arrivals = _Arrivals(loop)
    with work.bar as shown:
        while True:
            some = work.wanted(arrived=bool(arrivals.numbers))
            begin = partial(work.begin, some, arrivals.add_soon)
            # Several look-ups take time, even in memory.
            there = await loop.in_thread(begin) if blocking or len(some) > 1 else begin()
            arrivals.numbers += there
            if not work:
                return
            number = await arrivals.next(*work.oldest())
            if loop.ending:
                raise RuntimeError(_CLOSED)
            result = work.end(number)
            if result is None:
                continue
            yield result
            if shown is not None:
                shown.update()
            await checkpoint()


class _Arrivals:
    """Numbers in the order in which they arrive, for one task that waits for them."""

    def __init__(self, loop: BlockLoop) -> None:
        self.numbers: deque[int] = deque()
        self._loop = loop
        self._news: anyio.Event | None = None

    def add_soon(self, number: int) -> None:
        """Add a number, from any thread."""
        self._loop.post(partial(self._add, number))

    def _add(self, number: int) -> None:
        self.numbers.append(number)
        if self._news is not None:
            self._news.set()

    async def next(self, oldest: int, seconds: float) -> int:
        """The next number; ``oldest`` if none arrives within ``seconds``."""
        if not self.numbers:
            self._news = anyio.Event()
            with anyio.move_on_after(seconds):
                await self._news.wait()
        return self.numbers.popleft() if self.numbers else oldest
