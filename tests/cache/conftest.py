"""One feed, one clock, one fetcher, and a cache over them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from extcal import CalendarCache
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

_LONG = 30.0  # seconds no test takes unless something is broken


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


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Run a coroutine function on one of the two event loops, for no longer than _LONG."""

    def running(main: Callable[[], Awaitable[None]]) -> None:
        import anyio

        async def bounded() -> None:
            with anyio.fail_after(_LONG):
                await main()

        anyio.run(bounded, backend=request.param)

    return running
