"""What is known about a feed, as a value.

A :class:`Reading` is the result of reading a feed once; stores keep readings. A :class:`Snapshot`
is a reading as it was served, with its state at that moment. Both are frozen, and neither holds the
feed's address.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from extcal._former_modules import loads_earlier_pickles
from extcal.arguments import one_of_type, safe_repr
from extcal.cache.freshness.values import State
from extcal.cache.snapshot.made_by import MadeBy
from extcal.cache.snapshot.packed_busy import BusyTime
from extcal.cache.snapshot.packed_events import pack_events, unpack_events
from extcal.errors import Problem
from extcal.ical import ExternalEvent, explain
from extcal.intervals import (
    FBType,
    FreeBusy,
    Period,
    find_zone,
    instant,
)
from extcal.intervals.freebusy import asked_in
from extcal.intervals.overlay import Span
from extcal.values import dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.cache.snapshot.difference import Difference
    from extcal.ical import EventRecord
    from extcal.intervals import Record, WorkingHours
    from extcal.intervals.views.drawing import Form
    from extcal.messages.languages import Catalogue

__all__ = ["Reading", "Snapshot", "State"]


@safe_repr
@loads_earlier_pickles
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Reading:
    """One reading of a feed.

    ``busy`` is the free/busy time over the whole covered window, and the part of it that no listed
    event accounts for (VFREEBUSY, VAVAILABILITY, dense rules, unreadable events).
    ``fetched_at``: when the source last gave or confirmed it; ``read_at``: when it gave it;
    ``full_at``: when the feed last had any event. ``refresh_interval``: how often the feed
    says it should be asked for. ``packed`` are the events, as
    :func:`extcal.cache.snapshot.packed_events.pack_events` writes them; ``count`` is their number.
    ``asked_at``: when the source was asked for it, if an HTTP cache on the way had kept it since
    ``fetched_at``. ``made_by``: the versions it was read with; None if an earlier version of extcal
    stored it. ``planned``: the original starts by which ``exclude`` recognises events that do not
    have them themselves: see :func:`extcal.cache.snapshot.questions.planned_for`. ``body``: a
    digest of the body that was read, by which the same body is recognised.
    """

    busy: BusyTime
    complete: bool = True
    events_complete: bool = True
    empty: bool = False
    problems: tuple[Problem, ...] = ()
    fetched_at: datetime
    read_at: datetime
    full_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    refresh_interval: timedelta | None = None
    count: int = 0
    packed: bytes = b""
    asked_at: datetime | None = None
    made_by: MadeBy | None = field(default=None, compare=False)
    planned: tuple[tuple[int, int, int], ...] = field(default=(), compare=False)
    body: str | None = field(default=None, compare=False)

    @property
    def free_busy(self) -> FreeBusy:
        """Typed, merged free/busy time over the covered window."""
        return self.busy.free_busy

    @property
    def base(self) -> tuple[Span, ...]:
        """The part of it that no listed event accounts for."""
        return self.busy.base

    def events(self) -> tuple[ExternalEvent, ...]:
        """The events, unpacked; none if somebody else than extcal wrote them into the store.

        What :attr:`free_busy` says of their time stays.
        """
        try:
            return unpack_events(self.packed, self.count) if self.packed else ()
        except ValueError:
            return ()

    def __repr__(self) -> str:
        return f"<Reading of {_spoken(self.fetched_at)}: {self.count} events>"


@safe_repr
@loads_earlier_pickles
@dataclass(frozen=True, slots=True, repr=False)
class Snapshot:
    """What a cache knows about one feed, as it was served.

    Made by :class:`~extcal.CalendarCache`. ``state``: how current it is. ``last_error``: under
    ERROR_STALE the kind of failure that kept the source from being read, else None.
    """

    reading: Reading
    state: State = State.FRESH
    last_error: str | None = None
    _events: tuple[ExternalEvent, ...] | None = field(default=None, init=False, compare=False)
    _zone: tzinfo | None = field(default=None, compare=False)
    _shown: FreeBusy | None = field(default=None, init=False, compare=False)

    @property
    def free_busy(self) -> FreeBusy:
        """Typed, merged free/busy time over :attr:`window`."""
        if self._shown is None:
            found = asked_in(self.reading.free_busy, self._zone)
            object.__setattr__(self, "_shown", found)
            return found
        return self._shown

    def drawn_in(self, zone: str | tzinfo) -> Snapshot:
        """The same snapshot, drawn and printed in the ``zone`` of its feed."""
        return replace(self, _zone=find_zone(zone))

    @property
    def events(self) -> tuple[ExternalEvent, ...]:
        """The events, sorted by start: for the calendar's owner. See :meth:`redacted`."""
        # Kept in this snapshot, not in the reading, which a cache keeps in memory for longer.
        if self._events is None:
            found = self.reading.events()
            object.__setattr__(self, "_events", found)
            return found
        return self._events

    @property
    def window(self) -> Period:
        """The time that this covers: the cache's ``history`` and ``horizon``, and some more."""
        lo, hi = self.reading.busy.window_epochs
        return Period(instant(lo), instant(hi))

    @property
    def complete(self) -> bool:
        """False if a cut or a limit made time unknown."""
        return self.reading.complete

    @property
    def events_complete(self) -> bool:
        """False if there were more events than are listed; free/busy time has them all."""
        return self.reading.events_complete and len(self.events) == self.reading.count

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was odd about the feed."""
        return self.reading.problems

    @property
    def fetched_at(self) -> datetime:
        """When the source last gave this, or confirmed that it is unchanged; aware, in UTC."""
        return self.reading.fetched_at

    @property
    def published_at(self) -> datetime | None:
        """When the calendar was last changed, according to its server; aware, in UTC.

        That is Last-Modified (RFC 9110 section 8.8.2): None if the feed's own origin sent no such
        header, or one that is not a date. It may be wrong, so freshness does not depend on it.
        """
        return _http_date(self.reading.last_modified)

    def to_records(self, timezone: str | tzinfo = "UTC") -> list[Record]:
        """The busy and unknown stretches as plain dicts, without titles.

        See :meth:`extcal.FreeBusy.to_records`.
        """
        return self.free_busy.to_records(timezone)

    def event_records(self, timezone: str | tzinfo = "UTC") -> list[EventRecord]:
        """The events as dicts that ``json.dumps`` takes, with titles: for the owner only.

        See :meth:`extcal.ExternalEvent.to_dict`. For everybody else: ``redacted()``.
        """
        zone = find_zone(timezone)
        return [event.to_dict(zone) for event in self.events]

    def explain(self, start: datetime, end: datetime | None = None) -> tuple[ExternalEvent, ...]:
        """The events that make ``[start, end)`` busy (two aware datetimes), each with a reason.

        Without ``end``: the events that make the instant ``start`` busy.
        """
        return explain(self.events, start, end)

    def redacted(self) -> Snapshot:
        """The same snapshot for people who are not the owner: times and types only.

        Events keep their times and types, and lose title, place, UID, status and reason. Events
        that block nothing are left out. Problems keep their code and action.
        """
        bare = [
            replace(
                event,
                uid="",
                recurrence_id=None,
                summary=None,
                location=None,
                status=None,
                reason="",
                zone_source="",
                private=True,
            )
            for event in self.events
            if event.fbtype is not FBType.FREE and event.start < event.end
        ]
        reading = replace(
            self.reading,
            problems=tuple([Problem(p.code, "", action=p.action) for p in self.problems]),
            etag=None,
            last_modified=None,
            count=len(bare),
            planned=(),
            body=None,
            packed=pack_events(bare, titles=False),
        )
        return replace(self, reading=reading)

    # -- drawing --------------------------------------------------------------------------------

    def to_html(
        self,
        timezone: str | tzinfo | None = None,
        hours: WorkingHours | None = None,
        title: str = "",
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        now: datetime | None = None,
        locale: str | Catalogue | None = None,
    ) -> str:
        """The calendar as one self-contained HTML fragment, with titles: for its owner only.

        All-day events by their dates, timed events, and their merged busy time. For everybody
        else draw :attr:`free_busy`, or ``redacted()``. ``timezone``: the zone of the days shown;
        without it, that of the feed. ``hours`` are shaded. ``start``, ``end``: aware datetimes; by
        default the fourteen days that
        begin with the day of :attr:`fetched_at`. Time outside :attr:`window` is not drawn.
        ``now``, an aware datetime, is marked by a line. ``locale``: such as ``"de"`` or
        ``"en-US"`` (needs ``extcal[locale]``).

        Raises ValueError for an unknown zone, for a time wholly outside the window, and for more
        than 400 days; TypeError for naive datetimes.
        """
        from extcal.messages.spoken import speaking

        with speaking(locale):
            return self._drawn("html", timezone, hours, title, start, end, now)

    def to_svg(
        self,
        timezone: str | tzinfo | None = None,
        hours: WorkingHours | None = None,
        title: str = "",
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        now: datetime | None = None,
        locale: str | Catalogue | None = None,
    ) -> str:
        """The same as an SVG document; the arguments are those of :meth:`to_html`."""
        from extcal.messages.spoken import speaking

        with speaking(locale):
            return self._drawn("svg", timezone, hours, title, start, end, now)

    def _repr_html_(self) -> str:
        return self.to_html()

    def _drawn(
        self,
        form: Form,
        timezone: str | tzinfo | None,
        hours: WorkingHours | None,
        title: str,
        start: datetime | None,
        end: datetime | None,
        now: datetime | None,
    ) -> str:
        from extcal.cache.snapshot.drawing import fortnight, owner_rows
        from extcal.intervals.views.drawing import as_of, drawn

        zone = find_zone(timezone or self._zone or UTC)
        first, last = fortnight(self.fetched_at if start is None else start, zone)
        shown = self.free_busy.clip(first if start is None else start, last if end is None else end)
        note = "" if self.state is State.FRESH else as_of(self.fetched_at, zone)
        rows = owner_rows(self.events, shown, note)
        return drawn(form, rows, shown.window_epochs, zone, hours, (), title, now)

    def diff(self, previous: Snapshot) -> Difference:
        """How busy time changed since ``previous``, over what both cover.

        A change that free/busy time does not show (of DTSTAMP, titles, order) is no difference.
        """
        from extcal.cache.snapshot.difference import difference

        one_of_type("previous", previous, Snapshot, "a Snapshot of the same feed")
        return difference(previous.free_busy, self.free_busy)

    def __repr__(self) -> str:
        first, last = self.reading.busy.window_epochs
        error = f", {self.last_error}" if self.last_error else ""
        said = "" if self.complete else ", incomplete"
        return (
            f"<Snapshot {self.state.name}{error}: {self.reading.count} events, "
            f"{_spoken(instant(first))} to {_spoken(instant(last))}, "
            f"fetched {_spoken(self.fetched_at)}{said}>"
        )


def _http_date(text: str | None) -> datetime | None:
    """An HTTP-date (RFC 9110 section 5.6.7) in UTC; None if ``text`` is not one."""
    from email.utils import parsedate_to_datetime

    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text)
        # asctime has no zone, and means UTC like the other two forms.
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None


def _spoken(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"
