"""A source that has nothing new: what is stored then is small, and the same body is not read."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from extcal import (
    CalendarCache,
    Feed,
    Fetched,
    FetchRequest,
    FetchResponse,
    MemoryStore,
    SQLiteStore,
    State,
    Store,
)
from extcal.cache import Cell
from extcal.cache.refresh.kept.repository import confirmed_key
from extcal.cache.snapshot import reading as readings
from extcal.cache.snapshot.made_by import MadeBy
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

Make = Callable[..., CalendarCache]
Doors = Callable[[str], Store]
LATER = timedelta(minutes=31)
GOOGLE = "https://calendar.google.com/calendar/ical/ada%40example.org/private-5ec2e7/basic.ics"


class Five:
    """A host's own store of five methods, which notes what is put into it."""

    def __init__(self) -> None:
        self.inner = MemoryStore()
        self.puts: list[tuple[str, int]] = []
        self.get, self.delete = self.inner.get, self.inner.delete
        self.lease, self.release = self.inner.lease, self.inner.release

    def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
        self.puts.append((key[:2], len(cell.data)))
        return self.inner.put(key, cell, token)


class Mirror(MemoryStore):
    """A store that inherits how two steps are done at once, but has its own way to put."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: list[tuple[str, int]] = []

    def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
        self.puts.append((key[:2], len(cell.data)))
        return super().put(key, cell, token)


def google(stamp: str, *more: str) -> bytes:
    """A feed as Google writes it: every DTSTAMP is the time of the request."""
    events = [
        event(f"2027-01-{day:02}T09:00Z", "PT1H", uid=f"{day}", stamp=stamp) for day in range(5, 25)
    ]
    return feed_text(*events, *more).encode()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every body that is read."""
    found: list[str] = []
    expand = readings.expand

    def counted(*arguments: Any, **named: Any) -> Any:
        found.append("read")
        return expand(*arguments, **named)

    monkeypatch.setattr(readings, "expand", counted)
    return found


@pytest.fixture
def long() -> str:
    return feed_text(
        *(event(f"2027-01-{day:02}T09:00Z", "PT1H", summary=f"{day}" * 50) for day in range(5, 30))
    )


@pytest.mark.parametrize("etags", [True, False], ids=["304", "the same body"])
def test_an_unchanged_feed_writes_a_few_bytes(
    make: Make, clock: ManualClock, url: str, long: str, reads: list[str], etags: bool
) -> None:
    """Also in a store of five methods; the reading itself is written once a day."""
    store = Five()
    calendars = make(store=store, fetcher=FakeFetcher({url: long}, etags=etags))
    first = calendars.get(url)
    store.puts.clear()
    for _ in range(46):
        clock.advance(LATER)
        found = calendars.get(url)
        assert (found.state, found.fetched_at) == (State.FRESH, clock())
        assert found.events == first.events
    assert {kind for kind, _ in store.puts} == {"c:"}
    assert max(size for _, size in store.puts) < 300
    clock.advance(LATER)
    calendars.get(url)
    assert [kind for kind, _ in store.puts[46:]] == ["s:", "c:"]
    assert len(reads) == 1
    assert make(store=store).get(url).fetched_at == clock()


def test_what_a_source_confirmed_is_known_to_others(
    make: Make, clock: ManualClock, url: str, long: str, doors: Doors
) -> None:
    """Through any store; and it outlives the week that the reading was written for."""
    for name in ("memory", "sqlite", "redis"):
        store = doors(name)
        web = FakeFetcher({url: long}, etags=True)
        calendars = make(store=store, fetcher=web)
        calendars.get(url)
        for _ in range(9):
            clock.advance(timedelta(days=1))
            calendars.get(url)
        other = make(store=store, fetcher=web)
        asked = web.count()
        assert other.get(url).fetched_at == clock()
        assert other.last_refreshed(url) == other.last_attempt(url) == clock()
        assert web.count() == asked
        key = calendars._repository.keys(Feed(url)).snapshot
        cell = store.get(key)
        assert cell is not None
        assert cell.keep_until >= clock() + timedelta(days=6)


def test_a_confirmation_is_of_one_reading(
    make: Make, clock: ManualClock, url: str, long: str, body: str
) -> None:
    """A new reading is not as young as the confirmation of the one before, nor the other way."""
    store = MemoryStore()
    web = FakeFetcher({url: long}, etags=True)
    calendars = make(store=store, fetcher=web)
    calendars.get(url)
    key = confirmed_key(calendars._repository.keys(Feed(url)).snapshot)
    clock.advance(LATER)
    calendars.get(url)
    confirmed = store.get(key)
    assert confirmed is not None
    web.set(url, body)
    clock.advance(LATER)
    read = calendars.get(url)
    assert store.get(key) == confirmed
    assert make(store=store).get(url) == read
    for rotten in (b"", confirmed.data[:-1], confirmed.data[::-1]):
        store.put(key, Cell(rotten, clock() + LATER), None)
        assert make(store=store).get(url) == read


@pytest.mark.parametrize("kind", [Five, MemoryStore])
def test_a_late_confirmation_is_not_stored(
    kind: Callable[[], Any], make: Make, clock: ManualClock, url: str, long: str
) -> None:
    """A writer that took longer than its lease takes nothing back."""
    store = kind()
    other = make(store=store, fetcher=FakeFetcher({url: long}, etags=True))
    other.get(url)
    began: list[Any] = []

    class Slow(FakeFetcher):
        def fetch(self, request: FetchRequest) -> FetchResponse:
            answer = super().fetch(request)
            clock.advance(timedelta(minutes=2))
            began.append(other.get(url))
            return answer

    clock.advance(LATER)
    make(store=store, fetcher=Slow({url: long}, etags=True)).get(url)
    assert make(store=store).get(url).fetched_at == began[0].fetched_at == clock()


def test_forgetting_erases_what_was_confirmed(
    make: Make, clock: ManualClock, url: str, long: str
) -> None:
    """In a store of five methods as well, and while it is being confirmed."""
    for store in (Five(), MemoryStore()):
        web = FakeFetcher({url: long}, etags=True)
        calendars = make(store=store, fetcher=web)
        for feed in (Feed(url), Feed(url, timezone="Europe/Berlin")):
            calendars.get(feed)
        clock.advance(LATER)
        calendars.get(url)
        calendars.forget(url)
        inner: MemoryStore = getattr(store, "inner", store)
        assert {key[:2] for key in inner._cells} == {"l:"}
    clock.advance(LATER)
    calendars.get(url)
    clock.advance(LATER)
    web.set(url, lambda request: (calendars.forget(url), long)[1])
    calendars.get(url)
    assert {key[:2] for key in store._cells} == {"l:"}


def test_googles_time_of_the_request_is_no_change(
    make: Make, clock: ManualClock, reads: list[str]
) -> None:
    """Every DTSTAMP of a body is the time at which it was asked for."""
    stamps = ["2027-01-04T08:00Z", "2027-01-04T08:31Z", "2027-01-04T09:02Z"]
    web = FakeFetcher({GOOGLE: [google(stamp) for stamp in stamps]})
    calendars = make(fetcher=web)
    for _ in stamps:
        found = calendars.get(GOOGLE)
        assert found.fetched_at == clock()
        clock.advance(LATER)
    assert len(reads) == 1


@pytest.mark.parametrize(
    ("url", "second"),
    [
        (
            GOOGLE,
            google("2027-01-04T08:31Z", event("2027-01-30T09:00Z", stamp="2027-01-01T00:00Z")),
        ),
        (GOOGLE, google("2027-01-04T08:31Z").replace(b"UID:5\r", b"UID:6\r")),
        (GOOGLE, google("2027-01-04T08:31Z").replace(b"\nDTSTAMP:", b"\ndtstamp:", 1)),
        (GOOGLE, google("2027-01-04T08:31Z").replace(b"\nDTSTAMP:2", b"\nDTST\r\n AMP:2", 1)),
        (GOOGLE, google("2027-01-04T08:31Z").replace(b"\nDTSTAMP:", b"\nDTSTAMP;X-A=b:", 1)),
        ("https://example.org/ada.ics", google("2027-01-04T08:31Z")),
    ],
    ids=["two values", "another line", "lower case", "folded", "parameter", "not Google's"],
)
def test_any_other_change_is_read(
    make: Make, clock: ManualClock, reads: list[str], url: str, second: bytes
) -> None:
    """Two values of DTSTAMP decide which version of an event counts (3.8.7.2)."""
    web = FakeFetcher({url: [google("2027-01-04T08:00Z"), second]})
    calendars = make(fetcher=web)
    calendars.get(url)
    clock.advance(LATER)
    calendars.get(url)
    assert len(reads) == 2


def test_a_stamp_that_overtakes_another_is_a_change(make: Make, clock: ManualClock) -> None:
    """Of two versions of an event the one that moves with the request becomes the later one."""
    longer = event("2027-01-05T09:00Z", "PT3H", uid="5", stamp="2027-01-04T08:15Z")
    stamps = ["2027-01-04T08:00Z", "2027-01-04T08:31Z"]
    web = FakeFetcher({GOOGLE: [google(stamp, longer) for stamp in stamps]})
    calendars = make(fetcher=web)
    for until in (12, 10):
        assert calendars.get(GOOGLE).free_busy.periods[0].end.hour == until
        clock.advance(LATER)


def test_stamps_of_a_long_body_are_left_out_of_its_digest() -> None:
    """It is gone through in stretches. A million folds, and what may be a stamp, cost little."""
    one, other = (google(stamp, "X-A:" + "x" * 300_000, *[
        event(f"2027-02-{day:02}T09:00Z", uid=f"b{day}", summary="x" * 60_000, stamp=stamp)
        for day in range(1, 20)
    ]) for stamp in ("2027-01-04T08:00Z", "2027-01-04T08:31Z"))  # fmt: skip
    feed = Feed(GOOGLE)
    first, second = (readings.fingerprint(Fetched(body), feed, b"s") for body in (one, other))
    assert first == second
    assert readings.has_one_stamp(one, feed)
    assert not readings.has_one_stamp(one + b"\nDTSTAMP:20270101T000000Z\n", feed)
    tracemalloc.start()
    try:
        folded = one.replace(b"\nDTSTAMP:", b"\nD" + b"\r\n " * 100_000 + b"TSTAMP:", 1)
        assert not readings.has_one_stamp(folded, feed)
        assert tracemalloc.get_traced_memory()[1] < 2 * len(folded)
    finally:
        tracemalloc.stop()


def test_the_same_body_is_read_again_when_it_must_be(
    make: Make, clock: ManualClock, url: str, long: str, reads: list[str]
) -> None:
    """By other rules; for a window that has moved; if it was incomplete, or empty."""
    store = MemoryStore()
    calendars = make(store=store, fetcher=FakeFetcher({url: long}))
    calendars.get(url)
    clock.advance(LATER)
    other = make(store=store, fetcher=FakeFetcher({url: long}))
    other._repository._made = MadeBy("2031a", 1)
    other.refresh(url)
    assert len(reads) == 2
    for days in (1, 14):
        clock.advance(timedelta(days=days))
        other.get(url)
    assert len(reads) == 3
    for text in (feed_text(), long[: long.rindex("END:VEVENT")]):
        fresh = make(fetcher=FakeFetcher({url: text}))
        for _ in range(2):
            fresh.get(url)
            clock.advance(LATER)
    assert len(reads) == 3 + 4


def test_what_came_with_the_same_body_is_kept(
    make: Make, clock: ManualClock, url: str, long: str
) -> None:
    """New validators are sent the next time; a new address is a new Problem."""
    said = [
        Fetched(long.encode(), etag='"one"'),
        Fetched(long.encode(), etag='"two"', last_modified="Mon, 04 Jan 2027 08:31:00 GMT"),
        Fetched(long.encode(), etag='"two"', moved_to="5ec2e7ff"),
    ]
    web = FakeFetcher({url: said})
    calendars = make(fetcher=web)
    for _ in said:
        found = calendars.get(url)
        clock.advance(LATER)
    assert [request.etag for request in web.requests] == [None, '"one"', '"two"']
    assert [problem.code for problem in found.problems] == ["moved_permanently"]


def test_a_confirmation_changes_few_pages_of_a_file(
    make: Make, clock: ManualClock, url: str, long: str, tmp_path: Path
) -> None:
    """Of its own cell, and of the lease."""
    path = tmp_path / "cells.db"
    with SQLiteStore(path) as store:
        calendars = make(store=store, fetcher=FakeFetcher({url: long}, etags=True))
        for _ in range(3):
            calendars.get(url)
            clock.advance(LATER)
        log = path.with_name("cells.db-wal")
        before = log.stat().st_size
        calendars.get(url)
        # Two transactions: the lease; the confirmation, with the lease given back.
        assert log.stat().st_size - before <= 4 * 4200


@pytest.mark.parametrize("kind", [Five, Mirror, MemoryStore])
def test_a_refresh_takes_what_a_store_has(
    kind: Callable[[], Any], make: Make, clock: ManualClock, url: str, long: str
) -> None:
    """A class with its own ``put`` is asked to put, whatever it inherits."""
    store = kind()
    calendars = make(store=store, fetcher=FakeFetcher({url: long}, etags=True))
    calendars.get(url)
    clock.advance(LATER)
    assert calendars.get(url).fetched_at == clock()
    assert make(store=store).get(url).fetched_at == clock()
    if kind is not MemoryStore:
        assert [each[0] for each in store.puts] == ["l:", "s:", "c:"]
