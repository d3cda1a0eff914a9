"""Spans: which stretches of a body are read, and how many events begin in them.

In: the bytes of a body. Out: pairs ``(start, end)`` of offsets into them, sorted and disjoint. A
span starts at the start of a line. The body itself is never copied or shortened.

A search through 64 MiB in one call would keep every other thread of the program waiting until it
ends. So every search goes through a body in stretches, each of which takes a few milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from extcal.patterns import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    Value = TypeVar("Value")

__all__ = [
    "STRETCH",
    "Span",
    "count_in",
    "count_lines",
    "count_vevents",
    "emptied",
    "find",
    "has_vevents",
    "less",
    "line_end",
    "runs",
    "sorted_in_slices",
    "stretches",
    "whole",
]

Span = tuple[int, int]

STRETCH = 128 * 1024
"""Bytes that a regular expression passes over in one call: some milliseconds for the slowest."""

_STEP = 1024 * 1024  # bytes that are counted or searched for a word in one call
_AT_A_TIME = 4096  # objects that are freed or sorted in one call: a millisecond or two
_MORE = STRETCH  # how far a stretch may be extended to its border

_BEGIN = b"\nBEGIN:VEVENT"
_LINE_ENDS = pattern(rb"[\r\n]++")
_BEGIN_IN_ANY_CASE = pattern(rb"(?:\A|[\r\n])BEGIN[ \t]*:[ \t]*VEVENT", re.I)


def whole(raw: bytes) -> tuple[Span, ...]:
    """Return one span of the whole body."""
    return ((0, len(raw)),)


def stretches(raw: bytes, span: Span, border: bytes = b"\n") -> Iterator[Span]:
    """Yield a span in stretches of about :data:`STRETCH` bytes.

    Each ends behind the first byte of ``border``, where one is found in the next stretch; if none
    is, it ends anywhere.
    """
    start, end = span
    while end - start > STRETCH + _MORE:
        cut = raw.find(border, start + STRETCH, start + STRETCH + _MORE)
        stop = cut + 1 if cut >= 0 else start + STRETCH + _MORE
        yield start, stop
        start = stop
    yield start, end


def find(raw: bytes, what: bytes, start: int, end: int) -> int:
    """``raw.find(what, start, end)``, in steps."""
    while end - start > _STEP:
        found = raw.find(what, start, start + _STEP)
        if found >= 0:
            return found
        start += _STEP - len(what) + 1
    return raw.find(what, start, end)


def line_end(raw: bytes, start: int, end: int) -> int:
    """Where a run of line ends begins behind ``start``; ``end`` if none does."""
    inside = _LINE_ENDS.match(raw, start, end)
    behind = start if inside is None else inside.end()
    found = raw.find(b"\n", behind, end)
    end = end if found < 0 else found
    found = raw.find(b"\r", behind, end)
    return end if found < 0 else found


def runs(
    pattern: re.Pattern[bytes], raw: bytes, span: Span, border: bytes = b"\n"
) -> Iterator[Span]:
    """Yield where ``pattern`` matches; matches that touch are one.

    It matches whole lines, or blocks that begin with ``border``, from their start to their end, and
    looks at 16 bytes behind them at most.
    """
    first = last = span[0]
    for start, stop in stretches(raw, span, border):
        if border != b"\n" and raw.find(border[1:], start, stop + len(border)) < 0:
            continue  # such as long lines of a block that began before
        for match in pattern.finditer(raw, max(start, last), min(stop + 16, span[1])):
            if match.start() >= stop:
                break
            if match.start() != last:
                if last > first:
                    yield first, last
                first = match.start()
            last = match.end()
    if last > first:
        yield first, last


def count_lines(raw: bytes) -> int:
    """Count the physical lines. CRLF, LF and CR each end one; blank lines are lines too."""
    span = whole(raw)
    return count_in(raw, span, b"\n") + count_in(raw, span, b"\r") - count_in(raw, span, b"\r\n")


def emptied(*lists: list[Any]) -> None:
    """Empty long lists piece by piece: to free all of one at once keeps other threads waiting."""
    for each in lists:
        while each:
            del each[-_AT_A_TIME:]


def sorted_in_slices(values: list[Value], key: Callable[[Value], Any]) -> list[Value]:
    """Sort many in slices: one call for all would keep other threads waiting until it ends."""
    if len(values) <= _AT_A_TIME:
        return sorted(values, key=key)
    from heapq import merge

    slices = (values[at : at + _AT_A_TIME] for at in range(0, len(values), _AT_A_TIME))
    return list(merge(*(sorted(each, key=key) for each in slices), key=key))


def has_vevents(raw: bytes) -> bool:
    """Whether a VEVENT begins anywhere in a body."""
    return find(raw, _BEGIN, 0, len(raw)) >= 0 or next(_in_any_case(raw), None) is not None


def count_vevents(raw: bytes) -> int:
    """Count the VEVENTs before anything is parsed."""
    return count_in(raw, whole(raw), _BEGIN) or sum(1 for _ in _in_any_case(raw))


def _in_any_case(raw: bytes) -> Iterator[re.Match[bytes]]:
    """The VEVENTs whose BEGIN is written in another way than usual."""
    size = len(raw)
    for start, stop in stretches(raw, (0, size)):
        if b"vevent" not in raw[start : stop + 256].lower():
            continue
        # The line end in front of it is the last byte of the stretch before, so that one is
        # left to this stretch. Nobody writes hundreds of blanks into a BEGIN.
        for match in _BEGIN_IN_ANY_CASE.finditer(raw, max(0, start - 1), min(size, stop + 256)):
            if match.start() < stop - 1 or stop == size:
                yield match


def count_in(raw: bytes, spans: Iterable[Span], what: bytes) -> int:
    """Count how often ``what``, which does not overlap itself, stands in the spans."""
    size = 0
    for start, end in spans:
        while end - start > _STEP:
            size += raw.count(what, start, start + _STEP + len(what) - 1)
            start += _STEP
        size += raw.count(what, start, end)
    return size


def less(spans: Iterable[Span], dropped: Sequence[Span]) -> Iterator[Span]:
    """Yield the spans without the ``dropped`` ones, which are sorted and disjoint."""
    cuts = iter(dropped)
    cut = next(cuts, None)
    for start, end in spans:
        while cut is not None and cut[0] < end:
            if start < cut[0]:
                yield start, cut[0]
            start = cut[1]
            cut = next(cuts, None)
        if start < end:
            yield start, end
