"""Events as bytes and back: by columns, as deflated JSON, a thousand events to a line.

By columns they compress to a third of what they do record by record, because similar values are
beside each other. Each line is one call of json, which keeps all other threads waiting until it
ends: some milliseconds. A long text that stood in the same column before is written as the number
of that row, so that a series with a long title takes no more than its title: a feed of a megabyte
would otherwise become gigabytes here.

Reading them back executes nothing; other bytes raise ValueError. A store may be written to by
strangers, and 24 kB of forged bytes inflate to 24 MB of JSON, which could be eight million lists.
So the shape is compared with the number of events before anything is made of it.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from operator import sub

from extcal.ical.events.external_event import EventRow, ExternalEvent, event_of, row_of
from extcal.intervals.types import code_of, fbtype_of
from extcal.limits import Limits
from extcal.patterns import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["fits", "marks_of", "pack_events", "pack_rows", "unpack_events"]

_MAX_BYTES = 256 * 1024 * 1024  # of JSON. The texts of a body of 64 MiB are at most 192 MiB of it
_MAX_RATIO = 1032  # what deflate can make of a byte (zlib's documentation, "Technical details")
_ROW_BYTES = 512  # of JSON for one event, without its texts
_ESCAPED = 3  # bytes of JSON for one byte of a feed: two bytes of UTF-8 become six
_LONG = 16  # a shorter text takes hardly more room than the number of a row
_AT_A_TIME = 1_024  # rows of a line
_SMALL = 1024 * 1024  # bytes at a time; whatever JSON of this length holds, it is a few megabytes
_PIECE = 64 * 1024  # bytes
_STRINGS = pattern(rb'"[^"]*+"')
_ERRORS = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError, zlib.error)

_TIGHT = (",", ":")
_NONE = type(None)
_TYPES: tuple[frozenset[type], ...] = (
    frozenset({str, int}),  # uid
    frozenset({int, str, _NONE}),  # recurrence_id
    frozenset({int}),  # start, as the difference to the event before
    frozenset({int}),  # length
    frozenset({int}),  # all_day
    frozenset({int, _NONE}),  # first_day
    frozenset({int, _NONE}),  # last_day
    frozenset({str, int, _NONE}),  # summary
    frozenset({str, int, _NONE}),  # location
    frozenset({int}),  # fbtype
    frozenset({str, int, _NONE}),  # status
    frozenset({str, int}),  # reason
    frozenset({str, int}),  # zone_source
    frozenset({int}),  # private
)
_TEXTS = (0, 7, 8, 10, 11, 12)
_START, _LENGTH, _ALL_DAY, _SUMMARY, _LOCATION, _FBTYPE, _PRIVATE = 2, 3, 4, 7, 8, 9, 13


def pack_events(events: Iterable[ExternalEvent], *, titles: bool) -> bytes:
    """``events`` as bytes; with ``titles=False`` without their titles and places."""
    return pack_rows([*map(row_of, events)], titles=titles)


def pack_rows(rows: Sequence[EventRow], *, titles: bool) -> bytes:
    """The same for events as rows.

    Returns no bytes for events whose texts are larger than any reading may be: then they cannot be
    listed.
    """
    deflater, packed, size = zlib.compressobj(6), b"", 0
    before = 0
    first: dict[int, dict[str, int]] = {place: {} for place in _TEXTS}
    for at in range(0, max(len(rows), 1), _AT_A_TIME):
        part = rows[at : at + _AT_A_TIME]
        columns: list[Sequence[Any]] = [*zip(*part, strict=True)] or [()] * len(_TYPES)
        starts, ends = columns[_START], columns[_LENGTH]
        columns[_LENGTH] = [*map(sub, ends, starts)]
        columns[_START] = [*map(sub, starts, [before, *starts])]
        columns[_ALL_DAY] = [*map(int, columns[_ALL_DAY])]
        columns[_PRIVATE] = [*map(int, columns[_PRIVATE])]
        columns[_FBTYPE] = [*map(code_of, columns[_FBTYPE])]
        if not titles:
            columns[_SUMMARY] = columns[_LOCATION] = [None] * len(part)
        for place in _TEXTS:
            columns[place] = _once(columns[place], first[place], at)
        before = starts[-1] if starts else 0
        line = json.dumps(columns, separators=_TIGHT)
        size += len(line) + 1
        if size > _MAX_BYTES:
            return b""
        packed += deflater.compress(b"\n" * (at > 0) + line.encode("ascii"))
    return packed + deflater.flush()


def unpack_events(packed: bytes, count: int | None = None) -> tuple[ExternalEvent, ...]:
    """What :func:`pack_events` wrote. Raises ValueError if it did not write this.

    ``count``: how many events they must be, if that is known.
    """
    try:
        found: tuple[ExternalEvent, ...] | None = tuple(_events(_columns(packed, count)))
    except _ERRORS:
        found = None
    # Raised outside the handler: the error's context would show what the bytes contain.
    if found is None:
        raise ValueError("the events of this snapshot are damaged")
    return found


def fits(packed: bytes, count: int, limits: Limits) -> bool:
    """Whether a feed within ``limits`` can have ``count`` events that are these bytes.

    What is inflated here is counted and thrown away.
    """
    most = limits.max_decoded_bytes + _ROW_BYTES * max(count, 1)  # characters
    if not 0 <= count <= limits.max_occurrences:
        return False
    if len(packed) * _MAX_RATIO <= most:
        return True
    inflater, left = zlib.decompressobj(), most + (_ESCAPED - 1) * limits.max_decoded_bytes
    try:
        while packed and not inflater.eof:
            text = inflater.decompress(packed, _SMALL)
            left -= len(text)
            most -= _characters(text)
            del text  # before the next one is made
            if left < 0 or most < 0:
                return False
            packed = inflater.unconsumed_tail
    except zlib.error:
        return False
    return True


def _characters(text: bytes) -> int:
    """About how many characters the strings in a piece of JSON have: rather more than less."""
    escaped = text.count(rb"\u") - text.count(rb"\\u")
    return len(text) - 5 * max(escaped, 0) - text.count(rb"\"")


def _columns(packed: bytes, count: int | None) -> list[list[Any]]:
    columns: list[list[Any]] = [[] for _ in _TYPES]
    most = Limits().max_occurrences if count is None else count
    for line in _lines(packed):
        left = most - len(columns[0])
        # One wide character makes four bytes of each other one in its text; JSON of ours has none.
        if not line.isascii() or (len(line) > _SMALL and not _is_table(line, left)):
            raise ValueError
        table = json.loads(line)
        for column, more, types in zip(columns, table, _TYPES, strict=True):
            if type(more) is not list or not types.issuperset(map(type, more)):
                raise ValueError
            column += more
        if len({*map(len, columns)}) > 1 or len(columns[0]) > most:
            raise ValueError
    if (count is not None and len(columns[0]) != count) or min(columns[_LENGTH], default=0) < 0:
        raise ValueError
    for place in _TEXTS:
        columns[place] = _repeated(columns[place])
    return columns


def _lines(packed: bytes) -> Iterator[bytes]:
    """The lines of JSON, inflated one after the other."""
    inflater, size, line = zlib.decompressobj(), 0, bytearray()
    while not inflater.eof:
        text = inflater.decompress(packed, _SMALL)
        packed = inflater.unconsumed_tail
        size += len(text)
        if size > _MAX_BYTES or not (text or packed or inflater.eof):
            raise ValueError
        first, *others = text.split(b"\n")
        line += first
        for other in others:
            yield bytes(line)
            line = bytearray(other)
    yield bytes(line)


def _is_table(line: bytes, rows: int) -> bool:
    """Whether a line can be a list for each column, and in these no more values than for ``rows``.

    Without its strings, such JSON is 15 lists and as many commas as there are values;
    ``[[],[],[], ...]`` is not.
    """
    rows = max(rows, 1)
    size, values, lists, maps = marks_of(line)
    if size > _ROW_BYTES * rows or values > len(_TYPES) * rows:
        return False
    return lists <= len(_TYPES) + 1 and maps == 0


def marks_of(text: bytes) -> tuple[int, int, int, int]:
    """How many bytes JSON has outside of its strings, and of them commas, lists and maps."""
    size = values = lists = maps = 0
    for piece in _without_strings(text.replace(rb"\\", b"").replace(rb"\"", b"")):
        size += len(piece)
        values += piece.count(b",")
        lists += piece.count(b"[")
        maps += piece.count(b"{")
    return size, values, lists, maps


def _without_strings(bare: bytes) -> Iterator[bytes]:
    """JSON that has no escapes, without its strings, in pieces.

    Each string that the pattern finds takes some 180 bytes until all of its piece are replaced.
    """
    inside = False
    for at in range(0, len(bare), _PIECE):
        piece = b'"' * inside + bare[at : at + _PIECE]
        inside = piece.count(b'"') % 2 == 1  # a string goes on in the next piece
        yield _STRINGS.sub(b"", piece + b'"' * inside)


def _once(column: Sequence[Any], first: dict[str, int], start: int) -> list[Any]:
    """``column`` with a row's number in place of each long text that stands in that row before.

    ``first`` has these numbers, and ``start`` is that of the column's first row.
    """
    return [
        text
        if text is None or len(text) < _LONG or (row := first.setdefault(text, at)) == at
        else row
        for at, text in enumerate(column, start)
    ]


def _repeated(column: list[Any]) -> list[Any]:
    """What :func:`_once` was given."""
    found: list[Any] = []
    for text in column:
        if type(text) is int:
            text = found[text if text >= 0 else len(column)]
        found.append(text)
    return found


def _events(columns: list[list[Any]]) -> Iterator[ExternalEvent]:
    start = 0
    for row in zip(*columns, strict=True):
        uid, recurrence_id, delta, length, all_day, first, last, *rest = row
        summary, location, fbtype, status, reason, zone_source, private = rest
        start += delta
        yield event_of(
            EventRow(
                uid,
                recurrence_id,
                start,
                start + length,
                bool(all_day),
                first,
                last,
                summary,
                location,
                fbtype_of(fbtype),
                status,
                reason,
                zone_source,
                bool(private),
            )
        )
