"""The backend for tasks: the same sockets, not blocking, on whatever event loop anyio finds.

Every stage has its timeout; the driver holds the deadline over all of them. A socket is closed
without waiting for anything, so that a cancelled task leaves none behind.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

import anyio
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

__all__ = ["AsyncGuardedBackend", "AsyncGuardedStream"]

_PIECE = 65_536
_Result = TypeVar("_Result")


class AsyncGuardedBackend(httpcore2.AsyncNetworkBackend):
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
        self._stream: AsyncGuardedStream | None = None
        self.ear = Ear(limits)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncGuardedStream:
        """Connect to one of the vetted addresses of ``host``; raises Stop."""
        for address in vetted(self._policy, self._proxy, host, await self._answers(host, port)):
            connected = await self._connect(address, port)
            if connected is not None:
                self._stream = AsyncGuardedStream(connected, self._limits, self.ear)
                return self._stream
        raise Stop(UNREACHABLE)

    async def _answers(self, host: str, port: int) -> list[str]:
        if literal_of(host) is not None:
            return [host]
        return await self._lookup.resolve_async(
            host, port, self._deadline, self._limits.connect_timeout
        )

    async def _connect(self, address: Address, port: int) -> socket.socket | None:
        try:
            sock = new_socket(address)
        except OSError:
            return None
        try:
            sock.setblocking(False)
            with anyio.fail_after(self._limits.connect_timeout):
                await _connect(sock, address, port)
            check_peer(sock, address, port)
        except OSError:
            sock.close()
            return None
        except BaseException:
            sock.close()
            raise
        return sock


async def _connect(sock: socket.socket, address: Address, port: int) -> None:
    # On its way (EINPROGRESS) is what a socket that does not block says to a connect.
    with suppress(BlockingIOError):
        sock.connect((str(address), port))
    await anyio.wait_writable(sock)
    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, "the connection did not come about")


class AsyncGuardedStream(httpcore2.AsyncNetworkStream):
    """One connection: every wait bounded, every byte counted; raises Stop or httpcore2's errors."""

    def __init__(self, sock: socket.socket, limits: Limits, ear: Ear) -> None:
        self._sock = sock
        self._limits = limits
        self._ear = ear
        self._tls: ssl.SSLObject | None = None
        self._arrived = ssl.MemoryBIO()
        self._leaving = ssl.MemoryBIO()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            # The driver holds the deadline over all of this.
            patience = None if self._ear.waiting else self._limits.idle_timeout
            try:
                with anyio.fail_after(patience):
                    data = await self._read(max_bytes)
            except TimeoutError:
                raise Stop(TIMED_OUT) from None
            except OSError:
                raise httpcore2.ReadError from None
            heard = self._ear.hear(data)
            if heard or not data:
                return heard

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._ear.asked()
        try:
            with anyio.fail_after(self._limits.idle_timeout):
                await self._write(buffer)
        except TimeoutError:
            raise Stop(TIMED_OUT) from None
        except OSError:
            # A server may answer and close before it has read everything: read what it said.
            raise httpcore2.WriteError from None

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> AsyncGuardedStream:
        # What a proxy said before is no answer of the server's.
        self._ear.heard = False
        try:
            self._tls = ssl_context.wrap_bio(
                self._arrived, self._leaving, server_hostname=server_hostname
            )
            with anyio.fail_after(self._limits.tls_timeout):
                await self._pump(self._tls.do_handshake)
        except TimeoutError:
            raise Stop(TIMED_OUT) from None
        except ssl.SSLCertVerificationError:
            raise Stop(CERTIFICATE_REFUSED) from None
        except ConnectionError:
            raise httpcore2.ReadError from None
        except (OSError, ValueError):
            raise Stop(TLS_FAILED) from None
        return self

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        self._sock.close()

    def get_extra_info(self, info: str) -> Any:
        return None

    async def _read(self, max_bytes: int) -> bytes:
        tls = self._tls
        if tls is None:
            return await self._receive(max_bytes)
        try:
            return await self._pump(tls.read, max_bytes)
        except ssl.SSLEOFError:
            # Cut without a farewell: as with a blocking socket, the body knows if it is whole.
            return b""

    async def _write(self, buffer: bytes) -> None:
        rest = memoryview(buffer)
        if self._tls is None:
            await self._send(rest)
        else:
            while rest:
                rest = rest[await self._pump(self._tls.write, rest) :]

    async def _pump(self, operation: Callable[..., _Result], *arguments: object) -> _Result:
        """Carry ciphertext both ways until ``operation`` has what it needs."""
        while True:
            try:
                result = operation(*arguments)
            except ssl.SSLWantReadError:
                await self._send(memoryview(self._leaving.read()))
                piece = await self._receive(_PIECE)
                if piece:
                    self._arrived.write(piece)
                else:
                    self._arrived.write_eof()
            else:
                await self._send(memoryview(self._leaving.read()))
                return result

    async def _receive(self, max_bytes: int) -> bytes:
        while True:
            # Waiting first gives every other task of the loop its turn.
            await anyio.wait_readable(self._sock)
            with suppress(BlockingIOError):
                return self._sock.recv(max_bytes)

    async def _send(self, rest: memoryview) -> None:
        while rest:
            await anyio.wait_writable(self._sock)
            with suppress(BlockingIOError):
                rest = rest[self._sock.send(rest) :]
