"""Counts, hosts and memories that several threads change at once, each behind a lock.

Nothing here waits for anything but the lock, and nothing is done while holding it but arithmetic.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from datetime import datetime
from typing import Generic, TypeVar

from extcal.cache.freshness.circuit_breaker import WELL, Health, admits, learn, probing
from extcal.cache.stores.memory import ForkSafeLock

__all__ = ["Hosts", "Memory", "Tally"]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_MOST_HOSTS = 4096


class Tally:
    """How often what happened."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._counts: Counter[str] = Counter()

    def count(self, what: str) -> None:
        """It happened once more."""
        with self._lock:
            self._counts[what] += 1

    def read(self) -> dict[str, int]:
        """All counts, of one moment."""
        with self._lock:
            return dict(self._counts)

    def __repr__(self) -> str:
        return f"<Tally of {sum(self.read().values())}>"


class Hosts:
    """The health of every host that is not well, by name."""

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._unwell: dict[str, Health] = {}

    def down(self, host: str, now: datetime) -> str | None:
        """Why ``host`` is not to be asked at ``now``, or None if it may be."""
        health = self._unwell.get(host, WELL)
        return None if admits(health, now) else health.kind

    def admit(self, host: str, now: datetime) -> str | None:
        """The same for somebody who is about to ask: of a host that was down, one may at a time."""
        with self._lock:
            health = self._unwell.get(host, WELL)
            if not admits(health, now):
                return health.kind
            if health is not WELL:
                self._unwell[host] = probing(health, now)
            return None

    def learn(self, host: str, feed: str, kind: str | None, now: datetime) -> tuple[bool, bool]:
        """Book that ``feed`` was asked for; whether the host was down before, and is now."""
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


class Memory(Generic[_Key, _Value]):
    """A dictionary of ``most`` entries: what was used longest ago goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = ForkSafeLock()
        self._kept: OrderedDict[_Key, _Value] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        """What was kept under ``key``, or None; it counts as used."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def keep(self, key: _Key, value: _Value) -> None:
        """Keep ``value`` under ``key`` for a while."""
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def drop(self, key: _Key) -> None:
        """Keep it no longer."""
        with self._lock:
            self._kept.pop(key, None)

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"<Memory of {len(self)}>"
