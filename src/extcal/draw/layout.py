"""Where everything goes: rows and a window in, days with positioned pieces out. No markup here.

A grid shows one column per local day. All days show the same hours, from the earliest to the latest
that matters: the working hours and every edge of a stretch that is not a midnight, so that nothing
is ever hidden. Where the window begins or ends within a day, the rest of that day lies outside.
Positions are fractions of a day's column and follow elapsed time, so that a day with a DST change
is drawn as long as it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

__all__ = ["STRENGTH", "Bar", "Day", "Grid", "Row", "Span", "grid", "local", "tick_step", "weeks"]

STRENGTH = {
    "UNKNOWN": 0,
    "WORKING-ELSEWHERE": 1,
    "BUSY-TENTATIVE": 2,
    "BUSY": 3,
    "BUSY-UNAVAILABLE": 4,
}
"""What a bar may be. A stronger type is drawn over a weaker one; unknown time lies under all."""

_MAX_DAYS = 400
_DEFAULT_HOURS = (8, 18)


@dataclass(frozen=True, slots=True)
class Row:
    """One person. ``busy`` holds (start, end, FBTYPE token), ``unknown`` (start, end), all in epoch
    seconds; an unknown token counts as BUSY, FREE is not drawn. ``note`` is a short remark shown
    under the label, such as the age of what is shown."""

    label: str
    busy: Sequence[tuple[int, int, str]]
    unknown: Sequence[tuple[int, int]] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one day's column: ``left`` and ``width`` are fractions of it."""

    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of a stretch on one day. ``start`` and ``end`` are those of the whole stretch;
    ``opens`` and ``closes`` tell whether they lie on this day."""

    span: Span
    start: int
    end: int
    kind: str
    opens: bool
    closes: bool


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: ``bars`` per row, the shared ``hours`` and ``slots``, and what the window
    leaves ``outside``. ``ticks`` are (position, hour)."""

    date: date
    ticks: tuple[tuple[float, int], ...]
    bars: tuple[tuple[Bar, ...], ...]
    hours: tuple[Span, ...]
    slots: tuple[Bar, ...]
    outside: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A whole picture: the rows, the days, the kinds of bars that occur (strongest first)."""

    rows: tuple[Row, ...]
    days: tuple[Day, ...]
    kinds: tuple[str, ...]
    first_hour: int
    last_hour: int
    lo: int
    hi: int
    zone: tzinfo
    has_hours: bool
    slots: tuple[tuple[int, int], ...]

    @property
    def has_outside(self) -> bool:
        """Whether some day shows time that the window leaves out."""
        return any(day.outside for day in self.days)


def local(seconds: int, zone: tzinfo) -> datetime:
    """An epoch second in ``zone``."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone)


def grid(
    rows: Sequence[Row],
    *,
    lo: int,
    hi: int,
    zone: tzinfo,
    hours: Sequence[tuple[int, int]],
    slots: Sequence[tuple[int, int]],
) -> Grid:
    """Lay out ``rows`` over ``[lo, hi)``. Raises ValueError for an empty window or one of more than
    400 days."""
    if not lo < hi:
        raise ValueError("the window to draw is empty: lo must lie before hi")
    if hi - lo > _MAX_DAYS * 86_400:
        raise ValueError(f"a grid shows at most {_MAX_DAYS} days")
    stretches = [_stretches(row, lo, hi) for row in rows]
    working = _union(hours, lo, hi)
    free = _union(slots, lo, hi)
    first, last = _visible_hours([*stretches, _typed(working), _typed(free)], lo, hi, zone)
    dates = _dates(lo, hi, zone)
    days = tuple(_day(day, first, last, lo, hi, zone, stretches, working, free) for day in dates)
    found = {kind for row in stretches for _, _, kind in row}
    return Grid(
        rows=tuple(rows),
        days=days,
        kinds=tuple(sorted(found, key=STRENGTH.__getitem__, reverse=True)),
        first_hour=first,
        last_hour=last,
        lo=lo,
        hi=hi,
        zone=zone,
        has_hours=bool(hours),
        slots=tuple(sorted((max(a, lo), min(b, hi)) for a, b in slots if max(a, lo) < min(b, hi))),
    )


_Stretch = tuple[int, int, str]


def _stretches(row: Row, lo: int, hi: int) -> list[_Stretch]:
    """What is drawn of a row, weakest first, inside the window."""
    found = [(start, end, _kind(token)) for start, end, token in row.busy if token != "FREE"]
    found += [(start, end, "UNKNOWN") for start, end in row.unknown]
    clipped = [(max(start, lo), min(end, hi), kind) for start, end, kind in found]
    kept = [stretch for stretch in clipped if stretch[0] < stretch[1]]
    return sorted(kept, key=lambda stretch: (STRENGTH[stretch[2]], stretch[0], stretch[1]))


def _kind(token: str) -> str:
    return token if token in STRENGTH and token != "UNKNOWN" else "BUSY"


def _typed(spans: Iterable[tuple[int, int]]) -> list[_Stretch]:
    return [(start, end, "UNKNOWN") for start, end in spans]


def _union(spans: Iterable[tuple[int, int]], lo: int, hi: int) -> list[tuple[int, int]]:
    """Sorted, disjoint, coalesced, inside the window."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted((max(a, lo), min(b, hi)) for a, b in spans):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _visible_hours(
    groups: Iterable[Iterable[_Stretch]], lo: int, hi: int, zone: tzinfo
) -> tuple[int, int]:
    """The local hours that every day shows: from before the earliest edge that is not a midnight to
    after the latest, and at least four, so that no DST gap can swallow them."""
    first, last = 24.0, 0.0
    for group in groups:
        for start, end, _ in group:
            begin, finish = _hour(start, zone), _hour(end, zone)
            if begin and start != lo:
                first, last = min(first, begin), max(last, begin)
            if finish and end != hi:
                first, last = min(first, finish), max(last, finish)
    if first > last:
        top, bottom = _DEFAULT_HOURS
    else:
        top, bottom = math.floor(first - 0.5), math.ceil(last + 0.5)
    top, bottom = _with_ends(top, bottom, lo, hi, zone)
    top = max(0, min(top, 20))
    return top, max(top + 4, min(bottom, 24))


def _with_ends(top: int, bottom: int, lo: int, hi: int, zone: tzinfo) -> tuple[int, int]:
    """Hours wide enough that the first and the last day show something of the window: a day that
    shows only what lies outside says nothing, and would be taken for free."""
    begins, ends = _hour(lo, zone), _hour(hi, zone) or 24.0
    if local(lo, zone).date() == local(hi - 1, zone).date():
        if (begins, ends) == (0.0, 24.0):
            return top, bottom
        return min(top, math.floor(begins)), max(bottom, math.ceil(ends))
    if ends <= top:
        top = math.floor(max(ends - 1, 0))
    if begins >= bottom:
        bottom = math.ceil(min(begins + 1, 24))
    return top, bottom


def _hour(seconds: int, zone: tzinfo) -> float:
    moment = local(seconds, zone)
    return moment.hour + moment.minute / 60 + moment.second / 3600


def _dates(lo: int, hi: int, zone: tzinfo) -> list[date]:
    first, last = local(lo, zone).date(), local(hi - 1, zone).date()
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


def _at(day: date, hour: int, zone: tzinfo) -> int:
    """The epoch second of a local hour; 24 is the next midnight."""
    moment = datetime.combine(day + timedelta(days=hour // 24), time(hour % 24), zone)
    return int(moment.timestamp())


def _day(
    day: date,
    first: int,
    last: int,
    lo: int,
    hi: int,
    zone: tzinfo,
    stretches: Sequence[Sequence[_Stretch]],
    working: Sequence[tuple[int, int]],
    free: Sequence[tuple[int, int]],
) -> Day:
    begin, finish = _at(day, first, zone), _at(day, last, zone)
    length = max(finish - begin, 1)  # a zone may skip a whole day, as Samoa did

    def span(start: int, end: int) -> Span | None:
        start, end = max(start, begin), min(end, finish)
        return Span((start - begin) / length, (end - start) / length) if start < end else None

    def bars(row: Iterable[_Stretch]) -> Iterator[Bar]:
        for start, end, kind in row:
            if piece := span(start, end):
                yield Bar(piece, start, end, kind, start >= begin, end <= finish)

    def spans(pairs: Iterable[tuple[int, int]]) -> tuple[Span, ...]:
        return tuple(piece for start, end in pairs if (piece := span(start, end)))

    return Day(
        date=day,
        ticks=tuple(_ticks(day, first, last, zone)),
        bars=tuple(tuple(bars(row)) for row in stretches),
        hours=spans(working),
        slots=tuple(bars((start, end, "SLOT") for start, end in free)),
        outside=spans(((begin, lo), (hi, finish))),
    )


def _ticks(day: date, first: int, last: int, zone: tzinfo) -> Iterator[tuple[float, int]]:
    """Each whole local hour inside the column that this day has."""
    begin, finish = _at(day, first, zone), _at(day, last, zone)
    for hour in range(first + 1, last):
        moment = _at(day, hour, zone)
        if begin < moment < finish and local(moment, zone).hour == hour:
            yield (moment - begin) / (finish - begin), hour


def tick_step(layout: Grid) -> int:
    """How many hours lie between two labelled hours: at most five labels a day."""
    visible = layout.last_hour - layout.first_hour
    return next(step for step in (1, 2, 3, 4, 6) if visible / step <= 5 or step == 6)


def weeks(layout: Grid) -> list[tuple[Day, ...]]:
    """The days in lines of at most seven."""
    return [layout.days[first : first + 7] for first in range(0, len(layout.days), 7)]
