"""A naive engine for hours, slots and groups: it looks at every minute by itself.

It shares nothing with extcal: minutes since 1970 are integers, time is sets of minutes, the clock
on the wall is ``datetime.fromtimestamp``. It is slow and short, and everything in it is in whole
minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
    hours: Hours | None = None

    def free(self, at: int) -> bool:
        return self.lo <= at < self.hi and at not in self.blocked and at not in self.unknown


@dataclass
class Question:
    """Who has to be free for how long, and where slots begin; everything in minutes."""

    people: dict[str, Person]
    conditions: list[tuple[int, list[str]]]
    length: int
    before: int = 0
    after: int = 0
    step: int | None = None
    align: str = "midnight"
    zone: str = "UTC"
    earliest: int | None = None
    latest: int | None = None
    per_day: int | None = None

    @property
    def first(self) -> int:
        return min(person.lo for person in self.people.values())

    @property
    def last(self) -> int:
        return max(person.hi for person in self.people.values())

    def open_minutes(self, person: Person) -> set[int]:
        lo, hi = self.first - 2 * DAY, self.last
        if person.hours is None:
            return {*range(lo, hi)}
        key = f"{person.hours!r} {lo} {hi}"
        if key not in _OPEN:
            _OPEN[key] = person.hours.minutes(lo, hi)
        return _OPEN[key]

    def who(self) -> dict[int, list[str]]:
        """Who is free for a whole slot that begins in each minute."""
        found: dict[int, list[str]] = {at: [] for at in range(self.first, self.last)}
        for name, person in self.people.items():
            opened = self.open_minutes(person) & {*range(person.lo, person.hi)}
            taken = (person.blocked & {*range(person.lo, person.hi)}) | (
                person.unknown & {*range(person.lo, person.hi)}
            )
            margin = self.before + self.after + self.length
            shut_at = _next(self.first - margin, self.last + margin, lambda at: at not in opened)  # noqa: B023
            busy_at = _next(self.first - margin, self.last + margin, lambda at: at in taken)  # noqa: B023
            for at, names in found.items():
                end = at + self.length
                if shut_at[at] >= end and busy_at[at - self.before] >= end + self.after:
                    names.append(name)
        return found

    def starts(self) -> list[int]:
        """The minutes in which a slot may begin, before they are laid."""
        return [
            at
            for at, names in self.who().items()
            if all(len({*names} & {*those}) >= least for least, those in self.conditions)
            and (self.earliest is None or at >= self.earliest)
            and (self.latest is None or at + self.length <= self.latest)
        ]

    def slots(self) -> list[int]:
        """The starts of the slots."""
        kept: list[int] = []
        days: dict[date, int] = {}
        shown = wall(self.zone, self.first, self.last)
        anchored = self.since_anchor()
        for at in self.starts():
            if self.step is None or anchored[at] % self.step:
                continue
            day = shown[at - self.first].date()
            days[day] = days.get(day, 0) + 1
            if self.per_day is None or days[day] <= self.per_day:
                kept.append(at)
        return kept

    def since_anchor(self) -> dict[int, int]:
        """Minutes since that from which slots are laid, for every minute."""
        shown = dict(
            enumerate(wall(self.zone, self.first - 2 * DAY, self.last), self.first - 2 * DAY)
        )
        if self.align == "midnight":
            return {at: local.hour * 60 + local.minute for at, local in shown.items()}
        if self.align == "earliest":
            assert self.earliest is not None
            return {at: at - self.earliest for at in shown}
        open_for = {name: self.open_minutes(person) for name, person in self.people.items()}
        opened = {
            at
            for at in shown
            if all(
                sum(at in open_for[name] for name in names) >= least
                for least, names in self.conditions
            )
        }
        found: dict[int, int] = dict.fromkeys(shown, -1)
        for start, end in spans(opened):
            anchor = start
            for at in range(start, end):
                if end - start > DAY and (shown[at].hour, shown[at].minute) == (0, 0):
                    anchor = at
                found[at] = at - anchor
        return found


_OPEN: dict[str, set[int]] = {}  # few hours are asked about again and again


def _next(lo: int, hi: int, holds: Callable[[int], bool]) -> dict[int, int]:
    """For every minute of ``[lo, hi)`` the next one, itself included, in which something holds."""
    found: dict[int, int] = {}
    following = hi
    for at in range(hi - 1, lo - 1, -1):
        following = at if holds(at) else following
        found[at] = following
    return found
