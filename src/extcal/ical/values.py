"""Property values (RFC 5545 section 3.3): a VEVENT component in, a typed Event out.

Nothing here raises on what a feed says. A value that cannot be read becomes a Problem, and the
reading that blocks time is taken: an event with a readable start and nothing else blocks its day.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, NamedTuple

from extcal.ical import recurrence
from extcal.ical.components import Component
from extcal.ical.lines import Line
from extcal.ical.work import Work
from extcal.ical.zones import Zone, Zones

__all__ = ["DAY", "Event", "Extent", "Moment", "event", "parse_duration", "parse_moment"]

DAY: Final = 86_400
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()

# date-time = date "T" time; 3.3.4, 3.3.5, 3.3.12. Dashes, colons, missing seconds and a numeric
# offset are not in the grammar; producers write them, and they leave no doubt.
_MOMENT = re.compile(
    r"\s*(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[Tt ](\d\d):?(\d\d)(?::?(\d\d)(?:\.\d+)?)?\s*([Zz]|[+-]\d\d:?\d\d)?)?\s*\Z"
)
# dur-value, 3.3.6, but each unit at most once, a missing "T" allowed, and a sign anywhere useful
_DURATION = re.compile(
    r"\s*([+-]?)P(?:(\d{1,10})W)?(?:(\d{1,10})D)?"
    r"(?:T?(?:(\d{1,10})H)?(?:(\d{1,10})M)?(?:(\d{1,10})S)?)?\s*\Z",
    re.I,
)
_LONGEST: Final = 400 * 366 * DAY  # no arithmetic leaves the years that datetime knows


class Moment(NamedTuple):
    """A point in time as a feed wrote it: local seconds (a DATE is its midnight) and the zone."""

    local: int
    is_date: bool
    zone: Zone

    @property
    def epoch(self) -> int:
        return self.zone.to_epoch(self.local)


class Extent(NamedTuple):
    """How long each instance lasts (3.6.1, 3.8.5.3): ``days`` nominal, then ``seconds`` exact."""

    days: int
    seconds: int

    def end(self, local: int, epoch: int, zone: Zone) -> int:
        """Return the epoch second at which an instance that starts at ``local`` ends."""
        if self.days:
            epoch = zone.to_epoch(local + self.days * DAY)
        return epoch + self.seconds

    @property
    def about(self) -> int:
        """An upper bound in seconds, whatever the zone does meanwhile."""
        return self.days * DAY + self.seconds


class Event:
    """One VEVENT, typed: what its instances are computed from, and what makes them busy."""

    __slots__ = (
        "all_day",
        "attendees",
        "calendar",
        "content",
        "dtstamp",
        "exdates",
        "exrules",
        "extent",
        "facts",
        "has_end",
        "last_modified",
        "location",
        "offset",
        "private",
        "rdates",
        "recurrence_id",
        "rules",
        "sequence",
        "start",
        "summary",
        "this_and_future",
        "uid",
    )

    def __init__(self, component: Component, uid: str, start: Moment) -> None:
        self.calendar = component.calendar
        self.offset = component.offset
        self.content = (component.offset, component.end)
        self.uid = uid
        self.start = start
        self.all_day = start.is_date
        self.extent = Extent(1, 0) if start.is_date else Extent(0, 0)
        self.has_end = False
        self.rules: tuple[recurrence.Rule, ...] = ()
        self.exrules: tuple[recurrence.Rule, ...] = ()
        self.rdates: list[tuple[Moment, Extent | None]] = []
        self.exdates: list[Moment] = []
        self.recurrence_id: Moment | None = None
        self.this_and_future = False
        self.sequence = 0
        self.dtstamp = 0
        self.last_modified = 0
        self.summary: str | None = None
        self.location: str | None = None
        self.private = False
        self.facts: dict[str, str] = {}  # STATUS, TRANSP, the BUSYSTATUS family; upper case
        self.attendees: tuple[Line, ...] = ()

    @property
    def recurs(self) -> bool:
        return bool(self.rules or self.rdates)


_FACTS = frozenset(
    {
        "STATUS",
        "TRANSP",
        "X-MICROSOFT-CDO-BUSYSTATUS",
        "X-MICROSOFT-MSNCALENDAR-BUSYSTATUS",
        "X-MICROSOFT-CDO-INTENDEDSTATUS",
        "X-MICROSOFT-MSNCALENDAR-INTENDEDSTATUS",
    }
)
_ALL_DAY_FLAGS = (
    "X-MICROSOFT-CDO-ALLDAYEVENT",
    "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT",
    "X-FUNAMBOL-ALLDAY",
)


def event(component: Component, zones: Zones, work: Work) -> Event | None:
    """Type one VEVENT; None (and a Problem ``event_lost``) when its start cannot be read."""
    lines: dict[str, list[Line]] = {}
    for line in component.lines:
        lines.setdefault(line.name, []).append(line)
    uid = lines["UID"][0].value.strip() if "UID" in lines else ""
    start = _start(component, lines, zones, uid, work)
    if start is None:
        return None
    found = Event(component, uid, start)
    _read_plain(found, lines)
    _read_end(found, lines, zones, work)
    _read_all_day_flag(found, lines, zones)
    _read_recurrence(found, lines, zones, work)
    return found


def _start(
    component: Component, lines: dict[str, list[Line]], zones: Zones, uid: str, work: Work
) -> Moment | None:
    for line in lines.get("DTSTART", ()):
        start = parse_moment(line, component.calendar, zones)
        if start is not None:
            return start
    what = "cannot be read" if "DTSTART" in lines else "is missing"
    work.problem(
        "event_lost",
        f"the DTSTART of an event {what}",
        offset=component.offset,
        uid=uid or None,
        action="left out",
    )
    return None


def _read_plain(found: Event, lines: dict[str, list[Line]]) -> None:
    for name in _FACTS & lines.keys():
        value = lines[name][0].value.strip().upper()
        if value:
            found.facts[name] = value
    if "SUMMARY" in lines:
        found.summary = text(lines["SUMMARY"][0].value)
    if "LOCATION" in lines:
        found.location = text(lines["LOCATION"][0].value)
    if "CLASS" in lines:
        found.private = lines["CLASS"][0].value.strip().upper() not in {"", "PUBLIC"}
    if "SEQUENCE" in lines:
        digits = lines["SEQUENCE"][0].value.strip()
        found.sequence = (
            int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 11 else 0
        )
    found.dtstamp = _stamp(lines.get("DTSTAMP"))
    found.last_modified = _stamp(lines.get("LAST-MODIFIED"))
    found.attendees = tuple(lines.get("ATTENDEE", ()))


def _stamp(lines: list[Line] | None) -> int:
    """These are UTC by 3.8.7; only their order matters here."""
    written = read_moment(lines[0].value) if lines else None
    return 0 if written is None else written[0]


def _read_end(found: Event, lines: dict[str, list[Line]], zones: Zones, work: Work) -> None:
    """3.6.1: DTEND, else DURATION, else one day for a DATE and nothing for a DATE-TIME."""
    if "DTEND" in lines and "DURATION" in lines:
        work.problem(
            "end_twice",
            "both DTEND and DURATION",
            offset=found.offset,
            uid=found.uid,
            action="DTEND used",
        )
    if "DTEND" in lines:
        _read_dtend(found, lines["DTEND"][0], zones, work)
    elif "DURATION" in lines:
        _read_duration(found, lines["DURATION"][0], work)


def _read_dtend(found: Event, line: Line, zones: Zones, work: Work) -> None:
    end = parse_moment(line, found.calendar, zones)
    if end is None:
        _block_day(found, line, "DTEND", work)
        return
    start = found.start
    if start.is_date and not end.is_date:
        # The DATE becomes midnight where the end is; 23:59 means the end of that day.
        if end.local % DAY >= DAY - 60:
            end = end._replace(local=end.local - end.local % DAY + DAY)
        start = found.start = Moment(start.local, False, end.zone)
        found.all_day = False
        found.extent = Extent(0, 0)
    elif end.is_date and not start.is_date:
        end = Moment(end.local, False, start.zone)
        if start.local - start.local % DAY == end.local and start.local != end.local:
            end = end._replace(local=end.local + DAY)
    if start.is_date:
        days = (end.local - start.local) // DAY
        found.has_end = days >= 0
        found.extent = Extent(max(1, days), 0)
        inverted = days < 0
    else:
        length = end.epoch - start.epoch
        if length <= 0 and end.zone is start.zone and end.local > start.local:
            length = end.local - start.local  # only a DST gap turned it round
        found.has_end = length >= 0
        found.extent = Extent(0, min(max(0, length), _LONGEST))
        inverted = length < 0
    if inverted:
        work.problem(
            "end_before_start",
            "DTEND lies before DTSTART",
            offset=line.offset,
            uid=found.uid,
            action="DTEND ignored",
        )


def _read_duration(found: Event, line: Line, work: Work) -> None:
    parsed = parse_duration(line.value)
    if parsed is None:
        _block_day(found, line, "DURATION", work)
        return
    extent, negative, empty = parsed
    if empty:
        return
    if negative:
        work.problem(
            "negative_duration",
            "a negative DURATION",
            offset=line.offset,
            uid=found.uid,
            action="its absolute value used",
        )
    if found.start.is_date:
        # 3.6.1: only weeks and days go with a DATE; a part of a day blocks that day.
        days = extent.days + -(-extent.seconds // DAY)
        extent = Extent(max(1, days), 0)
    found.has_end = True
    found.extent = extent


def _block_day(found: Event, line: Line, name: str, work: Work) -> None:
    """The start is readable and the rest is not: the whole local day is busy."""
    found.start = Moment(
        found.start.local - found.start.local % DAY, found.start.is_date, found.start.zone
    )
    found.extent = Extent(1, 0)
    found.has_end = True
    found.facts = {key: value for key, value in found.facts.items() if key == "STATUS"}
    work.problem(
        "unreadable_end",
        f"the {name} cannot be read",
        offset=line.offset,
        uid=found.uid,
        action="the day blocked",
    )


def _read_all_day_flag(found: Event, lines: dict[str, list[Line]], zones: Zones) -> None:
    """Microsoft's all-day events are midnight to midnight DATE-TIMEs with a flag (MS-OXCICAL).

    Written in UTC while the owner lives elsewhere, they mean dates.
    """
    start = found.start
    if start.is_date or not any(
        lines[name][0].value.strip().upper() in {"TRUE", "1"}
        for name in _ALL_DAY_FLAGS
        if name in lines
    ):
        return
    local_end = start.zone.to_local(found.extent.end(start.local, start.epoch, start.zone))
    if start.local % DAY or local_end % DAY or local_end <= start.local:
        return
    if start.zone.source == "utc":
        floating = zones.resolve(None, found.calendar)
        if floating.source in {"argument", "x-wr-timezone"}:
            found.start = Moment(start.local, False, floating)
    found.all_day = True
    found.extent = Extent((local_end - start.local) // DAY, 0)


def _read_recurrence(found: Event, lines: dict[str, list[Line]], zones: Zones, work: Work) -> None:
    if "RECURRENCE-ID" in lines:
        line = lines["RECURRENCE-ID"][0]
        found.recurrence_id = parse_moment(line, found.calendar, zones, floating=found.start.zone)
        if found.recurrence_id is None:
            work.problem(
                "bad_recurrence_id",
                "the RECURRENCE-ID cannot be read",
                offset=line.offset,
                uid=found.uid,
                action="read as an event of its own",
            )
        found.this_and_future = line.params.get("RANGE", "").strip().upper() == "THISANDFUTURE"
    found.rules = _rules(found, lines.get("RRULE", ()), work)
    found.exrules = _rules(found, lines.get("EXRULE", ()), work)
    if "RDATE" in lines or "EXDATE" in lines:
        _read_dates(found, lines, zones, work)


def _rules(found: Event, lines: list[Line] | tuple[()], work: Work) -> tuple[recurrence.Rule, ...]:
    rules = []
    for line in lines:

        def report(code: str, message: str, action: str, offset: int = line.offset) -> None:
            work.problem(code, message, offset=offset, uid=found.uid, action=action)

        rule = recurrence.parse(line.value, report)
        if rule is not None:
            rules.append(rule)
    return tuple(rules)


def _read_dates(found: Event, lines: dict[str, list[Line]], zones: Zones, work: Work) -> None:
    limit = work.limits.max_dates_per_series
    taken = 0
    for name in ("RDATE", "EXDATE"):
        for line in lines.get(name, ()):
            for value in line.value.split(","):
                if not value.strip():
                    continue
                taken += 1
                if taken > limit or work.count("dates") > work.limits.max_dates:
                    _too_many_dates(found, line, name, taken > limit, work)
                    return
                if not _read_date(found, line, name, value, zones):
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


def _read_date(found: Event, line: Line, name: str, value: str, zones: Zones) -> bool:
    begin, slash, rest = value.partition("/")
    moment = parse_moment(
        line._replace(value=begin), found.calendar, zones, floating=found.start.zone
    )
    if moment is None:
        return False
    if name == "EXDATE":
        found.exdates.append(moment)
        return True
    extent = _period_extent(line, moment, rest, found, zones) if slash else None
    found.rdates.append((moment, extent))
    return True


def _period_extent(
    line: Line, start: Moment, rest: str, found: Event, zones: Zones
) -> Extent | None:
    """3.3.9: a period has an end or a duration; instead of an unreadable one, the event's own."""
    duration = parse_duration(rest)
    if duration is not None and not duration[2]:
        return duration[0]
    end = parse_moment(line._replace(value=rest), found.calendar, zones, floating=found.start.zone)
    if end is None or end.epoch < start.epoch:
        return None
    return Extent(0, min(end.epoch - start.epoch, _LONGEST))


def read_moment(value: str) -> tuple[int, bool, int | None, bool] | None:
    """Read DATE or DATE-TIME text: local seconds, whether a DATE, a UTC offset, whether "Z"."""
    match = _MOMENT.match(value)
    if match is None:
        return None
    year, month, day, hour, minute, second, suffix = match.groups()
    try:
        local = (date(int(year), int(month), int(day)).toordinal() - _EPOCH_ORDINAL) * DAY
    except ValueError:  # 31 February, the year 0
        return None
    if hour is None:
        return local, True, None, False
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    if hours > 24 or minutes > 59 or seconds > 60 or (hours == 24 and (minutes or seconds)):
        return None
    local += hours * 3600 + minutes * 60 + min(seconds, 59)  # 24:00 is the next midnight
    if suffix is None:
        return local, False, None, False
    if suffix in "Zz":
        return local, False, None, True
    offset = int(suffix[1:3]) * 3600 + int(suffix[-2:]) * 60
    return local, False, -offset if suffix[0] == "-" else offset, False


def parse_moment(
    line: Line, calendar: int, zones: Zones, *, floating: Zone | None = None
) -> Moment | None:
    """Read a DATE or DATE-TIME with its TZID; None when it is neither.

    "Z" beats TZID (3.2.19). ``floating`` is the zone of a time without either: for the dates of a
    series that is its DTSTART's; otherwise design 3.9 decides.
    """
    written = read_moment(line.value)
    if written is None:
        return None
    local, is_date, offset, utc = written
    if utc:
        return Moment(local, False, zones.utc)
    if offset is not None:
        return Moment(local - offset, False, zones.utc)
    tzid = line.params.get("TZID")
    if not is_date and local % DAY == 0 and line.params.get("VALUE", "").strip().upper() == "DATE":
        is_date = True  # VALUE=DATE with T000000
    if is_date:
        zone = floating or zones.floating(calendar)
        if zone is None:  # a TZID on a DATE is forbidden by 3.2.19, but a hint
            zone = zones.resolve(tzid or None, calendar)
        return Moment(local, True, zone)
    if tzid is None:
        return Moment(local, False, floating or zones.resolve(None, calendar))
    return Moment(local, False, zones.resolve(tzid, calendar))


def parse_duration(value: str) -> tuple[Extent, bool, bool] | None:
    """Read a DURATION (3.3.6): absolute extent, whether it was negative, whether empty."""
    text_ = value.strip()
    if text_[:1] in "+-" and text_[1:2] in "+-":
        return None
    match = _DURATION.match(text_)
    if match is None:
        return None
    sign, weeks, days, hours, minutes, seconds = match.groups()
    empty = not any((weeks, days, hours, minutes, seconds))
    nominal = min(int(weeks or 0) * 7 + int(days or 0), _LONGEST // DAY)
    exact = min(int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0), _LONGEST)
    return Extent(nominal, exact), sign == "-", empty


_ESCAPE = re.compile(r"\\([\\;,nN])")


def text(value: str) -> str | None:
    """Undo the escapes of TEXT (3.3.11); an empty text is None."""
    if "\\" in value:
        value = _ESCAPE.sub(lambda match: "\n" if match.group(1) in "nN" else match.group(1), value)
    return value.strip() or None
