"""The only place where the wall clock is read.

A clock is any callable without arguments that returns an aware datetime. All other code is passed a
clock or a time. Tests use :class:`extcal.testing.ManualClock`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from extcal.cache.freshness.decide import in_utc

__all__ = ["Clock", "read_clock", "system_clock"]

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's time, aware, in UTC."""
    return datetime.now(UTC)


def read_clock(clock: Clock) -> datetime:
    """The time of ``clock`` in UTC. Raises TypeError if it returns no aware datetime."""
    return in_utc(clock())
