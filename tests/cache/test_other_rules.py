"""A reading by other time zone data, or another version of extcal, is never FRESH."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extcal import (
    CalendarCache,
    Failed,
    Fetched,
    FetchRequest,
    FetchResponse,
    MemoryStore,
    NotModified,
    Refused,
    Snapshot,
    State,
    Unavailable,
)
from extcal.cache.snapshot.made_by import MadeBy
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OLD, NEW = MadeBy("2026a", 1), MadeBy("2026b", 1)
Make = Callable[..., CalendarCache]
others = pytest.mark.parametrize("other", [NEW, MadeBy("2026a", 2), MadeBy("2026b", 2)], ids=str)


def reads_with(calendars: CalendarCache, made_by: MadeBy) -> CalendarCache:
    """As if the process of ``calendars`` had other time zone data, or another extcal."""
    calendars._repository._made = made_by
    return calendars


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def web(url: str, body: str) -> FakeFetcher:
    return FakeFetcher({url: body}, etags=True)


@pytest.fixture
def old(make: Make, store: MemoryStore, web: FakeFetcher) -> CalendarCache:
    return reads_with(make(store=store, fetcher=web), OLD)


@pytest.fixture
def new(make: Make, store: MemoryStore, web: FakeFetcher) -> CalendarCache:
    return reads_with(make(store=store, fetcher=web), NEW)


def told(snapshot: Snapshot) -> bool:
    """Whether it says that it was made by other rules."""
    return any(problem.code == "other_rules" for problem in snapshot.problems)


@others
def test_it_is_served_as_stale_and_then_read_again(
    make: Make,
    store: MemoryStore,
    web: FakeFetcher,
    old: CalendarCache,
    clock: ManualClock,
    url: str,
    other: MadeBy,
) -> None:
    """Within the 30 minutes, once, by a plain GET; FRESH afterwards, and for the other STALE."""
    first = old.get(url)
    assert first.state is State.FRESH
    assert not told(first)
    new = reads_with(make(store=store, fetcher=web), other)
    states = []
    for _ in range(30):
        snapshot = new.get(url)
        assert told(snapshot) is (snapshot.state is not State.FRESH)
        assert snapshot.events == first.events
        states.append(snapshot.state)
        clock.advance(MINUTE)
    assert states == sorted(states, key=[State.STALE, State.FRESH].index)
    assert {*states} == {State.STALE, State.FRESH}
    assert [request.etag for request in web.requests] == [None, None]
    assert old.get(url).state is State.STALE


def test_a_304_does_not_confirm_it(
    old: CalendarCache, new: CalendarCache, web: FakeFetcher, clock: ManualClock, url: str
) -> None:
    """Not even one that nobody asked for: it is asked again, and then is a failure."""
    old.get(url)
    web.set(url, NotModified())
    clock.advance(31 * MINUTE)
    snapshot = new.get(url)
    assert (snapshot.state, snapshot.last_error) == (State.ERROR_STALE, "protocol")
    assert told(snapshot)
    assert [request.etag for request in web.requests] == [None] * 3


def test_an_older_copy_does_not_replace_it(
    old: CalendarCache, new: CalendarCache, web: FakeFetcher, clock: ManualClock, url: str
) -> None:
    """What was read later stays, and is still read by other rules."""
    old.get(url)
    web.set(url, Fetched(feed_text().encode(), age=3600))
    for minutes in (5, 26):
        clock.advance(minutes * MINUTE)
        snapshot = new.refresh(url)
        assert (snapshot.state, len(snapshot.events)) == (State.STALE, 1)
        assert told(snapshot)


def test_a_table_says_why_it_is_stale(
    old: CalendarCache, new: CalendarCache, clock: ManualClock, url: str
) -> None:
    """And the time that is known counts."""
    old.get(url)
    table = new.availability({"Ada": url}, clock(), clock() + 2 * HOUR)
    assert table.state["Ada"] is State.STALE
    assert [problem.code for problem in table.problems["Ada"]] == ["other_rules"]
    assert len(table["Ada"].periods) == 1


def test_a_person_need_not_wait(
    old: CalendarCache, new: CalendarCache, clock: ManualClock, web: FakeFetcher, url: str
) -> None:
    """Who presses "refresh" has it read at once."""
    old.get(url)
    clock.advance(MINUTE)
    assert new.get(url).state is State.STALE
    assert new.refresh(url).state is State.FRESH
    assert web.requests[-1].etag is None


def test_a_run_over_all_feeds_waits_for_each_ones_moment(
    make: Make, store: MemoryStore, clock: ManualClock, body: str
) -> None:
    """An upgrade does not have a thousand feeds read at once, and all are in 30 minutes."""
    urls = [f"https://example.org/{number}.ics" for number in range(120)]
    web = FakeFetcher(dict.fromkeys(urls, body), etags=True)
    old = reads_with(make(store=store, fetcher=web), OLD)
    for url in urls:
        old.get(url)
    clock.advance(MINUTE)
    new = reads_with(make(store=store, fetcher=web), NEW)
    minutes: Counter[int] = Counter()
    for minute in range(31):
        before = web.count()
        outcomes = [result.outcome for result in new.refresh_many(urls, at_once=1)]
        assert all(isinstance(each, Snapshot) for each in outcomes)
        minutes[minute] = web.count() - before
        clock.advance(MINUTE)
    assert web.count() == 2 * len(urls)
    assert max(minutes.values()) < len(urls) / 6
    assert all(new.get(url).state is State.FRESH for url in urls)


@pytest.mark.parametrize(
    "failure", [Failed("timeout"), Refused(404), Refused(429, retry_after=7200)], ids=repr
)
def test_a_source_that_is_down_keeps_its_24_hours(
    old: CalendarCache,
    new: CalendarCache,
    web: FakeFetcher,
    clock: ManualClock,
    url: str,
    failure: FetchResponse,
) -> None:
    """The last good reading is not lost, and back-off is kept to across the upgrade."""
    first = old.get(url)
    web.set(url, failure)
    clock.advance(31 * MINUTE)
    assert old.get(url).state is State.ERROR_STALE
    asked = web.count()
    snapshot = new.get(url)
    assert (snapshot.state, snapshot.events) == (State.ERROR_STALE, first.events)
    assert told(snapshot)
    assert web.count() == asked
    clock.set(first.fetched_at + 24 * HOUR)
    assert new.get(url).state is State.ERROR_STALE
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Unavailable):
        new.get(url)


def test_half_a_calendar_does_not_replace_it(
    old: CalendarCache, new: CalendarCache, web: FakeFetcher, clock: ManualClock, url: str
) -> None:
    """A whole reading by other rules is better than half of one by ours."""
    first = old.get(url)
    text = feed_text(event("2027-01-04T09:00Z"), event("2027-01-04T11:00Z"))
    web.set(url, text[: text.rindex("END:VEVENT")])
    clock.advance(31 * MINUTE)
    snapshot = new.get(url)
    assert (snapshot.state, snapshot.events) == (State.ERROR_STALE, first.events)


def test_two_versions_over_one_store_for_an_hour(
    old: CalendarCache, new: CalendarCache, web: FakeFetcher, clock: ManualClock, url: str
) -> None:
    """Rolling deployment: no feed is fetched more than twice a TTL, and each is served."""
    asked: list[datetime] = []

    def answer(request: FetchRequest) -> str:
        asked.append(clock())
        return feed_text(event("2027-01-04T09:00Z"))

    web.set(url, answer)
    for _ in range(120):
        for calendars in (old, new):
            assert calendars.get(url).state in (State.FRESH, State.STALE)
        clock.advance(timedelta(seconds=30))
    for first in asked:
        assert sum(first <= moment < first + 30 * MINUTE for moment in asked) <= 2


def test_where_everybody_has_the_same_rules_nothing_changes(
    old: CalendarCache, make: Make, store: MemoryStore, web: FakeFetcher, url: str
) -> None:
    """Another process with the same time zone data and the same extcal: FRESH, no request."""
    old.get(url)
    same = reads_with(make(store=store, fetcher=web), OLD)
    assert same.get(url).state is State.FRESH
    assert web.count() == 1


SCRIPT = """
import sys
from pathlib import Path
import extcal
from extcal.testing import FakeFetcher, ManualClock, event, feed_text
url = "https://example.org/ada.ics"
web = FakeFetcher({url: feed_text(event("2027-01-04T09:00", tz="Europe/Berlin"))}, etags=True)
clock = ManualClock(sys.argv[2])
with extcal.SQLiteStore(sys.argv[1]) as store:
    snapshot = extcal.CalendarCache(store=store, fetcher=web, clock=clock).get(url)
print(snapshot.state, f"{snapshot.events[0].start:%H:%M}", *(p.code for p in snapshot.problems))
"""


def test_new_time_zone_data(tmp_path: Path) -> None:
    """Berlin has Tokyo's time from today on: the source says 304, and the answer is right."""
    import tzdata

    zones = Path(tzdata.__file__).parent / "zoneinfo"
    for version, source in (("2030a", "Europe/Berlin"), ("2030b", "Asia/Tokyo")):
        (tmp_path / version / "Europe").mkdir(parents=True)
        (tmp_path / version / "tzdata.zi").write_text(f"# version {version}\n")
        (tmp_path / version / "Europe" / "Berlin").write_bytes((zones / source).read_bytes())

    def run(version: str, now: str) -> str:
        environment: dict[str, Any] = {
            "PYTHONTZPATH": str(tmp_path / version),
            "PYTHONPATH": ":".join(sys.path),
        }
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / "cells.db"), now],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert run("2030a", "2027-01-04T06:00Z") == "fresh 08:00"
    assert run("2030b", "2027-01-04T06:01Z") == "stale 08:00 other_rules"
    assert run("2030b", "2027-01-04T06:31Z") == "fresh 00:00"
    assert run("2030a", "2027-01-04T06:32Z") == "stale 00:00 other_rules"
