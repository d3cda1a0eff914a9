"""The layer above the sockets, where a fetch can be stopped at any point."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading

import pytest

from extcal.fetch.address.url import Refusal
from extcal.fetch.http.connect import guard
from extcal.fetch.http.connect.dns import Lookup
from extcal.fetch.http.connect.stream import GuardedStream, Sprint, WriteBroken
from extcal.fetch.http.deadline import Deadline, Stop
from extcal.fetch.policy import UrlPolicy
from extcal.limits import Limits

pytestmark = pytest.mark.core


class Timer:
    """Monotonic seconds by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


LOOPBACK = ipaddress.ip_address("127.0.0.1")


def connect(deadline: Deadline) -> None:
    with Sprint([LOOPBACK], 9, Limits().connect_timeout) as sprint:
        sprint.run(deadline)


class TestDeadline:
    """It clamps, and then it stops."""

    def test_it_clamps(self) -> None:
        timer = Timer()
        deadline = Deadline(10, timer)
        assert deadline.clamp(3) == 3
        timer.now = 9
        assert deadline.clamp(3) == 1
        timer.now = 10
        with pytest.raises(Stop) as stopped:
            deadline.left()
        assert stopped.value.answer.kind == "timeout"


class TestLookup:
    """Workers are bounded, answers are bounded."""

    def test_an_endless_resolver(self) -> None:
        def endless(host: str, port: int) -> object:
            while True:
                yield "8.8.8.8"

        lookup = Lookup(endless)  # type: ignore[arg-type]
        found = lookup.resolve("calendar.example.net", 443, Deadline(10), 5)
        assert len(found) == 65  # one more than is judged, so that the name is refused
        refusal = UrlPolicy().vet(found)
        assert isinstance(refusal, Refusal)
        assert refusal.kind == "dns-many"

    @pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
    def test_no_thread_to_be_had(self, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        def refuse(thread: threading.Thread) -> None:
            raise error

        lookup = Lookup(lambda host, port: ["8.8.8.8"], workers=1)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            with pytest.raises(Stop):
                lookup.resolve("calendar.example.net", 443, Deadline(10), 5)
        assert lookup.resolve("calendar.example.net", 443, Deadline(10), 5) == ["8.8.8.8"]


class TestConnecting:
    """Nothing stays open that is not handed over."""

    def test_no_socket_to_be_had(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*arguments: object) -> None:
            raise OSError("too many open files")

        monkeypatch.setattr(socket, "socket", refuse)
        with pytest.raises(Stop) as stopped:
            connect(Deadline(10, Timer()))
        assert stopped.value.answer.kind == "connect"

    def test_the_deadline_between_two_addresses(self) -> None:
        timer = Timer()
        deadline = Deadline(10, timer)
        timer.now = 11
        with pytest.raises(Stop) as stopped:
            connect(deadline)
        assert stopped.value.answer.kind == "timeout"


class TestStream:
    """Every wait is clamped; what a socket raises becomes an answer."""

    def pair(self, timer: Timer, limits: Limits) -> tuple[GuardedStream, socket.socket]:
        ours, theirs = socket.socketpair()
        return GuardedStream(ours, LOOPBACK, limits, Deadline(10, timer)), theirs

    def test_a_peer_that_does_not_read(self) -> None:
        stream, peer = self.pair(Timer(), Limits(idle_timeout=0.05))
        with peer, pytest.raises(Stop) as stopped:
            stream.write(b"a" * 50_000_000)
        assert stopped.value.answer.kind == "timeout"
        stream.close()

    def test_a_peer_that_is_gone(self) -> None:
        stream, peer = self.pair(Timer(), Limits())
        peer.close()
        with pytest.raises(WriteBroken):
            stream.write(b"a" * 50_000_000)
        stream.close()

    def test_an_endless_answer(self) -> None:
        stream, peer = self.pair(Timer(), Limits(max_wire_bytes=0))

        def receive() -> None:
            for _ in range(40):
                peer.sendall(b"a" * 60_000)
                stream.read(65_536)

        with peer, pytest.raises(Stop) as stopped:
            receive()
        assert stopped.value.answer.kind == "too_large"
        stream.close()

    def test_an_answer_of_countless_chunks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(guard, "_MOST_CHUNKS", 10)
        stream, peer = self.pair(Timer(), Limits())
        with peer:
            peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            peer.sendall(b"1\r\nA\r\n" * 10)
            stream.read(65_536)
            peer.sendall(b"1\r\nA\r\n")
            with pytest.raises(Stop) as stopped:
                stream.read(65_536)
        assert stopped.value.answer.kind == "too_large"
        stream.close()

    def test_a_handshake_after_the_deadline(self) -> None:
        timer = Timer()
        stream, peer = self.pair(timer, Limits())
        timer.now = 11
        with peer, pytest.raises(Stop) as stopped:
            stream.start_tls(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "calendar.example.net")
        assert stopped.value.answer.kind == "timeout"
        stream.close()

    def test_a_handshake_that_stalls(self) -> None:
        stream, peer = self.pair(Timer(), Limits(tls_timeout=0.05))
        with peer, pytest.raises(Stop) as stopped:
            stream.start_tls(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "calendar.example.net")
        assert stopped.value.answer.kind == "timeout"
        stream.close()
