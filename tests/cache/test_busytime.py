"""Busy time stays bytes until somebody asks, and says the same as when it was made."""

from __future__ import annotations

import pickle
import struct
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal import CalendarCache, Feed, FreeBusy, MemoryStore
from extcal.cache.snapshot.codec import decode_reading
from extcal.cache.snapshot.packed_busy import BusyTime
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

pytestmark = pytest.mark.core

LO, HI = 1_798_000_000, 1_798_000_400  # short, so that spans touch and meet the edges asked for
seconds = st.integers(LO - 20, HI + 20)
typed = st.tuples(seconds, seconds, st.integers(0, 4))
HEAD = struct.Struct("!2q3I")
CELL = (
    "7863616c027374c5ed5bcdb0dc2273a62eb6ee23cd4c000000b00000003f000000007b2266657463686564223a"
    "313739393032303830303030303030302c2272656164223a313739393032303830303030303030302c2266756c"
    "6c223a6e756c6c2c22636f6d706c657465223a747275652c226c6973746564223a747275652c22656d70747922"
    "3a66616c73652c2265746167223a6e756c6c2c226d6f646966696564223a6e756c6c2c22696e74657276616c22"
    "3a6e756c6c2c22636f756e74223a302c2270726f626c656d73223a5b5d7d000000006b2b4d80000000006b2b4f"
    "100000000200000001000000010000000a00000014000000140000001e00000064000001900000000a0000000f"
    "030402"
)


@st.composite
def kept(draw: st.DrawFn) -> tuple[FreeBusy, FreeBusy]:
    unknown = [span[:2] for span in draw(st.lists(typed, max_size=3))]
    free_busy = FreeBusy.from_epochs(LO, HI, draw(st.lists(typed, max_size=30)), unknown)
    return free_busy, FreeBusy.from_epochs(LO, HI, draw(st.lists(typed, max_size=3)))


@given(kept(), st.tuples(seconds, seconds).filter(lambda pair: pair[0] < pair[1]))
def test_any_part_of_it_is_what_free_busy_says(
    made: tuple[FreeBusy, FreeBusy], asked: tuple[int, int]
) -> None:
    """Read from the bytes or made before: the same part, the same whole, the same error."""
    free_busy, base = made
    packed = BusyTime.of(free_busy, base).packed
    fresh, looked_at = BusyTime.read(packed), BusyTime.read(packed)
    assert (looked_at.free_busy, looked_at.base) == (free_busy, base.epochs)
    assert fresh.window_epochs == free_busy.window_epochs
    if asked[1] <= LO or asked[0] >= HI:
        for busy in (fresh, looked_at):
            with pytest.raises(ValueError, match="does not overlap the window"):
                busy.clip_epochs(*asked)
        return
    assert fresh.clip_epochs(*asked) == looked_at.clip_epochs(*asked)
    assert fresh.clip_epochs(*asked) == free_busy.clip_epochs(*asked)


@given(kept())
def test_equal_bytes_are_equal_knowledge(
    made: tuple[FreeBusy, FreeBusy],
) -> None:
    """Whether somebody has looked makes no difference, and does not travel."""
    one, other = BusyTime.of(*made), BusyTime.read(BusyTime.of(*made).packed)
    assert one == other
    assert hash(one) == hash(other)
    again = pickle.loads(pickle.dumps(one))
    assert again == one
    assert len(pickle.dumps(one)) == len(pickle.dumps(other))


@given(
    st.binary(max_size=80)
    | st.builds(
        lambda spans, codes: (
            HEAD.pack(LO, HI, len(spans), 0, 0)
            + b"".join(struct.pack("!2I", *span) for span in spans)
            + codes[: len(spans)]
        ),
        st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)), max_size=8),
        st.binary(min_size=8, max_size=8),
    )
)
def test_whatever_the_bytes_are(packed: bytes) -> None:
    """Refused when they are read, or an answer: nobody who asks later meets an error."""
    try:
        busy = BusyTime.read(packed)
    except ValueError:
        return
    lo, hi = busy.window_epochs
    busy.clip_epochs(lo, lo + (hi - lo + 1) // 2)
    assert busy.free_busy.window_epochs == (lo, hi)
    assert isinstance(busy.base, tuple)


@pytest.mark.parametrize(
    "packed",
    [
        HEAD.pack(HI, LO, 0, 0, 0),
        HEAD.pack(-(2**62), 2**62, 0, 0, 0),
        HEAD.pack(LO, HI, 1, 0, 0) + struct.pack("!2I", 0, 10) + b"\x05",
    ],
    ids=["backwards", "beyond the years", "no type"],
)
def test_what_no_calendar_holds_is_refused(packed: bytes) -> None:
    """So a cell that holds it is a miss."""
    with pytest.raises(ValueError, match="what no calendar does"):
        BusyTime.read(packed)


def test_a_table_of_a_week_makes_nothing_of_the_rest(
    make: Callable[..., CalendarCache], clock: ManualClock
) -> None:
    """From a warm store, in a process that has decoded nothing: neither events nor other weeks."""
    start = datetime(2027, 1, 4, 9, tzinfo=UTC)
    feed = Feed("https://calendar.example.org/SECRET-7f3a.ics")
    body = feed_text(*(event(start + timedelta(days=n), timedelta(hours=1)) for n in range(90)))
    store = MemoryStore()
    make(store=store, fetcher=FakeFetcher({feed: body})).get(feed)

    again = make(store=store, fetcher=FakeFetcher({}))
    table = again.availability({"Ada": feed}, start, start + timedelta(days=7))
    assert len(table["Ada"].periods) == 7
    reading = again._repository.load(again._repository.keys(feed)).reading
    assert reading is not None
    assert reading.busy._free_busy is None
    # Asked for most of it, it is made once and kept.
    again.availability({"Ada": feed}, start, start + timedelta(days=80))
    assert reading.busy._free_busy is not None


def test_very_many_spans_are_packed_without_a_list_of_their_numbers() -> None:
    """Such a list of these 40,000 numbers takes 1.6 MB; the bytes are 180 kB."""
    spans = [(LO + 10 * number, LO + 10 * number + 5, 3) for number in range(20_000)]
    free_busy = FreeBusy.from_epochs(LO, LO + 10 * len(spans), spans)
    assert free_busy.epochs == tuple(spans)
    tracemalloc.start()
    packed = BusyTime.of(free_busy).packed
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * len(packed)


def test_cells_of_before_are_read() -> None:
    """The layout of format 2 has not changed: these bytes were written by its first version."""
    key = "s:key"
    cell = bytes.fromhex(CELL)
    found = decode_reading(cell, key)
    assert found is not None
    assert found.free_busy.epochs == ((LO + 10, LO + 20, 3), (LO + 20, LO + 30, 4))
    assert found.free_busy.unknown_epochs == ((LO + 100, LO + 400),)
    assert found.base == ((LO + 10, LO + 15, 2),)


def test_very_many_spans_are_packed_a_few_thousand_at_a_time() -> None:
    """None is lost or repeated between two calls."""
    spans = [(start, start + 3, 1 + start % 3) for start in range(0, 100_000, 9)]
    free_busy = FreeBusy.from_epochs(0, 100_000, spans)
    assert BusyTime.read(BusyTime.of(free_busy, free_busy).packed).free_busy == free_busy
    assert BusyTime.of(free_busy, free_busy).base == free_busy.epochs
