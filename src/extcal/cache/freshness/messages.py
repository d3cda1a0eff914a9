"""What is said to people when a feed cannot be read: constant sentences, and nothing from a server.

Keyed by the kinds of :data:`extcal.fetch.FAILURE_KINDS` and the cache's own.
"""

from __future__ import annotations

import re

from extcal.cache.freshness.decide import Failure
from extcal.errors import Problem, Unavailable
from extcal.fetch.protocol import Failed, Gone, Refused

__all__ = ["failure", "unavailable", "unreadable"]

_PASTE_AGAIN = "Copy the address again from the calendar's settings and paste it once more."
_WAIT = "Nothing needs to be done; it is tried again."
_RUN_AGAIN = "The operator can start the run again; what was read before is kept."
_ICS = "Paste the address of the ICS feed, not the one of a web page."

_WORDS: dict[str, tuple[str, str]] = {
    "bad_encoding": ("the answer is damaged", _WAIT),
    "blocked_address": ("the address leads to a network that is not allowed", _PASTE_AGAIN),
    "blocked_url": ("the address is not one that is allowed", _PASTE_AGAIN),
    "client_refused": (
        "the provider turns this program away by its User-Agent",
        "The operator can set other ones with HttpFetcher(user_agents=...).",
    ),
    "connect": ("the server cannot be reached", _WAIT),
    "dns": ("the server's name cannot be found", "Check the address; otherwise wait."),
    "empty": ("the answer is empty", _PASTE_AGAIN),
    "fetcher_error": ("the fetcher failed", "The operator can find the reason in the fetcher."),
    "forbidden": ("the server does not allow it (403)", _PASTE_AGAIN),
    "gone": ("it is no longer published", _PASTE_AGAIN),
    "html": ("the answer is a web page", _ICS),
    "incomplete": ("the answer was cut off", _WAIT),
    "json": ("the answer is data of another kind", _ICS),
    "not_a_calendar": ("the answer is not a calendar", _ICS),
    "not_found": ("the server does not know it (404)", _PASTE_AGAIN),
    "not_found_file": ("the file does not exist", _PASTE_AGAIN),
    "not_refreshed": ("it was not asked for, because there are no workers left", _RUN_AGAIN),
    "protocol": ("the answer is not proper HTTP", _WAIT),
    "rate_limited": ("the server asks for patience (429)", _WAIT),
    "redirect_refused": ("it leads to an address that is not allowed", _PASTE_AGAIN),
    "refused": ("the server refuses the request", _PASTE_AGAIN),
    "server_error": ("the server failed", _WAIT),
    "timeout": ("it took too long", _WAIT),
    "tls": ("the connection is not secure", _WAIT),
    "too_large": ("it is too large", "Publish a shorter stretch of the calendar."),
    "too_many_redirects": ("the address leads in circles", _PASTE_AGAIN),
    "truncated": ("the answer was cut off", _WAIT),
    "unauthorized": (
        "the server wants a login (401)",
        "Paste the calendar's secret or published address; or put name and password into it"
        " (https://name:password@...).",
    ),
    "unreadable": ("it could not be read because of an error in extcal", "Please report it."),
    "wrong_password": (
        "the server does not accept the name and password (401)",
        "Check both and enter them again; where two-factor login is on, the server wants an app"
        " password, which is made in its security settings.",
    ),
    "worker_lost": ("the worker that was to read it is lost", _RUN_AGAIN),
}
_OTHER = ("it cannot be read", _WAIT)

_STATUS = {401: "unauthorized", 403: "forbidden", 404: "not_found", 410: "gone"}
_MAX_HINT = 300
_SENTENCES = re.compile(r"[.!?] ")


def failure(response: Gone | Refused | Failed, *, signed_in: bool = False) -> Failure:
    """What an unsuccessful answer of a fetcher means for freshness.

    ``signed_in``: the request carried a name and password.
    """
    if isinstance(response, Gone):
        return Failure("gone", status=410)
    if isinstance(response, Refused):
        kind = _STATUS.get(response.status)
        if signed_in and response.status == 401:
            kind = "wrong_password"
        if kind is None:
            kind = "rate_limited" if response.status == 429 else "refused"
        return Failure(kind, response.status, response.retry_after)
    return Failure(response.kind, None, response.retry_after, _hint(response.looks_like))


def unavailable(kind: str, hint: str | None = None) -> Unavailable:
    """The error for a feed about which nothing usable is known."""
    said, advice = _WORDS.get(kind, _OTHER)
    if hint:
        # One sentence says what it is; what to do about it is in the second, or in ours.
        advice = hint if _SENTENCES.search(hint) else f"{hint} {advice}"
    return Unavailable(f"The calendar is not available: {said}.", kind=kind, advice=advice)


def unreadable(kind: str, action: str) -> Problem:
    """The same as a Problem, where one feed must not spoil the answer for the others."""
    said, _ = _WORDS.get(kind, _OTHER)
    return Problem(kind, f"a calendar could not be read: {said}", action=action)


def _hint(text: str | None) -> str | None:
    """A fetcher's own sentence, unless it holds what no sentence to a user should."""
    if not isinstance(text, str) or len(text) > _MAX_HINT or "://" in text:
        return None
    return text if text.isprintable() else None
