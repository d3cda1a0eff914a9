"""What hurt applications that read feeds of many people: promises about more than one feed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

import extcal
from extcal import Limits

FIXTURES = Path(__file__).parent / "fixtures"
START, END = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
SAME_NAME = {"Q119-america": 14, "Q119-europe": 8, "Q119-stranger": 9}


def read(name: str) -> extcal.Expansion:
    return extcal.expand((FIXTURES / f"{name}.ics").read_bytes(), START, END)


def first_hour(name: str) -> int:
    return read(name).events[0].start.hour


def calendar(*events: str) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", *events, "END:VCALENDAR", ""]
    return "\r\n".join(lines).replace("\n\r\n", "\r\n").encode()


def event(uid: str, start: str, *lines: str) -> str:
    head = ["BEGIN:VEVENT", f"UID:{uid}@example.org", f"DTSTART:{start}", "DURATION:PT1H"]
    return "\r\n".join([*head, *lines, "END:VEVENT"])


@pytest.mark.parametrize("order", list(permutations(SAME_NAME)))
def test_zones_never_leak_from_feed_to_feed(order: tuple[str, ...]) -> None:
    """Three feeds use one name for three zones; whichever comes first, each is read by its own."""
    for name in (*order, *order):
        assert first_hour(name) == SAME_NAME[name]


def test_zones_never_leak_between_threads() -> None:
    """The same with the feeds read at the same time."""
    names = list(SAME_NAME) * 40
    with ThreadPoolExecutor(8) as pool:
        hours = list(pool.map(first_hour, names, timeout=60))
    assert hours == [SAME_NAME[name] for name in names]


def test_one_meeting_in_two_feeds_is_one_busy_period() -> None:
    """A meeting in two calendars of a person is busy once; a copy declined in one stays busy."""
    work = read("Q114").free_busy
    private = extcal.free_busy(calendar(event("f17", "20261207T090000Z")), START, END)
    cancelled = calendar(event("f17", "20261207T090000Z", "STATUS:CANCELLED"))
    assert (work | private).periods == work.periods
    assert (work | extcal.free_busy(cancelled, START, END)).periods == work.periods


@pytest.mark.parametrize("name", ["Q025", "Q026", "Q027", "Q029", "Q030", "Q033", "Q034", "Q055"])
def test_what_is_fatal_elsewhere_is_read_here(name: str) -> None:
    """Feeds that a strict parser refuses as a whole keep every event."""
    result = read(name)
    assert result.events
    assert "event_lost" not in {problem.code for problem in result.problems}


def test_a_series_that_is_over_costs_no_step() -> None:
    """Thousands of series that ended before the window are read without a single step."""
    days = [datetime(2016, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(3_000)]
    over = [
        event(f"over{number}", f"{day:%Y%m%d}T090000Z", f"RRULE:FREQ=DAILY;UNTIL={day:%Y}1231")
        for number, day in enumerate(days)
    ]
    raw = calendar(*over, event("now", "20261207T090000Z"))
    result = extcal.expand(raw, START, END, limits=Limits(max_steps=0))
    assert result.complete
    assert [found.uid for found in result.events] == ["now@example.org"]


def test_old_events_are_no_work() -> None:
    """Ten years of events before the window count for nothing in any limit on what is listed."""
    days = [datetime(2016, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(3_650)]
    old = [event(f"old{day:%Y%m%d}", f"{day:%Y%m%d}T090000Z") for day in days]
    raw = calendar(*old, event("now", "20261207T090000Z"))
    result = extcal.expand(raw, START, END, limits=Limits(max_steps=0, max_occurrences=1))
    assert result.complete
    assert result.events_complete
    assert [found.uid for found in result.events] == ["now@example.org"]
