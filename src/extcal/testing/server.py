"""A feed server on the loopback interface, for demos and for the tests of a host.

Serves what it is told on 127.0.0.1, remembers every request, and ends its threads when it ends. It
answers conditional requests as publishers do. Point a fetcher at it with
``HttpFetcher(allow_networks=server.networks)``.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType, TracebackType
from typing import Self

__all__ = ["FeedServer", "ReceivedRequest", "Reply"]

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it came: ``headers`` by lower-case name."""

    method: str
    path: str
    headers: Mapping[str, str]


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


class FeedServer:
    """A context manager; inside it the server runs on a free port of 127.0.0.1.

    ``networks`` is what a fetcher's ``allow_networks`` needs to reach it. ``requests`` lists every
    request received so far, oldest first.
    """

    networks = ("127.0.0.1/32",)

    def __init__(self) -> None:
        self._pages: dict[str, _Page] = {}
        self._lock = threading.Lock()
        self._received: list[ReceivedRequest] = []
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._server = _Server(self._answer)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
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
        self._server = self._thread = None
        if server is not None and thread is not None:
            server.shutdown()
            server.server_close()
            thread.join()

    @property
    def requests(self) -> list[ReceivedRequest]:
        with self._lock:
            return list(self._received)

    def url(self, path: str) -> str:
        """The address of ``path`` on this server."""
        if self._server is None:
            raise RuntimeError("the server does not run: use it in a with statement")
        return f"http://127.0.0.1:{self._server.server_address[1]}/{path.removeprefix('/')}"

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
        """Serve ``body`` at ``path`` from now on, in place of what was there; returns its address.

        ``body``: bytes, text, or a callable that gets a :class:`ReceivedRequest` and returns bytes,
        text or a :class:`Reply`. With ``etag`` or ``last_modified``, a conditional request
        that names the same is answered 304 (RFC 9110 section 13). ``gzipped`` compresses what is
        sent.
        """
        page = _Page(body, content_type, etag, last_modified, status, gzipped, dict(headers))
        with self._lock:
            self._pages["/" + path.removeprefix("/")] = page
        return self.url(path)

    def redirect(self, path: str, to: str, *, status: int = 302) -> str:
        """Redirect ``path`` to the address ``to``; returns the address of ``path``."""
        return self.serve(path, b"", status=status, headers={"Location": to})

    def forget(self, path: str) -> None:
        """Answer 404 at ``path`` again."""
        with self._lock:
            self._pages.pop("/" + path.removeprefix("/"), None)

    def _answer(self, request: ReceivedRequest) -> Reply:
        with self._lock:
            self._received.append(request)
            page = self._pages.get(request.path)
        if page is None:
            return Reply("no such calendar\n", 404, {"Content-Type": "text/plain"})
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
    # Threads of requests are waited for: nothing is left behind. _Handler.timeout bounds the wait.
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, answer: Callable[[ReceivedRequest], Reply]) -> None:
        self.answer = answer
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look its own name up here, which asks a name server.
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


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

    def log_message(self, format: str, *args: object) -> None:
        """Requests are in FeedServer.requests; nothing is printed."""
