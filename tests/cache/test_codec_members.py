"""Each member of each stored record: what is read back, and what makes the cell a miss."""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from extcal import FreeBusy, Limits, Problem, expand
from extcal.cache.freshness.rate_limited_hosts import RateLimited
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
    encode_attempts,
    encode_confirmation,
    encode_host,
    encode_list,
    encode_reading,
)
from extcal.cache.snapshot.made_by import MadeBy
from extcal.cache.snapshot.packed_busy import BusyTime
from extcal.cache.snapshot.packed_events import pack_events
from extcal.cache.snapshot.snapshot import Reading
from extcal.testing import event, feed_text

pytestmark = pytest.mark.core

KEY = "key"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_WEEK = 7 * 86_400.0


def at(hour: int) -> datetime:
    return datetime(2027, 1, 4, hour, 0, 0, 250_001, tzinfo=UTC)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 12, 31, tzinfo=UTC)
EARLY, LATE = datetime(1899, 12, 31, tzinfo=UTC), datetime(9001, 1, 1, tzinfo=UTC)
NO_NUMBER: list[Any] = ["1", 1.0, True, None, [1]]
NO_COUNT = [*NO_NUMBER, -1, 2**32]
NO_TEXT: list[Any] = [3, True, ["x"], {"x": 1}]
NO_MOMENT: list[Any] = ["x", 1.5, True, [1], 10**30]
NOT_NEAR = [*NO_MOMENT, micros(EARLY), micros(LATE)]

ATTEMPTS = Attempts(
    last=at(1),
    failures=2,
    next_try=at(3),
    asked_to_wait=True,
    kind="timeout",
    hint="a hint",
    refusals=4,
    refused_since=at(5),
    gone=True,
    early=(at(6), at(7)),
    doubted=at(8),
)
HOST = RateLimited((("a", at(1)), ("b", at(2))), at(3), 4)
LISTING = Listing("generation", {"s:1": at(1), "s:2": at(2)})
READING = Reading(
    busy=BusyTime.of(FreeBusy.from_epochs(0, 100, [(10, 20, 3)])),
    complete=False,
    events_complete=False,
    empty=True,
    problems=(Problem("code", "message", 7, "uid", "action"), Problem("c", "m", None, None, "a")),
    fetched_at=at(1),
    read_at=at(2),
    full_at=at(3),
    etag='"etag"',
    last_modified="Mon, 04 Jan 2027 08:00:00 GMT",
    refresh_interval=timedelta(hours=4, milliseconds=500),
    count=5,
    packed=b"",
    asked_at=at(6),
    made_by=MadeBy("2026b", 7),
    planned=((0, -8, 9), (10, 11, -12)),
    body="digest",
)
ALL = ("made_by", "planned", "body")  # what the equality of readings leaves out


def test_every_member_comes_back() -> None:
    """Each has a value of its own here, so that none can stand for another."""
    assert decode_attempts(encode_attempts(ATTEMPTS, KEY), KEY) == ATTEMPTS
    assert decode_host(encode_host(HOST, KEY), KEY) == HOST
    assert decode_list(encode_list(LISTING, KEY), KEY) == LISTING
    found = decode_reading(encode_reading(READING, KEY), KEY)
    assert found == READING
    assert [getattr(found, name) for name in ALL] == [getattr(READING, name) for name in ALL]


def test_so_does_what_has_nothing_to_tell() -> None:
    """None stays None, and nothing becomes a flag."""
    plain = Reading(busy=READING.busy, fetched_at=at(1), read_at=at(1))
    for secret in (None, b"pepper"):
        assert decode_attempts(encode_attempts(Attempts(), KEY, secret), KEY, secret) == Attempts()
        sealed = encode_host(RateLimited(), KEY, secret)
        assert decode_host(sealed, KEY, secret) == RateLimited()
        assert decode_list(encode_list(Listing(), KEY, secret), KEY, secret) == Listing()
        found = decode_reading(encode_reading(plain, KEY, secret), KEY, secret)
        assert found == plain
        assert [getattr(found, name) for name in ALL] == [None, (), None]


Decode = Callable[[bytes, str], Any]
RECORDS: dict[bytes, tuple[bytes, Decode]] = {
    b"a": (encode_attempts(ATTEMPTS, KEY), decode_attempts),
    b"h": (encode_host(HOST, KEY), decode_host),
    b"l": (encode_list(LISTING, KEY), decode_list),
}


def with_member(kind: bytes, name: str, value: object) -> Any:
    """What is read of the record with another value of one member."""
    sealed, decode = RECORDS[kind]
    body = _open(kind, KEY, sealed)
    assert body is not None
    record = json.loads(body)
    assert name in record
    record[name] = value
    return decode(_seal(kind, KEY, json.dumps(record).encode()), KEY)


@pytest.mark.parametrize(
    ("kind", "name", "good", "bad"),
    [
        (b"a", "last", [None, micros(FIRST), micros(LAST)], NOT_NEAR),
        (b"a", "next", [None, micros(FIRST), micros(LAST)], NOT_NEAR),
        (b"a", "since", [None, micros(FIRST), micros(LAST)], NOT_NEAR),
        (b"a", "doubted", [None, micros(FIRST), micros(LAST)], NOT_NEAR),
        (b"a", "failures", [0, 1, 2**32 - 1], NO_COUNT),
        (b"a", "refusals", [0, 1, 2**32 - 1], NO_COUNT),
        (b"a", "kind", [None, "", "x"], NO_TEXT),
        (b"a", "hint", [None, "", "x"], NO_TEXT),
        (b"a", "early", [[], [micros(LAST)]], [[None], *([each] for each in NOT_NEAR), None, 3]),
        (b"h", "told", [[], [["a", 0]]], [[["a", None]], [["a", 1.5]], [["a"]], [1], None]),
        (b"h", "until", [None, 0, micros(LATE)], NO_MOMENT),
        (b"h", "times", [0, 2**32 - 1], NO_COUNT),
        (b"l", "generation", [None, "x"], NO_TEXT),
        (b"l", "names", [{}, {"s": 0}], [{"s": None}, {"s": 1.5}, [], None, "x"]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_member_of_another_kind_makes_a_record_a_miss(
    kind: bytes, name: str, good: list[Any], bad: list[Any]
) -> None:
    """The last value that is taken, and the first that is not."""
    for value in good:
        assert with_member(kind, name, value) is not None, value
    for value in bad:
        assert with_member(kind, name, value) is None, value


def of_meta(change: dict[str, Any], *leave_out: str, secret: bytes | None = None) -> Reading | None:
    """What is read of the reading with other members."""
    body = _open(b"s", KEY, encode_reading(READING, KEY))
    assert body is not None
    first, second, third = struct.unpack_from("!3I", body)
    meta = json.loads(body[12 : 12 + first])
    assert change.keys() <= meta.keys()
    meta = {name: each for name, each in (meta | change).items() if name not in leave_out}
    text = json.dumps(meta).encode()
    sections = struct.pack("!3I", len(text), second, third) + text + body[12 + first :]
    return decode_reading(_seal(b"s", KEY, sections, secret), KEY, secret)


PROBLEM = ["code", "message", 1, "uid", "action"]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("fetched", [micros(FIRST), micros(LAST)], [None, *NOT_NEAR]),
        ("read", [micros(FIRST), micros(LAST)], [None, *NOT_NEAR]),
        ("full", [None, micros(FIRST), micros(LAST)], NOT_NEAR),
        ("asked", [None, micros(FIRST), micros(LAST)], NOT_NEAR),
        ("etag", [None, "x"], NO_TEXT),
        ("modified", [None, "x"], NO_TEXT),
        ("body", [None, "x"], NO_TEXT),
        ("interval", [None, 0.5, A_WEEK, -A_WEEK], ["x", A_WEEK + 1, -A_WEEK - 1, 1e300]),
        ("count", [0, 2**32 - 1], NO_COUNT),
        ("planned", [[], [[0, -1, -1]]], [[[-1, 1, 1]], [[0, 1.5, 1]], [[0, 1, "x"]], [[0, 1]], 3]),
        (
            "problems",
            [[], [PROBLEM], [["c", "m", None, None, "a"]]],
            [
                [PROBLEM[:4]],
                *([[*PROBLEM[:place], 3, *PROBLEM[place + 1 :]]] for place in (0, 1, 3, 4)),
                *([[*PROBLEM[:2], line, *PROBLEM[3:]]] for line in (-1, 1.5, "1", True, 2**32)),
            ],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_member_of_another_kind_makes_a_reading_a_miss(
    name: str, good: list[Any], bad: list[Any]
) -> None:
    """Also where only the holder of the secret can have written it."""
    for secret in (None, b"pepper"):
        for value in good:
            assert of_meta({name: value}, secret=secret) is not None, value
        for value in bad:
            assert of_meta({name: value}, secret=secret) is None, value


def test_versions_are_known_together_or_not_at_all() -> None:
    """A reading whose versions are odd was made by others than ours."""
    found = of_meta({"zones": "2027a", "rules": 0})
    assert found is not None
    assert found.made_by == MadeBy("2027a", 0)
    for odd in ({"zones": 3}, {"rules": "7"}, {"zones": None}, {"rules": None}):
        found = of_meta(odd)
        assert found is not None
        assert found.made_by is None


def test_what_earlier_versions_did_not_write_has_its_default() -> None:
    found = of_meta({}, "asked", "zones", "rules", "planned", "body")
    assert found is not None
    assert (found.asked_at, found.made_by, found.planned, found.body) == (None, None, (), None)
    assert found == replace(READING, asked_at=None)
    assert of_meta({}, "etag") is None


def test_the_sections_fill_the_cell_to_its_end() -> None:
    """A byte more or less is another cell's, whatever the checksum says."""
    body = _open(b"s", KEY, encode_reading(READING, KEY))
    assert body is not None
    assert decode_reading(_seal(b"s", KEY, body), KEY) == READING
    assert decode_reading(_seal(b"s", KEY, body + b"x"), KEY) is None
    assert decode_reading(_seal(b"s", KEY, body[:-1]), KEY) is None
    assert decode_reading(_seal(b"s", KEY, body[:11]), KEY) is None


def test_what_no_feed_within_the_limits_can_be_is_a_miss_without_a_secret() -> None:
    """More events than the limit; the holder of the secret is believed."""
    many = replace(READING, count=6, packed=b"x")
    five = Limits(max_occurrences=5)
    talk = feed_text(event("2027-01-04T09:00Z")).encode()
    (one,) = expand(talk, at(0), at(23)).events
    found = [one] * 6
    real = replace(READING, count=6, packed=pack_events(found, titles=True))
    assert decode_reading(encode_reading(real, KEY), KEY) == real
    assert decode_reading(encode_reading(real, KEY), KEY, None, five) is None
    assert decode_reading(encode_reading(many, KEY), KEY, None, five) is None
    sealed = encode_reading(many, KEY, b"pepper")
    assert decode_reading(sealed, KEY, b"pepper", five) == many
    assert decode_reading(encode_reading(READING, KEY), KEY, None, five) == READING


HEADS = {
    b"xcal\x02s": encode_reading,
    b"xcal\x02a": encode_attempts,
    b"xcal\x01l": encode_list,
    b"xcal\x01h": encode_host,
}


@pytest.mark.parametrize("secret", [None, b"pepper"], ids=["open", "sealed"])
def test_a_cell_is_laid_out_as_it_always_was(secret: bytes | None) -> None:
    """Head, 16 bytes of a check over key and payload, payload: a store outlives its writer."""
    values: dict[bytes, Any] = {b"s": READING, b"a": ATTEMPTS, b"l": LISTING, b"h": HOST}
    cells = [(head, encode(values[head[5:]], KEY, secret)) for head, encode in HEADS.items()]
    cells.append((b"xcal\x01c", encode_confirmation(CONFIRMED, DATA, KEY, secret)))
    for head, cell in cells:
        for place in range(6):
            other = cell[:place] + bytes([cell[place] ^ 1]) + cell[place + 1 :]
            assert _open(head[5:], KEY, other, secret) is None
        kind, check, payload = head[5:], cell[6:22], cell[22:]
        assert cell[:6] == head
        assert _open(kind, KEY, cell, secret) == payload
        bound = hashlib.sha256(kind + KEY.encode()).digest()
        if secret is None:
            assert check == hashlib.blake2b(payload, digest_size=16, key=bound).digest()
        else:  # RFC 2104
            told = b"extcal cell\0" + head[:5] + kind + bound + payload
            assert check == hmac.new(secret, told, "sha256").digest()[:16]
    assert json.loads(cells[-1][1][22:])["of"] == DATA[6:22].hex()


@pytest.mark.parametrize("payload", [b"[" * 100_000, b"", b"{}", b"[]", b"null", b"\xff", b"1"])
def test_what_is_no_record_is_a_miss(payload: bytes) -> None:
    """Whatever it is instead, and however deep."""
    for kind, (_, decode) in RECORDS.items():
        assert decode(_seal(kind, KEY, payload), KEY) is None
    lengths = struct.pack("!3I", len(payload), 0, 0)
    assert decode_reading(_seal(b"s", KEY, lengths + payload), KEY) is None
    assert apply_confirmation(READING, DATA, _seal(b"c", KEY, payload), KEY) is READING


# -- confirmations ---------------------------------------------------------------------------------

CONFIRMED = replace(
    READING, fetched_at=at(11), asked_at=at(12), read_at=at(13), etag="new", last_modified="newer"
)
DATA = encode_reading(READING, KEY)


def confirmed(change: dict[str, Any], reading: Reading = READING) -> Reading:
    """The reading with a confirmation of which one member is another."""
    body = _open(b"c", KEY, encode_confirmation(CONFIRMED, DATA, KEY))
    assert body is not None
    record = json.loads(body)
    assert change.keys() <= record.keys()
    said = _seal(b"c", KEY, json.dumps(record | change).encode())
    return apply_confirmation(reading, DATA, said, KEY)


@pytest.mark.parametrize("secret", [None, b"pepper"], ids=["open", "sealed"])
def test_a_confirmation_brings_new_times_and_validators(secret: bytes | None) -> None:
    """A feed with events was full when it was confirmed, an empty one when it was full."""
    for reading, full_at in ((READING, at(3)), (replace(READING, empty=False), at(11))):
        data = encode_reading(reading, KEY, secret)
        said = encode_confirmation(replace(CONFIRMED, empty=reading.empty), data, KEY, secret)
        found = apply_confirmation(reading, data, said, KEY, secret)
        assert found == replace(CONFIRMED, empty=reading.empty, full_at=full_at)
        assert apply_confirmation(reading, data, said, "other", secret) is reading
        assert apply_confirmation(reading, data, said, KEY, b"salt") is reading
        assert apply_confirmation(reading, data, said[:-1], KEY, secret) is reading
        other = encode_reading(replace(reading, count=6), KEY, secret)
        assert apply_confirmation(reading, other, said, KEY, secret) is reading


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("fetched", [micros(FIRST), micros(LAST)], [None, *NOT_NEAR]),
        ("read", [micros(FIRST), micros(LAST)], [None, *NOT_NEAR]),
        ("asked", [None, micros(FIRST), micros(LAST)], NOT_NEAR),
        ("etag", [None, "x"], NO_TEXT),
        ("modified", [None, "x"], NO_TEXT),
        ("of", [], ["", None, "00" * 16]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_odd_confirmation_confirms_nothing(name: str, good: list[Any], bad: list[Any]) -> None:
    """The reading is then as it was stored."""
    for value in good:
        assert confirmed({name: value}) is not READING, value
    for value in bad:
        assert confirmed({name: value}) is READING, value
