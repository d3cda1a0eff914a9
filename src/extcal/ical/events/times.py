"""Property values of time and text (RFC 5545 section 3.3): written values in, integers out.

Local seconds are counted since 1970-01-01T00:00:00 of the local calendar; a DATE is its midnight.
Nothing here raises or reports. An unreadable value gives None, and the caller decides what follows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from extcal.ical.parse.content_lines import Line
from extcal.ical.zones.resolve import Zone, Zones
from extcal.patterns import pattern
from extcal.values import NamedTuple

__all__ = [
    "DAY",
    "LONGEST",
    "Days",
    "Duration",
    "Extent",
    "Moment",
    "Wall",
    "Written",
    "days_named",
    "has_day",
    "last_day",
    "parse_day",
    "parse_duration",
    "parse_moment",
    "parse_text",
    "read_moment",
]

DAY = 86_400
LONGEST = 10_000 * 366 * DAY  # seconds; more than the years 1 to 9999 have
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

# date-time = date "T" time; 3.3.4, 3.3.5, 3.3.12. Dashes, colons, missing minutes or seconds, a
# numeric offset and a "Z" on a DATE are not in the grammar, but producers write them and their
# meaning is clear. Digits behind the seconds, group 7, are a fraction without its point: 171145975
# is 17:11:45. Five digits are no time, because any of the six may be missing.
_MOMENT = pattern(
    r"\s*(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:[Tt ](?:(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,]\d+|(\d+))?)?)?)?)?"
    r"\s*+(?:([Zz]|[+-](?:[01]\d|2[0-3])(?::?\d\d)?)\s*+)?\Z"
)
# The day of a value whose time cannot be read: 20260302T13000Z, 20260302T250000, 20260302X, or six
# digits of a time without the "T". 202603021 is no day: any of its digits may be the one too many.
_DAY_ALONE = pattern(r"\s*(\d{4})-?(\d\d)-?(\d\d)(?:(?!\d)|(?=\d{6}\s*[Zz]?\s*\Z))")
# dur-value, 3.3.6, but any unit may be left out, and so may the "T"
_DURATION = pattern(
    r"\s*([+-]?)P(?:(\d{1,10})W)?(?:(\d{1,10})D)?"
    r"(?:T?(?:(\d{1,10})H)?(?:(\d{1,10})M)?(?:(\d{1,10})S)?)?\s*\Z",
    re.I,
)
# The same units in another order, or on the other side of the "T": PT1W, PT2D, PT30M1H.
_MISPLACED = pattern(r"\s*([+-]?)P((?:T?\d{1,10}[WDHMS]){1,9})T?\s*\Z", re.I)
_UNIT = pattern(r"(\d+)([WDHMS])", re.I)
_QUARTER = 900
_FIRST_OFFSET, _LAST_OFFSET = -12 * 3600, 14 * 3600  # of all inhabited zones


class Moment(NamedTuple):
    """A point in time as a feed wrote it: local seconds (a DATE is its midnight) and the zone.

    ``floating`` says that it was written without "Z" and TZID, so the zone comes from elsewhere.
    """

    local: int
    is_date: bool
    zone: Zone
    floating: bool = False

    @property
    def epoch(self) -> int:
        return self.zone.to_epoch(self.local)

    def until(self, local: int, zone: Zone) -> int:
        """How many seconds pass from this moment to a local second of a zone."""
        if zone is self.zone:
            return zone.elapsed(self.local, local)
        return zone.to_epoch(local) - self.epoch


class Wall(NamedTuple):
    """The end in local time: ``seconds`` after the local start, in ``zone``.

    ``earlier``: of this end and the exact one the earlier counts. That is for components whose
    instances free time, where the shorter one is the safe choice.
    """

    seconds: int
    zone: Zone
    earlier: bool = False


class Extent(NamedTuple):
    """How long each instance lasts (3.6.1, 3.8.5.3): ``days`` nominal, then ``seconds`` exact.

    The text of 3.8.5.3 makes all instances of a DTEND equally long, and calendars show all of them
    end at the same time of day. In a night in which clocks change these two differ: 22:00 to 06:00
    takes seven hours or eight. ``wall`` is the end that calendars show; an instance ends at the
    later of both.
    """

    days: int
    seconds: int
    wall: Wall | None = None

    def end(self, local: int, epoch: int, zone: Zone) -> int:
        """Return the epoch second at which an instance that starts at ``local`` ends."""
        if self.days:
            epoch = zone.to_epoch(local + self.days * DAY)
        end = epoch + self.seconds
        if self.wall is None:
            return end
        seconds, zone, earlier = self.wall
        shown = zone.to_epoch(local + seconds)
        return min(end, shown) if earlier else max(end, shown)

    def ends(self, locals_: Sequence[int], starts: Sequence[int], zone: Zone) -> Sequence[int]:
        """Return what :meth:`end` gives for each of these sorted local starts."""
        days, seconds, wall = self
        ends = starts
        if days:
            ends = zone.to_epochs([local + days * DAY for local in locals_])
        if seconds:
            ends = [end + seconds for end in ends]
        if wall is None:
            return ends
        later, other, earlier = wall
        shown = other.to_epochs([local + later for local in locals_])
        return list(map(min if earlier else max, ends, shown))

    def lasting(self, zone: Zone) -> tuple[int, int] | None:
        """How many seconds an instance lasts if no clocks change meanwhile, and how many of local
        time have to be looked at for that. None if its end is in another zone than its start.
        """
        days, seconds, wall = self
        usual = longest = days * DAY + seconds
        if wall is not None:
            shown, other, earlier = wall
            if other is not zone:
                return None
            longest = max(usual, shown)
            usual = min(usual, shown) if earlier else longest
        return usual, longest

    @property
    def about(self) -> int:
        """An upper bound in seconds, without changes of the zone's offset."""
        days, seconds, wall = self
        if wall is not None and wall.seconds > seconds:
            seconds = wall.seconds
        return days * DAY + seconds if days else seconds


class Written(NamedTuple):
    """The text of a DATE or DATE-TIME, read: ``offset`` is a numeric UTC offset in seconds.

    ``odd_digits``: there were more or fewer digits than the six of a time.
    """

    local: int
    is_date: bool
    offset: int | None
    is_utc: bool
    odd_digits: bool = False

    @property
    def utc(self) -> int:
        """Its epoch second where only UTC is allowed, so that a missing "Z" does not matter."""
        return self.local - (self.offset or 0)


class Duration(NamedTuple):
    """A DURATION, read: its absolute extent, whether it was negative, and whether it was empty.

    ``misplaced``: its units stand in an order that 3.3.6 does not allow.
    """

    extent: Extent
    negative: bool
    empty: bool
    misplaced: bool = False


class Days(NamedTuple):
    """The days (local midnights) that a value may name in a series of days; ``sure``: just one."""

    midnights: tuple[int, ...]
    sure: bool


def read_moment(value: str) -> Written | None:
    """Read DATE or DATE-TIME text; None when it is neither."""
    match = _MOMENT.match(value)
    if match is None:
        return None
    year, month, day, hour, minute, second, more, suffix = match.groups()
    local = _midnight(year, month, day)
    if local is None:
        return None
    if hour is None:
        return Written(local, True, None, False)
    hours, minutes, seconds = int(hour), int(minute or 0), int(second or 0)
    if hours > 24 or minutes > 59 or seconds > 60 or (hours == 24 and (minutes or seconds)):
        return None
    # 24:00 is the next midnight; 3.3.12: second 60 "as equivalent to the second 59"
    local += hours * 3600 + minutes * 60 + min(seconds, 59)
    odd_digits = more is not None or (second is None and ":" not in value)
    if suffix is None:
        return Written(local, False, None, False, odd_digits)
    if suffix in "Zz":
        return Written(local, False, None, True, odd_digits)
    offset = int(suffix[1:3]) * 3600 + (int(suffix[-2:]) * 60 if len(suffix) > 3 else 0)
    return Written(local, False, -offset if suffix[0] == "-" else offset, False, odd_digits)


def _midnight(year: str, month: str, day: str) -> int | None:
    try:
        return (date(int(year), int(month), int(day)).toordinal() - _EPOCH_ORDINAL) * DAY
    except ValueError:  # 31 February, the year 0
        return None


def _day_alone(value: str) -> int | None:
    match = _DAY_ALONE.match(value)
    return None if match is None else _midnight(*match.groups())


def has_day(value: str) -> bool:
    """Whether at least the day of a value can be read."""
    return _day_alone(value) is not None


def parse_day(
    line: Line, calendar: int, zones: Zones, *, series: Zone | None = None
) -> Moment | None:
    """Read the day of a value whose time cannot be read; None when that cannot be read either.

    The day lies in the zone that the value names: UTC with a "Z" at its end, else its TZID's, else
    the one of floating times. With VALUE=DATE the result is a DATE.
    """
    local = _day_alone(line.value)
    if local is None:
        return None
    if line.params.get("VALUE", "").strip().upper() == "DATE":
        suffix = ""
    else:
        suffix = "T000000Z" if line.value.rstrip()[-1:] in ("Z", "z") else "T000000"
    day = date.fromordinal(local // DAY + _EPOCH_ORDINAL)
    return parse_moment(
        line._replace(value=f"{day:%Y%m%d}".zfill(8) + suffix), calendar, zones, series=series
    )


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
    local, is_date, offset, is_utc, _ = written
    tzid = line.params.get("TZID")
    if is_utc:
        if tzid:
            zones.beside_utc()
        return Moment(local, False, zones.utc)
    if offset is not None:
        return Moment(local, False, zones.at_offset(offset))
    if not is_date and local % DAY == 0 and line.params.get("VALUE", "").strip().upper() == "DATE":
        is_date = True  # VALUE=DATE with T000000
    if is_date:
        zone = series or zones.floating(calendar)
        if zone is None:  # 3.2.19 forbids a TZID on a DATE; it is used as a hint
            zone = zones.resolve(tzid or None, calendar)
        return Moment(local, True, zone, True)
    if tzid is None or zones.names_nothing(tzid, calendar):
        return Moment(local, False, series or zones.resolve(None, calendar), True)
    return Moment(local, False, zones.resolve(tzid, calendar))


def days_named(moment: Moment, zone: Zone) -> Days:
    """Return the days that an EXDATE, an RDATE or a RECURRENCE-ID names in a series of days.

    A date, and a time with a zone or without one, names the date that it writes. A time in UTC that
    is midnight in UTC or in the series' ``zone`` names that day. Any other was midnight where it
    was written: 23:00 in UTC is the next day at +01:00. Whole quarters of an hour from -12:00 to
    +14:00 are tried; from 10:00 to 12:00 that gives two days, and at 10:01 none.
    """
    local = moment.local
    time = local % DAY
    if moment.is_date or moment.zone.source != "utc" or moment.epoch != local or not time:
        return Days((local - time,), True)
    there = zone.to_local(moment.epoch)
    if there % DAY == 0:
        return Days((there,), True)
    if time % _QUARTER:
        return Days((), False)
    found = [local - time] if time <= -_FIRST_OFFSET else []
    if time >= DAY - _LAST_OFFSET:
        found.append(local - time + DAY)
    return Days(tuple(found), False)


def last_day(until: int, zone: Zone, *, excluding: bool = False) -> Days:
    """Return the last day of a series of days that has an UNTIL in UTC, in epoch seconds.

    Midnight, or the last minute of a day, in UTC or in the series' ``zone`` names that day. Any
    other was written in an unknown zone. The latest day that it can mean counts, or the earliest
    for a rule that removes days (``excluding``).
    """
    for local in (until, zone.to_local(until)):
        time = local % DAY
        if time == 0 or time >= DAY - 60:
            return Days((local - time,), True)
    local = until + (_FIRST_OFFSET if excluding else _LAST_OFFSET)
    return Days((local - local % DAY,), False)


def parse_duration(value: str) -> Duration | None:
    """Read a DURATION (3.3.6); None if the text is no duration."""
    match = _DURATION.match(value)
    if match is None:
        return _misplaced(value)
    sign, weeks, days, hours, minutes, seconds = match.groups()
    empty = not any((weeks, days, hours, minutes, seconds))
    return Duration(_extent(weeks, days, hours, minutes, seconds), sign == "-", empty)


def _misplaced(value: str) -> Duration | None:
    match = _MISPLACED.match(value)
    if match is None:
        return None
    written = [(unit.upper(), number) for number, unit in _UNIT.findall(match[2])]
    units = dict(written)
    if len(units) < len(written):
        return None
    return Duration(_extent(*map(units.get, "WDHMS")), match[1] == "-", False, True)


def _extent(*written: str | None) -> Extent:
    """The extent of weeks, days, hours, minutes and seconds as written."""
    weeks, days, hours, minutes, seconds = (int(number or 0) for number in written)
    exact = min(hours * 3600 + minutes * 60 + seconds, LONGEST)
    return Extent(min(weeks * 7 + days, LONGEST // DAY), exact)


def parse_text(value: str) -> str | None:
    """Undo the escapes of TEXT (3.3.11); an empty text is None."""
    if "\\" in value:
        # NUL stands for an escaped backslash meanwhile; a content line has no control characters.
        value = value.replace("\\\\", "\0").replace("\\n", "\n").replace("\\N", "\n")
        value = value.replace("\\;", ";").replace("\\,", ",").replace("\0", "\\")
    return value.strip() or None
