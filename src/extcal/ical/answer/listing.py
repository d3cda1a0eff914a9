"""The events of an answer: occurrences and their verdicts in, rows of ExternalEvents out.

Values with datetimes are made only for events that the caller gets. Until then a series is three
columns of integers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial
from itertools import groupby, islice
from operator import eq

from extcal.ical.answer.exclude import planned_for
from extcal.ical.events.event import Event
from extcal.ical.events.external_event import EventRow, event_of
from extcal.ical.events.times import DAY
from extcal.ical.parse.spans import sorted_in_slices
from extcal.ical.series.instances import Columns, Instances, Occurrence
from extcal.ical.zones.resolve import Zone
from extcal.intervals import FBType
from extcal.intervals.merge import ascending, packed
from extcal.values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = [
    "Judged",
    "JudgedInstances",
    "JudgedOccurrence",
    "among_first",
    "count",
    "earliest",
    "in_arrays",
    "listed_when_asked",
    "order",
    "release",
]

_EPOCH = date(1970, 1, 1).toordinal()
_LAST_DAY = date.max.toordinal()
_NONE = (None, None)
_AT_ONCE = 2_048  # rows in one call

Planned: TypeAlias = "tuple[int, int]"
"""An instant in epoch seconds, and a local day counted from 1970-01-01."""

Listed: TypeAlias = "tuple[EventRow, Planned]"
"""An event, and its planned start."""


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

    def until(self, last: int) -> JudgedInstances:
        """Those that start at ``last`` or before."""
        event, columns = self.instances
        return self._replace(instances=Instances(event, columns.until(last)))

    def shown(self) -> Iterator[JudgedOccurrence]:
        """Yield each of them as a value."""
        uid = self.instances.event.uid
        for each in self.instances.occurrences():
            yield JudgedOccurrence(each.start, each.end, uid, self.fbtype, self.reason, each)


Judged: TypeAlias = "JudgedOccurrence | JudgedInstances"


def listed_when_asked(found: list[Judged], limit: int, titles: bool) -> Callable[..., list[Listed]]:
    """Return a function that makes the values: at most ``limit`` of them, by start.

    It keeps references to the data of these values, and none to the bytes of the feed, which
    :func:`release` dropped. Several threads may call it; with ``for_good=True`` one may, once.
    """
    return partial(_made, found, limit, titles)


def _made(found: list[Judged], limit: int, titles: bool, *, for_good: bool = False) -> list[Listed]:
    """The rows in order: by all of their fields, so the order does not depend on the feed's.

    ``for_good``: ``found`` is not needed any more, so it is emptied meanwhile to save memory.
    """
    first = among_first(found, limit)
    whole = first is found
    pairs: list[Listed] = []
    for one in _taken(first, found) if for_good else first:
        if isinstance(one, JudgedInstances):
            pairs += _rows(one, titles)
        else:
            pairs.append((_row(one, titles), _planned(one)))
    if whole:
        pairs = sorted_in_slices(pairs, _place)
    else:
        pairs = sorted_in_slices(pairs, _order)[:limit]
    if _has_equals(pairs):
        begin = 0
        for _, alike in groupby(pairs, key=_place):
            behind = begin + len([*alike])
            if behind - begin > 1:
                pairs[begin:behind] = sorted(pairs[begin:behind], key=_by_everything)
            begin = behind
    return pairs


def _has_equals(pairs: list[Listed]) -> bool:
    """Whether two of sorted rows are in one place. Other threads get their turn meanwhile."""
    for at in range(0, len(pairs), _AT_ONCE):
        places = [*map(_place, pairs[at : at + _AT_ONCE + 1])]
        if any(map(eq, places, islice(places, 1, None))):
            return True
    return False


def _taken(first: list[Judged], found: list[Judged]) -> Iterator[Judged]:
    """Take each of ``first`` out of it; others than these are dropped at once."""
    if first is not found:
        found.clear()
    while first:
        yield first.pop()


def among_first(found: list[Judged], limit: int) -> list[Judged]:
    """Return those that may be among the first ``limit``; ``found`` itself if there are no more."""
    if count(found) <= limit:
        return found
    starts = packed(())
    for one in found:
        if isinstance(one, JudgedInstances):
            starts.extend(one.instances.columns.starts)
        else:
            starts.append(one.start)
    last = next(islice(ascending(starts), limit - 1, None)) if limit else min(starts) - 1
    kept: list[Judged] = []
    for one in found:
        if isinstance(one, JudgedInstances):
            part = one.until(last)
            if part.instances.size:
                kept.append(part)
        elif one.start <= last:
            kept.append(one)
    return kept


def earliest(found: list[Judged], limit: int) -> list[JudgedOccurrence]:
    """Return the first ``limit`` occurrences; a value is made only if it may be one of them."""
    first = among_first(found, limit)
    shown: list[JudgedOccurrence] = []
    for one in first:
        if isinstance(one, JudgedOccurrence):
            shown.append(one)
        else:
            shown += one.shown()
    if first is not found:
        shown.sort(key=order)
        del shown[limit:]
    return shown


def _rows(judged: JudgedInstances, titles: bool) -> Iterator[Listed]:
    """The rows of the instances of a series, which differ in their times only."""
    (event, columns), fbtype, reason = judged
    uid, private, all_day = event.uid, event.private, event.all_day
    zone, is_date = event.start.zone, event.start.is_date
    summary, location = _texts(event, titles)
    status, source = event.facts.get("STATUS"), zone.source
    for local, start, end in zip(*columns, strict=True):
        first, last = _days(zone, local, end) if all_day else (None, None)
        planned = _date(local) if is_date else 0
        yield (
            EventRow(
                uid, planned, start, end, all_day, first, last, summary, location,
                fbtype, status, reason, source, private,
            ),
            (start, local // DAY),
        )  # fmt: skip


def _row(shown: JudgedOccurrence, titles: bool) -> EventRow:
    start, end, uid, fbtype, reason, occurrence = shown
    if occurrence is None:
        return EventRow(
            uid, None, start, end, False, None, None, None, None, fbtype, None, reason, "utc", False
        )
    event, planned, zone = occurrence.event, occurrence.recurrence_id, occurrence.zone
    first, last = _days(zone, occurrence.local, occurrence.end) if event.all_day else (None, None)
    recurrence_id: int | str | None = None
    if planned is not None:
        if planned.is_date:
            recurrence_id = _date(planned.local)
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
        first,
        last,
        *_texts(event, titles),
        fbtype,
        event.facts.get("STATUS"),
        reason,
        zone.source,
        event.private,
    )


def _texts(event: Event, titles: bool) -> tuple[str | None, str | None]:
    """The title and the place, if they may be shown."""
    return (event.texts.summary, event.texts.location) if titles and not event.private else _NONE


def _days(zone: Zone, local: int, end: int) -> tuple[int, int]:
    """The first and the last day, as ordinals."""
    first = _ordinal(local)
    return first, max(first, _ordinal(zone.to_local(end) - 1))


def _date(local: int) -> str:
    return date.fromordinal(_ordinal(local)).isoformat()


def _planned(shown: JudgedOccurrence) -> Planned:
    return (
        (shown.start, shown.start // DAY)
        if shown.occurrence is None
        else planned_for(shown.occurrence)
    )


def _ordinal(local: int) -> int:
    return min(max(local // DAY + _EPOCH, 1), _LAST_DAY)


def in_arrays(judged: Judged) -> Judged:
    """The same, in less memory."""
    if isinstance(judged, JudgedOccurrence):
        return judged
    event, columns = judged.instances
    return judged._replace(instances=Instances(event, Columns(*map(packed, columns))))


def release(judged: Judged) -> None:
    """Drop its references to the bytes of the feed."""
    source = judged.instances if isinstance(judged, JudgedInstances) else judged.occurrence
    if source is not None:
        source.event.release()


def count(found: Iterable[Judged]) -> int:
    """Return how many occurrences these are."""
    return sum(one.instances.size if isinstance(one, JudgedInstances) else 1 for one in found)


def order(shown: JudgedOccurrence) -> tuple[object, ...]:
    """A sort key: the earliest first. The order is total, so a limit always cuts the same ones."""
    occurrence = shown.occurrence
    planned = None if occurrence is None else occurrence.recurrence_id
    return (*shown[:5], planned is not None and planned.epoch, occurrence is not None)


def _place(listed: Listed) -> tuple[int, int, str]:
    row = listed[0]
    return row.start, row.end, row.uid


def _order(listed: Listed) -> tuple[object, ...]:
    """:func:`order` of a row."""
    row, planned = listed
    moved = row.recurrence_id is not None and planned[0]
    return row.start, row.end, row.uid, row.fbtype, row.reason, moved


def _by_everything(pair: Listed) -> tuple[object, ...]:
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
