"""What to send, what a head means, where to go next: decisions without a network."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from extcal.fetch import (
    Failed,
    Feed,
    Fetched,
    FetchRequest,
    FetchResponse,
    Gone,
    HttpFetcher,
    NotModified,
    Refused,
    UrlPolicy,
)
from extcal.fetch.address.proxy import Proxy, read_proxy
from extcal.fetch.address.url import Refusal
from extcal.fetch.http.exchange import (
    Accident,
    Ask,
    Head,
    Journey,
    Pause,
    Read,
    address_refused,
    age_of,
)
from extcal.fetch.user_agents import ABOUT, UserAgents
from extcal.limits import Limits

pytestmark = pytest.mark.core

URL = "https://calendar.example.net/secret/a.ics"
OUTLOOK = "https://outlook.office365.com/owa/calendar/1@example.org/2/calendar.ics"
AGENT = UserAgents.only("tests/1")


def journey(url: str = URL, policy: UrlPolicy | None = None, **request: object) -> Journey:
    limits = Limits()
    return Journey(
        FetchRequest(Feed(url), **request),  # type: ignore[arg-type]
        policy or UrlPolicy(),
        limits,
        AGENT,
    )


def ask(of: Journey) -> Ask:
    step = of.begin()
    assert isinstance(step, Ask)
    return step


def meaning(status: int, url: str = URL, **fields: str) -> Ask | Read | FetchResponse:
    """What a head with these fields means; an underscore stands for a hyphen."""
    of = journey(url)
    pairs = tuple((name.replace("_", "-").lower(), value) for name, value in fields.items())
    step = of.head(ask(of), Head(status, pairs))
    assert not isinstance(step, Pause)
    return step.answer if isinstance(step, Accident) else step


class TestWhatIsSent:
    """Few headers, always the same, and validators to their own origin only."""

    def test_the_headers(self) -> None:
        assert ask(journey()).headers == (
            ("Host", "calendar.example.net"),
            ("User-Agent", "tests/1"),
            ("Accept", "text/calendar, text/plain;q=0.5, */*;q=0.1"),
            ("Accept-Encoding", "gzip"),
        )

    def test_a_port_that_is_not_usual_is_named(self) -> None:
        headers = dict(ask(journey("https://calendar.example.net:8443/")).headers)
        assert headers["Host"] == "calendar.example.net:8443"

    def test_an_entity_tag_goes_before_a_date(self) -> None:
        """RFC 9110 section 13.1.3."""
        both = dict(ask(journey(etag='W/"1"', last_modified="Mon, 04 Jan 2027")).headers)
        assert both["If-None-Match"] == 'W/"1"'
        assert "If-Modified-Since" not in both
        date = dict(ask(journey(last_modified="Mon, 04 Jan 2027")).headers)
        assert date["If-Modified-Since"] == "Mon, 04 Jan 2027"

    @pytest.mark.parametrize("validator", ['"1"\r\nX: y', "", "\u00e9", "a" * 1_025])
    def test_a_validator_that_could_do_harm_is_not_echoed(self, validator: str) -> None:
        headers = dict(ask(journey(etag=validator, last_modified=validator)).headers)
        assert len(headers) == 4

    def test_validators_stay_with_the_origin_that_issued_them(self) -> None:
        of = journey(etag='"1"')
        same = of.head(ask(of), Head(302, (("location", "/b"),)))
        other = of.head(ask(of), Head(302, (("location", "https://other.example.net/"),)))
        assert isinstance(same, Ask)
        assert isinstance(other, Ask)
        assert "If-None-Match" in dict(same.headers)
        assert "If-None-Match" not in dict(other.headers)

    def test_a_cookie_goes_back_to_the_origin_that_set_it(self) -> None:
        of = journey()
        fields = ("set-cookie", "session=1; Path=/")
        same = of.head(ask(of), Head(302, (fields, ("location", "/b"))))
        other = of.head(ask(of), Head(302, (fields, ("location", "https://other.example.net/"))))
        assert isinstance(same, Ask)
        assert isinstance(other, Ask)
        assert dict(same.headers)["Cookie"] == "session=1"
        assert "Cookie" not in dict(other.headers)

    def test_a_last_line_that_was_cut_is_completed_and_told(self) -> None:
        read = meaning(200)
        assert isinstance(read, Read)
        lines = "BEGIN:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "END:VCAL"
        answer = read.finish("\r\n".join(lines).encode())
        assert isinstance(answer, Fetched)
        assert answer.body.endswith(b"END:VEVENT\r\nEND:VCALENDAR\r\n")
        assert len(answer.problems) == 1

    def test_a_page_is_no_calendar_although_its_connection_broke(self) -> None:
        read = meaning(200)
        assert isinstance(read, Read)
        page = b"<html>BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        assert read.rescue(page) is None

    def test_its_address_is_that_of_the_repository(self) -> None:
        """Written in one place, and the same in the package's metadata."""
        root = Path(__file__).parents[2]
        sources = [path.read_text("utf-8") for path in (root / "src").rglob("*.py")]
        assert sum(text.count(f'\nABOUT = "{ABOUT}"\n') for text in sources) == 1
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
        assert project["urls"]["Repository"] == ABOUT

    def test_what_the_policy_refuses_is_not_asked(self) -> None:
        answer = journey("http://calendar.example.net/").begin()
        assert isinstance(answer, Failed)
        assert answer.kind == "blocked_url"

    def test_nor_what_is_longer_than_the_limits_say(self) -> None:
        of = Journey(FetchRequest(Feed(URL)), UrlPolicy(), Limits(max_url_length=20), "tests/1")
        answer = of.begin()
        assert isinstance(answer, Failed)
        assert answer.kind == "blocked_url"

    def test_a_step_shows_only_the_host(self) -> None:
        assert "secret" not in repr(ask(journey()))


class TestStatus:
    """Each status has one meaning."""

    @pytest.mark.parametrize(
        ("status", "answer"),
        [(410, Gone(410))]
        + [(status, Refused(status)) for status in (400, 401, 403, 404, 429, 451)],
    )
    def test_4xx(self, status: int, answer: FetchResponse) -> None:
        assert meaning(status) == answer

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (500, "server_error"),
            (503, "server_error"),
            (599, "server_error"),
            (204, "empty"),
            (205, "empty"),
            (206, "protocol"),
            (201, "protocol"),
            (101, "protocol"),
            (600, "protocol"),
            (304, "protocol"),
            (300, "redirect_refused"),
            (305, "redirect_refused"),
        ],
    )
    def test_the_rest(self, status: int, kind: str) -> None:
        answer = meaning(status)
        assert isinstance(answer, Failed)
        assert answer.kind == kind
        assert answer.looks_like

    def test_304_answers_a_conditional_request_only(self) -> None:
        of = journey(etag='"1"')
        assert of.head(ask(of), Head(304)) == NotModified()

    def test_200_is_read(self) -> None:
        step = meaning(200, ETag=' "1" ', Last_Modified="Mon, 04 Jan 2027 08:00:00 GMT")
        assert isinstance(step, Read)
        assert not step.gzipped
        assert step.answer.etag == '"1"'
        assert step.answer.last_modified == "Mon, 04 Jan 2027 08:00:00 GMT"
        assert step.answer.moved_to is None

    def test_a_validator_that_could_do_harm_is_not_kept(self) -> None:
        step = meaning(200, ETag='"' + "a" * 2_000 + '"')
        assert isinstance(step, Read)
        assert step.answer.etag is None

    @pytest.mark.parametrize(
        ("encoding", "gzipped"),
        [
            ("gzip", True),
            ("X-GZIP", True),
            ("identity", False),
            ("", False),
            ("identity, gzip", True),
        ],
    )
    def test_one_encoding_at_most(self, encoding: str, gzipped: bool) -> None:
        step = meaning(200, Content_Encoding=encoding)
        assert isinstance(step, Read)
        assert step.gzipped is gzipped

    @pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "gzip,br"])
    def test_no_other_encoding(self, encoding: str) -> None:
        answer = meaning(200, Content_Encoding=encoding)
        assert isinstance(answer, Failed)
        assert answer.kind == "bad_encoding"

    def test_a_length_beyond_the_limit_is_not_waited_for(self) -> None:
        answer = meaning(200, Content_Length="734003200")
        assert isinstance(answer, Failed)
        assert answer.kind == "too_large"
        assert isinstance(meaning(200, Content_Length="soon"), Read)


class TestRetryAfter:
    """RFC 9110 section 10.2.3, both forms, and no clock of ours."""

    @pytest.mark.parametrize(
        ("value", "date", "seconds"),
        [
            ("120", None, 120.0),
            ("0", None, 0.0),
            ("Mon, 04 Jan 2027 08:01:30 GMT", "Mon, 04 Jan 2027 08:00:00 GMT", 90.0),
            ("Mon, 04 Jan 2027 07:00:00 GMT", "Mon, 04 Jan 2027 08:00:00 GMT", 0.0),
            ("Mon, 04 Jan 2027 08:01:30 GMT", None, None),
            ("Mon, 04 Jan 2027 08:01:30", "Mon, 04 Jan 2027 08:00:00 GMT", None),
            ("soon", "Mon, 04 Jan 2027 08:00:00 GMT", None),
            ("-5", None, None),
            ("99999999999999999999", None, None),
            ("\u0661\u0662", None, None),
        ],
    )
    def test_forms(self, value: str, date: str | None, seconds: float | None) -> None:
        fields = {"Retry_After": value} | ({"Date": date} if date else {})
        for status in (429, 503):
            answer = meaning(status, **fields)
            assert isinstance(answer, (Refused, Failed))
            assert answer.retry_after == seconds


class TestAge:
    """RFC 9111 section 5.1: how long a cache on the way has kept it, in seconds."""

    @pytest.mark.parametrize(
        ("values", "seconds"),
        [
            ([], 0.0),
            (["0"], 0.0),
            (["1200"], 1200.0),
            ([" 7 "], 7.0),
            (["60, 120"], 60.0),
            (["60", "120"], 60.0),
            ([", 5"], 0.0),
            (["2147483648"], 2.0**31),
            (["2147483649"], 2.0**31),
            (["9" * 500], 2.0**31),
            (["0" * 500 + "7"], 2.0**31),
            (["9" * 100_000], 0.0),
            (["-5"], 0.0),
            (["+5"], 0.0),
            (["1.5"], 0.0),
            (["1e9"], 0.0),
            (["0x10"], 0.0),
            (["nan"], 0.0),
            (["inf"], 0.0),
            (["1_000"], 0.0),
            (["\u00b2"], 0.0),
            (["soon", "60"], 0.0),
            ([""], 0.0),
        ],
        ids=lambda given: repr(given)[:24],
    )
    def test_forms(self, values: list[str], seconds: float) -> None:
        """The first value counts; one that is no number of seconds says nothing."""
        head = Head(200, tuple(("age", value) for value in values))
        assert age_of(head) == seconds

    def test_of_a_calendar_and_of_a_304(self) -> None:
        """Both may come from a cache."""
        step = meaning(200, Age="90")
        assert isinstance(step, Read)
        assert step.answer.age == 90.0
        of = journey(etag='"1"')
        answer = of.head(ask(of), Head(304, (("age", "90"),)))
        assert isinstance(answer, NotModified)
        assert answer.age == 90.0

    @pytest.mark.parametrize("age", [-1, float("nan"), float("inf"), "60", None])
    def test_a_fetcher_of_a_host_says_a_number_of_seconds(self, age: Any) -> None:
        """What it cannot be is refused where it is made."""
        for make in (lambda: Fetched(b"", age=age), lambda: NotModified(age=age)):
            with pytest.raises((TypeError, ValueError), match=r"^age takes a number of seconds"):
                make()


class TestRedirects:
    """RFC 9110 section 15.4, and every hop from zero."""

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_followed(self, status: int) -> None:
        step = meaning(status, Location="//other.example.net/b?c#d")
        assert isinstance(step, Ask)
        assert step.url.text == "https://other.example.net/b?c"
        assert dict(step.headers)["Host"] == "other.example.net"
        assert step.permanent is (status in (301, 308))

    @pytest.mark.parametrize(
        ("location", "target"),
        [
            ("b.ics", "/secret/b.ics"),
            ("/b.ics", "/b.ics"),
            ("../b.ics", "/b.ics"),
            ("?x=1", "/secret/a.ics?x=1"),
            ("b%20c.ics", "/secret/b%20c.ics"),
            ("b c.ics", "/secret/b%20c.ics"),
            ("\u00c3\u00bc.ics", "/secret/%C3%BC.ics"),
        ],
    )
    def test_references_are_resolved(self, location: str, target: str) -> None:
        step = meaning(302, Location=location)
        assert isinstance(step, Ask)
        assert step.url.target == target

    @pytest.mark.parametrize(
        "location",
        [
            "http://calendar.example.net/secret/a.ics",
            "file:///etc/passwd",
            "gopher://127.0.0.1:6379/_FLUSHALL",
            "data:text/calendar,BEGIN:VCALENDAR",
            "https://2130706433/",
            "https://10.0.0.5/",
            "https://[::1]/",
            "https://[::1",
            "https://a:b@calendar.example.net/",
            "https://calendar.example.net:22/",
            "https://metadata.google.internal/",
            "https://localhost/",
            "https://calendar.example.net\\@127.0.0.1/",
            "https://calendar.example.net/" + "a" * 5_000,
        ],
    )
    def test_refused(self, location: str) -> None:
        answer = meaning(302, Location=location)
        assert isinstance(answer, Failed)
        assert answer.kind == "redirect_refused"
        assert answer.looks_like

    @pytest.mark.parametrize(
        ("location", "asked"),
        [
            ("http://calendar.example.net/b.ics", "https://calendar.example.net/b.ics"),
            ("http://calendar.example.net:80/b.ics", "https://calendar.example.net/b.ics"),
            ("http://calendar.example.net:8080/b.ics", None),
            ("http://other.example.net/b.ics", None),
            ("http://a.calendar.example.net/b.ics", None),
            (URL.replace("https", "http"), None),
        ],
    )
    def test_http_on_the_same_host_is_asked_over_https(
        self, location: str, asked: str | None
    ) -> None:
        """A server that leads to http and back: nothing is ever sent in clear."""
        step = meaning(302, Location=location)
        if asked is None:
            assert isinstance(step, Failed)
            assert step.kind == "redirect_refused"
        else:
            assert isinstance(step, Ask)
            assert step.url.text == asked

    def test_without_location(self) -> None:
        answer = meaning(302)
        assert isinstance(answer, Failed)
        assert answer.kind == "redirect_refused"

    def test_with_two_locations_none_is_taken(self) -> None:
        """A guard on the way may have judged the other one; saying the same twice is harmless."""
        of = journey()
        two = (("location", "/a"), ("location", "https://other.example.net/"))
        answer = of.head(ask(of), Head(302, two))
        assert isinstance(answer, Failed)
        assert answer.kind == "redirect_refused"
        assert isinstance(of.head(ask(of), Head(302, (two[0], two[0]))), Ask)

    def test_an_address_longer_than_the_limit(self) -> None:
        of = Journey(FetchRequest(Feed(URL)), UrlPolicy(), Limits(max_url_length=60), AGENT)
        assert isinstance(of.head(ask(of), Head(302, (("location", "/" + "a" * 20),))), Ask)
        answer = of.head(ask(of), Head(302, (("location", "/" + "a" * 60),)))
        assert isinstance(answer, Failed)
        assert answer.kind == "redirect_refused"

    def test_refresh_is_not_followed(self) -> None:
        assert isinstance(meaning(200, Refresh="0;url=https://other.example.net/"), Read)

    def test_five_hops_and_no_more(self) -> None:
        of = journey()
        step = ask(of)
        for hop in range(5):
            following = of.head(step, Head(302, (("location", f"/{hop}"),)))
            assert isinstance(following, Ask)
            step = following
        answer = of.head(step, Head(302, (("location", "/again"),)))
        assert isinstance(answer, Failed)
        assert answer.kind == "too_many_redirects"

    def test_a_permanent_move_is_reported_not_followed_for_good(self) -> None:
        of = journey()
        moved = of.head(ask(of), Head(301, (("location", "https://other.example.net/b"),)))
        assert isinstance(moved, Ask)
        read = of.head(moved, Head(200, (("etag", '"1"'),)))
        assert isinstance(read, Read)
        assert read.answer.moved_to == Feed("https://other.example.net/b").fingerprint
        assert read.answer.etag is None

    def test_one_temporary_hop_makes_it_temporary(self) -> None:
        of = journey()
        first = of.head(ask(of), Head(301, (("location", "/b"),)))
        assert isinstance(first, Ask)
        second = of.head(first, Head(302, (("location", "/c"),)))
        assert isinstance(second, Ask)
        read = of.head(second, Head(200))
        assert isinstance(read, Read)
        assert read.answer.moved_to is None

    def test_plain_http_may_lead_to_https(self) -> None:
        of = journey("http://calendar.example.net/", UrlPolicy(allow_http=True))
        assert isinstance(of.head(ask(of), Head(301, (("location", URL),))), Ask)

    @pytest.mark.parametrize(
        ("url", "word"),
        [
            (OUTLOOK, "Outlook"),
            (URL, "sign-in page"),
            ("https://calendar.google.com/calendar/ical/a/private-1/basic.ics", "Google"),
        ],
    )
    def test_a_sign_in_page_is_recognised_by_where_it_is(self, url: str, word: str) -> None:
        answer = meaning(302, url, Location="https://login.microsoftonline.com/common/oauth2?x")
        assert isinstance(answer, Failed)
        assert answer.kind == "html"
        assert word in (answer.looks_like or "")


class TestMicrosoftTurnsClientsAway:
    """Q001: never gone, never "not a calendar", and the advice names the way out."""

    @pytest.mark.parametrize(
        ("status", "url", "fields"),
        [
            (500, URL, {"X_OWA_Error": "Microsoft.Exchange.Clients.OwaBasicUnsupportedException"}),
            (302, OUTLOOK, {"X_OWA_Error": "x", "Location": "/owa/auth/errorfe.aspx?httpCode=500"}),
            (302, OUTLOOK, {"Location": "/owa/auth/errorfe.aspx?httpCode=500"}),
            (302, URL, {"Location": "/owa/auth/ErrorFE.aspx"}),
            (403, URL, {"X_OWA_Error": "OwaBasicUnsupportedException"}),
        ],
    )
    def test_every_form(self, status: int, url: str, fields: dict[str, str]) -> None:
        answer = meaning(status, url, **fields)
        assert isinstance(answer, Failed)
        assert answer.kind == "client_refused"
        assert "user_agent" in (answer.looks_like or "")

    def test_a_page_with_200(self) -> None:
        step = meaning(200, OUTLOOK, X_OWA_Error="OwaBasicUnsupportedException")
        assert isinstance(step, Read)
        answer = step.finish(b"<html>unsupported</html>")
        assert isinstance(answer, Failed)
        assert answer.kind == "client_refused"

    def test_what_is_something_else(self) -> None:
        assert meaning(404, OUTLOOK, X_OWA_Error="NotFound") == Refused(404)
        assert meaning(410, OUTLOOK, X_OWA_Error="OwaBasicUnsupportedException") == Gone(410)
        answer = meaning(503, OUTLOOK, Retry_After="5")
        assert isinstance(answer, Failed)
        assert answer.kind == "server_error"


class TestOneOtherTry:
    """An accident is tried once more, inside the deadline, from the beginning."""

    @pytest.mark.parametrize("status", [502, 503, 504])
    def test_a_gateway_that_is_not_ready(self, status: int) -> None:
        of = journey()
        accident = of.head(ask(of), Head(status))
        assert isinstance(accident, Accident)
        pause = of.try_again(accident, left=10.0, chance=0.25)
        assert isinstance(pause, Pause)
        assert pause.seconds == 0.75
        assert pause.ask.url == accident.ask.url
        assert pause.ask.headers == accident.ask.headers

    @pytest.mark.parametrize("status", [400, 403, 404, 408, 425, 429, 500, 501, 505, 599])
    def test_nothing_else(self, status: int) -> None:
        assert not isinstance(journey().head(ask(journey()), Head(status)), Accident)

    def test_only_once(self) -> None:
        of = journey()
        accident = of.head(ask(of), Head(503))
        assert isinstance(accident, Accident)
        pause = of.try_again(accident, left=10.0, chance=0.0)
        assert isinstance(pause, Pause)
        second = of.head(pause.ask, Head(503))
        assert isinstance(second, Accident)
        assert of.try_again(second, left=10.0, chance=0.0) == second.answer

    def test_once_for_the_whole_way(self) -> None:
        """A redirect does not buy another one."""
        of = journey()
        accident = of.head(ask(of), Head(503))
        assert isinstance(accident, Accident)
        pause = of.try_again(accident, left=10.0, chance=0.0)
        assert isinstance(pause, Pause)
        following = of.head(pause.ask, Head(302, (("location", "/b"),)))
        assert isinstance(following, Ask)
        third = of.head(following, Head(503))
        assert isinstance(third, Accident)
        assert of.try_again(third, left=10.0, chance=0.0) == third.answer

    @pytest.mark.parametrize(
        ("retry_after", "seconds"), [("0", 0.5), ("1", 1.0), ("2", None), ("3600", None)]
    )
    def test_retry_after_is_kept_to(self, retry_after: str, seconds: float | None) -> None:
        """Waited for when it is short; left to the cache when it is long."""
        of = journey()
        accident = of.head(ask(of), Head(503, (("retry-after", retry_after),)))
        assert isinstance(accident, Accident)
        step = of.try_again(accident, left=10.0, chance=0.0)
        assert (step.seconds if isinstance(step, Pause) else None) == seconds

    @pytest.mark.parametrize(
        ("left", "chance", "tried"),
        [(1.5, 0.0, True), (1.4, 0.0, False), (2.4, 0.999, False), (0.0, 0.0, False)],
    )
    def test_only_if_the_deadline_leaves_time_for_it(
        self, left: float, chance: float, tried: bool
    ) -> None:
        of = journey()
        accident = of.head(ask(of), Head(502))
        assert isinstance(accident, Accident)
        step = of.try_again(accident, left=left, chance=chance)
        assert isinstance(step, Pause) is tried
        assert tried or step == accident.answer

    @pytest.mark.parametrize(
        ("reset", "reading", "heard", "ended", "kind", "accident"),
        [
            (True, False, False, False, "connect", True),
            (True, False, True, False, "connect", True),
            (True, True, True, False, "truncated", True),
            (False, False, False, True, "connect", True),
            (False, False, True, True, "protocol", False),
            (False, False, True, False, "protocol", False),
            (False, True, True, True, "truncated", False),
            (False, True, True, False, "protocol", False),
        ],
    )
    def test_what_a_broken_connection_comes_to(
        self, reset: bool, reading: bool, heard: bool, ended: bool, kind: str, accident: bool
    ) -> None:
        """Resets and silence are accidents; what speaks wrongly would do so again."""
        of = journey()
        step = of.broken(ask(of), reset=reset, reading=reading, heard=heard, ended=ended)
        assert isinstance(step, Accident) is accident
        answer = step.answer if isinstance(step, Accident) else step
        assert answer.kind == kind


class TestLiterals:
    """An address that is spelled out is judged before anything is sent: a proxy would not."""

    def test_a_veto(self) -> None:
        policy = UrlPolicy(allow_ip_literals=True, address_policy=lambda host, address: False)
        answer = journey("https://8.8.8.8/", policy).begin()
        assert isinstance(answer, Failed)
        assert answer.kind == "blocked_url"
        admitted = UrlPolicy(allow_ip_literals=True, address_policy=lambda host, address: True)
        assert isinstance(journey("https://8.8.8.8/", admitted).begin(), Ask)


class TestProxies:
    """The address of a proxy is read, or what is wrong is returned; its password is sealed."""

    def test_where_it_is_and_what_it_asks_for(self) -> None:
        proxy = read_proxy(" http://ada:p%40ss@Proxy.example.:3128/ ")
        assert isinstance(proxy, Proxy)
        assert repr(proxy) == "<Proxy proxy.example:3128>"
        assert proxy.credentials() == (b"ada", b"p@ss")
        alone = read_proxy("http://ada@10.0.0.1:3128")
        assert isinstance(alone, Proxy)
        assert alone.credentials() == (b"ada", b"")
        plain = read_proxy("http://[::1]:3128")
        assert isinstance(plain, Proxy)
        assert (plain.host, plain.port, plain.credentials()) == ("::1", 3128, None)

    def test_none_and_what_is_none(self) -> None:
        assert read_proxy(None) is None
        assert isinstance(read_proxy(3128), TypeError)
        for text in ("", "proxy.example:3128", "https://proxy.example:1", "http://proxy.example"):
            assert isinstance(read_proxy(text), ValueError)
        with pytest.raises(TypeError, match="proxy"):
            HttpFetcher(proxy=3128)  # type: ignore[arg-type]


class TestTheEnd:
    """What a whole body amounts to."""

    def test_a_calendar_and_what_is_none(self) -> None:
        read = meaning(200)
        assert isinstance(read, Read)
        body = b"BEGIN:VCALENDAR\r\n"
        assert read.finish(body) == Fetched(body)
        cut = Failed("truncated")
        assert read.finish(cut) is cut
        page = read.finish(b"<html>")
        assert isinstance(page, Failed)
        assert page.kind == "html"

    def test_where_a_name_led(self) -> None:
        """Said in full: what is wrong, and what to do about it."""
        for word, kind in (("dns-empty", "dns"), ("ip-odd", "blocked_address")):
            refusal = Refusal(word, "It leads away.", "Paste another.")
            said = "It leads away. Paste another."
            assert address_refused(refusal) == Failed(kind, looks_like=said)

    def test_answers_show_no_body_and_kinds_are_a_closed_list(self) -> None:
        assert repr(Fetched(b"SECRET")) == "<Fetched 6 bytes>"
        with pytest.raises(ValueError, match="FAILURE_KINDS"):
            Failed("odd")


class TestHead:
    """Header fields as they come: any case, several lines, opaque bytes."""

    def test_fields(self) -> None:
        head = Head.from_raw(200, [(b"ETag", b' "\xff" '), (b"A", b"x, y"), (b"a", b"Z")])
        assert head.get("etag") == '"\u00ff"'
        assert head.get("missing") is None
        assert head.all("a") == ["x", "y", "z"]
        assert "ff" not in repr(head)
