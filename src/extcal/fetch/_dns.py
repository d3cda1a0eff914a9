"""Names to addresses, within a deadline.

The system's resolver blocks for as long as it likes and cannot be interrupted, so it runs in a
worker thread that may be left behind. A left worker keeps its slot until the resolver lets go, so
that a dead name server costs a bounded number of threads.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable

from extcal.fetch._deadline import Deadline, Stop
from extcal.fetch._policy import MAX_ANSWERS
from extcal.fetch.protocol import Failed

__all__ = ["Lookup", "Resolver", "system_resolver"]

Resolver = Callable[[str, int], Iterable[str]]
"""A host name and a port in, addresses as text out; OSError when the name is not known."""

MAX_WORKERS = 8
_UNKNOWN = Failed("dns", looks_like="The name of the server is not known.")
_SLOW = Failed("dns", looks_like="The name of the server could not be looked up in time.")


def system_resolver(host: str, port: int) -> list[str]:
    """Ask the system (RFC 3493 section 6.1); a scope is kept, so that it is seen and refused."""
    answers = []
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        text = str(address[0])
        scope = address[3] if len(address) == 4 else 0
        answers.append(f"{text}%{scope}" if scope and "%" not in text else text)
    return answers


class Lookup:
    """The look-ups of one fetcher: at most ``workers`` at a time."""

    def __init__(self, resolver: Resolver = system_resolver, workers: int = MAX_WORKERS) -> None:
        self._resolver = resolver
        self._slots = threading.BoundedSemaphore(workers)

    def resolve(self, host: str, port: int, deadline: Deadline, seconds: float) -> list[str]:
        """Look ``host`` up in at most ``seconds``; raises Stop when there is no answer."""
        patience = deadline.clamp(seconds)
        if not self._slots.acquire(timeout=patience):
            raise Stop(_SLOW)
        work = _Work(self._resolver, host, port, self._slots)
        try:
            threading.Thread(target=work.run, name="extcal-dns", daemon=True).start()
        except RuntimeError:
            self._slots.release()
            raise Stop(_SLOW) from None
        if not work.done.wait(deadline.clamp(seconds)):
            deadline.left()
            raise Stop(_SLOW)
        if work.answers is None:
            raise Stop(_UNKNOWN)
        return work.answers


class _Work:
    """One look-up and its outcome, shared with the worker."""

    def __init__(
        self, resolver: Resolver, host: str, port: int, slots: threading.BoundedSemaphore
    ) -> None:
        self._resolver = resolver
        self._host = host
        self._port = port
        self._slots = slots
        self.done = threading.Event()
        self.answers: list[str] | None = None

    def run(self) -> None:
        try:
            found = []
            for answer in self._resolver(self._host, self._port):
                found.append(str(answer))
                if len(found) >= MAX_ANSWERS:
                    break
            self.answers = found
        except Exception:
            # UnicodeError for odd names, OSError for unknown ones, anything from a host's own.
            self.answers = None
        finally:
            self._slots.release()
            self.done.set()
