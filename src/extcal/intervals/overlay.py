"""Free/busy time laid over free/busy time, one constant stretch after the other. Pure.

Spans are ``(start, end, code)`` in epoch seconds, sorted and disjoint, as ``FreeBusy.epochs``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

__all__ = ["UNKNOWN", "Span", "coalesce", "overlay", "with_unknown"]

Span = tuple[int, int, int]

UNKNOWN = -1
"""The code that :func:`with_unknown` gives to time nobody can answer for."""


def overlay(
    lo: int, hi: int, *layers: Sequence[Span]
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Cut ``[lo, hi)`` wherever a layer changes; each piece comes with every layer's code.

    Where a layer has no span its code is 0 (FREE).
    """
    at = [0] * len(layers)
    while lo < hi:
        codes, until = [], hi
        for index, layer in enumerate(layers):
            while at[index] < len(layer) and layer[at[index]][1] <= lo:
                at[index] += 1
            if at[index] == len(layer):
                codes.append(0)
                continue
            start, end, code = layer[at[index]]
            codes.append(code if start <= lo else 0)
            until = min(until, end if start <= lo else start)
        yield lo, until, tuple(codes)
        lo = until


def coalesce(spans: Iterator[Span]) -> Iterator[Span]:
    """Join spans that touch and have the same code."""
    held: Span | None = None
    for span in spans:
        if held is not None and held[1] == span[0] and held[2] == span[2]:
            held = (held[0], span[1], span[2])
            continue
        if held is not None:
            yield held
        held = span
    if held is not None:
        yield held


def with_unknown(
    lo: int, hi: int, busy: Sequence[Span], unknown: Sequence[tuple[int, int]]
) -> list[Span]:
    """One layer of both, in which unknown time hides what is busy under it."""
    hidden = [(start, end, UNKNOWN) for start, end in unknown]
    pieces = (
        (start, end, codes[1] if codes[1] else codes[0])
        for start, end, codes in overlay(lo, hi, busy, hidden)
    )
    return [span for span in coalesce(pieces) if span[2]]
