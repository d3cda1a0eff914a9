"""The publisher of a feed, if its address shows it. Pure."""

from __future__ import annotations

from types import MappingProxyType

from extcal.fetch.address.url import Url

__all__ = ["MICROSOFT_CLOUDS", "provider_in", "provider_of"]

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
}
_SUFFIXES = {
    ".icloud.com": "icloud",
    ".icloud.com.cn": "icloud",
    ".fastmail.com": "fastmail",
    ".calendar.yahoo.com": "yahoo",
}


# How a text that is not an address shows its provider.
_NAMED = (
    ("google", ("calendar.google.com", "google.com/calendar", "googleusercontent.com")),
    ("outlook", (*MICROSOFT_CLOUDS, "/owa/calendar/", "outlook.com", "hotmail.com")),
    ("icloud", ("icloud.com",)),
    ("proton", ("proton.me", "protonmail.com")),
    ("fastmail", ("fastmail.com", "user.fm")),
    ("yahoo", ("calendar.yahoo.com",)),
    ("zoho", ("calendar.zoho.",)),
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
    path = url.path
    if url.host in ("www.google.com", "google.com") and path.startswith("/calendar/"):
        return "google"
    if path[:14].lower() == "/owa/calendar/":
        return "exchange"
    if "/remote.php/dav/public-calendars/" in path or "/apps/calendar/" in path:
        return "nextcloud"
    return None
