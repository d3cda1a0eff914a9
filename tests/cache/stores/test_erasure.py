"""``forget``: a person's calendar leaves every place that it was kept in, for good."""

from __future__ import annotations

import gc
import re
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extcal import (
    BusyPolicy,
    CalendarCache,
    Failed,
    Feed,
    Fetched,
    FetchRequest,
    FetchResponse,
    MemoryStore,
    SQLiteStore,
    Store,
    Unavailable,
)
from extcal.cache.snapshot.snapshot import Reading
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

Doors = Callable[[str], Store]
MARKER = "MARKER-5ec2e7"
URL = "https://calendar.example.org/ada/basic.ics"
OTHER = "https://calendar.example.org/bob/basic.ics"
STORES = ["memory", "sqlite", "redis"]
ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")

every_store = pytest.mark.parametrize("name", STORES)
# Where the cache decides, and what is asked of its store is what the contract of all stores holds.
one_store = pytest.mark.parametrize("name", ["memory"])


def body(mark: str) -> str:
    """A calendar that says ``mark`` wherever a person could write something."""
    return feed_text(
        event("2027-01-04T09:00Z", "PT1H", uid=f"{mark}-1", summary=mark, location=mark),
        event("2027-01-05T09:00Z", "PT1H", uid=f"{mark}-2", extra=f"STATUS:{mark}"),
        event("2027-01-06T09:00", "PT1H", uid=f"{mark}-3", tz=f"Nowhere/{mark}"),
        event("2027-01-07T09:00", "PT1H", uid=f"{mark}-4", extra=f"RRULE:FREQ={mark}"),
        event("2027-01-08", "P1D", uid=f"{mark}-5", extra=f"DESCRIPTION:{mark}"),
    )


def variants(url: str) -> list[Feed]:
    """Every way to read one address."""
    return [
        Feed(url),
        Feed(url, timezone="Europe/Berlin"),
        Feed(url, timezone="America/New_York", owner="ada@example.org"),
        Feed(url, owner=["ada@example.org", "ada@example.net"]),
        Feed(url, detail="busy"),
        Feed(url, policy=BusyPolicy(all_day="free")),
        Feed(url, published_ahead=timedelta(days=30)),
        Feed(url, auth=("ada", "a password")),
        Feed(url, auth=("ada", "the password before it")),
    ]


def pieces(data: bytes) -> Iterator[bytes]:
    """``data``, and whatever in it inflates."""
    yield data
    for found in ZLIB.finditer(data):
        try:
            yield zlib.decompressobj().decompress(data[found.start() :], 10_000_000)
        except zlib.error:
            continue


def everything(store: Any, directory: Path) -> Iterator[bytes]:
    """All bytes of a store: cells in memory, files with their logs, keys and values of Redis."""
    if isinstance(store, MemoryStore):
        yield from (cell.data for cell in store._cells.values())
    elif isinstance(store, SQLiteStore):
        yield from (file.read_bytes() for file in directory.rglob("*") if file.is_file())
    else:
        for key in store._client.scan_iter():
            yield key
            yield store._client.dump(key)
            kind = store._client.type(key)
            if kind == b"hash":
                yield from store._client.hgetall(key).values()
            elif kind == b"string":
                yield store._client.get(key)


def marked(places: Iterable[bytes], mark: str) -> bool:
    needle = mark.encode()
    return any(needle in piece for place in places for piece in pieces(place))


@pytest.fixture
def web() -> FakeFetcher:
    feeds = {feed: body(MARKER) for feed in variants(URL)}
    return FakeFetcher(feeds | {feed: body("bob") for feed in variants(OTHER)}, etags=True)


def caches(
    doors: Doors, name: str, web: Any, clock: ManualClock, count: int = 2
) -> list[CalendarCache]:
    """As many processes over one store."""
    return [
        CalendarCache(
            store=doors(name),
            fetcher=web,
            clock=clock,
            horizon=timedelta(days=90 + number),
            jitter=lambda: 1.0,
        )
        for number in range(count)
    ]


@every_store
def test_every_reading_of_an_address_is_erased(
    name: str, doors: Doors, web: FakeFetcher, clock: ManualClock, tmp_path: Path
) -> None:
    """All zones, owners, details, logins and horizons, by forgetting one of them."""
    one, other = caches(doors, name, web, clock)
    for calendars in (one, other):
        for feed in [*variants(URL), *variants(OTHER)]:
            calendars.get(feed)
    clock.advance(timedelta(minutes=31))
    for feed in variants(URL):
        web.set(feed, body(MARKER) + "\r\n")  # older copies of cells lie about
    for feed in variants(URL):
        one.get(feed)
    store = one._repository.store
    assert marked(everything(store, tmp_path), MARKER)
    one.forget(variants(URL)[1])
    assert not marked(everything(store, tmp_path), MARKER)
    assert marked(everything(store, tmp_path), "bob")
    for calendars in (one, other):
        for feed in variants(URL):
            assert calendars.last_refreshed(feed) is None
        for feed in variants(OTHER):
            assert calendars.last_refreshed(feed) is not None
    assert not marked(everything(store, tmp_path), MARKER)


@pytest.mark.parametrize("name", ["sqlite"])
def test_nothing_stays_in_memory(
    name: str, doors: Doors, web: FakeFetcher, clock: ManualClock
) -> None:
    """In this process at once, in another at its next look at the feed."""
    one, other = caches(doors, name, web, clock)
    for calendars in (one, other):
        for feed in variants(URL):
            calendars.get(feed)
    one.forget(URL)
    for feed in variants(URL):
        assert other.last_refreshed(feed) is None
    gc.collect()
    assert not [
        each
        for each in gc.get_objects()
        if isinstance(each, Reading) and marked([each.packed], MARKER)
    ]


@every_store
def test_what_is_remembered_about_asking_is_not_the_persons(
    name: str, doors: Doors, web: FakeFetcher, clock: ManualClock, tmp_path: Path
) -> None:
    """Back-off outlives it, the sentence of a host's own fetcher does not."""
    one, other = caches(doors, name, web, clock)
    for feed in variants(URL):
        one.get(feed)
    clock.advance(timedelta(minutes=31))
    web.set(URL, Failed("timeout", looks_like=f"The server of {MARKER} is slow."))
    one.get(URL)
    store, asked = one._repository.store, web.count()
    assert marked(everything(store, tmp_path), MARKER)
    one.forget(URL)
    assert not marked(everything(store, tmp_path), MARKER)
    for calendars in (one, other):
        with pytest.raises(Unavailable) as raised:
            calendars.get(URL)
        assert raised.value.kind == "timeout"
        assert MARKER not in f"{raised.value} {raised.value.advice}"
    assert web.count() == asked


class Slow:
    """A source whose answer is waited for until it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.go = threading.Event()

    def fetch(self, request: FetchRequest) -> FetchResponse:
        self.asked.release()
        assert self.go.wait(30)
        return Fetched(body(MARKER).encode())


@every_store
@pytest.mark.parametrize("known", [False, True], ids=["first read", "read before"])
def test_a_fetch_under_way_is_not_stored(
    name: str, known: bool, doors: Doors, web: FakeFetcher, clock: ManualClock, tmp_path: Path
) -> None:
    """Of any variant, by any process: its answer comes too late."""
    quick, other = caches(doors, name, web, clock)
    slow = Slow()
    store = doors(name)
    waiting = CalendarCache(store=store, fetcher=slow, clock=clock, horizon=timedelta(days=90))
    if known:
        for feed in variants(URL):
            quick.get(feed)
        clock.advance(timedelta(minutes=31))
    threads = [threading.Thread(target=waiting.get, args=(feed,)) for feed in variants(URL)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert slow.asked.acquire(timeout=30)
    other.forget(URL)
    slow.go.set()
    for thread in threads:
        thread.join(30)
    assert not marked(everything(store, tmp_path), MARKER)
    for calendars in (quick, other, waiting):
        for feed in variants(URL):
            assert calendars.last_refreshed(feed) is None


@one_store
def test_forgetting_what_was_never_known_is_nothing(
    name: str, doors: Doors, web: FakeFetcher, clock: ManualClock
) -> None:
    """Nor is forgetting twice; a feed that was forgotten can be read again."""
    calendars, _ = caches(doors, name, web, clock)
    calendars.forget(URL)
    calendars.forget(URL)
    calendars.get(URL)
    calendars.forget(URL)
    calendars.forget(URL)
    assert calendars.get(URL).fetched_at == clock()


@one_store
def test_the_list_of_an_address_outlives_its_readings(
    name: str, doors: Doors, web: FakeFetcher, clock: ManualClock, tmp_path: Path
) -> None:
    """A feed that is asked for every day for months is still known by all its variants."""
    calendars, _ = caches(doors, name, web, clock)
    for _ in range(100):
        for feed in variants(URL)[:3]:
            calendars.get(feed)
        clock.advance(timedelta(days=1))
    calendars.forget(variants(URL)[0])
    assert not marked(everything(calendars._repository.store, tmp_path), MARKER)
    for feed in variants(URL):
        assert calendars.last_refreshed(feed) is None


def test_what_was_read_can_be_found_at_all(tmp_path: Path, web: FakeFetcher) -> None:
    """The search of these tests sees through the packing of cells."""
    with SQLiteStore(tmp_path / "cells.db") as store:
        CalendarCache(store=store, fetcher=web, clock=ManualClock("2027-01-04T08:00Z")).get(URL)
        assert marked(everything(store, tmp_path), f"{MARKER}-5")
        assert not marked([f"{datetime.max}".encode()], MARKER)


@one_store
def test_a_clock_that_was_wrong_hides_nothing(
    name: str, doors: Doors, web: FakeFetcher, clock: ManualClock, tmp_path: Path
) -> None:
    """Behind or ahead by months, while another variant is read: all are still known by name."""
    calendars, _ = caches(doors, name, web, clock)
    first, second, third = variants(URL)[:3]
    calendars.get(first)
    for jump in (timedelta(days=-40), timedelta(days=80), timedelta(days=-40)):
        clock.advance(jump)
        calendars.get(second)
        calendars.get(third)
    calendars.forget(third)
    assert not marked(everything(calendars._repository.store, tmp_path), MARKER)


def test_a_list_is_not_endless(doors: Doors, web: FakeFetcher, clock: ManualClock) -> None:
    """An address that is read in ever new ways: what nobody keeps any more leaves its list."""
    store = doors("memory")
    calendars = CalendarCache(store=store, fetcher=web, clock=clock)
    sizes = []
    for number in range(260):
        feed = Feed(URL, owner=f"person{number}@example.org")
        web.set(feed, body(MARKER))
        calendars.get(feed)
        clock.advance(timedelta(days=1))
        cell = store.get(calendars._repository.keys(feed).listed)
        assert cell is not None
        sizes.append(len(cell.data))
    assert max(sizes) < 30_000
    assert sizes[-1] < sizes[150]
