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
from itertools import compress, repeat
from operator import eq, itemgetter, le, lt
from typing import TypeVar

__all__ = [
    "BusySpan",
    "Level",
    "Levels",
    "Span",
    "clipped_spans",
    "columns",
    "complement",
    "covered_by",
    "flatten",
    "intersection",
    "is_flat",
    "overlapping",
    "uncovered",
    "union",
]

Span = tuple[int, int]
BusySpan = tuple[int, int, int]
Level = tuple[list[int], list[int]]
Levels = dict[int, Level]
"""Typed spans by code, as a column of starts and one of ends: both in any order of their own."""
_AnySpan = TypeVar("_AnySpan", Span, BusySpan)

_start = itemgetter(0)
_end = itemgetter(1)


def uncovered(starts: Iterable[int], ends: Iterable[int], lo: int, hi: int) -> list[Span]:
    """Return what of ``[lo, hi)`` no span covers; the spans come as two columns in any order.

    The gaps are sorted and do not touch. Empty spans cover nothing.
    """
    return list(zip(*_gaps(starts, ends, lo, hi), strict=True))


def _gaps(
    starts: Iterable[int], ends: Iterable[int], lo: int, hi: int
) -> tuple[list[int], list[int]]:
    """The gaps of :func:`uncovered`, as columns: made at C speed, because there may be 100,000."""
    # Two more spans, one up to lo and one from hi on, make the window's edges need no care.
    opening, closing = [*starts, hi], [*ends, lo]
    opening.sort()
    closing.sort()
    is_gap = list(map(lt, closing, opening))
    begins, stops = list(compress(closing, is_gap)), list(compress(opening, is_gap))
    if any(map(eq, stops, begins[1:])):  # an empty span stands between, and covers nothing
        touching = {*stops}.intersection(begins)
        begins = [begin for begin in begins if begin not in touching]
        stops = [stop for stop in stops if stop not in touching]
    return begins, stops


def complement(spans: Iterable[Span], lo: int, hi: int) -> list[Span]:
    """Return what of ``[lo, hi)`` none of ``spans`` covers."""
    covering = list(spans)
    return uncovered(map(_start, covering), map(_end, covering), lo, hi)


def union(spans: Iterable[Span], lo: int, hi: int) -> list[Span]:
    """Return what of ``[lo, hi)`` any of ``spans`` covers; empty ones cover nothing.

    Spans that touch become one.
    """
    covering = [(start, end) for start, end in spans if start < end]
    return complement(complement(covering, lo, hi), lo, hi) if covering else []


def intersection(first: Sequence[Span], second: Sequence[Span]) -> list[Span]:
    """Return what both of two lists of sorted, disjoint spans cover."""
    if not first or not second:
        return []
    lo, hi = max(first[0][0], second[0][0]), min(first[-1][1], second[-1][1])
    if lo >= hi:
        return []
    return complement([*complement(first, lo, hi), *complement(second, lo, hi)], lo, hi)


def covered_by(several: Sequence[Sequence[Span]], least: int) -> list[Span]:
    """Return what at least ``least`` of several lists of disjoint spans cover.

    Sort the starts and the ends apart. If ``m`` spans have ended, then at least ``least`` are open
    exactly from the (m + least)-th start on. So these starts, each with the end that comes after
    m others, are the answer, and no set of lists is ever tried.
    """
    opening = sorted(start for spans in several for start, _ in spans)
    closing = sorted(end for spans in several for _, end in spans)
    found = list(zip(opening[least - 1 :], closing, strict=False))
    return union(found, opening[0], closing[-1]) if found else []


def columns(busy: Iterable[BusySpan], levels: Levels) -> None:
    """Add typed spans to the columns of their codes."""
    spans = busy if isinstance(busy, (tuple, list)) else list(busy)
    if not spans:
        return
    starts, ends, codes = zip(*spans, strict=True)
    present = set(codes)
    for code in present:
        level = levels.get(code)
        if level is None:
            level = levels[int(code)] = ([], [])
        if len(present) == 1:
            level[0].extend(starts)
            level[1].extend(ends)
        else:  # at C speed, because calendars are joined by the thousand
            chosen = list(map(code.__eq__, codes))
            level[0].extend(compress(starts, chosen))
            level[1].extend(compress(ends, chosen))


def flatten(levels: Levels, lo: int, hi: int) -> list[BusySpan]:
    """Return typed spans within ``[lo, hi)``, the greatest code winning wherever they overlap.

    Code 0 falls away, and so do empty spans (a span may start where it ends, never later); spans
    of one code that touch become one.
    """
    flat: list[BusySpan] = []
    starts: list[int] = []
    ends: list[int] = []
    # What the greater codes leave open, as columns: there a level shows where it closes it.
    open_starts: Sequence[int] = (lo,)
    open_ends: Sequence[int] = (hi,)
    shown_levels = 0
    for code in sorted(levels, reverse=True):
        if not code:
            continue
        starts += levels[code][0]
        ends += levels[code][1]
        starts.sort()
        ends.sort()
        gap_starts, gap_ends = _gaps(starts, ends, lo, hi)
        begins = sorted([*gap_ends, *open_starts])
        stops = sorted([*gap_starts, *open_ends])
        before = len(flat)
        shown = list(map(lt, begins, stops))
        flat += zip(compress(begins, shown), compress(stops, shown), repeat(int(code)))
        shown_levels += len(flat) > before
        open_starts, open_ends = gap_starts, gap_ends
    if shown_levels > 1:
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
        and all(map(le, ends, starts[1:]))
        # Spans of one code that touch would have become one. Few touch at all.
        and (
            {*ends}.isdisjoint(starts)
            or {*zip(ends, codes, strict=True)}.isdisjoint(zip(starts, codes, strict=True))
        )
    )


def overlapping(spans: Sequence[_AnySpan], lo: int, hi: int) -> Sequence[_AnySpan]:
    """Return those of sorted, disjoint ``spans`` that share time with ``[lo, hi)``."""
    first = bisect_right(spans, lo, key=_end)
    return spans[first : bisect_left(spans, hi, first, key=_start)]


def clipped_spans(spans: Sequence[BusySpan], lo: int, hi: int) -> Sequence[BusySpan]:
    """Return sorted spans that touch ``[lo, hi)`` cut to it: only the outermost reach over."""
    if not spans:
        return spans
    cut = list(spans)
    start, end, code = cut[0]
    cut[0] = (max(start, lo), end, code)
    start, end, code = cut[-1]
    cut[-1] = (start, min(end, hi), code)
    return cut
