"""WorkingHours"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import final

from extcal.intervals.types import Period

__all__ = ["WorkingHours"]


@final
class WorkingHours:
    """The hours of the week when somebody can be met."""

    def __init__(self, days: str, start: str, end: str, timezone: str | tzinfo) -> None:
        """Read the days and the times."""

    def __or__(self, other: WorkingHours) -> WorkingHours:
        """Join two."""
        return self

    def periods(self, start: datetime, end: datetime) -> tuple[Period, ...]:
        """Return the hours within ``[start, end)`` as periods."""
        return ()

    def epochs(self, lo: int, hi: int) -> list[tuple[int, int]]:
        """Return the hours within ``[lo, hi)`` in epoch seconds."""
        return []
