"""One deadline for everything a fetch does, and the way to stop before or at it.

Monotonic seconds only. :class:`Stop` carries the final answer out of whatever layer found it; it
never leaves ``fetch``.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from extcal.fetch.protocol import (
    Failed,
    failed,
)

__all__ = ["TIMED_OUT", "Deadline", "Stop"]

TIMED_OUT = failed("timeout")


class Stop(Exception):
    """The fetch is over; ``answer`` is what it comes to."""

    def __init__(self, answer: Failed) -> None:
        super().__init__(answer.kind)
        self.answer = answer


class Deadline:
    """``seconds`` from now, by ``timer`` (monotonic seconds)."""

    __slots__ = ("_at", "_timer")

    def __init__(self, seconds: float, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._at = timer() + seconds

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
