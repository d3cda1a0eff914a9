"""common_free: when everybody is known to be free, within everybody's hours.

In: FreeBusy values, hours, lengths of time. Out: Periods, sorted. Time is offered only if it is
known and not blocked for each participant, is at least the buffer away from blocked or unknown
time, and is within each participant's hours. All of it is merged in one sweep; for that, hours are
turned into the time outside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta, tzinfo
from operator import itemgetter

from extcal.intervals.freebusy import FreeBusy, freebusy_list
from extcal.intervals.hours import WorkingHours
from extcal.intervals.instants import whole_seconds
from extcal.intervals.merge import Span, complement, overlapping, uncovered
from extcal.intervals.types import BLOCKING, FBType, Period, blocking_codes, period
from extcal.intervals.wallclock import WallClock, find_zone

__all__ = ["common_free"]

_start, _end, _code = itemgetter(0), itemgetter(1), itemgetter(2)


def common_free(
    participants: Iterable[FreeBusy],
    duration: timedelta,
    *,
    hours: WorkingHours | Sequence[WorkingHours | None] | None = None,
    step: timedelta | None = None,
    buffer: timedelta = timedelta(0),
    timezone: str | tzinfo = "UTC",
    blocks: Iterable[FBType] = BLOCKING,
) -> tuple[Period, ...]:
    """Return when every participant is free for at least ``duration``, in order.

    ``participants``: FreeBusy values; outside its own window a participant's time is unknown.
    ``duration``: how long they are to meet, a positive timedelta.
    ``hours``: WorkingHours for all, or a sequence with one (or None) per participant.
    ``step``: None returns the maximal gaps. A timedelta returns slots of exactly ``duration``,
    which may overlap. They start at multiples of ``step`` from local midnight in ``timezone``. So
    10:00 stays a start on the day of a clock change, a skipped time is never a start, and a
    repeated time is a start twice.
    ``buffer``: the distance to blocked and to unknown time; not to the ends of a window or of
    hours.
    ``timezone``: an IANA name or a tzinfo; it is only used with ``step``.
    ``blocks``: the types that block.

    Raises ``TypeError`` for values of the wrong kind, and ``ValueError`` without participants, if
    ``duration`` or ``step`` is not positive, ``buffer`` is negative, ``step`` is not in whole
    seconds, ``hours`` do not match the participants, or the zone is unknown.
    """
    people = freebusy_list(participants, "common_free")
    length = whole_seconds(duration, "duration")
    margin = whole_seconds(buffer, "buffer", zero=True)
    codes = blocking_codes(blocks)
    zone = find_zone(timezone)
    pace = None if step is None else _pace(step)
    every_hours = _every_hours(hours, len(people))

    # Outside the window of a participant nothing is known of them, so nothing can be offered.
    lo = max(person.window_epochs[0] for person in people)
    hi = min(person.window_epochs[1] for person in people)
    if lo >= hi:
        return ()
    gaps = [
        (start, end)
        for start, end in _open_time(people, codes, margin, every_hours, lo, hi)
        if end - start >= length
    ]
    if pace is not None and gaps:
        gaps = list(_slots(gaps, length, pace, WallClock(zone, gaps[0][0], gaps[-1][1])))
    return tuple([period(start, end) for start, end in gaps])


def _open_time(
    people: list[FreeBusy],
    codes: frozenset[int],
    margin: int,
    every_hours: set[WorkingHours],
    lo: int,
    hi: int,
) -> list[Span]:
    """Return the parts of ``[lo, hi)`` that are known, not blocked, and inside everybody's
    hours."""
    starts: list[int] = []
    ends: list[int] = []
    for person in people:
        # Blocked time outside the window, but nearer to it than the buffer, counts, too.
        busy = overlapping(person.epochs, lo - margin, hi + margin)
        if not codes.issuperset(map(_code, busy)):
            busy = [span for span in busy if span[2] in codes]
        starts += map(_start, busy)
        ends += map(_end, busy)
        unknown = overlapping(person.unknown_epochs, lo - margin, hi + margin)
        starts += map(_start, unknown)
        ends += map(_end, unknown)
    if margin:
        starts = [start - margin for start in starts]
        ends = [end + margin for end in ends]
    for one in every_hours:
        for start, end in complement(one.epochs(lo, hi), lo, hi):
            starts.append(start)
            ends.append(end)
    return uncovered(starts, ends, lo, hi)


def _slots(gaps: list[Span], length: int, pace: int, clock: WallClock) -> Iterator[Span]:
    for start, end in gaps:
        for begin in clock.multiples(pace, start, end - length):
            yield begin, begin + length


def _pace(step: timedelta) -> int:
    pace = whole_seconds(step, "step")
    if step.microseconds:
        raise ValueError(f"step must be in whole seconds, not {step}")
    return pace


def _every_hours(
    hours: WorkingHours | Sequence[WorkingHours | None] | None, count: int
) -> set[WorkingHours]:
    """Return the different hours that everybody has to keep."""
    if hours is None:
        return set()
    each = [hours] if isinstance(hours, WorkingHours) else list(hours)
    for one in each:
        if one is not None and not isinstance(one, WorkingHours):
            raise _no_hours(one)
    if not isinstance(hours, WorkingHours) and len(each) != count:
        raise ValueError(
            f"hours has {len(each)} entries for {count} participants: pass one WorkingHours for "
            f"all, or one (or None) for each"
        )
    return {one for one in each if one is not None}


def _no_hours(value: object) -> TypeError:
    return TypeError(f"hours takes WorkingHours, or one (or None) per participant, not {value!r}")
