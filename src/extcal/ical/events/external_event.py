"""ExternalEvent: an occurrence that a caller may show, with the reason for its type."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from extcal.intervals import FBType, Period

__all__ = ["ExternalEvent", "explain"]


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

    def __repr__(self) -> str:
        """Only the times and the type, because a title must not get into logs."""
        if self.all_day:
            when = f"{self.first_day} to {self.last_day}"
        else:
            when = f"{self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M} UTC"
        return f"<ExternalEvent {when}, {self.fbtype} by {self.reason}>"


def explain(
    events: Iterable[ExternalEvent], start: datetime, end: datetime
) -> tuple[ExternalEvent, ...]:
    """Return the events that made any part of ``[start, end)`` other than free.

    Both instants are aware. Raises TypeError for naive ones, ValueError if ``end`` is before
    ``start``.
    """
    span = Period(start, end)
    return tuple(
        event
        for event in events
        if event.fbtype > FBType.FREE and event.start < span.end and event.end > span.start
    )
