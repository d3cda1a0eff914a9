"""The text that people paste into a profile form becomes an address, or is refused with advice.

Text in, an :class:`~extcal.fetch.address.url.Url` or a :class:`~extcal.fetch.address.url.Refusal`
out. An address is corrected only if the result is certain. The address of a page is refused, and
the advice says where the feed's address is found. Nothing that is returned repeats the pasted text.
Pure; never raises for any text.
"""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import quote, unquote

from extcal.fetch.address.credentials import Auth, split_userinfo
from extcal.fetch.address.links import behind, from_base64, is_link_page, values
from extcal.fetch.address.providers import is_page, provider_in, provider_of
from extcal.fetch.address.url import MAX_URL_LENGTH, Refusal, Url, read_url
from extcal.messages.addresses import WHERE_TO_FIND
from extcal.values import replace

__all__ = ["read_paste"]

# Spaces of every kind, zero-width and direction marks: word processors and chats add them around
# copied text. They are removed at the ends only, because inside a name this would change the name.
_AROUND = (
    " \t\r\n\f\v\u00a0\u00ad\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    + (
        "\u200a\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u202f\u205f\u2060"
        "\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\u3000\ufeff"
    )
)
# The closing marks of each opening one. Languages use the same quotes in different ways: German has
# „...“ and »...«, Polish „...”, French «...», Swedish ”...”.
_BRACKETS = {"<": ">", "(": ")", "[": "]", "{": "}", "＜": "＞", "（": "）", "［": "］"} | {
    "「": "」", "『": "』", "《": "》", "〈": "〉", "【": "】",
    "«": "»", "»": "«", "‹": "›", "›": "‹", "“": "”", "‟": "”", "„": "“”", "”": "”",
    "‘": "’", "‚": "‘’", "’": "’",
}  # fmt: skip
_MAX_WRAPPINGS = 16  # more layers occur only in hostile texts
_QUOTES = "\"'`´″′*_~|"  # and the marks that chats use for bold, italic and hidden text
_MARKED_DOWN = re.compile(r"!?\[[^\[\]]*\]\(\s*<?([^\s()<>]+)>?(?:\s+[\"'][^\"']*[\"'])?\s*\)")
# Slack's: <https://...|My calendar>
_MARKED_BY_SLACK = re.compile(r"<([^\s<>|]+)\|[^<>|]*>")
_MARKED_UP = re.compile(
    r"<(?:a|iframe|link)\s[^>]*?\b(?:href|src)\s*=\s*([\"'])([^\"'<>]*)\1.*",
    re.IGNORECASE | re.DOTALL,
)
# An address after other text, such as that of a settings page. It must be the last word, because a
# word after it could be the rest of the address on a second line.
_LAST_WORD = re.compile(r"(?:https?|webcals?)://\S*\Z", re.IGNORECASE)
_INTRODUCTION = re.compile(r"[^/?#@<]*+")
_LABELLED = re.compile(r"\A(?:URL|URI|URLTO|LINK|HREF|SRC)\s*[:=]\s*", re.IGNORECASE)
_BOOKMARK = re.compile(r"MEBKM:(?:.*;)?URL:((?:[^;\\]|\\.)*)", re.IGNORECASE | re.DOTALL)
_WRAPPED_SCHEME = re.compile(
    r"\A(?:(?:https?|webcals?|feed|icals?):(?://)?)+(?=(?:https?|webcals?)://)", re.IGNORECASE
)
# A scheme that is not written as it should be: "https:/host", "webcal:host", "ttps://host",
# "https ://host", "https//host", "https:\\\\host", "feed://host", "ical://host". Not "https:8443".
_ODD_SCHEME = re.compile(
    r"(?:h{0,2}t{1,3}p(?P<s>s?)|(?P<webcal>webcals?|feed|icals?))"
    r"(?:\s{0,2}:\s{0,2}[/\\]{0,3}|[/\\]{2})(?=[^\s/\\?#:@]+\.|[^\s/\\?#]+@)",
    re.IGNORECASE,
)
_CALDAV_SCHEME = re.compile(r"caldavs?://", re.IGNORECASE)
# 80 is the port of http, and webcal is asked by https.
_PORT_OF_HTTP = re.compile(r"\A(webcals?://[^/?#@:]+):80(?=[/?#]|\Z)")
_NO_SCHEME = re.compile(
    r"(?://)?((?:[A-Za-z0-9_-]+\.)+[A-Za-z][A-Za-z0-9-]*(?::[0-9]+)?(?:[/?].*)?)"
)
_FILE_NAME = re.compile(r"[^/?]*\.(?:ics|ical|ifb|zip|html?)", re.IGNORECASE)
_LOCAL_FILE = re.compile(r"(?:[A-Za-z]:[\\/]|\\\\|~?/(?!/)).*", re.DOTALL)
# Google's IDs of public calendars hold a "#", and both signs are often copied from an address.
_E_MAIL = re.compile(
    r"(?:mailto:)?[^@\s:/?]+(?:@|%40)((?:[^@\s:/?#.%]+\.)+[^@\s:/?#.%]+)", re.IGNORECASE
)
_ENDS = ".,;:!?。，、；：！？"
_SENTENCE_END = re.compile(r"(?:(?<=\.ics)|(?<=\.html))[.,;:!?。，、；：！？]+", re.IGNORECASE)

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
    "apidata.googleusercontent.com": "google",
    "calendar.app.google": "google",
    "account.proton.me": "proton",
    "mail.proton.me": "proton",
    "login.live.com": "outlook",
    "login.microsoftonline.com": "outlook",
    "calendar.live.com": "outlook",
    "outlook.com": "outlook",
    "www.outlook.com": "outlook",
    "www.icloud.com": "icloud",
    "icloud.com": "icloud",
}
_LEADS_NOWHERE = Refusal.of("page/mail")
_ABOUT_THE_TEXT = frozenset({"chars", "scheme", "host", "port", "too-long", "pct-host"})
_VAGUE = (Refusal.of("chars"), Refusal.of("scheme"))
_MAX_PAGES = 3
_SCHEME = re.compile(r"(?:https?|webcals?)://", re.IGNORECASE)
_BETWEEN = " \t\r\n,;|<>\"'"
_ENCODED = re.compile(r"(?:https?|webcals?)(?::|%(?:25)?3A)%(?:25)?2F%(?:25)?2F", re.IGNORECASE)
_ENTITY = re.compile(
    r"&(?:amp|lt|gt|quot|apos|#0{0,3}[0-9]{2,3}|#x0{0,3}[0-9a-f]{2});", re.IGNORECASE
)
_SPACED = re.compile(r"\A((?:https?|webcals?)://) +(?=\S)", re.IGNORECASE)
# Cuts ")" off "a.ics)", "/" off "a.ics/", "]." off "a.html]." and "/#x" off "a.ics/#x", as no
# fragment is asked for. Cuts nothing off "a.ics?b=c)".
_BEHIND_NAME = re.compile(
    r"\.(?:ics|html)([)\]}>\"'\u2019\u201d\u00bb/.,;:!|*。，、；：！？）］＞]+)(?:#\S*)?\Z",
    re.IGNORECASE,
)
# What a host may end in and be the same: ".", ":443" and ".:80" of "a.org.:80". Not ":8443".
_HOST_END = re.compile(r"\.?(?::(?:443|80))?\Z")
_PAIRS = (("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"))
_BEFORE_PATH = re.compile(r"(?:https?|webcals?)://[^/?#\s]+(?=[/?#])", re.IGNORECASE)
# An address ends at a blank after the name of a file, and at two blanks anywhere. Matches in
# "https://a.org/b.ics My calendar", and not in "https://a.org/My calendar".
_TEXT_BEHIND = re.compile(r"\.(?:ics|html?) |  ", re.IGNORECASE)
_LEFT = "%:/?#[]@!$&'()*+,;=~-._"
_ENCODED_ASCII = " |{}^`"
# The marks of an address that a page or a mail did not show completely: an ellipsis, or a row of
# bullets or stars in place of a secret. Matches in "private-***/a.ics" and "a.org/b...#c", and not
# in "private-*/a.ics".
_CUT = re.compile(r"\u2026|\.\.\.(?=#|\Z)|[\u2022\u25cf*]{3}")
_CALDAV_HOSTS = frozenset(
    {"caldav.fastmail.com", "caldav.calendar.yahoo.com", "caldav.gmx.net", "caldav.web.de"}
    | {"caldav.yandex.ru", "caldav.icloud.com", "calendar.mail.ru", "dav.mailbox.org"}
)
# Matches /SOGo/dav/ada/Calendar/personal/ and /SOGo/dav/public/ada/Calendar/personal.
_SOGO_COLLECTION = re.compile(r"(.*/SOGo/dav/(public/)?[^/?]+/Calendar/[^/?.]+)/?", re.IGNORECASE)
# Zimbra's page of a calendar. Matches /home/ada@b.org/Work.html and /home/ada/Work?fmt=html.
_ZIMBRA_HTML = re.compile(r"(/(?:service/)?home/[^?]*)(\.|\?(?:.*&)?fmt=)html(&.*)?", re.IGNORECASE)
# Matches /remote.php/dav/calendars/ada/personal/ and /dav.php/calendars/ada/default. Also matches
# addresses that are not of one calendar: /remote.php/dav/principals/users/ada/, /remote.php/dav/.
_SABRE_COLLECTION = re.compile(
    r".*/(?:remote\.php/(?:caldav|dav)|(?:dav|cal)\.php)(?:/(calendars/[^/?]+/[^/?]+)|[^?]*)/?"
)

# The HTML page in the same folder as the feed. Outlook's servers ignore case, so the fixed words
# may be in any; the mailbox and the key between them are kept as they are.
# Matches /owa/calendar/a@b/1/calendar.html, and not /owa/calendar/a@b/1/calendar.ics.
_OUTLOOK_PAGE = re.compile(
    r"/owa/calendar(/.+)?/(calendar|index|reachcalendar)\.html/?", re.IGNORECASE
)
# The path of the newer web interface of Microsoft's own hosts, in place of /owa/calendar/.
# Matches /calendar/published/a@b/1/calendar.html, and not /calendar/published/calendar.html.
_OUTLOOK_PUBLISHED = re.compile(
    r"/calendar/published((?:/[^/]+){2,})/(calendar|index|reachcalendar)\.(?:html|ics)/?",
    re.IGNORECASE,
)
# Also the older forms for other domains and second accounts: /calendar/hosted/, /calendar/b/1/.
_GOOGLE_FEED = re.compile(r"/calendar/(?:(?:hosted|b|u)/[^/]+/)?ical/.+")
_ENCODED_TWICE = re.compile(r"%25(?=40|23)")
_NEXTCLOUD_PAGE = re.compile(
    r"(/.*?)??(?:/index\.php)?/apps/calendar/(?:p|embed)/([A-Za-z0-9]+)(?:/.*)?"
)
_NEXTCLOUD_SHARE = re.compile(r".*/remote\.php/dav/public-calendars/[A-Za-z0-9]+/?")


def read_paste(secret_text: str) -> tuple[Url, Auth | None] | Refusal:
    """The address in a pasted text, and its name and password; or advice on what to paste.

    If a refused text shows which provider it is from, the advice is for this provider.
    """
    read = _read(secret_text)
    if not isinstance(read, Refusal) or read.kind not in _ABOUT_THE_TEXT:
        return read
    if read in _VAGUE:
        about = _about_the_text(secret_text.strip(_AROUND))
        read = read if about is None else replace(about, kind=read.kind)
    provider = provider_in(secret_text[: 2 * MAX_URL_LENGTH])
    return read if provider is None else replace(read, advice=WHERE_TO_FIND[provider])


def _about_the_text(secret_text: str) -> Refusal | None:
    """What is wrong with a text that has an address in it, but is none."""
    found = len(_SCHEME.findall(secret_text))
    if not found:
        return None
    if re.search(r"\s", secret_text):
        return Refusal.of("chars/two" if found > 1 else "chars/around")
    if any(unicodedata.category(each) == "Cf" for each in secret_text):
        return Refusal.of("chars/hidden")
    return None


def _read(secret_text: str) -> tuple[Url, Auth | None] | Refusal:
    secret_text = secret_text.strip(_AROUND)
    if secret_text[:15].upper() == "BEGIN:VCALENDAR":
        return Refusal.of("scheme/calendar")
    if len(secret_text) > 2 * MAX_URL_LENGTH:
        return Refusal.of("too-long/text")
    # Some forms escape twice; more often does not occur.
    for _ in range(2):
        secret_text = _ENTITY.sub(_unescaped, secret_text)
    secret_text = _once(_WRAPPED_SCHEME.sub("", _unwrap(secret_text)))
    mail = _E_MAIL.fullmatch(secret_text)
    if mail is not None:
        return _refuse_mail(mail[1].lower())
    secret_text = _WRAPPED_SCHEME.sub("", secret_text)
    if _CALDAV_SCHEME.match(secret_text):
        return Refusal.of("page/caldav", provider=provider_in(secret_text) or "caldav")
    odd = None if _SCHEME.match(secret_text) else _ODD_SCHEME.match(secret_text)
    if odd is not None:
        scheme = "https" if odd["webcal"] else f"http{odd['s'].lower()}"
        secret_text = f"{scheme}://{secret_text[odd.end() :].replace(chr(92), '/')}"
    bare = _NO_SCHEME.fullmatch(secret_text)
    file_name = bare is not None and _FILE_NAME.fullmatch(bare[1])
    if file_name or _LOCAL_FILE.fullmatch(secret_text):
        return Refusal.of("scheme/file-name")
    if bare is not None:
        secret_text = "https://" + bare[1]
    # Once more: where the first of two had no scheme, they can be seen to be the same only now.
    return _read_address(_once(secret_text), frozenset())


def _read_address(secret_text: str, pages: frozenset[str]) -> tuple[Url, Auth | None] | Refusal:
    """Read an address and correct it if needed. ``pages``: the pages that redirected to it."""
    # What stood behind several may be all in which the last one differed.
    trimmed = _PORT_OF_HTTP.sub(r"\1", _once(_trimmed(secret_text)))
    # Also in front of what was trimmed, such as the bracket of "a.org/b...)".
    if _CUT.search(secret_text) or _CUT.search(trimmed):
        return Refusal.of("chars/cut")
    split = split_userinfo(_encoded(trimmed))
    if isinstance(split, Refusal):
        return split
    url = read_url(split[0])
    return url if isinstance(url, Refusal) else _recognise(url, split[1], pages)


def _once(secret_text: str) -> str:
    """If a text is the same address several times, one of them; if it is encoded, decoded."""
    starts = [found.start() for found in _SCHEME.finditer(secret_text)]
    if len(starts) > 1 and starts[0] == 0:
        ends = [*starts[1:], len(secret_text)]
        parts = [secret_text[start:end] for start, end in zip(starts, ends, strict=True)]
        # Behind the last one, a fragment may follow, which is not asked for.
        if _are_one(parts) or _are_one([*parts[:-1], parts[-1].partition("#")[0]]):
            secret_text = parts[0].strip(_BETWEEN)
    for _ in range(2):
        if _ENCODED.match(secret_text):
            secret_text = unquote(secret_text)
    return secret_text


def _are_one(parts: list[str]) -> bool:
    """Whether addresses differ in nothing but their schemes, and how the host is written."""
    split = [_SCHEME.sub("", part.strip(_BETWEEN)).partition("/") for part in parts]
    return len({(_HOST_END.sub("", host.lower()), slash, rest) for host, slash, rest in split}) == 1


def _trimmed(secret_text: str) -> str:
    """Without closing brackets and quotes that were never opened, and with "&" for "&amp;"."""
    for _ in range(2):
        secret_text = _ENTITY.sub(_unescaped, secret_text)
    secret_text = _SPACED.sub(r"\1", secret_text)
    around = _BEHIND_NAME.search(secret_text)
    if around is not None:
        secret_text = secret_text[: around.start(1)]
    for opening, closing in _PAIRS:
        while secret_text.endswith(closing) and secret_text.count(closing) > secret_text.count(
            opening
        ):
            secret_text = secret_text[:-1]
    return secret_text


def _unescaped(entity: re.Match[str]) -> str:
    character = html.unescape(entity[0].lower())
    return character if character.isascii() and character.isprintable() else entity[0]


def _encoded(secret_text: str) -> str:
    """Percent-encode in path and query what browsers do: letters, blanks, ``|``, ``{}``."""
    found = _BEFORE_PATH.match(secret_text)
    if found is None:
        return secret_text
    rest = secret_text[found.end() :]
    # Text after a blank, if that follows the name of the feed, may be no part of its address.
    text_behind = " " in rest and ("://" in rest or _TEXT_BEHIND.search(rest))
    if text_behind or not all(_is_encodable(each) for each in rest):
        return secret_text
    return found[0] + quote(rest, safe=_LEFT)


def _is_encodable(character: str) -> bool:
    if character.isascii():
        return character in _LEFT or character.isalnum() or character in _ENCODED_ASCII
    # Never invisible characters, or those that change the direction of the text after them.
    return unicodedata.category(character)[0] not in "CZ"


def _unwrap(secret_text: str) -> str:
    """Take off everything around an address: spaces, brackets, quotes, labels, QR-code framing."""
    for _ in range(_MAX_WRAPPINGS):
        before = secret_text
        bookmark = _BOOKMARK.match(secret_text)
        if bookmark is not None:
            secret_text = re.sub(r"\\(.)", r"\1", bookmark[1])
        secret_text = _LABELLED.sub("", secret_text)
        for marked, group in ((_MARKED_DOWN, 1), (_MARKED_BY_SLACK, 1), (_MARKED_UP, 2)):
            found = marked.fullmatch(secret_text)
            if found is not None:
                secret_text = html.unescape(found[group]) if group == 2 else found[group]
        found = _LAST_WORD.search(secret_text)
        if found is not None and _is_introduction(secret_text[: found.start()]):
            secret_text = found[0]
        first = secret_text[:1]
        if first in _BRACKETS or first in _QUOTES:
            # The end of a sentence may follow the closing mark: "<https://...>."
            within = secret_text.rstrip(_ENDS)
            if len(within) > 1 and within[-1] in _BRACKETS.get(first, first):
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


def _recognise(
    url: Url, auth: Auth | None, pages: frozenset[str]
) -> tuple[Url, Auth | None] | Refusal:
    page = _PAGES.get(url.host)
    if page is not None:
        return _refuse_page(page)
    if url.host in pages:
        return _LEADS_NOWHERE
    if is_link_page(url):
        return _follow(url, behind(url), pages) or _LEADS_NOWHERE
    provider = provider_of(url)
    if is_page(url, provider):
        return _refuse_page(provider)
    if provider in ("google", "outlook", "icloud", "proton") and url.scheme == "http":
        url = replace(url, scheme="https", port=443 if url.port == 80 else url.port)
    match provider:
        case "google":
            found = _recognise_google(url, pages)
        case "outlook" | "exchange":
            found = _recognise_outlook(url, provider, pages)
        case "nextcloud":
            found = _recognise_nextcloud(url, auth)
        case "proton":
            found = url if url.path.startswith("/api/") else _refuse_page("proton")
        case _:
            found = _recognise_caldav(url, provider, auth)
    return (found, auth) if isinstance(found, Url) else found


def _follow(
    url: Url, secret_texts: list[str], pages: frozenset[str]
) -> tuple[Url, Auth | None] | Refusal | None:
    """The first of the texts that is an address; None if none is.

    Each page is followed only once, and at most a few of them, so that this ends.
    """
    passed = pages | {url.host if is_link_page(url) else f"page {len(pages)}"}
    if len(passed) > _MAX_PAGES:
        return None
    refused: Refusal | None = None
    for text in dict.fromkeys(secret_texts):
        found = _read_address(text, passed) if _SCHEME.match(text) else _LEADS_NOWHERE
        if not isinstance(found, Refusal):
            return found
        if refused is None and found.kind == "page" and found is not _LEADS_NOWHERE:
            refused = found
    return refused


def _refuse_page(provider: str | None) -> Refusal:
    return Refusal.of("page", provider=provider)


def _refuse_collection(provider: str | None) -> Refusal:
    return Refusal.of("page/caldav", provider=provider)


def _recognise_google(url: Url, pages: frozenset[str]) -> Url | tuple[Url, Auth | None] | Refusal:
    """``/calendar/.../ical/`` are feeds; ``?cid=`` may hold a feed's address; others are pages."""
    if _GOOGLE_FEED.fullmatch(url.path):
        # Encoded once too often: no ID of a calendar has a percent sign.
        return replace(url, target=_ENCODED_TWICE.sub("%", url.target))
    carried = [text for name in ("cid", "url") for text in values(url, name)]
    carried += [from_base64(text) for text in carried]
    # The address in it may also be that of a feed of Google's own.
    return _follow(url, carried, pages) or _refuse_page("google")


def _recognise_outlook(
    url: Url, provider: str, pages: frozenset[str]
) -> Url | tuple[Url, Auth | None] | Refusal:
    """``calendar.html`` belongs to ``calendar.ics``; ``?url=`` may hold the address of a feed."""
    page = _OUTLOOK_PAGE.fullmatch(url.path)
    if page is None and provider == "outlook":
        page = _OUTLOOK_PUBLISHED.fullmatch(url.path)
    if page is not None:
        # outlook.live.com calls its page index.html, and the feed beside it calendar.ics.
        name = "reachcalendar" if page[2].lower() == "reachcalendar" else "calendar"
        return replace(url, target=f"/owa/calendar{page[1] or ''}/{name}.ics")
    if url.path.lower().endswith(".ics") or provider == "exchange":
        return url
    carried = values(url, "url")
    return _follow(url, carried, pages) or _refuse_page("outlook")


def _recognise_nextcloud(url: Url, auth: Auth | None) -> Url | Refusal:
    """The page of a share and its DAV collection have the same export address."""
    page = _NEXTCLOUD_PAGE.fullmatch(url.path)
    if page is not None:
        target = f"{page[1] or ''}/remote.php/dav/public-calendars/{page[2]}/?export"
        return replace(url, target=target)
    if "/apps/calendar" in url.path and "/remote.php/" not in url.path:
        return _refuse_page("nextcloud")
    if _NEXTCLOUD_SHARE.fullmatch(url.target):
        return replace(url, target=url.path.removesuffix("/") + "/?export")
    return _recognise_caldav(url, "nextcloud", auth)


def _recognise_caldav(url: Url, provider: str | None, auth: Auth | None) -> Url | Refusal:
    """On some servers a CalDAV collection is also a feed, on most of these only with a login."""
    if url.host in _CALDAV_HOSTS or (provider == "icloud" and "/calendars/" in url.path):
        return _refuse_collection(provider)
    if provider == "kerio" and url.path.lower().startswith("/caldav/"):
        return _refuse_collection(provider)
    zimbra = _ZIMBRA_HTML.fullmatch(url.target) if provider == "zimbra" else None
    if zimbra is not None:
        # The same calendar, of which the form is named behind the dot or by fmt=.
        return replace(url, target=f"{zimbra[1]}{zimbra[2]}ics{zimbra[3] or ''}")
    sogo = _SOGO_COLLECTION.fullmatch(url.target)
    if sogo is not None:
        return (
            replace(url, target=sogo[1] + ".ics") if auth or sogo[2] else _refuse_collection("sogo")
        )
    sabre = _SABRE_COLLECTION.fullmatch(url.target)
    if sabre is not None:
        # Nextcloud, ownCloud and Baikal use sabre/dav, whose collections can be exported.
        if auth is not None and sabre[1]:
            return replace(url, target=sabre[0].removesuffix("/") + "/?export")
        nextcloud = "/remote.php/" in url.path
        return _refuse_collection("nextcloud" if nextcloud else "caldav")
    return url
