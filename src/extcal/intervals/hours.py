"""WorkingHours: the hours of the week when somebody can be met, in local time.

Hours begin at the first instant at which the local clock shows the start or later, and end at the
first at which it shows the end or later. This decides about clock changes. A skipped time is the
moment of the change; so hours that are completely in the skipped hour do not exist (nor does a day
that a country skips). A repeated time is the first of the two. Hours that follow each other in
local time follow each other without gap or overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import NamedTuple, final

from extcal.intervals.frozen import Frozen
from extcal.intervals.instants import DAY, span
from extcal.intervals.merge import Span, union
from extcal.intervals.types import Period, period
from extcal.intervals.wallclock import WallClock, find_zone

__all__ = ["WorkingHours"]

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_TIME = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?")
_THURSDAY = 3  # the weekday of 1970-01-01, counted from Monday


class _Shift(NamedTuple):
    """Hours of some weekdays: seconds from local midnight; past 24:00 is the next day."""

    zone: str | tzinfo
    start: int
    end: int
    days: tuple[int, ...]


@final
class WorkingHours(Frozen):
    """Hours of the week in a time zone; ``a | b`` joins hours, also those of different zones.

    ``days``: weekdays as iCalendar writes them, listed or as ranges: ``"MO-FR"``, ``"MO,WE,FR"``,
    ``"FR-MO"`` (over the weekend).
    ``start``, ``end``: local times ``"HH:MM"`` or ``"HH:MM:SS"``; ``"24:00"`` ends a day; an end
    before the start is on the next day, and the hours belong to the day on which they start.
    ``timezone``: an IANA name or a tzinfo.

    Raises ``ValueError`` for days, times or zones that do not exist, and ``TypeError`` for values
    of the wrong kind. Hours with equal parts are equal, in whatever order they were joined.
    """

    __slots__ = ("_shifts",)

    _shifts: tuple[_Shift, ...]

    def __init__(self, days: str, start: str, end: str, timezone: str | tzinfo) -> None:
        opens, closes = _seconds(start, "start"), _seconds(end, "end")
        if opens == DAY:
            raise ValueError("hours cannot start at '24:00': start them at '00:00' of the next day")
        if opens == closes:
            raise ValueError(
                f"hours from {start!r} to {end!r} have no length: a whole day is '00:00' to '24:00'"
            )
        if closes < opens:
            closes += DAY
        shift = _Shift(_zone_value(timezone), opens, closes, _weekdays(days))
        object.__setattr__(self, "_shifts", (shift,))

    def __or__(self, other: WorkingHours) -> WorkingHours:
        """Return the hours of both."""
        if not isinstance(other, WorkingHours):
            return NotImplemented
        return _joined((*self._shifts, *other._shifts))

    def periods(self, start: datetime, end: datetime) -> tuple[Period, ...]:
        """Return the hours within ``[start, end)``, two aware datetimes: sorted, disjoint, merged.

        Raises ``TypeError`` for naive datetimes and ``ValueError`` unless start is before end.
        """
        return tuple([period(lo, hi) for lo, hi in self.epochs(*span(start, end))])

    def epochs(self, lo: int, hi: int) -> list[Span]:
        """Return the hours within ``[lo, hi)``, everything in epoch seconds."""
        clocks: dict[str | tzinfo, WallClock] = {}
        open_hours: list[Span] = []
        for zone, start, end, days in self._shifts:
            if zone not in clocks:
                # If clocks were set back before the window, a time may have been reached already
                # before it: it must not be taken for reached again.
                clocks[zone] = WallClock(find_zone(zone), lo - 2 * DAY, hi)
            first_showing = clocks[zone].first_showing
            # Offsets stay below a day, and hours end within two days of their midnight.
            for day in range(lo // DAY - 3, hi // DAY + 2):
                if (day + _THURSDAY) % 7 in days:
                    midnight = day * DAY
                    open_hours.append(
                        (first_showing(midnight + start), first_showing(midnight + end))
                    )
        return union(open_hours, lo, hi)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WorkingHours):
            return NotImplemented
        return frozenset(self._shifts) == frozenset(other._shifts)

    def __hash__(self) -> int:
        return hash(frozenset(self._shifts))

    def __reduce__(self) -> tuple[object, ...]:
        return _joined, (self._shifts,)

    def __repr__(self) -> str:
        return " | ".join(
            f"WorkingHours({_day_list(days)!r}, {_time(start)!r}, {_time(end)!r}, {zone!r})"
            for zone, start, end, days in self._shifts
        )


def _joined(shifts: Iterable[_Shift]) -> WorkingHours:
    """Return hours of several shifts; those that differ only in their days become one."""
    days_of: dict[tuple[str | tzinfo, int, int], set[int]] = {}
    for zone, start, end, days in shifts:
        days_of.setdefault((zone, start, end), set()).update(days)
    merged = [_Shift(*times, tuple(sorted(days))) for times, days in days_of.items()]
    merged.sort(key=lambda shift: (str(shift.zone), shift.start, shift.end))
    made = object.__new__(WorkingHours)
    object.__setattr__(made, "_shifts", tuple(merged))
    return made


def _weekdays(days: str) -> tuple[int, ...]:
    if not isinstance(days, str):
        raise _no_text("days", "'MO-FR' or 'MO,WE,FR'", days)
    found: set[int] = set()
    for part in days.split(","):
        first, dash, last = part.partition("-")
        begin = _weekday(first, days)
        length = (_weekday(last, days) - begin) % 7 if dash else 0
        found.update((begin + further) % 7 for further in range(length + 1))
    return tuple(sorted(found))


def _weekday(name: str, days: str) -> int:
    try:
        return _DAYS.index(name.strip().upper())
    except ValueError:
        raise ValueError(
            f"unknown day {name.strip()!r} in {days!r}: days are {', '.join(_DAYS)}, "
            f"listed ('MO,WE') or as ranges ('MO-FR')"
        ) from None


def _day_list(days: tuple[int, ...]) -> str:
    """Return weekdays as they are written, three or more in a row as a range."""
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    if len(runs) > 1 and runs[0][0] == 0 and runs[-1][-1] == 6:
        runs[0] = runs.pop() + runs[0]
    return ",".join(
        f"{_DAYS[run[0]]}-{_DAYS[run[-1]]}" if len(run) > 2 else ",".join(_DAYS[day] for day in run)
        for run in runs
    )


def _seconds(time: str, name: str) -> int:
    if not isinstance(time, str):
        raise _no_text(name, "'09:00'", time)
    match = _TIME.fullmatch(time.strip())
    if match is not None:
        hour, minute, second = (int(digits or 0) for digits in match.groups())
        seconds = hour * 3600 + minute * 60 + second
        if seconds <= DAY:
            return seconds
    raise ValueError(f"{name} is a time from '00:00' to '24:00', written 'HH:MM', not {time!r}")


def _time(seconds: int) -> str:
    if seconds > DAY:
        seconds -= DAY
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}" + (f":{second:02}" if second else "")


def _zone_value(timezone: str | tzinfo) -> str | tzinfo:
    """Return a zone's name if it has one: names can be compared, and their pickles are
    small."""
    zone = find_zone(timezone)
    name = getattr(zone, "key", None)
    if isinstance(timezone, str) or (isinstance(name, str) and zone is _named(name)):
        return str(name)
    return zone


def _named(name: str) -> tzinfo | None:
    try:
        return find_zone(name)
    except ValueError:
        return None


def _no_text(name: str, example: str, value: object) -> TypeError:
    return TypeError(f"{name} takes text such as {example}, not {value!r}")
