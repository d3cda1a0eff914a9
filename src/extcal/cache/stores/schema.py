"""The file of a SQLiteStore: how it is made, recognised, opened, and renamed when it is damaged.

A file has the application's id (``application_id``) and a version (``user_version``). Another
program's database is never changed. A file of an older version is emptied, because its feeds can be
fetched again. A file of a newer version is not touched. Only one process at a time makes or renames
a file; it holds a lock on a second file, which the system releases if the process dies.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

__all__ = [
    "Connection",
    "Damaged",
    "File",
    "Foreign",
    "damage_told",
    "discard",
    "identify",
    "open_file",
    "quarantine",
]

VERSION = 1
_OURS = 0x7863616C  # "xcal"
_KEPT = 3  # damaged files to keep; more are not needed, and they contain calendars
_LOCKED = 5.0  # seconds to wait for another process that makes or renames a file
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}
_SCHEMA = f"""
    BEGIN IMMEDIATE;
    DROP TABLE IF EXISTS cells;
    DROP TABLE IF EXISTS leases;
    CREATE TABLE cells (
        key TEXT PRIMARY KEY NOT NULL, data BLOB NOT NULL, keep_until INTEGER NOT NULL,
        checksum BLOB NOT NULL, size INTEGER NOT NULL, used INTEGER NOT NULL
    );
    CREATE INDEX cells_by_use ON cells (used, size);
    CREATE TABLE leases (key TEXT PRIMARY KEY NOT NULL, token TEXT NOT NULL, until INTEGER NOT NULL)
        WITHOUT ROWID;
    PRAGMA application_id = {_OURS};
    PRAGMA user_version = {VERSION};
    COMMIT;
"""
_PROBES = (
    "SELECT key, data, keep_until, checksum, size, used FROM cells LIMIT 1",
    "SELECT key, token, until FROM leases LIMIT 1",
)
# NORMAL: with a write-ahead log a killed process loses nothing, and a power cut loses only the last
# moments, which can be fetched again. Deleted cells are overwritten, so that nobody can read them.
_SETTINGS = """
    PRAGMA synchronous = NORMAL;
    PRAGMA secure_delete = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA journal_size_limit = 16777216;
"""

File: TypeAlias = "tuple[int, int] | None"
"""The identity of a file, independent of its name: device and inode; None without a file."""


class Damaged(sqlite3.DatabaseError):
    """SQLite, or a check of the content, says that ``file`` is damaged."""

    def __init__(self, file: File) -> None:
        super().__init__("the file is damaged")
        self.file = file


class Foreign(sqlite3.DatabaseError):
    """A database that extcal must not change."""


class Connection(sqlite3.Connection):
    """A connection that knows which file it was opened for."""

    file: File = None


def identify(path: Path) -> File:
    """The identity of the file that is at ``path`` now."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def open_file(path: Path, busy: float) -> Connection:
    """A connection to the file at ``path``, which is made if there is none.

    ``busy``: seconds to wait for another writer. Raises Damaged, Foreign, or what SQLite and the
    system raise.
    """
    _make(path)
    file = identify(path)
    connection = sqlite3.connect(
        path, timeout=busy, isolation_level=None, check_same_thread=False, factory=Connection
    )
    try:
        connection.file = file
        # Text is read as bytes, because decoding damaged text would fail.
        connection.text_factory = bytes
        with damage_told(file):
            if not _ready(connection):
                with _alone(path):
                    if not _ready(connection):
                        _fill(connection)
            connection.executescript(_SETTINGS)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def damage_told(file: File) -> Iterator[None]:
    """Turn SQLite's errors about damage into Damaged."""
    try:
        yield
        return
    except UnicodeDecodeError:
        pass  # SQLite's message would contain text of the damaged file
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE:
            raise
    raise Damaged(file)


def quarantine(path: Path, file: File) -> bool:
    """Rename ``file``, if it is still the one at ``path``; returns whether it was."""
    with _alone(path):
        if file is None or identify(path) != file:
            return False
        # There is no clock here; the time of the last write is more useful, anyway.
        stamp = f"{path.name}.corrupt-{int(os.stat(path).st_mtime)}"
        aside, count = path.with_name(stamp), 0
        while aside.exists():
            count += 1
            aside = path.with_name(f"{stamp}-{count}")
        os.replace(path, aside)
        # The log belongs to the damaged file, and would damage the next one.
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.replace(f"{path}{suffix}", f"{aside}{suffix}")
        _clear_out(path)
        return True


def discard(path: Path) -> None:
    """Delete the renamed damaged files, because they may contain the calendar to be erased."""
    if any(path.parent.glob(f"{path.name}.corrupt-*")):
        with _alone(path):
            _clear_out(path, 0)


def _clear_out(path: Path, kept: int = _KEPT) -> None:
    found = path.parent.glob(f"{path.name}.corrupt-*")
    aside = [each for each in found if not each.name.endswith(("-wal", "-shm"))]
    aside.sort(key=lambda each: (each.stat().st_mtime, each.name))
    for old in aside[: max(len(aside) - kept, 0)]:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{old}{suffix}").unlink(missing_ok=True)


def _make(path: Path) -> None:
    """Make an empty file that only its owner may read, unless there is a file."""
    if path.exists():
        return
    for directory in reversed(path.parents):
        with suppress(FileExistsError):
            directory.mkdir(mode=0o700)
    # O_EXCL: opening and closing a file that is in use would release this process's locks on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _ready(connection: Connection) -> bool:
    """Whether the file is extcal's, has this version, and is intact enough to be used."""
    # In one transaction, because another process may be filling it.
    connection.execute("BEGIN")
    owner, version = _number(connection, "application_id"), _number(connection, "user_version")
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    connection.execute("COMMIT")
    if owner == 0 and version == 0 and tables == 0:
        return False
    if owner != _OURS:
        raise Foreign("this is another program's database")
    if version > VERSION:
        raise Foreign("this file was made by a newer version")
    if version < VERSION:
        return False
    for probe in _PROBES:
        try:
            connection.execute(probe).fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
                raise
            # A missing table or column: this version did not write the file.
            raise Damaged(connection.file) from None
    return True


def _fill(connection: Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(_SCHEMA)


def _number(connection: Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time continue. SQLite can lock a file on every system; this one is
    empty."""
    lock = path.with_name(f"{path.name}.lock")
    _make(lock)
    connection = sqlite3.connect(lock, timeout=_LOCKED, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        connection.close()
