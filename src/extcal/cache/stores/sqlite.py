"""The store in a file, for applications with several processes on one machine. No dependencies.

In: keys and cells. Out: the same, or nothing; never an exception because of the file or the disk,
and never a cell that differs from the one that was put. There is no column for an address, and
cells are not decoded here. How it works:

* write-ahead log, so that readers and writers do not wait for each other; every change is one
  transaction, begun with BEGIN IMMEDIATE, so that a writer waits before it begins and not later;
* a connection is used by one thread at a time and only by the process that opened it;
* threads of one process write one after the other. Whom SQLite keeps waiting sleeps for a while and
  tries again, which takes more of the processor than the writing;
* each row carries a checksum over key, date and data: a row that does not match is a miss;
* a file that SQLite calls damaged is renamed to ``*.corrupt-<seconds>``, and an empty one is made;
* a full disk, or one that cannot be written to: see :mod:`extcal.cache.stores.durable`.

Reading a cell writes nothing. Which cells were read is kept in memory, and written at the next
pruning, once a minute at most.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Self, TypeVar

from extcal.arguments import count_of, length_of, made_discreetly, one_of_type
from extcal.cache.stores.cells import Cell
from extcal.cache.stores.durable import LOG, DurableStore
from extcal.cache.stores.memory import ForkSafeLock
from extcal.cache.stores.protocol import Codec
from extcal.cache.stores.schema import (
    Connection,
    Damaged,
    Foreign,
    damage_told,
    discard,
    identify,
    open_file,
    quarantine,
)

__all__ = ["SQLiteStore"]

_T = TypeVar("_T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CHECKSUM = 16  # bytes
_TURN = 0.1  # seconds that a thread waits for another one, before it leaves that to SQLite
_IDLE = 16  # connections kept open for later calls
_PRUNE_EVERY = 60.0  # seconds
_FORK_WAITS = 10.0  # seconds; longer than any statement, with the wait for another writer
_NOTED = 65_536
_TRUNCATES = 50  # tries, two milliseconds apart; after that the next writer does it
_ROOM = 0.9  # pruning leaves this share of the bounds, so that the next cell does not prune again
_LITTER = 3_600_000_000  # microseconds; a lease that expired longer ago is not needed any more

_READ = "SELECT key, data, keep_until, checksum FROM cells WHERE key IN (%s)"
_READ_AT_ONCE = 500  # every version of SQLite allows so many parameters in a statement
_WRITE = """
    INSERT INTO cells (key, data, keep_until, checksum, size, used)
    VALUES (?, ?, ?, ?, ?, (SELECT coalesce(max(used), 0) + 1 FROM cells))
    ON CONFLICT (key) DO UPDATE SET data = excluded.data, keep_until = excluded.keep_until,
        checksum = excluded.checksum, size = excluded.size, used = excluded.used
"""
# Of a small cell as large as before, SQLite changes one page if no index changes. That it was used
# is written at the next pruning.
_OVERWRITE = """
    UPDATE cells SET data = ?, keep_until = ?, checksum = ? WHERE key = ? AND size = ?
"""
_SMALL = 1024  # bytes
_USED = """
    UPDATE cells SET used = (SELECT coalesce(max(used), 0) + 1 FROM cells) WHERE key = ?
"""
# A lease is given if there is none, or if it has expired or is void.
_LEASE = """
    INSERT INTO leases (key, token, until) VALUES (:key, :token, :until)
    ON CONFLICT (key) DO UPDATE SET token = excluded.token, until = excluded.until
    WHERE typeof(until) != 'integer' OR until <= :now OR until > 2 * :until - :now
"""
_GIVE_BACK = "DELETE FROM leases WHERE key = ? AND token = ?"
_THERE = "SELECT 1 FROM cells WHERE key = ? UNION ALL SELECT 1 FROM leases WHERE key = ?"
_TOTALS = "SELECT count(*), coalesce(sum(size), 0) FROM cells"


@made_discreetly
class SQLiteStore(DurableStore):
    """Cells in a SQLite file that any number of threads and processes of one machine share.

    ``path``: of the file, on a local disk (not NFS); made with mode 0600, and its directory with
    mode 0700, where they do not exist. Two more files stand beside it while it is in use.
    ``max_cells`` and ``max_bytes`` (of cells) bound it: what was used longest ago goes first, once
    a minute at most. ``codec``: encrypts what is written; an object with ``encode(bytes)`` and
    ``decode(bytes)``. ``busy_timeout``: how long to wait for another writer.

    Raises ValueError if ``path`` is another program's database, which is left as it is.
    """

    _troubles = (sqlite3.Error, OSError)

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_cells: int = 100_000,
        max_bytes: int = 512 * 1024 * 1024,
        codec: Codec | None = None,
        busy_timeout: timedelta = timedelta(seconds=5),
    ) -> None:
        count_of("max_cells", max_cells)
        count_of("max_bytes", max_bytes)
        length_of("busy_timeout", busy_timeout)
        if os.fspath(one_of_type("path", path, (str, os.PathLike), "a path")) in ("", ":memory:"):
            raise ValueError("a SQLiteStore is a file; in memory there is MemoryStore")
        super().__init__(codec=codec, remembers=False)
        self._path = Path(path)
        with suppress(FileNotFoundError):  # the directory of this process was removed
            # Absolute: a host that changes its directory does not change its file.
            self._path = Path(path).absolute()
        self._max_cells = max_cells
        self._max_bytes = max_bytes
        self._busy = busy_timeout.total_seconds()
        self._pools: dict[int, _Pool] = {}
        self._gate = ForkSafeLock()
        self._turn = ForkSafeLock()
        self._noted: dict[str, None] = {}
        self._pruning = ForkSafeLock()
        self._pruned: float | None = None
        self._now: datetime | None = None
        try:
            self._look(lambda connection: None)
        except Foreign as foreign:
            raise ValueError(f"{self._path.name}: {foreign}") from None
        except self._troubles as error:
            self._trouble(self._writing, error)
        self.close()
        _watch_forks(self)

    def close(self) -> None:
        """Close the files of this process; a store that is used again opens them again."""
        pool = self._pools.pop(os.getpid(), None)
        if pool is not None:
            pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_pools"):
            self.close()

    def __reduce__(self) -> tuple[object, ...]:
        """A copy in another process is another door to the same file."""
        busy = timedelta(seconds=self._busy)
        return _again, (self._path, self._max_cells, self._max_bytes, self._codec, busy)

    def __repr__(self) -> str:
        return f"<SQLiteStore {self._path.name}>"

    # -- the place ------------------------------------------------------------------------------

    def _read(self, keys: Sequence[str]) -> dict[str, Cell]:
        found: dict[str, Cell] = {}
        for first in range(0, len(keys), _READ_AT_ONCE):
            some = keys[first : first + _READ_AT_ONCE]
            found |= self._look(partial(_intact, keys=some))
        if len(self._noted) < _NOTED:
            self._noted.update(dict.fromkeys(found))
        return found

    def _write(self, key: str, cell: Cell, token: str | None) -> bool:
        def write(connection: Connection) -> bool:
            if token is not None and _holder(connection, key) != token.encode():
                return False
            return self._store(connection, key, cell)

        return self._change(write)

    def _merge(self, key: str, cell: Cell) -> None:
        def merge(connection: Connection) -> None:
            there = _intact(connection, (key,)).get(key)
            if there is None or there.keep_until <= cell.keep_until:
                self._store(connection, key, cell)

        self._change(merge)

    def _remove(self, key: str) -> None:
        def remove(connection: Connection) -> None:
            connection.execute("DELETE FROM cells WHERE key = ?", (key,))
            connection.execute("DELETE FROM leases WHERE key = ?", (key,))

        if self._look(lambda connection: connection.execute(_THERE, (key, key)).fetchone()):
            self._change(remove)

    def _clean(self) -> bool:
        """Deleted cells are overwritten in the file; their copies in the log go with the log."""
        discard(self._path)

        def truncate(connection: Connection) -> bool:
            connection.execute("PRAGMA busy_timeout = 0")
            try:
                for _ in range(_TRUNCATES):
                    if not connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                        return True
                    sleep(0.002)  # somebody reads, or writes
                return False
            finally:
                connection.execute(f"PRAGMA busy_timeout = {round(self._busy * 1000)}")

        return self._look(truncate)

    def _take(self, key: str, token: str, now: datetime, ttl: timedelta) -> bool:
        self._now = now
        return self._in_turn(lambda connection: _take(connection, key, token, now, ttl))

    def _take_and_read(
        self, key: str, token: str, now: datetime, ttl: timedelta, keys: Sequence[str]
    ) -> tuple[bool, dict[str, Cell]]:
        def take_and_read(connection: Connection) -> tuple[bool, dict[str, Cell]]:
            given = _take(connection, key, token, now, ttl)
            return given, _intact(connection, keys) if given else {}

        self._now = now
        return self._in_turn(take_and_read)

    def _give_back(self, key: str, token: str) -> None:
        def give_back(connection: Connection) -> None:
            if _holder(connection, key) == token.encode():
                connection.execute(_GIVE_BACK, (key, token))

        self._in_turn(give_back)

    def _write_and_give_back(self, key: str, cell: Cell, leased: str, token: str) -> bool:
        def write(connection: Connection) -> bool:
            held = connection.execute(_GIVE_BACK, (leased, token)).rowcount
            return held == 1 and self._store(connection, key, cell)

        return self._change(write)

    def _say(self, error: Exception) -> str:
        return str(getattr(error, "sqlite_errorname", type(error).__name__))

    def _store(self, connection: Connection, key: str, cell: Cell) -> bool:
        if self._time_to_prune():
            self._prune(connection)
        if len(cell.data) > self._max_bytes:
            # An older answer must not outlive a newer one.
            connection.execute("DELETE FROM cells WHERE key = ?", (key,))
            return False
        until, size = _micros(cell.keep_until), len(cell.data)
        checksum = _checksum(key, until, cell.data)
        if size <= _SMALL and len(self._noted) < _NOTED:
            done = connection.execute(_OVERWRITE, (cell.data, until, checksum, key, size))
            if done.rowcount:
                self._noted[key] = None
                return True
        connection.execute(_WRITE, (key, cell.data, until, checksum, size))
        return True

    # -- bounds ---------------------------------------------------------------------------------

    def _time_to_prune(self) -> bool:
        with self._pruning:
            now = monotonic()
            if self._pruned is not None and now < self._pruned + _PRUNE_EVERY:
                return False
            self._pruned = now
            return True

    def _prune(self, connection: Connection) -> None:
        """Drop what nobody will ask for, and then what was used longest ago."""
        noted, self._noted = self._noted, {}
        connection.executemany(_USED, [(key,) for key in tuple(noted)])
        if self._now is not None:
            now = _micros(self._now)
            connection.execute("DELETE FROM cells WHERE keep_until < ?", (now,))
            connection.execute("DELETE FROM leases WHERE until < ?", (now - _LITTER,))
        cells, size = connection.execute(_TOTALS).fetchone()
        if cells <= self._max_cells and size <= self._max_bytes:
            return
        dropped = []
        for row, length in connection.execute("SELECT rowid, size FROM cells ORDER BY used"):
            if cells <= self._max_cells * _ROOM and size <= self._max_bytes * _ROOM:
                break
            dropped.append((row,))
            cells, size = cells - 1, size - length
        connection.executemany("DELETE FROM cells WHERE rowid = ?", dropped)

    # -- connections ----------------------------------------------------------------------------

    def _look(self, work: Callable[[Connection], _T]) -> _T:
        """Do ``work`` with a connection; if the file turns out to be damaged, with a new one."""
        try:
            return self._once(work)
        except Damaged as damaged:
            file = damaged.file
        if quarantine(self._path, file):
            LOG.warning("%r was damaged, and is put aside beside an empty one", self)
        return self._once(work)

    def _change(self, work: Callable[[Connection], _T]) -> _T:
        """Do ``work`` in a transaction."""

        def change(connection: Connection) -> _T:
            connection.execute("BEGIN IMMEDIATE")
            done = work(connection)
            connection.execute("COMMIT")
            return done

        return self._in_turn(change)

    def _in_turn(self, work: Callable[[Connection], _T]) -> _T:
        """The same as :meth:`_look` for ``work`` that writes."""
        taken = self._turn.acquire(_TURN)
        try:
            return self._look(work)
        finally:
            if taken:
                self._turn.release()

    def _once(self, work: Callable[[Connection], _T]) -> _T:
        pool = self._pool()
        with self._gate:
            pool.lent.append(None)
        try:
            connection = pool.take() or open_file(self._path, self._busy)
            try:
                with damage_told(connection.file):
                    done = work(connection)
            except BaseException:
                connection.close()  # which rolls back
                raise
            pool.give_back(connection)
            return done
        finally:
            pool.lent.pop()

    def _pool(self) -> _Pool:
        """The connections of this process."""
        process = os.getpid()
        return self._pools.get(process) or self._pools.setdefault(process, _Pool(self._path))

    # A child inherits what SQLite believes about locks, but not the locks: it would go on without
    # any, and lose what it writes. So nothing is open while a process forks.

    def _before_fork(self) -> None:
        self._gate.__enter__()
        pool, until = self._pool(), monotonic() + _FORK_WAITS
        while pool.lent and monotonic() < until:
            sleep(0.001)
        pool.close()

    def _after_fork(self) -> None:
        self._gate.__exit__(None, None, None)


class _Pool:
    """The idle connections of one process; what two threads do at once is one step each."""

    __slots__ = ("_idle", "_path", "lent")

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lent: list[None] = []  # one entry for each that is in use
        self._idle: list[Connection] = []

    def take(self) -> Connection | None:
        """A connection to the file that is at the path now, or None."""
        file = identify(self._path)
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.file == file:
                return connection
            # Somebody put the file aside, or away.
            connection.close()

    def give_back(self, connection: Connection) -> None:
        if len(self._idle) < _IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _watch_forks(store: SQLiteStore) -> None:
    """Have ``store`` close its connections around every fork of this process, while it lives."""
    if not hasattr(os, "register_at_fork"):
        return
    # What is registered stays so for good: it must not keep the store alive.
    reference = weakref.ref(store)

    def before() -> None:
        found = reference()
        if found is not None:
            found._before_fork()

    def after() -> None:
        found = reference()
        if found is not None:
            found._after_fork()

    os.register_at_fork(before=before, after_in_parent=after)


def _again(
    path: Path, max_cells: int, max_bytes: int, codec: Codec | None, busy: timedelta
) -> SQLiteStore:
    return SQLiteStore(
        path, max_cells=max_cells, max_bytes=max_bytes, codec=codec, busy_timeout=busy
    )


def _intact(connection: Connection, keys: Sequence[str]) -> dict[str, Cell]:
    found = {}
    asked = {key.encode(): key for key in keys}  # text comes as bytes
    marks = ",".join("?" * len(keys))
    for name, data, until, checksum in connection.execute(_READ % marks, tuple(keys)):
        key = asked.get(name)
        if key is None or not isinstance(data, bytes) or not isinstance(until, int):
            continue
        if checksum == _checksum(key, until, data):
            with suppress(
                OverflowError
            ):  # anybody can compute the checksum of a row that they make
                found[key] = Cell(data, _EPOCH + until * _MICROSECOND)
    return found


def _holder(connection: Connection, key: str) -> object:
    row = connection.execute("SELECT token FROM leases WHERE key = ?", (key,)).fetchone()
    return None if row is None else row[0]


def _take(connection: Connection, key: str, token: str, now: datetime, ttl: timedelta) -> bool:
    begin, until = _micros(now), _micros(now + ttl)
    row = connection.execute("SELECT until FROM leases WHERE key = ?", (key,)).fetchone()
    if row is not None and isinstance(row[0], int) and begin < row[0] <= 2 * until - begin:
        # A caller who waits for another's fetch asks often, and must not keep writers waiting.
        return False
    named = {"key": key, "token": token, "now": begin, "until": until}
    return connection.execute(_LEASE, named).rowcount == 1


def _checksum(key: str, until: int, data: bytes) -> bytes:
    found = hashlib.blake2b(b"%d " % until, digest_size=_CHECKSUM, key=_short(key))
    found.update(data)
    return found.digest()


def _short(key: str) -> bytes:
    """BLAKE2b takes keys of up to 64 bytes."""
    return hashlib.blake2b(key.encode()).digest()


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
