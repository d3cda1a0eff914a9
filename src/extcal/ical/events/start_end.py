"""When one VEVENT starts, and how long it lasts (RFC 5545 sections 3.6.1, 3.8.2).

In: its lines. Out: each start that it may have, and the end for a start. A value that is repeated,
is unreadable, or has no zone beside one that has a zone is read in the way that blocks the most,
and is reported.
"""

from __future__ import annotations

from extcal.ical.budget import Work
from extcal.ical.events.facts import by_name
from extcal.ical.events.times import (
    DAY,
    LONGEST,
    Duration,
    Extent,
    Moment,
    Wall,
    parse_day,
    parse_duration,
    parse_moment,
    read_moment,
)
from extcal.ical.parse.components import Component
from extcal.ical.parse.content_lines import Line
from extcal.ical.zones.resolve import Zone, Zones
from extcal.messages.problems import oddity
from extcal.values import NamedTuple

__all__ = [
    "Source",
    "Start",
    "Stay",
    "start_in",
    "starts",
    "stay",
    "tell_floating_end",
]

_WHOLE_DAY, _NOTHING = Extent(1, 0), Extent(0, 0)


class Source:
    """One component that is being read: its lines, its zones, and where oddities are reported.

    ``doubtful`` becomes True once a value with several possible meanings was read.
    ``floating`` is the zone of a time without one; None means that of the caller or the feed.
    """

    __slots__ = (
        "_recurs",
        "calendar",
        "doubtful",
        "floating",
        "lent",
        "lines",
        "offset",
        "told",
        "uid",
        "work",
        "zones",
    )

    def __init__(
        self, component: Component, zones: Zones, work: Work, floating: Zone | None = None
    ) -> None:
        self.lines = by_name(component.lines)
        self.calendar, self.offset = component.calendar, component.offset
        self.uid = min((line.value.strip() for line in self.lines.get("UID", ())), default="")
        self.zones, self.work, self.floating = zones, work, floating
        self.doubtful = False
        self.told: set[tuple[str, int]] = set()
        self.lent: dict[bool, Zone | None] = {}  # results of _zone_of_end
        self._recurs: bool | None = None

    def tell(
        self, code: str, message: str, action: str, line: Line | None = None, *, doubt: bool = False
    ) -> None:
        """Report an oddity once per line. ``doubt``: the line was read by a guess."""
        offset = self.offset if line is None else line.offset
        self.doubtful |= doubt
        if (code, offset) not in self.told:
            self.told.add((code, offset))
            self.work.problem(code, message, action, offset=offset, uid=self.uid or None)

    def moment(self, line: Line, series: Zone | None = None) -> Moment | None:
        """Read a DATE or DATE-TIME; too many or too few digits are reported."""
        written = read_moment(line.value)
        if written is None:
            return None
        if written.odd_digits:
            self.tell(
                *oddity("odd_digits", name=line.name),
                line,
            )
        return parse_moment(line, self.calendar, self.zones, series=series)

    @property
    def recurs(self) -> bool:
        """Whether it may have several instances, whose lengths may differ from the first's."""
        if self._recurs is None:  # once, as an event may have thousands of DTENDs that ask
            lines = self.lines
            self._recurs = bool({"RRULE", "RDATE"} & lines.keys()) or any(
                "RANGE" in line.params for line in lines.get("RECURRENCE-ID", ())
            )
        return self._recurs


class Start(NamedTuple):
    """One DTSTART: its moment, or the midnight of its day if only that can be read."""

    moment: Moment
    day_alone: bool


class Stay(NamedTuple):
    """The start and end of the first instance.

    ``has_end`` is False if no property gives an end. ``of_day``: part of its time is unreadable, so
    it blocks a whole local day.
    """

    start: Moment
    extent: Extent
    has_end: bool = True
    of_day: bool = False

    @property
    def end(self) -> int:
        """The epoch second at which the first instance ends."""
        return self.extent.end(self.start.local, self.start.epoch, self.start.zone)


# --- the start ------------------------------------------------------------------------------


def starts(source: Source) -> list[Start]:
    """Return the different starts that the DTSTART lines say, sorted; none if no day is readable.

    A line without a readable day is ignored, because text may look like a property (quirk Q021).
    """
    found: set[Start] = set()
    lines = source.lines.get("DTSTART", ())
    for line in lines:
        start = _start(source, line)
        if start is not None:
            found.add(start)
    if len(found) > 1:
        source.tell(
            *oddity("property_repeated/starts", count=len(found)),
            source.lines["DTSTART"][0],
            doubt=True,
        )
    return sorted(found, key=_order)


def _order(start: Start) -> tuple[object, ...]:
    moment, zone = start.moment, start.moment.zone
    return moment.epoch, moment.is_date, start.day_alone, zone.source, zone.name, moment.floating


def _start(source: Source, line: Line) -> Start | None:
    written = read_moment(line.value)
    if written is not None:
        if written.is_date:
            zone = _zone_of_end(source, explicit=False)
            if zone is not None:  # a DATE takes the zone of its timed DTEND (quirk Q069)
                _tell_foreign_midnight(source, line, zone)
                return Start(Moment(written.local, True, zone, True), False)
            moment = source.moment(line, source.floating)
        else:
            moment = source.moment(line, _lent_zone(source, line) or source.floating)
        return None if moment is None else Start(_unfloated(source, line, moment), False)
    lent = _lent_zone(source, line) or source.floating
    day = parse_day(line, source.calendar, source.zones, series=lent)
    if day is None:
        return None
    if day.is_date:
        source.tell(*oddity("odd_digits/date"), line)
        return Start(day, False)
    source.tell(
        *oddity("unreadable_start"),
        line,
        doubt=True,
    )
    return Start(_unfloated(source, line, day), True)


def _lent_zone(source: Source, line: Line) -> Zone | None:
    """The zone for a DTSTART without one: that of a DTEND with a TZID."""
    if line.params.get("TZID"):
        return None
    return _zone_of_end(source, explicit=True)


def _unfloated(source: Source, line: Line, moment: Moment) -> Moment:
    """The start in the zone of its DTEND, if it has none itself."""
    if not moment.floating or moment.is_date or _lent_zone(source, line) is None:
        return moment
    source.tell(
        *oddity("floating_start"),
        line,
    )
    return moment._replace(floating=False)


def _zone_of_end(source: Source, *, explicit: bool) -> Zone | None:
    """The zone of the last timed DTEND that has one; ``explicit``: by its TZID, not by "Z"."""
    if explicit in source.lent:
        return source.lent[explicit]
    found: list[Moment] = []
    for line in source.lines.get("DTEND", ()):
        written = read_moment(line.value)
        if written is None or written.is_date:
            continue
        if explicit and (written.is_utc or written.offset is not None):
            continue
        end = parse_moment(line, source.calendar, source.zones, series=source.zones.utc)
        if end is not None and not end.floating and not end.is_date:
            found.append(end)
    last = max(found, key=lambda end: (end.epoch, end.zone.name), default=None)
    source.lent[explicit] = None if last is None else last.zone
    return source.lent[explicit]


def _tell_foreign_midnight(source: Source, line: Line, zone: Zone) -> None:
    """Report a date in another zone than the owner's, if the caller or the feed names that."""
    own = source.floating or source.zones.floating(source.calendar)
    if own is not None and own.name != zone.name:
        source.tell(
            *oddity("date_with_timed_end"),
            line,
        )


def start_in(source: Source, moment: Moment, zone: Zone, *, told: bool) -> Moment:
    """Return a floating start of an override in the zone of its series."""
    if told:
        source.tell(
            *oddity("floating_override"),
        )
    return moment._replace(zone=zone)


# --- the end --------------------------------------------------------------------------------


def stay(source: Source, start: Start) -> Stay:
    """Return the first instance (3.6.1): DTEND, else DURATION; without both a DATE lasts a day.

    Of several ends the latest counts.
    """
    lines = source.lines
    ends, durations = lines.get("DTEND", []), lines.get("DURATION", [])
    found: list[Stay] = []
    unreadable: list[Line] = []
    for line in ends:
        one = _dtend(source, start, line)
        found += [] if one is None else [one]
        unreadable += [line] if one is None else []
    for line in durations:
        duration = parse_duration(line.value)
        if duration is None:
            unreadable.append(line)
        else:
            _tell_duration(source, duration, line)
            found += [] if duration.empty else [_duration(start, duration)]
    if not found and unreadable:
        line = unreadable[0]
        source.tell(
            *oddity("unreadable_end", name=line.name),
            line,
            doubt=True,
        )
        found.append(_day(source, start.moment))
    if not found:
        moment = start.moment
        if start.day_alone:
            return Stay(moment, _WHOLE_DAY, has_end=True, of_day=True)
        return Stay(moment, _WHOLE_DAY if moment.is_date else _NOTHING, has_end=False)
    _tell_several(source, ends, durations, found)
    return max(found, key=lambda one: (one.end, one.start.epoch, one.extent[:2]))


def _tell_several(
    source: Source, ends: list[Line], durations: list[Line], found: list[Stay]
) -> None:
    if ends and durations:
        source.tell(*oddity("end_twice"))
        source.doubtful |= len({one.end for one in found}) > 1
    for lines in (ends, durations):
        if len({line.value.strip() for line in lines} - {""}) > 1:
            source.tell(
                *oddity("property_repeated/ends", name=lines[0].name),
                lines[0],
                doubt=True,
            )


def _dtend(source: Source, start: Start, line: Line) -> Stay | None:
    """The first instance by a DTEND; None if not even the day of the DTEND can be read."""
    moment = start.moment
    lent = None if moment.is_date else moment.zone  # for a DTEND without a zone
    end = source.moment(line, lent)
    if end is None:
        return _end_of_day(source, start, line, lent)
    if end.floating and not end.is_date and not (moment.is_date or moment.floating):
        tell_floating_end(source, line)
    if start.day_alone:
        return _until(source, moment, end)
    if moment.is_date:
        return _end_of_date(source, moment, end, line)
    if end.is_date:
        source.tell(
            *oddity("end_is_date"),
            line,
        )
        end = Moment(end.local, False, moment.zone)
        if moment.local - moment.local % DAY == end.local:
            end = end._replace(local=end.local + DAY)  # the end of that day
    length = moment.until(end.local, end.zone)
    if length <= 0 and end.zone is moment.zone and end.local > moment.local:
        length = end.local - moment.local  # the end is first only because of a DST gap
    if length < 0:
        _tell_inverted(source, line)
        return _day(source, moment)
    return Stay(moment, _timed(source, moment, end, length))


def tell_floating_end(source: Source, line: Line) -> None:
    """Report a DTEND without a zone, which takes that of its DTSTART."""
    source.tell(
        *oddity("floating_end"),
        line,
    )


def _timed(source: Source, start: Moment, end: Moment, length: int) -> Extent:
    wall = None
    if source.recurs and not (start.zone is end.zone is source.zones.utc):
        wall = Wall(end.local - start.local, end.zone)
    return Extent(0, min(length, LONGEST), wall)


def _end_of_date(source: Source, start: Moment, end: Moment, line: Line) -> Stay:
    """A DATE ends with a DATE, or becomes midnight where its timed end is (quirk Q069).

    23:59 means the end of that day. An event that would have no length stays a whole day.
    """
    if end.is_date:
        days = (end.local - start.local) // DAY
        if days < 0:
            _tell_inverted(source, line)
        return Stay(start, Extent(max(1, days), 0))
    if end.local % DAY >= DAY - 60:
        end = end._replace(local=end.local - end.local % DAY + DAY)
    midnight = Moment(start.local, False, end.zone)
    length = midnight.until(end.local, end.zone)
    if length > 0:
        return Stay(midnight, _timed(source, midnight, end, length))
    if length < 0:
        _tell_inverted(source, line)
    return Stay(start, _WHOLE_DAY)


def _tell_inverted(source: Source, line: Line) -> None:
    source.tell(
        *oddity("end_before_start"),
        line,
        doubt=True,
    )


def _day(source: Source, start: Moment) -> Stay:
    """The start is readable and the end is not, so the whole local day is busy.

    A start in UTC blocks the owner's day. If that day has another date than the start has in UTC,
    the rule in UTC cannot generate it. Then each instance lasts to the end of the owner's day.
    """
    if start.zone.source == "utc" and not start.is_date:
        zone = source.floating or source.zones.floating(source.calendar) or start.zone
        local = zone.to_local(start.epoch)
        if source.recurs and local // DAY != start.local // DAY:
            return Stay(start, Extent(0, DAY - local % DAY))
        start = Moment(local, False, zone)
    midnight = start._replace(local=start.local - start.local % DAY)
    return Stay(midnight, _WHOLE_DAY, of_day=not start.is_date)


def _until(source: Source, midnight: Moment, end: Moment) -> Stay:
    """From midnight, as the start's time is unknown, to the end, at least through that day."""
    if end.is_date:
        end = Moment(end.local, False, midnight.zone)
    length = midnight.until(end.local, end.zone)
    if length <= Extent(1, 0).end(midnight.local, midnight.epoch, midnight.zone) - midnight.epoch:
        return Stay(midnight, _WHOLE_DAY, of_day=True)
    return Stay(midnight, _timed(source, midnight, end, length), of_day=True)


def _end_of_day(source: Source, start: Start, line: Line, lent: Zone | None) -> Stay | None:
    """For a DTEND with an unreadable time: from the day of the start to the end of its own day."""
    day = parse_day(line, source.calendar, source.zones, series=lent)
    if day is None:
        return None
    source.tell(*oddity("unreadable_end/time"), line, doubt=True)
    found = _day(source, start.moment)
    if day.is_date or day.zone.to_local(start.moment.epoch) >= day.local:
        return found
    midnight = found.start
    behind = Moment(day.local + DAY, False, day.zone)
    if behind.zone is midnight.zone:
        days = (behind.local - midnight.local) // DAY
        return found._replace(extent=Extent(days, 0))
    return found._replace(extent=Extent(0, midnight.until(behind.local, behind.zone)))


def _duration(start: Start, duration: Duration) -> Stay:
    moment, extent = start.moment, duration.extent
    if start.day_alone or moment.is_date:
        # 3.6.1 allows a DATE only weeks and days. A part of a day blocks the whole day.
        days = max(1, extent.days + -(-extent.seconds // DAY))
        days += start.day_alone and days > 1  # it starts at an unknown time of the first day
        extent = Extent(days, 0)
    return Stay(moment, extent, of_day=start.day_alone)


def _tell_duration(source: Source, duration: Duration, line: Line) -> None:
    if duration.empty:
        source.tell(*oddity("empty_duration"), line)
    elif duration.negative:
        source.tell(*oddity("negative_duration"), line, doubt=True)
    if duration.misplaced:
        source.tell(
            *oddity("odd_duration", value=line.value.strip()[:40]),
            line,
        )
