"""The server fails in every way it names, and extcal's own fetcher makes of it what it says."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

import extcal
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
)
from extcal.testing import ManualClock, event, feed_text
from extcal.testing.faults import FAULTS, LOGIN_FAULTS, ODD_SERVERS, USER_AGENT_FAULTS
from extcal.testing.server import FeedServer

BODY = feed_text(event("2027-01-04T09:00Z", "PT1H"), event("2027-01-05T09:00Z", "PT1H"))


def _threads() -> set[threading.Thread]:
    """Those of servers. Threads of caches of other tests may end at any moment."""
    return {one for one in threading.enumerate() if not one.name.startswith("extcal-")}


@pytest.fixture
def server() -> Iterator[FeedServer]:
    before = _threads()
    with FeedServer() as server:
        server.serve("ada.ics", BODY)
        yield server
    assert _threads() <= before


def fetch(server: FeedServer, *, etag: str | None = None, deadline: float = 1.4) -> FetchResponse:
    """Within less than 1.5 seconds nothing is tried twice."""
    feed = Feed(server.url("ada.ics"))
    request = FetchRequest(feed, etag=etag, deadline=deadline)
    return HttpFetcher(allow_networks=server.networks).fetch(request)


def kind(answer: FetchResponse) -> str:
    match answer:
        case Fetched():
            return "fetched"
        case NotModified():
            return "not modified"
        case Gone():
            return "gone"
        case Refused():
            return "refused"
        case Failed(kind=word):
            return word


def test_there_are_twenty_ways_and_more() -> None:
    assert len(FAULTS) >= 20


@pytest.mark.parametrize("how", FAULTS)
def test_every_fault_is_what_it_says(server: FeedServer, how: str) -> None:
    """``means`` is the fetcher's own word for it."""
    server.fail("ada.ics", how)
    means = FAULTS[how].means
    slow = means == "timeout"
    answer = fetch(server, etag='"1"', deadline=0.4 if slow else 1.4 if how != "bomb" else 10)
    assert kind(answer) == means


@pytest.mark.parametrize("how", [how for how in FAULTS if FAULTS[how].means == "fetched"])
def test_what_only_reading_shows(server: FeedServer, how: str) -> None:
    """A body that is cut is unknown time; one without events is free, and called empty."""
    server.fail("ada.ics", how)
    answer = fetch(server)
    assert isinstance(answer, Fetched)
    start, end = datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 1, 6, tzinfo=UTC)
    found = extcal.expand(answer.body, start, end)
    assert (not found.complete, found.empty) == ((True, False) if how == "cut" else (False, True))


@pytest.mark.parametrize("how", [how for how in ODD_SERVERS if how != "no validators"])
def test_odd_servers_are_read(server: FeedServer, how: str) -> None:
    """The calendar is whole, and what was odd is a Problem."""
    server.fail("ada.ics", how)
    answer = fetch(server)
    assert isinstance(answer, Fetched)
    assert answer.body.rstrip() == BODY.encode().rstrip()
    assert len(answer.problems) == (how not in ("late", "wants a cookie"))


def test_a_server_that_takes_no_validators(server: FeedServer) -> None:
    """A cache is well again after one failure, and sends none for a day."""
    server.serve("ada.ics", BODY, etag='"1"')
    server.fail("ada.ics", "no validators")
    clock = ManualClock("2027-01-04T08:00Z")
    cache = extcal.CalendarCache(
        fetcher=HttpFetcher(allow_networks=server.networks), clock=clock, jitter=lambda: 0.0
    )
    feed = Feed(server.url("ada.ics"))
    states = []
    for _ in range(12):
        states.append(cache.get(feed).state.value)
        clock.advance(timedelta(minutes=31))
    assert states == ["fresh", "error-stale", *["fresh"] * 10]


def test_the_numbers_are_statuses_and_tell_when_to_come_back(server: FeedServer) -> None:
    server.fail("ada.ics", "429")
    assert fetch(server) == Refused(429, 120.0)
    server.fail("ada.ics", "404")
    assert fetch(server) == Refused(404)


def test_a_fault_may_pass_by_itself(server: FeedServer) -> None:
    """``times`` says how often; after that the feed is served as before."""
    server.fail("ada.ics", "500", times=2)
    assert [kind(fetch(server)) for _ in range(3)] == ["server_error", "server_error", "fetched"]


def test_a_fault_ends_when_it_is_told_to(server: FeedServer) -> None:
    server.fail("ada.ics", "410")
    assert fetch(server) == Gone(410)
    server.recover("ada.ics")
    assert fetch(server) == Fetched(BODY.encode())


def test_a_path_that_serves_nothing_can_fail_too(server: FeedServer) -> None:
    address = server.fail("nothing.ics", "cut")
    answer = HttpFetcher(allow_networks=server.networks).fetch(FetchRequest(Feed(address)))
    assert isinstance(answer, Fetched)
    assert b"BEGIN:VEVENT" in answer.body


def test_an_unknown_fault_names_those_there_are(server: FeedServer) -> None:
    with pytest.raises(ValueError, match="sign-in page"):
        server.fail("ada.ics", "explode")
    with pytest.raises(ValueError, match="times"):
        server.fail("ada.ics", "500", times=0)


@pytest.mark.parametrize("how", ["stall", "drip", "slow headers"])
def test_the_server_ends_although_somebody_still_listens(how: str) -> None:
    """A client that waits for ever does not keep a test run from ending."""
    with FeedServer() as server:
        server.fail("ada.ics", how)
        waiting = threading.Thread(target=fetch, args=(server,), kwargs={"deadline": 20.0})
        waiting.start()
        while not server.requests:
            threading.Event().wait(0.01)
    waiting.join(10)
    assert not waiting.is_alive()


@pytest.mark.parametrize("how", ["500", "cut", "hang up", "reset", "stall", "not like Chrome"])
def test_the_same_over_https(how: str) -> None:
    """With a certificate, for whatever name it is made out to, and only for those who trust it."""
    trustme = pytest.importorskip("trustme", reason="certificates are made with trustme")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("outlook.office365.com").configure_cert(context)
    trust, stranger = (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) for _ in range(2))
    authority.configure_trust(trust)
    before = _threads()
    with FeedServer(ssl_context=context) as server:
        server.serve("ada.ics", BODY)
        feed = Feed(server.url("ada.ics", host="outlook.office365.com"))
        request = FetchRequest(feed, deadline=1.4)

        def fetcher(trust: ssl.SSLContext) -> HttpFetcher:
            return HttpFetcher(
                resolver=lambda host, port: ["127.0.0.1"],
                allow_networks=server.networks,
                ports=server.port,
                ssl_context=trust,
                user_agent="rota/1",
            )

        assert kind(fetcher(stranger).fetch(request)) == "tls"
        assert fetcher(trust).fetch(request) == Fetched(BODY.encode())
        server.fail("ada.ics", how)
        means = {**FAULTS, **USER_AGENT_FAULTS}[how].means
        if means == "timeout":
            request = FetchRequest(feed, deadline=0.4)
        assert kind(fetcher(trust).fetch(request)) == means
    assert _threads() <= before


def test_servers_with_a_login() -> None:
    """Whoever brings a password or a token is served, or refused whatever it is."""
    trustme = pytest.importorskip("trustme", reason="certificates are made with trustme")
    authority = trustme.CA()
    serving, trust = (
        ssl.SSLContext(kind) for kind in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT)
    )
    authority.issue_cert("mail.example.net").configure_cert(serving)
    authority.configure_trust(trust)
    bearer = {"Authorization": "Bearer token"}
    with FeedServer(ssl_context=serving) as server:
        server.serve("ada.ics", BODY)
        address = server.url("ada.ics", host="mail.example.net")
        plain, with_login = Feed(address), Feed(address, auth=("ada", "secret"))

        def outcome(how: str, feed: Feed, headers: dict[str, str]) -> str:
            server.fail("ada.ics", how)
            fetcher = HttpFetcher(
                resolver=lambda host, port: ["127.0.0.1"],
                allow_networks=server.networks,
                ports=server.port,
                ssl_context=trust,
                headers=lambda feed: headers,
            )
            try:
                return extcal.CalendarCache(fetcher=fetcher).get(feed).state.value
            except extcal.Unavailable as error:
                return error.kind

        found = {
            how: [
                outcome(how, plain, {}),
                outcome(how, with_login, {}),
                outcome(how, plain, bearer),
            ]
            for how in LOGIN_FAULTS
        }
    assert found == {
        "wants a password": ["unauthorized", "fresh", "unauthorized"],
        "wrong password": ["unauthorized", "wrong_password", "unauthorized"],
        "wants a token": ["unauthorized", "wrong_password", "fresh"],
        "wrong token": ["unauthorized", "wrong_password", "unauthorized"],
    }


def _fetcher_of(server: FeedServer, *hows: str) -> tuple[HttpFetcher, FetchRequest]:
    found = server.addresses(*hows)
    fetcher = HttpFetcher(
        resolver=lambda host, port: found,
        allow_networks="127.0.0.0/8",
        allow_http=True,
        ports=server.port,
    )
    feed = Feed(server.url("ada.ics", host="calendar.example.net"))
    return fetcher, FetchRequest(feed, deadline=4.0)


@pytest.mark.parametrize(
    ("hows", "seconds"),
    [
        (["refusing", "live"], 0.0),
        (["dead", "live"], 0.25),
        (["dead", "refusing", "dead", "live"], 0.5),
        (["slow", "live"], 0.25),
        (["slow"], 0.9),
    ],
)
def test_addresses_that_fail(server: FeedServer, hows: list[str], seconds: float) -> None:
    """RFC 8305: the next one 250 ms later; a slow one is used if there is no other."""
    fetcher, request = _fetcher_of(server, *hows)
    before = time.monotonic()
    assert fetcher.fetch(request) == Fetched(BODY.encode())
    assert time.monotonic() - before >= seconds


def test_no_address_that_lives(server: FeedServer) -> None:
    fetcher, request = _fetcher_of(server, "refusing", "refusing")
    assert kind(fetcher.fetch(request)) == "connect"
    fetcher, request = _fetcher_of(server, "dead")
    assert kind(fetcher.fetch(replace(request, deadline=0.1))) == "timeout"
    with pytest.raises(ValueError, match="'gone' is not what an address does"):
        server.addresses("gone")
    with pytest.raises(RuntimeError, match="does not run"):
        FeedServer().addresses("live")
