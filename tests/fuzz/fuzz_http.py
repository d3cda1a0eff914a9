"""What a server sends, byte by byte: bounded, framed exactly, and the same whatever the pieces.

The first byte of an input chooses what was asked, and the others are all that the server sends
before it closes its side: one answer, or several for as many requests. They pass through the real
reader of connections (``fetch.http.connect``) and the real driver, over a socket that is none.

Laws: every answer is a step that the driver knows, and nothing is raised. In one piece and in many,
the steps are equal. No more is received than the limits allow, and no body is longer than they say.
A connection is kept only where it is certain where the answer ends: then a plain reader of our own
finds the same end. A body whose length is given is that many bytes. A redirect leads where the
policy allows, and sends no password elsewhere. What is sent back is visible ASCII.
"""

from __future__ import annotations

import ipaddress
import random
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from harness import Harness, chance_of, words_of

from extcal import Feed, Limits
from extcal.fetch import Fetched, FetchRequest, HttpFetcher, NotModified
from extcal.fetch.address.url import read_url
from extcal.fetch.http.connect.http11 import HttpConnection
from extcal.fetch.http.connect.stream import GuardedStream
from extcal.fetch.http.deadline import Deadline, Stop
from extcal.fetch.http.exchange import Accident, Ask, Journey, Pause
from extcal.fetch.protocol import Failed, Gone, Refused
from extcal.testing import event, feed_text

__all__ = ["HARNESS"]

COUNTS: Counter[str] = Counter()
LIMITS = Limits(max_wire_bytes=20_000, max_decoded_bytes=60_000)
MOST_RECEIVED = 2 * LIMITS.max_wire_bytes + 1024 * 1024 + 65_536
PEER = ipaddress.IPv4Address("93.184.216.34")
KNOWN = (Ask, Accident, Fetched, Failed, Gone, NotModified, Refused)
_VISIBLE = re.compile(r"[\x20-\x7e]*")
FEEDS = (
    Feed("https://calendar.example.net/a.ics"),
    Feed("https://calendar.example.net/a.ics", auth=("ada", "secret")),
    Feed("https://outlook.office365.com/owa/calendar/1@example.net/2/calendar.ics"),
    Feed("https://calendar.google.com/calendar/ical/ada/private-1/basic.ics"),
)


class Socket:
    """Gives its bytes in pieces, and then the end. ``taken``: how many were taken."""

    def __init__(self, data: bytes, pieces: Iterator[int]) -> None:
        self._data, self._pieces = memoryview(data), pieces
        self.taken = 0

    @property
    def left(self) -> int:
        return len(self._data) - self.taken

    def recv(self, most: int) -> bytes:
        size = min(most, next(self._pieces))
        found = bytes(self._data[self.taken : self.taken + size])
        self.taken += len(found)
        return found

    def send(self, data: bytes) -> int:
        return len(data)

    def settimeout(self, seconds: float) -> None:
        pass

    def gettimeout(self) -> float:
        return 0.9

    def setsockopt(self, *arguments: int) -> None:
        pass

    def close(self) -> None:
        pass


class Fetcher(HttpFetcher):
    """Talks over connections that it is given; notes which of them it would keep."""

    kept = False

    def _set_up(self, ask: Ask, connection: HttpConnection) -> None:
        pass

    def _give_back(self, ask: Ask, connection: HttpConnection, done: bool) -> None:
        self.kept = done and connection.finish()


FETCHER = Fetcher(limits=LIMITS)
NO_FIELDS: Mapping[str, str] = {}


def _whole() -> Iterator[int]:
    while True:
        yield 65_536


def _in_pieces(data: bytes) -> Iterator[int]:
    """One byte at a time, small pieces, or few cuts: most of what goes wrong needs only one."""
    chance = chance_of(data)
    kind = chance.random()
    if kind < 0.5:
        for _ in range(chance.choice((1, 1, 2, 4))):
            yield chance.randrange(1, min(len(data), chance.choice((60, 400, 65_536))) + 2)
        yield from _whole()
    if kind < 0.6 and len(data) < 400:
        while True:
            yield 1
    while True:
        yield chance.choice((1, 1, 2, 3, 7, 20, 60, 300))


def one(data: bytes) -> None:
    """Hold every law over what one connection receives."""
    choice = data[0] if data else 0
    feed = FEEDS[choice % 4]
    etag = '"1"' if choice & 4 else None
    request = FetchRequest(feed, etag, None, 20.0, LIMITS)
    journey = Journey(request, FETCHER.policy, LIMITS, FETCHER._user_agents)
    sent = data[1:]
    whole = _conversation(journey, sent, _whole())
    pieces = _conversation(journey, sent, _in_pieces(data))
    # How many answers were read from one connection may differ: more than one answer at once means
    # that it is not kept, and where they come one by one, that shows when the next request is sent.
    assert whole[0] == pieces[0], f"{whole[0]!r} in one piece, {pieces[0]!r} in many"


def _conversation(journey: Journey, sent: bytes, pieces: Iterator[int]) -> list[Any]:
    """The steps that the answers on one connection lead to, up to eight."""
    sock = Socket(sent, pieces)
    deadline = Deadline(1e6)  # seconds: no answer may depend on how long this process waits
    stream = GuardedStream(sock, PEER, LIMITS, deadline)  # type: ignore[arg-type]
    connection = HttpConnection(stream, 0.0)
    ask = journey.begin()
    assert isinstance(ask, Ask)
    steps = []
    for _ in range(8):
        before = sock.taken
        FETCHER.kept = False
        try:
            step = FETCHER._converse(journey, ask, connection, deadline, NO_FIELDS)
        except Stop as stop:
            step = stop.answer
        COUNTS["heads"] += 1
        steps.append(step)
        if step is not None:
            _is_known(journey, ask, step)
        assert sock.taken - before <= MOST_RECEIVED, "more was received than is allowed"
        if isinstance(step, Fetched):
            _is_framed(sent[before:], step)
        if not FETCHER.kept:
            break
        end = _end_of(sent[before : sock.taken])
        assert end == sock.taken - before, f"kept, although the answer ends at {end}"
        COUNTS["connections kept"] += 1
        connection.reused = True
        connection.stream.lend(LIMITS, deadline)
    return steps


def _is_known(journey: Journey, ask: Ask, step: Any) -> None:
    assert isinstance(step, KNOWN), f"{step!r} is no step"
    if isinstance(step, Accident):
        again = journey.try_again(step, left=10.0, chance=0.5)
        assert isinstance(again, Ask | Pause | Failed | Gone)
        if isinstance(again, Pause):
            assert 0 < again.seconds <= 10.0
    if isinstance(step, Fetched):
        assert len(step.body) <= LIMITS.max_decoded_bytes + 16, "a body beyond the limit"
        assert 0 <= step.age <= 2.0**31
        for echoed in (step.etag, step.last_modified):
            assert echoed is None or (len(echoed) <= 1024 and _VISIBLE.fullmatch(echoed))
    if isinstance(step, Failed | Refused):
        wait = step.retry_after
        assert wait is None or 0 <= wait < 1e12
    if isinstance(step, Ask):
        _is_allowed(journey, ask, step)


def _is_allowed(journey: Journey, before: Ask, ask: Ask) -> None:
    assert ask.hops <= LIMITS.max_redirects
    assert ask.url.scheme == "https", "a redirect to plain http"
    assert FETCHER.policy.judge(ask.url) is None
    assert read_url(ask.url.text) == ask.url, "an address that reads as another one"
    own = ask.url.origin == journey.request.feed.url.open().origin
    assert own or ask.credentials is None, "a password for somebody else"
    for name, value in ask.headers:
        assert _VISIBLE.fullmatch(name)
        assert _VISIBLE.fullmatch(value), f"{name} is {value!r}"
    if before.url.origin != ask.url.origin and not before.cookies:
        assert all(name != "Cookie" for name, _ in ask.headers), "a cookie for somebody else"


# -- a plain reader of our own ---------------------------------------------------------------------

_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9][0-9]) [^\r\n]*\r\n((?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n]*\r\n)*)\r\n"
)
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})\r\n")


def _fields(head: bytes, name: bytes) -> list[bytes]:
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    return [value.strip(b" \t") for key, _, value in lines if key.lower() == name]


def _end_of(data: bytes) -> int | None:
    """Where the one answer in ``data`` ends, if it says so in the plainest way; else None."""
    found = _HEAD.match(data)
    if found is None:
        return None
    lengths = _fields(found[2], b"content-length")
    codings = _fields(found[2], b"transfer-encoding")
    if found[1] in (b"204", b"304"):
        return found.end() if not codings else None
    if len(lengths) + len(codings) != 1:
        return None
    if lengths:
        return found.end() + int(lengths[0]) if lengths[0].isdigit() else None
    at = found.end()
    while codings[0].lower() == b"chunked":
        chunk = _CHUNK.match(data, at)
        if chunk is None:
            return None
        at = chunk.end() + int(chunk[1], 16)
        if data[at : at + 2] != b"\r\n":
            return None
        at += 2
        if int(chunk[1], 16) == 0:
            return at
    return None


def _is_framed(sent: bytes, step: Fetched) -> None:
    """A plain answer with a length has a body of this length, and nothing was put right."""
    found = _HEAD.match(sent)
    if found is None or found[1] != b"200" or _fields(found[2], b"transfer-encoding"):
        return
    lengths = _fields(found[2], b"content-length")
    if len(lengths) != 1 or not re.fullmatch(rb"[0-9]{1,9}", lengths[0]):
        return
    body = sent[found.end() : found.end() + int(lengths[0])]
    if _fields(found[2], b"content-encoding") or body.startswith(b"\x1f\x8b"):
        try:
            body = zlib.decompressobj(31).decompress(body)
        except zlib.error:
            return
        assert step.body.startswith(body) or step.problems, "another body than was compressed"
        return
    assert step.body == body or step.problems, "another body than was sent"


# -- seeds ----------------------------------------------------------------------------------------

CALENDAR = feed_text(event("2027-01-04T09:00Z", uid="a")).encode()


def _answer(
    *fields: str, status: str = "200 OK", body: bytes = CALENDAR, length: bool = True
) -> bytes:
    lines = [f"HTTP/1.1 {status}", *fields]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()


def _chunked(body: bytes, size: int = 50, end: bytes = b"0\r\n\r\n") -> bytes:
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def _answers() -> Iterator[bytes]:
    coded = "Transfer-Encoding: chunked"
    yield _answer('ETag: "1"', "Last-Modified: Tue, 01 Dec 2026 00:00:00 GMT", "Age: 5")
    yield _answer(coded, body=_chunked(CALENDAR), length=False)
    yield _answer(coded, coded, body=_chunked(CALENDAR), length=False)
    yield _answer(coded, body=_chunked(CALENDAR, end=b"0\r\nX: y\r\n\r\n"), length=False)
    yield _answer(coded, body=_chunked(CALENDAR, end=b"0;a=b\r\n\r\n"), length=False)
    yield _answer("Content-Encoding: gzip", body=_gzip(CALENDAR))
    yield _answer("Content-Encoding: gzip", body=_gzip(CALENDAR) + b"\0" * 9)
    yield _answer("Content-Encoding: x-gzip", body=_gzip(CALENDAR[:90]) + _gzip(CALENDAR[90:]))
    yield _answer(body=_gzip(CALENDAR))
    yield _answer("Content-Encoding: gzip", body=_gzip(b"BEGIN:VCALENDAR\r\n" + b"x" * 200_000))
    yield _answer("Content-Encoding: gzip", body=b"".join([_gzip(b"a")] * 20))
    yield _answer("Content-Encoding: utf-8")
    yield _answer("Content-Encoding: br")
    yield _answer(length=False)
    yield _answer("Connection: close", length=False, body=CALENDAR[:-9])
    yield _answer(f"Content-Length: {len(CALENDAR) - 3}", length=False)
    yield _answer(f"Content-Length: {len(CALENDAR) + 3}", length=False)
    yield _answer(body=b"<html><title>Sign in</title>")
    yield _answer(body=b"")
    yield _answer(status="304 Not Modified", body=b"", length=False)
    yield _answer(status="304 Not Modified", length=True)
    yield _answer(coded, status="304 Not Modified", body=b"0\r\n\r\n", length=False)
    yield _answer(status="204 No Content", body=b"", length=False)
    yield _answer("Location: https://other.example.net/b.ics", status="301 Moved", body=b"moved")
    yield _answer("Location: b.ics", "Set-Cookie: a=b; Path=/", status="302 Found", body=b"")
    yield _answer("Location: http://calendar.example.net/a.ics", status="302 Found", body=b"")
    yield _answer("Location: https:///a.org", status="302 Found", body=b"")
    yield _answer("Location: https://127.0.0.1/", status="302 Found", body=b"")
    yield _answer("Location: /owa/auth/errorfe.aspx?msg=OwaBasicUnsupportedException",
                  status="302 Found", body=b"")  # fmt: skip
    yield _answer("X-OWA-Error: ClientUnsupported", status="400 Bad", body=b"")
    yield _answer("Retry-After: 120", status="429 Slow", body=b"")
    yield _answer("Retry-After: Tue, 01 Dec 2026 00:02:00 GMT",
                  "Date: Tue, 01 Dec 2026 00:00:00 GMT", status="503 Later", body=b"")  # fmt: skip
    yield _answer("cf-mitigated: challenge", status="403 No", body=b"<html>")
    yield _answer(status="410 Gone", body=b"")
    yield _answer(status="500 Error", body=b"")
    yield b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + _answer()
    yield b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n" + _answer()
    yield b"HTTP/1.0 200 OK\r\n\r\n" + CALENDAR
    yield _answer().replace(b"\r\n", b"\n", 2)
    yield _answer("ETag:", " folded", "X : y")
    yield b"SSH-2.0-OpenSSH_9.2\r\n"
    yield b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 3_000


def _sources() -> Iterator[bytes]:
    answers = list(_answers())
    for number, answer in enumerate(answers):
        yield bytes([number % 8]) + answer
    for choice in range(8):
        yield bytes([choice]) + answers[choice] + answers[0]
        yield bytes([4]) + answers[19] * 2 + answers[choice] + answers[1]


def _choose(data: bytes, chance: random.Random) -> bytes:
    """The same answer to another question."""
    return bytes([chance.randrange(8)]) + data[1:]


# -- answers from a grammar -----------------------------------------------------------------------

_STATUSES = (
    *("200 OK", "200 OK", "200 OK", "200 OK", "204 No Content", "206 Partial", "301 Moved"),
    *("302 Found", "304 Not Modified", "304 Not Modified", "400 Bad", "403 No", "404 None"),
    *("410 Gone", "429 Slow", "500 Error", "503 Later", "099 Odd", "200"),
)
_BEFORE = (
    b"",
    b"",
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
)
_BEHIND = (b"\r\n", b"x", b"\0", b" ", b"HTTP/1.1 200 OK\r\n", b"0\r\n\r\n")
_EDGES = (
    *(LIMITS.max_decoded_bytes + by for by in (-2, -1, 0, 1, 2, 700)),
    *(LIMITS.max_wire_bytes + by for by in (-1, 0, 1)),
    *(0, 1, 2, 3),
)
_FIELDS = [word for word in words_of("http") if b": " in word and word[:1] not in b" \r"]


def _body(chance: random.Random) -> bytes:
    kind = chance.random()
    if kind < 0.4:
        return CALENDAR
    if kind < 0.6:
        return (CALENDAR * 400)[: chance.choice(_EDGES)]
    if kind < 0.7:
        return CALENDAR[: chance.randrange(len(CALENDAR))]
    return chance.choice((b"", b"", b"<html>", b"x", b"\x1f", b"\x1f\x8b", b"moved"))


def _zipped(body: bytes, chance: random.Random) -> bytes:
    """gzip in one to three members, whole or damaged somewhere, most often at its end."""
    cuts = sorted(chance.randrange(len(body) + 1) for _ in range(chance.choice((0, 0, 0, 1, 2))))
    found = b"".join(_gzip(body[a:b]) for a, b in pairwise((0, *cuts, len(body))))
    kind = chance.random()
    if kind < 0.5:
        return found
    at = len(found) - chance.choice((1, 4, 8, 9, 12, len(found)))
    if kind < 0.7:
        return found[: max(at, 0)]
    if kind < 0.85:
        return found[: max(at, 0)] + chance.choice((b"\0", b"\xff", b"~" * 9)) + found[at + 1 :]
    return found + chance.choice((b"\0" * 9, b"x", b"\x1f\x8b", b"\xff" * 90))


def _in_chunks(body: bytes, chance: random.Random) -> bytes:
    """Chunks of odd sizes, perhaps with extensions, blanks, trailers, or without an end."""
    found, at = [], 0
    while at < len(body):
        size = chance.choice((1, 2, 15, 16, 50, 300, 70_000))
        piece = body[at : at + size]
        odd = chance.choice((b"", b"", b"", b"", b"", b" ", b"\t ", b";a=b", b" ;a", b"x"))
        number = chance.choice((b"%x", b"%x", b"%X", b"0%x")) % len(piece)
        found.append(number + odd + b"\r\n" + piece + b"\r\n")
        at += size
    ends = (
        b"0\r\n\r\n",
        b"0\r\n\r\n",
        b"0 \r\n\r\n",
        b"00\r\n\r\n",
        b"0\r\nX: y\r\n\r\n",
        b"0\r\n",
        b"",
    )
    return b"".join((*found, chance.choice(ends)))


def _made_answer(chance: random.Random) -> bytes:
    body, status = _body(chance), chance.choice(_STATUSES).encode()
    lines = [b"HTTP/1.%d %s\r\n" % (chance.random() < 0.95, status)]
    if chance.random() < 0.35:
        body = _zipped(body, chance)
        if chance.random() < 0.7:
            lines.append(
                chance.choice((b"Content-Encoding: gzip\r\n", b"content-encoding:x-gzip\r\n"))
            )
    kind = chance.random()
    if kind < 0.35:
        coding = chance.choice(
            (b"Transfer-Encoding: chunked\r\n", b"transfer-encoding:Chunked\r\n")
        )
        lines += [coding] * chance.choice((1, 1, 1, 1, 2))
        body = _in_chunks(body, chance)
    if kind > 0.3 and chance.random() < 0.85:
        length = len(body) + (chance.random() < 0.1) * chance.choice((-1, 1, 5))
        lines += [b"Content-Length: %d\r\n" % length] * chance.choice((1, 1, 1, 1, 1, 2))
    for _ in range(chance.choice((0, 0, 1, 2, 3))):
        lines.insert(chance.randrange(len(lines)) + 1, chance.choice(_FIELDS))
    kind = chance.random()
    if kind < 0.06:
        chance.shuffle(lines)
    elif kind < 0.12:
        at = chance.randrange(len(lines))
        lines[at] = chance.choice((lines[at][:-2] + b"\n", b" " + lines[at], lines[at].upper()))
    return b"".join((chance.choice(_BEFORE), *lines, b"\r\n", body))


def _made(chance: random.Random) -> bytes:
    """One answer to three, and now and then something behind them."""
    answers = [_made_answer(chance) for _ in range(chance.choice((1, 1, 1, 1, 2, 3)))]
    if chance.random() < 0.1:
        answers.append(chance.choice(_BEHIND))
    return bytes([chance.randrange(8)]) + b"".join(answers)


HARNESS = Harness("http", one, _sources, words_of("http"), COUNTS, [_choose], _made)
