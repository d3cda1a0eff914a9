"""The circuit breakers of one cache by host, safe for threads.

While the lock is held, only arithmetic is done.
"""

from __future__ import annotations

from datetime import datetime

from extcal.arguments import safe_repr
from extcal.cache.freshness.circuit_breaker import WELL, Health, admits, learn, probing
from extcal.cache.stores.memory import ForkSafeLock

__all__ = ["Hosts"]

_MOST_HOSTS = 4096


@safe_repr
class Hosts:
    """The state of every host that recently could not be reached, by name."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._unwell: dict[str, Health] = {}

    def down(self, host: str, now: datetime) -> str | None:
        """Why ``host`` is not to be asked at ``now``, or None if it may be."""
        health = self._unwell.get(host, WELL)
        return None if admits(health, now) else health.kind

    def admit(self, host: str, now: datetime) -> str | None:
        """The same for a caller that asks next. If the host was down, one at a time is admitted."""
        with self._lock:
            health = self._unwell.get(host, WELL)
            if not admits(health, now):
                return health.kind
            if health is not WELL:
                self._unwell[host] = probing(health, now)
            return None

    def learn(self, host: str, feed: str, kind: str | None, now: datetime) -> tuple[bool, bool]:
        """Record an attempt for ``feed``; return whether the host was down before, and is now."""
        with self._lock:
            before = self._unwell.pop(host, WELL)
            after = learn(before, feed, kind, now) if host else WELL
            if after is not WELL:
                if len(self._unwell) >= _MOST_HOSTS:
                    del self._unwell[next(iter(self._unwell))]
                self._unwell[host] = after
            return before.open_until is not None, after.open_until is not None

    def down_count(self, now: datetime) -> int:
        """How many hosts are not to be asked at ``now``."""
        with self._lock:
            return sum(not admits(health, now) for health in self._unwell.values())

    def __repr__(self) -> str:
        return f"<Hosts: {len(self._unwell)} unwell>"
