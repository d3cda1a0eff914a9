"""VAVAILABILITY (RFC 7953): when its owner can be booked at all, as one layer of busy time.

Sections 4 and 5 differ where components overlap in part: section 5 lets a lower priority's
AVAILABLE free time inside a higher priority's. Section 4's reading is taken: each priority replaces
what is below it wherever it reaches. It blocks more, and it is what "override" says.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import groupby, pairwise
from typing import NamedTuple

from extcal.ical import recurrence
from extcal.ical.budget import Work
from extcal.ical.events import times, vevent
from extcal.ical.parse.components import Component, Stream
from extcal.ical.series import recurrence_set
from extcal.ical.series.instances import Instances
from extcal.ical.zones.resolve import Zones
from extcal.intervals import FBType

__all__ = ["Layer", "layer"]

# Section 4's own order where components of one priority overlap; it is not FBTYPE's.
_TIE_ORDER = {FBType.BUSY: 3, FBType.BUSY_UNAVAILABLE: 2, FBType.BUSY_TENTATIVE: 1}


_STRETCHES = "available"  # are counted in work
_STRETCHES_EACH = 10  # times the limit: instances inside the window, of all AVAILABLEs


class Layer(NamedTuple):
    """A stretch in epoch seconds during which the owner is not available, and who says so."""

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

    Of too many nothing is read: the whole window is unknown (``work``).
    """
    limit = work.limits.max_availability
    if sum(1 + len(component.children) for component in stream.availability) > limit:
        work.exceeded(
            "max_availability",
            f"more than {limit:,} VAVAILABILITY and AVAILABLE components",
            offset=stream.availability[0].offset,
        )
        return []
    found: list[_Availability] = []
    for component in stream.availability:
        one = _read(component, zones, raw, lo, hi, work)
        if work.counts.get(_STRETCHES, 0) > _STRETCHES_EACH * limit:
            work.exceeded(
                "max_availability",
                f"more than {_STRETCHES_EACH * limit:,} instances of AVAILABLE components",
                offset=component.offset,
            )
            return []
        if one is not None:
            found.append(one)
    # 0 is the lowest priority, then 9 down to 1 (section 4)
    found.sort(key=lambda one: -(one.priority or 10))
    timeline: list[Layer] = []
    for _, equals in groupby(found, key=lambda one: one.priority):
        timeline = _paint(timeline, list(equals))
    return [stretch for stretch in timeline if stretch.fbtype is not FBType.FREE]


def _read(
    component: Component, zones: Zones, raw: bytes, lo: int, hi: int, work: Work
) -> _Availability | None:
    bounds = _bounds(component, zones, lo, hi)
    if bounds is None:
        return None
    start, end = bounds
    written = {line.name: line.value.strip() for line in reversed(component.lines)}
    priority = written.get("PRIORITY", "")
    token = written.get("BUSYTYPE", "")
    fbtype = FBType.from_token(token) if token else FBType.BUSY_UNAVAILABLE
    return _Availability(
        int(priority) if priority.isascii() and priority.isdigit() and len(priority) == 1 else 0,
        FBType.BUSY if fbtype not in _TIE_ORDER else fbtype,
        written.get("UID", "availability"),
        start,
        end,
        _free(component, zones, raw, start, end, work),
    )


def _bounds(component: Component, zones: Zones, lo: int, hi: int) -> tuple[int, int] | None:
    """Without DTSTART or an end it reaches as far as anybody asks (section 3.1)."""
    start, end = lo, hi
    first: times.Moment | None = None
    for line in component.lines:
        moment = (
            times.parse_moment(line, component.calendar, zones)
            if line.name in {"DTSTART", "DTEND"}
            else None
        )
        if moment is not None and line.name == "DTSTART":
            first, start = moment, max(lo, moment.epoch)
        elif moment is not None:
            end = min(hi, moment.epoch)
    for line in component.lines:
        duration = times.parse_duration(line.value) if line.name == "DURATION" else None
        if duration is not None and first is not None:
            end = min(hi, duration.extent.end(first.local, first.epoch, first.zone))
    return (start, end) if start < end else None


def _free(
    component: Component, zones: Zones, raw: bytes, lo: int, hi: int, work: Work
) -> list[tuple[int, int]]:
    """The instances of the AVAILABLEs, overrides taken into account, inside the bounds."""
    free: list[tuple[int, int]] = []
    by_uid: dict[str, list[vevent.Event]] = {}
    unclear: set[str] = set()
    for position, child in enumerate(component.children):
        written = next((line.value.strip() for line in child.lines if line.name == "UID"), "")
        uid = written or f"\x00{position}"
        event = vevent.event(child, zones, work) if _is_clear(child, work) else None
        if event is None:
            unclear.add(uid)
        else:
            by_uid.setdefault(uid, []).append(event)
    for uid in sorted(by_uid.keys() - unclear):
        for found in recurrence_set.instances(by_uid[uid], zones, raw, lo, hi, work):
            if found.event.facts.get("STATUS") == "CANCELLED":
                continue
            size = found.size if isinstance(found, Instances) else 1
            if work.count(_STRETCHES, size) > _STRETCHES_EACH * work.limits.max_availability:
                return []  # whoever asked has to say that nothing is known
            if isinstance(found, Instances):
                free += zip(found.columns.starts, found.columns.ends, strict=True)
            else:
                free.append((found.start, found.end))
    return [
        (max(lo, start), min(hi, end))
        for start, end in _union(sorted(free))
        if start < end and start < hi and end > lo
    ]


def _is_clear(child: Component, work: Work) -> bool:
    """Whether an AVAILABLE leaves no doubt about its times.

    Doubt about an event blocks time. Here it would free time, so nothing of that UID is available.
    """
    odd: list[str] = []
    for line in child.lines:
        if line.name == "DURATION":
            duration = times.parse_duration(line.value)
            if duration is None or duration.negative:
                odd.append(line.name)
        elif line.name in {"RRULE", "EXRULE"}:
            recurrence.parse(line.value, lambda *told: odd.append(told[0]))
        elif line.name in {"DTEND", "EXDATE"}:
            texts = [text for text in line.value.split(",") if text.strip()] or [""]
            if any(times.read_moment(text.partition("/")[0]) is None for text in texts):
                odd.append(line.name)
    if odd:
        work.problem(
            "available_unclear",
            "an AVAILABLE cannot be read for certain",
            offset=child.offset,
            action="not available",
        )
    return not odd


def _paint(below: list[Layer], equals: list[_Availability]) -> list[Layer]:
    """Lay all components of one priority over what is there: one sweep over all edges."""
    free = _union(sorted([span for one in equals for span in one.free]))
    edges = {edge for stretch in below for edge in stretch[:2]}
    edges.update(edge for span in free for edge in span)
    edges.update(edge for one in equals for edge in (one.start, one.end))
    waiting = sorted(equals, key=lambda one: -one.start)
    over: list[tuple[int, str, int, FBType]] = []  # a heap: the strongest first
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
    """Sorted spans, with those that overlap or touch made one."""
    joined: list[tuple[int, int]] = []
    start, end = spans[0] if spans else (0, 0)
    for begin, stop in spans:
        if begin > end:
            joined.append((start, end))
            start, end = begin, stop
        elif stop > end:
            end = stop
    return [*joined, (start, end)] if spans else []
