"""Checks of a connection: where it may go, how much it may receive; and httpcore2's values.

Nothing here waits. To end a fetch, :class:`~extcal.fetch.http.deadline.Stop` is raised.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import httpcore2

from extcal.fetch.address.networks import Address, unwrap
from extcal.fetch.address.proxy import Proxy
from extcal.fetch.address.url import Refusal, Url
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
    "new_origin",
    "new_request",
    "new_socket",
    "proxy_options",
    "vetted",
]

MAX_ADDRESSES = 8
_NO_FIELDS: Mapping[str, str] = MappingProxyType({})
_HEAD_BYTES = 1024 * 1024  # for heads, chunk framing and interim answers, besides twice the body

UNREACHABLE = failed("connect")
TLS_FAILED = failed("tls")
CERTIFICATE_REFUSED = failed("tls/certificate")
_WRONG_PEER = failed("blocked_address")
_FLOOD = failed("too_large/answer")


class ReceivedData:
    """What one connection has received: whether anything, whether the last byte, and how much."""

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
        return self._head.take(data)


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


def new_origin(url: Url, proxy: Proxy | None) -> httpcore2.Origin:
    """Scheme, host and port; for a proxy an IPv6 address is in brackets."""
    bracketed = f"[{url.host}]" if proxy is not None and ":" in url.host else url.host
    return httpcore2.Origin(url.scheme.encode(), bracketed.encode(), url.port)


def new_request(
    ask: Ask, origin: httpcore2.Origin, own: Mapping[str, str] = _NO_FIELDS
) -> httpcore2.Request:
    """The request; ``own``: the application's fields for the feed's own origin."""
    secret_fields = [*ask.headers, *own.items()]
    if ask.credentials is not None and not any(name.lower() == "authorization" for name in own):
        secret_fields.append(("Authorization", ask.credentials.authorization() or ""))
    return httpcore2.Request(
        "GET",
        httpcore2.URL(
            scheme=origin.scheme, host=origin.host, port=origin.port, target=ask.url.target
        ),
        headers=[(name.encode(), value.encode()) for name, value in secret_fields],
        extensions={"sni_hostname": ask.url.host},
    )


def proxy_options(proxy: Proxy) -> dict[str, Any]:
    """The arguments for a proxy that httpcore2's HTTPProxy and AsyncHTTPProxy take."""
    return {
        "proxy_url": httpcore2.URL(scheme="http", host=proxy.host, port=proxy.port, target="/"),
        "proxy_auth": proxy.credentials(),
    }
