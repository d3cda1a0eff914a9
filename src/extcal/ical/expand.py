"""The corridor, walked: bytes and a window in, an Expansion out.

source -> sieve -> lines -> components -> zones, values -> series -> busy. Pure: no clock, no
network, no state between two calls. The only exceptions are a caller's mistakes, NotACalendar, and
LimitExceeded under ``strict``; everything odd in a feed is a Problem, and time nobody can vouch for
is unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from hashlib import sha256
from typing import NamedTuple, get_args

from extcal.errors import LimitExceeded, Problem
from extcal.ical import availability, busy, freebusy, series, values
from extcal.ical.components import Component, Stream, read
from extcal.ical.events import ExternalEvent, explain
from extcal.ical.sieve import Sieved, count_vevents
from extcal.ical.sieve import sieve as sift
from extcal.ical.source import SupportsToIcal, to_bytes
from extcal.ical.values import DAY, Event
from extcal.ical.work import Work
from extcal.ical.zones import Zones
from extcal.intervals import FBType, FreeBusy, epoch, instant
from extcal.limits import Limits
from extcal.policy import BusyPolicy, Detail

__all__ = ["Excluded", "Expansion", "expand", "free_busy"]

Excluded = str | tuple[str, date]
"""A UID, or a UID and the ``recurrence_id`` (an aware datetime, or a date) of one instance."""

_EPOCH = date(1970, 1, 1)


class Expansion:
    """What one reading of a feed gives.

    ``free_busy`` is typed and merged; ``events`` may be shown, sorted by start; ``problems`` are
    the feed's oddities in the order of its lines. ``complete`` is False when a cut or a limit made
    time unknown, ``events_complete`` when there were more occurrences than ``events`` holds, and
    ``empty`` is True for a feed without any VEVENT, VFREEBUSY or VAVAILABILITY.
    """

    __slots__ = (
        "complete",
        "empty",
        "events",
        "events_complete",
        "free_busy",
        "problems",
    )

    free_busy: FreeBusy
    events: tuple[ExternalEvent, ...]
    problems: tuple[Problem, ...]
    complete: bool
    events_complete: bool
    empty: bool

    def __init__(
        self,
        free_busy: FreeBusy,
        events: tuple[ExternalEvent, ...],
        problems: tuple[Problem, ...],
        *,
        complete: bool = True,
        events_complete: bool = True,
        empty: bool = False,
    ) -> None:
        set_ = object.__setattr__
        set_(self, "free_busy", free_busy)
        set_(self, "events", events)
        set_(self, "problems", problems)
        set_(self, "complete", complete)
        set_(self, "events_complete", events_complete)
        set_(self, "empty", empty)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an Expansion is frozen, {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"an Expansion is frozen, {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Expansion):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __hash__(self) -> int:
        return hash((self.free_busy, self.events))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, tuple(getattr(self, name) for name in sorted(self.__slots__))

    def __repr__(self) -> str:
        odd = f", {len(self.problems)} problems" if self.problems else ""
        whole = "" if self.complete else ", incomplete"
        return f"<Expansion {len(self.events)} events{odd}{whole}: {self.free_busy!r}>"

    def explain(self, start: datetime, end: datetime) -> tuple[ExternalEvent, ...]:
        """Return the events that made any part of ``[start, end)`` busy, each with its reason."""
        return explain(self.events, start, end)


def _rebuild(
    complete: bool,
    empty: bool,
    events: tuple[ExternalEvent, ...],
    events_complete: bool,
    free_busy: FreeBusy,
    problems: tuple[Problem, ...],
) -> Expansion:
    return Expansion(
        free_busy, events, problems, complete=complete, events_complete=events_complete, empty=empty
    )


def free_busy(
    data: bytes | bytearray | memoryview | str | SupportsToIcal,
    start: datetime,
    end: datetime,
    *,
    timezone: str | tzinfo | None = None,
    owner: str | Iterable[str] | None = None,
    policy: BusyPolicy | None = None,
    limits: Limits | None = None,
    exclude: Iterable[Excluded] = (),
    strict: bool = False,
    sieve: bool = True,
) -> FreeBusy:
    """Return the free/busy of a feed over ``[start, end)``: :func:`expand` without the events."""
    expansion = expand(
        data,
        start,
        end,
        timezone=timezone,
        owner=owner,
        policy=policy,
        limits=limits,
        detail="busy",
        exclude=exclude,
        strict=strict,
        sieve=sieve,
    )
    return expansion.free_busy


def expand(
    data: bytes | bytearray | memoryview | str | SupportsToIcal,
    start: datetime,
    end: datetime,
    *,
    timezone: str | tzinfo | None = None,
    owner: str | Iterable[str] | None = None,
    policy: BusyPolicy | None = None,
    limits: Limits | None = None,
    detail: Detail = "events",
    exclude: Iterable[Excluded] = (),
    strict: bool = False,
    sieve: bool = True,
) -> Expansion:
    """Read a feed: when is its owner busy in ``[start, end)``, and why.

    ``data`` is the feed as bytes, str or anything with ``to_ical()``; ``start`` and ``end`` are
    aware. ``timezone`` is the calendar owner's, for floating times and dates (an IANA name or a
    tzinfo). ``owner`` is the owner's e-mail address or several: only then can a declined invitation
    be absent. ``policy`` says how facts are read, ``limits`` how much work is done.
    ``detail="busy"`` leaves titles and places out. ``exclude`` leaves events out by UID, or single
    instances by ``(uid, recurrence_id)``. ``strict`` turns a limit into an error. ``sieve=False``
    reads every byte; the answer is the same.

    Raises TypeError and ValueError for a caller's mistakes, NotACalendar when there is no calendar
    in ``data``, LimitExceeded only under ``strict``. Follows RFC 5545, and RFC 4791 section 7.10.
    """
    lo, hi = epoch(start), epoch(end, ceil=True)
    if lo >= hi:
        raise ValueError("start must lie before end")
    if detail not in get_args(Detail):
        raise ValueError(f'detail is "events" or "busy", not {detail!r}')
    excluded = _Exclusions(exclude)
    people = busy.owners(owner)
    work = Work(limits, strict=strict)
    raw = to_bytes(data)
    if sieve:
        sieved = sift(raw, lo, hi, work.limits)
    else:
        sieved = Sieved(raw, ((0, len(raw)),), None, count_vevents(raw))
    stream = read(sieved, work, people=bool(people) or sieved.vevents == 0)
    vevents = max(sieved.vevents, len(stream.events))
    zones = Zones(stream, lo, hi, timezone, work)
    reading = _Reading(raw, stream, zones, work, lo, hi, people, policy or BusyPolicy(), detail)
    return reading.finish(excluded, vevents)


class _Shown(NamedTuple):
    """An occurrence and its verdict, before anybody asks for datetimes."""

    occurrence: series.Occurrence
    fbtype: FBType
    reason: str


class _Reading:
    """One walk through the corridor, from typed components to the answer."""

    def __init__(
        self,
        raw: bytes,
        stream: Stream,
        zones: Zones,
        work: Work,
        lo: int,
        hi: int,
        owner: frozenset[str],
        policy: BusyPolicy,
        detail: Detail,
    ) -> None:
        self.raw, self.stream, self.zones, self.work = raw, stream, zones, work
        self.lo, self.hi = lo, hi
        self.owner, self.policy, self.detail = owner, policy, detail
        self.busy: list[tuple[int, int, int]] = []
        self.shown: list[_Shown] = []
        self.events_complete = True

    def finish(self, excluded: _Exclusions, vevents: int) -> Expansion:
        work = self.work
        for group in self.groups():
            self.take(group, excluded)
        events = self.external_events()
        events.extend(self.published(vevents, excluded))
        events.extend(self.unavailable(excluded))
        events.sort(key=_by_start)
        self.outside_years()
        unknown = [
            (self.lo if start is None else start, self.hi if end is None else end)
            for start, end in work.unknown
        ]
        answer = FreeBusy.from_epochs(self.lo, self.hi, self.busy, unknown)
        return Expansion(
            answer,
            tuple(events),
            work.report(self.raw),
            complete=work.complete,
            events_complete=self.events_complete,
            empty=vevents == 0 and not self.stream.freebusy and not self.stream.availability,
        )

    def groups(self) -> Iterator[list[Event]]:
        """The events by UID, in an order that the feed's order has no part in.

        An event without a UID (3.8.4.7 requires one) stands alone, named by its content.
        """
        by_uid: dict[str, list[Event]] = {}
        alone: list[list[Event]] = []
        components = self.stream.events
        while components:  # each is let go as soon as it is typed: its lines are the larger half
            event = self.typed(components.pop())
            if event is None:
                continue
            if event.uid:
                by_uid.setdefault(event.uid, []).append(event)
            else:
                event.uid = self.made_up_uid(event)
                alone.append([event])
        alone.sort(key=lambda group: group[0].uid)
        yield from (by_uid[uid] for uid in sorted(by_uid))
        yield from alone

    def typed(self, component: Component) -> Event | None:
        try:
            return values.event(component, self.zones, self.work)
        except LimitExceeded:
            raise
        except Exception:
            self.failed(component.offset, None)
            return None

    def made_up_uid(self, event: Event) -> str:
        begin, end = event.content
        return "no-uid-" + sha256(self.raw[begin:end]).hexdigest()[:16]

    def take(self, group: list[Event], excluded: _Exclusions) -> None:
        found: list[_Shown] = []
        verdicts: dict[int, busy.Verdict | None] = {}
        busy_times = self.busy
        known, complete = len(self.work.unknown), self.work.complete
        try:
            for occurrence in series.occurrences(
                group, self.zones, self.raw, self.lo, self.hi, self.work
            ):
                event = occurrence.event
                if event.offset not in verdicts:
                    head = self.stream.calendars[event.calendar]
                    verdicts[event.offset] = busy.classify(event, self.owner, head, self.policy)
                verdict = verdicts[event.offset]
                if verdict is None or excluded.hit(occurrence):
                    continue
                fbtype, reason = verdict
                if fbtype and occurrence.start < occurrence.end:
                    busy_times.append((occurrence.start, occurrence.end, fbtype))
                found.append(_Shown(occurrence, fbtype, reason))
        except LimitExceeded:
            raise
        except Exception:
            self.failed(group[0].offset, group[0].uid)
        if len(self.work.unknown) > known and not self.may_block(group):
            # Nobody needs to know when an event that blocks nothing takes place.
            del self.work.unknown[known:]
            self.work.complete = complete
        limit = self.work.limits.max_occurrences_per_series
        if len(found) > limit:
            found.sort(key=lambda shown: (shown.occurrence.start, shown.occurrence.end))
            del found[limit:]
            self.events_complete = False
        self.shown.extend(found)

    def may_block(self, group: list[Event]) -> bool:
        for event in group:
            head = self.stream.calendars[event.calendar]
            verdict = busy.classify(event, self.owner, head, self.policy)
            if verdict is not None and verdict[0] > FBType.FREE:
                return True
        return False

    def failed(self, offset: int, uid: str | None) -> None:
        """A mistake of ours must neither cost the feed nor look like free time."""
        self.work.complete = False
        self.work.unknown.append((None, None))
        self.work.problem(
            "internal_error",
            "an event could not be read because of an error in extcal",
            offset=offset,
            uid=uid,
            action="unknown",
        )

    def external_events(self) -> list[ExternalEvent]:
        events = [self.external(shown) for shown in self.shown]
        if len(events) > self.work.limits.max_occurrences:
            events.sort(key=_by_start)
        if len(events) > self.work.limits.max_occurrences:
            del events[self.work.limits.max_occurrences :]
            self.events_complete = False
        if any(shown.occurrence.merged > 1 for shown in self.shown):
            self.events_complete = False
        return events

    def external(self, shown: _Shown) -> ExternalEvent:
        occurrence, event = shown.occurrence, shown.occurrence.event
        open_ = self.detail == "events" and not event.private
        first_day = last_day = None
        if event.all_day:
            first_day = _day(occurrence.local)
            last_day = max(first_day, _day(occurrence.zone.to_local(occurrence.end) - 1))
        planned = occurrence.recurrence_id
        recurrence_id: date | None = None
        if planned is not None:
            recurrence_id = _day(planned.local) if planned.is_date else instant(planned.epoch)
        return ExternalEvent(
            uid=event.uid,
            recurrence_id=recurrence_id,
            start=instant(occurrence.start),
            end=instant(occurrence.end),
            all_day=event.all_day,
            first_day=first_day,
            last_day=last_day,
            summary=event.summary if open_ else None,
            location=event.location if open_ else None,
            fbtype=shown.fbtype,
            status=event.facts.get("STATUS"),
            reason=shown.reason,
            zone_source=occurrence.zone.source,
            private=event.private,
        )

    def published(self, vevents: int, excluded: _Exclusions) -> Iterator[ExternalEvent]:
        """VFREEBUSY adds what it lists; where there is no VEVENT it also bounds what is known."""
        if not self.stream.freebusy:
            return
        said = freebusy.published(self.stream, self.work)
        for listed in said.listed:
            uids = [line.value.strip() for line in listed.component.lines if line.name == "UID"]
            uid = uids[0] if uids else "freebusy"
            reason = f"FREEBUSY;FBTYPE={listed.fbtype}"
            yield from self.listed(uid, listed.start, listed.end, listed.fbtype, reason, excluded)
        if vevents == 0:
            answered = FreeBusy.from_epochs(self.lo, self.hi, [(*known, 1) for known in said.known])
            position = self.lo
            for start, end, _ in answered.epochs:
                self.work.unknown.append((position, start))
                position = end
            self.work.unknown.append((position, self.hi))

    def unavailable(self, excluded: _Exclusions) -> Iterator[ExternalEvent]:
        """VAVAILABILITY becomes one layer, joined with the events (RFC 7953 section 5)."""
        if not self.stream.availability:
            return
        for stretch in availability.layer(
            self.stream, self.zones, self.raw, self.lo, self.hi, self.work
        ):
            reason = f"BUSYTYPE:{stretch.fbtype}"
            yield from self.listed(
                stretch.uid, stretch.start, stretch.end, stretch.fbtype, reason, excluded
            )

    def listed(
        self, uid: str, start: int, end: int, fbtype: FBType, reason: str, excluded: _Exclusions
    ) -> Iterator[ExternalEvent]:
        """Busy time that no VEVENT stands for."""
        if start >= self.hi or end <= self.lo or uid in excluded.uids:
            return
        if fbtype:
            self.busy.append((start, end, fbtype))
        yield ExternalEvent(
            uid=uid,
            recurrence_id=None,
            start=instant(start),
            end=instant(end),
            all_day=False,
            first_day=None,
            last_day=None,
            summary=None,
            location=None,
            fbtype=fbtype,
            status=None,
            reason=reason,
            zone_source="utc",
            private=False,
        )

    def outside_years(self) -> None:
        limits = self.work.limits
        first = (date(limits.first_year, 1, 1) - _EPOCH).days * DAY
        last = (date(limits.last_year + 1, 1, 1) - _EPOCH).days * DAY
        if self.lo < first or self.hi > last:
            self.work.complete = False
            if self.lo < first:
                self.work.unknown.append((None, min(first, self.hi)))
            if self.hi > last:
                self.work.unknown.append((max(last, self.lo), None))
            self.work.problem(
                "years",
                f"feeds are read from {limits.first_year} to {limits.last_year}",
                action="unknown",
            )


class _Exclusions:
    """What the caller wants left out: whole UIDs, and single instances."""

    def __init__(self, exclude: Iterable[Excluded]) -> None:
        if isinstance(exclude, str):
            raise TypeError("exclude is a collection of UIDs, not one str; pass [uid]")
        self.uids: set[str] = set()
        self.instants: set[tuple[str, int]] = set()
        self.days: set[tuple[str, int]] = set()
        for item in exclude:
            if isinstance(item, str):
                self.uids.add(item)
            else:
                self.add_instance(item)

    def add_instance(self, item: Collection[object]) -> None:
        match tuple(item):
            case (str(uid), datetime() as moment):
                self.instants.add((uid, epoch(moment)))
            case (str(uid), date() as day):
                self.days.add((uid, (day - _EPOCH).days))
            case (str(uid), None):
                self.uids.add(uid)
            case _:
                raise TypeError("exclude holds UIDs and (uid, recurrence_id) pairs")

    def hit(self, occurrence: series.Occurrence) -> bool:
        uid = occurrence.event.uid
        if uid in self.uids:
            return True
        if not self.instants and not self.days:
            return False
        planned = occurrence.recurrence_id
        moment = (
            (occurrence.start, occurrence.local)
            if planned is None
            else (planned.epoch, planned.local)
        )
        return (uid, moment[0]) in self.instants or (uid, moment[1] // DAY) in self.days


def _day(local: int) -> date:
    return _EPOCH + timedelta(days=local // DAY)


def _by_start(event: ExternalEvent) -> tuple[object, ...]:
    return event.start, event.end, event.uid, int(event.fbtype), event.summary or "", event.reason
