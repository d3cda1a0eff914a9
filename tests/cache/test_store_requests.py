"""What a question costs: how often the store is asked, and how many files a warm ``get`` passes."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

import anyio
import pytest

import extcal
from extcal import (
    AsyncCalendarCache,
    CalendarCache,
    Feed,
    MemoryStore,
    SQLiteStore,
    State,
)
from extcal.cache import Cell
from extcal.testing import FakeFetcher, ManualClock

HOUR = timedelta(hours=1)
PACKAGE = os.path.join(os.path.dirname(os.path.realpath(extcal.__file__)), "")


class Counting:
    """A store as a host might write one, which counts how often it is asked; no ``get_many``."""

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.calls: Counter[str] = Counter()

    def get(self, key: str, /) -> Cell | None:
        self.calls["get"] += 1
        return self.inner.get(key)

    def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
        self.calls["put"] += 1
        return self.inner.put(key, cell, token)

    def delete(self, key: str, /) -> None:
        self.calls["delete"] += 1
        self.inner.delete(key)

    def lease(self, key: str, now: datetime, ttl: timedelta, /) -> str | None:
        self.calls["lease"] += 1
        return self.inner.lease(key, now, ttl)

    def release(self, key: str, token: str, /) -> None:
        self.calls["release"] += 1
        self.inner.release(key, token)

    def taken(self) -> Counter[str]:
        calls, self.calls = self.calls, Counter()
        return calls


class CountingMany(Counting):
    """The same with ``get_many``."""

    def get_many(self, keys: Sequence[str]) -> Mapping[str, Cell]:
        self.calls["get_many"] += 1
        return self.inner.get_many(keys)


class TestTheStore:
    """How often it is asked."""

    @pytest.mark.parametrize("tasks", [False, True], ids=["threads", "tasks"])
    def test_once_for_a_look_and_four_times_for_a_refresh(
        self, clock: ManualClock, fetcher: FakeFetcher, url: str, tasks: bool
    ) -> None:
        """The lease, one look under it, what was read, and the lease back."""
        store = CountingMany()
        refresh = {"get_many": 1, "lease": 1, "put": 1, "release": 1}

        def ask(calendars: Any) -> Counter[str]:
            calendars.get(url)
            return store.taken()

        async def ask_for_it(calendars: Any) -> Counter[str]:
            await calendars.get(url)
            return store.taken()

        async def main() -> None:
            arguments: Any = {"store": store, "clock": clock, "fetcher": fetcher}
            if not tasks:
                calendars = CalendarCache(**arguments)
                self.check([ask(calendars), ask(calendars)], refresh)
                clock.advance(HOUR)
                self.check([ask(calendars), ask(calendars)], refresh, listed=True)
                return
            async with AsyncCalendarCache(**arguments) as calendars_:
                self.check([await ask_for_it(calendars_), await ask_for_it(calendars_)], refresh)
                clock.advance(HOUR)
                again = [await ask_for_it(calendars_), await ask_for_it(calendars_)]
                self.check(again, refresh, listed=True)

        anyio.run(main)

    def check(
        self, calls: list[Counter[str]], refresh: Mapping[str, int], *, listed: bool = False
    ) -> None:
        cold, warm = calls
        assert warm == {"get_many": 1}
        if listed:
            assert cold - Counter({"get_many": 1}) == refresh
        else:
            # The first reading of an address is also put on the address's list.
            assert cold["put"] == 2

    def test_once_for_many_people(
        self, make: Callable[..., CalendarCache], clock: ManualClock, body: str
    ) -> None:
        """All feeds of a table at once."""
        store = CountingMany()
        urls = [f"https://example.org/{number}.ics" for number in range(20)]
        calendars = make(store=store, fetcher=FakeFetcher(dict.fromkeys(urls, body)))
        people: dict[str, Any] = {url: url for url in urls}
        calendars.availability(people, clock(), clock() + HOUR)
        store.taken()
        table = calendars.availability(people, clock(), clock() + HOUR)
        assert set(table.state.values()) == {State.FRESH}
        assert store.taken() == {"get_many": 1}

    def test_a_store_without_it_is_asked_key_by_key(
        self, make: Callable[..., CalendarCache], url: str
    ) -> None:
        """Hosts' stores keep working; so does a class that changes ``get`` of one that has it."""
        store = Counting()
        calendars = make(store=store)
        calendars.get(url)
        store.taken()
        assert calendars.get(url).state is State.FRESH
        assert store.taken() == {"get": 2}

        class Sealed(MemoryStore):
            """Turns bytes around on their way in and out."""

            def get(self, key: str, /) -> Cell | None:
                cell = super().get(key)
                return None if cell is None else Cell(cell.data[::-1], cell.keep_until)

            def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
                return super().put(key, Cell(cell.data[::-1], cell.keep_until), token)

        calendars = make(store=Sealed())
        first = calendars.get(url)
        assert calendars.get(url).reading == first.reading

    @pytest.mark.parametrize("kind", ["memory", "sqlite"])
    def test_get_many_finds_what_get_finds(self, kind: str, tmp_path: Any) -> None:
        store: Any = MemoryStore() if kind == "memory" else SQLiteStore(tmp_path / "cells.db")
        until = datetime(2027, 1, 5, tzinfo=UTC)
        keys = [f"s:{number}" for number in range(1200)]
        for number, key in enumerate(keys[::2]):
            store.put(key, Cell(b"%d" % number, until), None)
        assert store.get_many(keys) == {
            key: cell for key in keys if (cell := store.get(key)) is not None
        }
        assert len(store.get_many(keys)) == 600
        assert store.get_many([]) == {}


def test_a_warm_get_passes_through_five_files(clock: ManualClock, url: str, body: str) -> None:
    """What somebody has to read who wants to know what a warm ``get`` does."""
    now = clock()
    calendars = CalendarCache(fetcher=FakeFetcher({url: body}), clock=lambda: now)
    feed = Feed(url)
    calendars.get(feed)
    files: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        name = os.path.realpath(frame.f_code.co_filename)
        # values.py makes methods such as __eq__, as dataclasses does.
        if name.startswith(PACKAGE) and name != os.path.join(PACKAGE, "values.py"):
            files.add(name.removeprefix(PACKAGE))

    sys.setprofile(note)
    try:
        calendars.get(feed)
    finally:
        sys.setprofile(None)
    assert files == {
        os.path.join(*path.split("/"))
        for path in (
            "cache/calendar_cache.py",
            "cache/freshness/decide.py",
            "cache/refresh/kept/repository.py",
            "cache/stores/memory.py",
            "fetch/feed.py",
        )
    }
