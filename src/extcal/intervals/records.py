"""Free/busy as plain rows: builtin values only, for data frames, templates and JSON.

Spans in epoch seconds in, dicts with aware UTC datetimes out. Types and times, never titles.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

from extcal.intervals.instants import instant
from extcal.intervals.merge import BusySpan, Span
from extcal.intervals.types import FBType

__all__ = ["PersonRecord", "Record", "person_records", "records"]


class Record(TypedDict):
    """One stretch: aware UTC bounds, and an FBTYPE token or ``"UNKNOWN"``."""

    start: datetime
    end: datetime
    fbtype: str


class PersonRecord(TypedDict):
    """The same, and whose it is."""

    person: str
    start: datetime
    end: datetime
    fbtype: str


def records(busy: Iterable[BusySpan], unknown: Iterable[Span]) -> list[Record]:
    """Return every span as a plain dict, sorted by start; ``busy`` holds FBType codes."""
    stretches = [(start, end, FBType(code).token) for start, end, code in busy]
    stretches += [(start, end, "UNKNOWN") for start, end in unknown]
    return [
        Record(start=instant(start), end=instant(end), fbtype=token)
        for start, end, token in sorted(stretches)
    ]


def person_records(person: str, rows: Iterable[Record]) -> list[PersonRecord]:
    """Return ``rows`` as those of ``person``, whose name comes first in each."""
    return [
        PersonRecord(person=person, start=row["start"], end=row["end"], fbtype=row["fbtype"])
        for row in rows
    ]
