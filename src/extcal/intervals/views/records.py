"""Free/busy as plain rows: values of JSON, which data frames and templates take, too.

Spans in epoch seconds in, dicts with ISO 8601 text out. Types and times, never titles.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from typing import TypedDict

from extcal.intervals.instants import in_zone, instant
from extcal.intervals.merge import BusySpan, Span
from extcal.intervals.types import fbtype_of

__all__ = ["PersonRecord", "Record", "person_records", "records"]


class Record(TypedDict):
    """One stretch: bounds as ISO 8601 text with an offset, and an FBTYPE token or ``"UNKNOWN"``."""

    start: str
    end: str
    fbtype: str


class PersonRecord(TypedDict):
    """The same, and whose it is."""

    person: str
    start: str
    end: str
    fbtype: str


def records(busy: Iterable[BusySpan], unknown: Iterable[Span], zone: tzinfo) -> list[Record]:
    """Return every span as a plain dict, sorted by start; ``busy`` holds FBType codes.

    ``zone``: whose offsets the times have.
    """
    stretches = [(start, end, fbtype_of(code).token) for start, end, code in busy]
    stretches += [(start, end, "UNKNOWN") for start, end in unknown]
    return [
        Record(start=_written(start, zone), end=_written(end, zone), fbtype=token)
        for start, end, token in sorted(stretches)
    ]


def _written(seconds: int, zone: tzinfo) -> str:
    return in_zone(instant(seconds), zone).isoformat(timespec="seconds")


def person_records(person: str, rows: Iterable[Record]) -> list[PersonRecord]:
    """Return ``rows`` as those of ``person``, whose name comes first in each."""
    return [
        PersonRecord(person=person, start=row["start"], end=row["end"], fbtype=row["fbtype"])
        for row in rows
    ]
