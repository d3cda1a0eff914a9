"""What comes in crowds and is passed in one look: FREEBUSY lines, zones, and what nobody reads.

In: bytes, and a part of them that starts where a line does. Out: the same part in pieces, each to
be read line by line or a run of one kind. A run holds nothing but lines written in the plainest
way, so that whoever needs it finds in it what reading its lines would have found. Publishers list
FREEBUSY by the thousand, and most feeds define zones that nobody asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

__all__ = [
    "BORDERS",
    "FREEBUSY",
    "LINES",
    "LONGEST_LINE",
    "ODD",
    "VTIMEZONE",
    "Piece",
    "borders",
    "odd_lines",
    "pieces",
]

LINES: Final = "lines"
FREEBUSY: Final = "FREEBUSY"
VTIMEZONE: Final = "VTIMEZONE"
BORDERS: Final = "borders"
"""BEGINs and ENDs of components that nobody reads, with the lines that stand in these."""
ODD: Final = "odd"
LONGEST_LINE: Final = 4096
"""No line of a run is longer, so that no larger limit of lines can concern it."""


class Piece(NamedTuple):
    """A stretch of bytes, and what is in it."""

    start: int
    end: int
    kind: str


# Possessive, so that a megabyte of them leaves nothing to come back to. What follows a run must be
# a name, or the end of the part: anything else might continue its last line. The zone's name comes
# first, as all write it.
_PROPERTY = rb"(?!BEGIN|END|TZID)[A-Z][A-Z0-9-]{0,40}[;:][\t -~]{0,4000}+\r?\n"
_ZONE = rb"BEGIN:VTIMEZONE\r?\nTZID:[\t -~]{0,255}+\r?\n(?:%s|%s|%s)*+END:VTIMEZONE\r?\n" % (
    _PROPERTY,
    rb"BEGIN:STANDARD\r?\n(?:" + _PROPERTY + rb")*+END:STANDARD\r?\n",
    rb"BEGIN:DAYLIGHT\r?\n(?:" + _PROPERTY + rb")*+END:DAYLIGHT\r?\n",
)
_LISTED = rb"FREEBUSY(?:;FBTYPE=[A-Z-]{1,40})?:[0-9A-Z/,]{0,4000}+\r?\n"
# Of a name that decides about time, or of one that begins like it, nothing is passed over.
_PASSED_OVER = rb"(?!V(?:CAL|EVENT|TODO|JOURNAL|FREEBUSY|TIMEZONE|AVAIL)|STANDARD|DAYLIGHT|AVAIL)"
_PASSED_OVER += rb"[A-Z][A-Z0-9-]{0,40}+\r?\n"
_BORDER = rb"(?:BEGIN:%s(?:%s)*+|END:%s)" % (_PASSED_OVER, _PROPERTY, _PASSED_OVER)
_BORDER_NAMES = re.compile(rb"\n(?:BEGIN:([A-Z0-9-]++)|END:([A-Z0-9-]++))")
_BEGIN_LISTED, _BEGIN, _END = b"\nFREEBUSY", b"\nBEGIN:", b"\nEND:"
_RUN = re.compile(
    rb"\n(?:(?=B)(?:%s(?=[A-Z]|\Z))++|(?=F)(?:%s(?=[A-Z]|\Z)){2,}+|(?=[BE])(?:%s(?=[A-Z]|\Z))++)"
    % (_ZONE, _LISTED, _BORDER)
)
_BEGIN_ZONE = b"BEGIN:VTIMEZONE"


# Lines that are no properties whatever follows them: nobody reads a hundred in a row.
# A mark of byte order is passed over like a control character, and a name may stand behind it.
_ODD = re.compile(
    rb"[\r\n](?=[!-~\x80-\xff])(?:(?![A-Za-z][A-Za-z0-9_-]*+[ \t]*[;:])"
    rb"[!-~\x80-\xee\xf0-\xff][\t -~\x80-\xff]{0,4000}+(?:\r\n?|\n)(?=[!-~\x80-\xff]))++"
)
_LINE_END = re.compile(rb"\r\n?|\n")
_WORTH_A_LOOK: Final = 4096
_MANY: Final = 100  # odd lines in a row


def pieces(raw: bytes, part: tuple[int, int]) -> Iterator[Piece]:
    """Yield the pieces of ``raw[part]`` in order; together they are all of it."""
    position, end = part
    if (
        raw.find(_BEGIN, *part) >= 0
        or raw.find(_BEGIN_LISTED, *part) >= 0
        or raw.count(_END, *part) > 1
    ):
        for match in _RUN.finditer(raw, position, end):
            start = match.start() + 1
            yield from _without_odd(raw, position, start)
            position = match.end()
            yield Piece(start, position, _kind(raw, start))
    yield from _without_odd(raw, position, end)


def _kind(raw: bytes, start: int) -> str:
    if raw[start] == ord("F"):
        return FREEBUSY
    return VTIMEZONE if raw.startswith(_BEGIN_ZONE, start) else BORDERS


def borders(raw: bytes, run: Piece) -> Iterator[re.Match[bytes]]:
    """Find each line of a run that begins or ends something: group 1 or 2 is its name."""
    return _BORDER_NAMES.finditer(raw, run.start - 1, run.end)


def _without_odd(raw: bytes, position: int, end: int) -> Iterator[Piece]:
    for match in _ODD.finditer(raw, position, end) if end - position > _WORTH_A_LOOK else ():
        start, behind = match.start() + 1, match.end()
        if behind - start < 2 * _MANY or _lines(raw, start, behind) < _MANY:
            continue
        if position < start:
            yield Piece(position, start, LINES)
        position = behind
        yield Piece(start, position, ODD)
    if position < end:
        yield Piece(position, end, LINES)


def _lines(raw: bytes, start: int, end: int) -> int:
    """How many lines end in a stretch."""
    size = raw.count(b"\n", start, end) + raw.count(b"\r", start, end)
    return size - raw.count(b"\r\n", start, end)


def odd_lines(raw: bytes, piece: Piece, most: int) -> tuple[tuple[int, int], int]:
    """Return where the first ``most`` lines of an odd run stand, and how many more there are."""
    start, end, _ = piece
    size = _lines(raw, start, end)
    if size <= most:
        return (start, end), 0
    ends = islice(_LINE_END.finditer(raw, start, end), max(0, most - 1), None)
    return (start, next(ends).end() if most else start), size - most
