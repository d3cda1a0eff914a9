"""Which components of one UID count (RFC 5545 sections 3.8.4.4, 3.8.7.4; RFC 5546 section 2.1.5).

In: the events of one UID, in any order. Out: its masters, and one override for each instance. The
newest version counts, by SEQUENCE, DTSTAMP and LAST-MODIFIED, then by content. The order in the
feed never decides.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable
from itertools import groupby

from extcal.ical.budget import Work
from extcal.ical.events.event import Event
from extcal.ical.parse.spans import STRETCH, line_end
from extcal.messages.problems import unknown
from extcal.patterns import pattern

__all__ = ["check_overrides", "content", "inherit_end", "latest_of_each", "masters"]

_BREAK = pattern(rb"[\r\n]++")
_BYTES = 9  # of 2: comparing 512 bytes of two versions costs as much work as a line


def content(raw: bytes, event: Event) -> bytes:
    """Return the bytes of an event, however its lines were folded and ended."""
    begin, end = event.span
    unfolded = io.BytesIO()
    while begin < end:
        # A stretch at a time, each of which ends in front of a line end.
        stop = line_end(raw, min(end, begin + STRETCH), end)
        lines = _BREAK.sub(b"\n", raw[begin:stop])
        unfolded.write(lines.replace(b"\n ", b"").replace(b"\n\t", b""))
        begin = stop
    return unfolded.getvalue().strip()


def _stamps(event: Event) -> tuple[int, int, int]:
    return event.stamps


def _rank(event: Event, raw: bytes, work: Work) -> tuple[object, ...]:
    """A higher rank is a later version. Copies of equal content differ by their VCALENDAR.

    Without any work left the whole window is unknown, so it does not matter which version counts.
    """
    begin, end = event.span
    text = content(raw, event) if work.spend((end - begin) >> _BYTES) else b""
    return *_stamps(event), text, event.tie, event.start.epoch


def _latest(versions: list[Event], raw: bytes, work: Work) -> Event:
    if len(versions) == 1:
        return versions[0]
    newest = max(map(_stamps, versions))  # content is read only if these are equal
    versions = [event for event in versions if _stamps(event) == newest]
    if len(versions) == 1:
        return versions[0]
    return max(versions, key=lambda event: _rank(event, raw, work))


def _in_order(events: list[Event], raw: bytes, work: Work) -> list[Event]:
    """Sorted by start. The rank is computed only for events with the same start."""
    ordered: list[Event] = []
    for _, same in groupby(sorted(events, key=_start), key=_start):
        alike = list(same)
        ordered += alike if len(alike) < 2 else sorted(alike, key=lambda one: _rank(one, raw, work))
    return ordered


def _start(event: Event) -> int:
    return event.start.epoch


def masters(events: list[Event], raw: bytes, work: Work) -> list[Event]:
    """Keep one of the copies of a series; different series of one UID all stay (design 3.6).

    Too many copies make the whole window unknown (``work``).
    """
    if len(events) < 2:
        return events
    if len(events) > work.limits.max_versions:
        _check_copies(events, work)
    single = [event for event in events if not event.recurs]
    if single:
        newest = max(event.stamps.sequence for event in single)
        events = [event for event in events if event.recurs or event.stamps.sequence == newest]
    copies: dict[object, list[Event]] = {}
    for event in events:
        copies.setdefault(_series(event), []).append(event)
    kept = [_latest(versions, raw, work) for versions in copies.values()]
    return _in_order(kept, raw, work)


def _series(event: Event) -> object:
    """Equal for copies of one series."""
    return event.start.epoch, event.start.is_date, frozenset(event.rules)


def _check_copies(events: list[Event], work: Work) -> None:
    most = work.limits.max_versions
    if max(Counter(map(_series, events)).values()) > most:
        offset = min(event.offset for event in events)
        work.exceeded(*unknown("max_versions", most=most), offset=offset, uid=events[0].uid)


def check_overrides(events: list[Event], work: Work) -> None:
    """Count the overrides of one UID; too many make the whole window unknown."""
    if not events:
        return
    series = len(events) > work.limits.max_overrides_per_series
    if work.count("overrides", len(events)) > work.limits.max_overrides or series:
        limit = "max_overrides_per_series" if series else "max_overrides"
        told = unknown(limit, most=getattr(work.limits, limit))
        work.exceeded(*told, offset=events[0].offset, uid=events[0].uid)


def latest_of_each(overrides: Iterable[Event], raw: bytes, work: Work) -> dict[int, Event]:
    """The newest override of each instant; only versions of one instant are compared."""
    versions: dict[int, list[Event]] = {}
    for event in overrides:
        moment = event.recurrence_id
        assert moment is not None
        versions.setdefault(moment.epoch, []).append(event)
    return {
        instant: same[0] if len(same) == 1 else _latest(same, raw, work)
        for instant, same in versions.items()
    }


def inherit_end(override: Event, master: Event) -> None:
    """Give an override without an end that of its master. Nothing else is inherited."""
    for reading in (override, *override.others):
        if not reading.has_end and reading.start.is_date == master.start.is_date:
            reading.extent = master.extent
            reading.has_end = True
