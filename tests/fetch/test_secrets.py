"""The address is a secret: wherever a fetch can be looked at, it does not show (security 5)."""

from __future__ import annotations

import logging
import socket
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from raw_servers import CALENDAR, Fetch, Make, Raw

import extcal
from extcal.fetch import (
    AsyncHttpFetcher,
    Failed,
    Feed,
    Fetched,
    FetchRequest,
    HttpFetcher,
    UrlPolicy,
    as_feed,
)
from extcal.fetch.address.url import resolve_reference
from extcal.fetch.feed import read_feed
from extcal.fetch.http.exchange import Journey

SECRET = "SECRET-7f3a9bX2"
PATH = f"/{SECRET}/a.ics?key={SECRET}"
RAISES = "def fail(kept):\n    raise ValueError"


def answering(answer: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def script(connection: socket.socket, stop: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(answer)

    return script


def redirecting(connection: socket.socket, stop: threading.Event) -> None:
    connection.recv(65_536)
    connection.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/" + SECRET.encode() + b"\r\n\r\n"
    )


class TestTheWatch:
    """What looks for leaks sees them: in any disguise, and in any place."""

    @pytest.mark.parametrize(
        "text",
        [
            SECRET,
            SECRET.lower(),
            SECRET.upper(),
            SECRET[::-1],
            "".join(f"%{ord(letter):02X}" for letter in SECRET),
            SECRET.encode().hex(),
            "L1NFQ1JFVC03ZjNhOWJYMi8=",  # base64 of /SECRET-7f3a9bX2/
            "eC9TRUNSRVQtN2YzYTliWDIv",
            "eHgvU0VDUkVULTdmM2E5YlgyLw==",
        ],
    )
    def test_any_disguise(self, watch: Any, text: str) -> None:
        assert watch.told(f"before {text} after")
        assert not watch.told("calendar.example.net #3f9a1c02")

    def test_any_place(self, watch: Any) -> None:
        logging.getLogger("anybody").debug("asked for %s", SECRET)
        assert watch.leaks() == ["log"]
        print(SECRET)
        assert watch.leaks() == ["log", "console"]
        assert watch.leaks([SECRET]) == ["log", "values"]
        warnings.warn(SECRET, UserWarning, stacklevel=1)
        assert watch.leaks() == ["log", "warnings"]
        failed = Failed("html", looks_like=SECRET)
        assert watch.leaks(failed) == ["log", "warnings", "values", "an object: Failed"]
        del failed
        kept = Journey(FetchRequest(Feed("https://a.example.net/")), UrlPolicy(), None, SECRET)  # type: ignore[arg-type]
        assert "an object: Journey" in watch.leaks()
        del kept

    @pytest.mark.parametrize(
        ("folder", "told"),
        [
            (Path(extcal.__file__).parent, True),
            (Path("/home/ada/extcal/tests"), False),
            (Path("/home/ada/src/extcal/fetch"), False),
        ],
        ids=["ours", "a clone's", "a fork's"],
    )
    def test_the_frames_of_the_package_wherever_it_is(
        self, watch: Any, folder: Path, told: bool
    ) -> None:
        """A clone may be called extcal, too: what its tests keep in their frames is no leak."""
        names: dict[str, Any] = {}
        exec(compile(RAISES, str(folder / "frame.py"), "exec"), names)
        with pytest.raises(ValueError) as caught:
            names["fail"](SECRET)
        assert watch.told(watch.shown(caught.value)) is told


class TestTheSuiteWouldFail:
    """Take one redaction away, and the watch sees it: the tests below are no decoration."""

    def leaks(self, raw: Raw, fetch: Fetch, watch: Any) -> list[str]:
        answer = fetch(raw(redirecting).url(PATH), deadline=5.0)
        leaks: list[str] = watch.leaks(answer)
        return leaks

    def test_nothing_leaks_before(self, raw: Raw, fetch: Fetch, watch: Any) -> None:
        assert self.leaks(raw, fetch, watch) == []

    def test_if_a_feed_shows_its_address(
        self, raw: Raw, fetch: Fetch, watch: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Feed, "__repr__", lambda feed: f"<Feed {feed.reveal()}>")
        assert "log" in self.leaks(raw, fetch, watch)

    def test_if_an_answer_repeats_what_a_server_wrote(
        self, raw: Raw, fetch: Fetch, watch: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def telling(journey: Journey, ask: Any, head: Any) -> Failed:
            url = resolve_reference(ask.url, head.get("location"))
            return Failed("redirect_refused", looks_like=f"The server redirects to {url.text}.")  # type: ignore[union-attr]

        monkeypatch.setattr(Journey, "_redirect", telling)
        assert "values" in self.leaks(raw, fetch, watch)

    def test_if_an_address_is_kept_in_the_open(
        self, raw: Raw, fetch: Fetch, watch: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept: list[object] = []
        redirect = Journey._redirect

        def keeping(journey: Journey, ask: Any, head: Any) -> Any:
            kept.append(ask.url)
            return redirect(journey, ask, head)

        monkeypatch.setattr(Journey, "_redirect", keeping)
        assert "an object: Url" in self.leaks(raw, fetch, watch)


def test_what_is_left_of_a_fetch_that_went_well(raw: Raw, make: Make, watch: Any) -> None:
    """Whatever lists the objects of a process finds feeds, not addresses."""
    ok = b'HTTP/1.1 200 OK\r\nETag: "1"\r\n\r\n' + CALENDAR
    request = FetchRequest(Feed(raw(answering(ok)).url(PATH)))
    fetcher = make(allow_networks="127.0.0.0/8")
    answer = fetcher.fetch(request)
    assert isinstance(answer, Fetched)
    assert watch.leaks(answer, fetcher, fetcher.policy) == []  # type: ignore[attr-defined]
    # A request may be pickled for an executor; nothing else shows what it asks for.
    assert not watch.told(repr(request) + str(request) + f"{request}")


class TestNames:
    """Faults before anything is connected."""

    url = f"https://calendar.example.net{PATH}"

    @pytest.mark.parametrize("answers", [["10.0.0.1"], ["x"], [], ["fe80::1%1"], ["127.0.0.1"]])
    def test_what_a_name_leads_to(
        self, fetch: Fetch, make: Make, watch: Any, answers: list[str]
    ) -> None:
        fetcher = make(resolver=lambda host, port: answers)
        answer = fetch(self.url, fetcher=fetcher, deadline=1.4)
        assert isinstance(answer, Failed)
        assert watch.leaks(answer, fetcher) == []

    @pytest.mark.parametrize("error", [OSError, UnicodeError, KeyError, SystemExit])
    def test_a_resolver_that_tells_what_it_was_asked(
        self, fetch: Fetch, make: Make, watch: Any, error: type[BaseException]
    ) -> None:
        def resolver(host: str, port: int) -> list[str]:
            raise error(SECRET)

        answer = fetch(self.url, fetcher=make(resolver=resolver))
        assert isinstance(answer, Failed)
        assert answer.kind == "dns"
        assert watch.leaks(answer) == []

    @pytest.mark.parametrize(
        "url",
        [
            f"http://calendar.example.net{PATH}",
            f"https://localhost{PATH}",
            f"https://10.0.0.1{PATH}",
            f"https://calendar.example.net:22{PATH}",
        ],
    )
    def test_what_the_policy_refuses(self, fetch: Fetch, make: Make, watch: Any, url: str) -> None:
        answer = fetch(url, fetcher=make())
        assert isinstance(answer, Failed)
        assert answer.kind == "blocked_url"
        assert watch.leaks(answer) == []
        with pytest.raises(extcal.FeedUrlError) as refused:
            UrlPolicy().check(Feed(url))
        assert watch.leaks(refused.value) == []

    @pytest.mark.parametrize(
        "url",
        [
            f"https://ada:{SECRET}@calendar.example.net/",
            f"https://calendar.example.net:x{PATH}",
            f"https://127.1{PATH}",
            f"https://10.0.0.1{PATH}",
            f"gopher://{SECRET}",
            SECRET,
        ],
    )
    @pytest.mark.parametrize(
        "ask", [Feed, as_feed, Feed.from_user_input, UrlPolicy().check, read_feed]
    )
    def test_nor_does_an_address_that_is_refused_as_text(
        self, watch: Any, url: str, ask: Callable[[str], object]
    ) -> None:
        """No frame of ours keeps what it was given: error reporters ship local variables."""
        try:
            refused = ask(url)
        except extcal.FeedUrlError as error:
            assert error.__cause__ is error.__context__ is None
            assert watch.leaks(error) == []
        else:
            assert not watch.told(repr(refused))
            assert watch.leaks() == []


class TestMistakesOfOurOwn:
    """Even a mistake inside tells its type only."""

    @pytest.mark.parametrize("place", ["Journey.begin", "Journey.head", "Read.finish"])
    def test_an_exception(
        self,
        raw: Raw,
        fetch: Fetch,
        watch: Any,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        place: str,
    ) -> None:
        def broken(*arguments: object) -> None:
            raise RuntimeError(f"https://calendar.example.net/{SECRET}")

        monkeypatch.setattr(f"extcal.fetch.http.exchange.{place}", broken)
        answer = fetch(raw(answering(b"HTTP/1.1 200 OK\r\n\r\n" + CALENDAR)).url(PATH))
        assert answer == Failed("fetcher_error")
        assert "RuntimeError" in caplog.text
        assert watch.leaks(answer) == []

    def test_an_interrupt_shows_no_address_in_our_frames(
        self, raw: Raw, fetch: Fetch, watch: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What reports errors ships local variables: ours hold hosts and fingerprints."""

        def interrupted(*arguments: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("extcal.fetch.http.connect.guard.ReceivedData.note", interrupted)
        with pytest.raises(KeyboardInterrupt) as stopped:
            fetch(raw(answering(b"HTTP/1.1 200 OK\r\n\r\n")).url(PATH))
        assert not watch.told(watch.shown(stopped.value))

    def test_a_task_that_is_cancelled(self, raw: Raw, watch: Any) -> None:
        def silent(connection: socket.socket, stop: threading.Event) -> None:
            stop.wait(10)

        request = FetchRequest(Feed(raw(silent).url(PATH)))
        cancelled: list[BaseException] = []

        async def main() -> None:
            fetcher = AsyncHttpFetcher(allow_networks="127.0.0.0/8")

            async def fetch() -> None:
                try:
                    await fetcher.fetch(request)
                except BaseException as error:
                    cancelled.append(error)
                    raise

            with anyio.move_on_after(0.1):
                await fetch()

        anyio.run(main)
        (error,) = cancelled
        assert not watch.told(watch.shown(error))
        cancelled.clear()
        del error
        assert watch.leaks() == []


class TestTheProxysPassword:
    """Credentials in the proxy's address are as secret as a feed's address."""

    @pytest.mark.parametrize("fetcher", [HttpFetcher, AsyncHttpFetcher])
    def test_a_fetcher_does_not_show_it(
        self, watch: Any, fetcher: type[HttpFetcher | AsyncHttpFetcher]
    ) -> None:
        made = fetcher(proxy=f"http://ada:{SECRET}@proxy.example:3128")
        assert watch.leaks(made, vars(made)) == []

    @pytest.mark.parametrize("fetcher", [HttpFetcher, AsyncHttpFetcher])
    @pytest.mark.parametrize(
        "proxy",
        [
            f"socks5://ada:{SECRET}@proxy.example:3128",
            f"http://ada:{SECRET}@proxy.example",
            f"http://ada:{SECRET}@pro xy.example:1",
            f"http://ada:{SECRET}@proxy.example:99999",
            f"http://ada:{SECRET}@127.1:3128",
            f"http://ada:b@{SECRET}@proxy.example:3128",
            SECRET,
        ],
    )
    def test_nor_does_the_refusal_of_one(
        self, watch: Any, fetcher: type[HttpFetcher | AsyncHttpFetcher], proxy: str
    ) -> None:
        with pytest.raises(ValueError, match=r"proxy\.example:3128") as refused:
            fetcher(proxy=proxy)
        assert not watch.told(watch.shown(refused.value))

    def test_other_arguments_that_are_wrong_do_not_show_it_either(self, watch: Any) -> None:
        with pytest.raises(ValueError, match="user_agent") as refused:
            HttpFetcher(proxy=f"http://ada:{SECRET}@proxy.example:3128", user_agent="")
        assert not watch.told(watch.shown(refused.value))
