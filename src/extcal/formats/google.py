"""The answer of Google's ``freebusy.query``, for clients that already read it.

https://developers.google.com/workspace/calendar/api/v3/reference/freebusy/query

In: FreeBusy by calendar ID. Out: a dict for ``json.dumps``. Google's format has only busy time, no
types and no unknown time. So time that blocks is busy, unknown time is busy, too, and a calendar
with unknown time has an error that Google's clients know. A client that reads only ``busy`` books
nothing at that time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo
from typing import Literal, NotRequired, TypedDict

from extcal.arguments import discreet
from extcal.formats.people import PersonRow, read_table
from extcal.intervals import BLOCKING, FBType, FreeBusy, instant
from extcal.intervals.instants import find_zone
from extcal.intervals.types import blocking_codes

__all__ = ["GoogleFreeBusy", "to_google_freebusy"]


class GoogleError(TypedDict):
    """One entry of ``errors``."""

    domain: str
    reason: str


class GooglePeriod(TypedDict):
    """One busy stretch; RFC 3339."""

    start: str
    end: str


class GoogleCalendar(TypedDict):
    """The answer for one calendar; it has ``errors`` only if some of its time is unknown."""

    errors: NotRequired[list[GoogleError]]
    busy: list[GooglePeriod]


class GoogleFreeBusy(TypedDict):
    """The whole answer. ``groups`` is left out, as Google does when no group was asked for."""

    kind: Literal["calendar#freeBusy"]
    timeMin: str
    timeMax: str
    calendars: dict[str, GoogleCalendar]


@discreet
def to_google_freebusy(
    people: Mapping[str, FreeBusy],
    *,
    timezone: str | tzinfo = "UTC",
    blocks: Iterable[FBType] = BLOCKING,
) -> GoogleFreeBusy:
    """Write several people's time as Google's ``freebusy.query`` answers.

    ``people``: FreeBusy by calendar ID, such as an Availability. ``timezone``: the zone whose
    offset the times have, like ``timeZone`` of the request; an IANA name or a tzinfo.
    ``blocks``: the types that count as busy; unknown time always does.

    Raises TypeError or ValueError if ``people`` is empty, for a zone that does not exist, and for
    FREE among ``blocks``.
    """
    table = read_table(people, "to_google_freebusy")
    zone, blocking = find_zone(timezone), blocking_codes(blocks)
    return GoogleFreeBusy(
        kind="calendar#freeBusy",
        timeMin=_rfc3339(table.lo, zone),
        timeMax=_rfc3339(table.hi, zone),
        calendars={
            row.name: _calendar(row, table.lo, table.hi, zone, blocking) for row in table.rows
        },
    )


def _calendar(
    row: PersonRow, lo: int, hi: int, zone: tzinfo, blocking: frozenset[int]
) -> GoogleCalendar:
    taken = [(start, end, FBType.BUSY) for start, end, code in row.busy if code in blocking]
    taken += [(start, end, FBType.BUSY) for start, end in row.unknown]
    merged = FreeBusy.from_epochs(lo, hi, taken).epochs
    busy = [
        GooglePeriod(start=_rfc3339(start, zone), end=_rfc3339(end, zone))
        for start, end, _ in merged
    ]
    if row.unknown:
        return GoogleCalendar(
            errors=[GoogleError(domain="global", reason="internalError")], busy=busy
        )
    return GoogleCalendar(busy=busy)


def _rfc3339(second: int, zone: tzinfo) -> str:
    local = instant(second).astimezone(zone)
    text = local.replace(microsecond=0).isoformat()
    return text.removesuffix("+00:00") + "Z" if zone is UTC or _name(zone) == "UTC" else text


def _name(zone: tzinfo) -> str | None:
    name: object = getattr(zone, "key", None)
    return name if isinstance(name, str) else None
