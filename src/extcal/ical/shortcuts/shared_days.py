"""Steady series: what many series of one feed have in common is computed once.

In: an event that recurs on days by one rule, begun before the window and without an end near it.
Out: its instances as columns; or None, and then ``series`` computes them.

Which days such a rule chooses depends on DTSTART only by its *phase*: what the rule takes from
DTSTART, and which of INTERVAL's periods DTSTART lies in. Series of one rule and one phase share
their days, and those that also share their time of day, zone and length share their instances.
The days come from ``recurrence``, for a DTSTART at midnight; they cost each series the steps that
they cost the first. ``tests/ical/test_steady.py`` holds that ``series`` gives the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from extcal.ical import recurrence
from extcal.ical.budget import Work
from extcal.ical.events.times import DAY, Extent, Moment
from extcal.ical.events.vevent import Event
from extcal.ical.recurrence.days import civil, day_number, month_length
from extcal.ical.series.instances import Columns, distinct, planned_at
from extcal.ical.zones.resolve import Zone
from extcal.intervals import FBType

__all__ = ["Steady"]

_LONGEST = DAY  # of an instance
_OFFSET = DAY  # no zone is as far from UTC
_UNITS = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})

_NONE = Columns((), (), ())

_Phase = int | tuple[int, ...]


class _Days(NamedTuple):
    """The days of one phase of a rule as local midnights, and the steps they cost."""

    midnights: Sequence[int]
    steps: int


class _Pattern:
    """A rule, what tells the phases of its series apart, and the days of those met so far.

    ``by_date``: DTSTART's month and day count, not only its period.
    """

    __slots__ = (
        "by_date",
        "days",
        "interval",
        "is_anniversary",
        "is_steady",
        "rule",
        "unit",
        "week_start",
    )

    def __init__(self, rule: recurrence.Rule, last: int) -> None:
        self.rule = rule
        self.is_steady = (
            rule.freq in _UNITS
            and rule.readable
            and rule.count is None
            and (rule.until is None or rule.until.seconds >= last + _OFFSET)
            and not (rule.by_hour or rule.by_minute or rule.by_second or rule.by_week_no)
        )
        self.days: dict[_Phase, _Days] = {}
        self.interval = rule.interval
        self.week_start = rule.week_start
        self.unit = rule.freq
        self.by_date = not (rule.by_month_day or rule.by_year_day or rule.by_day)
        self.is_anniversary = (
            rule.freq == "YEARLY" and self.by_date and not rule.by_month and rule.skip == "OMIT"
        )

    def phase(self, day: int) -> _Phase:
        """The phase of a series whose DTSTART lies on this day."""
        if self.unit == "DAILY":
            return day % self.interval
        if self.unit == "WEEKLY":
            week = (day + 3 - self.week_start) // 7 % self.interval
            return (week, day % 7) if self.by_date else week
        if self.interval == 1 and not self.by_date:
            return 0
        year, month, day_of_month = civil(day)
        if self.unit == "MONTHLY":
            period = (year * 12 + month) % self.interval
            return (period, day_of_month) if self.by_date else period
        period = year % self.interval
        return (period, month, day_of_month) if self.by_date else period


class Steady:
    """The steady series of one feed around one window ``[lo, hi)`` of epoch seconds."""

    __slots__ = (
        "_added",
        "_first",
        "_hi",
        "_known",
        "_last",
        "_lo",
        "_patterns",
        "_work",
        "_years",
    )

    def __init__(self, lo: int, hi: int, work: Work) -> None:
        self._lo, self._hi, self._work = lo, hi, work
        first, last = lo - _LONGEST - _OFFSET, hi + _OFFSET
        # Every instance that touches the window starts on a day of this one.
        self._first, self._last = first - first % DAY, last - last % -DAY
        self._years = range(civil(self._first // DAY)[0], civil(self._last // DAY - 1)[0] + 1)
        self._patterns: dict[int, _Pattern] = {}
        self._known: dict[tuple[int, int, Zone, Extent], tuple[Sequence[int], Columns]] = {}
        self._added: dict[tuple[int, Zone, Extent, FBType], dict[int, Sequence[int]]] = {}

    def columns(self, event: Event) -> Columns | None:
        """Return the instances that touch the window, or None where ``series`` has to find them.

        Series that have them in common are given the same object.
        """
        gone = self._gone(event)
        found = None if gone is None else self.midnights(event)
        if found is None or gone is None:
            return None
        if not found:
            return _NONE
        if gone:
            return self._placed(event.start, event.extent, found, gone)
        start, extent = event.start, event.extent
        key = (id(found), start.local % DAY, start.zone, extent)
        known = self._known.get(key)
        if known is None:
            columns = self._placed(start, extent, found, ())
            self._known[key] = found, columns  # the days too: else another's might get their id
            return columns
        return known[1]

    def midnights(self, event: Event) -> Sequence[int] | None:
        """Return the local midnights of the days on which instances start, EXDATEs included.

        They are all that may touch the window and a few more, in order. None as in ``columns``.
        """
        extent = event.extent
        local = event.start.local
        if (
            len(event.rules) != 1
            or event.recurrence_id is not None  # the rule of an override is none
            or local >= self._first
            or extent.days * DAY + extent.seconds > _LONGEST
            or event.rdates
            or event.exrules
            or event.others
        ):
            return None
        rule = event.rules[0]
        # A feed's equal rules are nearly always one object, and its hash is that of many fields.
        pattern = self._patterns.get(id(rule))
        if pattern is None:
            pattern = self._patterns[id(rule)] = _Pattern(rule, self._last)
        if not pattern.is_steady:
            return None
        day = local // DAY
        found: _Days | None
        if pattern.is_anniversary:
            found = self._anniversaries(pattern, day)
        else:
            phase = pattern.phase(day)
            found = pattern.days.get(phase) or self._chosen(pattern, phase, day)
        if found is None or not self._paid(found):
            return None
        return found.midnights

    def add(self, event: Event, midnights: Sequence[int], fbtype: FBType) -> None:
        """Let an event without EXDATEs take place on these days, all together."""
        start = event.start
        key = (start.local % DAY, start.zone, event.extent, fbtype)
        several = self._added.get(key)
        if several is None:
            several = self._added[key] = {}
        several[id(midnights)] = midnights  # what series share is looked at once

    def added(self) -> Iterator[tuple[FBType, Columns]]:
        """Yield what was added, by its type: each start once, however many series have it."""
        for (time, zone, extent, fbtype), several in self._added.items():
            start = Moment(time, False, zone)
            days = sorted(set().union(*several.values()))
            yield fbtype, self._placed(start, extent, days, ())

    def _paid(self, found: _Days) -> bool:
        """Whether the steps left are enough for these days; ``series`` spends the last of them."""
        if self._work.step(found.steps):
            return True
        self._work.steps -= found.steps
        return False

    def _gone(self, event: Event) -> Sequence[set[int]] | None:
        """The instants that EXDATEs near the window remove; None where one removes a day."""
        gone: set[int] = set()
        for moment in event.exdates:
            if moment.is_date or event.all_day or event.of_day:
                return None
            if self._first <= moment.local < self._last:
                gone.add(moment.epoch)
        return (gone,) if gone else ()

    def _chosen(self, pattern: _Pattern, phase: _Phase, day: int) -> _Days | None:
        """The days of a phase, as the series of this DTSTART has them; its steps are not spent."""
        work, before = self._work, self._work.steps
        found = recurrence.starts(pattern.rule, day * DAY, self._first, self._last, work)
        steps, work.steps = work.steps - before, before
        if found.exact_until is not None:
            return None
        days = pattern.days[phase] = _Days(found.local, steps)
        return days

    def _anniversaries(self, pattern: _Pattern, day: int) -> _Days:
        """YEARLY without anything else: its series have few days in common, but each is quick."""
        year, month, day_of_month = civil(day)
        years = self._years
        if pattern.interval > 1:
            years = years[(year - years.start) % pattern.interval :: pattern.interval]
        midnights = []
        for year in years:
            if day_of_month < 29 or day_of_month <= month_length(year, month):
                midnight = day_number(year, month, day_of_month) * DAY
                if self._first <= midnight < self._last:
                    midnights.append(midnight)
        return _Days(midnights, len(years))

    def _placed(
        self, start: Moment, extent: Extent, midnights: Sequence[int], gone: Sequence[set[int]]
    ) -> Columns:
        time = start.local % DAY
        locals_ = [midnight + time for midnight in midnights] if time else midnights
        locals_, starts = distinct(locals_, start.zone, gone)
        return planned_at(start.zone, extent, locals_, starts, self._lo, self._hi)
