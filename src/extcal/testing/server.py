"""A feed server on the loopback interface, for demos and for the tests of an application.

It serves on 127.0.0.1, keeps every request, and ends its threads when it ends. It
answers conditional requests as publishers do, and :meth:`FeedServer.fail` makes it fail as
publishers do. A fetcher reaches it with ``HttpFetcher(allow_networks=server.networks)``.
"""

from __future__ import annotations

import gzip
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from extcal.arguments import call_of, count_of, one_of_type, safe_repr
from extcal.testing.addresses import Addresses
from extcal.testing.faults import (
    FAULTS,
    LOGIN_FAULTS,
    ODD_SERVERS,
    USER_AGENT_FAULTS,
    Fault,
    Wire,
)

if TYPE_CHECKING:
    import ssl

__all__ = ["FeedServer", "ReceivedRequest", "Reply"]

# The body of an address that was told to fail but has no body of its own.
_ORDINARY = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//extcal//testing//EN\r\nBEGIN:VEVENT\r\n"
    b"UID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20270104T090000Z\r\nDURATION:PT1H\r\n"
    b"END:VEVENT\r\nEND:VCALENDAR\r\n"
)
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close() discards data and resets

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@safe_repr
@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One received request: ``headers`` by lower-case name."""

    method: str
    path: str
    headers: Mapping[str, str]


@safe_repr
@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: ``body`` as bytes or text, ``status``, and further ``headers``."""

    body: bytes | str = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Body = bytes | str | Callable[[ReceivedRequest], bytes | str | Reply]


@dataclass(frozen=True, slots=True)
class _Page:
    body: Body
    content_type: str
    etag: str | None
    last_modified: str | None
    status: int
    gzipped: bool
    headers: Mapping[str, str]


@dataclass(slots=True)
class _Failing:
    fault: Fault
    times: int | None  # how many more times; None: until recover()


class FeedServer:
    """A context manager; inside it the server runs on a free port of 127.0.0.1.

    ``networks`` is the value for a fetcher's ``allow_networks``. ``requests`` lists every
    request received so far, oldest first.

    ``ssl_context``: an :class:`ssl.SSLContext` for servers, to serve https with its certificate. A
    server can then take the place of any host that the certificate names: ask
    ``server.url(path, host=...)`` with a fetcher whose ``resolver`` returns 127.0.0.1, whose
    ``ssl_context`` trusts the certificate, and whose ``ports`` contain ``server.port``.
    """

    networks = ("127.0.0.1/32",)

    def __init__(self, *, ssl_context: ssl.SSLContext | None = None) -> None:
        if ssl_context is not None:
            call_of("ssl_context", ssl_context, "an ssl.SSLContext", "wrap_socket")
        self._ssl_context = ssl_context
        self._pages: dict[str, _Page] = {}
        self._failing: dict[str, _Failing] = {}
        self._ending = threading.Event()
        self._lock = threading.Lock()
        self._received: list[ReceivedRequest] = []
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._addresses: Addresses | None = None

    def __enter__(self) -> Self:
        self._ending.clear()
        self._server = _Server(self._answer, self._ending, self._ssl_context)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        self._addresses = Addresses(self.port, self._server.process_request)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop serving, and wait for the threads to end."""
        server, thread = self._server, self._thread
        addresses, self._addresses = self._addresses, None
        self._server = self._thread = None
        self._ending.set()
        if addresses is not None:
            addresses.close()
        if server is not None and thread is not None:
            server.shutdown()
            server.server_close()
            thread.join()

    @property
    def requests(self) -> list[ReceivedRequest]:
        with self._lock:
            return list(self._received)

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 on which the server listens."""
        if self._server is None:
            raise RuntimeError("the server does not run: use it in a with statement")
        return int(self._server.server_address[1])

    def url(self, path: str, *, host: str = "127.0.0.1") -> str:
        """The address of ``path`` on this server, under the name ``host``."""
        one_of_type("host", host, str, "a str such as 'outlook.office365.com'")
        scheme = "http" if self._ssl_context is None else "https"
        return f"{scheme}://{host}:{self.port}{_rooted(path)}"

    def addresses(self, *hows: str) -> list[str]:
        """Addresses of this server, for the ``resolver`` of a fetcher: each lives or fails.

        ``hows``: ``"live"`` is 127.0.0.1. ``"dead"`` never answers a connection, as a broken IPv6
        route. ``"refusing"`` refuses it. ``"slow"`` answers the first one after about a second. The
        fetcher needs ``allow_networks="127.0.0.0/8"``. Raises ValueError for another word, and
        OSError where 127.0.0.2 is not an address of this machine, as it is under Linux.
        """
        if self._addresses is None or self._server is None:
            raise RuntimeError("the server does not run: use it in a with statement")
        return [self._addresses.one(how) for how in hows]

    def serve(
        self,
        path: str,
        body: Body,
        *,
        content_type: str = "text/calendar; charset=utf-8",
        etag: str | None = None,
        last_modified: str | None = None,
        status: int = 200,
        gzipped: bool = False,
        headers: Mapping[str, str] = _NO_HEADERS,
    ) -> str:
        """Serve ``body`` at ``path`` from now on, instead of the body before; returns its address.

        ``body``: bytes, text, or a callable that gets a :class:`ReceivedRequest` and returns bytes,
        text or a :class:`Reply`. With ``etag`` or ``last_modified``, a conditional request
        that names the same is answered 304 (RFC 9110 section 13). ``gzipped`` compresses the
        body.
        """
        takes = "bytes, text or a callable of the request"
        if not callable(body):
            one_of_type("body", body, (str, bytes), takes)
        count_of("status", status)
        page = _Page(body, content_type, etag, last_modified, status, gzipped, dict(headers))
        with self._lock:
            self._pages[_rooted(path)] = page
        return self.url(path)

    def redirect(self, path: str, to: str, *, status: int = 302) -> str:
        """Redirect ``path`` to the address ``to``; returns the address of ``path``."""
        return self.serve(path, b"", status=status, headers={"Location": to})

    def forget(self, path: str) -> None:
        """Answer 404 at ``path`` again."""
        with self._lock:
            self._pages.pop(_rooted(path), None)

    def fail(self, path: str, how: str, *, times: int | None = None) -> str:
        """Let ``path`` fail from now on; returns its address.

        ``how``: one of :data:`extcal.testing.faults.FAULTS`, such as ``"500"``, ``"sign-in page"``,
        ``"cut"`` or ``"stall"``; or of :data:`extcal.testing.faults.USER_AGENT_FAULTS`, which fail
        for some programs only; of :data:`extcal.testing.faults.LOGIN_FAULTS`, which want a password
        or a token; or of :data:`extcal.testing.faults.ODD_SERVERS`, which are odd and well.
        ``times``: fail only so many times, then serve again. For a fault that takes long, give the
        fetcher a short deadline: ``Limits(fetch_deadline=0.5)``. Raises ValueError for an unknown
        fault, and for ``times`` below one.
        """
        if times is not None:
            count_of("times", times)
        known = {**FAULTS, **USER_AGENT_FAULTS, **LOGIN_FAULTS, **ODD_SERVERS}
        if one_of_type("how", how, str, "the name of a fault") not in known:
            raise ValueError(f"{how!r} is not a fault; there are: {', '.join(known)}")
        with self._lock:
            self._failing[_rooted(path)] = _Failing(known[how], times)
        return self.url(path)

    def recover(self, path: str) -> None:
        """Let ``path`` serve again."""
        with self._lock:
            self._failing.pop(_rooted(path), None)

    def _answer(self, request: ReceivedRequest) -> Reply | Wire:
        with self._lock:
            self._received.append(request)
            page = self._pages.get(request.path)
            fault = self._fault(request)
        if fault is not None:
            return fault.answer(request.path, _ORDINARY if page is None else _body(page, request))
        if page is None:
            return Reply("no such calendar\n", 404, {"Content-Type": "text/plain"})
        return _served(page, request)

    def _fault(self, request: ReceivedRequest) -> Fault | None:
        failing = self._failing.get(request.path)
        if failing is None or failing.fault.spares(request.headers):
            return None
        if failing.times is not None:
            failing.times -= 1
            if failing.times == 0:
                del self._failing[request.path]
        return failing.fault


def _rooted(path: str) -> str:
    return "/" + one_of_type("path", path, str, "a str such as '/ada.ics'").removeprefix("/")


def _body(page: _Page, request: ReceivedRequest) -> bytes:
    given = page.body(request) if callable(page.body) else page.body
    body = given.body if isinstance(given, Reply) else given
    return body.encode("utf-8") if isinstance(body, str) else body


def _served(page: _Page, request: ReceivedRequest) -> Reply:
    headers = {"Content-Type": page.content_type}
    if page.etag is not None:
        headers["ETag"] = page.etag
    if page.last_modified is not None:
        headers["Last-Modified"] = page.last_modified
    if page.status == 200 and _is_current(page, request):
        return Reply(b"", 304, headers)
    given = page.body(request) if callable(page.body) else page.body
    reply = given if isinstance(given, Reply) else Reply(given, page.status)
    body = reply.body.encode("utf-8") if isinstance(reply.body, str) else reply.body
    if page.gzipped:
        body = gzip.compress(body)
        headers["Content-Encoding"] = "gzip"
    return Reply(body, reply.status, {**headers, **page.headers, **reply.headers})


def _is_current(page: _Page, request: ReceivedRequest) -> bool:
    """RFC 9110 section 13.2.2: If-None-Match first; If-Modified-Since only without it."""
    asked = request.headers.get("if-none-match")
    if asked is not None:
        return page.etag is not None and page.etag in [tag.strip() for tag in asked.split(",")]
    since = request.headers.get("if-modified-since")
    return page.last_modified is not None and since == page.last_modified


class _Server(ThreadingHTTPServer):
    # The server waits for the threads of its requests when it closes; _Handler.timeout bounds
    # that.
    daemon_threads = False
    request_queue_size = 64

    def __init__(
        self,
        answer: Callable[[ReceivedRequest], Reply | Wire],
        ending: threading.Event,
        ssl_context: ssl.SSLContext | None,
    ) -> None:
        self.answer = answer
        self.ending = ending
        self.ssl_context = ssl_context
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        # HTTPServer.server_bind would look up this machine's name, which asks a name server.
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.ssl_context is None:
            super().finish_request(request, client_address)
            return
        # The TLS handshake happens in the thread of the request, so that a slow client delays
        # nobody else.
        request.settimeout(_Handler.timeout)
        with self.ssl_context.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)
            self.shutdown_request(secure)  # like the plain socket: data that was sent arrives first

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing if a client closes the connection early."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "extcal-testing"
    sys_version = ""
    timeout = 5

    def do_GET(self) -> None:
        self._reply()

    def do_HEAD(self) -> None:
        self._reply()

    def _reply(self) -> None:
        assert isinstance(self.server, _Server)
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.answer(ReceivedRequest(self.command, self.path, headers))
        if isinstance(reply, Wire):
            self._misbehave(reply, self.server.ending)
            return
        body = reply.body.encode("utf-8") if isinstance(reply.body, str) else reply.body
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and reply.status != 304:
            self.wfile.write(body)

    def _misbehave(self, wire: Wire, ending: threading.Event) -> None:
        """Send what the Wire says, until the client closes the connection or the server ends."""
        self.close_connection = True
        ending.wait(wire.wait)
        self.wfile.write(wire.start)
        said = 0
        while wire.drop and (wire.drops is None or said < wire.drops) and not ending.is_set():
            self.wfile.write(wire.drop)
            said += 1
            if wire.pause:
                ending.wait(wire.pause)
        if wire.ending == "stall":
            self._stall(ending)
        elif wire.ending == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def _stall(self, ending: threading.Event) -> None:
        self.connection.settimeout(0.05)
        while not ending.is_set():
            try:
                if not self.connection.recv(4096):
                    return
            except TimeoutError:
                continue

    def log_message(self, format: str, *args: object) -> None:
        """Requests are in FeedServer.requests; nothing is printed."""
