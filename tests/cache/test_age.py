"""RFC 9111 section 5.1: what a cache on the way kept is as old as it says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from extcal import (
    AsyncCalendarCache,
    CalendarCache,
    Failed,
    Fetched,
    HttpFetcher,
    MemoryStore,
    NotModified,
    Snapshot,
    State,
    Unavailable,
)
from extcal.cache import Cell
from extcal.testing import FakeFetcher, ManualClock, event, feed_text
from extcal.testing.server import FeedServer

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
START = datetime(2027, 1, 4, 8, tzinfo=UTC)


def copy(age: float, uid: str = "talk", etag: str | None = None) -> Fetched:
    """What a cache on the way has kept for ``age`` seconds."""
    return Fetched(feed_text(event("2027-01-04T09:00Z", uid=uid)).encode(), etag=etag, age=age)


def named(snapshot: Snapshot) -> list[str]:
    return [found.uid for found in snapshot.events]


def test_age_counts_toward_the_30_minutes(
    calendars: CalendarCache, fetcher: FakeFetcher, clock: ManualClock, url: str
) -> None:
    """Ten minutes old on arrival: fresh for twenty more, and fetched before the answer then."""
    fetcher.set(url, copy(600))
    snapshot = calendars.get(url)
    assert (snapshot.state, snapshot.fetched_at) == (State.FRESH, START - 10 * MINUTE)
    assert calendars.last_refreshed(url) == START - 10 * MINUTE
    assert calendars.last_attempt(url) == START
    clock.advance(20 * MINUTE)
    assert calendars.get(url).state is State.FRESH
    assert fetcher.count() == 1
    clock.advance(timedelta(seconds=1))
    fetcher.set(url, copy(0))
    snapshot = calendars.get(url)
    assert (snapshot.state, snapshot.fetched_at, fetcher.count()) == (State.FRESH, clock(), 2)


def test_half_an_hour_old_on_arrival_is_fresh(
    calendars: CalendarCache, fetcher: FakeFetcher, url: str
) -> None:
    """To the second."""
    fetcher.set(url, copy(1800))
    assert calendars.get(url).state is State.FRESH


@pytest.mark.parametrize("age", [1801, 3600, 86_400, 10**7, 2.0**31])
def test_what_is_too_old_on_arrival_is_stale_and_no_storm(
    calendars: CalendarCache, fetcher: FakeFetcher, clock: ManualClock, url: str, age: float
) -> None:
    """Twice in 30 minutes at most, however often somebody looks; never FRESH."""
    fetcher.set(url, copy(age))
    for _ in range(60):
        snapshot = calendars.get(url)
        assert snapshot.state is State.STALE
        assert snapshot.last_error is None
        assert named(snapshot) == ["talk"]
        assert [problem.code for problem in snapshot.problems] == ["old_copy"]
        assert clock() - snapshot.fetched_at >= timedelta(minutes=30)
        clock.advance(timedelta(seconds=30))
    assert fetcher.count() == 2


def test_a_table_says_why_it_is_stale(
    calendars: CalendarCache, fetcher: FakeFetcher, url: str
) -> None:
    """Nobody was late: the source was asked."""
    fetcher.set(url, copy(3600))
    table = calendars.availability({"Ada": url}, START, START + HOUR)
    assert table.state["Ada"] is State.STALE
    assert [problem.code for problem in table.problems["Ada"]] == ["old_copy"]


def test_an_age_beyond_24_hours_counts_as_24_hours(
    calendars: CalendarCache, fetcher: FakeFetcher, url: str
) -> None:
    """It could not stand in for a source that is down either."""
    fetcher.set(url, copy(10**9))
    assert calendars.get(url).fetched_at == START - 24 * HOUR


def test_a_304_has_an_age_too(
    calendars: CalendarCache, fetcher: FakeFetcher, clock: ManualClock, url: str
) -> None:
    """It says that nothing had changed when the cache last asked."""
    fetcher.set(url, copy(0, etag='"1"'))
    calendars.get(url)
    clock.advance(40 * MINUTE)
    fetcher.set(url, NotModified(age=1200))
    snapshot = calendars.get(url)
    assert (snapshot.state, snapshot.fetched_at) == (State.FRESH, START + 20 * MINUTE)
    assert calendars.last_attempt(url) == clock()


def test_a_304_older_than_what_is_known_takes_nothing_back(
    calendars: CalendarCache, fetcher: FakeFetcher, clock: ManualClock, url: str
) -> None:
    """What was read since is newer than that."""
    fetcher.set(url, copy(0, etag='"1"'))
    calendars.get(url)
    clock.advance(31 * MINUTE)
    fetcher.set(url, NotModified(age=7200))
    snapshot = calendars.get(url)
    assert (snapshot.state, snapshot.fetched_at) == (State.STALE, START)
    assert calendars.get(url).state is State.STALE
    assert fetcher.count() == 2


def test_an_older_copy_does_not_replace_a_newer_one(
    calendars: CalendarCache, fetcher: FakeFetcher, clock: ManualClock, url: str
) -> None:
    """Two caches on the way: what was added since the older one's copy does not become free."""
    fetcher.set(url, copy(0, "newer"))
    calendars.get(url)
    clock.advance(31 * MINUTE)
    fetcher.set(url, copy(3600, "older"))
    snapshot = calendars.get(url)
    assert (snapshot.state, named(snapshot)) == (State.STALE, ["newer"])
    clock.advance(HOUR)
    assert named(calendars.get(url)) == ["older"]


def test_an_older_copy_costs_the_store_a_few_bytes(
    make: Callable[..., CalendarCache], fetcher: FakeFetcher, clock: ManualClock, url: str
) -> None:
    """The newer reading is not written again."""
    sizes: list[int] = []

    class Weighed(MemoryStore):
        def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
            sizes.append(len(cell.data))
            return super().put(key, cell, token)

        def put_and_release(self, key: str, cell: Cell, leased: str, token: str, /) -> bool:
            sizes.append(len(cell.data))
            return super().put_and_release(key, cell, leased, token)

    calendars = make(store=Weighed())
    fetcher.set(url, copy(0, "x" * 2000))
    calendars.get(url)
    assert max(sizes) > 300
    sizes.clear()
    clock.advance(31 * MINUTE)
    fetcher.set(url, copy(3600, "older"))
    calendars.get(url)
    assert sizes
    assert max(sizes) < 300


def test_a_source_that_is_down_after_an_old_copy(
    calendars: CalendarCache, fetcher: FakeFetcher, clock: ManualClock, url: str
) -> None:
    """It stands in until it is 24 hours old, and not for 24 hours."""
    fetcher.set(url, copy(20 * 3600))
    calendars.get(url)
    fetcher.set(url, Failed("timeout"))
    clock.advance(4 * HOUR)
    assert calendars.get(url).state is State.ERROR_STALE
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Unavailable):
        calendars.get(url)


def test_published_ahead_counts_from_when_the_source_gave_it(
    calendars: CalendarCache, fetcher: FakeFetcher, url: str
) -> None:
    """What the publisher's range left out was left out then."""
    from extcal import Feed

    feed = Feed(url, published_ahead=timedelta(days=30))
    fetcher.set(url, copy(3600))
    unknown = calendars.get(feed).free_busy.unknown
    assert [period.start for period in unknown] == [START - HOUR + timedelta(days=30)]


@pytest.mark.parametrize("headers", [{"Age": "1200"}, {"Age": "1200, 5"}, {"age": " 1200 "}])
def test_over_http(clock: ManualClock, headers: dict[str, str]) -> None:
    """The header of a server, as HttpFetcher reads it."""
    with FeedServer() as server:
        url = server.serve("ada.ics", feed_text(event("2027-01-04T09:00Z")), headers=headers)
        web = HttpFetcher(allow_networks=["127.0.0.0/8"])
        snapshot = CalendarCache(fetcher=web, clock=clock).get(url)
    assert snapshot.fetched_at == START - 20 * MINUTE


def test_in_tasks(run: Callable[..., None], clock: ManualClock, url: str) -> None:
    """The same for AsyncCalendarCache."""

    async def main() -> None:
        web = FakeFetcher({url: copy(3600)})
        async with AsyncCalendarCache(fetcher=web, clock=clock) as calendars:
            for _ in range(3):
                snapshot = await calendars.get(url)
                assert (snapshot.state, snapshot.fetched_at) == (State.STALE, START - HOUR)
            assert web.count() == 1

    run(main)


# -- published_at --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sun, 03 Jan 2027 12:34:56 GMT", datetime(2027, 1, 3, 12, 34, 56, tzinfo=UTC)),
        ("Sunday, 03-Jan-27 12:34:56 GMT", datetime(2027, 1, 3, 12, 34, 56, tzinfo=UTC)),
        ("Sun Jan  3 12:34:56 2027", datetime(2027, 1, 3, 12, 34, 56, tzinfo=UTC)),
        ("Sun, 03 Jan 2027 12:34:56 +0200", datetime(2027, 1, 3, 10, 34, 56, tzinfo=UTC)),
        ("Sun, 03 Jan 2027 12:34:56 -0000", datetime(2027, 1, 3, 12, 34, 56, tzinfo=UTC)),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("Sun, 03 Jan 2027 25:00:00 GMT", None),
        ("Sun, 33 Jan 2027 12:00:00 GMT", None),
        ("Sun, 03 Jan 99999999999 12:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
        ("Sun, 03 Jan 2027 12:34:56 +9999999999999", None),
        ("1", None),
        (",,,,", None),
        ("(" * 500, None),
    ],
)
def test_published_at(
    calendars: CalendarCache, fetcher: FakeFetcher, url: str, text: str | None, moment: object
) -> None:
    """Last-Modified, in the three forms of RFC 9110 section 5.6.7; None if it is no date."""
    body = feed_text(event("2027-01-04T09:00Z")).encode()
    fetcher.set(url, Fetched(body, last_modified=text))
    snapshot = calendars.get(url)
    assert snapshot.published_at == moment
    assert snapshot.published_at is None or snapshot.published_at.tzinfo is UTC
    assert calendars.get(url).published_at == moment


def test_published_at_survives_a_304(
    calendars: CalendarCache, fetcher: FakeFetcher, clock: ManualClock, url: str
) -> None:
    """And is not told to everybody else."""
    when = "Sun, 03 Jan 2027 12:34:56 GMT"
    body = feed_text(event("2027-01-04T09:00Z")).encode()
    fetcher.set(url, [Fetched(body, last_modified=when), NotModified()])
    first = calendars.get(url)
    clock.advance(HOUR)
    second = calendars.get(url)
    assert first.published_at == second.published_at
    assert second.fetched_at == clock()
    assert second.redacted().published_at is None
