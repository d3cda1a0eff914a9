"""HttpFetcher against a server that behaves (design sections 2 and 4)."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from raw_servers import Fetch, Make, kind

from extcal.fetch import (
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
    UrlPolicy,
)
from extcal.limits import Limits
from extcal.testing.server import FeedServer, ReceivedRequest, Reply

CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"


class TestAnswers:
    """Every kind of answer, from a real socket."""

    def test_a_calendar(self, server: FeedServer, fetch: Fetch) -> None:
        url = server.serve("ada.ics", CALENDAR, etag='"1"', last_modified="yesterday")
        answer = fetch(url)
        assert answer == Fetched(CALENDAR.encode(), '"1"', "yesterday")
        assert "VCALENDAR" not in repr(answer)

    def test_compressed(self, server: FeedServer, fetch: Fetch) -> None:
        answer = fetch(server.serve("ada.ics", CALENDAR * 500, gzipped=True))
        assert answer == Fetched(CALENDAR.encode() * 500)

    def test_the_wrong_content_type_does_not_matter(self, server: FeedServer, fetch: Fetch) -> None:
        """Q008: neither direction."""
        right = server.serve("a.ics", CALENDAR, content_type="text/html")
        wrong = server.serve("b.ics", "<html>", content_type="text/calendar")
        assert isinstance(fetch(right), Fetched)
        assert kind(fetch(wrong)) == "html"

    def test_not_modified(self, server: FeedServer, fetch: Fetch) -> None:
        url = server.serve("ada.ics", CALENDAR, etag='"1"', last_modified="yesterday")
        assert fetch(url, etag='"1"', last_modified="yesterday") == NotModified()
        assert fetch(url, last_modified="yesterday") == NotModified()
        assert isinstance(fetch(url, etag='"0"'), Fetched)

    def test_statuses(self, server: FeedServer, fetch: Fetch) -> None:
        assert fetch(server.url("missing.ics")) == Refused(404)
        assert fetch(server.serve("gone", "", status=410)) == Gone(410)
        busy = server.serve("busy", "", status=429, headers={"Retry-After": "7"})
        assert fetch(busy) == Refused(429, 7.0)
        assert kind(fetch(server.serve("broken", "", status=500))) == "server_error"

    def test_what_is_no_calendar(self, server: FeedServer, fetch: Fetch) -> None:
        for body, expected in (("", "empty"), ("{}", "json"), ("hello", "not_a_calendar")):
            assert kind(fetch(server.serve("x", body))) == expected

    def test_redirects(self, server: FeedServer, fetch: Fetch) -> None:
        server.serve("ada.ics", CALENDAR)
        answer = fetch(server.redirect("old", "/ada.ics", status=301))
        assert isinstance(answer, Fetched)
        assert answer.moved_to == Feed(server.url("ada.ics")).fingerprint
        assert kind(fetch(server.redirect("loop", "/loop"))) == "too_many_redirects"
        assert len([seen for seen in server.requests if seen.path == "/loop"]) == 6
        assert kind(fetch(server.redirect("x", "http://10.0.0.1/"))) == "redirect_refused"
        assert kind(fetch(server.redirect("x", "http://127.0.0.1:x/"))) == "redirect_refused"

    def test_the_limits_of_the_request_or_of_the_fetcher(
        self, server: FeedServer, fetch: Fetch, make: Make
    ) -> None:
        url = server.serve("ada.ics", CALENDAR)
        assert kind(fetch(url, limits=Limits(max_wire_bytes=10))) == "too_large"
        fetcher = make(allow_networks=server.networks, limits=Limits(max_decoded_bytes=10))
        assert kind(fetch(url, fetcher=fetcher)) == "too_large"


class TestRequests:
    """What a server gets to see."""

    def test_the_headers(self, server: FeedServer, fetch: Fetch) -> None:
        fetch(server.serve("ada.ics", CALENDAR), etag='"1"')
        (seen,) = server.requests
        assert seen.method == "GET"
        assert set(seen.headers) == {
            "host",
            "user-agent",
            "accept",
            "accept-encoding",
            "if-none-match",
        }
        assert seen.headers["user-agent"].startswith("extcal/")

    def test_the_query_goes_out_byte_for_byte(self, server: FeedServer, fetch: Fetch) -> None:
        """Q019: it may be signed."""
        path = "/a%2fb.ics?K=a%3D&p=%C3%A4+b&&x"
        server.serve(path, CALENDAR)
        assert isinstance(fetch(server.url(path)), Fetched)
        assert server.requests[0].path == path

    def test_a_user_agent_of_ones_own(self, server: FeedServer, fetch: Fetch, make: Make) -> None:
        fetcher = make(allow_networks=server.networks, user_agent=" rota/2 (+https://x) ")
        fetch(server.serve("ada.ics", CALENDAR), fetcher=fetcher)
        assert server.requests[0].headers["user-agent"] == "rota/2 (+https://x)"

    def test_cookies_stay_in_one_fetch_and_at_one_origin(
        self, server: FeedServer, fetch: Fetch, make: Make
    ) -> None:
        """What a redirect sets goes back with the next hop to the same origin, and nowhere else."""
        server.serve("ada.ics", CALENDAR)
        set_cookie = {"Set-Cookie": "a=b; Domain=example.net; Path=/x"}
        old = server.serve("old", "", status=302, headers={"Location": "/ada.ics", **set_cookie})
        fetcher = make(allow_networks=server.networks)
        for _ in range(2):
            assert isinstance(fetch(old, fetcher=fetcher), Fetched)
        assert [request.headers.get("cookie") for request in server.requests] == [None, "a=b"] * 2
        assert {"referer", "authorization"}.isdisjoint(server.requests[1].headers)
        with FeedServer() as other:
            other.serve("ada.ics", CALENDAR)
            away = {"Location": other.url("ada.ics"), **set_cookie}
            assert isinstance(fetch(server.serve("old", "", status=302, headers=away)), Fetched)
            assert "cookie" not in other.requests[0].headers

    def test_a_server_that_redirects_until_it_sees_its_cookie(
        self, server: FeedServer, fetch: Fetch
    ) -> None:
        def page(request: ReceivedRequest) -> str | Reply:
            if request.headers.get("cookie") == "seen=1":
                return CALENDAR
            return Reply("", 302, {"Location": "/ada.ics", "Set-Cookie": "seen=1; Secure"})

        assert isinstance(fetch(server.serve("ada.ics", page)), Fetched)
        assert len(server.requests) == 2

    def test_the_environment_is_not_looked_at(
        self, server: FeedServer, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, "http://127.0.0.1:9/")
        assert isinstance(fetch(server.serve("ada.ics", CALENDAR)), Fetched)


class TestNames:
    """A name is looked up once per hop, all answers are judged, and the judged one is used."""

    @pytest.fixture(autouse=True)
    def driver(self, make: Make) -> None:
        self.make = make

    def fetcher(self, *answers: list[str], **fields: object) -> tuple[Fetcher, list[str]]:
        """A fetcher whose resolver gives each of ``answers`` in turn, and what it was asked."""
        asked: list[str] = []

        def resolver(host: str, port: int) -> list[str]:
            asked.append(host)
            return answers[min(len(asked), len(answers)) - 1]

        options = {"allow_networks": "127.0.0.1/32", "allow_http": True, "ports": range(1, 65_536)}
        return self.make(resolver=resolver, **(options | fields)), asked

    def url(self, server: FeedServer, path: str = "ada.ics") -> str:
        return server.url(path).replace("127.0.0.1", "calendar.example.net")

    def test_a_name_that_leads_to_an_admitted_address(
        self, server: FeedServer, fetch: Fetch
    ) -> None:
        server.serve("ada.ics", CALENDAR)
        fetcher, asked = self.fetcher(["127.0.0.1"])
        assert isinstance(fetch(self.url(server), fetcher=fetcher), Fetched)
        assert asked == ["calendar.example.net"]
        assert server.requests[0].headers["host"].startswith("calendar.example.net:")

    @pytest.mark.parametrize(
        "answers",
        [
            ["10.0.0.1"],
            ["127.0.0.1", "10.0.0.1"],
            ["10.0.0.1", "127.0.0.1"],
            ["127.0.0.2"],
            ["::1"],
        ],
    )
    def test_one_bad_answer_refuses_the_name(
        self, server: FeedServer, fetch: Fetch, answers: list[str]
    ) -> None:
        fetcher, _ = self.fetcher(answers)
        assert kind(fetch(self.url(server), fetcher=fetcher)) == "blocked_address"
        assert server.requests == []

    def test_a_name_that_leads_elsewhere_at_the_second_hop(
        self, server: FeedServer, fetch: Fetch
    ) -> None:
        """DNS rebinding: each hop is judged by its own answers."""
        server.redirect("ada.ics", "/again")
        fetcher, asked = self.fetcher(["127.0.0.1"], ["169.254.169.254"])
        assert kind(fetch(self.url(server), fetcher=fetcher)) == "blocked_address"
        assert len(asked) == 2
        assert len(server.requests) == 1

    def test_a_name_is_looked_up_once(self, server: FeedServer, fetch: Fetch) -> None:
        """DNS rebinding: what was judged is what is connected to; nobody asks a second time."""
        server.serve("ada.ics", CALENDAR)
        fetcher, asked = self.fetcher(["127.0.0.1"], ["169.254.169.254"])
        assert isinstance(fetch(self.url(server), fetcher=fetcher), Fetched)
        assert len(asked) == 1

    def test_a_name_that_leads_elsewhere_at_the_next_refresh(
        self, server: FeedServer, fetch: Fetch
    ) -> None:
        """What was harmless half an hour ago is judged anew; a cache then serves what it has."""
        server.serve("ada.ics", CALENDAR)
        fetcher, asked = self.fetcher(["127.0.0.1"], ["10.0.0.1"])
        assert isinstance(fetch(self.url(server), fetcher=fetcher), Fetched)
        assert kind(fetch(self.url(server), fetcher=fetcher)) == "blocked_address"
        assert len(asked) == 2
        assert len(server.requests) == 1

    def test_the_next_address_is_tried_when_one_is_dead(
        self, server: FeedServer, fetch: Fetch
    ) -> None:
        server.serve("ada.ics", CALENDAR)
        fetcher, _ = self.fetcher(["127.0.0.2", "127.0.0.1"], allow_networks="127.0.0.0/8")
        assert isinstance(fetch(self.url(server), fetcher=fetcher), Fetched)

    def test_a_mapped_address_is_connected_to_as_ipv4(
        self, server: FeedServer, fetch: Fetch
    ) -> None:
        server.serve("ada.ics", CALENDAR)
        fetcher, _ = self.fetcher(["::ffff:127.0.0.1"])
        assert isinstance(fetch(self.url(server), fetcher=fetcher), Fetched)

    def test_unknown_and_unreadable_names(self, server: FeedServer, fetch: Fetch) -> None:
        def unknown(host: str, port: int) -> list[str]:
            raise OSError("Name or service not known")

        fetcher = self.make(resolver=unknown)
        assert kind(fetch("https://calendar.example.net/", fetcher=fetcher)) == "dns"
        fetcher, _ = self.fetcher([])
        assert kind(fetch(self.url(server), fetcher=fetcher)) == "dns"
        fetcher, _ = self.fetcher(["127.0.0.1%1"])
        assert kind(fetch(self.url(server), fetcher=fetcher)) == "blocked_address"

    def test_a_resolver_that_hangs_costs_no_more_than_the_deadline(self, fetch: Fetch) -> None:
        release = threading.Event()

        def hangs(host: str, port: int) -> list[str]:
            release.wait(10)
            return []

        fetcher = self.make(resolver=hangs)
        try:
            answer = fetch("https://calendar.example.net/", fetcher=fetcher, deadline=0.1)
            assert kind(answer) == "timeout"
            limits = Limits(connect_timeout=0.05)
            answers = [
                fetch("https://calendar.example.net/", fetcher=fetcher, limits=limits)
                for _ in range(9)
            ]
            assert {kind(answer) for answer in answers} == {"dns"}
        finally:
            release.set()
        assert len([t for t in threading.enumerate() if t.name == "extcal-dns"]) <= 8

    def test_a_peer_that_is_not_the_judged_address(
        self, server: FeedServer, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import extcal.fetch.http.connect.guard as guard

        class Elsewhere(guard.socket.socket):
            def getpeername(self) -> tuple[str, int]:
                return ("127.0.0.9", super().getpeername()[1])

        monkeypatch.setattr(
            "extcal.fetch.http.connect.stream.new_socket", lambda address: Elsewhere()
        )
        fetcher, _ = self.fetcher(["127.0.0.1"])
        assert kind(fetch(self.url(server), fetcher=fetcher)) == "blocked_address"

    def test_the_system_is_asked_by_default(self) -> None:
        from extcal.fetch.http.connect.dns import system_resolver

        assert system_resolver("127.0.0.1", 443) == ["127.0.0.1"]
        assert system_resolver("::1", 443) == ["::1"]
        assert system_resolver("fe80::1%1", 443)[0].startswith("fe80::1%")


class TestTheFetcher:
    """Arguments, sharing, and what is not imported before it is needed."""

    def test_nothing_but_the_public_internet_by_default(
        self, server: FeedServer, fetch: Fetch, make: Make
    ) -> None:
        url = server.serve("ada.ics", CALENDAR)
        assert kind(fetch(url, fetcher=make())) == "blocked_url"
        assert kind(fetch("file:///etc/passwd", fetcher=make())) == "blocked_url"
        assert server.requests == []

    def test_a_policy_or_its_fields(self, server: FeedServer, fetch: Fetch, make: Make) -> None:
        url = server.serve("ada.ics", CALENDAR)
        policy = UrlPolicy(allow_networks=server.networks)
        assert HttpFetcher(policy=policy).policy == policy
        assert HttpFetcher(allow_networks=server.networks).policy == policy
        assert isinstance(fetch(url, fetcher=make(policy=policy)), Fetched)
        with pytest.raises(TypeError, match="not both"):
            HttpFetcher(policy=policy, allow_http=True)

    @pytest.mark.parametrize("user_agent", ["", " ", "a\r\nX: y", "\u00fc"])
    def test_a_user_agent_is_one_line(self, user_agent: str) -> None:
        with pytest.raises(ValueError, match="user_agent"):
            HttpFetcher(user_agent=user_agent)
        with pytest.raises(TypeError):
            HttpFetcher(user_agent=7)  # type: ignore[arg-type]

    def test_threads_may_share_it(self, server: FeedServer) -> None:
        fetcher = HttpFetcher(allow_networks=server.networks)
        request = FetchRequest(Feed(server.serve("ada.ics", CALENDAR)))
        answers: list[FetchResponse] = []
        threads = [
            threading.Thread(target=lambda: answers.append(fetcher.fetch(request)))
            for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [Fetched(CALENDAR.encode())] * 12

    def test_a_mistake_inside_is_an_answer_too(
        self, fetch: Fetch, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*arguments: object) -> None:
            raise RuntimeError("https://calendar.example.net/SECRET")

        monkeypatch.setattr("extcal.fetch.http.exchange.Journey.begin", broken)
        assert fetch("https://calendar.example.net/SECRET") == Failed("fetcher_error")
        assert "RuntimeError" in caplog.text
        assert "SECRET" not in caplog.text

    def test_its_repr_says_who_asks(self) -> None:
        assert repr(HttpFetcher()).startswith("<HttpFetcher extcal/")

    def test_neither_h11_nor_ssl_before_the_first_fetch(self) -> None:
        code = (
            "import sys, extcal; extcal.HttpFetcher(); extcal.Feed('https://a.example.net/');"
            " heavy = {'h11', 'ssl', 'asyncio', 'anyio', 'icalendar'} & set(sys.modules);"
            " sys.exit(repr(heavy) if heavy else 0)"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


class TestTheServer:
    """FeedServer, which hosts use in their own tests."""

    def test_a_callable_answers(self, server: FeedServer, fetch: Fetch) -> None:
        def body(request: ReceivedRequest) -> Reply | str:
            if "if-none-match" in request.headers:
                return Reply(status=503, headers={"Retry-After": "3"})
            return CALENDAR

        url = server.serve("ada.ics", body)
        assert isinstance(fetch(url), Fetched)
        assert fetch(url, etag='"1"') == Failed(
            "server_error", 3.0, "The server has a fault of its own."
        )

    def test_pages_can_be_replaced_and_forgotten(self, server: FeedServer, fetch: Fetch) -> None:
        url = server.serve("/ada.ics", CALENDAR)
        server.serve("ada.ics", b"<html>")
        assert kind(fetch(url)) == "html"
        server.forget("ada.ics")
        assert fetch(url) == Refused(404)
        assert [seen.path for seen in server.requests] == ["/ada.ics"] * 2

    @pytest.mark.serial
    def test_it_ends(self) -> None:
        before = {*threading.enumerate()}  # one of another test's may end meanwhile
        with FeedServer() as server:
            assert server.url("a").startswith("http://127.0.0.1:")
            assert not before.issuperset(threading.enumerate())
        assert before.issuperset(threading.enumerate())
        server.close()
        with pytest.raises(RuntimeError, match="with"):
            server.url("a")
