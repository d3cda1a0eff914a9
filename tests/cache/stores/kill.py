"""Kill -9 whoever writes to a store, at every point where he writes, and look what is left.

    python tests/cache/stores/kill.py --store sqlite --rounds 1000

Each round forks a child with a cache over the store. It fetches a calendar three times, each with a
greater serial number, and each time once more, when nothing has changed. It tells through a pipe
what the store said it had kept. Then it is killed:

* call: before, or half-way through, its n-th write to a file or to a socket, for every n (needs a
  C compiler, see killer.c);
* step: before the n-th instruction of SQLite's engine;
* moment: from outside, after some milliseconds.

Afterwards, through a new door: the last snapshot that was acknowledged, or the one after it, must
be readable; the file must be whole; and half a minute later the lease must be free. Prints what
happened as JSON; fails if any of it does not hold.

A store that waits too long for Redis goes on in memory, as it should, and then nothing follows from
what it says. On a busy machine that happens now and then: such rounds are counted as not judged,
and it fails if they are more than one in ten.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
import os
import random
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from extcal import (
    CalendarCache,
    Feed,
    Fetched,
    FetchRequest,
    NotModified,
    RedisStore,
    SQLiteStore,
)
from extcal.cache.snapshot.codec import decode_reading
from extcal.testing import ManualClock, event, feed_text

HERE = Path(__file__).parent
ARMED = "EXTCAL_KILL_SHIM"
START = "2027-01-04T08:00Z"
HALF_AN_HOUR = timedelta(minutes=31)
FEED = Feed("https://example.org/ada.ics")
PER_ROUND = 3
PATIENCE = 60.0
NOT_JUDGED = "not judged, because the machine was too slow"


def body(serial: int, day: datetime) -> bytes:
    """A calendar whose snapshot fills several pages."""
    chance = random.Random(serial)
    return feed_text(
        *(
            event(day + timedelta(hours=number), uid=f"{serial}-{chance.randbytes(64).hex()}")
            for number in range(200)
        )
    ).encode()


class TooSlow(Exception):
    """A step of the store took longer than the store waits, so it went on in memory."""


def late_steps(store: Any) -> list[Exception]:
    """The steps that take ``store`` too long, from now on."""
    late: list[Exception] = []
    trouble = store._trouble

    def noted(pause: Any, error: Exception) -> None:
        if isinstance(error, store._timeouts):
            late.append(error)
        trouble(pause, error)

    store._trouble = noted
    return late


class Place:
    """A store under test: how it is opened, and what to look at besides."""

    def __init__(self, kind: str, directory: Path, stack: ExitStack) -> None:
        self.kind = kind
        self.path = directory / "cells.db"
        self.url = ""
        if kind == "redis":
            spec = importlib.util.spec_from_file_location("redis_server", HERE / "redis_server.py")
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            self.url = stack.enter_context(module.RedisServer()).url

    def open(self) -> Any:
        return SQLiteStore(self.path) if self.kind == "sqlite" else RedisStore(self.url)

    def leased(self, store: Any, key: str) -> datetime | None:
        """When the lease that was left behind runs out."""
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        if self.kind == "redis":
            value = store._client.get(store._lease(key))
            return value and epoch + timedelta(milliseconds=int(value.partition(b":")[0]))
        query = "SELECT until FROM leases WHERE key = ?"
        row = store._look(lambda connection: connection.execute(query, (key,)).fetchone())
        return row and epoch + timedelta(microseconds=row[0])

    def whole(self) -> bool:
        if self.kind == "redis":
            return True
        connection = sqlite3.connect(self.path)
        try:
            sound = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        finally:
            connection.close()
        return sound and not list(self.path.parent.glob("*.corrupt-*"))


class Round:
    """One child: what it does, and how it is to die."""

    def __init__(self, place: Place, first: int, now: datetime, mode: str, point: int) -> None:
        self.place, self.first, self.now, self.mode, self.point = place, first, now, mode, point
        self.late = False

    def run(self, delay: float) -> tuple[list[int], bool, int]:
        """What was acknowledged, whether the child was killed, and how many points it passed."""
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.close(reader)
                self._work(writer)
            finally:
                os._exit(9)
        os.close(writer)
        said = b""
        until = time.monotonic() + PATIENCE
        while True:
            left = (delay or PATIENCE) if self.mode == "moment" else until - time.monotonic()
            ready, _, _ = select.select([reader], [], [], max(left, 0))
            if not ready or (self.mode == "moment" and said.count(b"\n") >= self.point):
                os.kill(child, signal.SIGKILL)
            if not ready:
                continue
            found = os.read(reader, 4096)
            if not found:
                break
            said += found
        os.close(reader)
        status = os.waitpid(child, 0)[1]
        lines = [line.split() for line in said.decode().splitlines()]
        seen = next((int(line[1]) for line in lines if line[0] == "seen"), 0)
        self.late = ["late"] in lines
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not killed and (not os.WIFEXITED(status) or os.WEXITSTATUS(status)):
            raise SystemExit(f"the child failed: {status} {said!r}")
        return [int(line[1]) for line in lines if line[0] == "kept"], killed, seen

    def _work(self, pipe: int) -> None:
        passed = [0]
        if self.mode == "call":
            shim = ctypes.CDLL(None)
            shim.kill_at(ctypes.c_long(self.point // 2), self.point % 2)
        elif self.mode == "step":
            self._count_steps(passed)
        clock, serial = ManualClock(self.now), [self.first]
        store = self.place.open()
        put, late = store.put, late_steps(store)

        def telling(key: str, cell: Any, token: str | None) -> bool:
            kept: bool = put(key, cell, token)
            if late:
                os.write(pipe, b"late\n")
            elif kept and key.startswith("s:"):
                os.write(pipe, b"kept %d\n" % serial[0])
            return kept

        class Source:
            def fetch(self, request: FetchRequest) -> Fetched | NotModified:
                etag = f'"{serial[0]}"'
                if request.etag == etag:
                    return NotModified()
                return Fetched(body(serial[0], clock()), etag=etag)

        store.put = telling
        calendars = CalendarCache(store=store, fetcher=Source(), clock=clock)
        for number in range(self.first, self.first + PER_ROUND):
            serial[0] = number
            for _ in range(2):
                clock.advance(HALF_AN_HOUR)
                calendars.get(FEED)
        store.close()
        if self.mode == "call":
            passed[0] = ctypes.CDLL(None).kill_seen()
        os.write(pipe, b"seen %d\n" % passed[0])
        os._exit(0)

    def _count_steps(self, passed: list[int]) -> None:
        import extcal.cache.stores.sqlite as module

        open_file = module.open_file

        def step() -> int:
            passed[0] += 1
            if passed[0] == self.point:
                os.kill(os.getpid(), signal.SIGKILL)
            return 0

        def counted(path: Path, busy: float) -> Any:
            connection = open_file(path, busy)
            connection.set_progress_handler(step, 1)
            return connection

        module.open_file = counted


class Trial:
    """All rounds over one store."""

    def __init__(self, place: Place, seed: int) -> None:
        self.place = place
        self.chance = random.Random(seed)
        self.clock = ManualClock(START)
        self.serial = 0
        self.unsure = False  # which serial is kept, after a round that was not judged
        self.until = START
        self.rounds = 0
        self.figures: Counter[str] = Counter()

    def check(self, acknowledged: int, unsure: bool = False) -> None:
        """What must be true of the place now, through a new door.

        ``unsure``: nothing is known of what was acknowledged. Raises TooSlow.
        """
        store = self.place.open()
        late = late_steps(store)
        try:
            calendars = CalendarCache(store=store, clock=self.clock)
            key = calendars._repository.keys(FEED).snapshot
            cell = store.get(key)
            if (acknowledged == 0 or unsure) and cell is None:
                return
            if cell is None and self.clock() > self.until:
                # So many children in a row were killed before they wrote that it has expired.
                self.figures["expired"] += 1
                return
            assert cell is not None, "the snapshot is lost"
            self.until = cell.keep_until
            reading = decode_reading(cell.data, key)
            assert reading is not None, "the snapshot does not decode"
            from extcal.cache.snapshot.packed_events import unpack_events

            known = calendars._repository.load(calendars._repository.keys(FEED)).reading
            assert known is not None, "the snapshot does not decode"
            later = known.fetched_at - reading.fetched_at
            assert later in (timedelta(0), HALF_AN_HOUR), "another reading's confirmation"
            self.figures["confirmed"] += later > timedelta(0)
            serials = {int(each.uid.split("-")[0]) for each in unpack_events(reading.packed)}
            assert len(serials) == 1, "a snapshot is mixed"
            serial = serials.pop()
            assert unsure or serial in (acknowledged, acknowledged + 1), (
                f"{serial} is kept, {acknowledged} was acknowledged"
            )
            self.figures["newer than acknowledged"] += serial > acknowledged
            self.serial = serial
            ttl = calendars._decisions.lease_time
            until = self.place.leased(store, key)
            if until is not None:
                self.figures["lease left behind"] += 1
                given = store.lease(key, until - timedelta(milliseconds=1), ttl)
                assert given is None, "a lease was given twice"
                now = until
            else:
                now = self.clock()
            token = store.lease(key, now, ttl)
            assert token is not None, "the lease is not free half a minute later"
            store.release(key, token)
            assert not store._writing.begun, "the store went on in memory"
            assert not store._reading.begun, "the store went on in memory"
        except AssertionError:
            if late:
                raise TooSlow from None
            raise
        finally:
            store.close()
        assert self.place.whole(), "the file is damaged"
        if late:
            raise TooSlow

    def round(self, mode: str, point: int, delay: float = 0.0) -> int:
        self.rounds += 1
        # Every other round somebody else has the place open while the writer dies.
        bystander = self.place.open() if self.rounds % 2 else None
        if bystander is not None:
            bystander.get("nothing")
        first = self.serial + 1
        one = Round(self.place, first, self.clock(), mode, point)
        kept, killed, seen = one.run(delay)
        self.clock.advance(2 * (PER_ROUND + 1) * HALF_AN_HOUR)
        self.figures[f"killed ({mode})" if killed else f"survived ({mode})"] += 1
        try:
            if one.late:
                raise TooSlow
            self.check(max([self.serial, *kept]), unsure=self.unsure and not kept)
            self.unsure = False
        except TooSlow:
            self.figures[NOT_JUDGED] += 1
            self.serial, self.unsure = first + PER_ROUND, True
        if bystander is not None:
            bystander.close()
        return seen

    def run(self, rounds: int, modes: list[str]) -> None:
        counts = {"moment": PER_ROUND}
        for mode in ("call", "step"):
            if mode in modes:
                # Nobody is killed at point 0 or 1: these rounds count the points.
                counts[mode] = max(self.round(mode, 0), self.round(mode, 0))
                self.figures[f"points ({mode})"] = counts[mode]
        for mode in modes:
            share = rounds // len(modes) + (mode == modes[-1]) * (rounds % len(modes))
            # For "call" a point comes twice: before the write, and half-way through.
            span = 2 * counts[mode] if mode == "call" else counts[mode]
            offset = self.chance.random()
            for number in range(share):
                point = int((number + offset) * span / share) % span
                if mode == "moment":
                    self.round(mode, point + 1, self.chance.uniform(0.001, 0.15))
                else:
                    self.round(mode, point + (2 if mode == "call" else 1))


def arm() -> bool:
    """Begin again with the shim in place, if it can be made; tells whether it is."""
    if os.environ.get(ARMED):
        return True
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        return False
    directory = tempfile.mkdtemp(prefix="extcal-kill-")
    library = Path(directory) / "killer.so"
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "killer.c", "-ldl"],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(directory)
        return False
    environment = os.environ | {"LD_PRELOAD": str(library), ARMED: directory}
    os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=["sqlite", "redis"], required=True)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    modes = ["call"] if arm() else []
    shutil.rmtree(os.environ.get(ARMED, ""), ignore_errors=True)
    modes += ["step", "moment"] if options.store == "sqlite" else ["moment"]
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="extcal-kill-") as directory, ExitStack() as stack:
        trial = Trial(Place(options.store, Path(directory), stack), options.seed)
        trial.run(options.rounds, modes)
    figures = {"store": options.store, "rounds": options.rounds, "snapshots lost": 0}
    figures |= dict(trial.figures)
    figures["snapshots written"] = trial.serial
    figures["seconds"] = round(time.monotonic() - begun)
    print(json.dumps(figures))
    if figures.get(NOT_JUDGED, 0) > max(2, options.rounds // 10):
        raise SystemExit(
            f"{figures[NOT_JUDGED]} of {trial.rounds} rounds were not judged: steps of the store"
            " took longer than it waits. Nothing is known to be wrong; try a quieter machine."
        )


if __name__ == "__main__":
    main()
