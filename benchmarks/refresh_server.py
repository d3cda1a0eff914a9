"""The server of the refresh benchmark: it answers fast, keeps connections, and counts them.

Serves one calendar at every address, over http and over TLS, under every name below
``feeds.example.org``. An ETag names the version of the calendar; a request that names it too is
answered 304. Runs in a process of its own and is told by a pipe what to do.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import trustme
from feeds import google_like

__all__ = ["DOMAIN", "Served", "serving"]

DOMAIN = "feeds.example.org"
_FIELDS = b"Server: bench\r\nDate: Mon, 04 Jan 2027 08:00:00 GMT\r\nCache-Control: no-cache\r\n"


class Served(NamedTuple):
    """``ports``: by scheme. ``authority``: a file with the certificate to trust."""

    ports: dict[str, int]
    authority: str
    pipe: Connection

    def change(self) -> None:
        """From now on every calendar is another one."""
        self.pipe.send("change")
        self.pipe.recv()

    def counts(self) -> tuple[int, int]:
        """Connections opened and requests answered since the last call."""
        self.pipe.send("counts")
        opened, asked = self.pipe.recv()
        return int(opened), int(asked)


@contextmanager
def serving(events: int) -> Iterator[Served]:
    """Serve calendars of so many events while the block runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory() as folder:
        process = context.Process(target=_main, args=(theirs, folder, events), daemon=True)
        process.start()
        theirs.close()
        try:
            yield Served(ours.recv(), str(Path(folder) / "authority.pem"), ours)
        finally:
            process.kill()
            process.join()


def _main(pipe: Connection, folder: str, events: int) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(Path(folder) / "authority.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(f"*.{DOMAIN}").configure_cert(context)
    with suppress(EOFError):
        asyncio.run(_Server(google_like(events)).run(pipe, context))


class _Server:
    def __init__(self, body: bytes) -> None:
        self.body = body
        self.version = 0
        self.opened = self.asked = 0

    async def run(self, pipe: Connection, context: ssl.SSLContext) -> None:
        ports = {}
        for scheme, tls in (("http", None), ("https", context)):
            server = await asyncio.start_server(
                self.serve, "127.0.0.1", 0, ssl=tls, backlog=1_000, limit=2**18
            )
            ports[scheme] = server.sockets[0].getsockname()[1]
        pipe.send(ports)
        loop = asyncio.get_running_loop()
        while True:
            told = await loop.run_in_executor(None, pipe.recv)
            if told == "change":
                self.version += 1
                pipe.send(self.version)
            else:
                pipe.send((self.opened, self.asked))
                self.opened = self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                self.asked += 1
                writer.write(self.answer(head))
                await writer.drain()
                if b"\nconnection: close" in head:
                    break
        writer.close()

    def answer(self, head: bytes) -> bytes:
        tag = b'"v%d"' % self.version
        fields = _FIELDS + b"ETag: " + tag + b"\r\n"
        if b"if-none-match: " + tag in head:
            return b"HTTP/1.1 304 Not Modified\r\n" + fields + b"\r\n"
        body = self.body.replace(b"SUMMARY:", b"SUMMARY:%d " % self.version)
        length = b"Content-Length: %d\r\n\r\n" % len(body)
        return b"HTTP/1.1 200 OK\r\nContent-Type: text/calendar\r\n" + fields + length + body
