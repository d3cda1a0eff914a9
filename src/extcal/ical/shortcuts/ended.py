"""Whether the bytes of a plain VEVENT prove that all of it lies before the window.

In: the bytes of one VEVENT and the position of one line in it, an RRULE or a RECURRENCE-ID. Out:
True if the event is certainly over. Every line that is not written in the plainest way makes the
answer False, and the event is read.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from extcal.patterns import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["SLACK", "BeforeWindow", "before", "planned_day"]

SLACK: Final = timedelta(days=3)
"""Zones, rounding to midnight and all-day readings move a time by less than two days."""

_ENDS = rb"\r?\n(?![ \t])"
_TIME_OF_DAY = rb"T(?:[01]\d|2[0-3])[0-5]\d[0-5]\d"
# A DTSTART or DTEND in a form that is always read alike, if its day exists (20270231 does not).
# Takes in "\nDTSTART;TZID=X:20270105T090000\nA". Not "\nDTSTART:2027-01-05\nA", nor a folded one.
_DATED = pattern(rb"\nDT(?:START|END)(;[^:\"\r\n]*+|):(\d{8})((?:%bZ?)?)" % _TIME_OF_DAY + _ENDS)
# A DTSTART line and directly behind it a DTEND line, on one day and in one zone. Groups 3 and 5 are
# the times of day.
# Takes in "\nDTSTART:20270105T090000Z\nDTEND:20270105T100000Z\nA". Not a DTEND of another day.
_ONE_DAY = pattern(
    rb"\nDTSTART(;[^:\"\r\n]*+|):(\d{8})(%b|)(Z|)\r?\n"
    rb"DTEND\1:\2(%b|)\4" % (_TIME_OF_DAY, _TIME_OF_DAY) + _ENDS
)
# A RECURRENCE-ID line; group 1 is its day. Takes in "RECURRENCE-ID:20270105T090000Z\nA".
# Not "RECURRENCE-ID;RANGE=THISANDFUTURE:20270105\nA".
_PLAIN_ID = pattern(
    rb"RECURRENCE-ID(?:;VALUE=DATE|;TZID=[A-Za-z0-9_/+.\ -]+|):(\d{8})(?:T\d{6}Z?|)" + _ENDS
)
# An RRULE line: FREQ first, then only usual parts. Group 1 is its parts, group 2 the last UNTIL.
# Takes in "RRULE:FREQ=DAILY;COUNT=9\nA". Not "RRULE:FREQ=DAILY;X=1\nA".
_PLAIN_RULE = pattern(
    rb"RRULE:(FREQ=(?:DAILY|WEEKLY|MONTHLY|YEARLY)(?:;(?:UNTIL=(\d{8})(?:%(time)bZ?|)"
    rb"|INTERVAL=[1-9]\d{0,2}|COUNT=[1-9]\d{0,5}"
    rb"|(?:WKST=|BYDAY=(?:%(number)b%(day)b,){,99}%(number)b)%(day)b"
    rb"|BYMONTHDAY=-?(?:[1-9]|[12]\d|3[01])|BYMONTH=(?:[1-9]|1[0-2])|BYSETPOS=-?[1-9])){,20})"
    % {
        b"time": _TIME_OF_DAY,
        b"number": rb"(?:[+-]?[1-5])?",
        b"day": rb"(?:MO|TU|WE|TH|FR|SA|SU)",
    }
    + _ENDS
)
_END_NAMES = (b"\nDTEND:", b"\nDTEND;", b"\nDURATION:")
_NOT_CHOOSING = frozenset({b"COUNT", b"FREQ", b"INTERVAL", b"WKST"})
_LONGEST_STEP = {b"DAILY": 1, b"WEEKLY": 7, b"MONTHLY": 31, b"YEARLY": 366}


def before(day: date) -> bytes:
    """Return a pattern for the beginning of eight digits, YYYYMMDD, of a date before ``day``.

    Fewer digits are no date: "2027010:" never matches.
    """
    digits = f"{day:%Y%m%d}"
    less = [
        f"{digits[:place]}[0-{int(digit) - 1}]"
        for place, digit in enumerate(digits)
        if digit != "0"
    ]
    return rf"(?=\d{{8}})(?:{'|'.join(less)})".encode()


class BeforeWindow:
    """Tells whether a VEVENT lies before one day, with SLACK to spare.

    ``later`` is the first day that lies behind the window, with SLACK to spare. ``told`` says
    whether Problems are reported: those of an override, if its series is read.
    """

    def __init__(self, day: date, later: date, *, told: bool) -> None:
        self.day, self.told = day, told
        self.digits = f"{day:%Y%m%d}".encode()
        self.long_ago = f"{day - SLACK:%Y%m%d}".encode()
        self.hereafter = f"{later - SLACK:%Y%m%d}".encode()
        self.far_off = f"{later:%Y%m%d}".encode()

    def holds(self, raw: bytes, start: int, end: int, line: int, planned: bytes) -> bool:
        """Whether the VEVENT in ``raw[start:end]`` is over, by its RRULE or RECURRENCE-ID line.

        ``line`` is where that line begins, and ``planned`` is its :func:`planned_day`. The caller
        has found that all other dates lie before the day, and that a DURATION is short.

        An override is over if it has an end of its own, a DTEND or a DURATION: one with a DTEND
        that cannot be read lasts to the end of its day. Without either, such as with a DTENDX, it
        lasts as long as its master's instances. A series is over if its rule has ended.
        """
        if planned:
            return any(_own(raw, name, start, end) >= 0 for name in _END_NAMES)
        rule = _PLAIN_RULE.match(raw, line)
        if rule is None or not _ends(rule):
            return False  # usual: a series that goes on
        first = last = _day(raw, start, end)
        if first is None:
            first, last = (
                _DATED.match(raw, max(_own(raw, name, start, end), start))
                for name in (b"\nDTSTART", b"\nDTEND")
            )
        if first is None or last is None:
            return False
        # The count is last, because it passes over all lines.
        return self.has_ended(rule, first[2], last[2]) and _has_one_of_each(raw, start, end)

    def is_away(self, raw: bytes, start: int, end: int, planned: bytes) -> bool:
        """Whether an override, of an instance planned for that day, need not be read.

        That is so if the instance starts before or after the window, as the override does, and if
        no Problem of it would be reported.
        """
        # SLACK covers every zone.
        away = planned < self.long_ago or planned >= self.far_off
        return away and (not self.told or _has_usual_dates(raw, start, end))

    def ignores_overrides(self, raw: bytes, start: int, end: int, line: int) -> bool:
        """Whether overrides that are away, of instances that are, cannot change this event of the
        same UID.

        ``line`` is where its line of interest begins; 0 if it has several. True for a series whose
        instances take less than a day, and for the override of an instance that is not away.
        """
        line = line or raw.find(b"\nRECURRENCE-ID", start, end) + 1
        if not line or raw.find(b"\nBEGIN:", start, line) >= 0:
            return False  # there is none, or it may be that of an alarm
        planned = planned_day(raw, line)
        if planned:
            return self.digits <= planned < self.hereafter
        # Without another line of interest no RDATE or DURATION makes an instance last long. Which
        # day a RECURRENCE-ID with a time names in a series of days may be a Problem.
        day = _day(raw, start, end) if raw.startswith(b"RRULE:", line) else None
        if day is None or (self.told and not day[3]):
            return False
        return _has_one_of_each(raw, start, end)

    def has_ended(self, rule: re.Match[bytes], begins: bytes, ends: bytes) -> bool:
        """Whether all instances end before the day; the first lasts from ``begins`` to ``ends``."""
        parts = rule[1].split(b";")
        named = dict([part.split(b"=") for part in parts])
        if len(named) != len(parts):
            return False
        try:
            first = _date(begins)
            last = _last(named, first)
            if last is None:
                return False
            length = max(_date(ends) - first, timedelta(0))
            return last + length + SLACK < self.day
        except (ValueError, OverflowError):
            return False


def planned_day(raw: bytes, line: int) -> bytes:
    """The day that a RECURRENCE-ID line names, as eight digits; empty if the line is not plain."""
    planned = _PLAIN_ID.match(raw, line)
    return b"" if planned is None else planned[1]


def _ends(rule: re.Match[bytes]) -> bool:
    """Whether a rule has an UNTIL or a COUNT."""
    return b"UNTIL=" in rule[1] or b"COUNT=" in rule[1]


def _has_one_of_each(raw: bytes, start: int, end: int) -> bool:
    """Whether there is one DTSTART and at most one DTEND; the reader has rules for more of them."""
    return raw.count(b"\nDTSTART", start, end) == 1 and raw.count(b"\nDTEND", start, end) < 2


def _has_usual_dates(raw: bytes, start: int, end: int) -> bool:
    """Whether the dates of an override are such that there is no Problem to report.

    Its end is not before its start, and written alike; if it has none, it is timed.
    """
    first = _DATED.match(raw, max(_own(raw, b"\nDTSTART", start, end), start))
    if first is None or not _is_day(first[2]) or not _has_one_of_each(raw, start, end):
        return False
    if not raw.count(b"\nDTEND", start, end):
        return first[3] != b""
    last = _DATED.match(raw, max(_own(raw, b"\nDTEND", start, end), start))
    return (
        last is not None
        and first[1] == last[1]
        and len(first[3]) == len(last[3])
        and (first[2], first[3]) <= (last[2], last[3])
        and _is_day(last[2])
    )


def _own(raw: bytes, name: bytes, start: int, end: int) -> int:
    """The offset of the first line of a name, or -1: it is absent, or an alarm begins before it."""
    found = raw.find(name, start, end)
    if found < 0 or raw.find(b"\nBEGIN:", start, found) >= 0:
        return -1
    return found


def _day(raw: bytes, start: int, end: int) -> re.Match[bytes] | None:
    """The DTSTART of an event, if its DTEND is on the next line and on that day, or if it has none.

    Group 2 is the day. The reader may use another one for a day that does not exist, as 20270231.
    """
    found = _ONE_DAY.match(raw, raw.find(b"\n", start, end))
    if found is None:
        began = max(_own(raw, b"\nDTSTART", start, end), start)
        dates = _ONE_DAY if raw.count(b"\nDTEND", start, end) else _DATED
        found = dates.match(raw, began)
    return found if found is not None and _is_day(found[2]) else None


def _is_day(digits: bytes) -> bool:
    try:
        _date(digits)
    except ValueError:
        return False
    return True


def _date(digits: bytes) -> date:
    return date.fromisoformat(digits.decode())


def _last(parts: dict[bytes, bytes], begins: date) -> date | None:
    """A day after which a plain rule with an UNTIL or a COUNT starts no instance; None if no such
    day is certain."""
    if b"UNTIL" in parts:
        return _date(parts[b"UNTIL"][:8])
    step = _LONGEST_STEP[parts[b"FREQ"]]
    others = parts.keys() - _NOT_CHOOSING
    if others not in (set(), {b"BYDAY"}):
        return None
    # A weekly rule has an instance in every week. Others may skip a step: a month without a 31st.
    if (others and step != 7) or begins.day > 28:
        return None
    steps = int(parts[b"COUNT"]) * int(parts.get(b"INTERVAL", b"1"))
    return begins + timedelta(days=step * steps)
