"""The cost of the stores: a fresh answer for free/busy, and ten thousand snapshots in memory.

    make benchstores

Measured is ``CalendarCache.free_busy`` for a feed of 500 events that was fetched a moment ago; the
figure is the median of 5,000 calls. Redis is measured with a server on loopback, if one is
installed. No figure makes this program fail.
"""

from __future__ import annotations

import importlib.util
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from extcal import CalendarCache, MemoryStore, RedisStore, SQLiteStore, Store
from extcal.cache import Cell
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

_ROOT = Path(__file__).resolve().parent.parent
_URL = "https://example.org/ada.ics"
_START = "2027-01-04T08:00Z"
_LOOKS = 5_000
_SNAPSHOTS = 10_000


def feed(seed: int = 1, events: int = 500) -> str:
    """Meetings with titles, places and random UIDs within three months."""
    chance = random.Random(seed)
    words = "Planning Review Lunch Interview Call Budget Design Sync Team Berlin Room Project"
    day = ManualClock(_START)()
    return feed_text(
        *(
            event(
                day + timedelta(minutes=15 * chance.randrange(90 * 96)),
                timedelta(minutes=15 * chance.randint(1, 8)),
                uid=f"{chance.randbytes(13).hex()}@google.com",
                summary=" ".join(chance.choices(words.split(), k=3)),
                location=chance.choice(["", "Room 1", "Room 2", "Berlin", "Online"]),
            )
            for _ in range(events)
        )
    )


def filled(store: Store) -> tuple[CalendarCache, datetime]:
    """A cache with ``store`` that has just fetched the feed, and the current time of its
    clock."""
    clock = ManualClock(_START)
    calendars = CalendarCache(
        store=store, fetcher=FakeFetcher({_URL: feed()}, etags=True), clock=clock
    )
    calendars.get(_URL)
    return calendars, clock()


def median(act: Callable[[], object], times: int = _LOOKS) -> float:
    """Microseconds; the fastest of five rounds, because the machine is shared."""
    return min(_median(act, times // 5) for _ in range(5))


def _median(act: Callable[[], object], times: int) -> float:
    took = []
    for _ in range(times):
        begun = perf_counter()
        act()
        took.append(perf_counter() - begun)
    return statistics.median(took) * 1e6


@contextmanager
def redis_server() -> Iterator[str | None]:
    """The address of a server that this program started, or None."""
    path = _ROOT / "tests" / "cache" / "stores" / "redis_server.py"
    spec = importlib.util.spec_from_file_location("redis_server", path)
    if spec is None or spec.loader is None:
        yield None
        return
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.PROGRAM is None:
        yield None
        return
    with module.RedisServer() as server:
        yield server.url


def looks(name: str, store: Any) -> None:
    """Print the cost of one store."""
    calendars, now = filled(store)
    keys = calendars._repository.keys
    from extcal import Feed

    key = keys(Feed(_URL)).snapshot
    cell = store.get(key)
    week = timedelta(days=7)
    hit = median(lambda: calendars.free_busy(_URL, now, now + week))
    get, put = median(lambda: store.get(key)), median(lambda: store.put(key, cell, None), 1000)
    size = len(cell.data)
    print(f"{name:22}{hit:10.0f}{get:10.0f}{put:10.0f}{size:12,}", flush=True)


class _Fernet:
    """Encryption at rest, as in docs/stores.md."""

    def __init__(self) -> None:
        from cryptography.fernet import Fernet

        self._fernet = Fernet(Fernet.generate_key())

    def encode(self, data: bytes, /) -> bytes:
        return self._fernet.encrypt(data)

    def decode(self, data: bytes, /) -> bytes:
        return self._fernet.decrypt(data)


def crowd() -> None:
    """Fill a MemoryStore with different snapshots of 500 events, and measure its memory."""
    store = MemoryStore()
    filled(store)
    (key,) = [key for key in store._cells if key.startswith("s:")]
    snapshot = store.get(key)
    if snapshot is None:
        raise SystemExit("nothing was stored")
    before = _resident()
    for number in range(_SNAPSHOTS):
        data = number.to_bytes(4, "big") + snapshot.data[4:]
        store.put(f"s:{number:064x}", Cell(data, snapshot.keep_until), None)
    grown = _resident() - before
    print(
        f"{_SNAPSHOTS:,} snapshots of 500 events, {len(snapshot.data):,} bytes each: "
        f"{grown / 2**20:.0f} MiB ({len(store):,} cells in {store!r})"
    )


def _resident() -> int:
    """The memory of this process now, in bytes; or its peak, if the system says only that."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    if sys.argv[1:] == ["crowd"]:
        crowd()
        return
    print(f"{'microseconds (median)':22}{'free/busy':>10}{'get':>10}{'put':>10}{'bytes':>12}")
    looks("memory", MemoryStore())
    with tempfile.TemporaryDirectory() as directory:
        with SQLiteStore(Path(directory) / "cells.db") as sqlite:
            looks("SQLite", sqlite)
        with SQLiteStore(Path(directory) / "coded.db", codec=_Fernet()) as coded:
            looks("SQLite, encrypted", coded)
    with redis_server() as url:
        if url is None:
            print("redis-server is not installed: not measured")
        else:
            with RedisStore(url) as shared:
                looks("Redis", shared)
    print(flush=True)
    # In its own process, so that nothing else is measured.
    subprocess.run([sys.executable, __file__, "crowd"], check=True)


if __name__ == "__main__":
    main()
