"""A calendar that was last refreshed more than 30 minutes ago is fetched before answering."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from extcal import CalendarCache, MemoryStore, State
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

pytestmark = pytest.mark.core

MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("age", "fetches"),
    [
        (timedelta(0), 1),
        (timedelta(minutes=29, seconds=59), 1),
        (30 * MINUTE, 1),
        (30 * MINUTE + MICROSECOND, 2),
        (timedelta(minutes=30, seconds=1), 2),
        (timedelta(days=30), 2),
    ],
    ids=str,
)
def test_more_than_thirty_minutes_means_strictly_more(
    calendars: CalendarCache,
    clock: ManualClock,
    fetcher: FakeFetcher,
    url: str,
    age: timedelta,
    fetches: int,
) -> None:
    """At exactly 30:00 there is no fetch; a microsecond later there is."""
    calendars.get(url)
    clock.advance(age)
    snapshot = calendars.get(url)
    assert fetcher.count(url) == fetches
    assert snapshot.state is State.FRESH
    assert clock() - snapshot.fetched_at == (age if fetches == 1 else timedelta(0))


def test_the_fetch_comes_before_the_answer(
    calendars: CalendarCache, clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """Who asks after 30 minutes sees what the calendar says now, not what it said."""
    calendars.get(url)
    fetcher.set(url, feed_text(event("2027-01-05T12:00Z"), event("2027-01-06T12:00Z")))
    clock.advance(31 * MINUTE)
    assert len(calendars.get(url).events) == 2


def test_every_question_follows_the_rule(
    calendars: CalendarCache, clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """free_busy, events and availability are looks at the calendar like any other."""
    start, end = clock(), clock() + timedelta(days=1)
    questions: list[Callable[[], object]] = [
        lambda: calendars.free_busy(url, start, end),
        lambda: calendars.events(url, start, end),
        lambda: calendars.availability({"Ada": url}, start, end),
    ]
    for count, question in enumerate(questions, start=1):
        question()
        clock.advance(30 * MINUTE)
        question()
        assert fetcher.count(url) == count
        clock.advance(MICROSECOND)


def test_a_304_makes_it_fresh_again(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str, body: str
) -> None:
    """Not modified is as good as read: the next 30 minutes begin."""
    fetcher = FakeFetcher({url: body}, etags=True)
    calendars = make(fetcher=fetcher)
    first = calendars.get(url)
    clock.advance(31 * MINUTE)
    second = calendars.get(url)
    assert (first.free_busy, first.events) == (second.free_busy, second.events)
    assert fetcher.requests[0].etag is None
    assert fetcher.requests[1].etag is not None
    assert second.fetched_at == clock()
    clock.advance(30 * MINUTE)
    calendars.get(url)
    assert fetcher.count(url) == 2


def test_another_ttl(make: Callable[..., CalendarCache], clock: ManualClock, url: str) -> None:
    """The 30 minutes are an argument."""
    calendars = make(ttl=timedelta(0))
    first = calendars.get(url)
    clock.advance(MICROSECOND)
    assert calendars.get(url).fetched_at > first.fetched_at


@pytest.mark.parametrize(
    "arguments",
    [
        {"ttl": timedelta(seconds=-1)},
        {"ttl": timedelta(days=2)},
        {"stale_if_error": timedelta(days=8)},
        {"stale_if_refused": timedelta(seconds=-1)},
        {"max_fetches": 0},
        {"secret": ""},
        {"horizon": timedelta(0)},
        {"horizon": timedelta(days=9999)},
        {"history": -timedelta(days=1)},
    ],
)
def test_times_that_make_no_sense_are_refused(
    make: Callable[..., CalendarCache], arguments: dict[str, object]
) -> None:
    """A caller's mistake is a ValueError, at once."""
    with pytest.raises(ValueError):
        make(**arguments)


def test_a_clock_must_be_aware(make: Callable[..., CalendarCache], url: str) -> None:
    """A naive clock is a TypeError."""
    naive = ManualClock("2027-01-04T08:00Z")().replace(tzinfo=None)
    with pytest.raises(TypeError, match="aware"):
        make(clock=lambda: naive).get(url)


def test_age_is_elapsed_time_even_where_clocks_change(
    make: Callable[..., CalendarCache], fetcher: FakeFetcher, url: str
) -> None:
    """A clock in a local zone counts 30 minutes, not wall-clock time, when DST begins."""
    from zoneinfo import ZoneInfo

    clock = ManualClock("2027-03-28T00:50Z")
    calendars = make(clock=lambda: clock().astimezone(ZoneInfo("Europe/Berlin")))
    calendars.get(url)
    clock.advance(20 * MINUTE)  # 01:50 becomes 03:10
    calendars.get(url)
    assert fetcher.count(url) == 1


@pytest.mark.parametrize("jump", [timedelta(seconds=6), timedelta(hours=1), timedelta(days=3650)])
def test_a_clock_that_jumped_back_is_healed_by_one_fetch(
    calendars: CalendarCache, clock: ManualClock, fetcher: FakeFetcher, url: str, jump: timedelta
) -> None:
    """What was fetched in the future is not fresh, by more than a few seconds."""
    calendars.get(url)
    clock.advance(-jump)
    assert calendars.get(url).fetched_at == clock()
    calendars.get(url)
    assert fetcher.count(url) == 2


def test_clocks_of_two_machines_may_differ_a_little(
    calendars: CalendarCache, clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """Five seconds into the future is still fresh."""
    calendars.get(url)
    clock.advance(-timedelta(seconds=5))
    calendars.get(url)
    assert fetcher.count(url) == 1


def test_two_caches_that_share_a_store_share_the_thirty_minutes(
    make: Callable[..., CalendarCache], fetcher: FakeFetcher, url: str
) -> None:
    """What one fetched the other need not."""
    store = MemoryStore()
    one, other = make(store=store), make(store=store)
    assert one.get(url) == other.get(url)
    assert fetcher.count(url) == 1


def test_two_caches_that_share_a_store_share_what_changed(
    make: Callable[..., CalendarCache], clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """A new body is stored as a new reading, and not as a confirmation of the one before."""
    store = MemoryStore()
    first, second = make(store=store), make(store=store)
    before = len(first.get(url).events)
    fetcher.set(url, feed_text(*[event(f"2027-01-0{day}T12:00Z") for day in range(5, 9)]))
    clock.advance(31 * MINUTE)
    assert len(first.get(url).events) == 4 != before
    assert len(second.get(url).events) == 4
    assert fetcher.count(url) == 2


# -- refresh ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("after", "fetches"), [(29, 1), (30, 2), (60, 2)])
def test_refresh_ignores_the_thirty_minutes_but_keeps_a_floor(
    calendars: CalendarCache,
    clock: ManualClock,
    fetcher: FakeFetcher,
    url: str,
    after: int,
    fetches: int,
) -> None:
    """A pressed button fetches, unless the last attempt is less than 30 seconds ago."""
    calendars.get(url)
    clock.advance(timedelta(seconds=after))
    assert calendars.refresh(url).state is State.FRESH
    assert fetcher.count(url) == fetches


def test_last_refreshed_and_last_attempt(
    calendars: CalendarCache, clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """Refreshed is the last time that brought something; an attempt is an attempt."""
    from extcal import Failed

    assert calendars.last_refreshed(url) is None
    assert calendars.last_attempt(url) is None
    calendars.get(url)
    start = clock()
    assert calendars.last_refreshed(url) == calendars.last_attempt(url) == start
    fetcher.set(url, Failed("timeout"))
    clock.advance(31 * MINUTE)
    calendars.get(url)
    assert calendars.last_refreshed(url) == start
    assert calendars.last_attempt(url) == clock()


def test_forget(calendars: CalendarCache, fetcher: FakeFetcher, url: str) -> None:
    """Nothing is left of a feed whose address was removed."""
    calendars.get(url)
    calendars.forget(url)
    assert calendars.last_refreshed(url) is None
    calendars.get(url)
    assert fetcher.count(url) == 2
