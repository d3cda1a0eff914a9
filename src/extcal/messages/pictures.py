"""The words of a picture, and of what else shows free/busy time to people.

In: a key of :data:`TEXTS`, and the parameters that its text names. Out: text, not yet escaped.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from extcal.messages.spoken import current

__all__ = ["MONTHS", "TEXTS", "TYPES", "WEEKDAYS", "said", "type_name"]

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip

TYPES: Final[MappingProxyType[str, str]] = MappingProxyType(
    {
        "BUSY-UNAVAILABLE": "Unavailable",
        "BUSY": "Busy",
        "BUSY-TENTATIVE": "Tentative",
        "WORKING-ELSEWHERE": "Working elsewhere",
        "FREE": "Does not block",
        "UNKNOWN": "Unknown",
        "SLOT": "Free slot",
    }
)
"""By the kind of a bar: what it is."""

TEXTS: Final[MappingProxyType[str, str]] = MappingProxyType(
    {
        # Times.
        "all-day": "{day}, all day",
        "as-of": "as of {day} {time}",
        "date": "{weekday} {day} {month}",
        "days": "{first} – {last}",
        "times-in": "times in {zone}",
        "times-in/timeline": "times in {zone}, each day {first}–{last}",
        # A picture's rows, its legend, and what is said where nothing is drawn.
        "all-day-events": "All day",
        "as-text": "Show as text",
        "busy-time": "Busy time",
        "everybody": "Everybody",
        "events": "Events",
        "free": "Free",
        "no-title/private": "Private",
        "none": "None",
        "now": "Now",
        "not-drawn": "{count} more not drawn",
        "outside": "Not asked for",
        "outside/partly": "Partly not asked for",
        "slots": "Free slots",
        "who": "Who",
        "working-hours": "Working hours",
        # The sentences for those who cannot see it.
        "described": "{who}: {what}, {when}.",
        "described/more": "And {count} more.",
        "summary": "Availability of {who}, {days}, {times}.",
        "summary/days": "{first} to {last}",
        "summary/nobody": "nobody",
        "summary/others": "{names} and {count} more",
        # An export.
        "nothing-known": "Nothing is known of this calendar.",
    }
)
"""The text by key."""


def said(key: str, **parameters: object) -> str:
    """The text under ``key``, with its parameters filled in."""
    spoken = current()
    if spoken is not None:
        return spoken.words.text(f"picture.{key}", **parameters)
    return TEXTS[key].format(**parameters)


def type_name(kind: str) -> str:
    """What a bar of ``kind`` is."""
    spoken = current()
    return TYPES[kind] if spoken is None else spoken.words.text(f"type.{kind}")
