"""Ways in which a calendar's server fails, by name, for :meth:`FeedServer.fail`.

A fault is data, or a function of the body that the address would have served. Nothing here opens a
socket: the server sends the bytes of a :class:`Wire`, and ends the connection as the Wire says.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from extcal.arguments import safe_repr

__all__ = ["FAULTS", "LOGIN_FAULTS", "ODD_SERVERS", "USER_AGENT_FAULTS", "Fault", "Wire"]


@safe_repr
@dataclass(frozen=True, slots=True)
class Wire:
    """What the server sends: ``start``, then ``drop`` again and again, then the ``ending``.

    ``pause``: seconds between two drops. ``drops``: how many at most; None until the client closes
    the connection. ``ending``: ``"close"`` closes the connection, ``"reset"`` resets it, and
    ``"stall"`` sends nothing more until the client leaves or the server ends. ``wait``: seconds
    before the first byte.
    """

    start: bytes
    drop: bytes = b""
    pause: float = 0.0
    drops: int | None = 0
    ending: Literal["close", "reset", "stall"] = "close"
    wait: float = 0.0


@safe_repr
@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail: ``answer`` gets the path and the body that would have been served.

    ``means``: the answer of extcal's own fetcher: the kind of a failure, ``"refused"``,
    ``"gone"``, ``"not modified"``, or ``"fetched"`` if only reading the body shows the fault.
    ``spares``: a function of the request's headers, by lower-case name, which says whether it gets
    the calendar nevertheless.
    """

    answer: Callable[[str, bytes], Wire]
    means: str
    spares: Callable[[Mapping[str, str]], bool] = lambda headers: False


def _answer(
    status: str, body: bytes = b"", kind: str = "text/calendar; charset=utf-8", *more: str
) -> Wire:
    length = () if status.startswith("304") else (f"Content-Length: {len(body)}",)
    head = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", *length, *more, "Connection: close")
    return Wire("\r\n".join([*head, "", ""]).encode("ascii") + body)


def _says(
    status: str, means: str, body: bytes = b"", kind: str = "text/plain", *more: str
) -> Fault:
    wire = _answer(status, body, kind, *more)
    return Fault(lambda path, good: wire, means)


def _page(means: str, body: bytes) -> Fault:
    return _says("200 OK", means, body, "text/html; charset=utf-8")


def _redirect(to: str, means: str) -> Fault:
    return _says("302 Found", means, b"", "text/plain", f"Location: {to}")


def _begun(announced: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: text/calendar\r\n{announced}\r\n\r\n".encode("ascii")


def _of_length(length: int) -> bytes:
    return _begun(f"Content-Length: {length}")


def _bomb(path: str, good: bytes) -> Wire:
    # A stream of many gzip members (RFC 1952 section 2.2): 96 MiB in 96 KiB, made quickly.
    body = gzip.compress(good[:-1]) + gzip.compress(b"\n" * 8 * 1024 * 1024) * 12
    return _answer("200 OK", body, "text/calendar", "Content-Encoding: gzip")


def _bad_gzip(path: str, good: bytes) -> Wire:
    return _answer("200 OK", good, "text/calendar", "Content-Encoding: gzip")


def _huge(path: str, good: bytes) -> Wire:
    return Wire(_begun("Connection: close") + good, drop=b"X-PADDING:0\r\n" * 5_000, drops=2_000)


def _empty_calendar(path: str, good: bytes) -> Wire:
    return _answer("200 OK", b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n")


def _cut(path: str, good: bytes) -> Wire:
    return _answer("200 OK", good[: len(good) * 2 // 3])


def _to_itself(path: str, good: bytes) -> Wire:
    return _answer("302 Found", b"", "text/plain", f"Location: {path}")


_CONDITIONS = frozenset({"if-none-match", "if-modified-since"})
_SIGN_IN = b'<!DOCTYPE html><title>Sign in</title><form><input type="password"></form>'

FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        # Faults of the status.
        "401": _says("401 Unauthorized", "refused", b"", "text/plain", "WWW-Authenticate: Basic"),
        "403": _says("403 Forbidden", "refused"),
        "challenge": _says(
            "403 Forbidden", "refused", b"", "text/html", "cf-mitigated: challenge"
        ),
        "404": _says("404 Not Found", "refused"),
        "410": _says("410 Gone", "gone"),
        "429": _says("429 Too Many Requests", "refused", b"", "text/plain", "Retry-After: 120"),
        "500": _says("500 Internal Server Error", "server_error"),
        "503": _says(
            "503 Service Unavailable", "server_error", b"", "text/plain", "Retry-After: 60"
        ),
        "client refused": _says(
            "500 Internal Server Error", "client_refused", b"", "text/plain",
            "X-OWA-Error: ClientUnsupported",
        ),
        "not modified forever": Fault(
            lambda path, good: _answer("304 Not Modified"), "not modified"
        ),
        # Faults of the body.
        "html": _page("html", b"<!DOCTYPE html><html><body>Your calendar</body></html>"),
        "sign-in page": _page("html", _SIGN_IN),
        "json": _says("200 OK", "json", b'{"error": "no"}', "application/json"),
        "not a calendar": _says("200 OK", "not_a_calendar", b"BEGIN:VCARD\r\nEND:VCARD\r\n"),
        "empty": _says("200 OK", "empty"),
        "empty calendar": Fault(_empty_calendar, "fetched"),
        "cut": Fault(_cut, "fetched"),
        "bad gzip": Fault(_bad_gzip, "bad_encoding"),
        "bomb": Fault(_bomb, "too_large"),
        "huge": Fault(_huge, "too_large"),
        # Faults of redirects.
        "redirect loop": Fault(_to_itself, "too_many_redirects"),
        "redirect to private": _redirect("http://10.0.0.1/calendar.ics", "redirect_refused"),
        "redirect to sign-in": _redirect("https://accounts.google.com/signin", "html"),
        # Faults of the connection.
        "hang up": Fault(lambda path, good: Wire(b""), "connect"),
        "reset": Fault(
            lambda path, good: Wire(_of_length(len(good)) + good[:9], ending="reset"), "truncated"
        ),
        "wrong length": Fault(
            lambda path, good: Wire(_of_length(len(good)) + good[: len(good) * 2 // 3]), "truncated"
        ),
        "not http": Fault(lambda path, good: Wire(b"SSH-2.0-OpenSSH_9.6\r\n"), "protocol"),
        "stall": Fault(
            lambda path, good: Wire(_of_length(len(good)) + good[:9], ending="stall"), "timeout"
        ),
        "drip": Fault(
            lambda path, good: Wire(_of_length(10**6) + good, drop=b" ", pause=0.05, drops=None),
            "timeout",
        ),
        "slow headers": Fault(
            lambda path, good: Wire(
                b"HTTP/1.1 200 OK\r\n", drop=b"X-Wait: 1\r\n", pause=0.05, drops=None
            ),
            "timeout",
        ),
    }
)  # fmt: skip
"""Every name :meth:`FeedServer.fail` knows."""

# Product, platform in brackets, a version of Chrome (RFC 9110 section 10.1.5: products and
# comments). Takes "extcal/1.0 (Linux; +https://...) like Chrome/156" and "Mozilla/5.0 (Linux)
# Chrome/139", and not "curl/8.5.0" nor "Mozilla/5.0".
_LIKE_CHROME = re.compile(r"[!-~]+/[!-~]+ \([^()]+\) (.* )?Chrome/\d{2,3}(\.\d+)*( .*)?")
# What Chrome and Firefox send, whatever follows it.
_BROWSER = re.compile(
    r"Mozilla/5\.0 \([^()]+\) "
    r"(AppleWebKit/[\d.]+ \(KHTML, like Gecko\) Chrome/[\d.]+( Mobile)? Safari/[\d.]+"
    r"|Gecko/[\d.]+ Firefox/[\d.]+)( .*)?"
)
_REFUSAL = "Microsoft.Exchange.Clients.Owa2.Server.Core.OwaBasicUnsupportedException"
_TURNED_AWAY = _answer(
    "302 Found", b"", "text/html; charset=utf-8", f"X-OWA-Error: {_REFUSAL}",
    f"Location: /owa/auth/errorfe.aspx?httpCode=500&owaError={_REFUSAL}",
)  # fmt: skip


def _unless(*taken: re.Pattern[str]) -> Fault:
    return Fault(
        lambda path, good: _TURNED_AWAY,
        "client_refused",
        lambda headers: any(each.fullmatch(headers.get("user-agent", "")) for each in taken),
    )


USER_AGENT_FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "not like Chrome": _unless(_LIKE_CHROME, _BROWSER),
        "not a browser": _unless(_BROWSER),
    }
)
"""Microsoft's rule about the User-Agent, in two strictnesses, for :meth:`FeedServer.fail`.

``"not like Chrome"`` turns away who names no version of Chrome, and ``"not a browser"`` whoever
does not send the whole string of a browser: with a redirect to ``errorfe.aspx``, as Microsoft's
hosts do. Others get what is served.
"""


def _login(scheme: str, challenge: str, *, taken: bool) -> Fault:
    return Fault(
        lambda path, good: _answer(
            "401 Unauthorized", b"", "text/plain", f"WWW-Authenticate: {challenge}"
        ),
        "refused",
        lambda headers: taken and headers.get("authorization", "").startswith(f"{scheme} "),
    )


LOGIN_FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "wants a password": _login("Basic", 'Basic realm="calendars"', taken=True),
        "wrong password": _login("Basic", 'Basic realm="calendars"', taken=False),
        "wants a token": _login("Bearer", "Bearer", taken=True),
        "wrong token": _login("Bearer", 'Bearer error="invalid_token"', taken=False),
    }
)
"""Servers with a login, for :meth:`FeedServer.fail`.

``"wants a password"`` answers 401 to requests without a name and password (Basic, RFC 7617), and
``"wants a token"`` to those without a token (Bearer, RFC 6750). Any password and any token is
right. ``"wrong password"`` and ``"wrong token"`` take none. A password is sent over https only, so
give the server an ``ssl_context``.
"""


def _odd(announced: str, body: Callable[[bytes], bytes] = lambda good: good) -> Fault:
    return Fault(lambda path, good: Wire(_begun(announced) + body(good)), "fetched")


def _chunks(good: bytes) -> bytes:
    return b"%x\r\n" % len(good) + good + b"\r\n"


ODD_SERVERS: Mapping[str, Fault] = MappingProxyType(
    {
        "late": Fault(lambda path, good: Wire(_of_length(len(good)) + good, wait=0.2), "fetched"),
        "encoding utf-8": _odd("Content-Encoding: utf-8"),
        "unannounced gzip": _odd("Connection: close", gzip.compress),
        "chunked twice": _odd(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            lambda good: _chunks(good) + b"0\r\n\r\n",
        ),
        "no last chunk": _odd("Transfer-Encoding: chunked", _chunks),
        "length too long": Fault(
            lambda path, good: Wire(_of_length(len(good) + 1_000) + good), "fetched"
        ),
        "length too short": Fault(
            lambda path, good: Wire(_of_length(len(good.rstrip()) - 6) + good), "fetched"
        ),
        "no validators": Fault(
            lambda path, good: _answer("412 Precondition Failed", b"", "text/plain"),
            "refused",
            lambda headers: _CONDITIONS.isdisjoint(headers),
        ),
        "wants a cookie": Fault(
            lambda path, good: _answer(
                "302 Found", b"", "text/plain", f"Location: {path}", "Set-Cookie: seen=1; Path=/"
            ),
            "fetched",
            lambda headers: "seen=1" in headers.get("cookie", ""),
        ),
    }
)
"""Servers that are odd and well, for :meth:`FeedServer.fail`: an application has to read them.

``"late"`` computes the calendar for a while before it sends the first byte, as servers with large
calendars do. ``"no validators"`` answers 412 to conditional requests, and serves the others.
``"wants a cookie"`` redirects to the same address until the request brings the cookie that came
with the redirect.
"""
