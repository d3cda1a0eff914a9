"""The events of an answer: occurrences and their verdicts in, rows of ExternalEvents out.

Values with datetimes are made only for events that the caller gets. Until then a series is three
columns of integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from extcal.ical.answer.exclude import planned_for
from extcal.ical.events.external_event import EventRow, event_of
from extcal.ical.events.times import DAY
from extcal.ical.series.instances import Instances, Occurrence
from extcal.intervals import FBType

__all__ = [
    "JudgedInstances",
    "JudgedOccurrence",
    "count",
    "earliest",
    "in_order",
    "listed_when_asked",
    "order",
]

_EPOCH = date(1970, 1, 1).toordinal()
_LAST_DAY = date.max.toordinal()

Planned: TypeAlias = "tuple[int, int]"
"""An instant in epoch seconds, and a local day counted from 1970-01-01."""


class JudgedOccurrence(NamedTuple):
    """An occurrence and its verdict, in integers."""

    start: int
    end: int
    uid: str
    fbtype: FBType
    reason: str
    occurrence: Occurrence | None  # None: busy time that comes from no VEVENT


class JudgedInstances(NamedTuple):
    """The instances of a series and their verdict. Most of them are never made into values."""

    instances: Instances
    fbtype: FBType
    reason: str

    def shown(self) -> Iterator[JudgedOccurrence]:
        """Yield each of them as a value."""
        uid = self.instances.event.uid
        for each in self.instances.occurrences():
            yield JudgedOccurrence(each.start, each.end, uid, self.fbtype, self.reason, each)


def listed_when_asked(
    found: list[JudgedOccurrence | JudgedInstances], limit: int, titles: bool
) -> Callable[[], list[tuple[EventRow, Planned]]]:
    """Return a function that makes the values: at most ``limit`` of them, by start.

    It keeps references to the data of these values, and none to the bytes of the feed.
    """
    for one in found:
        source = one.instances if isinstance(one, JudgedInstances) else one.occurrence
        if source is not None:
            source.event.release()  # if titles are wanted, they have been read
    return partial(_made, found, limit, titles)


def _made(
    found: list[JudgedOccurrence | JudgedInstances], limit: int, titles: bool
) -> list[tuple[EventRow, Planned]]:
    return in_order(earliest(found, limit), titles)


def earliest(found: list[JudgedOccurrence | JudgedInstances], limit: int) -> list[JudgedOccurrence]:
    """Return the first ``limit`` occurrences; a value is made only if it may be one of them."""
    last: int | None = None
    if count(found) > limit:
        starts = [one.start for one in found if isinstance(one, JudgedOccurrence)]
        for one in found:
            if isinstance(one, JudgedInstances):
                starts += one.instances.columns.starts[:limit]
        starts.sort()
        if not limit:
            return []
        last = starts[limit - 1]
    shown: list[JudgedOccurrence] = []
    for one in found:
        if isinstance(one, JudgedOccurrence):
            shown.append(one)
        elif last is None:
            shown += one.shown()
        else:
            event, columns = one.instances
            shown += one._replace(instances=Instances(event, columns.until(last))).shown()
    if last is not None:
        shown.sort(key=order)
        del shown[limit:]
    return shown


def in_order(found: Iterable[JudgedOccurrence], titles: bool) -> list[tuple[EventRow, Planned]]:
    """Return the events of occurrences, by start; they have no title and place unless ``titles``.

    With each event comes its planned start. The events are sorted by all of their fields, so their
    order does not depend on the feed's.
    """
    ordered = sorted(found, key=_place)
    rows = [(_row(one, titles), _planned(one)) for one in ordered]
    if len({*map(_place, ordered)}) < len(ordered):
        first = 0
        for _, alike in groupby(ordered, key=_place):
            after = first + len([*alike])
            if after - first > 1:
                rows[first:after] = sorted(rows[first:after], key=_by_everything)
            first = after
    return rows


def _row(shown: JudgedOccurrence, titles: bool) -> EventRow:
    start, end, uid, fbtype, reason, occurrence = shown
    if occurrence is None:
        return EventRow(
            uid, None, start, end, False, None, None, None, None, fbtype, None, reason, "utc", False
        )
    event, planned, zone = occurrence.event, occurrence.recurrence_id, occurrence.zone
    open_ = titles and not event.private
    first_day = last_day = None
    if event.all_day:
        first_day = _ordinal(occurrence.local)
        last_day = max(first_day, _ordinal(zone.to_local(occurrence.end) - 1))
    recurrence_id: int | str | None = None
    if planned is not None:
        if planned.is_date:
            recurrence_id = date.fromordinal(_ordinal(planned.local)).isoformat()
        elif planned[:3] == (occurrence.local, False, zone) and occurrence.merged == 1:
            recurrence_id = 0  # it was not moved
        else:
            recurrence_id = planned.epoch - start
    return EventRow(
        event.uid,
        recurrence_id,
        start,
        end,
        event.all_day,
        first_day,
        last_day,
        event.texts.summary if open_ else None,
        event.texts.location if open_ else None,
        fbtype,
        event.facts.get("STATUS"),
        reason,
        zone.source,
        event.private,
    )


def _planned(shown: JudgedOccurrence) -> Planned:
    return (
        (shown.start, shown.start // DAY)
        if shown.occurrence is None
        else planned_for(shown.occurrence)
    )


def _ordinal(local: int) -> int:
    return min(max(local // DAY + _EPOCH, 1), _LAST_DAY)


def count(found: Iterable[JudgedOccurrence | JudgedInstances]) -> int:
    """Return how many occurrences these are."""
    return sum(one.instances.size if isinstance(one, JudgedInstances) else 1 for one in found)


def order(shown: JudgedOccurrence) -> tuple[object, ...]:
    """A sort key: the earliest first. The order is total, so a limit always cuts the same ones."""
    occurrence = shown.occurrence
    planned = None if occurrence is None else occurrence.recurrence_id
    return (*shown[:5], planned is not None and planned.epoch, occurrence is not None)


_place = itemgetter(0, 1, 2)  # of JudgedOccurrence: start, end, uid


def _by_everything(pair: tuple[EventRow, Planned]) -> tuple[object, ...]:
    """A sort key of all fields: only equal events have equal keys."""
    event, planned = event_of(pair[0]), pair[1]
    return (
        event.start,
        event.end,
        event.uid,
        event.fbtype,
        event.summary or "",
        event.reason,
        str(event.recurrence_id),
        event.location or "",
        event.status or "",
        event.zone_source,
        event.all_day,
        str(event.first_day),
        str(event.last_day),
        event.private,
        planned,
    )
