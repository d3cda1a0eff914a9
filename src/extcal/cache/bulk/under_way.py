"""Many feeds in this process: what is under way, for threads and for tasks.

The feeds are looked up in batches, with one call of the store. What is not fresh joins the flights
of the cache, so no thread waits for a single feed. The driver (``run`` for threads, ``async_run``
for tasks) waits until one arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import count
from time import monotonic

from extcal.cache.bulk.plan import Queue, Result
from extcal.cache.bulk.progress import Bar
from extcal.cache.freshness.values import Raise
from extcal.cache.refresh.single_flight import Promise
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.errors import Unavailable
from extcal.fetch.feed import Feed
from extcal.values import NamedTuple

__all__ = ["UnderWay"]


class _Begun(NamedTuple):
    feed: Feed
    promise: Promise
    until: float


class UnderWay:
    """The feeds of one ``refresh_many`` that have begun, each by a number.

    ``look``: looks several feeds up in the cache. ``outcome``: makes a result of an answer.
    ``patience``: seconds to wait for one feed. ``bar``: shows the progress.
    """

    def __init__(
        self,
        queue: Queue,
        look: Callable[[Sequence[Feed]], list[Promise]],
        outcome: Callable[[Snapshot | Raise], Snapshot | Unavailable],
        patience: float,
        bar: AbstractContextManager[Bar] | None,
    ) -> None:
        self.bar: AbstractContextManager[Bar | None] = nullcontext() if bar is None else bar
        self._queue = queue
        self._look = look
        self._outcome = outcome
        self._patience = patience
        self._numbers = count()
        self._entries: dict[int, _Begun] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def wanted(self, *, arrived: bool) -> list[Feed]:
        """The feeds to :meth:`begin` now. ``arrived``: there are results to pass on first.

        Then single feeds wait, until a batch of them can be looked up at once.
        """
        return self._queue.take_batch(least=1 if not arrived else None)

    def begin(self, some: Sequence[Feed], arrived: Callable[[int], object]) -> list[int]:
        """Look ``some`` up. Returns the numbers of those that are answered already.

        ``arrived``: called with the number of each other one when it has landed, in any thread.
        """
        found = []
        for feed, promise in zip(some, self._look(some) if some else (), strict=True):
            number = next(self._numbers)
            self._entries[number] = _Begun(feed, promise, monotonic() + self._patience)
            if promise.flight is None:
                found.append(number)
            else:
                promise.flight.add_done_callback(partial(_landed, arrived, number))
        return found

    def oldest(self) -> tuple[int, float]:
        """The number that began first, and how many more seconds to wait for it."""
        number = next(iter(self._entries))
        return number, max(self._entries[number].until - monotonic(), 0.0)

    def end(self, number: int) -> Result | None:
        """The result for ``number``; None if it had one before: a timeout, and then it landed.

        Raises what a store raised.
        """
        entry = self._entries.pop(number, None)
        if entry is None:
            return None
        self._queue.done([entry.feed])
        return Result(entry.feed, self._outcome(entry.promise.wait(0.0)))


def _landed(arrived: Callable[[int], object], number: int, _: object) -> None:
    arrived(number)
