"""What there is too much of, counted before anything is parsed.

In: the spans to read. Out: the same, less what a limit would cut off anyway. A hundred thousand
EXDATEs in a row, or fifty thousand overrides of one UID, cost a look at C speed and no more. What
is written in any but the plainest way stays, and is counted where it is typed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from extcal.ical.sieve import Sieved
from extcal.ical.work import Work

__all__ = ["thinned"]

Span = tuple[int, int]

_CROWD = 2  # times the limit: fewer overrides than that are typed, and what they block is told

# One date that can be counted at least, and no fold behind it.
_EXDATE = re.compile(rb"(?<=\n)EXDATE(?:;[^:\"\r\n]*)?:[0-9]{8}[^\r\n]*\r?\n(?=[A-Z])")
_UID = re.compile(rb"\nUID:([^\r\n]+)\r?\n(?=[A-Z])")
_BLOCK = re.compile(rb"(?<=\n)BEGIN:VEVENT\r?\n(?:(?!BEGIN:|END:)[A-Z][^\n]*\n)+END:VEVENT\r?\n")
_RECURRENCE_ID = re.compile(rb"\nRECURRENCE-ID[;:]")


def thinned(sieved: Sieved, work: Work) -> Sieved:
    """Leave out EXDATEs and overrides that lie beyond the limits of one series.

    Excess EXDATEs leave instances busy; whoever types the event tells so, because one more of them
    than are read is left. Far too many overrides make the window unknown, which is told here.
    """
    raw, limits = sieved.raw, work.limits
    dropped: list[Span] = []
    shortest = limits.max_dates_per_series * len(b"\nEXDATE")
    for span in sieved.spans:
        if (
            span[1] - span[0] > shortest
            and raw.count(b"\nEXDATE", *span) > limits.max_dates_per_series
        ):
            dropped += _excess_dates(raw, span, limits.max_dates_per_series + 1)
    overrides = sum(raw.count(b"\nRECURRENCE-ID", *span) for span in sieved.spans)
    if overrides > _CROWD * limits.max_overrides_per_series:
        dropped += _excess_overrides(sieved, work)
    if not dropped:
        return sieved
    return replace(sieved, spans=tuple(_less(sieved.spans, sorted(dropped))))


def _excess_dates(raw: bytes, span: Span, keep: int) -> Iterator[Span]:
    """The rest of each stretch of EXDATE lines behind the first ``keep``."""
    taken, cut, behind = 0, 0, -1
    for match in _EXDATE.finditer(raw, *span):
        start, end = match.span()
        if start != behind:
            if taken > keep:
                yield cut, behind
            taken = 0
        taken += 1
        if taken == keep:
            cut = end
        behind = end
    if taken > keep:
        yield cut, behind


def _excess_overrides(sieved: Sieved, work: Work) -> list[Span]:
    """All plainly written overrides of the UIDs that have too many."""
    raw, limit = sieved.raw, work.limits.max_overrides_per_series
    crowd = _CROWD * limit
    uids = Counter(uid for span in sieved.spans for uid in _UID.findall(raw, *span))
    crowded = {uid for uid, size in uids.items() if size > crowd}
    if not crowded:
        return []
    blocks: dict[bytes, list[Span]] = {uid: [] for uid in crowded}
    for span in sieved.spans:
        for match in _BLOCK.finditer(raw, *span):
            start, end = match.span()
            named = _UID.search(raw, start, end)
            if named and named[1] in crowded and _RECURRENCE_ID.search(raw, start, end):
                blocks[named[1]].append((start, end))
    dropped: list[Span] = []
    for uid, spans in sorted(blocks.items()):
        if len(spans) > crowd:
            dropped += spans
            work.exceeded(
                "max_overrides_per_series",
                f"more than {limit:,} overrides",
                offset=spans[0][0],
                uid=uid.decode("utf-8", "replace"),
            )
    return dropped


def _less(spans: Iterable[Span], dropped: list[Span]) -> Iterator[Span]:
    """The spans without what is dropped from them, which is sorted and disjoint."""
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
