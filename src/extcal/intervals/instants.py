"""Instants as whole epoch seconds, and the one place where they become datetimes.

In: aware datetimes. Out: integers inside extcal, aware UTC datetimes in the public API. Fractions
of a second widen a period: its start is rounded down, its end is rounded up, so it never loses a
part. Naive datetimes are refused, the machine's own zone is never used, and times outside the years
1 to 9999 are cut. And :func:`find_zone`, for the zones that callers name.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

from extcal.arguments import zone_named

__all__ = [
    "DAY",
    "FIRST",
    "LAST",
    "epoch",
    "find_zone",
    "in_years",
    "in_zone",
    "instant",
    "span",
    "spoken",
    "whole_seconds",
]

DAY = 86_400
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MAXIMUM = datetime.max.replace(tzinfo=UTC)

FIRST = -62_135_596_800
"""The first second of year 1, UTC."""
LAST = 253_402_300_800
"""The second after year 9999, UTC: an end, never a start."""


def epoch(value: datetime, *, ceil: bool = False) -> int:
    """Return an aware datetime as whole epoch seconds.

    ``ceil``: round a fraction of a second up, as for the end of a period, instead of down.
    A local time that a clock change skips is read with the offset before it, and one that happens
    twice by its ``fold`` (RFC 5545, section 3.3.5).

    Raises ``TypeError`` for anything but an aware datetime.
    """
    since = _since_epoch(value)
    seconds = -(-since // _SECOND) if ceil else since // _SECOND
    return min(max(seconds, FIRST), LAST if ceil else LAST - 1)


def instant(seconds: int) -> datetime:
    """Return epoch seconds as an aware datetime in UTC.

    The end of year 9999 is the last microsecond that a datetime can hold; :func:`epoch` with
    ``ceil=True`` leads back to the same integer.
    """
    if seconds >= LAST:
        return _MAXIMUM
    return _EPOCH + timedelta(seconds=max(seconds, FIRST))


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """``moment`` in ``zone``, or as it is at the ends of time.

    When an event that is "for ever" ends, with the year 9999 in UTC, Tokyo has the year 10000.
    """
    try:
        return moment.astimezone(zone)
    except (OverflowError, ValueError):
        return moment


def span(start: datetime, end: datetime) -> tuple[int, int]:
    """Return ``[start, end)`` as epoch seconds, widened outward to whole ones.

    Raises ``TypeError`` for naive datetimes and ``ValueError`` unless ``start`` is before ``end``.
    """
    # Two datetimes of one zone are compared by local time, which goes back once a year.
    if _since_epoch(start) >= _since_epoch(end):
        raise ValueError(f"start must be before end, but {start} is not before {end}")
    lo, hi = epoch(start), epoch(end, ceil=True)
    if lo >= hi:
        raise ValueError(f"{start} to {end} lies before year 1 of UTC")
    return lo, hi


def find_zone(timezone: str | tzinfo) -> tzinfo:
    """Return the zone that ``timezone`` is or names.

    Raises ``ValueError`` for a name that tzdata does not have, ``TypeError`` for anything else.
    """
    if isinstance(timezone, tzinfo):
        return timezone
    if not isinstance(timezone, str):
        raise _no_zone(timezone)
    zone = zone_named(timezone)
    if zone is not None:
        return zone
    raise ValueError(
        f"unknown time zone {timezone!r}: pass an IANA name such as 'Europe/Berlin', or a tzinfo"
    )


def in_years(lo: int, hi: int) -> tuple[int, int]:
    """Return a window cut to the years 1 to 9999; it must begin before it ends."""
    lo, hi = max(lo, FIRST), min(hi, LAST)
    if lo >= hi:
        raise ValueError(f"the window must begin before it ends, not [{lo}, {hi})")
    return lo, hi


def whole_seconds(value: timedelta, name: str, *, zero: bool = False) -> int:
    """Return a length of time in whole seconds, rounded up.

    ``name`` is the argument's name for messages; ``zero`` allows a length of zero.
    Raises ``TypeError`` for anything but a timedelta and ``ValueError`` if it is too short.
    """
    if not isinstance(value, timedelta):
        raise TypeError(f"{name} takes a timedelta, not {type(value).__name__}")
    seconds = -(-value // _SECOND)
    if value < timedelta(0) or (seconds == 0 and not zero):
        raise ValueError(f"{name} must {'not be negative' if zero else 'be positive'}: {value}")
    return seconds


def spoken(lo: int, hi: int, zone: tzinfo | None = None) -> str:
    """Return ``[lo, hi)`` in words: ``2027-01-04 09:00 to 10:00 UTC``; in ``zone``, if given."""
    if zone is None or lo < FIRST + DAY or hi > LAST - DAY:  # no zone has those at the ends
        zone = UTC
    first, last = _minutes(lo, zone), _minutes(hi, zone)
    if first[:10] == last[:10]:
        last = last[11:]
    return f"{first} to {last} {zone}"


def _minutes(seconds: int, zone: tzinfo) -> str:
    value = instant(seconds).astimezone(zone).replace(tzinfo=None)
    return value.isoformat(sep=" ", timespec="seconds" if value.second else "minutes")


def _since_epoch(value: datetime) -> timedelta:
    if not isinstance(value, datetime):
        raise _no_instant(value)
    if value.utcoffset() is None:
        raise TypeError(
            f"{value} has no time zone: pass an aware datetime, with tzinfo=timezone.utc or "
            f"tzinfo=ZoneInfo('Europe/Berlin')"
        )
    return value - _EPOCH


def _no_instant(value: object) -> TypeError:
    if isinstance(value, date):
        return TypeError(f"the date {value} is a day of some zone: pass an aware datetime")
    return TypeError(f"pass an aware datetime, not {value!r}")


def _no_zone(value: object) -> TypeError:
    return TypeError(f"a time zone is an IANA name such as 'Europe/Berlin' or a tzinfo: {value!r}")
