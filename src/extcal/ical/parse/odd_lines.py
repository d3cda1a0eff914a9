"""Runs of lines that are no content lines: they are counted instead of being read one by one.

In: bytes, and where a line that is no content line starts in them. Out: where the run of such lines
ends that begins there. Of a run, only as many lines are read as there may be Problems.
"""

from __future__ import annotations

from itertools import islice

from extcal.ical.parse.spans import STRETCH, Span, count_in
from extcal.patterns import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

__all__ = ["LONGEST_LINE", "end_of_run", "head", "is_long"]

LONGEST_LINE: Final = 4096
"""Bytes: no line of a run is longer, so ``max_line_bytes`` of this or more never cuts one."""

# Lines that are no content lines, from the start of the first to the first byte of the line behind
# the last, which must not continue it. Each begins with a graphic character, but with no name and
# its ":" or ";".
# Takes in "?", "no colon", "1:2". Not "A:b", "RRULE ;", " fold", nor "\xef\xbb\xbfUID:a", because a
# byte order mark is passed over and a name may stand behind it.
# The groups are atomic: the engine keeps no positions to backtrack to for a megabyte of lines.
_ODD = pattern(
    rb"(?>(?:(?![A-Za-z][A-Za-z0-9_-]*+[ \t]*[;:])"
    rb"[!-~\x80-\xee\xf0-\xff][\t -~\x80-\xff]{0,4000}+(?:\r\n?|\n)(?=[!-~\x80-\xff])){1,999})"
)
_LINE_END = pattern(rb"\r\n?|\n")
_MANY: Final = 100  # odd lines in a row


def end_of_run(raw: bytes, start: int, end: int) -> int:
    """Where the odd lines in ``raw[start:end]`` end that follow each other from ``start`` on."""
    while (match := _ODD.match(raw, start, min(end, start + STRETCH))) is not None:
        start = match.end()
    return start


def is_long(raw: bytes, run: Span) -> bool:
    """Whether so many lines are in a run that it is worth while to count them."""
    return run[1] - run[0] >= 2 * _MANY and _count(raw, run) >= _MANY


def head(raw: bytes, run: Span, most: int) -> tuple[Span, int]:
    """Return the span of the first ``most`` lines of a run, and how many more lines it has."""
    start, end = run
    behind = start
    for line_end in islice(_LINE_END.finditer(raw, start, end), most):
        behind = line_end.end()
    return (start, behind), max(0, _count(raw, run) - most)


def _count(raw: bytes, run: Span) -> int:
    """Count the line ends in a run: CRLF, LF or CR."""
    size = count_in(raw, [run], b"\n") + count_in(raw, [run], b"\r")
    return size - count_in(raw, [run], b"\r\n")
