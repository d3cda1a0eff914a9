"""Rules whose periods differ in size: MONTHLY, YEARLY, and DAILY and WEEKLY with calendar filters.

A period is an index (the number of a month, a year or a week), so the one that holds the window is
found by a division. Each visited period costs a step, and more if the rule names many days.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence

from extcal.ical.recurrence import setpos
from extcal.ical.recurrence.days import (
    Seed,
    civil,
    days_of_month,
    days_of_week,
    days_of_year,
    filtered_month_of,
    week_year,
)
from extcal.ical.recurrence.rule import RecurrenceRule
from extcal.values import NamedTuple

__all__ = ["PeriodPlan", "generate", "last_by_count", "plan"]

DAY = 86_400
_SHARE = 4  # starts that cost one step, in addition to the step of their period
_NAMED = 16  # days, weeks or weekdays that a rule names: so many cost one step in each period
_MOST_DAYS = {"YEARLY": 371, "MONTHLY": 32, "WEEKLY": 7, "DAILY": 31}
_DAYS: dict[str, Callable[[RecurrenceRule, int, Seed], list[int]]] = {
    "YEARLY": days_of_year,
    "MONTHLY": days_of_month,
    "WEEKLY": days_of_week,
    "DAILY": filtered_month_of,
}


class PeriodPlan(NamedTuple):
    """The periods of a rule with its DTSTART, and what a start takes from DTSTART.

    ``origin`` is the index of DTSTART's period, ``stride`` the step to the next. ``slack`` is by
    how many periods SKIP may move a day.
    """

    rule: RecurrenceRule
    seed: Seed
    times: Sequence[int]
    origin: int
    stride: int
    slack: int

    @property
    def steps(self) -> int:
        """The steps that each period costs."""
        rule = self.rule
        named = len(rule.by_day) + len(rule.by_month_day)
        return 1 + (named + len(rule.by_year_day) + len(rule.by_week_no)) // _NAMED


def plan(rule: RecurrenceRule, dtstart: int, times: Sequence[int]) -> PeriodPlan:
    """Combine a rule with DTSTART (local seconds) and its times of the day (seconds)."""
    day = dtstart // DAY
    seed = Seed(*civil(day), (day + 3) % 7)
    # The periods of DAILY are days, but they are visited a month at a time.
    stride = 1 if rule.freq == "DAILY" else rule.interval
    slack = 0 if rule.skip == "OMIT" else 1
    return PeriodPlan(rule, seed, times, _index(rule, day, seed), stride, slack)


def _index(rule: RecurrenceRule, day: int, seed: Seed | None = None) -> int:
    """The index of the period that holds a day. With BYWEEKNO a week belongs to one year."""
    if rule.freq == "WEEKLY":
        return (day + 3 - rule.week_start) // 7
    if rule.freq == "YEARLY" and rule.by_week_no:
        return week_year(day, rule.week_start)
    year, month = (seed or civil(day))[:2]
    return year if rule.freq == "YEARLY" else year * 12 + month - 1


def _chosen(days: Sequence[int], times: Sequence[int], positions: Sequence[int]) -> list[int]:
    """BYSETPOS over all days and times of one period, without listing their combinations."""
    per_day = len(times)
    return [
        days[place // per_day] * DAY + times[place % per_day]
        for place in setpos.places(len(days) * per_day, positions)
    ]


def generate(
    found: PeriodPlan, first: int, last: int, spend: Callable[[int], None], local: list[int]
) -> None:
    """Append the starts in ``[first, last]`` to ``local``, also those before ``spend`` raises."""
    rule, seed, times, origin, stride, slack = found
    days_of = _DAYS[rule.freq]
    first_day, last_day = first // DAY, last // DAY
    low, high = _index(rule, first_day) - slack, _index(rule, last_day) + slack
    skipped = max(0, -((origin - low) // stride))
    previous = first - 1
    time = times[0] if len(times) == 1 else None
    steps = found.steps
    for index in range(origin + skipped * stride, high + 1, stride):
        spend(steps)
        days = days_of(rule, index, seed)
        if len(days) == 1 and time is not None and not rule.by_set_pos:
            start = days[0] * DAY + time
            if previous < start <= last:
                local.append(start)
                previous = start
            continue
        if rule.by_set_pos and rule.freq != "DAILY":
            members = _chosen(days, times, rule.by_set_pos)
        else:
            if days and (days[0] < first_day or days[-1] > last_day):
                days = days[bisect_left(days, first_day) : bisect_right(days, last_day)]
            size = len(days) * len(times)
            if size >= _SHARE:
                spend(size // _SHARE)
            members = [day * DAY + time for day in days for time in times]
        if members and (members[0] <= previous or members[-1] > last):
            members = members[bisect_right(members, previous) : bisect_right(members, last)]
        if members:
            local += members
            previous = members[-1]


def last_by_count(
    found: PeriodPlan, dtstart: int, wanted: int, last: int, spend: Callable[[int], None]
) -> int | None:
    """Return the ``wanted``-th start after DTSTART, or None when ``last`` comes before it.

    If all periods have equally many starts, a division finds it. Else the starts are counted period
    by period, until the start is found or ``last`` is passed.
    """
    rule, seed, times, origin, stride, slack = found
    days_of = _DAYS[rule.freq]
    high = _index(rule, last // DAY) + slack
    periods = (high - origin) // stride + 1
    if wanted > periods * _MOST_DAYS[rule.freq] * len(times):
        return None
    positions = () if rule.freq == "DAILY" else rule.by_set_pos
    fixed = _starts_per_period(found)
    skip = 0
    if fixed:
        size, start = _after(days_of(rule, origin, seed), times, positions, dtstart, wanted)
        if start is not None:
            return start
        skip = 1 + (wanted - size - 1) // fixed
        wanted = (wanted - size - 1) % fixed + 1
        if origin + skip * stride > high:
            return None
        dtstart = (days_of(rule, origin + skip * stride, seed) or [0])[0] * DAY - 1
    previous, steps = dtstart, found.steps
    for index in range(origin + skip * stride, high + 1, stride):
        if not fixed:
            spend(steps)
        days = days_of(rule, index, seed)
        size, start = _after(days, times, positions, previous, wanted)
        if start is not None:
            return start
        wanted -= size
        if size and rule.skip != "OMIT":
            previous = _latest(days, times, positions)
    return None


def _latest(days: Sequence[int], times: Sequence[int], positions: Sequence[int]) -> int:
    if positions:
        return _chosen(days, times, positions)[-1]
    return days[-1] * DAY + times[-1]


def _after(
    days: Sequence[int],
    times: Sequence[int],
    positions: Sequence[int],
    previous: int,
    wanted: int,
) -> tuple[int, int | None]:
    """How many starts of one period come after ``previous``, and the ``wanted``-th of them."""
    if positions:
        chosen = _chosen(days, times, positions)
        index = bisect_right(chosen, previous)
        size = len(chosen) - index
        return size, chosen[index + wanted - 1] if wanted <= size else None
    if not days:
        return 0, None
    day, time = divmod(previous, DAY)
    index = bisect_left(days, day) * len(times)
    if index < len(days) * len(times) and days[index // len(times)] == day:
        index += bisect_right(times, time)
    size = len(days) * len(times) - index
    if wanted > size:
        return size, None
    place, time_place = divmod(index + wanted - 1, len(times))
    return size, days[place] * DAY + times[time_place]


def _starts_per_period(found: PeriodPlan) -> int | None:
    """How many starts each period has; None if that may vary."""
    rule = found.rule
    if rule.skip != "OMIT" or rule.freq in ("DAILY", "WEEKLY"):
        return None
    days = _days_per_period(rule, found.seed)
    if days is None:
        return None
    fewest, most = days[0] * len(found.times), days[1] * len(found.times)
    if rule.by_set_pos:
        return len(rule.by_set_pos) if _all_there(rule.by_set_pos, fewest, most) else None
    return fewest if fewest == most else None


def _days_per_period(rule: RecurrenceRule, seed: Seed) -> tuple[int, int] | None:
    """The fewest and the most days chosen in a period; None if parts limit each other."""
    yearly = rule.freq == "YEARLY"
    if not yearly and (rule.by_month or rule.by_week_no or rule.by_year_day):
        return None
    parts = (rule.by_week_no, rule.by_year_day, rule.by_month_day, rule.by_day)
    if sum(map(bool, parts)) > 1 or ((rule.by_week_no or rule.by_year_day) and rule.by_month):
        return None
    if rule.by_week_no or rule.by_year_day:
        numbers, fewest = (rule.by_week_no, 52) if rule.by_week_no else (rule.by_year_day, 365)
        size = len(numbers)
        return (size, size) if _all_there(numbers, fewest, fewest + 1) else None
    months = len(rule.by_month) if yearly else 1
    if rule.by_day:
        turns = 4 if months else 52  # a weekday occurs so often in a month or year, or once more
        months = months or 1
        size = len(rule.by_day) * months
        by_weekday: dict[int, list[int]] = {}
        for ordinal, weekday in rule.by_day:
            by_weekday.setdefault(weekday, []).append(ordinal)
        if all(ordinals == [0] for ordinals in by_weekday.values()):
            return size * turns, size * (turns + 1)
        distinct = all(_all_there(each, turns, turns + 1) for each in by_weekday.values())
        return (size, size) if distinct else None
    if not _all_there(rule.by_month_day or (seed.day,), 28, 31):
        return None
    size = len(rule.by_month_day) * (months or 12) if rule.by_month_day else months or 1
    return size, size


def _all_there(numbers: Sequence[int], fewest: int, most: int) -> bool:
    """Whether these places (1.. or -1..) exist and are distinct in any size of the set."""
    if not all(1 <= abs(number) <= fewest for number in numbers):
        return False
    late = [number for number in numbers if number < 0]
    early = [number for number in numbers if number > 0]
    return not any(fewest < before - after <= most + 1 for before in early for after in late)
