"""Free/busy for a terminal and for programs: text by local day, or one JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo

from extcal.errors import Problem
from extcal.intervals import FreeBusy

__all__ = ["as_json", "as_text", "problem_lines"]

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SHOWN = 5


def as_text(free_busy: FreeBusy, zone: tzinfo) -> Iterator[str]:
    """Lines for people: a day, then its stretches in local time; days without any are left out."""
    day: date | None = None
    for start, end, what in _by_day(free_busy, zone):
        if start.date() != day:
            day = start.date()
            yield f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"
        last = "24:00" if end.date() != start.date() else f"{end:%H:%M}"
        yield f"  {start:%H:%M}–{last}  {what}"
    if day is None:
        yield "Free throughout."


def _by_day(free_busy: FreeBusy, zone: tzinfo) -> Iterator[tuple[datetime, datetime, str]]:
    """Every stretch cut at local midnights, in order."""
    pieces: list[tuple[datetime, datetime, str]] = []
    for start, end, what in _stretches(free_busy):
        at = start
        while at < end:
            local = at.astimezone(zone)
            following = local.date() + timedelta(days=1)
            midnight = datetime(following.year, following.month, following.day, tzinfo=zone)
            until = min(end, midnight.astimezone(UTC))
            pieces.append((local, until.astimezone(zone), what))
            at = until
    return iter(sorted(pieces, key=lambda piece: (piece[0].astimezone(UTC), piece[2])))


def _stretches(free_busy: FreeBusy) -> Iterator[tuple[datetime, datetime, str]]:
    for period in free_busy.periods:
        yield period.start, period.end, period.fbtype.token
    for gap in free_busy.unknown:
        yield gap.start, gap.end, "unknown"


def as_json(free_busy: FreeBusy, zone: tzinfo, problems: Sequence[Problem]) -> str:
    """One object: window, periods, unknown and problems; instants in ISO 8601 with an offset."""

    def at(moment: datetime) -> str:
        return moment.astimezone(zone).isoformat()

    window = free_busy.window
    return json.dumps(
        {
            "window": {"start": at(window.start), "end": at(window.end)},
            "periods": [
                {"start": at(p.start), "end": at(p.end), "fbtype": p.fbtype.token}
                for p in free_busy.periods
            ],
            "unknown": [{"start": at(p.start), "end": at(p.end)} for p in free_busy.unknown],
            "problems": [
                {"code": p.code, "message": p.message, "line": p.line, "action": p.action}
                for p in problems
            ],
        },
        ensure_ascii=False,
        indent=2,
    )


def problem_lines(problems: Iterable[Problem]) -> Iterator[str]:
    """The first few oddities of a feed, and how many more there are."""
    found = list(problems)
    for problem in found[:_SHOWN]:
        yield str(problem)
    if len(found) > _SHOWN:
        yield f"... and {len(found) - _SHOWN} more"
