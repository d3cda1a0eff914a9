"""What the cache asks of a store. Bytes in, bytes out.

A store never looks into a cell: it is versioned, checked and decoded by the cache, and what does
not decode is a miss. A store has no clock of its own either; ``now`` is handed in, so that caches
that share a store agree on what time it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

__all__ = ["Cell", "Codec", "Store", "erase_all", "getter_of_many"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One stored value. After ``keep_until`` (aware) nobody will ask for it again."""

    data: bytes
    keep_until: datetime

    def __repr__(self) -> str:
        return f"<Cell {len(self.data)} bytes, until {self.keep_until:%Y-%m-%dT%H:%MZ}>"


class Store(Protocol):
    """A place for cells that several threads, and several caches, may use at once.

    Keys are short ASCII text. Leases keep two caches from fetching one feed at the same time; a
    lease is only a courtesy, so a store that loses one costs a fetch and never an answer.

    A store may have two more methods. ``get_many(keys: Sequence[str]) -> Mapping[str, Cell]``
    returns the cells that there are under ``keys``, by key: one journey to a server where many
    calls of :meth:`get` would be many. For a store without it, :meth:`get` is called with each key.
    The other one is for calendars that a person wants gone:
    ``erase(keys: Iterable[str]) -> None`` deletes all of ``keys``, and sees to it that their bytes
    are found nowhere afterwards, in a log for example. For a store without it :meth:`delete` is
    called with each key.
    """

    def get(self, key: str, /) -> Cell | None:
        """The cell under ``key``, or None."""
        ...

    def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
        """Keep ``cell`` under ``key``, and tell whether that was done.

        With a ``token`` only if the lease of ``key`` was last given to that token and neither
        released nor deleted since: a writer that was thought dead and overtaken is fenced off.
        With None always.
        """
        ...

    def delete(self, key: str, /) -> None:
        """Drop the cell under ``key`` and its lease, so that a writer under way is fenced off."""
        ...

    def lease(self, key: str, now: datetime, ttl: timedelta, /) -> str | None:
        """Try to become the only one that works on ``key`` until ``now + ttl``.

        Returns a token that was never given before, or None while somebody else holds the lease.
        A lease that runs out later than ``now + ttl`` was given by a clock that was wrong, and is
        void.
        """
        ...

    def release(self, key: str, token: str, /) -> None:
        """Give the lease back; nothing happens if ``token`` does not hold it."""
        ...


def getter_of_many(store: Store) -> Callable[[Sequence[str]], Mapping[str, Cell]]:
    """The ``get_many`` of ``store``, or one that calls its :meth:`Store.get` with each key.

    A class that has a ``get`` of its own and inherits ``get_many`` is asked by :meth:`Store.get`,
    because ``get_many`` knows nothing of what that does.
    """
    own = next((c for c in type(store).__mro__ if vars(c).keys() & {"get", "get_many"}), None)
    many: Callable[[Sequence[str]], Mapping[str, Cell]] | None = getattr(store, "get_many", None)
    if many is not None and (own is None or "get_many" in vars(own)):
        return many

    def one_by_one(keys: Sequence[str]) -> Mapping[str, Cell]:
        return {key: cell for key in keys if (cell := store.get(key)) is not None}

    return one_by_one


def erase_all(store: Store, keys: Iterable[str]) -> None:
    """Have ``store`` erase ``keys``, by :meth:`Store.delete` if it has nothing better."""
    erase: Callable[[Iterable[str]], None] | None = getattr(store, "erase", None)
    if erase is not None:
        erase(keys)
        return
    for key in keys:
        store.delete(key)


class Codec(Protocol):
    """What a store that leaves this process passes bytes through: encryption, as a rule."""

    def encode(self, data: bytes, /) -> bytes:
        """``data`` as it is to be written."""
        ...

    def decode(self, data: bytes, /) -> bytes:
        """What :meth:`encode` was given. Raises anything if it did not write this: a miss."""
        ...
