"""The errors of extcal, by cause.

A mistake of the caller is a ``TypeError`` or ``ValueError``. An error of an address or a source is
an :class:`ExtcalError`. Unusual content of a feed is a :class:`Problem`: a value, never an
exception. No message contains a feed's address.
"""

from __future__ import annotations

from extcal.arguments import safe_repr
from extcal.messages import problems
from extcal.values import dataclass

__all__ = [
    "ExtcalError",
    "FeedUrlError",
    "FetchError",
    "LimitExceeded",
    "NotACalendar",
    "OutsideHorizon",
    "Problem",
    "Unavailable",
    "problem_of",
]


class ExtcalError(Exception):
    """The base of every error that extcal raises on purpose."""


@safe_repr
class _Coded(ExtcalError):
    """An error with a machine-readable ``kind`` and advice for people; both survive pickling."""

    def __init__(self, message: str, *, kind: str, advice: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}" if self.advice else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.kind, self.advice)


def _rebuild(cls: type[_Coded], message: str, kind: str, advice: str | None) -> _Coded:
    return cls(message, kind=kind, advice=advice)


class FeedUrlError(_Coded, ValueError):
    """No feed can be read from this address; ``advice`` says what to paste instead."""


class FetchError(_Coded):
    """A source's answer cannot be read; ``kind`` is that of the fetcher's answer."""


@safe_repr
class NotACalendar(ValueError, ExtcalError):
    """There is no VCALENDAR in the bytes. ``looks_like`` says what they seem to be, if known."""

    def __init__(self, message: str, looks_like: str | None = None) -> None:
        super().__init__(message, looks_like)
        self.message = message
        self.looks_like = looks_like

    def __str__(self) -> str:
        return self.message


class LimitExceeded(_Coded):
    """A limit was reached under ``strict=True``; ``kind`` names the field of Limits."""


class Unavailable(_Coded):
    """Nothing usable is known about a feed and its source cannot be read; ``kind`` says why."""


class OutsideHorizon(ValueError, ExtcalError):
    """The time asked about is completely outside the time for which the calendar is known."""


@safe_repr
@dataclass(frozen=True, slots=True)
class Problem:
    """An irregularity of a feed or of a source's answer.

    ``code`` is a stable word from a closed list, ``message`` is for people, ``line`` counts from 1
    in the feed's bytes, ``uid`` is that of the event, and ``action`` says how it was read.
    """

    code: str
    message: str
    line: int | None = None
    uid: str | None = None
    action: str = "noted"

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line is not None else ""
        return f"{where}{self.message} ({self.code}; {self.action})"


def problem_of(key: str, **parameters: object) -> Problem:
    """The Problem whose words are under ``key`` in :mod:`extcal.messages.problems`."""
    code, message, action = problems.oddity(key, **parameters)
    return Problem(code, message, action=action)
