"""Many feeds for tasks: the same run as for threads, on asyncio and on trio."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from extcal import (
    AsyncCalendarCache,
    Failed,
    Feed,
    FeedUrlError,
    Fetched,
    FetchRequest,
    FetchResponse,
    MemoryStore,
    Snapshot,
    SQLiteStore,
    Unavailable,
)
from extcal.testing import ManualClock

MINUTE = timedelta(minutes=1)
Run = Callable[[Callable[[], Awaitable[None]]], None]


def address(number: int, hosts: int = 10) -> str:
    return f"https://host{number % hosts}.example.org/SECRET-7f3a/{number}.ics"


def feeds(count: int, hosts: int = 10) -> list[Feed]:
    return [Feed(address(number, hosts)) for number in range(count)]


class Provider:
    """Answers everything; knows how many it answered at once, in all and of one host."""

    def __init__(self, body: str) -> None:
        self.body = body.encode()
        self.inside: Counter[str] = Counter()
        self.most = self.most_of_one = self.count = 0

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        self.count += 1
        self.inside[request.feed.host] += 1
        self.most = max(self.most, self.inside.total())
        self.most_of_one = max(self.most_of_one, *self.inside.values())
        try:
            await anyio.lowlevel.checkpoint()
            return Failed("tls") if "/7.ics" in request.feed.reveal() else Fetched(self.body)
        finally:
            self.inside[request.feed.host] -= 1


@pytest.fixture
def cache(clock: ManualClock, body: str) -> Callable[..., AsyncCalendarCache]:
    def made(**arguments: Any) -> AsyncCalendarCache:
        given = {"clock": clock, "fetcher": Provider(body), "jitter": lambda: 1.0}
        return AsyncCalendarCache(**given | arguments)

    return made


@pytest.mark.parametrize("shared", [False, True], ids=["memory", "sqlite"])
def test_results_come_with_their_feeds(
    run: Run, cache: Callable[..., AsyncCalendarCache], body: str, tmp_path: Any, shared: bool
) -> None:
    """A Snapshot, or the Unavailable that says why there is none; each feed once; bounded."""
    store = SQLiteStore(tmp_path / "cells.db") if shared else MemoryStore()
    provider = Provider(body)

    async def main() -> None:
        given = feeds(60)
        async with cache(fetcher=provider, store=store, max_fetches=6) as calendars:
            found = {
                feed: outcome
                async for feed, outcome in calendars.refresh_many(given, per_host=2, at_once=12)
            }
        assert found.keys() == set(given)
        assert (provider.count, provider.most <= 6, provider.most_of_one <= 2) == (60, True, True)
        error = found.pop(given[7])
        assert isinstance(error, Unavailable)
        assert (error.kind, error.__traceback__, error.__context__) == ("tls", None, None)
        assert all(isinstance(outcome, Snapshot) for outcome in found.values())

    run(main)


def test_who_leaves_early_leaves_the_rest_alone(
    run: Run, cache: Callable[..., AsyncCalendarCache], body: str
) -> None:
    """Feeds are read as they are needed, so there may be no end to them."""
    read: list[str] = []

    def endless() -> Iterator[str]:
        for number in range(10**9):
            read.append(address(number, hosts=100))
            yield read[-1]

    async def main() -> None:
        async with cache() as calendars:
            results = calendars.refresh_many(endless(), at_once=4)
            for _ in range(20):
                await anext(results)
            await results.aclose()  # type: ignore[attr-defined]
            # The block goes on as if nothing had been.
            assert isinstance(await calendars.get(address(1, hosts=100)), Snapshot)
        assert len(read) < 20 + 2 * 4

    run(main)


def test_a_block_that_ends_does_not_leave_its_reader_waiting(
    run: Run, cache: Callable[..., AsyncCalendarCache]
) -> None:
    """Whoever reads from another task hears that there will be no more."""

    class Never:
        async def fetch(self, request: FetchRequest) -> FetchResponse:
            await anyio.sleep_forever()
            raise AssertionError

    async def main() -> None:
        heard: list[str] = []

        async def read(calendars: AsyncCalendarCache) -> None:
            with pytest.raises(RuntimeError, match="has ended"):
                async for _ in calendars.refresh_many(feeds(3)):
                    pass
            heard.append("the end")

        async with anyio.create_task_group() as readers, cache(fetcher=Never()) as calendars:
            readers.start_soon(read, calendars)
            await anyio.wait_all_tasks_blocked()
        assert heard == ["the end"]

    run(main)


def test_mistakes_of_the_caller(
    run: Run, cache: Callable[..., AsyncCalendarCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said when it is asked for, where that can be known; an address when its turn comes."""

    async def main() -> None:
        calendars = cache()
        with pytest.raises(RuntimeError, match="async with"):
            calendars.refresh_many([])
        async with calendars:
            with pytest.raises(ValueError, match="must be 1 at least"):
                calendars.refresh_many([], at_once=0)
            with pytest.raises(FeedUrlError):
                await anext(calendars.refresh_many(["hello"]))
            monkeypatch.setitem(sys.modules, "tqdm.auto", None)
            with pytest.raises(ImportError, match=r"extcal\[progress\]"):
                calendars.refresh_many([], progress=True)

    run(main)


def test_a_bar_that_shows_progress(
    run: Run, cache: Callable[..., AsyncCalendarCache], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tqdm")

    async def main() -> None:
        async with cache() as calendars:
            assert len([each async for each in calendars.refresh_many(feeds(9), True)]) == 9

    run(main)
    shown = capsys.readouterr().err
    assert "9/9" in shown
    assert "SECRET" not in shown
