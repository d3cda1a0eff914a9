"""Servers that are odd and whole: read, with a Problem, under the same budgets (RFC 9110, 9112)."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.fetch import Failed, Fetched, FetchResponse
from extcal.fetch.body import completed, is_whole
from extcal.fetch.http.message.framing import HeadReader
from extcal.limits import Limits
from extcal.testing import event, feed_text

OK = b"HTTP/1.1 200 OK\r\n"
GOOD = feed_text(event("2027-01-04T09:00Z", "PT1H", summary="Caf\u00e9 \u00fc")).encode()
Fetch = Callable[..., FetchResponse]
Raw = Callable[[Any], Any]


def say(*pieces: bytes, then: float = 0.0) -> Any:
    """Read the request, say this piece by piece, and hang up ``then`` seconds later."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        seen = b""
        while b"\r\n\r\n" not in seen:
            seen += connection.recv(65_536)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
            stop.wait(0.002)
        stop.wait(then)

    return script


def length(number: int, body: bytes, *fields: bytes) -> bytes:
    return b"".join([OK, *fields, b"Content-Length: %d\r\n\r\n" % number, body])


def chunks(body: bytes, *, last: bytes = b"0\r\n\r\n", fields: bytes = b"") -> bytes:
    framed = b"".join(
        b"%x\r\n%b\r\n" % (len(body[at : at + 100]), body[at : at + 100])
        for at in range(0, len(body), 100)
    )
    return OK + (fields or b"Transfer-Encoding: chunked\r\n") + b"\r\n" + framed + last


def encoded(word: bytes, body: bytes = GOOD) -> bytes:
    return length(len(body), body, b"Content-Encoding: " + word + b"\r\n")


TWICE = b"Transfer-Encoding: chunked\r\n"
CHARACTERS = len(GOOD.decode())

ODD: dict[str, tuple[bytes, tuple[str, ...]]] = {
    **{
        f"Content-Encoding: {word}": (encoded(word.encode()), ("encoding_unknown",))
        for word in ("utf-8", "UTF-8", "none", "binary", "8bit", "aws-chunked", "text/calendar")
    },
    "no encoding, spelled out": (encoded(b"identity"), ()),
    "aws-chunked and gzip": (
        encoded(b"aws-chunked, gzip", gzip.compress(GOOD)),
        ("encoding_unknown",),
    ),
    "gzip without a word": (
        length(len(gzip.compress(GOOD)), gzip.compress(GOOD)),
        ("gzip_unannounced",),
    ),
    "gzip called utf-8": (
        encoded(b"utf-8", gzip.compress(GOOD)),
        ("encoding_unknown", "gzip_unannounced"),
    ),
    "chunked, named twice": (chunks(GOOD, fields=TWICE * 2), ("chunked_twice",)),
    "chunked, named three times": (chunks(GOOD, fields=TWICE * 3), ("chunked_twice",)),
    "chunked, named twice in one line": (
        chunks(GOOD, fields=b"transfer-encoding:chunked,Chunked\r\n"),
        ("chunked_twice",),
    ),
    "chunked, and a length": (
        chunks(GOOD, fields=TWICE + b"X-A: b\r\n" + TWICE + b"Content-Length: 7\r\n"),
        ("chunked_twice",),
    ),
    "the last chunk is missing": (chunks(GOOD, last=b""), ("ended_early",)),
    "the last chunk is cut": (chunks(GOOD, last=b"0\r\n"), ("ended_early",)),
    "a length that is too long": (length(len(GOOD) + 1_000, GOOD), ("ended_early",)),
    "a length that is too long by one": (length(len(GOOD) + 1, GOOD), ("ended_early",)),
    "gzip, with the length of what is inside": (
        length(10_000, gzip.compress(GOOD), b"Content-Encoding: gzip\r\n"),
        ("ended_early",),
    ),
    "a length in characters": (length(CHARACTERS, GOOD), ()),
    "a length in characters, of many umlauts": (length(len(GOOD) - 9, GOOD), ("last_line_cut",)),
    "nothing but the line's end is missing": (length(len(GOOD) - 2, GOOD), ()),
    "an early hint and an odd head": (
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + chunks(GOOD, fields=TWICE * 2),
        ("chunked_twice",),
    ),
}


@pytest.mark.parametrize("how", ODD)
def test_what_is_whole_is_read(how: str, raw: Raw, fetch: Fetch) -> None:
    """The body is the calendar, and what was odd about the answer is a Problem."""
    wire, odd = ODD[how]
    answer = fetch(raw(say(wire)).url())
    assert isinstance(answer, Fetched), answer
    assert answer.body.rstrip() == GOOD.rstrip()
    assert tuple(problem.code for problem in answer.problems) == odd


@pytest.mark.parametrize("how", ["chunked, named twice", "the last chunk is missing"])
@pytest.mark.parametrize("size", [1, 7, 64])
def test_whatever_the_pieces(how: str, size: int, raw: Raw, fetch: Fetch) -> None:
    wire, odd = ODD[how]
    cut = wire.index(b"\r\n\r\n") + 8
    pieces = [wire[at : at + size] for at in range(0, cut, size)]
    answer = fetch(raw(say(*pieces, wire[len(b"".join(pieces)) :])).url())
    assert isinstance(answer, Fetched)
    assert tuple(problem.code for problem in answer.problems) == odd


@pytest.mark.parametrize(
    ("wire", "kind"),
    [
        (length(len(GOOD) + 1_000, GOOD[: len(GOOD) * 2 // 3]), "truncated"),
        (length(len(GOOD) + 1_000, GOOD[:-9] + b"END:VEVENT\r\n"), "truncated"),
        (chunks(GOOD[:-20], last=b""), "truncated"),
        (length(len(GOOD) + 9, GOOD[:-15]), "truncated"),
        (length(999, b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"), "truncated"),
        (length(999, gzip.compress(GOOD)[:-9], b"Content-Encoding: gzip\r\n"), "truncated"),
        (length(999, gzip.compress(GOOD)[:-9]), "truncated"),
        (encoded(b"br"), "bad_encoding"),
        (encoded(b"utf-8, zstd"), "bad_encoding"),
        (encoded(b"none", b"\x00\x01\x02"), "not_a_calendar"),
        (OK + TWICE + b"Transfer-Encoding: gzip\r\n\r\n" + GOOD, "protocol"),
    ],
)
def test_what_is_not_whole_is_not(wire: bytes, kind: str, raw: Raw, fetch: Fetch) -> None:
    """Nor what could be an error in disguise: a calendar without anything in it."""
    answer = fetch(raw(say(wire)).url())
    assert isinstance(answer, Failed)
    assert answer.kind == kind


def test_a_length_in_characters_that_cuts_an_event_is_read_as_far_as_it_goes(
    raw: Raw, fetch: Fetch
) -> None:
    """More is missing than the last line: what that means is for the reader of the body to say."""
    answer = fetch(raw(say(length(len(GOOD) - 30, GOOD))).url())
    assert isinstance(answer, Fetched)
    assert answer.body == GOOD[:-30]
    assert answer.problems == ()


def test_a_connection_that_stays_open_behind_a_whole_calendar(raw: Raw, fetch: Fetch) -> None:
    """Idle time ends the wait for bytes that were announced and do not come."""
    limits = Limits(idle_timeout=0.1)
    answer = fetch(raw(say(length(len(GOOD) + 9, GOOD), then=5)).url(), limits=limits)
    assert isinstance(answer, Fetched)
    assert [problem.code for problem in answer.problems] == ["ended_early"]


@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 20"])
def test_the_head_may_take_the_whole_deadline(interim: bytes, raw: Raw, fetch: Fetch) -> None:
    """A large calendar is made when it is asked for: idle time counts between bytes of a body."""
    rest = length(len(GOOD), GOOD)[len(interim) if interim.endswith(b"20") else 0 :]

    def script(connection: socket.socket, stop: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(interim)
        stop.wait(0.15)
        connection.sendall(rest)

    limits = Limits(idle_timeout=0.05)
    assert isinstance(fetch(raw(script).url(), limits=limits), Fetched)


def test_and_no_more_than_that(raw: Raw, fetch: Fetch) -> None:
    answer = fetch(raw(say(b"", then=5)).url(), deadline=0.2)
    assert isinstance(answer, Failed)
    assert answer.kind == "timeout"


def test_the_budgets_are_the_same(raw: Raw, fetch: Fetch) -> None:
    """What comes compressed without a word is inflated under the limits of what says so."""
    bomb = gzip.compress(GOOD + b" " * 5_000_000)
    limits = Limits(max_decoded_bytes=1_000_000)
    answer = fetch(raw(say(length(len(bomb), bomb))).url(), limits=limits)
    assert isinstance(answer, Failed)
    assert answer.kind == "too_large"


class TestHeads:
    """Only the one odd framing is touched, and nothing behind the head."""

    @given(st.lists(st.binary(max_size=60), max_size=6))
    def test_nothing_is_lost(self, pieces: list[bytes]) -> None:
        reader = HeadReader()
        passed = b"".join(reader.take(piece) for piece in pieces) + reader.take(b"")
        assert passed == b"".join(pieces)

    @given(st.integers(1, 40), st.binary(max_size=40))
    def test_whatever_the_pieces(self, size: int, body: bytes) -> None:
        wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n" + TWICE + b"\r\n" + body
        reader = HeadReader()
        passed = b"".join(reader.take(wire[at : at + size]) for at in range(0, len(wire), size))
        expected = b"HTTP/1.1 200 OK\r\n" + TWICE + b"A: b\r\n\r\n" + body
        assert passed + reader.take(b"") == expected
        assert reader.odd
        assert not reader.waiting

    @given(st.integers(1, 90), st.lists(st.binary(min_size=1, max_size=9), max_size=30))
    def test_small_chunks_are_joined(self, size: int, texts: list[bytes]) -> None:
        """An HTTP library needs twenty microseconds for each. The body is the same."""
        framed = b"".join(b"%X\r\n%b\r\n" % (len(text), text) for text in texts)
        wire = OK + TWICE + b"\r\n" + framed + b"0\r\n\r\n"
        reader = HeadReader()
        pieces = [wire[at : at + size] for at in range(0, len(wire), size)]
        passed = b"".join(map(reader.take, pieces))
        _, _, rest = passed.partition(b"\r\n\r\n")
        found, count = b"", 0
        while rest != b"0\r\n\r\n":
            line, _, rest = rest.partition(b"\r\n")
            length = int(line, 16)
            assert rest[length : length + 2] == b"\r\n"
            found, rest, count = found + rest[:length], rest[length + 2 :], count + 1
        assert found == b"".join(texts)
        assert count <= 2 * len(pieces)
        assert reader.chunks == len(texts) + 1
        assert reader.exact

    def test_extensions_are_joined_and_not_exact(self) -> None:
        reader = HeadReader()
        reader.take(OK + TWICE + b"\r\n")
        assert reader.take(b"1;a=b\r\nA\r\n1 \r\nB\r\n") == b"2\r\nAB\r\n"
        reader.take(b"0\r\n\r\n")
        assert not reader.exact

    @pytest.mark.parametrize(
        "fields",
        [b"", TWICE, b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: identity\r\n"],
    )
    def test_others_stay_as_they_are(self, fields: bytes) -> None:
        wire = OK + fields + b"\r\n" + TWICE * 2
        reader = HeadReader()
        assert reader.take(wire) == wire
        assert not reader.odd

    @pytest.mark.parametrize("size", [1, 60, 400])
    def test_what_is_no_head_stays_as_it_is(self, size: int) -> None:
        """In one piece as in many; a status line behind it makes no answer of it."""
        wire = TWICE * 2 + b"HTTP/1.1 429 Slow\n\n"
        reader = HeadReader()
        passed = b"".join(reader.take(wire[at : at + size]) for at in range(0, len(wire), size))
        assert passed + reader.take(b"") == wire
        assert not reader.odd

    def test_a_head_without_end_is_passed_on(self) -> None:
        reader = HeadReader()
        assert reader.take(OK + b"X: " + b"a" * 1_000) == b""
        assert len(reader.take(b"a" * 70_000)) > 70_000


class TestEnds:
    """A calendar that ended although its connection did not."""

    @pytest.mark.parametrize(
        ("end", "whole"),
        [
            (b"END:VEVENT\r\nEND:VCALENDAR\r\n", True),
            (b"END:VEVENT\nEND:VCALENDAR", True),
            (b"end:vevent\r\nend:vcalendar\r\n\r\n \x00", True),
            (b"END:VTODO\rEND:VCALENDAR\r", True),
            (b"END:VEVENT\r\nXEND:VCALENDAR", False),
            (b"END:VEVENT\r\nEND:VCALENDA", False),
            (b"END:VEVENT\r\n", False),
            (b"END:VALARM\r\nEND:VCALENDAR", False),
            (b"", False),
        ],
    )
    def test_whole(self, end: bytes, whole: bool) -> None:
        assert is_whole(b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n" + end) is whole

    @given(st.integers(1, 12))
    def test_a_last_line_that_is_cut(self, kept: int) -> None:
        whole = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\n"
        assert completed(whole + b"END:VCALENDAR"[:kept]) == whole + b"END:VCALENDAR\r\n"

    @pytest.mark.parametrize(
        "end",
        [
            b"",
            b"END:VCALENDAR",
            b"END:VCALENDAR\r\n",
            b"BEGIN:V",
            b"X",
            b"END:VEV",
            b"END:VCALENDARS",
        ],
    )
    def test_any_other_last_line(self, end: bytes) -> None:
        assert completed(b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\n" + end) is None

    def test_the_end_of_a_part_is_no_end_of_an_event(self) -> None:
        """Behind END:VALARM the rest could be END:VEVENT, and more events."""
        assert completed(b"BEGIN:VEVENT\r\nBEGIN:VALARM\r\nEND:VALARM\r\nEND:V") is None
