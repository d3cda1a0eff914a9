"""What people are told whose pasted address is refused, and where they find the right one.

In: a key of :data:`REFUSALS`, and the parameters of its sentence. Out: the kind, message and advice
of a :class:`~extcal.errors.FeedUrlError`.
"""

from __future__ import annotations

from types import MappingProxyType

from extcal.messages import kind_of

__all__ = ["REFUSALS", "WHERE_TO_FIND", "refused"]

_ANYWHERE = (
    "Look in the calendar's own settings for an ICS, iCal or webcal link to share or publish it,"
    " and paste that."
)
WHERE_TO_FIND: MappingProxyType[str | None, str] = MappingProxyType(
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
        "fastmail": "In Fastmail, open Settings, Calendars, your calendar, turn on 'Public URL' or"
        " a private sharing link, and copy it; it ends with .ics.",
        "yahoo": "In Yahoo Calendar, open the calendar's menu, Share, generate links, and copy the"
        " link 'To import into a Calendar app (ICS)'.",
        "zoho": "In Zoho Calendar, open Settings, My Calendars, your calendar, 'Export and sync',"
        " and copy the iCal address.",
        "sogo": "In SOGo, open the calendar's menu, 'Links to this Calendar', and copy the 'WebDAV"
        " ICS URL' of 'Public access'; if it needs a login, put name and password into it"
        " (https://name:password@...).",
        "zimbra": "In Zimbra, share the calendar with the public, and paste"
        " https://SERVER/home/ACCOUNT/CALENDAR.ics with your server, account and calendar in it; if"
        " it is not shared, put name and password before the server (https://name:password@...).",
        "kerio": "Kerio Connect has a calendar at https://SERVER/ical/ACCOUNT/CALENDAR; paste that"
        " with name and password before the server (https://name:password@...), or ask the"
        " administrator of the server for the calendar's iCal address.",
        "yandex": "In Yandex Calendar, open the calendar's settings, 'Export', and copy the iCal"
        " link; it contains export/ics.xml.",
        "teamsnap": "In TeamSnap, open the team's schedule, choose to subscribe to it or to sync"
        " your calendar, and copy the link.",
        "airbnb": "In Airbnb, open the calendar of the listing, its availability settings, 'Connect"
        " to another website', and copy the link of the Airbnb calendar.",
        "booking": "In Booking.com's extranet, open 'Rates & availability', 'Sync calendars', and"
        " copy the link to export the calendar.",
        "untis": "In WebUntis, open your timetable and copy the link behind its iCal button; if"
        " there is none, the school has switched it off, and its administrator can switch it on.",
        "caldav": "Look in the calendar program of that server for a link to publish the calendar;"
        " or put name and password into the address (https://name:password@...).",
    }
)
"""By provider: where its users find the address of their feed."""

_COPY_AGAIN = "Copy the address again from the calendar's settings."
_LOGIN = (
    "Use the calendar's secret or published address; or put name and password into the address"
    " (https://name:password@...), with %40 for an @ and %3A for a : in them."
)
_WHOLE_ADDRESS = "Paste the whole address; it begins with https:// or webcal://."
_HTTPS = "Paste the address that begins with https://."
_FULL_NAME = "The server of a calendar feed has a full name like calendar.example.org."
_PUBLISHED = "Paste an address that anybody on the internet can open."
_BAD_HOST = "The part of the address that names the server cannot be read."
_NOT_PUBLIC = "The address leads to a network that is not public."
_NO_FEED = "This names a calendar or a mailbox, but it is not the address of a feed."

REFUSALS: MappingProxyType[str, tuple[str, str | None]] = MappingProxyType(
    {
        # The syntax of an address.
        "empty": ("The address is empty.", _WHOLE_ADDRESS),
        "too-long": ("The address is longer than {length} characters.", _COPY_AGAIN),
        "too-long/text": ("This is longer than any address.", None),
        "scheme": ("This is not the address of a calendar feed.", _WHOLE_ADDRESS),
        "chars": (
            "The address has a character that addresses cannot have (a quote, a letter outside"
            " ASCII).",
            "Copy the address again; a name with other letters is written in its xn-- form.",
        ),
        "chars/cut": (
            "A part of the address is missing: dots stand in its place.",
            "Copy the whole address again, with the button beside it if there is one.",
        ),
        "chars/around": (
            "There is a space or a line break in the address, or text before or after it.",
            "Copy the address again, alone and in one line; it begins with https:// or webcal://.",
        ),
        "chars/hidden": (
            "The address has an invisible character in it, as chats and text programs insert them.",
            _COPY_AGAIN,
        ),
        "chars/two": (
            "These are two addresses.",
            "Copy one of them again, from https:// to its end; the other one is another calendar.",
        ),
        "host": (_BAD_HOST, _COPY_AGAIN),
        "host/file": (
            "The address names a file of another machine.",
            "A file: address names a file of this machine: file:///path.",
        ),
        "pct-host": (_BAD_HOST, _COPY_AGAIN),
        "port": ("The port in the address cannot be read.", _COPY_AGAIN),
        "ip-odd": ("The address spells an IP address in an unusual way.", _COPY_AGAIN),
        "userinfo": ("The address carries a user name without a password.", _LOGIN),
        "userinfo/unreadable": (
            "The name and password in the address cannot be read for certain.",
            _LOGIN,
        ),
        "userinfo/http": (
            "The address would send a name and password without encryption (http).",
            _HTTPS + " Or use the calendar's secret or published address.",
        ),
        "userinfo/here": ("A name and password are not taken here.", _COPY_AGAIN),
        # What people paste instead of an address.
        "scheme/calendar": ("This is a calendar itself, not its address.", None),
        "scheme/file": ("This is a file, not an address on the web.", None),
        "scheme/file-name": ("This is the name of a file, not an address.", None),
        "calendar-id": (_NO_FEED, None),
        "e-mail": (_NO_FEED, None),
        "page": ("This is the address of a page for people, not of a calendar feed.", None),
        "page/caldav": (
            "This is the address of a calendar for calendar programs (CalDAV), not of a feed.",
            None,
        ),
        "page/mail": ("This is a link of a mail program, and it does not lead to a feed.", None),
        # Where a policy lets no fetcher go.
        "scheme/web": ("Only addresses on the web are fetched.", _HTTPS),
        "http": ("The address is not encrypted (http).", _HTTPS),
        "http/private": (_NOT_PUBLIC, _PUBLISHED),
        "port/policy": (
            "The address names a port that calendars are not fetched from.",
            _PUBLISHED,
        ),
        "single-label": ("The address names a machine of a local network.", _FULL_NAME),
        "special-use": ("The address names a machine of a private network.", _PUBLISHED),
        "ip-literal": ("The address names a server by number instead of by name.", _FULL_NAME),
        "ip-not-public": (_NOT_PUBLIC, _PUBLISHED),
        "ip-zone": (_NOT_PUBLIC, _PUBLISHED),
        "ip-odd/answer": ("The name of the server has an address that cannot be read.", _PUBLISHED),
        "address-policy": (
            "The address leads to a network that this service does not use.",
            _PUBLISHED,
        ),
        "dns-empty": ("The name of the server has no address.", _PUBLISHED),
        "dns-many": (
            "The name of the server has too many addresses to check all of them.",
            _PUBLISHED,
        ),
    }
)
"""Message and advice by key; without advice of its own, where the provider's users find theirs."""


def refused(key: str, *, provider: str | None = None, **parameters: object) -> tuple[str, str, str]:
    """The kind, message and advice for an address that is refused for the reason ``key``.

    ``provider``: whose users the advice is for, a key of :data:`WHERE_TO_FIND`.
    """
    message, advice = REFUSALS[key]
    if advice is None:
        advice = WHERE_TO_FIND[provider]
    return kind_of(key), message.format(**parameters), advice
