"""The deployment of docs/scale.md, small and for real: scheduler, Dask workers, web process, Redis.

    .venv/bin/python benchmarks/deployment.py                # 500 feeds, 2 workers
    .venv/bin/python benchmarks/deployment.py --feeds 5000 --workers 4

Every part is a process of its own on this machine: a Redis server, a Dask cluster of worker
processes, a web process that answers over HTTP from the same store, and a server of feeds over TLS.
This process is the scheduler. In turn: a first run, looks at the web process, a run after half an
hour in which nothing has changed, two schedulers at the same time, a worker that is killed, a Redis
server that is stopped, and that comes back. It fails if any calendar is not known at the end of a
step, and says if a feed was asked for more than once in a run. The clock of all processes is a real
one and a number of minutes in a file. Needs ``extcal[dask,redis]`` and a Redis or Valkey server.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from refresh_server import DOMAIN, Served, serving
from scale import _redis_server

from extcal import CalendarCache, Feed, HttpFetcher, RedisStore, State, Unavailable
from extcal.cache import system_clock
from extcal.fetch import UrlPolicy

__all__ = ["main"]

_HOSTS = 10
_TWENTY = timedelta(minutes=20)
_OLDER = 31  # minutes


class Place:
    """What all processes of the deployment are told, as JSON. ``shift``: the file of the clock."""

    def __init__(self, redis: str, port: int, authority: str, shift: str, feeds: int) -> None:
        self.redis, self.port, self.authority, self.shift = redis, port, authority, shift
        self.feeds = feeds

    def addresses(self) -> list[Feed]:
        """The rows of the application's database."""
        return [
            Feed(f"https://h{number % _HOSTS}.{DOMAIN}:{self.port}/{number}.ics")
            for number in range(self.feeds)
        ]

    def calendars(self) -> CalendarCache:
        """The cache of each process: the same store, the same secret."""
        fetcher = partial(new_fetcher, self.port, self.authority)
        clock = partial(now, self.shift)
        return CalendarCache(
            store=RedisStore(self.redis), fetcher=fetcher, secret="pepper", clock=clock
        )


def now(shift: str) -> datetime:
    """The time, and what the file says."""
    return system_clock() + timedelta(minutes=int(Path(shift).read_text("ascii")))


def new_fetcher(port: int, authority: str) -> HttpFetcher:
    """The fetcher of one process, in which every name leads to this machine."""
    resolved = socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)
    return HttpFetcher(
        policy=UrlPolicy(allow_networks="127.0.0.0/8", ports=port),
        ssl_context=ssl.create_default_context(cafile=authority),
        resolver=partial(_here, [str(each[4][0]) for each in resolved]),
        max_fetches=64,
        max_fetches_per_host=64,
    )


def _here(addresses: list[str], *_: object) -> list[str]:
    return addresses


def refresh_all(calendars: CalendarCache, feeds: Sequence[Feed], executor: Any) -> int:
    """What the scheduler does every five minutes; how many feeds are not known."""
    results = calendars.refresh_many(feeds, executor, older_than=_TWENTY, at_once=512, per_host=64)
    return sum(isinstance(outcome, Unavailable) for _, outcome in results)


def web(place: Place) -> None:
    """The web process: ``/7`` is a week of the seventh calendar, ``/`` what it has used so far."""
    calendars, feeds = place.calendars(), place.addresses()

    class Page(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/":
                told: dict[str, Any] = {"cpu": time.process_time()}
                told |= {"fetches": calendars.stats().fetches}
            else:
                feed = feeds[int(self.path[1:])]
                start = now(place.shift)
                busy = calendars.free_busy(feed, start, start + timedelta(days=7))
                told = {"busy": len(busy.epochs), "fresh": calendars.get(feed).state is State.FRESH}
            body = json.dumps(told).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    print(server.server_port, flush=True)
    server.serve_forever()


class Deployment:
    """All of it, while it runs."""

    def __init__(self, place: Place, served: Served, redis: Any, cluster: Any, client: Any) -> None:
        self.place, self.served, self.redis = place, served, redis
        self.cluster, self.client = cluster, client
        self.feeds = place.addresses()
        self.calendars = place.calendars()
        self.port = 0

    def step(self, name: str, act: Callable[[], object], requests: int | None = None) -> None:
        """Do one step, and print what it took of which process."""
        self.served.counts()
        before, began = self.used(), time.perf_counter()
        told = act()
        took = time.perf_counter() - began
        opened, asked = self.served.counts()
        # Not negative: a worker or a server may be a new one.
        spent = {
            who: max(cpu - before.get(who, 0.0), 0.0) * 1e3 / len(self.feeds)
            for who, cpu in self.used().items()
        }
        cells = [f"{spent[who]:.2f}" for who in ("workers", "scheduler", "web", "Redis")]
        print(f"| {name} | {took:.1f} | {asked:,} | {opened:,} | {' | '.join(cells)} |", flush=True)
        if told:
            raise SystemExit(f"{name}: {told} calendars are not known")
        if requests is not None and asked != requests:
            # A store that is late is left alone, and then each process fetches for itself.
            print(f"\n{asked} requests in place of {requests}: Redis was late\n", flush=True)

    def used(self) -> dict[str, float]:
        """CPU seconds up to now, of each part."""
        server = self.calendars._repository.store
        assert isinstance(server, RedisStore)
        found: dict[str, float] = {}
        found["workers"] = sum(self.client.run(time.process_time).values())
        found["scheduler"] = time.process_time()
        if self.port:
            found["web"] = float(self.look("/")["cpu"])
        told: Any = server._client.info()
        found["Redis"] = float(told["used_cpu_user"] + told["used_cpu_sys"])
        return found

    def refresh(self) -> int:
        return refresh_all(self.calendars, self.feeds, self.client.get_executor())

    def twice(self) -> int:
        """Two schedulers at the same time."""
        found: list[int] = []
        other = self.place.calendars()
        threads = [
            threading.Thread(
                target=lambda each=each: found.append(
                    refresh_all(each, self.feeds, self.client.get_executor())
                )
            )
            for each in (self.calendars, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(found)

    def lose_a_worker(self) -> int:
        """Kill one while they work; its feeds come as ``worker_lost``. The next run gets them."""
        pid = next(iter(self.client.run(os.getpid).values()))
        timer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
        timer.start()
        self.refresh()
        timer.join()
        return self.refresh()

    def looks(self) -> int:
        """One look at every calendar; how many answers are not fresh."""
        return sum(not self.look(f"/{number}")["fresh"] for number in range(len(self.feeds)))

    def look(self, path: str) -> dict[str, Any]:
        """An answer of the web process."""
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", path)
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        connection.close()
        return found

    def without_redis(self) -> int:
        """The web process answers from memory, and fetches what it does not have there."""
        self.redis.stop()
        try:
            return self.looks()
        finally:
            self.redis.start()

    def later(self) -> None:
        """Half an hour passes."""
        shift = Path(self.place.shift)
        shift.write_text(str(int(shift.read_text("ascii")) + _OLDER), "ascii")


def main() -> None:
    """Run the deployment, and print what each step took as Markdown."""
    if sys.argv[1:2] == ["web"]:
        web(Place(**json.loads(sys.argv[2])))
        return
    parser = argparse.ArgumentParser(description="The deployment of docs/scale.md, for real.")
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--events", type=int, default=100)
    options = parser.parse_args()
    distributed: Any = import_module("distributed")
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        shift = Path(folder) / "minutes"
        shift.write_text("0", "ascii")
        served = stack.enter_context(serving(options.events))
        redis = stack.enter_context(_redis_server()())
        told = {"redis": redis.url, "port": served.ports["https"], "authority": served.authority}
        told |= {"shift": str(shift), "feeds": options.feeds}
        cluster = stack.enter_context(
            distributed.LocalCluster(
                n_workers=options.workers,
                threads_per_worker=8,
                processes=True,
                dashboard_address=None,
            )
        )
        client = stack.enter_context(distributed.Client(cluster))
        deployment = Deployment(Place(**told), served, redis, cluster, client)
        page = subprocess.Popen(
            [sys.executable, __file__, "web", json.dumps(told)], stdout=subprocess.PIPE, text=True
        )
        stack.callback(page.communicate)
        stack.callback(page.kill)
        assert page.stdout is not None
        deployment.port = int(page.stdout.readline())
        rehearse(deployment, options)


def rehearse(deployment: Deployment, options: argparse.Namespace) -> None:
    """All steps, in turn."""
    feeds = options.feeds
    print(
        f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; {feeds:,} feeds of"
        f" {options.events} events on {_HOSTS} hosts, {options.workers} workers; CPU ms a feed\n"
    )
    print("| step | seconds | requests | connections | workers | scheduler | web | Redis |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    deployment.step("first run", deployment.refresh, feeds)
    deployment.step("looks at the web process", deployment.looks, 0)
    deployment.step("second run, all fresh", deployment.refresh, 0)
    deployment.later()
    deployment.step("half an hour later, unchanged", deployment.refresh, feeds)
    deployment.later()
    deployment.step("two schedulers at a time", deployment.twice, feeds)
    deployment.later()
    deployment.served.change()
    deployment.step("all changed, a worker is killed", deployment.lose_a_worker)
    deployment.step("looks without Redis", deployment.without_redis)
    deployment.step("Redis is back, empty", deployment.refresh)
    deployment.step("looks after that", deployment.looks)


if __name__ == "__main__":
    main()
