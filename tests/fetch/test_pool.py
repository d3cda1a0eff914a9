"""Connections are kept, and nobody ever sees the answer to somebody else's request.

A server with a script per connection stands for what servers do: it answers twice, late, in pieces,
or not at all. Every address has a calendar of its own, so that a wrong answer is noticed.
"""

from __future__ import annotations

import errno
import gc
import gzip
import ipaddress
import os
import socket
import ssl
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import anyio
import pytest
from raw_servers import NAME, Make

from extcal.fetch import (
    AsyncHttpFetcher,
    Failed,
    Feed,
    Fetched,
    Fetcher,
    FetchRequest,
    FetchResponse,
    Gone,
    HttpFetcher,
    NotModified,
    Refused,
)
from extcal.fetch.http.pool import ConnectionPool
from extcal.limits import Limits

Answer = Callable[["Exchange"], None]


def calendar(path: str) -> bytes:
    """The calendar of one address, as if each belonged to another tenant."""
    return (
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:" + path.encode() + b"\r\nEND:VEVENT\r\n"
        b"END:VCALENDAR\r\n"
    )


def plain(path: str) -> bytes:
    body = calendar(path)
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def chunked(path: str, end: bytes = b"0\r\n\r\n") -> bytes:
    body = calendar(path)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"%x\r\n" % len(body) + body + b"\r\n" + end


def sized(path: str, line: bytes) -> bytes:
    """The same with another line before its first chunk; ``line``: with a place for the size."""
    size, _, rest = chunked(path).partition(b"\r\n\r\n")[2].partition(b"\r\n")
    return chunked(path).partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + line % int(size, 16) + rest


class Exchange:
    """One request: the ``number``-th of its connection, which is the ``connection``-th."""

    def __init__(self, head: bytes, connection: int, number: int, sock: socket.socket) -> None:
        self.head = head
        self.path = head.split(b" ")[1].decode()
        self.connection = connection
        self.number = number
        self.sock = sock

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    @property
    def first(self) -> bool:
        return self.connection == self.number == 0


class Hangup(Exception):
    """The script closes the connection."""


class Keeper:
    """A server that keeps its connections, and answers every request by its script."""

    def __init__(self, answer: Answer, context: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.context = context
        self.asked: list[Exchange] = []
        self.resumed: list[bool] = []
        self.connections = 0
        self.ended = threading.Semaphore(0)

    def __call__(self, sock: socket.socket, stop: threading.Event) -> None:
        number, self.connections = self.connections, self.connections + 1
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.context is not None:
                sock = self.context.wrap_socket(sock, server_side=True)
                self.resumed.append(bool(sock.session_reused))
            self.serve(sock, stop, number)
        finally:
            self.ended.release()
            sock.close()

    def serve(self, sock: socket.socket, stop: threading.Event, connection: int) -> None:
        sock.settimeout(0.02)
        for number in range(1_000_000):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                try:
                    piece = sock.recv(65_536)
                except TimeoutError:
                    if stop.is_set():
                        return
                    continue
                if not piece:
                    return
                head += piece
            exchange = Exchange(head, connection, number, sock)
            self.asked.append(exchange)
            try:
                self.answer(exchange)
            except Hangup:
                return

    def places(self) -> list[tuple[int, int]]:
        return [(each.connection, each.number) for each in self.asked]


@pytest.fixture
def keep(raw: Callable[..., Any]) -> Callable[..., tuple[Keeper, Callable[[str], str]]]:
    """Start a Keeper; returns it, and a function from paths to addresses."""

    def start(answer: Answer, **options: Any) -> tuple[Keeper, Callable[[str], str]]:
        keeper = Keeper(answer, **options)
        return keeper, raw(keeper).url

    return start


Keep = Callable[..., tuple[Keeper, Callable[[str], str]]]


@pytest.fixture
def ask(make: Make) -> Callable[..., FetchResponse]:
    """Fetch with one fetcher, which is the same in the whole test."""
    known: list[Fetcher] = []

    def run(url: str, etag: str | None = None, deadline: float = 5.0) -> FetchResponse:
        if not known:
            known.append(make(allow_networks="127.0.0.0/8", jitter=lambda: 0.0))
        return known[0].fetch(FetchRequest(Feed(url), etag, None, deadline))

    return run


Asking = Callable[..., FetchResponse]


def well(exchange: Exchange) -> None:
    exchange.send(plain(exchange.path))


class TestKept:
    """What may serve the next request."""

    @pytest.mark.parametrize("form", [plain, chunked])
    def test_a_connection_serves_the_next_request(
        self, keep: Keep, ask: Asking, form: Callable[[str], bytes]
    ) -> None:
        keeper, url = keep(lambda exchange: exchange.send(form(exchange.path)))
        for path in ("/a", "/b", "/c"):
            assert ask(url(path)) == Fetched(calendar(path))
        assert keeper.places() == [(0, 0), (0, 1), (0, 2)]
        assert b"onnection" not in keeper.asked[0].head  # HTTP/1.1 keeps it unless told otherwise

    @pytest.mark.parametrize(
        ("answer", "is_the"),
        [
            (b'304 Not Modified\r\nETag: "1"', NotModified()),
            (b"304 Not Modified\r\nContent-Length: 9000", NotModified()),
            (b"404 Not Found\r\nContent-Length: 2\r\n\r\nno", Refused(404)),
            (b"410 Gone\r\nContent-Length: 0", Gone()),
        ],
    )
    def test_whatever_the_answer_if_its_end_is_certain(
        self, keep: Keep, ask: Asking, answer: bytes, is_the: FetchResponse
    ) -> None:
        whole = b"HTTP/1.1 " + answer + (b"" if b"\r\n\r\n" in answer else b"\r\n\r\n")
        keeper, url = keep(lambda exchange: exchange.send(whole))
        assert [ask(url("/a"), etag='"1"'), ask(url("/b"), etag='"1"')] == [is_the, is_the]
        assert keeper.places() == [(0, 0), (0, 1)]

    def test_a_redirect_within_the_origin(self, keep: Keep, ask: Asking) -> None:
        """Its body is passed over; what it sets as a cookie is for this fetch only."""

        def answer(exchange: Exchange) -> None:
            if exchange.path == "/old":
                head = b"HTTP/1.1 302 Found\r\nLocation: /new\r\nSet-Cookie: a=1\r\n"
                exchange.send(head + b"Content-Length: 5\r\n\r\nmoved")
            else:
                well(exchange)

        keeper, url = keep(answer)
        assert ask(url("/old")) == Fetched(calendar("/new"))
        assert ask(url("/new")) == Fetched(calendar("/new"))
        assert keeper.places() == [(0, 0), (0, 1), (0, 2)]
        assert [b"Cookie: a=1" in each.head for each in keeper.asked] == [False, True, False]

    def test_two_hundred_requests_and_no_more(self, keep: Keep) -> None:
        keeper, url = keep(well)
        fetcher = HttpFetcher(allow_networks="127.0.0.0/8")
        request = FetchRequest(Feed(url("/a")))
        for _ in range(201):
            assert fetcher.fetch(request) == Fetched(calendar("/a"))
        assert keeper.places()[198:] == [(0, 198), (0, 199), (1, 0)]

    def test_a_name_is_looked_up_again_after_a_minute(self, keep: Keep) -> None:
        """The age of a connection counts from the look-up, not from the last request."""
        keeper, url = keep(well)
        asked: list[str] = []

        def resolver(host: str, port: int) -> list[str]:
            asked.append(host)
            return ["127.0.0.1"]

        port = int(url("/").split(":")[2].strip("/"))
        fetcher = HttpFetcher(
            allow_networks="127.0.0.0/8", allow_http=True, ports=port, resolver=resolver
        )
        timer = fetcher._pool.timer = Seconds()
        for now in (0.0, 14.9, 29.0, 43.0, 57.0, 59.9, 60.0, 74.0):
            timer.now = now
            request = FetchRequest(Feed(f"http://{NAME}:{port}/a"))
            assert fetcher.fetch(request) == Fetched(calendar("/a"))
        assert [connection for connection, _ in keeper.places()] == [0] * 6 + [1, 1]
        assert asked == [NAME, NAME]

    def test_of_an_origin_alone(self, keep: Keep, ask: Asking) -> None:
        first, one = keep(well)
        second, other = keep(well)
        for path in ("/a", "/b"):
            assert ask(one(path)) == ask(other(path)) == Fetched(calendar(path))
        assert first.places() == second.places() == [(0, 0), (0, 1)]

    def test_through_a_proxy(self, keep: Keep, make: Make) -> None:
        keeper, url = keep(lambda exchange: exchange.send(plain("/")))
        fetcher = make(proxy=url("/"), allow_http=True)
        for _ in range(2):
            request = FetchRequest(Feed(f"http://{NAME}/"))
            assert fetcher.fetch(request) == Fetched(calendar("/"))
        fetcher.fetch(FetchRequest(Feed("http://other.example.net/")))
        assert keeper.places() == [(0, 0), (0, 1), (1, 0)]


# What a server may do with the first request, so that its connection must not be used again.
ODD: dict[str, Callable[[str], bytes]] = {
    "it says so": lambda path: plain(path).replace(b"\r\n", b"\r\nConnection: close\r\n", 1),
    "HTTP/1.0": lambda path: plain(path).replace(b"/1.1", b"/1.0", 1),
    "HTTP/1.0 that says otherwise": lambda path: plain(path).replace(
        b"/1.1 200 OK\r\n", b"/1.0 200 OK\r\nConnection: keep-alive\r\n", 1
    ),
    "two answers": lambda path: plain(path) + plain("/poison"),
    "two answers in chunks": lambda path: chunked(path) + chunked("/poison"),
    "one byte more": lambda path: plain(path) + b"\n",
    "half an answer more": lambda path: plain(path) + plain("/poison")[:20],
    "two lengths": lambda path: plain(path).replace(
        b"Content", b"Content-Length: %d\r\nContent" % len(calendar(path)), 1
    ),
    "a length beside chunks": lambda path: chunked(path).replace(
        b"Transfer", b"Content-Length: 3\r\nTransfer", 1
    ),
    "chunked twice": lambda path: chunked(path).replace(b"chunked", b"chunked, chunked", 1),
    "chunked in two fields": lambda path: chunked(path).replace(
        b"Transfer", b"Transfer-Encoding: chunked\r\nTransfer", 1
    ),
    "trailers": lambda path: chunked(path, b"0\r\nX: y\r\n\r\n"),
    "a last chunk that ends oddly": lambda path: chunked(path, b"0\r\n\n"),
    "a last chunk that begins oddly": lambda path: chunked(path, b"0\n\r\n"),
    "a blank after the size of the last chunk": lambda path: chunked(path, b"0 \r\n\r\n"),
    "a blank after a size": lambda path: sized(path, b"%x \r\n"),
    "a tabulator after a size": lambda path: sized(path, b"%x\t\r\n"),
    "a chunk extension": lambda path: sized(path, b"%x;a=b\r\n"),
    "a chunk extension of 60 kB": lambda path: sized(path, b"%x;" + b"a" * 60_000 + b"\r\n"),
    "a size of 20 digits": lambda path: sized(path, b"%020x\r\n"),
    "one length, twice in its field": lambda path: plain(path).replace(
        b"\r\n\r\n", b", %d\r\n\r\n" % len(calendar(path)), 1
    ),
    "bare newlines": lambda path: plain(path).replace(b"\r\n", b"\n", 2),
    "a folded field": lambda path: plain(path).replace(b"\r\n", b"\r\nX: y\r\n z\r\n", 1),
    "no reason": lambda path: plain(path).replace(b"200 OK", b"200", 1),
    "early hints": lambda path: b"HTTP/1.1 103 Hints\r\n\r\n" + plain(path),
    "gzip unannounced": lambda path: (
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(calendar(path), 1))
        + gzip.compress(calendar(path), 1)
    ),
    "an unknown coding": lambda path: plain(path).replace(
        b"\r\n", b"\r\nContent-Encoding: utf-8\r\n", 1
    ),
}

# What is no answer at all.
REFUSED: dict[str, Callable[[str], bytes]] = {
    "blanks before a colon": lambda path: plain(path).replace(b"\r\n", b"\r\nX : y\r\n", 1),
    "a blank line first": lambda path: b"\r\n" + plain(path),
    "identity": lambda path: plain(path).replace(
        b"\r\n", b"\r\nTransfer-Encoding: identity\r\n", 1
    ),
    "a length with a sign": lambda path: plain(path).replace(b"Length: ", b"Length: +", 1),
    "two lengths that differ": lambda path: plain(path).replace(
        b"Content", b"Content-Length: 3\r\nContent", 1
    ),
    "a size with a sign": lambda path: sized(path, b"+%x\r\n"),
}


class TestDropped:
    """What may not: the next request goes out on a new connection, and gets its own answer."""

    @pytest.mark.parametrize("odd", ODD)
    def test_an_answer_whose_end_is_not_certain(self, keep: Keep, odd: str) -> None:
        def answer(exchange: Exchange) -> None:
            exchange.send((ODD[odd] if exchange.first else plain)(exchange.path))

        keeper, url = keep(answer)
        fetcher = HttpFetcher(allow_networks="127.0.0.0/8")
        first = fetcher.fetch(FetchRequest(Feed(url("/a"))))
        assert isinstance(first, Fetched)
        assert first.body == calendar("/a")
        for path in ("/b", "/c"):
            assert fetcher.fetch(FetchRequest(Feed(url(path)))) == Fetched(calendar(path))
        assert keeper.places() == [(0, 0), (1, 0), (1, 1)]

    @pytest.mark.parametrize("odd", REFUSED)
    def test_an_answer_that_is_refused(self, keep: Keep, odd: str) -> None:
        def answer(exchange: Exchange) -> None:
            exchange.send((REFUSED[odd] if exchange.first else plain)(exchange.path))

        keeper, url = keep(answer)
        fetcher = HttpFetcher(allow_networks="127.0.0.0/8")
        first = fetcher.fetch(FetchRequest(Feed(url("/a"))))
        assert isinstance(first, Failed)
        assert first.kind == "protocol"
        assert fetcher.fetch(FetchRequest(Feed(url("/b")))) == Fetched(calendar("/b"))
        assert keeper.places() == [(0, 0), (1, 0)]

    @pytest.mark.parametrize(
        "more",
        [plain("/poison"), b"\r\n" + plain("/poison"), b"9\r\n", b"\r\nTransfer-Encoding: chunked"],
    )
    def test_a_body_after_a_304(self, keep: Keep, ask: Asking, more: bytes) -> None:
        def answer(exchange: Exchange) -> None:
            head = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 4000"
            if more.startswith(b"\r\nT"):
                head, body = head[: head.rindex(b"\r\n")] + more, chunked("/poison")[48:]
            else:
                body = more
            exchange.send(head + b"\r\n\r\n" + body if exchange.first else plain(exchange.path))

        keeper, url = keep(answer)
        assert ask(url("/a"), etag='"1"') == NotModified()
        assert ask(url("/b")) == Fetched(calendar("/b"))
        assert keeper.places() == [(0, 0), (1, 0)]

    @pytest.mark.parametrize("late", [plain("/poison"), b"H", b""])
    def test_what_comes_while_it_is_idle(self, keep: Keep, ask: Asking, late: bytes) -> None:
        """A second answer, its first byte, or the end of the connection."""
        sent = threading.Event()

        def answer(exchange: Exchange) -> None:
            well(exchange)
            if exchange.first:
                go.wait(5)
                if late:
                    exchange.send(late)
                else:
                    exchange.sock.shutdown(socket.SHUT_WR)
                sent.set()

        go = threading.Event()
        keeper, url = keep(answer)
        assert ask(url("/a")) == Fetched(calendar("/a"))
        go.set()
        assert sent.wait(5)
        assert ask(url("/b")) == Fetched(calendar("/b"))
        assert keeper.places() == [(0, 0), (1, 0)]

    def test_an_answer_that_comes_after_its_time(self, keep: Keep, ask: Asking) -> None:
        """The first fetch has given up; the second must not get what was meant for the first."""

        def answer(exchange: Exchange) -> None:
            if exchange.first:
                go.wait(5)
            well(exchange)

        go = threading.Event()
        keeper, url = keep(answer)
        late = ask(url("/a"), deadline=0.1)
        assert isinstance(late, Failed)
        assert late.kind == "timeout"
        go.set()
        assert ask(url("/b")) == Fetched(calendar("/b"))
        assert keeper.places() == [(0, 0), (1, 0)]

    @pytest.mark.parametrize("begun", [b"", plain("/a")[:60]])
    def test_an_answer_that_comes_after_a_cancel(self, keep: Keep, begun: bytes) -> None:
        def answer(exchange: Exchange) -> None:
            if exchange.first:
                exchange.send(begun)
                asked.set()
                go.wait(5)
                with suppress(OSError):
                    exchange.send(plain("/a")[len(begun) :])
            else:
                well(exchange)

        asked, go = threading.Event(), threading.Event()
        keeper, url = keep(answer)
        fetcher = AsyncHttpFetcher(allow_networks="127.0.0.0/8")

        async def main() -> FetchResponse:
            async with anyio.create_task_group() as group:
                group.start_soon(fetcher.fetch, FetchRequest(Feed(url("/a"))))
                assert await anyio.to_thread.run_sync(asked.wait, 5)
                group.cancel_scope.cancel()
            go.set()
            return await fetcher.fetch(FetchRequest(Feed(url("/b"))))

        assert anyio.run(main) == Fetched(calendar("/b"))
        assert keeper.places() == [(0, 0), (1, 0)]

    def test_a_body_that_is_not_read_to_its_end(self, keep: Keep) -> None:
        keeper, url = keep(lambda exchange: exchange.send(chunked(exchange.path)))
        fetcher = HttpFetcher(allow_networks="127.0.0.0/8", limits=Limits(max_wire_bytes=20))
        for path in ("/a", "/b"):
            answer = fetcher.fetch(FetchRequest(Feed(url(path))))
            assert isinstance(answer, Failed)
            assert answer.kind == "too_large"
        assert keeper.places() == [(0, 0), (1, 0)]

    def test_the_body_of_an_error_is_not_waited_for(self, keep: Keep, ask: Asking) -> None:
        def answer(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 900\r\n\r\nno")

        keeper, url = keep(answer)
        assert [ask(url("/a")), ask(url("/b"))] == [Refused(404), Refused(404)]
        assert keeper.places() == [(0, 0), (1, 0)]

    def test_a_server_in_trouble(self, keep: Keep, ask: Asking) -> None:
        def answer(exchange: Exchange) -> None:
            exchange.send(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")

        keeper, url = keep(answer)
        assert isinstance(ask(url("/a")), Failed)
        assert isinstance(ask(url("/b")), Failed)
        assert keeper.places() == [(0, 0), (1, 0)]


class TestDead:
    """A kept connection may have died: that is no failure of the source."""

    @pytest.mark.parametrize("way", ["end", "reset"])
    def test_a_request_that_was_not_answered_is_asked_again_on_a_new_one(
        self, keep: Keep, ask: Asking, way: str
    ) -> None:
        def answer(exchange: Exchange) -> None:
            if exchange.number:
                if way == "reset":
                    exchange.sock.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
                    )
                raise Hangup
            well(exchange)

        keeper, url = keep(answer)
        for path in ("/a", "/b", "/c"):
            answered = ask(url(path))
            assert answered == Fetched(calendar(path))
            assert isinstance(answered, Fetched)
            assert answered.tries == 1
        assert keeper.places() == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]

    def test_once(self, keep: Keep) -> None:
        """The new connection fails too: then it is a failure, as of a new connection."""

        def answer(exchange: Exchange) -> None:
            if not exchange.first:
                raise Hangup
            well(exchange)

        keeper, url = keep(answer)
        fetcher = HttpFetcher(allow_networks="127.0.0.0/8")
        request = FetchRequest(Feed(url("/a")), again=False)
        assert fetcher.fetch(request) == Fetched(calendar("/a"))
        failed = fetcher.fetch(request)
        assert isinstance(failed, Failed)
        assert failed.kind == "connect"
        assert keeper.places() == [(0, 0), (0, 1), (1, 0)]

    def test_after_the_first_byte_it_is_a_failure(self, keep: Keep) -> None:
        def answer(exchange: Exchange) -> None:
            if exchange.number:
                exchange.send(b"H")
                raise Hangup
            well(exchange)

        keeper, url = keep(answer)
        fetcher = HttpFetcher(allow_networks="127.0.0.0/8")
        request = FetchRequest(Feed(url("/a")), again=False)
        assert fetcher.fetch(request) == Fetched(calendar("/a"))
        assert isinstance(fetcher.fetch(request), Failed)
        assert keeper.places() == [(0, 0), (0, 1)]

    def test_nothing_of_a_request_stays_with_its_connection(self, keep: Keep, watch: Any) -> None:
        """The address is as secret as a password, also while its connection is idle."""
        _, url = keep(lambda exchange: exchange.send(plain("/")))
        fetcher = HttpFetcher(
            allow_networks="127.0.0.0/8", headers=lambda feed: {"X-Token": watch.secret}
        )
        answer = fetcher.fetch(FetchRequest(Feed(url(f"/{watch.secret}"))))
        assert isinstance(answer, Fetched)
        (kept,) = fetcher._pool._own().idle
        assert watch.leaks(answer, fetcher, kept[1].stream) == []

    def test_a_machine_that_was_frozen(self, keep: Keep) -> None:
        """An hour has passed at once: nothing that was open is used."""
        keeper, url = keep(well)
        fetcher = HttpFetcher(allow_networks="127.0.0.0/8")
        timer = fetcher._pool.timer = Seconds()
        request = FetchRequest(Feed(url("/a")))
        assert fetcher.fetch(request) == Fetched(calendar("/a"))
        timer.now = 3_600.0
        assert fetcher.fetch(request) == Fetched(calendar("/a"))
        timer.now = 10.0  # a clock that goes back says nothing of the age
        assert fetcher.fetch(request) == Fetched(calendar("/a"))
        assert keeper.places() == [(0, 0), (1, 0), (2, 0)]

    def test_nobody_acknowledges_what_was_sent(self, keep: Keep) -> None:
        """ETIMEDOUT of a connection that died in silence is no timeout of the server."""
        keeper, url = keep(well)
        fetcher = HttpFetcher(allow_networks="127.0.0.0/8")
        assert fetcher.fetch(FetchRequest(Feed(url("/a")))) == Fetched(calendar("/a"))
        ((_, kept),) = fetcher._pool._own().idle

        class Dead(socket.socket):
            def recv(self, *arguments: int) -> bytes:
                raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

        kept.stream._sock = Dead(fileno=kept.stream._sock.detach())
        assert fetcher.fetch(FetchRequest(Feed(url("/b")))) == Fetched(calendar("/b"))
        assert keeper.connections == 2


class TestJudgedAgain:
    """The policy, the latest look-up and the credentials of this request count."""

    def test_a_peer_that_the_policy_has_come_to_refuse(self, keep: Keep, make: Make) -> None:
        refused: list[str] = []
        keeper, url = keep(well)
        fetcher = make(
            allow_networks="127.0.0.0/8", address_policy=lambda host, address: not refused
        )
        assert fetcher.fetch(FetchRequest(Feed(url("/a")))) == Fetched(calendar("/a"))
        refused.append("all")
        answer = fetcher.fetch(FetchRequest(Feed(url("/b"))))
        assert isinstance(answer, Failed)
        assert answer.kind in ("blocked_address", "blocked_url")
        assert keeper.places() == [(0, 0)]

    def test_credentials_are_those_of_the_request(self, keep: Keep) -> None:
        keeper, url = keep(well)

        def headers(feed: Feed) -> dict[str, str]:
            token = {"/a": "Bearer ada", "/b": "Bearer bob"}.get(feed.reveal()[-2:])
            return {} if token is None else {"Authorization": token}

        fetcher = HttpFetcher(allow_networks="127.0.0.0/8", headers=headers)
        for path in ("/a", "/b", "/c", "/a"):
            assert fetcher.fetch(FetchRequest(Feed(url(path)))) == Fetched(calendar(path))
        assert keeper.connections == 1
        sent = [
            line
            for each in keeper.asked
            for line in [*each.head.split(b"\r\n"), each.path.encode()]
            if line.startswith((b"Authorization", b"/"))
        ]
        ada, bob = b"Authorization: Bearer ada", b"Authorization: Bearer bob"
        assert sent == [ada, b"/a", bob, b"/b", b"/c", ada, b"/a"]

    @pytest.mark.parametrize("scheme", ["Negotiate", "NTLM", "negotiate"])
    def test_a_connection_that_proved_who_uses_it(self, keep: Keep, scheme: str) -> None:
        """Some servers answer whatever comes next on it under that name."""
        keeper, url = keep(well)
        fetcher = HttpFetcher(
            allow_networks="127.0.0.0/8", headers=lambda feed: {"authorization": f"{scheme} YII="}
        )
        for path in ("/a", "/b"):
            assert fetcher.fetch(FetchRequest(Feed(url(path)))) == Fetched(calendar(path))
        assert keeper.places() == [(0, 0), (1, 0)]


class TestShared:
    """Threads, tasks and processes."""

    def test_threads_never_share_one_at_a_time(self, keep: Keep) -> None:
        busy: set[int] = set()

        def answer(exchange: Exchange) -> None:
            assert exchange.connection not in busy
            busy.add(exchange.connection)
            exchange.send(plain(exchange.path)[:50])
            exchange.send(plain(exchange.path)[50:])
            busy.discard(exchange.connection)

        keeper, url = keep(answer)
        fetcher = HttpFetcher(allow_networks="127.0.0.0/8")
        paths = [f"/{number:03}" for number in range(100)]
        with ThreadPoolExecutor(8) as threads:
            found = threads.map(lambda path: fetcher.fetch(FetchRequest(Feed(url(path)))), paths)
            assert list(found) == [Fetched(calendar(path)) for path in paths]
        assert keeper.connections <= 8

    def test_close(self, keep: Keep) -> None:
        keeper, url = keep(well)
        fetcher = HttpFetcher(allow_networks="127.0.0.0/8")
        request = FetchRequest(Feed(url("/a")))
        assert fetcher.fetch(request) == Fetched(calendar("/a"))
        fetcher.close()
        assert keeper.ended.acquire(timeout=5)
        assert fetcher.fetch(request) == Fetched(calendar("/a"))
        assert keeper.places() == [(0, 0), (1, 0)]

    @pytest.mark.filterwarnings("error")
    def test_they_end_with_the_fetcher(self, keep: Keep) -> None:
        keeper, url = keep(well)
        fetcher = HttpFetcher(allow_networks="127.0.0.0/8")
        assert fetcher.fetch(FetchRequest(Feed(url("/a")))) == Fetched(calendar("/a"))
        gone = weakref.ref(fetcher._pool)
        del fetcher
        gc.collect()
        assert gone() is None
        assert keeper.ended.acquire(timeout=5)


class Seconds:
    """A timer that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Stub:
    """A connection, as far as the pool looks at it."""

    def __init__(self, peer: str = "192.0.2.1", since: float = 0.0) -> None:
        self.stream = self
        self.peer = ipaddress.ip_address(peer)
        self.since = since
        self.served = 1
        self.last = since
        self.closed = False

    def silent(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

    abandon = close


def everybody(address: object) -> bool:
    return True


class TestBounds:
    """64 in all, 8 of an origin, 15 seconds idle."""

    def pool(self, timer: Seconds | None = None) -> Any:
        pool: Any = ConnectionPool(timer or Seconds())
        for key in (*range(100), "a", "b"):
            pool.looked_up(key, [ipaddress.ip_address("192.0.2.1")])
        return pool

    def give(self, pool: Any, key: object, *stubs: Stub) -> None:
        for stub in stubs:
            pool.opening(key)
            pool.give(key, stub)

    def test_of_one_origin(self) -> None:
        pool, given = self.pool(), [Stub() for _ in range(9)]
        self.give(pool, "a", *given)
        assert [stub.closed for stub in given] == [True] + [False] * 8
        assert pool.take("b", everybody) is None
        assert pool.take("a", everybody) is given[-1]

    def test_in_all(self) -> None:
        pool, given = self.pool(), [Stub() for _ in range(65)]
        for key, stub in enumerate(given):
            self.give(pool, key, stub)
        assert [stub.closed for stub in given] == [True] + [False] * 64
        pool.close()
        assert all(stub.closed for stub in given)

    def test_those_in_use_count(self) -> None:
        """An idle one makes room before the 65th is opened; however many are in use, 8 stay."""
        pool, given = self.pool(), [Stub() for _ in range(20)]
        for key, stub in enumerate(given):
            self.give(pool, key, stub)
        for key in range(30, 74):
            pool.opening(key)
        assert not any(stub.closed for stub in given)
        pool.opening(74)
        assert [stub.closed for stub in given[:2]] == [True, False]
        for key in range(75, 100):
            pool.opening(key)
        assert sum(not stub.closed for stub in given) == 8

    def test_what_could_not_be_opened_does_not_count(self) -> None:
        pool, given = self.pool(), [Stub() for _ in range(64)]
        for key, stub in enumerate(given):
            self.give(pool, key, stub)
            pool.opening(key)
            pool.drop()
        assert sum(stub.closed for stub in given) == 1  # for the one that was to be opened

    def test_what_is_idle_is_closed_at_the_next_use(self) -> None:
        timer = Seconds()
        pool, stub = self.pool(timer), Stub()
        self.give(pool, "a", stub)
        timer.now = 14.9
        assert pool.take("b", everybody) is None
        assert not stub.closed
        timer.now = 15.0
        assert pool.take("b", everybody) is None
        assert stub.closed

    def test_what_is_idle_is_closed_when_another_one_comes(self) -> None:
        timer = Seconds()
        pool, stub = self.pool(timer), Stub()
        self.give(pool, "a", stub)
        timer.now = 15.0
        self.give(pool, "b", Stub(since=15.0))
        assert stub.closed

    def test_the_latest_look_up_counts(self) -> None:
        """Also for a connection that was in use while the name was looked up again."""
        pool = self.pool()
        before, during = Stub(), Stub()
        self.give(pool, "a", before)
        pool.looked_up("a", [ipaddress.ip_address("192.0.2.2")])
        assert pool.take("a", everybody) is None
        assert before.closed
        self.give(pool, "a", during)
        assert pool.take("a", everybody) is None
        fresh = Stub("192.0.2.2")
        self.give(pool, "a", fresh)
        assert pool.take("a", everybody) is fresh

    def test_what_the_policy_refuses_is_closed(self) -> None:
        pool, stub = self.pool(), Stub()
        self.give(pool, "a", stub)
        assert pool.take("a", lambda address: False) is None
        assert stub.closed

    def test_it_says_how_many(self) -> None:
        pool = self.pool()
        self.give(pool, "a", Stub())
        assert repr(pool) == "<ConnectionPool: 1 idle>"

    def test_names_are_forgotten_in_the_end(self) -> None:
        pool, stub = self.pool(), Stub()
        self.give(pool, "a", stub)
        for number in range(2_000):
            pool.looked_up(f"host {number}", [])
        assert len(pool._own().addresses) == 1_024
        assert pool.take("a", everybody) is None

    def test_a_session_is_used_once_and_within_the_hour(self) -> None:
        timer = Seconds()
        pool, session = self.pool(timer), object()
        pool.resumable("a", session)
        assert pool.session("b") is None
        assert pool.session("a") is session
        assert pool.session("a") is None
        pool.resumable("a", session)
        timer.now = 3_600.0
        assert pool.session("a") is None


class TestTls:
    """Contexts and names do not mix."""

    @pytest.fixture
    def secure(self, keep: Keep, authority: Any) -> tuple[Keeper, Any]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(NAME, "other.example.net").configure_cert(context)
        keeper, url = keep(well, context=context)
        port = int(url("/").split(":")[2].strip("/"))

        def ask(fetcher: Fetcher, path: str, host: str = NAME) -> FetchResponse:
            return fetcher.fetch(FetchRequest(Feed(f"https://{host}:{port}{path}")))

        def fetcher(**options: Any) -> HttpFetcher:
            trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            authority.configure_trust(trusting)
            return HttpFetcher(
                allow_networks="127.0.0.0/8",
                ports=port,
                resolver=lambda host, port: ["127.0.0.1"],
                ssl_context=trusting,
                **options,
            )

        return keeper, (ask, fetcher)

    def test_a_connection_serves_the_next_request(self, secure: Any) -> None:
        keeper, (ask, make) = secure
        fetcher = make()
        for path in ("/a", "/b"):
            assert ask(fetcher, path) == Fetched(calendar(path))
        assert ask(fetcher, "/c", "other.example.net") == Fetched(calendar("/c"))
        assert keeper.places() == [(0, 0), (0, 1), (1, 0)]

    def test_a_tunnel_serves_the_next_request(
        self, raw: Callable[..., Any], authority: Any, make: Make
    ) -> None:
        """CONNECT is sent once for each connection, and names the server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(NAME).configure_cert(context)
        keeper, tunnels = Keeper(well, context), []

        def proxy(sock: socket.socket, stop: threading.Event) -> None:
            tunnels.append(sock.recv(65_536).split(b"\r\n")[0])
            sock.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            keeper(sock, stop)

        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(trusting)
        fetcher = make(proxy=raw(proxy).url("/"), ssl_context=trusting)
        for path in ("/a", "/b"):
            request = FetchRequest(Feed(f"https://{NAME}{path}"))
            assert fetcher.fetch(request) == Fetched(calendar(path))
        assert keeper.places() == [(0, 0), (0, 1)]
        assert tunnels == [f"CONNECT {NAME}:443 HTTP/1.1".encode()]

    def test_a_new_connection_resumes_the_session_of_its_name(self, secure: Any) -> None:
        keeper, (ask, make) = secure
        fetcher = make()
        for host in (NAME, NAME, "other.example.net", "other.example.net"):
            assert ask(fetcher, "/a", host) == Fetched(calendar("/a"))
            fetcher.close()
        assert ask(make(), "/a") == Fetched(calendar("/a"))
        assert keeper.resumed == [False, True, False, True, False]

    def test_a_server_that_fails_at_a_resumption(self, secure: Any, monkeypatch: Any) -> None:
        _, (ask, make) = secure
        fetcher = make()
        assert ask(fetcher, "/a") == Fetched(calendar("/a"))
        fetcher.close()
        wrap = ssl.SSLContext.wrap_socket

        def failing(context: Any, sock: Any, **options: Any) -> Any:
            if options.get("session") is not None:
                raise OSError("the server sent an alert")
            return wrap(context, sock, **options)

        monkeypatch.setattr(ssl.SSLContext, "wrap_socket", failing)
        assert ask(fetcher, "/b") == Fetched(calendar("/b"))

    def test_a_password_is_sent_with_its_own_request_only(self, secure: Any) -> None:
        keeper, (_, make) = secure
        fetcher = make()
        port = next(iter(fetcher.policy.ports))
        for auth in (("ada", "secret"), None, ("bob", "secret")):
            feed = Feed(f"https://{NAME}:{port}/a", auth=auth)
            assert fetcher.fetch(FetchRequest(feed)) == Fetched(calendar("/a"))
        assert keeper.places() == [(0, 0), (0, 1), (0, 2)]
        sent = [each.head.partition(b"Authorization: ")[2].strip() for each in keeper.asked]
        assert sent == [b"Basic YWRhOnNlY3JldA==", b"", b"Basic Ym9iOnNlY3JldA=="]


@pytest.mark.serial
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("how", ["fetch", "end"])
def test_a_child_leaves_its_parents_connections_alone(keep: Keep, how: str) -> None:
    keeper, url = keep(well)
    fetcher = HttpFetcher(allow_networks="127.0.0.0/8")
    request = FetchRequest(Feed(url("/a")))
    assert fetcher.fetch(request) == Fetched(calendar("/a"))
    child = os.fork()
    if child == 0:
        fetched = how == "end" or fetcher.fetch(request) == Fetched(calendar("/a"))
        fetcher.close()
        os._exit(0 if fetched else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert fetcher.fetch(request) == Fetched(calendar("/a"))
    own = [(0, 0), (0, 1)]
    assert keeper.places() == (own if how == "end" else [(0, 0), (1, 0), (0, 1)])


def test_another_process_begins_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the parent kept is dropped without its lock, which may be held for good."""
    pool: Any = ConnectionPool(Seconds())
    of_parent = pool._own()
    with of_parent.lock:
        monkeypatch.setattr("os.getpid", lambda: -1)
        assert pool._own() is not of_parent
        assert list(pool._by_process) == [-1]
