"""SQLiteStore: what it owes beyond the contract. Private, bounded, never in the way."""

from __future__ import annotations

import gc
import logging
import os
import random
import sqlite3
import stat
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extcal import CalendarCache, Feed, SQLiteStore, State
from extcal.cache import Cell
from extcal.cache.stores.sqlite import _checksum
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
LEASE = timedelta(seconds=30)
MARKER = "SECRET-7f3a"


def cell(data: bytes = b"data", days: int = 7) -> Cell:
    return Cell(data, NOW + timedelta(days=days))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some" / "where" / "cells.db"


@pytest.fixture
def make(path: Path) -> Iterator[Callable[..., SQLiteStore]]:
    opened: list[SQLiteStore] = []

    def made(**arguments: Any) -> SQLiteStore:
        opened.append(SQLiteStore(path, **arguments))
        return opened[-1]

    yield made
    for store in opened:
        store.close()


def change(store: SQLiteStore, *statements: str) -> None:
    """Change the file behind the store's back."""
    connection = sqlite3.connect(store._path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


def aside(path: Path) -> list[Path]:
    found = path.parent.glob(f"{path.name}.corrupt-*")
    return sorted(each for each in found if not each.name.endswith(("-wal", "-shm")))


# -- private -----------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="modes are a matter of POSIX")
def test_only_the_owner_can_read_it(make: Callable[..., SQLiteStore], path: Path) -> None:
    """0600 for the files, 0700 for directories it made, whatever the umask; others are left."""
    before = os.umask(0)
    try:
        store = make()
        store.put("a", cell(), None)
        files = list(path.parent.iterdir())
        assert {each.name for each in files} >= {"cells.db", "cells.db-wal", "cells.db.lock"}
        assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
        made = (path.parent, path.parent.parent)
        assert {stat.S_IMODE(each.stat().st_mode) for each in made} == {0o700}
    finally:
        os.umask(before)


def test_no_address_is_in_the_file(make: Callable[..., SQLiteStore], path: Path) -> None:
    """Nor a column for one; titles neither, where the feed's detail is "busy"."""
    url = f"https://calendar.example.org/{MARKER}/basic.ics"
    fetcher = FakeFetcher({url: feed_text(event("2027-01-04T09:00Z", summary=MARKER))})
    store = make()
    feed = Feed(url, detail="busy")
    CalendarCache(store=store, fetcher=fetcher, clock=ManualClock("2027-01-04T08:00Z")).get(feed)
    connection = sqlite3.connect(path)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(cells)")]
    connection.close()
    assert columns == ["key", "data", "keep_until", "checksum", "size", "used"]
    for file in path.parent.iterdir():
        text = file.read_bytes()
        for form in (MARKER, MARKER[::-1], "U0VDUkVULTdmM2", "calendar.example.org"):
            assert form.encode() not in text


def test_a_codec_leaves_nothing_to_read(
    make: Callable[..., SQLiteStore], path: Path, mirror: Any
) -> None:
    """What is put is not in the files; what does not decode is a miss."""
    store = make(codec=mirror)
    store.put("a", cell(b"plain text" * 100), None)
    assert not any(b"plain text" in file.read_bytes() for file in path.parent.iterdir())
    assert store.get("a") == cell(b"plain text" * 100)
    mirror.decode = None
    assert store.get("a") is None


def test_what_is_deleted_is_overwritten(make: Callable[..., SQLiteStore], path: Path) -> None:
    """Somebody wanted it gone: once the log is written back, no page holds it."""
    store = make()
    store.put("a", cell(MARKER.encode() * 500), None)
    store.delete("a")
    store.close()
    assert not any(MARKER.encode() in file.read_bytes() for file in path.parent.iterdir())


def left(path: Path) -> bool:
    """Whether the marker is in any file in the store's directory, the log included."""
    return any(MARKER.encode() in file.read_bytes() for file in path.parent.iterdir())


def test_what_is_erased_is_not_in_the_log_either(
    make: Callable[..., SQLiteStore], path: Path
) -> None:
    """At once, while the file stays open: the log is emptied, and so are older copies in it."""
    store, other = make(), make()
    other.get("a")
    for size in (10, 5000, 20):
        store.put("a", cell(MARKER.encode() * size), None)
        store.put("b", cell(MARKER.encode() * size), None)
    token = store.lease("b", NOW, LEASE)
    store.put("c", cell(b"stays"), None)
    assert left(path)
    other.erase(["a", "b", "unknown"])
    assert not left(path)
    assert store.get("a") is store.get("b") is None
    assert not store.put("b", cell(MARKER.encode()), token)
    assert store.get("c") == cell(b"stays")


def test_a_log_that_somebody_reads_is_emptied_later(
    make: Callable[..., SQLiteStore], path: Path
) -> None:
    """By whoever uses the store next; the reader is not disturbed, and nobody waits for it."""
    store = make()
    store.put("a", cell(MARKER.encode() * 500), None)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM cells").fetchone() == (1,)
    store.erase(["a"])
    assert store.get("a") is None
    assert reader.execute("SELECT count(*) FROM cells").fetchone() == (1,)
    assert left(path)
    reader.close()
    assert store.get("b") is None
    assert not left(path)


def test_erasing_takes_the_damaged_files_along(
    make: Callable[..., SQLiteStore], path: Path
) -> None:
    """Nobody can tell any more whose calendars they hold."""
    store = make()
    store.close()
    path.write_bytes(MARKER.encode() * 100)
    assert store.get("a") is None
    assert left(path)
    store.erase(["a"])
    assert not left(path)
    assert aside(path) == []


# -- damaged -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        "data = zeroblob(4)",
        "data = 'text'",
        "data = NULL",
        "keep_until = keep_until + 1",
        "keep_until = 'never'",
        "keep_until = 9223372036854775807",
        "checksum = zeroblob(16)",
        "checksum = 7",
        "key = 'b'",
    ],
)
def test_a_row_that_was_changed_is_a_miss(make: Callable[..., SQLiteStore], damage: str) -> None:
    """Its checksum covers key, date and data; the next put heals it."""
    store = make()
    store.put("a", cell(), None)
    ignoring = "UPDATE OR IGNORE cells SET "
    change(store, ignoring + damage)
    if damage == "data = NULL":
        change(store, "DELETE FROM cells")
    assert store.get("a") is None
    assert store.get("b") is None
    assert store.put("a", cell(b"new"), None)
    assert store.get("a") == cell(b"new")
    assert aside(store._path) == []


@pytest.mark.parametrize("until", [2**62, -(2**62), 10**18])
def test_a_row_whose_date_is_none_is_a_miss(make: Callable[..., SQLiteStore], until: int) -> None:
    """Anybody can make its checksum: it raised OverflowError in every call."""
    store = make()
    store.put("a", cell(), None)
    store.put("b", cell(), None)
    checksum = _checksum("a", until, cell().data).hex()
    row = f"keep_until = {until}, checksum = x'{checksum}' WHERE key = 'a'"
    change(store, f"UPDATE cells SET {row}")
    assert store.get_many(["a", "b"]) == {"b": cell()}
    assert store.put("a", cell(b"new"), None)
    assert store.get("a") == cell(b"new")


def test_a_lease_that_was_changed_binds_nobody(make: Callable[..., SQLiteStore]) -> None:
    """Whatever stands there."""
    store = make()
    store.lease("a", NOW, LEASE)
    change(store, "UPDATE leases SET until = 'never'")
    assert store.lease("a", NOW, LEASE) is not None


def test_a_file_that_is_no_database_is_put_aside(
    make: Callable[..., SQLiteStore], path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Readers get a miss, nothing is thrown away, and the next snapshot is kept."""
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is not a database" * 100)
    store = make()
    assert store.get("a") is None
    assert store.put("a", cell(), None)
    assert store.get("a") == cell()
    (old,) = aside(path)
    assert old.read_bytes() == b"this is not a database" * 100
    assert caplog.text.count("put aside") == 1


def test_a_file_that_is_damaged_while_in_use(make: Callable[..., SQLiteStore], path: Path) -> None:
    """Both doors find the new one, whoever put the old one aside."""
    one, other = make(), make()
    for number in range(50):
        one.put(f"k{number}", cell(bytes(3000)), None)
    assert other.get("k1") == cell(bytes(3000))
    one.close()
    other.close()
    with path.open("r+b") as file:
        file.write(random.Random(1).randbytes(40_000))
    assert one.get("k1") is None
    assert other.get("k1") is None
    assert one.put("a", cell(b"new"), None)
    assert other.get("a") == cell(b"new")
    token = other.lease("a", NOW, LEASE)
    assert token is not None
    assert one.lease("a", NOW, LEASE) is None
    assert len(aside(path)) == 1


@pytest.mark.parametrize("seed", range(60 if os.environ.get("EXTCAL_NIGHTLY") else 30))
def test_random_damage_never_reaches_the_reader(
    make: Callable[..., SQLiteStore], path: Path, seed: int
) -> None:
    """What is got is what was put, or nothing; and the store works on."""
    store, chance = make(), random.Random(seed)
    cells = {f"k{number}": cell(chance.randbytes(2000)) for number in range(20)}
    for key, each in cells.items():
        store.put(key, each, None)
    store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        for _ in range(chance.randint(1, 20)):
            file.seek(chance.randrange(size))
            file.write(chance.randbytes(chance.choice([1, 16, 4096])))
        if chance.random() < 0.3:
            file.truncate(chance.randrange(size))
    for key, each in cells.items():
        assert store.get(key) in (None, each)
    for key in cells:
        token = store.lease(key, NOW, LEASE)
        assert token is not None
        if not store.put(key, cell(b"new"), token):
            # The lease was in the file that has just been put aside: that costs a fetch.
            assert aside(path)
            token = store.lease(key, NOW, LEASE)
            assert token is not None
            assert store.put(key, cell(b"new"), token)
        assert store.get(key) == cell(b"new")
        store.release(key, token)


def test_a_file_that_was_taken_away_is_made_again(
    make: Callable[..., SQLiteStore], path: Path
) -> None:
    """Somebody cleaned up: everybody goes on in one new file."""
    one, other = make(), make()
    one.put("a", cell(), None)
    assert other.get("a") == cell()
    for file in path.parent.iterdir():
        file.unlink()
    assert other.get("a") is None
    assert one.put("a", cell(b"new"), None)
    assert other.get("a") == cell(b"new")


def test_only_the_newest_damaged_files_are_kept(
    make: Callable[..., SQLiteStore], path: Path
) -> None:
    """They hold calendars; a disk that fails again and again is not to be filled with them."""
    store = make()
    for number in range(6):
        store.close()
        path.write_bytes(b"%d is not a database" % number * 100)
        os.utime(path, (number, number))
        assert store.get("a") is None
    assert [each.read_bytes()[:1] for each in aside(path)] == [b"3", b"4", b"5"]
    store.close()
    path.write_bytes(b"no database either" * 100)
    os.utime(path, (5, 5))
    assert store.get("a") is None
    assert len(aside(path)) == 3


# -- whose file it is ----------------------------------------------------------------------------


def test_another_programs_database_is_left_alone(
    make: Callable[..., SQLiteStore], path: Path
) -> None:
    """A mistake in a path must not cost a host its data."""
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE users (name TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"cells\.db: this is another program's database"):
        make()
    assert path.read_bytes() == before
    assert aside(path) == []


def test_a_newer_versions_file_is_left_to_it(make: Callable[..., SQLiteStore], path: Path) -> None:
    """While it is deployed, both run; the older one does not touch what it cannot read."""
    store = make()
    store.put("a", cell(), None)
    store.close()
    change(store, "PRAGMA user_version = 99")
    assert store.get("a") is None
    assert store.put("a", cell(b"here"), None)
    assert store.get("a") == cell(b"here")
    with pytest.raises(ValueError, match="newer"):
        make()
    assert aside(path) == []


def test_an_older_versions_file_is_emptied(make: Callable[..., SQLiteStore]) -> None:
    """What it held can be fetched again."""
    store = make()
    store.put("a", cell(), None)
    store.close()
    change(store, "PRAGMA user_version = 0", "ALTER TABLE cells DROP COLUMN checksum")
    assert store.get("a") is None
    assert store.put("a", cell(), None)
    assert store.get("a") == cell()


def test_a_file_that_lost_its_tables_is_damaged(
    make: Callable[..., SQLiteStore], path: Path
) -> None:
    """It says that it is ours, and is not what we wrote."""
    store = make()
    store.close()
    change(store, "DROP TABLE leases")
    assert store.lease("a", NOW, LEASE) is not None
    assert len(aside(path)) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"path": ":memory:"},
        {"path": ""},
        {"max_cells": 0},
        {"max_bytes": 0},
        {"busy_timeout": timedelta(seconds=-1)},
    ],
)
def test_a_callers_mistakes(tmp_path: Path, arguments: dict[str, Any]) -> None:
    """Are told at once."""
    with pytest.raises(ValueError):
        SQLiteStore(**{"path": tmp_path / "cells.db"} | arguments)


# -- bad days ------------------------------------------------------------------------------------


def test_a_full_disk(
    make: Callable[..., SQLiteStore],
    path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What is there can still be read, what is new is in memory, and one warning tells of it."""
    store, other = make(), make()
    store.put("old", cell(b"old"), None)
    pages = "PRAGMA page_count"
    full = store._look(lambda connection: connection.execute(pages).fetchone()[0])
    store._look(lambda connection: connection.execute(f"PRAGMA max_page_count = {full}"))
    big = cell(bytes(100_000))
    token = store.lease("new", NOW, LEASE)
    for _ in range(3):
        assert store.put("new", big, token)
        assert store.get("new") == big
        assert store.get("old") == cell(b"old")
    assert other.get("new") is None
    warnings = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert [each.getMessage() for each in warnings] == [
        "<SQLiteStore cells.db> fails (SQLITE_FULL); going on in memory"
    ]
    # Somebody made room; a new connection is not bound by what the test did to the old one.
    caplog.set_level(logging.INFO)
    store.close()
    store._writing._until = 0.0
    assert store.get("new") == big
    assert other.get("new") == big
    assert "works again" in caplog.text


def test_a_file_that_cannot_be_written_to(make: Callable[..., SQLiteStore]) -> None:
    """Read-only is like full."""
    store = make()
    store.put("old", cell(b"old"), None)
    store._look(lambda connection: connection.execute("PRAGMA query_only = 1"))
    assert store.put("new", cell(b"new"), None)
    store.delete("old")
    assert store.get("new") == cell(b"new")
    assert store.get("old") is None
    assert store._writing.begun
    assert not store._reading.begun


def test_a_place_that_cannot_be_reached(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A path through a file: the host starts, and answers from memory."""
    (tmp_path / "file").write_bytes(b"")
    store = SQLiteStore(tmp_path / "file" / "cells.db")
    token = store.lease("a", NOW, LEASE)
    assert token is not None
    assert store.lease("a", NOW, LEASE) is None
    assert store.put("a", cell(), token)
    assert store.get("a") == cell()
    store.release("a", token)
    assert store.lease("a", NOW, LEASE) is not None
    store.delete("a")
    assert store.get("a") is None
    assert len(caplog.records) == 1


def test_a_writer_who_does_not_end_is_not_waited_for_forever(
    make: Callable[..., SQLiteStore], path: Path
) -> None:
    """busy_timeout, and then memory, until he has ended."""
    store = make(busy_timeout=timedelta(milliseconds=10))
    store.put("a", cell(), None)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert store.put("a", cell(b"new"), None)
    assert store.get("a") == cell(b"new")
    writer.execute("ROLLBACK")
    assert writer.execute("SELECT data FROM cells").fetchall() == [(b"data",)]
    store._writing._until = 0.0
    assert store.get("a") == cell(b"new")
    assert writer.execute("SELECT data FROM cells").fetchall() == [(b"new",)]
    writer.close()


# -- bounded -------------------------------------------------------------------------------------


@pytest.fixture
def _prunes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("extcal.cache.stores.sqlite._PRUNE_EVERY", 0.0)


@pytest.mark.usefixtures("_prunes_at_once")
def test_it_is_bounded_by_number(make: Callable[..., SQLiteStore]) -> None:
    """What was used longest ago goes first; looking counts as using."""
    store = make(max_cells=10)
    for number in range(11):
        store.put(f"k{number}", cell(), None)
    store.get("k0")
    store.put("more", cell(), None)
    left = {key for key in ["more", *(f"k{number}" for number in range(11))] if store.get(key)}
    assert {"more", "k0", "k10"} <= left
    assert "k1" not in left
    assert len(left) <= 10


@pytest.mark.usefixtures("_prunes_at_once")
def test_it_is_bounded_by_size(make: Callable[..., SQLiteStore], path: Path) -> None:
    """Room is used again: the file does not grow for ever."""
    store = make(max_bytes=1_000_000)
    for number in range(200):
        store.put(f"k{number}", cell(bytes(20_000)), None)
    store.close()
    assert path.stat().st_size < 2_000_000
    assert store.get("k199") is not None
    assert store.get("k0") is None
    assert not store.put("k199", cell(bytes(1_000_001)), None)
    assert store.get("k199") is None


def test_it_prunes_once_a_minute_at_most(make: Callable[..., SQLiteStore]) -> None:
    """Not at every put."""
    store = make(max_cells=1)
    for key in "abc":
        store.put(key, cell(), None)
    assert all(store.get(key) for key in "abc")


@pytest.mark.usefixtures("_prunes_at_once")
def test_what_nobody_will_ask_for_goes(make: Callable[..., SQLiteStore]) -> None:
    """Cells after their date, and leases that ran out long ago."""
    store = make()
    store.put("old", cell(days=1), None)
    store.put("good", cell(days=7), None)
    store.lease("old", NOW, LEASE)
    store.lease("good", NOW + timedelta(days=2), LEASE)
    store.put("new", cell(), None)
    assert [store.get(key) is None for key in ("old", "good", "new")] == [True, False, False]
    rows = "SELECT key FROM leases"
    assert store._look(lambda connection: connection.execute(rows).fetchall()) == [(b"good",)]


# -- processes -----------------------------------------------------------------------------------


def test_connections_are_kept_and_bounded(make: Callable[..., SQLiteStore]) -> None:
    """Idle ones are used again; closing closes them all."""
    store = make()
    for _ in range(5):
        store.get("a")
    pool = store._pools[os.getpid()]
    assert len(pool._idle) == 1
    many = [pool.take() or store_connection(store) for _ in range(40)]
    for connection in many:
        pool.give_back(connection)
    assert len(pool._idle) == 16
    store.close()
    assert not pool._idle


def store_connection(store: SQLiteStore) -> Any:
    from extcal.cache.stores.schema import open_file

    return open_file(store._path, 5.0)


FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@FORKS
@pytest.mark.serial
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("readers", [0, 3])
def test_a_forked_child_loses_nothing_it_writes(
    make: Callable[..., SQLiteStore], path: Path, readers: int
) -> None:
    """It has locks of its own, also if the parent was using the store at that very moment.

    SQLite would believe that the child holds the parent's locks; another process that closes the
    file would then think itself the last one, and take away the log that the child writes to.
    """
    for number in range(5):
        store, stop = make(), threading.Event()
        store.put("seed", cell(bytes(5000)), None)

        def read(store: SQLiteStore = store, stop: threading.Event = stop) -> None:
            while not stop.is_set():
                store.get("seed")

        threads = [threading.Thread(target=read) for _ in range(readers)]
        for thread in threads:
            thread.start()
        (written, write_end), (read_end, go) = os.pipe(), os.pipe()
        child = os.fork()
        if not child:
            done = False
            try:
                store.put(f"first {number}", cell(), None)
                os.write(write_end, b".")
                os.read(read_end, 1)
                done = store.put(f"second {number}", cell(), None)
            finally:
                os._exit(0 if done else 1)
        os.close(write_end)
        assert os.read(written, 1) == b"."
        stop.set()
        for thread in threads:
            thread.join(30)
        store.close()
        with SQLiteStore(path) as passing:
            passing.get("seed")
        os.write(go, b".")
        assert os.waitpid(child, 0)[1] == 0
        for end in (written, read_end, go):
            os.close(end)
        assert store.get(f"first {number}") == cell()
        assert store.get(f"second {number}") == cell()


@FORKS
@pytest.mark.serial
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_store_that_is_gone_does_not_mind_a_fork(tmp_path: Path) -> None:
    """What is registered for forks does not keep it."""
    store = SQLiteStore(tmp_path / "cells.db")
    gone = weakref.ref(store)
    del store
    gc.collect()
    assert gone() is None
    child = os.fork()
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def test_many_processes_begin_together(path: Path) -> None:
    """Four make the same file at once; all of them read what all of them wrote."""
    code = (
        "import sys; from extcal import SQLiteStore; from extcal.cache import Cell;"
        "from datetime import datetime, UTC;"
        "store = SQLiteStore(sys.argv[1]); number = sys.argv[2];"
        "cell = Cell(number.encode(), datetime(2027, 1, 11, tzinfo=UTC));"
        "sys.stdin.readline();"
        "print(all([store.put(f'{number}.{n}', cell, None) for n in range(20)]),"
        " store._writing.begun); store.close()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path), str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    try:
        assert {each.communicate("go\n", timeout=120)[0] for each in processes} == {"True False\n"}
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    with SQLiteStore(path) as store:
        for number in range(4):
            found = store.get(f"{number}.19")
            assert found is not None
            assert found.data == b"%d" % number


def test_sqlite_is_imported_only_by_those_who_use_it() -> None:
    """``import extcal``, and a cache with its store in memory, leave it alone."""
    code = "import sys, extcal; extcal.CalendarCache(); print('sqlite3' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"


URL = "https://example.org/ada.ics"
PLACES = {
    "no such directory can be made": "/proc/nothing/cells.db",
    "a file where a directory should be": "/dev/null/cells.db",
    "a directory": "/",
    "a full disk": "/dev/full",
    "a name that is too long": "/tmp/" + "x" * 300,
    "a directory that was removed": "cells.db",
}


@pytest.mark.parametrize("place", PLACES)
def test_without_a_disk_there_is_memory_and_one_warning(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A process that has nothing still answers: no home, no directory, no room."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    monkeypatch.delenv("HOME", raising=False)
    gone.rmdir()
    fetcher = FakeFetcher({URL: feed_text()})
    with SQLiteStore(PLACES[place]) as store:
        calendars = CalendarCache(store=store, fetcher=fetcher, clock=ManualClock(NOW))
        for _ in range(3):
            assert calendars.get(URL).state is State.FRESH
        calendars.forget(URL)
        assert calendars.last_refreshed(URL) is None
    assert fetcher.count() == 1
    assert [record.levelname for record in caplog.records] == ["WARNING"]
