"""A host that is down is left alone: the circuit breaker of a cache."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

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
from extcal.cache.freshness.circuit_breaker import WELL, Health, admits, learn, probing
from extcal.testing import ManualClock

pytestmark = pytest.mark.core

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


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


@pytest.mark.parametrize("kind", ["connect", "dns", "timeout", "tls"])
def test_what_fails_elsewhere_counts_for_its_feed_alone(
    make: Callable[..., CalendarCache], clock: ManualClock, body: str, kind: str
) -> None:
    """A stranger's feeds on a shared host redirect to a dead one: the others are asked as ever."""
    provider = Provider(body)
    calendars = make(fetcher=provider)
    provider.answer = Failed(kind, elsewhere=True)
    assert [kind_of(calendars, address(number)) for number in range(20)] == [kind] * 20
    assert provider.count == 20
    assert calendars.stats().hosts_down == 0
    provider.answer = None
    assert calendars.get(address(99)).state is State.FRESH


# -- the record of one host ------------------------------------------------------------------------

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)


def failed(feeds: str, kind: str = "connect", health: Health = WELL) -> Health:
    for feed in feeds:
        health = learn(health, feed, kind, NOW)
    return health


@pytest.mark.parametrize(
    ("feeds", "down"),
    [("abca", False), ("abcab", True), ("ababa", False), ("ababac", True), ("abcde", True)],
)
def test_five_failures_of_three_feeds_open_it(feeds: str, down: bool) -> None:
    """In a row: any answer between them begins anew, and what never asked the host does not."""
    assert admits(failed(feeds), NOW) is not down
    assert failed(feeds).failures == len(feeds)
    between = failed(feeds[-1], health=failed("x", "blocked_url", failed(feeds[:-1])))
    assert admits(between, NOW) is not down
    answered = learn(failed(feeds[:-1]), "x", None, NOW)
    assert answered == WELL
    assert admits(failed(feeds[-1], health=answered), NOW)
    assert learn(failed(feeds), "x", "server_error", NOW) == WELL


def test_open_for_sixty_seconds_and_sixty_more_after_a_probe_that_failed() -> None:
    """To the microsecond; a time further ahead than that was written before a clock jumped."""
    down = failed("abcde", "dns")
    assert (down.kind, down.feeds) == ("dns", frozenset("abc"))
    assert not admits(down, NOW + MINUTE - MICROSECOND)
    assert admits(down, NOW + MINUTE)
    assert admits(down, NOW - MICROSECOND)
    again = learn(down, "x", "tls", NOW + MINUTE)
    assert not admits(again, NOW + 2 * MINUTE - MICROSECOND)
    assert admits(again, NOW + 2 * MINUTE)


def test_one_probe_at_a_time_and_a_lost_one_for_thirty_seconds() -> None:
    """While the breaker is closed nobody waits for anybody."""
    assert probing(WELL, NOW) is WELL
    due = NOW + MINUTE
    probed = probing(failed("abcde"), due)
    assert not admits(probed, due)
    assert not admits(probed, due + MINUTE / 2 - MICROSECOND)
    assert admits(probed, due + MINUTE / 2)
    assert learn(probed, "x", "timeout", due).probe_until is None


def test_which_failures_say_that_a_host_is_down() -> None:
    """Any other answer says that it is well; what never asked it says nothing."""
    ill = learn(WELL, "a", "dns", NOW)
    for kind in ("connect", "dns", "timeout", "tls"):
        assert learn(ill, "b", kind, NOW).failures == 2
    for kind in ("blocked_address", "blocked_url", "fetcher_error", "not_found_file"):
        assert learn(ill, "b", kind, NOW) is ill
    assert learn(ill, "b", "server_error", NOW) is learn(ill, "b", None, NOW) is WELL
