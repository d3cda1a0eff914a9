"""common_free"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta, tzinfo

from extcal.intervals.freebusy import FreeBusy
from extcal.intervals.hours import WorkingHours
from extcal.intervals.types import BLOCKING, FBType, Period

__all__ = ["common_free"]


def common_free(
    participants: Iterable[FreeBusy],
    duration: timedelta,
    *,
    hours: WorkingHours | Sequence[WorkingHours | None] | None = None,
    step: timedelta | None = None,
    buffer: timedelta = timedelta(0),
    timezone: str | tzinfo = "UTC",
    blocks: Iterable[FBType] = BLOCKING,
) -> tuple[Period, ...]:
    """Return when everybody is free for at least ``duration``."""
    return ()
