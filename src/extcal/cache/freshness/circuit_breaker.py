"""When a whole host is down, and its feeds need not all find out one by one. Pure.

Five failures to connect in a row, of three feeds at least (one feed that fails may have itself to
blame), *open* the breaker: for 60 seconds nobody asks that host. Then one feed, and only one, may
*probe* it; if that fails too, the breaker stays open for another 60 seconds, and any answer at all,
be it a refusal, closes it. A person's "refresh" is not held back, and counts as a probe.

What is known of a host belongs to one cache and is kept in its memory, not in the store: it is
learnt again within five requests, a store's five methods cannot count without losing counts, and
one process whose own network is broken must not cut off the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

__all__ = ["WELL", "Health", "admits", "learn", "probing"]

_UNREACHABLE = frozenset({"connect", "dns", "timeout", "tls"})
_SILENT = frozenset({"blocked_address", "blocked_url", "fetcher_error", "not_found_file"})
_FAILURES = 5
_FEEDS = 3
_OPEN = timedelta(seconds=60)
_PROBE = timedelta(seconds=30)  # a probe that has not reported by then never will


@dataclass(frozen=True, slots=True)
class Health:
    """How a host has been doing.

    ``failures``: to connect, in a row. ``feeds``: whose; no more than matter are kept. ``kind``: of
    the last. ``open_until``: nobody asks before that. ``probe_until``: somebody is asking, and the
    others wait for what comes of it.
    """

    failures: int = 0
    feeds: frozenset[str] = frozenset()
    kind: str = ""
    open_until: datetime | None = None
    probe_until: datetime | None = None


WELL = Health()


def admits(health: Health, now: datetime) -> bool:
    """Whether a feed of this host may be asked for at ``now``."""
    if health.open_until is None:
        return True
    return not (_ahead(health.open_until, now, _OPEN) or _ahead(health.probe_until, now, _PROBE))


def probing(health: Health, now: datetime) -> Health:
    """The same after somebody was admitted: if the breaker was open, the others wait."""
    return health if health.open_until is None else replace(health, probe_until=now + _PROBE)


def learn(health: Health, feed: str, kind: str | None, now: datetime) -> Health:
    """What is known after ``feed`` was asked for; ``kind`` of its failure, None if it was read."""
    if kind in _SILENT:
        return health  # nobody got as far as asking it
    if kind not in _UNREACHABLE:
        return WELL
    failures = health.failures + 1
    feeds = health.feeds if len(health.feeds) >= _FEEDS else health.feeds | {feed}
    down = health.open_until is not None or (failures >= _FAILURES and len(feeds) >= _FEEDS)
    return Health(failures, feeds, kind or "", now + _OPEN if down else None)


def _ahead(moment: datetime | None, now: datetime, longest: timedelta) -> bool:
    """Whether ``moment`` is yet to come; further ahead than it can be, a clock has jumped."""
    return moment is not None and now < moment <= now + longest
