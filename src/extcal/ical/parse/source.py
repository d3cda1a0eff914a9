"""The caller's feed as UTF-8 bytes that hold a calendar.

In: bytes, str, or an object with ``to_ical()``. Out: bytes without a leading byte order mark.
Nothing else is removed or repaired here. A body without a calendar raises NotACalendar, which says
what the body seems to be instead, such as HTML.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from os import PathLike

from extcal.errors import NotACalendar
from extcal.ical.parse.content_lines import FOLD
from extcal.ical.parse.spans import STRETCH, stretches
from extcal.messages.problems import no_calendar
from extcal.patterns import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class SupportsToIcal(Protocol):
        """An object with ``to_ical()``, such as the components of the icalendar package."""

        def to_ical(self) -> bytes: ...


__all__ = ["SupportsToIcal", "to_bytes"]

# The line that begins a calendar. Its name may be folded, in upper or lower case, or have a NUL
# beside each letter, as in UTF-16 without a byte order mark. A VEVENT without a VCALENDAR is what
# icalendar.Event.to_ical() gives. Only the first line of the body may be indented; elsewhere an
# indented line is a fold.
_BEGINS = rb"(?i:N[ \t]*:[ \t]*V(?:CALENDAR|EVENT|FREEBUSY|AVAILABILITY))"
_FIRST = pattern(rb"[ \t]*+(?:\xef\xbb\xbf)?(?i:BEGI)" + _BEGINS)
# Letters come first, because the engine passes over other bytes quickly that way.
_BEGIN = pattern(
    rb"[Bb][Ee][Gg][Ii](?:(?<=[\r\n\x00].{4})|(?<=[\r\n\x00]\xef\xbb\xbf.{4}))" + _BEGINS
)
# A line that is no calendar: "ada.ics", "~/calendars/ada", "C:\\ada.ics"; not "https://..." and not
# "BEGIN:VCALENDAR". It may also be an address without its scheme: "host.example/a.ics".
_FILE_NAME = pattern(
    r"\s*(?:(?:~|\.{0,2})[\\/][^\r\n]*"
    r"|(?:[A-Za-z]:[\\/])?[^\r\n:]+\.(?:ics|ical|icalendar|ifb|vfb))\s*",
    re.IGNORECASE,
)
_HOST = pattern(r"\s*(?:[a-z0-9-]+\.)+[a-z]{2,}/", re.IGNORECASE)
_LONGEST_BEGIN = 2_048  # bytes that a BEGIN, with its blanks and folds, is looked for in
_FAR = 4 * 1024 * 1024  # bytes in which a BEGIN with folds or NULs in it is looked for
_PIECE = 1024 * 1024  # bytes or characters
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def to_bytes(data: bytes | bytearray | memoryview | str | SupportsToIcal) -> bytes:
    """Return the feed as UTF-8 bytes (RFC 5545 section 3.1.4).

    A UTF-8 byte order mark is dropped, UTF-16 is transcoded if it has a byte order mark. Raises
    TypeError for anything else than text or bytes, NotACalendar if there is no calendar in it.
    """
    raw = _raw(data)
    if isinstance(data, str) and _FILE_NAME.fullmatch(data):
        raise NotACalendar(*no_calendar("address" if _HOST.match(data) else "file"))
    if raw.startswith(_UTF16):
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
        pieces = (decoder.decode(bytes(piece), not piece) for piece in (*_pieces(raw), b""))
        raw = _joined(piece.encode("utf-8", "replace") for piece in pieces)
    if raw.startswith(codecs.BOM_UTF8):
        raw = _joined(_pieces(raw, len(codecs.BOM_UTF8)))
    if not _holds_calendar(raw):
        raise NotACalendar(*no_calendar(_looks_like(raw)))
    return raw


def _pieces(data: bytes | bytearray | memoryview, start: int = 0) -> Iterator[memoryview]:
    """The data in pieces, none of which takes more than a few milliseconds to convert."""
    view = memoryview(data)
    view = view if view.c_contiguous and view.format == "B" else memoryview(bytes(view))
    return (view[at : at + _PIECE] for at in range(start, len(view), _PIECE))


def _joined(pieces: Iterable[bytes | memoryview]) -> bytes:
    whole = io.BytesIO()
    for piece in pieces:
        whole.write(piece)
    return whole.getvalue()


def _raw(data: object) -> bytes:
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        parts = (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))
        return _joined(part.encode("utf-8", "replace") for part in parts)
    if isinstance(data, (bytearray, memoryview)):
        return _joined(_pieces(data))
    to_ical = getattr(data, "to_ical", None)
    if callable(to_ical):
        text = to_ical()
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
    if _FIRST.match(raw) or _begins(raw, 0):
        return True
    left = b"\n"  # as if a line ended there: the first line may have folds
    for start, stop in stretches(raw, (0, min(len(raw), _FAR))):
        left += FOLD.sub(b"", raw[start:stop]).replace(b"\x00", b"")
        if _begins(left, 0):
            return True
        left = left[-_LONGEST_BEGIN:]
    return False


def _begins(raw: bytes, start: int) -> bool:
    """Whether a line behind ``start`` begins a calendar."""
    while start < len(raw):
        if _BEGIN.search(raw, start, start + STRETCH + _LONGEST_BEGIN):
            return True
        start += STRETCH
    return False


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
