"""Who publishes a feed, as far as its address tells, and where people find the right one. Pure."""

from __future__ import annotations

from types import MappingProxyType

from extcal.fetch.address.url import Url

__all__ = ["ADVICE", "MICROSOFT_CLOUDS", "provider_of"]

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

_ANYWHERE = (
    "Look in the calendar's own settings for an ICS, iCal or webcal link to share or publish it,"
    " and paste that."
)
ADVICE: MappingProxyType[str | None, str] = MappingProxyType(
    {
        None: _ANYWHERE
        + " In Google Calendar it is the 'Secret address in iCal format' under Settings, your"
        " calendar, 'Integrate calendar'.",
        "google": "In Google Calendar on a computer, open Settings, choose your calendar on the"
        " left, then 'Integrate calendar', and copy the 'Secret address in iCal format'.",
        "outlook": "In Outlook on the web, open Settings, Calendar, 'Shared calendars', publish"
        " your calendar under 'Publish a calendar', and copy the ICS link (not the HTML link).",
        "icloud": "In the Calendar app or on icloud.com, share the calendar as a 'Public"
        " Calendar' and copy its link; it begins with webcal://.",
        "nextcloud": "In Nextcloud Calendar, open the calendar's menu, share it by link, and use"
        " 'Copy subscription link'.",
        "proton": "In Proton Calendar, open Settings, your calendar, 'Share outside Proton',"
        " create a link, and copy it.",
    }
)
"""By provider: where its users find the address of their feed."""


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
