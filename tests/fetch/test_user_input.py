"""What people paste becomes a feed, or advice where the right address is found (quirks A)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from extcal.errors import FeedUrlError
from extcal.fetch import Feed, UrlPolicy
from extcal.fetch.address.url import Refusal

pytestmark = pytest.mark.core

FEED = "https://calendar.example.net/ada/a.ics"

# What people paste, and what becomes of it: the address (and the name and password) of a feed, or
# the kind of the refusal and a word of its advice.
PASTED = json.loads((Path(__file__).parent / "pasted.json").read_text("ascii"))


def test_there_are_enough_of_them() -> None:
    assert len(PASTED) >= 250
    assert all(("feed" in row) != ("refused" in row) for row in PASTED)


def made_of(pasted: str) -> Feed | FeedUrlError:
    try:
        return Feed.from_user_input(pasted)
    except FeedUrlError as refused:
        return refused


def test_an_address_that_follows_for_certain_is_made() -> None:
    """Q003 to Q006, Q015, Q019: what came along is taken off, and nothing has to be guessed."""
    for row in PASTED:
        if "feed" in row:
            feed = made_of(row["pasted"])
            auth = tuple(row["auth"]) if "auth" in row else None
            assert isinstance(feed, Feed), row["pasted"]
            assert (feed.reveal(), feed.reveal_auth()) == (row["feed"], auth), row["pasted"]
            assert Feed.from_user_input(row["feed"], auth=auth) == feed, row["pasted"]


def test_what_is_no_feed_is_refused_with_advice() -> None:
    """Q004: never stored silently; the advice is for the provider that the text speaks of."""
    for row in PASTED:
        if "refused" in row:
            refused = made_of(row["pasted"])
            assert isinstance(refused, FeedUrlError), row["pasted"]
            assert refused.kind == row["refused"], row["pasted"]
            assert row["advice"] in (refused.advice or ""), row["pasted"]
            assert row["advice"] in str(refused), row["pasted"]


def test_what_is_longer_than_any_address_is_not_read() -> None:
    for text in ("(" * 1_000_000 + ")" * 1_000_000, "BEGIN:VEVENT\n" * 1_000):
        with pytest.raises(FeedUrlError) as refused:
            Feed.from_user_input(text)
        assert refused.value.kind == "too-long"


def test_a_link_in_a_link_in_a_link_is_soon_given_up() -> None:
    """Every page that only leads on is followed once, whatever its address holds."""
    for page in ("https://calendar.google.com/calendar/r?cid=", "https://www.google.com/url?q="):
        with pytest.raises(FeedUrlError):
            Feed.from_user_input(page * 100 + FEED)


MAIL = {
    "google": "gmail.com googlemail.com google.com",
    "outlook": "outlook.com hotmail.com live.com msn.com",
    "icloud": "icloud.com me.com mac.com",
    "proton": "proton.me protonmail.com pm.me",
    None: "example.org",
}


@pytest.mark.parametrize("provider", MAIL)
def test_a_mail_address_is_refused_with_the_advice_for_its_provider(provider: str | None) -> None:
    """Whose calendar it is follows from the domain."""
    for domain in MAIL[provider].split():
        with pytest.raises(FeedUrlError) as refused:
            Feed.from_user_input(f"Ada.L@{domain}")
        assert refused.value.advice == Refusal.of("e-mail", provider=provider).advice, domain


@pytest.mark.parametrize(
    "host",
    "caldav.fastmail.com caldav.calendar.yahoo.com caldav.gmx.net caldav.web.de caldav.yandex.ru"
    " caldav.icloud.com calendar.mail.ru dav.mailbox.org".split(),
)
def test_a_server_of_collections_has_no_feeds(host: str) -> None:
    """A CalDAV collection is read by another protocol."""
    with pytest.raises(FeedUrlError) as refused:
        Feed.from_user_input(f"https://{host}/a/b")
    assert refused.value.kind == "page"


def test_three_pages_are_followed_and_no_fourth() -> None:
    """Each page's address holds the next one, and the last that of the feed."""
    page = "https://calendar.google.com/calendar/r?cid="
    assert Feed.from_user_input(page * 3 + FEED).reveal() == FEED
    with pytest.raises(FeedUrlError):
        Feed.from_user_input(page * 4 + FEED)


def test_the_longest_text_that_is_read_has_8192_characters() -> None:
    """A whole HTML element is read; one character more is refused, and not searched at length."""
    element = f'<a href="{FEED}">'
    assert Feed.from_user_input(element.ljust(8_192, "x")).reveal() == FEED
    with pytest.raises(FeedUrlError) as refused:
        Feed.from_user_input(element.ljust(8_193, "x"))
    assert refused.value.kind == "too-long"
    for before, named in ((8_182, True), (8_183, False)):
        with pytest.raises(FeedUrlError) as refused:
            Feed.from_user_input("x" * before + "icloud.com" + "x" * 9_000)
        assert ("icloud.com" in (refused.value.advice or "")) is named


def test_an_entity_is_read_four_times_at_most() -> None:
    """Twice around the address and twice in it: forms that escape more often do not occur."""
    feed = Feed.from_user_input(f"{FEED}?a=1&amp;amp;amp;amp;amp;b=2")
    assert feed.reveal() == f"{FEED}?a=1&amp;b=2"
    assert isinstance(made_of(f"&amp;amp;lt;{FEED}&amp;amp;gt;"), FeedUrlError)


def test_the_other_arguments_are_those_of_the_constructor() -> None:
    feed = Feed.from_user_input(
        f" {FEED} ", timezone="Europe/Berlin", owner="ada@example.org", detail="busy"
    )
    assert feed == Feed(FEED, "Europe/Berlin", "ada@example.org", detail="busy")


def test_a_zero_width_character_inside_a_name_is_not_removed() -> None:
    """It would change which name it is."""
    with pytest.raises(FeedUrlError):
        Feed.from_user_input("https://exam\u200dple.net/a.ics")


def test_a_text_of_nothing_but_wrappings_is_soon_given_up() -> None:
    assert Feed.from_user_input("*" * 10 + FEED + "*" * 10).reveal() == FEED
    for text in ("*" * 8_000, "URL:" * 2_000, "(" * 4_000 + ")" * 4_000):
        with pytest.raises(FeedUrlError):
            Feed.from_user_input(text)


@pytest.mark.parametrize(
    "refused",
    [
        "",
        "hello",
        "ftp://calendar.example.org/a.ics",
        "https://calendar.example.org/a b.ics",
        "https://calendar.example.org/" + "a" * 5_000,
        "https://ada@calendar.example.org/a.ics",
        "https://calendar%2eexample.org/a.ics",
        "https://-calendar.example.org/a.ics",
        "https://calendar.example.org:99999/a.ics",
        "https://0x7f.1/a.ics",
        "file://server/a.ics",
    ],
)
def test_no_address_is_refused_without_advice(refused: str) -> None:
    """What is wrong, and then what to do about it, which is another sentence."""
    with pytest.raises(FeedUrlError) as raised:
        Feed(refused)
    assert raised.value.advice
    assert raised.value.advice.endswith(".")
    assert raised.value.advice != raised.value.message


@pytest.mark.parametrize(
    "refused",
    [
        "http://calendar.example.com/a.ics",
        "https://calendar.example.com:8081/a.ics",
        "https://calendar/a.ics",
        "https://calendar.internal/a.ics",
        "https://203.0.113.7/a.ics",
        "https://8.8.8.8/a.ics",
        "file:///home/ada/a.ics",
    ],
)
def test_nor_one_that_the_policy_does_not_fetch(refused: str) -> None:
    """A form that asks ``fetcher.policy.check`` shows advice, too; whatever is allowed besides."""
    with pytest.raises(FeedUrlError) as raised:
        UrlPolicy().check(refused)
    assert raised.value.advice
    assert raised.value.advice.endswith(".")


@pytest.mark.parametrize("answers", [[], ["10.0.0.1"], ["8.8.8.8%1"], ["what"], ["8.8.8.8"] * 65])
def test_nor_a_name_that_leads_astray(answers: list[str]) -> None:
    """Every refusal has advice, wherever a host may show it."""
    refusal = UrlPolicy(address_policy=lambda host, address: False).vet(answers)
    assert isinstance(refusal, Refusal)
    assert refusal.advice.endswith(".")
