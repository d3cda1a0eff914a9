"""Where slots begin: spans in which a slot may begin in, starts out. Whole epoch seconds.

The places depend on the clock, on the hours and on ``earliest``, never on what is booked. So a slot
that was offered stays where it is when somebody books another one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Literal, get_args

from extcal.arguments import count_of
from extcal.intervals.instants import DAY, epoch, find_zone, whole_seconds
from extcal.intervals.merge import Columns, clipped
from extcal.intervals.wallclock import WallClock
from extcal.values import dataclass

__all__ = ["Align", "Layout", "read_layout"]

Align = Literal["midnight", "hours", "earliest"]


@dataclass(frozen=True, slots=True)
class Layout:
    """``step`` in seconds, None for gaps; ``first`` and ``last``: slots lie between them.

    ``per_day``: at most so many slots begin on a local day of ``zone``.
    """

    step: int | None
    align: Align
    zone: tzinfo
    first: int | None
    last: int | None
    per_day: int | None

    def limited(self, spans: Columns, length: int) -> Columns:
        """Cut spans of starts to slots of ``length`` that lie between ``first`` and ``last``."""
        if not spans[0] or (self.first is None and self.last is None):
            return spans
        lo = spans[0][0] if self.first is None else self.first
        hi = spans[1][-1] if self.last is None else self.last - length + 1
        return clipped(spans, lo, hi) if lo < hi else ([], [])

    def starts(self, spans: Columns, opened: Callable[[int, int], Columns]) -> list[int]:
        """The starts within ``spans``; ``opened`` gives the hours within ``[lo, hi)``."""
        if not spans[0] or self.step is None:
            return []
        lo, hi = spans[0][0], spans[1][-1]
        if self.align == "midnight":
            clock = WallClock(self.zone, lo, hi)
            return [
                at
                for start, end in zip(*spans, strict=True)
                for at in clock.multiples(self.step, start, end - 1)
            ]
        anchors = [self.first or 0]
        if self.align == "hours":
            # Two days earlier, so that hours that have begun before have their own start.
            anchors = list(self._anchors(opened(lo - 2 * DAY, hi))) or [lo]
        return [
            at
            for start, end in zip(*spans, strict=True)
            for at in _steps(start, end, anchors, self.step)
        ]

    def _anchors(self, opened: Columns) -> Iterator[int]:
        """The starts of hours; of hours that last longer than a day also each local midnight."""
        for start, end in zip(*opened, strict=True):
            yield start
            if end - start > DAY:
                clock = WallClock(self.zone, start, end)
                yield from clock.multiples(DAY, start + 1, end - 1)

    def first_of_each_day(self, starts: list[int]) -> list[int]:
        """The first ``per_day`` starts of each local day."""
        if self.per_day is None or not starts:
            return starts
        clock = WallClock(self.zone, starts[0], starts[-1] + 1)
        kept: list[int] = []
        counts: dict[int, int] = {}
        for at in starts:
            day = clock.shown(at) // DAY
            counts[day] = counts.get(day, 0) + 1
            if counts[day] <= self.per_day:
                kept.append(at)
        return kept


def _steps(lo: int, hi: int, anchors: Sequence[int], step: int) -> Iterator[int]:
    """Every ``step`` from each anchor until the next one, within ``[lo, hi)``."""
    for index in range(max(bisect_right(anchors, lo) - 1, 0), len(anchors)):
        anchor = anchors[index]
        if anchor >= hi:
            return
        until = min(hi, anchors[index + 1]) if index + 1 < len(anchors) else hi
        begin = max(lo, anchor)
        yield from range(begin + (anchor - begin) % step, until, step)


def read_layout(
    step: timedelta | None,
    align: Align,
    timezone: str | tzinfo,
    earliest: datetime | None,
    latest: datetime | None,
    per_day: int | None,
) -> Layout:
    """Read the arguments of slots.

    Raises ``TypeError`` and ``ValueError`` for values of the wrong kind, and for ``align`` or
    ``per_day`` without ``step``.
    """
    if align not in get_args(Align):
        raise ValueError(f"align is one of {', '.join(map(repr, get_args(Align)))}, not {align!r}")
    if step is None and (align != "midnight" or per_day is not None):
        raise ValueError("align and per_day are about slots: pass step, too")
    if align == "earliest" and earliest is None:
        raise ValueError('align="earliest" needs earliest')
    return Layout(
        None if step is None else _step(step),
        align,
        find_zone(timezone),
        None if earliest is None else epoch(earliest, ceil=True),
        None if latest is None else epoch(latest),
        None if per_day is None else count_of("per_day", per_day),
    )


def _step(step: timedelta) -> int:
    seconds = whole_seconds(step, "step")
    if step.microseconds:
        raise ValueError(f"step must be in whole seconds, not {step}")
    return seconds
