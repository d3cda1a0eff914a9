"""Addresses of one server that do not answer, refuse, or answer late (RFC 8305: Happy Eyeballs)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from typing import Any

from extcal.arguments import one_of_type

__all__ = ["Addresses"]

_SLOW = 0.3  # seconds without an answer; the system then tries again one second after the first try


class Addresses:
    """127.0.0.2 and the following ones, each with the port of the server, until ``close()``.

    ``serve`` gets each connection to a slow address, and the address it came from.
    """

    def __init__(self, port: int, serve: Callable[[socket.socket, Any], object]) -> None:
        self._port, self._serve = port, serve
        self._numbers = count(2)
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self._open = ExitStack()

    def one(self, how: str) -> str:
        """The address that does what ``how`` says: see :meth:`FeedServer.addresses`."""
        words = ("live", "dead", "refusing", "slow")
        if one_of_type("hows", how, str, "words such as 'dead'") not in words:
            raise ValueError(f"{how!r} is not what an address does: it is {', '.join(words)}")
        if how == "live":
            return "127.0.0.1"
        address = f"127.0.0.{next(self._numbers)}"
        listener = self._open.enter_context(socket.socket())
        listener.bind((address, self._port))
        if how == "refusing":
            return address  # bound, so that nobody else listens there
        # A queue without room for one more: what else comes is not answered.
        listener.listen(0)
        queue = self._open.enter_context(ExitStack())
        for _ in range(2):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((address, self._port))
        if how == "slow":
            thread = threading.Thread(target=self._answer, args=(listener, queue), daemon=True)
            self._threads.append(thread)
            thread.start()
        return address

    def _answer(self, listener: socket.socket, queue: ExitStack) -> None:
        self._ending.wait(_SLOW)
        queue.close()
        listener.settimeout(0.05)
        while not self._ending.is_set():
            try:
                connection, client = listener.accept()
            except TimeoutError:
                continue
            self._serve(connection, client)

    def close(self) -> None:
        """Close all of them."""
        self._ending.set()
        for thread in self._threads:
            thread.join()
        self._open.close()
