"""A clock that a test moves.

In extcal a clock is any callable without arguments that returns an aware datetime. This one never
reads the machine's time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from extcal.arguments import discreet, made_discreetly, one_of_type

__all__ = ["ManualClock"]


@made_discreetly
class ManualClock:
    """A clock that does not run; ``advance`` and ``set`` move it.

    ``now``: its first time, as an aware datetime or ISO 8601 text with an offset
    (``"2027-01-04T08:00Z"``). Raises TypeError for a time without a zone, ValueError for text
    that is not ISO 8601.
    """

    __slots__ = ("_now",)

    def __init__(self, now: datetime | str) -> None:
        self._now = _aware(now)

    def __call__(self) -> datetime:
        """The time of the clock, aware, in the zone in which it was set."""
        return self._now

    @discreet
    def advance(self, by: timedelta) -> datetime:
        """Move by ``by`` (backwards if it is negative) and return the new time."""
        self._now += one_of_type("by", by, timedelta, "a timedelta such as timedelta(minutes=31)")
        return self._now

    @discreet
    def set(self, now: datetime | str) -> datetime:
        """Set the time to ``now`` (as in the constructor) and return it."""
        self._now = _aware(now)
        return self._now

    def __repr__(self) -> str:
        return f"ManualClock({self._now.isoformat()!r})"


def _aware(value: datetime | str) -> datetime:
    takes = "an aware datetime or ISO 8601 text such as '2027-01-04T08:00Z'"
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"now takes {takes}, not {value!r}") from None
    one_of_type("now", moment, datetime, takes)
    if moment.utcoffset() is None:
        raise TypeError(
            "a clock shows an aware time: say which zone, as in '2027-01-04T08:00Z' "
            "or datetime(2027, 1, 4, 8, tzinfo=timezone.utc)"
        )
    return moment
