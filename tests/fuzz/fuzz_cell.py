"""Cells of a store: damaged ones are refused or are the stored value, forged ones harm nobody.

The first byte of an input says what follows: see :func:`_asked`. A whole cell, checksum and all, or
the payload of one, which is sealed here as anybody could do it who knows the source. In a payload
of a reading, ``=--=`` separates meta, busy time and events; the events are deflated here, and
``~unit~`` in them is repeated to a megabyte and more.

Laws: nothing raises, neither decoding nor whatever can be asked of the value. A cell is the stored
value, or None. It opens under its own kind, key and secret only. What was decoded encodes to what
decodes to the same. A part of the busy time is the same part of all of it. Memory is bounded.
"""

from __future__ import annotations

import json
import random
import re
import struct
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from harness import Harness, chance_of, is_sampled, words_of

from extcal import CalendarCache, ExternalEvent, FBType, Feed, MemoryStore, Snapshot
from extcal.cache import Cell
from extcal.cache.freshness.rate_limited_hosts import RateLimited, after_429, is_rate_limited
from extcal.cache.freshness.values import Attempts
from extcal.cache.snapshot import codec
from extcal.cache.snapshot.made_by import MadeBy
from extcal.cache.snapshot.reading import read_body
from extcal.cache.snapshot.snapshot import Reading
from extcal.fetch import Fetched
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

__all__ = ["HARNESS"]

KEY, SECRET, URL = "s:" + "0" * 64, b"pepper", "https://calendar.example.net/a.ics"
NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
MEBIBYTE = 1024 * 1024
SEPARATOR = b"=--="
KINDS = (b"s", b"s", b"s", b"s", b"a", b"l", b"h", b"c")
COUNTS: Counter[str] = Counter()
_SEALED, _SECRET = 8, 16  # bits of the first byte; the three below them are the kind

Decode = Callable[[bytes, str, bytes | None], Any]


def _bodies() -> Iterator[str]:
    yield feed_text()
    yield feed_text(
        event("2027-01-04T09:00Z", uid="a", summary="Talk", rrule="FREQ=DAILY;COUNT=20"),
        event("2027-01-05T09:00Z", uid="b", summary=None),
        event("2027-01-05T11:00Z", uid="c" * 40, summary="A long title, told again and again"),
        event("2027-01-06T11:00Z", uid="d" * 40, summary="A long title, told again and again"),
    )
    lines = (
        "UID:e\nDTSTART;VALUE=DATE:20270107\nRRULE:FREQ=WEEKLY\nSTATUS:TENTATIVE\nLOCATION:\u00e9"
    )
    more = "UID:f\nDTSTART:20270108T090000Z\nDTEND:20270101T090000Z\nRDATE:soon\nSUMMARY:x"
    events = "\n".join(f"BEGIN:VEVENT\n{each}\nEND:VEVENT" for each in (lines, more))
    text = f"BEGIN:VCALENDAR\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\n{events}\nEND:VCALENDAR\n"
    yield text.replace("\n", "\r\n")


@cache
def _good() -> dict[bytes, list[Any]]:
    """By kind: values as the cache stores them."""
    window = int(NOW.timestamp()) - 86_400, int(NOW.timestamp()) + 40 * 86_400
    readings = [
        read_body(
            Fetched(text.encode(), etag='"1"', last_modified="Mon, 04 Jan 2027 08:00:00 GMT"),
            Feed(URL),
            window,
            NOW,
            None,
            codec._LIMITS,
            MadeBy("2026.1", 7),
            "0" * 32,
        )
        for text in _bodies()
    ]
    told = Attempts(
        NOW, 2, NOW + timedelta(minutes=5), True, "timeout", "hint", 1, NOW, False, (NOW,), NOW
    )
    names = {KEY: NOW + timedelta(days=7)}
    return {
        b"s": readings,
        b"a": [Attempts(), told],
        b"l": [codec.Listing(), codec.Listing("x", names)],
        b"h": [RateLimited(), RateLimited((("x", NOW), ("y", NOW)), NOW, 2)],
        b"c": [readings[1]],
    }


def _encode(kind: bytes, value: Any, secret: bytes | None) -> bytes:
    match kind:
        case b"s":
            return codec.encode_reading(value, KEY, secret)
        case b"a":
            return codec.encode_attempts(value, KEY, secret)
        case b"l":
            return codec.encode_list(value, KEY, secret)
        case b"h":
            return codec.encode_host(value, KEY, secret)
    cell = codec.encode_reading(value, KEY, secret)
    return codec.encode_confirmation(_confirmed(value), cell, KEY, secret)


def _confirmed(reading: Reading) -> Reading:
    from extcal.cache.snapshot.reading import renewed

    return renewed(reading, NOW + timedelta(hours=1), timedelta(minutes=1))


def _confirmation(data: bytes, key: str, secret: bytes | None) -> Any:
    """The reading that ``data`` confirms, or None if it confirms nothing."""
    (reading,) = _good()[b"c"]
    cell = codec.encode_reading(reading, KEY, secret)
    found = codec.apply_confirmation(reading, cell, data, key, secret)
    return None if found is reading else found


DECODE: dict[bytes, Decode] = {
    b"s": codec.decode_reading,
    b"a": codec.decode_attempts,
    b"l": codec.decode_list,
    b"h": codec.decode_host,
    b"c": _confirmation,
}


@cache
def _stored(kind: bytes, secret: bytes | None) -> dict[bytes, Any]:
    """The good cells, and what each is."""
    found = {_encode(kind, value, secret): value for value in _good()[kind]}
    return found if kind != b"c" else {cell: _confirmed(value) for cell, value in found.items()}


def one(data: bytes) -> None:
    """Hold every law over one cell."""
    if not data:
        return
    kind, sealed = KINDS[data[0] % len(KINDS)], bool(data[0] & _SEALED)
    secret = SECRET if data[0] & _SECRET else None
    COUNTS["cells"] += 1
    if not sealed:
        _is_refused_or_good(kind, data[1:], secret)
        return
    body, inflated = _body(data) if kind == b"s" else (data[1:], len(data))
    cell = codec._seal(kind, KEY, body, secret)
    if secret is None:
        assert DECODE[kind](cell, KEY, SECRET) is None, "sealed without the secret"
    assert DECODE[kind](cell, KEY + "0", secret) is None, "stored under another key"
    if inflated > 4 * len(data) or is_sampled(data, 40):
        value = _in_bounds(kind, cell, secret, inflated)
    else:
        value = DECODE[kind](cell, KEY, secret)
    if value is None:
        return
    COUNTS["cells that were read"] += 1
    if kind != b"c":
        again = _encode(kind, value, secret)
        assert DECODE[kind](again, KEY, secret) == value, "decoded, encoded and decoded"
    _use(kind, value, data)


def _is_refused_or_good(kind: bytes, cell: bytes, secret: bytes | None) -> None:
    found = DECODE[kind](cell, KEY, secret)
    if found is not None:
        stored = _stored(kind, secret)
        assert cell in stored, "a damaged cell was taken"
        assert found == stored[cell], "a stored value came back as another one"
    for other in DECODE:
        if other != kind:
            assert DECODE[other](cell, KEY, secret) is None or cell in _stored(other, secret)


def _body(data: bytes) -> tuple[bytes, int]:
    """The sections of a reading with their lengths in front, and how many bytes they inflate to."""
    meta, busy, events = [*data[1:].split(SEPARATOR), b"", b""][:3]
    inflated = len(events)
    if events.startswith(b"!"):
        packed = events[1:]  # as it is
    else:
        before, mark, rest = events.partition(b"~")
        unit, again, after = rest.partition(b"~")
        if mark and again and unit and is_sampled(data, 40):
            events = before + unit * (2 * MEBIBYTE // len(unit)) + after
        inflated = len(events)
        packed = zlib.compress(events, 1 if inflated > MEBIBYTE else 6)
    head = struct.pack("!3I", len(meta), len(busy), len(packed))
    return head + meta + busy + packed, inflated


def _in_bounds(kind: bytes, cell: bytes, secret: bytes | None, inflated: int) -> Any:
    """Decode and unpack under watch: at most some times the inflated bytes."""
    tracemalloc.start()
    try:
        value = DECODE[kind](cell, KEY, secret)
        if isinstance(value, Reading):
            value.events()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    COUNTS["cells whose memory was measured"] += 1
    # Small JSON may be lists of lists, and large JSON is texts of wide characters, or as many
    # numbers as its events have.
    most = 60 * len(cell) + (9 if inflated > MEBIBYTE else 60) * inflated + 100_000
    if isinstance(value, Reading):
        most += 40 * 14 * value.count
    assert peak < most, f"{peak:,} bytes for {inflated:,}"
    return value


def _use(kind: bytes, value: Any, data: bytes) -> None:
    """Everything that a host, or the cache itself, asks of a value."""
    if isinstance(value, RateLimited):
        is_rate_limited(value, NOW)
        after_429(value, "z", NOW)
    if isinstance(value, Reading):
        _use_reading(value, data)
    if is_sampled(data, 10):
        _use_cache(kind, value)


_TEXT, _MAYBE = (str,), (str, type(None))


def _is_typed(one: ExternalEvent) -> bool:
    """Whether every field has the type that the documentation names."""
    days = one.first_day, one.last_day
    return (
        all(isinstance(each, _TEXT) for each in (one.uid, one.reason, one.zone_source))
        and all(isinstance(each, _MAYBE) for each in (one.summary, one.location, one.status))
        and isinstance(one.all_day, bool)
        and isinstance(one.private, bool)
        and isinstance(one.fbtype, FBType)
        and all(day is None or type(day) is date for day in days)
        and one.start <= one.end
    )


def _use_reading(reading: Reading, data: bytes) -> None:
    lo, hi = reading.busy.window_epochs
    chance = chance_of(data)
    parts = []
    if hi - lo > 2:
        for _ in range(3):
            first = chance.randrange(lo, hi - 1)
            last = chance.randrange(first + 1, hi)
            parts.append((first, last, reading.busy.clip_epochs(first, last)))
    snapshot = Snapshot(reading)
    whole = reading.busy.free_busy
    offsets = [edge for span in whole.epochs for edge in span[:2]]
    _, _, busy, _, _ = struct.unpack_from("!2q3I", reading.busy.packed)
    kept = reading.busy._offsets(0, busy).tolist() if busy else []
    if kept == sorted(kept) and len(set(offsets)) == len(offsets) == len(kept):
        for first, last, part in parts:
            # Unsorted spans, which nothing of ours writes, may give another answer.
            assert part.epochs == whole.clip_epochs(first, last).epochs, "a part of the busy time"
    assert reading.base is not None
    assert all(map(_is_typed, snapshot.events)), "an event of other types"
    assert hash(snapshot.events) == hash(snapshot.events)
    assert isinstance(snapshot.events_complete, bool)
    assert "<" in repr(snapshot) + repr(reading) + repr(snapshot.events[:9])
    assert snapshot.published_at is None or snapshot.published_at.tzinfo
    assert not snapshot.diff(snapshot)
    snapshot.explain(NOW, NOW + timedelta(days=1))
    assert snapshot.redacted().events is not None
    if whole.window_epochs[1] - whole.window_epochs[0] < 10**9 and len(whole.epochs) < 99:
        snapshot.to_records()
        snapshot.event_records()


def _use_cache(kind: bytes, value: Any) -> None:
    """The same cell in the store of a cache."""
    clock, store = ManualClock(NOW), MemoryStore()
    fetcher = FakeFetcher({URL: feed_text(event("2027-01-04T09:00Z", uid="new"))})
    calendars = CalendarCache(store=store, fetcher=fetcher, clock=clock)
    keys = calendars._repository.keys(Feed(URL))
    key = {b"s": keys.snapshot, b"a": keys.attempts, b"l": keys.listed, b"h": keys.host}.get(kind)
    if key is None:
        return
    encode: Any = {
        b"s": codec.encode_reading,
        b"a": codec.encode_attempts,
        b"l": codec.encode_list,
        b"h": codec.encode_host,
    }[kind]
    store.put(key, Cell(encode(value, key), NOW + timedelta(days=7)), None)
    start, end = NOW - timedelta(days=1), NOW + timedelta(days=7)
    calendars.last_attempt(URL)
    calendars.last_refreshed(URL)
    COUNTS["cells in a cache"] += 1
    for _ in range(2):
        try:
            calendars.get(URL)
            calendars.free_busy(URL, start, end, exclude=["talk"])
            calendars.events(URL, start, end)
        except Exception as error:
            # A feed that a forged record calls gone, or paused, is not available.
            if type(error).__name__ not in ("Unavailable", "OutsideHorizon"):
                raise
        clock.advance(timedelta(minutes=31))
    calendars.forget(URL)


def _sources() -> Iterator[bytes]:
    for number, kind in enumerate(KINDS):
        if number and kind == KINDS[number - 1]:
            continue
        for secret in (None, SECRET):
            for cell in _stored(kind, secret):
                first = number | (_SECRET if secret else 0)
                yield bytes([first]) + cell
                payload = codec._open(kind, KEY, cell, secret)
                assert payload is not None
                if kind == b"s":
                    meta, busy, _ = struct.unpack_from("!3I", payload)
                    rest = payload[12:]
                    sections = [rest[:meta], rest[meta : meta + busy], rest[meta + busy :]]
                    yield bytes([first | _SEALED]) + SEPARATOR.join(
                        [*sections[:2], b"!" + sections[2]]
                    )
                    sections[2] = zlib.decompress(sections[2])
                    payload = SEPARATOR.join(sections)
                yield bytes([first | _SEALED]) + payload
    # What became a gigabyte once: little that inflates to much.
    meta, busy = _sections()[:2]
    for text, count in (
        (b"[~[],~[]]", 1),
        (b"[~{},~{}]", 50_000),
        (b"[[~1000,~1]]", 50_000),
        (b"[[0],[~0,~0]]", 1),
        (b'["~[],~"]', 1),
        (b"~[~", 1),
        (b"[[~1~]]", 1),
        (b'[["~x~"]]', 1),
    ):
        counted = json.dumps(json.loads(meta) | {"count": count}).encode()
        yield bytes([_SEALED]) + SEPARATOR.join([counted, busy, text])


def _sections() -> list[bytes]:
    payload = codec._open(b"s", KEY, next(iter(_stored(b"s", None))))
    assert payload is not None
    meta, busy, _ = struct.unpack_from("!3I", payload)
    return [payload[12 : 12 + meta], payload[12 + meta : 12 + meta + busy]]


# The last and the first microsecond that a datetime can be.
_LAST, _FIRST = 253_402_300_799_999_999, -62_135_596_800_000_000
_MOMENTS = (_LAST, _LAST, _LAST - 10**12, _FIRST, _FIRST + 10**12, _LAST + 1, -1, 0)


def _span(data: bytes, chance: Any) -> bytes:
    """Other numbers or types in the busy time of a payload."""
    meta, mark, rest = data.partition(SEPARATOR)
    busy, again, events = rest.partition(SEPARATOR)
    if not busy:
        return data
    at = chance.choice((chance.randrange(len(busy)), len(busy) - 1, chance.randrange(28)))
    busy = busy[:at] + bytes([chance.choice((0, 1, 4, 5, 127, 128, 255))]) + busy[at + 1 :]
    return meta + mark + busy + again + events


def _leaf(data: bytes, chance: Any) -> bytes:
    """Another value in the JSON of a payload."""
    at = data.find(b"{")
    try:
        value, end = json.JSONDecoder().raw_decode(data[at:].decode("latin-1"))
    except ValueError:
        return data
    if at < 0 or not isinstance(value, dict) or not value:
        return data
    name = chance.choice(list(value))
    odd = [None, True, -1, 10**30, 1.5, 1e308, "", "x", [], [[]], {}, {"a": 1}, [1, 2, 3], 2**31]
    odd += [_LAST, _LAST, _FIRST, _LAST // 10**6]
    inside = value[name]
    if isinstance(inside, list) and inside and chance.random() < 0.6:
        inside[chance.randrange(len(inside))] = chance.choice(odd)
    elif chance.random() < 0.2:
        del value[name]
    elif type(inside) is int and inside > 10**9 and chance.random() < 0.5:
        value[name] = chance.choice(_MOMENTS)
    else:
        value[name] = chance.choice(odd)
    text = json.dumps(value, separators=(",", ":")).encode()
    return data[:at] + text + data[at + len(json.dumps("")) - 2 + end :]


def _column(data: bytes, chance: Any) -> bytes:
    """Another value in a column of events."""
    head, mark, text = data.rpartition(SEPARATOR)
    try:
        columns = json.loads(text)
        column = chance.choice(columns)
        at = chance.randrange(len(column))
    except (ValueError, TypeError, IndexError, KeyError):
        return data
    if isinstance(column, list):
        odd = [None, True, -1, 0, 10**30, 2**53, 1.5, "", "x", [], {}, at, at + 1, "2027-01-05"]
        odd += [-3600, -86_400, 253_402_300_799]
        kind = chance.random()
        if kind < 0.2:
            del column[at]
        elif kind < 0.3:
            column.append(column[at])
        else:
            column[at] = chance.choice(odd)
    return head + mark + json.dumps(columns, separators=(",", ":")).encode()


def _choose(data: bytes, chance: Any) -> bytes:
    return bytes([chance.randrange(32)]) + data[1:]


# What may stand in events again and again: much from few bytes.
_UNITS = (
    *(b"[],", b"{},", b'"",', b'"', b'""', b"0,", b"1000,", b"null,", b'"a",', b"[0],", b"1e5,"),
    *(b"[[]],", b'"\\u00e9",', b'"\\"",', b"\\", b" ", b"\n", b"[", b"true,"),
)


def _inflating(data: bytes, chance: random.Random) -> bytes:
    """Events that are a few bytes again and again, in lists of lists, and a count for them."""
    head, mark, _ = data.rpartition(SEPARATOR)
    if not mark:
        return data
    unit = chance.choice(_UNITS)
    inside = b"~" + unit + b"~" + unit.rstrip(b",")
    before, behind = chance.choice(((b"[", b"]"), (b"[[", b"]]"), (b"", b""), (b'["', b'"]')))
    if chance.random() < 0.3:
        before, behind = b"[[0]," + before, behind + b"]"
    count = chance.choice((0, 1, 1, 1, 2, 50_000, 10**9))
    head = re.sub(rb'"count":-?\d+', b'"count":%d' % count, head)
    return head + mark + before + inside + behind


@cache
def _whole_cells() -> list[bytes]:
    """The payloads of good cells, most of them readings."""
    sealed = [data for data in _sources() if data[0] & _SEALED]
    readings = [data for data in sealed if data.count(SEPARATOR) == 2]
    return [*readings * 3, *sealed]


def _made(chance: random.Random) -> bytes:
    """A good payload with one or two values in it that are not."""
    data = chance.choice(_whole_cells())
    for _ in range(chance.choice((0, 1, 1, 1, 2))):
        data = chance.choice(_VALUES)(data, chance)
    return data


_VALUES = [*[_leaf, _column] * 8, _span, _span, _inflating]  # measuring memory is slow
_BENDS = [*_VALUES, *[_choose] * 3]
HARNESS = Harness("cell", one, _sources, words_of("cell"), COUNTS, _BENDS, _made)
