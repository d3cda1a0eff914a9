"""Snapshots survive being bytes; bytes that were not written here are a miss."""

from __future__ import annotations

import json
import pickle
import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal import CalendarCache, ExternalEvent, FBType, Feed, FreeBusy, MemoryStore, Problem
from extcal.cache import Cell
from extcal.cache.freshness.values import Attempts
from extcal.cache.snapshot.codec import (
    ATTEMPTS,
    READINGS,
    decode_attempts,
    decode_reading,
    encode_attempts,
    encode_reading,
)
from extcal.cache.snapshot.made_by import MadeBy
from extcal.cache.snapshot.packed_busy import BusyTime
from extcal.cache.snapshot.packed_events import pack_events, pack_rows, unpack_events
from extcal.cache.snapshot.snapshot import Reading, Snapshot
from extcal.ical.events.external_event import EventRow, event_of
from extcal.intervals import instant
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

pytestmark = pytest.mark.core

LO, HI = 1_798_000_000, 1_808_000_000
seconds = st.integers(LO - 10_000_000, HI + 10_000_000)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
days = st.dates(date(1900, 1, 1), date(2200, 1, 1))
texts = st.text(max_size=20)  # lone surrogates included


@st.composite
def events(draw: st.DrawFn) -> ExternalEvent:
    start = draw(seconds)
    all_day = draw(st.booleans())
    return ExternalEvent(
        uid=draw(texts),
        recurrence_id=draw(st.none() | days | seconds.map(instant)),
        start=instant(start),
        end=instant(start + draw(st.integers(0, 10**8))),
        all_day=all_day,
        first_day=draw(days) if all_day else None,
        last_day=draw(days) if all_day else None,
        summary=draw(st.none() | texts),
        location=draw(st.none() | texts),
        fbtype=draw(st.sampled_from(FBType)),
        status=draw(st.none() | texts),
        reason=draw(texts),
        zone_source=draw(texts),
        private=draw(st.booleans()),
    )


spans = st.tuples(st.integers(LO, HI), st.integers(LO, HI), st.integers(0, 4))
problems = st.builds(
    Problem, texts, texts, st.none() | st.integers(1, 10**9), st.none() | texts, texts
)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    found = draw(st.lists(events(), max_size=6))
    unknown = [span[:2] for span in draw(st.lists(spans, max_size=3))]
    return Reading(
        busy=BusyTime.of(
            FreeBusy.from_epochs(LO, HI, draw(st.lists(spans, max_size=8)), unknown),
            FreeBusy.from_epochs(LO, HI, draw(st.lists(spans, max_size=3))),
        ),
        complete=draw(st.booleans()),
        events_complete=draw(st.booleans()),
        empty=draw(st.booleans()),
        problems=tuple(draw(st.lists(problems, max_size=3))),
        fetched_at=draw(moments),
        read_at=draw(moments),
        full_at=draw(st.none() | moments),
        etag=draw(st.none() | texts),
        last_modified=draw(st.none() | texts),
        count=len(found),
        packed=pack_events(found, titles=True),
        asked_at=draw(st.none() | moments),
        made_by=draw(st.none() | st.builds(MadeBy, texts, st.integers(0, 10**6))),
    )


ADDED_SINCE_0_1_0 = {"asked", "zones", "rules"}

attempts = st.builds(
    Attempts,
    last=st.none() | moments,
    failures=st.integers(0, 10**6),
    next_try=st.none() | moments,
    asked_to_wait=st.booleans(),
    kind=st.none() | texts,
    hint=st.none() | texts,
    refusals=st.integers(0, 10**6),
    refused_since=st.none() | moments,
    gone=st.booleans(),
)


@given(st.lists(events(), max_size=10))
def test_events_survive(found: list[ExternalEvent]) -> None:
    """All fields, whatever text they hold; without titles all but the titles."""
    assert list(unpack_events(pack_events(found, titles=True))) == found
    bare = [replace(each, summary=None, location=None) for each in found]
    assert list(unpack_events(pack_events(found, titles=False))) == bare


def test_thousands_of_events_survive() -> None:
    """They are several lines of JSON; what an earlier version wrote as one line is read, too."""
    rows = [
        EventRow(f"u{n % 2_000}@example.org", None, n, n + 1, False, None, None, "A title \\" * 2,
                 None, FBType.BUSY, None, "TRANSP", "utc", False)
        for n in range(5_000)
    ]  # fmt: skip
    packed = pack_rows(rows, titles=True)
    text = zlib.decompress(packed)
    assert text.count(b"\n") == 4
    found = unpack_events(packed, 5_000)
    assert found == tuple(map(event_of, rows))
    tables = map(json.loads, text.split(b"\n"))
    columns = [list(chain.from_iterable(parts)) for parts in zip(*tables, strict=True)]
    assert unpack_events(zlib.compress(json.dumps(columns).encode()), 5_000) == found
    with pytest.raises(ValueError, match="damaged"):
        unpack_events(packed, 4_999)


@given(readings())
def test_readings_survive(reading: Reading) -> None:
    """Decoding is the inverse of encoding, microseconds included."""
    data = encode_reading(reading, "s:key")
    found = decode_reading(data, "s:key")
    assert found == reading
    assert found is not None
    assert found.made_by == reading.made_by
    assert encode_reading(reading, "s:key") == data


@given(attempts)
def test_attempts_survive(record: Attempts) -> None:
    """The same for how asking went."""
    assert decode_attempts(encode_attempts(record, "a:key"), "a:key") == record


@given(readings(), st.data())
def test_damaged_bytes_are_a_miss(reading: Reading, data: st.DataObject) -> None:
    """A changed bit, a cut, an addition, another key or another kind: None, never an error."""
    good = encode_reading(reading, "s:key")
    at = data.draw(st.integers(0, len(good) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = bytearray(good)
    flipped[at] ^= 1 << bit
    for bad in (bytes(flipped), good[:at], good + b"x", b""):
        assert decode_reading(bad, "s:key") is None
    assert decode_reading(good, "s:other") is None
    assert decode_attempts(good, "s:key") is None


@given(st.binary(max_size=200))
def test_any_bytes_are_harmless(noise: bytes) -> None:
    """Also with the right envelope around them."""
    from extcal.cache.snapshot.codec import _seal

    for data in (noise, _seal(b"s", "k", noise), _seal(b"a", "k", noise)):
        assert decode_reading(data, "k") is None
        assert decode_attempts(data, "k") is None
    with pytest.raises(ValueError) as raised:
        unpack_events(noise)
    assert raised.value.__context__ is None


def test_layouts_are_versioned() -> None:
    """Of readings and of how asking went, apart: an upgrade of one does not touch the other."""
    assert (READINGS, ATTEMPTS) == (2, 2)
    assert encode_attempts(Attempts(), "a:k")[:6] == b"xcal\x02a"


@given(readings())
def test_versions_that_differ_can_share_a_store(reading: Reading) -> None:
    """What a later version adds is passed over, what an earlier one does not know is missing."""
    import json
    import struct

    from extcal.cache.snapshot.codec import _open, _seal

    body = _open(b"s", "k", encode_reading(reading, "k"))
    assert body is not None
    length = struct.unpack_from("!I", body)[0]
    meta = json.loads(body[12 : 12 + length])

    def rewritten(meta: dict[str, object]) -> Reading | None:
        text = json.dumps(meta).encode()
        head = struct.pack("!I", len(text)) + body[4:12]
        return decode_reading(_seal(b"s", "k", head + text + body[12 + length :]), "k")

    assert rewritten(meta | {"added later": [1]}) == reading
    earlier = {name: value for name, value in meta.items() if name not in ADDED_SINCE_0_1_0}
    found = rewritten(earlier)
    assert found == replace(reading, asked_at=None)
    assert found is not None
    assert found.made_by is None


@pytest.mark.parametrize("damage", [b"", b"junk", b"xcal\x02s" + bytes(100)])
def test_a_corrupted_cell_is_a_miss(
    make: Callable[..., CalendarCache],
    clock: ManualClock,
    fetcher: FakeFetcher,
    url: str,
    damage: bytes,
) -> None:
    """It costs a fetch and is healed by it."""
    store = MemoryStore()
    calendars = make(store=store)
    good = calendars.get(url)
    for key in calendars._repository.keys(Feed(url)):
        store.put(key, Cell(damage, clock()), None)
    assert calendars.last_refreshed(url) is None
    assert calendars.get(url) == good
    assert calendars.get(url) == good
    assert fetcher.count() == 2
    assert fetcher.requests[1].etag is None


def test_what_another_process_stored_is_seen(
    make: Callable[..., CalendarCache], clock: ManualClock, fetcher: FakeFetcher, url: str
) -> None:
    """Remembering what was decoded hides nothing."""
    store = MemoryStore()
    one, other = make(store=store), make(store=store)
    one.get(url)
    other.get(url)
    clock.advance(timedelta(hours=1))
    assert one.get(url).fetched_at == other.get(url).fetched_at == clock()
    assert fetcher.count() == 2


def test_five_hundred_events_stay_small(make: Callable[..., CalendarCache], url: str) -> None:
    """Titles, places and random UIDs included: under 24 KB."""
    chance = random.Random(7)
    words = "review planning sync lunch with team customer budget release call Zürich 会議".split()
    start = datetime(2027, 1, 4, tzinfo=UTC)
    feed = feed_text(
        *(
            event(
                start + timedelta(minutes=15 * chance.randrange(8000)),
                timedelta(minutes=15 * chance.randrange(1, 9)),
                uid=f"{chance.getrandbits(128):032x}@google.com",
                summary=" ".join(chance.choices(words, k=4)),
                location=" ".join(chance.choices(words, k=2)),
            )
            for _ in range(500)
        )
    )
    store = MemoryStore()
    snapshot = make(store=store, fetcher=FakeFetcher({url: feed})).get(url)
    assert len(snapshot.events) == 500
    cell = store.get(make(store=store)._repository.keys(Feed(url)).snapshot)
    assert cell is not None
    assert len(cell.data) < 24_000


def test_snapshots_are_values(calendars: CalendarCache, url: str) -> None:
    """Frozen, equal by content, picklable before and after their events were looked at."""
    snapshot = calendars.get(url)
    copies: list[Snapshot] = [pickle.loads(pickle.dumps(snapshot))]
    assert snapshot.events
    copies.append(pickle.loads(pickle.dumps(snapshot)))
    for copy in copies:
        assert copy == snapshot
        assert copy.events == snapshot.events
        assert hash(copy) == hash(snapshot)
    with pytest.raises(AttributeError):
        snapshot.state = None  # type: ignore[assignment]
