"""One process of a crowd that asks for one feed at the same time; started by test_crowd.py.

    python crowd.py STORE PLACE CLOCK LOG [BODY]

STORE is sqlite or redis, PLACE its path or URL, CLOCK a file with the time, LOG a file that grows
by one byte with every fetch. Says "ready", waits for a line, lets 64 threads ask at once, and says
how often it was answered FRESH. BODY is the feed; without it the fetch never ends.
"""

from __future__ import annotations

import os
import sys
import threading
from datetime import datetime
from pathlib import Path

from extcal import CalendarCache, Fetched, FetchRequest, RedisStore, SQLiteStore, Store

URL = "https://example.org/ada.ics"
THREADS = 64
kind, place, time, log, *rest = sys.argv[1:]


def clock() -> datetime:
    return datetime.fromisoformat(Path(time).read_text("ascii"))


class Source:
    """Every fetch is one byte more in the log, whoever does it."""

    def fetch(self, request: FetchRequest) -> Fetched:
        file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, b".")
        os.close(file)
        if not rest:
            threading.Event().wait()
        # Long enough that a second fetch would begin if anybody thought of one.
        threading.Event().wait(0.3)
        return Fetched(Path(rest[0]).read_bytes())


store: Store = SQLiteStore(place) if kind == "sqlite" else RedisStore(place)
calendars = CalendarCache(store=store, fetcher=Source(), clock=clock)
together = threading.Barrier(THREADS + 1)
states = []


def ask() -> None:
    together.wait()
    states.append(calendars.get(URL).state)


threads = [threading.Thread(target=ask) for _ in range(THREADS)]
for thread in threads:
    thread.start()
print("ready", flush=True)
sys.stdin.readline()
together.wait()
for thread in threads:
    thread.join()
print(sum(state == "fresh" for state in states), flush=True)
os._exit(0)
