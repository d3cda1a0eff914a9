"""The values of freshness: what is known, what is promised, what is decided. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from extcal.values import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

__all__ = [
    "STALE_IF_ERROR",
    "TTL",
    "Attempts",
    "Decision",
    "Failure",
    "Fetch",
    "Held",
    "Outcome",
    "Raise",
    "Rules",
    "Serve",
    "State",
    "Success",
    "Wish",
]

_ZERO = timedelta(0)

TTL = timedelta(minutes=30)
"""By default a reading older than this is fetched again before answering."""
STALE_IF_ERROR = timedelta(hours=24)
"""How long the last good reading is served by default if the source cannot be read."""


class State(StrEnum):
    """How current an answer is."""

    FRESH = "fresh"
    """Read, or found unchanged, no more than 30 minutes ago."""
    STALE = "stale"
    """Older, or read by other rules (such as earlier time zone data).

    The feed is being fetched, but the answer did not wait for that; or it will be fetched within
    the 30 minutes; or an HTTP cache on the way to the source has nothing newer.
    """
    ERROR_STALE = "error-stale"
    """Older, because the source could not be read; ``last_error`` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The times that :mod:`extcal.cache.freshness.decide` goes by.

    Users or the operators of sources were promised each of them.
    """

    ttl: timedelta = TTL
    stale_if_error: timedelta = STALE_IF_ERROR
    refresh_floor: timedelta = timedelta(seconds=30)  # between attempts, however often one clicks
    # Three that change the 30 minutes; all are off by default.
    stale_while_revalidate: timedelta = _ZERO  # RFC 5861 section 3: so much longer, at once
    ttl_jitter: float = 0.0  # up to this share shorter, so that feeds do not expire together
    respect_refresh_interval: bool = False  # RFC 7986 section 5.7: fresh for what feeds suggest...
    refresh_interval_cap: timedelta = timedelta(hours=6)  # ...but no longer than this
    # How long until the next try, doubled with every failure; jitter takes up to half of it away.
    first_backoff: timedelta = timedelta(seconds=60)
    first_if_rate_limited: timedelta = timedelta(minutes=5)  # 429 without Retry-After
    first_if_no_calendar: timedelta = timedelta(minutes=10)  # only a person can mend that
    if_refused: timedelta = timedelta(hours=1)  # 401, 403, 404: however often
    last_backoff: timedelta = timedelta(minutes=30)
    lasting_failures: int = 5  # from so many in a row on, never less than last_backoff
    # At most so many requests come sooner than last_backoff after the one before...
    early_requests: int = 6
    early_over: timedelta = timedelta(hours=24)  # ...within this time
    retry_after_cap: timedelta = timedelta(hours=6)  # a server's mistake must not end a feed
    # 401, 403 and 404 may be temporary. After so many in a row...
    refusals: int = 3
    refused_over: timedelta = timedelta(hours=24)  # ...over this time the source is gone
    stale_if_refused: timedelta = STALE_IF_ERROR  # how long a reading is served after a refusal
    plain_after: timedelta = timedelta(hours=24)  # then one request is sent without validators
    gone_probe: timedelta = timedelta(hours=24)
    blocked_for: timedelta = timedelta(minutes=15)  # a name may lead to another address by then
    stale_if_blocked: timedelta = timedelta(minutes=60)  # the name may belong to somebody else
    skew: timedelta = timedelta(seconds=5)  # a difference of two machines' clocks, not a jump


@dataclass(frozen=True, slots=True)
class Held:
    """What freshness needs to know of the stored reading.

    ``fetched_at``: when the source last gave or confirmed it. ``complete``: it was read to its
    end. ``covers``: it covers the promised window as of now. ``validators``: the source gave
    an ETag or Last-Modified with it. ``lifetime``: how long it is fresh, if not for ``ttl``.
    ``asked_at``: when the source was asked for it, if an HTTP cache had kept the answer (Age).
    ``read_at``: when its body was read, if 304s have confirmed it since.
    ``other_rules``: None if it was made by today's rules; else the time from which on it is to be
    read again: see :func:`moment_of`.
    """

    fetched_at: datetime
    complete: bool = True
    covers: bool = True
    validators: bool = False
    lifetime: timedelta | None = None
    asked_at: datetime | None = None
    read_at: datetime | None = None
    other_rules: datetime | None = None

    @property
    def asked(self) -> datetime:
        """When the source was last asked for this."""
        return self.fetched_at if self.asked_at is None else self.asked_at


@dataclass(frozen=True, slots=True)
class Attempts:
    """The attempts to fetch one address since it last answered.

    ``last``: when the last attempt was. ``failures``: failures in a row. ``next_try``: no request
    before that. ``asked_to_wait``: ``next_try`` comes from the source (Retry-After). ``kind``: of
    the last failure; ``hint``: a sentence about it. ``refusals``, ``refused_since``: 401, 403, 404
    since the last answer. ``gone``: the calendar was withdrawn. ``early``: the times of requests
    that came sooner than 30 minutes after the one before. ``doubted``: until then no validators are
    sent; if it is in the past, the time when they were suspected.
    """

    last: datetime | None = None
    failures: int = 0
    next_try: datetime | None = None
    asked_to_wait: bool = False
    kind: str | None = None
    hint: str | None = None
    refusals: int = 0
    refused_since: datetime | None = None
    gone: bool = False
    early: tuple[datetime, ...] = ()
    doubted: datetime | None = None


@dataclass(frozen=True, slots=True)
class Success:
    """The source was read or answered 304; ``tries``: the number of requests."""

    tries: int = 1


@dataclass(frozen=True, slots=True)
class Failure:
    """The source was not read; ``retry_after`` in seconds, ``status`` of HTTP, if there was one.

    ``tries``: the number of requests. ``conditional``: they carried validators.
    """

    kind: str
    status: int | None = None
    retry_after: float | None = None
    hint: str | None = None
    tries: int = 1
    conditional: bool = False


Outcome = Success | Failure


@dataclass(frozen=True, slots=True)
class Serve:
    """Answer from what is held.

    ``error``: the kind of failure that is the reason for ERROR_STALE. ``behind``: also start a
    fetch, for which the answer does not wait.
    """

    state: State
    error: str | None = None
    behind: bool = False


@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask the source first; ``conditional``: with the validators of what is held."""

    conditional: bool


@dataclass(frozen=True, slots=True)
class Raise:
    """There is nothing to answer with; ``kind`` says why."""

    kind: str
    hint: str | None = None


Decision = Serve | Fetch | Raise
Wish: TypeAlias = "Literal['get', 'renew', 'refresh']"
"""Why a feed is asked for.

``get``: a caller wants an answer. ``renew``: no caller waits, and a reading that is not fresh is
fetched again. ``refresh``: a user pressed "refresh".
"""
