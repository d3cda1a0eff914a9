"""httpcore2's network, ours: every address is vetted before it is connected to.

A name is looked up once per hop, all of its answers are judged, and the connection goes to the
judged address itself, so that a second look-up can never lead elsewhere; the peer is checked once
more after connecting. TLS and SNI go by name. Every wait is clamped by the one deadline.
"""

from __future__ import annotations

import ipaddress
import os
import platform
import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2

from extcal.fetch._addresses import Address, unwrap
from extcal.fetch._core import address_refused
from extcal.fetch._deadline import TIMED_OUT, Deadline, Stop
from extcal.fetch._dns import Lookup
from extcal.fetch._policy import UrlPolicy
from extcal.fetch._url import Refusal, literal_of
from extcal.fetch.protocol import Failed
from extcal.limits import Limits

__all__ = ["GuardedBackend", "GuardedStream", "new_ssl_context"]

MAX_ADDRESSES = 8
_HEAD_BYTES = 1024 * 1024  # heads, chunk framing and interim answers, beside twice the body

_UNREACHABLE = Failed("connect", looks_like="The server cannot be reached.")
_TLS = Failed("tls", looks_like="No encrypted connection to the server came about.")
_CERTIFICATE = Failed("tls", looks_like="The server's certificate cannot be trusted.")
_WRONG_PEER = Failed("blocked_address", looks_like="The connection led to another address.")
_FLOOD = Failed("too_large", looks_like="The answer is larger than is read.")

# Where systems keep their certificates when OpenSSL's own paths lead nowhere.
_CERTIFICATE_FILES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def new_ssl_context() -> ssl.SSLContext:
    """Trust what the operating system trusts, whatever the environment says.

    Neither SSL_CERT_FILE and SSL_CERT_DIR nor SSLKEYLOGFILE is looked at; a host with its own
    authorities passes ``ssl_context``.
    """
    if platform.system() in ("Windows", "Darwin"):  # pragma: no cover - their stores need it
        import truststore

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # load_default_certs() would read the environment; the compiled-in paths do not.
    paths = ssl.get_default_verify_paths()
    files = (paths.openssl_cafile, *_CERTIFICATE_FILES)
    file = next((name for name in files if name and os.path.isfile(name)), None)
    directory = paths.openssl_capath if os.path.isdir(paths.openssl_capath or "") else None
    if file or directory:
        context.load_verify_locations(file, directory)
    return context


class GuardedBackend(httpcore2.NetworkBackend):
    """The connections of one hop."""

    def __init__(
        self, policy: UrlPolicy, lookup: Lookup, limits: Limits, deadline: Deadline
    ) -> None:
        self._policy = policy
        self._lookup = lookup
        self._limits = limits
        self.deadline = deadline
        self._stream: GuardedStream | None = None

    @property
    def ended(self) -> bool:
        """Whether the server has said its last byte."""
        return self._stream is not None and self._stream.ended

    @property
    def heard(self) -> bool:
        """Whether the server has said anything."""
        return self._stream is not None and self._stream.heard

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
        for address in self._addresses(host, port)[:MAX_ADDRESSES]:
            connected = self._connect(address, port)
            if connected is not None:
                self._stream = GuardedStream(connected, self._limits, self.deadline)
                return self._stream
        self.deadline.left()
        raise Stop(_UNREACHABLE)

    def _addresses(self, host: str, port: int) -> tuple[Address, ...]:
        if literal_of(host) is not None:
            answers = [host]
        else:
            answers = self._lookup.resolve(host, port, self.deadline, self._limits.connect_timeout)
        vetted = self._policy.vet(answers)
        if isinstance(vetted, Refusal):
            raise Stop(address_refused(vetted))
        return vetted

    def _connect(self, address: Address, port: int) -> socket.socket | None:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError:
            return None
        try:
            sock.settimeout(self.deadline.clamp(self._limits.connect_timeout))
            sock.connect((str(address), port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = sock.getpeername()
        except OSError:
            sock.close()
            return None
        except Stop:
            sock.close()
            raise
        if unwrap(ipaddress.ip_address(peer[0])) != address or peer[1] != port:
            sock.close()
            raise Stop(_WRONG_PEER)
        return sock


class GuardedStream(httpcore2.NetworkStream):
    """One connection: every wait clamped, every byte counted; raises Stop or httpcore2's errors."""

    def __init__(self, sock: socket.socket, limits: Limits, deadline: Deadline) -> None:
        self._sock = sock
        self._limits = limits
        self._deadline = deadline
        self._room = 2 * limits.max_wire_bytes + _HEAD_BYTES
        self.heard = False
        self.ended = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._sock.settimeout(self._deadline.clamp(self._limits.idle_timeout))
        try:
            data = self._sock.recv(max_bytes)
        except TimeoutError:
            raise Stop(TIMED_OUT) from None
        except OSError:
            raise httpcore2.ReadError from None
        self._room -= len(data)
        if self._room < 0:
            raise Stop(_FLOOD)
        self.heard = self.heard or bool(data)
        self.ended = not data
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
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
        try:
            self._sock.settimeout(self._deadline.clamp(self._limits.tls_timeout))
            # OpenSSL's handshake keeps to this timeout as a whole, however slowly it drips.
            self._sock = ssl_context.wrap_socket(self._sock, server_hostname=server_hostname)
        except TimeoutError:
            self.close()
            raise Stop(TIMED_OUT) from None
        except ssl.SSLCertVerificationError:
            self.close()
            raise Stop(_CERTIFICATE) from None
        except (OSError, ValueError):
            self.close()
            raise Stop(_TLS) from None
        except Stop:
            self.close()
            raise
        return self

    def close(self) -> None:
        self._sock.close()

    def get_extra_info(self, info: str) -> Any:
        return None
