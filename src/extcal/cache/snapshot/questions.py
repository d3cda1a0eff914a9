"""Queries of a reading: free/busy time of a window, its events, free/busy without some. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from extcal.cache.snapshot.packed_busy import BusyTime
from extcal.cache.snapshot.snapshot import Reading
from extcal.errors import OutsideHorizon
from extcal.ical import ExternalEvent
from extcal.ical.answer.exclude import Exclusions
from extcal.ical.events.external_event import EventRow, row_of
from extcal.intervals import FreeBusy, epoch, instant
from extcal.intervals.overlay import Span, overlay
from extcal.intervals.types import code_of
from extcal.messages.unavailable import outside_horizon

__all__ = ["between", "part", "planned_for", "unsaid", "without"]

_DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()


def part(busy: BusyTime | FreeBusy, lo: int, hi: int) -> FreeBusy:
    """``busy`` over ``[lo, hi)`` (epoch seconds), unknown outside its window.

    Raises OutsideHorizon if its window and ``[lo, hi)`` have no time in common.
    """
    first, last = busy.window_epochs
    if hi <= first or last <= lo:
        raise OutsideHorizon(outside_horizon(instant(first), instant(last)))
    return busy.clip_epochs(lo, hi).widened_epochs(lo, hi)


def between(
    events: Iterable[ExternalEvent], start: datetime, end: datetime
) -> tuple[ExternalEvent, ...]:
    """The events that touch ``[start, end)``; one without length if it lies inside."""
    return tuple(
        [e for e in events if e.start < end and (e.end > start or e.start == e.end >= start)]
    )


def without(reading: Reading, exclusions: Exclusions) -> FreeBusy:
    """The free/busy time of ``reading`` as if the excluded events were not there.

    If not all events are listed, an unlisted event may take the same time as an excluded one. So
    the time of excluded events is then unknown, not free.
    """
    lo, hi = reading.free_busy.window_epochs
    rest: list[Span] = []
    dropped: list[Span] = []
    events = reading.events()
    for event, (start, day) in zip(events, planned_for(events, reading.planned), strict=True):
        whole_day = event.all_day or _is_date(event.recurrence_id)
        span = (epoch(event.start), epoch(event.end), code_of(event.fbtype))
        left_out = exclusions.leaves_out(event.uid, start, day, whole_day=whole_day)
        (dropped if left_out else rest).append(span)
    if not dropped:
        return reading.free_busy
    kept = FreeBusy.from_epochs(lo, hi, [*rest, *reading.base])
    unknown = list(reading.free_busy.unknown_epochs)
    if not reading.events_complete:
        gone = FreeBusy.from_epochs(lo, hi, dropped)
        for start, end, (left, lost) in overlay(lo, hi, kept.epochs, gone.epochs):
            if lost > left:
                unknown.append((start, end))
    return FreeBusy.from_epochs(lo, hi, kept.epochs, unknown)


def planned_for(
    events: Sequence[ExternalEvent], others: Iterable[tuple[int, int, int]]
) -> list[tuple[int, int]]:
    """The original start of each event: the instant in epoch seconds, and the local day.

    It is taken from the event itself, or from ``others`` if that has an entry (index, instant and
    day) for it. Days are counted from 1970-01-01.
    """
    found = [_said(row_of(event)) for event in events]
    for index, start, day in others:
        if 0 <= index < len(found):
            found[index] = (start, day)
    return found


def unsaid(
    rows: Sequence[EventRow], planned: Sequence[tuple[int, int]]
) -> tuple[tuple[int, int, int], ...]:
    """The entries of ``planned`` that cannot be taken from the rows of the events themselves.

    :func:`planned_for` needs them as ``others``.
    """
    pairs = zip(rows, planned, strict=False)
    return tuple([(i, *real) for i, (row, real) in enumerate(pairs) if _said(row) != real])


def _said(row: EventRow) -> tuple[int, int]:
    planned, start, day = row.recurrence_id, row.start, row.first_day
    if isinstance(planned, int):
        start += planned
    elif planned is not None:
        day = date.fromisoformat(planned[:10]).toordinal()
    return start, start // _DAY if day is None else day - _EPOCH


def _is_date(planned: date | None) -> bool:
    return planned is not None and not isinstance(planned, datetime)
