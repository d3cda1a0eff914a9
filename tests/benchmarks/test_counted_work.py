"""Work is counted, never timed: how many recurrence steps the measured feeds may cost."""

from __future__ import annotations

from types import ModuleType

import pytest

import extcal

RULES = (
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "FREQ=MONTHLY;BYDAY=2TU",
    "FREQ=MONTHLY;BYMONTHDAY=15",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=YEARLY",
    "FREQ=HOURLY;INTERVAL=12",
)


def _expand(feeds: ModuleType, data: bytes, max_steps: int = 100_000) -> extcal.Expansion:
    limits = extcal.Limits(max_steps=max_steps)
    return extcal.expand(data, feeds.START, feeds.END, timezone="Europe/Berlin", limits=limits)


def _steps(feeds: ModuleType, data: bytes) -> int:
    """The fewest steps that ``data`` can be read with, found by halving."""
    low, high = -1, 100_000
    while high - low > 1:
        middle = (low + high) // 2
        if _expand(feeds, data, middle).complete:
            high = middle
        else:
            low = middle
    return high


def test_500_unending_series_cost_a_step_an_occurrence_at_most(feeds: ModuleType) -> None:
    """Twenty-two years lie between their starts and the window; none of them is walked through."""
    data = feeds.recurrence_heavy(500)
    whole = _expand(feeds, data)
    assert whole.complete
    again = _expand(feeds, data, len(whole.events) + 500)
    assert again.complete
    assert again.free_busy == whole.free_busy


@pytest.mark.parametrize("kind", ["google_like", "outlook_like"])
def test_ended_series_cost_nothing(feeds: ModuleType, kind: str) -> None:
    """Ten years of series cost no more steps than there are occurrences in the window."""
    data = getattr(feeds, kind)(2_000)
    whole = _expand(feeds, data)
    assert _expand(feeds, data, len(whole.events)).complete


@pytest.mark.parametrize("rule", RULES)
def test_the_distance_from_dtstart_costs_nothing(feeds: ModuleType, rule: str) -> None:
    """A series since 1905 costs what one since 2025 costs, give or take its first period."""
    steps = [
        _steps(
            feeds,
            b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:one\r\nDURATION:PT1H\r\n"
            b"DTSTART:%d0103T090000Z\r\nRRULE:%s\r\n"
            b"END:VEVENT\r\nEND:VCALENDAR\r\n" % (year, rule.encode()),
        )
        for year in (1905, 2025)
    ]
    assert abs(steps[0] - steps[1]) <= 10, steps
