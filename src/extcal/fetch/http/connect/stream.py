"""Connections of extcal: to a judged address only, and never waiting beyond the deadline.

A name with several addresses is connected to as RFC 8305 says: see :class:`Sprint`.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Self

from extcal.fetch.address.networks import Address
from extcal.fetch.http.connect.guard import (
    CERTIFICATE_REFUSED,
    TLS_FAILED,
    UNREACHABLE,
    ReceivedData,
    check_peer,
    is_readable,
    new_socket,
)
from extcal.fetch.http.connect.race import Race
from extcal.fetch.http.deadline import TIMED_OUT, Deadline, Stop
from extcal.limits import Limits

if TYPE_CHECKING:
    import ssl

__all__ = ["Broken", "GuardedStream", "Sprint", "WriteBroken"]

_GLANCE = 0.05  # seconds
_SHORT = 2048  # bytes
_UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR})
_SHORTEST = 1.0  # seconds
_UNACKNOWLEDGED = 5_000  # milliseconds


class Broken(Exception):
    """The network, or the other side, broke the connection."""


class WriteBroken(Broken):
    """A request could not be sent to its end."""


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

    def run(self, deadline: Deadline) -> tuple[socket.socket, Address]:
        """The first connection that is established, and its address; raises Stop."""
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
            with deadline.waiting():
                ready = self._selector.select(pause)
            for key, _ in ready:
                winner = self._arrived(key.data, deadline.now())
                if winner is not None:
                    return winner, self._addresses[key.data]

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


class GuardedStream:
    """One connection: no wait beyond the deadline, every byte counted.

    ``peer``: the judged address that it is connected to. Raises Stop or Broken. Between two fetches
    it belongs to no deadline; :meth:`lend` gives it to the next one.
    """

    __slots__ = ("_deadline", "_limits", "_sock", "_watched", "peer", "received")

    def __init__(
        self, sock: socket.socket, peer: Address, limits: Limits, deadline: Deadline
    ) -> None:
        self.peer = peer
        self._sock = sock
        self._watched = False
        self._limits = limits
        self._deadline = deadline
        self.received = ReceivedData(limits)
        deadline.watch(sock)

    def lend(self, limits: Limits, deadline: Deadline) -> None:
        """The next fetch uses it, within its own limits and ``deadline``."""
        self._limits = limits
        self._deadline = deadline
        self.received = ReceivedData(limits)
        deadline.watch(self._sock)
        if not self._watched and hasattr(socket, "TCP_USER_TIMEOUT"):
            self._watched = True
            # While the machine was suspended, the connection may have died without a sign. Then
            # nobody acknowledges the request, and the kernel would repeat it for minutes.
            with suppress(OSError):
                self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED)

    def release(self) -> bool:
        """The fetch is over; whether it was not stopped, so that the connection still works."""
        return self._deadline.release()

    def silent(self) -> bool:
        """Whether nothing is waiting to be read: no byte, and no end."""
        pending = getattr(self._sock, "pending", None)  # of TLS: bytes that have been decrypted
        if pending is not None and pending():
            return False
        try:
            return not is_readable(self._sock)
        except (OSError, ValueError):
            return False

    def read(self, max_bytes: int) -> bytes:
        """The next bytes; b"" at the end."""
        until = time.monotonic() + self._patience()
        while True:
            try:
                self._wait_until(until)
                with self._deadline.waiting():
                    data = self._sock.recv(max_bytes)
            except TimeoutError as error:
                if error.errno == errno.ETIMEDOUT:
                    raise Broken from None
                continue
            except OSError:
                raise Broken from None
            passed = self.received.note(data)
            if passed or not data:
                return passed
            until = time.monotonic() + self._patience()

    def _patience(self) -> float:
        """Seconds to wait for bytes: for the head all that are left, as a server may be slow."""
        left = self._deadline.left()
        return left if self.received.waiting else min(self._limits.idle_timeout, left)

    def _wait_until(self, until: float) -> None:
        """Let the next call wait until then at the most; raises Stop if that is over.

        Each change of the timeout is a system call, for which a thread gives up the interpreter. So
        a shorter timeout is kept if it is not much too short. If it ends a wait too early, the
        caller waits again.
        """
        left = until - time.monotonic()
        if left <= 0:
            raise Stop(TIMED_OUT)
        set_before = self._sock.gettimeout()
        if set_before is None or not min(left, _SHORTEST) <= set_before <= left:
            self._sock.settimeout(left)

    def write(self, data: bytes) -> None:
        """Send ``data``; the next bytes that arrive begin with a head."""
        rest = memoryview(data)
        self.received.asked()
        until = time.monotonic() + self._deadline.clamp(self._limits.idle_timeout)
        try:
            while rest:
                self._wait_until(until)
                try:
                    # A short request fits into the empty buffer of the socket: it does not wait.
                    with self._deadline.waiting() if len(rest) > _SHORT else nullcontext():
                        sent = self._sock.send(rest)
                except TimeoutError as error:
                    if error.errno == errno.ETIMEDOUT:
                        raise
                    continue
                rest = rest[sent:]
                until = time.monotonic() + self._deadline.clamp(self._limits.idle_timeout)
        except OSError:
            # A server may answer and close before it has read the request: its answer is read.
            raise WriteBroken from None

    def start_tls(
        self, context: ssl.SSLContext, name: str, session: ssl.SSLSession | None = None
    ) -> None:
        """TLS with the server ``name``, resuming ``session`` if there is one.

        Raises Broken if that could have failed because of the session.
        """
        import ssl

        # The bytes of the proxy that came before are not part of the server's answer.
        self.received.begun = False
        try:
            self._sock.settimeout(self._deadline.clamp(self._limits.tls_timeout))
            context.set_alpn_protocols(["http/1.1"])
            wrapped = context.wrap_socket(
                self._sock, server_hostname=name, do_handshake_on_connect=False, session=session
            )
            self._sock = wrapped
            self._deadline.watch(wrapped)
            # This timeout is for the whole handshake, even if its bytes arrive one by one.
            with self._deadline.waiting():
                wrapped.do_handshake()
        except TimeoutError:
            raise Stop(TIMED_OUT) from None
        except ssl.SSLCertVerificationError:
            raise Stop(CERTIFICATE_REFUSED) from None
        except ConnectionError:
            raise Broken from None
        except (OSError, ValueError):
            if session is not None:
                raise Broken from None
            raise Stop(TLS_FAILED) from None

    def session(self) -> ssl.SSLSession | None:
        """The TLS session, which the next connection may resume; None without TLS."""
        return getattr(self._sock, "session", None)

    def close(self) -> None:
        """Close it, even while another thread is about to stop its fetch."""
        self._deadline.close(self._sock)

    def abandon(self) -> None:
        """Close this process's copy of an idle socket. If another process has one, it still works.

        Nothing is sent: TLS would tell the server that the connection ends.
        """
        self._sock.close()
