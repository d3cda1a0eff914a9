"""Who writes to a store is a stranger: no cell costs much, raises, or lies under a secret."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from extcal import CalendarCache, ExternalEvent, FBType, Feed, Limits, MemoryStore, Snapshot
from extcal.cache import Cell
from extcal.cache.freshness.values import Attempts
from extcal.cache.snapshot.codec import (
    Listing,
    _open,
    _seal,
    apply_confirmation,
    decode_attempts,
    decode_host,
    decode_list,
    decode_reading,
    encode_list,
    encode_reading,
)
from extcal.cache.snapshot.packed_busy import BusyTime
from extcal.cache.snapshot.packed_events import fits, marks_of, pack_events, unpack_events
from extcal.cache.snapshot.snapshot import Reading
from extcal.errors import Problem
from extcal.intervals import FreeBusy, instant
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

Make = Callable[..., CalendarCache]
MEBIBYTE = 1024 * 1024
HUGE = 10**30
ODD: list[Any] = [None, True, -1, HUGE, 1.5, 1e308, "", "x", [], [[]], {}, {"a": 1}, [1, 2, 3]]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


class Forger:
    """Writes cells of one feed into a store, as anybody can who knows the source of extcal."""

    def __init__(self, store: MemoryStore, calendars: CalendarCache, url: str) -> None:
        self.store, self.keys = store, calendars._repository.keys(Feed(url))
        self.good = {key: cell for key in self.keys if (cell := store.get(key))}

    def parts(self) -> tuple[dict[str, Any], bytes, bytes]:
        """Of the good reading: meta, busy time, events."""
        body = _open(b"s", self.keys.snapshot, self.good[self.keys.snapshot].data)
        assert body is not None
        first, second, _ = struct.unpack_from("!3I", body)
        rest = body[12:]
        return json.loads(rest[:first]), rest[first : first + second], rest[first + second :]

    def put(self, meta: dict[str, Any], busy: bytes, events: bytes) -> None:
        text = json.dumps(meta).encode()
        head = struct.pack("!3I", len(text), len(busy), len(events))
        self.seal(b"s", self.keys.snapshot, head + text + busy + events)

    def seal(self, kind: bytes, key: str, body: bytes) -> None:
        until = self.good[self.keys.snapshot].keep_until
        self.store.put(key, Cell(_seal(kind, key, body), until), None)


@pytest.fixture
def forger(make: Make, store: MemoryStore, url: str) -> Forger:
    calendars = make(store=store)
    calendars.get(url)
    return Forger(store, calendars, url)


def use(calendars: CalendarCache, url: str, clock: ManualClock) -> Snapshot:
    """Everything that a host may ask; nothing of it raises."""
    start, end = clock() - timedelta(days=1), clock() + timedelta(days=7)
    snapshot = calendars.get(url)
    for one in (snapshot, snapshot.redacted()):
        assert isinstance(one.events_complete, bool)
        assert one.events == one.events
        assert "<" in repr(one) + repr(one.events)
        assert one.explain(start, end) is not None
        assert one.to_records() is not None
        assert one.published_at is None or one.published_at.tzinfo
    assert snapshot.to_html(start=start, end=start + timedelta(days=2))
    assert not snapshot.diff(snapshot)
    assert calendars.events(url, start, end) is not None
    assert calendars.free_busy(url, start, end, exclude=["talk"]) is not None
    table = calendars.availability({"Ada": url}, start, end, exclude=["talk"])
    assert table.common_free(timedelta(hours=1)) is not None
    calendars.last_refreshed(url)
    calendars.last_attempt(url)
    return snapshot


def event_with(number: int, title: str) -> ExternalEvent:
    start = instant(1_798_000_000 + number)
    return ExternalEvent(
        uid=f"{number}{title}",
        recurrence_id=start,
        start=start,
        end=start,
        all_day=False,
        first_day=None,
        last_day=None,
        summary=f"{title}{number}",
        location=title,
        fbtype=FBType.BUSY,
        status=None,
        reason="",
        zone_source="utc",
        private=False,
    )


# By name: JSON that deflates to a few kilobytes, and the number of events that it claims.
BOMBS: dict[str, tuple[Callable[[], bytes], int]] = {
    "lists": (lambda: b"[" + b"[]," * (6 * MEBIBYTE // 3) + b"[]]", 1),
    "maps": (lambda: b"[" + b"{}," * (6 * MEBIBYTE // 3) + b"{}]", 50_000),
    "numbers": (lambda: b"[[" + b"1000," * (6 * MEBIBYTE // 5) + b"1]]", 50_000),
    "columns": (lambda: b"[[" + b"],[".join([b"0," * (MEBIBYTE // 4) + b"0"] * 14) + b"]]", 1),
    "behind a quote": (lambda: b'["' + b"[]," * (6 * MEBIBYTE // 3) + b"[]]", 1),
    "depth": (lambda: b"[" * (6 * MEBIBYTE), 1),
    "escapes": (lambda: b'[["' + b'\\"' * (3 * MEBIBYTE) + b'"]]', 1),
    "strings": (lambda: b"[[" + b'"",' * (2 * MEBIBYTE) + b'""]]', 1),
    "strings in no column": (lambda: b"[" + b'"",' * 699_999 + b'""]', 50_000),
    "newlines": (lambda: b"[[]]" + b"\n" * (6 * MEBIBYTE), 1),
    "quotes": (lambda: b'["' + b'"' * (6 * MEBIBYTE) + b'"]', 1),
    "wide characters": (lambda: b'[["' + b"x" * (6 * MEBIBYTE) + b'\xf0\x9f\x98\x80"]]', 1),
    "digits": (lambda: b"[[" + b"1" * (6 * MEBIBYTE) + b"]]", 1),
}


# By name: JSON of two megabytes that becomes much more in memory, under an unknown name.
RECORD_BOMBS: dict[str, Callable[[], bytes]] = {
    "lists": lambda: b"[" + b"[]," * (2 * MEBIBYTE // 3) + b"[]]",
    "maps": lambda: b"[" + b"{}," * (2 * MEBIBYTE // 3) + b"{}]",
    "names": lambda: b"{" + b",".join([b'"%x":0' % n for n in range(2 * MEBIBYTE // 10)]) + b"}",
    "numbers": lambda: b"[" + b"1000," * (2 * MEBIBYTE // 5) + b"1]",
    "strings": lambda: b"[" + b'"",' * (2 * MEBIBYTE // 3) + b'""]',
    "wide characters": lambda: b'"' + b"x" * (2 * MEBIBYTE) + b'\xf0\x9f\x98\x80"',
}


READING: dict[str, Any] = {
    "fetched": 0, "read": 0, "full": 0, "complete": True, "listed": True, "empty": True,
    "etag": None, "modified": None, "interval": None, "count": 0, "problems": [],
}  # fmt: skip
ATTEMPTS: dict[str, Any] = {
    "last": None, "failures": 0, "next": None, "asked": False, "kind": None, "hint": None,
    "refusals": 0, "since": None, "gone": False,
}  # fmt: skip


def with_values(number: int, bytes_: int, of: dict[str, Any] = READING) -> bytes:
    """JSON of so many values and bytes, most of which stand under names that are not known.

    Commas, lists and maps are counted as values.
    """

    def text(zeros: int, letters: int) -> bytes:
        known = of | {"x": [0] * zeros, "y": "y" * letters}
        return json.dumps(known, separators=(",", ":")).encode()

    zeros = 1 + number - sum(marks_of(text(1, 0))[1:])
    return text(zeros, bytes_ - len(text(zeros, 0)))


def reading_of(meta: bytes, limits: Limits) -> Reading | None:
    busy = BusyTime.of(FreeBusy.from_epochs(0, 10**6, [])).packed
    lengths = struct.pack("!3I", len(meta), len(busy), 0)
    return decode_reading(_seal(b"s", "key", lengths + meta + busy), "key", limits=limits)


class TestBombs:
    """A forged cell of 24 kB became 1.1 GiB: what is unpacked is bounded by the feed's limits."""

    @pytest.mark.parametrize("bomb", BOMBS)
    def test_shape(
        self, forger: Forger, make: Make, store: MemoryStore, url: str, bomb: str
    ) -> None:
        """Three times the inflated bytes at the most, and nothing is made of them."""
        text, count = BOMBS[bomb]
        meta, busy, _ = forger.parts()
        packed = zlib.compress(text())
        assert len(packed) < 20_000
        forger.put(meta | {"count": count}, busy, packed)
        calendars = make(store=store)
        tracemalloc.start()
        try:
            snapshot = calendars.get(url)
            assert snapshot.events == ()
            assert tracemalloc.get_traced_memory()[1] < 24 * MEBIBYTE
        finally:
            tracemalloc.stop()
        assert not snapshot.events_complete

    def test_size(self, forger: Forger, make: Make, store: MemoryStore, url: str) -> None:
        """More than a feed within the limits can hold is a miss, and never inflated as a whole."""
        meta, busy, _ = forger.parts()
        forger.put(meta, busy, zlib.compress(b'[["' + b"x" * (8 * MEBIBYTE)))
        calendars = make(store=store, limits=Limits(max_decoded_bytes=MEBIBYTE))
        tracemalloc.start()
        try:
            assert calendars.last_refreshed(url) is None
            assert tracemalloc.get_traced_memory()[1] < 3 * MEBIBYTE
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize("kind", [b"s", b"a", b"h", b"l", b"c"])
    @pytest.mark.parametrize("bomb", RECORD_BOMBS)
    def test_records(self, kind: bytes, bomb: str) -> None:
        """What is stored beside the events is not deflated, but two megabytes of it became 80."""
        text = b'{"x":' + RECORD_BOMBS[bomb]() + b"}"
        lengths = struct.pack("!3I", len(text), 0, 0) if kind == b"s" else b""
        cell = _seal(kind, "key", lengths + text)
        decode = {b"s": decode_reading, b"a": decode_attempts, b"h": decode_host, b"l": decode_list}
        tracemalloc.start()
        try:
            if kind == b"c":
                reading: Any = object()
                assert apply_confirmation(reading, b"", cell, "key") is reading
            else:
                assert decode[kind](cell, "key") is None
            # A reading may have 50,000 planned starts, so as many values are looked at.
            room = 32 * MEBIBYTE if (kind, bomb) == (b"s", "names") else 0
            assert tracemalloc.get_traced_memory()[1] < 5 * len(text) + room
        finally:
            tracemalloc.stop()

    def test_long_records_of_ours(self) -> None:
        """As many keys, problems and planned starts as there may be."""
        until = instant(10**9)
        listing = Listing("x", {f"s:{number:064x}": until for number in range(20_000)})
        cell = encode_list(listing, "key")
        assert len(cell) > 1.5 * MEBIBYTE
        assert decode_list(cell, "key") == listing
        reading = Reading(
            busy=BusyTime.of(FreeBusy.from_epochs(0, 10**6, [])),
            fetched_at=until,
            read_at=until,
            problems=tuple([Problem("x", '[{,"' * 300, 7, "u" * 99)] * 1_001),
            planned=tuple([(number, 10**9 + number, number) for number in range(50_000)]),
        )
        assert decode_reading(encode_reading(reading, "key"), "key") == reading

    @pytest.mark.parametrize(
        ("limits", "most"),
        [
            (Limits(max_problems=0, max_occurrences=0), 26_214),
            (Limits(max_problems=1, max_occurrences=0), 26_220),
            (Limits(max_problems=0, max_occurrences=1), 26_218),
            (Limits(), 232_214),
        ],
        ids=["none", "a problem", "an occurrence", "default"],
    )
    def test_as_many_values_as_a_reading_may_have(self, limits: Limits, most: int) -> None:
        """Six for each problem, four for each event, and one in 40 bytes of a mebibyte."""
        for number, known in ((most, True), (most + 1, False)):
            text = with_values(number, bytes_=MEBIBYTE + 1)
            assert (reading_of(text, limits) is not None) is known

    def test_one_value_in_forty_bytes_of_a_long_record(self) -> None:
        """The rule for all cells but readings."""
        for number, bytes_, known in (
            (30_000, 40 * 30_000, True),
            (30_001, 40 * 30_000, False),
            (30_000, 40 * 30_000 - 1, False),
        ):
            cell = _seal(b"a", "key", with_values(number, bytes_, ATTEMPTS))
            assert decode_attempts(cell, "key") == (Attempts() if known else None)

    def test_a_mebibyte_is_read_whatever_it_holds(self) -> None:
        for bytes_, known in ((MEBIBYTE, True), (MEBIBYTE + 1, False)):
            text = with_values(300_000, bytes_)
            assert (reading_of(text, Limits()) is not None) is known

    def test_texts_that_are_written_with_escapes(self) -> None:
        """Quotes, backslashes and letters beyond ASCII, in more than a megabyte of JSON."""
        texts = [
            '"',
            "\\",
            '\\"',
            '"\\"',
            "\\u",
            "\\\\u00e9",
            "\u00e9",
            "\U0001f600",
            "\ud800",
            '[{,"',
        ]
        rows = [
            event_with(number, "".join(texts[number % 10 :] + texts[: number % 10]) * 9)
            for number in range(2_000)
        ]
        packed = pack_events(rows, titles=True)
        assert len(zlib.decompress(packed)) > 1.5 * MEBIBYTE
        assert list(unpack_events(packed, len(rows))) == rows
        assert fits(packed, len(rows), Limits())
        assert not fits(packed, len(rows), Limits(max_decoded_bytes=1000))

    def test_number(self, forger: Forger, make: Make, store: MemoryStore, url: str) -> None:
        """Nor does a reading have more events than the cache lists."""
        meta, busy, events = forger.parts()
        for count, known in ((50_000, True), (50_001, False)):
            forger.put(meta | {"count": count}, busy, events)
            assert (make(store=store).last_refreshed(url) is not None) is known

    def test_a_long_title_of_many_instances_is_stored_once(self, make: Make, url: str) -> None:
        """The same bomb by way of a feed: 90 times 100 KiB are 100 KiB in the store."""
        title = "".join(map(chr, range(0x4E00, 0x4E00 + 20_000)))  # hard to deflate
        body = feed_text(
            event("2027-01-04T09:00Z", uid="u" * 99, summary=title, rrule="FREQ=DAILY"),
            event("2027-01-04T12:00Z", summary=None),
        )
        store = MemoryStore()
        calendars = make(store=store, fetcher=FakeFetcher({url: body}))
        snapshot = calendars.get(url)
        assert len(snapshot.events) > 90
        assert len(zlib.decompress(snapshot.reading.packed)) < 3 * len(title.encode())
        (again,) = {each.summary for each in snapshot.events if each.summary}
        assert again == title
        assert unpack_events(pack_events(snapshot.events, titles=True)) == snapshot.events


def changed(value: Any) -> Iterator[Any]:
    """``value`` with one leaf replaced by each odd value, or left out."""
    if isinstance(value, dict):
        for name, inside in value.items():
            yield {each: value[each] for each in value if each != name}
            for other in changed(inside):
                yield value | {name: other}
    elif isinstance(value, list):
        yield [*value, *value]
        for at, inside in enumerate(value[:14]):
            yield value[:at] + value[at + 1 :]
            for other in changed(inside):
                yield [*value[:at], other, *value[at + 1 :]]
    yield from ODD


class TestOddCells:
    """A cell with a right checksum and wrong content is a miss, or it can be used like others."""

    def test_readings(
        self, forger: Forger, make: Make, store: MemoryStore, url: str, clock: ManualClock
    ) -> None:
        meta, busy, events = forger.parts()
        meta |= {"problems": [["code", "message", 1, "uid", "noted"]], "planned": [[0, 1, 1]]}
        seen = set()
        for odd in changed(meta):
            if isinstance(odd, dict):
                forger.put(odd, busy, events)
                known = decode_reading(store.get(forger.keys.snapshot).data, forger.keys.snapshot)  # type: ignore[union-attr]
                if known is not None and (text := repr(json.dumps(odd))) not in seen:
                    seen.add(text)
                    use(make(store=store), url, clock)

    def test_events(
        self, forger: Forger, make: Make, store: MemoryStore, url: str, clock: ManualClock
    ) -> None:
        """Events that cannot be read are none; their time stays busy."""
        meta, busy, events = forger.parts()
        columns = json.loads(zlib.decompress(events))
        for odd in changed(columns):
            packed = zlib.compress(json.dumps(odd).encode())
            forger.put(meta, busy, packed)
            snapshot = make(store=store).get(url)
            if snapshot.events:
                use(make(store=store), url, clock)
            else:
                assert not snapshot.events_complete
        for packed in (b"junk", b"", zlib.compress(b"[]"), events[:-9], events + b"x"):
            forger.put(meta, busy, packed)
            snapshot = use(make(store=store), url, clock)
            assert snapshot.free_busy.periods

    def test_busy_time(
        self, forger: Forger, make: Make, store: MemoryStore, url: str, clock: ManualClock
    ) -> None:
        meta, busy, events = forger.parts()
        for at in range(0, len(busy), 3):
            for bit in (1, 128):
                odd = bytearray(busy)
                odd[at] ^= bit
                forger.put(meta, bytes(odd), events)
                use(make(store=store), url, clock)

    @pytest.mark.parametrize("kind", [b"a", b"h", b"l"], ids=["attempts", "host", "list"])
    def test_records(
        self, make: Make, store: MemoryStore, url: str, clock: ManualClock, kind: bytes
    ) -> None:
        """Of how asking went, of hosts, of the keys of an address."""
        calendars = make(store=store)
        calendars.get(url)
        forger = Forger(store, calendars, url)
        last = int(clock().timestamp()) * 10**6
        good: dict[bytes, dict[str, Any]] = {
            b"a": {"last": last, "failures": 2, "next": last, "asked": True, "kind": "timeout"}
            | {"hint": "x", "refusals": 1, "since": last, "gone": False}
            | {"early": [last], "doubted": last},
            b"h": {"told": [["x", last], ["y", last]], "until": last, "times": 1},
            b"l": {"generation": "x", "names": {"s:" + "0" * 64: last}},
        }
        key = {b"a": forger.keys.attempts, b"h": forger.keys.host, b"l": forger.keys.listed}[kind]
        for odd in changed(good[kind]):
            forger.seal(kind, key, json.dumps(odd).encode())
            calendars = make(store=store, fetcher=FakeFetcher({url: feed_text()}))
            calendars.last_attempt(url)
            calendars.get(url)
            calendars.refresh(url)
            if kind == b"l":
                calendars.forget(url)
                calendars.get(url)


class TestUnderASecret:
    """The check over key, layout and payload is an HMAC under the secret."""

    def test_nobody_else_makes_a_cell(
        self, make: Make, store: MemoryStore, fetcher: FakeFetcher, url: str
    ) -> None:
        """Not without it, and not with another one; of no kind."""
        calendars = make(store=store, secret="pepper")
        good = calendars.get(url)
        keys = calendars._repository.keys(Feed(url))
        for secret in (None, b"salt"):
            for key, kind in zip(keys, (b"s", b"a", b"l", b"h"), strict=True):
                cell = store.get(key)
                body = cell and _open(kind, key, cell.data, b"pepper")
                if body and cell:
                    store.put(key, Cell(_seal(kind, key, body, secret), cell.keep_until), None)
            assert make(store=store, secret="pepper").last_refreshed(url) is None
            assert make(store=store, secret="pepper").get(url) == good
        assert fetcher.count() == 3

    def test_it_covers_key_layout_kind_and_payload(self) -> None:
        sealed = _seal(b"a", "a:key", b"payload", b"pepper")
        assert _open(b"a", "a:key", sealed, b"pepper") == b"payload"
        assert sealed != _seal(b"a", "a:key", b"payload", b"salt")
        for at in range(len(sealed)):
            odd = bytearray(sealed)
            odd[at] ^= 1
            assert _open(b"a", "a:key", bytes(odd), b"pepper") is None
        assert _open(b"a", "a:keys", sealed, b"pepper") is None
        assert _open(b"h", "a:key", sealed, b"pepper") is None
        assert _open(b"a", "a:key", sealed) is None
        assert _open(b"a", "a:key", _seal(b"a", "a:key", b"payload"), b"pepper") is None

    def test_an_old_cell_can_be_put_back_under_its_own_key_only(
        self,
        make: Make,
        store: MemoryStore,
        clock: ManualClock,
        fetcher: FakeFetcher,
        url: str,
    ) -> None:
        """What the documentation says that a stranger can still do."""
        calendars = make(store=store, secret="pepper")
        first = calendars.get(url)
        keys, other = calendars._repository.keys(Feed(url)), url + "2"
        old = store.get(keys.snapshot)
        assert old is not None
        clock.advance(timedelta(hours=1))
        fetcher.set(url, feed_text(event("2027-01-05T09:00Z")))
        assert calendars.get(url).fetched_at > first.fetched_at
        store.put(keys.snapshot, old, None)
        assert make(store=store, secret="pepper").last_refreshed(url) == first.fetched_at
        store.put(calendars._repository.keys(Feed(other)).snapshot, old, None)
        assert make(store=store, secret="pepper").last_refreshed(other) is None
