"""What the clock on the wall shows in a zone, as integers.

What comes in: a tzinfo, epoch seconds, and local seconds (seconds since 1970-01-01 00:00 of the
local calendar, no zone). What goes out: epoch seconds. The zone is always an argument; the
machine's own is never asked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from itertools import accumulate

from extcal.intervals.instants import DAY, FIRST, LAST
from extcal.values import NamedTuple

__all__ = ["Stretch", "WallClock"]

# No zone of tzdata changes its offset twice within six days (Boa Vista in October 2000 comes
# closest), so between two looks this far apart there is one change at most.
_STRIDE = 3 * DAY
_CALENDAR = datetime(1970, 1, 1)
_SECOND = timedelta(seconds=1)


class Stretch(NamedTuple):
    """Epoch seconds ``[start, end)`` in which local seconds are epoch seconds plus ``offset``."""

    start: int
    end: int
    offset: int


class WallClock:
    """The wall clock of ``zone`` over ``[lo, hi)`` in epoch seconds."""

    __slots__ = ("_hi", "_reached", "stretches")

    def __init__(self, zone: tzinfo, lo: int, hi: int) -> None:
        self.stretches = _stretches(zone, lo, hi)
        self._hi = hi
        # The latest time shown by the end of each stretch; set back or not, it never falls.
        self._reached = list(accumulate((end + offset for _, end, offset in self.stretches), max))

    def first_showing(self, local: int) -> int:
        """Return the first instant at which the clock shows ``local`` or later, ``hi`` if none.

        A time that is skipped is reached when the clock jumps over it; one that comes twice is
        reached the first time. So the answer never falls as ``local`` grows.
        """
        index = bisect_right(self._reached, local)
        if index == len(self.stretches):
            return self._hi
        start, _, offset = self.stretches[index]
        return max(start, local - offset)

    def shown(self, instant: int) -> int:
        """Return the local seconds that the clock shows at an instant of the window."""
        index = bisect_right(self.stretches, instant, key=lambda stretch: stretch.end)
        return instant + self.stretches[index].offset

    def multiples(self, step: int, first: int, last: int) -> Iterator[int]:
        """Return the instants from ``first`` to ``last`` at which the clock shows a round time.

        Round are the multiples of ``step`` seconds from 00:00, and again from the next 00:00. A
        time that is skipped is never shown, one that comes twice is shown twice.
        """
        index = bisect_right(self.stretches, first, key=lambda stretch: stretch.end)
        for start, end, offset in self.stretches[index:]:
            if start > last:
                return
            begin, stop = max(start, first), min(end, last + 1)
            for midnight in range(begin - (begin + offset) % DAY, stop, DAY):
                skipped = max(0, begin - midnight)
                yield from range(
                    midnight + skipped + -skipped % step, min(midnight + DAY, stop), step
                )


def _stretches(zone: tzinfo, lo: int, hi: int) -> list[Stretch]:
    found: list[Stretch] = []
    start, offset = lo, _offset(zone, lo)
    for looked in range(lo, hi, _STRIDE):
        ahead = min(looked + _STRIDE, hi - 1)
        following = _offset(zone, ahead)
        if following != offset:
            change = _change(zone, looked, ahead, offset)
            found.append(Stretch(start, change, offset))
            start, offset = change, following
    found.append(Stretch(start, hi, offset))
    return found


def _change(zone: tzinfo, before: int, after: int, offset: int) -> int:
    """Return the first second after ``before``, up to ``after``, that has another offset."""
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: tzinfo, seconds: int) -> int:
    # Two days of room, so that no local time leaves the years that a datetime can hold.
    seconds = min(max(seconds, FIRST + 2 * DAY), LAST - 2 * DAY)
    instant = (_CALENDAR + timedelta(seconds=seconds)).replace(tzinfo=zone)
    ahead = zone.fromutc(instant).utcoffset()
    if ahead is None:
        raise ValueError(f"{zone!r} gives no offset from UTC: it is not a time zone")
    return ahead // _SECOND
