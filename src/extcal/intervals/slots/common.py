"""common_free: when enough people are known to be free, each within their hours.

In: FreeBusy values, hours, lengths of time, conditions. Out: Periods, sorted. Time is offered only
if it is known and not blocked for the people it is offered for, is at least the buffer away from
blocked or unknown time, and is within these people's hours.

Everything is columns of spans in which a slot may *begin*. For those who are required they come
from a merge of all of their time, which ends as soon as no free time is left. For "two of these
five" each person has columns of their own, and :func:`~extcal.intervals.merge.covered_by` counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import compress
from operator import lt
from typing import TypedDict, Unpack, cast

from extcal.arguments import discreet, several
from extcal.intervals.asked import common_zone
from extcal.intervals.freebusy import FreeBusy, freebusy_list
from extcal.intervals.instants import DAY, whole_seconds
from extcal.intervals.merge import (
    Columns,
    Span,
    covered_by,
    gaps,
    in_columns,
    intersection_of_columns,
    touches,
    without,
)
from extcal.intervals.slots.conditions import Conditions, Groups, read_conditions
from extcal.intervals.slots.layout import Align, Layout, read_layout
from extcal.intervals.slots.offer import CommonFree
from extcal.intervals.types import BLOCKING, FBType, blocking_codes
from extcal.intervals.working_hours.hours import WorkingHours

__all__ = ["Buffer", "CommonFree", "Hours", "SlotOptions", "common_free", "find_common", "prepare"]

Hours = WorkingHours | Sequence[WorkingHours | None] | Mapping[str, WorkingHours | None] | None
"""For everybody; or one, or None, for each in order; or by name."""
Buffer = timedelta | tuple[timedelta, timedelta]
"""For before and after, or one for each."""

_YEAR = 366 * DAY
_HOURS = "WorkingHours, or one (or None) per participant"
_NONE = timedelta(0)


class SlotOptions(TypedDict, total=False):
    """The options of :func:`common_free`, for functions that pass them on."""

    hours: Hours
    step: timedelta | None
    buffer: Buffer
    timezone: str | tzinfo
    blocks: Iterable[FBType]
    align: Align
    earliest: datetime | None
    latest: datetime | None
    per_day: int | None
    required: Collection[str] | None
    optional: Collection[str]
    at_least: int | None
    groups: Groups


@discreet
def common_free(
    participants: Iterable[FreeBusy] | Mapping[str, FreeBusy],
    duration: timedelta,
    *,
    hours: Hours = None,
    step: timedelta | None = None,
    buffer: Buffer = _NONE,
    timezone: str | tzinfo = "UTC",
    blocks: Iterable[FBType] = BLOCKING,
    align: Align = "midnight",
    earliest: datetime | None = None,
    latest: datetime | None = None,
    per_day: int | None = None,
    required: Collection[str] | None = None,
    optional: Collection[str] = (),
    at_least: int | None = None,
    groups: Groups = (),
) -> CommonFree:
    """Return when every participant is free for at least ``duration``, in order.

    ``participants``: FreeBusy values, or FreeBusy by name; outside its own window a participant's
    time is unknown. Those without names are called ``"0"``, ``"1"`` and so on.
    ``duration``: how long they are to meet, a positive timedelta.
    ``hours``: WorkingHours for all, or a sequence with one (or None) per participant, or by name.
    ``buffer``: how much time before and after the meeting must be known and not blocked, a
    timedelta for both or ``(before, after)``; it may lie outside a window and outside hours.
    ``blocks``: the types that block.

    ``step``: None returns the maximal gaps. A timedelta returns slots of exactly ``duration``,
    which may overlap, and begin every ``step``. ``align`` says from where on:
    ``"midnight"``, the local midnight in ``timezone``. So 10:00 stays a start on the day of a clock
    change, a skipped time is never a start, and a repeated time is a start twice.
    ``"hours"``, the start of the hours, when people could meet if their calendars were empty. If
    that lasts longer than a day, it starts anew at each local midnight.
    ``"earliest"``, the instant ``earliest``.
    Where slots begin never depends on what is booked, so a slot keeps its place when another one
    is taken.
    ``timezone``: an IANA name or a tzinfo, for ``step`` and ``per_day``.
    ``earliest``, ``latest``: aware datetimes between which all of a slot lies; for a notice of two
    hours and a horizon of a month, pass now plus these.
    ``per_day``: at most so many slots on a local day, the first ones.

    ``required``, ``optional``: names of people. Without ``required`` it is everybody who is neither
    optional nor in a group.
    ``at_least``: so many of all who are not optional have to be free, instead of everybody; those
    in ``required`` among them.
    ``groups``: several ``(number, names)``; so many of each have to be free, as in
    ``[(1, support), (2, design)]``. Whoever is free is free for all of a slot. With ``at_least`` or
    ``groups`` and without ``step``, gaps may overlap: a slot of ``duration`` may begin wherever it
    lies in one of them.

    The result is a sequence of Periods, which also tells who is free in each
    (:meth:`~extcal.cache.CommonFree.who`) and whose unknown time removed slots.

    Raises ``TypeError`` for values of the wrong kind, and ``ValueError`` without participants, if
    ``duration`` or ``step`` is not positive, ``buffer`` is negative, ``step`` is not in whole
    seconds, ``hours`` or names do not match the participants, more are asked for than there are, or
    the zone is unknown.
    """
    people = _by_name(participants)
    return find_common(
        people,
        duration,
        hours=hours,
        step=step,
        buffer=buffer,
        timezone=timezone,
        blocks=blocks,
        align=align,
        earliest=earliest,
        latest=latest,
        per_day=per_day,
        required=required,
        optional=optional,
        at_least=at_least,
        groups=groups,
    )


def find_common(
    people: Mapping[str, FreeBusy],
    duration: timedelta,
    *,
    assume_free: Collection[str] = (),
    **options: Unpack[SlotOptions],
) -> CommonFree:
    """Return when people are free, by the conditions of :func:`common_free`.

    ``assume_free``: names of people whose unknown time counts as free.
    """
    search, conditions = prepare(people, duration, **options)
    assumed = frozenset(assume_free)
    found = search.starts(conditions, assumed)
    everybody = conditions.with_all(options.get("optional", ()))
    for_all = found if everybody == conditions else search.starts(everybody, assumed)
    free = {
        name: None if name in conditions.required else search.one(name, assumed) for name in people
    }
    slots = search.slots(conditions, found)
    return CommonFree(
        slots,
        slots if for_all is found else search.slots(conditions, for_all),
        search.limited_by(conditions, assumed, found),
        search.length,
        free,
        search.layout.step is not None,
        common_zone(people.values()),
    )


def prepare(
    people: Mapping[str, FreeBusy], duration: timedelta, **options: Unpack[SlotOptions]
) -> tuple[Search, Conditions]:
    """Read the arguments of :func:`common_free`; raises what that raises."""
    strangers = sorted(options.keys() - SlotOptions.__annotations__.keys())
    if strangers:
        raise TypeError(f"got an unexpected keyword argument {strangers[0]!r}")
    layout = read_layout(
        options.get("step"),
        options.get("align", "midnight"),
        options.get("timezone", "UTC"),
        options.get("earliest"),
        options.get("latest"),
        options.get("per_day"),
    )
    search = Search(
        people,
        whole_seconds(duration, "duration"),
        _buffers(options.get("buffer", _NONE)),
        blocking_codes(options.get("blocks", BLOCKING)),
        _hours_by_name(options.get("hours"), people),
        layout,
    )
    conditions = read_conditions(
        people,
        options.get("required"),
        options.get("optional", ()),
        options.get("at_least"),
        options.get("groups", ()),
    )
    return search, conditions


class Search:
    """One question about people: their time, and how slots are laid. Whole epoch seconds.

    A *start span* is a span of seconds in each of which a slot may begin. They come as columns.
    """

    def __init__(
        self,
        people: Mapping[str, FreeBusy],
        length: int,
        buffers: tuple[int, int],
        codes: frozenset[int],
        hours_of: Mapping[str, WorkingHours | None],
        layout: Layout,
    ) -> None:
        self.people, self.length, self.codes = people, length, codes
        self.before, self.after = buffers
        self.hours_of, self.layout = hours_of, layout
        self.lo, self.hi = _looked_at([person.window_epochs for person in people.values()])
        if layout.first is not None:
            self.lo = max(self.lo, layout.first)
        if layout.last is not None:
            self.hi = min(self.hi, layout.last)
        self.closed: dict[tuple[WorkingHours, int, int], Columns] = {}
        self.single: dict[tuple[str, bool], Columns] = {}

    def starts(self, conditions: Conditions, known: Collection[str]) -> Columns:
        """The start spans; nothing is unknown of those in ``known``."""
        found = self.together(conditions.required, known)
        for least, names in conditions.counted:
            enough = covered_by([self.one(name, known) for name in names], least)
            found = intersection_of_columns(found, enough)
        return self.layout.limited(found, self.length)

    def one(self, name: str, known: Collection[str]) -> Columns:
        """The start spans of one person."""
        key = name, name in known
        if key not in self.single:
            self.single[key] = self.together((name,), known)
        return self.single[key]

    def together(self, names: Collection[str], known: Collection[str]) -> Columns:
        """The start spans in which all of ``names`` are free."""
        return _shortened(self.open_time(names, known), 0, self.length - 1)

    def open_time(self, names: Collection[str], known: Collection[str]) -> Columns:
        """When ``names`` are not blocked, known, and within their hours."""
        doubtful = [self.people[name] for name in names if name not in known]
        # Outside the window of a participant nothing is known of them, so nothing can be offered.
        lo = max([self.lo, *(person.window_epochs[0] for person in doubtful)])
        hi = min([self.hi, *(person.window_epochs[1] for person in doubtful)])
        if lo >= hi:
            return [], []
        found = self.not_taken(names, known, lo, hi)
        for hours in {each for name in names if (each := self.hours_of.get(name)) is not None}:
            found = without(found, *self.outside(hours, lo, hi), lo, hi)
        return found

    def not_taken(
        self, names: Collection[str], known: Collection[str], lo: int, hi: int
    ) -> Columns:
        """When ``names`` are known and not blocked in ``[lo, hi)``, nor within a buffer of it."""
        # Blocked time outside the window, but nearer to it than the buffer, counts, too.
        lo, hi = lo - self.before, hi + self.after
        found: Columns = [lo], [hi]
        starts: list[int] = []
        ends: list[int] = []
        for name in names:
            taken = self.people[name].taken(self.codes, lo, hi, unknown=name not in known)
            for begins, stops in taken:
                starts += begins
                ends += stops
            # What is gathered is merged once it outgrows what is open. So the columns stay short
            # if people are busy at the same times, and no span is merged often if they are not.
            if len(starts) > len(found[0]):
                found = without(found, starts, ends, lo, hi)
                starts, ends = [], []
                if not found[0]:
                    return found
        return _shortened(without(found, starts, ends, lo, hi), self.before, self.after)

    def outside(self, hours: WorkingHours, lo: int, hi: int) -> Columns:
        """The time of ``[lo, hi)`` that is outside hours."""
        key = hours, lo, hi
        if key not in self.closed:
            self.closed[key] = gaps(*in_columns(hours.epochs(lo, hi)), lo, hi)
        return self.closed[key]

    # --- results ------------------------------------------------------------------------------

    def slots(self, conditions: Conditions, spans: Columns) -> Columns:
        """The slots, or gaps, of start spans; ``conditions``: those that the places depend on."""
        if self.layout.step is None:
            return spans[0], [end - 1 + self.length for end in spans[1]]
        starts = self.layout.first_of_each_day(self.places(conditions, spans))
        return starts, [at + self.length for at in starts]

    def places(self, conditions: Conditions, spans: Columns) -> list[int]:
        return self.layout.starts(spans, lambda lo, hi: self.opened(conditions, lo, hi))

    def opened(self, conditions: Conditions, lo: int, hi: int) -> Columns:
        """When people could meet in ``[lo, hi)`` if their calendars were empty."""
        empty = FreeBusy.from_epochs(lo, hi)
        people = dict.fromkeys(self.people, empty)
        layout = Layout(None, "midnight", self.layout.zone, None, None, None)
        hours_alone = Search(people, 1, (0, 0), frozenset(), self.hours_of, layout)
        return hours_alone.starts(conditions, ())

    def limited_by(
        self, conditions: Conditions, known: Collection[str], found: Columns
    ) -> tuple[str, ...]:
        """Whose unknown time removed slots, or made gaps shorter."""
        unknown = {
            name: self.near_unknown(self.people[name])
            for name in conditions.names
            if name not in known
        }
        if not any(unknown.values()):
            return ()
        # If everything were known, there would be these starts, too.
        best = self.starts(conditions, conditions.names)
        lost = intersection_of_columns(best, gaps(*found, self.lo, self.hi))
        if self.layout.step is None:
            missed = self.slots(conditions, lost)
        else:
            starts = self.places(conditions, lost)
            missed = starts, [at + self.length for at in starts]
        # Slots of one length may overlap each other; their ends are sorted like their starts.
        return tuple(
            [
                name
                for name, spans in unknown.items()
                if any(touches(missed, start, end) for start, end in spans)
            ]
        )

    def near_unknown(self, person: FreeBusy) -> list[Span]:
        """When nothing can be offered because of what is unknown of a person: near to unknown time,
        and outside the person's window."""
        first, last = person.window_epochs
        near = [(start - self.after, end + self.before) for start, end in person.unknown_epochs]
        spans = [(self.lo, first), *near, (last, self.hi)]
        return [span for span in spans if span[0] < span[1]]


def _shortened(spans: Columns, before: int, after: int) -> Columns:
    """Spans without their first and their last seconds; those that are too short fall away."""
    if not before and not after:
        return spans
    begins = [start + before for start in spans[0]]
    stops = [end - after for end in spans[1]]
    kept = list(map(lt, begins, stops))
    return list(compress(begins, kept)), list(compress(stops, kept))


def _looked_at(windows: list[Span]) -> Span:
    """Return the hull of all windows, but at most a year around what they have in common.

    A window may be that of all years, and hours are made day by day.
    """
    first, last = sorted((max(lo for lo, _ in windows), min(hi for _, hi in windows)))
    lo, hi = min(lo for lo, _ in windows), max(hi for _, hi in windows)
    return max(lo, first - _YEAR), min(hi, last + _YEAR)


def _buffers(buffer: Buffer) -> tuple[int, int]:
    if not isinstance(buffer, tuple):
        margin = whole_seconds(buffer, "buffer", zero=True)
        return margin, margin
    if len(buffer) != 2:
        raise TypeError("buffer takes a timedelta, or a tuple of two: (before, after)")
    before, after = buffer
    return whole_seconds(before, "buffer", zero=True), whole_seconds(after, "buffer", zero=True)


def _by_name(participants: Iterable[FreeBusy] | Mapping[str, FreeBusy]) -> Mapping[str, FreeBusy]:
    """Return the participants by name: those without names by their places."""
    if isinstance(participants, Mapping):
        named = cast("Mapping[str, FreeBusy]", participants)
        freebusy_list(named.values(), "common_free")
        return named
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
