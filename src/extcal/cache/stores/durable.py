"""Common code of the stores that outlive a process: encryption at rest, and failures.

The place of a store is its file or its server. A disk may be full, a server may be restarted, a
network may be down. A caller that asks about a calendar must not see that, no snapshot may be lost,
and no time may look free because of it. So while the place fails,

* cells are written to memory, and are written to the place when it works again, unless there is a
  newer cell by then;
* cells are read from memory: those written in the meantime, and those this process has read before;
* a deleted cell stays deleted, and is deleted from the place when it works again;
* leases are given by this process alone. Other processes may fetch the same feed at the same time,
  which costs a fetch and does no other harm.

Reading and writing fail separately: a full disk can still be read. A place that failed is tried
again after a second, then each time after twice as long, up to a minute. One log record says when
the failure begins, and one when it ends.

A server may also answer late. The caller does not wait for it for longer than the store's ``watch``
allows, and a server that needed more than a second is left alone, by readers and by writers.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from time import monotonic
from typing import TypeVar, cast

from extcal.cache.stores.cells import Cell
from extcal.cache.stores.memory import ForkSafeLock, MemoryStore
from extcal.cache.stores.protocol import Codec
from extcal.cache.stores.watch import Late, Watch
from extcal.logs import logger

__all__ = ["LOG", "DurableStore", "read_codec"]

_T = TypeVar("_T")

LOG = logger("extcal.cache")
_FIRST_PAUSE, _LAST_PAUSE = 1.0, 60.0  # seconds
_MEMORY_BYTES = 64 * 1024 * 1024
_LATE = 1.0  # seconds; every further call would wait as long
_AT_ONCE = 100  # cells written at a time, so that a question about one calendar waits for no more
_HERE = "memory:"  # the prefix of the tokens of leases that only this process knows


class DurableStore(ABC):
    """The methods of a store, based on the methods of a place that may fail.

    ``codec``: encodes cells before they are written and decodes them after they are read.
    ``remembers``: whether cells are also kept in memory, for places that readers may not reach.
    ``watch``: for places that may not answer in time.
    """

    _troubles: tuple[type[Exception], ...]
    """The exceptions of the place when it fails; any other exception is an error and is
    raised."""

    _timeouts: tuple[type[Exception], ...] = (Late,)
    """Those of them that say that it did not answer in time."""

    def __init__(self, *, codec: Codec | None, remembers: bool, watch: Watch | None = None) -> None:
        self._watch = watch
        self._codec = read_codec(codec)
        self._remembers = remembers
        self._memory = MemoryStore(max_bytes=_MEMORY_BYTES)
        self._reading = _Pause()
        self._writing = _Pause()
        # What is still to be written to the place: a mark for each cell in memory, None for a
        # deletion.
        self._owed: dict[str, object] = {}
        self._owing = ForkSafeLock()
        self._unclean = False  # whether erased bytes may still be in the place
        # The leases that this process got from the place. If the place fails, their holders keep
        # them, unless another lease was given here in the meantime.
        self._held: dict[str, str] = {}

    # -- the place ------------------------------------------------------------------------------

    @abstractmethod
    def _read(self, keys: Sequence[str]) -> dict[str, Cell]:
        """The cells under ``keys`` as they were written; damaged ones are left out."""

    @abstractmethod
    def _write(self, key: str, cell: Cell, token: str | None) -> bool:
        """Write ``cell``, if ``token`` is None or holds the lease of ``key``."""

    @abstractmethod
    def _merge(self, key: str, cell: Cell) -> None:
        """Write ``cell``, unless the cell there has a later ``keep_until``, so that it is newer."""

    @abstractmethod
    def _remove(self, key: str) -> None:
        """Drop the cell and the lease of ``key``."""

    def _clean(self) -> bool:
        """Make sure that no bytes of deleted cells are left; returns whether that was
        possible."""
        return True

    @abstractmethod
    def _take(self, key: str, token: str, now: datetime, ttl: timedelta) -> bool:
        """Give the lease of ``key`` to ``token``, if it is free, expired or void."""

    @abstractmethod
    def _give_back(self, key: str, token: str) -> None:
        """Free the lease of ``key``, if ``token`` holds it."""

    def _take_and_read(
        self, key: str, token: str, now: datetime, ttl: timedelta, keys: Sequence[str]
    ) -> tuple[bool, dict[str, Cell]]:
        """Do :meth:`_take`, and if it is given :meth:`_read`."""
        given = self._take(key, token, now, ttl)
        return given, self._read(keys) if given else {}

    def _write_and_give_back(self, key: str, cell: Cell, leased: str, token: str) -> bool:
        """Write ``cell``, and free the lease of ``leased``.

        A place that can do both in one step writes only if ``token`` holds the lease.
        """
        kept = self._write(key, cell, None)
        self._give_back(leased, token)
        return kept

    @abstractmethod
    def _say(self, error: Exception) -> str:
        """``error`` as one of a few fixed words, for the log."""

    # -- the store ------------------------------------------------------------------------------

    def get(self, key: str, /) -> Cell | None:
        """The cell under ``key``, or None; a failure of the place raises nothing."""
        return self.get_many((key,)).get(key)

    def get_many(self, keys: Sequence[str], /) -> Mapping[str, Cell]:
        """The cells under ``keys``, without missing ones; a failure of the place raises
        nothing."""
        if self._owed or self._unclean:
            self._catch_up()
        asked = [key for key in keys if key not in self._owed]
        if asked and self._reading.over():
            try:
                read = self._ask(self._reading, self._read, asked)
            except self._troubles as error:
                self._trouble(self._reading, error)
            else:
                return self._opened_all(asked, read) | self._memory.get_many(
                    [key for key in keys if key in self._owed] if len(asked) < len(keys) else ()
                )
        return self._memory.get_many(keys)

    def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
        """Keep ``cell``, unless there is a ``token`` that no longer holds the lease of
        ``key``."""
        if token is not None and token.startswith(_HERE):
            return self._put_here(key, cell, token.removeprefix(_HERE))
        if self._ready(key):
            sealed = Cell(self._sealed(cell.data), cell.keep_until)
            try:
                kept = self._ask(self._writing, self._write, key, sealed, token)
            except self._troubles as error:
                self._trouble(self._writing, error)
            else:
                if kept and self._remembers:
                    self._memory.put(key, cell, None)
                return kept
        if token is not None and self._held.get(key) != token:
            return False
        return self._put_here(key, cell, None)

    def delete(self, key: str, /) -> None:
        """Drop the cell and the lease of ``key``."""
        self._memory.delete(key)
        self._held.pop(key, None)
        if not (self._ready(key) and self._try(self._remove, key)):
            with self._owing:
                self._owed[key] = None

    def erase(self, keys: Iterable[str], /) -> None:
        """Delete the cells and leases of ``keys``, and all their bytes in the place."""
        for key in keys:
            self.delete(key)
        self._unclean = True
        self._catch_up()

    def lease(self, key: str, now: datetime, ttl: timedelta, /) -> str | None:
        """Give the lease of ``key`` until ``now + ttl``, unless somebody holds it."""
        if self._ready(key):
            token = os.urandom(16).hex()
            try:
                given = self._ask(self._writing, self._take, key, token, now, ttl)
            except self._troubles as error:
                self._trouble(self._writing, error)
            else:
                if given:
                    self._held[key] = token
                return token if given else None
        here = self._memory.lease(key, now, ttl)
        if here is None:
            return None
        self._held.pop(key, None)
        return _HERE + here

    def release(self, key: str, token: str, /) -> None:
        """Give the lease of ``key`` back, if ``token`` holds it."""
        if token.startswith(_HERE):
            self._memory.release(key, token.removeprefix(_HERE))
            return
        if self._held.get(key) == token:
            self._held.pop(key, None)
        if self._writing.over():
            self._try(self._give_back, key, token)

    def lease_and_get(
        self, key: str, now: datetime, ttl: timedelta, keys: Sequence[str], /
    ) -> tuple[str | None, Mapping[str, Cell]]:
        """Give the lease of ``key``; the cells under ``keys`` if it was given."""
        if self._well_as_it_is():
            token = os.urandom(16).hex()
            try:
                given, read = self._ask(
                    self._writing, self._take_and_read, key, token, now, ttl, keys
                )
            except self._troubles as error:
                self._trouble(self._writing, error)
            else:
                if not given:
                    return None, {}
                self._held[key] = token
                return token, self._opened_all(keys, read)
        leased = self.lease(key, now, ttl)
        return leased, {} if leased is None else self.get_many(keys)

    def put_and_release(self, key: str, cell: Cell, leased: str, token: str, /) -> bool:
        """Keep ``cell`` if ``token`` holds the lease of ``leased``, and release this lease."""
        if token.startswith(_HERE):
            here = token.removeprefix(_HERE)
            kept = self._memory.put_and_release(key, cell, leased, here)
            # What was confirmed is written, too: a server that was restarted may have lost it.
            self._owe(leased, kept and self._memory.get(leased) is not None)
            return self._owe(key, kept)
        if self._well_as_it_is():
            sealed = Cell(self._sealed(cell.data), cell.keep_until)
            try:
                kept = self._ask(
                    self._writing, self._write_and_give_back, key, sealed, leased, token
                )
            except self._troubles as error:
                self._trouble(self._writing, error)
            else:
                if self._held.get(leased) == token:
                    self._held.pop(leased, None)
                if kept and self._remembers:
                    self._memory.put(key, cell, None)
                return kept
        kept = self._held.get(leased) == token and self._put_here(key, cell, None)
        self.release(leased, token)
        return kept

    # -- failures -------------------------------------------------------------------------------

    def _well_as_it_is(self) -> bool:
        """Whether nothing fails at present, and nothing is still to be written."""
        return not (self._owed or self._unclean or self.is_down)

    def _put_here(self, key: str, cell: Cell, token: str | None) -> bool:
        return self._owe(key, self._memory.put(key, cell, token))

    def _owe(self, key: str, kept: bool) -> bool:
        """If memory has ``kept`` a cell, note that it is still to be written to the place."""
        if kept:
            with self._owing:
                self._owed[key] = object()
            self._catch_up()
        return kept

    def _ready(self, key: str) -> bool:
        """Whether the place may be written to, and everything about ``key`` was written to
        it."""
        self._catch_up()
        return key not in self._owed and self._writing.over()

    def _catch_up(self) -> None:
        """Write to the place some of what it has not got yet, if it may be tried."""
        if not (self._owed or self._unclean) or not self._writing.over():
            return
        with self._owing:
            owed = list(islice(self._owed.items(), _AT_ONCE))
        for key, mark in owed:
            cell = self._memory.get(key) if mark is not None else None
            if cell is not None:
                sealed = Cell(self._sealed(cell.data), cell.keep_until)
                done = self._try(self._merge, key, sealed)
            else:
                # If memory was too small to keep a newer cell, the older one stays in the
                # place.
                done = mark is not None or self._try(self._remove, key)
            if not done:
                return
            with self._owing:
                if key in self._owed and self._owed[key] is mark:
                    del self._owed[key]
        if self._unclean and not self._owed:
            self._unclean = not self._try(self._clean)

    def _try(self, act: Callable[..., object], *arguments: object) -> bool:
        """Whether ``act`` succeeded: the place did not fail, and it did not return False."""
        try:
            return self._ask(self._writing, act, *arguments) is not False
        except self._troubles as error:
            self._trouble(self._writing, error)
            return False

    @property
    def is_down(self) -> bool:
        """Whether the place failed when it was last tried, so that memory stands in for it."""
        return self._reading.begun or self._writing.begun

    def _ask(self, pause: _Pause, act: Callable[..., _T], *arguments: object) -> _T:
        """Call ``act``, and note that the place works. Raises what ``act`` raises, and Late."""
        if self._watch is None:
            found = act(*arguments)
            self._well(pause)
            return found
        began = monotonic()
        found = self._in_time(act, *arguments)
        if monotonic() - began > _LATE:
            self._trouble(pause, Late())
        else:
            self._well(pause)
        return found

    def _in_time(self, act: Callable[..., _T], *arguments: object) -> _T:
        """Call ``act``. Raises Late if it takes longer than the watch allows."""
        return cast("Watch", self._watch).call(partial(act, *arguments))

    def _trouble(self, pause: _Pause, error: Exception) -> None:
        already = self.is_down
        first = pause.begin()
        if isinstance(error, self._timeouts):
            # The other half is not tried either: its callers would only wait as long.
            for other in (self._reading, self._writing):
                if not other.begun:
                    other.begin()
        if first and not already:
            LOG.warning("%r fails (%s); going on in memory", self, self._say(error))

    def _well(self, pause: _Pause) -> None:
        if pause.begun and pause.end() and not self.is_down:
            LOG.info("%r works again", self)

    # -- at rest --------------------------------------------------------------------------------

    def _sealed(self, data: bytes) -> bytes:
        return data if self._codec is None else self._codec.encode(data)

    def _opened_all(self, asked: Iterable[str], read: Mapping[str, Cell]) -> dict[str, Cell]:
        found = {key: cell for key in asked if (cell := self._opened(read.get(key))) is not None}
        if self._remembers:
            # What is owed is newer than what was read.
            read_now = [key for key in asked if key not in self._owed]
            self._memory.update(
                {key: found[key] for key in read_now if key in found},
                [key for key in read_now if key not in found],
            )
        return found

    def _opened(self, cell: Cell | None) -> Cell | None:
        if cell is None or self._codec is None:
            return cell
        try:
            data: object = self._codec.decode(cell.data)
        except Exception:
            return None  # written with another key, or damaged: a miss, whatever the codec raises
        return Cell(data, cell.keep_until) if isinstance(data, bytes) else None


class _Pause:
    """The time before the next try. ``begun``: whether the last try failed."""

    __slots__ = ("_length", "_lock", "_trying", "_until", "begun")

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._length = 0.0
        self._until = 0.0
        self._trying = False
        self.begun = False

    def over(self) -> bool:
        """Whether to try: always if the place works, else after each pause one caller at a
        time."""
        if not self.begun:
            return True
        with self._lock:
            if monotonic() < self._until:
                return False
            self._until = monotonic() + self._length
            self._trying = True
            return True

    def begin(self) -> bool:
        """Note that a try failed; returns whether it is the first one."""
        with self._lock:
            new, self.begun = not self.begun, True
            if new:
                self._length = _FIRST_PAUSE
            elif self._trying:
                # A try that began before the pause does not make the pause longer.
                self._length = min(2 * self._length, _LAST_PAUSE)
            self._trying = False
            self._until = monotonic() + self._length
            return new

    def end(self) -> bool:
        """Note that a try succeeded; returns whether it is the first one after a failure."""
        with self._lock:
            new, self.begun = self.begun, False
            return new


def read_codec(codec: Codec | None) -> Codec | None:
    """``codec``, or TypeError if it is not a codec."""
    for name in ("encode", "decode"):
        if codec is not None and not callable(getattr(codec, name, None)):
            raise TypeError(
                "a codec has two methods, encode(bytes) -> bytes and decode(bytes) -> bytes, "
                f"and {type(codec).__name__} has no {name}"
            )
    return codec
