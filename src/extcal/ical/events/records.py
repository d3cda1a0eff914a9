"""The type of an event in values of JSON."""

from __future__ import annotations

from typing import TypedDict

__all__ = ["EventRecord"]


class EventRecord(TypedDict):
    """An :class:`ExternalEvent` in values of JSON; instants and dates are text (ISO 8601)."""

    uid: str
    recurrence_id: str | None
    start: str
    end: str
    all_day: bool
    first_day: str | None
    last_day: str | None
    summary: str | None
    location: str | None
    fbtype: str
    status: str | None
    reason: str
    zone_source: str
    private: bool
