"""The publisher of a feed, if its address shows it. Pure."""

from __future__ import annotations

import re
from types import MappingProxyType

from extcal.fetch.address.url import Url
from extcal.patterns import pattern

__all__ = ["MICROSOFT_CLOUDS", "is_page", "provider_in", "provider_of"]

MICROSOFT_CLOUDS: MappingProxyType[str, str] = MappingProxyType(
    {
        "outlook.cloud.microsoft": "Microsoft 365",
        "outlook.live.com": "Outlook.com",
        "outlook.office.com": "Microsoft 365",
        "outlook.office365.com": "Microsoft 365",
        # Sovereign clouds. Germany's was closed in 2021; its addresses are still pasted.
        "outlook-dod.office365.us": "Microsoft 365 DoD",
        "outlook.office.de": "Microsoft 365 Germany",
        "outlook.office365.us": "Microsoft 365 GCC High",
        "partner.outlook.cn": "Microsoft 365 operated by 21Vianet",
        "webmail.apps.mil": "Microsoft 365 DoD",
    }
)
"""The hosts on which Microsoft itself publishes calendars, and the cloud that each belongs to."""

_HOSTS = {
    "calendar.google.com": "google",
    **dict.fromkeys(MICROSOFT_CLOUDS, "outlook"),
    "calendar.proton.me": "proton",
    "calendar.protonmail.com": "proton",
    "calendar.yahoo.com": "yahoo",
    "user.fm": "fastmail",
    "admin.booking.com": "booking",
    "ical.booking.com": "booking",
    "www.booking.com": "booking",
}
_SUFFIXES = {
    ".icloud.com": "icloud",
    ".icloud.com.cn": "icloud",
    ".fastmail.com": "fastmail",
    ".calendar.yahoo.com": "yahoo",
    ".teamsnap.com": "teamsnap",
    ".webuntis.com": "untis",
}
# Publishers with a host in each country, and servers that stand on any host.
_HOST_FORMS = (
    ("zoho", pattern(r"calendar\.zoho(?:\.[a-z]{2,4}){1,2}")),
    ("yandex", pattern(r"calendar\.yandex(?:\.[a-z]{2,3}){1,2}")),
    ("airbnb", pattern(r"(?:[a-z]{2,3}\.)?airbnb(?:\.[a-z]{2,3}){1,2}")),
    ("kerio", pattern(r"(?:.*\.)?kerio[a-z]*\..+")),
)
_PATH_FORMS = (
    ("exchange", pattern(r"/owa/calendar/.*", re.IGNORECASE)),
    ("nextcloud", pattern(r".*(?:/remote\.php/dav/public-calendars/|/apps/calendar/).*")),
    ("sogo", pattern(r"/SOGo(?:/.*)?", re.IGNORECASE)),
    # Its web client; and its addresses for calendars, which have an account, or fmt=, in them.
    (
        "zimbra",
        pattern(
            r"/(?:zimbra|modern/calendar)(?:[/?].*)?|/service/home/.*|/home/[^/?]+@.*|/home/.*[?&]fmt=.*"
        ),
    ),
    ("kerio", pattern(r"/kerio.*|/caldav/users/.*|/ical-public/.*", re.IGNORECASE)),
)
# Pages that these publishers are known to show to people. What else is there may be a feed.
_PAGES = {
    "airbnb": pattern(r"/?|/(?:rooms|h|hosting|multicalendar)(?:[/?].*)?"),
    "booking": pattern(r"/?|/(?:hotel|index)[/.].*"),
    "fastmail": pattern(r"/?|/(?:calendar|login|mail|settings)(?:[/?](?!.*\.ics).*)?"),
    "kerio": pattern(r"/?|/(?:kerio|webmail)[^/?]*(?:/.*)?", re.IGNORECASE),
    "sogo": pattern(r"/SOGo/?|/SOGo/(?:so/)?(?!dav/)(?!.*\.ics).*", re.IGNORECASE),
    "teamsnap": pattern(r"/?|/[0-9]+/(?:schedule|home|roster|availability)[^.]*"),
    "untis": pattern(r"/?|/WebUntis(?:/|/index\.do)?(?:\?.*)?|/(?:timetable|today).*"),
    "yandex": pattern(
        r"/?|/(?:day|week|month|year|schedule|settings|event|embed|export/html)(?:[/?.].*)?"
    ),
    "zimbra": pattern(r"/(?:zimbra|modern/calendar)(?:[/?](?!.*\.ics).*)?"),
    "zoho": pattern(r"/?|/(?:embed|event|eventreq|zc)(?:[/?].*)?"),
}
# The web mail of Kerio Connect and of other servers, on any host; and Radicale's pages.
_ANYBODYS_PAGES = pattern(r"/webmail(?:/|/login/?)?|(?:/.*)?/\.web(?:/.*)?", re.IGNORECASE)


# How a text that is not an address shows its provider.
_NAMED = (
    ("google", ("calendar.google.com", "google.com/calendar", "googleusercontent.com")),
    ("outlook", (*MICROSOFT_CLOUDS, "/owa/calendar/", "outlook.com", "hotmail.com")),
    ("icloud", ("icloud.com",)),
    ("proton", ("proton.me", "protonmail.com")),
    ("fastmail", ("fastmail.com", "user.fm")),
    ("yahoo", ("calendar.yahoo.com",)),
    ("zoho", ("calendar.zoho.",)),
    ("yandex", ("calendar.yandex.",)),
    ("teamsnap", ("teamsnap.com",)),
    ("airbnb", ("airbnb.",)),
    ("booking", ("booking.com",)),
    ("untis", ("webuntis.com",)),
    ("zimbra", ("/zimbra", "/service/home/", "zimbra.")),
    ("kerio", ("kerio",)),
    ("nextcloud", ("/remote.php/", "/apps/calendar")),
    ("sogo", ("/sogo/",)),
)


def provider_in(secret_text: str) -> str | None:
    """The provider that a text names although it is not an address, or None."""
    text = secret_text.lower()
    return next((name for name, marks in _NAMED if any(mark in text for mark in marks)), None)


def provider_of(url: Url) -> str | None:
    """The publisher's short name, or None."""
    known = _HOSTS.get(url.host)
    if known is not None:
        return known
    for suffix, name in _SUFFIXES.items():
        if url.host.endswith(suffix):
            return name
    if url.host in ("www.google.com", "google.com") and url.path.startswith("/calendar/"):
        return "google"
    for forms, text in ((_HOST_FORMS, url.host.removeprefix("www.")), (_PATH_FORMS, url.target)):
        for name, form in forms:
            if form.fullmatch(text):
                return name
    return None


def is_page(url: Url, provider: str | None) -> bool:
    """Whether this is the address of a page for people: its publisher is known to have it."""
    pages = _PAGES.get(provider or "")
    return _ANYBODYS_PAGES.fullmatch(url.target) is not None or (
        pages is not None and pages.fullmatch(url.target) is not None
    )
