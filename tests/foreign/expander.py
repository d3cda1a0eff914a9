"""``recurring_ical_events.of(calendar).between(start, end)``, by extcal.

A pytest plugin (``-p expander``): whoever calls it gets components of icalendar, one for each
occurrence, that extcal expanded. Only the times are replaced; every other property is the feed's.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

import icalendar
import recurring_ical_events

import extcal

calls: list[int] = []
"""How many occurrences each call gave, so that a check can tell that extcal was used."""


class Expanded:
    """The occurrences of a calendar; in place of the library's query."""

    def __init__(self, calendar: icalendar.Calendar) -> None:
        self.calendar = calendar
        events = calendar.walk("VEVENT")
        self.masters = {str(one.get("UID", "")): one for one in events if not _planned(one)}
        self.overrides = {(str(one.get("UID", "")), _planned(one)): one for one in events}

    def between(self, start: Any, end: Any) -> list[icalendar.Event]:
        """The components of all occurrences in ``[start, end)``; dates are days in UTC."""
        found = extcal.expand(self.calendar, _instant(start), _instant(end), timezone="UTC")
        components = list(self._components(found.events))
        calls.append(len(components))
        return components

    def _components(self, events: tuple[extcal.ExternalEvent, ...]) -> Iterator[icalendar.Event]:
        for event in events:
            planned = event.recurrence_id
            told = self.overrides.get((event.uid, planned), self.masters.get(event.uid))
            if told is None:
                continue
            component = copy.copy(told)
            for name in ("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE"):
                component.pop(name, None)
            component.add("DTSTART", event.first_day if event.all_day else event.start)
            component.add("DTEND", _after(event.last_day) if event.all_day else event.end)
            yield component


def _planned(component: icalendar.Event) -> datetime | date | None:
    recurrence_id = component.get("RECURRENCE-ID")
    return None if recurrence_id is None else _instant_or_day(recurrence_id.dt)


def _instant_or_day(value: datetime | date) -> datetime | date:
    return _instant(value) if isinstance(value, datetime) else value


def _instant(value: datetime | date) -> datetime:
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)


def _after(day: date | None) -> date:
    assert day is not None
    return date.fromordinal(day.toordinal() + 1)


def install() -> None:
    """Let every program in this process expand with extcal."""
    recurring_ical_events.of = Expanded


install()
