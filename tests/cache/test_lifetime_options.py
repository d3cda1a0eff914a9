"""Three options change the 30 minutes; left out, nothing changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from extcal import (
    CalendarCache,
    Failed,
    State,
    Unavailable,
)
from extcal.cache.freshness.decide import lifetime
from extcal.cache.freshness.values import Rules
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

pytestmark = pytest.mark.core

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


def landed() -> None:
    """Wait until nothing is in the air."""
    for thread in threading.enumerate():
        if thread.name == "extcal-fetch":
            thread.join(30)


# -- stale-while-revalidate (RFC 5861 section 3) --------------------------------------------------


def test_a_little_older_is_served_at_once_and_fetched_behind(
    make: Callable[..., CalendarCache], clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """Nobody waits between 30 and 60 minutes of age; the next one gets what came."""
    calendars = make(stale_while_revalidate=30 * MINUTE)
    first = calendars.get(url)
    clock.advance(60 * MINUTE)
    served = calendars.get(url)
    assert (served.state, served.fetched_at) == (State.STALE, first.fetched_at)
    assert served.last_error is None
    landed()
    assert fetcher.count() == 2
    renewed = calendars.get(url)
    assert (renewed.state, renewed.fetched_at) == (State.FRESH, clock())
    clock.advance(60 * MINUTE + MICROSECOND)
    assert calendars.get(url).fetched_at == clock()


def test_off_unless_asked_for(
    make: Callable[..., CalendarCache], clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """Older than 30 minutes means fetched before answering."""
    calendars = make()
    calendars.get(url)
    clock.advance(30 * MINUTE + MICROSECOND)
    assert calendars.get(url).state is State.FRESH
    assert fetcher.count() == 2


def test_what_fails_behind_the_answer_is_told_to_the_next(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, body: str
) -> None:
    """And not asked again before its back-off is over."""
    fetcher = FakeFetcher({url: [body, Failed("timeout")]})
    calendars = make(fetcher=fetcher, stale_while_revalidate=30 * MINUTE)
    calendars.get(url)
    clock.advance(31 * MINUTE)
    assert calendars.get(url).state is State.STALE
    landed()
    served = calendars.get(url)
    assert (served.state, served.last_error) == (State.ERROR_STALE, "timeout")
    assert fetcher.count() == 2


def test_refresh_waits_whatever_the_age(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str
) -> None:
    """Who presses a button wants to see what it brings."""
    calendars = make(stale_while_revalidate=30 * MINUTE)
    calendars.get(url)
    clock.advance(40 * MINUTE)
    assert calendars.refresh(url).fetched_at == clock()


def test_a_table_of_people_does_not_wait_either(
    make: Callable[..., CalendarCache], clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """And says that the calendar is a little old."""
    calendars = make(stale_while_revalidate=30 * MINUTE)
    calendars.get(url)
    clock.advance(40 * MINUTE)
    table = calendars.availability({"Ada": url}, clock(), clock() + HOUR)
    assert table.state["Ada"] is State.STALE
    landed()
    assert fetcher.count() == 2


# -- jitter ---------------------------------------------------------------------------------------


def test_jitter_may_only_shorten_and_is_the_feeds_own() -> None:
    """Thirty minutes stay the most; two processes agree on when a feed expires."""
    rules = Rules(ttl_jitter=0.2)
    assert lifetime(rules, 0.0, None) == 30 * MINUTE
    assert lifetime(rules, 0.5, None) == 27 * MINUTE
    assert lifetime(Rules(), 0.999, None) == 30 * MINUTE
    assert lifetime(Rules(respect_refresh_interval=True), 0.999, None) == 30 * MINUTE


def test_feeds_that_were_fetched_together_do_not_expire_together(
    make: Callable[..., CalendarCache], clock: ManualClock, body: str
) -> None:
    """With a jitter of a third they are spread over the last ten minutes, evenly enough."""
    urls = [f"https://example.org/{number}.ics" for number in range(60)]
    fetcher = FakeFetcher(dict.fromkeys(urls, body))
    calendars = make(fetcher=fetcher, ttl_jitter=1 / 3)
    for url in urls:
        calendars.get(url)
    expired = []
    for minutes in (20, 25, 30):
        clock.set(f"2027-01-04T08:{minutes}Z")
        before = fetcher.count()
        for url in urls:
            if calendars.last_refreshed(url) == ManualClock("2027-01-04T08:00Z")():
                calendars.get(url)
        expired.append(fetcher.count() - before)
    assert expired[0] == 0
    assert 15 < expired[1] < 45
    assert sum(expired) == 60


# -- REFRESH-INTERVAL (RFC 7986 section 5.7), X-PUBLISHED-TTL -------------------------------------


@pytest.mark.parametrize(
    ("line", "minutes"),
    [
        ("REFRESH-INTERVAL;VALUE=DURATION:PT2H", 120),
        ("X-PUBLISHED-TTL:PT90M", 90),
        ("X-PUBLISHED-TTL:\u201cPT90M\u201d", 90),
        ("REFRESH-INTERVAL;VALUE=DURATION:PT2H\r\nX-PUBLISHED-TTL:PT1H", 120),
        ("REFRESH-INTERVAL;VALUE=DURATION:P1W", 360),
        ("REFRESH-INTERVAL;VALUE=DURATION:PT5M", 30),
        ("REFRESH-INTERVAL;VALUE=DURATION:-PT2H", 30),
        ("REFRESH-INTERVAL;VALUE=DURATION:PT0S", 30),
        ("REFRESH-INTERVAL:soon", 30),
        ("X-PUBLISHED-TTL:P99999999999D", 30),
    ],
)
def test_what_a_feed_suggests_may_only_lengthen(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, line: str, minutes: int
) -> None:
    """Up to six hours; nonsense is ignored. Respected only on request."""
    body = feed_text(event("2027-01-04T09:00Z")).replace("VERSION:2.0", f"VERSION:2.0\r\n{line}")
    assert line in body
    for respected, longest in ((True, minutes), (False, 30)):
        fetcher = FakeFetcher({url: body})
        calendars = make(fetcher=fetcher, respect_refresh_interval=respected)
        calendars.get(url)
        clock.advance(longest * MINUTE)
        assert calendars.get(url).state is State.FRESH
        assert fetcher.count() == 1
        clock.advance(MICROSECOND)
        calendars.get(url)
        assert fetcher.count() == 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"ttl_jitter": 1.0},
        {"ttl_jitter": -0.1},
        {"stale_while_revalidate": timedelta(seconds=-1)},
        {"stale_while_revalidate": timedelta(hours=24)},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(
    make: Callable[..., CalendarCache], arguments: dict[str, object]
) -> None:
    """When the cache is made."""
    with pytest.raises(ValueError, match=r"ttl|stale"):
        make(**arguments)


# -- blocked addresses ----------------------------------------------------------------------------


def test_a_blocked_address_is_not_asked_again_for_15_minutes(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, body: str
) -> None:
    """Not even by a person; what was read before stands in until it is an hour old."""
    fetcher = FakeFetcher({url: [body, Failed("blocked_address")]})
    calendars = make(fetcher=fetcher, jitter=lambda: 0.0)
    calendars.get(url)
    clock.advance(31 * MINUTE)
    assert calendars.get(url).last_error == "blocked_address"
    clock.advance(15 * MINUTE - MICROSECOND)
    assert calendars.refresh(url).state is State.ERROR_STALE
    assert fetcher.count() == 2
    clock.advance(MICROSECOND)
    assert calendars.get(url).state is State.ERROR_STALE
    assert fetcher.count() == 3
    clock.set("2027-01-04T09:00Z")
    assert calendars.get(url).state is State.ERROR_STALE
    clock.advance(MICROSECOND)
    with pytest.raises(Unavailable) as raised:
        calendars.get(url)
    assert raised.value.kind == "blocked_address"
