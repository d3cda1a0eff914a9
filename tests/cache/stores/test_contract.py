"""What every store owes the cache. A store is added to STORES and passes, or is none."""

from __future__ import annotations

import os
import pickle
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extcal import CalendarCache, MemoryStore, State, Store
from extcal.cache import Cell
from extcal.cache.stores.optional import erase_all, getter_of_many
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
LEASE = timedelta(seconds=30)
SECOND = timedelta(seconds=1)
STORES = ["memory", "sqlite", "redis"]
CODED = ["sqlite+codec", "redis+codec"]
LASTING = ["sqlite", "sqlite+codec", "redis", "redis+codec"]
Doors = Callable[[str], Store]

every_lasting_store = pytest.mark.parametrize("name", LASTING)


def cell(data: bytes = b"data") -> Cell:
    return Cell(data, NOW + timedelta(days=7))


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, doors: Doors) -> Store:
    return doors(request.param)


@pytest.fixture(params=[*STORES, *CODED])
def coded_or_not(request: pytest.FixtureRequest, doors: Doors) -> Store:
    """A store, also with a codec: for what bytes go through, which a lease does not."""
    return doors(request.param)


def test_what_was_put_is_got(coded_or_not: Store) -> None:
    """Bytes in, the same bytes out; the last one counts."""
    store = coded_or_not
    assert store.get("a") is None
    for data in (b"one", b"", bytes(range(256)) * 100):
        assert store.put("a", cell(data), None)
        assert store.get("a") == cell(data)
    assert store.get("b") is None


def test_many_are_got_as_one_is(coded_or_not: Store) -> None:
    """``get_many`` is optional; what it finds is what ``get`` finds, one after the other."""
    store = coded_or_not
    keys = [f"k{number}" for number in range(1100)]
    for number, key in enumerate(keys[::3]):
        store.put(key, cell(b"%d" % number), None)
    store.delete("k3")
    found = getter_of_many(store)(keys)
    assert found == {key: there for key in keys if (there := store.get(key)) is not None}
    assert len(found) == 366
    assert getter_of_many(store)([]) == {}


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


@pytest.mark.parametrize("earlier", [timedelta(milliseconds=1), timedelta(seconds=5), LEASE])
def test_who_read_the_clock_first_may_ask_last(store: Store, earlier: timedelta) -> None:
    """A busy machine, or a slow network, between the look at the clock and the store."""
    token = store.lease("a", NOW, LEASE)
    assert token
    assert store.lease("a", NOW - earlier, LEASE) is None
    assert store.put("a", cell(), token)


def test_late_writers_are_fenced_off(coded_or_not: Store) -> None:
    """Who was overtaken, released, or deleted does not write any more."""
    store = coded_or_not
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


def test_two_steps_at_once(store: Any) -> None:
    """Optional: the lease with cells, and another key's cell under that lease, which ends."""
    store.put("a", cell(b"one"), None)
    token, found = store.lease_and_get("a", NOW, LEASE, ["a", "b"])
    assert found == {"a": cell(b"one")}
    assert store.lease_and_get("a", NOW, LEASE, ["a"]) == (None, {})
    assert not store.put_and_release("b", cell(b"wrong"), "a", "another token")
    assert not store.put_and_release("b", cell(b"wrong"), "c", token)
    assert store.put("a", cell(b"two"), token)
    assert store.put_and_release("b", cell(b"beside"), "a", token)
    assert store.get_many(["a", "b"]) == {"a": cell(b"two"), "b": cell(b"beside")}
    assert not store.put("a", cell(b"late"), token)
    assert not store.put_and_release("b", cell(b"late"), "a", token)
    for data in (b"as long", b"as new?", b"longer than before" * 100):
        token, found = store.lease_and_get("a", NOW, LEASE, ["b"])
        assert store.put_and_release("b", cell(data), "a", token)
        assert store.get("b") == cell(data)
    first, _ = store.lease_and_get("a", NOW, LEASE, [])
    second, _ = store.lease_and_get("a", NOW + LEASE, LEASE, [])
    assert not store.put_and_release("b", cell(b"late"), "a", first)
    store.delete("a")
    assert not store.put_and_release("b", cell(b"late"), "a", second)
    assert store.lease_and_get("a", NOW + timedelta(days=10_000), LEASE, [])[0]
    assert store.lease_and_get("a", NOW, LEASE, [])[0], "given by a wrong clock"


def test_what_is_erased_is_gone(store: Store) -> None:
    """Many keys at once, and their leases with them."""
    for key in "abc":
        store.put(key, cell(), None)
    token = store.lease("b", NOW, LEASE)
    erase_all(store, ["a", "b", "unknown"])
    assert store.get("a") is store.get("b") is None
    assert store.get("c") == cell()
    assert not store.put("b", cell(b"late"), token)
    assert store.lease("b", NOW, LEASE)


def test_a_store_without_erase_is_asked_to_delete() -> None:
    """A host's own store of five methods keeps working."""

    class Five:
        def __init__(self) -> None:
            self.deleted: list[str] = []

        def delete(self, key: str, /) -> None:
            self.deleted.append(key)

    store = Five()
    erase_all(store, ["a", "b"])  # type: ignore[arg-type]
    assert store.deleted == ["a", "b"]


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


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["lease", "release", "put"]), st.integers(0, 2)),
        st.tuples(st.just("advance"), st.integers(-90, 40)),
        st.tuples(st.just("delete"), st.just(0)),
    ),
    max_size=40,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_never_two_valid_leases_and_only_the_last_one_writes(
    store: Store, steps: list[tuple[str, int]]
) -> None:
    """Whoever asks, gives back, writes, deletes and waits in whatever order; clocks jump."""
    key, now = os.urandom(8).hex(), NOW
    tokens: dict[int, str] = {}
    last: tuple[str, datetime] | None = None
    kept: Cell | None = None
    for count, (step, number) in enumerate(steps):
        if step == "advance":
            now += number * SECOND
        elif step == "lease":
            free = last is None or not now < last[1] <= now + 2 * LEASE
            token = store.lease(key, now, LEASE)
            assert (token is not None) == free
            if token is not None:
                assert token not in tokens.values()
                tokens[number], last = token, (token, now + LEASE)
        elif step == "release" and number in tokens:
            store.release(key, tokens[number])
            if last is not None and last[0] == tokens[number]:
                last = None
        elif step == "put" and number in tokens:
            new = cell(b"%d" % count)
            done = store.put(key, new, tokens[number])
            assert done == (last is not None and last[0] == tokens[number])
            kept = new if done else kept
        elif step == "delete":
            store.delete(key)
            last = kept = None
        assert store.get(key) == kept


def test_clocks_jump(store: Store) -> None:
    """A lease given before the clock was set back binds nobody, and its writer is fenced off."""
    ahead = store.lease("a", NOW, LEASE)
    behind = store.lease("a", NOW - timedelta(hours=1), LEASE)
    assert behind is not None
    assert not store.put("a", cell(b"ahead"), ahead)
    assert store.put("a", cell(b"behind"), behind)
    assert store.lease("a", NOW - timedelta(hours=1) + SECOND, LEASE) is None
    assert store.lease("a", NOW + timedelta(days=400), LEASE) is not None
    assert store.get("a") == cell(b"behind")


def test_forgetting_while_somebody_fetches(store: Store) -> None:
    """The fetch under way does not bring it back; the next one is free to start at once."""
    token = store.lease("a", NOW, LEASE)
    store.put("a", cell(b"old"), None)
    store.delete("a")
    assert not store.put("a", cell(b"late"), token)
    again = store.lease("a", NOW, LEASE)
    assert again is not None
    assert store.put("a", cell(b"new"), again)
    assert store.get("a") == cell(b"new")


def test_a_token_holds_one_key(store: Store) -> None:
    """And the empty one holds none."""
    token = store.lease("a", NOW, LEASE)
    assert not store.put("b", cell(), token)
    assert not store.put("a", cell(), "")
    store.release("b", str(token))
    assert store.lease("a", NOW, LEASE) is None


@pytest.mark.parametrize("size", [0, 1, 4096, 24_000, 20 * 1024 * 1024])
def test_cells_of_any_size(coded_or_not: Store, size: int) -> None:
    """Any bytes at all."""
    store = coded_or_not
    data = random.Random(size).randbytes(size)
    assert store.put("a", cell(data), None)
    assert store.get("a") == cell(data)


def test_dates_are_kept_to_the_microsecond(store: Store) -> None:
    """And in any year that is allowed."""
    for year in (1970, 2027, 2200):
        found = Cell(b"", datetime(year, 7, 4, 8, 30, 1, 999_999, tzinfo=UTC))
        assert store.put("a", found, None)
        assert store.get("a") == found


def test_many_keys(store: Store) -> None:
    """Each has its own cell and its own lease."""
    keys = [f"s:{number:064x}" for number in range(1000)]
    for key in keys:
        token = store.lease(key, NOW, LEASE)
        assert store.put(key, cell(key.encode()), token)
    for key in keys:
        assert store.get(key) == cell(key.encode())
        assert store.lease(key, NOW, LEASE) is None


def test_threads_never_see_half_a_cell(store: Store) -> None:
    """Sixteen read, write, forget and lease the same four keys."""
    together = threading.Barrier(16)

    def work(seed: int) -> None:
        choice = random.Random(seed)
        together.wait(30)
        for count in range(40):
            key = choice.choice("abcd")
            store.put(key, cell(f"{key}{seed}.{count} ".encode() * 300), None)
            token = store.lease(key, NOW, LEASE)
            found = store.get(key)
            if found is not None:
                words = found.data.split()
                assert len(words) == 300
                assert set(words) == {words[0]}
                assert words[0].startswith(key.encode())
            if token is not None:
                store.release(key, token)
            if count % 10 == 9:
                store.delete(key)

    with ThreadPoolExecutor(16) as threads:
        for done in [threads.submit(work, seed) for seed in range(16)]:
            done.result(60)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.serial
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_works_on(store: Store) -> None:
    """It reads what was there, writes, gets leases, and harms nothing of its parent's."""
    store.put("a", cell(), None)
    assert store.lease("b", NOW, LEASE)
    child = os.fork()
    if not child:
        done = False
        try:
            token = store.lease("c", NOW, LEASE)
            done = (
                store.get("a") == cell()
                and token is not None
                and store.put("c", cell(b"child"), token)
                and store.get("c") == cell(b"child")
            )
        finally:
            os._exit(0 if done else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert store.get("a") == cell()
    assert store.lease("b", NOW, LEASE) is None
    if not isinstance(store, MemoryStore):
        assert store.get("c") == cell(b"child")


# -- stores that outlive a process -----------------------------------------------------------


@every_lasting_store
def test_two_doors_to_one_place(doors: Doors, name: str) -> None:
    """What one puts, leases and deletes, the other sees."""
    one, other = doors(name), doors(name)
    token = one.lease("a", NOW, LEASE)
    assert other.lease("a", NOW + SECOND, LEASE) is None
    assert one.put("a", cell(), token)
    assert other.get("a") == cell()
    late = other.lease("a", NOW + LEASE, LEASE)
    assert not one.put("a", cell(b"late"), token)
    assert late is not None
    other.release("a", late)
    other.delete("a")
    assert one.get("a") is None


@every_lasting_store
def test_what_was_put_outlives_the_door(doors: Doors, name: str) -> None:
    """Closed and opened again, by a copy that went through pickle."""
    one = doors(name)
    one.put("a", cell(), None)
    one.close()  # type: ignore[attr-defined]
    copy = pickle.loads(pickle.dumps(doors(name)))
    try:
        assert copy.get("a") == cell()
        assert repr(copy) == repr(one)
    finally:
        copy.close()


@pytest.mark.parametrize("name", ["sqlite", "redis"])
def test_what_another_key_encrypted_is_a_miss(doors: Doors, name: str) -> None:
    """As is what was never encrypted, and what is encrypted but should not be is not found out."""
    plain, coded = doors(name), doors(f"{name}+codec")
    plain.put("a", cell(), None)
    assert coded.get("a") is None
    coded.put("a", cell(), None)
    assert coded.get("a") == cell()
    found = plain.get("a")
    assert found is not None
    assert found.data == b"mirroratad"


@pytest.mark.parametrize("wrong", [object(), b"key", type("Half", (), {"encode": bytes})()])
def test_a_codec_has_two_methods(doors: Doors, wrong: object) -> None:
    """Found out before anything is written."""
    from extcal.cache.stores.durable import read_codec

    with pytest.raises(TypeError, match="decode"):
        read_codec(wrong)  # type: ignore[arg-type]


def test_a_cache_over_it(store: Store) -> None:
    """Fetched once, served, fetched again after 30 minutes, forgotten."""
    url, clock = "https://example.org/ada.ics", ManualClock("2027-01-04T08:00Z")
    fetcher = FakeFetcher({url: feed_text(event("2027-01-04T09:00Z", "PT1H"))})

    def cache() -> CalendarCache:
        return CalendarCache(store=store, fetcher=fetcher, clock=clock)

    first = cache().get(url)
    assert cache().get(url).free_busy == first.free_busy
    assert fetcher.count() == 1
    clock.advance(timedelta(minutes=31))
    assert cache().get(url).state is State.FRESH
    assert fetcher.count() == 2
    cache().forget(url)
    assert cache().last_refreshed(url) is None


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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.serial
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_memory_is_not_locked_in_a_child() -> None:
    """Though another thread of the parent was in the middle of it, and held a lease."""
    store = MemoryStore()
    store.put("a", cell(), None)
    assert store.lease("a", NOW, LEASE)
    with store._lock:
        store._bytes = -1  # in the middle of counting
        child = os.fork()
        if not child:
            done = False
            try:
                token = store.lease("a", NOW, LEASE)
                done = token is not None and store.put("a", cell(b"child"), token)
                done = done and store.get("a") == cell(b"child") and store._bytes == 5
            finally:
                os._exit(0 if done else 1)
        assert os.waitpid(child, 0)[1] == 0
        store._bytes = 4
    assert store.get("a") == cell()


@pytest.mark.parametrize("name", ["sqlite", "redis"])
def test_a_codec_that_gives_no_bytes_is_a_miss(doors: Doors, name: str) -> None:
    """A cell is bytes, or it is none."""
    store = doors(f"{name}+codec")
    store.put("a", cell(), None)
    store._codec.decode = lambda data: "text"  # type: ignore[attr-defined]
    assert store.get("a") is None
