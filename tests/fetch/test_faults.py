"""Servers that drip, stall, lie, cut and flood: each gives a typed answer inside the deadline.

Nothing here measures time; every deadline is short, and a script that stalls is ended by its
fixture, so that a fetch which does not end by itself fails the test run and not a stopwatch.
"""

from __future__ import annotations

import gzip
import os
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raw_servers import CALENDAR, Fetch, Make, Script, read_head

from extcal.fetch import Failed, FetchResponse
from extcal.limits import Limits

SECRET = "SECRET-7f3a9bX2"  # what Watch looks for
OK = b"HTTP/1.1 200 OK\r\n"


def say(*pieces: bytes) -> Script:
    """Read the request, say this, hang up."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        read_head(connection)
        for piece in pieces:
            connection.sendall(piece)

    return script


def stall_after(start: bytes, *, read: bool = True) -> Script:
    """Say the start, then nothing more."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        if read:
            read_head(connection)
        connection.sendall(start)
        stop.wait(20)

    return script


def drip_after(start: bytes, drop: bytes) -> Script:
    """Say the start, then the same drop again and again."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        read_head(connection)
        connection.sendall(start)
        while not stop.wait(0.01):
            connection.sendall(drop)

    return script


def flood_after(start: bytes, wave: bytes) -> Script:
    """Say the start, then as much as fits."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        read_head(connection)
        connection.sendall(start)
        while not stop.is_set():
            connection.sendall(wave)

    return script


def reset_after(start: bytes) -> Script:
    """Say the start, then reset the connection."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        read_head(connection)
        connection.sendall(start)
        stop.wait(0.02)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return script


def echo(start: bytes, end: bytes = b"\r\n\r\n") -> Script:
    """Say back what was asked for, address and all."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        asked = connection.recv(65_536).partition(b"\r\n")[0].split()[1]
        connection.sendall(start + asked + end)

    return script


def pieces(*several: bytes) -> Script:
    """Say one piece after the other, and each in a packet of its own."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        read_head(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in several:
            connection.sendall(piece)
            stop.wait(0.02)

    return script


def chunked(*several: bytes) -> bytes:
    framed = [b"%x\r\n%b\r\n" % (len(each), each) for each in several]
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(framed)


def redirect(to: bytes) -> Script:
    return say(b"HTTP/1.1 302 Found\r\nLocation: " + to + b"\r\nContent-Length: 0\r\n\r\n")


GZIP = OK + b"Content-Encoding: gzip\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB = gzip.compress(b"\0" * 5_000_000)
HOLLOW = b"\x1f\x8b\x08\0\0\0\0\0\0\x03"  # the head of a gzip member (RFC 1952 section 2.3)
EMPTY = b"\0\0\0\xff\xff"  # a stored block of no bytes, and not the last (RFC 1951 section 3.2.4)

# What a server does; the kinds of failure (or the type of answer) it may come to.
FAULTS: dict[str, tuple[Script, str]] = {
    # Silence and slowness
    "says nothing": (stall_after(b""), "timeout"),
    "never reads": (stall_after(b"", read=False), "timeout"),
    "stalls in the status line": (stall_after(b"HTTP/1.1 20"), "timeout"),
    "stalls in the head": (stall_after(OK + b"Content-"), "timeout"),
    "stalls before the body": (stall_after(OK + b"Content-Length: 9\r\n\r\n"), "timeout"),
    "stalls in the body": (
        stall_after(OK + b"Content-Length: 999\r\n\r\n" + CALENDAR),
        "timeout",
    ),
    "stalls in a chunk": (stall_after(CHUNKED + b"ff\r\nBEGIN"), "timeout"),
    "stalls in the gzip": (
        stall_after(GZIP + b"\r\n" + gzip.compress(CALENDAR)[:20]),
        "timeout",
    ),
    "stalls after the last byte": (stall_after(OK + b"\r\n" + CALENDAR), "timeout"),
    "drips the status line": (drip_after(b"HTTP/1.1 2", b"0"), "timeout protocol"),
    "drips header fields": (drip_after(OK, b"X: y\r\n"), "timeout protocol"),
    "drips one header field": (drip_after(OK + b"X: ", b"y"), "timeout protocol"),
    "drips the body": (drip_after(OK + b"Content-Length: 99999\r\n\r\n", b"B"), "timeout"),
    "drips an endless body": (drip_after(OK + b"\r\n", b"B"), "timeout"),
    "drips chunks": (drip_after(CHUNKED, b"1\r\nB\r\n"), "timeout"),
    "drips a chunk's size": (drip_after(CHUNKED, b"0"), "timeout protocol"),
    "drips gzip that holds nothing": (drip_after(GZIP + b"\r\n" + HOLLOW, EMPTY), "timeout"),
    "drips interim answers": (drip_after(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"), "timeout"),
    "interim answers without end": (
        flood_after(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 500),
        "timeout too_large",
    ),
    "blank lines without end": (flood_after(b"", b"\r\n" * 500), "timeout too_large protocol"),
    # Connections that break
    "hangs up at once": (say(), "connect"),
    "resets before the head": (reset_after(b""), "connect"),
    "resets in the head": (reset_after(OK + b"X:"), "connect"),
    "resets in the body": (
        reset_after(OK + b"Content-Length: 999\r\n\r\n" + CALENDAR),
        "truncated",
    ),
    "hangs up in the status line": (say(b"HTTP/1.1 2"), "protocol"),
    "hangs up in the head": (say(OK + b"Content-Le"), "protocol"),
    "hangs up in the body": (say(OK + b"Content-Length: 999\r\n\r\n" + CALENDAR), "truncated"),
    "hangs up in a chunk": (say(CHUNKED + b"ff\r\n" + CALENDAR), "truncated"),
    "hangs up before the last chunk": (say(CHUNKED + b"1\r\nB\r\n"), "truncated"),
    "hangs up in the gzip": (
        say(GZIP + b"\r\n" + gzip.compress(CALENDAR)[:-9]),
        "truncated",
    ),
    # What is not HTTP
    "is not HTTP": (say(b"SSH-2.0-OpenSSH_9.6\r\n"), "protocol"),
    "answers with TLS": (say(b"\x15\x03\x01\x00\x02\x02\x46"), "protocol"),
    "HTTP/0.9": (say(CALENDAR), "protocol"),
    "HTTP/2 in clear": (say(b"\0\0\x12\x04\0\0\0\0\0"), "protocol"),
    "a status of four digits": (say(b"HTTP/1.1 2000 OK\r\n\r\n"), "protocol"),
    "a status that is none": (say(b"HTTP/1.1 099 Odd\r\n\r\n"), "protocol"),
    "a status nobody knows": (say(b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"), "protocol"),
    "a status line without end": (say(b"HTTP/1.1 200 " + b"a" * 300_000), "protocol"),
    "a header field without a name": (say(OK + b": x\r\n\r\n" + CALENDAR), "protocol"),
    "a space before the colon": (say(OK + b"Content-Length : 5\r\n\r\nhello"), "protocol"),
    "a NUL in a header field": (say(OK + b"X: a\0b\r\n\r\n" + CALENDAR), "protocol"),
    "a huge header field": (say(OK + b"X: " + b"a" * 300_000), "protocol"),
    "many header fields": (say(OK + b"X: a\r\n" * 60_000), "protocol"),
    "switches protocols": (
        say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        "protocol",
    ),
    # Lengths that conflict
    "two lengths": (
        say(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n" + CALENDAR),
        "protocol",
    ),
    "a list of lengths": (say(OK + b"Content-Length: 1, 2\r\n\r\n" + CALENDAR), "protocol"),
    "a negative length": (say(OK + b"Content-Length: -1\r\n\r\n" + CALENDAR), "protocol"),
    "a length that is no number": (say(OK + b"Content-Length: x\r\n\r\n" + CALENDAR), "protocol"),
    "a length beyond all numbers": (
        say(OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n" + CALENDAR),
        "protocol too_large truncated",
    ),
    "a length and chunks that are none": (
        say(OK + b"Content-Length: 48\r\nTransfer-Encoding: chunked\r\n\r\n" + CALENDAR),
        "protocol",
    ),
    "a length of nothing": (say(OK + b"Content-Length: 0\r\n\r\n" + CALENDAR), "empty"),
    "a length that is too short": (
        say(OK + b"Content-Length: 7\r\n\r\n" + CALENDAR),
        "not_a_calendar",
    ),
    "a bad chunk size": (say(CHUNKED + b"xyz\r\n" + CALENDAR), "protocol"),
    "a negative chunk size": (say(CHUNKED + b"-1\r\n" + CALENDAR), "protocol"),
    "a chunk size beyond all numbers": (say(CHUNKED + b"f" * 40 + b"\r\nB"), "protocol truncated"),
    "a chunk longer than it says": (say(CHUNKED + b"1\r\nBEGIN\r\n0\r\n\r\n"), "protocol"),
    "an unknown transfer encoding": (
        say(OK + b"Transfer-Encoding: gzip\r\n\r\n" + CALENDAR),
        "protocol",
    ),
    # Floods and bombs
    "a large length": (say(OK + b"Content-Length: 99999999\r\n\r\n"), "too_large"),
    "a flood": (flood_after(OK + b"\r\n", b"B" * 65_536), "too_large"),
    "a flood of gzip that holds nothing": (
        flood_after(GZIP + b"\r\n" + HOLLOW, EMPTY * 10_000),
        "too_large",
    ),
    "a flood of chunks": (flood_after(CHUNKED, b"1\r\nB\r\n" * 5_000), "too_large timeout"),
    "a flood of chunk extensions": (
        flood_after(CHUNKED, b"1;" + b"x" * 20_000 + b"\r\nB\r\n"),
        "too_large protocol timeout",
    ),
    "a flood of trailers": (
        flood_after(CHUNKED + b"0\r\n", b"X: y\r\n" * 5_000),
        "protocol too_large truncated",
    ),
    "a gzip bomb": (say(GZIP + b"\r\n" + BOMB), "too_large"),
    "a gzip bomb in chunks": (
        say(chunked(BOMB).replace(b"\r\n", b"\r\nContent-Encoding: gzip\r\n", 1)),
        "too_large",
    ),
    "a bomb in a bomb": (
        say(OK + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(BOMB)),
        "bad_encoding",
    ),
    "a bomb that is told only once": (
        say(GZIP + b"\r\n" + gzip.compress(gzip.compress(CALENDAR))),
        "bad_encoding",
    ),
    "gzip in a hundred members": (
        say(GZIP + b"\r\n" + gzip.compress(b"B") * 100),
        "bad_encoding",
    ),
    "gzip that is none": (say(GZIP + b"\r\n" + CALENDAR), "bad_encoding"),
    "an encoding nobody asked for": (
        say(OK + b"Content-Encoding: br\r\n\r\n" + CALENDAR),
        "bad_encoding",
    ),
    # Redirects
    "a redirect to itself": (redirect(b"?"), "too_many_redirects"),
    "a redirect to a private address": (
        redirect(b"http://10.0.0.1/" + SECRET.encode()),
        "redirect_refused",
    ),
    "a redirect to a private name": (
        redirect(b"https://metadata.google.internal/" + SECRET.encode()),
        "redirect_refused",
    ),
    "a redirect to a file": (redirect(b"file:///etc/passwd"), "redirect_refused"),
    "a redirect to another protocol": (redirect(b"gopher://127.0.0.1:6379/_"), "redirect_refused"),
    "a redirect with a password": (
        redirect(b"http://ada:" + SECRET.encode() + b"@127.0.0.1/"),
        "redirect_refused",
    ),
    "a redirect to an odd address": (redirect(b"http://2130706433/"), "redirect_refused"),
    "a redirect with a backslash": (redirect(b"/\\127.0.0.1/"), "redirect_refused"),
    "a redirect to nowhere": (redirect(b""), "redirect_refused"),
    "a redirect of raw bytes": (
        redirect(b"http://\xff\xfe/" + SECRET.encode()),
        "redirect_refused",
    ),
    "a redirect with a body that floods": (
        flood_after(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n", b"B" * 65_536),
        "redirect_refused",
    ),
    # Answers that say what was asked for
    "repeats the address in its reason": (echo(b"HTTP/1.1 404 "), "Refused"),
    "repeats the address in a field": (echo(b"HTTP/1.1 500 Oops\r\nX-Asked: "), "server_error"),
    "repeats the address on a page": (echo(OK + b"\r\n<html>", b"</html>"), "html"),
    "repeats the address as data": (echo(OK + b'\r\n{"asked": "', b'"}'), "json"),
    "repeats the address as text": (echo(OK + b"\r\n", b""), "not_a_calendar"),
    "repeats the address as a redirect": (
        echo(b"HTTP/1.1 302 Found\r\nLocation: https://10.0.0.1"),
        "redirect_refused",
    ),
    "repeats the address as what Outlook says": (
        echo(b"HTTP/1.1 500 Oops\r\nX-OWA-Error: Unsupported "),
        "client_refused",
    ),
    "repeats the address as a status": (echo(b"HTTP/1.1 "), "protocol"),
    "asks to be left alone": (
        say(b"HTTP/1.1 429 Slow\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"),
        "Refused",
    ),
    "is gone": (say(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"), "Gone"),
    "is not ready": (
        say(b"HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"),
        "server_error",
    ),
    "has not changed, though nobody asked": (say(b"HTTP/1.1 304 Same\r\n\r\n"), "protocol"),
    "sends nothing": (say(OK + b"\r\n"), "empty"),
    "answers without a body": (say(b"HTTP/1.1 204 Empty\r\n\r\n"), "empty"),
    "answers a part": (say(b"HTTP/1.1 206 Part\r\n\r\n" + CALENDAR), "protocol"),
}


def test_there_are_enough_of_them() -> None:
    assert len(FAULTS) >= 90


@pytest.mark.usefixtures("second_try_soon")
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_a_typed_answer_and_tells_no_secret(
    fault: str, raw: Callable[[Script], Any], fetch: Fetch, make: Make, watch: Any
) -> None:
    """Security section 5: not in the answer, not in a log at DEBUG, whatever the server does."""
    script, kinds = FAULTS[fault]
    limits = Limits(max_wire_bytes=1_000_000, max_decoded_bytes=2_000_000)
    url = raw(script).url(f"/{SECRET}/a.ics?key={SECRET}")
    fetcher = make(allow_networks="127.0.0.0/8", jitter=lambda: 0.0)
    answer = fetch(
        url, deadline=0.1 if "timeout" in kinds else 20.0, limits=limits, fetcher=fetcher
    )
    assert isinstance(answer, get_args(FetchResponse))
    assert getattr(answer, "kind", type(answer).__name__) in kinds.split()
    assert not isinstance(answer, Failed) or answer.looks_like
    assert watch.leaks(answer, fetcher) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.sampled_from([b"", b"HTTP/1.1 ", OK, OK + b"Content-Encoding: gzip\r\n"]),
    rest=st.binary(max_size=200)
    | st.lists(
        st.sampled_from(
            b"\r\n|\r\n\r\n|Content-Length: 3|Transfer-Encoding: chunked|5|302 Found|Location: /x"
            b"|304|:|\0|BEGIN:VCALENDAR".split(b"|")
        ),
        max_size=8,
    ).map(b"".join),
)
def test_any_bytes_are_answered_with_a_value(
    raw: Callable[[Script], Any], fetch: Fetch, head: bytes, rest: bytes
) -> None:
    """Whatever a server says, a fetcher returns, and never for a mistake of its own."""
    # With less than 1.5 s nothing is tried twice.
    answer = fetch(raw(say(head + rest)).url(), deadline=1.4)
    assert isinstance(answer, get_args(FetchResponse))
    assert getattr(answer, "kind", None) != "fetcher_error"


def test_an_answer_that_comes_before_the_request_was_read(
    raw: Callable[[Script], Any], fetch: Fetch
) -> None:
    def script(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n")
        read_head(connection)

    assert getattr(fetch(raw(script).url()), "status", None) == 410


def test_interim_answers_are_passed_over(raw: Callable[[Script], Any], fetch: Fetch) -> None:
    head = b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK + b"Content-Length: %d\r\n\r\n" % len(CALENDAR)
    assert getattr(fetch(raw(say(head, CALENDAR)).url()), "body", None) == CALENDAR


def test_what_follows_the_announced_length_is_not_read(
    raw: Callable[[Script], Any], fetch: Fetch
) -> None:
    head = OK + b"Content-Length: %d\r\n\r\n" % len(CALENDAR)
    assert getattr(fetch(raw(say(head + CALENDAR + b"more")).url()), "body", None) == CALENDAR


def test_nobody_listens(fetch: Fetch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = fetch(f"http://127.0.0.1:{port}/")
    assert isinstance(answer, Failed)
    assert answer.kind == "connect"


def test_a_connection_that_is_never_accepted(fetch: Fetch) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        try:
            for client in waiting:
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", port))
            answer = fetch(f"http://127.0.0.1:{port}/", deadline=0.3)
        finally:
            for client in waiting:
                client.close()
    assert isinstance(answer, Failed)
    assert answer.kind in {"timeout", "connect"}


def test_a_deadline_of_nothing(fetch: Fetch) -> None:
    answer = fetch("http://127.0.0.1:9/", deadline=0.0)
    assert isinstance(answer, Failed)
    assert answer.kind == "timeout"


def test_the_redirects_share_one_deadline(raw: Callable[[Script], Any], fetch: Fetch) -> None:
    def script(connection: socket.socket, stop: threading.Event) -> None:
        read_head(connection)
        stop.wait(0.08)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /next\r\n\r\n")

    answer = fetch(raw(script).url(), deadline=0.15)
    assert isinstance(answer, Failed)
    assert answer.kind == "timeout"


@pytest.mark.serial
def test_many_fetches_leave_nothing_behind(
    raw: Callable[[Script], Any], fetch: Fetch, make: Make
) -> None:
    """Connections, threads and files, whether the fetch went well or not."""
    good = raw(say(OK + b"\r\n" + CALENDAR)).url()
    bad = raw(reset_after(OK + b"Content-Length: 999\r\n\r\n")).url()
    fetcher = make(allow_networks="127.0.0.0/8")
    fetch(good, fetcher=fetcher)

    def used() -> int:
        return len(os.listdir("/dev/fd"))

    before = used()
    for _ in range(20):
        fetch(good, fetcher=fetcher)
        fetch(bad, fetcher=fetcher, deadline=1.4)
    # The servers' own ends may take a moment to close.
    for _ in range(100):
        if used() <= before:
            break
        threading.Event().wait(0.02)
    assert used() <= before + 1
