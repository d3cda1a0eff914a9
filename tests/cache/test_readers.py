"""Bodies are read one after another; waiting for that has an end."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from threading import Thread
from time import sleep
from typing import Any

import pytest

from extcal import CalendarCache, Fetched, FetchRequest, FetchResponse, Limits, Unavailable
from extcal.cache import options
from extcal.cache.refresh import full_collections, single_flight
from extcal.cache.refresh.single_flight import ReadingQueue
from extcal.cache.snapshot import reading
from extcal.testing import FakeFetcher


def test_waiting_for_a_reader_counts_against_the_deadline(
    make: Callable[..., CalendarCache], monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    """It ends as a timeout, which is no fault of the host."""

    class Source:
        def fetch(self, request: FetchRequest) -> FetchResponse:
            return Fetched(body.encode())

    reader = ReadingQueue()
    assert reader.acquire(1, 0)
    monkeypatch.setattr(options, "_GRACE", 0.0)
    monkeypatch.setattr(single_flight, "ReadingQueue", lambda: reader)
    calendars = make(fetcher=Source(), limits=Limits(fetch_deadline=0.1))
    for number in range(6):
        with pytest.raises(Unavailable) as caught:
            calendars.get(f"https://example.org/{number}.ics")
        assert caught.value.kind == "timeout"
    assert calendars.stats().hosts_down == 0
    monkeypatch.undo()
    reader.release(1)
    assert calendars.get("https://example.org/7.ics").last_error is None


def test_large_bodies_wait_for_small_ones() -> None:
    """A stranger's come first, but everybody else's wait for no more than one of them."""
    reader = ReadingQueue()
    order: list[int] = []
    large, small = 60 * 2**20, 100_000

    def read(size: int) -> None:
        assert reader.acquire(size, 10)
        order.append(size)
        reader.release(size)

    assert reader.acquire(large, 0)
    threads = [Thread(target=read, args=(size,)) for size in (large, large, small, small)]
    for number, thread in enumerate(threads, 1):
        thread.start()
        while len(reader._waiting) < number:
            sleep(0.001)
    assert reader.held == 3 * large + 2 * small
    assert not reader.acquire(large, 0.01)
    reader.release(large)
    for thread in threads:
        thread.join(10)
    assert order == [small, small, large, large]
    assert reader.held == 0
    assert reader.acquire(small, 0)


def test_nothing_is_asked_for_while_many_bodies_wait(
    make: Callable[..., CalendarCache], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """They are held in memory. Closing the cache ends the wait, and so does the time of a call."""
    reader = ReadingQueue()
    assert reader.acquire(129 * 2**20, 0)
    monkeypatch.setattr(options, "_GRACE", 0.0)
    monkeypatch.setattr(single_flight, "ReadingQueue", lambda: reader)
    source = FakeFetcher({})
    calendars = make(fetcher=source, limits=Limits(fetch_deadline=0.1))
    with pytest.raises(Unavailable):
        calendars.get(url)
    assert not source.requests
    calendars = make(fetcher=source)
    Thread(target=calendars.close).start()
    with pytest.raises(Unavailable):
        calendars.get(url)
    assert not source.requests


def test_no_full_collection_while_a_body_is_read(
    make: Callable[..., CalendarCache], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """It would stop every thread for as long as it takes to look at all objects of the body."""
    before, seen = gc.get_threshold(), []
    read_body = reading.read_body

    def noted(*arguments: Any) -> Any:
        seen.append(gc.get_threshold())
        return read_body(*arguments)

    monkeypatch.setattr(reading, "read_body", noted)
    make().get(url)
    assert seen == [(*before[:2], 1_000_000_000)]
    assert gc.get_threshold() == before


def test_thresholds_of_the_application_stay() -> None:
    """Readers of several caches overlap, and an application may choose others meanwhile."""
    before = gc.get_threshold()
    own = (before[0] + 1, *before[1:])
    try:
        with full_collections.postponed():
            with full_collections.postponed():
                pass
            assert gc.get_threshold() != before
        assert gc.get_threshold() == before
        with full_collections.postponed():
            gc.set_threshold(*own)
        assert gc.get_threshold() == own
    finally:
        gc.set_threshold(*before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_collects_as_usual() -> None:
    """Of a process that was reading when it forked."""
    before = gc.get_threshold()
    with full_collections.postponed():
        child = os.fork()
        if not child:
            os._exit(gc.get_threshold() != before)
        assert os.waitpid(child, 0)[1] == 0
    assert gc.get_threshold() == before
