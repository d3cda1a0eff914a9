"""Free/busy in other people's shapes: plain records for tables and data frames.

In: a FreeBusy. Out: builtin values only. Types and times, never titles.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from extcal.intervals import FBType, FreeBusy, instant

__all__ = ["Record", "to_records"]


class Record(TypedDict):
    """One stretch: aware UTC bounds, and an FBTYPE token or ``"UNKNOWN"``."""

    start: datetime
    end: datetime
    fbtype: str


def to_records(free_busy: FreeBusy) -> list[Record]:
    """Give every busy and every unknown stretch as a plain dict, sorted by start.

    ``pandas.DataFrame(to_records(fb))`` and ``polars.DataFrame(to_records(fb))`` make a frame of
    it. ``fbtype`` is a token of RFC 5545 section 3.2.9, Microsoft's ``WORKING-ELSEWHERE``, or
    ``UNKNOWN`` where nobody can answer; unknown stretches may overlap busy ones. What is not
    listed inside ``free_busy.window`` is free.
    """
    stretches = [(start, end, FBType(kind).token) for start, end, kind in free_busy.epochs]
    stretches += [(start, end, "UNKNOWN") for start, end in free_busy.unknown_epochs]
    return [
        Record(start=instant(start), end=instant(end), fbtype=token)
        for start, end, token in sorted(stretches)
    ]
