"""The face for tasks, on asyncio and on trio: what it adds to the engine it shares with threads.

What the engine does is asked of both faces in ``test_one_fetch.py``.

Fetchers here wait for events the test sets, never for time.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from extcal import (
    AsyncCalendarCache,
    AsyncHttpFetcher,
    CalendarCache,
    Failed,
    Feed,
    Fetched,
    FetchRequest,
    FetchResponse,
    MemoryStore,
    OutsideHorizon,
    Refresh,
    State,
    Unavailable,
)
from extcal.testing import FakeFetcher, ManualClock, event, feed_text
from extcal.testing.server import FeedServer

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LONG = 30.0  # seconds no test takes unless something is broken


class Gate:
    """An asynchronous fetcher that lets nobody through until it is opened."""

    def __init__(self, body: str) -> None:
        self.body = body.encode()
        self.answer: FetchResponse | None = None
        self.arrived = anyio.Semaphore(0)
        self.open = anyio.Event()
        self.count = self.inside = self.most = 0

    async def fetch(self, request: FetchRequest) -> FetchResponse:
        self.count += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.arrived.release()
        try:
            await self.open.wait()
        finally:
            self.inside -= 1
        return self.answer or Fetched(self.body)


class Elsewhere:
    """A store the cache has never heard of, so it may block; notes the threads of its calls."""

    def __init__(self, store: MemoryStore) -> None:
        self.threads: set[int] = set()
        for name in ("get", "put", "delete", "lease", "release"):
            setattr(self, name, partial(self._call, getattr(store, name)))

    def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        self.threads.add(threading.get_ident())
        return method(*arguments)


@pytest.fixture
def cache(clock: ManualClock, fetcher: FakeFetcher) -> Callable[..., AsyncCalendarCache]:
    def made(**arguments: Any) -> AsyncCalendarCache:
        return AsyncCalendarCache(
            **{"clock": clock, "fetcher": fetcher, "jitter": lambda: 1.0} | arguments
        )

    return made


@pytest.mark.parametrize("memory", [True, False], ids=["memory", "blocking"])
def test_thirty_minutes(
    run: Callable[..., None],
    cache: Callable[..., AsyncCalendarCache],
    clock: ManualClock,
    fetcher: FakeFetcher,
    url: str,
    memory: bool,
) -> None:
    """Fresh at 30:00, fetched before answering a microsecond later; refresh and forget work."""

    async def main() -> None:
        store = MemoryStore() if memory else Elsewhere(MemoryStore())
        async with cache(store=store) as calendars:
            first = await calendars.get(url)
            assert first.state is State.FRESH
            clock.advance(30 * MINUTE)
            assert (await calendars.get(url)).fetched_at == first.fetched_at
            clock.advance(timedelta(microseconds=1))
            assert (await calendars.get(url)).fetched_at == clock()
            assert fetcher.count() == 2
            clock.advance(MINUTE)
            assert (await calendars.refresh(url)).fetched_at == clock()
            assert await calendars.last_refreshed(url) == clock()
            assert await calendars.last_attempt(url) == clock()
            await calendars.forget(url)
            assert await calendars.last_refreshed(url) is None
            assert await calendars.last_attempt(url) is None
            assert calendars.stats().fetches == 3

    run(main)


def test_what_is_asked_of_it(
    run: Callable[..., None],
    cache: Callable[..., AsyncCalendarCache],
    make: Callable[..., CalendarCache],
    clock: ManualClock,
    url: str,
) -> None:
    """free_busy, events and availability answer what the cache for threads answers."""
    other = make()
    start, end = clock(), clock() + timedelta(days=7)

    async def main() -> None:
        async with cache() as calendars:
            assert await calendars.free_busy(url, start, end) == other.free_busy(url, start, end)
            assert await calendars.events(url, start, end) == other.events(url, start, end)
            free = await calendars.free_busy(url, start, end, exclude=["talk"])
            assert free == other.free_busy(url, start, end, exclude=["talk"])
            assert free.periods == ()
            with pytest.raises(OutsideHorizon):
                await calendars.free_busy(url, start + timedelta(900), end + timedelta(900))
            people: dict[str, Any] = {
                "Ada": [url, Feed(url, detail="busy")],
                "Bob": "nonsense://",
                "Eve": free,
                "Zoe": "https://example.org/unknown.ics",
            }
            table = await calendars.availability(people, start, end)
            expected = other.availability(people, start, end)
            assert await calendars.availability(
                people, start, end, exclude=["talk"]
            ) == other.availability(people, start, end, exclude=["talk"])
            assert dict(table) == dict(expected)
            assert dict(table.problems) == dict(expected.problems)
            with pytest.raises(TypeError, match="timedelta"):
                await calendars.availability(people, start, end, timeout=3)  # type: ignore[arg-type]

    run(main)


def test_a_task_that_is_cancelled_harms_nobody_and_leaks_nothing(
    run: Callable[..., None], cache: Callable[..., AsyncCalendarCache], url: str, body: str
) -> None:
    """Not even the one that asked first: the flight is nobody's but the cache's."""

    async def main() -> None:
        gate, store = Gate(body), MemoryStore()
        answers = []
        async with cache(fetcher=gate, store=store) as calendars:
            async with anyio.create_task_group() as tasks:
                first = anyio.CancelScope()

                async def leader() -> None:
                    with first:
                        await calendars.get(url)

                async def look() -> None:
                    answers.append(await calendars.get(url))

                tasks.start_soon(leader)
                await gate.arrived.acquire()
                tasks.start_soon(look)
                await anyio.wait_all_tasks_blocked()
                first.cancel()
                await anyio.wait_all_tasks_blocked()
                assert gate.inside == 1
                gate.open.set()
            assert [answer.state for answer in answers] == [State.FRESH]
            assert gate.count == 1
            assert calendars.stats().in_flight == 0
            assert not store._leases
            assert not calendars._engine._flights._flying

    run(main)


@pytest.mark.parametrize("memory", [True, False], ids=["memory", "blocking"])
def test_leaving_the_block_ends_what_is_in_the_air(
    run: Callable[..., None],
    cache: Callable[..., AsyncCalendarCache],
    url: str,
    body: str,
    memory: bool,
) -> None:
    """At once; the lease is given back, and nothing is stored half."""

    async def main() -> None:
        inner = MemoryStore()
        gate, store = Gate(body), inner if memory else Elsewhere(inner)
        async with anyio.create_task_group() as tasks:
            async with cache(fetcher=gate, store=store) as calendars:

                async def look() -> None:
                    with pytest.raises(Unavailable):
                        await calendars.get(url)

                tasks.start_soon(look)
                await gate.arrived.acquire()
                assert len(inner._leases) == 1
            assert gate.inside == 0
            # A blocking store may be just about to take it back, in the thread of the flight.
            with anyio.fail_after(1):
                while inner._leases:
                    await anyio.sleep(0.001)
            assert len(inner) == 0
        with pytest.raises(RuntimeError, match="async with"):
            await calendars.get(url)
        gate.open.set()
        async with calendars:
            assert (await calendars.get(url)).state is State.FRESH
            with pytest.raises(RuntimeError, match="in use"):
                async with calendars:
                    pass

    run(main)


def test_leaving_the_block_while_a_calendar_is_read_gives_the_lease_back(
    run: Callable[..., None],
    cache: Callable[..., AsyncCalendarCache],
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thread cannot be cancelled: it ends well, and what comes after it must be done as well."""
    import extcal.cache.refresh.outcome as outcome

    began, go_on = threading.Event(), threading.Event()
    read_body = outcome.readings.read_body

    def held_up(*arguments: Any) -> Any:
        began.set()
        assert go_on.wait(LONG)
        return read_body(*arguments)

    monkeypatch.setattr(outcome.readings, "read_body", held_up)

    async def main() -> None:
        inner = MemoryStore()
        store: Any = Elsewhere(inner)
        async with anyio.create_task_group() as tasks:
            async with cache(store=store) as calendars:

                async def look() -> None:
                    with suppress(Unavailable):
                        await calendars.get(url)

                tasks.start_soon(look)
                await anyio.to_thread.run_sync(began.wait, LONG)
                assert len(inner._leases) == 1
                left = calendars._engine._flights._closing
                threading.Thread(target=lambda: left.wait(LONG) and go_on.set()).start()
            assert not inner._leases
            assert len(inner) == 2  # the reading, and the list of its address

    run(main)


def test_the_blocks_own_error_comes_out_as_it_is(
    run: Callable[..., None], cache: Callable[..., AsyncCalendarCache], url: str
) -> None:
    """And in no group of exceptions."""

    async def main() -> None:
        with pytest.raises(KeyError, match="the host's"):
            async with cache() as calendars:
                await calendars.get(url)
                raise KeyError("the host's")

    run(main)


def test_two_caches_that_share_a_store(
    run: Callable[..., None],
    cache: Callable[..., AsyncCalendarCache],
    make: Callable[..., CalendarCache],
    url: str,
    body: str,
) -> None:
    """One for tasks and one for threads: the lease keeps the second from fetching."""

    async def main() -> None:
        gate, store = Gate(body), MemoryStore()
        never = FakeFetcher({url: Failed("fetcher_error")})
        threads = make(store=store, fetcher=never)
        async with cache(fetcher=gate, store=store) as tasks, anyio.create_task_group() as group:

            async def look() -> None:
                assert (await tasks.get(url)).state is State.FRESH

            async def other() -> None:
                found = await anyio.to_thread.run_sync(threads.get, url)
                assert found.state is State.FRESH

            group.start_soon(look)
            await gate.arrived.acquire()
            group.start_soon(other)
            await anyio.wait_all_tasks_blocked()
            gate.open.set()
        assert (gate.count, never.count()) == (1, 0)

    run(main)


def test_over_real_http(
    run: Callable[..., None], cache: Callable[..., AsyncCalendarCache], body: str
) -> None:
    """With the fetcher that comes with it: read as a browser, confirmed by 304, and refused."""

    async def main() -> None:
        with FeedServer() as server:
            feed = Feed(server.serve("/SECRET-7f3a/basic.ics", body, etag='"1"'))
            server.fail("/SECRET-7f3a/basic.ics", "not a browser")
            fetcher = partial(AsyncHttpFetcher, allow_networks=server.networks)
            clock = ManualClock("2027-01-04T08:00Z")
            async with cache(fetcher=fetcher, clock=clock) as calendars:
                assert len((await calendars.get(feed)).events) == 1
                clock.advance(HOUR)
                assert (await calendars.get(feed)).fetched_at == clock()
                with pytest.raises(Unavailable, match="404"):
                    await calendars.get(server.url("/nobody.ics"))
                stats = calendars.stats()
                assert (stats.read, stats.unchanged, stats.failures) == (1, 1, {"not_found": 1})
                assert stats.as_browser == 2
        async with cache(fetcher=None) as calendars:
            with pytest.raises(Unavailable) as raised:
                await calendars.get("https://127.0.0.1/basic.ics")
            assert raised.value.kind == "blocked_url"

    run(main)


def test_calendars_are_read_off_the_event_loop(
    run: Callable[..., None],
    cache: Callable[..., AsyncCalendarCache],
    clock: ManualClock,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And so is a store that may block; a MemoryStore is not worth a thread."""
    import extcal.cache.refresh.outcome as outcome

    readers: set[int] = set()
    read_body = outcome.readings.read_body

    def watched(*arguments: Any) -> Any:
        readers.add(threading.get_ident())
        return read_body(*arguments)

    monkeypatch.setattr(outcome.readings, "read_body", watched)

    async def main() -> None:
        here = threading.get_ident()
        store: Any = Elsewhere(MemoryStore())
        async with cache(store=store) as calendars:
            await calendars.get(url)
            await calendars.get(url)
            await calendars.availability({"Ada": url}, clock(), clock() + HOUR)
        assert readers
        assert here not in readers | store.threads

    run(main)


def test_a_fetcher_that_blocks_is_asked_in_a_thread(
    run: Callable[..., None], cache: Callable[..., AsyncCalendarCache], url: str, body: str
) -> None:
    """A FileFetcher, a FakeFetcher; what it raises is a failure like any other."""

    async def main() -> None:
        here, asked = threading.get_ident(), set()

        def answer(request: FetchRequest) -> str:
            asked.add(threading.get_ident())
            return body

        async with cache(fetcher=FakeFetcher({url: answer})) as calendars:
            await calendars.get(url)
        assert here not in asked

        class Broken:
            async def fetch(self, request: FetchRequest) -> FetchResponse:
                raise RuntimeError(request.feed.reveal())

        for made in (Broken, Broken()):
            async with cache(fetcher=made) as calendars:
                with pytest.raises(Unavailable) as raised:
                    await calendars.get(url)
                assert raised.value.kind == "fetcher_error"
                assert raised.value.__context__ is None

    run(main)


def test_a_store_that_fails_is_not_hidden(
    run: Callable[..., None], cache: Callable[..., AsyncCalendarCache], url: str
) -> None:
    """Its error is the host's to see, also when it happens on the way back from a fetch."""

    class Broken(MemoryStore):
        def put(self, key: str, cell: object, token: str | None, /) -> bool:
            raise OSError("disk full")

    async def main() -> None:
        store = Broken()
        async with cache(store=store) as calendars:
            with pytest.raises(OSError, match="disk full"):
                await calendars.get(url)
            assert not store._leases

    run(main)


def test_served_at_once_and_fetched_behind(
    run: Callable[..., None],
    cache: Callable[..., AsyncCalendarCache],
    clock: ManualClock,
    url: str,
    body: str,
) -> None:
    """Stale-while-revalidate, and a callback that is awaited when the news is there."""
    heard: list[Refresh] = []

    async def main() -> None:
        gate, told = Gate(body), anyio.Event()

        async def hear(refresh: Refresh) -> None:
            await anyio.lowlevel.checkpoint()
            heard.append(refresh)
            if len(heard) == 2:
                told.set()
                raise RuntimeError(refresh.feed.reveal())

        gate.open.set()
        async with cache(fetcher=gate, stale_while_revalidate=HOUR, on_refresh=hear) as calendars:
            first = await calendars.get(url)
            clock.advance(HOUR)
            gate.body = feed_text(event("2027-01-04T09:00Z"), event("2027-01-05T09:00Z")).encode()
            assert (await calendars.get(url)).state is State.STALE
            await told.wait()
            assert (await calendars.get(url)).state is State.FRESH
        assert heard[0].previous is None
        assert heard[1].previous is not None
        assert heard[1].previous.fetched_at == first.fetched_at
        assert heard[1].snapshot is not None
        assert len(heard[1].snapshot.diff(heard[1].previous).added) == 1

    run(main)


def test_without_anyio_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a cache is made, not when extcal is imported."""
    monkeypatch.setattr("extcal.cache.async_calendar_cache.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"extcal\[async\]"):
        AsyncCalendarCache()


def test_no_address_in_what_is_held(
    run: Callable[..., None],
    cache: Callable[..., AsyncCalendarCache],
    url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither in a repr of anything the room made, nor in a log."""
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        async with cache() as calendars:
            await calendars.get(url)
            for each in gc.get_objects():
                if str(type(each).__module__).startswith("extcal.cache"):
                    assert "SECRET-7f3a" not in repr(each)

    run(main)
    assert "SECRET-7f3a" not in caplog.text
