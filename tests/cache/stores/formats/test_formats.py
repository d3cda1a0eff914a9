"""What a release left on its hosts' disks is opened by this version, and nothing of it is lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import write_store as writer

from extcal import CalendarCache, Failed, SQLiteStore, State, Unavailable
from extcal.cache import Cell
from extcal.cache.snapshot.codec import _open, _seal
from extcal.testing import FakeFetcher, ManualClock

FILES = sorted(writer.FOLDER.glob("*.sqlite"))
SECOND = timedelta(seconds=1)

WAITS = {
    "0.1.0": {
        "down": "2027-01-04T08:46Z",
        "patient": "2027-01-04T12:45Z",
        "refused": "2027-01-04T08:55Z",
        "gone": "2027-01-05T08:45Z",
        "never read": "2027-01-04T08:46Z",
    }
}
"""By release: until when each feed that failed is left alone."""


def test_there_is_a_store_of_every_release() -> None:
    """None is taken away."""
    assert {file.stem for file in FILES} == set(WAITS)
    assert "0.1.0" in WAITS


class Left:
    """A copy of what a release left behind, opened by this version, while no source answers."""

    def __init__(self, release: str, secret: str | None, path: Path) -> None:
        shutil.copyfile(writer.FOLDER / f"{release}.sqlite", path)
        self.store = SQLiteStore(path)
        if secret is not None and release == "0.1.0":
            self.reseal(path, secret.encode())
        self.clock = ManualClock(writer.ASKED_AT)
        self.web = FakeFetcher()
        for name in ("well", "never", *writer.FAILURES):
            self.web.set(writer.address(name), Failed("connect"))
        self.feeds: dict[str, Any] = writer.feeds()
        self.waits = {name: ManualClock(at)() for name, at in WAITS[release].items()}
        self.secret = secret

    def reseal(self, path: Path, secret: bytes) -> None:
        """This file was written before cells were sealed with the secret: seal them now."""
        with closing(sqlite3.connect(path)) as connection:
            keys = [key for (key,) in connection.execute("SELECT key FROM cells")]
        for key in keys:
            cell = self.store.get(key)
            assert cell is not None
            kind = cell.data[5:6]
            body = _open(kind, key, cell.data)
            assert body is not None
            self.store.put(key, Cell(_seal(kind, key, body, secret), cell.keep_until), None)

    def cache(self) -> CalendarCache:
        found: CalendarCache = writer.cache(self.store, self.web, self.clock, self.secret)
        return found

    def at(self, moment: str | datetime) -> None:
        self.clock.set(moment)


@pytest.fixture(params=[None, writer.SECRET], ids=["plain", "secret"])
def secret(request: pytest.FixtureRequest) -> str | None:
    found: str | None = request.param
    return found


@pytest.fixture(params=[file.stem for file in FILES])
def left(request: pytest.FixtureRequest, secret: str | None, tmp_path: Path) -> Iterator[Left]:
    found = Left(request.param, secret, tmp_path / "cells.db")
    yield found
    found.store.close()


def test_last_good_readings_keep_their_24_hours(left: Left) -> None:
    """A source that is down when its host upgrades is no worse off than without the upgrade."""
    read = [name for name in left.feeds if name not in ("gone", "never read")]
    day_later = ManualClock(writer.READ_AT)() + timedelta(hours=24)
    for moment in (writer.ASKED_AT, "2027-01-04T20:00Z", day_later):
        left.at(moment)
        calendars = left.cache()
        for name in read:
            snapshot = calendars.get(left.feeds[name])
            assert snapshot.state is State.ERROR_STALE
            assert snapshot.fetched_at == ManualClock(writer.READ_AT)()
            assert len(snapshot.events) == 4
            titled = name != "well, busy"
            assert any(event.summary == "Planning" for event in snapshot.events) is titled
    left.at(day_later + SECOND)
    calendars = left.cache()
    for name in read:
        with pytest.raises(Unavailable):
            calendars.get(left.feeds[name])


@pytest.mark.parametrize("name", WAITS["0.1.0"])
def test_who_was_to_be_left_alone_still_is(left: Left, name: str) -> None:
    """Back-off, Retry-After, refusals and gone outlive an upgrade."""
    until = left.waits[name]
    left.at(until - SECOND)
    served = name in ("down", "patient", "refused")
    for asked, moment in ((0, until - SECOND), (1, until)):
        left.at(moment)
        calendars = left.cache()
        if served and moment - ManualClock(writer.READ_AT)() <= timedelta(hours=24):
            assert calendars.get(left.feeds[name]).state is State.ERROR_STALE
        else:
            with pytest.raises(Unavailable):
                calendars.get(left.feeds[name])
        assert left.web.count() == asked


@pytest.mark.parametrize("name", ["well", "well in Berlin", "well, busy"])
def test_a_reading_by_another_version_is_read_again(left: Left, name: str) -> None:
    """STALE until its moment, with a Problem; then a plain GET, whatever validators it had."""
    started = ManualClock(writer.READ_AT)()
    left.at(started)
    calendars = left.cache()
    left.web.set(writer.address("well"), writer.body("well"))
    states = []
    for minute in range(31):
        left.at(started + timedelta(minutes=minute))
        snapshot = calendars.get(left.feeds[name])
        states.append(snapshot.state)
        codes = [problem.code for problem in snapshot.problems]
        assert ("other_rules" in codes) is (snapshot.state is State.STALE)
    assert {*states} == {State.STALE, State.FRESH}
    assert states == sorted(states, key=[State.STALE, State.FRESH].index)
    assert [request.etag for request in left.web.requests] == [None]


def test_another_secret_finds_nothing(left: Left) -> None:
    """Its keys are other keys."""
    left.secret = "another one"
    assert left.cache().last_refreshed(left.feeds["well"]) is None
