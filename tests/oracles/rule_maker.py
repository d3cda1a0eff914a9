"""Random recurrence rules: every part with every FREQ, also where the standard forbids it.

``choose`` picks one of a sequence: hypothesis' or a seeded random's, so both run the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

Parts = dict[str, Any]
Choose = Callable[[Sequence[Any]], Any]

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")
_HORIZONS = {  # how much a walker can look at
    "YEARLY": timedelta(days=1500),
    "MONTHLY": timedelta(days=700),
    "WEEKLY": timedelta(days=300),
    "DAILY": timedelta(days=300),
    "HOURLY": timedelta(days=20),
    "MINUTELY": timedelta(hours=14),
    "SECONDLY": timedelta(minutes=15),
}
# Dates near which something turns: leap days, week 53, ends of months and years, short Februaries.
_STARTS = (
    datetime(1997, 9, 2, 9, 0, 0),
    datetime(1998, 12, 30, 23, 59, 30),
    datetime(2000, 2, 29, 9, 0, 0),
    datetime(2003, 12, 31, 22, 30, 15),
    datetime(2004, 12, 26, 9, 0, 0),
    datetime(2005, 1, 1, 0, 0, 0),
    datetime(2007, 1, 31, 13, 45, 59),
    datetime(2008, 12, 29, 8, 0, 0),
    datetime(2010, 1, 3, 9, 30, 0),
    datetime(2015, 8, 30, 17, 0, 1),
    datetime(1899, 12, 28, 6, 0, 0),
    datetime(2096, 2, 28, 12, 0, 0),
)
_VALUES: dict[str, Sequence[int]] = {
    "BYMONTH": range(1, 13),
    "BYWEEKNO": (1, 2, 20, 51, 52, 53, -1, -2, -33, -52, -53),
    "BYYEARDAY": (1, 2, 60, 100, 200, 365, 366, -1, -2, -306, -365, -366),
    "BYMONTHDAY": (*range(1, 32), -1, -2, -15, -30, -31),
    "BYHOUR": range(24),
    "BYMINUTE": (0, 1, 15, 20, 29, 30, 31, 45, 59),
    "BYSECOND": (0, 1, 15, 30, 31, 59),
    "BYSETPOS": (1, 2, 3, 7, 30, -1, -2, -3, -20),
}
_FEW = (1, 1, 1, 2, 2, 3, 5)


def make_start(choose: Choose) -> datetime:
    """A DTSTART."""
    start = choose(_STARTS)
    return start + timedelta(days=choose(range(-6, 7)), hours=choose((0, 0, 0, 1, 5, 12)))


def make_parts(choose: Choose, dtstart: datetime) -> Parts:
    """The parts of a rule for a walker or a text."""
    parts: Parts = {"FREQ": choose(_FREQUENCIES)}
    if choose((False, True)):
        parts["INTERVAL"] = choose((2, 2, 3, 4, 5, 7, 12, 18, 24, 25, 60, 90))
    for name in (
        "BYMONTH",
        "BYWEEKNO",
        "BYYEARDAY",
        "BYMONTHDAY",
        "BYHOUR",
        "BYMINUTE",
        "BYSECOND",
    ):
        if choose(range(20)) < (2 if name in ("BYWEEKNO", "BYYEARDAY") else 5):
            parts[name] = sorted({_near(choose, name, dtstart) for _ in range(choose(_FEW))})
    if choose(range(5)) < 2:
        parts["BYDAY"] = _weekdays(choose)
    if choose(range(4)) == 0:
        parts["BYSETPOS"] = sorted({choose(_VALUES["BYSETPOS"]) for _ in range(choose((1, 1, 2)))})
    if choose(range(4)) == 0:
        parts["WKST"] = choose(range(7))
    ending = choose(range(4))
    if ending == 0:
        parts["COUNT"] = choose((1, 2, 3, 5, 10, 40))
    elif ending == 1:
        parts["UNTIL"] = dtstart + _HORIZONS[parts["FREQ"]] * choose(range(-1, 10)) / 10
        parts["UNTIL"] = parts["UNTIL"].replace(microsecond=0)
    return parts


def _near(choose: Choose, name: str, dtstart: datetime) -> int:
    """Half of the values fit DTSTART, so that rules with several parts are not all empty."""
    fitting = {
        "BYMONTH": dtstart.month,
        "BYMONTHDAY": dtstart.day,
        "BYYEARDAY": dtstart.timetuple().tm_yday,
        "BYWEEKNO": dtstart.isocalendar()[1],
        "BYHOUR": dtstart.hour,
        "BYMINUTE": dtstart.minute,
        "BYSECOND": dtstart.second,
    }
    value: int = fitting[name] if choose((False, True)) else choose(_VALUES[name])
    return value


def _weekdays(choose: Choose) -> list[tuple[int, int]]:
    style = choose(("plain", "plain", "numbered", "mixed"))
    ordinals: Sequence[int] = (1, 2, 3, 4, 5, -1, -2, -5, 20, 53, -53)
    if style == "plain":
        ordinals = (0,)
    elif style == "mixed":
        ordinals = (0, 1, 2, -1)
    return sorted({(choose(ordinals), choose(range(7))) for _ in range(choose(_FEW))})


def horizon(parts: Parts, dtstart: datetime) -> datetime:
    """How far a walker is sent: a few periods of the larger FREQs, thousands of the smaller."""
    stretch = min(parts.get("INTERVAL", 1), 3)
    return dtstart + _HORIZONS[parts["FREQ"]] * stretch


def text_of(parts: Parts) -> str:
    """The RECUR text of a rule."""
    written: list[str] = []
    for name, value in parts.items():
        if name == "BYDAY":
            value = ",".join(f"{n or ''}{WEEKDAYS[weekday]}" for n, weekday in value)
        elif name == "WKST":
            value = WEEKDAYS[value]
        elif name == "UNTIL":
            value = value.strftime("%Y%m%dT%H%M%S")
        elif isinstance(value, list):
            value = ",".join(map(str, value))
        written.append(f"{name}={value}")
    return ";".join(written)
