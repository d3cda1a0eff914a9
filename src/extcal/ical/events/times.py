"""Property values of time and text (RFC 5545 section 3.3): what a feed wrote in, integers out.

Local seconds are counted since 1970-01-01T00:00:00 of the local calendar; a DATE is its midnight.
Nothing here raises or reports: what cannot be read is None, and whoever asked says what that means.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final, NamedTuple

from extcal.ical.parse.content_lines import Line
from extcal.ical.zones.resolve import Zone, Zones

__all__ = [
    "DAY",
    "LONGEST",
    "Duration",
    "Extent",
    "Moment",
    "Written",
    "day_of",
    "parse_duration",
    "parse_moment",
    "parse_text",
    "read_moment",
]

DAY: Final = 86_400
LONGEST: Final = 10_000 * 366 * DAY  # more than the years that can be written hold
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()

# date-time = date "T" time; 3.3.4, 3.3.5, 3.3.12. Dashes, colons, missing minutes or seconds, a
# numeric offset and a "Z" on a DATE are not in the grammar; producers write them, and they leave
# no doubt.
_MOMENT = re.compile(
    r"\s*(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[Tt ](?:(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?)?)?)?"
    r"\s*+(?:([Zz]|[+-](?:[01]\d|2[0-3])(?::?\d\d)?)\s*+)?\Z"
)
# dur-value, 3.3.6, but any unit may be left out, and so may the "T"
_DURATION = re.compile(
    r"\s*([+-]?)P(?:(\d{1,10})W)?(?:(\d{1,10})D)?"
    r"(?:T?(?:(\d{1,10})H)?(?:(\d{1,10})M)?(?:(\d{1,10})S)?)?\s*\Z",
    re.I,
)


class Moment(NamedTuple):
    """A point in time as a feed wrote it: local seconds (a DATE is its midnight) and the zone.

    ``floating`` says that neither "Z" nor a TZID came with it, so that the zone was lent to it.
    """

    local: int
    is_date: bool
    zone: Zone
    floating: bool = False

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
        """An upper bound in seconds, but for what the zone does meanwhile."""
        return self.days * DAY + self.seconds


class Written(NamedTuple):
    """The text of a DATE or DATE-TIME, read: ``offset`` is a numeric UTC offset in seconds."""

    local: int
    is_date: bool
    offset: int | None
    is_utc: bool

    @property
    def utc(self) -> int:
        """Its epoch second where UTC is the only zone allowed: without "Z" it is one too."""
        return self.local - (self.offset or 0)


class Duration(NamedTuple):
    """A DURATION, read: its absolute extent, whether it was negative, whether it said nothing."""

    extent: Extent
    negative: bool
    empty: bool


def read_moment(value: str) -> Written | None:
    """Read DATE or DATE-TIME text; None when it is neither."""
    match = _MOMENT.match(value)
    if match is None:
        return None
    year, month, day, hour, minute, second, suffix = match.groups()
    try:
        local = (date(int(year), int(month), int(day)).toordinal() - _EPOCH_ORDINAL) * DAY
    except ValueError:  # 31 February, the year 0
        return None
    if hour is None:
        return Written(local, True, None, False)
    hours, minutes, seconds = int(hour), int(minute or 0), int(second or 0)
    if hours > 24 or minutes > 59 or seconds > 60 or (hours == 24 and (minutes or seconds)):
        return None
    # 24:00 is the next midnight; 3.3.12: second 60 "as equivalent to the second 59"
    local += hours * 3600 + minutes * 60 + min(seconds, 59)
    if suffix is None:
        return Written(local, False, None, False)
    if suffix in "Zz":
        return Written(local, False, None, True)
    offset = int(suffix[1:3]) * 3600 + (int(suffix[-2:]) * 60 if len(suffix) > 3 else 0)
    return Written(local, False, -offset if suffix[0] == "-" else offset, False)


def parse_moment(
    line: Line, calendar: int, zones: Zones, *, series: Zone | None = None
) -> Moment | None:
    """Read a DATE or DATE-TIME with its TZID; None when it is neither.

    "Z" beats TZID (3.2.19). ``series`` is the zone of a time without either: for the dates of a
    series that is its DTSTART's; otherwise design 3.9 decides.
    """
    written = read_moment(line.value)
    if written is None:
        return None
    local, is_date, offset, is_utc = written
    tzid = line.params.get("TZID")
    if is_utc:
        if tzid:
            zones.beside_utc()
        return Moment(local, False, zones.utc)
    if offset is not None:
        return Moment(local - offset, False, zones.utc)
    if not is_date and local % DAY == 0 and line.params.get("VALUE", "").strip().upper() == "DATE":
        is_date = True  # VALUE=DATE with T000000
    if is_date:
        zone = series or zones.floating(calendar)
        if zone is None:  # a TZID on a DATE is forbidden by 3.2.19, but a hint
            zone = zones.resolve(tzid or None, calendar)
        return Moment(local, True, zone, True)
    if tzid is None:
        return Moment(local, False, series or zones.resolve(None, calendar), True)
    return Moment(local, False, zones.resolve(tzid, calendar))


def day_of(moment: Moment, zone: Zone) -> int:
    """Return the midnight (local seconds) of the day that a moment names in an all-day series.

    Its own date, whatever its zone. A UTC value is either midnight in the series' ``zone`` or
    midnight in UTC, depending on who wrote it; when it is neither, the zone's date counts.
    """
    local = moment.local
    if moment.zone.source == "utc" and not moment.is_date:
        there = zone.to_local(moment.epoch)
        if there % DAY == 0 or local % DAY:
            local = there
    return local - local % DAY


def parse_duration(value: str) -> Duration | None:
    """Read a DURATION (3.3.6); None when it is none."""
    match = _DURATION.match(value)
    if match is None:
        return None
    sign, weeks, days, hours, minutes, seconds = match.groups()
    empty = not any((weeks, days, hours, minutes, seconds))
    nominal = min(int(weeks or 0) * 7 + int(days or 0), LONGEST // DAY)
    exact = min(int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0), LONGEST)
    return Duration(Extent(nominal, exact), sign == "-", empty)


_ESCAPE = re.compile(r"\\([\\;,nN])")


def parse_text(value: str) -> str | None:
    """Undo the escapes of TEXT (3.3.11); an empty text is None."""
    if "\\" in value:
        value = _ESCAPE.sub(lambda match: "\n" if match.group(1) in "nN" else match.group(1), value)
    return value.strip() or None
