"""What people paste becomes a feed, or advice where the right address is found (quirks A)."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from extcal.errors import FeedUrlError
from extcal.fetch import Feed, UrlPolicy
from extcal.fetch.address.providers import MICROSOFT_CLOUDS
from extcal.fetch.address.url import Refusal

pytestmark = pytest.mark.core

FEED = "https://calendar.example.net/ada/a.ics"
GOOGLE = "https://calendar.google.com/calendar/ical/ada%40example.org/private-0123/basic.ics"
PUBLIC = "https://calendar.google.com/calendar/ical/t%40group.calendar.google.com/public/basic.ics"

_FEED = "https://outlook.office365.com/owa/calendar/Ab1@example.org/K3y/calendar.ics"
_PAGE = "https://outlook.office365.com/calendar/published/Ab1@example.org/K3y/calendar.html"
PUBLISHED = [
    (_PAGE, _FEED),
    (_PAGE.replace(".html", ".ics"), _FEED),
    (_PAGE.replace("https:", "http:"), _FEED),
    (_PAGE.replace("https:", "webcal:"), _FEED),
    (_PAGE.removeprefix("https://"), _FEED),
    (_PAGE + "?culture=de-DE&path=/calendar/view/Month", _FEED),
    (_PAGE + "#path=/calendar/view/Month", _FEED),
    (_PAGE + "/", _FEED),
    (_PAGE + ".", _FEED),
    (_PAGE.replace("@", "%40"), _FEED.replace("@", "%40")),
    (_PAGE.replace("outlook.office365.com", "OUTLOOK.OFFICE365.COM."), _FEED),
    (
        _PAGE.replace("/calendar/published/", "/Calendar/Published/").replace(
            "calendar.html", "CALENDAR.HTML"
        ),
        _FEED,
    ),
    (_PAGE.replace("K3y/", "K3y/S-1-8-99/reach"), _FEED.replace("K3y/", "K3y/S-1-8-99/reach")),
    *[
        (_PAGE.replace("outlook.office365.com", host), _FEED.replace("outlook.office365.com", host))
        for host in MICROSOFT_CLOUDS
    ],
    (
        "https://outlook.live.com/calendar/published/0000-00/K3y/cid-1A/index.html",
        "https://outlook.live.com/owa/calendar/0000-00/K3y/cid-1A/calendar.ics",
    ),
    (
        "https://outlook.office365.com/OWA/Calendar/Ab1@example.org/K3y/Calendar.HTML?x=1",
        _FEED,
    ),
    (
        f"https://eur02.safelinks.protection.outlook.com/?url={quote(_PAGE, safe='')}&data=05",
        _FEED,
    ),
    # Nobody but Microsoft has that page: elsewhere it may be anything.
    (
        "https://calendar.example.net/calendar/published/Ab1@example.org/K3y/calendar.html",
        "https://calendar.example.net/calendar/published/Ab1@example.org/K3y/calendar.html",
    ),
]


def base64_text(text: str) -> str:
    return base64.b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "pasted",
    [
        f"  {FEED}\r\n",
        f"\u200b{FEED}\ufeff",
        f"\u00a0{FEED}\u2029",
        f"<{FEED}>",
        f"< {FEED} >",
        f'"{FEED}"',
        f"'{FEED}'",
        f"`{FEED}`",
        f"\u201c{FEED}\u201d",
        f"\u201e{FEED}\u201c",
        f"\u00ab{FEED}\u00bb",
        f"({FEED})",
        f"<URL:{FEED}>",
        f"URL: {FEED}",
        f"url:{FEED}",
        f"URLTO:{FEED}",
        f"MEBKM:TITLE:My calendar;URL:{FEED.replace(':', chr(92) + ':')};;",
        f"{FEED}.",
        f"{FEED},",
        f"<{FEED}>.",
        f"({FEED}),",
        f'"{FEED}"!',
        FEED.replace("https", "webcal"),
        FEED.replace("https", "WebCals"),
        FEED.replace("https:", "feed:"),
        f"webcal://{FEED}",
        f"feed:{FEED}",
        FEED.removeprefix("https://"),
        FEED.removeprefix("https:"),
        f"https://{FEED}",
        f"http://{FEED}",
        f"[{FEED}]",
        f"{{{FEED}}}",
        f"\u300c{FEED}\u300d",
        f"*{FEED}*",
        f"**{FEED}**",
        f"_{FEED}_",
        f"[My calendar]({FEED})",
        f'<a href="{FEED}">calendar</a>',
        f"<A class='x' HREF='{FEED}'>calendar</A> and more",
        f"ICS: {FEED}",
        f"iCal:{FEED}",
        f"My calendar is at {FEED}",
        f"Secret address in iCal format\n{FEED}\n",
        f"Secret address in iCal format:\t {FEED}",
    ],
)
def test_whatever_came_along_is_taken_off(pasted: str) -> None:
    """Spaces, brackets, quotes, labels, QR-code framing, other spellings of the scheme (Q003)."""
    assert Feed.from_user_input(pasted).reveal() == FEED


@pytest.mark.parametrize(
    ("pasted", "address"),
    [
        (GOOGLE, GOOGLE),
        (GOOGLE.replace("https", "http"), GOOGLE),
        (
            "http://www.google.com/calendar/ical/a/private-1/basic.ics",
            "https://www.google.com/calendar/ical/a/private-1/basic.ics",
        ),
        (f"https://calendar.google.com/calendar/u/0/r?cid={PUBLIC}", PUBLIC),
        (
            "https://calendar.google.com/calendar/render?cid="
            + PUBLIC.replace("%", "%25").replace(":", "%3A").replace("/", "%2F"),
            PUBLIC,
        ),
        (f"https://calendar.google.com/calendar/u/0?cid={base64_text(PUBLIC)}", PUBLIC),
        (
            "https://calendar.google.com/calendar/r?cid=webcal://feeds.example.net/a.ics",
            "https://feeds.example.net/a.ics",
        ),
        (
            "https://outlook.office365.com/owa/calendar/1@example.org/2/calendar.html",
            "https://outlook.office365.com/owa/calendar/1@example.org/2/calendar.ics",
        ),
        (
            "outlook.office365.com/owa/calendar/1@example.org/2/S-1-8/reachcalendar.html",
            "https://outlook.office365.com/owa/calendar/1@example.org/2/S-1-8/reachcalendar.ics",
        ),
        (
            "https://outlook.live.com/owa/calendar/1/2/cid-3/index.html",
            "https://outlook.live.com/owa/calendar/1/2/cid-3/calendar.ics",
        ),
        (
            "webcal://outlook.live.com/owa/calendar/1/2/cid-3/calendar.ics",
            "https://outlook.live.com/owa/calendar/1/2/cid-3/calendar.ics",
        ),
        (
            "https://outlook.live.com/calendar/0/addfromweb?url=https%3A%2F%2Ffeeds.example.net%2Fa.ics",
            "https://feeds.example.net/a.ics",
        ),
        (
            "https://mail.example.net/owa/calendar/1@example.net/2/calendar.html",
            "https://mail.example.net/owa/calendar/1@example.net/2/calendar.ics",
        ),
        (
            "webcal://p42-caldav.icloud.com/published/2/MTIz",
            "https://p42-caldav.icloud.com/published/2/MTIz",
        ),
        (
            "https://cloud.example.net/index.php/apps/calendar/p/AbC123xyz",
            "https://cloud.example.net/remote.php/dav/public-calendars/AbC123xyz/?export",
        ),
        (
            "https://example.net/cloud/apps/calendar/p/AbC123xyz/dayGridMonth/now",
            "https://example.net/cloud/remote.php/dav/public-calendars/AbC123xyz/?export",
        ),
        (
            "https://cloud.example.net/apps/calendar/embed/AbC123xyz",
            "https://cloud.example.net/remote.php/dav/public-calendars/AbC123xyz/?export",
        ),
        (
            "https://cloud.example.net/remote.php/dav/public-calendars/AbC123xyz",
            "https://cloud.example.net/remote.php/dav/public-calendars/AbC123xyz/?export",
        ),
        (
            "https://cloud.example.net/remote.php/dav/public-calendars/AbC123xyz/?export",
            "https://cloud.example.net/remote.php/dav/public-calendars/AbC123xyz/?export",
        ),
        (
            "https://calendar.proton.me/api/calendar/v1/url/x/calendar.ics?CacheKey=a%3D&P=b",
            "https://calendar.proton.me/api/calendar/v1/url/x/calendar.ics?CacheKey=a%3D&P=b",
        ),
        ("http://127.0.0.1:8765/ada.ics", "http://127.0.0.1:8765/ada.ics"),
        (f"https://www.google.com/url?q={GOOGLE}&sa=D", GOOGLE),
        (f"https://www.google.com/url?sa=t&url={quote(GOOGLE, safe='')}", GOOGLE),
        (
            f"https://eur02.safelinks.protection.outlook.com/?url={quote(GOOGLE, safe='')}&data=05",
            GOOGLE,
        ),
        (
            "https://nam02.safelinks.protection.outlook.com/?url="
            + quote("https://outlook.live.com/owa/calendar/1/2/cid-3/calendar.html", safe=""),
            "https://outlook.live.com/owa/calendar/1/2/cid-3/calendar.ics",
        ),
        (
            '<a href="https://www.airbnb.com/calendar/ical/7.ics?s=1&amp;locale=de">x</a>',
            "https://www.airbnb.com/calendar/ical/7.ics?s=1&locale=de",
        ),
        (
            "https://www.google.com/calendar/hosted/example.org/ical/a%40b/private-1/basic.ics",
            "https://www.google.com/calendar/hosted/example.org/ical/a%40b/private-1/basic.ics",
        ),
        (
            "https://calendar.google.com/calendar/b/1/ical/a%40b/private-1/basic.ics",
            "https://calendar.google.com/calendar/b/1/ical/a%40b/private-1/basic.ics",
        ),
        (
            "https://outlook.cloud.microsoft/owa/calendar/1@example.org/2/calendar.html",
            "https://outlook.cloud.microsoft/owa/calendar/1@example.org/2/calendar.ics",
        ),
        (PUBLIC.replace("basic.ics", "full.ics"), PUBLIC.replace("basic.ics", "full.ics")),
        (GOOGLE.replace("%40", "@"), GOOGLE.replace("%40", "@")),
        (
            "https://www.airbnb.com/calendar/ical/7.ics?s=0123%2F%3d&locale=",
            "https://www.airbnb.com/calendar/ical/7.ics?s=0123%2F%3d&locale=",
        ),
        (
            "WEBCAL://OUTLOOK.LIVE.COM/owa/calendar/1/2/cid-3/calendar.ics",
            "https://outlook.live.com/owa/calendar/1/2/cid-3/calendar.ics",
        ),
        (
            "https://outlook.office365.us/owa/calendar/1%40example.org/2/calendar.html",
            "https://outlook.office365.us/owa/calendar/1%40example.org/2/calendar.ics",
        ),
        (
            "https://user.fm/calendar/v1-1/Calendar.ics",
            "https://user.fm/calendar/v1-1/Calendar.ics",
        ),
        *PUBLISHED,
    ],
)
def test_an_address_that_follows_for_certain_is_made(pasted: str, address: str) -> None:
    """Q004, Q005, Q006, Q015, Q019: rewritten where nothing has to be guessed."""
    feed = Feed.from_user_input(pasted)
    assert feed.reveal() == address
    assert Feed.from_user_input(address) == feed


@pytest.mark.parametrize(
    ("pasted", "kind", "word"),
    [
        (
            "https://calendar.google.com/calendar/embed?src=t%40group.calendar.google.com",
            "page",
            "Google",
        ),
        ("https://calendar.google.com/calendar/u/0/r?cid=dGVhbUBleGFtcGxlLm9yZw", "page", "Google"),
        (
            "https://calendar.google.com/calendar/u/0?cid=t@group.calendar.google.com",
            "page",
            "Google",
        ),
        ("https://calendar.google.com/calendar/u/0/r?cid=" + "a=b&" * 60, "page", "Google"),
        ("https://calendar.google.com/calendar/u/0/r", "page", "Google"),
        ("https://calendar.google.com/", "page", "Google"),
        ("https://calendar.app.google/abcDEF", "page", "Google"),
        ("https://accounts.google.com/signin?continue=x", "page", "Google"),
        ("t@group.calendar.google.com", "calendar-id", "Secret address in iCal format"),
        ("ada@gmail.com", "e-mail", "Integrate calendar"),
        ("mailto:ada@gmail.com", "e-mail", "Google"),
        ("ada@hotmail.com", "e-mail", "Outlook"),
        ("ada@icloud.com", "e-mail", "Public"),
        ("ada@proton.me", "e-mail", "Proton"),
        ("ada@example.org", "e-mail", "settings"),
        ("ada%40gmail.com", "e-mail", "Google"),
        ("en.german#holiday@group.v.calendar.google.com", "calendar-id", "iCal format"),
        ("en.german%23holiday%40group.v.calendar.google.com", "calendar-id", "iCal format"),
        ("https://outlook.cloud.microsoft/calendar/", "page", "Outlook"),
        ("https://www.google.com/url?q=ada", "page", "settings"),
        ("https://www.google.com/url?q=https://www.google.com/url?q=https://a.de/", "page", "ICS"),
        ("https://www.google.com/url?q=file:///etc/passwd", "page", "settings"),
        ("https://x.safelinks.protection.outlook.com/?data=1", "page", "settings"),
        (
            '<iframe src="https://calendar.google.com/calendar/embed?src=a%40b"></iframe>',
            "page",
            "Google",
        ),
        ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR", "scheme", "settings"),
        ("C:\\Users\\ada\\calendar.ics", "scheme", "settings"),
        ("\\\\nas\\ada\\calendar.ics", "scheme", "settings"),
        ("/home/ada/calendar.ics", "scheme", "settings"),
        ("~/calendar.ics", "scheme", "settings"),
        (f"{FEED} or {FEED}", "chars", "again"),
        (f"{FEED[:-6]}\r\n{FEED[-6:]}", "chars", "again"),
        (f"see {FEED} or {FEED}", "scheme", "https://"),
        (f"ada@example.org {FEED}", "scheme", "https://"),
        (f"not a URL:{FEED} at all", "scheme", "https://"),
        ("BEGIN:VCALENDAR\n" * 1_000, "scheme", "settings"),
        ("https://outlook.office.com/calendar/view/month", "page", "Outlook"),
        ("https://outlook.office365.com/calendar/published/calendar.html", "page", "ICS link"),
        ("https://outlook.office365.com/calendar/published/Ab@example.org", "page", "ICS link"),
        (
            "https://outlook.office365.com/calendar/published/Ab@example.org/Key/other.html",
            "page",
            "ICS link",
        ),
        ("https://outlook.live.com/calendar/0/addfromweb?url=nothing", "page", "ICS"),
        ("https://outlook.com/", "page", "Outlook"),
        ("https://login.microsoftonline.com/common/oauth2", "page", "Outlook"),
        ("https://www.icloud.com/calendar/", "page", "Public"),
        ("https://p42-caldav.icloud.com/123/calendars/home/", "page", "webcal"),
        ("https://calendar.proton.me/u/0/month", "page", "Proton"),
        ("https://cloud.example.net/apps/calendar/dayGridMonth/now", "page", "Nextcloud"),
        ("https://cloud.example.net/apps/calendar/p/one-two", "page", "Nextcloud"),
        ("calendar.ics", "scheme", "settings"),
        ("file:///home/ada/calendar.ics", "scheme", "settings"),
        ("not a URL", "scheme", "https://"),
        ("hello", "scheme", "https://"),
        ("", "empty", "https://"),
        ("<>", "empty", "https://"),
        ("https://calendar.example.net/a b", "chars", "again"),
        ("https://ada:p%40ss@nas.example.net/caldav.php/ada/home.ics", "userinfo", "secret"),
        ("webcal://ada@nas.example.net/home.ics", "userinfo", "published"),
        ("(" * 1_000_000 + ")" * 1_000_000, "too-long", "settings"),
    ],
)
def test_what_is_no_feed_is_refused_with_advice(pasted: str, kind: str, word: str) -> None:
    """Q004: never stored silently; the advice says where the right address is found."""
    with pytest.raises(FeedUrlError) as refused:
        Feed.from_user_input(pasted)
    assert refused.value.kind == kind
    assert refused.value.advice is not None
    assert word in refused.value.advice
    assert word in str(refused.value)


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
