"""Name and password of an address (RFC 3986 section 3.2.1), and how they are sent (RFC 7617).

Text in, the address without them and an :data:`Auth`, or a
:class:`~extcal.fetch.address.url.Refusal` out. Pure; nothing here raises for any text, and nothing
that is returned as a refusal repeats any of it.
"""

from __future__ import annotations

import re

from extcal.fetch.address.url import Refusal
from extcal.patterns import pattern

__all__ = ["IN_CLEAR", "Auth", "authorization", "read_auth", "split_userinfo"]

Auth = tuple[str, str]
"""A name and a password, decoded."""

MAX_AUTH_LENGTH = 1_024
# Matches "https://ada:secret@" of "https://ada:secret@host/a@b", and nothing of "https://host/a@b".
_AUTHORITY = pattern(r"\s*+(https?|webcals?)://([^/?#]*)@", re.IGNORECASE)
# Only what RFC 3986 calls userinfo: no "@" a second time, no "[", no backslash.
_USERINFO = pattern(r"[A-Za-z0-9\-._~!$&'()*+,;=%:]*")
_BAD_PERCENT = pattern(r"%(?![0-9A-Fa-f]{2})")
# A name and password that look like a host and a port, so that a person who overlooks the "@" takes
# them for the server. Matches "calendar.example.org:443", "2130706433:80" and "localhost:443". Not
# "ada:1234", which is no name of a server, nor "ada.lovelace:secret", where no number follows.
_LIKE_A_HOST = pattern(
    r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+\.?|[0-9]+|0[xX][0-9A-Fa-f]*|localhost):[0-9]*",
    re.IGNORECASE,
)
_CONTROL = pattern(r"[\x00-\x1f\x7f-\x9f]")

IN_CLEAR = Refusal.of("userinfo/http")


def split_userinfo(secret_text: str) -> tuple[str, Auth | None] | Refusal:
    """An address without its name and password, and these.

    A text that is not an address is returned unchanged; reading it as an address then refuses it.
    """
    found = _AUTHORITY.match(secret_text)
    if found is None:
        return secret_text, None
    userinfo = found[2]
    name, colon, password = userinfo.partition(":")
    if not _USERINFO.fullmatch(userinfo):
        # Other characters that no address may contain are refused when the address is read.
        refused = "@" in userinfo or "[" in userinfo or "]" in userinfo
        return Refusal.of("userinfo/unreadable") if refused else (secret_text, None)
    if not name or not colon or not password:
        return Refusal.of("userinfo")
    if ":" in password or _LIKE_A_HOST.fullmatch(userinfo) or _BAD_PERCENT.search(userinfo):
        return Refusal.of("userinfo/unreadable")
    if found[1].lower() == "http":
        return IN_CLEAR
    from urllib.parse import unquote_to_bytes

    try:
        decoded = tuple(unquote_to_bytes(part).decode("utf-8") for part in (name, password))
    except UnicodeDecodeError:
        return Refusal.of("userinfo/unreadable")
    auth = (decoded[0], decoded[1])
    if not _can_be_sent(auth):
        return Refusal.of("userinfo/unreadable")
    return secret_text[: found.start(2)] + secret_text[found.end() :], auth


def read_auth(secret_auth: object) -> Auth | Exception | None:
    """The argument ``auth`` as it is kept, or what is wrong with it, for the caller to raise."""
    if secret_auth is None:
        return None
    if not isinstance(secret_auth, tuple | list) or [type(each) for each in secret_auth] != [
        str,
        str,
    ]:
        return TypeError("auth takes a name and a password, as two str in a tuple, or None")
    auth = (secret_auth[0], secret_auth[1])
    if _can_be_sent(auth):
        return auth
    return ValueError(
        "auth takes a name without a colon, and no control characters; neither is empty, and both"
        f" together are no longer than {MAX_AUTH_LENGTH} characters"
    )


def _can_be_sent(auth: Auth) -> bool:
    """RFC 7617 section 2: no colon in the name, no control characters in either."""
    name, password = auth
    text = name + password
    if not name or not password or ":" in name or len(text) > MAX_AUTH_LENGTH:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return _CONTROL.search(text) is None


def authorization(auth: Auth) -> str:
    """The value of the field Authorization: Basic, in UTF-8 (RFC 7617 section 2.1)."""
    from base64 import b64encode

    return "Basic " + b64encode(":".join(auth).encode("utf-8")).decode("ascii")
