"""Servers that misbehave byte by byte, on loopback; and one that behaves."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec

import anyio
import pytest

from extcal.fetch import (
    AsyncHttpFetcher,
    Feed,
    Fetcher,
    FetchRequest,
    FetchResponse,
    HttpFetcher,
    UrlPolicy,
)
from extcal.limits import Limits
from extcal.testing.server import FeedServer

Script = Callable[[socket.socket, threading.Event], None]
DRIVERS = ["threads", "asyncio", *(["trio"] if find_spec("trio") else [])]


class InATask:
    """An AsyncHttpFetcher that is asked without await: each fetch has an event loop of its own."""

    def __init__(self, backend: str, options: dict[str, object]) -> None:
        self.backend = backend
        self.inner = AsyncHttpFetcher(**options)  # type: ignore[arg-type]

    @property
    def policy(self) -> UrlPolicy:
        return self.inner.policy

    def fetch(self, request: FetchRequest, /) -> FetchResponse:
        return anyio.run(self.inner.fetch, request, backend=self.backend)


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


@pytest.fixture(params=DRIVERS)
def make(request: pytest.FixtureRequest) -> Callable[..., Fetcher]:
    """Makes fetchers: every test that asks for this runs once for threads and once for tasks."""
    driver: str = request.param

    def new(**options: object) -> Fetcher:
        if driver == "threads":
            return HttpFetcher(**options)  # type: ignore[arg-type]
        return InATask(driver, options)

    return new


@pytest.fixture
def fetch(make: Callable[..., Fetcher]) -> Callable[..., FetchResponse]:
    """Fetch one address from loopback, with short deadlines."""

    def run(
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        deadline: float = 5.0,
        limits: Limits | None = None,
        fetcher: Fetcher | None = None,
    ) -> FetchResponse:
        fetcher = fetcher or make(allow_networks="127.0.0.0/8")
        request = FetchRequest(Feed(url), etag, last_modified, deadline, limits or Limits())
        return fetcher.fetch(request)

    return run
