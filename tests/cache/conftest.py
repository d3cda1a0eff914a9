"""One feed, one clock, one fetcher, and a cache over them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from functools import partial
from inspect import iscoroutinefunction
from typing import Any

import pytest

from extcal import AsyncCalendarCache, CalendarCache
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

_LONG = 30.0  # seconds no test takes unless something is broken


@pytest.fixture(scope="session", autouse=True)
def _a_busy_machine_makes_no_store_late() -> Iterator[None]:
    """A store of a test is left alone only where the test says so, however long a thread waits."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("extcal.cache.stores.watched._SECONDS", 60.0)
        patched.setattr("extcal.cache.stores.durable._LATE", 60.0)
        yield


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


class _Tasks:
    """An AsyncCalendarCache as it looks from threads: each call waits for its answer."""

    def __init__(self, calendars: AsyncCalendarCache, portal: Any) -> None:
        self._calendars, self._portal = calendars, portal

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._calendars, name)
        return partial(self._call, found) if iscoroutinefunction(found) else found

    def refresh_many(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        async def collected() -> list[Any]:
            return [each async for each in self._calendars.refresh_many(*arguments, **options)]

        return iter(self._portal.call(collected))

    def _call(self, method: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        return self._portal.call(partial(method, *arguments, **options))


@pytest.fixture(params=["threads", "asyncio", "trio"])
def make_either(
    request: pytest.FixtureRequest, clock: ManualClock, fetcher: FakeFetcher
) -> Iterator[Callable[..., Any]]:
    """``make`` for what the one engine does: a cache for threads, then one for tasks."""
    with ExitStack() as stack:
        portal: Any = None
        if request.param != "threads":
            from anyio.from_thread import start_blocking_portal

            portal = stack.enter_context(start_blocking_portal(request.param))

        def made(**arguments: Any) -> Any:
            given = {"clock": clock, "fetcher": fetcher, "jitter": lambda: 1.0} | arguments
            if portal is None:
                return CalendarCache(**given)
            calendars = AsyncCalendarCache(**given)
            stack.enter_context(portal.wrap_async_context_manager(calendars))
            return _Tasks(calendars, portal)

        yield made
