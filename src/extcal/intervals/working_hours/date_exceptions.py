"""Exceptions to working hours by date: text in, days that are closed and hours that are opened out.

    exception = days [ " " hours *( "," hours ) ]     "2027-05-17", "2027-05-15 10:00-14:00"
    days      = date [ "/" date ]                     "2027-12-24/2027-12-31", both included
    hours     = time "-" time                         "22:00-02:00" ends on the next day

Days are counted from 1970-01-01, times of day are seconds from local midnight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime

from extcal.arguments import several
from extcal.patterns import pattern
from extcal.values import NamedTuple

__all__ = ["EPOCH_DAY", "DateExceptions", "day_of", "read_exceptions"]

EPOCH_DAY = date(1970, 1, 1).toordinal()
_MOST_DAYS = 10_000  # 27 years: more would be a mistake in a range
_TAKES = "dates such as '2027-05-17' or '2027-05-15 10:00-14:00', in a list"
_FORM = pattern(
    r"(?P<first>[0-9-]{10})(?:/(?P<last>[0-9-]{10}))?"
    r"(?:[ T](?P<hours>[0-9: ]+-[0-9: ]+(?:,[0-9: ]+-[0-9: ]+)*))?"
)


class DateExceptions(NamedTuple):
    """``days``: those whose usual hours do not apply. ``opened``: ``(day, start, end)``."""

    days: tuple[int, ...]
    opened: tuple[tuple[int, int, int], ...]


def read_exceptions(
    exceptions: Iterable[str | date], times: Callable[[str, str], tuple[int, int]]
) -> DateExceptions:
    """Read exceptions; ``times`` reads the start and the end of hours.

    Raises ``TypeError`` for anything but text and dates, and ``ValueError`` for text of another
    form, or if a day is both closed and opened.
    """
    closed: set[int] = set()
    opened: set[tuple[int, int, int]] = set()
    for exception in several("exceptions", exceptions, _TAKES):
        days, hours = _read(exception, times)
        closed.update(() if hours else days)
        opened.update((day, *each) for day in days for each in hours)
        if len(closed) + len(opened) > _MOST_DAYS:
            raise ValueError(f"exceptions name more than {_MOST_DAYS:,} days")
    both = closed.intersection(day for day, _, _ in opened)
    if both:
        raise ValueError(
            f"exceptions both close and open {date.fromordinal(EPOCH_DAY + min(both))}"
        )
    return DateExceptions(
        tuple(sorted(closed.union(day for day, _, _ in opened))), tuple(sorted(opened))
    )


def _read(
    exception: str | date, times: Callable[[str, str], tuple[int, int]]
) -> tuple[range, list[tuple[int, int]]]:
    if not isinstance(exception, str):
        day = day_of(exception, "exceptions")
        return range(day, day + 1), []
    match = _FORM.fullmatch(exception.strip())
    if match is None:
        raise ValueError(f"exceptions takes {_TAKES}, not {exception!r}")
    first = day_of(match["first"], "exceptions")
    last = first if match["last"] is None else day_of(match["last"], "exceptions")
    if not 0 <= last - first < _MOST_DAYS:
        raise ValueError(f"the days of {exception!r} end before they begin, or are too many")
    hours = [] if match["hours"] is None else match["hours"].split(",")
    return range(first, last + 1), [
        times(start, end) for start, _, end in (each.partition("-") for each in hours)
    ]


def day_of(value: str | date, name: str) -> int:
    """Return a date, or one as ISO 8601 text, as the number of its day.

    Raises ``TypeError`` for anything else (a datetime is an instant, not a day), and ``ValueError``
    for text that is no date. ``name`` is the argument's name for messages.
    """
    if isinstance(value, datetime) or not isinstance(value, (str, date)):
        raise TypeError(f"{name} takes a date, or text such as '2027-05-17', not {value!r}")
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value.strip())
        except ValueError:
            raise ValueError(f"{name} takes a date such as '2027-05-17', not {value!r}") from None
    return value.toordinal() - EPOCH_DAY
