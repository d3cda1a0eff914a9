"""What snapshots may cost: bytes in a store, memory in a process; busy time before events."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from extcal import CalendarCache, Feed, MemoryStore
from extcal.cache import Cell
from extcal.cache.refresh.kept import repository
from extcal.cache.snapshot import packed_events
from extcal.cache.snapshot.codec import decode_reading, encode_reading
from extcal.cache.snapshot.packed_events import pack_events
from extcal.cache.snapshot.snapshot import Reading, Snapshot
from extcal.testing import FakeFetcher, ManualClock

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
URL = "https://example.org/a.ics"


@pytest.fixture(scope="module")
def feeds() -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield import_module("feeds")
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module", params=["google_like", "outlook_like"])
def five_hundred(request: pytest.FixtureRequest, feeds: ModuleType) -> Reading:
    """The first 500 events that the window holds of the seeded benchmark feed."""
    body = getattr(feeds, request.param)(6000)
    clock = ManualClock(feeds.START)
    calendars = CalendarCache(fetcher=FakeFetcher({URL: body}), clock=clock)
    snapshot = calendars.get(URL)
    events = snapshot.events[:500]
    assert len(events) == 500
    return replace(snapshot.reading, count=500, packed=pack_events(events, titles=True))


def test_a_snapshot_of_500_events_is_under_24_kilobytes(five_hundred: Reading) -> None:
    """With titles and places, compressed, and readable again."""
    data = encode_reading(five_hundred, "s:key")
    assert len(data) < 24 * 1024
    again = decode_reading(data, "s:key")
    assert again == five_hundred
    assert Snapshot(again).events == Snapshot(five_hundred).events


def test_busy_time_is_read_without_the_events(
    five_hundred: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks when somebody is busy pays for no titles."""
    data = encode_reading(five_hundred, "s:key")
    monkeypatch.setattr(packed_events, "zlib", None)
    again = decode_reading(data, "s:key")
    assert again is not None
    assert again.free_busy == five_hundred.free_busy
    assert again.free_busy.periods


def test_ten_thousand_snapshots_fit_in_256_mebibytes(five_hundred: Reading) -> None:
    """Sixty of them, each asked about, stay under their share."""
    store, count = MemoryStore(), 60
    clock = ManualClock("2027-01-04T00:00Z")
    calendars = CalendarCache(store=store, clock=clock, fetcher=FakeFetcher({}))
    feeds = [Feed(f"https://example.org/{number}.ics") for number in range(count)]
    tracemalloc.start()
    try:
        for feed in feeds:
            key = calendars._repository.keys(feed).snapshot
            data = encode_reading(five_hundred, key)
            assert store.put(key, Cell(data, clock() + timedelta(days=7)), None)
            assert calendars.free_busy(feed, clock(), clock() + timedelta(days=7)).periods
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Only so many are kept decoded; the others are bytes, and that is what ten thousand cost.
    decoded = used - count * len(data)
    bounded = repository._REMEMBERED * decoded // count
    assert 10_000 * (len(data) + 500) + bounded < 256 * 2**20
