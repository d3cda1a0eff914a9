"""A Redis or Valkey server for tests: on a free port of 127.0.0.1, in a directory of its own.

Keeps nothing, and ends with the test that started it. Needs the program on PATH, which Debian has
in its packages ``redis-server`` and ``valkey-server``.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from types import TracebackType
from typing import Self

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")
MISSING = "neither redis-server nor valkey-server is installed"

_PATIENCE = 30.0  # seconds


class RedisServer:
    """A context manager; ``url`` is where it listens. It can be stopped and started in between."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="extcal-redis-")
        self._process: subprocess.Popen[bytes] | None = None
        # Somebody else may take a port between the look and the start: then another one is tried.
        for _ in range(10):
            self.port = _free_port()
            self.url = f"redis://127.0.0.1:{self.port}/0"
            if self._launch():
                return
        raise RuntimeError("the server did not start")

    def start(self) -> None:
        """Start anew, where it was before."""
        if not self._launch():
            raise RuntimeError("the server did not start")

    def _launch(self) -> bool:
        if PROGRAM is None:
            raise RuntimeError(MISSING)
        options = f"--bind 127.0.0.1 --port {self.port} --appendonly no --loglevel warning"
        self._process = subprocess.Popen(
            [PROGRAM, *options.split(), "--save", "", "--dir", self._directory.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + _PATIENCE
        while self._process.poll() is None and time.monotonic() < until:
            # Asked for its own number: a server of another test run may hold the port.
            if self._answers():
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def stop(self) -> None:
        """End this process, and no other."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_PATIENCE)
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"INFO server\r\n")
                told = connection.recv(65_536)
        except OSError:
            return False
        assert self._process is not None
        return f"process_id:{self._process.pid}\r\n".encode() in told

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._directory.cleanup()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
