"""HTTP/1.1 on one connection: a request out, an answer in, again and again (RFC 9112).

h11 parses; :class:`~extcal.fetch.http.connect.stream.GuardedStream` reads and writes. Raises Stop,
Broken, or h11's RemoteProtocolError if the answer is not HTTP.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress

import h11

from extcal.fetch.address.proxy import Proxy
from extcal.fetch.address.url import Url
from extcal.fetch.http.connect.stream import GuardedStream, WriteBroken
from extcal.fetch.http.deadline import Stop
from extcal.fetch.protocol import failed

__all__ = ["HttpConnection", "ProtocolError"]

ProtocolError = h11.ProtocolError

_READ = 65_536
_HEAD = 100 * 1024  # bytes; a longer head is refused
_PROXY_REFUSED = failed("connect/proxy")

RawFields = list[tuple[bytes, bytes]]


class HttpConnection:
    """A connection to one origin, perhaps through a proxy.

    ``since``: when the name was looked up for it, in seconds of the pool. ``served``: how many
    requests it has answered or is answering. ``last``: when it was given back to the pool.
    ``reused``: it served another request before, so that it may be dead.
    """

    __slots__ = ("_http", "_proxied", "_trailers", "last", "reused", "served", "since", "stream")

    def __init__(self, stream: GuardedStream, since: float) -> None:
        self.stream = stream
        self.since = since
        self.last = since
        self.served = 0
        self.reused = False
        self._proxied: Proxy | None = None
        self._trailers = False
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD)

    def forward(self, proxy: Proxy) -> None:
        """Every request goes to ``proxy``, which forwards it (RFC 9112 section 3.2.2)."""
        self._proxied = proxy

    def tunnel(self, url: Url, proxy: Proxy) -> None:
        """Let ``proxy`` connect to the server of ``url`` (RFC 9110 section 9.3.6); raises Stop."""
        target = f"{_bracketed(url.host)}:{url.port}"
        self._send("CONNECT", target, [(b"Host", target.encode()), *_proxy_fields(proxy)])
        status, _ = self.head()
        if not 200 <= status < 300:
            raise Stop(_PROXY_REFUSED)
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD)

    def ask(self, url: Url, secret_fields: RawFields) -> None:
        """Send GET for ``url``."""
        self.served += 1
        self._trailers = False
        if self._proxied is None:
            self._send("GET", url.target, secret_fields)
        else:
            origin = f"{url.scheme}://{_bracketed(url.host)}:{url.port}"
            self._send("GET", origin + url.target, _proxy_fields(self._proxied) + secret_fields)

    def _send(self, method: str, secret_target: str, secret_fields: RawFields) -> None:
        request = h11.Request(method=method, target=secret_target, headers=secret_fields)
        # Servers sometimes answer and close before they have read the request. The answer counts.
        # If there is none, reading says so.
        with suppress(WriteBroken):
            self.stream.write(self._http.send(request) or b"")
        self._http.send(h11.EndOfMessage())

    # Tracebacks may include local variables. So while an answer is awaited, no frame holds what was
    # sent.

    def head(self) -> tuple[int, RawFields]:
        """The status and the fields of the answer, as they were written."""
        while True:
            event = self._next()
            if isinstance(event, h11.Response) or (
                isinstance(event, h11.InformationalResponse) and event.status_code == 101
            ):
                return event.status_code, event.headers.raw_items()

    def _next(self) -> object:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            data = self.stream.read(_READ)
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise h11.RemoteProtocolError("the server closed the connection without an answer")
            self._http.receive_data(data)

    def body(self) -> Iterator[bytes]:
        """The body, piece by piece."""
        while isinstance(event := self._next(), h11.Data):
            yield bytes(event.data)
        self._trailers = not isinstance(event, h11.EndOfMessage) or bool(event.headers.raw_items())

    def finish(self) -> bool:
        """Whether it may serve another request; then it is ready for it.

        The last answer must have said exactly where it ends, it must be read to this end, and
        nothing may have come after it. A body that nobody needed (that of a redirect) is passed
        over if it has arrived already; it is not waited for.
        """
        if not self._ended():
            return False
        states = self._http.our_state, self._http.their_state
        if states != (h11.DONE, h11.DONE) or self._http.trailing_data[0]:
            return False
        self._http.start_next_cycle()
        return self.stream.received.exact

    def _ended(self) -> bool:
        try:
            while isinstance(event := self._http.next_event(), h11.Data):
                pass
        except h11.RemoteProtocolError:
            return False
        if isinstance(event, h11.EndOfMessage):
            return not event.headers.raw_items()
        return not self._trailers

    def close(self) -> None:
        """Close it."""
        self.stream.close()


def _bracketed(host: str) -> str:
    """``host`` as in an address: a literal of IPv6 is in brackets."""
    return f"[{host}]" if ":" in host else host


def _proxy_fields(proxy: Proxy) -> RawFields:
    secret = proxy.credentials()
    if secret is None:
        return []
    return [(b"Proxy-Authorization", b"Basic " + b64encode(b":".join(secret)))]
