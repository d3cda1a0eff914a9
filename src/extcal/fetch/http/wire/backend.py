"""The backend for threads: blocking sockets, every wait clamped by the one deadline."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2

from extcal.fetch.address.networks import Address
from extcal.fetch.address.proxy import Proxy
from extcal.fetch.address.url import literal_of
from extcal.fetch.http.deadline import TIMED_OUT, Deadline, Stop
from extcal.fetch.http.dns import Lookup
from extcal.fetch.http.wire.guard import (
    CERTIFICATE_REFUSED,
    TLS_FAILED,
    UNREACHABLE,
    Ear,
    check_peer,
    new_socket,
    vetted,
)
from extcal.fetch.policy import UrlPolicy
from extcal.limits import Limits

__all__ = ["GuardedBackend", "GuardedStream"]


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
        self.ear = Ear(limits)

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
        for address in vetted(self._policy, self._proxy, host, self._answers(host, port)):
            connected = self._connect(address, port)
            if connected is not None:
                self._stream = GuardedStream(connected, self._limits, self._deadline, self.ear)
                return self._stream
        self._deadline.left()
        raise Stop(UNREACHABLE)

    def _answers(self, host: str, port: int) -> list[str]:
        if literal_of(host) is not None:
            return [host]
        return self._lookup.resolve(host, port, self._deadline, self._limits.connect_timeout)

    def _connect(self, address: Address, port: int) -> socket.socket | None:
        try:
            sock = new_socket(address)
        except OSError:
            return None
        try:
            sock.settimeout(self._deadline.clamp(self._limits.connect_timeout))
            sock.connect((str(address), port))
            check_peer(sock, address, port)
        except OSError:
            sock.close()
            return None
        except BaseException:
            sock.close()
            raise
        return sock


class GuardedStream(httpcore2.NetworkStream):
    """One connection: every wait clamped, every byte counted; raises Stop or httpcore2's errors."""

    def __init__(self, sock: socket.socket, limits: Limits, deadline: Deadline, ear: Ear) -> None:
        self._sock = sock
        self._limits = limits
        self._deadline = deadline
        self._ear = ear

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            try:
                self._sock.settimeout(self._patience())
                data = self._sock.recv(max_bytes)
            except TimeoutError:
                raise Stop(TIMED_OUT) from None
            except OSError:
                raise httpcore2.ReadError from None
            heard = self._ear.hear(data)
            if heard or not data:
                return heard

    def _patience(self) -> float:
        """A server may take all the time there is for the head: it makes the calendar meanwhile."""
        left = self._deadline.left()
        return left if self._ear.waiting else min(self._limits.idle_timeout, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        self._ear.asked()
        try:
            while rest:
                self._sock.settimeout(self._deadline.clamp(self._limits.idle_timeout))
                rest = rest[self._sock.send(rest) :]
        except TimeoutError:
            raise Stop(TIMED_OUT) from None
        except OSError:
            # A server may answer and close before it has read everything: read what it said.
            raise httpcore2.WriteError from None

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> GuardedStream:
        # What a proxy said before is no answer of the server's.
        self._ear.heard = False
        try:
            self._sock.settimeout(self._deadline.clamp(self._limits.tls_timeout))
            # OpenSSL's handshake keeps to this timeout as a whole, however slowly it drips.
            self._sock = ssl_context.wrap_socket(self._sock, server_hostname=server_hostname)
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
        self._sock.close()

    def get_extra_info(self, info: str) -> Any:
        return None
