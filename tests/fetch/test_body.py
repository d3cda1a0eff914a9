"""The body decides what it is (quirks Q007, Q008, Q013, Q024), within bounds."""

from __future__ import annotations

import gzip
import os
import random
import threading
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.fetch import Failed
from extcal.fetch.body import MAX_GZIP_MEMBERS, Body, failure_of
from extcal.fetch.http import body_room
from extcal.fetch.http.body_room import BodyRoom
from extcal.fetch.http.deadline import TIMED_OUT, Deadline, Stop
from extcal.limits import Limits

pytestmark = pytest.mark.core

CALENDAR = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


def receive(
    wire: bytes, *, gzipped: bool = True, limits: Limits | None = None, size: int = 65_536
) -> bytes | Failed:
    body = Body(limits or Limits(), gzipped=gzipped)
    for at in range(0, len(wire), size):
        for failed in body.take(wire[at : at + size]):
            if failed is not None:
                return failed
    return body.end()


def kind(outcome: bytes | Failed) -> str:
    assert isinstance(outcome, Failed)
    return outcome.kind


class TestSizes:
    """Limits hold at n and fail at n + 1."""

    def test_wire_bytes(self) -> None:
        limits = Limits(max_wire_bytes=100)
        assert receive(b"a" * 100, gzipped=False, limits=limits) == b"a" * 100
        assert kind(receive(b"a" * 101, gzipped=False, limits=limits)) == "too_large"

    def test_an_error_right_behind_the_limit(self) -> None:
        """zlib finds it in the call that gives the last byte; in small pieces it comes later."""
        plain = bytes(random.Random(3).choices(b"abc\r\n", k=120)) + b"d" * 60
        zipped = gzip.compress(plain, mtime=0)
        for at in range(10, len(zipped)):
            odd = zipped[:at] + bytes([zipped[at] ^ 0x55]) + zipped[at + 1 :]
            for most in range(1, len(plain) + 2, 3):
                limits = Limits(max_decoded_bytes=most)
                whole = receive(odd, limits=limits)
                assert receive(odd, limits=limits, size=1) == whole, (at, most)

    def test_an_error_in_what_follows_the_limit_before_any_byte_of_it(self) -> None:
        """A block of deflate begins with tables, from which no byte comes (RFC 1951 3.2.7)."""
        packer = zlib.compressobj(wbits=31)
        first = packer.compress(b"a" * 50) + packer.flush(zlib.Z_FULL_FLUSH)
        plain = bytes(random.Random(4).choices(b"abcdefghijklmnop\r\n:;=", k=2_000))
        zipped = first + packer.compress(plain) + packer.flush()
        limits = Limits(max_decoded_bytes=50)
        for at in range(len(first), len(first) + 60):
            odd = zipped[:at] + bytes([zipped[at] ^ 0x55]) + zipped[at + 1 :]
            found = {receive(odd, limits=limits, size=size) for size in (1, 7, 20, 9_999)}
            assert len(found) == 1, at

    @pytest.mark.parametrize("size", [1, 7, 10_000])
    def test_too_large_or_broken_whatever_the_pieces(self, size: int) -> None:
        """A body that passes the limit before it breaks is too large, also in one piece."""
        packer = zlib.compressobj(0, wbits=31)  # stored: every byte is where it was
        wire = packer.compress(b"x" * 5_000) + packer.flush()
        wire = wire[:3_000] + b"\xff" * 9 + wire[3_000:-8] + b"\0" * 8
        for most, told in ((2_000, "too_large"), (9_000, "bad_encoding")):
            limits = Limits(max_decoded_bytes=most)
            assert kind(receive(wire, limits=limits, size=size)) == told

    @pytest.mark.parametrize("size", [1, 7, 150, 10_000])
    def test_too_much_or_broken_on_the_wire_whatever_the_pieces(self, size: int) -> None:
        """A body that breaks before it passes the limit is broken, also in one piece."""
        limits = Limits(max_wire_bytes=100)
        zipped = gzip.compress(random.Random(1).randbytes(300))
        for wire, told in (
            (b"no gzip" * 90, "bad_encoding"),
            (zipped[:10] + b"\xff" * 400, "bad_encoding"),
            (zipped, "too_large"),
            (zipped[:120] + b"\xff" * 400, "too_large"),
        ):
            assert kind(receive(wire, limits=limits, size=size)) == told
        unannounced = zipped[:2] + b"\xff" * 400
        assert kind(receive(unannounced, gzipped=False, limits=limits, size=size)) == "bad_encoding"

    def test_nothing_comes_after_a_failure(self) -> None:
        body = Body(Limits(max_wire_bytes=100), gzipped=False)
        (failed,) = body.take(b"a" * 101)
        assert failed is not None
        assert failed.kind == "too_large"
        # Broken in front of the limit, in a piece that goes beyond it.
        steps = list(Body(Limits(max_wire_bytes=100), gzipped=True).take(b"no gzip" * 90))
        assert [step.kind for step in steps if step is not None] == ["bad_encoding"]

    def test_decoded_bytes(self) -> None:
        limits = Limits(max_decoded_bytes=100)
        assert receive(gzip.compress(b"a" * 100), limits=limits) == b"a" * 100
        assert kind(receive(gzip.compress(b"a" * 101), limits=limits)) == "too_large"
        assert kind(receive(b"a" * 101, gzipped=False, limits=limits)) == "too_large"

    def test_a_bomb_is_noticed_before_it_has_unfolded(self) -> None:
        bomb = gzip.compress(b"\0" * 50_000_000)
        assert len(bomb) < 65_536
        assert kind(receive(bomb, limits=Limits(max_decoded_bytes=1_000_000))) == "too_large"


class TestPieces:
    """The first bytes decide whether a body is compressed, however they are cut."""

    @pytest.mark.parametrize("size", [1, 2, 3])
    def test_gzip_without_a_word_is_seen_in_any_pieces(self, size: int) -> None:
        wire = gzip.compress(CALENDAR)
        assert receive(wire, gzipped=False, size=size) == CALENDAR

    def test_a_body_of_one_byte_is_kept(self) -> None:
        assert receive(b"B", gzipped=False) == b"B"


class TestGzip:
    """RFC 1952: members one after another, in pieces of any size."""

    @given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.integers(1, 50))
    def test_members_join_whatever_the_pieces(self, parts: list[bytes], size: int) -> None:
        wire = b"".join(gzip.compress(part) for part in parts)
        assert receive(wire, size=size) == b"".join(parts)

    @pytest.mark.parametrize("size", [1_048_575, 1_048_576, 1_048_577, 3_145_728])
    def test_nothing_is_left_behind_in_the_inflater(self, size: int) -> None:
        body = b"a" * size
        assert receive(gzip.compress(body)) == body
        assert receive(gzip.compress(body) + gzip.compress(CALENDAR), size=7_000) == body + CALENDAR

    def test_padding_with_zeros_is_allowed(self) -> None:
        assert receive(gzip.compress(CALENDAR) + b"\0" * 100, size=10) == CALENDAR

    def test_members_are_counted(self) -> None:
        assert receive(gzip.compress(b"a") * MAX_GZIP_MEMBERS) == b"a" * MAX_GZIP_MEMBERS
        assert kind(receive(gzip.compress(b"a") * (MAX_GZIP_MEMBERS + 1))) == "bad_encoding"

    @given(st.integers(min_value=1))
    def test_a_cut_is_a_cut(self, cut: int) -> None:
        wire = gzip.compress(CALENDAR * 50)
        assert kind(receive(wire[: 1 + cut % (len(wire) - 1)])) == "truncated"

    @pytest.mark.parametrize(
        "wire",
        [
            CALENDAR,
            zlib.compress(CALENDAR),
            gzip.compress(CALENDAR, mtime=0) + b"trailing",
            b"\x1f\x8bxxxxxxxxxxxx",
        ],
    )
    def test_what_is_no_gzip(self, wire: bytes) -> None:
        assert kind(receive(wire)) == "bad_encoding"

    @given(st.binary(max_size=200))
    def test_any_bytes_give_a_body_or_a_failure(self, wire: bytes) -> None:
        outcome = receive(wire)
        assert isinstance(outcome, (bytes, Failed))

    @pytest.mark.parametrize(
        "wire",
        [CALENDAR, gzip.compress(b"a", mtime=0) * (MAX_GZIP_MEMBERS + 1), b"\0" * 9 + CALENDAR],
    )
    def test_a_failure_is_the_last_step(self, wire: bytes) -> None:
        *before, last = Body(Limits(), gzipped=True).take(wire)
        assert set(before) <= {None}
        assert last is not None
        assert last.kind == "bad_encoding"

    @pytest.mark.parametrize("kept", [1, 9, 10, 11, -9, -8, -1])
    def test_a_cut_wherever_it_is(self, kept: int) -> None:
        assert kind(receive(gzip.compress(CALENDAR)[:kept])) == "truncated"

    def test_a_step_is_a_mebibyte(self) -> None:
        """Between two steps a driver looks at its deadline."""
        bomb = gzip.compress(b"\0" * 8_388_608)
        assert len(list(Body(Limits(), gzipped=True).take(bomb))) >= 8

    def test_an_empty_body_is_empty(self) -> None:
        assert receive(b"") == b""


class TestWhatItLooksLike:
    """A failure says what came back, in words of our own."""

    @pytest.mark.parametrize(
        "body",
        [
            CALENDAR,
            b"begin:vcalendar\n",
            b"\xef\xbb\xbf" + CALENDAR,
            b"\r\n \t\xef\xbb\xbf\r\n" + CALENDAR,
            "\ufeffBEGIN:VCALENDAR\r\n".encode("utf-16-le"),
            "\ufeffBEGIN:VCALENDAR\r\n".encode("utf-16-be"),
            b"# exported by hand\r\n" + CALENDAR,
            CALENDAR + b"<!DOCTYPE html>Oops",
        ],
    )
    def test_a_calendar(self, body: bytes) -> None:
        assert failure_of(body, None) is None

    @pytest.mark.parametrize(
        ("body", "kind", "word"),
        [
            (b"", "empty", "empty"),
            (b" \r\n\t", "empty", "empty"),
            (b"\xef\xbb\xbf\r\n", "empty", "empty"),
            (b" " * 10_000, "empty", "empty"),
            (b"<!DOCTYPE html><html>", "html", "web page"),
            (b"\xef\xbb\xbf <HTML>" + CALENDAR, "html", "web page"),
            (b"<?xml version='1.0'?><d:multistatus/>", "not_a_calendar", "XML"),
            (b"<d:error xmlns:d='DAV:'/>", "not_a_calendar", "XML"),
            (b'{"error": "no"}', "json", "error message"),
            (b"[]", "json", "error message"),
            (b"%PDF-1.7", "not_a_calendar", "PDF"),
            (b"PK\x03\x04....", "not_a_calendar", "zip"),
            (b"\x1f\x8b\x08", "bad_encoding", "compressed"),
            (b"BEGIN:VCARD\r\n", "not_a_calendar", "address book"),
            (b"BEGIN:VEVENT\r\n", "not_a_calendar", "part"),
            (b"Not found", "not_a_calendar", "no calendar"),
            (b"the line BEGIN:VCALENDAR is missing", "not_a_calendar", "no calendar"),
            (b"\xff\xfeB", "not_a_calendar", "no calendar"),
            (b" " * 10_000 + CALENDAR, "not_a_calendar", "no calendar"),
        ],
    )
    def test_something_else(self, body: bytes, kind: str, word: str) -> None:
        failed = failure_of(body, None)
        assert failed is not None
        assert failed.kind == kind
        assert word in (failed.looks_like or "")

    @pytest.mark.parametrize(
        ("provider", "word"),
        [
            ("outlook", "no longer published"),
            ("google", "Google's sign-in page"),
            (None, "sign-in"),
        ],
    )
    def test_a_sign_in_page(self, provider: str | None, word: str) -> None:
        body = b"<html><head><title>Sign in</title></head>" + b"x" * 100
        failed = failure_of(body, provider)
        assert failed is not None
        assert failed.kind == "html"
        assert word in (failed.looks_like or "")

    @given(st.binary(max_size=100))
    def test_any_bytes_are_told_apart_and_nothing_of_them_is_repeated(self, body: bytes) -> None:
        failed = failure_of(b"SECRET7f3a" + body, None)
        assert failed is not None
        assert "SECRET7f3a" not in repr(failed)


class TestRoom:
    """Large bodies that arrive at the same time wait for each other; small ones never wait."""

    @pytest.fixture(autouse=True)
    def limits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(body_room, "_MOST", 100)
        monkeypatch.setattr(body_room, "_SMALL", 10)

    def test_the_first_large_body_goes_on(self) -> None:
        room, limits = BodyRoom(), Limits()
        first, second, small = (Body(limits, gzipped=False) for _ in range(3))
        with room.receiving(first, Deadline(1)) as wait:
            list(first.take(b"a" * 90))
            wait()
            with room.receiving(second, Deadline(0.05)) as wait_too:
                list(second.take(b"b" * 11))
                with pytest.raises(Stop) as stopped:
                    wait_too()
                assert stopped.value.answer is TIMED_OUT
                list(first.take(b"a" * 900))
                wait()
                with room.receiving(small, Deadline(1)) as wait_not:
                    list(small.take(b"c" * 10))
                    wait_not()
            assert len(room._large[os.getpid()]) == 1
        assert not room._large[os.getpid()]

    def test_the_second_goes_on_when_the_first_has_arrived(self) -> None:
        room = BodyRoom()
        order: list[str] = []
        first, second = Body(Limits(), gzipped=False), Body(Limits(), gzipped=False)

        def receive_second() -> None:
            with room.receiving(second, Deadline(10)) as wait:
                list(second.take(b"b" * 99))
                wait()
                order.append("second")

        with room.receiving(first, Deadline(10)) as wait:
            list(first.take(b"a" * 99))
            wait()
            thread = threading.Thread(target=receive_second)
            thread.start()
            thread.join(0.05)
            order.append("first")
        thread.join(10)
        assert order == ["first", "second"]
