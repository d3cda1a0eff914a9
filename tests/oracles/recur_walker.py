"""A second reading of RFC 5545 section 3.3.10 that shares nothing with the engine.

It walks: every day from the start of DTSTART's period to the end of the window is looked at and
asked one question per rule part; every hour, minute or second for the smaller FREQs. It knows no
seeking, no counting by multiplication, no day numbers. Slow on purpose, and the arbiter where the
engine and another library disagree.

A rule is a dict of parts: ``FREQ`` a str, ``INTERVAL`` and ``COUNT`` ints, ``UNTIL`` a datetime,
``WKST`` 0 (Monday) to 6, ``BYDAY`` pairs of (ordinal or 0, weekday), other BYxxx lists of ints.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

Parts = dict[str, Any]

_UNITS = {
    "HOURLY": timedelta(hours=1),
    "MINUTELY": timedelta(minutes=1),
    "SECONDLY": timedelta(seconds=1),
}


class Day(NamedTuple):
    """What the standard says about days, each number also counted from the other end."""

    date: date
    ordinal: int
    month: int
    weekday: int
    month_days: tuple[int, int]
    year_days: tuple[int, int]
    month_turns: tuple[int, int]  # the how-manieth of its weekday in the month
    year_turns: tuple[int, int]


@cache
def _day(ordinal: int) -> Day:
    day = date.fromordinal(ordinal)
    month = _days_of(day, "month")
    year = _days_of(day, "year")
    return Day(
        day,
        ordinal,
        day.month,
        day.weekday(),
        (month.index(day) + 1, month.index(day) - len(month)),
        (year.index(day) + 1, year.index(day) - len(year)),
        _turns(day, month),
        _turns(day, year),
    )


@cache
def _days_from(first: date, until: date) -> list[date]:
    return [date.fromordinal(n) for n in range(first.toordinal(), until.toordinal())]


def _days_of(day: date, span: str) -> list[date]:
    if span == "year":
        return _days_from(date(day.year, 1, 1), date(day.year + 1, 1, 1))
    after = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return _days_from(day.replace(day=1), after)


def _turns(day: date, span: list[date]) -> tuple[int, int]:
    same = [other for other in span if other.weekday() == day.weekday()]
    return same.index(day) + 1, same.index(day) - len(same)


@cache
def _week(ordinal: int, week_start: int) -> tuple[int, tuple[int, int]]:
    """The year of at least four of the seven days; the week's number in it, from both ends."""
    first = ordinal - (date.fromordinal(ordinal).weekday() - week_start) % 7
    years = [date.fromordinal(n).year for n in range(first, first + 7)]
    year = max(years, key=years.count)
    if years.count(year) < 4:
        raise AssertionError("four of seven days are always in one year")

    def belongs(start: int) -> bool:
        return sum(date.fromordinal(n).year == year for n in range(start, start + 7)) >= 4

    before = after = 0
    while belongs(first - 7 * (before + 1)):
        before += 1
    while belongs(first + 7 * (after + 1)):
        after += 1
    return year, (before + 1, -after - 1)


def instances(parts: Parts, dtstart: datetime, end: datetime) -> list[datetime]:
    """The recurrence set up to, not including, ``end``: DTSTART first, whatever the rule says.

    COUNT "defines the number of occurrences at which to range-bound the recurrence": the rule's
    own, from DTSTART on. A DTSTART that is none of them is one instance more.
    """
    until = parts.get("UNTIL")
    if until is not None and until < dtstart:
        return []
    produced = [start for start in _produced(parts, dtstart, end) if start >= dtstart]
    produced = produced[: parts.get("COUNT")]
    found = sorted({dtstart, *produced})
    return [start for start in found if start < end and (until is None or start <= until)]


def produces(parts: Parts, dtstart: datetime) -> bool:
    """Whether DTSTART is synchronized with the rule."""
    return dtstart in _produced(parts, dtstart, dtstart + timedelta(seconds=1))


def _produced(parts: Parts, dtstart: datetime, end: datetime) -> list[datetime]:
    positions = parts.get("BYSETPOS", [])
    if not any(name.startswith("BY") and name != "BYSETPOS" for name in parts):
        positions = []  # "It MUST only be used in conjunction with another BYxxx rule part."
    smaller = parts["FREQ"] in _UNITS
    walk = _walk_times(parts, dtstart, end) if smaller else _walk_days(parts, dtstart, end)
    found: list[datetime] = []
    for candidates in walk:
        for index, start in enumerate(candidates):
            if not positions or index + 1 in positions or index - len(candidates) in positions:
                found.append(start)
    return found


def _walk_days(parts: Parts, dtstart: datetime, end: datetime) -> list[list[datetime]]:
    """The candidates of each period, for DAILY and above."""
    interval = parts.get("INTERVAL", 1)
    week_start = parts.get("WKST", 0)
    day_of_dtstart = _day(dtstart.toordinal())

    def period(ordinal: int) -> int:
        day = _day(ordinal)
        if parts["FREQ"] == "DAILY":
            return ordinal
        if parts["FREQ"] == "WEEKLY":
            return (ordinal - (day.weekday - week_start) % 7) // 7
        if parts["FREQ"] == "MONTHLY":
            return day.date.year * 12 + day.month
        return _week(ordinal, week_start)[0] if "BYWEEKNO" in parts else day.date.year

    origin = period(dtstart.toordinal())
    times = _times(parts, dtstart)
    back = {"DAILY": 0, "WEEKLY": 7, "MONTHLY": 31, "YEARLY": 380}[parts["FREQ"]]
    first = max(1, dtstart.toordinal() - back)
    last = min(end.toordinal() + back, date.max.toordinal())
    # Asked in the order of the cheapest question.
    days = [
        ordinal
        for ordinal in range(first, last + 1)
        if _allows(parts, _day(ordinal), day_of_dtstart)
        and period(ordinal) >= origin
        and (period(ordinal) - origin) % interval == 0
    ]
    return [
        [datetime.combine(_day(day).date, time) for day in group for time in times]
        for _, group in groupby(days, period)
    ]


def _times(parts: Parts, dtstart: datetime) -> list[Any]:
    return sorted(
        dtstart.time().replace(hour=hour, minute=minute, second=second)
        for hour in parts.get("BYHOUR", [dtstart.hour])
        for minute in parts.get("BYMINUTE", [dtstart.minute])
        for second in parts.get("BYSECOND", [dtstart.second])
    )


def _allows(parts: Parts, day: Day, seed: Day) -> bool:
    """One question per part; where the rule names no day, DTSTART's is meant."""
    if "BYMONTH" in parts and day.month not in parts["BYMONTH"]:
        return False
    for name, numbers in (("BYMONTHDAY", day.month_days), ("BYYEARDAY", day.year_days)):
        if name in parts and not any(number in parts[name] for number in numbers):
            return False
    if "BYDAY" in parts and not _allows_weekday(parts, day):
        return False
    if "BYWEEKNO" in parts:
        _, numbers = _week(day.ordinal, parts.get("WKST", 0))
        if not any(number in parts["BYWEEKNO"] for number in numbers):
            return False
    return _fills_in(parts, day, seed)


def _allows_weekday(parts: Parts, day: Day) -> bool:
    """Notes 1 and 2, and: "BYDAY ... MUST NOT be specified with a numeric value when ..."."""
    frequency = parts["FREQ"]
    numbered = frequency in ("MONTHLY", "YEARLY") and "BYWEEKNO" not in parts
    turns = day.month_turns if frequency == "MONTHLY" or "BYMONTH" in parts else day.year_turns
    return any(
        weekday == day.weekday and (ordinal == 0 or not numbered or ordinal in turns)
        for ordinal, weekday in parts["BYDAY"]
    )


def _fills_in(parts: Parts, day: Day, seed: Day) -> bool:
    """ "Information, not contained in the rule, ... derived from the Start Time ("DTSTART")"."""
    frequency = parts["FREQ"]
    if frequency in ("DAILY", *_UNITS) or parts.keys() & {"BYDAY", "BYMONTHDAY", "BYYEARDAY"}:
        return True
    if "BYWEEKNO" in parts or frequency == "WEEKLY":
        return day.weekday == seed.weekday
    if frequency == "YEARLY" and "BYMONTH" not in parts and day.month != seed.month:
        return False
    return day.month_days[0] == seed.month_days[0]


def _walk_times(parts: Parts, dtstart: datetime, end: datetime) -> list[list[datetime]]:
    """The candidates of each hour, minute or second."""
    frequency = parts["FREQ"]
    step = _UNITS[frequency] * parts.get("INTERVAL", 1)
    period = dtstart.replace(second=0) if frequency != "SECONDLY" else dtstart
    if frequency == "HOURLY":
        period = period.replace(minute=0)
    found: list[list[datetime]] = []
    while period < end:
        if _allows(parts, _day(period.toordinal()), _day(dtstart.toordinal())):
            found.append(_within(parts, period, dtstart))
        period += step
    return found


def _within(parts: Parts, period: datetime, dtstart: datetime) -> list[datetime]:
    """The starts inside one sub-daily period: parts below its FREQ expand, the others limit."""
    frequency = parts["FREQ"]
    if period.hour not in parts.get("BYHOUR", [period.hour]):
        return []
    if frequency == "HOURLY":
        minutes = parts.get("BYMINUTE", [dtstart.minute])
    elif period.minute in parts.get("BYMINUTE", [period.minute]):
        minutes = [period.minute]
    else:
        return []
    if frequency != "SECONDLY":
        seconds = parts.get("BYSECOND", [dtstart.second])
    elif period.second in parts.get("BYSECOND", [period.second]):
        seconds = [period.second]
    else:
        return []
    return sorted(period.replace(minute=m, second=s) for m in minutes for s in seconds)
