"""common_free: when everybody is known to be free, within everybody's hours.

In: FreeBusy values, hours, lengths of time. Out: Periods, sorted. Time is offered only if it is
known and not blocked for each participant, is at least the buffer away from blocked or unknown
time, and is within each participant's hours. All of it is merged in one sweep; for that, hours are
turned into the time outside them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from operator import itemgetter
from typing import overload

from extcal.arguments import several
from extcal.intervals.freebusy import FreeBusy, freebusy_list
from extcal.intervals.hours import WorkingHours
from extcal.intervals.instants import DAY, whole_seconds
from extcal.intervals.merge import Span, complement, overlapping, uncovered
from extcal.intervals.types import BLOCKING, FBType, Period, blocking_codes, period, period_span
from extcal.intervals.wallclock import WallClock, find_zone

__all__ = ["CommonFree", "Hours", "common_free", "find_common"]

Hours = WorkingHours | Sequence[WorkingHours | None] | Mapping[str, WorkingHours | None] | None
"""For everybody; or one, or None, for each in order; or by name."""

_start, _end, _code = itemgetter(0), itemgetter(1), itemgetter(2)
_YEAR = 366 * DAY
_HOURS = "WorkingHours, or one (or None) per participant"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CommonFree(Sequence[Period]):
    """When people can meet: a sequence of Periods, equal to the tuple of them.

    ``slots``: that tuple: when everybody who is required is free. ``slots_for_all``: when the
    optional people are free too. ``limited_by``: the required people whose *unknown* time removed
    slots. If you ask these people, there may be more slots. People without names are ``"0"``,
    ``"1"`` and so on, in their order.

    Two of them are equal if their ``slots`` are.
    """

    slots: tuple[Period, ...]
    slots_for_all: tuple[Period, ...]
    limited_by: tuple[str, ...]

    @overload
    def __getitem__(self, index: int) -> Period: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Period, ...]: ...
    def __getitem__(self, index: int | slice) -> Period | tuple[Period, ...]:
        return self.slots[index]

    def __iter__(self) -> Iterator[Period]:
        return iter(self.slots)

    def __len__(self) -> int:
        return len(self.slots)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, CommonFree):
            return self.slots == other.slots
        return self.slots == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.slots)

    def __repr__(self) -> str:
        limits = f", limited by {', '.join(self.limited_by)}" if self.limited_by else ""
        return f"<CommonFree {list(self.slots)}{limits}>"


def common_free(
    participants: Iterable[FreeBusy] | Mapping[str, FreeBusy],
    duration: timedelta,
    *,
    hours: Hours = None,
    step: timedelta | None = None,
    buffer: timedelta = timedelta(0),
    timezone: str | tzinfo = "UTC",
    blocks: Iterable[FBType] = BLOCKING,
) -> CommonFree:
    """Return when every participant is free for at least ``duration``, in order.

    ``participants``: FreeBusy values, or FreeBusy by name; outside its own window a participant's
    time is unknown.
    ``duration``: how long they are to meet, a positive timedelta.
    ``hours``: WorkingHours for all, or a sequence with one (or None) per participant, or by name.
    ``step``: None returns the maximal gaps. A timedelta returns slots of exactly ``duration``,
    which may overlap. They start at multiples of ``step`` from local midnight in ``timezone``. So
    10:00 stays a start on the day of a clock change, a skipped time is never a start, and a
    repeated time is a start twice.
    ``buffer``: the distance to blocked and to unknown time; not to the ends of a window or of
    hours.
    ``timezone``: an IANA name or a tzinfo; it is only used with ``step``.
    ``blocks``: the types that block.

    The result is a sequence of Periods; its ``limited_by`` names the participants whose unknown
    time removed slots.

    Raises ``TypeError`` for values of the wrong kind, and ``ValueError`` without participants, if
    ``duration`` or ``step`` is not positive, ``buffer`` is negative, ``step`` is not in whole
    seconds, ``hours`` do not match the participants, or the zone is unknown.
    """
    people = _by_name(participants)
    return find_common(
        people,
        people.keys(),
        duration,
        hours=hours,
        step=step,
        buffer=buffer,
        timezone=timezone,
        blocks=blocks,
    )


def find_common(
    people: Mapping[str, FreeBusy],
    required: Collection[str],
    duration: timedelta,
    *,
    assume_free: Collection[str] = (),
    hours: Hours,
    step: timedelta | None,
    buffer: timedelta,
    timezone: str | tzinfo,
    blocks: Iterable[FBType],
) -> CommonFree:
    """Return when the ``required`` of ``people`` are free, and when all of them are.

    ``required`` and ``assume_free`` hold names of ``people``; unknown time of those who are
    assumed free counts as free. The other arguments, and what is raised: :func:`common_free`.
    """
    length = whole_seconds(duration, "duration")
    margin = whole_seconds(buffer, "buffer", zero=True)
    codes = blocking_codes(blocks)
    zone = find_zone(timezone)
    pace = None if step is None else _pace(step)
    hours_of = _hours_by_name(hours, people)
    lo, hi = _looked_at([person.window_epochs for person in people.values()])

    def slots(names: Collection[str], known: Collection[str]) -> tuple[Period, ...]:
        """When ``names`` are free; nothing is unknown of those in ``known``."""
        chosen = [people[name] for name in names]
        doubtful = [people[name] for name in names if name not in known]
        # Outside the window of a participant nothing is known of them, so nothing can be offered.
        first = max((person.window_epochs[0] for person in doubtful), default=lo)
        last = min((person.window_epochs[1] for person in doubtful), default=hi)
        if first >= last:
            return ()
        every_hours = {each for name in names if (each := hours_of.get(name)) is not None}
        open_time = _open_time(chosen, doubtful, codes, margin, every_hours, first, last)
        gaps = [(start, end) for start, end in open_time if end - start >= length]
        if pace is not None and gaps:
            gaps = list(_slots(gaps, length, pace, WallClock(zone, gaps[0][0], gaps[-1][1])))
        return tuple([period(start, end) for start, end in gaps])

    found = slots(required, assume_free)
    optional = len(required) < len(people)
    unknown = {
        name: _unknown(people[name], lo, hi, margin) for name in required if name not in assume_free
    }
    limited_by: list[str] = []
    if any(unknown.values()):
        # If everything were known, there would be these slots. Whoever is unknown in one of them
        # removes it, or makes it shorter.
        best = [period_span(slot) for slot in slots(required, required)]
        limited_by = [name for name, gaps in unknown.items() if _meets(gaps, best)]
    return CommonFree(
        found, slots(people.keys(), assume_free) if optional else found, tuple(limited_by)
    )


def _looked_at(windows: list[Span]) -> Span:
    """Return the hull of all windows, but at most a year around what they have in common.

    A window may be that of all years, and hours are made day by day.
    """
    first, last = sorted((max(lo for lo, _ in windows), min(hi for _, hi in windows)))
    lo, hi = min(lo for lo, _ in windows), max(hi for _, hi in windows)
    return max(lo, first - _YEAR), min(hi, last + _YEAR)


def _open_time(
    people: list[FreeBusy],
    doubtful: list[FreeBusy],
    codes: frozenset[int],
    margin: int,
    every_hours: set[WorkingHours],
    lo: int,
    hi: int,
) -> list[Span]:
    """Return the parts of ``[lo, hi)`` that are not blocked for ``people``, known of the
    ``doubtful`` ones, and inside everybody's hours."""
    starts: list[int] = []
    ends: list[int] = []
    for person in people:
        # Blocked time outside the window, but nearer to it than the buffer, counts, too.
        busy = overlapping(person.epochs, lo - margin, hi + margin)
        if not codes.issuperset(map(_code, busy)):
            busy = [span for span in busy if span[2] in codes]
        starts += map(_start, busy)
        ends += map(_end, busy)
    for person in doubtful:
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


def _unknown(person: FreeBusy, lo: int, hi: int, margin: int) -> list[Span]:
    """Return when nothing can be offered in ``[lo, hi)`` because of what is unknown of a person:
    time nearer to unknown time than ``margin``, and time outside the person's window."""
    first, last = person.window_epochs
    near = [(start - margin, end + margin) for start, end in person.unknown_epochs]
    return [span for span in [(lo, first), *near, (last, hi)] if span[0] < span[1]]


def _meets(spans: Sequence[Span], slots: Sequence[Span]) -> bool:
    """Tell whether any of ``spans`` shares time with any of ``slots``, both sorted by start.

    Slots of one length may overlap each other; their ends are sorted like their starts.
    """
    return any(overlapping(slots, start, end) for start, end in spans)


def _slots(gaps: list[Span], length: int, pace: int, clock: WallClock) -> Iterator[Span]:
    for start, end in gaps:
        for begin in clock.multiples(pace, start, end - length):
            yield begin, begin + length


def _pace(step: timedelta) -> int:
    pace = whole_seconds(step, "step")
    if step.microseconds:
        raise ValueError(f"step must be in whole seconds, not {step}")
    return pace


def _by_name(participants: Iterable[FreeBusy] | Mapping[str, FreeBusy]) -> Mapping[str, FreeBusy]:
    """Return the participants by name: those without names by their places."""
    if isinstance(participants, Mapping):
        freebusy_list(participants.values(), "common_free")
        return participants
    people = freebusy_list(participants, "common_free")
    return {str(place): person for place, person in enumerate(people)}


def _hours_by_name(hours: Hours, people: Collection[str]) -> Mapping[str, WorkingHours | None]:
    """Return the hours that everybody has to keep, by name."""
    if hours is None:
        return {}
    if isinstance(hours, WorkingHours):
        return dict.fromkeys(people, hours)
    if isinstance(hours, Mapping):
        each, strangers = list(hours.values()), sorted(hours.keys() - set(people))
    else:
        each, strangers = list(several("hours", hours, _HOURS)), []
    for one in each:
        if one is not None and not isinstance(one, WorkingHours):
            raise _no_hours(one)
    if isinstance(hours, Mapping):
        if strangers:
            raise ValueError(f"hours names people who are not among the participants: {strangers}")
        return hours
    if len(each) != len(people):
        raise ValueError(
            f"hours has {len(each)} entries for {len(people)} participants: pass one WorkingHours "
            f"for all, or one (or None) for each"
        )
    return dict(zip(people, each, strict=True))


def _no_hours(value: object) -> TypeError:
    return TypeError(f"hours takes {_HOURS}, not {value!r}")
