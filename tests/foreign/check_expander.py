"""A program that expands with recurring-ical-events gets the same occurrences from extcal."""

from __future__ import annotations

import asyncio
import importlib
from datetime import date
from typing import Any

import icalendar
import pytest
import recurring_ical_events

from extcal.testing import event, feed_text

theirs = recurring_ical_events.of
expander = importlib.import_module("expander")
program = importlib.import_module("ics_calendar_mcp.calendar")

FEED = feed_text(
    event("2027-01-04T09:00Z", "PT45M", uid="a", summary="Stand-up",
          rrule="FREQ=WEEKLY;BYDAY=MO,WE", exdate="2027-01-06T09:00Z"),
    event("2027-01-13T11:00Z", "PT45M", uid="a", summary="Moved",
          recurrence_id="2027-01-13T09:00Z"),
    event("2027-01-08", "P2D", uid="b", summary="Trip"),
)  # fmt: skip


def listed(engine: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.setattr(recurring_ical_events, "of", engine)
    client = program.ICSCalendarClient(url="https://calendar.example.org/a.ics", timezone="UTC")

    async def calendar(force: bool = False) -> icalendar.Calendar:
        return icalendar.Calendar.from_ical(FEED)

    client.fetch_calendar = calendar
    return asyncio.run(client.get_events_between(date(2027, 1, 4), date(2027, 1, 21)))


def test_the_program_lists_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(expander.calls)
    found = listed(expander.Expanded, monkeypatch)
    assert len(expander.calls) == before + 1
    assert found == listed(theirs, monkeypatch)
    assert [one["summary"] for one in found].count("Moved") == 1
