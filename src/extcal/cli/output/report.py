"""Answers for a terminal and for programs: lines by local day, or one JSON object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from rich.text import Text

from extcal.cache import CommonFree
from extcal.cli.input.gather import CommandQuestion, Found, Gathered
from extcal.cli.output.screen import clean, kind_text
from extcal.errors import Problem
from extcal.ical import ExternalEvent
from extcal.intervals import FreeBusy, Period
from extcal.intervals.instants import in_zone

__all__ = [
    "as_json",
    "busy_json",
    "busy_text",
    "by_day",
    "day_text",
    "days_text",
    "events_json",
    "events_text",
    "midnight",
    "problem_lines",
    "problem_object",
    "slots_json",
    "zone_text",
]

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SHOWN = 5
# C1 controls, bidirectional controls, lone surrogates; json escapes the C0 controls itself.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def day_text(day: date) -> str:
    """Such as ``Mon 4 Jan 2027``."""
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def as_json(value: object) -> str:
    """One object, indented; characters that could control a terminal are escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def zone_text(question: CommandQuestion) -> Text:
    """The line below every list of local times, which names their zone, and why it is this one."""
    why = "" if question.zone is not None else " (this computer's zone; -z names another)"
    return Text(f"Times in {question.shown}{why}.", style="dim")


# -- free/busy ------------------------------------------------------------------------------------


def busy_text(free_busy: FreeBusy, zone: tzinfo) -> Iterator[str | Text]:
    """A day, then its periods in local time; days without periods are left out."""
    stretches = [(p.start, p.end, p.fbtype.token) for p in free_busy.periods]
    stretches += [(gap.start, gap.end, "unknown") for gap in free_busy.unknown]
    if not stretches:
        yield "Free throughout."
        return
    yield from days_text(stretches, zone)


def days_text(
    stretches: Iterable[tuple[datetime, datetime, str]], zone: tzinfo
) -> Iterator[str | Text]:
    """Periods and their words, cut at local midnights, in order."""
    day: date | None = None
    for start, end, what in by_day(stretches, zone):
        if start.date() != day:
            day = start.date()
            yield Text(day_text(day), style="bold")
        last = "24:00" if end.date() != start.date() else f"{end:%H:%M}"
        yield Text(f"  {start:%H:%M}–{last}" + ("  " if what else "")).append(kind_text(what))


def by_day(
    stretches: Iterable[tuple[datetime, datetime, str]], zone: tzinfo
) -> list[tuple[datetime, datetime, str]]:
    """The stretches in local time, cut at local midnights, in order."""
    pieces: list[tuple[datetime, datetime, str]] = []
    for start, end, what in stretches:
        at = start
        while at < end:
            local = at.astimezone(zone)
            until = min(end, midnight(local.date() + timedelta(days=1), zone))
            pieces.append((local, until.astimezone(zone), what))
            at = until
    return sorted(pieces, key=lambda piece: (piece[0].astimezone(UTC), piece[2]))


def midnight(day: date, zone: tzinfo) -> datetime:
    """When ``day`` begins in ``zone``, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def busy_json(gathered: Gathered, zone: tzinfo) -> dict[str, Any]:
    """The window, and everybody with periods, unknown time, and the problems of their calendars."""
    table = gathered.table
    return {
        "window": _span(table.window, zone),
        "people": [
            {
                "name": name,
                "periods": [
                    {**_span(period, zone), "fbtype": period.fbtype.token} for period in free_busy
                ],
                "unknown": [_span(gap, zone) for gap in free_busy.unknown],
                "calendars": [_calendar(each) for each in gathered.found if each.name == name],
            }
            for name, free_busy in table.items()
        ],
    }


def _calendar(found: Found) -> dict[str, Any]:
    said: dict[str, Any] = {
        "state": found.state.value if found.state is not None else None,
        "fetched_at": found.fetched_at.isoformat() if found.fetched_at is not None else None,
        "problems": [problem_object(problem) for problem in found.problems],
    }
    if found.error is not None:
        error: object = found.error
        said["error"] = {
            "kind": getattr(error, "kind", "not_a_calendar"),
            "message": str(getattr(error, "message", error)),
            "advice": getattr(error, "advice", None),
        }
    return said


def _span(period: Period, zone: tzinfo) -> dict[str, str]:
    return {
        "start": period.start.astimezone(zone).isoformat(),
        "end": period.end.astimezone(zone).isoformat(),
    }


# -- events ---------------------------------------------------------------------------------------


def events_text(
    events: Sequence[ExternalEvent], zone: tzinfo, *, why: bool
) -> Iterator[str | Text]:
    """A day, then the events that start on it; all-day events by their dates."""
    if not events:
        yield "No events."
    day: date | None = None
    placed = sorted(((_first_day(event, zone), event) for event in events), key=_by_place)
    for first, event in placed:
        if first != day:
            day = first
            yield Text(day_text(day), style="bold")
        yield _event_line(event, zone, why=why)


def _first_day(event: ExternalEvent, zone: tzinfo) -> date:
    return event.first_day or in_zone(event.start, zone).date()


def _by_place(placed: tuple[date, ExternalEvent]) -> tuple[date, bool, datetime, str]:
    return placed[0], not placed[1].all_day, placed[1].start, placed[1].uid


def _event_line(event: ExternalEvent, zone: tzinfo, *, why: bool) -> Text:
    line = Text(f"  {_when(event, zone):<11}  ").append(kind_text(event.fbtype.token, 17))
    title = event.summary if event.summary is not None else "(private)" if event.private else ""
    line.append(clean(title))
    if event.location:
        line.append(f" ({clean(event.location)})", style="dim")
    if why:
        line.append(f"  [{clean(event.reason)}]", style="dim")
    return Text(line.plain.rstrip(), spans=line.spans)


def _when(event: ExternalEvent, zone: tzinfo) -> str:
    if event.first_day is not None and event.last_day is not None:
        days = (event.last_day - event.first_day).days + 1
        return "all day" if days == 1 else f"{days} days"
    start, end = in_zone(event.start, zone), in_zone(event.end, zone)
    more = (end.date() - start.date()).days
    return f"{start:%H:%M}–{end:%H:%M}" + (f" +{more}" if more else "")


def events_json(gathered: Gathered, zone: tzinfo) -> dict[str, Any]:
    """The window, and every calendar with its events."""
    return {
        "window": _span(gathered.table.window, zone),
        "calendars": [
            {
                "name": each.name,
                **_calendar(each),
                "events_complete": each.events_complete,
                "events": [event.to_dict(zone) for event in each.events],
            }
            for each in gathered.found
        ],
    }


# -- slots ----------------------------------------------------------------------------------------


def slots_json(
    gathered: Gathered, found: CommonFree, duration: timedelta, zone: tzinfo
) -> dict[str, Any]:
    """The window, the slots, and the people whose unknown time removed slots."""
    return {
        "window": _span(gathered.table.window, zone),
        "duration": int(duration.total_seconds()),
        "people": list(gathered.table),
        "slots": [_span(slot, zone) for slot in found.slots],
        "slots_for_all": [_span(slot, zone) for slot in found.slots_for_all],
        "limited_by": list(found.limited_by),
    }


# -- problems -------------------------------------------------------------------------------------


def problem_lines(problems: Iterable[Problem], name: str = "") -> Iterator[str]:
    """The first few problems of a feed, and how many more there are."""
    found = list(problems)
    start = f"{clean(name)}: " if name else ""
    for problem in found[:_SHOWN]:
        # The library's messages name its argument; the command line names its option.
        yield start + clean(str(problem)).replace("timezone=", "--timezone")
    if len(found) > _SHOWN:
        yield f"{start}... and {len(found) - _SHOWN} more"


def problem_object(problem: Problem) -> dict[str, Any]:
    """A problem for programs, without the UID, which is only for the calendar's owner."""
    return {
        "code": problem.code,
        "message": problem.message,
        "line": problem.line,
        "action": problem.action,
    }
