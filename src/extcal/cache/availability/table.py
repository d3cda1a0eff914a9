"""Several people's time, side by side: types and times, never titles.

Values in, a table out; the cache passes in what it knows of each feed. If a feed of a person could
not be read, the person is unknown wherever their other calendars do not say busy, and there is a
Problem. The rows of the other people do not change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING

from extcal.arguments import made_discreetly, one_of_type
from extcal.cache.availability.receipt import Answered, Receipt
from extcal.cache.availability.recurring import (
    RecurringMeeting,
    Repetition,
    free_meetings,
    meeting,
)
from extcal.cache.freshness.failures import unreadable
from extcal.cache.freshness.values import State
from extcal.cache.snapshot.packed_busy import BusyTime
from extcal.cache.snapshot.questions import part
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.errors import OutsideHorizon, Problem, problem_of
from extcal.intervals import (
    FreeBusy,
    Period,
    PersonRecord,
    WorkingHours,
    epoch,
    find_zone,
    person_records,
)
from extcal.intervals.asked import common_zone
from extcal.intervals.instants import spoken
from extcal.intervals.slots.common import (
    CommonFree,
    SlotOptions,
    find_common,
    prepare,
)
from extcal.intervals.slots.conditions import names_of
from extcal.messages.spoken import speaking
from extcal.messages.unavailable import SERVED_BEFORE
from extcal.values import NamedTuple, dataclass, field

if TYPE_CHECKING:
    from typing import Unpack

    from extcal.intervals.views.drawing import Form
    from extcal.messages.languages import Catalogue

__all__ = ["Availability", "CommonFree", "Part", "Person", "person"]

_REASONS = frozenset({"old_copy", "other_rules"})  # reasons for STALE other than a timeout
_ORDER = (State.FRESH, State.STALE, State.ERROR_STALE)


class Part(NamedTuple):
    """What one source of a person says. ``busy`` is None if nothing is known from it."""

    busy: BusyTime | FreeBusy | None
    fetched_at: datetime | None = None
    state: State | None = None
    problems: tuple[Problem, ...] = ()

    @classmethod
    def of_snapshot(cls, snapshot: Snapshot) -> Part:
        """A feed that could be read, now or before."""
        found = []
        if snapshot.state is State.ERROR_STALE:
            found.append(unreadable(snapshot.last_error or "", SERVED_BEFORE))
        elif snapshot.state is State.STALE:
            why = [problem for problem in snapshot.problems if problem.code in _REASONS]
            found += why or [unreadable("timeout", SERVED_BEFORE)]
        if not snapshot.complete:
            found.append(unreadable("incomplete", "unknown"))
        if any(problem.code == "suddenly_empty" for problem in snapshot.problems):
            found.append(problem_of("suddenly_empty/one"))
        return cls(snapshot.reading.busy, snapshot.fetched_at, snapshot.state, tuple(found))

    @classmethod
    def of_failure(cls, kind: str) -> Part:
        """A feed of which nothing is known."""
        return cls(None, problems=(unreadable(kind, "unknown"),))


class Person(NamedTuple):
    """One row of the table."""

    free_busy: FreeBusy
    as_of: datetime | None
    state: State | None
    problems: tuple[Problem, ...]


def person(parts: Sequence[Part], lo: int, hi: int) -> Person:
    """All sources of one person joined over ``[lo, hi)`` in epoch seconds.

    Time that one source does not cover is unknown, unless another source says busy. Without any
    source all time is unknown.
    """
    if len(parts) == 1 and parts[0].busy is not None:
        (only,) = parts
        first, last = parts[0].busy.window_epochs
        if first <= lo and hi <= last:
            # The usual case: one calendar that covers the whole window.
            clipped = parts[0].busy.clip_epochs(lo, hi)
            return Person(clipped, only.fetched_at, only.state, only.problems)
    unknown = FreeBusy.from_epochs(lo, hi, (), [(lo, hi)])
    joined = []
    problems = [problem for each in parts for problem in each.problems]
    if not parts:
        joined.append(unknown)
        problems.append(problem_of("no_source"))
    for each in parts:
        try:
            joined.append(unknown if each.busy is None else part(each.busy, lo, hi))
        except OutsideHorizon:
            joined.append(unknown)
            problems.append(problem_of("outside_horizon"))
    return Person(
        FreeBusy.join(joined),
        min((each.fetched_at for each in parts if each.fetched_at is not None), default=None),
        max(
            (each.state for each in parts if each.state is not None),
            key=_ORDER.index,
            default=None,
        ),
        tuple(problems),
    )


@made_discreetly
@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Availability(Mapping[str, FreeBusy]):
    """Who is busy when, over one window: ``table["Ada"]`` is Ada's FreeBusy.

    ``problems``, ``as_of`` and ``state`` are mappings by name: why a calendar could not be read;
    when the oldest of a person's calendars was last read (None without calendars, or when none
    could be read); and the least current State among them (None in the same cases).

    Made by :meth:`extcal.CalendarCache.availability`.
    """

    window: Period
    _people: Mapping[str, Person] = field()

    def __post_init__(self) -> None:
        object.__setattr__(self, "_people", dict(self._people))

    def __getitem__(self, name: str) -> FreeBusy:
        return self._people[name].free_busy

    def __iter__(self) -> Iterator[str]:
        return iter(self._people)

    def __len__(self) -> int:
        return len(self._people)

    @property
    def _zone(self) -> tzinfo:
        """The zone in which this is drawn and printed."""
        return common_zone(self.values()) or UTC

    @property
    def problems(self) -> Mapping[str, tuple[Problem, ...]]:
        """By name: why a calendar could not be read now, or not completely."""
        return MappingProxyType({name: row.problems for name, row in self._people.items()})

    @property
    def as_of(self) -> Mapping[str, datetime | None]:
        """By name: when the oldest of the person's calendars was last read."""
        return MappingProxyType({name: row.as_of for name, row in self._people.items()})

    @property
    def state(self) -> Mapping[str, State | None]:
        """By name: the least current state among the person's calendars."""
        return MappingProxyType({name: row.state for name, row in self._people.items()})

    def common_free(
        self,
        duration: timedelta,
        *,
        assume_free: Collection[str] = (),
        **options: Unpack[SlotOptions],
    ) -> CommonFree:
        """When everybody, or enough of them, is free for at least ``duration``.

        ``assume_free``: names of people whose unknown time counts as free; their busy time still
        counts. ``options``: ``hours``, ``step``, ``buffer``, ``timezone``, ``blocks``, ``align``,
        ``earliest``, ``latest``, ``per_day``, ``required``, ``optional``, ``at_least`` and
        ``groups``, as :func:`extcal.common_free` takes them; ``hours`` are WorkingHours for
        everybody, or by name.

        Raises what that function raises, and ValueError for a name that is not in the table.
        """
        hours = options.get("hours")
        if isinstance(hours, Mapping):
            names_of(self, hours.keys(), "hours")
        return find_common(
            self, duration, assume_free=names_of(self, assume_free, "assume_free"), **options
        )

    def is_bookable(
        self,
        slot: Period,
        duration: timedelta,
        *,
        assume_free: Collection[str] = (),
        **options: Unpack[SlotOptions],
    ) -> bool:
        """Whether ``slot`` is what :meth:`common_free` offers for the same arguments.

        Right before a booking, ask for the availability again with ``max_age=``, and then this:
        every slot that was offered and is still free is bookable, and no other start is.
        """
        if options.get("step") is not None and slot.duration != duration:
            return False
        return self.common_free(duration, assume_free=assume_free, **options).is_bookable(slot)

    def recurring_free(
        self,
        rrule: str,
        duration: timedelta,
        first: Period,
        *,
        assume_free: Collection[str] = (),
        **options: Unpack[SlotOptions],
    ) -> tuple[RecurringMeeting, ...]:
        """The meetings by a rule that are free at each of their times in the table's window.

        ``rrule``: the value of an RRULE (RFC 5545 section 3.3.10), daily or less often, such as
        ``"FREQ=WEEKLY;INTERVAL=2"``; it is expanded in local time of ``timezone``. ``first``: the
        Period in which the first time begins, such as the coming week. The other arguments are
        those of :meth:`common_free`, with ``step``, and without ``earliest``, ``latest`` and
        ``per_day``. Slots aligned to ``"earliest"`` are counted from ``first.start``.

        Each result says whether it goes on beyond the window, where nothing is known. Raises
        ``ValueError`` for a rule that cannot be read, and what :meth:`common_free` raises.
        """
        if options.get("step") is None:
            raise ValueError("recurring_free needs step")
        lo, hi = _span(one_of_type("first", first, Period, "a Period"))
        repeated = self._repetition(rrule, options)
        options["earliest"] = first.start
        search, conditions = prepare(self, duration, **options)
        assumed = names_of(self, assume_free, "assume_free")
        return tuple(free_meetings(search, conditions, assumed, repeated, (lo, hi), self._end))

    def recurring(
        self,
        rrule: str,
        start: datetime,
        duration: timedelta,
        *,
        assume_free: Collection[str] = (),
        **options: Unpack[SlotOptions],
    ) -> RecurringMeeting:
        """Each time of a meeting that recurs, within the table's window, and who cannot come.

        ``start``: the aware datetime of its first time. The other arguments are those of
        :meth:`recurring_free`. Raises ``ValueError`` for a rule that cannot be read or that does
        not produce ``start``.
        """
        repeated = self._repetition(rrule, options)
        search, conditions = prepare(self, duration, **options)
        assumed = names_of(self, assume_free, "assume_free")
        return meeting(search, conditions, assumed, repeated, epoch(start), self._end)

    def _repetition(self, rrule: str, options: SlotOptions) -> Repetition:
        for name in ("earliest", "latest", "per_day"):
            if options.get(name) is not None:
                raise ValueError(f"{name} is not for meetings that recur")
        return Repetition(rrule, find_zone(options.get("timezone", "UTC")))

    @property
    def _end(self) -> int:
        return _span(self.window)[1]

    def receipt(self, window: Period | None = None) -> Receipt:
        """What was asked and answered about ``window`` (all of the table's, if left out).

        A small value without titles, to be kept with a booking: who, when, the type and age of each
        answer. Raises ValueError for a window that is not within the table's.
        """
        asked = self.window if window is None else window
        one_of_type("window", asked, Period, "a Period such as a slot")
        if asked.start < self.window.start or self.window.end < asked.end:
            raise ValueError(f"{asked!r} is not within {self.window!r}")
        return Receipt(
            asked,
            tuple(
                [
                    Answered(
                        name, row.free_busy.status(asked.start, asked.end), row.as_of, row.state
                    )
                    for name, row in self._people.items()
                ]
            ),
        )

    def to_records(self, timezone: str | tzinfo = "UTC") -> list[PersonRecord]:
        """Everybody's busy and unknown stretches as plain dicts, each beginning with ``person``.

        ``pandas.DataFrame(table.to_records())`` makes a frame of it; see
        :meth:`extcal.FreeBusy.to_records`.
        """
        return [
            row for name in self for row in person_records(name, self[name].to_records(timezone))
        ]

    # -- drawing --------------------------------------------------------------------------------

    def to_html(
        self,
        timezone: str | tzinfo | None = None,
        hours: WorkingHours | Mapping[str, WorkingHours | None] | None = None,
        slots: Iterable[Period] = (),
        title: str = "",
        now: datetime | None = None,
        locale: str | Catalogue | None = None,
    ) -> str:
        """The table as one self-contained HTML fragment: types and times, never titles.

        ``timezone``: the zone of the days shown; without it, that of ``start`` in the question.
        ``hours`` are shaded: WorkingHours for everybody, or by name. ``slots`` (Periods, as
        ``common_free(...).slots``) are marked, and ``now`` (an aware datetime) by a line.
        ``locale``: such as ``"de"`` or ``"en-US"`` (needs ``extcal[locale]``).

        Raises ValueError for an unknown zone, name or locale, and for a window of more than 400
        days.
        """
        with speaking(locale):
            return self._drawn("html", timezone, hours, slots, title, now)

    def to_svg(
        self,
        timezone: str | tzinfo | None = None,
        hours: WorkingHours | Mapping[str, WorkingHours | None] | None = None,
        slots: Iterable[Period] = (),
        title: str = "",
        now: datetime | None = None,
        locale: str | Catalogue | None = None,
    ) -> str:
        """The table as an SVG document; the arguments are those of :meth:`to_html`."""
        with speaking(locale):
            return self._drawn("svg", timezone, hours, slots, title, now)

    def _repr_html_(self) -> str | None:
        """Draw the table in a notebook; a window that is too long to draw is shown as text."""
        from extcal.intervals.views.drawing import LONGEST

        lo, hi = _span(self.window)
        return self.to_html() if hi - lo <= LONGEST else None

    def _drawn(
        self,
        form: Form,
        timezone: str | tzinfo | None,
        hours: WorkingHours | Mapping[str, WorkingHours | None] | None,
        slots: Iterable[Period],
        title: str,
        now: datetime | None,
    ) -> str:
        from extcal.intervals.views.drawing import drawn, row_of

        window = _span(self.window)
        zone = self._zone if timezone is None else find_zone(timezone)
        own: dict[str, list[tuple[int, int]]] = {}
        shared = None
        if isinstance(hours, Mapping):
            names_of(self, hours.keys(), "hours")
            # A person without working hours can meet at any time, as in common_free.
            own = {n: h.epochs(*window) if (h := hours.get(n)) else [window] for n in self}
        else:
            shared = hours
        rows = [
            row_of(
                name,
                row.free_busy.epochs,
                row.free_busy.unknown_epochs,
                own.get(name),
                _note(row, zone),
            )
            for name, row in self._people.items()
        ]
        return drawn(form, rows, window, zone, shared, slots, title, now)

    def __repr__(self) -> str:
        people = len(self)
        doubtful = sum(bool(row.free_busy.unknown_epochs) for row in self._people.values())
        said = f", {doubtful} partly unknown" if doubtful else ""
        return (
            f"<Availability of {people} {'person' if people == 1 else 'people'}, "
            f"{spoken(*_span(self.window), self._zone)}{said}>"
        )


def _span(window: Period) -> tuple[int, int]:
    return epoch(window.start), epoch(window.end, ceil=True)


def _note(row: Person, timezone: str | tzinfo) -> str:
    """What a reader of the picture should know about a row's age."""
    from extcal.intervals.views.drawing import as_of

    if row.as_of is None or row.state is State.FRESH:
        return ""
    return as_of(row.as_of, timezone)
