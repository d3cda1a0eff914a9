"""What can be drawn: people as rows, and what lies on them, in primitives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

__all__ = ["STRENGTH", "DateMark", "Mark", "Row"]

STRENGTH = {
    "UNKNOWN": 0,
    "FREE": 1,
    "WORKING-ELSEWHERE": 2,
    "BUSY-TENTATIVE": 3,
    "BUSY": 4,
    "BUSY-UNAVAILABLE": 5,
}
"""What a bar may be. A stronger type is drawn over a weaker one; unknown time lies under all."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One event from ``start`` to ``end`` in epoch seconds, of an FBTYPE token ``kind``; ``words``
    are written on it. Marks that overlap are drawn below each other; FREE ones as outlines."""

    start: int
    end: int
    kind: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class DateMark:
    """What is kept by dates, from ``first`` to ``last``, both included: the same in every zone."""

    first: date
    last: date
    kind: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One person. ``busy`` holds (start, end, FBTYPE token), ``unknown`` (start, end), all in epoch
    seconds; an unknown token counts as BUSY, FREE is not drawn. ``note`` is a short remark shown
    under the label, such as the age of what is shown. ``hours`` are this person's working hours as
    (start, end); None means those of the whole picture. ``marks`` and ``dates`` are single events,
    for a picture that only their owner sees."""

    label: str
    busy: Sequence[tuple[int, int, str]] = ()
    unknown: Sequence[tuple[int, int]] = ()
    note: str = ""
    hours: Sequence[tuple[int, int]] | None = None
    marks: Sequence[Mark] = ()
    dates: Sequence[DateMark] = ()
