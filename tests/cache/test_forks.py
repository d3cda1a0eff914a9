"""A fork while fetches run: the child fetches, and so does the parent afterwards.

A fork takes one thread along. Whatever another thread of the parent held at that moment (a turn, a
look-up, a connection, a lease, a lock) belongs to nobody in the child.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from extcal import CalendarCache, Feed, HttpFetcher, MemoryStore, State
from extcal.cache import Cell
from extcal.fetch.http.connect import stream
from extcal.testing import event, feed_text
from extcal.testing.server import FeedServer, ReceivedRequest

pytestmark = [
    pytest.mark.serial,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

NAME = "calendar.example.net"
BODY = feed_text(event("2027-01-04T09:00Z", "PT1H"))
PHASES = ["waiting for a turn", "resolving", "connecting", "reading", "settling"]
TIMES = 40 if os.environ.get("EXTCAL_NIGHTLY") else 6  # for each phase


class Phase:
    """Holds the threads of one process, and of no other, at one place of a fetch."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.there = threading.Event()
        self.go_on = threading.Event()
        self.of_name = ""

    def here(self) -> None:
        """The fetch has come this far."""
        if os.getpid() == self.process and not self.go_on.is_set():
            self.there.set()
            self.go_on.wait(20)


class Store(MemoryStore):
    """A store that holds whoever stores something."""

    def __init__(self, settling: Callable[[], None]) -> None:
        super().__init__()
        self.settling = settling

    def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
        self.settling()
        return super().put(key, cell, token)


class World:
    """A server, and a cache whose fetches are held in one phase."""

    def __init__(self, server: FeedServer, phase: str, patch: pytest.MonkeyPatch) -> None:
        self.server = server
        self.phase = Phase()
        holds = {name: self.phase.here if name == phase else lambda: None for name in PHASES}
        connected = stream.check_peer  # type: ignore[attr-defined]

        def check_peer(*arguments: Any) -> None:
            holds["connecting"]()
            connected(*arguments)

        def resolver(host: str, port: int) -> Iterable[str]:
            holds["resolving"]()
            return ["127.0.0.1"]

        def page(request: ReceivedRequest) -> str:
            # The server lives in the parent: only what the parent asks for is held.
            if request.path.startswith("/held"):
                (holds["waiting for a turn"] if "first" in request.path else holds["reading"])()
            return BODY

        patch.setattr(stream, "check_peer", check_peer)
        self.page = page
        self.cache = CalendarCache(
            store=Store(holds["settling"]),
            fetcher=HttpFetcher(
                resolver=resolver,
                allow_networks=server.networks,
                allow_http=True,
                ports=server.port,
                max_fetches_per_host=1 if phase == "waiting for a turn" else 4,
            ),
        )

    def feed(self, name: str) -> Feed:
        url = self.server.serve(name, self.page).replace("127.0.0.1", NAME)
        return Feed(url)


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running:
        yield running


def child_of(fetch: Callable[[], None]) -> int:
    """Fork; the child fetches and ends with 0 if that went well."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    signal.alarm(20)  # a child that hangs ends, and not with 0
    try:
        fetch()
        os._exit(0)
    except BaseException:
        os._exit(1)


def ended(child: int) -> int:
    """Its status; waited for while the parent's other threads work."""
    for _ in range(3_000):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("phase", PHASES)
def test_a_fork_at_every_phase(
    phase: str, server: FeedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under load: three fetches are held in the phase, and one waits behind them."""
    for number in range(TIMES):
        world = World(server, phase, monkeypatch)
        feeds = [world.feed(f"held-{which}-{number}.ics") for which in ("first", "second", "third")]
        threads = [threading.Thread(target=world.cache.get, args=(feed,)) for feed in feeds]
        for thread in threads:
            thread.start()
        assert world.phase.there.wait(20)
        other, same = world.feed(f"other-{number}.ics"), feeds[0]

        def fetch(world: World = world, other: Feed = other, same: Feed = same) -> None:
            world.phase.go_on.set()
            assert world.cache.get(other).state is State.FRESH
            assert world.cache.refresh(other).events
            if phase not in ("waiting for a turn", "reading"):
                # Its server holds the parent's own request for the same path.
                assert world.cache.get(same).state is State.FRESH

        child = child_of(fetch)
        status = ended(child)
        world.phase.go_on.set()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()
        assert status == 0, f"fork {number} while {phase}"
        assert world.cache.get(world.feed(f"after-{number}.ics")).state is State.FRESH
        monkeypatch.undo()


def test_turns_of_the_parent_are_none_of_the_childs() -> None:
    """Whoever leaves a turn in the child that the parent took changes nothing."""
    from extcal.fetch.http.connect.dns import SharedTurns

    turns = SharedTurns(1, 1)
    taken = turns.join("a", lambda: None)
    assert taken.admitted
    assert not turns.join("a", lambda: None).admitted

    def in_the_child() -> None:
        assert turns.join("a", lambda: None).admitted
        turns.leave(taken)
        assert not turns.join("a", lambda: None).admitted

    assert ended(child_of(in_the_child)) == 0


_FIRST_FETCH = """
import os, signal, sys, threading, time
from importlib.machinery import PathFinder
import extcal
from extcal.testing import event, feed_text
from extcal.testing.server import FeedServer

parent, there, held = os.getpid(), threading.Event(), sys.argv[1]

class Slow:
    # The thread that fetches takes its time for one module: longer than a fork.
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == held and os.getpid() == parent:
            there.set()
            time.sleep(0.1)
        return None

sys.meta_path.insert(0, Slow)
with FeedServer() as server:
    body = feed_text(event("2027-01-04T09:00", "PT1H", tz="Europe/Paris"))
    address = server.serve("ada.ics", body)
    make = lambda: extcal.CalendarCache(
        fetcher=extcal.HttpFetcher(allow_networks=server.networks)
    )
    cache = make()
    thread = threading.Thread(target=cache.get, args=(address,))
    thread.start()
    assert there.wait(10)
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        os._exit(cache.get(address).state != "fresh" or make().get(address).state != "fresh")
    thread.join()
    assert cache.get(address).state == "fresh"
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
_IMPORTED = ["h11", "extcal.ical.zones._iana", "h11._connection", "importlib.resources"]


@pytest.mark.parametrize("module", _IMPORTED if os.environ.get("EXTCAL_NIGHTLY") else ["h11"])
def test_a_fork_within_the_first_import_of_a_module(module: str) -> None:
    """A module that a thread of the parent was importing would stay locked in the child."""
    command = [sys.executable, "-W", "ignore", "-c", _FIRST_FETCH, module]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
