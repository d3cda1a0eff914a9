"""Servers that misbehave byte by byte, on loopback; and one that behaves."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from extcal.fetch import Feed, FetchRequest, FetchResponse, HttpFetcher
from extcal.limits import Limits
from extcal.testing.server import FeedServer

Script = Callable[[socket.socket, threading.Event], None]


class RawServer:
    """Runs one script per connection; the script gets the socket and an event that means "stop"."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.seen: list[bytes] = []
        self.stop = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self) -> None:
        while not self.stop.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(connection,))
            self.threads.append(thread)
            thread.start()

    def serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        with connection, suppress(OSError):
            self.script(connection, self.stop)

    def url(self, path: str = "/feed.ics", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def close(self) -> None:
        self.stop.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def raw() -> Iterator[Callable[[Script], RawServer]]:
    """Start raw servers; all of them end with the test."""
    servers: list[RawServer] = []

    def start(script: Script) -> RawServer:
        servers.append(RawServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with FeedServer() as running:
        yield running


@pytest.fixture
def fetch() -> Callable[..., FetchResponse]:
    """Fetch one address from loopback, with short deadlines."""

    def run(
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        deadline: float = 5.0,
        limits: Limits | None = None,
        fetcher: HttpFetcher | None = None,
    ) -> FetchResponse:
        fetcher = fetcher or HttpFetcher(allow_networks="127.0.0.0/8")
        request = FetchRequest(Feed(url), etag, last_modified, deadline, limits or Limits())
        return fetcher.fetch(request)

    return run
