"""The input of a picture: people as rows, with their periods and events, in primitive types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from extcal.arguments import safe_repr

__all__ = ["STRENGTH", "DateMark", "Mark", "Row"]

STRENGTH = {
    "UNKNOWN": 0,
    "FREE": 1,
    "WORKING-ELSEWHERE": 2,
    "BUSY-TENTATIVE": 3,
    "BUSY": 4,
    "BUSY-UNAVAILABLE": 5,
}
"""The types of bars. A stronger type is drawn over a weaker one, and all over unknown time."""


@safe_repr
@dataclass(frozen=True, slots=True)
class Mark:
    """One event from ``start`` to ``end`` in epoch seconds, of an FBTYPE token ``kind``; ``words``
    are written on it. Marks that overlap are drawn below each other; FREE ones as outlines."""

    start: int
    end: int
    kind: str
    words: str = ""


@safe_repr
@dataclass(frozen=True, slots=True)
class DateMark:
    """An all-day event from ``first`` to ``last``, both included: the same days in every zone."""

    first: date
    last: date
    kind: str
    words: str = ""


@safe_repr
@dataclass(frozen=True, slots=True)
class Row:
    """One person. ``busy`` holds (start, end, FBTYPE token), ``unknown`` (start, end), all in epoch
    seconds; an unknown token counts as BUSY, FREE is not drawn. ``note`` is a short remark shown
    under the label, such as the age of the data. ``hours`` are this person's working hours as
    (start, end); None means those of the whole picture. ``marks`` and ``dates`` are single events
    with titles, for a picture that only the calendar's owner sees."""

    label: str
    busy: Sequence[tuple[int, int, str]] = ()
    unknown: Sequence[tuple[int, int]] = ()
    note: str = ""
    hours: Sequence[tuple[int, int]] | None = None
    marks: Sequence[Mark] = ()
    dates: Sequence[DateMark] = ()
