"""Meetings that recur: an RRULE and people in; each of its times, and who cannot come, out.

The rule is expanded by :mod:`extcal.ical.recurrence`, as an event's is: in local time, so that
09:00 stays 09:00 when clocks change. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta, tzinfo

from extcal.arguments import safe_repr
from extcal.ical.budget import Work
from extcal.ical.recurrence import RecurrenceRule, parse, starts
from extcal.intervals import Period
from extcal.intervals.instants import DAY, epoch, instant
from extcal.intervals.merge import Columns, Span, clipped, touches
from extcal.intervals.slots.common import Search
from extcal.intervals.slots.conditions import Conditions
from extcal.intervals.types import period
from extcal.values import NamedTuple, dataclass

__all__ = ["MeetingTime", "RecurringMeeting", "Repetition"]

_EPOCH = datetime(1970, 1, 1)
_SECOND = timedelta(seconds=1)
_SUBDAILY = ("SECONDLY", "MINUTELY", "HOURLY")
_YEARS = (1, 10, 100)  # how far a rule is followed beyond the window, to see whether it ends there


class MeetingTime(NamedTuple):
    """One time of a meeting that recurs.

    ``free``: it can take place. ``conflicts``: who is blocked then, or outside their hours.
    ``unknown``: whose time then is unknown. With groups, a meeting may take place although
    somebody cannot come.
    """

    slot: Period
    free: bool
    conflicts: tuple[str, ...]
    unknown: tuple[str, ...]


@safe_repr
@dataclass(frozen=True, slots=True)
class RecurringMeeting:
    """A meeting that recurs, as far as it lies in the window of the question.

    ``times``: each of them, in order. ``beyond``: whether it goes on after the window; nothing is
    known of its times there. ``until``: the end of the window.
    """

    times: tuple[MeetingTime, ...]
    beyond: bool
    until: datetime

    @property
    def first(self) -> Period:
        """The first time."""
        return self.times[0].slot

    @property
    def free(self) -> bool:
        """Whether it can take place at every time in the window; unknown is never free."""
        return all(time.free for time in self.times)

    @property
    def obstacles(self) -> tuple[MeetingTime, ...]:
        """The times at which it cannot take place, or at which that is unknown."""
        return tuple([time for time in self.times if not time.free])


class Repetition:
    """An RRULE, expanded in local time of a zone, for meetings of one length.

    Raises ``TypeError`` unless ``rrule`` is text, and ``ValueError`` if part of it cannot be read,
    or if it recurs more often than daily.
    """

    def __init__(self, rrule: str, zone: tzinfo) -> None:
        if not isinstance(rrule, str):
            raise TypeError(f"rrule takes text such as 'FREQ=WEEKLY', not {type(rrule).__name__}")
        odd: list[str] = []
        rule = parse(rrule.strip().removeprefix("RRULE:"), lambda *told: odd.append(told[1]))
        if rule is None or odd or not rule.readable:
            raise ValueError(f"rrule: {odd[0] if odd else 'there is no rule part in it'}")
        if rule.freq in _SUBDAILY:
            raise ValueError("rrule: a meeting recurs daily or less often")
        self.rule: RecurrenceRule = rule
        self.zone = zone

    def times(self, first: int, hi: int) -> list[int]:
        """The starts before ``hi``; the first one is ``first``. Whole epoch seconds.

        Empty if the rule does not produce ``first``: a meeting on Tuesdays cannot start on a
        Monday.
        """
        dtstart = self.local(first)
        found = self.between(dtstart, dtstart, self.local(hi) + DAY, include_dtstart=False)
        if not found or found[0] != dtstart:
            return []
        instants = [first, *(self.instant(local) for local in found[1:])]
        last = self.last_instant()
        return [at for at in instants if at < hi and (last is None or at <= last)]

    def goes_on(self, first: int, hi: int) -> bool:
        """Whether there is a start at ``hi`` or later."""
        dtstart, last = self.local(first), self.last_instant()
        if last is not None and last < hi:
            return False
        lo = self.local(hi) - DAY
        return any(
            (last is None or at <= last) and at >= hi
            for years in _YEARS
            for at in map(
                self.instant, self.between(dtstart, max(lo, dtstart), lo + years * 366 * DAY)[:9]
            )
        )

    def between(
        self, dtstart: int, lo: int, hi: int, *, include_dtstart: bool = True
    ) -> Sequence[int]:
        until = self.rule.until
        last = None
        if until is not None and until.kind != "utc":
            last = until.seconds
            if until.kind == "date":  # UNTIL as a DATE includes that day (3.3.10)
                last += DAY - 1
        found = starts(
            self.rule, dtstart, lo, hi, Work(), until=last, include_dtstart=include_dtstart
        )
        if found.exact_until is not None:
            raise ValueError("rrule: this rule takes too much work")
        return found.local

    def last_instant(self) -> int | None:
        """An UNTIL in UTC, as an instant."""
        until = self.rule.until
        return until.seconds if until is not None and until.kind == "utc" else None

    def local(self, at: int) -> int:
        """What the clock shows at an instant, in seconds since 1970-01-01 00:00."""
        shown = datetime.fromtimestamp(at, self.zone).replace(tzinfo=None)
        return (shown - _EPOCH) // _SECOND

    def instant(self, local: int) -> int:
        """When the clock shows a local time; one in a gap moves forward (3.3.5)."""
        return epoch((_EPOCH + local * _SECOND).replace(tzinfo=self.zone))


def free_meetings(
    search: Search,
    conditions: Conditions,
    known: Collection[str],
    repeated: Repetition,
    first: Span,
    hi: int,
) -> Iterator[RecurringMeeting]:
    """Yield the meetings that begin in ``first`` and are free at all times before ``hi``.

    ``known``: who is assumed to be free. Epoch seconds.
    """
    free = search.starts(conditions, known)
    for at in search.places(conditions, clipped(free, *first)):
        times = repeated.times(at, hi - search.length + 1)
        if times and all(_has(free, one) for one in times):
            yield meeting(search, conditions, known, repeated, at, hi)


def meeting(
    search: Search,
    conditions: Conditions,
    known: Collection[str],
    repeated: Repetition,
    first: int,
    hi: int,
) -> RecurringMeeting:
    """The meeting that begins at ``first``, before ``hi`` (epoch seconds).

    Raises ``ValueError`` if its rule does not produce ``first``.
    """
    until = hi - search.length + 1
    times = repeated.times(first, until)
    if not times:
        raise ValueError("rrule: a meeting by this rule does not start at that time")
    judged_times = tuple(judged(search, conditions, known, times))
    return RecurringMeeting(judged_times, repeated.goes_on(first, until), instant(hi))


def judged(
    search: Search, conditions: Conditions, known: Collection[str], times: Sequence[int]
) -> Iterator[MeetingTime]:
    """Yield each time of a meeting with who cannot come; ``known``: who is assumed to be free."""
    free = search.starts(conditions, known)
    everybody = conditions.names
    for at in times:
        conflicts, unknown = [], []
        for name in everybody:
            if not _has(search.one(name, everybody), at):
                conflicts.append(name)
            elif not _has(search.one(name, known), at):
                unknown.append(name)
        yield MeetingTime(
            period(at, at + search.length), _has(free, at), tuple(conflicts), tuple(unknown)
        )


def _has(spans: Columns, at: int) -> bool:
    return touches(spans, at, at + 1)
