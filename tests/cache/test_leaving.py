"""A program ends, whatever hangs: nothing that cannot be ended is waited for.

What is left behind are daemon threads, which do not keep an interpreter from ending. What hangs
here hangs until its test is over.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import anyio
import pytest

from extcal import (
    AsyncCalendarCache,
    CalendarCache,
    Failed,
    FetchRequest,
    FetchResponse,
    MemoryStore,
)
from extcal.testing import ManualClock

pytestmark = pytest.mark.core

MOMENT = 0.05  # seconds


@pytest.fixture
def over() -> Iterator[threading.Event]:
    """Set when the test is over."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(autouse=True)
def only_daemons_are_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert [one for one in set(threading.enumerate()) - before if not one.daemon] == []


class Hanging:
    """A fetcher that blocks the thread that calls it."""

    def __init__(self, over: threading.Event) -> None:
        self.over = over
        self.asked = threading.Event()

    def fetch(self, request: FetchRequest, /) -> FetchResponse:
        self.asked.set()
        self.over.wait()
        return Failed("timeout")


class HangingStore(MemoryStore):
    """A store of an application's own in which one method never returns."""

    def __init__(self, over: threading.Event, method: str) -> None:
        super().__init__()
        self.asked = threading.Event()
        for name in ("get_many", "lease", "put", "release"):
            if name == method:
                setattr(self, name, self.hang)
        self.over = over

    def hang(self, *_: object) -> None:
        self.asked.set()
        self.over.wait()


Leave = Callable[[AsyncCalendarCache], Awaitable[object]]


@pytest.mark.parametrize("hangs", ["fetch", "get_many", "lease", "put", "release"])
def test_an_async_block_is_left(
    run: Callable[..., None],
    clock: ManualClock,
    fetcher: Any,
    url: str,
    over: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    hangs: str,
) -> None:
    """While a fetcher blocks its thread, and while a store does not answer."""
    monkeypatch.setattr("extcal.cache.event_loop._LEAVING", MOMENT)
    monkeypatch.setattr("extcal.cache.stores.watched._SECONDS", 1000.0)
    store = HangingStore(over, hangs)
    slow = Hanging(over) if hangs == "fetch" else None
    what = slow or store

    async def main() -> None:
        async with (
            AsyncCalendarCache(store=store, fetcher=slow or fetcher, clock=clock) as calendars,
            anyio.create_task_group() as group,
        ):
            group.start_soon(calendars.get, url)
            while not what.asked.is_set():
                await anyio.sleep(0.001)
            group.cancel_scope.cancel()

    run(main)
    assert what.asked.is_set()


def test_feeds_of_refresh_many_are_left(
    make: Callable[..., CalendarCache], clock: ManualClock, over: threading.Event
) -> None:
    """By a program that has threads: none of them waits at the end of the interpreter."""
    slow = Hanging(over)
    calendars = make(fetcher=slow)
    urls = [f"https://example.org/{number}.ics" for number in range(40)]
    threading.Thread(target=lambda: list(calendars.refresh_many(urls)), daemon=True).start()
    assert slow.asked.wait(30)
    table = calendars.availability(
        {"Ada": urls[0]}, clock(), clock() + timedelta(1), timeout=timedelta(seconds=MOMENT)
    )
    assert [problem.code for problem in table.problems["Ada"]] == ["timeout"]
