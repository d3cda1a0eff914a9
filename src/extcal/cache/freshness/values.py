"""The values of freshness: what is known, what is promised, what is decided. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

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
"""Older than this is fetched before answering, unless a host says otherwise."""
STALE_IF_ERROR = timedelta(hours=24)
"""How long the last good reading stands in, unless a host says otherwise."""


class State(StrEnum):
    """How current an answer is."""

    FRESH = "fresh"
    """Read, or found unchanged, no more than 30 minutes ago."""
    STALE = "stale"
    """Older, or read by other rules: a newer reading is under way and was not waited for, or will
    be made within the 30 minutes; or a cache on the way to the source has nothing newer."""
    ERROR_STALE = "error-stale"
    """Older, because the source could not be read; ``last_error`` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The times that decide. All are part of what users or sources were promised."""

    ttl: timedelta = TTL
    stale_if_error: timedelta = STALE_IF_ERROR
    refresh_floor: timedelta = timedelta(seconds=30)  # between attempts, however often one clicks
    # Three that bend the 30 minutes; a host has to ask for each.
    stale_while_revalidate: timedelta = _ZERO  # RFC 5861 section 3: so much longer, at once
    ttl_jitter: float = 0.0  # up to this share shorter, so that feeds do not expire together
    respect_refresh_interval: bool = False  # RFC 7986 section 5.7: fresh for what feeds suggest...
    refresh_interval_cap: timedelta = timedelta(hours=6)  # ...but no longer than this
    # How long until the next try, doubled with every failure; jitter takes up to half of it away.
    first_backoff: timedelta = timedelta(seconds=60)
    first_if_rate_limited: timedelta = timedelta(minutes=5)  # 429 without Retry-After
    first_if_no_calendar: timedelta = timedelta(minutes=10)  # a person has to mend that
    if_refused: timedelta = timedelta(hours=1)  # 401, 403, 404: however often
    last_backoff: timedelta = timedelta(minutes=30)
    lasting_failures: int = 5  # from so many in a row on, never less than last_backoff
    early_requests: int = 6  # sooner than last_backoff after the one before it...
    early_over: timedelta = timedelta(hours=24)  # ...in so long; then none is sooner than that
    retry_after_cap: timedelta = timedelta(hours=6)  # a typing error must not end a subscription
    refusals: int = 3  # 401, 403 and 404 flap; so often in a row...
    refused_over: timedelta = timedelta(hours=24)  # ...over so long is meant
    stale_if_refused: timedelta = STALE_IF_ERROR  # how long a reading stands in for a refused one
    plain_after: timedelta = timedelta(hours=24)  # validators are believed for so long
    gone_probe: timedelta = timedelta(hours=24)
    blocked_for: timedelta = timedelta(minutes=15)  # by then a name may lead elsewhere
    stale_if_blocked: timedelta = timedelta(minutes=60)  # where it leads now is nobody's calendar
    skew: timedelta = timedelta(seconds=5)  # clocks of two machines, not a jump


@dataclass(frozen=True, slots=True)
class Held:
    """What could be served.

    ``fetched_at``: when the source last gave or confirmed it. ``complete``: it was read to its
    end. ``covers``: it reaches over the promised window as of now. ``validators``: the source gave
    an ETag or Last-Modified with it. ``lifetime``: how long it is fresh, if not for ``ttl``.
    ``asked_at``: when the source was asked for it, if it was older than that already (Age).
    ``read_at``: when its body was read, if 304s have confirmed it since.
    ``other_rules``: None if it was read as it would be read today; else from when on it is to be
    read again, as far as the feed's own moment goes: see :func:`moment_of`.
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
    """How asking one address went since it last answered.

    ``last``: the last attempt. ``failures``: in a row. ``next_try``: no request before that.
    ``asked_to_wait``: ``next_try`` is the source's own word (Retry-After). ``kind``: of the last
    failure; ``hint``: a sentence about it. ``refusals``, ``refused_since``: 401, 403, 404 since
    the last answer. ``gone``: the verdict. ``early``: when it was asked sooner after the request
    before than a source that is well. ``doubted``: until when it gets no validators;
    in the past, when they were suspected.
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
    """The source was read, or said that nothing changed; ``tries``: requests that it took."""

    tries: int = 1


@dataclass(frozen=True, slots=True)
class Failure:
    """The source was not read; ``retry_after`` in seconds, ``status`` of HTTP, if there was one.

    ``tries``: requests that it took. ``conditional``: they carried validators.
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

    ``error``: the kind of failure that is the reason for ERROR_STALE. ``behind``: and ask the
    source, without anybody waiting for it.
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
Wish = Literal["get", "renew", "refresh"]
"""``get``: somebody wants an answer. ``renew``: nobody waits, and what is not fresh is fetched.
``refresh``: somebody pressed a button."""
