"""Conversion between local time and instants, in whole seconds, inside and outside of tables.

Local time is counted like an epoch: seconds since 1970-01-01T00:00:00 of the zone's own calendar.
RFC 5545 section 3.3.5 decides where clocks change. A local time in a gap takes the offset before
the gap, so it moves forward. A local time that occurs twice means the first one. Every year from 1
to 9999 works; results are clamped to what a datetime can hold.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class ZoneRules(Protocol):
        """The rules of a zone: a table for the window, and slower methods for any other time."""

        def table(self, lo: int, hi: int) -> TransitionTable:
            """A table that covers at least [lo, hi), or the part of it that is worth one."""
            ...

        def to_epoch(self, local: int) -> int:
            """The instant of a local second of any year."""
            ...

        def to_local(self, epoch: int) -> int:
            """The local second of an instant of any year."""
            ...

        def elapsed(self, first: int, last: int) -> int:
            """How many seconds pass from one local second to another one, of any years."""
            ...


__all__ = [
    "DAY",
    "FIRST",
    "LAST",
    "MARGIN",
    "FixedRules",
    "TransitionTable",
    "TzinfoRules",
    "ZoneRules",
    "clamp",
]

DAY = 86_400
FIRST = -62_135_596_800  # 0001-01-01T00:00:00
LAST = 253_402_300_799  # 9999-12-31T23:59:59
MARGIN = 2 * DAY  # every offset is below a day, so local and epoch differ by less
AD_1950 = -631_152_000
AD_2100 = 4_102_444_800
YEAR = 366 * DAY
_WORTH_A_TABLE = 50  # as many single conversions cost as much as a table of a year
LONGEST_TABLE = 30 * 366 * DAY
_QUARTER = 900
_SECOND = timedelta(0, 1)


def clamp(seconds: int) -> int:
    """The nearest second that lies in years 1 to 9999."""
    return min(max(seconds, FIRST), LAST)


class TransitionTable:
    """The offsets in ``[low, high)``, for local seconds and for epoch seconds.

    ``offsets`` is one longer than ``instants`` (epoch seconds of the transitions) and ``switches``
    (the local second from which the later offset applies).
    """

    __slots__ = ("high", "instants", "low", "offsets", "switches")

    def __init__(self, low: int, high: int, first: int, transitions: list[tuple[int, int]]) -> None:
        self.low, self.high = low, high
        self.instants: list[int] = []
        self.switches: list[int] = []
        self.offsets = [first]
        switch = FIRST - DAY
        for instant, offset in transitions:
            before = self.offsets[-1]
            if offset == before:
                continue
            # In a gap and in a fold the later offset applies from the larger of the two local
            # times.
            switch = max(switch, instant + max(before, offset))
            self.instants.append(instant)
            self.switches.append(switch)
            self.offsets.append(offset)

    def to_epoch(self, local: int) -> int:
        """The instant of a local second."""
        return local - self.offsets[bisect_right(self.switches, local)]

    def to_local(self, epoch: int) -> int:
        """The local second of an instant."""
        return epoch + self.offsets[bisect_right(self.instants, epoch)]


class FixedRules:
    """One offset for all times, in seconds east of UTC."""

    __slots__ = ("_offset",)

    def __init__(self, offset: int) -> None:
        self._offset = offset

    def table(self, lo: int, hi: int) -> TransitionTable:
        return TransitionTable(FIRST + DAY, LAST - DAY, self._offset, [])

    def to_epoch(self, local: int) -> int:
        return clamp(local - self._offset)

    def to_local(self, epoch: int) -> int:
        return clamp(epoch + self._offset)

    def elapsed(self, first: int, last: int) -> int:
        return self.to_epoch(last) - self.to_epoch(first)


class TzinfoRules:
    """The rules of a ``ZoneInfo``, or of any other tzinfo that a caller passed."""

    __slots__ = ("_asked", "_base", "_is_zone", "_tables", "_tzinfo", "_utcoffset", "_years")

    def __init__(self, zone: tzinfo) -> None:
        self._tzinfo = zone
        self._is_zone = isinstance(zone, ZoneInfo)
        # The method of datetime checks what that of its tzinfo gives, which takes longer than that.
        utcoffset: Callable[[datetime], timedelta | None] = datetime.utcoffset
        self._utcoffset = zone.utcoffset if self._is_zone else utcoffset
        self._asked: dict[int, int] = {}
        self._years: dict[int, TransitionTable] = {}
        self._tables: dict[tuple[int, int], TransitionTable] = {}
        self._base = datetime(1970, 1, 1, tzinfo=zone)

    def offset_at(self, epoch: int) -> int:
        """The offset in force at an instant, in seconds east of UTC."""
        inside = min(max(epoch, FIRST + MARGIN), LAST - MARGIN)
        # fromtimestamp would fail before 1970 on some systems.
        return _seconds(self._utcoffset(self._tzinfo.fromutc(self._base + _SECOND * inside)))

    def _offset(self, local: int) -> int:
        """The offset in force at a local second."""
        return _seconds(self._utcoffset(self._base + _SECOND * local))

    def table(self, lo: int, hi: int) -> TransitionTable:
        """Made once for each stretch: zones with different sources share these rules."""
        table = self._tables.get((lo, hi))
        if table is None:
            table = self._tables[lo, hi] = self._sampled(lo, hi)
        return table

    def _sampled(self, lo: int, hi: int) -> TransitionTable:
        """Found by sampling, then bisecting between samples that differ.

        Two transitions that cancel each other out between two samples would be missed. The closest
        such pair in tzdata was 3.98 days apart in 1939, and 6.9 days since 1950. Samples are closer
        together than that.
        """
        lo = min(max(lo, FIRST + 2 * MARGIN), LAST - 30 * DAY)
        hi = min(max(hi, lo), lo + LONGEST_TABLE, LAST - 20 * DAY)
        step = 6 * DAY if lo > AD_1950 else 3 * DAY
        base, fromutc, utcoffset = self._base, self._tzinfo.fromutc, self._utcoffset

        def offset_at(epoch: int) -> timedelta | None:
            return utcoffset(fromutc(base + _SECOND * epoch))

        start = lo - MARGIN
        before = offset_at(start)
        first = _seconds(before)
        transitions: list[tuple[int, int]] = []
        sample, further = base + _SECOND * start, _SECOND * step
        while start < hi + MARGIN:
            end = start + step
            sample += further
            after = utcoffset(fromutc(sample))
            while before != after:
                start = _first_change(offset_at, start, end, before)
                before = offset_at(start)
                transitions.append((start, _seconds(before)))
            start = end
        return TransitionTable(lo, hi, first, transitions)

    def to_epoch(self, local: int) -> int:
        year = self._years.get(local // YEAR)
        if year is None and AD_1950 < local < AD_2100:
            year = self._year(local)
            if year is None and self._is_zone:  # fold=0 is what section 3.3.5 asks for
                return local - self._offset(local)
        if year is not None:
            return local - year.offsets[bisect_right(year.switches, local)]
        inside = min(max(local, FIRST + MARGIN), LAST - MARGIN)
        if self._is_zone:
            return clamp(local - self._offset(inside))
        # For other tzinfos only instants are used: some of them misread local times in a gap.
        before, after = self.offset_at(inside - DAY), self.offset_at(inside + DAY)
        for offset in (before, after):
            if self.offset_at(inside - offset) == offset:
                return clamp(local - offset)
        return clamp(local - before)

    def elapsed(self, first: int, last: int) -> int:
        if self._is_zone and AD_1950 < first < AD_2100 and AD_1950 < last < AD_2100:
            base, utcoffset = self._base, self._utcoffset
            if utcoffset(base + _SECOND * first) == utcoffset(base + _SECOND * last):
                return last - first  # usual, and no table is worth it
        return self.to_epoch(last) - self.to_epoch(first)

    def to_local(self, epoch: int) -> int:
        year = self._years.get(epoch // YEAR)
        if year is None and AD_1950 < epoch < AD_2100:
            year = self._year(epoch)
        return clamp(epoch + self.offset_at(epoch)) if year is None else year.to_local(epoch)

    def _year(self, seconds: int) -> TransitionTable | None:
        """A table of a year outside the window, built once enough conversions have needed it."""
        number = seconds // YEAR
        asked = self._asked[number] = self._asked.get(number, 0) + 1
        if asked <= _WORTH_A_TABLE:
            return None
        table = self._years[number] = self._sampled(number * YEAR, (number + 1) * YEAR)
        return table


def _seconds(offset: timedelta | None) -> int:
    if offset is None:
        raise ValueError("the timezone has no UTC offset; pass a tzinfo whose utcoffset() has one")
    return offset.days * DAY + offset.seconds


def _first_change(
    offset_at: Callable[[int], timedelta | None], start: int, end: int, before: timedelta | None
) -> int:
    """The first instant in (start, end] at which the offset is no longer ``before``.

    Clocks change at whole quarters of an hour, with few exceptions, so these are tried first.
    """
    for step in (_QUARTER, 1):
        first, last = start // step, -(-end // step)
        while last - first > 1:
            middle = (first + last) // 2
            if offset_at(middle * step) == before:
                first = middle
            else:
                last = middle
        start, end = max(start, first * step), min(end, last * step)
        if offset_at(end - 1) == before:
            break
    return end
