"""Names and passwords: to the feed's own origin, over https, and nowhere else (RFC 7617)."""

from __future__ import annotations

import base64
import copy
import dataclasses
import pickle
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from raw_servers import Make

import extcal
from extcal.errors import FeedUrlError
from extcal.fetch import (
    Failed,
    Feed,
    Fetched,
    Fetcher,
    FetchRequest,
    HttpFetcher,
    Refused,
    UrlPolicy,
)
from extcal.fetch.http.exchange import Ask, Head, Journey
from extcal.fetch.user_agents import UserAgents
from extcal.limits import Limits
from extcal.testing import FakeFetcher, ManualClock, event, feed_text
from extcal.testing.server import FeedServer, ReceivedRequest, Reply

NAME = "mail.example.net"
OTHER = "other.example.net"
URL = f"https://{NAME}/home/ada/calendar.ics"
SECRET = "SECRET-7f3a9bX2"  # what Watch looks for
BODY = feed_text(event("2027-01-04T09:00Z", "PT1H"))
BASIC = "Basic " + base64.b64encode(f"ada:{SECRET}".encode()).decode()


class TestFeeds:
    """Part of the feed, and sealed as its address is."""

    def test_pasted_constructed_or_passed_is_the_same_feed(self) -> None:
        text = URL.replace("//", "//ada:s%C3%A4%40cret@")
        feed = Feed(URL, auth=("ada", "s\u00e4@cret"))
        assert Feed(text) == Feed.from_user_input(text) == feed
        assert Feed.from_user_input(URL, auth=("ada", "s\u00e4@cret")) == feed
        assert Feed(text, auth=("ada", "s\u00e4@cret")) == feed
        assert feed.reveal() == URL
        assert feed.reveal_auth() == ("ada", "s\u00e4@cret")
        assert Feed(URL).reveal_auth() is None

    def test_it_is_part_of_the_identity(self) -> None:
        feeds = [Feed(URL), *(Feed(URL, auth=("ada", word)) for word in ("one", "two"))]
        feeds.append(Feed(URL, auth=("bob", "one")))
        for identity in (Feed.identity, Feed.url_identity, hash):
            assert len({identity(feed) for feed in feeds}) == len(feeds)
        assert len(set(feeds)) == len(feeds)
        assert len({feed.fingerprint for feed in feeds}) == 1

    def test_it_goes_along_with_copies_and_pickles(self) -> None:
        feed = Feed(URL, auth=("ada", SECRET))
        same = dataclasses.replace(feed, detail="busy")
        assert same.reveal_auth() == ("ada", SECRET)
        for made in (copy.deepcopy(feed), copy.copy(feed), pickle.loads(pickle.dumps(feed))):
            assert made == feed
            assert made.reveal_auth() == ("ada", SECRET)

    def test_no_two_spellings_of_a_pair_are_one_key(self) -> None:
        assert Feed(URL, auth=("a", "b:c")).identity() != Feed(URL, auth=("a", "b")).identity()
        quoted = Feed(URL, auth=('a","b', "c")).identity()
        assert quoted != Feed(URL, auth=("a", 'b","c')).identity()

    @pytest.mark.parametrize(
        ("auth", "error"),
        [
            ("ada:secret", TypeError),
            (("ada",), TypeError),
            (("ada", "secret", "more"), TypeError),
            (("ada", None), TypeError),
            ((b"ada", b"secret"), TypeError),
            (("", "secret"), ValueError),
            (("ada", ""), ValueError),
            (("a:da", "secret"), ValueError),
            (("ada", "sec\nret"), ValueError),
            (("ada", "sec\x00ret"), ValueError),
            (("ada", "\ud800"), ValueError),
            (("ada", "s" * 1_100), ValueError),
        ],
    )
    def test_what_cannot_be_sent_is_refused(self, auth: Any, error: type[Exception]) -> None:
        with pytest.raises(error, match=r"^auth takes"):
            Feed(URL, auth=auth)

    def test_two_that_differ_are_refused(self) -> None:
        with pytest.raises(ValueError, match="auth says something else"):
            Feed(URL.replace("//", "//ada:one@"), auth=("ada", "two"))

    @pytest.mark.parametrize("make", [Feed, Feed.from_user_input, UrlPolicy(allow_http=True).check])
    def test_never_over_http(self, make: Callable[[str], object]) -> None:
        with pytest.raises(FeedUrlError) as refused:
            make("http://ada:secret@mail.example.net/a.ics")
        assert refused.value.kind == "userinfo"
        assert "https://" in (refused.value.advice or "")
        for address in ("http://mail.example.net/a.ics", "file:///a.ics"):
            with pytest.raises(FeedUrlError):
                Feed(address, auth=("ada", "secret"))

    @pytest.mark.parametrize(
        "make",
        [
            lambda text: Feed(text),
            lambda text: Feed.from_user_input(f"  <{text}> "),
            lambda text: Feed(URL, auth=("ada", SECRET + "\n")),
            lambda text: Feed(text, auth=("ada", f"{SECRET}2")),
            lambda text: Feed(text, timezone="nowhere"),
            lambda text: Feed(URL, timezone="nowhere", auth=("ada", SECRET)),
            lambda text: Feed.from_user_input(URL, timezone="nowhere", auth=("ada", SECRET)),
            lambda text: UrlPolicy().check(text.replace("https:", "http:")),
            lambda text: UrlPolicy().check(text.replace(NAME, "mail.internal")),
            lambda text: Feed(text.replace(NAME, "0x7f.1")),
            lambda text: extcal.CalendarCache(fetcher=FakeFetcher({})).get(text),
        ],
    )
    def test_it_shows_nowhere(self, make: Callable[[str], object], watch: Any) -> None:
        """Not in a repr, an error, its frames, or what is left in memory."""
        shown: list[object] = []
        try:
            made = make(URL.replace("//", f"//ada:{SECRET}@"))
            shown = [repr(made), str(made), repr(dataclasses.asdict(made))]  # type: ignore[call-overload]
        except Exception as error:
            # The frame of the test itself holds what was typed; ours must not.
            shown.append(error)
        assert watch.leaks(*shown) == []


class TestJourneys:
    """Decided without a network: which request carries them."""

    def ask(self, location: str | None = None, url: str = URL) -> Ask:
        feed = Feed(url, auth=("ada", SECRET))
        of = Journey(FetchRequest(feed), UrlPolicy(), Limits(), UserAgents.only("tests/1"))
        step = of.begin()
        assert isinstance(step, Ask)
        ask = step
        for hop in (location or "").split():
            following = of.head(ask, Head(302, (("location", hop),)))
            assert isinstance(following, Ask)
            ask = following
        return ask

    @pytest.mark.parametrize(
        ("location", "sent"),
        [
            ("", True),
            ("/b.ics", True),
            (f"https://{NAME}/c", True),
            (f"https://{NAME}:8443/c", False),
            (f"https://{OTHER}/c", False),
            (f"https://{OTHER}/c /d", False),
            (f"https://a.{NAME}/c", False),
            (f"https://{OTHER}/c {URL}", True),
        ],
    )
    def test_only_to_its_own_origin(self, location: str, sent: bool) -> None:
        """Scheme, host and port (RFC 6454 section 4), whatever redirects say."""
        ask = self.ask(location)
        assert (ask.credentials is not None) is sent
        assert SECRET not in repr(ask) + repr(dataclasses.astuple(ask))


@pytest.fixture
def secure(authority: Any) -> Iterator[FeedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME, OTHER).configure_cert(context)
    with FeedServer(ssl_context=context) as server:
        yield server


@pytest.fixture
def fetcher(make: Make, secure: FeedServer, authority: Any) -> Callable[..., Fetcher]:
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trust)

    def new(**options: Any) -> Fetcher:
        return make(
            resolver=lambda host, port: ["127.0.0.1"],
            allow_networks=secure.networks,
            ports=secure.port,
            ssl_context=trust,
            **options,
        )

    return new


def protected(request: ReceivedRequest) -> Reply | str:
    return BODY if request.headers.get("authorization") == BASIC else Reply("", 401)


class TestOnTheWire:
    """Over TLS, from the first request on."""

    def test_sent_with_the_first_request(
        self, secure: FeedServer, fetcher: Callable[..., Fetcher], watch: Any
    ) -> None:
        secure.serve("ada.ics", protected)
        feed = Feed(secure.url("ada.ics", host=NAME), auth=("ada", SECRET))
        one = fetcher()
        answer = one.fetch(FetchRequest(feed))
        assert answer == Fetched(BODY.encode())
        assert len(secure.requests) == 1
        assert watch.leaks(answer, one) == []
        wrong = Feed(secure.url("ada.ics", host=NAME), auth=("ada", "wrong"))
        assert one.fetch(FetchRequest(wrong)) == Refused(401)

    def test_never_to_another_origin(
        self, secure: FeedServer, fetcher: Callable[..., Fetcher]
    ) -> None:
        secure.serve("ada.ics", BODY)
        secure.redirect("old.ics", secure.url("ada.ics", host=OTHER))
        feed = Feed(secure.url("old.ics", host=NAME), auth=("ada", SECRET))
        assert isinstance(fetcher().fetch(FetchRequest(feed)), Fetched)
        first, second = secure.requests
        assert first.headers["authorization"] == BASIC
        assert "authorization" not in second.headers

    def test_fields_of_the_host(self, secure: FeedServer, fetcher: Callable[..., Fetcher]) -> None:
        """``headers=`` is called with the feed before each request to its own origin."""
        secure.serve("ada.ics", BODY)
        secure.redirect("old.ics", "/ada.ics")
        secure.redirect("away.ics", secure.url("ada.ics", host=OTHER))
        asked: list[Feed] = []

        def headers(feed: Feed) -> dict[str, str]:
            asked.append(feed)
            return {"Authorization": f"Bearer {len(asked)}", "X-Tenant": "7"}

        one = fetcher(headers=headers)
        feed = Feed(secure.url("old.ics", host=NAME), auth=("ada", SECRET))
        assert isinstance(one.fetch(FetchRequest(feed)), Fetched)
        away = Feed(secure.url("away.ics", host=NAME))
        assert isinstance(one.fetch(FetchRequest(away)), Fetched)
        sent = [request.headers.get("authorization") for request in secure.requests]
        assert sent == ["Bearer 1", "Bearer 2", "Bearer 3", None]
        assert [request.headers.get("x-tenant") for request in secure.requests] == ["7"] * 3 + [
            None
        ]
        assert asked == [feed, feed, away]

    @pytest.mark.parametrize(
        "fields",
        [
            {"Host": "evil.example.net"},
            {"content-length": "5"},
            {"If-None-Match": "x"},
            {"X": "a\r\nY: b"},
            {"X Y": "a"},
            {"X": ""},
            {"X": 1},
            [("X", "a")],
            None,
            "X: a",
            RuntimeError(SECRET),
        ],
    )
    def test_what_it_does_wrong_is_a_failure_of_that_feed(
        self, fields: Any, secure: FeedServer, fetcher: Callable[..., Fetcher], watch: Any
    ) -> None:
        def headers(feed: Feed) -> Any:
            if isinstance(fields, Exception):
                raise fields
            return fields

        feed = Feed(secure.serve("ada.ics", BODY).replace("127.0.0.1", NAME))
        answer = fetcher(headers=headers).fetch(FetchRequest(feed))
        assert answer == Failed("fetcher_error")
        assert secure.requests == []
        assert watch.leaks(answer) == []

    def test_headers_is_a_callable(self, fetcher: Callable[..., Fetcher]) -> None:
        with pytest.raises(TypeError, match=r"^headers takes"):
            fetcher(headers={"X": "a"})


class TestCache:
    """A wrong password of one user is nobody else's 401."""

    def test_back_off_belongs_to_the_address_and_the_password(self) -> None:
        right, wrong = (Feed(URL, auth=("ada", word)) for word in ("right", "wrong"))
        clock = ManualClock("2027-01-04T08:00Z")
        asked: list[Feed] = []

        class Server:
            def fetch(self, request: FetchRequest) -> Any:
                asked.append(request.feed)
                good = request.feed.reveal_auth() == ("ada", "right")
                return Fetched(BODY.encode()) if good else Refused(401)

        cache = extcal.CalendarCache(fetcher=Server(), clock=clock)
        with pytest.raises(extcal.Unavailable) as refused:
            cache.get(wrong)
        assert refused.value.kind == "wrong_password"
        assert "app password" in (refused.value.advice or "")
        assert cache.get(right).events
        with pytest.raises(extcal.Unavailable):
            cache.get(wrong)
        assert asked == [wrong, right]

    def test_a_token_of_one_feed_is_nobody_elses(self) -> None:
        """With ``headers=`` each feed is asked as somebody else, and backs off by itself."""

        class Server(HttpFetcher):
            def fetch(self, request: FetchRequest, /) -> Any:
                good = request.feed.timezone == "Europe/Berlin"
                return Fetched(BODY.encode()) if good else Refused(401)

        good, bad = (Feed(URL, timezone=zone) for zone in ("Europe/Berlin", "Europe/Rome"))
        for fetcher, shared in (
            (Server(headers=lambda feed: {}), False),
            (lambda: Server(headers=lambda feed: {}), False),
            (Server(), True),
        ):
            cache = extcal.CalendarCache(fetcher=fetcher)
            with pytest.raises(extcal.Unavailable):
                cache.get(bad)
            if shared:
                with pytest.raises(extcal.Unavailable):
                    cache.get(good)
            else:
                assert cache.get(good).events

    def test_without_one_a_401_asks_for_a_login(self) -> None:
        class Server:
            def fetch(self, request: FetchRequest) -> Any:
                return Refused(401)

        with pytest.raises(extcal.Unavailable) as refused:
            extcal.CalendarCache(fetcher=Server()).get(URL)
        assert refused.value.kind == "unauthorized"
        assert "name:password" in (refused.value.advice or "")

    def test_a_store_tells_nothing_of_it(self, tmp_path: Any) -> None:
        feed = Feed(URL, auth=("ada", SECRET))

        class Server:
            def fetch(self, request: FetchRequest) -> Any:
                return Fetched(BODY.encode())

        with extcal.SQLiteStore(tmp_path / "store.db") as store:
            extcal.CalendarCache(fetcher=Server(), store=store).get(feed)
            written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert SECRET.encode() not in written
        assert base64.b64encode(f"ada:{SECRET}".encode()) not in written
