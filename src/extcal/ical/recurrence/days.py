"""Days as integers: the proleptic Gregorian calendar, and the days a rule chooses in a period.

Days are counted from 1970-01-01 as 0, weekdays from Monday as 0. Years below 1 and above 9999 work
too, so nothing here overflows. There are no times, zones or budgets here: the caller counts a step
for each period.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from extcal.ical.recurrence.rule import RecurrenceRule
from extcal.values import NamedTuple

__all__ = [
    "Seed",
    "allowed",
    "civil",
    "day_number",
    "days_of_month",
    "days_of_week",
    "days_of_year",
    "filtered_month",
    "filtered_month_of",
    "month_span",
    "never",
    "week_year",
]

_EPOCH = 719_163  # the ordinal of 1970-01-01
_LAST_ORDINAL = 3_652_059
_CYCLE = 146_097  # days of 400 years
_SHORTEST = 28  # every month and year has at least as many days
_BEFORE = (0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_LENGTHS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Seed(NamedTuple):
    """What a rule takes from DTSTART where it has no part for it (3.3.10)."""

    year: int
    month: int
    day: int
    weekday: int


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_span(year: int, month: int) -> tuple[int, int]:
    """Return the first day of a month (1-12) of a year, and how many days it has."""
    length = 29 if month == 2 and _is_leap(year) else _LENGTHS[month]
    return day_number(year, month, 1), length


def day_number(year: int, month: int, day: int) -> int:
    """Return the number of a date; any year, month 1-12, any day."""
    if 1 <= year <= 9999:
        return date(year, month, 1).toordinal() - _EPOCH - 1 + day
    past = year - 1
    number = past * 365 + past // 4 - past // 100 + past // 400 + _BEFORE[month] + day - _EPOCH
    return number + 1 if month > 2 and _is_leap(year) else number


def civil(day: int) -> tuple[int, int, int]:
    """Return year, month and day of the month of a day number."""
    ordinal = day + _EPOCH
    if 1 <= ordinal <= _LAST_ORDINAL:
        found = date.fromordinal(ordinal)
        return found.year, found.month, found.day
    cycles = (ordinal - 1) // _CYCLE
    found = date.fromordinal(ordinal - cycles * _CYCLE)
    return found.year + 400 * cycles, found.month, found.day


def _week_one(year: int, week_start: int) -> int:
    """Week number one "is the first week that contains at least four (4) days in that calendar
    year" (3.3.10): the one that holds 4 January. Returns its first day."""
    fourth = day_number(year, 1, 4)
    return fourth - (fourth + 3 - week_start) % 7


def week_year(day: int, week_start: int) -> int:
    """Return the year whose numbered weeks hold this day; not its calendar year near New Year."""
    year, month, day_of_month = civil(day)
    if month == 12 and day_of_month > 28 and day >= _week_one(year + 1, week_start):
        return year + 1
    if month == 1 and day_of_month < 4 and day < _week_one(year, week_start):
        return year - 1
    return year


def allowed(rule: RecurrenceRule, day: int) -> bool:
    """Say whether BYMONTH, BYWEEKNO, BYYEARDAY and BYMONTHDAY, read as limits, allow a day."""
    year, month, day_of_month = civil(day)
    if rule.by_month and month not in rule.by_month:
        return False
    wanted = rule.by_month_day
    from_end = day_of_month - month_span(year, month)[1] - 1
    if wanted and day_of_month not in wanted and from_end not in wanted:
        return False
    wanted = rule.by_year_day
    if wanted:
        number = day - day_number(year, 1, 1) + 1
        if number not in wanted and number - (367 if _is_leap(year) else 366) not in wanted:
            return False
    wanted = rule.by_week_no
    if wanted:
        year = week_year(day, rule.week_start)
        first = _week_one(year, rule.week_start)
        weeks = (_week_one(year + 1, rule.week_start) - first) // 7
        number = (day - first) // 7 + 1
        if number not in wanted and number - weeks - 1 not in wanted:
            return False
    return True


def never(rule: RecurrenceRule) -> bool:
    """Say whether the rule chooses no day of any year, as with 30 February."""
    if rule.skip != "OMIT" or not (rule.by_month and rule.by_month_day):
        return False
    longest = max(29 if month == 2 else _LENGTHS[month] for month in rule.by_month)
    return all(abs(number) > longest for number in rule.by_month_day)


def _weekdays(by_day: Sequence[tuple[int, int]], first: int, length: int) -> list[int]:
    """The days that BYDAY names; its numbers count within ``length`` days from ``first`` on."""
    end = first + length
    if len(by_day) == 1:  # usual, such as 2TU, the second Tuesday
        ordinal, weekday = by_day[0]
        return _weekday(ordinal, weekday, first, end)
    return sorted({day for pair in by_day for day in _weekday(*pair, first, end)})


def _weekday(ordinal: int, weekday: int, first: int, end: int) -> list[int]:
    """The days of one weekday in ``[first, end)``: all, or one by its number from either side."""
    if ordinal < 0:
        day = end - 1 - (end + 2 - weekday) % 7 + 7 * (ordinal + 1)
    else:
        day = first + (weekday - first - 3) % 7
        if ordinal == 0:
            return list(range(day, end, 7))
        day += 7 * (ordinal - 1)
    return [day] if first <= day < end else []


def _on_weekday(rule: RecurrenceRule, day: int) -> bool:
    """BYDAY as a limit (Notes 1 and 2). Its numbers count in the month, in a YEARLY rule without
    BYMONTH in the year."""
    weekday = (day + 3) % 7
    if (0, weekday) in rule.by_day:
        return True
    year, month, _ = civil(day)
    if rule.freq == "MONTHLY" or rule.by_month:
        span = month_span(year, month)
    else:
        span = day_number(year, 1, 1), 365 + _is_leap(year)
    return day in _weekdays([pair for pair in rule.by_day if pair[1] == weekday], *span)


def _numbered(wanted: Sequence[int], first: int, length: int, skip: str) -> list[int]:
    """Days 1.. or -1.. of a span; SKIP moves one that does not exist (RFC 7529, section 4.1)."""
    if len(wanted) == 1 and 0 < wanted[0] <= _SHORTEST:  # usual: one day that always exists
        return [first + wanted[0] - 1]
    found: set[int] = set()
    for number in wanted:
        offset = number - 1 if number > 0 else length + number
        if 0 <= offset < length:
            found.add(first + offset)
        elif skip == "FORWARD":
            found.add(first + length if offset > 0 else first)
        elif skip == "BACKWARD":
            found.add(first + length - 1 if offset > 0 else first - 1)
    return sorted(found)


def _takes_any_day(rule: RecurrenceRule) -> bool:
    """Whether a part names the days, so that DTSTART's day and weekday are not used."""
    return bool(rule.by_year_day or rule.by_month_day or rule.by_day)


def days_of_month(rule: RecurrenceRule, index: int, seed: Seed) -> list[int]:
    """Return the sorted days of a MONTHLY period, ``index`` being 12 times the year, and the month
    from 0 on.

    BYMONTH limits. BYMONTHDAY expands, else BYDAY (Note 1), else DTSTART's day is taken. BYYEARDAY
    and BYWEEKNO, which a MONTHLY rule must not have, limit.
    """
    year, month = index // 12, index % 12 + 1
    if rule.by_month and month not in rule.by_month:
        return []
    first, length = month_span(year, month)
    barred = rule.by_year_day or rule.by_week_no
    if rule.by_month_day or not (rule.by_day or barred):
        skip = "OMIT" if barred else rule.skip
        days = _numbered(rule.by_month_day or (seed.day,), first, length, skip)
        if rule.by_day:
            days = [day for day in days if _on_weekday(rule, day)]
    elif rule.by_day:
        days = _weekdays(rule.by_day, first, length)
    elif _takes_any_day(rule):
        days = list(range(first, first + length))
    else:
        days = _weekdays(((0, seed.weekday),), first, length)
    if barred:
        days = [day for day in days if allowed(rule, day)]
    return days


def days_of_year(rule: RecurrenceRule, year: int, seed: Seed) -> list[int]:
    """Return the sorted days of a YEARLY period; with BYWEEKNO, of the year its weeks belong to.

    The parts are applied in the order of 3.3.10. The first of BYWEEKNO, BYYEARDAY and BYMONTHDAY in
    the rule expands, the others limit. BYDAY does what Note 2 says.
    """
    if rule.by_week_no:
        return _days_of_weeks(rule, year, seed)
    if rule.by_year_day:
        return _days_by_number(rule, year)
    months: Sequence[int] = rule.by_month
    if rule.by_day and not rule.by_month_day:
        if not months:
            return _weekdays(rule.by_day, day_number(year, 1, 1), 365 + _is_leap(year))
        days: list[int] = []
        for month in months:
            first, length = month_span(year, month)
            days += _weekdays(rule.by_day, first, length)
        return days
    numbers = rule.by_month_day
    if not numbers:
        numbers = (seed.day,)
        months = months or (seed.month,)
    days = []
    for month in months or range(1, 13):
        first, length = month_span(year, month)
        days += _numbered(numbers, first, length, rule.skip)
    if rule.skip != "OMIT":
        days = sorted(set(days))
    if rule.by_day:
        days = [day for day in days if _on_weekday(rule, day)]
    return days


def _days_by_number(rule: RecurrenceRule, year: int) -> list[int]:
    """BYYEARDAY. SKIP moves an invalid day only if the rule has no BYMONTHDAY."""
    first, length = day_number(year, 1, 1), 365 + _is_leap(year)
    days = _numbered(rule.by_year_day, first, length, "OMIT")
    if rule.by_month or rule.by_month_day or rule.by_week_no:
        days = [day for day in days if allowed(rule, day)]
    if rule.skip != "OMIT" and not rule.by_month_day:
        for number, month in ((366, 12), (-366, 1)):
            if number in rule.by_year_day and (not rule.by_month or month in rule.by_month):
                days += _numbered((number,), first, length, rule.skip)
        days = sorted(set(days))
    if rule.by_day:
        days = [day for day in days if _on_weekday(rule, day)]
    return days


def _days_of_weeks(rule: RecurrenceRule, year: int, seed: Seed) -> list[int]:
    """BYWEEKNO: whole weeks, with their days in a neighbouring calendar year."""
    start = _week_one(year, rule.week_start)
    weeks = (_week_one(year + 1, rule.week_start) - start) // 7
    other = rule.by_year_day or rule.by_month_day
    skip = "OMIT" if other else rule.skip
    if rule.by_day:
        weekdays = {weekday for _, weekday in rule.by_day}
    else:
        weekdays = set(range(7)) if other else {seed.weekday}
    offsets = sorted((weekday - rule.week_start) % 7 for weekday in weekdays)
    days = [
        start + 7 * week + offset
        for week in _numbered(rule.by_week_no, 0, weeks, skip)
        for offset in offsets
    ]
    if other:
        return [day for day in days if allowed(rule, day)]
    if rule.by_month:
        days = [day for day in days if civil(day)[1] in rule.by_month]
    return days


def days_of_week(rule: RecurrenceRule, week: int, seed: Seed) -> list[int]:
    """Return the sorted days of a WEEKLY period, its parts applied as limits.

    ``week`` counts weeks from the one that holds 1970-01-01, in the rule's WKST. BYMONTHDAY and
    BYYEARDAY, which a WEEKLY rule must not have, choose among all days of the week.
    """
    first = 7 * week - 3 + rule.week_start
    if rule.by_day:
        weekdays = {weekday for _, weekday in rule.by_day}
    elif _takes_any_day(rule):
        weekdays = set(range(7))
    else:
        weekdays = {seed.weekday}
    return [
        day for day in range(first, first + 7) if (day + 3) % 7 in weekdays and allowed(rule, day)
    ]


def filtered_month_of(rule: RecurrenceRule, index: int, seed: Seed) -> list[int]:
    """Return the sorted days of a month that a DAILY rule chooses, with its INTERVAL.

    ``index`` is 12 times the year, and the month from 0 on.
    """
    days = filtered_month(rule, index // 12, index % 12 + 1)
    if rule.interval > 1:
        first_day = day_number(seed.year, seed.month, seed.day)
        days = [day for day in days if (day - first_day) % rule.interval == 0]
    return days


def filtered_month(rule: RecurrenceRule, year: int, month: int) -> list[int]:
    """Return the sorted days of a month that a DAILY or sub-daily rule allows; all parts limit."""
    if rule.by_month and month not in rule.by_month:
        return []
    first, length = month_span(year, month)
    days: Iterable[int] = range(first, first + length)
    if rule.by_month_day:
        days = _numbered(rule.by_month_day, first, length, "OMIT")
    if rule.by_day:
        weekdays = {weekday for _, weekday in rule.by_day}
        days = [day for day in days if (day + 3) % 7 in weekdays]
    if rule.by_year_day or rule.by_week_no:
        days = [day for day in days if allowed(rule, day)]
    return list(days)
