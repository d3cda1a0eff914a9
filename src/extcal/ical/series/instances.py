"""What a series gives: single occurrences, and columns of instances that differ only by start.

Times are epoch seconds, beside the local starts that they came from. A series of a thousand
instances is three lists of integers. Occurrences are made from these only when they are needed.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter, le

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
    locals_: Sequence[int], zone: Zone, gone: Sequence[set[int]] = ()
) -> tuple[Sequence[int], Sequence[int]]:
    """Return sorted local starts and their instants, without those that are ``gone``.

    3.8.5.3: "Duplicate instances are ignored.", and a gap may move one start onto another. Of such
    two the later local start is kept.
    """
    starts, in_order = zone.epochs_in_order(locals_)
    if in_order and not gone:
        return locals_, starts
    left = dict(zip(starts, locals_, strict=True))
    for removed in gone:
        for instant in left.keys() & removed:
            del left[instant]
    if not in_order:
        left = dict(sorted(left.items(), key=itemgetter(1)))
    return list(left.values()), list(left)


def planned_at(
    zone: Zone, extent: Extent, locals_: Sequence[int], starts: Sequence[int], lo: int, hi: int
) -> Columns:
    """Return the instances, of one zone and length, that touch ``[lo, hi)``.

    ``locals_`` are sorted local starts and ``starts`` their epoch seconds. The result is the same
    as that of :meth:`Extent.end` and :func:`touches` for each instance.
    """
    ends, in_order = _ends(zone, extent, locals_, starts)
    if not in_order:
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
    if first or behind < len(starts):
        behind = max(first, behind)
        locals_, starts, ends = locals_[first:behind], starts[first:behind], ends[first:behind]
    return Columns(locals_, starts, ends)


def _ends(
    zone: Zone, extent: Extent, locals_: Sequence[int], starts: Sequence[int]
) -> tuple[Sequence[int], bool]:
    """The ends of instances, and whether starts and ends are sorted, and no end before its start.

    Away from a change of clocks all instances last equally long, and keep their order.
    """
    lasting = extent.lasting(zone) if locals_ else None
    switches = lasting and zone.switches(locals_[0], locals_[-1] + lasting[1])
    if lasting is None or switches is None:
        ends = extent.ends(locals_, starts, zone)
        return ends, _in_order(starts, ends)
    usual, longest = lasting
    found = [start + usual for start in starts]
    in_order, behind = True, 0
    for switch in switches:
        first = max(behind, bisect_left(locals_, switch - longest))
        behind = bisect_left(locals_, switch)
        for index in range(first, behind):  # the clocks change while these last
            found[index] = extent.end(locals_[index], starts[index], zone)
        near = slice(max(0, first - 1), behind + 1)
        in_order = in_order and _in_order(starts[near], found[near])
    return found, in_order


def _in_order(starts: Sequence[int], ends: Sequence[int]) -> bool:
    return [*starts] == sorted(starts) and ends == sorted(ends) and all(map(le, starts, ends))
