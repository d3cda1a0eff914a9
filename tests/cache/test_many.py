"""Many feeds: results as they come, bounded, over threads, processes and a cluster."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from extcal import (
    CalendarCache,
    Failed,
    Feed,
    Fetched,
    FetchRequest,
    FetchResponse,
    HttpFetcher,
    MemoryStore,
    Snapshot,
    SQLiteStore,
    State,
    Unavailable,
)
from extcal.cache import Cell
from extcal.cache.bulk import Plan, Queue
from extcal.testing import FakeFetcher, ManualClock
from extcal.testing.server import FeedServer

MINUTE = timedelta(minutes=1)
LONG = 60.0  # seconds no test takes unless something is broken


def address(number: int, hosts: int = 10) -> str:
    return f"https://host{number % hosts}.example.org/SECRET-7f3a/{number}.ics"


def feeds(count: int, hosts: int = 10) -> list[Feed]:
    return [Feed(address(number, hosts)) for number in range(count)]


class Provider:
    """Answers everything; knows how many it answered at once, in all and of one host."""

    def __init__(self, body: str) -> None:
        self.body = body.encode()
        self.lock = threading.Lock()
        self.inside: dict[str, int] = {}
        self.most = self.most_of_one = self.count = 0

    def fetch(self, request: FetchRequest) -> FetchResponse:
        host = request.feed.host
        with self.lock:
            self.count += 1
            self.inside[host] = self.inside.get(host, 0) + 1
            self.most = max(self.most, sum(self.inside.values()))
            self.most_of_one = max(self.most_of_one, self.inside[host])
        try:
            return Failed("tls") if "/7.ics" in request.feed.reveal() else Fetched(self.body)
        finally:
            with self.lock:
                self.inside[host] -= 1


# -- what may start: pure -------------------------------------------------------------------------


def test_so_many_at_once_and_so_many_of_one_host() -> None:
    """And a host that has room gets its next as soon as one is done."""
    queue = Queue(feeds(100, hosts=2), Plan(at_once=10, per_host=3))
    first = queue.take(50)
    assert len(first) == 6
    assert queue.take(50) == []
    queue.done(first[:1])
    (following,) = queue.take(50)
    assert following.host == first[0].host
    assert following not in first


def test_who_came_first_goes_first_and_nobody_is_left_behind() -> None:
    """Every feed starts once, in its host's order, whatever the order in which others end."""
    given = feeds(200, hosts=7)
    queue = Queue(given, Plan(at_once=5, per_host=2))
    started: list[Feed] = []
    running: list[Feed] = []
    while some := queue.take(3) or running[:1]:
        if some[0] in running:
            running.remove(some[0])
            queue.done(some)
            continue
        started += some
        running = some[::-1] + running
    assert sorted(started, key=Feed.reveal) == sorted(given, key=Feed.reveal)
    for host in {feed.host for feed in given}:
        assert [f for f in started if f.host == host] == [f for f in given if f.host == host]


def test_no_more_is_read_ahead_than_needed() -> None:
    """A million feeds of one provider do not end up in memory."""
    read: list[str] = []

    def endless() -> Iterator[str]:
        number = 0
        while True:
            read.append(address(number, hosts=1))
            yield read[-1]
            number += 1

    queue = Queue(endless(), Plan(at_once=4, per_host=2))
    for _ in range(50):
        queue.done(queue.take(4))
    assert len(read) < 50 * 4 + 16 * 4 + 1


@pytest.mark.parametrize(
    "numbers", [(0, 4, None), (4, 0, None), (4, 4, timedelta(seconds=-1))], ids=str
)
def test_a_plan_that_cannot_be(numbers: Any) -> None:
    """Is a mistake of the caller."""
    with pytest.raises(ValueError, match=r"must be|cannot be"):
        Plan(*numbers)


# -- threads --------------------------------------------------------------------------------------


@pytest.mark.parametrize("own", [True, False], ids=["ours", "theirs"])
def test_results_come_with_their_feeds(
    make: Callable[..., CalendarCache], body: str, own: bool
) -> None:
    """A Snapshot, or the Unavailable that says why there is none; each feed once."""
    provider = Provider(body)
    calendars = make(fetcher=provider, max_fetches=6)
    given = feeds(60)
    with ThreadPoolExecutor(8) as threads:
        found = dict(calendars.refresh_many(given, None if own else threads, per_host=2))
    assert found.keys() == set(given)
    assert provider.count == 60
    assert provider.most <= 6
    assert provider.most_of_one <= 2
    failed = [feed for feed, outcome in found.items() if isinstance(outcome, Unavailable)]
    assert failed == [given[7]]
    error = found[given[7]]
    assert isinstance(error, Unavailable)
    assert (error.kind, error.__traceback__, error.__context__) == ("tls", None, None)
    assert all(isinstance(found[feed], Snapshot) for feed in given if feed != given[7])


def test_what_is_fresh_is_not_fetched(
    make_either: Callable[..., Any], clock: ManualClock, body: str
) -> None:
    """Unless it is older than asked for; back-off holds for many as for one."""
    provider = Provider(body)
    calendars = make_either(fetcher=provider)
    given = feeds(20)
    list(calendars.refresh_many(given))
    clock.advance(20 * MINUTE)
    assert {type(each.outcome) for each in calendars.refresh_many(given[8:])} == {Snapshot}
    assert provider.count == 20
    assert all(
        isinstance(outcome, Snapshot) and outcome.fetched_at == clock()
        for _, outcome in calendars.refresh_many(given[8:], older_than=15 * MINUTE)
    )
    assert provider.count == 32
    list(calendars.refresh_many(given, older_than=timedelta(0), at_once=1))
    assert provider.count == 32 + 8  # feed 7 had its first back-off behind it


def test_no_thread_waits_for_one_feed(
    make: Callable[..., CalendarCache], body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine has threads that fetch; many feeds need no others, and one look in the store."""
    names: set[str] = set()
    looks: list[int] = []

    class Noting(Provider):
        def fetch(self, request: FetchRequest) -> FetchResponse:
            names.update(thread.name.partition("_")[0] for thread in threading.enumerate())
            return super().fetch(request)

    store = MemoryStore()
    many = store.get_many

    def counting(keys: Iterable[str], /) -> dict[str, Cell]:
        looks.append(threading.get_ident())
        return many(keys)

    monkeypatch.setattr(store, "get_many", counting)
    calendars = make(fetcher=Noting(body), store=store, max_fetches=16)
    before = {thread.name.partition("_")[0] for thread in threading.enumerate()}
    given = feeds(64)
    assert len(list(calendars.refresh_many(given, per_host=64))) == 64
    assert names - before <= {"extcal-fetch"}
    looks.clear()
    assert len(list(calendars.refresh_many(given[:7] + given[8:], at_once=16))) == 63
    assert len(looks) <= 63 / 4 + 2
    assert set(looks) == {threading.get_ident()}


def test_served_as_it_comes_and_stopped_when_nobody_listens(
    make: Callable[..., CalendarCache], body: str
) -> None:
    """Feeds are read as they are needed; who leaves early leaves the rest alone."""
    read: list[str] = []

    def endless() -> Iterator[str]:
        for number in range(10**9):
            read.append(address(number, hosts=100))
            yield read[-1]

    provider = Provider(body)
    results = make(fetcher=provider).refresh_many(endless(), at_once=4)
    for _ in range(20):
        next(results)
    assert len(read) < 20 + 2 * 4
    results.close()  # type: ignore[attr-defined]
    for thread in threading.enumerate():
        if thread.name == "extcal-fetch":
            thread.join(LONG)
    assert provider.count <= len(read) < 20 + 2 * 4


def test_an_error_of_the_store_is_raised(make_either: Callable[..., Any], body: str) -> None:
    """It is nobody's result."""

    class Broken(MemoryStore):
        def put(self, key: str, cell: object, token: str | None, /) -> bool:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        list(make_either(fetcher=Provider(body), store=Broken()).refresh_many(feeds(3)))


@pytest.mark.parametrize("sized", [True, False])
def test_a_bar_that_shows_progress(
    make: Callable[..., CalendarCache], body: str, capsys: pytest.CaptureFixture[str], sized: bool
) -> None:
    """With a total where there is one; the results are the same."""
    pytest.importorskip("tqdm")
    calendars = make(fetcher=Provider(body))
    given = feeds(9)
    found = list(calendars.refresh_many(given if sized else iter(given), progress=True))
    assert len(found) == 9
    shown = capsys.readouterr().err
    assert "9/9" in shown if sized else "9feed" in shown
    assert "SECRET" not in shown


def test_without_tqdm_the_error_names_the_extra(
    make: Callable[..., CalendarCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, not with the first result."""
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match=r"extcal\[progress\]"):
        make().refresh_many([], progress=True)


# -- processes ------------------------------------------------------------------------------------


def test_a_cache_travels_as_its_recipe(
    make: Callable[..., CalendarCache], tmp_path: Path, clock: ManualClock, url: str, body: str
) -> None:
    """Another one like it, over the same store; no address, no snapshot and no callback in it."""
    store = SQLiteStore(tmp_path / "cells.db")
    calendars = CalendarCache(
        store=store,
        clock=clock,
        fetcher=partial(FakeFetcher, {}),
        ttl=timedelta(minutes=5),
        stale_while_revalidate=MINUTE,
        secret="pepper",
        on_refresh=lambda refresh: None,
    )
    calendars._fetcher = FakeFetcher({url: body})
    snapshot = calendars.get(url)
    pickled = pickle.dumps(calendars)
    assert b"SECRET" not in pickled
    assert b"salaries" not in pickled
    again = pickle.loads(pickled)
    assert again.get(url) == snapshot
    assert again._decisions.rules == calendars._decisions.rules
    again._clock.advance(timedelta(minutes=6, seconds=1))
    assert again.get(url).last_error == "not_found"


def test_memory_does_not_travel(make: Callable[..., CalendarCache]) -> None:
    """Said at once, with what would work."""
    with pytest.raises(TypeError, match="SQLiteStore or a RedisStore"):
        pickle.dumps(make())


class Pretending(Executor):
    """What executors of other processes do to arguments, here."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        function, arguments = pickle.loads(pickle.dumps((fn, args)))
        self.sizes.append(len(arguments[0]))
        future: Future[Any] = Future()
        future.set_result(pickle.loads(pickle.dumps(function(*arguments))))
        return future


def test_several_feeds_to_a_task(tmp_path: Path, body: str) -> None:
    """To get to another process costs: a task brings up to sixteen."""
    calendars = CalendarCache(
        store=SQLiteStore(tmp_path / "cells.db"), fetcher=partial(Provider, body)
    )
    executor = Pretending()
    found = dict(calendars.refresh_many(feeds(50), executor, at_once=200, per_host=20))
    assert len(found) == 50
    assert max(executor.sizes) == 16
    assert [type(found[feed]) for feed in feeds(9)].count(Unavailable) == 1
    assert calendars.get(address(3)).state is State.FRESH


class Lossy(Pretending):
    """Loses the worker of one task, as ``loss`` puts it; ``ends``: and takes no more."""

    def __init__(self, loss: BaseException, task: int, *, ends: bool) -> None:
        super().__init__()
        self.loss, self.task, self.ends = loss, task, ends

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.ends and len(self.sizes) > self.task:
            raise BrokenExecutor("a worker ended")
        future = super().submit(fn, *args, **kwargs)
        if len(self.sizes) - 1 == self.task:
            future = Future()
            future.set_exception(self.loss)
        return future


class KilledWorker(Exception):
    """As Dask's scheduler calls it."""


KilledWorker.__module__ = "distributed.scheduler"


@pytest.mark.parametrize("loss", [BrokenExecutor(), CancelledError(), KilledWorker()], ids=repr)
def test_a_lost_worker_costs_its_own_feeds(tmp_path: Path, body: str, loss: Exception) -> None:
    """Each is reported, with what to do; all the others are brought."""
    store = SQLiteStore(tmp_path / "cells.db")
    calendars = CalendarCache(store=store, fetcher=partial(Provider, body))
    executor = Lossy(loss, 1, ends=False)
    found = dict(calendars.refresh_many(feeds(32), executor, at_once=16))
    assert found.keys() == set(feeds(32))
    lost = [each for each in found.values() if isinstance(each, Unavailable) and each.kind != "tls"]
    assert {each.kind for each in lost} == {"worker_lost"}
    assert len(lost) == executor.sizes[1]
    assert all(each.advice for each in lost)


def test_an_executor_that_takes_no_more_costs_what_had_not_begun(tmp_path: Path, body: str) -> None:
    """What was brought is kept, and every feed is reported."""
    store = SQLiteStore(tmp_path / "cells.db")
    calendars = CalendarCache(store=store, fetcher=partial(Provider, body))
    executor = Lossy(BrokenExecutor(), 3, ends=True)
    found = dict(calendars.refresh_many(feeds(40), executor, at_once=16))
    assert found.keys() == set(feeds(40))
    kinds = Counter(
        each.kind if isinstance(each, Unavailable) else "read" for each in found.values()
    )
    assert kinds == {"read": 11, "tls": 1, "worker_lost": 4, "not_refreshed": 24}
    brought = [feed for feed, each in found.items() if isinstance(each, Snapshot)]
    assert all(calendars.last_refreshed(feed) for feed in brought)


def test_an_executor_that_takes_nothing_at_all_is_the_callers_mistake(
    make: Callable[..., CalendarCache],
) -> None:
    """Said as the executor says it, instead of by every feed."""
    threads = ThreadPoolExecutor(1)
    threads.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        list(make().refresh_many(feeds(3), threads))


class Deadly(Provider):
    """Ends its process, as the system does when memory runs out."""

    def fetch(self, request: FetchRequest) -> FetchResponse:
        if "/20.ics" in request.feed.reveal():
            os._exit(9)
        return super().fetch(request)

    def __reduce__(self) -> tuple[Any, ...]:
        return Deadly, (self.body.decode(),)


def test_a_process_that_ends_costs_no_feed_its_report(tmp_path: Path, body: str) -> None:
    """With processes of the standard library, one that ends breaks them all."""
    store = SQLiteStore(tmp_path / "cells.db")
    calendars = CalendarCache(store=store, fetcher=partial(Deadly, body))
    with ProcessPoolExecutor(2, get_context("spawn")) as processes:
        found = dict(calendars.refresh_many(feeds(40), processes, at_once=4))
    assert found.keys() == set(feeds(40))
    lost = found[feeds(40)[20]]
    assert isinstance(lost, Unavailable)
    assert lost.kind == "worker_lost"
    brought = [feed for feed, each in found.items() if isinstance(each, Snapshot)]
    assert brought
    assert all(calendars.last_refreshed(feed) for feed in brought)


class Counted(SQLiteStore):
    """Notes beside its file that it was closed; copies have a note of their own."""

    def __init__(self, path: Path, note: str = "home") -> None:
        self._note = path.parent / note
        super().__init__(path)

    def close(self) -> None:
        super().close()
        with self._note.open("a") as note:
            note.write("x")

    def __reduce__(self) -> tuple[Any, ...]:
        return Counted, (self._path, "copies")


def test_a_copy_hangs_up_when_its_task_is_done(tmp_path: Path, body: str) -> None:
    """No connection is left to another process's garbage; the cache at home goes on."""
    calendars = CalendarCache(store=Counted(tmp_path / "cells.db"), fetcher=partial(Provider, body))
    executor = Pretending()
    (tmp_path / "home").write_text("")
    assert len(list(calendars.refresh_many(feeds(8), executor, at_once=8))) == 8
    # Once by the store when it was made, once by the task; and once more when it is collected.
    assert len((tmp_path / "copies").read_text()) >= 2 * len(executor.sizes)
    list(calendars.refresh_many(feeds(8), at_once=8))
    assert (tmp_path / "home").read_text() == ""


def test_one_fetcher_for_all_tasks_of_a_process(tmp_path: Path, body: str) -> None:
    """Its connections serve the next task, and its limits hold for all of them."""
    made.clear()
    caches = [
        CalendarCache(store=SQLiteStore(tmp_path / name), fetcher=partial(provided, body))
        for name in ("one.db", "other.db")
    ]
    for _ in range(2):
        for calendars in caches:
            executor = Pretending()
            results = calendars.refresh_many(feeds(40), executor, at_once=200, per_host=20)
            assert sum(isinstance(outcome, Snapshot) for _, outcome in results) == 39
            assert len(executor.sizes) > 1
    assert [provider.count for provider in made] == [40, 40]
    first, other = (pickle.loads(pickle.dumps(caches[0])) for _ in range(2))
    assert first is not other


made: list[Provider] = []


def provided(body: str) -> Provider:
    made.append(Provider(body))
    return made[-1]


def test_one_fetcher_for_all_however_many_need_it_first(body: str) -> None:
    """Or its bounds would be no bounds."""
    made: list[Provider] = []

    def make() -> Provider:
        made.append(Provider(body))
        return made[-1]

    calendars = CalendarCache(fetcher=make)
    assert made == []
    assert len(list(calendars.refresh_many(feeds(40), per_host=40))) == 40
    assert [provider.count for provider in made] == [40]


def served(server: FeedServer, count: int, body: str) -> list[Feed]:
    found = []
    for number in range(count):
        server.serve(f"/SECRET-7f3a/{number}.ics", body)
        found.append(Feed(server.url(f"/SECRET-7f3a/{number}.ics")))
    return found


def over_loopback(store: Any) -> CalendarCache:
    fetcher = partial(HttpFetcher, allow_networks=FeedServer.networks, max_fetches_per_host=8)
    return CalendarCache(store=store, fetcher=fetcher)


def test_processes_share_what_they_know(tmp_path: Path, body: str) -> None:
    """One fetch per feed, over real HTTP; the second run and this process fetch nothing."""
    store = SQLiteStore(tmp_path / "cells.db")
    calendars = over_loopback(store)
    with FeedServer() as server, ProcessPoolExecutor(2, get_context("spawn")) as processes:
        given = served(server, 24, body)
        for _ in range(2):
            found = dict(calendars.refresh_many(given, processes, at_once=32, per_host=32))
            assert found.keys() == set(given)
            assert {type(outcome) for outcome in found.values()} == {Snapshot}
        assert calendars.get(given[0]).state is State.FRESH
        assert len(server.requests) == 24
    store.close()
    for path in tmp_path.iterdir():
        assert b"SECRET" not in path.read_bytes()
