"""The cache under load: a fresh hit, a thousand people, ten thousand calendars in memory.

    .venv/bin/python benchmarks/cache_bench.py            # everything, about a minute
    .venv/bin/python benchmarks/cache_bench.py --quick    # fewer calendars in memory

Times are medians of CPU time, memory is the growth of the process. Every calendar is the seeded
feed of feeds.py, with 500 events or a few more in the window. No figure makes this program fail.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from feeds import START, google_like

from extcal import AsyncCalendarCache, CalendarCache, Feed, MemoryStore
from extcal.cache.snapshot.packed_events import unpack_events
from extcal.testing import FakeFetcher, ManualClock

__all__ = ["main"]

_WEEK = timedelta(days=7)
_PAGE = 4096


def main() -> None:
    """Measure, and print one line a figure."""
    parser = argparse.ArgumentParser(description="The cache under load.")
    parser.add_argument("--quick", action="store_true", help="fewer calendars in memory")
    many = 1_000 if parser.parse_args().quick else 10_000
    body = _body()
    # Memory is measured first: memory that a process has freed is used again, so it would not
    # grow.
    for lines in (_memory(body, many), _hits(body), _people(body)):
        print(*lines, sep="\n", flush=True)


def _body() -> bytes:
    """The smallest feed with 500 events in the window, by thousands of VEVENTs."""
    feed = Feed("https://example.org/a.ics")
    for thousands in range(3, 20):
        body = google_like(1000 * thousands)
        found = _cache(body, [feed]).get(feed)
        if len(found.events) >= 500:
            return body
    raise AssertionError("the benchmark feed has become sparse")


def _cache(body: bytes, feeds: list[Feed], store: MemoryStore | None = None) -> CalendarCache:
    fetcher = FakeFetcher(dict.fromkeys(feeds, body))
    return CalendarCache(fetcher=fetcher, clock=ManualClock(START), store=store)


def _hits(body: bytes) -> list[str]:
    feed = Feed("https://example.org/a.ics")
    calendars = _cache(body, [feed])
    snapshot = calendars.get(feed)
    key = calendars._repository.keys(feed).snapshot
    cell = calendars._repository.store.get(key)
    assert cell is not None
    quarter = snapshot.window.start, snapshot.window.end
    return [
        f"a snapshot of {len(snapshot.events)} events: {len(cell.data):,} bytes",
        f"fresh hit, get: {_micros(lambda: calendars.get(feed))}",
        f"fresh hit, free/busy of a week: "
        f"{_micros(lambda: calendars.free_busy(feed, START, START + _WEEK))}",
        f"fresh hit, free/busy of a week, by address: "
        f"{_micros(lambda: calendars.free_busy(feed.reveal(), START, START + _WEEK))}",
        f"fresh hit, free/busy of all: {_micros(lambda: calendars.free_busy(feed, *quarter))}",
        f"fresh hit, get, awaited: {asyncio.run(_awaited(body, feed))}",
        f"events decoded: {_micros(lambda: unpack_events(snapshot.reading.packed), 50)}",
    ]


async def _awaited(body: bytes, feed: Feed) -> str:
    fetcher = FakeFetcher({feed: body})
    async with AsyncCalendarCache(fetcher=fetcher, clock=ManualClock(START)) as calendars:
        taken = []
        for _ in range(2000):
            began = time.process_time_ns()
            await calendars.get(feed)
            taken.append(time.process_time_ns() - began)
    return f"{statistics.median(taken) / 1000:.1f} µs"


def _people(body: bytes) -> list[str]:
    feeds = [Feed(f"https://example.org/{number}.ics") for number in range(1000)]
    people = {f"person {number}": feed for number, feed in enumerate(feeds)}
    end = START + _WEEK
    # As after a restart: the store has everything, the process has decoded nothing.
    restarted = [_copied(body, feeds) for _ in range(5)]
    cold = _millis(lambda: restarted.pop().availability(people, START, end), 5)
    restarted = [_copied(body, feeds) for _ in range(5)]
    cold_quarter = _millis(
        lambda: restarted.pop().availability(people, START, START + 13 * _WEEK), 5
    )
    calendars = _copied(body, feeds)
    warm = _millis(lambda: calendars.availability(people, START, end), 9)
    quarter = _millis(lambda: calendars.availability(people, START, START + 13 * _WEEK), 9)
    return [
        f"availability of 1,000 people, a week, none decoded yet: {cold}",
        f"availability of 1,000 people, 13 weeks, none decoded yet: {cold_quarter}",
        f"availability of 1,000 people, a week: {warm}",
        f"availability of 1,000 people, 13 weeks: {quarter}",
    ]


def _copied(body: bytes, feeds: list[Feed]) -> CalendarCache:
    """A cache that has ``body`` for every feed; ``body`` is read once, each feed has its own
    cells."""
    from extcal.cache.snapshot.codec import encode_reading
    from extcal.cache.stores import Cell

    first = Feed("https://example.org/first.ics")
    store = MemoryStore()
    calendars = _cache(body, [first], store)
    reading = calendars.get(first).reading
    until = START + _WEEK
    for feed in feeds:
        key = calendars._repository.keys(feed).snapshot
        store.put(key, Cell(encode_reading(reading, key), until), None)
    return calendars


def _memory(body: bytes, many: int) -> list[str]:
    feeds = [Feed(f"https://example.org/{number}.ics") for number in range(many)]
    gc.collect()
    before = _resident()
    calendars = _copied(body, feeds)
    stored = _resident() - before
    for feed in feeds:
        calendars.free_busy(feed, START, START + _WEEK)
    used = _resident() - before
    return [
        f"{many:,} snapshots in a MemoryStore: {stored / 2**20:.0f} MiB, "
        f"and {used / 2**20:.0f} MiB when each was looked at",
    ]


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE


def _micros(work: Callable[[], object], rounds: int = 3000) -> str:
    return f"{_median(work, rounds) / 1000:.1f} µs"


def _millis(work: Callable[[], object], rounds: int) -> str:
    return f"{_median(work, rounds) / 1_000_000:.1f} ms"


def _median(work: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        began = time.process_time_ns()
        work()
        taken.append(time.process_time_ns() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
