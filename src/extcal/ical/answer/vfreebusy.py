"""VFREEBUSY (RFC 5545 section 3.6.4), read and written.

It is written with icalendar, which is imported only when it is needed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import itemgetter

from extcal.arguments import discreet
from extcal.ical.budget import Work
from extcal.ical.events.facts import values
from extcal.ical.events.start_end import Source, starts, stay, tell_floating_end
from extcal.ical.events.times import parse_duration, read_moment
from extcal.ical.parse.components import Component, Stream, read
from extcal.ical.parse.content_lines import Line
from extcal.ical.parse.source import to_bytes
from extcal.ical.zones.resolve import Zone, Zones
from extcal.intervals import FBType, FreeBusy, epoch, instant
from extcal.intervals.freebusy import asked_in
from extcal.intervals.types import code_of, fbtype_of
from extcal.limits import Limits
from extcal.messages.problems import oddity
from extcal.values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.ical.parse.source import SupportsToIcal

__all__ = ["Listed", "Published", "published", "read_freebusy", "write_freebusy"]

_PRODID = "-//extcal//extcal//EN"
# 3.8.8.2 allows non-standard properties. This one keeps the edges of a window that are unknown.
_WINDOW = "X-EXTCAL-WINDOW"
_ELSEWHERE = code_of(FBType.WORKING_ELSEWHERE)


class Listed(NamedTuple):
    """One FREEBUSY period in epoch seconds, and the component it came from."""

    start: int
    end: int
    fbtype: FBType
    component: Component


class Published(NamedTuple):
    """The content of all VFREEBUSYs of a body; ``known`` are the stretches that they cover."""

    listed: list[Listed]
    known: list[tuple[int, int]]


def published(
    stream: Stream,
    zones: Zones,
    work: Work,
    window: tuple[int, int] | None = None,
) -> Published:
    """Read the VFREEBUSY components of a body; without an FBTYPE a period is BUSY (3.2.9).

    A request is ignored: a component under METHOD:REQUEST, or with an ATTENDEE and no FREEBUSY. A
    component without bounds covers only its periods. ``window`` is in epoch seconds; periods
    outside it are left out of ``listed``.
    """
    listed: list[Listed] = []
    known: list[tuple[int, int]] = []
    periods = _Periods(zones, work, window)
    for component in stream.freebusy:
        method = stream.calendars[component.calendar].method
        names = {line.name for line in component.lines}
        if method == "REQUEST" or ("ATTENDEE" in names and not {"FREEBUSY", "FBTYPE"} & names):
            continue
        source = Source(component, zones, work, floating=zones.utc)
        own, readable = periods.of(component)
        if "FBTYPE" in names and "FREEBUSY" not in names:
            own = [each for each in _as_bounds(source, component) if periods.touches(*each[:2])]
        listed.extend(own)
        bounds = _bounds(source)
        if not readable:
            continue
        if bounds is not None:
            known.append(bounds)
        else:
            known.extend((period.start, period.end) for period in own)
    return Published(listed, known)


def _bounds(source: Source) -> tuple[int, int] | None:
    """The time that a component covers. Of several starts the last counts, of ends the first.

    A bound without a zone is in UTC (3.6.4), or has the zone of the other.
    """
    begins = [start.moment for start in starts(source) if not start.day_alone]
    if not begins:
        return None
    zone = begins[0].zone
    read = (source.moment(line, zone) for line in source.lines.get("DTEND", ()))
    ends = [moment for moment in read if moment is not None]
    if any(moment.floating for moment in ends) and not begins[0].floating:
        tell_floating_end(source, source.lines["DTEND"][0])
    start = max(moment.epoch for moment in begins)
    end = min((moment.epoch for moment in ends), default=start)
    return (start, end) if start < end else None


def _as_bounds(source: Source, component: Component) -> Iterator[Listed]:
    """Radicale's tools write one period as DTSTART and DTEND, with FBTYPE as a property.

    Of several starts only the first and the last are read: other periods lie within theirs.
    """
    source.tell(
        *oddity("freebusy_in_bounds"),
    )
    said = values(source.lines["FBTYPE"])
    if len(said) > 1:
        source.tell(*oddity("property_repeated/fbtypes"))
    types = [FBType.from_token(token) if token else FBType.BUSY for token in said]
    begins = starts(source)
    for start in sorted({*begins[:1], *begins[-1:]}, key=begins.index):
        one = stay(source, start)
        yield Listed(one.start.epoch, one.end, max(types), component)


def _zone(line: Line, component: Component, zones: Zones) -> Zone | None:
    """The zone of local times. 3.6.4 forbids them, but their meaning is clear."""
    tzid = line.params.get("TZID")
    return zones.resolve(tzid, component.calendar) if tzid else None


def _instant(value: str, zone: Zone | None = None) -> int | None:
    """The epoch second of a time. 3.6.4 and 3.8.2.6 require UTC, so it is the default."""
    written = read_moment(value)
    if written is None:
        return None
    if zone is None or written.is_utc or written.offset is not None:
        return written.utc
    return zone.to_epoch(written.local)


class _Periods:
    """The FREEBUSY periods of one body. Texts that are repeated in it are parsed once."""

    def __init__(self, zones: Zones, work: Work, window: tuple[int, int] | None) -> None:
        self.zones, self.work, self.window = zones, work, window
        self.days: dict[str, int | None] = {}  # YYYYMMDD to its midnight
        self.times: dict[str, int | None] = {}  # THHMMSSZ to seconds
        self.lengths: dict[str, int | None] = {}  # durations
        self.tails: dict[str, tuple[int, int] | None] = {}  # THHMMSSZ/duration to both
        self.types: dict[str, FBType] = {}

    def of(self, component: Component) -> tuple[list[Listed], bool]:
        """The periods of a component that touch the window, and whether all could be read."""
        found: list[Listed] = []
        bad = 0
        for line in component.lines:
            if line.name != "FREEBUSY":
                continue
            if self.work.exhausted:
                break
            zone = _zone(line, component, self.zones) if "TZID" in line.params else None
            fbtype = self.fbtype(line.params.get("FBTYPE"))
            bad += self.read_values(line.value, line.offset, fbtype, zone, component, found)
        return found, not bad

    def read_values(
        self,
        values: str,
        offset: int,
        fbtype: FBType,
        zone: Zone | None,
        component: Component,
        found: list[Listed],
    ) -> int:
        """Add the periods of one line, and count those that cannot be read, each a Problem."""
        bad = 0
        if not self.work.spend(1 + values.count(",")):
            return 0
        for value in values.split(","):
            tail = self.tails.get(value[8:])
            day = self.days.get(value[:8]) if tail else None
            if tail is not None and day is not None:
                start, end = day + tail[0], day + tail[0] + tail[1]
            elif value.strip():
                span = self.span(value, zone)
                if span is None:
                    bad += 1
                    self.work.problem(
                        *oddity("bad_period"),
                        offset=offset,
                    )
                    continue
                start, end = span
            else:
                continue
            if self.touches(start, end):
                found.append(Listed(start, end, fbtype, component))
        return bad

    def touches(self, start: int, end: int) -> bool:
        """Whether a period has a length and touches the window."""
        return start < end and (
            self.window is None or (start < self.window[1] and end > self.window[0])
        )

    def tell_odd(self, code: str, message: str, action: str) -> None:
        """Report an oddity once per body, as a publisher repeats it in every line."""
        if self.work.count(code) == 1:
            self.work.problem(code, message, action)

    def span(self, value: str, zone: Zone | None) -> tuple[int, int] | None:
        """One period, from the texts parsed before if possible."""
        begin, _, rest = value.partition("/")
        start = self.instant(begin, zone)
        if start is None:
            return None
        if "P" in rest.upper():
            if rest not in self.lengths:
                self.lengths[rest] = self.length(rest)
            length = self.lengths[rest]
            if length is not None:
                time = self.times.get(begin[8:])
                if time is not None:
                    self.tails[value[8:]] = time, length
                return start, start + length
        end = self.instant(rest, zone)
        return None if end is None or end < start else (start, end)

    def instant(self, text: str, zone: Zone | None) -> int | None:
        """The epoch second of a time in UTC. Other forms are parsed in full."""
        if len(text) == 16 and text[15] == "Z" and text.isascii():
            day, time = text[:8], text[8:]
            if day not in self.days:
                written = read_moment(day) if day.isdigit() else None
                self.days[day] = None if written is None else written.local
            if time not in self.times:
                written = read_moment(f"19700101{time}")
                self.times[time] = written.local if written and written.is_utc else None
            days, seconds = self.days[day], self.times[time]
            if days is not None and seconds is not None:
                return days + seconds
        written = read_moment(text)
        if written is not None and written.odd_digits:
            self.tell_odd(*oddity("odd_digits/period"))
        return _instant(text, zone)

    def length(self, text: str) -> int | None:
        """The seconds of a duration."""
        duration = parse_duration(text)
        if duration is not None and duration.misplaced:
            self.tell_odd(*oddity("odd_duration/period"))
        return _length(text)

    def fbtype(self, token: str | None) -> FBType:
        if token is None:
            return FBType.BUSY
        if token not in self.types:
            self.types[token] = FBType.from_token(token)
        return self.types[token]


def _length(text: str) -> int | None:
    duration = parse_duration(text)
    if duration is None or duration.empty:
        return None
    return duration.extent.about  # in UTC, where every day has 24 hours


def _span(value: str) -> tuple[int, int] | None:
    """One period in UTC."""
    begin, _, rest = value.partition("/")
    start, length = _instant(begin), _length(rest)
    end = _instant(rest) if length is None or start is None else start + length
    return None if start is None or end is None or end < start else (start, end)


@discreet
def write_freebusy(free_busy: FreeBusy, *, uid: str, dtstamp: datetime) -> bytes:
    """Write free/busy as an iCalendar object (RFC 5545 section 3.6.4), UTF-8 with CRLF lines.

    One VFREEBUSY is written for each known stretch, so that unknown time stays unknown. FREE and
    WORKING-ELSEWHERE are left out, because no standard FBTYPE means them. ``uid`` names the first
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
    # If no time is known, one VFREEBUSY without bounds and periods is written, which covers no
    # time.
    for number, stretch in enumerate(known or [None], 1):
        component = Component_()
        component.add("uid", uid if number == 1 else f"{uid}-{number}")
        component.add("dtstamp", stamp)
        if stretch is not None:
            component.add("dtstart", instant(stretch[0]))
            component.add("dtend", instant(stretch[1]))
            for start, end, code in _blocking(free_busy, *stretch):
                period = vPeriod((instant(start), instant(end)))
                component.add("freebusy", period, {"FBTYPE": fbtype_of(code).token})
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
    epochs = free_busy.epochs  # sorted and disjoint; there may be as many known stretches as these
    for index in range(bisect_right(epochs, lo, key=itemgetter(1)), len(epochs)):
        start, end, code = epochs[index]
        if start >= hi:
            return
        if code > _ELSEWHERE:
            yield max(start, lo), min(end, hi), code


@discreet
def read_freebusy(
    data: bytes | bytearray | memoryview | str | SupportsToIcal,
    start: datetime | None = None,
    end: datetime | None = None,
) -> FreeBusy:
    """Read the VFREEBUSYs of an iCalendar object (RFC 5545 section 3.6.4) as one FreeBusy.

    The window is ``[start, end)`` (aware, both or none), else the one that
    :func:`write_freebusy` noted, else from the first to the last moment that a VFREEBUSY covers.
    Time that no VFREEBUSY covers is unknown. Raises NotACalendar when there is no calendar,
    ValueError when nothing bounds the window, or when there are VEVENTs: those are for
    :func:`expand`.
    """
    if (start is None) != (end is None):
        raise TypeError("pass both start and end, or neither")
    raw = to_bytes(data)
    work = Work(Limits())
    stream = read(raw, work)
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
    covered = FreeBusy.from_epochs(lo, hi, [(*known, code_of(FBType.BUSY)) for known in said.known])
    silent = covered.free(duration=timedelta(seconds=1))
    busy = [(one.start, one.end, code_of(one.fbtype)) for one in said.listed]
    unknown = [(epoch(gap.start), epoch(gap.end)) for gap in silent]
    found = answered | FreeBusy.from_epochs(lo, hi, busy, unknown)
    return asked_in(found, None if start is None else start.tzinfo)


def _window(stream: Stream, said: Published) -> tuple[int, int]:
    for head in stream.calendars:
        if head.window is not None:
            span = _span(head.window)
            if span is not None and span[0] < span[1]:
                return span
    if not said.known:
        raise ValueError("no VFREEBUSY in this says anything; pass start and end")
    return min(known[0] for known in said.known), max(known[1] for known in said.known)
