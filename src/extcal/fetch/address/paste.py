"""What people really paste into a profile form, made an address or refused with advice.

Text in, an :class:`~extcal.fetch.address.url.Url` or a :class:`~extcal.fetch.address.url.Refusal`
out. Rewrites only where the result is certain; a page that is not a feed is refused with the way to
the right address. Nothing returned here repeats what was pasted. Pure; never raises for any text.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from dataclasses import replace
from urllib.parse import unquote_plus

from extcal.fetch.address.providers import provider_of
from extcal.fetch.address.url import MAX_URL_LENGTH, Refusal, Url, read_url

__all__ = ["read_paste"]

# Spaces of every kind, zero-width and direction marks: word processors and chats leave them around
# copied text. Taken off the ends only: inside a name they would change which name it is.
_AROUND = (
    " \t\r\n\f\v\u00a0\u00ad\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    + (
        "\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060"
        "\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u3000\ufeff"
    )
)
_BRACKETS = {"<": ">", "(": ")", "[": "]", "{": "}", "«": "»", "“": "”", "„": "“", "‘": "’"} | {
    "‹": "›",
    "「": "」",
    "《": "》",
}
_MAX_WRAPPINGS = 16  # nobody wraps an address more often; a hostile text might
_QUOTES = "\"'`*_"  # with what chats write around bold and slanted text
_MARKED_DOWN = re.compile(r"!?\[[^\[\]]*\]\(\s*([^\s()]+)\s*\)")
_MARKED_UP = re.compile(
    r"<(?:a|iframe)\s[^>]*?\b(?:href|src)\s*=\s*([\"'])([^\"'<>]*)\1.*", re.IGNORECASE | re.DOTALL
)
# What a settings page or a friend wrote before an address. It must be the last word: what follows
# one could be the rest of it, broken over two lines.
_LAST_WORD = re.compile(r"(?:https?|webcals?)://\S*\Z", re.IGNORECASE)
_INTRODUCTION = re.compile(r"[^:/?#@<]*+:?[ \t\r\n]*+")
_LABELLED = re.compile(r"(?:URL|URI|URLTO|LINK)\s*:\s*", re.IGNORECASE)
_BOOKMARK = re.compile(r"MEBKM:(?:.*;)?URL:((?:[^;\\]|\\.)*)", re.IGNORECASE | re.DOTALL)
_WRAPPED_SCHEME = re.compile(r"(?:https?|webcals?|feed|ical):(?://)?(?=https?://)", re.IGNORECASE)
_FEED_SCHEME = re.compile(r"feed://", re.IGNORECASE)
_NO_SCHEME = re.compile(
    r"(?://)?((?:[A-Za-z0-9_-]+\.)+[A-Za-z][A-Za-z0-9-]*(?::[0-9]+)?(?:[/?].*)?)"
)
_FILE_NAME = re.compile(r"[^/?]*\.(?:ics|ical|ifb|zip|html?)", re.IGNORECASE)
_LOCAL_FILE = re.compile(r"(?:[A-Za-z]:[\\/]|\\\\|~?/(?!/)).*", re.DOTALL)
# Google's IDs of public calendars hold a "#", and both signs are often copied from an address.
_E_MAIL = re.compile(
    r"(?:mailto:)?[^@\s:/?]+(?:@|%40)((?:[^@\s:/?#.%]+\.)+[^@\s:/?#.%]+)", re.IGNORECASE
)
_ENDS = ".,;:!?"
_SENTENCE_END = re.compile(r"(?:(?<=\.ics)|(?<=\.html))[.,;:!]+", re.IGNORECASE)

_MAIL_DOMAINS = {
    "gmail.com": "google",
    "googlemail.com": "google",
    "google.com": "google",
    "outlook.com": "outlook",
    "hotmail.com": "outlook",
    "live.com": "outlook",
    "msn.com": "outlook",
    "icloud.com": "icloud",
    "me.com": "icloud",
    "mac.com": "icloud",
    "proton.me": "proton",
    "protonmail.com": "proton",
    "pm.me": "proton",
}
_PAGES = {
    "accounts.google.com": "google",
    "calendar.app.google": "google",
    "login.live.com": "outlook",
    "login.microsoftonline.com": "outlook",
    "calendar.live.com": "outlook",
    "outlook.com": "outlook",
    "www.outlook.com": "outlook",
    "www.icloud.com": "icloud",
    "icloud.com": "icloud",
}
# The pages beside a feed, whose folder it shares. Outlook's servers do not care about case, so the
# fixed words may be in any; the mailbox and the key between them are kept as they are.
# Matches /owa/calendar/a@b/1/calendar.html, and not /owa/calendar/a@b/1/calendar.ics.
_OUTLOOK_PAGE = re.compile(
    r"/owa/calendar(/.+)?/(calendar|index|reachcalendar)\.html/?", re.IGNORECASE
)
# What the newer web interface of Microsoft's own hosts says instead of /owa/calendar/.
# Matches /calendar/published/a@b/1/calendar.html, and not /calendar/published/calendar.html.
_OUTLOOK_PUBLISHED = re.compile(
    r"/calendar/published((?:/[^/]+){2,})/(calendar|index|reachcalendar)\.(?:html|ics)/?",
    re.IGNORECASE,
)
# Mail programs lead through a page of theirs first; where to stands in its address.
_WRAPPERS = ("google.com", "www.google.com")
_SAFE_LINKS = ".safelinks.protection.outlook.com"
# Also as it was for other domains and second accounts: /calendar/hosted/, /calendar/b/1/.
_GOOGLE_FEED = re.compile(r"/calendar/(?:(?:hosted|b|u)/[^/]+/)?ical/.+")
_NEXTCLOUD_PAGE = re.compile(
    r"(/.*?)??(?:/index\.php)?/apps/calendar/(?:p|embed)/([A-Za-z0-9]+)(?:/.*)?"
)
_NEXTCLOUD_SHARE = re.compile(r".*/remote\.php/dav/public-calendars/[A-Za-z0-9]+/?")


def read_paste(secret_text: str) -> Url | Refusal:
    """Make an address of what was pasted, or say what to paste instead."""
    secret_text = secret_text.strip(_AROUND)
    if secret_text[:15].upper() == "BEGIN:VCALENDAR":
        return Refusal.of("scheme/calendar")
    if len(secret_text) > 2 * MAX_URL_LENGTH:
        return Refusal.of("too-long/text")
    secret_text = _unwrap(secret_text)
    mail = _E_MAIL.fullmatch(secret_text)
    if mail is not None:
        return _refuse_mail(mail[1].lower())
    secret_text = _WRAPPED_SCHEME.sub("", secret_text, count=1)
    secret_text = _FEED_SCHEME.sub("https://", secret_text, count=1)
    bare = _NO_SCHEME.fullmatch(secret_text)
    file_name = bare is not None and _FILE_NAME.fullmatch(bare[1])
    if file_name or _LOCAL_FILE.fullmatch(secret_text):
        return Refusal.of("scheme/file-name")
    if bare is not None:
        secret_text = "https://" + bare[1]
    url = read_url(secret_text)
    return url if isinstance(url, Refusal) else _recognise(url)


def _unwrap(secret_text: str) -> str:
    """Take off everything around an address: spaces, brackets, quotes, labels, QR-code framing."""
    for _ in range(_MAX_WRAPPINGS):
        before = secret_text
        bookmark = _BOOKMARK.match(secret_text)
        if bookmark is not None:
            secret_text = re.sub(r"\\(.)", r"\1", bookmark[1])
        secret_text = (
            _LABELLED.sub("", secret_text, count=1) if _LABELLED.match(secret_text) else secret_text
        )
        for marked, group in ((_MARKED_DOWN, 1), (_MARKED_UP, 2)):
            found = marked.fullmatch(secret_text)
            if found is not None:
                secret_text = html.unescape(found[group]) if group == 2 else found[group]
        found = _LAST_WORD.search(secret_text)
        if found is not None and _is_introduction(secret_text[: found.start()]):
            secret_text = found[0]
        first = secret_text[:1]
        if first in _BRACKETS or first in _QUOTES:
            # A sentence may end behind what closes: "<https://...>."
            within = secret_text.rstrip(_ENDS)
            if len(within) > 1 and within[-1] == _BRACKETS.get(first, first):
                secret_text = within[1:-1]
        secret_text = secret_text.strip(_AROUND)
        if secret_text == before:
            break
    end = _SENTENCE_END.search(secret_text)
    return (
        secret_text[: end.start()]
        if end is not None and end.end() == len(secret_text)
        else secret_text
    )


def _is_introduction(text: str) -> bool:
    return text[-1:] in (":", " ", "\t", "\r", "\n") and _INTRODUCTION.fullmatch(text) is not None


def _refuse_mail(domain: str) -> Refusal:
    group = domain.endswith(".calendar.google.com")
    provider = "google" if group else _MAIL_DOMAINS.get(domain)
    return Refusal.of("calendar-id" if group else "e-mail", provider=provider)


def _recognise(url: Url) -> Url | Refusal:
    page = _PAGES.get(url.host)
    if page is not None:
        return _refuse_page(page)
    if _wraps(url):
        return _unwrap_link(url)
    provider = provider_of(url)
    if provider is None:
        return url
    if provider in ("google", "outlook", "icloud", "proton") and url.scheme == "http":
        url = replace(url, scheme="https", port=443 if url.port == 80 else url.port)
    match provider:
        case "google":
            return _recognise_google(url)
        case "outlook" | "exchange":
            return _recognise_outlook(url, provider)
        case "icloud":
            return _refuse_page("icloud") if "/calendars/" in url.path else url
        case "nextcloud":
            return _recognise_nextcloud(url)
        case "proton":
            return url if url.path.startswith("/api/") else _refuse_page("proton")
        case _:
            return url


def _wraps(url: Url) -> bool:
    known = url.host in _WRAPPERS or url.host.endswith(_SAFE_LINKS)
    return known and url.path in ("/", "/url")


def _unwrap_link(url: Url) -> Url | Refusal:
    """Where the page of a mail program leads; once only, so that nothing goes in circles."""
    for value in _values(url, "url") + _values(url, "q"):
        found = read_url(value)
        if isinstance(found, Url) and found.scheme != "file" and not _wraps(found):
            return _recognise(found)
    return Refusal.of("page/mail")


def _refuse_page(provider: str) -> Refusal:
    return Refusal.of("page", provider=provider)


def _recognise_google(url: Url) -> Url | Refusal:
    """``/calendar/.../ical/`` are feeds; ``?cid=`` may carry a feed; the rest are pages."""
    if _GOOGLE_FEED.fullmatch(url.path):
        return url
    for value in _values(url, "cid"):
        for candidate in (value, _from_base64(value)):
            found = _carried_feed(candidate)
            if found is not None:
                return found
    return _refuse_page("google")


def _recognise_outlook(url: Url, provider: str) -> Url | Refusal:
    """``calendar.html`` is the page beside ``calendar.ics``; ``?url=`` may carry a feed to add."""
    page = _OUTLOOK_PAGE.fullmatch(url.path)
    if page is None and provider == "outlook":
        page = _OUTLOOK_PUBLISHED.fullmatch(url.path)
    if page is not None:
        # outlook.live.com calls its page index.html, and the feed beside it calendar.ics.
        name = "reachcalendar" if page[2].lower() == "reachcalendar" else "calendar"
        return replace(url, target=f"/owa/calendar{page[1] or ''}/{name}.ics")
    if url.path.lower().endswith(".ics") or provider == "exchange":
        return url
    for value in _values(url, "url"):
        found = _carried_feed(value)
        if found is not None:
            return found
    return _refuse_page("outlook")


def _recognise_nextcloud(url: Url) -> Url | Refusal:
    """A share's page and its DAV collection both have one export address."""
    page = _NEXTCLOUD_PAGE.fullmatch(url.path)
    if page is not None:
        target = f"{page[1] or ''}/remote.php/dav/public-calendars/{page[2]}/?export"
        return replace(url, target=target)
    if "/apps/calendar" in url.path:
        return _refuse_page("nextcloud")
    if _NEXTCLOUD_SHARE.fullmatch(url.target):
        return replace(url, target=url.path.removesuffix("/") + "/?export")
    return url


def _values(url: Url, name: str) -> list[str]:
    """The values of one query parameter: as they stand, and with their encoding undone."""
    pairs = (pair.partition("=") for pair in url.target.partition("?")[2].split("&"))
    found = [value for key, _, value in pairs if key == name]
    return found + [unquote_plus(value) for value in found]


def _carried_feed(secret_text: str) -> Url | None:
    """The feed whose address another address carried, if it can only be a feed."""
    url = read_url(secret_text)
    if isinstance(url, Refusal) or url.scheme == "file" or not url.path.lower().endswith(".ics"):
        return None
    return url


def _from_base64(value: str) -> str:
    """Google writes ``cid`` in base64 without its padding, in either alphabet."""
    value = value.strip().replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
