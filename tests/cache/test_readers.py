"""Bodies are read one after another; waiting for that has an end."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from threading import Semaphore
from typing import Any

import pytest

from extcal import CalendarCache, Fetched, FetchRequest, FetchResponse, Limits, Unavailable
from extcal.cache import options
from extcal.cache.refresh import full_collections, single_flight
from extcal.cache.snapshot import reading


def test_waiting_for_a_reader_counts_against_the_deadline(
    make: Callable[..., CalendarCache], monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    """It ends as a timeout, which is no fault of the host."""

    class Source:
        def fetch(self, request: FetchRequest) -> FetchResponse:
            return Fetched(body.encode())

    busy = Semaphore(0)
    monkeypatch.setattr(options, "_GRACE", 0.0)
    monkeypatch.setattr(single_flight.threading, "Semaphore", lambda size: busy)
    calendars = make(fetcher=Source(), limits=Limits(fetch_deadline=0.1))
    for number in range(6):
        with pytest.raises(Unavailable) as caught:
            calendars.get(f"https://example.org/{number}.ics")
        assert caught.value.kind == "timeout"
    assert calendars.stats().hosts_down == 0
    monkeypatch.undo()
    busy.release()
    assert calendars.get("https://example.org/7.ics").last_error is None


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
