"""Irregularities of real feeds. Each is a function of valid text, which returns irregular text.

``COMPONENTS`` change one VEVENT, ``BODIES`` a whole feed; the first function of each changes
nothing. They are used by :mod:`extcal.testing.strategies`, and by tests that need a certain one.
``ODD_FEEDS`` are whole feeds, by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

__all__ = ["BODIES", "COMPONENTS", "ODD_FEEDS"]


def as_it_is(text: str) -> str:
    """No irregularity."""
    return text


def without_start(text: str) -> str:
    """DTSTART is required (RFC 5545 section 3.6.1)."""
    return re.sub(r"DTSTART[^\r]*\r\n", "", text)


def without_uid(text: str) -> str:
    """UID is required, but missing in exports of some small systems."""
    return re.sub(r"UID:[^\r]*\r\n", "", text, count=1)


def without_stamp(text: str) -> str:
    """DTSTAMP is required, but not needed to compute busy time."""
    return re.sub(r"DTSTAMP[^\r]*\r\n", "", text)


def impossible_start(text: str) -> str:
    """A date that does not exist."""
    return re.sub(r"(DTSTART[^:]*:)\d{8}", r"\g<1>20270230", text)


def backwards(text: str) -> str:
    """An event that ends before it starts."""
    return text.replace("DURATION:P", "DURATION:-P")


def unknown_zone(text: str) -> str:
    """A TZID that is not defined."""
    return re.sub(r";TZID=[^:]*:", ";TZID=Customized Time Zone:", text)


def windows_zone(text: str) -> str:
    """Exchange names zones like this."""
    return re.sub(r";TZID=[^:]*:", ";TZID=W. Europe Standard Time:", text)


def interval_of_nothing(text: str) -> str:
    """INTERVAL is positive (section 3.3.10)."""
    return text.replace("RRULE:", "RRULE:INTERVAL=0;")


def rule_of_nothing(text: str) -> str:
    """An empty rule."""
    return text.replace("RRULE:FREQ=", "RRULE:")


def every_second(text: str) -> str:
    """A rule that repeats every second and has no end."""
    return re.sub(r"RRULE:[^\r]*", "RRULE:FREQ=SECONDLY", text)


def garbage(text: str) -> str:
    """A line that is not a content line."""
    return text.replace("END:VEVENT", "Zoom meeting: join here\r\nEND:VEVENT")


def never_ended(text: str) -> str:
    """A component whose END is missing."""
    return text.replace("END:VEVENT\r\n", "")


def out_of_office(text: str) -> str:
    """Outlook's own busy status."""
    return text.replace("END:VEVENT", "X-MICROSOFT-CDO-BUSYSTATUS:OOF\r\nEND:VEVENT")


COMPONENTS: tuple[Callable[[str], str], ...] = (
    as_it_is,
    without_start,
    without_uid,
    without_stamp,
    impossible_start,
    backwards,
    unknown_zone,
    windows_zone,
    interval_of_nothing,
    rule_of_nothing,
    every_second,
    garbage,
    never_ended,
    out_of_office,
)
"""Functions that take one VEVENT and return it with one irregularity."""


def in_utf8(text: str) -> bytes:
    """No irregularity."""
    return text.encode()


def with_mark(text: str) -> bytes:
    """A byte order mark at the beginning."""
    return b"\xef\xbb\xbf" + text.encode()


def in_utf16(text: str) -> bytes:
    """The encoding that Windows calls Unicode."""
    return text.encode("utf-16")


def in_latin1(text: str) -> bytes:
    """An old export."""
    return text.encode("latin-1", "replace")


def unix_lines(text: str) -> bytes:
    """Lines end in LF alone."""
    return text.replace("\r\n", "\n").encode()


def old_mac_lines(text: str) -> bytes:
    """Lines end in CR alone."""
    return text.replace("\r\n", "\r").encode()


def blank_lines(text: str) -> bytes:
    """An empty line after each."""
    return text.replace("\r\n", "\r\n\r\n").encode()


def cut(text: str) -> bytes:
    """The second half is missing."""
    return text.encode()[: len(text) * 2 // 3]


def glued(text: str) -> bytes:
    """An error page after the calendar."""
    return text.encode() + b"<html>504 Gateway Time-out</html>"


def twice(text: str) -> bytes:
    """Two calendars in one body (section 3.4)."""
    return text.encode() * 2


def lower_case(text: str) -> bytes:
    """Names are case-insensitive (section 3.1)."""
    return re.sub(r"^[A-Z-]+(?=[:;])", lambda name: name[0].lower(), text, flags=re.M).encode()


BODIES: tuple[Callable[[str], bytes], ...] = (
    in_utf8,
    with_mark,
    in_utf16,
    in_latin1,
    unix_lines,
    old_mac_lines,
    blank_lines,
    cut,
    glued,
    twice,
    lower_case,
)
"""Functions that take a valid feed and return bytes with one irregularity."""


def _feed(*components: str) -> str:
    """Components whose lines are divided by ``|``, as a calendar."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//extcal//odd feeds//EN"]
    for component in components:
        name, *own = component.split("|")
        lines += [f"BEGIN:{name}", *own, f"END:{name}"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


_SUMMER_TIME = (
    "VTIMEZONE|TZID:GMT|BEGIN:STANDARD|DTSTART:20001029T020000"
    "|RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU|TZOFFSETFROM:+0100|TZOFFSETTO:+0000|END:STANDARD"
    "|BEGIN:DAYLIGHT|DTSTART:20000326T010000|RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU"
    "|TZOFFSETFROM:+0000|TZOFFSETTO:+0100|END:DAYLIGHT"
)
_BROKEN_ZONE = (
    "VTIMEZONE|TZID:europe/vienna|BEGIN:STANDARD|DTSTART:20251026T010000Z|TZOFFSETFROM:+0200"
    "|TZOFFSETTO:+0100|END:STANDARD|BEGIN:DAYLIGHT|DTSTART:20260329T010000Z|TZOFFSETFROM:+0100"
    "|TZOFFSETTO:+0200|END:DAYLIGHT"
)
_EVENT = "VEVENT|UID:odd|DTSTAMP:20270101T000000Z|SUMMARY:Odd"

ODD_FEEDS: Mapping[str, str] = MappingProxyType(
    {
        "count-beside-start": _feed(
            f"{_EVENT}|DTSTART:20270103T090000Z|DTEND:20270103T100000Z"
            "|RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=2"
        ),
        "digits-too-few": _feed(f"{_EVENT}|DTSTART:20270105T13000Z|DTEND:20270105T140000Z"),
        "digits-too-many": _feed(f"{_EVENT}|DTSTART:20270105T171145975Z|DTEND:20270105T181145975Z"),
        "end-before-start": _feed(f"{_EVENT}|DTSTART:20270105T090000Z|DTEND:20270105T080000Z"),
        "end-without-zone": _feed(
            f"{_EVENT}|DTSTART;TZID=America/New_York:20270105T090000|DTEND:20270105T170000"
        ),
        "exdate-in-utc": _feed(
            f"{_EVENT}|DTSTART;VALUE=DATE:20270104|RRULE:FREQ=DAILY;COUNT=3|EXDATE:20270104T220000Z"
        ),
        "freebusy-in-bounds": _feed(
            "VFREEBUSY|UID:odd|DTSTAMP:20270101T000000Z|DTSTART:20270105T090000Z"
            "|DTEND:20270105T100000Z|FBTYPE:BUSY"
        ),
        "gmt-with-summer-time": _feed(
            _SUMMER_TIME,
            f"{_EVENT}|DTSTART;TZID=GMT:20270705T102000|DTEND;TZID=GMT:20270705T112000",
        ),
        "night-of-clock-change": _feed(
            f"{_EVENT}|DTSTART;TZID=Europe/Berlin:20270326T220000"
            "|DTEND;TZID=Europe/Berlin:20270327T060000|RRULE:FREQ=DAILY;COUNT=3"
        ),
        "override-without-zone": _feed(
            f"{_EVENT}|DTSTART;TZID=America/New_York:20270105T090000"
            "|DTEND;TZID=America/New_York:20270105T100000|RRULE:FREQ=WEEKLY;COUNT=2",
            f"{_EVENT}|RECURRENCE-ID:20270112T090000|DTSTART:20270112T110000|DTEND:20270112T120000",
        ),
        "property-twice": _feed(
            f"{_EVENT}|DTSTART:20270105T090000Z|DTEND:20270105T100000Z|STATUS:CANCELLED"
            "|STATUS:CONFIRMED"
        ),
        "start-without-zone": _feed(
            f"{_EVENT}|DTSTART:20270105T180000|DTEND;TZID=Europe/Brussels:20270105T190000"
        ),
        "units-out-of-order": _feed(f"{_EVENT}|DTSTART;VALUE=DATE:20270105|DURATION:PT1W"),
        "until-in-utc": _feed(
            f"{_EVENT}|DTSTART;VALUE=DATE:20270104|RRULE:FREQ=DAILY;UNTIL=20270106T220000Z"
        ),
        "zone-in-other-letters": _feed(
            _BROKEN_ZONE,
            f"{_EVENT}|DTSTART;TZID=europe/vienna:20270705T100000"
            "|DTEND;TZID=europe/vienna:20270705T110000",
        ),
    }
)
"""Feeds with values that the standard does not allow, by their names in ``docs/oddities.md``.

Each has its events in 2027, and is read as busy time, with a Problem where the page names one. Give
them to a :class:`extcal.testing.FakeFetcher` to see what your own pages make of them.
"""
