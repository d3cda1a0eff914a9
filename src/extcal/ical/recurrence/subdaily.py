"""HOURLY, MINUTELY and SECONDLY rules as arithmetic: progressions of starts within open windows.

Periods of a sub-daily rule lie ``step`` seconds apart. Parts that expand inside a period give a few
progressions with one common step (``Progressions``). Parts that limit leave stretches of a day, or
days, open (``windows``). So an hour of seconds is one range and costs one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import gcd, lcm

from extcal.ical.recurrence.days import civil, filtered_month
from extcal.ical.recurrence.rule import RecurrenceRule
from extcal.ical.recurrence.setpos import places
from extcal.values import NamedTuple

__all__ = ["Progressions", "generate", "last_by_count", "progressions"]

DAY = 86_400
_UNITS = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3600}
_FEW = 2  # a range with no more members than that is listed, not kept as a run

Spend = Callable[[int], None]  # counts steps; raises when none are left
Window = tuple[int, int]


class Progressions(NamedTuple):
    """The starts of a rule before its windows limit them: ``origin + k * step`` for k >= 0.

    ``blocks`` are the open stretches of a day in seconds; ``by_days`` says whether other
    parts choose days.
    """

    origins: tuple[int, ...]
    step: int
    blocks: tuple[Window, ...]
    by_days: bool

    @property
    def open(self) -> bool:
        """Whether all times of all days are open."""
        return not self.by_days and self.blocks == ((0, DAY),)


def progressions(rule: RecurrenceRule, dtstart: int) -> Progressions:
    """Combine a sub-daily rule with DTSTART (local seconds)."""
    unit = _UNITS[rule.freq]
    step = rule.interval * unit
    anchor = dtstart - dtstart % unit
    hours, minutes, seconds = rule.by_hour, rule.by_minute, rule.by_second
    offsets: list[int] = [0]
    origins = [anchor]
    if rule.freq == "HOURLY":
        offsets = [
            minute * 60 + second
            for minute in minutes or (dtstart // 60 % 60,)
            for second in seconds or (dtstart % 60,)
        ]
        if _scattered(hours, 24):
            origins, step = _residues(anchor, step, hours, 24, unit)
            hours = ()
        minutes = ()
    elif rule.freq == "MINUTELY":
        offsets = list(seconds or (dtstart % 60,))
        if _scattered(minutes, 60):
            origins, step = _residues(anchor, step, minutes, 60, unit)
            minutes = ()
    elif seconds:
        origins, step = _residues(anchor, step, seconds, 60, unit)
    if rule.by_set_pos:
        offsets = [offsets[index] for index in places(len(offsets), rule.by_set_pos)]
    by_days = bool(
        rule.by_day or rule.by_month or rule.by_month_day or rule.by_year_day or rule.by_week_no
    )
    starts = sorted(origin + offset for origin in origins for offset in offsets)
    return Progressions(tuple(starts), step, _blocks(hours, minutes), by_days)


def _scattered(values: Sequence[int], base: int) -> bool:
    """Whether no two values are neighbours: neighbours make a block of the day instead."""
    return bool(values) and len(values) < base and not any(v + 1 in values for v in values)


def _residues(
    anchor: int, step: int, values: Sequence[int], base: int, unit: int
) -> tuple[list[int], int]:
    """The periods that a part of the rule's own level, as BYHOUR of HOURLY, leaves: residues."""
    modulus = base * unit
    periods = range(anchor, anchor + step * (modulus // gcd(step, modulus)), step)
    chosen = [period for period in periods if period % modulus // unit in values]
    return chosen, lcm(step, modulus)


def _blocks(hours: Sequence[int], minutes: Sequence[int]) -> tuple[Window, ...]:
    """The stretches of a day that BYHOUR and BYMINUTE leave open, neighbours joined."""
    if not minutes or len(minutes) == 60:
        if not hours:
            return ((0, DAY),)
        return tuple(_joined((hour * 3600, hour * 3600 + 3600) for hour in hours))
    starts = (hour * 3600 + minute * 60 for hour in hours or range(24) for minute in minutes)
    return tuple(_joined((start, start + 60) for start in starts))


def _joined(windows: Iterable[Window]) -> Iterator[Window]:
    pending: Window | None = None
    for window in windows:
        if pending is not None and pending[1] == window[0]:
            pending = pending[0], window[1]
            continue
        if pending is not None:
            yield pending
        pending = window
    if pending is not None:
        yield pending


def _windows(
    rule: RecurrenceRule, found: Progressions, first: int, last: int, spend: Spend
) -> Iterator[Window]:
    """The open windows that touch ``[first, last]``, in order."""
    if found.open:
        yield first, last + 1
        return
    for start, end in _joined(_day_windows(rule, found, first // DAY, last // DAY, spend)):
        if start <= last and end > first:
            yield max(start, first), min(end, last + 1)


def _day_windows(
    rule: RecurrenceRule, found: Progressions, first: int, last: int, spend: Spend
) -> Iterator[Window]:
    for day in _days(rule, found, first, last, spend):
        midnight = day * DAY
        for start, end in found.blocks:
            yield midnight + start, midnight + end


def _days(
    rule: RecurrenceRule, found: Progressions, first: int, last: int, spend: Spend
) -> Iterator[int]:
    if not found.by_days:
        yield from range(first, last + 1)
        return
    year, month, _ = civil(first)
    final = civil(last)[:2]
    while (year, month) <= final:
        spend(1)
        for day in filtered_month(rule, year, month):
            if first <= day <= last:
                yield day
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def _members(found: Progressions, start: int, end: int) -> list[range]:
    """The starts in ``[start, end)``, one range for each progression."""
    step = found.step
    return [
        range(start + (origin - start) % step if origin < start else origin, end, step)
        for origin in found.origins
    ]


def generate(
    rule: RecurrenceRule,
    found: Progressions,
    bounds: tuple[int, int],
    spend: Spend,
    local: list[int],
    runs: list[range],
) -> None:
    """Put the starts within the inclusive ``bounds`` into ``local`` and ``runs``, window by window.

    When ``spend`` raises, the starts found so far stay there.
    """
    for start, end in _windows(rule, found, *bounds, spend):
        spend(max(1, len(found.origins)))
        for members in _members(found, start, end):
            if len(members) > _FEW:
                runs.append(members)
            else:
                local.extend(members)


def last_by_count(
    rule: RecurrenceRule, found: Progressions, dtstart: int, wanted: int, last: int, spend: Spend
) -> int | None:
    """Return the ``wanted``-th start after DTSTART, or None when ``last`` comes before it.

    Whole cycles of the windows are skipped by multiplication. So only for a rule that chooses days
    by the calendar does the cost grow with the time since DTSTART.
    """
    origins, step = found.origins, found.step
    if not origins:
        return None
    if found.open:
        return _nth(_members(found, dtstart + 1, dtstart + 1 + step), step, wanted)
    if wanted > len(origins) * ((last - dtstart) // step + 1):
        return None
    shift = 0
    calendar = rule.by_month or rule.by_month_day or rule.by_year_day or rule.by_week_no
    cycle = lcm(step, 7 * DAY if found.by_days else DAY)
    if not calendar and dtstart + cycle < last:
        in_cycle = 0
        for start, end in _windows(rule, found, dtstart + 1, dtstart + cycle, spend):
            spend(max(1, len(origins)))
            in_cycle += sum(map(len, _members(found, start, end)))
        if not in_cycle:
            return None
        shift = (wanted - 1) // in_cycle * cycle
        wanted = (wanted - 1) % in_cycle + 1
    for start, end in _windows(rule, found, dtstart + 1, last, spend):
        spend(max(1, len(origins)))
        members = _members(found, start, end)
        size = sum(map(len, members))
        if wanted <= size:
            return shift + _nth(members, step, wanted)
        wanted -= size
    return None


def _nth(members: Iterable[range], step: int, wanted: int) -> int:
    """The ``wanted``-th start (1..) of progressions of one step that begin within one step."""
    firsts = sorted(progression.start for progression in members if progression)
    laps, index = divmod(wanted - 1, len(firsts))
    return firsts[index] + laps * step
