"""Series (RFC 5545 sections 3.8.4.4, 3.8.5): all events of one UID in, occurrences out.

An override replaces its whole instance, even if only one of them lies in the window. The other
instances of the masters are generated only around the window. The order of the events does not
matter.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

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
) -> Iterable[Occurrence | Instances]:
    """Return the occurrences of the events of one UID that touch ``[lo, hi)``, in no order.

    Instances that are not moved come in columns. ``raw``, the bytes of the feed, decides between
    versions that are otherwise equal. If a limit stops a series, the time from there on is unknown
    (``work``).
    """
    first = events[0]
    if len(events) > 1 or first.recurrence_id is not None or first.others:
        return _replaced(events, raw, lo, hi, work)
    if first.rules or first.rdates:
        return Master.of(first, set(), work).instances(lo, hi)
    return _readings(first, lo, hi)


def _replaced(
    events: Sequence[Event], raw: bytes, lo: int, hi: int, work: Work
) -> Iterator[Occurrence | Instances]:
    """The same for several events of one UID, which may replace instances of each other."""
    planned: set[int] = set()  # the instants of all instances that are overridden
    unplanned: list[Event] = []
    overrides: list[Event] = []
    for event in events:
        (unplanned if event.recurrence_id is None else overrides).append(event)
    masters = [
        Master.of(reading, planned, work)
        for event in versions.masters(unplanned, raw, work)
        for reading in (event, *event.others)
    ]
    if len(masters) > 1:
        masters.sort(key=lambda master: master.event.start.epoch)
    versions.check_overrides(overrides, work)
    if len(masters) == 1 and len(overrides) > 1:
        overrides = _near(overrides, masters[0].event, lo, hi)
    named: list[Event] = []
    for override in overrides:
        if _name_instance(override, masters, lo, work):
            named.append(override)
        else:
            yield from _readings(override, lo, hi)
    for instant, override in versions.latest_of_each(named, raw, work).items():
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


def _readings(event: Event, lo: int, hi: int) -> Iterable[Occurrence]:
    """The occurrences of all possible meanings of one event that does not recur."""
    found: list[Occurrence] = []
    for reading in (event, *event.others):
        local, _, zone, _ = reading.start
        if local >= hi + SLACK or local + reading.extent.about <= lo - SLACK:
            continue  # usual: the override is long past, so no zone is needed
        start = zone.to_epoch(local)
        end = reading.extent.end(local, start, zone)
        if touches(start, end, lo, hi):
            found.append(Occurrence(start, end, reading, local, zone, reading.recurrence_id))
    return found


# --- overrides and their masters ----------------------------------------------------------


def _near(overrides: list[Event], series: Event, lo: int, hi: int) -> list[Event]:
    """The overrides of a series that may change the window ``[lo, hi)``.

    One changes nothing if both its own time and that of its instance are away from the window,
    unless another version of the same instance is not. Only local times are compared, and only if
    the RECURRENCE-ID is written as the series' DTSTART is; all others are kept.
    """
    if series.rdates or series.all_day is not series.start.is_date:
        return overrides
    longest, alike = series.extent.about, series.start[1:]
    first, last = lo - longest - 2 * SLACK, hi + 2 * SLACK
    near: list[Event] = []
    away: list[Event] = []
    for event in overrides:
        if event.this_and_future:
            return overrides  # it moves instances into the window
        planned, start = event.recurrence_id, event.start.local
        assert planned is not None
        if (
            first <= planned.local < last
            or (first - event.extent.about <= start < last)
            or planned[1:] != alike
            or event.unsettled
            or event.others
            or event.rules
        ):
            near.append(event)
        else:
            away.append(event)
    if not (near and away):
        return near
    days = {event.recurrence_id.local // SLACK for event in near if event.recurrence_id}
    for event in away:
        assert event.recurrence_id is not None
        day = event.recurrence_id.local // SLACK
        if not days.isdisjoint((day - 1, day, day + 1)):
            near.append(event)
    return near


def _home(moment: Moment, masters: Sequence[Master]) -> Master | None:
    """The series of an override: the last one that starts before it, else the first."""
    if len(masters) < 2:
        return masters[0] if masters else None
    latest = moment.epoch + DAY - 1 if moment.is_date else moment.epoch
    before = bisect_right(masters, latest, key=lambda master: master.event.start.epoch)
    return masters[max(0, before - 1)]


def zone_of(masters: Sequence[Event]) -> Zone | None:
    """The zone for an override without one: that of its series, or None if that has none."""
    zoned = [event.start for event in masters if not event.start.floating]
    if len(zoned) < len(masters):
        return None
    if len(zoned) == 1:
        return zoned[0].zone
    return min(zoned, key=lambda start: (start.epoch, start.zone.name)).zone if zoned else None


def _name_instance(override: Event, masters: Sequence[Master], lo: int, work: Work) -> bool:
    """Express a RECURRENCE-ID in the zone and type of its series, so that equal ones compare equal.

    Times without a zone in an override take that of its series. Returns False if the RECURRENCE-ID
    may mean several instances of a series of days; then the override replaces none.
    """
    planned = override.recurrence_id
    assert planned is not None
    home = _home(planned, masters)
    if override.unsettled is not None or override.others:
        zone = None if home is None else zone_of([home.event])
        override.settle(zone, told=_is_told(override, planned, lo))
    if home is None:
        return True
    series = home.event
    if series.all_day:
        days = days_named(planned, series.start.zone)
        if not days.sure and _is_told(override, planned, lo):
            clear = len(days.midnights) == 1
            key = "date_unclear/override-midnight" if clear else "date_unclear/override"
            work.problem(
                *oddity(key),
                offset=override.offset,
                uid=override.uid,
            )
        if len(days.midnights) != 1:
            return False
    elif (
        planned.floating
        and not (planned.is_date or series.start.floating)
        and _is_told(override, planned, lo)
    ):
        work.problem(
            *oddity("floating_recurrence_id"),
            offset=override.offset,
            uid=override.uid,
        )
    override.recurrence_id = home.named(planned)
    return True


def _is_told(override: Event, planned: Moment, lo: int) -> bool:
    """Whether Problems are reported: not if override and instance are so long past that they
    cannot matter."""
    return max(override.start.epoch, planned.epoch) >= lo - SLACK


def _report_rule(override: Event, work: Work) -> None:
    if override.rules:
        work.problem(
            *oddity("rule_in_override"),
            offset=override.offset,
            uid=override.uid,
        )


def _shift(override: Event, home: Master, masters: Sequence[Master], work: Work) -> None:
    """Move the instances of the series from this one on, by a difference of local times."""
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
