"""A host is slowed by three feeds that it answered with 429 itself, and by nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal import (
    CalendarCache,
    Feed,
    Fetched,
    FetchRequest,
    FetchResponse,
    Refused,
    State,
    Unavailable,
)
from extcal.cache.freshness.rate_limited_hosts import (
    UNTROUBLED,
    RateLimited,
    after_429,
    is_rate_limited,
)
from extcal.cache.snapshot.codec import decode_host, encode_host
from extcal.cache.stores.protocol import Store
from extcal.testing import ManualClock, event, feed_text

pytestmark = pytest.mark.core

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BODY = feed_text(event("2027-01-04T09:00Z", "PT1H")).encode()


def slow(*told: tuple[str, float]) -> RateLimited:
    slowed = UNTROUBLED
    for feed, minutes in told:
        slowed = after_429(slowed, feed, NOW + minutes * MINUTE)
    return slowed


@pytest.mark.parametrize(
    ("told", "slowed"),
    [
        ([("a", 0), ("b", 0), ("c", 0)], True),
        ([("a", 0), ("b", 5), ("c", 9.9)], True),
        ([("a", 0), ("b", 5), ("c", 10)], False),
        ([("a", 0), ("a", 1), ("a", 2), ("a", 3)], False),
        ([("a", 0), ("b", 1), ("a", 2), ("b", 3)], False),
        ([("a", 0), ("b", 0)], False),
    ],
)
def test_three_feeds_within_ten_minutes(told: list[tuple[str, float]], slowed: bool) -> None:
    """One stranger's feed slows nobody else, however often it is answered so."""
    assert is_rate_limited(slow(*told), NOW + told[-1][1] * MINUTE) is slowed


def test_for_fifteen_minutes_at_most() -> None:
    """5, then 10, then 15; after an hour that went well, 5 again."""
    slowed, now, lengths = UNTROUBLED, NOW, []
    for _ in range(5):
        for feed in "abc":
            slowed = after_429(slowed, feed, now)
        assert slowed.until is not None
        lengths.append((slowed.until - now) // MINUTE)
        now = slowed.until
    assert lengths == [5, 10, 15, 15, 15]
    for feed in "abc":
        slowed = after_429(slowed, feed, now + 61 * MINUTE)
    assert slowed.until == now + 66 * MINUTE


def test_a_clock_that_jumped_back_holds_nobody_back() -> None:
    assert not is_rate_limited(slow(("a", 900), ("b", 900), ("c", 900)), NOW)


@given(st.lists(st.tuples(st.text(max_size=9), st.datetimes(timezones=st.just(UTC))), max_size=3))
def test_the_record_survives_being_stored(told: list[tuple[str, datetime]]) -> None:
    slowed = RateLimited(tuple(told), NOW, 2)
    assert decode_host(encode_host(slowed, "h:1"), "h:1") == slowed
    assert decode_host(encode_host(slowed, "h:1"), "h:2") is None


class Host:
    """Answers 429 while it is told to; ``asked``: by whom it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: FetchResponse = Refused(429)

    def fetch(self, request: FetchRequest) -> FetchResponse:
        self.asked.append(request.feed.reveal())
        return self.answer


def feed(name: str, host: str = "calendar.example.org") -> str:
    return f"https://{host}/{name}.ics"


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest, doors: Callable[[str], Store]) -> Store:
    return doors(request.param)


class Caches:
    def __init__(self, store: Store) -> None:
        self.host, self.clock = Host(), ManualClock(NOW)
        self.one, self.two = (
            CalendarCache(store=store, fetcher=self.host, clock=self.clock) for _ in range(2)
        )

    def fail(self, cache: CalendarCache, *feeds: str, **how: Any) -> list[str]:
        """The kinds of failure that these feeds come to."""
        kinds = []
        for each in feeds:
            with pytest.raises(Unavailable) as raised:
                cache.get(each, **how)
            kinds.append(raised.value.kind)
        return kinds


def test_all_caches_over_a_store_know(store: Store) -> None:
    """The fourth feed is not asked, in any process; another host is; later all are."""
    caches = Caches(store)
    caches.fail(caches.one, feed("a"), feed("b"), feed("c"))
    assert caches.fail(caches.one, feed("d")) == ["rate_limited"]
    assert caches.fail(caches.two, feed("e")) == ["rate_limited"]
    assert len(caches.host.asked) == 3
    assert caches.one.stats().spared == 1
    caches.host.answer = Fetched(BODY)
    assert caches.two.get(feed("a", "other.example.org")).state is State.FRESH
    assert caches.two.refresh(feed("f")).state is State.FRESH
    caches.clock.advance(5 * MINUTE)
    assert caches.two.get(feed("d")).state is State.FRESH


def test_what_is_known_is_served_meanwhile(store: Store) -> None:
    """Marked, with the reason; what is fresh stays fresh."""
    caches = Caches(store)
    caches.host.answer = Fetched(BODY)
    caches.one.get(feed("d"))
    caches.host.answer = Refused(429)
    caches.clock.advance(29 * MINUTE)
    caches.fail(caches.one, feed("a"), feed("b"), feed("c"))
    assert caches.two.get(feed("d")).state is State.FRESH
    caches.clock.advance(2 * MINUTE)
    served = caches.two.get(feed("d"))
    assert (served.state, served.last_error) == (State.ERROR_STALE, "rate_limited")


@pytest.mark.parametrize(
    "answer", [Refused(429, redirected=True), Refused(403), Refused(404, retry_after=9000)]
)
def test_nothing_else_slows_a_host(store: Store, answer: FetchResponse) -> None:
    """Not what a redirect led to, and no Retry-After but for its own address."""
    caches = Caches(store)
    caches.host.answer = answer
    caches.fail(caches.one, *[feed(str(number)) for number in range(9)])
    assert len(caches.host.asked) == 9


def test_a_retry_after_of_hours_binds_its_own_address(store: Store) -> None:
    caches = Caches(store)
    caches.host.answer = Refused(429, retry_after=9000)
    caches.fail(caches.one, feed("a"), feed("b"))
    caches.host.answer = Fetched(BODY)
    assert caches.one.get(feed("c")).state is State.FRESH
    caches.clock.advance(60 * MINUTE)
    caches.fail(caches.one, feed("a"))
    assert len(caches.host.asked) == 3


def test_one_address_of_many_users_is_one_feed(store: Store) -> None:
    """Ten zones of one address are one stranger's 429."""
    caches = Caches(store)
    make: Callable[[int], Feed] = lambda hours: Feed(feed("a"), timezone=f"Etc/GMT+{hours}")  # noqa: E731
    for hours in range(1, 9):
        caches.clock.advance(MINUTE)
        caches.fail(caches.one, make(hours))  # type: ignore[arg-type]
    caches.host.answer = Fetched(BODY)
    assert caches.one.get(feed("b")).state is State.FRESH
