"""Series (RFC 5545 sections 3.8.4.4, 3.8.5): all events of one UID in, occurrences out.

An override replaces its instance whole, wherever either of them lies; what is left of the masters
is generated only around the window. Nothing here depends on the order of the events.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from extcal.ical.budget import Work
from extcal.ical.events.event import Event
from extcal.ical.events.times import DAY, Moment, days_named
from extcal.ical.series import versions
from extcal.ical.series.instances import SLACK, Instances, Occurrence, touches
from extcal.ical.series.master import Master, Shift
from extcal.ical.zones.resolve import Zone, Zones
from extcal.messages.problems import oddity

__all__ = ["Occurrence", "instances", "occurrences", "zone_of"]


def occurrences(
    events: Sequence[Event], zones: Zones, raw: bytes, lo: int, hi: int, work: Work
) -> Iterator[Occurrence]:
    """Yield what :func:`instances` yields, one by one."""
    for found in instances(events, zones, raw, lo, hi, work):
        if isinstance(found, Instances):
            yield from found.occurrences()
        else:
            yield found


def instances(
    events: Sequence[Event], zones: Zones, raw: bytes, lo: int, hi: int, work: Work
) -> Iterator[Occurrence | Instances]:
    """Yield the occurrences of the events of one UID that touch ``[lo, hi)``, in no order.

    What stays where its series planned it comes in columns. ``raw`` decides between versions that
    nothing else tells apart. A series that a limit stops makes the time from there on unknown
    (``work``).
    """
    if len(events) == 1 and events[0].recurrence_id is None and not events[0].others:
        if events[0].recurs:
            yield from Master.of(events[0], set(), work).instances(lo, hi)
        else:
            yield from _single(events[0], lo, hi)
        return
    planned: set[int] = set()  # the instants of all instances that are overridden
    kept = versions.masters([e for e in events if e.recurrence_id is None], raw, work)
    masters = [
        Master.of(reading, planned, work) for event in kept for reading in (event, *event.others)
    ]
    masters.sort(key=lambda master: master.event.start.epoch)
    overrides = [event for event in events if event.recurrence_id is not None]
    versions.check_overrides(overrides, work)
    named: list[Event] = []
    for override in overrides:
        if _name_instance(override, masters, lo, work):
            named.append(override)
        else:
            yield from _readings(override, lo, hi)
    for instant, override in versions.latest_of_each(named, raw).items():
        assert override.recurrence_id is not None
        planned.add(instant)
        _report_rule(override, work)
        home = _home(override.recurrence_id, masters)
        if home is not None:
            versions.inherit_end(override, home.event)
            if override.this_and_future:
                _shift(override, home, masters, work)
        yield from _readings(override, lo, hi)
    for master in masters:
        yield from master.instances(lo, hi)


def _readings(override: Event, lo: int, hi: int) -> Iterator[Occurrence]:
    """All that one override may mean."""
    for reading in (override, *override.others):
        yield from _single(reading, lo, hi)


def _single(event: Event, lo: int, hi: int) -> Iterator[Occurrence]:
    local, zone = event.start.local, event.start.zone
    if local >= hi + SLACK or local + event.extent.about <= lo - SLACK:
        return  # nearly all overrides are long past: no zone need be asked
    start = zone.to_epoch(local)
    end = event.extent.end(local, start, zone)
    if touches(start, end, lo, hi):
        yield Occurrence(start, end, event, local, zone, event.recurrence_id)


# --- overrides and their masters ----------------------------------------------------------


def _home(moment: Moment, masters: Sequence[Master]) -> Master | None:
    """The series an override belongs to: the last one that had begun, else the first."""
    if len(masters) < 2:
        return masters[0] if masters else None
    latest = moment.epoch + DAY - 1 if moment.is_date else moment.epoch
    before = bisect_right(masters, latest, key=lambda master: master.event.start.epoch)
    return masters[max(0, before - 1)]


def zone_of(masters: Sequence[Event]) -> Zone | None:
    """Whose zone an override without one takes: the series', if there is one and it has one."""
    zoned = [event.start for event in masters if not event.start.floating]
    if len(zoned) < len(masters):
        return None
    return min(zoned, key=lambda start: (start.epoch, start.zone.name)).zone if zoned else None


def _name_instance(override: Event, masters: Sequence[Master], lo: int, work: Work) -> bool:
    """Put its RECURRENCE-ID in the terms of its series, so that all forms of one are equal.

    What has no zone in an override has that of its series. False if nobody knows which instance of
    a series of days is meant: then it replaces none.
    """
    planned = override.recurrence_id
    assert planned is not None
    home = _home(planned, masters)
    # Overrides that are long past, and whose instances are, say nothing to anybody who asks.
    told = max(override.start.epoch, planned.epoch) >= lo - SLACK
    override.settle(None if home is None else zone_of([home.event]), told=told)
    if home is None:
        return True
    series = home.event
    if series.all_day:
        days = days_named(planned, series.start.zone)
        if told and not days.sure:
            clear = len(days.midnights) == 1
            key = "date_unclear/override-midnight" if clear else "date_unclear/override"
            work.problem(
                *oddity(key),
                offset=override.offset,
                uid=override.uid,
            )
        if len(days.midnights) != 1:
            return False
    elif told and planned.floating and not (planned.is_date or series.start.floating):
        work.problem(
            *oddity("floating_recurrence_id"),
            offset=override.offset,
            uid=override.uid,
        )
    override.recurrence_id = home.named(planned)
    return True


def _report_rule(override: Event, work: Work) -> None:
    if override.rules:
        work.problem(
            *oddity("rule_in_override"),
            offset=override.offset,
            uid=override.uid,
        )


def _shift(override: Event, home: Master, masters: Sequence[Master], work: Work) -> None:
    """Let the series that has this instance move from it on; local time to local time."""
    planned = override.recurrence_id
    assert planned is not None
    moving: list[Master] = []
    for master in masters if len(masters) > 1 else ():
        if not work.step():
            break
        if master.has(planned):
            moving.append(master)
    for master in moving or [home]:
        zone = master.event.start.zone
        original = planned.local if planned.zone is zone else zone.to_local(planned.epoch)
        delta = override.start.local - original
        master.shifts.append(Shift(planned.epoch, delta, override))
