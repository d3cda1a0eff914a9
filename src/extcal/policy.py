"""How the events of a feed count, as data.

Whether a type *blocks* is not decided here, but in each question (``blocks=``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["AllDay", "BusyPolicy", "Detail", "Unanswered", "WorkingElsewhere"]

AllDay = Literal["as-marked", "busy", "free"]
Unanswered = Literal["tentative", "busy", "free"]
WorkingElsewhere = Literal["as-marked", "busy", "free"]
Detail = Literal["events", "busy"]
"""``"events"`` keeps titles and places; ``"busy"`` keeps times and types only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusyPolicy:
    """How the events of one feed count.

    ``all_day``: all-day events count ``"as-marked"`` by the feed (default), always ``"busy"`` (a
    holiday calendar that should block) or always ``"free"`` (birthdays, bin collection).
    ``unanswered``: an invitation the owner has not answered is ``"tentative"`` (default),
    ``"busy"`` or ``"free"``; it is used only if the feed's ``owner`` is given.
    ``working_elsewhere``: Microsoft's WORKINGELSEWHERE is its own, non-blocking type
    (``"as-marked"``, default), or ``"busy"``, or ``"free"``.
    """

    all_day: AllDay = "as-marked"
    unanswered: Unanswered = "tentative"
    working_elsewhere: WorkingElsewhere = "as-marked"

    def __post_init__(self) -> None:
        for name, values in (
            ("all_day", AllDay),
            ("unanswered", Unanswered),
            ("working_elsewhere", WorkingElsewhere),
        ):
            value = getattr(self, name)
            if value not in get_args(values):
                allowed = ", ".join(repr(word) for word in get_args(values))
                raise ValueError(f"{name} is one of {allowed}, not {value!r}")
