"""How far a cache looks: what it promises, and what a reading covers. Pure.

Promised at ``now`` is ``[now - history, now + horizon)``. A reading covers 14 days more, so that
it still keeps the promise when it is served stale, or confirmed by a 304 (RFC 9110 section
15.4.5) instead of being read again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from extcal.intervals import epoch

if TYPE_CHECKING:
    from dateutil.relativedelta import relativedelta

__all__ = ["HISTORY", "Reach"]

HISTORY = timedelta(days=31)
"""How far back a cache looks, unless a host says otherwise."""

_SLACK = timedelta(days=14)
_LONGEST = timedelta(days=3660)  # more is a mistake, and costs every reading
_TRIAL = datetime(2000, 1, 1, tzinfo=UTC)
_FIELDS = (
    "years months days leapdays hours minutes seconds microseconds "
    "year month day weekday hour minute second microsecond"
).split()


@dataclass(frozen=True, slots=True, init=False)
class Reach:
    """Horizon and history of one cache.

    ``horizon``: a relativedelta (calendar months end where months end) or timedelta; None means 3
    months. ``history``: a timedelta. Raises TypeError or ValueError for anything else, for an
    empty horizon and for one of more than ten years.
    """

    horizon: relativedelta | timedelta
    history: timedelta

    def __init__(
        self, horizon: relativedelta | timedelta | None = None, history: timedelta = HISTORY
    ) -> None:
        from dateutil.relativedelta import relativedelta

        if horizon is None:
            horizon = relativedelta(months=3)
        if not isinstance(horizon, (relativedelta, timedelta)):
            raise TypeError(
                f"horizon takes a relativedelta or a timedelta, not {type(horizon).__name__}"
            )
        if not isinstance(history, timedelta):
            raise TypeError(f"history takes a timedelta, not {type(history).__name__}")
        if not timedelta(0) < (_TRIAL + horizon) - _TRIAL <= _LONGEST:
            raise ValueError("horizon must be more than nothing, and ten years at most")
        if not timedelta(0) <= history <= _LONGEST:
            raise ValueError("history cannot be negative, and is ten years at most")
        object.__setattr__(self, "horizon", horizon)
        object.__setattr__(self, "history", history)

    def promised(self, now: datetime) -> tuple[int, int]:
        """What an answer at ``now`` (in UTC) is about at least, in epoch seconds."""
        return epoch(now - self.history), epoch(now + self.horizon, ceil=True)

    def covered(self, now: datetime) -> tuple[int, int]:
        """What a reading of ``now`` (in UTC) is expanded over, in epoch seconds."""
        return epoch(now - self.history), epoch(now + self.horizon + _SLACK, ceil=True)

    def within(self, window: tuple[int, int], now: datetime) -> bool:
        """Whether ``window``, in epoch seconds, holds all that is promised at ``now``."""
        lo, hi = self.promised(now)
        return window[0] <= lo and hi <= window[1]

    def spelled(self) -> str:
        """The same text for the same reach, whatever version of dateutil is installed."""
        if isinstance(self.horizon, timedelta):
            horizon = f"seconds={self.horizon.total_seconds()!r}"
        else:
            parts = ((name, getattr(self.horizon, name)) for name in _FIELDS)
            horizon = ",".join(f"{name}={value}" for name, value in parts if value)
        return f"{horizon};{self.history.total_seconds()!r}"
