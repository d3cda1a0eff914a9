"""Dates, times and ages in words, in the reader's zone; and dates and times from forms.

Inside ``extcal.messages.speaking(locale)`` days and times are written as in that locale.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import extcal
from extcal.messages import current

__all__ = [
    "KINDS",
    "age",
    "clock",
    "day_words",
    "day_words_long",
    "first_day_of_week",
    "hour_words",
    "in_words",
    "instant_of",
    "month_words",
    "read_date",
    "read_time",
    "time_words",
    "week_words",
    "weekday_names",
]

_Error = TypeVar("_Error", bound=extcal.ExtcalError)

KINDS = {
    extcal.FBType.FREE: "Free",
    extcal.FBType.WORKING_ELSEWHERE: "Working elsewhere",
    extcal.FBType.BUSY_TENTATIVE: "Tentative",
    extcal.FBType.BUSY: "Busy",
    extcal.FBType.BUSY_UNAVAILABLE: "Unavailable",
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def day_words(day: date) -> str:
    """Such as ``Mon 4 Jan``."""
    spoken = current()
    if spoken is not None:
        return spoken.day(day)
    return f"{_DAYS[day.weekday()][:3]} {day.day} {_MONTHS[day.month - 1][:3]}"


def day_words_long(day: date) -> str:
    """Such as ``Monday, 4 January 2027``."""
    spoken = current()
    if spoken is not None:
        return spoken.dated(day, "full")
    return f"{_DAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]} {day.year}"


def month_words(day: date) -> str:
    """Such as ``January 2027``."""
    spoken = current()
    if spoken is not None:
        return spoken.dated(day, "yMMMM")
    return f"{_MONTHS[day.month - 1]} {day.year}"


def week_words(first: date, last: date) -> str:
    """Such as ``4 – 10 January 2027``, or ``28 December – 3 January 2027``."""
    spoken = current()
    if spoken is not None:
        return f"{spoken.dated(first, 'MMMMd')} – {spoken.dated(last, 'long')}"
    month = "" if first.month == last.month else f" {_MONTHS[first.month - 1]}"
    return f"{first.day}{month} – {last.day} {month_words(last)}"


def weekday_names() -> tuple[str, ...]:
    """The days of a week, from its first on."""
    spoken = current()
    if spoken is None:
        return _DAYS
    monday = date(2027, 1, 4)
    days = [monday + timedelta(days=spoken.first_weekday + number) for number in range(7)]
    return tuple(spoken.dated(day, "EEEE") for day in days)


def first_day_of_week(day: date) -> date:
    """The day on which the week of ``day`` begins: a Monday, or what the locale says."""
    spoken = current()
    first = 0 if spoken is None else spoken.first_weekday
    return day - timedelta(days=(day.weekday() - first) % 7)


def time_words(local: datetime) -> str:
    """Such as ``09:30``."""
    spoken = current()
    return f"{local:%H:%M}" if spoken is None else spoken.clock(local.time())


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """Such as ``09:30``."""
    return time_words(moment.astimezone(zone))


def age(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Such as ``5 minutes ago (09:30)``; with its day if that is not today."""
    local = moment.astimezone(zone)
    when = time_words(local)
    if local.date() != now.astimezone(zone).date():
        when = f"{day_words(local.date())}, {when}"
    minutes = int((now - moment) / timedelta(minutes=1))
    if minutes < 1:
        return f"just now ({when})"
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes > 1 else ''} ago ({when})"
    return f"{minutes // 60} hours ago ({when})"


def hour_words(hour: int) -> str:
    """An hour on a scale, from 0 to 24: such as ``9``."""
    spoken = current()
    return str(hour) if spoken is None else spoken.hour(hour)


def in_words(error: _Error) -> _Error:
    """What extcal says, in the language of the site."""
    spoken = current()
    return error if spoken is None else spoken.words.of(error)


def read_date(text: str) -> date | None:
    """The value of a date field: a day between 2000 and 2100, or None."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2100 else None


def read_time(text: str) -> time | None:
    """The value of a time field, to the minute, or None."""
    try:
        found = time.fromisoformat(text)
    except ValueError:
        return None
    return None if found.tzinfo else found.replace(second=0, microsecond=0)


def instant_of(day: date, at: time, zone: ZoneInfo) -> datetime | None:
    """The local time as an instant; None if the clocks skip it on that day."""
    local = datetime.combine(day, at, zone)
    found = local.astimezone(UTC)
    return (
        found if found.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None) else None
    )
