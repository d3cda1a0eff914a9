"""Arguments that take one of a few words, as types."""

from __future__ import annotations

from typing import Literal

__all__ = ["AllDay", "Detail", "Unanswered", "WorkingElsewhere"]

AllDay = Literal["as-marked", "busy", "free"]
Unanswered = Literal["tentative", "busy", "free"]
WorkingElsewhere = Literal["as-marked", "busy", "free"]
Detail = Literal["events", "busy"]
"""``"events"`` keeps titles and places; ``"busy"`` keeps times and types only."""
