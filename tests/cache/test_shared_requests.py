"""One calendar, thirty owners: one request, and each reads its body in their own way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from extcal import (
    AsyncCalendarCache,
    BusyPolicy,
    CalendarCache,
    Failed,
    Feed,
    Fetched,
    FetchRequest,
    FetchResponse,
    HttpFetcher,
    NotModified,
    Snapshot,
    Unavailable,
)
from extcal.fetch import FileFetcher
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

Make = Callable[..., CalendarCache]
LATER = timedelta(minutes=31)
HOUR = timedelta(hours=1)
BODY = feed_text(
    event("2027-01-05T09:00", "PT1H", summary="Talk about salaries"),
    event("2027-01-06", "P1D"),
)
ZONES = ["Europe/Berlin", "Europe/London", "America/New_York", "Asia/Tokyo", "UTC"]


def feeds(url: str) -> list[Feed]:
    """Thirty ways to read one address."""
    return [
        Feed(url, timezone=zone, owner=f"{name}@example.org", detail=detail, policy=policy)
        for zone in ZONES
        for name in ("ada", "bob")
        for detail, policy in (
            ("events", None),
            ("busy", None),
            ("events", BusyPolicy(all_day="free")),
        )
    ]


class Slow(FakeFetcher):
    """Answers when ``waiting`` flights have begun, and no sooner."""

    def __init__(self, answers: Any, *, etags: bool = False) -> None:
        super().__init__(answers, etags=etags)
        self.go = threading.Event()
        self.asked = threading.Event()

    def fetch(self, request: FetchRequest) -> FetchResponse:
        self.asked.set()
        self.go.wait(30)
        return super().fetch(request)


def starts(snapshot: Any) -> set[str]:
    assert isinstance(snapshot, Snapshot)
    return {f"{period.start:%d %H}" for period in snapshot.free_busy.periods}


def test_a_table_of_thirty_owners_is_one_request(make: Make, url: str, clock: ManualClock) -> None:
    """Also with fewer places for fetches than feeds; and again when they have expired."""
    web = FakeFetcher({url: BODY})
    calendars = make(fetcher=web, max_fetches=3)
    people = {f"{number}": feed for number, feed in enumerate(feeds(url))}
    for round_ in (1, 2):
        table = calendars.availability(people, clock(), clock() + timedelta(days=3))
        assert web.count() == round_
        assert not any(table.problems.values())
        first = {f"{table[name].periods[0].start:%d %H}" for name in people}
        assert first == {"05 08", "05 09", "05 14", "05 00"}
        assert all(calendars.last_refreshed(feed) == clock() for feed in people.values())
        clock.advance(LATER)
    stats = calendars.stats()
    assert (stats.fetches, stats.read) == (2, 2)


def test_refreshing_many_shares_what_came_just_before(
    make: Make, url: str, clock: ManualClock
) -> None:
    """Four at a time of one host, and other hosts between them."""
    web = FakeFetcher({url: BODY} | {f"https://{n}.example.org/": BODY for n in range(30)})
    calendars = make(fetcher=web)
    mixed = [
        feed for n, each in enumerate(feeds(url)) for feed in (each, f"https://{n}.example.org/")
    ]
    found = dict(calendars.refresh_many(mixed))
    assert len(found) == 60
    assert not [each for each in found.values() if isinstance(each, Unavailable)]
    assert web.count(url) == 1
    assert web.count() == 31
    clock.advance(timedelta(seconds=31))
    list(calendars.refresh_many(mixed, older_than=timedelta(0)))
    assert web.count(url) == 2, "what is known is not what is asked for"


def test_threads_wait_for_the_request_that_is_under_way(make: Make, url: str) -> None:
    web = Slow({url: BODY})
    calendars = make(fetcher=web)
    some = feeds(url)[:8]
    with ThreadPoolExecutor(len(some)) as pool:
        found = [pool.submit(calendars.get, feed) for feed in some]
        while len(calendars._flights) < len(some):
            web.asked.wait(30)
        web.go.set()
        assert len({frozenset(starts(each.result())) for each in found}) > 1
    assert web.count() == 1


def test_tasks_wait_for_it_as_well(run: Callable[..., None], url: str, clock: ManualClock) -> None:
    import anyio

    web = Slow({url: BODY})

    async def main() -> None:
        async with (
            AsyncCalendarCache(fetcher=web, clock=clock) as calendars,
            anyio.create_task_group() as group,
        ):
            for feed in feeds(url)[:8]:
                group.start_soon(calendars.get, feed)
            while len(calendars._engine._flights) < 8:
                await anyio.sleep(0)
            web.go.set()
        assert web.count() == 1

    run(main)


@pytest.mark.parametrize(
    "others",
    [
        [Feed("https://example.org/a.ics", auth=("ada", "secret"))],
        [Feed("https://example.org/a.ics?key=1")],
    ],
    ids=["another login", "another address"],
)
def test_only_equal_addresses_share(make: Make, others: list[Feed]) -> None:
    """What one tenant's login fetched is never another's."""
    feed = Feed("https://example.org/a.ics")
    web = FakeFetcher(dict.fromkeys([feed, *others], BODY))
    list(make(fetcher=web).refresh_many([feed, *others]))
    assert [web.count(each) for each in (feed, *others)] == [1, 1]


def test_a_fetcher_of_ones_own_is_asked_for_each_feed(make: Make, url: str) -> None:
    """It may answer one owner other than the next; it can say that it does not."""

    class Own:
        asked: list[Feed]

        def fetch(self, request: FetchRequest) -> FetchResponse:
            self.asked.append(request.feed)
            return Fetched(BODY.encode())

    some = feeds(url)[:6]
    for shares in (None, False, True):
        own = Own()
        own.asked = []
        if shares is not None:
            own.shares_answers = shares  # type: ignore[attr-defined]
        list(make(fetcher=own).refresh_many(some))
        assert len(own.asked) == (1 if shares else 6)


def test_who_says_that_answers_are_shared(tmp_path: Any) -> None:
    assert FakeFetcher().shares_answers
    assert FileFetcher(root=tmp_path).shares_answers
    assert HttpFetcher().shares_answers
    assert not HttpFetcher(headers=lambda feed: {}).shares_answers


def test_a_304_is_for_those_who_sent_the_same_validators(
    make: Make, url: str, clock: ManualClock
) -> None:
    """A newcomer has no reading that it could confirm."""
    web = FakeFetcher({url: BODY}, etags=True)
    calendars = make(fetcher=web)
    old, new = feeds(url)[:4], feeds(url)[4:8]
    list(calendars.refresh_many(old))
    assert web.count() == 1
    clock.advance(LATER)
    table = {f"{number}": feed for number, feed in enumerate([*old, *new])}
    calendars.availability(table, clock(), clock() + HOUR)
    assert [bool(request.etag) for request in web.requests] == [False, True, False]
    assert all(calendars.last_refreshed(feed) == clock() for feed in table.values())


def test_a_failure_is_counted_once(make: Make, url: str, clock: ManualClock) -> None:
    """One request that failed is one failure, whoever waited for it."""
    web = Slow({url: Failed("connect")})
    calendars = make(fetcher=web)
    with ThreadPoolExecutor(5) as pool:
        found = [pool.submit(calendars.get, feed) for feed in feeds(url)[:5]]
        while len(calendars._flights) < 5:
            web.asked.wait(30)
        web.go.set()
        kinds = {each.exception().kind for each in found}  # type: ignore[union-attr]
    assert kinds == {"connect"}
    assert web.count() == 1
    assert calendars.stats().failures == {"connect": 1}
    known = calendars._repository.load(calendars._repository.keys(feeds(url)[0]))
    assert known.attempts.failures == 1
    assert calendars._decisions.hosts._unwell[feeds(url)[0].host].failures == 1


def test_one_after_the_other_asks_each_time(make: Make, url: str) -> None:
    """A body is not kept for whoever may come later; nor after it was forgotten."""
    web = FakeFetcher({url: BODY})
    calendars = make(fetcher=web)
    for count, feed in enumerate(feeds(url)[:3], 1):
        calendars.get(feed)
        assert web.count() == count
    calendars.forget(url)
    assert not calendars._refresher._requests._kept
    list(calendars.refresh_many(feeds(url)[:3]))
    assert web.count() == 4


def test_bodies_are_kept_within_bounds(
    make: Make, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of addresses with one way of reading none is; of others so many bytes, for so long."""
    urls = [f"https://example.org/{number}.ics" for number in range(6)]
    web = FakeFetcher(dict.fromkeys(urls, BODY))
    calendars = make(fetcher=web)
    requests = calendars._refresher._requests
    for each in urls:
        calendars.get(each)
    assert not requests._kept
    clock.advance(LATER)
    monkeypatch.setattr("extcal.cache.refresh.shared_requests._KEPT_BYTES", 2 * len(BODY))
    list(calendars.refresh_many([Feed(url, timezone=zone) for url in urls for zone in ZONES[:2]]))
    assert 1 <= len(requests._kept) <= 2
    monkeypatch.setattr("extcal.cache.refresh.shared_requests._KEPT_FOR", -1.0)
    requests._tidy()
    assert not requests._kept


def test_a_request_that_breaks_off_is_made_again(make: Make, url: str) -> None:
    """A fetcher that raises is asked by those who waited, too: it may be well for them."""
    web = Slow({url: [lambda request: 1 / 0, BODY]})
    calendars = make(fetcher=web)
    with ThreadPoolExecutor(3) as pool:
        found = [pool.submit(calendars.get, feed) for feed in feeds(url)[:3]]
        while len(calendars._flights) < 3:
            web.asked.wait(30)
        web.go.set()
        kinds = [getattr(each.exception(), "kind", None) for each in found]
    assert set(kinds) <= {None, "fetcher_error"}
    assert NotModified() not in web.requests
