"""What a series gives: single occurrences, and columns of instances that differ only by start.

Times are epoch seconds, beside the local starts that they came from. A series of a thousand
instances is three lists of integers. Occurrences are made from these only when they are needed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from operator import lt

from extcal.ical.events.event import Event
from extcal.ical.events.times import DAY, Extent, Moment
from extcal.ical.zones.resolve import Zone
from extcal.values import NamedTuple

__all__ = ["SLACK", "Columns", "Instances", "Occurrence", "distinct", "planned_at", "touches"]

SLACK = 2 * DAY  # more than the difference between any two zones


class Occurrence(NamedTuple):
    """One occurrence, in epoch seconds.

    ``local`` is its local start (of ``zone``), ``recurrence_id`` the moment it was planned for, or
    None outside a series. ``merged`` counts the instances of a dense run that touch each other.
    """

    start: int
    end: int
    event: Event
    local: int
    zone: Zone
    recurrence_id: Moment | None
    merged: int = 1


class Columns(NamedTuple):
    """Instances that are not moved from their planned start, sorted by start.

    ``starts`` and ``ends`` are epoch seconds, ``locals`` the local starts of the series' zone.
    """

    locals: Sequence[int]
    starts: Sequence[int]
    ends: Sequence[int]

    def until(self, last: int) -> Columns:
        """The instances that start at ``last`` or before."""
        return self.part(0, bisect_right(self.starts, last))

    def part(self, first: int, behind: int) -> Columns:
        """The instances with an index in ``[first, behind)``."""
        if first == 0 and behind == len(self.starts):
            return self
        return Columns(
            self.locals[first:behind], self.starts[first:behind], self.ends[first:behind]
        )


class Instances(NamedTuple):
    """Instances of one series, with the event that they are instances of."""

    event: Event
    columns: Columns

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.columns.starts)

    def occurrences(self) -> Iterator[Occurrence]:
        """Yield each of them as a value."""
        event, is_date, zone = self.event, self.event.start.is_date, self.event.start.zone
        for local, start, end in zip(*self.columns, strict=True):
            yield Occurrence(start, end, event, local, zone, Moment(local, is_date, zone))


def touches(start: int, end: int, lo: int, hi: int) -> bool:
    """RFC 4791 section 9.9: half-open; an event without length touches if it starts inside."""
    return start < hi and (end > lo or (end == start and start >= lo))


def distinct(
    locals_: Sequence[int], zone: Zone, gone: Iterable[set[int]] = ()
) -> tuple[Sequence[int], Sequence[int]]:
    """Return sorted local starts and their instants, without those that are ``gone``.

    3.8.5.3: "Duplicate instances are ignored.", and a gap may move one start onto another.
    """
    starts: Sequence[int] = zone.to_epochs(locals_)
    if len({*starts}) < len(starts):
        last = dict(zip(starts, locals_, strict=True))
        starts, locals_ = list(last), list(last.values())
    for removed in gone:
        if not removed.isdisjoint(starts):
            kept = [start not in removed for start in starts]
            locals_, starts = list(compress(locals_, kept)), list(compress(starts, kept))
    return locals_, starts


def planned_at(
    zone: Zone, extent: Extent, locals_: Sequence[int], starts: Sequence[int], lo: int, hi: int
) -> Columns:
    """Return the instances, of one zone and length, that touch ``[lo, hi)``.

    ``locals_`` are sorted local starts and ``starts`` their epoch seconds. The result is the same
    as that of :meth:`Extent.end` and :func:`touches` for each instance.
    """
    ends = extent.ends(locals_, starts, zone)
    nominal = extent.days or extent.wall is not None
    if starts != sorted(starts) or (
        nominal and (ends != sorted(ends) or any(map(lt, ends, starts)))
    ):
        # A gap has moved a start behind another one, or behind its own end.
        rows = sorted(
            (start, max(start, end), local)
            for start, end, local in zip(starts, ends, locals_, strict=True)
        )
        rows = [row for row in rows if touches(row[0], row[1], lo, hi)]
        return Columns([row[2] for row in rows], [row[0] for row in rows], [row[1] for row in rows])
    first, behind = bisect_right(ends, lo), bisect_left(starts, hi)
    while first and starts[first - 1] >= lo:  # without length, at the start of the window
        first -= 1
    return Columns(locals_, starts, ends).part(first, max(first, behind))
