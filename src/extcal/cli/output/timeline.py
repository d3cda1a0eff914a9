"""Who is busy when, in the characters of a terminal: a row for each day and person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo

from rich.text import Text

from extcal.cli.input.gather import CommandQuestion
from extcal.cli.output.report import by_day, day_text, midnight, zone_text
from extcal.cli.output.screen import clean
from extcal.intervals import FBType, FreeBusy, Period, WorkingHours

__all__ = ["timeline"]

_SIGNS = dict(zip(FBType, "·~░█▓", strict=True))
_FREE = _SIGNS[FBType.FREE]
_LEGEND = f"{_FREE} free  ~ elsewhere  ░ tentative  █ busy  ▓ unavailable  ? unknown"
_ALL_FREE = "all free"
_CELLS = (15, 30, 60)  # minutes
_LEAST_NAME = 8  # columns


def timeline(
    table: Mapping[str, FreeBusy],
    question: CommandQuestion,
    hours: WorkingHours | None,
    slots: Sequence[Period] | None,
    width: int,
) -> Iterator[str | Text]:
    """The rows; a DST change makes a row longer or shorter.

    A cell is as short as ``width`` columns allow: a quarter, half or whole hour. With ``hours``,
    free time outside of them is blank, and of each day only the hours are shown in which somebody
    works or is busy. With ``slots``, a further row shows when all are free.
    """
    zone, start, end = question.shown, question.start, question.end
    working = None if hours is None else hours.periods(start, end)
    first, last = (0, 24) if working is None else _hours_shown(working, table, zone)
    longest = max(
        (len(clean(name)) for name in [*table, *([_ALL_FREE] if slots else [])]), default=0
    )
    room = min(longest, max(_LEAST_NAME, width // 3))
    cell = next((each for each in _CELLS if (last - first) * 60 // each <= width - room - 2), 60)
    scale = "".join(f"{hour:<{3 * 60 // cell}}" for hour in range(first, last, 3))
    day = start.astimezone(zone).date()
    while midnight(day, zone) < end:
        cells = list(_cells(day, zone, cell, first, last))
        yield Text(day_text(day), style="bold")
        yield Text(f"{'':<{room + 2}}{scale}".rstrip(), style="dim")
        for name, free_busy in table.items():
            signs = "".join(_sign(free_busy, working, each) for each in cells)
            yield f"{_shortened(clean(name), room):<{room + 2}}{signs}".rstrip()
        if slots:
            signs = "".join("=" if _within(slots, each) else " " for each in cells)
            yield f"{_ALL_FREE:<{room + 2}}{signs}".rstrip()
        day += timedelta(days=1)
    yield Text(_LEGEND + (f"  = {_ALL_FREE}" if slots else ""), style="dim")
    if slots is not None and not slots:
        yield "No time in which everybody is free."
    yield zone_text(question)


def _sign(
    free_busy: FreeBusy, working: Sequence[Period] | None, cell: tuple[datetime, datetime]
) -> str:
    status = free_busy.status(*cell)
    sign = "?" if status is None else _SIGNS[status]
    return " " if sign == _FREE and working is not None and not _within(working, cell) else sign


def _within(periods: Sequence[Period], cell: tuple[datetime, datetime]) -> bool:
    start, end = cell
    return any(period.start <= start and end <= period.end for period in periods)


def _shortened(name: str, room: int) -> str:
    return name if len(name) <= room else name[: room - 1] + "…"


def _hours_shown(
    working: Sequence[Period], table: Mapping[str, FreeBusy], zone: tzinfo
) -> tuple[int, int]:
    """The first and the last hour of a day in which anybody works or is busy."""
    busy = [(each.start, each.end, "") for person in table.values() for each in person.periods]
    pieces = by_day([*busy, *((each.start, each.end, "") for each in working)], zone)
    first = min((start.hour for start, _, _ in pieces), default=0)
    last = max((_last_hour(start, end) for start, end, _ in pieces), default=24)
    return first, last


def _last_hour(start: datetime, end: datetime) -> int:
    return 24 if end.date() != start.date() else end.hour + bool(end.minute or end.second)


def _cells(
    day: date, zone: tzinfo, minutes: int, first: int, last: int
) -> Iterator[tuple[datetime, datetime]]:
    start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    while start < end:
        if first <= start.astimezone(zone).hour < last:
            yield start, start + timedelta(minutes=minutes)
        start += timedelta(minutes=minutes)
