"""One contestant of the refresh benchmark, in a process of its own.

    python refresh_worker.py httpx|stack|extcal

Reads one JSON object a line and answers each with one. The first says what there is to refresh:
``addresses``, ``authority`` (a file), ``port``, and for extcal ``store``, ``face`` and ``redis``.
Each of the others is a round: ``kind`` is first, changed, unchanged or fresh. The answer to a round
is the CPU time of this process in seconds, the seconds it took, and the memory by which it has
grown. Every name leads to 127.0.0.1. This file runs in the environment of one contestant, so each
class imports only what it needs.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from feeds import END, START

_PAGE = 4096


class Contestant(Protocol):
    """What refreshes feeds."""

    def refresh(self, kind: str) -> None:
        """Bring every feed up to date once."""


class Httpx:
    """The floor of the transport: one client, kept alive, that asks one address after another.

    ``reader``: what a body is given to. Without one it is only received.
    """

    def __init__(self, task: dict[str, Any], reader: Any = None) -> None:
        httpx = import_module("httpx")
        self._client = httpx.Client(verify=ssl.create_default_context(cafile=task["authority"]))
        self._tags: dict[str, str] = dict.fromkeys(task["addresses"], "")
        self._reader = reader

    def refresh(self, kind: str) -> None:
        for address, tag in self._tags.items():
            answer = self._client.get(address, headers={"If-None-Match": tag} if tag else {})
            if answer.status_code == 200:
                body = answer.content
                self._tags[address] = answer.headers["etag"]
                if self._reader is not None:
                    self._reader(body)


def stack(task: dict[str, Any]) -> Httpx:
    """What people write: httpx, icalendar and recurring-ical-events."""
    contestant = import_module("contestant")
    read = contestant.CONTESTANTS["recurring"]()
    return Httpx(task, lambda body: read([contestant.Asked(body, START, END)]))


class Extcal:
    """A cache over one of the stores, for threads or for tasks."""

    def __init__(self, task: dict[str, Any]) -> None:
        extcal = import_module("extcal")
        options = {
            "policy": import_module("extcal.fetch").UrlPolicy(
                allow_networks="127.0.0.0/8", allow_http=True, ports=task["port"]
            ),
            "ssl_context": ssl.create_default_context(cafile=task["authority"]),
        }
        self._clock = import_module("extcal.testing").ManualClock(START)
        self._feeds = [extcal.Feed(address) for address in task["addresses"]]
        self._face = task["face"]
        store: Any = extcal.MemoryStore()
        if task["store"] == "SQLite":
            self._folder = tempfile.TemporaryDirectory()
            store = extcal.SQLiteStore(Path(self._folder.name) / "cells.db")
        elif task["store"] == "Redis":
            store = extcal.RedisStore(task["redis"])
        tasks = self._face == "tasks"
        fetcher = (extcal.AsyncHttpFetcher if tasks else extcal.HttpFetcher)(**options)
        cache = extcal.AsyncCalendarCache if tasks else extcal.CalendarCache
        # With a secret of its own, so that it finds nothing of other contestants in the same store.
        secret = f"{task['store']} {self._face} {len(self._feeds)}"
        self._cache = cache(fetcher=fetcher, clock=self._clock, store=store, secret=secret)

    def refresh(self, kind: str) -> None:
        if kind in ("changed", "unchanged"):
            self._clock.advance(timedelta(minutes=31))
        if self._face == "tasks":
            asyncio.run(self._tasks())
        elif self._face == "get":
            for feed in self._feeds:
                self._cache.get(feed)
        else:
            for feed, outcome in self._cache.refresh_many(self._feeds):
                _check(feed, outcome)

    async def _tasks(self) -> None:
        async with self._cache as calendars:
            async for feed, outcome in calendars.refresh_many(self._feeds):
                _check(feed, outcome)


def _check(feed: object, outcome: object) -> None:
    if isinstance(outcome, Exception):
        raise RuntimeError(f"{feed!r}: {outcome}")


def main() -> None:
    """Serve rounds until the input ends."""
    here = partial(socket.getaddrinfo, "127.0.0.1")

    def local(host: object, *arguments: Any, **options: Any) -> Any:
        return here(*arguments, **options)

    setattr(socket, "getaddrinfo", local)  # noqa: B010 - both environments resolve alike
    contestants: dict[str, Callable[[dict[str, Any]], Contestant]]
    contestants = {"httpx": Httpx, "stack": stack, "extcal": Extcal}
    contestant: Contestant = contestants[sys.argv[1]](json.loads(sys.stdin.readline()))
    print(json.dumps({"ready": True}), flush=True)
    before = _resident()
    for line in sys.stdin:
        began, cpu = time.perf_counter(), time.process_time()
        contestant.refresh(json.loads(line)["kind"])
        spent = time.process_time() - cpu, time.perf_counter() - began
        print(json.dumps({"cpu": spent[0], "seconds": spent[1], "grown": _resident() - before}))
        sys.stdout.flush()


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE


if __name__ == "__main__":
    main()
