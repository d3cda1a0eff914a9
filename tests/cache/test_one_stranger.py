"""One feed of a hundred is hostile: the other ninety-nine are answered as if it were not there.

Whole caches over real sockets, for threads and for tasks. By day all strangers come at once to
thirty others, over threads; `make nightly` has each of them alone, over threads, asyncio and trio.
"""

from __future__ import annotations

import gzip
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from datetime import timedelta
from typing import Any

import pytest

from extcal import FreeBusy, Limits, Snapshot, State
from extcal.fetch import AsyncHttpFetcher, HttpFetcher
from extcal.testing import ManualClock, event, feed_text
from extcal.testing.server import FeedServer

pytestmark = pytest.mark.serial

_NIGHTLY = bool(os.environ.get("EXTCAL_NIGHTLY"))
OTHERS = 99 if _NIGHTLY else 30
_ROUNDS = 3 if _NIGHTLY else 2
_AGAIN = timedelta(minutes=31)
_HANGS = "hangs"
_BODY = feed_text(event("2027-01-05T09:00Z", "PT1H", uid="talk"))
_SERIES = (
    "BEGIN:VEVENT\r\nUID:{0}\r\nDTSTART:20270104T00{1:02}00Z\r\nDURATION:PT1M\r\n{2}END:VEVENT\r\n"
)


def host_of(number: int) -> str:
    """Ten share a provider, and the stranger's redirects lead there; the rest have their own."""
    return "calendar.provider.org" if number < 10 else f"calendar.host{number}.org"


def series(count: int, *lines: str) -> bytes:
    events = (_SERIES.format(n, n % 60, "".join(lines)) for n in range(count))
    return f"BEGIN:VCALENDAR\r\n{''.join(events)}END:VCALENDAR\r\n".encode()


class World:
    """A server for everybody, a second one that only accepts, and the stranger's addresses."""

    def __init__(self, stack: ExitStack) -> None:
        self.server = stack.enter_context(FeedServer())
        self.silent = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        self.endless = stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        self.refusing = socket.create_server(("127.0.0.1", 0))
        self.closed = self.refusing.getsockname()[1]
        self.refusing.close()
        self.go = threading.Event()
        stack.callback(self.go.set)
        threading.Thread(target=self._never_end_the_head, daemon=True).start()
        etag = '"1"'
        self.good = []
        for number in range(OTHERS):
            self.server.serve(f"/{number}.ics", _BODY, etag=etag)
            self.good.append(self.server.url(f"/{number}.ics", host=host_of(number)))

    def _never_end_the_head(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.endless.accept()
                threading.Thread(target=self._drip, args=(client,), daemon=True).start()

    def _drip(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            client.sendall(b"HTTP/1.1 200 OK\r\n")
            while not self.go.wait(0.05):
                client.sendall(b"X-A: b\r\n")

    def resolve(self, host: str, port: int) -> list[str]:
        if host.startswith(_HANGS):
            self.go.wait(60)
        return ["127.0.0.1"]

    @property
    def ports(self) -> list[int]:
        sockets = (self.silent, self.endless)
        return [self.server.port, self.closed, *(each.getsockname()[1] for each in sockets)]

    def stranger(self, kind: str) -> str:
        """The address of a hostile feed."""
        name = "".join(filter(str.isalnum, kind)).lower()
        path, host = f"/{name}.ics", f"{name}.attacker.net"
        if kind == "name that hangs":
            return self.server.url(path, host=f"{_HANGS}.attacker.net")
        if kind == "TLS that hangs":
            return f"https://{host}:{self.silent.getsockname()[1]}/"
        if kind == "head without end":
            return f"http://{host}:{self.endless.getsockname()[1]}/"
        if kind == "refusing port":
            return f"http://{host}:{self.closed}/"
        if kind.startswith("provider's "):
            fault = kind.removeprefix("provider's ")
            self.server.fail("/elsewhere" + path, fault)
            self.server.redirect(path, self.server.url("/elsewhere" + path, host=host_of(0)))
        elif kind in BODIES:
            body = gzip.compress(BODIES[kind](), 1)
            self.server.serve(path, lambda request: body, headers={"Content-Encoding": "gzip"})
        else:
            self.server.fail(path, kind)
        return self.server.url(path, host=host)


_MANY = 3_000 if _NIGHTLY else 300  # bodies of 62 MiB: benchmarks/hostile_bodies.py
BODIES: dict[str, Callable[[], bytes]] = {
    "giant body": lambda: b"BEGIN:VCALENDAR\r\n" + b"A:\r\n" * 800 * _MANY,
    "costly body": lambda: series(_MANY, "RRULE:FREQ=SECONDLY;BYSECOND=1,7,13\r\n"),
    "50,000 occurrences": lambda: series(_MANY // 50, "RRULE:FREQ=HOURLY\r\n"),
    "FREEBUSY lines": lambda: (
        b"BEGIN:VCALENDAR\r\nBEGIN:VFREEBUSY\r\n"
        + b"FREEBUSY:20270105T090000Z/PT1H\r\n" * 10 * _MANY
        + b"END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
    ),
}
SLOW = ["name that hangs", "TLS that hangs", "head without end", "stall", "drip", "slow headers"]
REDIRECTS = [f"provider's {fault}" for fault in ("429", "503", "reset", "hang up", "stall", "403")]
KINDS = [
    *SLOW, *REDIRECTS, *BODIES, "refusing port", "429", "503", "500", "410", "reset", "hang up",
    "bomb", "huge", "bad gzip", "redirect loop", "not http", "cut",
]  # fmt: skip


@pytest.fixture
def world() -> Iterator[World]:
    with ExitStack() as stack:
        yield World(stack)


def answered(
    calendars: Any, world: World, strangers: list[str], clock: ManualClock
) -> list[list[tuple[State, FreeBusy]]]:
    """How the others were answered in three rounds; no slow stranger is waited for."""
    rounds = []
    for _ in range(_ROUNDS):
        found: dict[str, Snapshot] = {}
        for feed, result in calendars.refresh_many([*strangers, *world.good]):
            url = feed.reveal()
            if url in world.good:
                assert isinstance(result, Snapshot), result
                found[url] = result
            if len(found) == OTHERS:
                break
        rounds.append([(found[url].state, found[url].free_busy) for url in world.good])
        clock.advance(_AGAIN)
    return rounds


def check(
    make_either: Callable[..., Any], face: str, world: World, clock: ManualClock, kinds: list[str]
) -> None:
    fetcher = (HttpFetcher if face == "threads" else AsyncHttpFetcher)(
        allow_networks=world.server.networks,
        allow_http=True,
        ports=world.ports,
        resolver=world.resolve,
    )
    # The tasks of this test wait for all answers, also for those of a stranger who hangs.
    seconds = 120 if face == "threads" else 30
    calendars = make_either(fetcher=fetcher, limits=Limits(fetch_deadline=seconds))
    strangers = [world.stranger(kind) for kind in kinds]
    rounds = answered(calendars, world, strangers, clock)
    alike = [(State.FRESH, rounds[0][0][1])] * OTHERS
    assert rounds[0] == alike
    assert [each[0] for each in rounds[-1]] == [State.FRESH] * OTHERS
    # Each of the others was asked once a round, no more and no less.
    asked = [request.path for request in world.server.requests]
    assert {asked.count(f"/{number}.ics") for number in range(OTHERS)} == {_ROUNDS}
    world.go.set()


@pytest.mark.parametrize(
    "make_either", ["threads", "asyncio"] if _NIGHTLY else ["threads"], indirect=True
)
def test_all_strangers_at_once(
    make_either: Callable[..., Any],
    request: pytest.FixtureRequest,
    world: World,
    clock: ManualClock,
) -> None:
    check(make_either, request.node.callspec.params["make_either"], world, clock, KINDS)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", KINDS)
def test_each_stranger_alone(
    make_either: Callable[..., Any],
    request: pytest.FixtureRequest,
    world: World,
    clock: ManualClock,
    kind: str,
) -> None:
    check(make_either, request.node.callspec.params["make_either"], world, clock, [kind])
