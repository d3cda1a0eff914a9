"""From a pasted address to free/busy, over real HTTP on the loopback interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from extcal import CalendarCache, HttpFetcher, State, Unavailable
from extcal.testing import ManualClock, event, feed_text
from extcal.testing.server import FeedServer

BODY = feed_text(
    event("2027-01-04T09:00", "PT1H", tz="Europe/Berlin", summary="Stand-up", rrule="FREQ=DAILY")
)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


def test_a_day_in_the_life_of_a_feed(
    make: Callable[..., CalendarCache], clock: ManualClock, server: FeedServer
) -> None:
    """Read, kept, confirmed by 304, served through an outage, read again."""
    server.serve("ada.ics", BODY, etag='"one"')
    url = server.url("ada.ics")
    calendars = make(fetcher=HttpFetcher(allow_networks=server.networks))
    first = calendars.get(url)
    assert first.events[0].summary == "Stand-up"
    assert calendars.get(url) == first
    assert len(server.requests) == 1

    clock.advance(timedelta(minutes=31))
    confirmed = calendars.get(url)
    assert server.requests[1].headers["if-none-match"] == '"one"'
    assert (confirmed.state, confirmed.free_busy) == (State.FRESH, first.free_busy)

    server.serve("ada.ics", "oops", status=500)
    clock.advance(timedelta(minutes=31))
    stale = calendars.get(url)
    assert (stale.state, stale.last_error) == (State.ERROR_STALE, "server_error")
    assert stale.free_busy == first.free_busy

    server.serve("ada.ics", feed_text(event("2027-01-05")), etag='"two"')
    clock.advance(timedelta(minutes=31))
    assert len(calendars.get(url).events) == 1


@pytest.mark.parametrize(
    ("body", "status", "kinds"),
    [
        ("<!DOCTYPE html><title>Sign in</title>", 200, {"html"}),
        ("", 200, {"empty"}),
        ("not here", 404, {"not_found"}),
        ("withdrawn", 410, {"gone"}),
        ("oops", 500, {"server_error"}),
        ("a text", 200, {"not_a_calendar"}),
    ],
)
def test_what_cannot_be_read_is_unavailable_with_advice(
    make: Callable[..., CalendarCache], server: FeedServer, body: str, status: int, kinds: set[str]
) -> None:
    """By kind, in a sentence, without the address."""
    server.serve("ada.ics", body, status=status)
    calendars = make(fetcher=HttpFetcher(allow_networks=server.networks))
    with pytest.raises(Unavailable) as raised:
        calendars.get(server.url("ada.ics"))
    assert raised.value.kind in kinds
    assert raised.value.advice
    assert "ada.ics" not in str(raised.value)


def test_the_fetcher_of_a_cache_without_one_goes_out_safely(clock: ManualClock) -> None:
    """Made when first needed, and with the default policy: this machine is not the Internet."""
    calendars = CalendarCache(clock=clock)
    for url in ("https://127.0.0.1/ada.ics", "http://127.0.0.1:8080/ada.ics"):
        with pytest.raises(Unavailable) as raised:
            calendars.get(url)
        assert raised.value.kind in {"blocked_url", "blocked_address"}
    assert isinstance(calendars._fetcher, HttpFetcher)


def test_the_clock_of_a_cache_without_one_is_the_systems(url: str, body: str) -> None:
    """Aware, in UTC."""
    from datetime import UTC

    from extcal import system_clock
    from extcal.testing import FakeFetcher

    before = system_clock()
    snapshot = CalendarCache(fetcher=FakeFetcher({url: body})).get(url)
    assert before <= snapshot.fetched_at <= system_clock()
    assert snapshot.fetched_at.tzinfo is UTC
