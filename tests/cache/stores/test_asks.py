"""How often a store is asked: once for a look, at most four times for a refresh after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

import pytest

from extcal import CalendarCache, Failed, Feed, MemoryStore, Unavailable
from extcal.cache import Cell
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

LATER = timedelta(minutes=31)


class Five:
    """A host's own store of five methods, which counts what it is asked."""

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.asked: list[str] = []

    def get(self, key: str, /) -> Cell | None:
        self.asked.append("get")
        return self.inner.get(key)

    def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
        self.asked.append("put")
        return self.inner.put(key, cell, token)

    def delete(self, key: str, /) -> None:
        self.asked.append("delete")
        self.inner.delete(key)

    def lease(self, key: str, now: datetime, ttl: timedelta, /) -> str | None:
        self.asked.append("lease")
        return self.inner.lease(key, now, ttl)

    def release(self, key: str, token: str, /) -> None:
        self.asked.append("release")
        self.inner.release(key, token)

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        self.asked = []
        with suppress(Unavailable):
            yield self.asked


class Six(Five):
    """The same with get_many, as the stores of extcal have it."""

    def get_many(self, keys: Sequence[str], /) -> Mapping[str, Cell]:
        self.asked.append("get_many")
        return self.inner.get_many(keys)


class Eight(Six):
    """And with the two methods that do two steps at once, as the stores of extcal have them."""

    def lease_and_get(
        self, key: str, now: datetime, ttl: timedelta, keys: Sequence[str], /
    ) -> tuple[str | None, Mapping[str, Cell]]:
        self.asked.append("lease_and_get")
        return self.inner.lease_and_get(key, now, ttl, keys)

    def put_and_release(self, key: str, cell: Cell, leased: str, token: str, /) -> bool:
        self.asked.append("put_and_release")
        return self.inner.put_and_release(key, cell, leased, token)


Make = Callable[..., CalendarCache]


def test_a_look_asks_once_and_a_refresh_four_times(
    make: Make, fetcher: FakeFetcher, clock: ManualClock, url: str
) -> None:
    """Fresh, backing off or refreshed, read or unchanged: the lease is taken and given back."""
    store = Six()
    calendars = make(store=store, fetcher=FakeFetcher({url: feed_text()}, etags=True))
    calendars.get(url)
    refresh = ["lease", "get_many", "put", "release"]
    for _ in range(2):
        with store.counted() as asked:
            calendars.get(url)
            assert asked == ["get_many"]
    clock.advance(LATER)
    with store.counted() as asked:
        calendars.get(url)  # 304
        assert asked == ["get_many", *refresh]
    calendars = make(store=store, fetcher=FakeFetcher({url: feed_text(event("2027-01-05"))}))
    with store.counted() as asked:
        calendars.get(url)  # another process
        assert asked == ["get_many"]
    clock.advance(LATER)
    with store.counted() as asked:
        calendars.get(url)  # 200
        assert asked == ["get_many", *refresh]
    failing = make(store=store, fetcher=FakeFetcher({url: Failed("timeout")}))
    clock.advance(LATER)
    for expected in (["get_many", *refresh], ["get_many"]):
        with store.counted() as asked:
            failing.get(url)
            assert asked == expected


def test_the_first_reading_is_put_on_the_list_of_its_address(make: Make, url: str) -> None:
    """Four more, once for each way of reading an address."""
    store = Six()
    calendars = make(store=store)
    for feed in (Feed(url), Feed(url, timezone="Europe/Berlin")):
        with store.counted() as asked:
            calendars.get(feed)
            named = ["lease", "get_many", "put", "release"]
            assert asked == ["get_many", "lease", "get_many", *named, "put", "release"]
    with store.counted() as asked:
        calendars.forget(url)
        assert len(asked) == 4 + 3  # two cells, one by one: it has no erase


def test_two_steps_at_once_make_a_refresh_two_calls_and_a_first_reading_four(
    make: Make, fetcher: FakeFetcher, clock: ManualClock, url: str
) -> None:
    """The look before it not counted. After a failure two more: its record is deleted."""
    store = Eight()
    calendars = make(store=store)
    refresh = ["lease_and_get", "put_and_release"]
    with store.counted() as asked:
        calendars.get(url)
        assert asked == ["get_many", "lease_and_get", *refresh, "put_and_release"]
    clock.advance(LATER)
    with store.counted() as asked:
        calendars.get(url)
        assert asked == ["get_many", *refresh]
    clock.advance(LATER)
    with store.counted() as asked:
        make(store=store, fetcher=FakeFetcher({url: Failed("timeout")})).get(url)
        assert asked == ["get_many", "lease_and_get", "put", "release"]
    clock.advance(LATER)
    with store.counted() as asked:
        make(store=store, fetcher=FakeFetcher({url: feed_text(event("2027-01-05"))})).get(url)
        assert asked == ["get_many", "lease_and_get", "put", "delete", "release"]
    with store.counted() as asked:
        calendars.forget(url)
        assert calendars.last_refreshed(url) is None
    assert asked.count("lease_and_get") == asked.count("put_and_release") == 1


@pytest.mark.parametrize("kind", [Five, Six])
def test_a_store_of_five_methods_does(
    kind: type[Five], make: Make, clock: ManualClock, url: str
) -> None:
    """Without get_many it is asked for each cell."""
    store = kind()
    calendars = make(store=store)
    first = calendars.get(url)
    with store.counted() as asked:
        assert calendars.get(url) == first
        assert len(asked) == (1 if kind is Six else 2)
    clock.advance(LATER)
    assert calendars.get(url).fetched_at == clock()
    calendars.forget(url)
    assert calendars.last_refreshed(url) is None
