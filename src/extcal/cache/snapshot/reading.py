"""A body becomes a reading, and a reading answers questions. Pure.

What the corridor says about the bytes is kept as it is; added is only what the feed's publisher
was said to leave out (``published_ahead``), and whether a full calendar is suddenly empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from extcal.arguments import one_of_type, several
from extcal.cache.snapshot.packed_busy import BusyTime
from extcal.cache.snapshot.packed_events import pack_events, unpack_events
from extcal.cache.snapshot.redaction import discreet_events, discreet_problems
from extcal.cache.snapshot.snapshot import Reading
from extcal.errors import OutsideHorizon, Problem
from extcal.fetch.feed import Feed
from extcal.fetch.protocol import Fetched
from extcal.ical import Excluded, Expansion, ExternalEvent, expand
from extcal.intervals import FreeBusy, epoch, instant
from extcal.intervals.overlay import Span, coalesce, overlay
from extcal.limits import Limits

__all__ = ["Exclusions", "between", "part", "read_body", "renewed", "without"]

_FULL_FOR = timedelta(hours=24)
_FINGERPRINT = re.compile(r"[0-9a-f]{8}")
_MAX_VALIDATOR = 1024
_LONGEST_INTERVAL = timedelta(days=7)


def read_body(
    fetched: Fetched,
    feed: Feed,
    window: tuple[int, int],
    fetched_at: datetime,
    previous: Reading | None,
    limits: Limits,
) -> Reading:
    """What ``fetched`` says over ``window`` (epoch seconds), read as ``feed`` wants it read.

    ``previous`` is the last reading of the same feed, to see what changed. Raises NotACalendar.
    """
    lo, hi = window
    expansion = expand(
        fetched.body,
        instant(lo),
        instant(hi),
        timezone=feed.timezone,
        owner=feed.owner,
        policy=feed.policy,
        limits=limits,
        detail=feed.detail,
    )
    events, problems = expansion.events, expansion.problems
    if feed.detail == "busy":
        events, problems = discreet_events(events), discreet_problems(problems)
    full_at = fetched_at if not expansion.empty else previous.full_at if previous else None
    return Reading(
        busy=BusyTime.of(_published(expansion.free_busy, feed, fetched_at), _unlisted(expansion)),
        complete=expansion.complete,
        events_complete=expansion.events_complete,
        empty=expansion.empty,
        problems=(*problems, *_noticed(expansion, full_at, fetched, fetched_at)),
        fetched_at=fetched_at,
        read_at=fetched_at,
        full_at=full_at,
        etag=_validator(fetched.etag),
        last_modified=_validator(fetched.last_modified),
        refresh_interval=_interval(expansion.refresh_interval),
        count=len(events),
        packed=pack_events(events, titles=feed.detail == "events"),
    )


def renewed(reading: Reading, fetched_at: datetime) -> Reading:
    """The same reading, confirmed by its source (304)."""
    return replace(reading, fetched_at=fetched_at)


def part(busy: BusyTime | FreeBusy, lo: int, hi: int) -> FreeBusy:
    """``busy`` over ``[lo, hi)`` (epoch seconds), unknown where it does not reach.

    Raises OutsideHorizon if it does not reach there at all.
    """
    first, last = busy.window_epochs
    if first <= lo and hi <= last:
        return busy.clip_epochs(lo, hi)
    if hi <= first or last <= lo:
        raise OutsideHorizon(
            f"the calendar is known from {instant(first):%Y-%m-%d %H:%M} to "
            f"{instant(last):%Y-%m-%d %H:%M} UTC, and the time asked for lies outside; "
            "CalendarCache(horizon=..., history=...) says how far it looks"
        )
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


def _published(free_busy: FreeBusy, feed: Feed, read_at: datetime) -> FreeBusy:
    """Outlook publishes a chosen range and does not say which: later than that is unknown."""
    if feed.published_ahead is None:
        return free_busy
    lo, hi = free_busy.window_epochs
    until = epoch(read_at + feed.published_ahead)
    unknown = [*free_busy.unknown_epochs, (min(until, hi), hi)]
    return FreeBusy.from_epochs(lo, hi, free_busy.epochs, unknown)


def _unlisted(expansion: Expansion) -> tuple[Span, ...]:
    """Busy time that is stronger than the listed events make it."""
    lo, hi = expansion.free_busy.window_epochs
    spans = [(epoch(e.start), epoch(e.end), int(e.fbtype)) for e in expansion.events]
    listed = FreeBusy.from_epochs(lo, hi, spans).epochs
    if listed == expansion.free_busy.epochs:
        return ()
    layers = overlay(lo, hi, expansion.free_busy.epochs, listed)
    return tuple(
        coalesce((start, end, codes[0]) for start, end, codes in layers if codes[0] > codes[1])
    )


def _noticed(
    expansion: Expansion, full_at: datetime | None, fetched: Fetched, now: datetime
) -> list[Problem]:
    """What only somebody who remembers, or who saw the way here, can notice."""
    found = []
    if expansion.empty and full_at is not None and now - full_at <= _FULL_FOR:
        found.append(
            Problem(
                "suddenly_empty",
                "the calendar had events and now has none at all; is it still the right one?",
                action="taken at its word",
            )
        )
    moved_to = fetched.moved_to
    if moved_to is not None and _FINGERPRINT.fullmatch(moved_to):
        found.append(
            Problem(
                "moved_permanently",
                f"the source says that the calendar has moved for good, to the address #{moved_to}",
                action="followed this once",
            )
        )
    return found


def _interval(asked: timedelta | None) -> timedelta | None:
    """What is longer than a week is as good as that; no cache waits so long."""
    return None if asked is None else min(asked, _LONGEST_INTERVAL)


def _validator(value: str | None) -> str | None:
    """An ETag or Last-Modified that can be sent back byte for byte, or None."""
    if not isinstance(value, str) or len(value) > _MAX_VALIDATOR:
        return None
    return value if value.isascii() and value.isprintable() else None
