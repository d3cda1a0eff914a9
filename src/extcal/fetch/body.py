"""A body as it arrives: counted, decompressed within bounds, and checked to be a calendar.

Bytes in, a body or a :class:`~extcal.fetch.protocol.Failed` out. The bytes decide what the body is;
Content-Type is ignored. No I/O, no clock: the driver checks its deadline between two steps, and a
step decompresses 128 KiB at most.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator

from extcal.fetch.protocol import Failed, failed
from extcal.limits import Limits

__all__ = ["MAX_GZIP_MEMBERS", "Body", "completed", "failure_of", "is_whole", "sign_in_page"]

MAX_GZIP_MEMBERS = 16
_GZIP_WINDOW = 31  # zlib's number for "a gzip header, and the largest window"
_STEP = 128 * 1024  # decoded bytes at a time, so that a gzip bomb cannot fill the memory
_GZIP_MAGIC = b"\x1f\x8b"

_TOO_LARGE = failed("too_large")
_BROKEN = failed("bad_encoding")
_CUT = failed("truncated")


class Body:
    """One body being received. ``gzipped``: whether its Content-Encoding is gzip (RFC 1952).

    If it is not, the first two bytes decide, because a file that was compressed before it was
    published often comes without this field; then ``unannounced`` is true. ``spent``: bytes of
    earlier bodies of the same fetch, which count against the same limits.
    """

    def __init__(self, limits: Limits, *, gzipped: bool, spent: int = 0) -> None:
        self._limits = limits
        self._spent = spent
        self._wire = spent
        self._decoded = spent
        self._members = 0
        self._gzipped = gzipped
        self._begun: bytes | None = None if gzipped else b""  # the first bytes, until they decide
        self.unannounced = False
        self._inflate: zlib._Decompress | None = None
        # BytesIO returns its bytes without a second copy.
        self._kept = io.BytesIO()

    @property
    def size(self) -> int:
        """Decoded bytes so far."""
        return self._decoded - self._spent

    def take(self, piece: bytes) -> Iterator[Failed | None]:
        """Take the next piece from the wire, step by step; a failure ends the transfer."""
        left = self._limits.max_wire_bytes - self._wire
        self._wire += len(piece)
        if len(piece) <= left:
            yield from self._decode(piece)
            return
        # Up to the limit first: whether a body is too large or broken must not depend on the pieces
        # in which it arrives.
        for step in self._decode(piece[: max(left, 0)]):
            if step is not None:
                yield step
                return
            if self._gzipped:
                yield None
        yield _TOO_LARGE

    def _decode(self, piece: bytes) -> Iterator[Failed | None]:
        if self._begun is not None:
            piece = self._begun + piece
            if len(piece) < len(_GZIP_MAGIC):
                self._begun = piece
                return
            self._begun = None
            self._gzipped = self.unannounced = piece.startswith(_GZIP_MAGIC)
        if self._gzipped:
            yield from self._take_gzip(piece)
        else:
            yield self._keep(piece)

    def _keep(self, decoded: bytes) -> Failed | None:
        self._decoded += len(decoded)
        if self._decoded > self._limits.max_decoded_bytes:
            return _TOO_LARGE
        self._kept.write(decoded)
        return None

    def _take_gzip(self, piece: bytes) -> Iterator[Failed | None]:
        """RFC 1952 section 2.2: a gzip file is one member after another."""
        more = True
        while piece or more:
            inflate = self._inflate
            if inflate is None or inflate.eof:
                # Every reader of gzip allows zeros after the last member.
                piece = piece.lstrip(b"\0")
                if not piece:
                    return
                inflate = self._next_member()
            # Not beyond the limit, for the same reason; then one byte more.
            left = self._limits.max_decoded_bytes - self._decoded
            step = min(_STEP, left) or 1
            before = inflate.copy() if inflate is not None and left == 0 else None
            try:
                decoded = inflate.decompress(piece, step) if inflate is not None else None
            except zlib.error:
                decoded = None if before is None else _byte_before_error(before, piece)
            if inflate is None or decoded is None:
                yield _BROKEN
                return
            yield self._keep(decoded)
            piece = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            # After a full step zlib may still have output, although it has used all input.
            more = len(decoded) == step

    def _next_member(self) -> zlib._Decompress | None:
        self._members += 1
        if self._members > MAX_GZIP_MEMBERS:
            return None
        self._inflate = zlib.decompressobj(_GZIP_WINDOW)
        return self._inflate

    def end(self) -> bytes | Failed:
        """The whole body, or why there is none."""
        if (
            self._gzipped
            and self._wire > self._spent
            and (self._inflate is None or not self._inflate.eof)
        ):
            return _CUT
        return self._begun or self._kept.getvalue()


def _byte_before_error(inflate: zlib._Decompress, piece: bytes) -> bytes | None:
    """The byte that comes out before the error in ``piece``, if one does.

    zlib keeps it back where both are in one piece.
    """
    good, bad = 0, len(piece)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            found = inflate.copy().decompress(piece[:middle], 1)
        except zlib.error:
            bad = middle
            continue
        if found:
            return found
        good = middle
    return None


# How an answer that is not a calendar begins, and the key of its message.
_NOT_CALENDARS = (
    (b"%pdf", "not_a_calendar/pdf"),
    (b"pk\x03\x04", "not_a_calendar/zip"),
    (_GZIP_MAGIC, "bad_encoding"),
    (b"begin:vcard", "not_a_calendar/contacts"),
    (b"begin:vevent", "not_a_calendar/part"),
    (b"<?xml", "not_a_calendar/xml"),
    (b"<d:", "not_a_calendar/xml"),
    (b"<", "html"),
    (b"{", "json"),
    (b"[", "json"),
)
_BEGIN = re.compile(rb"(?:^|[\r\n])(?:\xef\xbb\xbf)?[ \t]*begin[ \t]*:[ \t]*vcalendar")
_SIGN_IN = {"google": "html/google", "outlook": "html/outlook", "exchange": "html/outlook"}
_SIGN_IN_MARKS = (
    b"login.microsoftonline.com",
    b"login.live.com",
    b"accounts.google.com",
    b'type="password"',
    b"type='password'",
    b"<title>sign in",
    b"<title>log in",
    b"<title>login",
)


def sign_in_page(provider: str | None) -> Failed:
    """The failure of a source that asks a person to sign in."""
    return failed(_SIGN_IN.get(provider or "", "html/sign-in"))


def failure_of(body: bytes, provider: str | None) -> Failed | None:
    """Why ``body`` is not the beginning of a calendar, or None if it is one.

    RFC 5545 section 3.4: an iCalendar object begins with BEGIN:VCALENDAR. In real feeds there
    may be a byte order mark, blanks or another line before it, and it may be in lower case.
    """
    head = _beginning(body)
    if not head and not body.strip(b"\0 \t\r\n\f\v\xef\xbb\xbf"):
        return failed("empty")
    for mark, key in _NOT_CALENDARS:
        if head.startswith(mark):
            return _describe_page(body, provider) if key == "html" else failed(key)
    if _BEGIN.search(head):
        return None
    return failed("not_a_calendar")


def _beginning(body: bytes) -> bytes:
    """The first characters in lower case, without byte order marks and blank space."""
    head = body[:4096]
    for mark, codec in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            head = head[2:].decode(codec, "replace").encode("utf-8", "replace")
    while True:
        stripped = head.lstrip().removeprefix(b"\xef\xbb\xbf")
        if stripped == head:
            return head.lower()
        head = stripped


def _describe_page(body: bytes, provider: str | None) -> Failed:
    head = body[:65_536].lower()
    if any(mark in head for mark in _SIGN_IN_MARKS):
        return sign_in_page(provider)
    return failed("html")


_BLANK = b" \t\r\n\0\x1a"
_LAST_LINE = b"end:vcalendar"
# A component that stands in a calendar itself, and not in another component (RFC 5545 section 3.6,
# RFC 7953). Matches "END:VEVENT" on a line of its own, and not "END:VALARM", which ends only a part
# of an event.
_END = rb"(?i)[\r\n]END:V(?:EVENT|TODO|JOURNAL|FREEBUSY|TIMEZONE|AVAILABILITY)[ \t]*(?:\r?\n|\r)"
_COMPONENT_ENDS = re.compile(_END)
_LAST_COMPONENT = re.compile(_END + rb"([^\r\n]+)\Z")


def is_whole(body: bytes) -> bool:
    """Whether a calendar is complete, although the connection ended in the wrong way.

    A calendar without any component does not count, because an error must not look like an empty
    calendar.
    """
    end = body.rstrip(_BLANK)
    lines = end[-len(_LAST_LINE) - 1 :].lower()
    return lines[1:] == _LAST_LINE and lines[:1] in b"\r\n" and bool(_COMPONENT_ENDS.search(body))


def completed(body: bytes) -> bytes | None:
    """``body`` with its last line whole, if nothing but the end of END:VCALENDAR is missing.

    A server that counts characters announces too few bytes for a text with umlauts: the body then
    ends with "END:VEVENT", "END:VCAL". None if that is not so.
    """
    found = _LAST_COMPONENT.search(body[-256:])
    if found is None or not found[1] or found[1].lower() == _LAST_LINE:
        return None
    if not _LAST_LINE.startswith(found[1].lower()):
        return None
    return body[: len(body) - len(found[1])] + b"END:VCALENDAR\r\n"
