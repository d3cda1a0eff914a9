"""The layer between httpcore2 and the sockets, where a fetch can be stopped at any point."""

from __future__ import annotations

import socket
import ssl
import threading

import httpcore2
import pytest

from extcal.fetch.address.url import Refusal
from extcal.fetch.http.connect.backend import GuardedBackend, GuardedStream
from extcal.fetch.http.connect.dns import Lookup
from extcal.fetch.http.connect.guard import ReceivedData
from extcal.fetch.http.deadline import Deadline, Stop
from extcal.fetch.policy import UrlPolicy
from extcal.limits import Limits

pytestmark = pytest.mark.core


class Timer:
    """Monotonic seconds by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def backend(timer: Timer, *answers: str) -> GuardedBackend:
    policy = UrlPolicy(allow_networks=["127.0.0.0/8", "::1/128"])
    lookup = Lookup(lambda host, port: answers)
    return GuardedBackend(policy, None, lookup, Limits(), Deadline(10, timer))


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

    def test_no_thread_to_be_had(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

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
            backend(Timer()).connect_tcp("127.0.0.1", 9)
        assert stopped.value.answer.kind == "connect"

    def test_the_deadline_between_two_addresses(self) -> None:
        timer = Timer()
        guarded = backend(timer, "127.0.0.1")
        timer.now = 11
        with pytest.raises(Stop) as stopped:
            guarded.connect_tcp("127.0.0.1", 9)
        assert stopped.value.answer.kind == "timeout"
        guarded.close()

    def test_only_tcp(self) -> None:
        """There is no way to a socket file."""
        with pytest.raises(NotImplementedError):
            backend(Timer()).connect_unix_socket("/run/docker.sock")


class TestStream:
    """Every wait is clamped; what a socket raises becomes an answer."""

    def pair(self, timer: Timer, limits: Limits) -> tuple[GuardedStream, socket.socket]:
        ours, theirs = socket.socketpair()
        return GuardedStream(ours, limits, Deadline(10, timer), ReceivedData(limits)), theirs

    def test_a_peer_that_does_not_read(self) -> None:
        stream, peer = self.pair(Timer(), Limits(idle_timeout=0.05))
        with peer, pytest.raises(Stop) as stopped:
            stream.write(b"a" * 50_000_000)
        assert stopped.value.answer.kind == "timeout"
        stream.close()

    def test_a_peer_that_is_gone(self) -> None:
        stream, peer = self.pair(Timer(), Limits())
        peer.close()
        with pytest.raises(httpcore2.WriteError):
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
