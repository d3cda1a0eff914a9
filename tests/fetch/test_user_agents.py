"""Outlook by default: which User-Agent is sent to whom, and what happens when it is refused."""

from __future__ import annotations

import pickle
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import pytest
from raw_servers import CALENDAR, Make

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
    UrlPolicy,
    UserAgents,
)
from extcal.fetch.address.providers import MICROSOFT_CLOUDS
from extcal.fetch.http.exchange import (
    MOST_BROWSER_HOSTS,
    Accident,
    Ask,
    Head,
    Journey,
    Pause,
    Read,
    Step,
    turned_away_by,
)
from extcal.fetch.user_agents import ABOUT, CHROME
from extcal.limits import Limits
from extcal.testing.faults import USER_AGENT_FAULTS
from extcal.testing.server import FeedServer, ReceivedRequest, Reply

READ = Fetched(CALENDAR, '"1"')
OFFICE = "outlook.office365.com"
BOB = "/owa/calendar/b0b@example.com/5ec2e7/calendar.ics"
OUTLOOK = f"https://{OFFICE}{BOB}"
ELSEWHERE = f"https://mail.example.net{BOB}"
TOKEN = "Microsoft.Exchange.Clients.Owa2.Server.Core.OwaBasicUnsupportedException"
ERROR_PAGE = f"/owa/auth/errorfe.aspx?httpCode=500&owaError={TOKEN}&cid=1"
AGENTS = UserAgents()


def journey(
    url: str = OUTLOOK,
    agents: UserAgents = AGENTS,
    known: frozenset[str] = frozenset(),
    limits: Limits | None = None,
    **request: Any,
) -> Journey:
    return Journey(
        FetchRequest(Feed(url), **request), UrlPolicy(), limits or Limits(), agents, known
    )


def begun(of: Journey) -> Ask:
    step = of.begin()
    assert isinstance(step, Ask)
    return step


def agent(ask: Ask) -> str:
    return dict(ask.headers)["User-Agent"]


def head(status: int, **fields: str) -> Head:
    """An underscore in a name stands for a hyphen."""
    return Head(status, tuple((name.replace("_", "-").lower(), of) for name, of in fields.items()))


REFUSED = head(302, Location=ERROR_PAGE)


def once_more(of: Journey, step: Step | Read) -> Ask:
    """The second request that a refusal leads to."""
    assert isinstance(step, Accident)
    again = of.try_again(step, left=10.0, chance=0.0)
    assert isinstance(again, Ask)
    return again


class TestTheStrings:
    """Each names extcal, and says where to read about it or ends in its name."""

    def test_what_everybody_gets(self) -> None:
        assert AGENTS.default.startswith("extcal/")
        assert AGENTS.default.endswith(f" (+{ABOUT})")

    def test_what_microsoft_gets(self) -> None:
        name = AGENTS.default.partition(" ")[0]
        assert AGENTS.microsoft == f"{name} (Linux; +{ABOUT}) like Chrome/{CHROME}"

    def test_what_a_browser_says_with_extcals_name_at_its_end(self) -> None:
        name = AGENTS.default.partition(" ")[0]
        assert AGENTS.browser is not None
        assert AGENTS.browser.startswith("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (")
        assert f" Chrome/{CHROME}.0.0.0 Safari/537.36 " in AGENTS.browser
        assert AGENTS.browser.rpartition(" ")[2] == name

    @pytest.mark.parametrize("host", MICROSOFT_CLOUDS)
    def test_microsofts_hosts(self, host: str) -> None:
        of = journey(f"https://{host}/owa/calendar/1@example.org/2/calendar.ics")
        assert agent(begun(of)) == AGENTS.microsoft

    @pytest.mark.parametrize(
        "host",
        [
            "calendar.google.com",
            "office365.com",
            "outlook.office365.com.example.net",
            "a.outlook.office365.com",
            "myoutlook.live.com",
            "mail.example.net",
        ],
    )
    def test_nobody_else(self, host: str) -> None:
        """Names are compared whole: a part of one says nothing about whose it is."""
        assert agent(begun(journey(f"https://{host}{BOB}"))) == AGENTS.default

    @pytest.mark.parametrize("spelled", ["OUTLOOK.Office365.COM", "outlook.office365.com."])
    def test_however_the_name_is_spelled(self, spelled: str) -> None:
        assert agent(begun(journey(f"https://{spelled}{BOB}"))) == AGENTS.microsoft

    def test_the_port_does_not_matter(self) -> None:
        assert agent(begun(journey(f"https://{OFFICE}:443{BOB}"))) == AGENTS.microsoft

    def test_every_hop_gets_the_string_of_its_host(self) -> None:
        of = journey("https://short.example.net/bob")
        first = begun(of)
        second = of.head(first, head(302, Location=OUTLOOK))
        assert isinstance(second, Ask)
        third = of.head(second, head(302, Location="https://cdn.example.net/bob"))
        assert isinstance(third, Ask)
        assert [agent(hop) for hop in (first, second, third)] == [
            AGENTS.default,
            AGENTS.microsoft,
            AGENTS.default,
        ]

    def test_a_host_can_replace_each(self) -> None:
        mine = UserAgents(default="rota/1", microsoft=" rota/1 (Linux) like Chrome/150 ")
        assert agent(begun(journey(ELSEWHERE, mine))) == "rota/1"
        assert agent(begun(journey(OUTLOOK, mine))) == "rota/1 (Linux) like Chrome/150"
        assert mine.browser == AGENTS.browser
        assert pickle.loads(pickle.dumps(mine)) == mine

    @pytest.mark.parametrize("name", ["default", "microsoft", "browser"])
    @pytest.mark.parametrize("bad", ["", "  ", "a\r\nX: y", "a\nb", "a\tb", "a\0", "\u00fc"])
    def test_none_can_carry_a_header_of_its_own(self, name: str, bad: str) -> None:
        with pytest.raises(ValueError, match=f"{name} takes one line of printable ASCII"):
            UserAgents(**{name: bad})
        with pytest.raises(TypeError, match=f"{name} takes a str"):
            UserAgents(**{name: 7})  # type: ignore[arg-type]

    def test_only_the_second_can_be_left_out(self) -> None:
        assert UserAgents(browser=None).browser is None
        nothing: Any = None
        for name in ("default", "microsoft"):
            with pytest.raises(TypeError, match=name):
                UserAgents(**{name: nothing})


class TestRefusals:
    """In which ways a program is turned away for its User-Agent."""

    @pytest.mark.parametrize("url", [OUTLOOK, ELSEWHERE])
    @pytest.mark.parametrize(
        "location",
        [
            ERROR_PAGE,
            f"https://outlook.office.com{ERROR_PAGE}",
            ERROR_PAGE.upper(),
            ERROR_PAGE.lower(),
            f"/owa/auth/ErrorFE.aspx?x=1&owaError=x%3B{TOKEN}",
            "/owa/auth/errorfe%2Easpx?owaError=Owa%42asicUnsupportedException",
            "/owa/auth/errorfe.aspx?owaError=Owa%2542asicUnsupportedException",
            "/owa/auth/errorfe.aspx/OwaBasicUnsupportedException",
            "../../auth/errorfe.aspx?OwaBasicUnsupportedException",
            f"//mail.example.net{ERROR_PAGE}",
            f"http://mail.example.net{ERROR_PAGE}",
            "errorfe.aspx?owaError=OwaBasicUnsupportedException",
            "/owa/auth/errorfe.aspx;a=b?owaError=OwaBasicUnsupportedException",
            "/owa%2Fauth%2Ferrorfe.aspx?owaError=OwaBasicUnsupportedException",
            "https://10.0.0.1:8443/owa/auth/errorfe.aspx?OwaBasicUnsupportedException",
            # What is no proper address is not asked, but it says the same.
            f"{ERROR_PAGE}&refurl=a|b",
            f'{ERROR_PAGE}&x={{"y"}}',
            f"{ERROR_PAGE}&refurl={'a' * 5000}",
            ERROR_PAGE.replace("/", "\\", 3),
            f"https://ada@mail.example.net{ERROR_PAGE}",
            f"ms-outlook://mail.example.net{ERROR_PAGE}",
        ],
    )
    def test_the_redirect(self, url: str, location: str) -> None:
        for status in (301, 302, 303, 307, 308):
            of = journey(url)
            refused = head(status, Location=location)
            assert turned_away_by(begun(of).url, refused) == "redirect", status
            assert agent(once_more(of, of.head(begun(of), refused))) == AGENTS.browser, status

    @pytest.mark.parametrize("url", [OUTLOOK, ELSEWHERE])
    @pytest.mark.parametrize(
        "reason", [TOKEN, "ClientUnsupported", "unsupported", "x; UNSUPPORTED"]
    )
    def test_the_header(self, url: str, reason: str) -> None:
        for status in (302, 400, 401, 403, 404, 410, 429, 440, 500, 503):
            of = journey(url)
            refused = head(status, X_OWA_Error=reason)
            assert turned_away_by(begun(of).url, refused) == "header", status
            assert agent(once_more(of, of.head(begun(of), refused))) == AGENTS.browser, status

    def test_the_header_beside_others_of_its_name(self) -> None:
        twice = Head(500, (("x-owa-error", "x"), ("x-owa-error", TOKEN)))
        assert turned_away_by(begun(journey()).url, twice) == "header"

    def test_the_redirect_beside_others(self) -> None:
        twice = Head(302, (("location", "/new.ics"), ("location", ERROR_PAGE)))
        assert turned_away_by(begun(journey()).url, twice) == "redirect"

    @pytest.mark.parametrize("nothing", ["", "  "])
    def test_a_header_that_says_nothing_is_none(self, nothing: str) -> None:
        of = journey()
        bare = head(500, X_OWA_Error=nothing)
        assert turned_away_by(begun(of).url, bare) == "500"
        new = of.head(begun(of), head(301, X_OWA_Error=nothing, Location="/new.ics"))
        assert isinstance(new, Ask)

    def test_a_bare_500_of_microsofts_own(self) -> None:
        for host in MICROSOFT_CLOUDS:
            of = journey(f"https://{host}{BOB}")
            assert turned_away_by(begun(of).url, head(500)) == "500"
            assert agent(once_more(of, of.head(begun(of), head(500)))) == AGENTS.browser

    def test_a_page_with_200(self) -> None:
        """The body is read first: it may be the calendar all the same."""
        of = journey(ELSEWHERE)
        step = of.head(begun(of), head(200, X_OWA_Error=TOKEN))
        assert isinstance(step, Read)
        assert step.finish(CALENDAR) == Fetched(CALENDAR)
        again = once_more(of, step.finish(b"<html>unsupported</html>"))
        assert agent(again) == AGENTS.browser
        second = of.head(again, head(200))
        assert isinstance(second, Read)
        assert second.spent == len(b"<html>unsupported</html>")

    def test_a_page_with_200_and_another_reason(self) -> None:
        of = journey()
        step = of.head(begun(of), head(200, X_OWA_Error="ObjectNotFoundException"))
        assert isinstance(step, Read)
        answer = step.finish(b"<html>no</html>")
        assert isinstance(answer, Failed)
        assert answer.kind == "client_refused"

    @pytest.mark.parametrize(
        ("url", "answer"),
        [
            (ELSEWHERE, head(500)),
            (OUTLOOK, head(501)),
            (OUTLOOK, head(502)),
            (OUTLOOK, head(500, X_OWA_Error="ObjectNotFoundException")),
            (OUTLOOK, head(404, X_OWA_Error="NotFound")),
            (OUTLOOK, head(302, Location="/owa/auth/errorfe.aspx?httpCode=404")),
            (OUTLOOK, head(302, Location=f"/owa/auth/logon.aspx?url={ERROR_PAGE}")),
            (OUTLOOK, head(302, Location="/new.ics?OwaBasicUnsupportedException")),
            (OUTLOOK, head(404, Location=ERROR_PAGE)),
            (OUTLOOK, head(302)),
            (OUTLOOK, head(302, Location="http://[::")),
            (OUTLOOK, head(302, Location="/a.ics?/errorfe.aspx=OwaBasicUnsupportedException")),
            (OUTLOOK, head(302, Location="/a.ics#/errorfe.aspx?OwaBasicUnsupportedException")),
            (OUTLOOK, head(302, Location="//errorfe.aspx/a?OwaBasicUnsupportedException")),
            (OUTLOOK, head(302, Location="/owa/xerrorfe.aspx?OwaBasicUnsupportedException")),
            (OUTLOOK, head(302, Location="javascript:errorfe.aspx?OwaBasicUnsupportedException")),
            (OUTLOOK, head(304, X_OWA_Error=TOKEN)),
            (OUTLOOK, head(403)),
            (OUTLOOK, head(200)),
        ],
    )
    def test_what_is_something_else(self, url: str, answer: Head) -> None:
        of = journey(url, etag='"1"')
        assert turned_away_by(begun(of).url, answer) is None
        step = of.head(begun(of), answer)
        assert not (isinstance(step, Accident) and step.otherwise)


class TestTheSecondRequest:
    """The same fetch asks once more, the same as before but for the User-Agent."""

    def test_it_is_the_same_request(self) -> None:
        of = journey(etag='"1"')
        first = begun(of)
        second = once_more(of, of.head(first, REFUSED))
        assert second.url == first.url
        changed = [
            (was, now) for was, now in zip(first.headers, second.headers, strict=True) if was != now
        ]
        assert changed == [(("User-Agent", AGENTS.microsoft), ("User-Agent", AGENTS.browser))]
        assert dict(second.headers)["If-None-Match"] == '"1"'

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [(REFUSED, "client_refused"), (head(500, X_OWA_Error=TOKEN), "client_refused")],
    )
    def test_only_then_the_client_is_refused(self, answer: Head, kind: str) -> None:
        of = journey()
        step = of.head(once_more(of, of.head(begun(of), answer)), answer)
        assert isinstance(step, Failed)
        assert step.kind == kind
        assert "user_agents=" in (step.looks_like or "")

    def test_a_500_twice_is_the_servers_fault(self) -> None:
        of = journey()
        step = of.head(once_more(of, of.head(begun(of), head(500))), head(500))
        assert isinstance(step, Failed)
        assert step.kind == "server_error"
        assert "user_agents=" in (step.looks_like or "")

    def test_the_last_answer_counts(self) -> None:
        of = journey(etag='"1"')
        second = once_more(of, of.head(begun(of), REFUSED))
        assert of.head(second, head(304)) == NotModified()
        assert of.head(second, head(401)) == Refused(401)
        assert of.head(second, head(403, cf_mitigated="challenge")) == Refused(403)
        assert of.head(second, head(404)) == Refused(404)
        assert of.head(second, head(429, Retry_After="120")) == Refused(429, 120.0)
        assert of.head(second, head(410)) == Gone(410)
        read = of.head(second, head(200))
        assert isinstance(read, Read)
        assert read.finish(CALENDAR) == Fetched(CALENDAR)

    def test_410_stays_final(self) -> None:
        of = journey()
        gone = head(410, X_OWA_Error=TOKEN)
        assert of.head(once_more(of, of.head(begun(of), gone)), gone) == Gone(410)

    def test_redirects_count_as_before(self) -> None:
        of = journey(limits=Limits(max_redirects=1))
        second = once_more(of, of.head(begun(of), REFUSED))
        third = of.head(second, head(302, Location="/owa/calendar/new.ics"))
        assert isinstance(third, Ask)
        assert third.hops == 1
        assert agent(third) == AGENTS.browser
        end = of.head(third, head(302, Location="/owa/calendar/newer.ics"))
        assert isinstance(end, Failed)
        assert end.kind == "too_many_redirects"

    def test_what_one_of_microsofts_hosts_refuses_the_next_is_not_asked(self) -> None:
        of = journey()
        second = once_more(of, of.head(begun(of), REFUSED))
        new = of.head(second, head(301, Location=f"https://outlook.cloud.microsoft{BOB}"))
        other = of.head(second, head(301, Location="https://cdn.example.net/bob"))
        assert isinstance(new, Ask)
        assert isinstance(other, Ask)
        assert (agent(new), agent(other)) == (AGENTS.browser, AGENTS.default)

    def test_there_is_no_third(self) -> None:
        """Not even from the next host of a redirect."""
        of = journey("https://old.example.net/bob")
        second = once_more(of, of.head(begun(of), REFUSED))
        third = of.head(second, head(302, Location=ELSEWHERE))
        assert isinstance(third, Ask)
        assert agent(third) == AGENTS.default
        step = of.head(third, head(302, Location=ERROR_PAGE))
        assert isinstance(step, Failed)
        assert step.kind == "client_refused"

    def test_a_gateway_that_is_not_ready_is_tried_again_as_ever(self) -> None:
        of = journey()
        accident = of.head(once_more(of, of.head(begun(of), REFUSED)), head(503))
        assert isinstance(accident, Accident)
        assert accident.otherwise is None
        pause = of.try_again(accident, left=10.0, chance=0.0)
        assert isinstance(pause, Pause)
        assert agent(pause.ask) == AGENTS.browser

    def test_a_server_that_asks_for_patience_gets_it(self) -> None:
        of = journey()
        refused = of.head(begun(of), head(500, X_OWA_Error=TOKEN, Retry_After="120"))
        assert isinstance(refused, Accident)
        answer = of.try_again(refused, left=10.0, chance=0.0)
        assert answer == refused.answer
        assert isinstance(answer, Failed)
        assert answer.retry_after == 120.0
        soon = of.head(begun(of), head(500, X_OWA_Error=TOKEN, Retry_After="1"))
        assert isinstance(soon, Accident)
        pause = of.try_again(soon, left=10.0, chance=0.0)
        assert isinstance(pause, Pause)
        assert (pause.seconds, agent(pause.ask)) == (1.0, AGENTS.browser)
        assert of.try_again(soon, left=0.9, chance=0.0) == soon.answer

    def test_retry_after_of_the_redirect_is_about_following_it(self) -> None:
        of = journey()
        step = of.head(begun(of), head(302, Location=ERROR_PAGE, Retry_After="3600"))
        assert agent(once_more(of, step)) == AGENTS.browser

    @pytest.mark.parametrize(
        "agents",
        [UserAgents.only("rota/1"), UserAgents(browser=None), UserAgents(browser=AGENTS.microsoft)],
    )
    @pytest.mark.parametrize("answer", [REFUSED, head(500, X_OWA_Error=TOKEN), head(500)])
    def test_none_where_there_is_no_other_string(self, agents: UserAgents, answer: Head) -> None:
        of = journey(OUTLOOK, agents)
        step = of.head(begun(of), answer)
        assert isinstance(step, Failed)
        assert step.kind == ("server_error" if answer == head(500) else "client_refused")

    def test_none_for_a_page_either(self) -> None:
        of = journey(OUTLOOK, UserAgents.only("rota/1"))
        step = of.head(begun(of), head(200, X_OWA_Error=TOKEN))
        assert isinstance(step, Read)
        answer = step.finish(b"<html>")
        assert isinstance(answer, Failed)
        assert answer.kind == "client_refused"

    def test_the_bytes_of_a_page_count(self) -> None:
        of = journey(limits=Limits(max_wire_bytes=100))
        step = of.head(begun(of), head(200, X_OWA_Error=TOKEN))
        assert isinstance(step, Read)
        second = once_more(of, step.finish(b"<html>".ljust(60)))
        answer = of.head(second, head(200, Content_Length="41"))
        assert isinstance(answer, Failed)
        assert answer.kind == "too_large"
        assert isinstance(of.head(second, head(200, Content_Length="40")), Read)


class TestWhatIsRemembered:
    """What worked, per host, for as long as the fetcher lives."""

    def test_a_calendar_teaches(self) -> None:
        of = journey()
        second = once_more(of, of.head(begun(of), REFUSED))
        for taken in (Fetched(CALENDAR), NotModified()):
            assert of.learnt(second, taken) == {OFFICE: True}

    @pytest.mark.parametrize(
        "step", [Failed("client_refused"), Failed("timeout"), Refused(404), Refused(429), Gone()]
    )
    def test_no_failure_does(self, step: Step) -> None:
        of = journey()
        second = once_more(of, of.head(begun(of), REFUSED))
        assert of.learnt(second, step) == {}

    def test_the_first_string_teaches_nothing(self) -> None:
        of = journey()
        assert of.learnt(begun(of), Fetched(CALENDAR)) == {}

    def test_a_redirect_does(self) -> None:
        """Who leads a browser on took it: so two such hosts are passed in two fetches."""
        of = journey("https://old.example.net/bob")
        second = once_more(of, of.head(begun(of), REFUSED))
        third = of.head(second, head(302, Location=ELSEWHERE))
        assert of.learnt(second, third) == {"old.example.net": True}
        assert isinstance(third, Ask)
        assert of.learnt(third, of.head(third, REFUSED)) == {}

        later = journey("https://old.example.net/bob", known=frozenset({"old.example.net"}))
        led = later.head(begun(later), head(302, Location=ELSEWHERE))
        assert isinstance(led, Ask)
        last = once_more(later, later.head(led, REFUSED))
        assert agent(last) == AGENTS.browser
        assert later.learnt(last, Fetched(CALENDAR)) == {"mail.example.net": True}

    def test_who_is_remembered_is_asked_so_at_once(self) -> None:
        of = journey(known=frozenset({OFFICE}))
        assert agent(begun(of)) == AGENTS.browser
        assert agent(begun(journey(ELSEWHERE, known=frozenset({OFFICE})))) == AGENTS.default

    def test_what_was_learnt_while_it_waited_counts(self) -> None:
        of = journey(etag='"1"')
        first = begun(of)
        assert of.informed(first, {"outlook.live.com": None}) == first
        informed = of.informed(first, {OFFICE: None})
        assert agent(informed) == AGENTS.browser
        assert dict(informed.headers)["If-None-Match"] == '"1"'
        assert of.learnt(informed, Fetched(CALENDAR)) == {OFFICE: True}
        back = once_more(of, of.head(informed, REFUSED))
        assert agent(back) == AGENTS.microsoft
        assert of.informed(back, {OFFICE: None}) == back  # it knows better

    def test_what_no_longer_works_is_forgotten_when_the_other_does(self) -> None:
        of = journey(known=frozenset({OFFICE}))
        second = once_more(of, of.head(begun(of), REFUSED))
        assert agent(second) == AGENTS.microsoft
        assert of.learnt(second, Fetched(CALENDAR)) == {OFFICE: False}
        step = of.head(second, REFUSED)
        assert isinstance(step, Failed)
        assert step.kind == "client_refused"

    def test_what_other_fetches_learnt_meanwhile_stays(self) -> None:
        fetcher = HttpFetcher()
        learn(fetcher, "a.example.net")
        of = journey()
        fetcher._learn(of, begun(of), Fetched(CALENDAR))
        learn(fetcher, "b.example.net")
        assert list(fetcher._browser_hosts) == ["a.example.net", "b.example.net"]

    def test_no_more_than_so_many(self) -> None:
        fetcher = HttpFetcher()
        for number in range(MOST_BROWSER_HOSTS + 2):
            learn(fetcher, f"h{number}.example.net")
        known = list(fetcher._browser_hosts)
        assert len(known) == MOST_BROWSER_HOSTS
        assert (known[0], known[-1]) == ("h2.example.net", f"h{MOST_BROWSER_HOSTS + 1}.example.net")


def learn(fetcher: HttpFetcher, host: str) -> None:
    """What a fetch does that was turned away by ``host`` and taken as a browser."""
    of = journey(f"https://{host}{BOB}")
    second = once_more(of, of.head(begun(of), REFUSED))
    fetcher._learn(of, second, Fetched(CALENDAR))


# -- over real sockets ----------------------------------------------------------------------------


@pytest.fixture
def microsoft(authority: Any) -> Iterator[FeedServer]:
    """A server on loopback with a certificate for Microsoft's hosts, and Bob's calendar."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*MICROSOFT_CLOUDS, "mail.example.net").configure_cert(context)
    with FeedServer(ssl_context=context) as server:
        server.serve(BOB, CALENDAR, etag='"1"')
        yield server


@pytest.fixture
def reaching(make: Make, authority: Any, microsoft: FeedServer) -> Make:
    """Makes fetchers for which every name leads to that server."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trust)

    def new(**options: Any) -> Fetcher:
        return make(
            resolver=lambda host, port: ["127.0.0.1"],
            allow_networks=microsoft.networks,
            ports=[microsoft.port],
            ssl_context=trust,
            jitter=lambda: 0.0,
            **options,
        )

    return new


def asked(server: FeedServer) -> list[str]:
    return [request.headers["user-agent"] for request in server.requests]


def bob(server: FeedServer, host: str = OFFICE, **request: Any) -> FetchRequest:
    return FetchRequest(Feed(server.url(BOB, host=host)), **request)


class TestBobsCalendar:
    """Published with Outlook, read by default."""

    @pytest.mark.parametrize(
        ("how", "strings"),
        [
            (None, [AGENTS.microsoft]),
            ("not like Chrome", [AGENTS.microsoft]),
            ("not a browser", [AGENTS.microsoft, AGENTS.browser]),
        ],
    )
    def test_whatever_microsofts_rule(
        self, microsoft: FeedServer, reaching: Make, how: str | None, strings: list[str]
    ) -> None:
        if how is not None:
            microsoft.fail(BOB, how)
        answer = reaching().fetch(bob(microsoft))
        assert answer == READ
        assert isinstance(answer, Fetched)
        assert answer.as_browser == (len(strings) == 2)
        assert asked(microsoft) == strings
        assert {request.headers["host"] for request in microsoft.requests} == {
            f"{OFFICE}:{microsoft.port}"
        }

    def test_what_worked_is_asked_first_from_then_on(
        self, microsoft: FeedServer, reaching: Make
    ) -> None:
        microsoft.fail(BOB, "not a browser")
        fetcher = reaching()
        assert fetcher.fetch(bob(microsoft)) == READ
        for _ in range(2):
            unchanged = fetcher.fetch(bob(microsoft, etag='"1"'))
            assert unchanged == NotModified()
            assert isinstance(unchanged, NotModified)
            assert unchanged.as_browser
        assert asked(microsoft) == [
            AGENTS.microsoft,
            AGENTS.browser,
            AGENTS.browser,
            AGENTS.browser,
        ]

    def test_another_host_is_asked_as_ever(self, microsoft: FeedServer, reaching: Make) -> None:
        microsoft.fail(BOB, "not a browser")
        fetcher = reaching()
        fetcher.fetch(bob(microsoft))
        microsoft.recover(BOB)
        fetcher.fetch(bob(microsoft, "outlook.live.com"))
        fetcher.fetch(bob(microsoft, "mail.example.net"))
        assert asked(microsoft)[2:] == [AGENTS.microsoft, AGENTS.default]

    def test_another_fetcher_knows_nothing_of_it(
        self, microsoft: FeedServer, reaching: Make
    ) -> None:
        microsoft.fail(BOB, "not a browser")
        for _ in range(2):
            reaching().fetch(bob(microsoft))
        assert asked(microsoft) == [AGENTS.microsoft, AGENTS.browser] * 2

    def test_the_validators_go_along(self, microsoft: FeedServer, reaching: Make) -> None:
        microsoft.fail(BOB, "not a browser")
        assert reaching().fetch(bob(microsoft, etag='"1"')) == NotModified()
        assert [each.headers.get("if-none-match") for each in microsoft.requests] == ['"1"', '"1"']

    def test_exchange_stands_in_companies_too(self, microsoft: FeedServer, reaching: Make) -> None:
        microsoft.fail(BOB, "not a browser")
        assert reaching().fetch(bob(microsoft, "mail.example.net")) == READ
        assert asked(microsoft) == [AGENTS.default, AGENTS.browser]

    @pytest.mark.parametrize(
        ("refusal", "kind"),
        [
            (Reply(b"", 500), "server_error"),
            (Reply(b"oops", 500, {"X-OWA-Error": TOKEN}), "client_refused"),
            (Reply(b"", 302, {"Location": ERROR_PAGE}), "client_refused"),
            (Reply(b"<html>no</html>", 200, {"X-OWA-Error": TOKEN}), "client_refused"),
            (Reply(b"", 403, {"X-OWA-Error": "ClientUnsupported"}), "client_refused"),
        ],
    )
    def test_refused_under_both(
        self, microsoft: FeedServer, reaching: Make, refusal: Reply, kind: str
    ) -> None:
        microsoft.serve(BOB, lambda request: refusal)
        fetcher = reaching()
        for _ in range(2):
            answer = fetcher.fetch(bob(microsoft))
            assert isinstance(answer, Failed)
            assert answer.kind == kind
        assert asked(microsoft) == [AGENTS.microsoft, AGENTS.browser] * 2

    @pytest.mark.parametrize(
        "refusal",
        [
            Reply(b"", 500),
            Reply(b"", 500, {"X-OWA-Error": TOKEN}),
            Reply(b"<html>no</html>", 200, {"X-OWA-Error": TOKEN}),
        ],
    )
    def test_refused_in_another_way_and_taken_as_a_browser(
        self, microsoft: FeedServer, reaching: Make, refusal: Reply
    ) -> None:
        def body(request: ReceivedRequest) -> Reply:
            return Reply(CALENDAR) if "Mozilla" in request.headers["user-agent"] else refusal

        microsoft.serve(BOB, body)
        assert reaching().fetch(bob(microsoft)) == Fetched(CALENDAR)
        assert asked(microsoft) == [AGENTS.microsoft, AGENTS.browser]

    def test_ones_own_string_overrides_everything(
        self, microsoft: FeedServer, reaching: Make
    ) -> None:
        microsoft.fail(BOB, "not a browser")
        for options in ({}, {"user_agents": UserAgents()}):
            answer = reaching(user_agent="rota/1", **options).fetch(bob(microsoft))
            assert isinstance(answer, Failed)
            assert answer.kind == "client_refused"
        assert asked(microsoft) == ["rota/1", "rota/1"]

    def test_the_second_can_be_switched_off_and_replaced(
        self, microsoft: FeedServer, reaching: Make
    ) -> None:
        microsoft.fail(BOB, "not a browser")
        answer = reaching(user_agents=UserAgents(browser=None)).fetch(bob(microsoft))
        assert isinstance(answer, Failed)
        mine = "Mozilla/5.0 (X11; Linux) Gecko/20100101 Firefox/145.0 rota/1"
        fetcher = reaching(user_agents=UserAgents(browser=mine))
        assert fetcher.fetch(bob(microsoft)) == READ
        assert asked(microsoft) == [AGENTS.microsoft, AGENTS.microsoft, mine]

    def test_it_all_happens_within_one_deadline(
        self, microsoft: FeedServer, reaching: Make
    ) -> None:
        stop = threading.Event()

        def body(request: ReceivedRequest) -> Reply:
            if "Mozilla" in request.headers["user-agent"]:
                stop.wait(10)
            return Reply(b"", 500)

        microsoft.serve(BOB, body)
        answer = reaching().fetch(bob(microsoft, deadline=0.5))
        stop.set()
        assert isinstance(answer, Failed)
        assert answer.kind == "timeout"
        assert asked(microsoft) == [AGENTS.microsoft, AGENTS.browser]

    def test_the_address_is_nowhere(
        self, microsoft: FeedServer, reaching: Make, caplog: pytest.LogCaptureFixture
    ) -> None:
        microsoft.fail(BOB, "not a browser")
        with caplog.at_level("DEBUG"):
            fetcher = reaching(user_agents=UserAgents(browser=None))
            answer = fetcher.fetch(bob(microsoft))
        for text in (caplog.text, repr(answer), repr(fetcher)):
            assert "5ec2e7" not in text
            assert "b0b@" not in text


@pytest.mark.parametrize(("at_once", "most"), [(1, 13), (4, 16)])
def test_many_threads_share_what_was_learnt(
    microsoft: FeedServer, authority: Any, at_once: int, most: int
) -> None:
    """Only those who ask at the same moment ask twice; who waits for them learns from them."""
    microsoft.fail(BOB, "not a browser")
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trust)
    fetcher = HttpFetcher(
        resolver=lambda host, port: ["127.0.0.1"],
        allow_networks=microsoft.networks,
        ports=[microsoft.port],
        ssl_context=trust,
        max_fetches_per_host=at_once,
    )
    answers: list[FetchResponse] = []
    threads = [
        threading.Thread(target=lambda: answers.append(fetcher.fetch(bob(microsoft))))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [READ] * 12
    assert len(microsoft.requests) <= most
    before = len(microsoft.requests)
    fetcher.fetch(bob(microsoft))
    assert asked(microsoft)[before:] == [AGENTS.browser]


def test_many_tasks_share_what_was_learnt(microsoft: FeedServer, authority: Any) -> None:
    microsoft.fail(BOB, "not a browser")
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trust)
    fetcher = AsyncHttpFetcher(
        resolver=lambda host, port: ["127.0.0.1"],
        allow_networks=microsoft.networks,
        ports=[microsoft.port],
        ssl_context=trust,
        max_fetches_per_host=1,
    )
    answers: list[FetchResponse] = []

    async def fetch() -> None:
        answers.append(await fetcher.fetch(bob(microsoft)))

    async def fetch_all() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(12):
                tasks.start_soon(fetch)

    anyio.run(fetch_all)
    assert answers == [READ] * 12
    assert asked(microsoft) == [AGENTS.microsoft, *[AGENTS.browser] * 12]


def test_a_fetcher_can_be_made_from_a_pickled_recipe() -> None:
    """What goes to another process is how to make a fetcher; its strings go along."""
    make = partial(HttpFetcher, user_agents=UserAgents(browser=None))
    assert "extcal/" in repr(pickle.loads(pickle.dumps(make))())


class TestArguments:
    @pytest.mark.parametrize("fetcher", [HttpFetcher, AsyncHttpFetcher])
    def test_what_user_agents_takes(self, fetcher: type[HttpFetcher]) -> None:
        with pytest.raises(TypeError, match="user_agents takes UserAgents"):
            fetcher(user_agents="rota/1")  # type: ignore[arg-type]

    def test_the_repr_names_the_program(self) -> None:
        assert repr(HttpFetcher()) == f"<HttpFetcher {AGENTS.default.partition(' ')[0]}>"
        assert repr(HttpFetcher(user_agent="rota/1 (x)")) == "<HttpFetcher rota/1>"


class TestTheServersRule:
    """extcal.testing.server plays Microsoft in two strictnesses; what was seen in the world."""

    @pytest.mark.parametrize(
        "user_agent",
        [
            "curl/8.5.0",
            "Mozilla/5.0",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.4.0",
            "extcal/1.0",
            "Nextcloud Webcal Service",
            AGENTS.default,
            "",
        ],
    )
    def test_who_is_refused_by_both(self, user_agent: str) -> None:
        assert not any(
            fault.spares({"user-agent": user_agent}) for fault in USER_AGENT_FAULTS.values()
        )

    @pytest.mark.parametrize(
        "user_agent",
        [
            "Mozilla/5.0 (Linux) Chrome/139",
            "Nextcloud/32 (Linux) like Chrome/30",
            AGENTS.microsoft,
        ],
    )
    def test_who_is_like_chrome_and_no_browser(self, user_agent: str) -> None:
        assert USER_AGENT_FAULTS["not like Chrome"].spares({"user-agent": user_agent})
        assert not USER_AGENT_FAULTS["not a browser"].spares({"user-agent": user_agent})

    @pytest.mark.parametrize(
        "user_agent",
        [
            AGENTS.browser,
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/139.0.0.0 Mobile Safari/537.36",
            "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
        ],
    )
    def test_who_is_taken_by_both(self, user_agent: str) -> None:
        assert all(fault.spares({"user-agent": user_agent}) for fault in USER_AGENT_FAULTS.values())

    def test_it_passes_by_itself(self, server: FeedServer) -> None:
        """``times`` counts those who were turned away."""
        server.serve("bob.ics", CALENDAR)
        server.fail("bob.ics", "not a browser", times=2)
        fetcher = HttpFetcher(allow_networks=server.networks, user_agent="rota/1")
        browser = HttpFetcher(allow_networks=server.networks, user_agent=AGENTS.browser)
        request = FetchRequest(Feed(server.url("bob.ics")))
        assert browser.fetch(request) == Fetched(CALENDAR)
        kinds = [getattr(fetcher.fetch(request), "kind", "fetched") for _ in range(3)]
        assert kinds == ["client_refused", "client_refused", "fetched"]


def test_replace_keeps_what_was_not_named() -> None:
    assert replace(UserAgents(default="rota/1"), browser=None) == UserAgents("rota/1", browser=None)
