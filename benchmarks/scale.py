"""From one feed to ten thousand, over real HTTP on loopback: throughput, memory, fetches.

    .venv/bin/python benchmarks/scale.py                      # 1 to 10,000 feeds, some minutes
    .venv/bin/python benchmarks/scale.py --feeds 1 100 1000   # these
    .venv/bin/python benchmarks/scale.py --events 1000        # feeds of a megabyte

A server in its own process serves one calendar per feed (the seeded feed of feeds.py, with 100
VEVENTs by default). There are three ways to refresh them: threads of one process with a
MemoryStore, processes with a SQLiteStore, and, if they are installed, a local Dask cluster of
processes with Redis. Each way refreshes all feeds three times: with nothing known (200), when all
have expired and none has changed (304), and while all are fresh. Prints a table as Markdown. No
figure makes this program fail.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from feeds import google_like

from extcal import CalendarCache, Feed, HttpFetcher, Limits, MemoryStore, SQLiteStore, Store
from extcal.testing.server import FeedServer

__all__ = ["main"]

_COUNTS = (1, 10, 100, 1_000, 10_000)
_PAGE = 4096
_ROOT = Path(__file__).resolve().parent.parent


class Way(NamedTuple):
    """One way to refresh feeds: the executor, and the store."""

    name: str
    store: Store
    executor: Executor | None
    workers: list[int]  # process ids


def main() -> None:
    """Measure every way with every number of feeds, and print the table."""
    parser = argparse.ArgumentParser(description="From one feed to ten thousand.")
    parser.add_argument("--feeds", type=int, nargs="+", default=list(_COUNTS))
    parser.add_argument("--events", type=int, default=100, help="VEVENTs in every feed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--ways", nargs="+", default=["threads", "processes", "dask"])
    options = parser.parse_args()
    body = google_like(options.events)
    print(
        f"{options.events} VEVENTs ({len(body):,} bytes) a feed, {os.cpu_count()} cores, "
        f"{options.processes} worker processes, Python {sys.version.split()[0]}\n"
    )
    print("| | feeds | first time | | unchanged | | fresh | fetches | memory |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name in options.ways:
        for count in options.feeds:
            with _server(body, count) as (server, addresses), _way(name, options) as way:
                if way is not None:
                    print(_row(way, server, addresses), flush=True)


def _row(way: Way, server: Connection, addresses: list[str]) -> str:
    """The three rounds of one way."""
    fetcher = partial(
        HttpFetcher, allow_networks=FeedServer.networks, max_fetches=64, max_fetches_per_host=64
    )
    calendars = CalendarCache(
        store=way.store, fetcher=fetcher, limits=Limits(fetch_deadline=60.0), max_fetches=32
    )
    feeds = [Feed(address) for address in addresses]
    cells, fetches = [], []
    before = _resident(way.workers)
    for older_than in (None, timedelta(0), None):
        began, asked = time.perf_counter(), _asked(server)
        seen = 0
        for feed, outcome in calendars.refresh_many(
            feeds, way.executor, older_than=older_than, at_once=64, per_host=64
        ):
            if isinstance(outcome, Exception):
                raise RuntimeError(f"{feed!r}: {outcome}")
            seen += 1
        took = time.perf_counter() - began
        fetches.append(_asked(server) - asked)
        cells.append((took, seen / took))
    grown = _resident(way.workers) - before
    (first, first_rate), (second, second_rate), (_, third_rate) = cells
    return (
        f"| {way.name} | {len(feeds):,} | {first:.2f} s | {first_rate:,.0f}/s "
        f"| {second:.2f} s | {second_rate:,.0f}/s | {third_rate:,.0f}/s "
        f"| {' + '.join(f'{each:,}' for each in fetches)} | {grown / 2**20:,.0f} MiB |"
    )


@contextmanager
def _way(name: str, options: argparse.Namespace) -> Iterator[Way | None]:
    with ExitStack() as stack:
        if name == "threads":
            yield Way("threads, MemoryStore", MemoryStore(), None, [os.getpid()])
        elif name == "processes":
            directory = stack.enter_context(tempfile.TemporaryDirectory())
            store = stack.enter_context(SQLiteStore(Path(directory) / "cells.db"))
            context = multiprocessing.get_context("spawn")
            pool = stack.enter_context(ProcessPoolExecutor(options.processes, context))
            workers = {*pool.map(_pid, range(50))}
            yield Way("processes, SQLiteStore", store, pool, [os.getpid(), *workers])
        else:
            yield _dask(stack, options.processes)


def _dask(stack: ExitStack, processes: int) -> Way | None:
    try:
        distributed: Any = import_module("distributed")
        from extcal import RedisStore

        redis_server = _redis_server()
    except ImportError as missing:
        print(f"| Dask, RedisStore | not measured: {missing} | | | | | | | |")
        return None
    server = stack.enter_context(redis_server())
    cluster = stack.enter_context(
        distributed.LocalCluster(
            n_workers=processes, threads_per_worker=4, processes=True, dashboard_address=None
        )
    )
    client = stack.enter_context(distributed.Client(cluster))
    workers = [*client.run(os.getpid).values()]
    store = RedisStore(server.url)
    return Way("Dask, RedisStore", store, client.get_executor(), [os.getpid(), *workers])


def _redis_server() -> Any:
    """The Redis server that the tests start, if one is installed."""
    path = _ROOT / "tests" / "cache" / "stores" / "redis_server.py"
    spec = importlib.util.spec_from_file_location("redis_server", path)
    if spec is None or spec.loader is None:
        raise ImportError("no tests beside the benchmarks")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.PROGRAM is None:
        raise ImportError(module.MISSING)
    return module.RedisServer


@contextmanager
def _server(body: bytes, count: int) -> Iterator[tuple[Connection, list[str]]]:
    """A feed server in its own process; it can be asked for the number of its requests."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, body, count), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours, ours.recv()
        ours.send("end")
        process.join(30)
    finally:
        process.kill()


def _serve(pipe: Connection, body: bytes, count: int) -> None:
    with FeedServer() as server:
        pipe.send([server.serve(f"/{n}.ics", body, etag=f'"{n}"') for n in range(count)])
        while pipe.recv() == "count":
            pipe.send(len(server.requests))


def _asked(server: Connection) -> int:
    server.send("count")
    return int(server.recv())


def _pid(number: int) -> int:
    time.sleep(0.01)
    return os.getpid()


def _resident(processes: list[int]) -> int:
    """The memory of these processes in bytes (Linux)."""
    pages = (Path(f"/proc/{pid}/statm").read_text("ascii").split()[1] for pid in processes)
    return sum(map(int, pages)) * _PAGE


if __name__ == "__main__":
    main()
