"""One VEVENT component in, a typed Event out (RFC 5545 sections 3.6.1, 3.8.2, 3.8.5).

Nothing here raises on what a feed says. A value that cannot be read becomes a Problem, and the
reading that blocks time is taken: an event with a readable start and nothing else blocks its day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from extcal.ical import recurrence
from extcal.ical.budget import Work
from extcal.ical.events.rdate_exdate import Dates
from extcal.ical.events.times import (
    DAY,
    LONGEST,
    Duration,
    Extent,
    Moment,
    parse_duration,
    parse_moment,
    parse_text,
    read_moment,
)
from extcal.ical.parse.components import Component
from extcal.ical.parse.content_lines import Line
from extcal.ical.shortcuts.plain_blocks import Block
from extcal.ical.zones.resolve import Zones

__all__ = ["ALL_DAY_FLAGS", "FACTS", "Event", "event", "read_late"]


_MANY_RULES = 1_000


class Event:
    """One VEVENT, typed: what its instances are computed from, and what makes them busy."""

    __slots__ = (
        "all_day",
        "attendees",
        "calendar",
        "detached",
        "dtstamp",
        "exdates",
        "exrules",
        "extent",
        "facts",
        "has_end",
        "last_modified",
        "late",
        "location",
        "offset",
        "private",
        "rdates",
        "recurrence_id",
        "rules",
        "sequence",
        "span",
        "start",
        "summary",
        "this_and_future",
        "tie",
        "uid",
    )
    sequence: int
    dtstamp: int
    last_modified: int
    summary: str | None
    location: str | None

    def __init__(self, component: Component | Block, uid: str, start: Moment) -> None:
        self.calendar = component.calendar
        self.offset = component.offset
        self.span = (component.offset, component.end)  # of its bytes
        self.uid = uid
        self.start = start
        self.all_day = start.is_date
        self.extent = _WHOLE_DAY if start.is_date else _NOTHING
        self.has_end = False
        self.rules: tuple[recurrence.Rule, ...] = ()
        self.exrules: tuple[recurrence.Rule, ...] = ()
        self.rdates: list[tuple[Moment, Extent | None]] = []
        self.exdates: list[Moment] = []
        self.recurrence_id: Moment | None = None
        self.detached = False  # an override of nobody knows which instance
        self.this_and_future = False
        self.tie: tuple[str, ...] = ()  # orders copies that only their VCALENDARs tell apart
        self.private = False
        self.facts: Mapping[str, str] = _NO_FACTS  # STATUS, TRANSP, the BUSYSTATUS family
        self.attendees: tuple[Line, ...] = ()
        self.late: Callable[[Event], None] | None = None  # sets what nobody has asked for yet

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            """What only few ask for is read when they do: see ``read_late``."""
            late = None if name == "late" else self.late
            if late is None or name not in _LATE:
                raise AttributeError(name)
            self.late = None
            late(self)
            return getattr(self, name)

    @property
    def recurs(self) -> bool:
        return bool(self.rules or self.rdates)


FACTS = frozenset(
    {
        "STATUS",
        "TRANSP",
        "X-MICROSOFT-CDO-BUSYSTATUS",
        "X-MICROSOFT-MSNCALENDAR-BUSYSTATUS",
        "X-MICROSOFT-CDO-INTENDEDSTATUS",
        "X-MICROSOFT-MSNCALENDAR-INTENDEDSTATUS",
    }
)
ALL_DAY_FLAGS = (
    "X-MICROSOFT-CDO-ALLDAYEVENT",
    "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT",
    "X-FUNAMBOL-ALLDAY",
)

_LATE = frozenset({"sequence", "dtstamp", "last_modified", "summary", "location"})
_NO_FACTS: Mapping[str, str] = MappingProxyType({})
_WHOLE_DAY, _NOTHING = Extent(1, 0), Extent(0, 0)

_Lines = dict[str, list[Line]]


def event(component: Component, zones: Zones, work: Work) -> Event | None:
    """Type one VEVENT; None (and a Problem ``event_lost``) when its start cannot be read."""
    lines = _by_name(component.lines)
    uid = lines["UID"][0].value.strip() if "UID" in lines else ""
    start = _start(lines, component.calendar, zones)
    if start is None:
        what = "cannot be read" if "DTSTART" in lines else "is missing"
        work.problem(
            "event_lost",
            f"the DTSTART of an event {what}",
            offset=component.offset,
            uid=uid or None,
            action="left out",
        )
        return None
    found = Event(component, uid, start)
    _read_plain(found, lines)
    _read_end(found, lines, zones, work)
    _read_all_day_flag(found, lines, zones)
    _read_recurrence(found, lines, zones, work)
    return found


def _by_name(given: Iterable[Line]) -> _Lines:
    lines: _Lines = {}
    for line in given:
        lines.setdefault(line.name, []).append(line)
    return lines


def _start(lines: _Lines, calendar: int, zones: Zones) -> Moment | None:
    """The first DTSTART that can be read; a DATE lives where its timed DTEND does (quirk Q069)."""
    for line in lines.get("DTSTART", ()):
        written = read_moment(line.value)
        if written is None:
            continue
        if written.is_date and "DTEND" in lines:
            _, end = _first_moment(lines["DTEND"], calendar, zones)
            if end is not None and not end.floating:
                return Moment(written.local, True, end.zone, True)
        return parse_moment(line, calendar, zones)
    return None


def _first_moment(
    lines: Sequence[Line], calendar: int, zones: Zones
) -> tuple[Line | None, Moment | None]:
    """The first of several that can be read: raw text may look like a property (quirk Q021)."""
    for line in lines:
        moment = parse_moment(line, calendar, zones)
        if moment is not None:
            return line, moment
    return None, None


def _read_plain(found: Event, lines: _Lines) -> None:
    said = {name: lines[name][0].value.strip().upper() for name in FACTS & lines.keys()}
    found.facts = {name: value for name, value in said.items() if value}
    if "CLASS" in lines:
        found.private = lines["CLASS"][0].value.strip().upper() not in {"", "PUBLIC"}
    found.attendees = tuple(lines.get("ATTENDEE", ()))
    _read_late(found, lines)


def read_late(found: Event, lines: Iterable[Line]) -> None:
    """Read titles, which only who shows them needs, and what tells versions of one UID apart."""
    _read_late(found, _by_name(lines))


def _read_late(found: Event, lines: _Lines) -> None:
    found.summary = parse_text(lines["SUMMARY"][0].value) if "SUMMARY" in lines else None
    found.location = parse_text(lines["LOCATION"][0].value) if "LOCATION" in lines else None
    digits = lines["SEQUENCE"][0].value.strip() if "SEQUENCE" in lines else ""
    readable = digits.isascii() and digits.isdigit() and len(digits) < 11
    found.sequence = int(digits) if readable else 0
    found.dtstamp = _stamp(lines.get("DTSTAMP"))
    found.last_modified = _stamp(lines.get("LAST-MODIFIED"))


def _stamp(lines: list[Line] | None) -> int:
    """These are UTC by 3.8.7; only their order matters here."""
    written = read_moment(lines[0].value) if lines else None
    return 0 if written is None else written.utc


# --- the end --------------------------------------------------------------------------------


def _read_end(found: Event, lines: _Lines, zones: Zones, work: Work) -> None:
    """3.6.1: DTEND, else DURATION, else one day for a DATE and nothing for a DATE-TIME."""
    ends, durations = lines.get("DTEND", []), lines.get("DURATION", [])
    if ends and durations:
        work.problem(
            "end_twice",
            "both DTEND and DURATION",
            offset=found.offset,
            uid=found.uid,
            action="DTEND used",
        )
    line, end = _first_moment(ends, found.calendar, zones)
    if line is not None and end is not None:
        _read_dtend(found, end, line, work)
        return
    for line in durations:
        duration = parse_duration(line.value)
        if duration is not None:
            _read_duration(found, duration, line, work)
            return
    for line in [*ends, *durations]:
        _block_day(found, line, zones, work)
        return


def _read_dtend(found: Event, end: Moment, line: Line, work: Work) -> None:
    start = found.start
    if start.is_date and end.is_date:
        days = (end.local - start.local) // DAY
        _set_end(found, Extent(max(1, days), 0), days < 0, line, work)
    elif start.is_date:
        _read_timed_end_of_date(found, end, line, work)
    else:
        if end.is_date:
            end = Moment(end.local, False, start.zone)
            if start.local - start.local % DAY == end.local:
                end = end._replace(local=end.local + DAY)  # through that day
        length = end.epoch - start.epoch
        if length <= 0 and end.zone is start.zone and end.local > start.local:
            length = end.local - start.local  # only a DST gap turned it round
        _set_end(found, Extent(0, min(max(0, length), LONGEST)), length < 0, line, work)


def _read_timed_end_of_date(found: Event, end: Moment, line: Line, work: Work) -> None:
    """A DATE that ends with a DATE-TIME becomes midnight where that is (quirk Q069).

    23:59 means the end of that day. What would not last at all stays a whole day.
    """
    if end.local % DAY >= DAY - 60:
        end = end._replace(local=end.local - end.local % DAY + DAY)
    start = Moment(found.start.local, False, end.zone)
    length = end.epoch - start.epoch
    if length > 0:
        found.start = start
        found.all_day = False
        _set_end(found, Extent(0, min(length, LONGEST)), False, line, work)
    else:
        _set_end(found, Extent(1, 0), length < 0, line, work)


def _set_end(found: Event, extent: Extent, inverted: bool, line: Line, work: Work) -> None:
    found.extent = extent
    found.has_end = not inverted
    if inverted:
        work.problem(
            "end_before_start",
            "DTEND lies before DTSTART",
            offset=line.offset,
            uid=found.uid,
            action="DTEND ignored",
        )


def _read_duration(found: Event, duration: Duration, line: Line, work: Work) -> None:
    if duration.empty:
        work.problem(
            "empty_duration",
            "a DURATION without any length in it",
            offset=line.offset,
            uid=found.uid,
            action="ignored",
        )
        return
    if duration.negative:
        work.problem(
            "negative_duration",
            "a negative DURATION",
            offset=line.offset,
            uid=found.uid,
            action="its absolute value used",
        )
    extent = duration.extent
    if found.start.is_date:
        # 3.6.1: only weeks and days go with a DATE; a part of a day blocks that day.
        days = extent.days + -(-extent.seconds // DAY)
        extent = Extent(max(1, days), 0)
    found.has_end = True
    found.extent = extent


def _block_day(found: Event, line: Line, zones: Zones, work: Work) -> None:
    """The start is readable and the end is not: the whole local day is busy."""
    start = found.start
    if start.zone.source == "utc":
        zone = zones.floating(found.calendar) or start.zone
        start = Moment(zone.to_local(start.epoch), start.is_date, zone)
    found.start = start._replace(local=start.local - start.local % DAY)
    found.extent = Extent(1, 0)
    found.has_end = True
    work.problem(
        "unreadable_end",
        f"the {line.name} cannot be read",
        offset=line.offset,
        uid=found.uid,
        action="the day blocked",
    )


def _read_all_day_flag(found: Event, lines: _Lines, zones: Zones) -> None:
    """Microsoft's all-day events are midnight to midnight DATE-TIMEs with a flag (MS-OXCICAL).

    Written in UTC while the owner lives elsewhere, they mean dates.
    """
    start = found.start
    if start.is_date or not any(
        lines[name][0].value.strip().upper() in {"TRUE", "1"}
        for name in ALL_DAY_FLAGS
        if name in lines
    ):
        return
    end = start.zone.to_local(found.extent.end(start.local, start.epoch, start.zone))
    if start.zone.source == "utc":
        zone = zones.floating(found.calendar)
        if zone is not None and start.local % DAY == end % DAY == 0:
            start = Moment(start.local, False, zone)
        elif zone is not None and not {"RRULE", "RDATE"} & lines.keys():
            # The instants of the owner's midnights; a rule in UTC could not follow them.
            end = zone.to_local(found.extent.end(start.local, start.epoch, start.zone))
            start = Moment(zone.to_local(start.epoch), False, zone)
    if start.local % DAY == end % DAY == 0:
        found.start = start
        found.all_day = True
        found.extent = Extent(max(1, (end - start.local) // DAY), 0)


# --- the recurrence set ---------------------------------------------------------------------


def _read_recurrence(found: Event, lines: _Lines, zones: Zones, work: Work) -> None:
    if "RECURRENCE-ID" in lines:
        _read_recurrence_id(found, lines["RECURRENCE-ID"][0], zones, work)
    found.rules = _rules(found, lines.get("RRULE", ()), work)
    found.exrules = _rules(found, lines.get("EXRULE", ()), work)
    if "RDATE" in lines or "EXDATE" in lines:
        _read_dates(found, lines, zones, work)


def _read_recurrence_id(found: Event, line: Line, zones: Zones, work: Work) -> None:
    found.recurrence_id = parse_moment(line, found.calendar, zones, series=found.start.zone)
    if found.recurrence_id is None:
        found.detached = True
        work.problem(
            "bad_recurrence_id",
            "the RECURRENCE-ID cannot be read",
            offset=line.offset,
            uid=found.uid,
            action="read as an event of its own",
        )
    reach = line.params.get("RANGE", "").strip().upper()
    found.this_and_future = reach == "THISANDFUTURE"
    if reach and not found.this_and_future:
        work.problem(
            "range_unknown",
            f"RANGE={reach[:40]} is not a range of instances",
            offset=line.offset,
            uid=found.uid,
            action="read as one instance",
        )


def _rules(found: Event, lines: Sequence[Line], work: Work) -> tuple[recurrence.Rule, ...]:
    rules = []
    for line in lines:
        rule = work.rules.get(line.value)
        if rule is None:
            odd: list[tuple[str, str, str]] = []
            rule = recurrence.parse(line.value, lambda *told, odd=odd: odd.append(told))
            for code, message, action in odd:
                work.problem(code, message, offset=line.offset, uid=found.uid, action=action)
            if rule is not None and not odd and len(work.rules) < _MANY_RULES:
                work.rules[line.value] = rule  # series share a few
        if rule is not None:
            rules.append(rule)
    return tuple(rules)


def _read_dates(found: Event, lines: _Lines, zones: Zones, work: Work) -> None:
    limits = work.limits
    dates = Dates(found.calendar, found.start.zone, zones)
    taken = 0
    for name in ("RDATE", "EXDATE"):
        for line in lines.get(name, ()):
            values = [value for value in line.value.split(",") if value.strip()]
            size = len(values)
            room = limits.max_dates - work.count("dates", 0)
            room = max(0, min(room, limits.max_dates_per_series - taken))
            del values[room:]
            read = [date for date in dates.of(line, values) if date is not None]
            for _ in range(len(values) - len(read)):
                _bad_date(found, line, name, work)
            if name == "RDATE":
                found.rdates += read
            else:
                found.exdates += [moment for moment, _ in read]  # of a period the start counts
            taken += len(values)
            work.count("dates", len(values))
            if size > room:
                _too_many_dates(found, line, name, taken == limits.max_dates_per_series, work)
                return


def _bad_date(found: Event, line: Line, name: str, work: Work) -> None:
    work.problem(
        "bad_date",
        f"a value of {name} cannot be read",
        offset=line.offset,
        uid=found.uid,
        action="ignored",
    )


def _too_many_dates(found: Event, line: Line, name: str, series: bool, work: Work) -> None:
    """Excess RDATEs are busy time nobody knows; excess EXDATEs only leave instances busy."""
    limit = "max_dates_per_series" if series else "max_dates"
    message = f"more than {getattr(work.limits, limit):,} dates in RDATE and EXDATE"
    if name == "RDATE":
        work.exceeded(limit, message, offset=line.offset, uid=found.uid)
    else:
        work.problem(
            limit, message, offset=line.offset, uid=found.uid, action="instances left busy"
        )
