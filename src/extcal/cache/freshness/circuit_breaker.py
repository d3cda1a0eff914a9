"""The circuit breaker of a host: while the host is down, its feeds are not fetched. Pure.

Five failures to connect in a row *open* the breaker: for 60 seconds no feed of that host is
fetched. They must be of at least three feeds, because the cause may lie in one feed. Then one feed,
and only one, may *probe* the host. If that fails too, the breaker stays open for another 60
seconds. Any answer, even a refusal, closes it. A user's "refresh" is always allowed, and counts as
a probe.

The state of a host is kept in the memory of one cache and not in the store, for three reasons. It
is learnt again within five requests. The five methods of a store cannot count without losing
counts. And if the network of one process is broken, the other processes must not stop fetching.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from extcal.values import dataclass, replace

__all__ = ["WELL", "Health", "admits", "learn", "probing"]

_UNREACHABLE = frozenset({"connect", "dns", "timeout", "tls"})
_SILENT = frozenset({"blocked_address", "blocked_url", "fetcher_error", "not_found_file"})
_FAILURES = 5
_FEEDS = 3
_OPEN = timedelta(seconds=60)
_PROBE = timedelta(seconds=30)  # after this time a probe counts as lost, and another may start


@dataclass(frozen=True, slots=True)
class Health:
    """The last attempts to reach a host.

    ``failures``: failures to connect, in a row. ``feeds``: the feeds that failed, at most as many
    as are needed to open the breaker. ``kind``: of the last failure. ``open_until``: no request
    before this time. ``probe_until``: until then a probe is under way, and no other request starts.
    """

    failures: int = 0
    feeds: frozenset[str] = frozenset()
    kind: str = ""
    open_until: datetime | None = None
    probe_until: datetime | None = None


WELL = Health()


def admits(health: Health, now: datetime) -> bool:
    """Whether a feed of this host may be asked for at ``now``."""
    return not (_ahead(health.open_until, now, _OPEN) or _ahead(health.probe_until, now, _PROBE))


def probing(health: Health, now: datetime) -> Health:
    """``health`` after a feed was admitted: if the breaker was open, no other feed is admitted."""
    return health if health.open_until is None else replace(health, probe_until=now + _PROBE)


def learn(health: Health, feed: str, kind: str | None, now: datetime) -> Health:
    """``health`` after a fetch of ``feed``; ``kind`` of its failure, None if it was read."""
    if kind in _SILENT:
        return health  # the host was never asked
    if kind not in _UNREACHABLE:
        return WELL
    failures = health.failures + 1
    feeds = health.feeds if len(health.feeds) >= _FEEDS else health.feeds | {feed}
    down = failures >= _FAILURES and len(feeds) >= _FEEDS  # and so it stays while probes fail
    return Health(failures, feeds, kind or "", now + _OPEN if down else None)


def _ahead(moment: datetime | None, now: datetime, longest: timedelta) -> bool:
    """Whether ``moment`` is in the future, by at most ``longest``: else a clock has jumped."""
    return moment is not None and now < moment <= now + longest
