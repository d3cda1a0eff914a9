"""``extcal check --canary``: a record of how a publisher treats each User-Agent, safe to send."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

import extcal
import extcal.cli.check.canary
from extcal.cli.app import Setting, app
from extcal.testing import FakeFetcher, ManualClock, event, feed_text
from extcal.testing.server import FeedServer, ReceivedRequest, Reply

Canary = Callable[..., Result]
OFFICE = "outlook.office365.com"
BOB = "/owa/calendar/b0b@example.com/5ec2e7/calendar.ics"
BODY = feed_text(event("2027-01-04T09:00Z", "PT1H", summary="Interview", location="Room 5"))
ERROR_PAGE = "/owa/auth/errorfe.aspx?httpCode=500&owaError=OwaBasicUnsupportedException"
AGENTS = extcal.UserAgents()
NAMES = ["default", "microsoft", "browser"]


@pytest.fixture
def server() -> Iterator[FeedServer]:
    """Bob's calendar, reached as one of Microsoft's hosts."""
    trustme = pytest.importorskip("trustme", reason="certificates are made with trustme")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(OFFICE, "mail.example.net").configure_cert(context)
    with FeedServer(ssl_context=context) as server:
        server.serve(BOB, BODY, etag='W/"b0b5ec2e7"', last_modified="Mon, 04 Jan 2027 08:00:00 GMT")
        server.authority = authority  # type: ignore[attr-defined]
        yield server


@pytest.fixture
def canary(server: FeedServer, monkeypatch: pytest.MonkeyPatch) -> Canary:
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.authority.configure_trust(trust)  # type: ignore[attr-defined]
    fetcher = extcal.HttpFetcher(
        resolver=lambda host, port: ["127.0.0.1"],
        allow_networks=server.networks,
        ports=[server.port],
        ssl_context=trust,
        jitter=lambda: 0.0,
    )
    setting = Setting(ManualClock("2027-01-04T08:00Z"), fetcher, ZoneInfo("UTC"))

    def run(*words: str, host: str = OFFICE, stdin: str | None = None) -> Result:
        address = server.url(BOB, host=host) if stdin is None else stdin
        result = CliRunner().invoke(app, ["check", "--canary", *words], input=address, obj=setting)
        for secret in ("b0b", "5ec2e7", "mail.example.net", "/owa/", str(server.port), "Interview"):
            assert secret not in result.output
        return result

    return run


def requests(server: FeedServer) -> list[tuple[str, bool]]:
    return [
        (request.headers["user-agent"], "if-none-match" in request.headers)
        for request in server.requests
    ]


def record(result: Result) -> dict[str, Any]:
    (found,) = json.loads(result.stdout)["records"]
    assert isinstance(found, dict)
    return found


def test_once_under_each_user_agent_and_once_conditionally(
    server: FeedServer, canary: Canary
) -> None:
    """A publisher that takes everybody: three bodies, and a 304 to the string of its host."""
    result = canary("--json")
    assert result.exit_code == 0, result.output
    assert requests(server) == [
        (AGENTS.default, False),
        (AGENTS.microsoft, False),
        (AGENTS.browser, False),
        (AGENTS.microsoft, True),
    ]
    found = record(result)
    assert (found["provider"], found["cloud"]) == ("outlook", "Microsoft 365")
    assert (found["day"], found["extcal"]) == ("2027-01-04", extcal.__version__)
    assert [each["name"] for each in found["requests"]] == [*NAMES, "microsoft"]
    outcomes = [each["outcome"] for each in found["requests"]]
    assert outcomes == ["calendar"] * 3 + ["not modified"]
    assert [each["bytes"] for each in found["requests"]] == [len(BODY.encode())] * 3 + [None]
    for each in found["requests"]:
        (answer,) = each["answers"]
        assert answer["etag"] == "weak"
        assert answer["last_modified"] is True
        assert answer["turned_away"] is None
        assert 0 < answer["seconds"] <= each["seconds"]


def test_which_strings_were_refused_and_how(server: FeedServer, canary: Canary) -> None:
    server.fail(BOB, "not a browser")
    result = canary()
    assert result.exit_code == 0, result.output
    assert requests(server) == [
        (AGENTS.default, False),
        (AGENTS.microsoft, False),
        (AGENTS.browser, False),
        (AGENTS.browser, True),
    ]
    assert result.stdout.count("302 after") == 2
    assert result.stdout.count("turned away: X-OWA-Error says Unsupported") == 2
    assert "Provider    Outlook (Microsoft 365)" in result.stdout
    assert f"Asked as    {AGENTS.browser}, conditionally\n            not modified" in result.stdout
    assert f"calendar, {len(BODY.encode())} bytes" in result.stdout


@pytest.mark.parametrize(
    ("refusal", "how"),
    [
        (
            Reply(b"", 302, {"Location": "/owa/auth/errorfe.aspx?OwaBasicUnsupportedException"}),
            "redirect",
        ),
        (Reply(b"", 500, {"X-OWA-Error": "ClientUnsupported"}), "header"),
        (Reply(b"", 500), "500"),
    ],
)
def test_every_way_has_a_name(server: FeedServer, canary: Canary, refusal: Reply, how: str) -> None:
    def body(request: ReceivedRequest) -> Reply:
        return Reply(BODY) if "Chrome" in request.headers["user-agent"] else refusal

    server.serve(BOB, body)
    found = record(canary("--json"))
    ways = [[answer["turned_away"] for answer in each["answers"]] for each in found["requests"]]
    assert ways == [[how], [None], [None]]


def test_without_a_validator_nothing_is_asked_conditionally(
    server: FeedServer, canary: Canary
) -> None:
    server.serve(BOB, BODY)
    result = canary(host="mail.example.net")
    assert len(server.requests) == 3
    assert "Provider    Exchange\n" in result.stdout
    assert "not asked: no answer brought a validator" in result.stdout


def test_every_answer_on_the_way_is_in_the_record(server: FeedServer, canary: Canary) -> None:
    server.redirect("/short", server.url(BOB, host=OFFICE))
    found = record(canary("--json", stdin=server.url("/short", host="mail.example.net")))
    assert found["provider"] is None
    statuses = [[answer["status"] for answer in each["answers"]] for each in found["requests"]]
    assert statuses == [[302, 200]] * 3


def test_a_calendar_that_nobody_gets_ends_with_1_and_advice(
    server: FeedServer, canary: Canary
) -> None:
    server.fail(BOB, "404")
    result = canary()
    assert result.exit_code == 1
    assert result.stdout.count("not_found") == 3
    assert "paste it once more" in result.stderr


@pytest.mark.parametrize("how", ["503", "hang up", "reset"])
def test_an_accident_is_recorded_and_not_tried_again(
    server: FeedServer, canary: Canary, how: str
) -> None:
    """Once under each User-Agent: what a fetch would repeat is what the record shall show."""
    server.fail(BOB, how)
    result = canary()
    assert result.exit_code == 1
    assert len(server.requests) == 3
    assert result.stdout.count("ended after") == 3
    assert "last byte" not in result.stdout


def test_the_first_record_does_not_wait_for_the_second(
    server: FeedServer, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gives up on an address that takes minutes keeps what was recorded before it."""
    feeds: list[extcal.Feed] = []

    def once(feed: extcal.Feed, *rest: Any) -> Any:
        feeds.append(feed)
        if len(feeds) == 2:
            raise KeyboardInterrupt
        return extcal.cli.check.canary.canary(feed, *rest)

    monkeypatch.setattr("extcal.cli.app.canary", once)
    address = server.url(BOB, host=OFFICE)
    other = address.replace("5ec2e7", "no")
    result = canary(stdin=f"{address}\n{other}\n")
    assert result.exit_code == 1
    assert len(feeds) == 2
    assert result.stdout.count("Record ") == 1


def test_two_addresses_two_records(server: FeedServer, canary: Canary) -> None:
    ada = server.url(BOB, host=OFFICE)
    addresses = f"Ada = {ada}\nBob = {ada.replace('5ec2e7', 'no')}\n"
    result = canary(stdin=addresses)
    assert result.exit_code == 3
    assert result.stdout.count("Record ") == 2
    assert "Ada" not in result.stdout


@pytest.mark.parametrize("fetcher", [None, FakeFetcher({})])
def test_a_file_has_no_publisher(fetcher: FakeFetcher | None) -> None:
    setting = Setting(ManualClock("2027-01-04T08:00Z"), fetcher, ZoneInfo("UTC"))
    result = CliRunner().invoke(app, ["check", "--canary"], input=BODY, obj=setting)
    assert result.exit_code == 2
    assert "--canary takes addresses on the web" in result.stderr
