"""What one refresh costs: extcal, a plain client, and what people write, in CPU ms of the client.

    .venv/bin/python benchmarks/refresh.py            # the tables of docs/scale.md, some minutes
    .venv/bin/python benchmarks/refresh.py --quick    # 100 feeds, memory, TLS: under a minute
    .venv/bin/python benchmarks/refresh.py --feeds 1000 --hosts 10 --stores SQLite --faces tasks

A server in a process of its own serves a calendar of 100 events per feed on loopback. Every
contestant is a process, and in each round all of them refresh the same feeds one after the other,
so that a busy machine is busy for all: first (nothing is known), changed (200), unchanged (304),
fresh (nothing is asked). A figure is the median over the rounds of the CPU time of the contestant's
process for one feed. ``get`` asks for one feed after the other, ``threads`` and ``tasks`` are
``refresh_many``. httpx comes from .venv-peers, Redis from a server on the machine; what is missing
is left out with a word. No figure makes this program fail.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, Self

from race import PEERS
from refresh_server import DOMAIN, Served, serving
from scale import _redis_server

__all__ = ["main"]

_HERE = Path(__file__).parent
_KINDS = ("first", "changed", "unchanged", "fresh")
_SLOW = 25  # feeds for the contestant that takes 100 ms for each
# What is to be reached, and the least that is accepted: times the CPU of the contestant named.
_REACH = {
    ("unchanged", "threads"): ("httpx", 1.3, 1.6),
    ("unchanged", "tasks"): ("httpx", 1.5, 2.0),
    ("first", "threads"): ("httpx", 4.0, 6.0),
    ("first", "stack"): ("stack", 1 / 15, 1 / 10),
}


class Run(NamedTuple):
    """So many feeds over so many hosts, over http or https."""

    feeds: int
    hosts: int
    scheme: str

    def addresses(self, served: Served) -> list[str]:
        port = served.ports[self.scheme]
        names = (f"h{number % self.hosts}.{DOMAIN}" for number in range(self.feeds))
        return [f"{self.scheme}://{name}:{port}/{n}.ics" for n, name in enumerate(names)]


class Worker:
    """One contestant. ``name``: as in the table. ``share``: how many of the feeds it refreshes."""

    def __init__(self, name: str, share: int, process: subprocess.Popen[str]) -> None:
        self.name = name
        self.share = share
        self.process = process
        self.spent: dict[str, list[float]] = {}
        self.took: dict[str, list[float]] = {}
        self.opened: dict[str, int] = {}
        self.grown = 0

    def ask(self, **task: object) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended")
        found: dict[str, Any] = json.loads(line)
        return found

    def refresh(self, kind: str, served: Served) -> None:
        served.counts()
        found = self.ask(kind=kind)
        self.spent.setdefault(kind, []).append(found["cpu"] / self.share)
        self.took.setdefault(kind, []).append(self.share / found["seconds"])
        self.opened[kind] = max(self.opened.get(kind, 0), served.counts()[0])
        self.grown = found["grown"]

    def cpu(self, kind: str) -> float:
        """CPU milliseconds of one feed."""
        return statistics.median(self.spent[kind]) * 1e3

    def rate(self, kind: str) -> float:
        """Feeds a second."""
        return statistics.median(self.took[kind])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.process.kill()
        self.process.communicate()


def main() -> None:
    """Measure, and print the tables as Markdown."""
    parser = argparse.ArgumentParser(description="What one refresh costs.")
    parser.add_argument("--quick", action="store_true", help="one small run, under a minute")
    parser.add_argument("--feeds", type=int, nargs="+")
    parser.add_argument("--hosts", type=int, nargs="+", default=[10])
    parser.add_argument("--stores", nargs="+", default=["Memory"])
    parser.add_argument("--faces", nargs="+", default=["threads", "tasks"])
    parser.add_argument("--schemes", nargs="+", default=["https"])
    parser.add_argument("--kinds", nargs="+", default=list(_KINDS), choices=_KINDS)
    parser.add_argument("--rounds", type=int)
    options = parser.parse_args()
    rounds = options.rounds or (2 if options.quick else 3)
    stores, faces = options.stores, options.faces
    print(
        f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {rounds} rounds;"
        f" CPU ms for one feed of 100 events, memory when all are stored\n"
    )
    with ExitStack() as stack:
        served = stack.enter_context(serving(100))
        redis = _redis(stack)
        if options.feeds or options.quick:
            plan = [
                (Run(feeds, hosts, scheme), stores, faces)
                for feeds in options.feeds or [100]
                for hosts in options.hosts
                for scheme in options.schemes
            ]
        else:
            plan = list(_whole())
        for run, stores, faces in plan:
            ways = [*product(stores, faces)]
            few = 1 if run.feeds > 5_000 else rounds
            with ExitStack() as workers:
                found = [workers.enter_context(each) for each in _workers(run, ways, served, redis)]
                _race(found, options.kinds, few, served)
                print(*_lines(run, found), sep="\n", flush=True)


def _whole() -> Iterator[tuple[Run, list[str], list[str]]]:
    """The tables of docs/scale.md: every store and face once, then every size."""
    yield Run(1_000, 10, "https"), ["Memory", "SQLite", "Redis"], ["get", "threads", "tasks"]
    yield Run(1_000, 10, "http"), ["Memory"], ["threads", "tasks"]
    for feeds, hosts in product((100, 1_000, 10_000), (1, 10, 1_000)):
        if hosts <= feeds and (feeds, hosts) != (1_000, 10):
            stores = ["Memory", "SQLite", "Redis"] if (feeds, hosts) == (10_000, 10) else ["Memory"]
            yield Run(feeds, hosts, "https"), stores, ["threads"]


def _race(workers: list[Worker], kinds: list[str], rounds: int, served: Served) -> None:
    for number in range(rounds):
        for kind in kinds:
            if kind == "changed":
                served.change()
            for worker in workers:
                first_again = kind == "first" and number > 0
                if not first_again and (kind != "fresh" or worker.name.startswith("extcal")):
                    worker.refresh(kind, served)


def _workers(
    run: Run, ways: list[tuple[str, str]], served: Served, redis: str | None
) -> Iterator[Worker]:
    addresses = run.addresses(served)
    task = {"authority": served.authority, "port": served.ports[run.scheme]}
    if PEERS.exists():
        yield _started("httpx", PEERS, addresses, task)
        yield _started("stack", PEERS, addresses[:_SLOW], task)
    else:
        print("httpx is not measured: there is no .venv-peers (make benchrefresh makes it)\n")
    for store, face in ways:
        if store == "Redis" and redis is None:
            continue
        more = {"store": store, "face": face, "redis": redis}
        yield _started(f"extcal, {store}, {face}", Path(sys.executable), addresses, task | more)


def _started(name: str, python: Path, addresses: list[str], task: dict[str, Any]) -> Worker:
    program = name if name in ("httpx", "stack") else "extcal"
    command = [str(python), str(_HERE / "refresh_worker.py"), program]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    if program == "extcal":
        environment = dict(os.environ)
    process = subprocess.Popen(
        command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    worker = Worker(name, len(addresses), process)
    worker.ask(addresses=addresses, **task)
    return worker


def _lines(run: Run, workers: list[Worker]) -> Iterator[str]:
    by_name = {worker.name: worker for worker in workers}
    yield f"### {run.feeds:,} feeds, {run.hosts:,} host{'s' * (run.hosts > 1)}, {run.scheme}\n"
    yield "| | first | changed | unchanged | fresh | unchanged a second | connections | memory |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for worker in workers:
        cells = [
            f"{worker.cpu(kind):.2f}{_times(by_name, worker, kind)}" if kind in worker.spent else ""
            for kind in _KINDS
        ]
        opened = max(worker.opened.values())
        cells += [f"{worker.rate('unchanged'):,.0f}", f"{opened:,}", f"{worker.grown >> 20:,} MiB"]
        name = (
            "httpx + icalendar + recurring-ical-events" if worker.name == "stack" else worker.name
        )
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""
    yield from _verdicts(by_name)
    yield ""


def _times(workers: dict[str, Worker], worker: Worker, kind: str) -> str:
    """How many times the transport alone takes."""
    floor = workers.get("httpx")
    if floor is None or worker is floor or kind not in floor.spent:
        return ""
    return f" ({worker.cpu(kind) / floor.cpu(kind):.1f}x)"


def _verdicts(workers: dict[str, Worker]) -> Iterator[str]:
    for (kind, face), (peer, reach, floor) in _REACH.items():
        ours = workers.get(f"extcal, Memory, {'threads' if face == 'stack' else face}")
        theirs = workers.get(peer)
        if ours is None or theirs is None:
            continue
        ratio = ours.cpu(kind) / theirs.cpu(kind)
        word = (
            "reached" if ratio <= reach else "within the floor" if ratio <= floor else "**missed**"
        )
        yield (
            f"- {kind}, {face if peer == 'httpx' else 'threads'}, against {peer}: {ratio:.2f}, "
            + (f"to reach {reach:.2f} ({floor:.2f}): {word}")
        )


def _redis(stack: ExitStack) -> str | None:
    try:
        server = stack.enter_context(_redis_server()())
    except ImportError as missing:
        print(f"Redis is not measured: {missing}\n")
        return None
    return str(server.url)


if __name__ == "__main__":
    main()
