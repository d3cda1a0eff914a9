"""What the cache needs of a store. Bytes in, bytes out.

A store does not look into a cell. The cache checks and decodes it, and a cell that cannot be
decoded is a miss. A store has no clock, either: ``now`` is an argument, so that all caches that
share a store use their own clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from extcal.cache.stores.cells import Cell

__all__ = ["Codec", "Store"]


class Store(Protocol):
    """A place for cells that several threads, and several caches, may use at the same time.

    Keys are short ASCII text. Leases prevent two caches from fetching one feed at the same time. If
    a store loses a lease, a feed is fetched twice, and no answer is wrong.

    A store may have four more methods. ``get_many(keys: Sequence[str]) -> Mapping[str, Cell]``
    returns the cells under ``keys``, by key, with one request to a server instead of many. For a
    store without it, :meth:`get` is called with each key. ``erase(keys: Iterable[str]) -> None`` is
    for calendars that a person wants to be removed: it deletes all of ``keys``, and makes sure that
    their bytes are left nowhere, for example in a log. For a store without it, :meth:`delete` is
    called with each key.

    Two more do two steps of a refresh at once, and are used only together.
    ``lease_and_get(key: str, now: datetime, ttl: timedelta, keys: Sequence[str]) -> tuple[str |
    None, Mapping[str, Cell]]`` is :meth:`lease` of ``key`` and then ``get_many`` of ``keys``; the
    cells do not matter if the lease was not given. ``put_and_release(key: str, cell: Cell, leased:
    str, token: str) -> bool`` keeps ``cell`` under ``key`` if ``token`` holds the lease of
    ``leased``, releases this lease, and returns whether the cell was kept.
    """

    def get(self, key: str, /) -> Cell | None:
        """The cell under ``key``, or None."""
        ...

    def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
        """Keep ``cell`` under ``key``; returns whether it was kept.

        With a ``token`` it is kept only if the lease of ``key`` was last given to that token, and
        was neither released nor deleted since. So a slow writer whose lease was given to another
        one cannot overwrite newer data. With None it is always kept.
        """
        ...

    def delete(self, key: str, /) -> None:
        """Delete the cell under ``key`` and its lease, so that a running writer cannot write
        it."""
        ...

    def lease(self, key: str, now: datetime, ttl: timedelta, /) -> str | None:
        """Try to get the lease of ``key`` until ``now + ttl``.

        Returns a new token, or None if another one holds the lease. A lease that expires later than
        ``now + 2 * ttl`` was given by a wrong clock, and is void. One that expires after ``now +
        ttl`` is not: another process read its clock later and was here first.
        """
        ...

    def release(self, key: str, token: str, /) -> None:
        """Release the lease; nothing happens if ``token`` does not hold it."""
        ...


class Codec(Protocol):
    """Encodes and decodes the bytes of a store outside this process; usually it encrypts."""

    def encode(self, data: bytes, /) -> bytes:
        """``data`` as it is to be written."""
        ...

    def decode(self, data: bytes, /) -> bytes:
        """The argument of :meth:`encode`. Any exception means that the cell is a miss."""
        ...
