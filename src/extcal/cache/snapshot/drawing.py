"""How an owner's calendar is drawn: events with their titles, above the busy time they make.

Only the picture of a snapshot shows titles. Pictures for others show types and times only.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta, tzinfo

from extcal.draw import DateMark, Mark, Row
from extcal.ical import ExternalEvent
from extcal.intervals import FreeBusy, epoch
from extcal.intervals.views.drawing import row_of
from extcal.messages.pictures import said

__all__ = ["fortnight", "owner_rows"]

_SHOWN = timedelta(days=14)


def owner_rows(events: Iterable[ExternalEvent], free_busy: FreeBusy, note: str = "") -> list[Row]:
    """Rows for all-day events (by their dates), timed events, and the merged busy time.

    Events without length block nothing and are not drawn.
    """
    whole: list[DateMark] = []
    timed: list[Mark] = []
    for event in events:
        words, kind = _words(event), event.fbtype.token
        if event.first_day is not None and event.last_day is not None:
            whole.append(DateMark(event.first_day, event.last_day, kind, words))
        elif event.start < event.end:
            timed.append(Mark(epoch(event.start), epoch(event.end), kind, words))
    rows = [Row(said("all-day-events"), dates=whole)] if whole else []
    rows += [Row(said("events"), marks=timed)] if timed else []
    rows.append(row_of(said("busy-time"), free_busy.epochs, free_busy.unknown_epochs, note=note))
    return rows


def _words(event: ExternalEvent) -> str:
    if event.private:
        # Redacted events have no UID, and all of them are private.
        return said("no-title/private") if event.uid else ""
    return event.summary or ""


def fortnight(moment: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """The fourteen local days that begin with the day of ``moment``."""
    day = moment.astimezone(zone).date()
    return (
        datetime.combine(day, time(), zone),
        datetime.combine(day + _SHOWN, time(), zone),
    )
