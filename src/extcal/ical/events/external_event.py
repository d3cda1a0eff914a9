"""ExternalEvent: an occurrence that a caller may show, with the reason for its type."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo

from extcal.arguments import safe_repr
from extcal.intervals import FBType, Period, epoch, find_zone, instant
from extcal.intervals.instants import in_zone
from extcal.values import NamedTuple, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.ical.events.records import EventRecord

__all__ = ["EventRow", "ExternalEvent", "event_of", "explain", "row_of"]


@safe_repr
@dataclass(frozen=True, slots=True)
class ExternalEvent:
    """One occurrence of an event in an external calendar, for display only.

    ``start`` and ``end`` are aware, in UTC; they are equal for an event without length. For all-day
    events ``first_day`` and ``last_day`` are its dates, both inclusive (calendar views draw by
    them, free/busy by the instants), else None. ``recurrence_id`` names the instance of a series:
    the instant (or, for all-day series, the date) it was planned for. ``summary`` and ``location``
    are None for private events and under ``detail="busy"``. ``reason`` is the property that decided
    ``fbtype``; ``zone_source`` says where the zone of its times came from.
    """

    uid: str
    recurrence_id: datetime | date | None
    start: datetime
    end: datetime
    all_day: bool
    first_day: date | None
    last_day: date | None
    summary: str | None
    location: str | None
    fbtype: FBType
    status: str | None
    reason: str
    zone_source: str
    private: bool

    def to_dict(self, timezone: str | tzinfo = "UTC") -> EventRecord:
        """Return the fields as a dict that ``json.dumps`` takes.

        Instants are ISO 8601 text with the offset of ``timezone`` (an IANA name or a tzinfo), dates
        are ``"2027-01-04"``, ``fbtype`` is its token. A ``recurrence_id`` is a date or an instant.
        ``summary`` and ``location`` are for the owner of the calendar only.
        Raises ValueError for an unknown zone.
        """
        zone = find_zone(timezone)
        return {
            "uid": self.uid,
            "recurrence_id": _written(self.recurrence_id, zone),
            "start": in_zone(self.start, zone).isoformat(),
            "end": in_zone(self.end, zone).isoformat(),
            "all_day": self.all_day,
            "first_day": _written(self.first_day, zone),
            "last_day": _written(self.last_day, zone),
            "summary": self.summary,
            "location": self.location,
            "fbtype": self.fbtype.token,
            "status": self.status,
            "reason": self.reason,
            "zone_source": self.zone_source,
            "private": self.private,
        }

    def __repr__(self) -> str:
        """Only the times and the type, because a title must not get into logs."""
        if self.all_day:
            when = f"{self.first_day} to {self.last_day}"
        else:
            when = f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"
        return f"<ExternalEvent {when}, {self.fbtype} by {self.reason}>"


class EventRow(NamedTuple):
    """An ExternalEvent without datetimes: made faster, and what a cache stores.

    ``start`` and ``end`` are epoch seconds, ``first_day`` and ``last_day`` ordinals (1 is the first
    day of year 1). ``recurrence_id`` is in seconds from ``start``, or text by ISO 8601 if it is a
    date or has no zone.
    """

    uid: str
    recurrence_id: int | str | None
    start: int
    end: int
    all_day: bool
    first_day: int | None
    last_day: int | None
    summary: str | None
    location: str | None
    fbtype: FBType
    status: str | None
    reason: str
    zone_source: str
    private: bool


def event_of(row: EventRow) -> ExternalEvent:
    """Return the event that ``row`` describes."""
    recurrence, start, first, last = row.recurrence_id, row.start, row.first_day, row.last_day
    recurrence_id: date | None = None
    if isinstance(recurrence, int):
        recurrence_id = instant(start + recurrence)
    elif recurrence is not None:
        kind = datetime if "T" in recurrence else date
        recurrence_id = kind.fromisoformat(recurrence)
    return ExternalEvent(
        row.uid,
        recurrence_id,
        instant(start),
        instant(row.end),
        row.all_day,
        None if first is None else date.fromordinal(first),
        None if last is None else date.fromordinal(last),
        row.summary,
        row.location,
        row.fbtype,
        row.status,
        row.reason,
        row.zone_source,
        row.private,
    )


def row_of(event: ExternalEvent) -> EventRow:
    """Return ``event`` as a row."""
    value, start = event.recurrence_id, epoch(event.start)
    recurrence: int | str | None = None
    if isinstance(value, datetime) and value.utcoffset() is not None and not value.microsecond:
        recurrence = epoch(value) - start
    elif value is not None:
        recurrence = value.isoformat()
    return EventRow(
        event.uid,
        recurrence,
        start,
        epoch(event.end),
        event.all_day,
        None if event.first_day is None else event.first_day.toordinal(),
        None if event.last_day is None else event.last_day.toordinal(),
        event.summary,
        event.location,
        event.fbtype,
        event.status,
        event.reason,
        event.zone_source,
        event.private,
    )


def explain(
    events: Iterable[ExternalEvent], start: datetime, end: datetime | None = None
) -> tuple[ExternalEvent, ...]:
    """Return the events that made any part of ``[start, end)`` other than free.

    Both instants are aware. Without ``end``, the events at the instant ``start``, to the second.
    Raises TypeError for naive datetimes, ValueError if ``end`` is not after ``start``.
    """
    span = Period(start, end) if end is not None else _second(start)
    return tuple(
        event
        for event in events
        if event.fbtype > FBType.FREE and event.start < span.end and event.end > span.start
    )


def _second(moment: datetime) -> Period:
    start = instant(epoch(moment))
    return Period(start, start + timedelta(seconds=1))


def _written(value: date | None, zone: tzinfo) -> str | None:
    if isinstance(value, datetime):
        return in_zone(value, zone).isoformat()
    return None if value is None else value.isoformat()
