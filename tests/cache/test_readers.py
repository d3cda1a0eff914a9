"""Bodies are read one after another; waiting for that has an end."""

from __future__ import annotations

from collections.abc import Callable
from threading import Semaphore

import pytest

from extcal import CalendarCache, Fetched, FetchRequest, FetchResponse, Limits, Unavailable
from extcal.cache import options
from extcal.cache.refresh import single_flight


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
