"""Which VEVENTs are plain; in most feeds nearly all of them are.

In: bytes, from one BEGIN:VEVENT to the next. Out: the offsets of its parts, or None. A block is
plain if each of its lines is a fold or begins with a name in upper case, if all of it is UTF-8, and
if it holds nothing but its own lines and, behind them, alarms. ``short_reading`` reads plain
blocks; ``content_lines`` and ``components`` read everything else.
"""

from __future__ import annotations

from extcal.ical.budget import Work
from extcal.ical.parse.content_lines import Line, Names, logical_lines
from extcal.patterns import pattern
from extcal.values import NamedTuple

__all__ = ["PlainBlock", "own_lines", "plain_block"]


class PlainBlock(NamedTuple):
    """The offsets of a plain VEVENT: its BEGIN, the end of its own lines, and its END."""

    offset: int
    own: int
    end: int
    calendar: int  # index of its VCALENDAR in Stream.calendars


# The beginning of a plain line: a name in upper case with its ":" or ";", but no BEGIN and no END.
# Takes in "UID:a", "DTSTART;TZID=A/B:". Not "uid:a", "BEGIN:VALARM", "no colon".
_NAMED = rb"(?!BEGIN|END)[A-Z][A-Z0-9_-]*[;:]"
# A newline behind which stands neither a fold nor a plain line: one such makes a block not plain.
# Takes in "\nuid:a", "\nBEGIN:VTODO". Not "\nUID:a", "\n fold". In a block whose lines end in CRLF
# an LF on its own ends a line too, so there "\nUID:a" is taken in and "\r\nUID:a" is not.
_ODD = rb"\n(?!(?:[ \t]|%b))"
_ODD_CRLF = rb"\n(?!(?<=\r\n)(?:[ \t]|%b))"
# One or more VALARM blocks with nothing between them: BEGIN, folds and plain lines, END. No fold
# may follow BEGIN:VALARM or END:VALARM, because it would continue the name. A line of the event
# between two alarms ends the match, which plain_block then finds too short.
# Takes in "\nBEGIN:VALARM\nACTION:DISPLAY\nEND:VALARM\n". Not "\nBEGIN:VALARM\n S\nEND:VALARM\n".
_ALARMS = (
    rb"(?>(?:\nBEGIN:VALARM%b(?!\n[ \t])"
    rb"(?>(?:\n(?:[ \t]|%b)[^\r\n]*+%b){,999})\nEND:VALARM%b(?!\n[ \t])){1,999})"
)
_LOOKS = {
    newline: (pattern(odd % _NAMED), pattern(_ALARMS % (cr, _NAMED, cr, cr)))
    for newline, odd, cr in ((b"\n", _ODD, b""), (b"\r\n", _ODD_CRLF, rb"\r"))
}
_ALARM = b"\nBEGIN:VALARM"


def plain_block(raw: bytes, start: int, stop: int, calendar: int, utf8: bool) -> PlainBlock | None:
    """Return the parts of ``raw[start:stop]`` if that is one plain VEVENT and nothing else.

    The caller makes sure that no CR ends a line on its own. ``utf8``: a block with bytes that are
    not UTF-8 is not plain.
    """
    if raw.startswith(b"BEGIN:VEVENT\r\n", start) and raw.endswith(
        b"\r\nEND:VEVENT\r\n", start, stop
    ):
        newline, lines, end = b"\r\n", start + 14, stop - 14
    elif raw.startswith(b"BEGIN:VEVENT\n", start) and raw.endswith(b"\nEND:VEVENT\n", start, stop):
        newline, lines, end = b"\n", start + 13, stop - 12
    else:
        return None
    # ``end`` is before the newline in front of END:VEVENT. A fold as the first line continues the
    # name: "BEGIN:VEVENT\n S" begins a VEVENTS.
    if end < lines or raw[lines] in b" \t":
        return None
    odd, alarms = _LOOKS[newline]
    own = raw.find(_ALARM, start, end)
    if own < 0:
        own = end
    else:
        behind = alarms.match(raw, own, stop)
        if behind is None or behind.end() != end + len(newline) - 1:
            return None
    if odd.search(raw, start, own) is not None or (utf8 and not _is_utf8(raw[start:stop])):
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


def own_lines(raw: bytes, block: PlainBlock, names: Names, work: Work) -> list[Line]:
    """The lines of a plain block itself, as the plain reading code finds them."""
    found = logical_lines(raw, (block.offset, block.own), names, work)
    return [line for line in found if line.name not in ("BEGIN", "END")]
