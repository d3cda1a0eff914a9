"""What both drivers do beyond one request: another try, turns, an event loop's manners."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

import anyio
import pytest
from raw_servers import ANSWER, CALENDAR, NAME, Fetch, Make, Raw, each_time, kind, read_head

from extcal.fetch import (
    AsyncHttpFetcher,
    Failed,
    Feed,
    Fetched,
    Fetcher,
    FetchRequest,
    FetchResponse,
    HttpFetcher,
)
from extcal.limits import Limits
from extcal.testing.server import FeedServer, ReceivedRequest, Reply


class TestOneOtherTry:
    """Security section 7: one retry, inside the deadline, re-resolved and re-vetted."""

    @pytest.fixture
    def fetcher(self, make: Make, second_try_soon: None) -> Fetcher:
        return make(allow_networks="127.0.0.0/8", jitter=lambda: 0.0)

    @pytest.mark.parametrize(
        "accident", [None, b"", b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"]
    )
    def test_it_may_go_better(
        self, raw: Raw, fetch: Fetch, fetcher: Fetcher, accident: bytes | None
    ) -> None:
        answer = fetch(raw(each_time(accident, ANSWER)).url(), fetcher=fetcher)
        assert answer == Fetched(CALENDAR)

    def test_only_one(self, server: FeedServer, fetch: Fetch, fetcher: Fetcher) -> None:
        url = server.serve("busy", "", status=503)
        assert kind(fetch(url, fetcher=fetcher)) == "server_error"
        assert len(server.requests) == 2

    def test_none_where_there_is_no_time_for_it(self, server: FeedServer, fetch: Fetch) -> None:
        url = server.serve("busy", "", status=503)
        assert kind(fetch(url, deadline=1.4)) == "server_error"
        assert len(server.requests) == 1

    def test_none_where_the_server_asks_for_more_patience(
        self, server: FeedServer, fetch: Fetch, fetcher: Fetcher
    ) -> None:
        url = server.serve("busy", "", status=503, headers={"Retry-After": "30"})
        answer = fetch(url, fetcher=fetcher)
        assert isinstance(answer, Failed)
        assert answer.retry_after == 30.0
        assert len(server.requests) == 1

    def test_the_redirect_before_is_not_repeated(
        self, server: FeedServer, fetch: Fetch, fetcher: Fetcher
    ) -> None:
        replies = [Reply(b"", 502), Reply(CALENDAR)]
        server.redirect("old", "/new")
        server.serve("new", lambda request: replies.pop(0))
        assert fetch(server.url("old"), fetcher=fetcher) == Fetched(CALENDAR)
        assert [seen.path for seen in server.requests] == ["/old", "/new", "/new"]

    @pytest.mark.usefixtures("second_try_soon")
    def test_the_name_is_looked_up_and_judged_again(
        self, raw: Raw, fetch: Fetch, make: Make
    ) -> None:
        """DNS rebinding between the two tries."""
        answers = [["127.0.0.1"], ["169.254.169.254"]]
        fetcher = make(
            resolver=lambda host, port: answers.pop(0),
            allow_networks="127.0.0.1/32",
            allow_http=True,
            ports=range(1, 65_536),
            jitter=lambda: 0.0,
        )
        url = raw(each_time(None, ANSWER)).url(host=NAME)
        assert kind(fetch(url, fetcher=fetcher)) == "blocked_address"
        assert answers == []

    def test_the_validators_go_along(
        self, server: FeedServer, fetch: Fetch, fetcher: Fetcher
    ) -> None:
        seen: list[str | None] = []

        def body(request: ReceivedRequest) -> Reply:
            seen.append(request.headers.get("if-none-match"))
            return Reply(b"", 502)

        fetch(server.serve("busy", body), etag='"1"', fetcher=fetcher)
        assert seen == ['"1"', '"1"']


class TestTurns:
    """Security section 7: 4 at a time for one host, 32 in all; waiting costs the deadline."""

    def test_who_waits_too_long_is_late(self, raw: Raw) -> None:
        running, release = threading.Event(), threading.Event()

        def script(connection: socket.socket, stop: threading.Event) -> None:
            read_head(connection)
            running.set()
            release.wait(10)
            connection.sendall(ANSWER)

        fetcher = HttpFetcher(allow_networks="127.0.0.0/8", max_fetches_per_host=1)
        request = FetchRequest(Feed(raw(script).url()))
        answers: list[FetchResponse] = []
        first = threading.Thread(target=lambda: answers.append(fetcher.fetch(request)))
        first.start()
        assert running.wait(10)
        late = fetcher.fetch(FetchRequest(request.feed, deadline=0.1))
        release.set()
        first.join()
        assert kind(late) == "timeout"
        assert answers == [Fetched(CALENDAR)]

    def test_so_many_and_no_more(self, raw: Raw) -> None:
        """Tasks of one event loop; the server counts."""
        busiest, now, lock = [0], [0], threading.Lock()

        def script(connection: socket.socket, stop: threading.Event) -> None:
            read_head(connection)
            with lock:
                now[0] += 1
                busiest[0] = max(busiest[0], now[0])
            stop.wait(0.02)
            with lock:
                now[0] -= 1
            connection.sendall(ANSWER)

        request = FetchRequest(Feed(raw(script).url()))
        answers: list[FetchResponse] = []

        async def main() -> None:
            fetcher = AsyncHttpFetcher(allow_networks="127.0.0.0/8", max_fetches_per_host=2)

            async def fetch() -> None:
                answers.append(await fetcher.fetch(request))

            async with anyio.create_task_group() as tasks:
                for _ in range(8):
                    tasks.start_soon(fetch)

        anyio.run(main)
        assert answers == [Fetched(CALENDAR)] * 8
        assert busiest[0] <= 2

    def test_a_task_that_waits_too_long_or_gives_up_is_forgotten(self, raw: Raw) -> None:
        release = threading.Event()

        def script(connection: socket.socket, stop: threading.Event) -> None:
            read_head(connection)
            release.wait(10)
            connection.sendall(ANSWER)

        feed = Feed(raw(script).url())
        answers: list[FetchResponse] = []

        async def main() -> None:
            fetcher = AsyncHttpFetcher(allow_networks="127.0.0.0/8", max_fetches_per_host=1)

            async def fetch(deadline: float) -> None:
                answers.append(await fetcher.fetch(FetchRequest(feed, deadline=deadline)))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(fetch, 10.0)
                await anyio.sleep(0.05)
                with anyio.move_on_after(0.05):
                    await fetch(10.0)
                await fetch(0.05)
                release.set()
            await fetch(10.0)

        anyio.run(main)
        assert [type(answer) for answer in answers] == [Failed, Fetched, Fetched]


class TestTasks:
    """An event loop's manners."""

    def test_without_the_extra_it_says_what_to_install(self) -> None:
        code = (
            "import sys; sys.modules['anyio'] = None\n"
            "import extcal\n"
            "try: extcal.AsyncHttpFetcher()\n"
            "except ImportError as error: assert 'extcal[async]' in str(error)\n"
            "else: sys.exit('made')"
        )
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

    @pytest.mark.serial
    def test_a_cancelled_task_leaves_nothing_open(self, raw: Raw) -> None:
        """Wherever it was: in the look-up, the connect, the handshake, the head, the body."""

        def silent(connection: socket.socket, stop: threading.Event) -> None:
            stop.wait(10)

        def half(connection: socket.socket, stop: threading.Event) -> None:
            read_head(connection)
            connection.sendall(ANSWER[:-5])
            stop.wait(10)

        release = threading.Event()

        def hangs(host: str, port: int) -> list[str]:
            release.wait(10)
            return []

        plain, halfway = raw(silent), raw(half)
        feeds = [
            (Feed(plain.url()), {}),
            (Feed(halfway.url()), {}),
            (
                Feed(f"https://127.0.0.1:{plain.port}/"),
                {"ssl_context": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)},
            ),
            (Feed(f"https://{NAME}/"), {"resolver": hangs}),
        ]

        async def main() -> None:
            for feed, options in feeds:
                fetcher = AsyncHttpFetcher(allow_networks="127.0.0.0/8", **options)  # type: ignore[arg-type]
                before = open_sockets()
                with anyio.move_on_after(0.05) as scope:
                    await fetcher.fetch(FetchRequest(feed))
                assert scope.cancelled_caught
                assert open_sockets() - before <= 1  # the server's own end

        try:
            anyio.run(main)
        finally:
            release.set()

    def test_other_tasks_go_on_while_one_is_flooded(self, raw: Raw) -> None:
        """No answer, however fast it comes, keeps the loop to itself."""

        def flood(connection: socket.socket, stop: threading.Event) -> None:
            read_head(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with suppress(OSError):
                while not stop.is_set():
                    connection.sendall(b"B" * 65_536)

        request = FetchRequest(Feed(raw(flood).url()))
        ticks = 0

        async def main() -> None:
            nonlocal ticks
            fetcher = AsyncHttpFetcher(allow_networks="127.0.0.0/8")

            async def tick() -> None:
                nonlocal ticks
                while True:
                    ticks += 1
                    await anyio.lowlevel.checkpoint()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(tick)
                assert kind(await fetcher.fetch(request)) == "too_large"
                tasks.cancel_scope.cancel()

        anyio.run(main)
        assert ticks > 100

    def test_one_fetcher_serves_one_loop_after_another(self, server: FeedServer) -> None:
        request = FetchRequest(Feed(server.serve("a.ics", CALENDAR)))
        fetcher = AsyncHttpFetcher(allow_networks=server.networks)
        for _ in range(3):
            assert anyio.run(fetcher.fetch, request) == Fetched(CALENDAR)

    def test_on_trio_too(self, raw: Raw, server: FeedServer) -> None:
        """The whole suite does, with EXTCAL_TEST_TRIO=1; here is a good answer and a few others."""
        pytest.importorskip("trio", reason="trio is not installed")

        def silent(connection: socket.socket, stop: threading.Event) -> None:
            stop.wait(10)

        fetcher = AsyncHttpFetcher(allow_networks="127.0.0.0/8", resolver=lambda host, port: [])
        asked = {
            server.serve("a.ics", CALENDAR, gzipped=True): "Fetched",
            server.url("none"): "Refused",
            server.serve("page", "<html>"): "html",
            raw(each_time(None)).url(): "connect",
            raw(silent).url(): "timeout",
            f"https://{NAME}/": "dns",
        }
        for url, expected in asked.items():
            request = FetchRequest(Feed(url), deadline=0.5)
            answer = anyio.run(fetcher.fetch, request, backend="trio")
            assert getattr(answer, "kind", type(answer).__name__) == expected


def open_sockets() -> int:
    found = 0
    for descriptor in os.listdir("/dev/fd"):
        with suppress(OSError):
            found += os.readlink(f"/dev/fd/{descriptor}").startswith("socket:")
    return found


class TestNamesOnRequest:
    """``allow_hosts`` and ``address_policy``, over a real socket."""

    def test_a_name_of_a_private_network(self, server: FeedServer, make: Make) -> None:
        server.serve("a.ics", CALENDAR)
        url = server.url("a.ics").replace("127.0.0.1", "exchange.corp.lan")
        options: dict[str, Any] = {
            "resolver": lambda host, port: ["127.0.0.1"],
            "allow_http": True,
            "ports": range(1, 65_536),
        }
        request = FetchRequest(Feed(url))
        both = make(allow_hosts="exchange.corp.lan", allow_networks="127.0.0.1/32", **options)
        assert both.fetch(request) == Fetched(CALENDAR)
        network_only = make(allow_networks="127.0.0.1/32", **options)
        assert kind(network_only.fetch(request)) == "blocked_url"
        name_only = make(allow_hosts="exchange.corp.lan", **options)
        assert kind(name_only.fetch(request)) == "blocked_address"

    def test_a_veto(self, server: FeedServer, make: Make) -> None:
        server.serve("a.ics", CALENDAR)
        url = server.url("a.ics").replace("127.0.0.1", NAME)
        judged: list[tuple[str, str]] = []

        def veto(host: str, address: object) -> bool:
            judged.append((host, str(address)))
            return str(address) != "127.0.0.1"

        fetcher = make(
            resolver=lambda host, port: ["127.0.0.1"],
            allow_http=True,
            ports=range(1, 65_536),
            allow_networks="127.0.0.0/8",
            address_policy=veto,
        )
        assert kind(fetcher.fetch(FetchRequest(Feed(url)))) == "blocked_address"
        assert judged == [(NAME, "127.0.0.1")]
        assert server.requests == []


def test_limits_reach_the_stages(raw: Raw, fetch: Fetch) -> None:
    """TLS has a limit of its own inside the deadline; the head of an answer has only that."""

    def silent(connection: socket.socket, stop: threading.Event) -> None:
        stop.wait(10)

    limits = Limits(idle_timeout=0.05, tls_timeout=0.05)
    port = raw(silent).port
    assert kind(fetch(f"http://127.0.0.1:{port}/", deadline=0.2, limits=limits)) == "timeout"
    assert kind(fetch(f"https://127.0.0.1:{port}/", limits=limits)) == "timeout"
