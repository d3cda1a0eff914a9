"""The zone in which a question was asked: its answer is drawn and printed there.

It is no part of the answer's value: not of its equality, nor of its hash, nor of what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timezone, tzinfo
from zoneinfo import ZoneInfo

from extcal.intervals.frozen import Frozen
from extcal.intervals.types import Period

__all__ = [
    "HOW_TO_ASK",
    "WithZone",
    "can_be_pickled",
    "common_zone",
    "window_asked",
    "zone_of_window",
]


HOW_TO_ASK = (
    "ask .at(instant) for the type at an instant, .is_free(start, end) whether time is free, or "
    ".periods for the busy periods (bool(busy.periods) says whether there are any)"
)
"""What to call instead of what a FreeBusy cannot answer."""


class WithZone(Frozen):
    """A value with the zone of the question; None if it was made without a question."""

    __slots__ = ("_zone",)

    _zone: tzinfo | None


def common_zone(parts: Iterable[WithZone]) -> tzinfo | None:
    """Return the zone of values that are put together: UTC if they have two, None if none."""
    found = [part._zone for part in parts if part._zone is not None]
    if not found:
        return None
    return found[0] if all(zone == found[0] for zone in found) else UTC


def window_asked(start: datetime, end: datetime) -> Period:
    """Return the window of a question, in the zone of its ``start``."""
    return Period(start, end).astimezone(start.tzinfo or UTC)


def zone_of_window(window: Period | tuple[datetime, datetime]) -> tzinfo | None:
    """Return the zone of a window. A Period in UTC was made so, whatever it was asked in."""
    start, _ = window
    return None if isinstance(window, Period) and start.tzinfo is UTC else start.tzinfo


def can_be_pickled(zone: tzinfo | None) -> bool:
    """Tell whether a zone is one of Python's own; others may not allow it."""
    return isinstance(zone, (ZoneInfo, timezone))
