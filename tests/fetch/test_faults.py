"""Servers that drip, stall, lie, cut and flood: each gives a typed answer inside the deadline.

Nothing here measures time; every deadline is short, and a script that stalls is ended by its
fixture, so that a fetch which does not end by itself fails the test run and not a stopwatch.
"""

from __future__ import annotations

import gc
import gzip
import inspect
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extcal.fetch import Failed, Feed, Fetcher, FetchRequest, FetchResponse
from extcal.limits import Limits

SECRET = "SECRET7f3a"
CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"
OK = b"HTTP/1.1 200 OK\r\n"
Fetch = Callable[..., FetchResponse]
Make = Callable[..., Fetcher]
Script = Callable[[socket.socket, threading.Event], None]


def read_request(connection: socket.socket) -> None:
    seen = b""
    while b"\r\n\r\n" not in seen:
        piece = connection.recv(65_536)
        if not piece:
            return
        seen += piece


def say(*pieces: bytes) -> Script:
    """Read the request, say this, hang up."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        read_request(connection)
        for piece in pieces:
            connection.sendall(piece)

    return script


def stall_after(start: bytes, *, read: bool = True) -> Script:
    """Say the start, then nothing more."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        if read:
            read_request(connection)
        connection.sendall(start)
        stop.wait(20)

    return script


def drip_after(start: bytes, drop: bytes) -> Script:
    """Say the start, then the same drop again and again."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        read_request(connection)
        connection.sendall(start)
        while not stop.wait(0.01):
            connection.sendall(drop)

    return script


def flood_after(start: bytes, wave: bytes) -> Script:
    """Say the start, then as much as fits."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        read_request(connection)
        connection.sendall(start)
        while not stop.is_set():
            connection.sendall(wave)

    return script


def reset_after(start: bytes) -> Script:
    """Say the start, then reset the connection."""

    def script(connection: socket.socket, stop: threading.Event) -> None:
        read_request(connection)
        connection.sendall(start)
        stop.wait(0.05)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return script


BOMB = gzip.compress(b"\0" * 5_000_000)
FAULTS: dict[str, tuple[Script, set[str]]] = {
    "hangs up at once": (say(), {"connect"}),
    "says nothing": (stall_after(b""), {"timeout"}),
    "never reads": (stall_after(b"", read=False), {"timeout"}),
    "drips the status line": (drip_after(b"HTTP/1.1 2", b"0"), {"timeout"}),
    "drips header fields": (drip_after(OK, b"X: y\r\n"), {"timeout", "protocol"}),
    "drips the body": (drip_after(OK + b"Content-Length: 99999\r\n\r\n", b"B"), {"timeout"}),
    "drips chunks": (
        drip_after(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nB\r\n"),
        {"timeout"},
    ),
    "drips a chunk's size": (
        drip_after(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
        {"timeout", "protocol"},
    ),
    "drips an endless body": (drip_after(OK + b"\r\n", b"B"), {"timeout"}),
    "stalls in the head": (stall_after(OK + b"Content-"), {"timeout"}),
    "stalls in the body": (
        stall_after(OK + b"Content-Length: 999\r\n\r\n" + CALENDAR),
        {"timeout"},
    ),
    "interim answers without end": (
        flood_after(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 500),
        {"timeout", "too_large"},
    ),
    "switches protocols": (
        say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        {"protocol"},
    ),
    "resets before the head": (reset_after(b""), {"connect"}),
    "resets in the head": (reset_after(OK + b"X:"), {"connect"}),
    "resets in the body": (
        reset_after(OK + b"Content-Length: 999\r\n\r\n" + CALENDAR),
        {"truncated"},
    ),
    "hangs up in the status line": (say(b"HTTP/1.1 2"), {"protocol"}),
    "hangs up in the head": (say(OK + b"Content-Le"), {"protocol"}),
    "hangs up in the body": (say(OK + b"Content-Length: 999\r\n\r\n" + CALENDAR), {"truncated"}),
    "hangs up in a chunk": (
        say(OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\n" + CALENDAR),
        {"truncated"},
    ),
    "hangs up before the last chunk": (
        say(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nB\r\n"),
        {"truncated"},
    ),
    "hangs up in the gzip": (
        say(OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(CALENDAR)[:-9]),
        {"truncated"},
    ),
    "is not HTTP": (say(b"SSH-2.0-OpenSSH_9.6\r\n"), {"protocol"}),
    "answers with TLS": (say(b"\x15\x03\x01\x00\x02\x02\x46"), {"protocol"}),
    "HTTP/0.9": (say(CALENDAR), {"protocol"}),
    "a header field without a name": (say(OK + b": x\r\n\r\n" + CALENDAR), {"protocol"}),
    "a NUL in a header field": (say(OK + b"X: a\0b\r\n\r\n" + CALENDAR), {"protocol"}),
    "a huge header field": (say(OK + b"X: " + b"a" * 300_000), {"protocol"}),
    "many header fields": (say(OK + b"X: a\r\n" * 60_000), {"protocol"}),
    "two lengths": (
        say(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n" + CALENDAR),
        {"protocol"},
    ),
    "a negative length": (say(OK + b"Content-Length: -1\r\n\r\n" + CALENDAR), {"protocol"}),
    "a length without end": (
        say(OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n" + CALENDAR),
        {"protocol", "too_large", "truncated"},
    ),
    "a bad chunk size": (
        say(OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + CALENDAR),
        {"protocol"},
    ),
    "an unknown transfer encoding": (
        say(OK + b"Transfer-Encoding: gzip\r\n\r\n" + CALENDAR),
        {"protocol"},
    ),
    "a large length": (say(OK + b"Content-Length: 99999999\r\n\r\n"), {"too_large"}),
    "a flood": (flood_after(OK + b"\r\n", b"B" * 65_536), {"too_large"}),
    "a flood of chunk extensions": (
        flood_after(
            OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 20_000 + b"\r\nB\r\n"
        ),
        {"too_large", "protocol", "timeout"},
    ),
    "a gzip bomb": (say(OK + b"Content-Encoding: gzip\r\n\r\n" + BOMB), {"too_large"}),
    "a bomb in a bomb": (
        say(OK + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(BOMB)),
        {"bad_encoding"},
    ),
    "gzip that is none": (
        say(OK + b"Content-Encoding: gzip\r\n\r\n" + CALENDAR),
        {"bad_encoding"},
    ),
    "a redirect to a private address": (
        say(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/" + SECRET.encode() + b"\r\n\r\n"),
        {"redirect_refused"},
    ),
    "a redirect to nowhere": (
        say(b"HTTP/1.1 302 Found\r\nLocation: \r\n\r\n"),
        {"redirect_refused"},
    ),
    "a redirect of raw bytes": (
        say(b"HTTP/1.1 302 Found\r\nLocation: http://\xff\xfe/" + SECRET.encode() + b"\r\n\r\n"),
        {"redirect_refused"},
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_a_typed_answer_and_tells_no_secret(
    fault: str,
    raw: Callable[[Script], Any],
    fetch: Fetch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Security section 5: not in the answer, not in a log at DEBUG, whatever the server does."""
    script, kinds = FAULTS[fault]
    limits = Limits(max_wire_bytes=1_000_000, max_decoded_bytes=2_000_000)
    deadline = 0.4 if "timeout" in kinds else 10.0
    with caplog.at_level(logging.DEBUG):
        url = raw(script).url(f"/{SECRET}/a.ics?key={SECRET}")
        answer = fetch(url, deadline=deadline, limits=limits)
    assert isinstance(answer, Failed)
    assert answer.kind in kinds
    assert answer.looks_like
    assert SECRET not in repr(answer)
    assert SECRET not in caplog.text
    assert caplog.records


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
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
        read_request(connection)

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
        read_request(connection)
        stop.wait(0.15)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /next\r\n\r\n")

    answer = fetch(raw(script).url(), deadline=0.3)
    assert isinstance(answer, Failed)
    assert answer.kind == "timeout"


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


def test_no_object_that_stays_shows_the_address(raw: Callable[[Script], Any], make: Make) -> None:
    """Security section 5: whatever lists the objects of a process finds feeds, not addresses."""
    feed = Feed(raw(say(OK + b"\r\n" + CALENDAR)).url(f"/{SECRET}"))
    make(allow_networks="127.0.0.0/8").fetch(FetchRequest(feed))
    gc.collect()
    ours = [each for each in gc.get_objects() if type(each).__module__.startswith("extcal")]
    assert feed in [each for each in ours if isinstance(each, Feed)]
    for each in ours:
        assert SECRET not in repr(each)
        assert SECRET not in repr(inspect.getmembers(each))


def test_the_transports_log_of_a_hosts_own_client_is_untouched(
    raw: Callable[[Script], Any], fetch: Fetch, caplog: pytest.LogCaptureFixture
) -> None:
    """Only what runs inside a fetch of ours is silent."""
    fetch(raw(say(OK + b"\r\n" + CALENDAR)).url())
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("httpcore2.http11").debug("somebody else's")
    assert "somebody else's" in caplog.text
