"""Which VEVENTs are plain, and the lines of these; in most feeds nearly all of them are.

In: bytes, from one BEGIN:VEVENT to the next. Out: the offsets of its parts and its lines, or None.
A block is plain if each of its lines is a fold or begins with a name in upper case, if no property
that is read stands twice in it but EXDATE, and if it holds nothing but its own lines and, behind
them, alarms. ``short_reading`` reads plain blocks; ``content_lines`` and ``components`` read
everything else.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from extcal.ical.budget import Work
from extcal.ical.parse.content_lines import Line, Names, logical_lines
from extcal.ical.parse.spans import Span, find
from extcal.patterns import pattern
from extcal.values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = [
    "LineEnds",
    "PlainBlock",
    "PlainBlocks",
    "line_ends",
    "own_lines",
    "plain_block",
    "stop_of",
]

Lines = dict[bytes, bytes]
LineEnds = frozenset[str | None]


class PlainBlock(NamedTuple):
    """A plain VEVENT: the offsets of its BEGIN, of the end of its own lines, and of its END.

    ``lines`` are those of the properties that are read: the name, and the line behind it with its
    folds, as in ``b"UID"`` and ``b":a\\r\\n b"``. ``exdates`` are all its EXDATE lines.
    """

    offset: int
    own: int
    end: int
    calendar: int  # index of its VCALENDAR in Stream.calendars
    lines: Lines | None  # None: to be found again
    exdates: Sequence[bytes]

    @property
    def span(self) -> Span:
        """Where its BEGIN and its own lines are. It keeps nothing else of the block."""
        return self.offset, self.own


_DECODED: Final = 128 * 1024  # bytes at a time
_MOST_LINES: Final = 50_000  # of all blocks; they take about ten megabytes
# The beginning of a plain line: a name in upper case with its ":" or ";", but no BEGIN and no END.
# Takes in "UID:a", "DTSTART;TZID=A/B:". Not "uid:a", "BEGIN:VALARM", "no colon".
_NAMED = rb"(?!BEGIN|END)[A-Z][A-Z0-9_-]*[;:]"
# Each property that is read: a newline, its name (group 1), and the rest of its line from ":" or
# ";" to its end, with all its folds (group 2). Of a line that is not plain only the newline, with
# both groups empty: one such makes a block not plain.
# Takes in "\nUID:a\n b" of "\nUID:a\n b\nX:y", and "\n" of "\nuid:a", "\nBEGIN:VTODO". Not "\nX:y",
# "\nUIDS:a", "\n fold".
_LINES = (
    rb"\n(?![ \t])(?:"
    rb"(UID|DT(?:START|END)|R(?:RULE|DATE|ECURRENCE-ID)|EX(?:DATE|RULE)|DURATION|CLASS|STATUS"
    rb"|TRANSP|%(titles)bX-(?:FUNAMBOL-ALLDAY|MICROSOFT-(?:CDO|MSNCALENDAR)"
    rb"-(?:ALLDAYEVENT|BUSYSTATUS|INTENDEDSTATUS)))"
    rb"([;:][^%(stop)b]*+(?:(?=\r?\n[ \t])(?>(?:\r?\n[ \t][^%(stop)b]*+){1,999})|))"
    rb"|(?!%(named)b))"
)
# One or more VALARM blocks with nothing between them: BEGIN, folds and plain lines, END. No fold
# may follow BEGIN:VALARM or END:VALARM, because it would continue the name. A line of the event
# between two alarms ends the match, which plain_block then finds too short.
# Takes in "\nBEGIN:VALARM\nACTION:DISPLAY\nEND:VALARM\n". Not "\nBEGIN:VALARM\n S\nEND:VALARM\n".
_ALARMS = (
    rb"(?>(?:\nBEGIN:VALARM\r?(?!\n[ \t])"
    rb"(?>(?:\n(?:[ \t]|%(named)b)[^%(stop)b]*+\r?){,999})\nEND:VALARM\r?(?!\n[ \t])){1,999})"
)
# The bytes of which one ends each line, as written in a pattern. Where all lines end alike one byte
# is enough, and searching for one is faster than for two.
_CR, _LF, _EITHER = rb"\r", rb"\n", rb"\r\n"
_LOOKS = {
    (stop, titles): tuple(
        pattern(text % {b"stop": stop, b"named": _NAMED, b"titles": b"SUMMARY|LOCATION|" * titles})
        for text in (_LINES, _ALARMS)
    )
    for stop in (_CR, _LF, _EITHER)
    for titles in (False, True)
}
_ALARM = b"\nBEGIN:VALARM"


def line_ends(raw: bytes) -> LineEnds:
    """Return which of CRLF, LF and CR end a line anywhere in a body."""
    if find(raw, b"\r", 0, len(raw)) < 0:
        return frozenset({"\n"})
    decoder = io.IncrementalNewlineDecoder(None, translate=False)
    view = memoryview(raw)
    for start in range(0, len(raw), _DECODED):
        decoder.decode(str(view[start : start + _DECODED], "latin-1"))
    decoder.decode("", final=True)
    seen = decoder.newlines
    return frozenset(seen if isinstance(seen, tuple) else (seen,))


def stop_of(ends: LineEnds) -> bytes:
    """The bytes of which one ends each line, as written in a pattern."""
    if len(ends) > 1:
        return _EITHER
    return _CR if "\r\n" in ends else _LF


class PlainBlocks:
    """Finds the plain VEVENTs of one body, and their lines.

    ``ends`` are the body's line ends; if a CR is one, no block is plain. ``titles`` says whether
    titles are read.
    """

    def __init__(self, raw: bytes, ends: LineEnds, *, titles: bool = False) -> None:
        self.raw, self.ends = raw, ends
        self.look = _LOOKS[stop_of(ends), titles]
        self.room = _MOST_LINES

    def at(self, start: int, stop: int, calendar: int) -> PlainBlock | None:
        """The block in ``raw[start:stop]``, if that is one plain VEVENT and nothing else.

        It comes with its lines as long as there is room for them.
        """
        block = plain_block(self.raw, start, stop, calendar, self.look)
        if block is None or block.lines is None:
            return None
        if self.room > 0:
            self.room -= len(block.lines) + len(block.exdates)
            return block
        return block._replace(lines=None, exdates=())

    def lines(self, block: PlainBlock) -> tuple[Lines, Sequence[bytes]]:
        """The lines of a block by name, and its EXDATEs."""
        if block.lines is not None:
            return block.lines, block.exdates
        return _by_name(self.look[0].findall(self.raw, block.offset, block.own)) or ({}, ())


def plain_block(
    raw: bytes, start: int, stop: int, calendar: int, look: tuple[re.Pattern[bytes], ...]
) -> PlainBlock | None:
    """Return what is in ``raw[start:stop]`` if that is one plain VEVENT and nothing else.

    The caller makes sure that no CR ends a line on its own. ``look`` are two patterns of _LOOKS.
    """
    if raw.startswith(b"BEGIN:VEVENT\r\n", start):
        first = start + 14
    elif raw.startswith(b"BEGIN:VEVENT\n", start):
        first = start + 13
    else:
        return None
    if raw.endswith(b"\nEND:VEVENT\r\n", start, stop):
        end = stop - 12
    elif raw.endswith(b"\nEND:VEVENT\n", start, stop):
        end = stop - 11
    else:
        return None
    # ``end`` is where END:VEVENT begins. A fold as the first line continues the name:
    # "BEGIN:VEVENT\n S" begins a VEVENTS.
    if raw[first] in b" \t":
        return None
    lines, alarms = look
    own = raw.find(_ALARM, start, end)
    if own < 0:
        own = end - 1
    else:
        behind = alarms.match(raw, own, stop)
        if behind is None or behind.end() != end - 1:
            return None
    found = _by_name(lines.findall(raw, start, own))
    return None if found is None else PlainBlock(start, own, end, calendar, *found)


def _by_name(found: list[tuple[bytes, bytes]]) -> tuple[Lines, Sequence[bytes]] | None:
    """Lines by name, and all EXDATEs; None if one is not plain, or if another stands twice."""
    lines = dict(found)
    if b"" in lines:
        return None
    if len(lines) == len(found):
        return lines, (lines[b"EXDATE"],) if b"EXDATE" in lines else ()
    exdates = [written for name, written in found if name == b"EXDATE"]
    return (lines, exdates) if len(lines) + len(exdates) - 1 == len(found) else None


def own_lines(raw: bytes, own: Span, names: Names, work: Work) -> list[Line]:
    """The lines of a plain block itself, ``PlainBlock.span``, as the plain reading code does it."""
    found = logical_lines(raw, own, names, work)
    return [line for line in found if line.name != "BEGIN"]
