"""One deadline for everything a fetch does, and the ways to stop before or at it.

Monotonic seconds only. Any layer can end a fetch by raising :class:`Stop` with the final answer;
``fetch`` catches it. Another thread can end the deadline early: then the fetch stops waiting at
once.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace

from extcal.fetch.protocol import (
    Failed,
    failed,
)

__all__ = ["STARVED", "TIMED_OUT", "Deadline", "Stop", "stoppable"]

TIMED_OUT = failed("timeout")

_STOPPABLE: ContextVar[set[Deadline] | None] = ContextVar("extcal_stoppable", default=None)


STARVED = replace(TIMED_OUT, elsewhere=True)
"""The answer for a fetch that waited for its turn until its time was over: no host was slow."""


class Stop(Exception):
    """The fetch is over; ``answer`` is its result."""

    def __init__(self, answer: Failed) -> None:
        super().__init__(answer.kind)
        self.answer = answer


class Deadline:
    """``seconds`` from now, by ``timer`` (monotonic seconds)."""

    __slots__ = ("_at", "_lock", "_timer", "_wake", "gate")

    def __init__(self, seconds: float, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._at = timer() + seconds
        self._lock = threading.Lock()
        self._wake: Callable[[], object] | None = None
        # The lock that the fetch holds while it computes, and not while it waits for the network.
        self.gate: threading.Lock | None = None

    def now(self) -> float:
        """The present time of the timer."""
        return self._timer()

    def left(self) -> float:
        """Seconds that are left; raises :class:`Stop` when there are none."""
        left = self._at - self._timer()
        if left <= 0:
            raise Stop(TIMED_OUT)
        return left

    def rest(self) -> float:
        """Seconds that are left, 0.0 when there are none."""
        return max(self._at - self._timer(), 0.0)

    def clamp(self, seconds: float) -> float:
        """``seconds``, or what is left if that is less."""
        return min(seconds, self.left())

    # -- stopping -------------------------------------------------------------------------------

    def stop(self) -> None:
        """From any thread: end the deadline now, and wake the fetch if it is waiting."""
        self._at = -math.inf
        with self._lock:
            if self._wake is not None:
                self._wake()

    def wait(self, event: threading.Event, seconds: float = math.inf) -> bool:
        """Wait for ``event``, ``seconds`` at most; whether it came in time."""
        self._wake = event.set
        # In this order, because stop() first sets the time and then wakes.
        return event.wait(min(seconds, self.rest())) and self._at > -math.inf

    @contextmanager
    def working(self, gate: threading.Lock) -> Iterator[None]:
        """Hold ``gate`` inside this block, except while the fetch waits for the network."""
        with gate:
            self.gate = gate
            try:
                yield
            finally:
                self.gate = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside this block the fetch waits for the network, and does not hold the gate."""
        gate = self.gate
        if gate is None:
            yield
            return
        gate.release()
        try:
            yield
        finally:
            gate.acquire()

    def watch(self, sock: socket.socket) -> None:
        """The fetch waits for ``sock`` from now on: :meth:`stop` shuts it down."""

        def shut() -> None:
            with suppress(OSError):
                # The plain socket's method: an SSLSocket's own would use TLS from another thread.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

        self._wake = shut

    def release(self) -> bool:
        """The fetch needs its socket no longer; whether the socket was not shut down before."""
        with self._lock:
            self._wake = None
        return self._at > -math.inf

    def close(self, sock: socket.socket) -> None:
        """Close ``sock``, but not while another thread is about to shut it down."""
        with self._lock:
            self._wake = None
            sock.close()

    @contextmanager
    def registered(self) -> Iterator[None]:
        """Inside this block, the caller of :func:`stoppable` around it can stop the deadline."""
        deadlines = _STOPPABLE.get()
        if deadlines is None:
            yield
            return
        deadlines.add(self)
        try:
            yield
        finally:
            deadlines.discard(self)


@contextmanager
def stoppable(deadlines: set[Deadline]) -> Iterator[None]:
    """Fetches inside this block keep their deadlines in ``deadlines`` while they run."""
    token = _STOPPABLE.set(deadlines)
    try:
        yield
    finally:
        _STOPPABLE.reset(token)
