"""Plain rows for tables and data frames: one for each busy and each unknown period.

In: a FreeBusy, an object that has one (a Snapshot, an Expansion), or several by name. Out: builtin
values only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import Protocol, overload

from extcal.arguments import discreet
from extcal.intervals import FreeBusy, PersonRecord, Record, person_records

__all__ = ["HasFreeBusy", "PersonRecord", "Record", "to_records"]


class HasFreeBusy(Protocol):
    """An object with somebody's free/busy time: a Snapshot, an Expansion."""

    @property
    def free_busy(self) -> FreeBusy: ...


@overload
def to_records(source: FreeBusy | HasFreeBusy, timezone: str | tzinfo = "UTC") -> list[Record]: ...
@overload
def to_records(
    source: Mapping[str, FreeBusy], timezone: str | tzinfo = "UTC"
) -> list[PersonRecord]: ...
@discreet
def to_records(
    source: FreeBusy | HasFreeBusy | Mapping[str, FreeBusy], timezone: str | tzinfo = "UTC"
) -> list[Record] | list[PersonRecord]:
    """Return every busy and every unknown period as a plain dict, sorted by start.

    ``source``: a FreeBusy (for which this is :meth:`extcal.FreeBusy.to_records`), a Snapshot or an
    Expansion; or several FreeBusy by name, as in an Availability: then each row begins with
    ``person``, and the rows are those of the first person, then those of the next.

    The rows are values of JSON: ``start`` and ``end`` are ISO 8601 text with the offset of
    ``timezone`` (an IANA name or a tzinfo). ``fbtype`` is a token of RFC 5545 section 3.2.9,
    Microsoft's ``WORKING-ELSEWHERE``, or ``UNKNOWN`` for unknown time; unknown periods may overlap
    busy ones. Time in the window that is not listed is free.
    """
    if isinstance(source, FreeBusy):
        return source.to_records(timezone)
    if isinstance(source, Mapping):
        return [
            row
            for person, free_busy in source.items()
            for row in person_records(person, free_busy.to_records(timezone))
        ]
    return source.free_busy.to_records(timezone)
