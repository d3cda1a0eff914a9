"""Checks of a connection: where it may go, how much it may receive; and the fields it sends.

Nothing here waits. To end a fetch, :class:`~extcal.fetch.http.deadline.Stop` is raised.
"""

from __future__ import annotations

import ipaddress
import select
import socket
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from extcal.fetch.address.networks import Address, unwrap
from extcal.fetch.address.proxy import Proxy
from extcal.fetch.address.url import Refusal
from extcal.fetch.http.connect.race import interleaved
from extcal.fetch.http.deadline import Stop
from extcal.fetch.http.exchange import Ask, address_refused
from extcal.fetch.http.message.framing import HeadReader
from extcal.fetch.policy import UrlPolicy
from extcal.fetch.protocol import (
    failed,
)
from extcal.limits import Limits

__all__ = [
    "CERTIFICATE_REFUSED",
    "TLS_FAILED",
    "UNREACHABLE",
    "ReceivedData",
    "check_peer",
    "is_readable",
    "new_socket",
    "request_fields",
    "vetted",
]

MAX_ADDRESSES = 8
_NO_FIELDS: Mapping[str, str] = MappingProxyType({})
_MOST_CHUNKS = 1_000_000  # 32 MiB in a chunk for each line are 840,000
_HEAD_BYTES = 1024 * 1024  # for heads, chunk framing and interim answers, besides twice the body

UNREACHABLE = failed("connect")
TLS_FAILED = failed("tls")
CERTIFICATE_REFUSED = failed("tls/certificate")
_WRONG_PEER = failed("blocked_address")
_FLOOD = failed("too_large/answer")


class ReceivedData:
    """What a connection has received in one fetch: whether anything, whether its end, how much."""

    __slots__ = ("_head", "_room", "begun", "ended")

    def __init__(self, limits: Limits) -> None:
        self._room = 2 * limits.max_wire_bytes + _HEAD_BYTES
        self._head = HeadReader()
        self.begun = False
        self.ended = False

    @property
    def waiting(self) -> bool:
        """Whether the head of the answer is still to come, or is not whole."""
        return self._head.waiting

    @property
    def odd(self) -> bool:
        """Whether the head was corrected."""
        return self._head.odd

    @property
    def exact(self) -> bool:
        """Of an answer that was read: whether the server said without doubt where it ends."""
        return self._head.exact and not self.ended

    def asked(self) -> None:
        """A request is sent: the next bytes begin with a head."""
        self._head = HeadReader()

    def note(self, data: bytes) -> bytes:
        """Count ``data``, and return the bytes to pass on; raises Stop if there are too many.

        b"" while the head is not complete.
        """
        self._room -= len(data)
        if self._room < 0:
            raise Stop(_FLOOD)
        self.begun = self.begun or bool(data)
        self.ended = not data
        passed = self._head.take(data)
        if self._head.chunks > _MOST_CHUNKS:
            raise Stop(_FLOOD)
        return passed


def vetted(
    policy: UrlPolicy, proxy: Proxy | None, host: str, answers: Iterable[str]
) -> tuple[Address, ...]:
    """The addresses of ``host`` to try, every answer judged; raises Stop if one is refused.

    The addresses of a proxy are not judged, because the operator of this program chose it.
    """
    if proxy is None:
        judged = policy.vet(answers, host)
    else:
        judged = UrlPolicy(allow_networks=("0.0.0.0/0", "::/0")).vet(answers)
    if isinstance(judged, Refusal):
        raise Stop(address_refused(judged))
    return interleaved(judged)[:MAX_ADDRESSES]


def new_socket(address: Address) -> socket.socket:
    """A socket for ``address``; raises OSError if the system gives none."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return socket.socket(family, socket.SOCK_STREAM)


def check_peer(sock: socket.socket, address: Address, port: int) -> None:
    """Check that ``sock`` is connected to ``address`` and ``port``; raises Stop or OSError."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer = sock.getpeername()
    if unwrap(ipaddress.ip_address(peer[0])) != address or peer[1] != port:
        raise Stop(_WRONG_PEER)


def is_readable(sock: socket.socket) -> bool:
    """Whether bytes, an end or an error wait on ``sock``."""
    if not hasattr(select, "poll"):  # pragma: no cover - Windows
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def request_fields(ask: Ask, own: Mapping[str, str] = _NO_FIELDS) -> list[tuple[bytes, bytes]]:
    """The header fields; ``own``: the application's fields for the feed's own origin."""
    secret_fields = [*ask.headers, *own.items()]
    if ask.credentials is not None and not any(name.lower() == "authorization" for name in own):
        secret_fields.append(("Authorization", ask.credentials.authorization() or ""))
    return [(name.encode(), value.encode()) for name, value in secret_fields]
