"""The only place where the wall clock is read.

A clock is any callable without arguments that returns an aware datetime; everything else in the
house gets one handed in. Tests use :class:`extcal.testing.ManualClock`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

__all__ = ["Clock", "read_clock", "system_clock"]

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's time, aware, in UTC."""
    return datetime.now(UTC)


def read_clock(clock: Clock) -> datetime:
    """Ask ``clock`` and return its time in UTC.

    In UTC, because two datetimes of one local zone subtract by wall clock and not by elapsed time.
    Raises TypeError if the clock shows anything but an aware datetime.
    """
    now: object = clock()
    if not isinstance(now, datetime) or now.utcoffset() is None:
        raise TypeError("a clock returns an aware datetime, like datetime.now(timezone.utc)")
    return now.astimezone(UTC)
