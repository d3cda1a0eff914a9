"""Spans of integers: what they cover, what they leave open, and which type wins.

What comes in: spans ``(start, end)`` and typed spans ``(start, end, code)`` with ``start < end``,
in any order, overlapping as they like. What goes out: sorted, disjoint spans that do not touch.
No datetimes here, and nothing slower than a sort.

One observation carries all of it. Sort the starts and the ends *apart*. After ``k`` spans have
begun and ``k`` have ended, none is open; so there is a gap exactly where the k-th end lies before
the start that follows it, and no pairing of starts with their ends is needed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter, lt
from typing import TypeVar

__all__ = [
    "BusySpan",
    "Span",
    "complement",
    "flatten",
    "is_flat",
    "overlapping",
    "uncovered",
    "union",
]

Span = tuple[int, int]
BusySpan = tuple[int, int, int]
_AnySpan = TypeVar("_AnySpan", Span, BusySpan)

_start = itemgetter(0)
_end = itemgetter(1)


def uncovered(starts: Iterable[int], ends: Iterable[int], lo: int, hi: int) -> list[Span]:
    """Return what of ``[lo, hi)`` no span covers; the spans come as two columns in any order."""
    # Two more spans, one up to lo and one from hi on, make the window's edges need no care.
    opening = [*starts, hi]
    closing = [*ends, lo]
    opening.sort()
    closing.sort()
    return [(end, start) for end, start in zip(closing, opening, strict=True) if end < start]


def complement(spans: Iterable[Span], lo: int, hi: int) -> list[Span]:
    """Return what of ``[lo, hi)`` none of ``spans`` covers."""
    covering = list(spans)
    return uncovered(map(_start, covering), map(_end, covering), lo, hi)


def union(spans: Iterable[Span], lo: int, hi: int) -> list[Span]:
    """Return what of ``[lo, hi)`` any of ``spans`` covers; empty ones cover nothing.

    Spans that touch become one.
    """
    covering = [(start, end) for start, end in spans if start < end]
    return complement(complement(covering, lo, hi), lo, hi)


def flatten(busy: Iterable[BusySpan], lo: int, hi: int) -> list[BusySpan]:
    """Return typed spans within ``[lo, hi)``, the greatest code winning wherever they overlap.

    Codes of 0 and spans that are empty fall away; spans of one code that touch become one.
    """
    levels: dict[int, list[Span]] = {}
    for start, end, code in busy:
        if start < end and code:
            levels.setdefault(int(code), []).append((start, end))
    flat: list[BusySpan] = []
    taken: list[Span] = []
    for code in sorted(levels, reverse=True):
        # A level shows where it is and nothing above it is: what the opposites do not cover.
        hidden = [*complement(levels[code], lo, hi), *taken]
        shown = complement(hidden, lo, hi)
        flat += [(start, end, code) for start, end in shown]
        taken = union([*taken, *shown], lo, hi)
    flat.sort()
    return flat


def is_flat(busy: Sequence[BusySpan], lo: int, hi: int) -> bool:
    """Tell whether ``busy`` is already what :func:`flatten` would make of it, and quickly so.

    What was flattened once comes back from stores and pickles.
    """
    if not busy:
        return True
    if {*map(type, busy)} != {tuple}:
        return False
    starts, ends, codes = zip(*busy, strict=True)
    return (
        {*map(type, codes)} == {int}
        and 0 not in codes
        and lo <= starts[0]
        and ends[-1] <= hi
        and all(map(lt, starts, ends))
        and all(map(_apart, ends, starts[1:], codes, codes[1:]))
    )


def _apart(end: int, start: int, code: int, next_code: int) -> bool:
    return end < start or (end == start and code != next_code)


def overlapping(spans: Sequence[_AnySpan], lo: int, hi: int) -> Sequence[_AnySpan]:
    """Return those of sorted, disjoint ``spans`` that share time with ``[lo, hi)``."""
    first = bisect_right(spans, lo, key=_end)
    return spans[first : bisect_left(spans, hi, first, key=_start)]
