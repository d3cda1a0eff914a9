"""What the dates of a plain VEVENT say: that all of it lies in the past.

In: the bytes of one VEVENT and one plain line of it, an RRULE or a RECURRENCE-ID. Out: whether it
is over, surely. What is written in any but the plainest way is not over for all we know.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

__all__ = ["SLACK", "before", "is_over"]

SLACK: Final = timedelta(days=3)
"""No zone, no midnight rounding and no all-day reading moves a time by two days."""

# Of lines whose first colon is known to stand in front of their date.
_DATES = re.compile(rb"\nDT(START|END)[^:]*+:([0-9]{8})")
_TIMES = re.compile(rb"\nDT(START|END)([^:]*+):([0-9]{8})([^\r\n]*)")
_ENDS = rb"\r?\n(?![ \t])"
_PLAIN_ID = re.compile(
    rb"RECURRENCE-ID(?:;VALUE=DATE|;TZID=[A-Za-z0-9_/+.\ -]+)?:[0-9]{8}(?:T[0-9]{6}Z?)?" + _ENDS
)
_WEEKDAY = rb"(?:MO|TU|WE|TH|FR|SA|SU)"
_NUMBERED = rb"(?:[+-]?[1-5])?" + _WEEKDAY
# 1: its parts behind FREQ, 2: the last UNTIL among them
_PLAIN_RULE = re.compile(
    rb"RRULE:(FREQ=(?:DAILY|WEEKLY|MONTHLY|YEARLY)"
    rb"(?:;(?:UNTIL=([0-9]{8})(?:T(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z?)?"
    rb"|INTERVAL=[1-9][0-9]{0,2}|COUNT=[1-9][0-9]{0,5}"
    rb"|BYDAY="
    + _NUMBERED
    + rb"(?:,"
    + _NUMBERED
    + rb")*|WKST="
    + _WEEKDAY
    + rb"|BYMONTHDAY=-?(?:[1-9]|[12][0-9]|3[01])|BYMONTH=(?:[1-9]|1[0-2])|BYSETPOS=-?[1-9]))*)"
    + _ENDS
)
_LONGEST_STEP = {b"DAILY": 1, b"WEEKLY": 7, b"MONTHLY": 31, b"YEARLY": 366}

_Date = tuple[bytes, bytes]  # START or END, and its date
_Time = tuple[bytes, ...]  # START or END, its parameters, its date, and what follows


def before(day: date) -> bytes:
    """Return a pattern for what begins like a date before ``day``, and like no other date.

    Its eight digits are YYYYMMDD; where the year decides, nobody looks at the others.
    """
    year = f"{day:%Y}"
    patterns = [f"{year}{_before(f'{day:%m%d}')}", _before(year)]
    return "(?:{}|{})".format(*patterns).encode()


def _before(limit: str) -> str:
    """A pattern for as many digits as ``limit`` has that are less."""
    digit, rest = int(limit[0]), limit[1:]
    smaller = f"[0-{digit - 1}][0-9]{{{len(rest)}}}" if digit else ""
    equal = f"{limit[0]}{_before(rest)}" if rest else ""
    if equal.endswith("(?!)") or not equal:
        return smaller or "(?!)"
    return f"(?:{equal}|{smaller})" if smaller else equal


def is_over(raw: bytes, start: int, end: int, line: int, past: date) -> bool:
    """Whether the one line of interest of ``raw[start:end]`` is plain, and says that it is over.

    ``line`` is where that line begins. All other dates of the VEVENT lie before ``past``. An ended
    rule is over. So is a RECURRENCE-ID, unless the event has no end of its own: it would last as
    long as its master.
    """
    rule = _PLAIN_RULE.match(raw, line)
    if rule is None and _PLAIN_ID.match(raw, line) is None:
        return False
    if rule is None:
        return _has_end(sorted(_TIMES.findall(raw, start, end)))
    return _has_ended(rule[1], rule[2], _DATES.findall(raw, start, end), past)


def _has_end(times: list[_Time]) -> bool:
    """Whether there is one end and one start, sorted, and the end is surely not the earlier one."""
    if len(times) != 2 or times[0][0] == times[1][0] or times[0][1] != times[1][1]:
        return False
    (_, _, last, until), (_, _, first, since) = times
    return first < last or (first == last and 7 <= len(since) == len(until) and since <= until)


def _has_ended(rule: bytes, until: bytes | None, dates: list[_Date], past: date) -> bool:
    """Whether no instance of an event with one start, and one end or none, reaches ``past``."""
    named_dates = dict(dates)
    begins = named_dates.get(b"START")
    if begins is None or len(named_dates) != len(dates):
        return False
    ends = named_dates.get(b"END", begins)
    try:
        if until is not None and ends == begins and rule.count(b"UNTIL") == 1:
            return _date(until) < past - SLACK  # as most do: no more arithmetic
        parts = [part.split(b"=") for part in rule.split(b";")]
        named = dict(parts)
        if len(named) != len(parts):
            return False
        first = _date(begins)
        last = _last(named, first)
        return last is not None and last + max(_date(ends) - first + SLACK, SLACK) < past
    except (ValueError, OverflowError):
        return False


def _date(digits: bytes) -> date:
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))


def _last(parts: dict[bytes, bytes], begins: date) -> date | None:
    """The last day that a plain rule can start an instance on; None when nothing bounds it."""
    if b"UNTIL" in parts:
        return _date(parts[b"UNTIL"])
    step = _LONGEST_STEP[parts[b"FREQ"]]
    plain = b"WKST", b"FREQ", b"INTERVAL", b"COUNT"
    others = [name for name in parts if name not in plain]
    if b"COUNT" not in parts or others not in ([], [b"BYDAY"]):
        return None
    # A rule of weeks has an instance in each; other rules may skip: the 31st, numbered weekdays.
    if (others and step != 7) or begins.day > 28:
        return None
    steps = int(parts[b"COUNT"]) * int(parts.get(b"INTERVAL", b"1"))
    return begins + timedelta(days=step * steps)
