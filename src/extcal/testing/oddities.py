"""Irregularities of real feeds. Each is a function of valid text, which returns irregular text.

``COMPONENTS`` change one VEVENT, ``BODIES`` a whole feed; the first function of each changes
nothing. They are used by :mod:`extcal.testing.strategies`, and by tests that need a certain one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["BODIES", "COMPONENTS"]


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
