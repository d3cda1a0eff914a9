"""Who publishes a feed, as far as its address tells. Pure."""

from __future__ import annotations

from extcal.fetch._url import Url

__all__ = ["provider_of"]

_HOSTS = {
    "calendar.google.com": "google",
    "outlook.live.com": "outlook",
    "outlook.office.com": "outlook",
    "outlook.office.de": "outlook",
    "outlook.office365.com": "outlook",
    "outlook.office365.us": "outlook",
    "partner.outlook.cn": "outlook",
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
    ".office365.us": "outlook",
}


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
    if path.startswith("/owa/calendar/"):
        return "exchange"
    if "/remote.php/dav/public-calendars/" in path or "/apps/calendar/" in path:
        return "nextcloud"
    return None
