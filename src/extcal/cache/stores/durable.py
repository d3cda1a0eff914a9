"""What the stores have in common that outlive a process: encryption at rest, and bad days.

A disk fills up, a server is restarted, a network parts. None of that may reach who asks about a
calendar, and none of it may lose or free anything. So while its place does not work

* what is written is kept in memory, and written down when the place works again, unless something
  newer is there by then;
* what is read comes from memory: what was written meanwhile, and what this process saw before;
* what is forgotten stays forgotten, and is dropped from the place when it works again;
* leases are given by this process alone: others may fetch the same feed at the same time, which
  costs a fetch and no answer.

Reading and writing fail apart: a full disk can still be read. A place that failed is tried again
after a second, then after twice as long each time, up to a minute; one log record tells when it
begins, and one when it is over.
"""

from __future__ import annotations

import logging
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from time import monotonic

from extcal.cache.stores.memory import ForkSafeLock, MemoryStore
from extcal.cache.stores.protocol import Cell, Codec

__all__ = ["LOG", "DurableStore", "read_codec"]

LOG = logging.getLogger("extcal.cache")
_FIRST_PAUSE, _LAST_PAUSE = 1.0, 60.0  # seconds
_MEMORY_BYTES = 64 * 1024 * 1024
_AT_ONCE = 100  # nobody who asks about one calendar waits for more than so many to be written
_HERE = "memory:"  # begins the tokens of leases that only this process knows of


class DurableStore(ABC):
    """The methods of a store over six of a place that may fail.

    ``codec``: what cells are passed through on their way in and out. ``remembers``: whether what
    passes through is kept in memory too, for places that can be unreachable to readers.
    """

    _troubles: tuple[type[Exception], ...]
    """What the place raises when it does not work; anything else is a mistake, and is raised."""

    def __init__(self, *, codec: Codec | None, remembers: bool) -> None:
        self._codec = read_codec(codec)
        self._remembers = remembers
        self._memory = MemoryStore(max_bytes=_MEMORY_BYTES)
        self._reading = _Pause()
        self._writing = _Pause()
        # What the place has yet to be told: a mark for each cell in memory, None for a deletion.
        self._owed: dict[str, object] = {}
        self._owing = ForkSafeLock()
        self._unclean = False  # whether something was erased, and may be left where it lay
        # The leases this process got from the place: when it fails, who held one goes on to hold
        # it, unless it was overtaken here.
        self._held: dict[str, str] = {}

    # -- the place ------------------------------------------------------------------------------

    @abstractmethod
    def _read(self, keys: Sequence[str]) -> dict[str, Cell]:
        """The cells under ``keys`` as they were written, without those that are damaged."""

    @abstractmethod
    def _write(self, key: str, cell: Cell, token: str | None) -> bool:
        """Write ``cell``, if ``token`` is None or holds the lease of ``key``."""

    @abstractmethod
    def _merge(self, key: str, cell: Cell) -> None:
        """Write ``cell``, unless what is there is kept for longer, which means that it is newer."""

    @abstractmethod
    def _remove(self, key: str) -> None:
        """Drop the cell and the lease of ``key``."""

    def _clean(self) -> bool:
        """See to it that nothing is left of what was removed; whether that could be done now."""
        return True

    @abstractmethod
    def _take(self, key: str, token: str, now: datetime, ttl: timedelta) -> bool:
        """Give the lease of ``key`` to ``token``, if it is free, run out or void."""

    @abstractmethod
    def _give_back(self, key: str, token: str) -> None:
        """Free the lease of ``key``, if ``token`` holds it."""

    @abstractmethod
    def _say(self, error: Exception) -> str:
        """``error`` in a word of a fixed vocabulary, for the log."""

    # -- the store ------------------------------------------------------------------------------

    def get(self, key: str, /) -> Cell | None:
        """The cell under ``key``, or None; never raises for trouble with the place."""
        return self.get_many((key,)).get(key)

    def get_many(self, keys: Sequence[str], /) -> Mapping[str, Cell]:
        """The cells that there are under ``keys``; never raises for trouble with the place."""
        if self._owed or self._unclean:
            self._catch_up()
        asked = [key for key in keys if key not in self._owed]
        if asked and self._reading.over():
            try:
                read = self._read(asked)
            except self._troubles as error:
                self._trouble(self._reading, error)
            else:
                self._well(self._reading)
                return self._opened_all(asked, read) | self._memory.get_many(
                    [key for key in keys if key in self._owed] if len(asked) < len(keys) else ()
                )
        return self._memory.get_many(keys)

    def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
        """Keep ``cell``, unless ``token`` is one that no longer holds the lease of ``key``."""
        if token is not None and token.startswith(_HERE):
            return self._put_here(key, cell, token.removeprefix(_HERE))
        if self._ready(key):
            sealed = Cell(self._sealed(cell.data), cell.keep_until)
            try:
                kept = self._write(key, sealed, token)
            except self._troubles as error:
                self._trouble(self._writing, error)
            else:
                self._well(self._writing)
                if kept and self._remembers:
                    self._remember(key, cell)
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
        """Drop the cells and leases of ``keys``, and what is left of them where they lay."""
        for key in keys:
            self.delete(key)
        self._unclean = True
        self._catch_up()

    def lease(self, key: str, now: datetime, ttl: timedelta, /) -> str | None:
        """Give the lease of ``key`` until ``now + ttl``, unless somebody holds it."""
        if self._ready(key):
            token = secrets.token_hex(16)
            try:
                given = self._take(key, token, now, ttl)
            except self._troubles as error:
                self._trouble(self._writing, error)
            else:
                self._well(self._writing)
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

    # -- bad days -------------------------------------------------------------------------------

    def _put_here(self, key: str, cell: Cell, token: str | None) -> bool:
        if not self._memory.put(key, cell, token):
            return False
        with self._owing:
            self._owed[key] = object()
        self._catch_up()
        return True

    def _ready(self, key: str) -> bool:
        """Whether the place may be written to, and knows all that is owed of ``key``."""
        self._catch_up()
        return key not in self._owed and self._writing.over()

    def _catch_up(self) -> None:
        """Tell the place some of what it was not told, if it may be tried."""
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
                # What memory was too small to keep is not worth dropping an older cell for.
                done = mark is not None or self._try(self._remove, key)
            if not done:
                return
            with self._owing:
                if key in self._owed and self._owed[key] is mark:
                    del self._owed[key]
        if self._unclean and not self._owed:
            self._unclean = not self._try(self._clean)

    def _try(self, act: Callable[..., object], *arguments: object) -> bool:
        """Whether ``act`` was done: it raised no trouble, and did not return False."""
        try:
            done = act(*arguments) is not False
        except self._troubles as error:
            self._trouble(self._writing, error)
            return False
        self._well(self._writing)
        return done

    def _trouble(self, pause: _Pause, error: Exception) -> None:
        already = self._reading.begun or self._writing.begun
        if pause.begin() and not already:
            LOG.warning("%r fails (%s); going on in memory", self, self._say(error))

    def _well(self, pause: _Pause) -> None:
        if pause.begun and pause.end() and not (self._reading.begun or self._writing.begun):
            LOG.info("%r works again", self)

    def _remember(self, key: str, cell: Cell | None) -> None:
        if cell is not None:
            self._memory.put(key, cell, None)
        elif key not in self._owed and self._memory.get(key) is not None:
            self._memory.delete(key)

    # -- at rest --------------------------------------------------------------------------------

    def _sealed(self, data: bytes) -> bytes:
        return data if self._codec is None else self._codec.encode(data)

    def _opened_all(self, asked: Iterable[str], read: Mapping[str, Cell]) -> dict[str, Cell]:
        found = {}
        for key in asked:
            cell = self._opened(read.get(key))
            if self._remembers:
                self._remember(key, cell)
            if cell is not None:
                found[key] = cell
        return found

    def _opened(self, cell: Cell | None) -> Cell | None:
        if cell is None or self._codec is None:
            return cell
        try:
            data: object = self._codec.decode(cell.data)
        except Exception:
            return None  # written with another key, or damaged: a miss, whatever it is called
        return Cell(data, cell.keep_until) if isinstance(data, bytes) else None


class _Pause:
    """Until when not to try again. ``begun``: the last try failed."""

    __slots__ = ("_length", "_lock", "_trying", "_until", "begun")

    def __init__(self) -> None:
        self._lock = ForkSafeLock()
        self._length = 0.0
        self._until = 0.0
        self._trying = False
        self.begun = False

    def over(self) -> bool:
        """Whether to try: always while all is well, and after each pause one caller at a time."""
        if not self.begun:
            return True
        with self._lock:
            if monotonic() < self._until:
                return False
            self._until = monotonic() + self._length
            self._trying = True
            return True

    def begin(self) -> bool:
        """A try failed; tells whether that is new."""
        with self._lock:
            new, self.begun = not self.begun, True
            if new:
                self._length = _FIRST_PAUSE
            elif self._trying:
                # Those who fail because they had begun before the pause do not make it longer.
                self._length = min(2 * self._length, _LAST_PAUSE)
            self._trying = False
            self._until = monotonic() + self._length
            return new

    def end(self) -> bool:
        """A try went well; tells whether that is new."""
        with self._lock:
            new, self.begun = self.begun, False
            return new


def read_codec(codec: Codec | None) -> Codec | None:
    """``codec``, or TypeError if it is none."""
    for name in ("encode", "decode"):
        if codec is not None and not callable(getattr(codec, name, None)):
            raise TypeError(
                "a codec has two methods, encode(bytes) -> bytes and decode(bytes) -> bytes, "
                f"and {type(codec).__name__} has no {name}"
            )
    return codec
