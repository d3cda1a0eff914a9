"""Spans: which stretches of a body are read, and how many events begin in them.

In: the bytes of a body. Out: pairs ``(start, end)`` of offsets into them, sorted and disjoint. A
span starts at the start of a line. The body itself is never copied or shortened.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Span", "count_in", "count_vevents", "has_vevents", "less", "whole"]

Span = tuple[int, int]

_BEGIN = b"\nBEGIN:VEVENT"
_BEGIN_IN_ANY_CASE = re.compile(rb"(?:\A|[\r\n])BEGIN[ \t]*:[ \t]*VEVENT", re.I)


def whole(raw: bytes) -> tuple[Span, ...]:
    """Return one span of the whole body."""
    return ((0, len(raw)),)


def has_vevents(raw: bytes) -> bool:
    """Whether a VEVENT begins anywhere in a body."""
    return _BEGIN in raw or _BEGIN_IN_ANY_CASE.search(raw) is not None


def count_vevents(raw: bytes) -> int:
    """Count the VEVENTs before anything is parsed."""
    count = raw.count(_BEGIN)
    if count == 0:
        count = sum(1 for _ in _BEGIN_IN_ANY_CASE.finditer(raw))
    return count


def count_in(raw: bytes, spans: Iterable[Span], what: bytes) -> int:
    """Count how often ``what`` stands in the spans."""
    return sum(raw.count(what, *span) for span in spans)


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
