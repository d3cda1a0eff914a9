"""A place that may fail, and when it is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from extcal.cache import Cell
from extcal.cache.stores.durable import DurableStore

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
LEASE = timedelta(seconds=30)


class Broken(Exception):
    """What this place raises."""


class Place(DurableStore):
    """A dictionary that fails when it is told to."""

    _troubles = (Broken,)

    def __init__(self) -> None:
        super().__init__(codec=None, remembers=True)
        self.cells: dict[str, Cell] = {}
        self.broken = False
        self.tried = 0

    def _try_place(self) -> None:
        self.tried += 1
        if self.broken:
            raise Broken

    def _read(self, keys: Sequence[str]) -> dict[str, Cell]:
        self._try_place()
        return {key: self.cells[key] for key in keys if key in self.cells}

    def _write(self, key: str, cell: Cell, token: str | None) -> bool:
        self._try_place()
        self.cells[key] = cell
        return True

    def _merge(self, key: str, cell: Cell) -> None:
        self._write(key, cell, None)

    def _remove(self, key: str) -> None:
        self._try_place()
        self.cells.pop(key, None)

    def _take(self, key: str, token: str, now: datetime, ttl: timedelta) -> bool:
        self._try_place()
        return True

    def _give_back(self, key: str, token: str) -> None:
        self._try_place()

    def _say(self, error: Exception) -> str:
        return "broken"


class Monotonic:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Monotonic:
    time = Monotonic()
    monkeypatch.setattr("extcal.cache.stores.durable.monotonic", time)
    return time


def cell(data: bytes = b"data") -> Cell:
    return Cell(data, NOW + timedelta(days=7))


def test_it_is_tried_again_after_ever_longer_pauses(time: Monotonic) -> None:
    """One second, two, four, up to a minute; and afterwards as if nothing had been."""
    store = Place()
    store.broken = True
    pauses = []
    for _ in range(8):
        begun, tried = time.now, store.tried
        while store.tried == tried:
            store.get("a")
            time.now += 0.5
        pauses.append(time.now - 0.5 - begun)
    assert pauses == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 59.5]
    store.broken = False
    time.now += 60
    store.get("a")
    tried = store.tried
    store.get("a")
    assert store.tried == tried + 1


def test_one_at_a_time_finds_out(time: Monotonic) -> None:
    """Who comes while another tries again does not wait with him; who fails late adds nothing."""
    store = Place()
    pause = store._reading
    assert pause.begin()
    assert not pause.begin()
    assert not pause.over()
    time.now += 1
    assert pause.over()
    assert not pause.over()
    assert pause.end()
    assert not pause.end()
    assert pause.over()


def test_what_could_not_be_cleaned_is_cleaned_later(time: Monotonic) -> None:
    """After what is owed was removed, and until it was done."""

    class Dusty(Place):
        cleaned, answers = 0, (False, True)

        def _clean(self) -> bool:
            self._try_place()
            assert "a" not in self.cells
            self.cleaned += 1
            return self.answers[self.cleaned - 1]

    store = Dusty()
    store.put("a", cell(), None)
    store.broken = True
    store.erase(["a"])
    assert store.get("a") is None
    assert (store.cleaned, "a" in store.cells) == (0, True)
    store.broken = False
    time.now += 60
    for cleaned in (1, 2, 2):
        store.get("b")
        assert store.cleaned == cleaned
    assert store.cells == {}


def test_much_that_is_owed_is_told_little_by_little(time: Monotonic) -> None:
    """Nobody who asks about one calendar waits for thousands to be written."""
    store = Place()
    store.broken = True
    for number in range(250):
        assert store.put(f"k{number}", cell(b"%d" % number), None)
    store.broken = False
    time.now += 120
    told = []
    for _ in range(4):
        store.get("nothing")
        told.append(len(store.cells))
    assert told == [100, 200, 250, 250]
    assert store._owed == {}
    assert store.get("k249") == cell(b"249")


def test_the_last_word_is_what_is_told(time: Monotonic) -> None:
    """Put and deleted, deleted and put, put twice."""
    store = Place()
    store.put("a", cell(), None)
    store.put("b", cell(), None)
    store.broken = True
    store.delete("a")
    store.put("b", cell(b"1"), None)
    store.put("b", cell(b"2"), None)
    store.put("c", cell(), None)
    store.delete("c")
    store.delete("d")
    store.put("d", cell(), None)
    assert [store.get(key) for key in "abcd"] == [None, cell(b"2"), None, cell()]
    store.broken = False
    time.now += 120
    store.get("a")
    assert store.cells == {"b": cell(b"2"), "d": cell()}


def test_a_mistake_is_no_bad_day() -> None:
    """What the place does not raise for trouble is raised: a codec that cannot encode, say."""

    class Refusing:
        def encode(self, data: bytes, /) -> bytes:
            raise ZeroDivisionError

        def decode(self, data: bytes, /) -> bytes:
            return data

    store = Place()
    store._codec = Refusing()
    with pytest.raises(ZeroDivisionError):
        store.put("a", cell(), None)
    assert store.cells == {}
