"""Cookies, as little of them as some servers need (RFC 6265). Pure.

Some servers set a cookie with a redirect and expect it in the next request; without it they
redirect for ever. So a cookie is kept for one fetch only, and is sent only to the origin that set
it. Domain and Path are ignored.
"""

from __future__ import annotations

import re
from email.utils import mktime_tz, parsedate_tz

from extcal.fetch.http.message.head import Head
from extcal.values import NamedTuple

__all__ = ["MAX_COOKIES", "MAX_COOKIE_BYTES", "Cookie", "cookie_header", "with_cookies"]

MAX_COOKIES = 20
MAX_COOKIE_BYTES = 4_096  # name and value together (RFC 6265 section 6.1)

Origin = tuple[str, str, int]

# RFC 6265 section 4.1.1: cookie-pair = cookie-name "=" cookie-value. Blanks and quotes inside a
# value are sent by real servers. Matches "a=b" of "a=b; Path=/", and nothing of "a\x00=b".
_PAIR = re.compile(r"[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=([!-:<-~ \t]*)(?:;|\Z)")
# Matches "; Max-Age=0" and "; expires = Thu, 01-Jan-1970 00:00:00 GMT"; not "; X-Max-Age=0".
_MAX_AGE = re.compile(r";[ \t]*max-age[ \t]*=[ \t]*(-?[0-9]{1,20})[ \t]*(?:;|\Z)", re.IGNORECASE)
_EXPIRES = re.compile(r";[ \t]*expires[ \t]*=[ \t]*([^;]{1,64})", re.IGNORECASE)
_LONG_AGO = 1_750_000_000.0  # 2025, for answers without a Date


class Cookie(NamedTuple):
    """One cookie, and the origin that set it."""

    origin: Origin
    name: str
    value: str

    def __repr__(self) -> str:
        return f"<Cookie of {self.origin[1]}>"


def with_cookies(known: tuple[Cookie, ...], origin: Origin, head: Head) -> tuple[Cookie, ...]:
    """``known`` and the cookies that an answer of ``origin`` sets; if too many, the first ones."""
    kept = {(cookie.origin, cookie.name): cookie for cookie in known}
    for name, field in head.fields:
        found = _PAIR.match(field) if name == "set-cookie" else None
        if found is None or len(found[1]) + len(found[2].strip()) > MAX_COOKIE_BYTES:
            continue
        key = (origin, found[1])
        if _is_deleted(field, head):
            kept.pop(key, None)
        elif key in kept or len(kept) < MAX_COOKIES:
            kept[key] = Cookie(origin, found[1], found[2].strip())
    return tuple(kept.values())


def _is_deleted(field: str, head: Head) -> bool:
    """Whether the cookie expires at once (RFC 6265 section 5.3: Max-Age before Expires).

    A date is compared with the Date of the same answer, so that no clock of this machine is used.
    """
    age = _MAX_AGE.search(field)
    if age is not None:
        return int(age[1]) <= 0
    expires = _EXPIRES.search(field)
    until = None if expires is None else _seconds(expires[1])
    now = _seconds(head.get("date") or "")
    return until is not None and until <= (_LONG_AGO if now is None else now)


def _seconds(date: str) -> float | None:
    """Seconds since 1970 of a date as servers write it, or None."""
    try:
        found = parsedate_tz(date)
        return None if found is None else float(mktime_tz(found))
    except (TypeError, ValueError, OverflowError):
        return None


def cookie_header(known: tuple[Cookie, ...], origin: Origin) -> str | None:
    """The value of the field Cookie for ``origin``, or None."""
    pairs = [f"{cookie.name}={cookie.value}" for cookie in known if cookie.origin == origin]
    return "; ".join(pairs) or None
