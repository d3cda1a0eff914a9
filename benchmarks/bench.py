"""Bytes of a feed to free/busy: CPU time per event and peak memory, on seeded feeds.

    make bench                           # 1,000 and 10,000 events, Google-like and Outlook-like
    make bench ARGS="50000 --repeat 3"

CPU time is the best of several runs (``time.process_time``); memory is the peak of Python's own
allocations beyond the feed itself, measured in a run of its own, because tracing slows it down.
"""

from __future__ import annotations

import argparse
import gc
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from feeds import google_like, outlook_like

import extcal

START = datetime(2027, 1, 4, tzinfo=UTC)
END = START + timedelta(days=90)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description="Time the reading of generated feeds.")
    parser.add_argument("events", nargs="*", type=int, default=[1_000, 10_000])
    parser.add_argument("--repeat", type=int, default=5, help="runs to take the best of")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"{'feed':<14}{'events':>8}{'MB':>8}{'ms':>9}{'µs/event':>10}{'peak MB':>9}{'x feed':>8}")
    for name, make in (("google-like", google_like), ("outlook-like", outlook_like)):
        for count in options.events:
            _measure(name, count, make(count, options.seed), options.repeat)


def _measure(name: str, count: int, data: bytes, repeat: int) -> None:
    seconds = min(_cpu_time(lambda: _read(data)) for _ in range(repeat))
    peak = _peak(lambda: _read(data))
    print(
        f"{name:<14}{count:>8}{len(data) / 1e6:>8.2f}{seconds * 1e3:>9.1f}"
        f"{seconds * 1e6 / count:>10.1f}{peak / 1e6:>9.2f}{peak / len(data):>8.2f}"
    )


def _read(data: bytes) -> object:
    return extcal.free_busy(data, START, END, timezone="Europe/Berlin")


def _cpu_time(work: Callable[[], object]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return time.process_time() - began


def _peak(work: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


if __name__ == "__main__":
    main()
