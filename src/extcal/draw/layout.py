"""The positions of everything: rows and a window in, days with positioned pieces out. No markup.

A grid shows one column per local day. All days show the same hours: from the earliest to the latest
working hour, start or end of a period in the window, except midnights. So nothing is hidden. If the
window begins or ends within a day, the rest of that day is drawn as outside the window.
Positions are fractions of a day's column and follow elapsed time, so that a day with a DST change
is drawn as long as it is. Up to 14 days a cell of the picture is a day; a longer window is drawn as
a timeline, with cells of seven days.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from extcal.draw.rows import STRENGTH, Row

__all__ = [
    "ColumnBar",
    "Day",
    "Grid",
    "GridColumn",
    "Span",
    "grid",
    "lines",
    "local",
    "tick_step",
]

_MAX_DAYS = 400
_DEFAULT_HOURS = (8, 18)
_DETAILED = 14  # days; in a longer window hours are too narrow to be told apart
_APART = 3 * 3_600  # seconds between two marks of a lane, so that there is room for words
_MOST_LANES = 30  # of events at the same time
_MOST_MARKS = 1_000  # of one row; marks beyond either limit are counted, not drawn


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one column: ``left`` and ``width`` are fractions of it."""

    left: float
    width: float


@dataclass(frozen=True, slots=True)
class ColumnBar:
    """A piece of a period in one column. ``start`` and ``end`` are those of the whole period;
    ``opens`` and ``closes`` say whether they are in this column. ``words`` are a mark's title, if
    it has one; ``dates`` are the first and last day of an all-day mark; ``lane`` is the line of a
    mark in its row, counted from the top, and None if this is not a mark."""

    span: Span
    start: int
    end: int
    kind: str
    opens: bool
    closes: bool
    words: str = ""
    dates: tuple[date, date] | None = None
    lane: int | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """One local day: ``bars`` per row, the ``hours`` of each row, the shared ``slots``, and the
    time ``outside`` the window. ``ticks`` are (position, hour). ``now`` is the position of the
    current time, on the day that has it."""

    date: date
    ticks: tuple[tuple[float, int], ...]
    bars: tuple[tuple[ColumnBar, ...], ...]
    hours: tuple[tuple[Span, ...], ...]
    slots: tuple[ColumnBar, ...]
    outside: tuple[Span, ...]
    now: float | None = None


@dataclass(frozen=True, slots=True)
class GridColumn:
    """One column of the picture: a day, or the days of a timeline's week side by side."""

    days: tuple[Day, ...]

    def bars(self, row: int) -> tuple[ColumnBar, ...]:
        """The bars of a row in order of time."""
        return self._joined([day.bars[row] for day in self.days])

    def lanes(self, row: int) -> int:
        """How many lines the marks of a row need here."""
        lanes = (bar.lane or 0 for day in self.days for bar in day.bars[row])
        return max(lanes, default=0) + 1

    @property
    def slots(self) -> tuple[ColumnBar, ...]:
        """The common free slots."""
        return self._joined([day.slots for day in self.days])

    def hours(self, row: int) -> tuple[Span, ...]:
        """The working hours of a row."""
        return self._spans([day.hours[row] for day in self.days])

    @property
    def outside(self) -> tuple[Span, ...]:
        """The time outside the window."""
        return self._spans([day.outside for day in self.days])

    @property
    def now(self) -> float | None:
        """The position of the current time, if it is in this column."""
        for index, day in enumerate(self.days):
            if day.now is not None:
                return (index + day.now) / len(self.days)
        return None

    def _spans(self, found: Sequence[Sequence[Span]]) -> tuple[Span, ...]:
        return tuple(
            self._placed(piece, index) for index, pieces in enumerate(found) for piece in pieces
        )

    def _placed(self, piece: Span, index: int) -> Span:
        count = len(self.days)
        return Span((index + piece.left) / count, piece.width / count)

    def _joined(self, found: Sequence[Sequence[ColumnBar]]) -> tuple[ColumnBar, ...]:
        """Bars placed in the cell; pieces that continue over midnight are joined into one
        bar."""
        placed: dict[object, list[ColumnBar]] = {}
        for index, bars in enumerate(found):
            for bar in bars:
                piece = self._placed(bar.span, index)
                key = (bar.start, bar.end, bar.kind, bar.words, bar.dates, bar.lane)
                several = placed.setdefault(key, [])
                if several and index and abs(_right(several[-1].span) - piece.left) < 1e-9:
                    first = several.pop()
                    piece = Span(first.span.left, _right(piece) - first.span.left)
                    bar = _moved(bar, piece, first.opens, bar.closes)
                several.append(_moved(bar, piece, bar.opens, bar.closes))
        flat = [bar for several in placed.values() for bar in several]
        return tuple(sorted(flat, key=lambda bar: (bar.span.left, bar.start, bar.lane or 0)))


@dataclass(frozen=True, slots=True)
class Grid:
    """A whole picture: the rows, the days, the kinds of bars that occur (strongest first).

    ``left_out`` is the number of marks of each row that are not drawn because there are too
    many."""

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
    left_out: tuple[int, ...]

    @property
    def has_outside(self) -> bool:
        """Whether some day shows time outside the window."""
        return any(day.outside for day in self.days)

    @property
    def has_now(self) -> bool:
        """Whether the current time is in the picture."""
        return any(day.now is not None for day in self.days)

    @property
    def is_timeline(self) -> bool:
        """Whether the window is too long for hours to be told apart."""
        return len(self.days) > _DETAILED


def _right(piece: Span) -> float:
    return piece.left + piece.width


def _moved(bar: ColumnBar, piece: Span, opens: bool, closes: bool) -> ColumnBar:
    return replace(bar, span=piece, opens=opens, closes=closes)


def local(seconds: int, zone: tzinfo) -> datetime:
    """An epoch second in ``zone``."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A period to draw: seconds inside the window, or dates."""

    start: int
    end: int
    kind: str
    words: str = ""
    dates: tuple[date, date] | None = None
    lane: int | None = None


def grid(
    rows: Sequence[Row],
    *,
    lo: int,
    hi: int,
    zone: tzinfo,
    hours: Sequence[tuple[int, int]],
    slots: Sequence[tuple[int, int]],
    now: int | None = None,
) -> Grid:
    """Lay out ``rows`` over ``[lo, hi)``; ``now`` is marked if it is in there.

    Raises ValueError for an empty window or one of more than 400 days.
    """
    if not lo < hi:
        raise ValueError("the window to draw is empty: lo must lie before hi")
    if hi - lo > _MAX_DAYS * 86_400:
        raise ValueError(f"a grid shows at most {_MAX_DAYS} days")
    dates = _dates(lo, hi, zone)
    apart = _APART if len(dates) <= _DETAILED else 0
    laned = [_lanes(_stretches(row, lo, hi, dates), apart) for row in rows]
    stretches = [kept for kept, _ in laned]
    working = [_union(hours if row.hours is None else row.hours, lo, hi) for row in rows]
    free = [_Stretch(start, end, "SLOT") for start, end in _union(slots, lo, hi)]
    spans = [*_union(hours, lo, hi), *(span for row in working for span in row)]
    edges = [(item.start, item.end) for row in [*stretches, free] for item in row if not item.dates]
    first, last = _visible_hours([*edges, *spans], lo, hi, zone)
    frame = _Frame(tuple(dates), first, last, lo, hi, zone)
    drawn = [frame.bars(row) for row in stretches]
    marked, worked = frame.bars(free), [frame.spans(row) for row in working]
    days = tuple(
        Day(
            date=day,
            ticks=tuple(_ticks(day, first, last, zone)),
            bars=tuple(tuple(row[index]) for row in drawn),
            hours=tuple(tuple(row[index]) for row in worked),
            slots=tuple(marked[index]),
            outside=frame.outside(index),
            now=frame.now(index, now),
        )
        for index, day in enumerate(dates)
    )
    found = {item.kind for row in stretches for item in row}
    return Grid(
        rows=tuple(rows),
        days=days,
        kinds=tuple(sorted(found, key=STRENGTH.__getitem__, reverse=True)),
        first_hour=first,
        last_hour=last,
        lo=lo,
        hi=hi,
        zone=zone,
        has_hours=bool(hours) or any(row.hours is not None for row in rows),
        slots=tuple(sorted((max(a, lo), min(b, hi)) for a, b in slots if max(a, lo) < min(b, hi))),
        left_out=tuple(count for _, count in laned),
    )


def _stretches(row: Row, lo: int, hi: int, days: Sequence[date]) -> list[_Stretch]:
    """The periods of a row inside the window: the weakest type first, marks with words last."""
    found = [_Stretch(start, end, _kind(token)) for start, end, token in row.busy]
    found = [item for item in found if item.kind != "FREE"]
    found += [_Stretch(start, end, "UNKNOWN") for start, end in row.unknown]
    found.sort(key=lambda item: (STRENGTH[item.kind], item.start, item.end))
    found += [_Stretch(m.start, m.end, _kind(m.kind), m.words, lane=0) for m in row.marks]
    clipped = [replace(item, start=max(item.start, lo), end=min(item.end, hi)) for item in found]
    kept = [item for item in clipped if item.start < item.end]
    for mark in row.dates:
        first, last = max(mark.first, days[0]), min(mark.last, days[-1])
        if first <= last:
            whole = (mark.first, max(mark.first, mark.last))
            kept.append(_Stretch(lo, hi, _kind(mark.kind), mark.words, whole, 0))
    return kept


def _lanes(items: Sequence[_Stretch], apart: int) -> tuple[list[_Stretch], int]:
    """Put marks into lanes, at least ``apart`` seconds from each other, so that their words do
    not overlap. Returns the marks and the number of those for which there was no lane."""
    kept = [item for item in items if item.lane is None]
    most = len(kept) + _MOST_MARKS
    ends: list[float] = []
    left_out = 0
    for item in sorted((item for item in items if item.lane is not None), key=_order):
        start, end = _extent(item)
        if item.words and not item.dates:
            end += apart
        lane = next((number for number, until in enumerate(ends) if until <= start), len(ends))
        if lane == _MOST_LANES or len(kept) == most:
            left_out += 1
            continue
        ends[lane : lane + 1] = [end]
        kept.append(replace(item, lane=lane))
    return kept, left_out


def _extent(item: _Stretch) -> tuple[float, float]:
    if item.dates:
        return item.dates[0].toordinal(), item.dates[1].toordinal() + 1
    return item.start, item.end


def _order(item: _Stretch) -> tuple[float, float]:
    start, end = _extent(item)
    return start, -end


def _kind(token: str) -> str:
    return token if token in STRENGTH and token != "UNKNOWN" else "BUSY"


def _union(spans: Iterable[tuple[int, int]], lo: int, hi: int) -> list[tuple[int, int]]:
    """The spans sorted, disjoint, joined where they touch, and cut to the window."""
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
    edges: Iterable[tuple[int, int]], lo: int, hi: int, zone: tzinfo
) -> tuple[int, int]:
    """The local hours that every day shows: from the hour of the earliest edge that is not a
    midnight to the hour after the latest one. There are at least four, because a DST change may
    skip some of them."""
    first, last = 24.0, 0.0
    for start, end in edges:
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
    """Extend the hours so that the first and the last day show a part of the window. A day that
    shows only time outside the window would be taken for free."""
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


class _Frame:
    """The columns of all days, each from the first to the last hour that is shown."""

    def __init__(
        self, dates: tuple[date, ...], first: int, last: int, lo: int, hi: int, zone: tzinfo
    ) -> None:
        self._dates, self._lo, self._hi = dates, lo, hi
        self._begins = [_at(day, first, zone) for day in dates]
        self._ends = [_at(day, last, zone) for day in dates]

    def bars(self, row: Iterable[_Stretch]) -> list[list[ColumnBar]]:
        """The bars of a row, by day."""
        found: list[list[ColumnBar]] = [[] for _ in self._dates]
        for item in row:
            if item.dates:
                self._by_dates(item, found)
                continue
            for index, piece in self._pieces(item.start, item.end):
                opens, closes = item.start >= self._begins[index], item.end <= self._ends[index]
                found[index].append(_bar(item, piece, opens, closes))
        return found

    def _by_dates(self, item: _Stretch, found: list[list[ColumnBar]]) -> None:
        assert item.dates is not None
        first, last = item.dates
        for index, day in enumerate(self._dates):
            if first <= day <= last:
                found[index].append(_bar(item, Span(0, 1), day == first, day == last))

    def spans(self, row: Iterable[tuple[int, int]]) -> list[list[Span]]:
        """Pieces without a type, by day."""
        found: list[list[Span]] = [[] for _ in self._dates]
        for start, end in row:
            for index, piece in self._pieces(start, end):
                found[index].append(piece)
        return found

    def outside(self, index: int) -> tuple[Span, ...]:
        """The time of a day that is outside the window."""
        cut = ((self._begins[index], self._lo), (self._hi, self._ends[index]))
        return tuple(piece for start, end in cut if (piece := self._piece(index, start, end)))

    def now(self, index: int, now: int | None) -> float | None:
        """The position of the current time on a day, if it is shown there."""
        if now is None or not self._lo <= now < self._hi:
            return None
        piece = self._piece(index, now, now + 1)
        return None if piece is None else piece.left

    def _pieces(self, start: int, end: int) -> Iterator[tuple[int, Span]]:
        index = bisect_right(self._ends, start)
        while index < len(self._dates) and self._begins[index] < end:
            if piece := self._piece(index, start, end):
                yield index, piece
            index += 1

    def _piece(self, index: int, start: int, end: int) -> Span | None:
        begin, finish = self._begins[index], self._ends[index]
        length = max(finish - begin, 1)  # a zone may skip a whole day, as Samoa did
        start, end = max(start, begin), min(end, finish)
        return Span((start - begin) / length, (end - start) / length) if start < end else None


def _bar(item: _Stretch, piece: Span, opens: bool, closes: bool) -> ColumnBar:
    return ColumnBar(
        piece, item.start, item.end, item.kind, opens, closes, item.words, item.dates, item.lane
    )


def _ticks(day: date, first: int, last: int, zone: tzinfo) -> Iterator[tuple[float, int]]:
    """Each whole local hour inside the column that this day has."""
    begin, finish = _at(day, first, zone), _at(day, last, zone)
    for hour in range(first + 1, last):
        moment = _at(day, hour, zone)
        if begin < moment < finish and local(moment, zone).hour == hour:
            yield (moment - begin) / (finish - begin), hour


def tick_step(layout: Grid) -> int:
    """The number of hours between two labelled hours: at most five labels a day, or nine if there
    is only one day."""
    visible = layout.last_hour - layout.first_hour
    most = 9 if len(layout.days) == 1 else 5
    return next(step for step in (1, 2, 3, 4, 6) if visible / step <= most or step == 6)


def beside(bar: ColumnBar, bars: Iterable[ColumnBar], least: float) -> Span | None:
    """The empty piece of a column for the words of a mark: after the mark, or before it if the next
    mark of its lane is too near. None if neither is at least ``least`` of a column wide."""
    lane = sorted((each for each in bars if each.lane == bar.lane), key=lambda each: each.span.left)
    edges = [0.0, *(edge for each in lane for edge in (each.span.left, _right(each.span))), 1.0]
    gaps = [edges[place + 1] - edges[place] for place in range(0, len(edges), 2)]
    index = lane.index(bar)
    before, after = gaps[index], gaps[index + 1]
    if after >= least:
        # The next mark may need the second half of it.
        crowded = index + 1 < len(lane) and gaps[index + 2] < least <= after / 2
        return Span(_right(bar.span), after / 2 if crowded else after)
    if index and before >= least:
        before /= 2  # the first half is for the words of the mark before
    return Span(bar.span.left - before, before) if before >= least else None


def lines(layout: Grid) -> list[tuple[GridColumn, ...]]:
    """The picture's lines: up to seven days each, or up to four weeks of a timeline."""
    if not layout.is_timeline:
        days = [GridColumn((day,)) for day in layout.days]
        return [tuple(days[first : first + 7]) for first in range(0, len(days), 7)]
    weeks = [GridColumn(layout.days[first : first + 7]) for first in range(0, len(layout.days), 7)]
    return [tuple(weeks[first : first + 4]) for first in range(0, len(weeks), 4)]
