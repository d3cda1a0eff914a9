"""Snapshots and attempt records as bytes. Versioned, checked, no pickle, and no address inside.

Layout, numbers in network order::

    "xcal" layout kind checksum[16]   layout is READINGS, ATTEMPTS, LISTS, HOSTS or CONFIRMATIONS,
                                      kind "s", "a", "l", "h" or "c"
    then for all but a snapshot: JSON
    or for a snapshot:          3 x uint32 lengths, then the sections meta (JSON),
                                busy (see extcal.cache.snapshot.packed_busy) and events (see
                                extcal.cache.snapshot.packed_events)

Busy time and events are decoded only when they are first used. The checksum is over layout, kind,
key and payload. So a cell that was damaged, cut, or stored under another key counts as missing.
With a secret it is an HMAC-SHA256 (RFC 2104) under it, cut to 16 bytes: who writes to the store but
does not know the secret cannot make a cell, and can only put an old one back under its own key.
Without one it is BLAKE2b, which anybody can compute. For any bytes, decoding returns a value or
None; it raises nothing, and neither does the use of the value. What it makes is bounded by the
limits of the cache.

The layout says only at which bytes each field stands. The version of the interpretation and of the
time zone data is a field of the reading (:mod:`extcal.cache.snapshot.made_by`). JSON may get new
members without a new layout. If a member is missing, an earlier version wrote the cell, and the
member has its default. A member that is not known was written by a later version, and is ignored.
So different versions of extcal can share a store.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from extcal.cache.freshness.rate_limited_hosts import RateLimited
from extcal.cache.freshness.values import Attempts
from extcal.cache.snapshot.made_by import MadeBy
from extcal.cache.snapshot.packed_busy import BusyTime
from extcal.cache.snapshot.packed_events import fits, marks_of
from extcal.cache.snapshot.snapshot import Reading
from extcal.errors import Problem
from extcal.limits import Limits
from extcal.values import NamedTuple, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "ATTEMPTS",
    "CONFIRMATIONS",
    "HOSTS",
    "LISTS",
    "READINGS",
    "Listing",
    "apply_confirmation",
    "decode_attempts",
    "decode_host",
    "decode_list",
    "decode_reading",
    "encode_attempts",
    "encode_confirmation",
    "encode_host",
    "encode_list",
    "encode_reading",
]

READINGS = 2
"""The layout of readings, and part of their keys.

If you raise this number, make the cache also look under the key of the previous layout when there
is nothing under the new key. Otherwise an upgrade loses the last good readings of all feeds.
"""

ATTEMPTS = 2
"""The layout of attempt records. Their keys do not depend on the layout of readings.

So back-off is kept when the layout of readings changes.
"""

LISTS = 1
"""The layout of the list of an address."""

HOSTS = 1
"""The layout of what is known of a host."""

CONFIRMATIONS = 1
"""The layout of a confirmation."""

_LAYOUTS = {b"s": READINGS, b"a": ATTEMPTS, b"l": LISTS, b"h": HOSTS, b"c": CONFIRMATIONS}
_HEADS = {kind: b"xcal" + bytes([layout]) for kind, layout in _LAYOUTS.items()}
_HEAD = 6  # bytes before the checksum
_CHECKSUM = 16
_LIMITS = Limits()
_FIRST_YEAR, _LAST_YEAR = 1900, 9000
_LONGEST = timedelta(days=7)  # no reading has a longer interval
_SMALL = 1024 * 1024  # bytes; whatever JSON of this length holds, it is some ten megabytes
_SPARSE = 40  # bytes for each value of longer JSON: a list of thousands of keys has 80 and more
_LENGTHS = struct.Struct("!3I")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


def encode_reading(reading: Reading, key: str, secret: bytes | None = None) -> bytes:
    """``reading`` as the data of the cell under ``key``."""
    made_by = reading.made_by
    meta = _json(
        {
            "fetched": _micros(reading.fetched_at),
            "read": _micros(reading.read_at),
            "full": _micros(reading.full_at),
            "complete": reading.complete,
            "listed": reading.events_complete,
            "empty": reading.empty,
            "etag": reading.etag,
            "modified": reading.last_modified,
            "interval": _seconds(reading.refresh_interval),
            "count": reading.count,
            "asked": _micros(reading.asked_at),
            "planned": reading.planned,
            "zones": None if made_by is None else made_by.zone_data,
            "rules": None if made_by is None else made_by.interpretation,
            "body": reading.body,
            "problems": [[p.code, p.message, p.line, p.uid, p.action] for p in reading.problems],
        }
    )
    sections = (meta, reading.busy.packed, reading.packed)
    body = _LENGTHS.pack(*map(len, sections)) + b"".join(sections)
    return _seal(b"s", key, body, secret)


def decode_reading(
    data: bytes, key: str, secret: bytes | None = None, limits: Limits = _LIMITS
) -> Reading | None:
    """What :func:`encode_reading` wrote for ``key``, or None.

    None, too, for what no feed within ``limits`` can be. Those are not asked of a cell that only
    the holder of ``secret`` can have written.
    """
    body = _open(b"s", key, data, secret)
    if body is None:
        return None
    try:
        first, second, third = _LENGTHS.unpack_from(body)
        at = _LENGTHS.size
        most = 6 * limits.max_problems + 4 * limits.max_occurrences + _SMALL // _SPARSE
        meta = _loaded(body[at : at + first], most)
        busy = BusyTime.read(body[at + first : at + first + second])
        packed = body[at + first + second :]
        if len(packed) != third:
            return None
        count = _number(meta["count"])
        if secret is None and packed and not fits(packed, count, limits):
            return None
        return Reading(
            busy=busy,
            complete=bool(meta["complete"]),
            events_complete=bool(meta["listed"]),
            empty=bool(meta["empty"]),
            problems=tuple([_problem(*problem) for problem in meta["problems"]]),
            fetched_at=_needed(_near(_moment(meta["fetched"]))),
            read_at=_needed(_near(_moment(meta["read"]))),
            full_at=_near(_moment(meta["full"])),
            etag=_text(meta["etag"]),
            last_modified=_text(meta["modified"]),
            refresh_interval=_length(meta["interval"]),
            count=count,
            packed=packed,
            asked_at=_near(_moment(meta.get("asked"))),
            made_by=_made_by(meta.get("zones"), meta.get("rules")),
            planned=tuple(
                [(_number(i), _integer(s), _integer(d)) for i, s, d in meta.get("planned", ())]
            ),
            body=_text(meta.get("body")),
        )
    except _ERRORS:
        return None


def encode_confirmation(
    reading: Reading, data: bytes, key: str, secret: bytes | None = None
) -> bytes:
    """That the source confirmed a reading, as the data of the cell under ``key``.

    ``reading`` as it was confirmed; ``data`` is the cell of the reading as it was stored before.
    The confirmation is of this cell and no other.
    """
    record = {
        "of": data[_HEAD : _HEAD + _CHECKSUM].hex(),
        "fetched": _micros(reading.fetched_at),
        "asked": _micros(reading.asked_at),
        "read": _micros(reading.read_at),
        "etag": reading.etag,
        "modified": reading.last_modified,
    }
    return _seal(b"c", key, _json(record), secret)


def apply_confirmation(
    reading: Reading, data: bytes, confirmation: bytes, key: str, secret: bytes | None = None
) -> Reading:
    """``reading``, decoded from ``data``, with what ``confirmation`` (a cell's data) says of it.

    Unchanged if the confirmation is damaged, or of another cell: somebody has stored a new reading
    since.
    """
    body = _open(b"c", key, confirmation, secret)
    if body is None:
        return reading
    try:
        said = _loaded(body)
        if said["of"] != data[_HEAD : _HEAD + _CHECKSUM].hex():
            return reading
        fetched_at = _needed(_near(_moment(said["fetched"])))
        return replace(
            reading,
            fetched_at=fetched_at,
            asked_at=_near(_moment(said["asked"])),
            read_at=_needed(_near(_moment(said["read"]))),
            full_at=reading.full_at if reading.empty else fetched_at,
            etag=_text(said["etag"]),
            last_modified=_text(said["modified"]),
        )
    except _ERRORS:
        return reading


def encode_attempts(attempts: Attempts, key: str, secret: bytes | None = None) -> bytes:
    """``attempts`` as the data of the cell under ``key``."""
    record = {
        "last": _micros(attempts.last),
        "failures": attempts.failures,
        "next": _micros(attempts.next_try),
        "asked": attempts.asked_to_wait,
        "kind": attempts.kind,
        "hint": attempts.hint,
        "refusals": attempts.refusals,
        "since": _micros(attempts.refused_since),
        "gone": attempts.gone,
        "early": [_micros(moment) for moment in attempts.early],
        "doubted": _micros(attempts.doubted),
    }
    return _seal(b"a", key, _json(record), secret)


def decode_attempts(data: bytes, key: str, secret: bytes | None = None) -> Attempts | None:
    """What :func:`encode_attempts` wrote for ``key``, or None."""
    body = _open(b"a", key, data, secret)
    if body is None:
        return None
    try:
        record = _loaded(body)
        return Attempts(
            last=_near(_moment(record["last"])),
            failures=_number(record["failures"]),
            next_try=_near(_moment(record["next"])),
            asked_to_wait=bool(record["asked"]),
            kind=_text(record["kind"]),
            hint=_text(record["hint"]),
            refusals=_number(record["refusals"]),
            refused_since=_near(_moment(record["since"])),
            gone=bool(record["gone"]),
            # Earlier versions did not write these two.
            early=tuple([_needed(_near(_moment(moment))) for moment in record.get("early", ())]),
            doubted=_near(_moment(record.get("doubted"))),
        )
    except _ERRORS:
        return None


class Listing(NamedTuple):
    """The list of one address: the keys of its snapshots, each with the time until it is listed.

    ``generation``: a new one each time the address is forgotten; None if it never was.
    """

    generation: str | None = None
    names: Mapping[str, datetime] = MappingProxyType({})


def encode_list(listing: Listing, key: str, secret: bytes | None = None) -> bytes:
    """``listing`` as the data of the cell under ``key``."""
    names = {name: _micros(moment) for name, moment in listing.names.items()}
    record = {"generation": listing.generation, "names": names}
    return _seal(b"l", key, _json(record), secret)


def decode_list(data: bytes, key: str, secret: bytes | None = None) -> Listing | None:
    """What :func:`encode_list` wrote for ``key``, or None."""
    body = _open(b"l", key, data, secret)
    if body is None:
        return None
    try:
        record = _loaded(body)
        names = {name: _needed(_moment(until)) for name, until in record["names"].items()}
        return Listing(_text(record["generation"]), names)
    except _ERRORS:
        return None


def encode_host(rate_limited: RateLimited, key: str, secret: bytes | None = None) -> bytes:
    """``rate_limited`` as the data of the cell under ``key``."""
    told = [[feed, _micros(at)] for feed, at in rate_limited.told]
    record = {"told": told, "until": _micros(rate_limited.until), "times": rate_limited.times}
    return _seal(b"h", key, _json(record), secret)


def decode_host(data: bytes, key: str, secret: bytes | None = None) -> RateLimited | None:
    """What :func:`encode_host` wrote for ``key``, or None."""
    body = _open(b"h", key, data, secret)
    if body is None:
        return None
    try:
        record = _loaded(body)
        told = tuple([(str(feed), _needed(_moment(at))) for feed, at in record["told"]])
        return RateLimited(told, _moment(record["until"]), _number(record["times"]))
    except _ERRORS:
        return None


# -- envelope ------------------------------------------------------------------------------------


def _seal(kind: bytes, key: str, body: bytes, secret: bytes | None = None) -> bytes:
    return _HEADS[kind] + kind + _check(kind, key, body, secret) + body


def _open(kind: bytes, key: str, data: bytes, secret: bytes | None = None) -> bytes | None:
    begin = _HEADS[kind] + kind
    head = len(begin)
    import hmac

    body = data[head + _CHECKSUM :]
    check = data[head : head + _CHECKSUM]
    if data[:head] != begin or not hmac.compare_digest(check, _check(kind, key, body, secret)):
        return None
    return body


def _check(kind: bytes, key: str, body: bytes, secret: bytes | None) -> bytes:
    # A key may have any length, and BLAKE2b takes 64 bytes at most; so the key is hashed first.
    bound = hashlib.sha256(kind + key.encode()).digest()
    if secret is None:
        return hashlib.blake2b(body, digest_size=_CHECKSUM, key=bound).digest()
    import hmac

    # "cell" and a zero: no message of which a key is made begins like this.
    check = hmac.new(secret, b"extcal cell\0" + _HEADS[kind] + kind + bound, "sha256")
    check.update(body)
    return check.digest()[:_CHECKSUM]


def _json(value: object) -> bytes:
    # Some feeds contain lone surrogates, which UTF-8 cannot encode. As JSON escapes they can be.
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _loaded(text: bytes, most: int | None = None) -> Any:
    """The value of JSON that :func:`_json` wrote, or ValueError for what it cannot have written.

    ``most``: how many values it may have, if it is long. Three bytes of ``[],[],[]`` take sixty in
    memory, and what is not ASCII up to nine times its length.
    """
    if most is None:
        most = len(text) // _SPARSE
    if not text.isascii() or (len(text) > _SMALL and sum(marks_of(text)[1:]) > most):
        raise ValueError("this JSON is not of ours")
    return json.loads(text)


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def _moment(micros: object) -> datetime | None:
    return None if micros is None else _EPOCH + timedelta(microseconds=_integer(micros))


def _near(moment: datetime | None) -> datetime | None:
    """``moment``, to which some days are going to be added: that must not raise then."""
    if moment is not None and not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError("no calendar is read at such a time")
    return moment


def _made_by(zone_data: object, interpretation: object) -> MadeBy | None:
    if isinstance(zone_data, str) and isinstance(interpretation, int):
        return MadeBy(zone_data, interpretation)
    return None


def _problem(code: object, message: object, line: object, uid: object, action: object) -> Problem:
    if not (isinstance(code, str) and isinstance(message, str) and isinstance(action, str)):
        raise TypeError("a problem is told in words")
    return Problem(code, message, None if line is None else _number(line), _text(uid), action)


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("this is text, or nothing")
    return value


def _integer(value: object) -> int:
    if type(value) is not int:
        raise TypeError("this is a number")
    return value


def _number(value: object) -> int:
    """A count. None that is stored is larger than a few million."""
    found = _integer(value)
    if not 0 <= found < 2**32:
        raise ValueError("this is a count")
    return found


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


def _length(seconds: float | None) -> timedelta | None:
    found = None if seconds is None else timedelta(seconds=seconds)
    if found is not None and abs(found) > _LONGEST:
        raise ValueError("no such interval is stored")
    return found


def _needed(moment: datetime | None) -> datetime:
    if moment is None:
        raise ValueError("a snapshot says when it was fetched")
    return moment
