"""One fetch per feed at a time, across threads and processes that share a store."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from extcal import CalendarCache, Store
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

URL = "https://example.org/ada.ics"
PATIENCE = 120.0
Doors = Callable[[str], Store]

every_store = pytest.mark.parametrize("name", ["sqlite", "redis"])


class Crowd:
    """Processes of 64 threads each, over one store, one clock and one log of fetches."""

    def __init__(self, name: str, place: str, directory: Path) -> None:
        self.name, self.place = name, place
        self.time, self.log = directory / "clock", directory / "fetches"
        self.body = directory / "ada.ics"
        self.body.write_text(feed_text(event("2027-01-04T09:00Z")), "utf-8")
        self.log.touch()
        self.processes: list[subprocess.Popen[str]] = []

    def set_clock(self, to: str) -> None:
        new = self.time.with_suffix(".new")
        new.write_text(to, "ascii")
        new.replace(self.time)

    def fetches(self) -> int:
        return self.log.stat().st_size

    def join(self, *, hangs: bool = False) -> subprocess.Popen[str]:
        words = [self.name, self.place, str(self.time), str(self.log)]
        words += [] if hangs else [str(self.body)]
        program = str(Path(__file__).with_name("crowd.py"))
        process = subprocess.Popen(
            [sys.executable, program, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def go(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()

    def fresh(self, process: subprocess.Popen[str]) -> int:
        said, _ = process.communicate(timeout=PATIENCE)
        return int(said)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()


@pytest.fixture
def crowd_over(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Crowd]]:
    crowds: list[Crowd] = []

    def made(name: str) -> Crowd:
        place: Any = str(tmp_path / "new" / "cells.db")
        if name == "redis":
            place = request.getfixturevalue("redis_url")
        crowds.append(Crowd(name, place, tmp_path))
        return crowds[-1]

    yield made
    for crowd in crowds:
        crowd.end()


def expired(store: Store) -> None:
    """Leave a snapshot of eight o'clock in ``store``."""
    fetcher = FakeFetcher({URL: feed_text(event("2027-01-04T09:00Z"))})
    clock = ManualClock("2027-01-04T08:00Z")
    CalendarCache(store=store, fetcher=fetcher, clock=clock).get(URL)


@pytest.mark.parametrize(
    ("name", "count"),
    [("sqlite", 8), ("redis", 2), pytest.param("redis", 8, marks=pytest.mark.nightly)],
)
def test_sixty_four_threads_in_eight_processes_fetch_once(
    doors: Doors, crowd_over: Callable[[str], Crowd], name: str, count: int
) -> None:
    """All 512 ask for one expired feed at once, and all are answered FRESH."""
    expired(doors(name))
    crowd = crowd_over(name)
    crowd.set_clock("2027-01-04T09:00:00+00:00")
    processes = [crowd.join() for _ in range(count)]
    for process in processes:
        crowd.go(process)
    assert [crowd.fresh(process) for process in processes] == [64] * count
    assert crowd.fetches() == 1


@every_store
def test_a_leader_that_is_killed_costs_one_more_fetch(
    doors: Doors, crowd_over: Callable[[str], Crowd], name: str
) -> None:
    """SIGKILL in the middle of a fetch: when its lease runs out, one of the others leads."""
    expired(doors(name))
    crowd = crowd_over(name)
    crowd.set_clock("2027-01-04T09:00:00+00:00")
    leader = crowd.join(hangs=True)
    crowd.go(leader)
    until = time.monotonic() + PATIENCE
    while not crowd.fetches():
        assert time.monotonic() < until
        time.sleep(0.01)
    others = [crowd.join() for _ in range(2)]
    for process in others:
        crowd.go(process)
    leader.send_signal(signal.SIGKILL)
    assert leader.wait(PATIENCE) == -signal.SIGKILL
    crowd.set_clock("2027-01-04T09:00:31+00:00")
    assert [crowd.fresh(process) for process in others] == [64, 64]
    assert crowd.fetches() == 2
