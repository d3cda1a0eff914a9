"""A lease that one refresh holds, and the writes that need it.

With a store that has ``lease_and_get`` and ``put_and_release``, a refresh asks the store twice: at
its begin and at its end. With any other store each step is a call of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from extcal.arguments import safe_repr
from extcal.cache.stores.cells import Cell
from extcal.cache.stores.optional import getter_of_many, has_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from extcal.cache.stores.protocol import Store

__all__ = ["Lease", "Leases"]


@safe_repr
class Leases:
    """Gives leases of the keys in ``store``, which is ``own`` or watches it."""

    def __init__(self, store: Store, own: Store) -> None:
        self._store = store
        self._get_many = getter_of_many(store)
        self._at_once = has_own(own, "lease_and_get", "lease", "get", "get_many") and has_own(
            own, "put_and_release", "put", "release"
        )

    def __repr__(self) -> str:
        return f"<Leases of {self._store!r}>"

    def take(
        self, key: str, now: datetime, ttl: timedelta, keys: Sequence[str]
    ) -> tuple[Lease | None, Mapping[str, Cell]]:
        """The lease of ``key`` until ``now + ttl``, and the cells under ``keys``.

        None, and no cells, if another one holds it.
        """
        cells: Mapping[str, Cell] = {}
        if self._at_once:
            store: Any = self._store
            token, cells = store.lease_and_get(key, now, ttl, keys)
        else:
            token = self._store.lease(key, now, ttl)
            if token is not None:
                cells = self._get_many(keys)
        if token is None:
            return None, {}
        return Lease(self._store, key, token, now, ttl, at_once=self._at_once), cells


@safe_repr
class Lease:
    """The lease of ``key`` in ``store``, given at ``began`` for ``ttl``."""

    __slots__ = ("_at_once", "_began", "_store", "_ttl", "key", "released", "token")

    def __init__(
        self,
        store: Store,
        key: str,
        token: str,
        began: datetime,
        ttl: timedelta,
        *,
        at_once: bool,
    ) -> None:
        self.key = key
        self.token = token
        self.released = False
        self._store = store
        self._began = began
        self._ttl = ttl
        self._at_once = at_once

    def __repr__(self) -> str:
        return f"<Lease of {self.key[:10]}>"

    def put(self, cell: Cell) -> bool:
        """Keep ``cell`` under the key of the lease; returns whether it was kept."""
        return self._store.put(self.key, cell, self.token)

    def put_last(self, cell: Cell) -> bool:
        """The same where nothing follows for which the lease is needed: it is released, too."""
        return self._put_and_release(self.key, cell) if self._at_once else self.put(cell)

    def put_beside(self, key: str, cell: Cell) -> bool:
        """Keep ``cell`` under another ``key``, if the lease is still held, and release the lease.

        A store of five methods cannot check one key's lease when it writes another key. Then use
        this only while :meth:`lasts`.
        """
        if self._at_once:
            return self._put_and_release(key, cell)
        return self._store.put(key, cell, None)

    def lasts(self, now: datetime) -> bool:
        """Whether :meth:`put_beside` may be used at ``now``."""
        return self._at_once or self._began <= now < self._began + self._ttl

    def _put_and_release(self, key: str, cell: Cell) -> bool:
        self.released = True
        store: Any = self._store
        kept: bool = store.put_and_release(key, cell, self.key, self.token)
        return kept

    def release(self) -> None:
        """Give the lease back, if it was not given back yet."""
        if not self.released:
            self.released = True
            self._store.release(self.key, self.token)
