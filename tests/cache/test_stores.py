"""What every store owes the cache. A store is added to STORES and passes, or is none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal import MemoryStore, Store
from extcal.cache import Cell

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
LEASE = timedelta(seconds=30)
SECOND = timedelta(seconds=1)
STORES: dict[str, Callable[[], Store]] = {"memory": MemoryStore}


def cell(data: bytes = b"data") -> Cell:
    return Cell(data, NOW + timedelta(days=7))


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Store:
    return STORES[request.param]()


def test_what_was_put_is_got(store: Store) -> None:
    """Bytes in, the same bytes out; the last one counts."""
    assert store.get("a") is None
    for data in (b"one", b"", bytes(range(256)) * 100):
        assert store.put("a", cell(data), None)
        assert store.get("a") == cell(data)
    assert store.get("b") is None


def test_what_was_deleted_is_gone(store: Store) -> None:
    """Also if it never was there."""
    store.put("a", cell(), None)
    store.delete("a")
    store.delete("a")
    assert store.get("a") is None


def test_one_lease_at_a_time(store: Store) -> None:
    """Until it runs out or is given back; other keys have their own."""
    token = store.lease("a", NOW, LEASE)
    assert token is not None
    assert store.lease("a", NOW + LEASE - SECOND, LEASE) is None
    assert store.lease("b", NOW, LEASE) is not None
    store.release("a", token)
    assert store.lease("a", NOW, LEASE) is not None


def test_a_lease_runs_out(store: Store) -> None:
    """At its end, exactly."""
    assert store.lease("a", NOW, LEASE)
    assert store.lease("a", NOW + LEASE, LEASE)


def test_a_lease_from_the_future_is_void(store: Store) -> None:
    """A clock that was ahead must not lock everybody out."""
    assert store.lease("a", NOW + timedelta(days=10_000), LEASE)
    assert store.lease("a", NOW, LEASE)


def test_late_writers_are_fenced_off(store: Store) -> None:
    """Who was overtaken, released, or deleted does not write any more."""
    first = store.lease("a", NOW, LEASE)
    second = store.lease("a", NOW + LEASE, LEASE)
    assert first != second
    assert not store.put("a", cell(b"late"), first)
    assert store.put("a", cell(b"good"), second)
    assert second is not None
    store.release("a", second)
    assert not store.put("a", cell(b"late"), second)
    assert store.get("a") == cell(b"good")
    third = store.lease("a", NOW, LEASE)
    store.delete("a")
    assert not store.put("a", cell(b"late"), third)
    assert store.get("a") is None


def test_a_slow_writer_that_nobody_overtook_still_writes(store: Store) -> None:
    """A lease that merely ran out took nothing from anybody."""
    token = store.lease("a", NOW, LEASE)
    assert store.put("a", cell(), token)


def test_only_the_holder_gives_back(store: Store) -> None:
    """A late release does not free another's lease."""
    first = store.lease("a", NOW, LEASE)
    assert first is not None
    assert store.lease("a", NOW + LEASE, LEASE)
    store.release("a", first)
    store.release("unknown", first)
    assert store.lease("a", NOW + LEASE, LEASE) is None


def test_threads_that_ask_at_once_get_one_lease(store: Store) -> None:
    """Sixteen ask, one gets it."""
    together, tokens = threading.Barrier(16), []

    def ask() -> None:
        together.wait(30)
        tokens.append(store.lease("a", NOW, LEASE))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len([token for token in tokens if token is not None]) == 1


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("lease"), st.integers(0, 2)),
            st.tuples(st.just("release"), st.integers(0, 2)),
            st.tuples(st.just("advance"), st.integers(1, 20)),
        ),
        max_size=40,
    )
)
def test_never_two_valid_leases(steps: list[tuple[str, int]]) -> None:
    """Whoever asks, gives back and waits in whatever order."""
    for make in STORES.values():
        store, now = make(), NOW
        held: dict[int, tuple[str, datetime]] = {}
        for step, number in steps:
            if step == "advance":
                now += number * SECOND
            elif step == "release" and number in held:
                store.release("a", held.pop(number)[0])
            elif step == "lease":
                valid = [until for _, until in held.values() if now < until]
                token = store.lease("a", now, LEASE)
                assert (token is None) == bool(valid)
                if token is not None:
                    held[number] = (token, now + LEASE)


# -- the store in memory ----------------------------------------------------------------------


def test_memory_is_bounded_by_number_and_by_size() -> None:
    """What was used longest ago goes first."""
    store = MemoryStore(max_cells=3, max_bytes=100)
    for key in "abc":
        store.put(key, cell(), None)
    store.get("a")
    store.put("d", cell(), None)
    assert [key for key in "abcd" if store.get(key)] == ["a", "c", "d"]
    store.put("big", cell(bytes(95)), None)
    assert [key for key in ("a", "c", "d", "big") if store.get(key)] == ["d", "big"]
    assert len(store) == 2
    assert repr(store) == "<MemoryStore: 2 cells, 99 bytes>"


def test_what_is_too_large_is_not_kept_nor_what_it_replaces() -> None:
    """An older answer must not outlive a newer one."""
    store = MemoryStore(max_bytes=10)
    store.put("a", cell(), None)
    assert not store.put("a", cell(bytes(11)), None)
    assert store.get("a") is None


def test_a_memory_of_nothing_is_refused() -> None:
    """A caller's mistake."""
    for arguments in ({"max_cells": 0}, {"max_bytes": 0}):
        with pytest.raises(ValueError):
            MemoryStore(**arguments)


def test_a_cell_shows_its_size_only() -> None:
    """Nobody's calendar belongs in a log."""
    assert repr(cell(b"SECRET")) == "<Cell 6 bytes, until 2027-01-11T08:00Z>"
