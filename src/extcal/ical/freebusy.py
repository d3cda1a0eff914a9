"""VFREEBUSY (RFC 5545 section 3.6.4): what a publisher says about itself, in and out.

Reading is part of the corridor. Writing is icalendar's work; it is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from extcal.ical.components import Component, Stream, read
from extcal.ical.lines import Line
from extcal.ical.moments import parse_duration, read_moment
from extcal.ical.sieve import Sieved
from extcal.ical.source import SupportsToIcal, to_bytes
from extcal.ical.work import Work
from extcal.ical.zones import Zone, Zones
from extcal.intervals import FBType, FreeBusy, epoch, instant
from extcal.limits import Limits

__all__ = ["Listed", "Published", "published", "read_freebusy", "write_freebusy"]

_PRODID = "-//extcal//extcal//EN"
# 3.8.8.2 allows non-standard properties. This one keeps the edges of a window that are unknown.
_WINDOW = "X-EXTCAL-WINDOW"


class Listed(NamedTuple):
    """One FREEBUSY period in epoch seconds, and the component it came from."""

    start: int
    end: int
    fbtype: FBType
    component: Component


class Published(NamedTuple):
    """All that the VFREEBUSYs of a body say; ``known`` are the stretches they answer for."""

    listed: list[Listed]
    known: list[tuple[int, int]]


def published(stream: Stream, zones: Zones, work: Work) -> Published:
    """Read the VFREEBUSY components of a body; without an FBTYPE a period is BUSY (3.2.9).

    A component says nothing when it is a request: METHOD:REQUEST, or an ATTENDEE and no FREEBUSY.
    One without bounds answers only for what it lists.
    """
    listed: list[Listed] = []
    known: list[tuple[int, int]] = []
    for component in stream.freebusy:
        method = stream.calendars[component.calendar].method
        names = {line.name for line in component.lines}
        if method == "REQUEST" or ("ATTENDEE" in names and "FREEBUSY" not in names):
            continue
        own, readable = _periods(component, zones, work)
        listed.extend(own)
        bounds = _bounds(component, zones)
        if not readable:
            continue
        if bounds is not None:
            known.append(bounds)
        else:
            known.extend((period.start, period.end) for period in own)
    return Published(listed, known)


def _bounds(component: Component, zones: Zones) -> tuple[int, int] | None:
    found: dict[str, int] = {}
    for line in component.lines:
        if line.name in {"DTSTART", "DTEND"}:
            epoch = _instant(line.value, _zone(line, component, zones))
            if epoch is not None:
                found.setdefault(line.name, epoch)
    if len(found) == 2 and found["DTSTART"] < found["DTEND"]:
        return found["DTSTART"], found["DTEND"]
    return None


def _zone(line: Line, component: Component, zones: Zones) -> Zone | None:
    """The zone of local times, which must not be there (3.6.4) but leave no doubt."""
    tzid = line.params.get("TZID")
    return zones.resolve(tzid, component.calendar) if tzid else None


def _instant(value: str, zone: Zone | None = None) -> int | None:
    """3.6.4 and 3.8.2.6 require UTC, so without "Z" and TZID it is UTC too."""
    written = read_moment(value)
    if written is None:
        return None
    if zone is None or written.is_utc or written.offset is not None:
        return written.utc
    return zone.to_epoch(written.local)


def _periods(component: Component, zones: Zones, work: Work) -> tuple[list[Listed], bool]:
    periods: list[Listed] = []
    readable = True
    lengths: dict[str, int | None] = {}  # of durations: publishers write few different ones
    for line in component.lines:
        if line.name != "FREEBUSY":
            continue
        zone = _zone(line, component, zones) if "TZID" in line.params else None
        token = line.params.get("FBTYPE")
        fbtype = FBType.BUSY if token is None else FBType.from_token(token)
        for value in line.value.split(","):
            if not value.strip():
                continue
            span = _span(value, lengths, zone)
            if span is None:
                readable = False
                work.problem(
                    "bad_period",
                    "a FREEBUSY period cannot be read",
                    offset=line.offset,
                    action="what its component covers is unknown",
                )
            elif span[0] < span[1]:
                periods.append(Listed(*span, fbtype, component))
    return periods, readable


def _span(
    value: str, lengths: dict[str, int | None], zone: Zone | None = None
) -> tuple[int, int] | None:
    begin, _, rest = value.partition("/")
    start = _instant(begin, zone)
    if start is None:
        return None
    length = lengths.get(rest)
    if length is None and "P" in rest.upper():
        duration = parse_duration(rest)
        if duration is not None and not duration.empty:
            length = duration.extent.about  # in UTC, where every day has 24 hours
        lengths[rest] = length
    if length is not None:
        return start, start + length
    end = _instant(rest, zone)
    return None if end is None or end < start else (start, end)


def write_freebusy(free_busy: FreeBusy, *, uid: str, dtstamp: datetime) -> bytes:
    """Write free/busy as an iCalendar object (RFC 5545 section 3.6.4), UTF-8 with CRLF lines.

    One VFREEBUSY is written for each known stretch, so that what is unknown stays unknown; FREE and
    WORKING-ELSEWHERE are left out, because no standard type says them. ``uid`` names the first
    VFREEBUSY and, with a number behind it, the others; ``dtstamp`` is aware. Raises ValueError for
    an empty ``uid``, TypeError for a naive ``dtstamp``.
    """
    from icalendar import Calendar, vPeriod
    from icalendar import FreeBusy as Component_

    if not uid.strip() or any(character in uid for character in "\r\n"):
        raise ValueError("uid is one line of text that names this free/busy")
    stamp = instant(epoch(dtstamp))
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", _PRODID)
    lo, hi = free_busy.window_epochs
    known = list(_known(free_busy))
    if not known or known[0][0] != lo or known[-1][1] != hi:
        calendar.add(_WINDOW, vPeriod((instant(lo), instant(hi))), {"VALUE": "PERIOD"})
    # Without bounds and periods a VFREEBUSY says nothing, which is what there is to say.
    for number, stretch in enumerate(known or [None], 1):
        component = Component_()
        component.add("uid", uid if number == 1 else f"{uid}-{number}")
        component.add("dtstamp", stamp)
        if stretch is not None:
            component.add("dtstart", instant(stretch[0]))
            component.add("dtend", instant(stretch[1]))
            for start, end, fbtype in _blocking(free_busy, *stretch):
                period = vPeriod((instant(start), instant(end)))
                component.add("freebusy", period, {"FBTYPE": FBType(fbtype).token})
        calendar.add_component(component)
    written = calendar.to_ical()
    return written if isinstance(written, bytes) else str(written).encode()


def _known(free_busy: FreeBusy) -> Iterator[tuple[int, int]]:
    position, hi = free_busy.window_epochs
    for start, end in free_busy.unknown_epochs:
        if position < start:
            yield position, start
        position = end
    if position < hi:
        yield position, hi


def _blocking(free_busy: FreeBusy, lo: int, hi: int) -> Iterator[tuple[int, int, int]]:
    for start, end, fbtype in free_busy.epochs:
        if fbtype > FBType.WORKING_ELSEWHERE and start < hi and end > lo:
            yield max(start, lo), min(end, hi), fbtype


def read_freebusy(
    data: bytes | bytearray | memoryview | str | SupportsToIcal,
    start: datetime | None = None,
    end: datetime | None = None,
) -> FreeBusy:
    """Read the VFREEBUSYs of an iCalendar object (RFC 5545 section 3.6.4) as one FreeBusy.

    The window is ``[start, end)`` (aware, both or none), else the one that
    :func:`write_freebusy` noted, else from the first to the last moment that is answered for; what
    no VFREEBUSY answers for is unknown. Raises NotACalendar when there is no calendar, ValueError
    when nothing bounds the window, or when there are VEVENTs: those are for :func:`expand`.
    """
    if (start is None) != (end is None):
        raise TypeError("pass both start and end, or neither")
    raw = to_bytes(data)
    work = Work(Limits())
    stream = read(Sieved.nothing_left_out(raw), work)
    if stream.events:
        raise ValueError("there are events in this; pass it to expand() with a window")
    said = published(stream, Zones(stream, 0, 1, None, work), work)
    if start is not None and end is not None:
        lo, hi = epoch(start), epoch(end, ceil=True)
    else:
        lo, hi = _window(stream, said)
    if lo >= hi:
        raise ValueError("start must lie before end")
    answered = FreeBusy.from_epochs(lo, hi, (), () if work.complete else [(lo, hi)])
    covered = FreeBusy.from_epochs(lo, hi, [(*known, int(FBType.BUSY)) for known in said.known])
    silent = covered.free(duration=timedelta(seconds=1))
    busy = [(one.start, one.end, int(one.fbtype)) for one in said.listed]
    unknown = [(epoch(gap.start), epoch(gap.end)) for gap in silent]
    return answered | FreeBusy.from_epochs(lo, hi, busy, unknown)


def _window(stream: Stream, said: Published) -> tuple[int, int]:
    for head in stream.calendars:
        if head.window is not None:
            span = _span(head.window, {})
            if span is not None and span[0] < span[1]:
                return span
    if not said.known:
        raise ValueError("no VFREEBUSY in this says anything; pass start and end")
    return min(known[0] for known in said.known), max(known[1] for known in said.known)
