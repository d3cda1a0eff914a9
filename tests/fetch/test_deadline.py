"""One deadline for a fetch: what is left of it, and how another thread ends it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from extcal import Feed, Fetched, FetchRequest, HttpFetcher
from extcal.fetch.http.deadline import Deadline, Stop, stoppable
from extcal.testing.server import FeedServer

pytestmark = pytest.mark.core
LONG = 30.0  # seconds no test takes unless something is broken


class Timer:
    """Monotonic seconds that only the test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_what_is_left() -> None:
    timer = Timer()
    deadline = Deadline(10, timer)
    assert (deadline.now(), deadline.left(), deadline.rest()) == (100.0, 10.0, 10.0)
    assert (deadline.clamp(3), deadline.clamp(30)) == (3, 10.0)
    timer.at = 110.0
    assert deadline.rest() == 0.0
    with pytest.raises(Stop):
        deadline.left()


def test_whoever_asks_for_it_can_stop_the_fetches_of_its_context() -> None:
    deadlines: set[Deadline] = set()
    deadline = Deadline(10, Timer())
    with stoppable(deadlines), deadline.registered():
        assert deadlines == {deadline}
        event = threading.Event()
        event.set()
        assert deadline.wait(event)
        deadline.stop()
        assert not deadline.wait(event)
    assert not deadlines
    with deadline.registered():
        assert not deadlines
    with pytest.raises(Stop):
        deadline.left()


def test_work_on_a_body_holds_the_gate() -> None:
    gate = threading.Lock()
    deadline = Deadline(10, Timer())
    with deadline.working(gate):
        assert deadline.gate is gate
        assert gate.locked()
    assert deadline.gate is None
    assert not gate.locked()


@pytest.mark.usefixtures("second_try_soon")
@pytest.mark.parametrize("phase", ["tls", "head", "body"])
def test_a_fetch_that_waits_for_the_network_lets_others_compute(
    phase: str, raw: Callable[[Any], Any], server: FeedServer
) -> None:
    """One fetch of a fetcher computes at a time; a server that is silent delays only its own."""
    heard = threading.Event()

    def silent(connection: socket.socket, stop: threading.Event) -> None:
        connection.recv(1)
        if phase == "body":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nBEGIN:")
        heard.set()
        stop.wait(LONG)

    silent_server = raw(silent)
    address = silent_server.url().replace("http:", "https:" if phase == "tls" else "http:")
    server.serve("/feed.ics", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    fetcher = HttpFetcher(allow_networks=FeedServer.networks, jitter=lambda: 0.0)
    waiting = threading.Thread(target=fetcher.fetch, args=(FetchRequest(Feed(address)),))
    waiting.start()
    assert heard.wait(LONG)
    found = fetcher.fetch(FetchRequest(Feed(server.url("/feed.ics"))))
    assert isinstance(found, Fetched)
    assert waiting.is_alive()
    silent_server.stop.set()
    waiting.join(LONG)
    assert not waiting.is_alive()
