"""The answer of Microsoft Graph's ``getSchedule``, for clients that already read it.

https://learn.microsoft.com/graph/api/calendar-getschedule

In: FreeBusy by address. Out: a dict for ``json.dumps``. The digits of ``availabilityView`` are
Exchange's: 0 free, 1 tentative, 2 busy, 3 out of office, 4 working elsewhere. There is none for
unknown time. It is written as 2, so that no client that reads the digits takes it for free; in
``scheduleItems`` it has Graph's own status ``unknown``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta, tzinfo
from typing import Literal, NotRequired, TypedDict

from extcal.arguments import discreet
from extcal.formats.people import PersonRow, read_table
from extcal.intervals import FBType, FreeBusy, instant
from extcal.intervals.instants import find_zone
from extcal.intervals.types import code_of, fbtype_of
from extcal.messages.pictures import said

__all__ = ["GraphSchedules", "availability_view", "to_graph_schedules"]

_HALF_HOUR = timedelta(minutes=30)
_SHORTEST, _LONGEST = timedelta(minutes=5), timedelta(minutes=1440)  # what Graph accepts

_STATUS = {
    FBType.WORKING_ELSEWHERE: "workingElsewhere",
    FBType.BUSY_TENTATIVE: "tentative",
    FBType.BUSY: "busy",
    FBType.BUSY_UNAVAILABLE: "oof",
}
# Strongest last. The codes of FBType are in the same order, except that unknown time counts as busy
# and that working elsewhere is Microsoft's 4.
_DIGITS = {
    FBType.WORKING_ELSEWHERE: "4",
    FBType.BUSY_TENTATIVE: "1",
    FBType.BUSY: "2",
    FBType.BUSY_UNAVAILABLE: "3",
}


class GraphTime(TypedDict):
    """A ``dateTimeTimeZone``: local time without an offset, and the zone it is in."""

    dateTime: str
    timeZone: str


class GraphItem(TypedDict):
    """A ``scheduleItem`` without subject and location, which Graph leaves out as well when the
    reader may see free/busy only."""

    status: str
    start: GraphTime
    end: GraphTime


class GraphError(TypedDict):
    """A ``freeBusyError``."""

    message: str
    responseCode: str


class GraphSchedule(TypedDict):
    """One ``scheduleInformation``; it has ``error`` only if all time is unknown."""

    scheduleId: str
    availabilityView: str
    scheduleItems: list[GraphItem]
    error: NotRequired[GraphError]


class GraphSchedules(TypedDict):
    """The whole answer."""

    value: list[GraphSchedule]


@discreet
def availability_view(
    free_busy: FreeBusy, interval: timedelta = _HALF_HOUR, *, elsewhere: Literal["0", "4"] = "4"
) -> str:
    """Return one digit for each ``interval`` of the window, the strongest status in it.

    ``interval``: 5 minutes to a day, in whole minutes. The last one may reach beyond the window.
    ``elsewhere``: the digit for working elsewhere; Graph itself writes ``"0"``, because old
    clients do not know ``"4"``. An interval with time that is unknown, or outside the window, is
    ``2``, or ``3`` if it is out of office.

    Raises ValueError for an interval that Graph would refuse.
    """
    lo, hi = free_busy.window_epochs
    return _view(free_busy.epochs, free_busy.unknown_epochs, lo, hi, _seconds(interval), elsewhere)


@discreet
def to_graph_schedules(
    people: Mapping[str, FreeBusy],
    *,
    interval: timedelta = _HALF_HOUR,
    timezone: str | tzinfo = "UTC",
    elsewhere: Literal["0", "4"] = "4",
) -> GraphSchedules:
    """Write several people's time as Microsoft Graph's ``getSchedule`` answers.

    ``people``: FreeBusy by address, such as an Availability. ``interval``: of
    ``availabilityView``, like ``availabilityViewInterval`` of the request. ``timezone``: the zone
    of the items' times, an IANA name or a tzinfo. ``elsewhere``: see :func:`availability_view`.

    Raises TypeError or ValueError if ``people`` is empty, for a zone that does not exist, and for
    an interval
    that Graph would refuse.
    """
    table = read_table(people, "to_graph_schedules")
    zone, step = find_zone(timezone), _seconds(interval)
    return GraphSchedules(
        value=[_schedule(row, table.lo, table.hi, step, zone, elsewhere) for row in table.rows]
    )


def _schedule(
    row: PersonRow, lo: int, hi: int, step: int, zone: tzinfo, elsewhere: Literal["0", "4"]
) -> GraphSchedule:
    stretches = [(start, end, _STATUS[fbtype_of(code)]) for start, end, code in row.busy]
    stretches += [(start, end, "unknown") for start, end in row.unknown]
    made = GraphSchedule(
        scheduleId=row.name,
        availabilityView=_view(row.busy, row.unknown, lo, hi, step, elsewhere),
        scheduleItems=[
            GraphItem(status=status, start=_time(start, zone), end=_time(end, zone))
            for start, end, status in sorted(stretches)
        ],
    )
    if row.unknown == ((lo, hi),) and not row.busy:
        made["error"] = GraphError(
            message=said("nothing-known"),
            responseCode="ErrorFreeBusyGenerationFailed",
        )
    return made


def _view(
    busy: Iterable[tuple[int, int, int]],
    unknown: Iterable[tuple[int, int]],
    lo: int,
    hi: int,
    step: int,
    elsewhere: Literal["0", "4"],
) -> str:
    strongest = [0] * -(-(hi - lo) // step)
    taken = [*busy, *((start, end, code_of(FBType.BUSY)) for start, end in unknown)]
    if (hi - lo) % step:
        taken.append((hi, hi + 1, code_of(FBType.BUSY)))  # the rest of the last interval is unknown
    for start, end, code in taken:
        for slot in range((start - lo) // step, -(-(end - lo) // step)):
            strongest[slot] = max(strongest[slot], code)
    digits = {code_of(fbtype): digit for fbtype, digit in _DIGITS.items()} | {0: "0"}
    digits[code_of(FBType.WORKING_ELSEWHERE)] = elsewhere
    return "".join(digits[code] for code in strongest)


def _seconds(interval: timedelta) -> int:
    if not isinstance(interval, timedelta):
        raise TypeError(f"interval takes a timedelta, not {type(interval).__name__}")
    if not _SHORTEST <= interval <= _LONGEST or interval % timedelta(minutes=1):
        raise ValueError(f"interval is 5 to 1,440 whole minutes, not {interval}")
    return int(interval.total_seconds())


def _time(second: int, zone: tzinfo) -> GraphTime:
    local = instant(second).astimezone(zone)
    return GraphTime(
        dateTime=f"{local.replace(tzinfo=None, microsecond=0).isoformat()}.0000000",
        timeZone=str(getattr(zone, "key", None) or zone),
    )
