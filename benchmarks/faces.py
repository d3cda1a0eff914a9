"""Threads and tasks side by side: what a refresh costs, and how long it holds up the event loop.

    .venv/bin/python benchmarks/faces.py            # 300 feeds of 100 kB and 100 of 1 MB, minutes
    .venv/bin/python benchmarks/faces.py --quick    # fewer feeds and rounds

A server in its own process serves one calendar per feed over HTTP on loopback. Each round refreshes
all feeds with CalendarCache and then with AsyncCalendarCache, first with nothing known (200) and
then unchanged (304), so that a busy machine is busy for both. Beside the tasks, one task does
nothing but wake up every millisecond: the longest time that it slept too long is the pause. The
floor is the pause beside a thread that counts in a loop and nothing of extcal: less is not to be
had on that machine at that moment. Prints medians over the rounds as a Markdown table. Nothing
here fails anything.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from feeds import START, google_like
from scale import _server

from extcal import AsyncCalendarCache, AsyncHttpFetcher, CalendarCache, Feed, HttpFetcher, Limits
from extcal.testing import ManualClock
from extcal.testing.server import FeedServer

__all__ = ["main"]

_SIZES = (("100 kB", 100_000, 300), ("1 MB", 1_000_000, 100))
_LIMITS = Limits(fetch_deadline=120.0)
_HOST: dict[str, Any] = {
    "allow_networks": FeedServer.networks,
    "max_fetches": 64,
    "max_fetches_per_host": 64,
}


class Spent(NamedTuple):
    """Seconds, seconds of CPU, and the longest pause of the loop in seconds (0 for threads)."""

    seconds: float
    cpu: float
    pause: float = 0.0


def main() -> None:
    """Measure, and print one row for each size, face and kind of refresh."""
    parser = argparse.ArgumentParser(description="Threads and tasks side by side.")
    parser.add_argument("--quick", action="store_true", help="fewer feeds and rounds")
    parser.add_argument("--rounds", type=int)
    options = parser.parse_args()
    rounds = options.rounds or (1 if options.quick else 3)
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {rounds} rounds\n")
    print("| | | feeds | feeds/s | CPU per feed | longest pause | floor |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for name, length, feeds in _SIZES:
        body = _body(length)
        count = feeds // 5 if options.quick else feeds
        found: dict[tuple[str, str], list[Spent]] = {}
        floors = []
        for _ in range(rounds):
            with _server(body, count) as (_, addresses):
                given = [Feed(address) for address in addresses]
                for kind, spent in _threads(given).items():
                    found.setdefault((kind, "threads"), []).append(spent)
                for kind, spent in asyncio.run(_tasks(given)).items():
                    found.setdefault((kind, "tasks"), []).append(spent)
            floors.append(asyncio.run(_floor()))
        for (kind, face), spents in sorted(found.items()):
            floor = statistics.median(floors)
            print(_row(f"{name}, {kind}", face, count, spents, floor), flush=True)


def _row(name: str, face: str, count: int, spents: list[Spent], floor: float) -> str:
    seconds, cpu, pause = (statistics.median(column) for column in zip(*spents, strict=True))
    held = f"{1000 * pause:.0f} ms | {1000 * floor:.0f} ms" if face == "tasks" else "|"
    return (
        f"| {name} | {face} | {count} | {count / seconds:,.0f} "
        f"| {1000 * cpu / count:.2f} ms | {held} |"
    )


def _body(length: int) -> bytes:
    """The feed of feeds.py with about so many bytes."""
    per_event = len(google_like(1000)) / 1000
    return google_like(int(length / per_event))


def _threads(feeds: list[Feed]) -> dict[str, Spent]:
    clock = ManualClock(START)
    fetcher = HttpFetcher(**_HOST)
    calendars = CalendarCache(fetcher=fetcher, clock=clock, limits=_LIMITS)
    found = {}
    for kind in ("first", "unchanged"):
        began, cpu = time.perf_counter(), time.process_time()
        for feed, outcome in calendars.refresh_many(feeds, at_once=64, per_host=64):
            _check(feed, outcome)
        found[kind] = Spent(time.perf_counter() - began, time.process_time() - cpu)
        clock.advance(timedelta(hours=1))
    return found


async def _tasks(feeds: list[Feed]) -> dict[str, Spent]:
    clock = ManualClock(START)
    found = {}
    async with AsyncCalendarCache(
        fetcher=partial(AsyncHttpFetcher, **_HOST), clock=clock, limits=_LIMITS
    ) as calendars:

        async def refresh() -> None:
            async for feed, outcome in calendars.refresh_many(feeds, at_once=64, per_host=64):
                _check(feed, outcome)

        for kind in ("first", "unchanged"):
            began, cpu = time.perf_counter(), time.process_time()
            pause = await _longest_pause(refresh)
            found[kind] = Spent(time.perf_counter() - began, time.process_time() - cpu, pause)
            clock.advance(timedelta(hours=1))
    return found


async def _floor() -> float:
    """The pause beside one thread that computes."""
    stop = threading.Event()

    def compute() -> None:
        number = 0
        while not stop.is_set():
            number += 1

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        return await _longest_pause(partial(asyncio.sleep, 2.0))
    finally:
        stop.set()
        thread.join()


async def _longest_pause(work: Callable[[], Awaitable[None]]) -> float:
    longest = 0.0
    step = 0.001

    async def tick() -> None:
        nonlocal longest
        while True:
            began = time.perf_counter()
            await asyncio.sleep(step)
            longest = max(longest, time.perf_counter() - began - step)

    ticking = asyncio.ensure_future(tick())
    try:
        await work()
    finally:
        ticking.cancel()
    return longest


def _check(feed: Feed, outcome: object) -> None:
    if isinstance(outcome, Exception):
        raise RuntimeError(f"{feed!r}: {outcome}")


if __name__ == "__main__":
    main()
