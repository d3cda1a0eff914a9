"""VAVAILABILITY (RFC 7953): the time outside the owner's availability, as one layer of busy time.

Sections 4 and 5 differ where components overlap in part. By section 5 an AVAILABLE of a lower
priority frees time inside a component of a higher one. By section 4 each priority replaces the
lower ones in all of its range. Section 4 is followed here: it blocks more, and it fits "override".
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import groupby, pairwise

from extcal.ical.budget import Work
from extcal.ical.events import vevent
from extcal.ical.events.event import Event
from extcal.ical.events.facts import values
from extcal.ical.events.start_end import Source, starts, stay
from extcal.ical.events.times import Extent, days_named, has_day, parse_duration, read_moment
from extcal.ical.parse.components import Component, Stream
from extcal.ical.parse.content_lines import Line
from extcal.ical.series import recurrence_set
from extcal.ical.series.instances import Instances
from extcal.ical.zones.resolve import Zones
from extcal.intervals import FBType
from extcal.messages.problems import oddity, unknown
from extcal.values import NamedTuple

__all__ = ["Layer", "layer"]

# The order of section 4 for overlapping components of one priority, which is not that of FBTYPE.
_AWAY = FBType.BUSY_UNAVAILABLE
_TIE_ORDER = {FBType.BUSY: 3, _AWAY: 2, FBType.BUSY_TENTATIVE: 1}

_STRETCHES = "available"  # the name of their counter in work
_STRETCHES_EACH = 10  # times the limit: the most instances of all AVAILABLEs inside the window


class Layer(NamedTuple):
    """A stretch in epoch seconds during which the owner is not available, with its component."""

    start: int
    end: int
    fbtype: FBType
    uid: str


class _Availability(NamedTuple):
    priority: int
    fbtype: FBType
    uid: str
    start: int
    end: int
    free: list[tuple[int, int]]


def layer(stream: Stream, zones: Zones, raw: bytes, lo: int, hi: int, work: Work) -> list[Layer]:
    """Return the busy time that all VAVAILABILITYs of a body leave in ``[lo, hi)``, sorted.

    If there are too many, none is read, and the whole window is unknown (``work``).
    """
    limit = work.limits.max_availability
    if sum(1 + len(component.children) for component in stream.availability) > limit:
        work.exceeded(
            *unknown("max_availability", most=limit),
            offset=stream.availability[0].offset,
        )
        return []
    found: list[_Availability] = []
    for component in stream.availability:
        one = _read(component, zones, raw, lo, hi, work)
        if work.counts.get(_STRETCHES, 0) > _STRETCHES_EACH * limit:
            work.exceeded(
                *unknown("max_availability/instances", most=_STRETCHES_EACH * limit),
                offset=component.offset,
            )
            return []
        if one is not None:
            found.append(one)
    found.sort(key=lambda one: -_rank(one.priority))
    timeline: list[Layer] = []
    for _, equals in groupby(found, key=lambda one: one.priority):
        timeline = _paint(timeline, list(equals))
    return [stretch for stretch in timeline if stretch.fbtype is not FBType.FREE]


def _read(
    component: Component, zones: Zones, raw: bytes, lo: int, hi: int, work: Work
) -> _Availability | None:
    source = Source(component, zones, work)
    bounds = _bounds(source, lo, hi)
    if bounds is None:
        return None
    start, end = bounds
    several = {name: values(source.lines.get(name, ())) for name in ("PRIORITY", "BUSYTYPE")}
    for name, said in several.items():
        if len(said) > 1:
            source.tell(
                *oddity("property_repeated/availability", name=name),
                source.lines[name][0],
            )
    is_clear = all(len(said) < 2 for said in several.values())
    return _Availability(
        min(map(_priority, several["PRIORITY"]), key=_rank, default=0),
        max(map(_busy_type, several["BUSYTYPE"]), key=_TIE_ORDER.__getitem__, default=_AWAY),
        source.uid or "availability",
        start,
        end,
        _free(component, zones, raw, start, end, work) if is_clear else [],
    )


def _priority(said: str) -> int:
    return int(said) if said.isascii() and said.isdigit() and len(said) == 1 else 0


def _rank(priority: int) -> int:
    """1 is the highest priority, then 2 up to 9, and 0 the lowest (section 4)."""
    return priority or 10


def _busy_type(token: str) -> FBType:
    fbtype = FBType.from_token(token) if token else _AWAY
    return fbtype if fbtype in _TIE_ORDER else FBType.BUSY


def _bounds(source: Source, lo: int, hi: int) -> tuple[int, int] | None:
    """The start and end of a component.

    Without DTSTART, or without an end, it reaches to that edge of the window (section 3.1). The
    same holds if one of these cannot be read.
    """
    lines = source.lines
    begins = starts(source)
    ends = [*lines.get("DTEND", ()), *lines.get("DURATION", ())]
    if ("DTSTART" in lines and not begins) or (ends and not any(map(_is_readable, ends))):
        source.tell(
            *oddity("availability_bounds"),
        )
    start, end = lo, hi
    if any(map(_is_readable, ends)):
        if begins:
            stays = [stay(source, begin) for begin in {begins[0], begins[-1]}]
            start, end = min(one.start.epoch for one in stays), max(one.end for one in stays)
        else:
            moments = (source.moment(line) for line in lines.get("DTEND", ()))
            end = max((moment.epoch for moment in moments if moment is not None), default=hi)
    elif begins:
        start = min(begin.moment.epoch for begin in begins)
    start, end = max(lo, start), min(hi, end)
    return (start, end) if start < end else None


def _is_readable(line: Line) -> bool:
    """Whether at least the day of an end can be read."""
    if line.name == "DURATION":
        duration = parse_duration(line.value)
        return duration is not None and not duration.empty
    return read_moment(line.value) is not None or has_day(line.value)


def _free(
    component: Component, zones: Zones, raw: bytes, lo: int, hi: int, work: Work
) -> list[tuple[int, int]]:
    """The instances of the AVAILABLEs, overrides taken into account, inside the bounds."""
    free: list[tuple[int, int]] = []
    by_uid: dict[str, list[Event]] = {}
    unclear: set[str] = set()
    for position, child in enumerate(component.children):
        uids = {line.value.strip() for line in child.lines if line.name == "UID"} - {""}
        mark = work.mark()
        event = vevent.event(child, zones, work)
        if event is None or event.doubtful:
            work.untell(mark)
            _tell_unclear(child, work)
            unclear |= uids
        else:
            by_uid.setdefault(min(uids, default=f"\x00{position}"), []).append(event)
    for uid in sorted(by_uid.keys() - unclear):
        family = by_uid[uid]
        if _is_unsure(family):
            _tell_unclear(component, work)
            continue
        for event in family:
            event.extent = _shorter(event.extent)
        for found in recurrence_set.instances(family, zones, raw, lo, hi, work):
            if found.event.facts.get("STATUS") == "CANCELLED":
                continue
            size = found.size if isinstance(found, Instances) else 1
            if work.count(_STRETCHES, size) > _STRETCHES_EACH * work.limits.max_availability:
                return []  # the caller reports that nothing is known
            if isinstance(found, Instances):
                free += zip(found.columns.starts, found.columns.ends, strict=True)
            else:
                free.append((found.start, found.end))
    return [
        (max(lo, start), min(hi, end))
        for start, end in _union(sorted(span for span in free if span[0] < span[1]))
        if start < hi and end > lo
    ]


def _shorter(extent: Extent) -> Extent:
    """The extent with the earlier of its two ends at a change of clocks, so as to free less."""
    if extent.wall is None:
        return extent
    return extent._replace(wall=extent.wall._replace(earlier=True))


def _is_unsure(family: list[Event]) -> bool:
    """Whether an override in a series of days may replace one of several."""
    days = [event.start for event in family if event.recurrence_id is None and event.all_day]
    named = [event.recurrence_id for event in family if event.recurrence_id is not None]
    return any(not days_named(moment, start.zone).sure for start in days for moment in named)


def _tell_unclear(component: Component, work: Work) -> None:
    """Report an AVAILABLE with several meanings. It could free too much time, so it frees none."""
    work.problem(
        *oddity("available_unclear"),
        offset=component.offset,
    )


def _paint(below: list[Layer], equals: list[_Availability]) -> list[Layer]:
    """Lay all components of one priority over the layers below, in one sweep over all edges."""
    free = _union(sorted([span for one in equals for span in one.free]))
    edges = {edge for stretch in below for edge in stretch[:2]}
    edges.update(edge for span in free for edge in span)
    edges.update(edge for one in equals for edge in (one.start, one.end))
    waiting = sorted(equals, key=lambda one: -one.start)
    over: list[tuple[int, str, int, FBType]] = []  # a heap; the type that counts comes first
    under = iter(below)
    beneath = next(under, None)
    reaches = iter(free)
    reach = next(reaches, None)
    painted: list[tuple[int, int, FBType, str]] = []
    for start, end in pairwise(sorted(edges)):
        while waiting and waiting[-1].start <= start:
            one = waiting.pop()
            heappush(over, (-_TIE_ORDER[one.fbtype], one.uid, one.end, one.fbtype))
        while over and over[0][2] <= start:
            heappop(over)
        while beneath is not None and beneath.end <= start:
            beneath = next(under, None)
        while reach is not None and reach[1] <= start:
            reach = next(reaches, None)
        if over:
            _, uid, _, fbtype = over[0]
            if reach is not None and reach[0] <= start:
                fbtype = FBType.FREE
        elif beneath is not None and beneath.start <= start:
            fbtype, uid = beneath.fbtype, beneath.uid
        else:
            continue
        if painted and painted[-1][1:] == (start, fbtype, uid):
            start = painted.pop()[0]
        painted.append((start, end, fbtype, uid))
    return [Layer(*stretch) for stretch in painted]


def _union(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join sorted spans that overlap or touch."""
    joined: list[tuple[int, int]] = []
    start, end = spans[0] if spans else (0, 0)
    for begin, stop in spans:
        if begin > end:
            joined.append((start, end))
            start, end = begin, stop
        elif stop > end:
            end = stop
    return [*joined, (start, end)] if spans else []
