"""A store of the application's own, as a cache uses it: for a bounded time, and left alone if slow.

What it raises is raised. While it is left alone, this process goes on in memory, as it does with a
place that fails: see :mod:`extcal.cache.stores.durable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from extcal.arguments import safe_repr
from extcal.cache.stores.cells import Cell
from extcal.cache.stores.durable import DurableStore
from extcal.cache.stores.optional import erase_all, getter_of_many
from extcal.cache.stores.protocol import Store
from extcal.cache.stores.watch import Late, Watch

__all__ = ["WatchedStore"]

_SECONDS = 2.0  # as for Redis


@safe_repr
class WatchedStore(DurableStore):
    """``store``, which is asked for no longer than two seconds at a time."""

    _troubles = (Late,)

    def __init__(self, store: Store) -> None:
        super().__init__(codec=None, remembers=True, watch=Watch(_SECONDS))
        self._store = store
        self._many = getter_of_many(store)
        self._tokens: dict[str, str] = {}  # by the token given here, that of the store

    def __repr__(self) -> str:
        return repr(self._store)

    def erase(self, keys: Iterable[str], /) -> None:
        """Delete the cells and leases of ``keys``, as the store does that."""
        named = list(keys)
        for key in named:
            self._memory.delete(key)
            self._held.pop(key, None)
        if not (self._writing.over() and self._try(erase_all, self._store, named)):
            with self._owing:
                self._owed.update(dict.fromkeys(named))

    # -- the place ------------------------------------------------------------------------------

    def _read(self, keys: Sequence[str]) -> dict[str, Cell]:
        found: Mapping[str, Cell] = self._many(keys)
        return dict(found)

    def _write(self, key: str, cell: Cell, token: str | None) -> bool:
        return self._store.put(key, cell, self._tokens.get(token, token) if token else None)

    def _merge(self, key: str, cell: Cell) -> None:
        there = self._store.get(key)
        if there is None or there.keep_until <= cell.keep_until:
            self._store.put(key, cell, None)

    def _remove(self, key: str) -> None:
        self._store.delete(key)

    def _take(self, key: str, token: str, now: datetime, ttl: timedelta) -> bool:
        given = self._store.lease(key, now, ttl)
        if given is not None:
            self._tokens[token] = given
        return given is not None

    def _give_back(self, key: str, token: str) -> None:
        self._store.release(key, self._tokens.pop(token, token))

    def _take_and_read(
        self, key: str, token: str, now: datetime, ttl: timedelta, keys: Sequence[str]
    ) -> tuple[bool, dict[str, Cell]]:
        given, cells = cast("Any", self._store).lease_and_get(key, now, ttl, keys)
        if given is not None:
            self._tokens[token] = given
        return given is not None, dict(cells)

    def _write_and_give_back(self, key: str, cell: Cell, leased: str, token: str) -> bool:
        given = self._tokens.pop(token, token)
        return bool(cast("Any", self._store).put_and_release(key, cell, leased, given))

    def _say(self, error: Exception) -> str:
        return type(error).__name__
