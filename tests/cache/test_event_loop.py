"""What belongs to one event loop: answers without threads, cancellation, a second loop."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from extcal import (
    AsyncCalendarCache,
    CalendarCache,
    Failed,
    Feed,
    Fetched,
    FetchRequest,
    FetchResponse,
    MemoryStore,
    Refresh,
    Refused,
    SQLiteStore,
    State,
    Unavailable,
)
from extcal.cache.event_loop import EventLoop
from extcal.testing import FakeFetcher, ManualClock

HOUR = timedelta(hours=1)
START = datetime(2027, 1, 4, tzinfo=UTC)
LONG = 30.0  # seconds no test takes unless something is broken
Run = Callable[[Callable[[], Any]], None]


@pytest.fixture
def cache(clock: ManualClock, fetcher: FakeFetcher) -> Callable[..., AsyncCalendarCache]:
    def made(**arguments: Any) -> AsyncCalendarCache:
        given: dict[str, Any] = {"clock": clock, "fetcher": fetcher, "jitter": lambda: 1.0}
        return AsyncCalendarCache(**given | arguments)

    return made


class TestTheLoop:
    """What belongs to one event loop, and what does not."""

    def test_what_memory_knows_is_answered_without_a_thread(
        self, run: Run, cache: Callable[..., AsyncCalendarCache], clock: ManualClock, url: str
    ) -> None:
        """Fresh, or in back-off; the source has no part in it."""
        monkeypatch = pytest.MonkeyPatch()
        failing = "https://example.org/failing.ics"

        async def main() -> None:
            async with cache() as calendars:
                await calendars.get(url)
                with pytest.raises(Unavailable):
                    await calendars.get(failing)

                def refuse(*arguments: object, **options: object) -> None:
                    raise AssertionError("a thread")

                monkeypatch.setattr(EventLoop, "in_thread", refuse)
                monkeypatch.setattr(threading.Thread, "start", refuse)
                assert (await calendars.get(url)).state is State.FRESH
                assert (await calendars.free_busy(url, clock(), clock() + HOUR)).unknown == ()
                assert await calendars.last_refreshed(url) == clock()
                with pytest.raises(Unavailable):
                    await calendars.get(failing)
                monkeypatch.undo()

        try:
            run(main)
        finally:
            monkeypatch.undo()

    def test_a_store_that_blocks_takes_one_journey(
        self,
        run: Run,
        cache: Callable[..., AsyncCalendarCache],
        clock: ManualClock,
        url: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """To a thread and back, whatever is asked."""
        journeys = 0
        in_thread = EventLoop.in_thread

        def counted(*arguments: Any, **options: Any) -> Any:
            nonlocal journeys
            journeys += 1
            return in_thread(*arguments, **options)

        async def main() -> None:
            nonlocal journeys
            async with cache(store=SQLiteStore(tmp_path / "cells.db")) as calendars:
                await calendars.get(url)
                monkeypatch.setattr(EventLoop, "in_thread", counted)
                end = clock() + HOUR
                for ask in (
                    lambda: calendars.get(url),
                    lambda: calendars.free_busy(url, clock(), end),
                    lambda: calendars.free_busy(url, clock(), end, exclude=["talk"]),
                    lambda: calendars.events(url, clock(), end),
                    lambda: calendars.availability({"Ada": url}, clock(), end),
                ):
                    journeys = 0
                    await ask()
                    assert journeys == 1
                monkeypatch.undo()

        run(main)

    def test_another_event_loop_is_told_at_once(
        self, cache: Callable[..., AsyncCalendarCache], url: str
    ) -> None:
        calendars = cache()

        async def main() -> None:
            async with calendars:
                await calendars.get(url)
                await anyio.to_thread.run_sync(elsewhere)
                assert (await calendars.get(url)).state is State.FRESH

        async def ask() -> None:
            with pytest.raises(RuntimeError, match="another event loop"):
                await calendars.get(url)
            with pytest.raises(RuntimeError, match="another event loop"):
                calendars.refresh_many([url])

        def elsewhere() -> None:
            anyio.run(ask)

        anyio.run(main)

    @pytest.mark.parametrize("backend", ["asyncio", "trio"])
    def test_a_program_that_knows_nothing_of_anyio(
        self, cache: Callable[..., AsyncCalendarCache], url: str, body: str, backend: str
    ) -> None:
        """With a fetcher and a callback of its own, for both of which a task must be started."""
        heard: list[str | None] = []

        class Ours:
            async def fetch(self, request: FetchRequest) -> FetchResponse:
                await anyio.lowlevel.checkpoint()
                return Fetched(body.encode())

        async def hear(refresh: Refresh) -> None:
            await anyio.lowlevel.checkpoint()
            heard.append(refresh.error)
            told.set()

        async def main() -> None:
            async with cache(fetcher=Ours, on_refresh=hear) as calendars:
                assert (await calendars.get(url)).state is State.FRESH
                await told.wait()

        told = anyio.Event()
        if backend == "asyncio":
            asyncio.run(main())
        else:
            pytest.importorskip("trio", reason="trio is not installed").run(main)
        assert heard == [None]

    def test_sixteen_tasks_wait_without_threads_of_their_own(
        self, run: Run, cache: Callable[..., AsyncCalendarCache], url: str, body: str
    ) -> None:
        """One thread flies; those who wait are woken on the loop."""
        arrived, go_on = threading.Event(), threading.Event()

        class Slow:
            def fetch(self, request: FetchRequest) -> FetchResponse:
                arrived.set()
                assert go_on.wait(LONG)
                return Fetched(body.encode())

        async def main() -> None:
            answers = []
            async with cache(fetcher=Slow()) as calendars, anyio.create_task_group() as tasks:

                async def look() -> None:
                    answers.append(await calendars.get(url))

                before = set(threading.enumerate())
                for _ in range(16):
                    tasks.start_soon(look)
                await anyio.wait_all_tasks_blocked()
                assert arrived.wait(LONG)
                assert len(set(threading.enumerate()) - before) == 1
                go_on.set()
            assert [answer.state for answer in answers] == [State.FRESH] * 16

        run(main)


class TestACancellationThatIsNotOurs:
    """What a host's code awaits may be cancelled by somebody else: that costs one refresh."""

    def test_in_a_fetcher(
        self,
        cache: Callable[..., AsyncCalendarCache],
        url: str,
        body: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        class Ours:
            async def fetch(self, request: FetchRequest) -> FetchResponse:
                if request.feed == Feed(url):
                    shared = asyncio.ensure_future(asyncio.sleep(LONG))
                    asyncio.get_running_loop().call_soon(shared.cancel)
                    await shared
                return Fetched(body.encode())

        async def main() -> None:
            async with cache(fetcher=Ours()) as calendars, anyio.create_task_group() as tasks:
                tasks.start_soon(calendars.get, "https://example.org/other.ics")
                with pytest.raises(Unavailable) as raised:
                    await calendars.get(url)
                assert raised.value.kind == "fetcher_error"
                assert (await calendars.get("https://example.org/third.ics")).events
            task = asyncio.current_task()
            assert task is not None
            assert not task.cancelling()

        with caplog.at_level(logging.WARNING):
            asyncio.run(main())
        assert "fetcher_failed" in caplog.text

    def test_in_a_callback(
        self, cache: Callable[..., AsyncCalendarCache], clock: ManualClock, url: str
    ) -> None:
        told: list[int] = []

        async def hear(refresh: Refresh) -> None:
            told.append(1)
            shared = asyncio.ensure_future(asyncio.sleep(LONG))
            shared.cancel()
            await shared

        async def main() -> None:
            async with cache(on_refresh=hear) as calendars:
                for _ in range(3):
                    assert (await calendars.get(url)).state is State.FRESH
                    clock.advance(HOUR)
                await anyio.sleep(0)

        asyncio.run(main())
        assert told


def test_a_fetcher_that_is_stuck_does_not_keep_a_block_from_ending(
    run: Run, cache: Callable[..., AsyncCalendarCache], url: str
) -> None:
    """It is left behind; the lease is given back, and what it brings is not stored."""
    arrived, go_on, gone = threading.Event(), threading.Event(), threading.Event()

    class Stuck:
        def fetch(self, request: FetchRequest) -> FetchResponse:
            arrived.set()
            assert go_on.wait(LONG)
            gone.set()
            return Failed("timeout")

    async def main() -> None:
        store = MemoryStore()
        async with anyio.create_task_group() as tasks:
            async with cache(fetcher=Stuck(), store=store) as calendars:

                async def look() -> None:
                    with pytest.raises(Unavailable):
                        await calendars.get(url)

                tasks.start_soon(look)
                await anyio.to_thread.run_sync(arrived.wait, LONG)
            assert not store._leases
        go_on.set()
        await anyio.to_thread.run_sync(gone.wait, LONG)
        assert len(store) == 0

    run(main)


_METHODS = sorted(
    name
    for name, method in vars(CalendarCache).items()
    if callable(method) and not name.startswith("_") and name != "refresh_many"
)


@pytest.mark.parametrize("name", _METHODS)
def test_a_method_has_its_arguments_and_its_text_in_one_place(name: str) -> None:
    """What ``help()`` and editors show of both faces is the same; only one of them is awaited."""
    one, other = getattr(CalendarCache, name), getattr(AsyncCalendarCache, name)
    assert other.__doc__ is one.__doc__
    assert inspect.signature(other).parameters == inspect.signature(one).parameters
    assert inspect.iscoroutinefunction(other) is (name != "stats")
    assert (other.__name__, other.__qualname__) == (name, f"AsyncCalendarCache.{name}")


def test_wrong_arguments_are_told_as_python_does(
    run: Run, cache: Callable[..., AsyncCalendarCache]
) -> None:
    """A method that takes its arguments from the other face refuses others."""

    async def main() -> None:
        async with cache() as calendars:
            with pytest.raises(TypeError, match="missing a required argument: 'end'"):
                await calendars.availability({}, START)  # type: ignore[call-arg]
            with pytest.raises(TypeError, match="unexpected keyword argument 'executor'"):
                await calendars.availability({}, START, START + HOUR, executor=None)  # type: ignore[call-arg]

    run(main)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_fetcher_made_when_it_is_needed_keeps_its_feeds_apart(
    run: Run,
    cache: Callable[..., AsyncCalendarCache],
    body: str,
    url: str,
    tmp_path: Path,
    kind: str,
) -> None:
    """With ``headers=`` each feed is asked as somebody else, also before the fetcher exists."""
    good, bad = (Feed(url, timezone=zone) for zone in ("Europe/Berlin", "Europe/Rome"))
    threads: list[int] = []

    class Private:
        shares_answers = False

        def __init__(self) -> None:
            threads.append(threading.get_ident())

        async def fetch(self, request: FetchRequest) -> FetchResponse:
            return Fetched(body.encode()) if request.feed == good else Refused(401)

    async def main() -> None:
        store = MemoryStore() if kind == "memory" else SQLiteStore(tmp_path / "cells.db")
        async with cache(fetcher=Private, store=store) as calendars:
            async for _, outcome in calendars.refresh_many([bad]):
                assert isinstance(outcome, Unavailable)
            assert (await calendars.get(good)).state is State.FRESH
        assert threads == [threading.get_ident()]

    run(main)
