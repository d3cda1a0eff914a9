"""Servers on loopback that follow a script byte by byte, and the scripts of several tests."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from extcal.fetch import Failed, Fetcher, FetchResponse

Script = Callable[[socket.socket, threading.Event], None]
Fetch = Callable[..., FetchResponse]
Make = Callable[..., Fetcher]
Raw = Callable[[Script], Any]

CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CALENDAR) + CALENDAR
NAME = "calendar.example.net"


class RawServer:
    """Runs one script per connection; the script gets the socket and an event that means "stop"."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.seen: list[bytes] = []
        self.stop = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self) -> None:
        while not self.stop.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(connection,))
            self.threads.append(thread)
            thread.start()

    def serve(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        with connection, suppress(OSError):
            self.script(connection, self.stop)

    def url(self, path: str = "/feed.ics", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def close(self) -> None:
        self.stop.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive()


def read_head(connection: socket.socket) -> bytes:
    """What came, up to the end of the request's head or of the connection."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        piece = connection.recv(65_536)
        if not piece:
            break
        seen += piece
    return seen


def each_time(*answers: bytes | None) -> Script:
    """Give one answer per connection, the last one again and again; None is a reset."""
    left = list(answers)

    def script(connection: socket.socket, stop: threading.Event) -> None:
        read_head(connection)
        answer = left.pop(0) if len(left) > 1 else left[0]
        if answer is None:
            linger = b"\1\0\0\0\0\0\0\0"
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        else:
            connection.sendall(answer)

    return script


def trusting(*authorities: Any) -> ssl.SSLContext:
    """A client's context that trusts these authorities alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for authority in authorities:
        authority.configure_trust(context)
    return context


def kind(answer: FetchResponse) -> str:
    """The kind of a failure."""
    assert isinstance(answer, Failed)
    return answer.kind
