"""The rate limits of hosts, shared by all caches over one store: one small cell for each host.

Uses the store, which may block.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from extcal.arguments import safe_repr
from extcal.cache.freshness.rate_limited_hosts import KEEP, UNTROUBLED, RateLimited, after_429
from extcal.cache.refresh.kept.keys import host_key
from extcal.cache.snapshot.codec import HOSTS, decode_host, encode_host
from extcal.cache.stores.cells import Cell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.cache.stores.protocol import Store

__all__ = ["RateLimitRecords"]

_LEASE = timedelta(seconds=5)


@safe_repr
class RateLimitRecords:
    """The records of hosts in ``store``; ``secret`` is part of their keys."""

    def __init__(self, store: Store, secret: bytes | None) -> None:
        self._store = store
        self._secret = secret

    def __repr__(self) -> str:
        return f"<RateLimitRecords in {self._store!r}>"

    def told_429(self, host: str, feed: str, now: datetime) -> bool:
        """Record that the host itself answered ``feed``, a digest, with 429.

        Returns whether the feeds of the host have to wait from now on because of it.
        """
        key = self._key(host)
        token = self._store.lease(key, now, _LEASE)
        if token is None:
            return False  # another cache writes this record now; one 429 of many may be lost
        try:
            before = self._load(key)
            after = after_429(before, feed, now)
            self._store.put(key, Cell(encode_host(after, key, self._secret), now + KEEP), token)
        finally:
            self._store.release(key, token)
        return after.until != before.until

    def _load(self, key: str) -> RateLimited:
        cell = self._store.get(key)
        found = None if cell is None else decode_host(cell.data, key, self._secret)
        return UNTROUBLED if found is None else found

    def _key(self, host: str) -> str:
        return host_key(host, HOSTS, self._secret)
