"""Links to a page that redirects to the address: of mail programs, chats, "add by URL".

An :class:`~extcal.fetch.address.url.Url` in, the texts that may be the address behind it out. Pure.
The texts are only candidates: the caller reads each of them as if it had been pasted.
"""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote, unquote_plus

from extcal.fetch.address.url import Url

__all__ = ["behind", "from_base64", "is_link_page", "values"]

# The end of the host's name, how the path begins, and the query parameters with the address.
_PAGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (".safelinks.protection.outlook.com", "", ("url",)),
    (".safelinks.protection.office365.us", "", ("url",)),
    ("statics.teams.cdn.office.net", "/evergreen-assets/safelinks/", ("url",)),
    ("outlook.live.com", "/owa/redir.aspx", ("url",)),
    ("outlook.office365.com", "/owa/redir.aspx", ("url",)),
    ("www.google.com", "/url", ("q", "url")),
    ("google.com", "/url", ("q", "url")),
    ("www.google.com", "/", ("q", "url")),
    ("google.com", "/", ("q", "url")),
    ("l.facebook.com", "/l.php", ("u",)),
    ("lm.facebook.com", "/l.php", ("u",)),
    ("l.messenger.com", "/l.php", ("u",)),
    ("l.instagram.com", "/", ("u",)),
    ("slack-redir.net", "/link", ("url",)),
    ("www.linkedin.com", "/redir/redirect", ("url",)),
    ("www.linkedin.com", "/safety/go", ("url",)),
    ("duckduckgo.com", "/l/", ("uddg",)),
    ("www.youtube.com", "/redirect", ("q",)),
    ("out.reddit.com", "/", ("url",)),
    ("vk.com", "/away.php", ("to",)),
    ("urldefense.proofpoint.com", "/v1/url", ("u",)),
    ("linkprotect.cudasvc.com", "/url", ("a",)),
    ("scanmail.trustwave.com", "/", ("u",)),
    ("protect.checkpoint.com", "", ()),
    ("protect2.fireeye.com", "", ("u",)),
    ("clicktime.symantec.com", "", ("u",)),
    ("deref-gmx.net", "/mail/client/", ("redirectUrl",)),
    ("deref-web.de", "/mail/client/", ("redirectUrl",)),
    (".protection.sophos.com", "/", ("u",)),
    ("urldefense.proofpoint.com", "", ()),
    ("urldefense.com", "", ()),
    ("urldefense.us", "", ()),
    ("secure-web.cisco.com", "", ()),
    ("url.avanan.click", "", ()),
    (".mimecast.com", "/s/", ()),
    (".mimecastprotect.com", "/s/", ()),
)
# Proofpoint's third form: /v3/__https://host/a*20b__;KiU!!key$. A character that it does not keep
# is replaced by "*" (several by "**" and a letter); they follow the semicolon in base64.
_PROOFPOINT_3 = re.compile(r"/v3/__(.+?)__;([A-Za-z0-9_=-]*)!.*", re.DOTALL)
_RUN = re.compile(r"\*(\*.)?", re.DOTALL)
_RUN_LENGTHS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Check Point's and Avanan's: /v2/___https://host/a.ics___.key
_CHECK_POINT = re.compile(r"/v[12]/(?:r\d+/)?_{3}(.+?)_{3}[./].*", re.DOTALL)
# Cisco's: /key/https%3A%2F%2Fhost%2Fa.ics
_CISCO = re.compile(r"/[^/]+/(https?%3A%2F%2F.+)", re.IGNORECASE)


def is_link_page(url: Url) -> bool:
    """Whether this is a page that only redirects to another address."""
    return any(_is(url, host, path) for host, path, _ in _PAGES)


def behind(url: Url) -> list[str]:
    """The addresses to which such a page may lead, one for each way to read its own address."""
    found: list[str] = []
    for host, path, names in _PAGES:
        if _is(url, host, path):
            for name in names:
                found += values(url, name)
    if url.host == "urldefense.proofpoint.com":
        # The second form: "-" for "%", and "_" for "/".
        found += [unquote(value.translate({45: "%", 95: "/"})) for value in values(url, "u")[:1]]
    for pattern in (_CHECK_POINT, _CISCO):
        cut = pattern.fullmatch(url.target)
        if cut is not None:
            found += [unquote(cut[1]), cut[1]]
    proofpoint = _PROOFPOINT_3.fullmatch(url.target)
    if proofpoint is not None:
        found.append(_put_back(proofpoint[1], proofpoint[2]))
    return found + [from_base64(value) for value in found if "://" not in value]


def values(url: Url, name: str) -> list[str]:
    """The values of a query parameter (its name in any case), as written and percent-decoded."""
    pairs = (pair.partition("=") for pair in url.target.partition("?")[2].split("&"))
    found = [value for key, _, value in pairs if key.lower() == name.lower()]
    return found + [unquote_plus(value) for value in found]


def from_base64(value: str) -> str:
    """The text of Google's ``cid``: base64 of either alphabet, without padding; "" if it is not."""
    value = value.strip().replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""


def _is(url: Url, host: str, path: str) -> bool:
    named = url.host.endswith(host) if host.startswith(".") else url.host == host
    return named and (url.path == "/" if path == "/" else url.path.startswith(path))


def _put_back(text: str, encoded: str) -> str:
    try:
        kept = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
    at = 0

    def character(run: re.Match[str]) -> str:
        nonlocal at
        length = 1 if run[1] is None else _RUN_LENGTHS.find(run[1][1]) + 2
        at += length
        return kept[at - length : at]

    # In some old links that were copied, "https://" has lost a slash.
    text = re.sub(r"\A(https?):/(?!/)", r"\1://", text)
    return _RUN.sub(character, text)
