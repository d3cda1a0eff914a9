"""What is asked of a reading: a stretch of it, its events there, and all but some events. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from extcal.arguments import one_of_type, several
from extcal.cache.snapshot.packed_busy import BusyTime
from extcal.cache.snapshot.packed_events import unpack_events
from extcal.cache.snapshot.snapshot import Reading
from extcal.errors import OutsideHorizon
from extcal.ical import Excluded, ExternalEvent
from extcal.intervals import FreeBusy, epoch, instant
from extcal.intervals.overlay import Span, overlay
from extcal.messages.unavailable import outside_horizon

__all__ = ["Exclusions", "between", "part", "without"]


def part(busy: BusyTime | FreeBusy, lo: int, hi: int) -> FreeBusy:
    """``busy`` over ``[lo, hi)`` (epoch seconds), unknown where it does not reach.

    Raises OutsideHorizon if it does not reach there at all.
    """
    first, last = busy.window_epochs
    if first <= lo and hi <= last:
        return busy.clip_epochs(lo, hi)
    if hi <= first or last <= lo:
        raise OutsideHorizon(outside_horizon(instant(first), instant(last)))
    known = busy.clip_epochs(lo, hi)
    unknown = [*known.unknown_epochs, (lo, max(lo, first)), (min(hi, last), hi)]
    return FreeBusy.from_epochs(lo, hi, known.epochs, unknown)


def between(
    events: Iterable[ExternalEvent], start: datetime, end: datetime
) -> tuple[ExternalEvent, ...]:
    """The events that touch ``[start, end)``; one without length does if it lies inside."""
    return tuple(
        [e for e in events if e.start < end and (e.end > start or e.start == e.end >= start)]
    )


class Exclusions:
    """The events a question leaves out, by the same rules as :func:`extcal.expand`.

    A UID leaves out all of it; ``(uid, recurrence_id)`` one instance: an aware datetime for timed
    events, a date for all-day ones. Raises TypeError for anything else.
    """

    def __init__(self, exclude: Iterable[Excluded]) -> None:
        if isinstance(exclude, str):
            raise TypeError("exclude takes several UIDs, not one str; pass [uid]")
        self._uids: set[str] = set()
        self._instances: set[tuple[str, int | date]] = set()
        takes = "UIDs and (uid, recurrence_id) pairs"
        for item in several("exclude", exclude, takes):
            pair = one_of_type("exclude", item, Iterable, takes)
            match item if isinstance(item, str) else tuple(pair):
                case str(uid) | (str(uid), None):
                    self._uids.add(uid)
                case (str(uid), datetime() as moment):
                    self._instances.add((uid, epoch(moment)))
                case (str(uid), date() as day):
                    self._instances.add((uid, day))
                case _:
                    raise TypeError(f"exclude takes {takes}")

    def __bool__(self) -> bool:
        return bool(self._uids or self._instances)

    def hit(self, event: ExternalEvent) -> bool:
        """Whether ``event`` is left out."""
        if event.uid in self._uids:
            return True
        planned = event.recurrence_id
        if planned is None:
            planned = event.first_day if event.first_day is not None else event.start
        named = epoch(planned) if isinstance(planned, datetime) else planned
        if (event.uid, named) in self._instances:
            return True
        # An all-day event without a recurrence is also known by the instant it begins at.
        return event.all_day and (event.uid, epoch(event.start)) in self._instances


def without(reading: Reading, exclusions: Exclusions) -> FreeBusy:
    """The free/busy time of ``reading`` as if the excluded events were not there.

    Where not all events are listed, an unlisted one may lie under an excluded one: such time is
    unknown, not free.
    """
    lo, hi = reading.free_busy.window_epochs
    rest: list[Span] = []
    dropped: list[Span] = []
    for event in unpack_events(reading.packed) if reading.packed else ():
        span = (epoch(event.start), epoch(event.end), int(event.fbtype))
        (dropped if exclusions.hit(event) else rest).append(span)
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
