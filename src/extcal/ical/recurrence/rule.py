"""RECUR text (RFC 5545 section 3.3.10, RFC 7529 section 4) in, one frozen value out; no arithmetic.

    recur           = recur-rule-part *( ";" recur-rule-part )
    recur-rule-part = ( "FREQ" "=" freq ) / ( "UNTIL" "=" enddate ) / ( "COUNT" "=" 1*DIGIT )
                    / ( "INTERVAL" "=" 1*DIGIT ) / ( "BYxxx" "=" list ) / ( "WKST" "=" weekday )
                    / ( "RSCALE" "=" rscale ) / ( "SKIP" "=" skip )

Feeds need more than the grammar allows: any case, blanks, quotes, backslashes, empty parts and
members, and unknown parts are accepted. What cannot be read is taken in the way that blocks more. A
part that could only shorten the series (UNTIL, COUNT, INTERVAL) is ignored. A FREQ or BYxxx that
cannot be read gives a rule with ``readable=False``: its series starts at DTSTART, and the time
after that is unknown. Nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from extcal.messages.problems import oddity
from extcal.patterns import pattern
from extcal.values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TypeAlias

__all__ = ["Frequency", "RecurrenceRule", "Report", "Until", "parse"]

Frequency: TypeAlias = (
    "Literal['SECONDLY', 'MINUTELY', 'HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY']"
)
Report = Callable[[str, str, str], None]

_FREQUENCIES: dict[str, Frequency] = {
    "DAILY": "DAILY",
    "HOURLY": "HOURLY",
    "MINUTELY": "MINUTELY",
    "MONTHLY": "MONTHLY",
    "SECONDLY": "SECONDLY",
    "WEEKLY": "WEEKLY",
    "YEARLY": "YEARLY",
}
_WEEKDAYS = {"MO": 0, "TU": 1, "WE": 2, "TH": 3, "FR": 4, "SA": 5, "SU": 6}
_PLAIN_DAYS = {name: (0, weekday) for name, weekday in _WEEKDAYS.items()}
# part: field, lowest, highest, whether -highest..-lowest are values too
_LISTS = {
    "BYSECOND": ("by_second", 0, 60, False),
    "BYMINUTE": ("by_minute", 0, 59, False),
    "BYHOUR": ("by_hour", 0, 23, False),
    "BYMONTHDAY": ("by_month_day", 1, 31, True),
    "BYYEARDAY": ("by_year_day", 1, 366, True),
    "BYWEEKNO": ("by_week_no", 1, 53, True),
    "BYMONTH": ("by_month", 1, 12, False),
    "BYSETPOS": ("by_set_pos", 1, 366, True),
}
_OTHERS = frozenset({"FREQ", "UNTIL", "COUNT", "INTERVAL", "BYDAY", "WKST", "RSCALE", "SKIP"})
_KNOWN = _OTHERS.union(_LISTS)
# CLDR calls the Gregorian calendar "gregory" (RFC 7529 section 5); "iso8601" has the same days.
_GREGORIAN = frozenset({"GREGORIAN", "GREGORY", "ISO8601"})
_SUBDAILY = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})

_UNUSUAL = pattern(r"[^A-Z0-9=;,:+-]")
_JUNK = pattern(r"[\s\"'\\\x00-\x1f]+")
_NUMBER = pattern(r"[+-]?[0-9]{1,10}")
_ORDINAL_DAY = pattern(r"([+-]?[0-9]{1,4})(MO|TU|WE|TH|FR|SA|SU)")
_LEAP_MONTH = pattern(r"0?([1-9]|1[0-2])L")
_UNTIL = pattern(
    r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})"
    r"(?:T?([0-9]{2}):?([0-9]{2})(?::?([0-9]{2})(?:[.,][0-9]+|([0-9]+))?)?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
# The day of an UNTIL whose time cannot be read: 20270105T13000Z.
_UNTIL_DAY = pattern(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?![0-9]).*?(Z?)", re.DOTALL)
_MAX_PARTS = 64  # the standards have 16, each at most once
_MAX_LENGTH = 10_000  # characters of a list; all values of the largest range take less than 4,000
_FAR = 10**12  # more seconds than 9999 years have, so larger numbers change nothing
_EPOCH = date(1970, 1, 1).toordinal()


class Until(NamedTuple):
    """The UNTIL of a rule as written. Code that knows DTSTART's zone converts it to local time.

    ``seconds`` counts from 1970-01-01T00:00:00: of the local calendar for "date" (its midnight)
    and "local", of UTC for "utc".
    """

    kind: Literal["date", "local", "utc"]
    seconds: int


class RecurrenceRule(NamedTuple):
    """One RECUR value: its parts within their ranges, sorted, without repetition.

    Weekdays count from Monday as 0. ``by_day`` holds (ordinal, weekday); ordinal 0 means every.
    ``by_month`` is empty when absent; months of no Gregorian year are already resolved by SKIP.
    """

    freq: Frequency
    interval: int = 1
    count: int | None = None  # type: ignore[assignment]  # hides that of tuples
    until: Until | None = None
    by_month: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    by_hour: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_second: tuple[int, ...] = ()
    by_set_pos: tuple[int, ...] = ()
    week_start: int = 0
    skip: Literal["OMIT", "BACKWARD", "FORWARD"] = "OMIT"
    readable: bool = True


class _Unreadable(Exception):
    """A FREQ or BYxxx part cannot be read; the message says which."""


def parse(text: str, report: Report) -> RecurrenceRule | None:
    """Read the value of an RRULE or EXRULE.

    ``text`` is the value without parameters; ``report(code, message, action)`` is called
    for every oddity. Returns None when the text holds no rule part at all. Never raises. RFC 5545
    section 3.3.10, RFC 7529 section 4.
    """
    parts: dict[str, str] = {}
    fields: dict[str, Any] = {}
    try:
        if not _collect(parts, text, report):
            report(*oddity("recurrence_empty"))
            return None
        value = parts.get("FREQ", "")
        freq = _FREQUENCIES.get(value)
        if freq is None:
            raise _Unreadable(f"FREQ={value[:40]}" if value else "no FREQ")
        for name, value in parts.items():
            if name == "BYDAY":
                fields["by_day"] = _days(value)
            elif name in _LISTS:
                if name != "BYMONTH" or "L" not in value or "RSCALE" not in parts:
                    fields[_LISTS[name][0]] = _numbers(name, value)
            elif name not in _OTHERS:
                raise _Unreadable(f"{name[:40]} is not a rule part")
        if "RSCALE" in parts or "SKIP" in parts:
            _scale(freq, parts, fields, report)
    except _Unreadable as broken:
        report(*oddity("recurrence_unparsed", reason=broken))
        fields = {"readable": False}
        freq = "DAILY"
    if len(parts) > 1 or fields:
        _bounds(parts, fields, report)
        if fields.get("readable", True):
            _allowed(freq, fields, report)
    return RecurrenceRule(freq, **fields)


def _collect(parts: dict[str, str], text: str, report: Report) -> bool:
    """Put the values into ``parts`` by name; False if the text holds no part at all.

    A list that is repeated is joined into one, because that blocks the most.
    """
    if _UNUSUAL.search(text):
        text = _JUNK.sub("", text.upper())
    text = text.removeprefix("RRULE:").removeprefix("EXRULE:")
    split = text.split(";", _MAX_PARTS)
    if len(split) > _MAX_PARTS:
        raise _Unreadable(f"it has more than {_MAX_PARTS} parts")
    for part in split:
        name, _, value = part.partition("=")
        if value and name in _KNOWN and name not in parts:
            parts[name] = value
        elif part and not name.startswith("X-"):
            _odd_part(parts, part[:40], name, value, report)
    return bool(parts) or bool(text.strip(";"))


def _odd_part(parts: dict[str, str], shown: str, name: str, value: str, report: Report) -> None:
    if name in parts:
        if parts[name] == value:
            return
        report(*oddity("recurrence_repeated_part", name=name))
        if name in _LISTS or name == "BYDAY":
            parts[name] += "," + value
        elif name == "INTERVAL":
            parts[name] = "1"  # INTERVAL=1 includes the instances of all others
        elif name in ("COUNT", "UNTIL"):
            parts[name] = ""  # of two different ends neither is used, so that no instance is lost
        elif name == "FREQ":
            parts[name] = "twice"
    elif not value and name in _KNOWN:
        report(*oddity("recurrence_empty_part", name=name))
    elif name.startswith("BY") and value:
        parts[name] = value  # kept: without it other instances would be chosen
    else:
        report(*oddity("recurrence_unknown_part", part=shown))


def _numbers(name: str, value: str) -> tuple[int, ...]:
    _, lowest, highest, signed = _LISTS[name]
    if value.isdecimal() and len(value) < 4:
        found = {int(value)}
    elif len(value) > _MAX_LENGTH:
        raise _Unreadable(f"{name} is too long")
    else:
        members = set(value.split(","))
        members.discard("")
        if not members or not all(map(_NUMBER.fullmatch, members)):
            raise _Unreadable(f"{name}={value[:40]}")
        found = set(map(int, members))
    for number in found:
        if not (lowest <= number <= highest or (signed and lowest <= -number <= highest)):
            raise _Unreadable(f"{name}={value[:40]}")
    if name == "BYSECOND" and 60 in found:
        # 3.3.12: "Implementations that do not support leap seconds SHOULD interpret the second
        # 60 as equivalent to the second 59."
        found = (found - {60}) | {59}
    return tuple(sorted(found))


def _days(value: str) -> tuple[tuple[int, int], ...]:
    """bywdaylist = ( weekdaynum *("," weekdaynum) ); weekdaynum = [[plus / minus] ordwk] weekday"""
    if len(value) == 2 and value in _PLAIN_DAYS:
        return (_PLAIN_DAYS[value],)
    if len(value) > _MAX_LENGTH:
        raise _Unreadable("BYDAY is too long")
    found: set[tuple[int, int]] = set()
    for member in value.split(","):
        plain = _PLAIN_DAYS.get(member)
        if plain is not None:
            found.add(plain)
        elif member:
            match = _ORDINAL_DAY.fullmatch(member)
            ordinal = int(match[1]) if match else 0
            if match is None or not 1 <= abs(ordinal) <= 53:
                raise _Unreadable(f"BYDAY={value[:40]}")
            found.add((ordinal, _WEEKDAYS[match[2]]))
    if not found:
        raise _Unreadable(f"BYDAY={value[:40]}")
    return tuple(sorted(found))


def _scale(freq: Frequency, parts: dict[str, str], fields: dict[str, Any], report: Report) -> None:
    """RSCALE, SKIP and leap months (RFC 7529 section 4); only the Gregorian calendar is known."""
    scale = parts.get("RSCALE")
    if scale is not None and scale not in _GREGORIAN:
        raise _Unreadable(f"RSCALE={scale[:40]} is a calendar that is not supported")
    skip = parts.get("SKIP", "OMIT")
    if skip not in ("OMIT", "BACKWARD", "FORWARD"):
        raise _Unreadable(f"SKIP={skip[:40]}")
    if scale is None:
        report(*oddity("recurrence_skip"))
    fields["skip"] = skip
    months = parts.get("BYMONTH", "")
    if "L" in months:
        fields["by_month"] = _leap_months(freq, months, skip)


def _leap_months(freq: Frequency, value: str, skip: str) -> tuple[int, ...]:
    """No Gregorian month is a leap month: 5L is invalid, and moves to 5 or 6 as SKIP says.

    Only YEARLY rules expand BYMONTH, so only they have an invalid month to move (section 4.1).
    """
    found: set[int] = set()
    for member in value.split(","):
        match = _LEAP_MONTH.fullmatch(member)
        if match is None:
            found.update(_numbers("BYMONTH", member) if member else ())
        elif freq == "YEARLY" and skip != "OMIT":
            found.add(int(match[1]) + (skip == "FORWARD"))
    if not found or 13 in found:
        raise _Unreadable(f"BYMONTH={value[:40]} names no month of a Gregorian year")
    return tuple(sorted(found))


def _bounds(parts: dict[str, str], fields: dict[str, Any], report: Report) -> None:
    """INTERVAL, COUNT, UNTIL, WKST. An unreadable one is left out: the longer series blocks."""
    value = parts.get("INTERVAL")
    if value is not None:
        interval = _positive(value)
        if interval is None:
            report(*oddity("recurrence_interval", value=value[:40]))
        elif interval > 1:
            fields["interval"] = interval
    value = parts.get("COUNT")
    if value is not None:
        count = _positive(value)
        if count is None:
            report(*oddity("recurrence_uncertain/count", value=value[:40]))
        else:
            fields["count"] = count
    value = parts.get("UNTIL")
    if value is not None:
        until = _until(value, report) or _until_day(value, report)
        if until is None:
            report(*oddity("recurrence_uncertain/until", value=value[:40]))
        else:
            fields["until"] = until
            if "count" in fields:
                report(*oddity("recurrence_two_ends"))
    value = parts.get("WKST")
    if value is not None:
        week_start = _WEEKDAYS.get(value)
        if week_start is None:
            report(*oddity("recurrence_week_start", value=value[:40]))
        elif week_start:
            fields["week_start"] = week_start


def _positive(value: str) -> int | None:
    if not (value.isascii() and value.isdigit()):
        return None
    if len(value) > 12:
        value = value.lstrip("0") or "0"
        if len(value) > 12:
            return _FAR
    return int(value) or None


def _until(value: str, report: Report) -> Until | None:
    """enddate = date / date-time, and the extended forms of ISO 8601 that feeds write.

    Digits behind the seconds are a fraction without its point.
    """
    match = _UNTIL.fullmatch(value)
    if match is None:
        return None
    *day, hour, minute, second, more, zone = match.groups()
    midnight = _midnight(*day)
    if midnight is None:
        return None
    if hour is None:
        return Until("date", midnight)
    if minute > "59" or (second or "00") > "60" or hour > "24" or (hour == "24" and minute != "00"):
        return None
    seconds = midnight + int(hour) * 3600 + int(minute) * 60 + min(int(second or 0), 59)
    if more is not None or (second is None and ":" not in value):
        report(*oddity("odd_digits/until", value=value[:40]))
    if zone is None:
        return Until("local", seconds)
    if zone != "Z":
        offset = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
        seconds += offset if zone[0] == "-" else -offset
    return Until("utc", seconds)


def _until_day(value: str, report: Report) -> Until | None:
    """The end of an UNTIL's day, in the zone that it names, if its time cannot be read."""
    match = _UNTIL_DAY.fullmatch(value)
    midnight = None if match is None else _midnight(*match.groups()[:3])
    if match is None or midnight is None:
        return None
    report(*oddity("recurrence_uncertain/until-time", value=value[:40]))
    return Until("utc", midnight + 86_399) if match[4] else Until("date", midnight)


def _midnight(year: str, month: str, day: str) -> int | None:
    try:
        return (date(int(year), int(month), int(day)).toordinal() - _EPOCH) * 86400
    except ValueError:
        return None


def _allowed(freq: Frequency, fields: dict[str, Any], report: Report) -> None:
    """Parts that 3.3.10 forbids for this FREQ: each is reported and read to block more."""
    days: tuple[tuple[int, int], ...] = fields.get("by_day", ())
    weeks = "by_week_no" in fields
    if (weeks or freq not in ("MONTHLY", "YEARLY")) and any(ordinal for ordinal, _ in days):
        report(*oddity("recurrence_ordinal/weeks" if weeks else "recurrence_ordinal", freq=freq))
        fields["by_day"] = tuple(sorted({(0, weekday) for _, weekday in days}))
    barred = []
    if freq != "YEARLY" and "by_week_no" in fields:
        barred.append("BYWEEKNO")
    if freq in ("DAILY", "WEEKLY", "MONTHLY") and "by_year_day" in fields:
        barred.append("BYYEARDAY")
    if freq == "WEEKLY" and "by_month_day" in fields:
        barred.append("BYMONTHDAY")
    if barred:
        names = ", ".join(barred)
        report(*oddity("recurrence_part_not_allowed", names=names, freq=freq))
    if "by_set_pos" in fields and not any(
        name.startswith("by_") and name != "by_set_pos" for name in fields
    ):
        report(*oddity("recurrence_set_pos"))
        del fields["by_set_pos"]
