"""The caller's feed as UTF-8 bytes that hold a calendar.

In: bytes, str, or an object with ``to_ical()``. Out: bytes without a leading byte order mark.
Nothing else is removed or repaired here. A body without a calendar raises NotACalendar, which says
what the body seems to be instead, such as HTML.
"""

from __future__ import annotations

import codecs
import re
from os import PathLike
from typing import Protocol, runtime_checkable

from extcal.errors import NotACalendar
from extcal.ical.parse.content_lines import FOLD
from extcal.messages.problems import no_calendar

__all__ = ["SupportsToIcal", "to_bytes"]

# The line that begins a calendar. Its name may be folded, in upper or lower case, or have a NUL
# beside each letter, as in UTF-16 without a byte order mark. A VEVENT without a VCALENDAR is what
# icalendar.Event.to_ical() gives. Only the first line of the body may be indented; elsewhere an
# indented line is a fold.
_BEGIN = re.compile(
    rb"(?:\A[ \t]*(?:\xef\xbb\xbf)?|(?<=[\r\n\x00])|(?<=[\r\n\x00]\xef\xbb\xbf))"
    rb"BEGIN[ \t]*:[ \t]*V(?:CALENDAR|EVENT|FREEBUSY|AVAILABILITY)",
    re.I,
)
# A line that is no calendar: "ada.ics", "~/calendars/ada", "C:\\ada.ics"; not "https://..." and not
# "BEGIN:VCALENDAR". It may also be an address without its scheme: "host.example/a.ics".
_FILE_NAME = re.compile(
    r"\s*(?:(?:~|\.{0,2})[\\/][^\r\n]*"
    r"|(?:[A-Za-z]:[\\/])?[^\r\n:]+\.(?:ics|ical|icalendar|ifb|vfb))\s*",
    re.IGNORECASE,
)
_HOST = re.compile(r"\s*(?:[a-z0-9-]+\.)+[a-z]{2,}/", re.IGNORECASE)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@runtime_checkable
class SupportsToIcal(Protocol):
    """An object with ``to_ical()``, such as the components of the icalendar package."""

    def to_ical(self) -> bytes: ...


def to_bytes(data: bytes | bytearray | memoryview | str | SupportsToIcal) -> bytes:
    """Return the feed as UTF-8 bytes (RFC 5545 section 3.1.4).

    A UTF-8 byte order mark is dropped, UTF-16 is transcoded if it has a byte order mark. Raises
    TypeError for anything else than text or bytes, NotACalendar if there is no calendar in it.
    """
    raw = _raw(data)
    if isinstance(data, str) and _FILE_NAME.fullmatch(data):
        raise NotACalendar(*no_calendar("address" if _HOST.match(data) else "file"))
    if raw.startswith(_UTF16):
        raw = raw.decode("utf-16", "replace").encode("utf-8", "replace")
    raw = raw.removeprefix(codecs.BOM_UTF8)
    if not _holds_calendar(raw):
        raise NotACalendar(*no_calendar(_looks_like(raw)))
    return raw


def _raw(data: object) -> bytes:
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        return data.encode("utf-8", "replace")
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    if isinstance(data, SupportsToIcal):
        text = data.to_ical()
        if isinstance(text, (bytes, str)):
            return _raw(text)
    if isinstance(data, PathLike):
        raise TypeError("this is a file's name; pass the bytes of the file: path.read_bytes()")
    raise TypeError(
        "pass the feed as bytes, as str, or as an object with to_ical(), "
        f"not as {type(data).__name__}"
    )


def _holds_calendar(raw: bytes) -> bool:
    if raw[:1024].lstrip().startswith((b"<", b"{", b"%PDF")):
        return False
    if _BEGIN.search(raw):
        return True
    if b"\x00" not in raw and not FOLD.search(raw):
        return False
    return bool(_BEGIN.search(FOLD.sub(b"", raw).replace(b"\x00", b"")))


def _looks_like(raw: bytes) -> str | None:
    """What a body without a calendar seems to be, as a key of the messages; None if unclear."""
    head = raw[:1024].lstrip().lower()
    if not head:
        return "empty"
    if head.startswith(b"%pdf"):
        return "pdf"
    if head.startswith((b"<!doctype html", b"<html")) or b"<html" in head:
        return "html"
    if head.startswith(b"<"):
        return "xml"
    if head.startswith((b"{", b"[")):
        return "json"
    if head.startswith((b"http://", b"https://", b"webcal:", b"webcals:")):
        return "address"
    return None
