"""Series (RFC 5545 sections 3.8.4.4, 3.8.5): all events of one UID in, occurrences out.

An override replaces its instance whole, wherever either of them lies; what is left of the masters
is generated only around the window. Nothing here depends on the order of the events.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from extcal.ical import recurrence
from extcal.ical.values import DAY, Event, Extent, Moment
from extcal.ical.work import Work
from extcal.ical.zones import Zone, Zones

__all__ = ["Occurrence", "occurrences"]

_SLACK = 2 * DAY  # more than any two zones are apart
_PIECE = 20 * DAY  # a dense run is cut into pieces that hold one zone transition at most


class Occurrence(NamedTuple):
    """One occurrence, in epoch seconds.

    ``local`` is its local start (of ``zone``), ``recurrence_id`` the moment it was planned for, or
    None outside a series. ``merged`` counts the instances of a dense run that touch each other.
    """

    start: int
    end: int
    event: Event
    local: int
    zone: Zone
    recurrence_id: Moment | None
    merged: int = 1


class _Shift(NamedTuple):
    """RANGE=THISANDFUTURE (3.2.13): from this instant on, instances move and change."""

    since: int
    delta: int
    event: Event


def occurrences(
    events: Sequence[Event], zones: Zones, raw: bytes, lo: int, hi: int, work: Work
) -> Iterator[Occurrence]:
    """Yield the occurrences of the events of one UID that touch ``[lo, hi)``, in no order.

    ``raw`` decides between versions that nothing else tells apart. A series that a limit stops
    makes the time from there on unknown (``work``).
    """
    if len(events) == 1:
        only = events[0]
        if only.recurrence_id is None:
            if not only.recurs:
                yield from _single(only, lo, hi)
            else:
                yield from _Master(only, (), zones, work).occurrences(lo, hi)
            return
    masters = _masters([event for event in events if event.recurrence_id is None], raw)
    overrides = _overrides([e for e in events if e.recurrence_id is not None], masters, raw, work)
    for override in overrides:
        if override.rules:
            work.problem(
                "rule_in_override",
                "an override with a rule of its own",
                offset=override.offset,
                uid=override.uid,
                action="the rule ignored",
            )
        yield from _single(override, lo, hi)
    for master in masters:
        yield from _Master(master, overrides, zones, work).occurrences(lo, hi)


def _single(event: Event, lo: int, hi: int) -> Iterator[Occurrence]:
    local, zone = event.start.local, event.start.zone
    start = zone.to_epoch(local)
    end = event.extent.end(local, start, zone)
    if _touches(start, end, lo, hi):
        yield Occurrence(start, end, event, local, zone, event.recurrence_id)


def _touches(start: int, end: int, lo: int, hi: int) -> bool:
    """RFC 4791 section 9.9: half-open, but an event without length counts where it stands."""
    return start < hi and (end > lo or (end == start and start >= lo))


# --- versions -----------------------------------------------------------------------------


def _rank(event: Event, raw: bytes) -> tuple[int, int, int, bytes]:
    begin, end = event.content
    return event.sequence, event.dtstamp, event.last_modified, raw[begin:end]


def _latest(versions: list[Event], raw: bytes) -> Event:
    if len(versions) == 1:
        return versions[0]
    return max(versions, key=lambda event: _rank(event, raw))


def _masters(events: list[Event], raw: bytes) -> list[Event]:
    """Copies of one series are one; different series under one UID are all kept (design 3.6)."""
    if len(events) < 2:
        return events
    single = [event for event in events if not event.recurs]
    if single:
        newest = max(event.sequence for event in single)
        events = [event for event in events if event.recurs or event.sequence == newest]
    copies: dict[object, list[Event]] = {}
    for event in events:
        key = (event.start.epoch, event.start.is_date, event.rules)
        copies.setdefault(key, []).append(event)
    kept = [_latest(versions, raw) for versions in copies.values()]
    return sorted(kept, key=lambda event: (event.start.epoch, _rank(event, raw)))


def _overrides(events: list[Event], masters: list[Event], raw: bytes, work: Work) -> list[Event]:
    """One override for each instant, the latest version; the missing end is its master's."""
    if len(events) > work.limits.max_overrides_per_series or (
        work.count("overrides", len(events)) > work.limits.max_overrides
    ):
        series = len(events) > work.limits.max_overrides_per_series
        limit = "max_overrides_per_series" if series else "max_overrides"
        uid = events[0].uid
        work.exceeded(limit, f"more than {getattr(work.limits, limit):,} overrides", uid=uid)
    versions: dict[object, list[Event]] = {}
    for event in events:
        moment = event.recurrence_id
        assert moment is not None
        versions.setdefault((moment.epoch, moment.is_date), []).append(event)
    kept = [_latest(same, raw) for same in versions.values()]
    for event in kept:
        if not event.has_end:
            _inherit_end(event, masters)
    return kept


def _inherit_end(event: Event, masters: list[Event]) -> None:
    moment = event.recurrence_id
    assert moment is not None
    alike = [master for master in masters if master.start.is_date == event.start.is_date]
    before = [master for master in alike if master.start.epoch <= moment.epoch]
    if before or alike:
        event.extent = (before[-1] if before else alike[0]).extent
        event.has_end = True


# --- matching moments to instances --------------------------------------------------------


class _Moments:
    """A set of instances named by EXDATE or RECURRENCE-ID, in whatever form each was written.

    A DATE names the instance of that local day; so does any form on an all-day series, by its date
    in its own zone, and for a UTC value by its date in UTC or in the series' zone.
    """

    __slots__ = ("days", "epochs")

    def __init__(self) -> None:
        self.epochs: set[int] = set()
        self.days: set[int] = set()

    def add(self, moment: Moment, master: Event, *, midnight_is_day: bool = False) -> None:
        day = moment.local - moment.local % DAY
        if moment.is_date:
            self.days.add(day)
        elif master.start.is_date:
            self.days.add(day)
            if moment.zone.source == "utc":
                local = master.start.zone.to_local(moment.epoch)
                self.days.add(local - local % DAY)
        else:
            self.epochs.add(moment.epoch)
            if midnight_is_day and moment.local == day and master.start.local % DAY:
                self.days.add(day)

    def __bool__(self) -> bool:
        return bool(self.epochs or self.days)

    def names(self, local: int, epoch: int) -> bool:
        return epoch in self.epochs or local - local % DAY in self.days


# --- one master ---------------------------------------------------------------------------


class _Master:
    """One series: what it generates around a window, less what is excluded or overridden."""

    def __init__(self, event: Event, overrides: Sequence[Event], zones: Zones, work: Work) -> None:
        self.event = event
        self.zone = event.start.zone
        self.zones = zones
        self.work = work
        self.removed = _Moments()
        for moment in event.exdates:
            self.removed.add(moment, event)
        for override in overrides:
            if override.recurrence_id is not None:
                self.removed.add(override.recurrence_id, event, midnight_is_day=True)
        shifts = [_shift(override, event) for override in overrides if override.this_and_future]
        self.shifts = sorted(shifts, key=lambda shift: (shift.since, shift.delta))

    def occurrences(self, lo: int, hi: int) -> Iterator[Occurrence]:
        event = self.event
        longest = max([event.extent.about, *(s.event.extent.about for s in self.shifts)])
        later = max([0, *(s.delta for s in self.shifts)])
        earlier = min([0, *(s.delta for s in self.shifts)])
        local_lo = self.zone.to_local(lo) - longest - later - _SLACK
        local_hi = self.zone.to_local(hi) - earlier + _SLACK
        excluded, dense_excluded = self.excluded(local_lo, local_hi)
        seen: set[int] = set()
        yield from self.periods(lo, hi, excluded, dense_excluded, seen)
        runs: list[range] = []
        for local in self.starts(local_lo, local_hi, runs):
            if local in seen or local in excluded or _in_runs(local, dense_excluded):
                continue
            seen.add(local)
            found = self.instance(local)
            if found is not None and _touches(found.start, found.end, lo, hi):
                yield found
        for run in runs:
            yield from self.dense(run, lo, hi, excluded, dense_excluded)

    def starts(self, lo: int, hi: int, runs: list[range]) -> Iterator[int]:
        """The local starts that the rules, DTSTART and the plain RDATEs give, perhaps repeated."""
        event, first = self.event, self.event.start.local
        for rule in event.rules:
            found = self.rule_starts(rule, lo, hi)
            runs.extend(found.runs)
            yield from found.local
            if found.exact_until is not None:
                self.stopped(found.exact_until, readable=rule.readable)
        if not event.rules and lo <= first < hi:
            yield first
        for moment, extent in event.rdates:
            if extent is None:
                local = self.local_of(moment)
                if lo <= local < hi:
                    yield local

    def rule_starts(
        self, rule: recurrence.Rule, lo: int, hi: int, *, excluding: bool = False
    ) -> recurrence.Starts:
        until = self.until(rule)
        return recurrence.starts(
            rule,
            self.event.start.local,
            lo,
            hi,
            self.work,
            until=until,
            is_date=self.event.start.is_date,
            include_dtstart=not excluding,
        )

    def until(self, rule: recurrence.Rule) -> int | None:
        """UNTIL as the last local second (3.3.10): a DATE includes that day, UTC is converted."""
        until = rule.until
        if until is None:
            return None
        if until.kind == "date":
            return until.seconds + DAY - 1
        if until.kind == "local":
            return until.seconds + (DAY - 1 if self.event.start.is_date else 0)
        local = self.zone.to_local(until.seconds)
        if self.event.start.is_date:
            return local - local % DAY + DAY - 1
        return self.second_pass(local, until.seconds)

    def second_pass(self, local: int, epoch: int) -> int:
        """In the second pass of a DST fold, every start of the first pass lies before ``epoch``."""
        low, high = local, local + epoch - self.zone.to_epoch(local)
        while low < high:
            middle = (low + high + 1) // 2
            if self.zone.to_epoch(middle) <= epoch:
                low = middle
            else:
                high = middle - 1
        return low

    def stopped(self, exact_until: int, *, readable: bool = True) -> None:
        since = self.zone.to_epoch(exact_until)
        if not readable:
            # What cannot be read was reported where it was read; the time after it is not known.
            self.work.unknown.append((since, None))
            return
        self.work.exceeded(
            "max_steps",
            f"more than {self.work.limits.max_steps:,} recurrence steps",
            unknown_from=since,
            offset=self.event.offset,
            uid=self.event.uid,
        )

    def excluded(self, lo: int, hi: int) -> tuple[set[int], list[range]]:
        """The local starts that EXRULEs remove (RFC 2445 section 4.8.5.2)."""
        starts: set[int] = set()
        runs: list[range] = []
        for rule in self.event.exrules:
            found = self.rule_starts(rule, lo, hi, excluding=True)
            starts.update(found.local)
            runs.extend(found.runs)
            if found.exact_until is not None:
                self.work.problem(
                    "exrule_stopped",
                    "an EXRULE was not followed to its end",
                    offset=self.event.offset,
                    uid=self.event.uid,
                    action="instances left busy",
                )
        return starts, runs

    def local_of(self, moment: Moment) -> int:
        """An RDATE in the terms of its series: a day if that is all-day, a time if it is timed."""
        start = self.event.start
        if start.is_date:
            return moment.local - moment.local % DAY
        if moment.is_date:
            return moment.local + start.local % DAY
        if moment.zone is self.zone:
            return moment.local
        return self.zone.to_local(moment.epoch)

    def periods(
        self,
        lo: int,
        hi: int,
        excluded: set[int],
        dense_excluded: list[range],
        seen: set[int],
    ) -> Iterator[Occurrence]:
        """RDATE;VALUE=PERIOD brings its own length, also to an instance that a rule gives."""
        longest: dict[int, tuple[Moment, Extent]] = {}
        for moment, extent in self.event.rdates:
            if extent is not None:
                local = self.local_of(moment)
                if local not in longest or longest[local][1].about < extent.about:
                    longest[local] = moment, extent
        for local, (moment, extent) in longest.items():
            seen.add(local)
            start = moment.epoch
            if (
                local in excluded
                or _in_runs(local, dense_excluded)
                or self.removed.names(local, start)
            ):
                continue
            end = extent.end(moment.local, start, moment.zone)
            if _touches(start, end, lo, hi):
                planned = moment
                yield Occurrence(start, end, self.event, moment.local, moment.zone, planned)

    def instance(self, local: int) -> Occurrence | None:
        """The occurrence planned for ``local``: None when removed, moved by the shift in force."""
        event, zone = self.event, self.zone
        epoch = zone.to_epoch(local)
        if self.removed and self.removed.names(local, epoch):
            return None
        planned = Moment(local, event.start.is_date, zone)
        if self.shifts:
            governing = bisect_left(self.shifts, epoch + 1, key=lambda shift: shift.since)
            if governing:
                shift = self.shifts[governing - 1]
                event = shift.event
                zone = event.start.zone
                local += shift.delta
                if event.start.is_date:
                    local -= local % DAY
                epoch = zone.to_epoch(local)
        end = event.extent.end(local, epoch, zone)
        return Occurrence(epoch, end, event, local, zone, planned)

    # Dense runs: alone, because nothing else needs it. Its slow twin is `instance` on each member.

    def dense(
        self, run: range, lo: int, hi: int, excluded: set[int], dense_excluded: list[range]
    ) -> Iterator[Occurrence]:
        """The instances of a run of sub-daily starts; as blocks where they touch each other."""
        length = self.event.extent.seconds if not self.event.extent.days else 0
        blocks = (
            length >= run.step
            and len(run) > 1
            and not (self.shifts or excluded or dense_excluded or self.removed.days)
        )
        if not blocks:
            yield from self.one_by_one(run, lo, hi, excluded, dense_excluded)
            return
        for piece in self.unbroken(run):
            first, last = piece[0], piece[-1]
            start, end = self.zone.to_epoch(first), self.zone.to_epoch(last) + length
            if _touches(start, end, lo, hi):
                planned = Moment(first, False, self.zone)
                yield Occurrence(start, end, self.event, first, self.zone, planned, len(piece))

    def one_by_one(
        self, run: range, lo: int, hi: int, excluded: set[int], dense_excluded: list[range]
    ) -> Iterator[Occurrence]:
        for local in run:
            if not self.work.step():
                self.stopped(local)
                return
            if local in excluded or _in_runs(local, dense_excluded):
                continue
            found = self.instance(local)
            if found is not None and _touches(found.start, found.end, lo, hi):
                yield found

    def unbroken(self, run: range) -> Iterator[range]:
        """Cut a run where an instance is removed and where the zone's offset changes."""
        size = max(1, _PIECE // run.step)
        holes = sorted(
            run.index(local)
            for epoch in self.removed.epochs
            if (local := self.zone.to_local(epoch)) in run
        )
        begin = 0
        for hole in [*holes, len(run)]:
            for at in range(begin, hole, size):
                yield from self.same_offset(run[at : min(at + size, hole)])
            begin = hole + 1

    def same_offset(self, piece: range) -> Iterator[range]:
        pieces = [piece]
        while pieces:
            piece = pieces.pop()
            if len(piece) > 1 and self.offset(piece[0]) != self.offset(piece[-1]):
                pieces.extend((piece[: len(piece) // 2], piece[len(piece) // 2 :]))
            else:
                yield piece

    def offset(self, local: int) -> int:
        return local - self.zone.to_epoch(local)


def _in_runs(local: int, runs: Iterable[range]) -> bool:
    return any(local in run for run in runs)


def _shift(override: Event, master: Event) -> _Shift:
    """How far RANGE=THISANDFUTURE moves: local time to local time, each in its own zone."""
    planned = override.recurrence_id
    assert planned is not None
    zone = master.start.zone
    if planned.is_date and not master.start.is_date:
        original = planned.local + master.start.local % DAY
    elif master.start.is_date:
        original = planned.local - planned.local % DAY
    else:
        original = zone.to_local(planned.epoch)
    delta = override.start.local - original
    return _Shift(zone.to_epoch(original), delta, override)
