"""Which VEVENTs are plain: what nearly every event of nearly every feed is.

In: bytes, from one BEGIN:VEVENT to the next. Out: where its parts stand, or None. A block is plain
when each of its lines begins in the plainest way, all of it is UTF-8, and nothing stands in it but
its own lines and, behind them, alarms. ``plain`` makes events of these the short way; everything
else goes through ``lines`` and ``components``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from extcal.ical.budget import Work
from extcal.ical.parse.content_lines import Line, logical_lines

__all__ = ["PlainBlock", "own_lines", "plain_block"]


class PlainBlock(NamedTuple):
    """A plain VEVENT: where it begins, where its own lines end, and where its END stands."""

    offset: int
    own: int
    end: int
    calendar: int  # index of its VCALENDAR in Stream.calendars


# A line that is no fold must name its property in full; only alarms may begin and end, and only
# behind the event's own lines. In a block of CRLF a lone LF ends a line as well.
_NAMED = rb"(?!BEGIN|END)[A-Z][A-Z0-9_-]*[;:]"
_ODD = rb"\n(?!(?:[ \t]|%b))"
_ODD_CRLF = rb"\n(?!(?<=\r\n)(?:[ \t]|%b))"
# Each ends where the next begins, so that no line between is the event's; no name goes on.
_ALARMS = (
    rb"(?>(?:\nBEGIN:VALARM%b(?!\n[ \t])"
    rb"(?>(?:\n(?:[ \t]|%b)[^\r\n]*+%b)*)\nEND:VALARM%b(?!\n[ \t]))+)"
)
_LOOKS = {
    newline: (re.compile(odd % _NAMED).search, re.compile(_ALARMS % (cr, _NAMED, cr, cr)).match)
    for newline, odd, cr in ((b"\n", _ODD, b""), (b"\r\n", _ODD_CRLF, rb"\r"))
}
_ALARM = b"\nBEGIN:VALARM"


def plain_block(raw: bytes, start: int, stop: int, calendar: int, utf8: bool) -> PlainBlock | None:
    """Return the parts of ``raw[start:stop]`` if that is one plain VEVENT and nothing else.

    Only for bytes in which no CR ends a line on its own. ``utf8``: what is no UTF-8 is not plain.
    """
    if raw.startswith(b"BEGIN:VEVENT\r\n", start) and raw.endswith(
        b"\r\nEND:VEVENT\r\n", start, stop
    ):
        newline, lines, end = b"\r\n", start + 14, stop - 14
    elif raw.startswith(b"BEGIN:VEVENT\n", start) and raw.endswith(b"\nEND:VEVENT\n", start, stop):
        newline, lines, end = b"\n", start + 13, stop - 12
    else:
        return None
    # ``end`` is in front of the newline before its END; its name may go on behind a fold.
    if end < lines or raw[lines] in b" \t":
        return None
    odd, alarms = _LOOKS[newline]
    own = raw.find(_ALARM, start, end)
    if own < 0:
        own = end
    else:
        behind = alarms(raw, own, stop)
        if behind is None or behind.end() != end + len(newline) - 1:
            return None
    if odd(raw, start, own) is not None or (utf8 and not _is_utf8(raw[start:stop])):
        return None
    return PlainBlock(start, own, end + len(newline), calendar)


def _is_utf8(chunk: bytes) -> bool:
    if chunk.isascii():
        return True
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True


def own_lines(raw: bytes, block: PlainBlock, names: Mapping[bytes, str], work: Work) -> list[Line]:
    """The lines of a plain block that the long way would have found in it."""
    found = logical_lines(raw, (block.offset, block.own), names, work)
    return [line for line in found if line.name not in ("BEGIN", "END")]
