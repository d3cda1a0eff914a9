"""What an unsuccessful answer means: a Failure for freshness, an error or a Problem for people.

The words are those of :mod:`extcal.messages.unavailable`, and nothing from a server.
"""

from __future__ import annotations

from extcal.cache.freshness.values import Failure
from extcal.errors import Problem, Unavailable
from extcal.fetch.protocol import Failed, Gone, Refused
from extcal.messages import unavailable as words
from extcal.patterns import pattern

__all__ = ["failure", "unavailable", "unreadable"]

_STATUS = {401: "unauthorized", 403: "forbidden", 404: "not_found", 410: "gone"}
_MAX_HINT = 300
_SENTENCES = pattern(r"[.!?] ")


def failure(response: Gone | Refused | Failed, *, signed_in: bool = False) -> Failure:
    """What an unsuccessful answer of a fetcher means for freshness.

    ``signed_in``: the request carried a name and password.
    """
    if isinstance(response, Gone):
        return Failure("gone", status=410)
    if isinstance(response, Refused):
        if response.challenge:
            return Failure("challenge", None, response.retry_after)
        kind = _STATUS.get(response.status)
        if signed_in and response.status == 401:
            kind = "wrong_password"
        if kind is None:
            kind = "rate_limited" if response.status == 429 else "refused"
        return Failure(kind, response.status, response.retry_after)
    return Failure(response.kind, None, response.retry_after, _hint(response.looks_like))


def unavailable(kind: str, hint: str | None = None) -> Unavailable:
    """The error for a feed about which nothing usable is known."""
    message, advice = words.unavailable(kind)
    if hint:
        # A hint of one sentence says what the answer is; a second sentence is advice of its own.
        advice = hint if _SENTENCES.search(hint) else f"{hint} {advice}"
    return Unavailable(message, kind=kind, advice=advice)


def unreadable(kind: str, action: str) -> Problem:
    """The same as a Problem, for a call that still answers about other calendars."""
    return Problem(kind, words.one_not_read(kind), action=action)


def _hint(text: str | None) -> str | None:
    """A fetcher's own sentence; None if it may contain an address or is too long."""
    if not isinstance(text, str) or len(text) > _MAX_HINT or "://" in text:
        return None
    return text if text.isprintable() else None
