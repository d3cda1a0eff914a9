"""Three rules bend the 30 minutes, and only for a host that asks: off, nothing changes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from extcal import (
    CalendarCache,
    Failed,
    Fetched,
    FetchRequest,
    FetchResponse,
    Refused,
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


# -- hosts that are down --------------------------------------------------------------------------


class Provider:
    """Many feeds on one host, which is there or is not."""

    def __init__(self, body: str) -> None:
        self.body = body.encode()
        self.answer: FetchResponse | None = None
        self.count = 0

    def fetch(self, request: FetchRequest) -> FetchResponse:
        self.count += 1
        return self.answer or Fetched(self.body)


def address(number: int, host: str = "example.org") -> str:
    return f"https://{host}/{number}.ics"


def kind_of(calendars: CalendarCache, url: str) -> str | None:
    try:
        return calendars.get(url).last_error
    except Unavailable as error:
        return error.kind


def test_a_host_that_is_down_is_left_alone_for_a_minute(
    make: Callable[..., CalendarCache], clock: ManualClock, body: str
) -> None:
    """After five failures of three feeds; then one feed probes it, and an answer ends it."""
    provider = Provider(body)
    calendars = make(fetcher=provider)
    for number in range(20):
        calendars.get(address(number))
    clock.advance(HOUR)
    provider.answer, provider.count = Failed("connect"), 0
    assert [kind_of(calendars, address(number)) for number in range(20)] == ["connect"] * 20
    assert provider.count == 5
    assert calendars.stats().hosts_down == 1
    assert calendars.stats().spared == 15
    # A new feed of that host learns why; other hosts are none the wiser.
    assert kind_of(calendars, address(99)) == "connect"
    assert provider.count == 5
    assert kind_of(calendars, address(0, "example.net")) == "connect"
    assert provider.count == 6
    # A person who presses the button is let through, and the host stays down.
    assert calendars.refresh(address(10)).last_error == "connect"
    assert provider.count == 7
    clock.advance(MINUTE)
    assert kind_of(calendars, address(11)) == "connect"
    assert kind_of(calendars, address(12)) == "connect"
    assert provider.count == 8
    clock.advance(MINUTE)
    provider.answer = Refused(404)
    assert kind_of(calendars, address(13)) == "not_found"
    assert calendars.stats().hosts_down == 0
    provider.answer = None
    assert calendars.get(address(14)).state is State.FRESH
    assert calendars.get(address(99)).state is State.FRESH


def test_one_feed_that_fails_says_nothing_about_its_host(
    make: Callable[..., CalendarCache], clock: ManualClock, body: str
) -> None:
    """Nor two; nor do answers that are refusals."""
    provider = Provider(body)
    calendars = make(fetcher=provider)
    provider.answer = Failed("timeout")
    for number in [0, 1] * 8:
        clock.advance(HOUR)
        assert kind_of(calendars, address(number)) == "timeout"
    assert provider.count == 16
    provider.answer = Failed("server_error")
    for number in range(2, 22):
        kind_of(calendars, address(number))
    assert provider.count == 36


def test_a_mistake_of_the_fetcher_neither_opens_nor_closes(
    make: Callable[..., CalendarCache], clock: ManualClock, body: str
) -> None:
    """It says nothing about the host."""
    provider = Provider(body)
    calendars = make(fetcher=provider)
    provider.answer = Failed("dns")
    for number in range(4):
        kind_of(calendars, address(number))
    provider.answer = Failed("fetcher_error")
    kind_of(calendars, address(4))
    provider.answer = Failed("dns")
    kind_of(calendars, address(5))
    assert calendars.stats().hosts_down == 1


def test_a_breaker_that_a_jump_of_the_clock_left_behind_is_void(
    make: Callable[..., CalendarCache], clock: ManualClock, body: str
) -> None:
    """Back from the future, hosts are asked."""
    provider = Provider(body)
    calendars = make(fetcher=provider)
    provider.answer = Failed("dns")
    clock.advance(timedelta(days=30))
    for number in range(6):
        kind_of(calendars, address(number))
    clock.advance(-timedelta(days=30))
    provider.answer = None
    assert calendars.get(address(9)).state is State.FRESH


def test_what_is_known_of_hosts_is_bounded(
    calendars: CalendarCache, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever pastes addresses of hosts that do not exist costs no memory."""
    monkeypatch.setattr("extcal.cache.refresh.hosts._MOST_HOSTS", 3)
    hosts = calendars._decisions.hosts
    for number in range(10):
        hosts.learn(f"{number}.example.org", "feed", "dns", clock())
    assert len(hosts._unwell) == 3
