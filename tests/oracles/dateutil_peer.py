"""python-dateutil's reading of a rule, and where it differs from the standard, with the reason.

``instances`` gives what ``dateutil.rrule`` makes of a rule. DTSTART is added, because dateutil
lists only what the rule produces, where 3.8.5.3 says "The "DTSTART" property value defines the
first instance in the recurrence set". COUNT is applied outside to what the rule produces, as
dateutil does itself, because here the window is passed as ``until`` and it takes only one of both.

``DIFFERENCES`` is the table of all other differences that are known.
"""

from __future__ import annotations

import datetime as datetime_module
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest import mock

from dateutil import rrule

Parts = dict[str, Any]

_UNITS = {
    "HOURLY": timedelta(hours=1),
    "MINUTELY": timedelta(minutes=1),
    "SECONDLY": timedelta(seconds=1),
}
_NAMES = {
    "BYMONTH": "bymonth",
    "BYWEEKNO": "byweekno",
    "BYYEARDAY": "byyearday",
    "BYMONTHDAY": "bymonthday",
    "BYHOUR": "byhour",
    "BYMINUTE": "byminute",
    "BYSECOND": "bysecond",
    "BYSETPOS": "bysetpos",
}


def instances(parts: Parts, dtstart: datetime, end: datetime) -> list[datetime] | None:
    """The recurrence set before ``end`` as dateutil sees it; None where it cannot cope."""
    until = parts.get("UNTIL", datetime.max)
    if until < dtstart:
        return []
    arguments: dict[str, Any] = {
        argument: parts[name] for name, argument in _NAMES.items() if name in parts
    }
    if "BYDAY" in parts:
        arguments["byweekday"] = [
            rrule.weekday(weekday)(ordinal) if ordinal else rrule.weekday(weekday)
            for ordinal, weekday in parts["BYDAY"]
        ]
    produced: list[datetime] = []
    with _bounded(parts, dtstart, end):
        try:
            rule = rrule.rrule(
                getattr(rrule, parts["FREQ"]),
                dtstart,
                interval=parts.get("INTERVAL", 1),
                wkst=parts.get("WKST", 0),
                until=min(until, end - timedelta(seconds=1)),
                **arguments,
            )
            produced.extend(rule)
        except _PastTheWindow:
            pass
        except ValueError as reason:
            if "empty" not in str(reason):  # it refuses rules that can never produce anything
                raise
        except IndexError:
            return None
    return sorted({dtstart, *produced[: parts.get("COUNT")]})


class _PastTheWindow(Exception):
    """More periods were visited than the window has."""


@contextmanager
def _bounded(parts: Parts, dtstart: datetime, end: datetime) -> Iterator[None]:
    """dateutil looks for the next instance up to the year 9999; here that ends with the window."""
    near = SimpleNamespace(**{**vars(datetime_module), "MAXYEAR": end.year})
    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(rrule, "datetime", near))
        unit = _UNITS.get(parts["FREQ"])
        if unit is not None:
            periods = (end - dtstart) // (unit * parts.get("INTERVAL", 1)) + 2
            name = parts["FREQ"][0].lower() + "timeset"
            times = getattr(rrule._iterinfo, name)
            days = rrule._iterinfo.ddayset
            calls = count()

            def counted(*arguments: Any) -> Any:
                if next(calls) > periods:
                    raise _PastTheWindow
                return times(*arguments)

            def dated(info: Any, year: int, month: int, day: int) -> Any:
                if datetime(year, month, day) > end:
                    raise _PastTheWindow
                return days(info, year, month, day)

            patches.enter_context(mock.patch.object(rrule._iterinfo, name, counted))
            patches.enter_context(mock.patch.object(rrule._iterinfo, "ddayset", dated))
        yield


class Difference(NamedTuple):
    """Where dateutil reads otherwise.

    ``sentence`` is quoted from ``section``, ``reading`` says what follows from it and what dateutil
    does. ``applies`` tells the rules it can show in; in ``example`` it does, from ``dtstart`` on.
    """

    name: str
    section: str
    sentence: str
    reading: str
    applies: Callable[[Parts], bool]
    dtstart: datetime
    example: Parts


def _is_mixed(parts: Parts) -> bool:
    ordinals = {ordinal for ordinal, _ in parts.get("BYDAY", [])}
    return 0 in ordinals and len(ordinals) > 1


def _has_weeks(parts: Parts) -> bool:
    return "BYWEEKNO" in parts


def _takes_weekday(parts: Parts) -> bool:
    others = parts.keys() & {"BYDAY", "BYMONTHDAY", "BYYEARDAY"}
    return _has_weeks(parts) and not others and parts["FREQ"] in ("YEARLY", "MONTHLY", "WEEKLY")


def _has_numbers_with_weeks(parts: Parts) -> bool:
    return _has_weeks(parts) and any(ordinal for ordinal, _ in parts.get("BYDAY", []))


def _counts_partial_week(parts: Parts) -> bool:
    return parts["FREQ"] == "WEEKLY" and "BYSETPOS" in parts


def _counts_days_of_years(parts: Parts) -> bool:
    strides = parts.get("INTERVAL", 1) > 1 or "BYSETPOS" in parts
    return _has_weeks(parts) and parts["FREQ"] == "YEARLY" and strides


def _counts_weeks_from_end(parts: Parts) -> bool:
    return any(week < 0 for week in parts.get("BYWEEKNO", []))


def _has_last_weeks(parts: Parts) -> bool:
    return any(week >= 52 for week in parts.get("BYWEEKNO", []))


def _has_late_numbers(parts: Parts) -> bool:
    return any(abs(ordinal) > 5 for ordinal, _ in parts.get("BYDAY", []))


def _has_lone_positions(parts: Parts) -> bool:
    return not any(name.startswith("BY") and name != "BYSETPOS" for name in parts)


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "BYDAY mixed",
        "3.3.10",
        "If an integer modifier is not present, it means all days of this type within the "
        "specified frequency.",
        "MO,2TU names every Monday and the second Tuesday; dateutil wants days that are both.",
        _is_mixed,
        datetime(1997, 9, 1, 9),
        {"FREQ": "MONTHLY", "BYDAY": [(0, 0), (2, 1)]},
    ),
    Difference(
        "BYWEEKNO alone",
        "3.3.10",
        "Information, not contained in the rule, necessary to determine the various recurrence "
        "instance start time and dates are derived from the Start Time",
        "The weekday is that of DTSTART; dateutil takes all seven days.",
        _takes_weekday,
        datetime(1997, 5, 12, 9),
        {"FREQ": "YEARLY", "BYWEEKNO": [20]},
    ),
    Difference(
        "BYWEEKNO with numbered BYDAY",
        "3.3.10",
        "the BYDAY rule part MUST NOT be specified with a numeric value with the FREQ rule part "
        "set to YEARLY when the BYWEEKNO rule part is specified.",
        "The number is dropped, which blocks more; dateutil counts it in the month or year.",
        _has_numbers_with_weeks,
        datetime(1997, 5, 12, 9),
        {"FREQ": "YEARLY", "BYWEEKNO": [20], "BYDAY": [(1, 0)]},
    ),
    Difference(
        "BYWEEKNO of skipped years",
        "3.3.10",
        "Week number one of the calendar year is the first week that contains at least four (4) "
        "days in that calendar year.",
        "A numbered week is whole and belongs to one year; dateutil gives its days to the calendar "
        "years they lie in, which shows where years are skipped or positions counted.",
        _counts_days_of_years,
        datetime(2025, 12, 29, 9),
        {"FREQ": "YEARLY", "INTERVAL": 2, "BYWEEKNO": [1], "BYDAY": [(0, 0)]},
    ),
    Difference(
        "BYWEEKNO from the end",
        "3.3.10",
        "Valid values are 1 to 53 or -53 to -1.",
        "Negative weeks are counted from the end of their year; dateutil overlooks those that "
        "reach across New Year.",
        _counts_weeks_from_end,
        datetime(2008, 12, 29, 9),
        {"FREQ": "YEARLY", "BYWEEKNO": [-53], "BYDAY": [(0, 0), (0, 1)]},
    ),
    Difference(
        "BYWEEKNO 52 and 53",
        "3.3.10",
        "Assuming a Monday week start, week 53 can only occur when Thursday is January 1 or if it "
        "is a leap year and Wednesday is January 1.",
        "In the first days of January dateutil mistakes how many weeks the year before had: 2010 "
        "had 52.",
        _has_last_weeks,
        datetime(2009, 12, 28, 9),
        {"FREQ": "MONTHLY", "BYWEEKNO": [53], "BYDAY": [(0, 5), (0, 6)]},
    ),
    Difference(
        "BYSETPOS in the first week",
        "3.3.10",
        "A set of recurrence instances starts at the beginning of the interval defined by the FREQ "
        "rule part.",
        "The first week is counted from its WKST; dateutil counts it from DTSTART.",
        _counts_partial_week,
        datetime(1997, 9, 3, 9),
        {"FREQ": "WEEKLY", "BYDAY": [(0, 0), (0, 2), (0, 4)], "BYSETPOS": [2]},
    ),
    Difference(
        "BYSETPOS alone",
        "3.3.10",
        "It MUST only be used in conjunction with another BYxxx rule part.",
        "Alone it is ignored, which blocks more; dateutil applies it.",
        _has_lone_positions,
        datetime(1997, 9, 3, 9),
        {"FREQ": "MONTHLY", "BYSETPOS": [2]},
    ),
    Difference(
        "BYDAY beyond the month",
        "3.3.10",
        "Recurrence rules may generate recurrence instances with an invalid date ... Such "
        "recurrence instances MUST be ignored",
        "A month has no 53rd Monday; dateutil raises IndexError.",
        _has_late_numbers,
        datetime(1997, 1, 1, 9),
        {"FREQ": "MONTHLY", "BYDAY": [(53, 0)]},
    ),
)


def explanations(parts: Parts) -> list[str]:
    """The names of the known differences that can show in a rule."""
    return [difference.name for difference in DIFFERENCES if difference.applies(parts)]
