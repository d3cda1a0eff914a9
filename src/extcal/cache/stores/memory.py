"""The store in this process's memory: bounded, thread-safe, least recently used cells go first.

Also the lock that the stores use, which is the only code of this package that knows of threads; and
the bounded dictionary in which a cache keeps results that it would otherwise compute again.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from types import TracebackType

from extcal.arguments import count_of, made_discreetly, safe_repr
from extcal.cache.stores.cells import Cell
from extcal.values import Generic, NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from extcal.cache.stores.protocol import Store

    _Key = TypeVar("_Key")
    _Value = TypeVar("_Value")

__all__ = ["ForkSafeLock", "Memo", "MemoryStore", "is_quick"]


class ForkSafeLock:
    """A lock of which every process has its own.

    After a fork the child has only one thread. A lock that another thread of the parent held would
    never be released there.
    """

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks: dict[int, threading.Lock] = {}

    def acquire(self, seconds: float = -1) -> bool:
        """Whether it was free within ``seconds``, and is held now; -1 for as long as it takes."""
        process = os.getpid()
        # setdefault is atomic: threads that come at the same time get the same lock.
        lock = self._locks.get(process) or self._locks.setdefault(process, threading.Lock())
        return lock.acquire(timeout=seconds)

    def release(self) -> None:
        """Let the next thread have it."""
        self._locks[os.getpid()].release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


@safe_repr
class Memo(Generic["_Key", "_Value"]):
    """A dictionary of ``most`` entries; the least recently used one is deleted first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = ForkSafeLock()
        self._kept: OrderedDict[_Key, _Value] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        """The value under ``key``, or None; it counts as used."""
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
        """Delete the value under ``key``."""
        with self._lock:
            self._kept.pop(key, None)

    def drop_if(self, condition: Callable[[_Key], bool]) -> None:
        """Delete all values whose key meets ``condition``."""
        with self._lock:
            for key in [key for key in self._kept if condition(key)]:
                del self._kept[key]

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"<Memo of {len(self)}>"


class _Lease(NamedTuple):
    token: str
    until: datetime


@made_discreetly
class MemoryStore:
    """Cells in a dictionary of this process.

    ``max_cells`` and ``max_bytes`` (of cells, not of Python) bound it: the least recently used
    cells are deleted first. Caches with the same MemoryStore share their snapshots. A forked
    process gets a copy of the parent's cells, and is independent of it afterwards.
    """

    def __init__(self, *, max_cells: int = 100_000, max_bytes: int = 512 * 1024 * 1024) -> None:
        self._max_cells = count_of("max_cells", max_cells)
        self._max_bytes = count_of("max_bytes", max_bytes)
        self._lock = ForkSafeLock()
        self._process = os.getpid()
        self._cells: OrderedDict[str, Cell] = OrderedDict()
        self._bytes = 0
        self._leases: dict[str, _Lease] = {}
        self._given = 0

    def get(self, key: str, /) -> Cell | None:
        """The cell under ``key``, or None; it counts as used."""
        with self._lock:
            cell = self._cells.get(key)
            if cell is not None:
                self._cells.move_to_end(key)
            return cell

    def get_many(self, keys: Iterable[str], /) -> dict[str, Cell]:
        """The cells under ``keys``, without missing ones; they count as used."""
        found = {}
        with self._lock:
            for key in keys:
                cell = self._cells.get(key)
                if cell is not None:
                    self._cells.move_to_end(key)
                    found[key] = cell
        return found

    def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
        """Keep ``cell``, unless there is a ``token`` that no longer holds the lease of ``key``.

        A cell larger than ``max_bytes`` is not kept, and the older cell is deleted, because an
        older answer must not outlive a newer one.
        """
        with self._lock:
            self._settle_in()
            return (token is None or self._holds(key, token)) and self._put(key, cell)

    def update(self, cells: Mapping[str, Cell], gone: Iterable[str]) -> None:
        """Keep ``cells``, and delete the cells that there are under ``gone``, with their leases."""
        with self._lock:
            self._settle_in()
            for key, cell in cells.items():
                self._put(key, cell)
            for key in gone:
                if key in self._cells:
                    self._drop(key)
                    self._leases.pop(key, None)

    def delete(self, key: str, /) -> None:
        """Drop the cell and the lease of ``key``."""
        with self._lock:
            self._settle_in()
            self._drop(key)
            self._leases.pop(key, None)

    def lease(self, key: str, now: datetime, ttl: timedelta, /) -> str | None:
        """Give the lease of ``key`` until ``now + ttl``, unless somebody holds it."""
        with self._lock:
            self._settle_in()
            held = self._leases.get(key)
            if held is not None and now < held.until <= now + 2 * ttl:
                return None
            self._given += 1
            token = f"{self._given}"
            self._leases[key] = _Lease(token, now + ttl)
            return token

    def release(self, key: str, token: str, /) -> None:
        """Give the lease of ``key`` back, if ``token`` holds it."""
        with self._lock:
            if self._holds(key, token):
                del self._leases[key]

    def lease_and_get(
        self, key: str, now: datetime, ttl: timedelta, keys: Iterable[str], /
    ) -> tuple[str | None, dict[str, Cell]]:
        """Give the lease of ``key``; the cells under ``keys`` if it was given."""
        token = self.lease(key, now, ttl)
        return token, {} if token is None else self.get_many(keys)

    def put_and_release(self, key: str, cell: Cell, leased: str, token: str, /) -> bool:
        """Keep ``cell`` if ``token`` holds the lease of ``leased``, and release this lease."""
        with self._lock:
            self._settle_in()
            if not self._holds(leased, token):
                return False
            del self._leases[leased]
            return self._put(key, cell)

    def __len__(self) -> int:
        with self._lock:
            return len(self._cells)

    def __repr__(self) -> str:
        return f"<MemoryStore: {len(self)} cells, {self._bytes} bytes>"

    def _holds(self, key: str, token: str) -> bool:
        lease = self._leases.get(key)
        return lease is not None and lease.token == token

    def _put(self, key: str, cell: Cell) -> bool:
        self._drop(key)
        if len(cell.data) > self._max_bytes:
            return False
        self._cells[key] = cell
        self._bytes += len(cell.data)
        while len(self._cells) > self._max_cells or self._bytes > self._max_bytes:
            self._drop(next(iter(self._cells)))
        return True

    def _drop(self, key: str) -> None:
        cell = self._cells.pop(key, None)
        if cell is not None:
            self._bytes -= len(cell.data)

    def _settle_in(self) -> None:
        """After a fork: the holders of leases are not in the child, and counting may be
        unfinished."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._leases.clear()
            self._bytes = sum(len(cell.data) for cell in self._cells.values())


def is_quick(store: Store) -> bool:
    """Whether it is memory, so that nobody waits for it. A subclass may do anything."""
    return type(store) is MemoryStore
