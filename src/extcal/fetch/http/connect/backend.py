"""The backend for threads: its sockets never wait beyond the deadline of the fetch.

A name with several addresses is connected to as RFC 8305 says: see :class:`Sprint`.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import ssl
from collections.abc import Iterable, Sequence
from typing import Any, Self

import httpcore2

from extcal.fetch.address.networks import Address
from extcal.fetch.address.proxy import Proxy
from extcal.fetch.address.url import literal_of
from extcal.fetch.http.connect.dns import Lookup
from extcal.fetch.http.connect.guard import (
    CERTIFICATE_REFUSED,
    TLS_FAILED,
    UNREACHABLE,
    ReceivedData,
    check_peer,
    new_socket,
    vetted,
)
from extcal.fetch.http.connect.race import Race
from extcal.fetch.http.deadline import TIMED_OUT, Deadline, Stop
from extcal.fetch.policy import UrlPolicy
from extcal.limits import Limits

__all__ = ["GuardedBackend", "GuardedStream"]

_GLANCE = 0.05  # seconds
_UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR})


class GuardedBackend(httpcore2.NetworkBackend):
    """The connections of one hop."""

    def __init__(
        self,
        policy: UrlPolicy,
        proxy: Proxy | None,
        lookup: Lookup,
        limits: Limits,
        deadline: Deadline,
    ) -> None:
        self._policy = policy
        self._proxy = proxy
        self._lookup = lookup
        self._limits = limits
        self._deadline = deadline
        self._stream: GuardedStream | None = None
        self.received = ReceivedData(limits)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> GuardedStream:
        """Connect to one of the vetted addresses of ``host``; raises Stop."""
        addresses = vetted(self._policy, self._proxy, host, self._answers(host, port))
        with Sprint(addresses, port, self._limits.connect_timeout) as sprint:
            connected = sprint.run(self._deadline)
        self._deadline.watch(connected)
        self._stream = GuardedStream(connected, self._limits, self._deadline, self.received)
        return self._stream

    def _answers(self, host: str, port: int) -> list[str]:
        if literal_of(host) is not None:
            return [host]
        return self._lookup.resolve(host, port, self._deadline, self._limits.connect_timeout)


class Sprint:
    """A race of connections to judged addresses; the first that is established is kept.

    Only TCP connections race. TLS and the request use the first one alone, so if its certificate is
    not trusted, no other address is tried. A context manager: it closes all other sockets.
    """

    def __init__(self, addresses: Sequence[Address], port: int, timeout: float) -> None:
        self._addresses = addresses
        self._port = port
        self._race = Race(len(addresses), timeout)
        self._sockets: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._selector.close()
        for sock in self._sockets.values():
            sock.close()

    def run(self, deadline: Deadline) -> socket.socket:
        """The first connection that is established; raises Stop."""
        while True:
            deadline.left()
            now = deadline.now()
            for place in self._race.late(now):
                self._give_up(place, now)
            self._start(now)
            if self._race.over:
                raise Stop(UNREACHABLE)
            # A selector cannot be woken by another thread that stops the deadline. So it waits
            # for a short time only, and then the deadline is checked.
            pause = max(min(self._race.wakes() - now, deadline.rest(), _GLANCE), 0.0)
            for key, _ in self._selector.select(pause):
                winner = self._arrived(key.data, deadline.now())
                if winner is not None:
                    return winner

    def _start(self, now: float) -> None:
        place = self._race.begin(now)
        while place is not None:
            if not self._connect(place):
                self._give_up(place, now)
            place = self._race.begin(now)

    def _connect(self, place: int) -> bool:
        address = self._addresses[place]
        try:
            sock = self._sockets[place] = new_socket(address)
            sock.setblocking(False)
            if sock.connect_ex((str(address), self._port)) not in _UNDER_WAY:
                return False
        except OSError:
            return False
        self._selector.register(sock, selectors.EVENT_WRITE, place)
        return True

    def _arrived(self, place: int, now: float) -> socket.socket | None:
        sock = self._sockets[place]
        try:
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, os.strerror(error))
            check_peer(sock, self._addresses[place], self._port)
        except OSError:
            self._give_up(place, now)
            return None
        self._selector.unregister(sock)
        del self._sockets[place]
        sock.setblocking(True)
        return sock

    def _give_up(self, place: int, now: float) -> None:
        self._race.failed(place, now)
        sock = self._sockets.pop(place, None)
        if sock is not None:
            if sock in self._selector.get_map():
                self._selector.unregister(sock)
            sock.close()


class GuardedStream(httpcore2.NetworkStream):
    """One connection: no wait beyond the deadline, every byte counted.

    Raises Stop or httpcore2's errors.
    """

    def __init__(
        self, sock: socket.socket, limits: Limits, deadline: Deadline, received: ReceivedData
    ) -> None:
        self._sock = sock
        self._limits = limits
        self._deadline = deadline
        self._received = received

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            try:
                self._sock.settimeout(self._patience())
                data = self._recv(max_bytes)
            except TimeoutError:
                raise Stop(TIMED_OUT) from None
            except OSError:
                raise httpcore2.ReadError from None
            passed = self._received.note(data)
            if passed or not data:
                return passed

    def _recv(self, max_bytes: int) -> bytes:
        gate = self._deadline.gate
        if gate is None:
            return self._sock.recv(max_bytes)
        gate.release()
        try:
            return self._sock.recv(max_bytes)
        finally:
            gate.acquire()

    def _patience(self) -> float:
        """Seconds to wait for bytes: for the head all that are left, as a server may be slow."""
        left = self._deadline.left()
        return left if self._received.waiting else min(self._limits.idle_timeout, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        self._received.asked()
        try:
            while rest:
                self._sock.settimeout(self._deadline.clamp(self._limits.idle_timeout))
                rest = rest[self._sock.send(rest) :]
        except TimeoutError:
            raise Stop(TIMED_OUT) from None
        except OSError:
            # A server may answer and close before it has read the request: its answer is read.
            raise httpcore2.WriteError from None

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> GuardedStream:
        # The bytes of the proxy that came before are not part of the server's answer.
        self._received.begun = False
        try:
            self._sock.settimeout(self._deadline.clamp(self._limits.tls_timeout))
            wrapped = ssl_context.wrap_socket(
                self._sock, server_hostname=server_hostname, do_handshake_on_connect=False
            )
            self._sock = wrapped
            self._deadline.watch(wrapped)
            # This timeout is for the whole handshake, even if its bytes arrive one by one.
            wrapped.do_handshake()
        except TimeoutError:
            raise Stop(TIMED_OUT) from None
        except ssl.SSLCertVerificationError:
            raise Stop(CERTIFICATE_REFUSED) from None
        except ConnectionError:
            raise httpcore2.ReadError from None
        except (OSError, ValueError):
            raise Stop(TLS_FAILED) from None
        return self

    def close(self) -> None:
        self._deadline.close(self._sock)

    def get_extra_info(self, info: str) -> Any:
        return None
