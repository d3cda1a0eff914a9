"""A naive engine for hours, slots and groups: it looks at every minute by itself.

It shares nothing with extcal: minutes since 1970 are integers, time is sets of minutes, the clock
on the wall is ``datetime.fromtimestamp``. It is slow and short, and everything in it is in whole
minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

DAY = 1440


def minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


@cache
def wall(zone: str, first: int, last: int) -> list[datetime]:
    """What the clock shows in each minute."""
    place = ZoneInfo(zone)
    return [
        datetime.fromtimestamp(at * 60, place).replace(tzinfo=None) for at in range(first, last)
    ]


def reached(zone: str, first: int, last: int, local: datetime) -> int:
    """The first minute from ``first`` on at which the clock shows ``local`` or later."""
    for at, shown in enumerate(wall(zone, first, last), first):
        if shown >= local:
            return at
    return last


@dataclass
class Hours:
    """Hours of some weekdays (Monday is 0); times in minutes of the day, past 1440 the next."""

    zone: str
    days: set[int]
    start: int
    end: int
    first: date = date.min
    last: date = date.max
    closed: set[date] = field(default_factory=set)
    opened: list[tuple[date, int, int]] = field(default_factory=list)

    def minutes(self, lo: int, hi: int) -> set[int]:
        """The minutes of ``[lo, hi)`` in which these hours are open."""
        before, behind = lo - 4 * DAY, hi + 4 * DAY
        days = sorted({shown.date() for shown in wall(self.zone, before, behind)})
        today = [(day, self.start, self.end) for day in days if self.usual(day)] + self.opened
        found: set[int] = set()
        for day, start, end in today:
            midnight = datetime.combine(day, time())
            opens = reached(self.zone, before, behind, midnight + timedelta(minutes=start))
            closes = reached(self.zone, before, behind, midnight + timedelta(minutes=end))
            found.update(range(opens, closes))
        return found & {*range(lo, hi)}

    def usual(self, day: date) -> bool:
        return (
            day.weekday() in self.days
            and self.first <= day <= self.last
            and day not in self.closed
            and day not in {opened for opened, _, _ in self.opened}
        )


def spans(minutes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Minutes as spans that do not touch."""
    ordered = sorted(minutes)
    start = previous = None
    for at in ordered:
        if previous is None or at != previous + 1:
            if start is not None and previous is not None:
                yield start, previous + 1
            start = at
        previous = at
    if start is not None and previous is not None:
        yield start, previous + 1


@dataclass
class Person:
    """What is known of somebody in ``[lo, hi)``: minutes that are blocked, and unknown ones."""

    lo: int
    hi: int
    blocked: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)

    def free(self, at: int) -> bool:
        return self.lo <= at < self.hi and at not in self.blocked and at not in self.unknown
