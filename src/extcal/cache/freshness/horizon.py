"""The window of a cache: what it promises, and what a reading covers. Pure.

Promised at ``now`` is ``[now - history, now + horizon)``. A reading covers 14 days more. So it
still covers the promised window when it is served some days later, because its source failed or
answered 304 (RFC 9110 section 15.4.5).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from extcal.intervals import epoch
from extcal.values import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dateutil.relativedelta import relativedelta

__all__ = ["HISTORY", "Reach"]

HISTORY = timedelta(days=31)
"""How far back a cache looks by default."""

_SLACK = timedelta(days=14)
_LONGEST = timedelta(days=3660)  # a longer one is a mistake, and makes every reading slow
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

    horizon: relativedelta | timedelta | None
    history: timedelta

    def __init__(
        self, horizon: relativedelta | timedelta | None = None, history: timedelta = HISTORY
    ) -> None:
        if horizon is not None and not isinstance(horizon, timedelta):
            from dateutil.relativedelta import relativedelta

            if not isinstance(horizon, relativedelta):
                raise TypeError(
                    f"horizon takes a relativedelta or a timedelta, not {type(horizon).__name__}"
                )
        if not isinstance(history, timedelta):
            raise TypeError(f"history takes a timedelta, not {type(history).__name__}")
        if not timedelta(0) < _later(_TRIAL, horizon) - _TRIAL <= _LONGEST:
            raise ValueError("horizon must be more than nothing, and ten years at most")
        if not timedelta(0) <= history <= _LONGEST:
            raise ValueError("history cannot be negative, and is ten years at most")
        object.__setattr__(self, "horizon", horizon)
        object.__setattr__(self, "history", history)

    def promised(self, now: datetime) -> tuple[int, int]:
        """The window that an answer at ``now`` (in UTC) must cover, in epoch seconds."""
        return epoch(now - self.history), epoch(_later(now, self.horizon), ceil=True)

    def covered(self, now: datetime) -> tuple[int, int]:
        """The window that a body read at ``now`` (in UTC) is expanded over, in epoch seconds."""
        return epoch(now - self.history), epoch(_later(now, self.horizon) + _SLACK, ceil=True)

    def within(self, window: tuple[int, int], now: datetime) -> bool:
        """Whether ``window``, in epoch seconds, contains the window promised at ``now``."""
        lo, hi = self.promised(now)
        return window[0] <= lo and hi <= window[1]

    def spelled(self) -> str:
        """A text that is equal for equal reaches, with any version of dateutil."""
        if self.horizon is None:
            horizon = "months=3"
        elif isinstance(self.horizon, timedelta):
            horizon = f"seconds={self.horizon.total_seconds()!r}"
        else:
            parts = ((name, getattr(self.horizon, name)) for name in _FIELDS)
            horizon = ",".join(f"{name}={value}" for name, value in parts if value)
        return f"{horizon};{self.history.total_seconds()!r}"


def _later(now: datetime, horizon: relativedelta | timedelta | None) -> datetime:
    """``now`` and the horizon; None means 3 months, without an import of dateutil."""
    if horizon is not None:
        return now + horizon
    year, month = divmod(now.year * 12 + now.month - 1 + 3, 12)
    first = now.replace(year=year, month=month + 1, day=1)
    return first + timedelta(days=min(now.day, _days_in(first)) - 1)


def _days_in(first: datetime) -> int:
    return ((first + timedelta(days=31)).replace(day=1) - first).days
