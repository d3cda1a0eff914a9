"""Dates, times and ages in words, in the reader's zone; and dates and times from forms."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import extcal

__all__ = [
    "KINDS",
    "age",
    "clock",
    "day_words",
    "day_words_long",
    "instant_of",
    "month_words",
    "read_date",
    "read_time",
    "week_words",
]

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
    return f"{_DAYS[day.weekday()][:3]} {day.day} {_MONTHS[day.month - 1][:3]}"


def day_words_long(day: date) -> str:
    """Such as ``Monday, 4 January 2027``."""
    return f"{_DAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]} {day.year}"


def month_words(day: date) -> str:
    """Such as ``January 2027``."""
    return f"{_MONTHS[day.month - 1]} {day.year}"


def week_words(first: date, last: date) -> str:
    """Such as ``4 – 10 January 2027``, or ``28 December – 3 January 2027``."""
    month = "" if first.month == last.month else f" {_MONTHS[first.month - 1]}"
    return f"{first.day}{month} – {last.day} {month_words(last)}"


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """Such as ``09:30``."""
    return f"{moment.astimezone(zone):%H:%M}"


def age(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Such as ``5 minutes ago (09:30)``; with its day if that is not today."""
    local = moment.astimezone(zone)
    when = f"{local:%H:%M}"
    if local.date() != now.astimezone(zone).date():
        when = f"{day_words(local.date())}, {when}"
    minutes = int((now - moment) / timedelta(minutes=1))
    if minutes < 1:
        return f"just now ({when})"
    if minutes < 120:
        return f"{minutes} minute{'s' if minutes > 1 else ''} ago ({when})"
    return f"{minutes // 60} hours ago ({when})"


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
