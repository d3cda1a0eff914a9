"""One feed, one clock, one fetcher, and a cache over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from extcal import CalendarCache
from extcal.testing import FakeFetcher, ManualClock, event, feed_text


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock("2027-01-04T08:00Z")


@pytest.fixture
def url() -> str:
    return "https://calendar.example.org/ical/SECRET-7f3a/basic.ics"


@pytest.fixture
def body() -> str:
    return feed_text(event("2027-01-04T09:00Z", "PT1H", uid="talk", summary="Talk about salaries"))


@pytest.fixture
def fetcher(url: str, body: str) -> FakeFetcher:
    return FakeFetcher({url: body})


@pytest.fixture
def make(clock: ManualClock, fetcher: FakeFetcher) -> Callable[..., CalendarCache]:
    """A cache over the clock and the fetcher; full jitter is at its longest."""

    def made(**arguments: Any) -> CalendarCache:
        return CalendarCache(
            **{"clock": clock, "fetcher": fetcher, "jitter": lambda: 1.0} | arguments
        )

    return made


@pytest.fixture
def calendars(make: Callable[..., CalendarCache]) -> CalendarCache:
    return make()
