"""WorkingHours: the hours of the week when somebody can be met, in local time.

Hours begin at the first instant at which the local clock shows the start or later, and end at the
first at which it shows the end or later. This decides about clock changes. A skipped time is the
moment of the change; so hours that are completely in the skipped hour do not exist (nor does a day
that a country skips). A repeated time is the first of the two. Hours that follow each other in
local time follow each other without gap or overlap.

Hours belong to the local day on which they start: that day's weekday, the days between
``valid_from`` and ``valid_until``, and the exceptions decide about them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, tzinfo
from typing import TYPE_CHECKING, final

from extcal.arguments import made_discreetly, several
from extcal.intervals.frozen import Frozen
from extcal.intervals.instants import DAY, FIRST, LAST, find_zone, span
from extcal.intervals.merge import Span, complement, intersection, union
from extcal.intervals.types import BLOCKING, FBType, Period, blocking_codes, period
from extcal.intervals.wallclock import WallClock
from extcal.intervals.working_hours.date_exceptions import (
    EPOCH_DAY,
    DateExceptions,
    day_of,
    read_exceptions,
)
from extcal.patterns import pattern
from extcal.values import NamedTuple

if TYPE_CHECKING:
    from extcal.intervals.freebusy import FreeBusy

__all__ = ["WorkingHours"]

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ENGLISH = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = pattern(r"([01]?[0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?")
_THURSDAY = 3  # the weekday of 1970-01-01, counted from Monday


class _Shift(NamedTuple):
    """Hours of some weekdays: seconds from local midnight; past 24:00 is the next day.

    ``first`` and ``last`` are the days between which they apply, ``closed`` days on which they do
    not. ``within``: epoch seconds outside which they do not apply, whatever the day.
    """

    zone: str | tzinfo
    start: int
    end: int
    days: tuple[int, ...]
    first: int | None = None
    last: int | None = None
    closed: tuple[int, ...] = ()
    within: tuple[Span, ...] | None = None

    def applies(self, day: int) -> bool:
        """Tell whether hours start on a day."""
        return (
            (day + _THURSDAY) % 7 in self.days
            and (self.first is None or self.first <= day)
            and (self.last is None or day <= self.last)
            and day not in self.closed
        )

    def never(self) -> bool:
        """Tell whether there is no day on which hours start."""
        if self.within == ():
            return True
        if self.first is None or self.last is None:
            return False
        return not any(map(self.applies, range(self.first, self.last + 1)))


@made_discreetly
@final
class WorkingHours(Frozen):
    """Hours of the week in a time zone; ``a | b`` joins hours, also those of different zones.

    ``days``: weekdays as iCalendar writes them, or in English, listed or as ranges: ``"MO-FR"``,
    ``"Mon,Wed,Fri"``, ``"FR-MO"`` (over the weekend), ``["Monday", "Thursday"]``.
    ``start``, ``end``: local times ``"HH:MM"`` or ``"HH:MM:SS"``, or a ``datetime.time`` without a
    zone; ``"24:00"`` or ``time(0)`` ends a day; an end
    before the start is on the next day, and the hours belong to the day on which they start.
    ``timezone``: an IANA name or a tzinfo.
    ``valid_from``, ``valid_until``: the first and the last local day on which these hours apply, a
    date or ISO 8601 text; None for always. For somebody who travels, join hours that follow each
    other in different zones.
    ``exceptions``: local days whose hours differ, as :meth:`with_exceptions` takes them.

    Raises ``ValueError`` for days, times or zones that do not exist, or a ``valid_until`` before
    ``valid_from``, and ``TypeError`` for values of the wrong kind. Hours with equal parts are
    equal, in whatever order they were joined.
    """

    __slots__ = ("_shifts",)

    _shifts: tuple[_Shift, ...]

    def __init__(
        self,
        days: str | Iterable[str],
        start: str | time,
        end: str | time,
        timezone: str | tzinfo,
        *,
        valid_from: str | date | None = None,
        valid_until: str | date | None = None,
        exceptions: Iterable[str | date] = (),
    ) -> None:
        zone, weekdays = _zone_value(timezone), _weekdays(days)
        first = None if valid_from is None else day_of(valid_from, "valid_from")
        last = None if valid_until is None else day_of(valid_until, "valid_until")
        if first is not None and last is not None and last < first:
            raise ValueError(f"valid_until, {valid_until}, is before valid_from, {valid_from}")
        shift = _Shift(zone, *_times(start, end), weekdays, first, last)
        changed = _except((shift,), read_exceptions(exceptions, _times), zone)
        object.__setattr__(self, "_shifts", _joined(changed)._shifts)

    def with_exceptions(
        self, *exceptions: str | date, timezone: str | tzinfo | None = None
    ) -> WorkingHours:
        """Return the same hours, but other ones on some dates.

        ``exceptions``: ``"2027-05-17"`` (or a date) closes that local day.
        ``"2027-05-15 10:00-14:00"`` opens it, for these hours instead of the usual ones; several
        are written ``"2027-05-15 09:00-12:00,14:00-16:00"``. ``"2027-12-24/2027-12-31"`` names
        several days, both included. A later call about the same day replaces an earlier one.
        ``timezone``: the zone of hours that are opened; by default that of these hours on that day.

        Hours belong to the day on which they start, so a night shift that began the day before
        goes on into a closed day.

        Raises ``ValueError`` for text of another form, for a day that is both closed and opened,
        and without ``timezone`` if these hours are in several zones on that day; ``TypeError`` for
        anything but text and dates.
        """
        zone = None if timezone is None else _zone_value(timezone)
        return _joined(_except(self._shifts, read_exceptions(exceptions, _times), zone))

    def without(self, closed: FreeBusy, blocks: Iterable[FBType] = BLOCKING) -> WorkingHours:
        """Return the part of these hours in which ``closed`` is known and not blocked.

        ``closed``: the FreeBusy of a calendar of holidays, read like any other feed: in the zone
        that the holidays are for, and with ``BusyPolicy(all_day="busy")``, because such calendars
        usually mark their events as free. Unknown time is never free, so time that is unknown in
        it, and time outside its window, is left out, too. ``blocks``: the types that close.
        """
        lo, hi = closed.window_epochs
        codes = blocking_codes(blocks)
        taken = [(start, end) for start, end, code in closed.epochs if code in codes]
        gaps = complement([*taken, *closed.unknown_epochs], lo, hi)
        return _joined(
            shift._replace(
                within=tuple(gaps if shift.within is None else intersection(gaps, shift.within))
            )
            for shift in self._shifts
        )

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
        for shift in self._shifts:
            zone, start, end = shift[:3]
            if zone not in clocks:
                # If clocks were set back before the window, a time may have been reached already
                # before it: it must not be taken for reached again.
                clocks[zone] = WallClock(find_zone(zone), lo - 2 * DAY, hi)
            first_showing = clocks[zone].first_showing
            # Offsets stay below a day, and hours end within two days of their midnight.
            midnights = [
                day * DAY for day in range(lo // DAY - 3, hi // DAY + 2) if shift.applies(day)
            ]
            found = [(first_showing(at + start), first_showing(at + end)) for at in midnights]
            open_hours += (
                found if shift.within is None else intersection(union(found, lo, hi), shift.within)
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
        return " | ".join(map(_said, self._shifts)) or "<WorkingHours never>"


def _except(
    shifts: Iterable[_Shift], exceptions: DateExceptions, zone: str | tzinfo | None
) -> list[_Shift]:
    """Return the shifts without those days, and one more for each time that is opened."""
    if not exceptions.days:
        return list(shifts)
    found = list(shifts)
    changed = [
        shift._replace(closed=tuple(sorted({*shift.closed, *exceptions.days}))) for shift in found
    ]
    for day, start, end in exceptions.opened:
        usual = [shift for shift in found if _may_apply(shift, day)]
        where = {shift.zone for shift in usual} if zone is None else {zone}
        if len(where) != 1:
            raise ValueError(
                f"these hours are in {len(where)} zones on {_date(day)}: pass timezone"
            )
        weekday = ((day + _THURSDAY) % 7,)
        changed.append(_Shift(where.pop(), start, end, weekday, day, day))
    return changed


def _may_apply(shift: _Shift, day: int) -> bool:
    """Tell whether a day is one of those that ``valid_from`` and ``valid_until`` allow."""
    return (shift.first is None or shift.first <= day) and (shift.last is None or day <= shift.last)


def _joined(shifts: Iterable[_Shift]) -> WorkingHours:
    """Return hours of several shifts; those that differ only in their days become one."""
    days_of: dict[_Shift, set[int]] = {}
    for shift in shifts:
        if not shift.never():
            days_of.setdefault(shift._replace(days=()), set()).update(shift.days)
    merged = [shift._replace(days=tuple(sorted(days))) for shift, days in days_of.items()]
    merged.sort(key=_order)
    made = object.__new__(WorkingHours)
    object.__setattr__(made, "_shifts", tuple(merged))
    return made


def _order(shift: _Shift) -> tuple[object, ...]:
    first = FIRST if shift.first is None else shift.first
    last = LAST if shift.last is None else shift.last
    return first, str(shift.zone), shift.start, shift.end, last, shift.closed, shift.within or ()


def _said(shift: _Shift) -> str:
    said = [repr(_day_list(shift.days)), repr(_time(shift.start)), repr(_time(shift.end))]
    said.append(repr(shift.zone))
    if shift.first is not None:
        said.append(f"valid_from={_date(shift.first)!r}")
    if shift.last is not None:
        said.append(f"valid_until={_date(shift.last)!r}")
    if shift.closed:
        said.append(f"exceptions={tuple(map(_date, shift.closed))!r}")
    without = "" if shift.within is None else f".without(<FreeBusy, {len(shift.within)} gaps>)"
    return f"WorkingHours({', '.join(said)}){without}"


def _date(day: int) -> str:
    return date.fromordinal(EPOCH_DAY + day).isoformat()


def _weekdays(days: str | Iterable[str]) -> tuple[int, ...]:
    takes = "text such as 'MO-FR' or 'MO,WE,FR', or a list of days"
    listed = [days] if isinstance(days, str) else several("days", days, takes)
    if not all(isinstance(each, str) for each in listed):
        raise TypeError(f"days takes {takes}, not {days!r}")
    written = ",".join(listed)
    found: set[int] = set()
    for part in written.replace("\N{EN DASH}", "-").split(","):
        first, dash, last = part.partition("-")
        begin = _weekday(first, written)
        length = (_weekday(last, written) - begin) % 7 if dash else 0
        found.update((begin + further) % 7 for further in range(length + 1))
    return tuple(sorted(found))


def _weekday(name: str, days: str) -> int:
    said = name.strip().casefold()
    for index, day in enumerate(_DAYS):
        if said == day.casefold() or (len(said) > 2 and _ENGLISH[index].startswith(said)):
            return index
    raise ValueError(
        f"unknown day {name.strip()!r} in {days!r}: days are {', '.join(_DAYS)}, or Mon to Sun, "
        f"listed ('MO,WE') or as ranges ('MO-FR')"
    )


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


def _times(start: str | time, end: str | time) -> tuple[int, int]:
    """Return the two as seconds from local midnight; an end on the next day is past 24:00."""
    opens, closes = _seconds(start, "start"), _seconds(end, "end")
    if opens == DAY:
        raise ValueError("hours cannot start at '24:00': start them at '00:00' of the next day")
    if opens == closes:
        raise ValueError(
            f"hours from {start!r} to {end!r} have no length: a whole day is '00:00' to '24:00'"
        )
    return opens, closes + DAY if closes < opens else closes


def _seconds(clock: str | time, name: str) -> int:
    if isinstance(clock, time):
        if clock.tzinfo is not None or clock.microsecond:
            raise ValueError(f"{name} is a time in whole seconds without a zone, not {clock!r}")
        return clock.hour * 3600 + clock.minute * 60 + clock.second
    if not isinstance(clock, str):
        raise _no_text(name, "'09:00'", clock)
    match = _TIME.fullmatch(clock.strip())
    if match is not None:
        hour, minute, second = (int(digits or 0) for digits in match.groups())
        seconds = hour * 3600 + minute * 60 + second
        if seconds <= DAY:
            return seconds
    raise ValueError(f"{name} is a time from '00:00' to '24:00', written 'HH:MM', not {clock!r}")


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
