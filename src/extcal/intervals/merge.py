"""Spans of integers: what they cover, what they leave open, and which type wins.

Spans come as pairs ``(start, end)``, or as columns: all starts, and all ends. They are half-open,
``start < end``, in any order, and may overlap. Results are sorted and disjoint, and no two spans of
one type touch. No datetimes here, and nothing slower than a sort.

One observation carries all of it. Sort the starts and the ends *apart*. After ``k`` spans have
begun and ``k`` have ended, none is open; so there is a gap exactly where the k-th end lies before
the start that follows it, and no pairing of starts with their ends is needed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableSequence, Sequence
from itertools import chain, compress, islice, repeat
from operator import eq, le, lt

__all__ = [
    "BusySpan",
    "Columns",
    "Fixed",
    "Level",
    "Levels",
    "Span",
    "Typed",
    "aligned",
    "ascending",
    "beyond",
    "clipped",
    "coalesced",
    "columns",
    "complement",
    "covered_by",
    "end_of",
    "flatten",
    "gaps",
    "gathered",
    "greatest",
    "in_columns",
    "in_order",
    "intersection",
    "intersection_of_columns",
    "merged",
    "overlapping",
    "packed",
    "strongest",
    "touches",
    "typed",
    "union",
    "without",
]

Span = tuple[int, int]
BusySpan = tuple[int, int, int]
Columns = tuple[Sequence[int], Sequence[int]]
"""The starts and the ends of spans."""
Level = tuple[MutableSequence[int], MutableSequence[int]]
Levels = dict[int, Level]
"""Typed spans by code, as a column of starts and one of ends: both in any order of their own."""
Fixed = tuple[tuple[int, ...], tuple[int, ...]]
"""The same, sorted and disjoint, as values."""
Typed = tuple[tuple[int, Fixed], ...]
"""Typed spans that do not overlap, as columns by code; the greatest code comes first."""

_AT_ONCE = 8_192  # numbers in one call
_CODED = 8  # more than the greatest code
_SPARSE = 30  # so many numbers and more to one sample
# Which bytes are a code: for code c, the 256 bytes from 255 - c on map c to 1 and others to 0.
_IS_CODE = bytes(255) + b"\1" + bytes(255)


def gaps(starts: Iterable[int], ends: Iterable[int], lo: int, hi: int) -> Level:
    """Return what of ``[lo, hi)`` no span covers; the spans come as two columns in any order.

    An empty span cuts a gap in two that touch. There may be 400,000 spans: the result is columns of
    lists if ``starts`` is a list or a tuple, else arrays.
    """
    # Two more spans, one up to lo and one from hi on, make the window's edges need no care.
    opening, closing = _slices(starts, hi), _slices(ends, lo)
    begins, stops, closed = [packed(()) if _is_packed(starts) else [] for _ in range(3)]
    for part in _merged(closing):
        closed.extend(part)
    at = 0
    for begun in _merged(opening):
        ended = closed[at : at + len(begun)]
        at += len(begun)
        is_gap = list(map(lt, ended, begun))
        begins.extend(compress(ended, is_gap))
        stops.extend(compress(begun, is_gap))
    return begins, stops


def packed(values: Iterable[int]) -> MutableSequence[int]:
    """Return the same as an array, which takes a fifth of the memory of a list."""
    from array import array  # on demand: few feeds have so many instances

    return array("q", values)


def ascending(values: Iterable[int]) -> Iterator[int]:
    """Yield sorted ``values``."""
    return chain.from_iterable(_merged(_slices(values)))


def _slices(values: Iterable[int], *more: int) -> list[Sequence[int]]:
    """Sort values in slices: one call for many would keep other threads waiting until it ends."""
    several = packed(values) if _is_packed(values) else [*values]
    several.extend(more)
    slices: list[Sequence[int]] = []
    for at in range(0, len(several), _AT_ONCE):
        part = sorted(several[at : at + _AT_ONCE])
        slices.append(packed(part) if _is_packed(values) else part)
    return slices


def _is_packed(values: Iterable[int]) -> bool:
    return not isinstance(values, (list, tuple))


def _merged(slices: list[Sequence[int]]) -> Iterator[Sequence[int]]:
    """Yield all values of sorted slices in order, in parts: all slices are cut at the same values.

    The cuts are chosen among samples of all slices, so no part is much longer than a slice.
    """
    if len(slices) < 2:
        yield from slices
        return
    number = len(slices)
    step = number + _SPARSE
    samples = sorted(chain.from_iterable([each[::step] for each in slices]))
    begins = [0] * number
    for cut in [*samples[:: _AT_ONCE // step + 1], max(each[-1] for each in slices) + 1]:
        behind = [bisect_left(each, cut, begin) for each, begin in zip(slices, begins, strict=True)]
        part: list[int] = []
        for each, begin, end in zip(slices, begins, behind, strict=True):
            part.extend(each[begin:end])
        part.sort()
        yield part
        begins = behind


def in_columns(spans: Iterable[Span]) -> Columns:
    """Return spans as two columns."""
    starts, ends = [], []
    for start, end in spans:
        starts.append(start)
        ends.append(end)
    return starts, ends


def complement(spans: Iterable[Span], lo: int, hi: int) -> list[Span]:
    """Return what of ``[lo, hi)`` none of ``spans`` covers."""
    return list(zip(*gaps(*in_columns(spans), lo, hi), strict=True))


def union(spans: Iterable[Span], lo: int, hi: int) -> list[Span]:
    """Return what of ``[lo, hi)`` any of ``spans`` covers; empty ones cover nothing.

    Spans that touch become one.
    """
    covering = [(start, end) for start, end in spans if start < end]
    return complement(complement(covering, lo, hi), lo, hi) if covering else []


def merged(level: Level, lo: int, hi: int) -> Level:
    """Return what of ``[lo, hi)`` spans cover, sorted and disjoint; empty ones cover nothing."""
    return gaps(*gaps(*level, lo, hi), lo, hi)


def intersection(first: Sequence[Span], second: Sequence[Span]) -> list[Span]:
    """Return what both of two lists of sorted, disjoint spans cover."""
    both = intersection_of_columns(in_columns(first), in_columns(second))
    return list(zip(*both, strict=True))


def intersection_of_columns(first: Columns, second: Columns) -> Columns:
    """Return what both of two columns of sorted, disjoint spans cover."""
    if not first[0] or not second[0]:
        return [], []
    lo, hi = max(first[0][0], second[0][0]), min(first[1][-1], second[1][-1])
    if lo >= hi:
        return [], []
    return without(clipped(first, lo, hi), *gaps(*second, lo, hi), lo, hi)


def without(spans: Columns, starts: Iterable[int], ends: Iterable[int], lo: int, hi: int) -> Level:
    """Return what more spans leave of sorted, disjoint ``spans``, which lie within ``[lo, hi)``."""
    begins, stops = spans
    return gaps([lo, *stops, *starts], [*begins, hi, *ends], lo, hi)


def covered_by(several: Sequence[Columns], least: int) -> Columns:
    """Return what at least ``least`` of several columns of disjoint spans cover.

    Sort the starts and the ends apart. If ``m`` spans have ended, then at least ``least`` are open
    exactly from the (m + least)-th start on. So these starts, each with the end that comes after
    m others, are the answer, and no set of columns is ever tried.
    """
    opening = sorted(chain.from_iterable(starts for starts, _ in several))
    closing = sorted(chain.from_iterable(ends for _, ends in several))
    begins = opening[least - 1 :]
    enough = list(map(lt, begins, closing))
    if not any(enough):
        return [], []
    lo, hi = opening[0], closing[-1]
    found = list(compress(begins, enough)), list(compress(closing, enough))
    return gaps(*gaps(*found, lo, hi), lo, hi)


def touches(spans: Columns, lo: int, hi: int) -> bool:
    """Tell whether one of sorted, disjoint spans shares time with ``[lo, hi)``."""
    starts, ends = spans
    first = bisect_right(ends, lo)
    return first < len(starts) and starts[first] < hi


def overlapping(spans: Columns, lo: int, hi: int) -> Columns:
    """Return those of sorted, disjoint spans that share time with ``[lo, hi)``."""
    starts, ends = spans
    first = bisect_right(ends, lo)
    last = bisect_left(starts, hi, first)
    return starts[first:last], ends[first:last]


def clipped(spans: Columns, lo: int, hi: int) -> Fixed:
    """Return the part of sorted, disjoint spans that lies within ``[lo, hi)``."""
    starts, ends = overlapping(spans, lo, hi)
    if starts and starts[0] < lo:  # only the outermost reach over the edges
        starts = (lo, *starts[1:])
    if ends and ends[-1] > hi:
        ends = (*ends[:-1], hi)
    return tuple(starts), tuple(ends)


# -- types ----------------------------------------------------------------------------------------


def columns(busy: Iterable[BusySpan], levels: Levels) -> None:
    """Add typed spans to the columns of their codes."""
    spans = list(busy)
    if spans:
        starts, ends, codes = zip(*spans, strict=True)
        _add(starts, ends, codes, levels)


def _add(starts: Sequence[int], ends: Sequence[int], codes: Iterable[int], levels: Levels) -> None:
    for code, begins, stops in _by_code(starts, ends, codes):
        level = levels.setdefault(code, ([], []))
        level[0].extend(begins)
        level[1].extend(stops)


def _by_code(
    starts: Sequence[int], ends: Sequence[int], codes: Iterable[int]
) -> Iterator[tuple[int, Iterable[int], Iterable[int]]]:
    """Yield the columns of each code, the greatest first."""
    each = bytes(codes)
    present = sorted({*each}, reverse=True)
    if len(present) == 1:
        yield present[0], starts, ends
        return
    for code in present:
        chosen = each.translate(_IS_CODE[255 - code : 511 - code])
        yield code, compress(starts, chosen), compress(ends, chosen)


def gathered(several: Iterable[Typed]) -> Levels:
    """Return the columns of several in one."""
    levels: Levels = {}
    for each in several:
        for code, (starts, ends) in each:
            level = levels.setdefault(code, ([], []))
            level[0].extend(starts)
            level[1].extend(ends)
    return levels


def strongest(levels: Mapping[int, Columns], lo: int, hi: int) -> Typed:
    """Return typed spans within ``[lo, hi)``, the greatest code winning wherever they overlap.

    Code 0 falls away, and so do empty spans (a span may start where it ends, never later).
    """
    found: list[tuple[int, Fixed]] = []
    taken: list[Columns] = []  # by the greater codes
    for code in sorted(levels, reverse=True):
        starts, ends = levels[code]
        if not code or not starts:
            continue
        others = gaps(starts, ends, lo, hi)
        for begins, stops in taken:
            others[0].extend(begins)
            others[1].extend(stops)
        # What is neither open nor taken belongs to this code.
        begins, stops = gaps(*others, lo, hi)
        if begins:
            found.append((int(code), (_fixed(begins), _fixed(stops))))
            taken.append((begins, stops))
    return tuple(found)


def beyond(levels: Typed, others: Typed, lo: int, hi: int) -> Typed:
    """Return what of typed spans no other typed span of the same or a greater code covers."""
    found: list[tuple[int, Fixed]] = []
    for code, spans in levels:
        covering = [covered for greater, covered in others if greater >= code]
        starts, ends = ([edge for each in covering for edge in each[side]] for side in (0, 1))
        begins, stops = without(spans, starts, ends, lo, hi)
        if begins:
            found.append((code, (_fixed(begins), _fixed(stops))))
    return tuple(found)


def _fixed(column: Sequence[int]) -> tuple[int, ...]:
    """Return the numbers as a tuple; those of a large array are not all made in one call."""
    numbers: list[int] = []
    for at in range(0, len(column), _AT_ONCE):
        numbers += column[at : at + _AT_ONCE]
    return tuple(numbers)


def coalesced(levels: Typed) -> Typed:
    """Return the same, but those of one code that touch have become one."""
    return tuple([(code, _coalesced(spans)) for code, spans in levels])


def _coalesced(spans: Fixed) -> Fixed:
    starts, ends = spans
    if not any(map(eq, ends, islice(starts, 1, None))):
        return spans
    lo, hi = starts[0], ends[-1]
    begins, stops = gaps(*gaps(starts, ends, lo, hi), lo, hi)
    return tuple(begins), tuple(stops)


def typed(
    starts: Sequence[int], ends: Sequence[int], codes: Sequence[int], lo: int, hi: int
) -> Typed:
    """Return what :func:`strongest` makes of three columns; empty spans cover nothing.

    What was sorted and disjoint before, as it comes back from stores and pickles, is only split.
    """
    if not starts or (
        lo <= starts[0]
        and ends[-1] <= hi
        and all(map(lt, starts, ends))
        and all(map(le, ends, islice(starts, 1, None)))
    ):
        split = _by_code(starts, ends, codes)
        return coalesced(
            tuple([(code, (tuple(begins), tuple(stops))) for code, begins, stops in split if code])
        )
    levels: Levels = {}
    full = list(map(lt, starts, ends))
    starts, ends, codes = [list(compress(each, full)) for each in (starts, ends, codes)]
    _add(starts, ends, codes, levels)
    return strongest(levels, lo, hi)


def in_order(levels: Typed) -> list[BusySpan]:
    """Return typed spans one after the other, sorted."""
    found = [span for code, spans in levels for span in zip(*spans, repeat(code))]
    if len(levels) > 1:
        found.sort()
    return found


def aligned(levels: Typed) -> tuple[Sequence[int], Sequence[int], bytes]:
    """Return typed spans one after the other, sorted, as columns: starts, ends and codes."""
    if len(levels) == 1:
        ((code, (starts, ends)),) = levels
        return starts, ends, bytes((code,)) * len(starts)
    # They do not overlap, so each start belongs to the end with the same number.
    keyed = packed(start * _CODED + code for code, spans in levels for start in spans[0])
    closing = packed(chain.from_iterable(spans[1] for _, spans in levels))
    ordered = packed(ascending(keyed))
    begins = packed(key // _CODED for key in ordered)
    return begins, packed(ascending(closing)), bytes(key % _CODED for key in ordered)


def greatest(levels: Typed, lo: int, hi: int) -> int:
    """Return the greatest code in ``[lo, hi)``; 0 if there is none."""
    return next((code for code, spans in levels if touches(spans, lo, hi)), 0)


def end_of(levels: Typed, second: int, codes: Collection[int]) -> int:
    """Return where the spans of ``codes`` end that follow each other from ``second`` on.

    ``second`` itself if none of them has it.
    """
    chosen = [spans for code, spans in levels if code in codes]
    found = True
    while found:
        found = False
        for starts, ends in chosen:
            index = bisect_right(ends, second)
            if index < len(ends) and starts[index] <= second:
                second, found = ends[index], True
    return second


def flatten(levels: Mapping[int, Columns], lo: int, hi: int) -> list[BusySpan]:
    """Return what :func:`strongest` gives, one after the other."""
    return in_order(strongest(levels, lo, hi))
