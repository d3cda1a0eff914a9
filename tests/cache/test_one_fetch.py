"""One fetch per feed at a time, however many ask, and nobody waits for ever: threads and tasks.

Fetchers here wait for events the test sets, never for time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest

import extcal.cache.options as options
from extcal import (
    CalendarCache,
    Feed,
    Fetched,
    FetchRequest,
    Limits,
    MemoryStore,
    Snapshot,
    State,
    Unavailable,
)
from extcal.cache.refresh.outcome import Refreshed
from extcal.cache.refresh.single_flight import CLOSED, Flight, Flights
from extcal.testing import FakeFetcher, ManualClock

pytestmark = pytest.mark.core

HOUR = timedelta(hours=1)
LONG = 30.0  # seconds no test takes unless something is broken


class Gate:
    """A fetcher that lets nobody through until it is opened."""

    def __init__(self, body: str) -> None:
        self.body = body.encode()
        self.arrived = threading.Semaphore(0)
        self.open = threading.Event()
        self.inside = 0
        self.most = 0
        self.count = 0
        self._lock = threading.Lock()

    def fetch(self, request: FetchRequest) -> Fetched:
        with self._lock:
            self.count += 1
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.arrived.release()
        assert self.open.wait(LONG)
        with self._lock:
            self.inside -= 1
        return Fetched(self.body)


def engine(calendars: Any) -> Any:
    """What is behind a face; that of threads is the engine itself."""
    return getattr(calendars, "_engine", calendars)


@pytest.fixture
def gate(body: str) -> Iterator[Gate]:
    gate = Gate(body)
    yield gate
    gate.open.set()
    for thread in threading.enumerate():
        if thread.name == "extcal-fetch":
            thread.join(LONG)


def test_sixty_four_on_one_expired_feed(
    make_either: Callable[..., Any], clock: ManualClock, url: str, gate: Gate
) -> None:
    """One fetch, and everybody gets its answer."""
    calendars = make_either(fetcher=gate)
    gate.open.set()
    calendars.get(url)
    clock.advance(HOUR)
    gate.open.clear()
    together = threading.Barrier(64)

    def look() -> Snapshot:
        together.wait(LONG)
        return calendars.get(url)

    with ThreadPoolExecutor(64) as threads:
        looks = [threads.submit(look) for _ in range(64)]
        for _ in range(2):
            assert gate.arrived.acquire(timeout=LONG)
        gate.open.set()
        snapshots = [look.result(LONG) for look in looks]
    assert gate.count == 2
    assert {snapshot.fetched_at for snapshot in snapshots} == {clock()}
    assert {snapshot.state for snapshot in snapshots} == {State.FRESH}


def test_two_caches_that_share_a_store(
    make_either: Callable[..., Any], url: str, gate: Gate
) -> None:
    """The lease keeps the second from fetching; it sees what the first stored."""
    store = MemoryStore()
    one, other = make_either(fetcher=gate, store=store), make_either(fetcher=gate, store=store)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(one.get, url)
        assert gate.arrived.acquire(timeout=LONG)
        second = threads.submit(other.get, url)
        gate.open.set()
        assert first.result(LONG) == second.result(LONG)
    assert gate.count == 1


def test_a_lease_left_behind_runs_out(
    make_either: Callable[..., Any], clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """A leader that was killed delays the next one for half a minute, no more."""
    store = MemoryStore()
    calendars = make_either(store=store)
    key = engine(calendars)._repository.keys(Feed(url)).snapshot
    assert store.lease(key, clock(), engine(calendars)._decisions.lease_time)
    clock.advance(timedelta(seconds=30))
    assert calendars.get(url).state is State.FRESH
    assert fetcher.count() == 1


def test_waiters_are_bounded(
    make_either: Callable[..., Any],
    clock: ManualClock,
    url: str,
    gate: Gate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who has waited for the fetch deadline and a little gets the last good snapshot, as STALE."""
    monkeypatch.setattr(options, "_GRACE", 0.01)
    store = MemoryStore()
    good = make_either(store=store).get(url)
    calendars = make_either(store=store, fetcher=gate, limits=Limits(fetch_deadline=0.01))
    clock.advance(HOUR)
    late = calendars.get(url)
    assert (late.state, late.fetched_at) == (State.STALE, good.fetched_at)
    people = {"Ada": url}
    table = calendars.availability(people, clock(), clock() + HOUR, timeout=timedelta(0))
    assert table.state["Ada"] is State.STALE
    clock.advance(24 * HOUR)
    with pytest.raises(Unavailable) as raised:
        calendars.get(url)
    assert raised.value.kind == "timeout"
    assert gate.count == 1


def test_a_waiter_for_another_caches_lease_is_bounded_too(
    make_either: Callable[..., Any],
    clock: ManualClock,
    fetcher: FakeFetcher,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lease that is never given back costs patience, not an answer."""
    monkeypatch.setattr(options, "_GRACE", 0.01)
    store = MemoryStore()
    good = make_either(store=store).get(url)
    calendars = make_either(store=store, limits=Limits(fetch_deadline=0.02))
    clock.advance(HOUR)
    key = engine(calendars)._repository.keys(Feed(url)).snapshot
    assert store.lease(key, clock(), timedelta(seconds=10))
    late = calendars.get(url)
    assert (late.state, late.fetched_at) == (State.STALE, good.fetched_at)
    assert fetcher.count() == 1


def test_errors_are_shared_only_with_those_present(
    make_either: Callable[..., Any], clock: ManualClock, url: str, body: str
) -> None:
    """Each waiter gets an error of its own; the next one who may ask gets a new answer."""
    fetcher = FakeFetcher({url: ["<html>", body]})
    calendars = make_either(fetcher=fetcher)
    errors = []
    for _ in range(2):
        with pytest.raises(Unavailable) as raised:
            calendars.get(url)
        errors.append(raised.value)
    assert errors[0] is not errors[1]
    clock.advance(timedelta(minutes=10))
    assert calendars.get(url).state is State.FRESH


def test_what_was_forgotten_stays_forgotten(
    make_either: Callable[..., Any], url: str, gate: Gate
) -> None:
    """A fetch under way does not bring back what the user removed."""
    calendars = make_either(fetcher=gate)
    with ThreadPoolExecutor(1) as threads:
        look = threads.submit(calendars.get, url)
        assert gate.arrived.acquire(timeout=LONG)
        calendars.forget(url)
        gate.open.set()
        assert look.result(LONG).state is State.FRESH
    assert calendars.last_refreshed(url) is None


def test_so_many_fetches_at_a_time(make_either: Callable[..., Any], gate: Gate) -> None:
    """max_fetches bounds them; the others wait their turn and are all served."""
    calendars = make_either(fetcher=gate, max_fetches=3)
    with ThreadPoolExecutor(12) as threads:
        looks = [
            threads.submit(calendars.get, f"https://example.org/{number}.ics")
            for number in range(12)
        ]
        for _ in range(3):
            assert gate.arrived.acquire(timeout=LONG)
        gate.open.set()
        assert all(look.result(LONG).state is State.FRESH for look in looks)
    assert (gate.count, gate.most) == (12, 3)


def test_workers_go_when_there_is_nothing_to_do(
    make: Callable[..., CalendarCache], url: str
) -> None:
    """No thread is kept for a calendar nobody asks about."""
    make().get(url)
    for thread in threading.enumerate():
        if thread.name == "extcal-fetch":
            thread.join(LONG)
            assert not thread.is_alive()


def test_whoever_joins_never_waits_for_the_start_of_another_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An event loop joins, too: while the lock is held, no thread starts and no caller is woken."""
    flights = Flights(4, lambda done: held.append(flights._lock.locked()), quick=True)
    held: list[bool] = []
    start = threading.Thread.start

    def started(thread: threading.Thread) -> None:
        held.append(flights._lock.locked())
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)
    go_on = threading.Event()

    def job(_: Flight) -> Refreshed:
        assert go_on.wait(LONG)
        return Refreshed(CLOSED)

    flight = flights.join("a", job)
    flight.add_done_callback(lambda _: held.append(flights._lock.locked()))
    go_on.set()
    assert flight.result(LONG) is CLOSED
    for thread in threading.enumerate():
        if thread.name == "extcal-fetch":
            thread.join(LONG)
    assert held == [False, False, False]


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
def test_without_a_thread_nothing_is_fetched(
    make: Callable[..., CalendarCache],
    clock: ManualClock,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    """The last good reading, marked, or Unavailable; the next call tries again."""
    monkeypatch.setattr("extcal.cache.refresh.single_flight._IDLE", 0.0)
    calendars = make()

    def refuse(thread: threading.Thread) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(Unavailable) as raised:
            calendars.get(url)
        assert raised.value.kind == "no_thread"
    assert calendars.get(url).state is State.FRESH
    for thread in threading.enumerate():
        if thread.name == "extcal-fetch":
            thread.join(LONG)
    clock.advance(timedelta(hours=1))
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        served = calendars.get(url)
        assert (served.state, served.last_error) == (State.ERROR_STALE, "no_thread")
        table = calendars.availability({"Ada": url}, clock(), clock() + timedelta(hours=1))
        assert table.state["Ada"] is State.ERROR_STALE
    assert calendars.get(url).state is State.FRESH


def test_after_a_fork_the_child_flies_on_its_own(
    make: Callable[..., CalendarCache], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parent's threads are not in the child, and its lock may be taken there."""
    calendars = make()
    calendars._flights._lock.acquire()
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert calendars.get(url).state is State.FRESH


def test_who_gets_the_lease_looks_again(
    make_either: Callable[..., Any], clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """Another cache may have fetched between the look and the lease."""

    class Interrupted(MemoryStore):
        """Lets another cache in just before the lease is given."""

        other: Any = None

        def lease(self, key: str, now: datetime, ttl: timedelta, /) -> str | None:
            other, self.other = self.other, None
            if other is not None:
                other.get(url)
            return super().lease(key, now, ttl)

    store = Interrupted()
    store.other = make_either(store=store)
    assert make_either(store=store).get(url).state is State.FRESH
    assert fetcher.count() == 1


def test_what_is_remembered_is_bounded(
    make_either: Callable[..., Any], body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoded readings are a convenience; the store has them all."""
    monkeypatch.setattr("extcal.cache.refresh.kept.repository._REMEMBERED", 2)
    urls = [f"https://example.org/{number}.ics" for number in range(5)]
    fetcher = FakeFetcher(dict.fromkeys(urls, body))
    calendars = make_either(fetcher=fetcher)
    for _ in range(2):
        for url in urls:
            calendars.get(url)
        assert len(engine(calendars)._repository._decoded) <= 2
    assert fetcher.count() == 5
