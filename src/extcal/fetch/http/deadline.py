"""One deadline for everything a fetch does, and the ways to stop before or at it.

Monotonic seconds only. :class:`Stop` carries the final answer out of whatever layer found it; it
never leaves ``fetch``. A deadline can be brought forward by another thread: whatever the fetch
waits for then, it waits no longer.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from extcal.fetch.protocol import (
    Failed,
    failed,
)

__all__ = ["TIMED_OUT", "Deadline", "Stop", "stoppable"]

TIMED_OUT = failed("timeout")

_STOPPABLE: ContextVar[set[Deadline] | None] = ContextVar("extcal_stoppable", default=None)


class Stop(Exception):
    """The fetch is over; ``answer`` is what it comes to."""

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
        # What the fetch holds while it works on a body, and nobody holds who waits for bytes.
        self.gate: threading.Lock | None = None

    def now(self) -> float:
        """The moment that the deadline is measured by."""
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
        """From any thread: the time is over, and what is waited for comes at once."""
        self._at = -math.inf
        with self._lock:
            if self._wake is not None:
                self._wake()

    def wait(self, event: threading.Event, seconds: float = math.inf) -> bool:
        """Wait for ``event``, ``seconds`` at most; whether it came in time."""
        self._wake = event.set
        # In this order: who stops says so first, and wakes then.
        return event.wait(min(seconds, self.rest())) and self._at > -math.inf

    @contextmanager
    def working(self, gate: threading.Lock) -> Iterator[None]:
        """Work while nobody else does who holds ``gate``, but while it waits for bytes."""
        with gate:
            self.gate = gate
            try:
                yield
            finally:
                self.gate = None

    def watch(self, sock: socket.socket) -> None:
        """From now on ``sock`` is what is waited for."""

        def shut() -> None:
            with suppress(OSError):
                # The socket's own: what TLS would like to say first is for its own thread to say.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

        self._wake = shut

    def close(self, sock: socket.socket) -> None:
        """Close ``sock``, but not while another thread is about to shut it down."""
        with self._lock:
            self._wake = None
            sock.close()

    @contextmanager
    def registered(self) -> Iterator[None]:
        """While this lasts, who called :func:`stoppable` around it can stop it."""
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
    """Have the fetches of this context keep their deadlines in ``deadlines`` while they run."""
    token = _STOPPABLE.set(deadlines)
    try:
        yield
    finally:
        _STOPPABLE.reset(token)
