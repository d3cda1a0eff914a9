"""Runs of lines that are no content lines: they are counted instead of being read one by one.

In: bytes, and a part of them that starts at the start of a line. Out: the same part in pieces. A
piece is either to be read line by line, or a run of such lines. Of a run, only as many lines are
read as there may be Problems.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from extcal.ical.parse.spans import Span, count_in, stretches
from extcal.patterns import pattern
from extcal.values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["LONGEST_LINE", "Piece", "head", "pieces"]

LONGEST_LINE: Final = 4096
"""Bytes: no line of a run is longer, so ``max_line_bytes`` of this or more never cuts one."""


class Piece(NamedTuple):
    """A stretch of bytes, and whether it is a run of lines that are no content lines."""

    start: int
    end: int
    odd: bool


# A line that is no content line, and the first byte of the next, which must not continue it.
# It begins with a graphic character, but with no name and its ":" or ";".
# Takes in "?", "no colon", "1:2". Not "A:b", "RRULE ;", " fold", nor "\xef\xbb\xbfUID:a", because a
# byte order mark is passed over and a name may stand behind it.
# The groups are atomic: the engine keeps no positions to backtrack to for a megabyte of lines.
_ODD = pattern(
    rb"[\r\n](?=[!-~\x80-\xff])(?>(?:(?![A-Za-z][A-Za-z0-9_-]*+[ \t]*[;:])"
    rb"[!-~\x80-\xee\xf0-\xff][\t -~\x80-\xff]{0,4000}+(?:\r\n?|\n)(?=[!-~\x80-\xff])){1,999})"
)
_LINE_END = pattern(rb"\r\n?|\n")
_WORTH_A_LOOK: Final = 4096
_MANY: Final = 100  # odd lines in a row
_FEW: Final = 32  # line ends in a stretch: so few long lines are read one by one


def pieces(raw: bytes, part: Span) -> Iterator[Piece]:
    """Yield the pieces of ``raw[part]`` in order; together they are all of it."""
    position, end = part
    for start, behind in _runs(raw, part) if end - position > _WORTH_A_LOOK else ():
        if behind - start < 2 * _MANY or _count(raw, start, behind) < _MANY:
            continue
        if position < start:
            yield Piece(position, start, False)
        position = behind
        yield Piece(start, position, True)
    if position < end:
        yield Piece(position, end, False)


def _runs(raw: bytes, part: Span) -> Iterator[Span]:
    """Where lines that are no content lines stand in a row."""
    first = last = part[0]
    for start, stop in stretches(raw, part):
        if raw.count(b"\n", start, stop) + raw.count(b"\r", start, stop) < _FEW:
            continue
        # From the line end in front of the stretch. A run ends before the line behind the stretch.
        begin = max(part[0], start - 1, last - 1)
        visible = min(stop, part[1] - 1) + 1
        while (match := _ODD.search(raw, begin, visible)) is not None:
            if match.start() + 1 != last:
                if last > first:
                    yield first, last
                first = match.start() + 1
            last = match.end()
            begin = last - 1  # the run may go on
    if last > first:
        yield first, last


def head(raw: bytes, run: Piece, most: int) -> tuple[Span, int]:
    """Return the span of the first ``most`` lines of a run, and how many more lines it has."""
    start, end, _ = run
    size = _count(raw, start, end)
    if size <= most:
        return (start, end), 0
    ends = islice(_LINE_END.finditer(raw, start, end), max(0, most - 1), None)
    return (start, next(ends).end() if most else start), size - most


def _count(raw: bytes, start: int, end: int) -> int:
    """Count the line ends in a stretch: CRLF, LF or CR."""
    span = [(start, end)]
    size = count_in(raw, span, b"\n") + count_in(raw, span, b"\r")
    return size - count_in(raw, span, b"\r\n")
