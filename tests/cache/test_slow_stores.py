"""The bound of every call holds with a store that answers late, drips, or never answers.

A store that is slow is left alone at once, with one warning, and memory serves. What waits here
waits for a tenth of a second at the most: the bounds are made short, and never is an event that is
set only when the test is over.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from extcal import AsyncCalendarCache, CalendarCache, MemoryStore, RedisStore, State
from extcal.cache import Cell
from extcal.cache.stores.cutter import Cutter
from extcal.cache.stores.watch import Late, Watch
from extcal.fetch import Failed
from extcal.testing import FakeFetcher, ManualClock, feed_text

# Not part of `make quick`, which also runs with the clock moved: these wait for real.

Make = Callable[..., CalendarCache]
SHORT = 0.05
HOUR = timedelta(hours=1)


class SlowStore:
    """A store of an application's own. ``pace`` is called before each answer."""

    def __init__(self) -> None:
        self.cells = MemoryStore()
        self.pace: Callable[[], object] = bool
        self.asked: list[str] = []

    def wait(self, what: str) -> None:
        self.asked.append(what)
        self.pace()

    def get(self, key: str, /) -> Cell | None:
        self.wait("get")
        return self.cells.get(key)

    def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
        self.wait("put")
        return self.cells.put(key, cell, token)

    def delete(self, key: str, /) -> None:
        self.wait("delete")
        self.cells.delete(key)

    def lease(self, key: str, now: datetime, ttl: timedelta, /) -> str | None:
        self.wait("lease")
        return self.cells.lease(key, now, ttl)

    def release(self, key: str, token: str, /) -> None:
        self.wait("release")
        self.cells.release(key, token)


class ManyStore(SlowStore):
    def get_many(self, keys: Sequence[str], /) -> Mapping[str, Cell]:
        self.wait("get_many")
        return self.cells.get_many(keys)


@pytest.fixture
def never() -> Iterator[Callable[[], object]]:
    """Waits until the test is over."""
    over = threading.Event()
    yield over.wait
    over.set()


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extcal.cache.stores.watched._SECONDS", SHORT)
    monkeypatch.setattr("extcal.cache.stores.redis._TIMEOUT", SHORT)
    # However busy the machine is, the store is not tried again while a test looks.
    monkeypatch.setattr("extcal.cache.stores.durable._FIRST_PAUSE", 60.0)


def hang(calendars: CalendarCache, store: SlowStore, never: Callable[[], object]) -> None:
    """From now on ``store`` never answers, and this cache does not wait for long."""
    store.pace = never
    calendars._repository.cells._watch._seconds = SHORT  # type: ignore[attr-defined]


def at(clock: ManualClock) -> tuple[datetime, datetime]:
    return clock(), clock() + HOUR


CALLS: dict[str, Callable[[Any, str, ManualClock], Any]] = {
    "get": lambda calendars, url, clock: calendars.get(url),
    "refresh": lambda calendars, url, clock: calendars.refresh(url),
    "free_busy": lambda calendars, url, clock: calendars.free_busy(url, *at(clock)),
    "events": lambda calendars, url, clock: calendars.events(url, *at(clock)),
    "last_refreshed": lambda calendars, url, clock: calendars.last_refreshed(url),
    "last_attempt": lambda calendars, url, clock: calendars.last_attempt(url),
    "forget": lambda calendars, url, clock: calendars.forget(url),
    "availability": lambda calendars, url, clock: calendars.availability(
        {"Ada": url}, *at(clock), timeout=timedelta(seconds=4 * SHORT)
    ),
}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", [SlowStore, ManyStore])
def test_it_never_answers(
    make: Make,
    clock: ManualClock,
    url: str,
    caplog: pytest.LogCaptureFixture,
    never: Callable[[], object],
    call: str,
    kind: type[SlowStore],
) -> None:
    """Every call comes back; the store is asked once and then left alone, with one warning."""
    store = kind()
    store.pace = never
    calendars = make(store=store)
    CALLS[call](calendars, url, clock)
    assert len(store.asked) == 1
    (told,) = warnings(caplog)
    assert told.endswith("fails (Late); going on in memory")
    assert calendars.get(url).state is State.FRESH
    assert len(store.asked) == 1


@pytest.mark.usefixtures("short")
def test_refresh_many_comes_back(make: Make, url: str, never: Callable[[], object]) -> None:
    store = ManyStore()
    store.pace = never
    ((_, outcome),) = make(store=store).refresh_many([url])
    assert getattr(outcome, "state", None) is State.FRESH
    assert store.asked == ["get_many"]


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("call", CALLS)
def test_tasks(
    run: Callable[..., None],
    clock: ManualClock,
    fetcher: FakeFetcher,
    url: str,
    never: Callable[[], object],
    call: str,
) -> None:
    """The same for tasks, while the event loop goes on."""

    async def main() -> None:
        store = ManyStore()
        store.pace = never
        async with AsyncCalendarCache(store=store, clock=clock, fetcher=fetcher) as calendars:
            await CALLS[call](calendars, url, clock)
            assert (await calendars.get(url)).state is State.FRESH
            assert len(store.asked) == 1

    run(main)


def test_memory_serves(
    make: Make,
    clock: ManualClock,
    fetcher: FakeFetcher,
    url: str,
    never: Callable[[], object],
) -> None:
    """What this process has read before is not fetched again because of it."""
    store = ManyStore()
    calendars = make(store=store)
    good = calendars.get(url)
    hang(calendars, store, never)
    asked = len(store.asked)
    assert calendars.get(url) == good
    assert calendars.availability({"Ada": url}, *at(clock)).state["Ada"] is State.FRESH
    assert (fetcher.count(), len(store.asked)) == (1, asked + 1)


def test_half_of_the_timeout_is_for_the_store(
    make: Make, clock: ManualClock, url: str, never: Callable[[], object]
) -> None:
    """Then the row comes from what was decoded before, or from the source in the other half."""
    store = ManyStore()
    calendars = make(store=store)
    calendars.get(url)
    store.pace = never
    table = calendars.availability({"Ada": url}, *at(clock), timeout=timedelta(seconds=SHORT))
    assert table.state["Ada"] is State.FRESH
    other = make(store=store).availability(
        {"Ada": url}, *at(clock), timeout=timedelta(seconds=SHORT)
    )
    assert [problem.code for problem in other.problems["Ada"]] == ["timeout"]


def test_forgetting_takes_few_calls(make: Make, clock: ManualClock, url: str) -> None:
    """A store that needs almost a second for each of them is not left alone: so they are counted.

    The documented ten seconds are these, and two more for a list that another process holds.
    """
    store = ManyStore()
    make(store=store).get(url)
    clock.advance(HOUR)
    broken = make(store=store, fetcher=FakeFetcher({url: Failed("connect", looks_like="x")}))
    assert broken.get(url).state is State.ERROR_STALE
    store.asked.clear()
    broken.forget(url)
    forgotten = ["get_many", "put", "lease", "get_many", "delete", "put", "release"]
    assert store.asked == forgotten


@pytest.mark.parametrize("kind", [MemoryStore, SlowStore, ManyStore])
@pytest.mark.parametrize("face", ["threads", "tasks"])
def test_a_timeout_of_any_length(
    clock: ManualClock, url: str, kind: Callable[[], Any], face: str, run: Callable[..., None]
) -> None:
    """Even one that Python's own waits refuse, as for "wait as long as it takes"."""
    options: Any = {"clock": clock, "fetcher": FakeFetcher({url: feed_text()})}

    async def main() -> None:
        for timeout in (timedelta.max, timedelta(days=365 * 300)):
            if face == "threads":
                calendars = CalendarCache(store=kind(), **options)
                table = calendars.availability({"Ada": url}, *at(clock), timeout=timeout)
            else:
                async with AsyncCalendarCache(store=kind(), **options) as tasks:
                    table = await tasks.availability({"Ada": url}, *at(clock), timeout=timeout)
            assert table.state["Ada"] is State.FRESH

    run(main)


def test_it_answers_late(
    make: Make,
    clock: ManualClock,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its answer is used, and it is left alone from then on, by readers and by writers."""
    seconds = [0.0]
    monkeypatch.setattr("extcal.cache.stores.durable._LATE", 1.0)
    monkeypatch.setattr("extcal.cache.stores.durable.monotonic", lambda: seconds[0])
    store = ManyStore()
    calendars = make(store=store)
    calendars.get(url)
    store.asked.clear()
    store.pace = lambda: seconds.append(seconds.pop() + 1.1)
    other = make(store=store)
    assert other.last_refreshed(url) == clock()
    clock.advance(HOUR)
    assert other.get(url).fetched_at == clock()
    assert store.asked == ["get_many"]
    (told,) = warnings(caplog)
    assert told.endswith("fails (Late); going on in memory")
    seconds[0] += 1.0
    assert other.get(url).fetched_at == clock()
    assert store.asked[1:2] == ["get"]  # written as soon as it may be tried again


def test_what_it_missed_is_written_when_it_is_well_again(
    make: Make,
    clock: ManualClock,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    never: Callable[[], object],
) -> None:
    """A reading, and a calendar that was forgotten."""
    seconds = [0.0]
    monkeypatch.setattr("extcal.cache.stores.durable.monotonic", lambda: seconds[0])
    store = ManyStore()
    calendars, other = make(store=store), url + "2"
    make(store=store, fetcher=FakeFetcher({other: feed_text()})).get(other)
    hang(calendars, store, never)
    calendars.get(url)
    calendars.forget(other)
    store.pace = bool
    calendars._repository.cells._watch._seconds = 60.0  # type: ignore[attr-defined]
    seconds[0] += 1.0
    calendars.last_refreshed(url)
    assert make(store=store).last_refreshed(url) == clock()
    assert make(store=store).last_refreshed(other) is None


def test_many_people_are_one_question(make: Make, clock: ManualClock) -> None:
    """Whatever the number of feeds, a store with ``get_many`` is asked once for all of them."""
    store = ManyStore()
    urls = [f"https://example.org/{number}.ics" for number in range(30)]
    calendars = make(store=store, fetcher=FakeFetcher(dict.fromkeys(urls, feed_text())))
    people = {url: url for url in urls}
    calendars.availability(people, *at(clock))
    store.asked.clear()
    table = calendars.availability(people, *at(clock))
    assert {*table.state.values()} == {State.FRESH}
    assert store.asked == ["get_many"]


@pytest.fixture
def dripping() -> Iterator[str]:
    """The URL of a Redis server that answers with a byte now and then, and never with the last."""
    over, threads = threading.Event(), []
    server = socket.create_server(("127.0.0.1", 0))

    def drip(connection: socket.socket) -> None:
        with connection:
            connection.recv(65_536)
            while not over.wait(SHORT / 5):
                connection.sendall(b"1")

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            thread = threading.Thread(target=drip, args=(connection,), daemon=True)
            thread.start()
            threads.append(thread)

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"
    over.set()
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    accepting.join()
    for thread in threads:
        thread.join()


@pytest.mark.usefixtures("short")
def test_redis_that_drips(
    make: Make, clock: ManualClock, url: str, dripping: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A byte in time is no answer in time."""
    with RedisStore(dripping) as store:
        calendars = make(store=store)
        assert calendars.get(url).state is State.FRESH
        assert calendars.availability({"Ada": url}, *at(clock)).state["Ada"] is State.FRESH
    assert len(warnings(caplog)) == 1


@pytest.mark.usefixtures("short")
def test_redis_that_is_stopped(make: Make, url: str, caplog: pytest.LogCaptureFixture) -> None:
    """The system takes the connection, and nobody answers: it is asked once."""
    server = socket.create_server(("127.0.0.1", 0))
    with server, RedisStore(f"redis://127.0.0.1:{server.getsockname()[1]}/0") as store:
        assert make(store=store).get(url).state is State.FRESH
        server.setblocking(False)
        server.accept()[0].close()
        with pytest.raises(BlockingIOError):
            server.accept()
    assert len(warnings(caplog)) == 1


class Server:
    """Speaks enough of Redis to say OK to every command, until it says no more, or only drips."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self.socket.getsockname()[1]}/0?protocol=2"
        self.mode = "OK"
        self.over = threading.Event()
        self.opened: list[socket.socket] = []
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def accept(self) -> None:
        while True:
            try:
                self.opened.append(self.socket.accept()[0])
            except OSError:
                return
            self.threads.append(threading.Thread(target=self.serve, args=self.opened[-1:]))
            self.threads[-1].start()

    def serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while asked := connection.recv(65_536):
                while self.mode == "drips" and not self.over.wait(SHORT / 5):
                    connection.sendall(b"1")
                if self.mode == "OK":
                    connection.sendall(b"+OK\r\n" * asked.count(b"*"))

    def hang_up(self) -> None:
        for connection in self.opened:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.over.set()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        for thread in self.threads:
            thread.join()
        self.socket.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("mode", ["drips", "stopped"])
def test_redis_that_answered_before(server: Server, mode: str) -> None:
    """A connection that was good until now is cut off, and none of its bytes is read later."""
    with RedisStore(server.url) as store:
        assert store._send([("PING",)] * 2) == [b"OK"] * 2
        server.mode = mode
        with pytest.raises(store._timeouts):
            store._send([("PING",)])
        server.mode = "OK"
        assert store._send([("PING",)]) == [b"OK"]
        assert len(server.opened) == 2


@pytest.mark.usefixtures("short")
def test_redis_that_hangs_up(server: Server) -> None:
    """As it does with connections that were idle for long: another one is opened, once."""
    with RedisStore(server.url) as store:
        for _ in range(3):
            assert store._send([("PING",)]) == [b"OK"]
            server.hang_up()
        assert len(server.opened) == 3
        server.socket.shutdown(socket.SHUT_RDWR)
        with pytest.raises(store._troubles):
            store._send([("PING",)])


@pytest.mark.serial
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_opens_connections_of_its_own(server: Server) -> None:
    """Two processes on one connection would read each other's answers."""
    with RedisStore(server.url) as store:
        store._send([("PING",)])
        child = os.fork()
        if not child:
            code = 9
            with suppress(BaseException):
                code = 0 if store._send([("PING",)]) == [b"OK"] else 8
            os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert store._send([("PING",)]) == [b"OK"]
        assert len(server.opened) == 2


def test_what_is_cut_off_is_late() -> None:
    """Whatever it returns or raises; a call in time is not cut."""
    cutter, cut, woken = Cutter(SHORT), [], threading.Event()

    def end() -> None:
        cut.append(True)
        woken.set()

    assert cutter.call(lambda: "answer", end) == "answer"
    with pytest.raises(ZeroDivisionError):
        cutter.call(lambda: 1 / 0, end)
    assert not cut
    for act in (woken.wait, lambda: woken.wait() and 1 / 0):
        woken.clear()
        with pytest.raises(Late):
            cutter.call(act, end)
    assert cut == [True, True]


@pytest.mark.parametrize("error", [RuntimeError, MemoryError])
def test_no_thread_is_needed_to_answer(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """Where the system allows none, the call is made all the same."""

    def refuse(_: threading.Thread) -> None:
        raise error

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert Cutter(SHORT).call(lambda: "answer", bool) == "answer"
    assert Watch(SHORT).call(lambda: "answer") == "answer"
