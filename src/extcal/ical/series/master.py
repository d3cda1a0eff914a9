"""One master (RFC 5545 section 3.8.5): the instances of a series around a window.

In: a recurring event, the instants at which overrides replace its instances, and the shifts of
RANGE=THISANDFUTURE. Out: its instances without the removed ones, as columns if they are not moved.
Moments of the feed (RECURRENCE-ID, RDATE, EXDATE, UNTIL) are expressed here in the zone and type of
the series: as local times of its zone, or as days if it is all-day.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from extcal.ical import recurrence
from extcal.ical.budget import Work
from extcal.ical.events.event import Event
from extcal.ical.events.times import DAY, Extent, Moment, days_named, last_day
from extcal.ical.series import dense
from extcal.ical.series.instances import (
    SLACK,
    Columns,
    Instances,
    Occurrence,
    distinct,
    planned_at,
    touches,
)
from extcal.ical.series.removed import Removed, is_once_a_day
from extcal.messages.problems import oddity, unknown
from extcal.values import NamedTuple

__all__ = ["Master", "Shift"]

_CONVERTED = 10  # instants that cost one step
_DEEP = 32  # as many instances that overlap each other are shown as one event


class Shift(NamedTuple):
    """RANGE=THISANDFUTURE (3.2.13): from this instant on, instances move and change."""

    since: int
    delta: int
    event: Event


class Master:
    """One series: the instances around a window that are neither excluded nor overridden."""

    since: Sequence[int] = ()  # the instants of the sorted shifts
    known_until: int | None = None
    rdates: Sequence[int] = ()
    second_passes: Sequence[Moment] = ()  # RDATEs that no local start can express

    def __init__(self, event: Event, overridden: set[int], work: Work) -> None:
        self.event = event
        self.zone = event.start.zone
        self.work = work
        self.overridden = overridden
        self.shifts: list[Shift] = []

    @classmethod
    def of(cls, event: Event, overridden: set[int], work: Work) -> Master:
        """The series of ``event``, with its RDATEs as local starts of its zone where possible."""
        master = cls(event, overridden, work)
        if event.rdates:
            plain = [moment for moment, extent in event.rdates if extent is None]
            master.second_passes = [moment for moment in plain if master.in_second_pass(moment)]
            if master.second_passes:
                plain = [moment for moment in plain if not master.in_second_pass(moment)]
            master.rdates = sorted({local for each in plain for local in master.locals_of(each)})
        return master

    def instances(self, lo: int, hi: int) -> Iterator[Occurrence | Instances]:
        event = self.event
        longest = usual = event.extent.about
        later = earlier = 0
        if self.shifts:
            self.shifts.sort(key=lambda shift: shift.since)
            self.since = [shift.since for shift in self.shifts]
            longest = max([longest, *(shift.event.extent.about for shift in self.shifts)])
            later = max([0, *(shift.delta for shift in self.shifts)])
            earlier = min([0, *(shift.delta for shift in self.shifts)])
        # No zone is needed: local time and epoch seconds differ by less than a day.
        local_lo, local_hi = lo - longest - later - SLACK, hi - earlier + SLACK
        removed = Removed(self.overridden)
        if event.exdates or event.exlocals:
            removed.add_dates(event, local_lo, local_hi)
        if event.exrules:
            self.apply_exrules(removed, local_lo, local_hi)
        if event.rdates:
            yield from self.periods(lo, hi, removed)
        runs: list[range] = []
        mergeable = not (self.shifts or removed.by_rules)
        dense = usual // _DEEP if mergeable else 0
        starts = self.starts(local_lo, local_hi, runs, dense)
        for moment in self.second_passes:
            yield from self.at_instant(moment, lo, hi, removed)
        yield from self.at(starts, lo, hi, removed)
        if runs:
            removed.locals.update(starts)
            yield from self.in_runs(runs, lo, hi, removed)

    def apply_exrules(self, removed: Removed, lo: int, hi: int) -> None:
        """Remove the starts of the EXRULEs in this stretch of local time."""
        event = self.event
        for rule in event.exrules:
            found = self.rule_starts(rule, lo, hi, excluding=True)
            removed.add_rule(found, self.work)
            if found.exact_until is not None:
                self.work.problem(*oddity("exrule_stopped"), offset=event.offset, uid=event.uid)

    # The local starts of the rules and dates

    def starts(self, lo: int, hi: int, runs: list[range], dense: int = 0) -> Sequence[int]:
        """The sorted, distinct local starts of rules, DTSTART and RDATEs without length."""
        event, first = self.event, self.event.start.local
        several: list[Sequence[int]] = []
        for rule in event.rules:
            local, found, exact_until = self.rule_starts(rule, lo, hi, dense=dense)
            runs += found
            several.append(local)
            if exact_until is not None:
                self.stopped(exact_until, readable=rule.readable)
        if not event.rules and lo <= first < hi:
            several.append((first,))
        if self.rdates:
            rdates = self.rdates
            several.append(rdates[bisect_left(rdates, lo) : bisect_left(rdates, hi)])
        return several[0] if len(several) == 1 else sorted(set().union(*several))

    def rule_starts(
        self,
        rule: recurrence.RecurrenceRule,
        lo: int,
        hi: int,
        *,
        excluding: bool = False,
        dense: int = 0,
    ) -> recurrence.Starts:
        start = self.event.start
        return recurrence.starts(
            rule,
            start.local,
            lo,
            hi,
            self.work,
            until=None if rule.until is None else self.until(rule.until, excluding=excluding),
            is_date=start.is_date,
            include_dtstart=not excluding,
            dense=dense,
        )

    def until(self, until: recurrence.Until, *, excluding: bool = False) -> int:
        """UNTIL as the last local second (3.3.10): a DATE includes that day, UTC is converted.

        For an all-day series it is the end of a day. ``excluding``: the rule removes instances.
        """
        if until.kind == "utc" and self.event.all_day:
            return last_day(until.seconds, self.zone, excluding=excluding).midnights[0] + DAY - 1
        local = until.seconds
        if until.kind == "date" or self.event.start.is_date:
            return local - local % DAY + DAY - 1
        if until.kind == "local":
            return local
        return self.second_pass(self.zone.to_local(local), local)

    def second_pass(self, local: int, epoch: int) -> int:
        """The last local second whose instant is not after ``epoch``.

        It differs from ``local`` if ``epoch`` is in the second pass of a DST fold: then all local
        times of the first pass lie before it.
        """
        low, high = local, local + epoch - self.zone.to_epoch(local)
        while low < high:
            middle = (low + high + 1) // 2
            if self.zone.to_epoch(middle) <= epoch:
                low = middle
            else:
                high = middle - 1
        return low

    def stopped(self, exact_until: int, *, readable: bool = True) -> None:
        earlier = min([0, *(shift.delta for shift in self.shifts)])
        since = self.zone.to_epoch(exact_until + earlier)
        if self.known_until is not None and self.known_until <= since:
            return  # this has been reported
        self.known_until = since
        if not readable:
            # The unreadable value has been reported before, so only the time is made unknown.
            self.work.unknown.append((since, None))
            return
        self.work.exceeded(
            *unknown("max_steps", most=self.work.limits.max_steps),
            unknown_from=since,
            offset=self.event.offset,
            uid=self.event.uid,
        )

    # Moments of the feed, in the zone and type of this series

    def locals_of(self, moment: Moment) -> tuple[int, ...]:
        """An RDATE as local starts of the series: a day if that is all-day, else a time.

        If it may name several days, all are returned.
        """
        if self.event.all_day:
            days = days_named(moment, self.zone).midnights
            if not days:
                both = (moment.local, self.zone.to_local(moment.epoch))
                days = tuple(local - local % DAY for local in both)
            return days
        if moment.is_date:
            return (moment.local + self.event.start.local % DAY,)
        if moment.zone is self.zone:
            return (moment.local,)
        return (self.zone.to_local(moment.epoch),)

    def in_second_pass(self, moment: Moment) -> bool:
        """Whether an instant is in the second pass of a fold, which no local time means."""
        if moment.is_date or self.event.all_day or moment.zone is self.zone:
            return False
        return self.zone.to_epoch(self.zone.to_local(moment.epoch)) != moment.epoch

    def named(self, moment: Moment) -> Moment:
        """The instance that a RECURRENCE-ID names by its instant, in any zone.

        In an all-day series it names a day. In a timed one a DATE names the instance of that local
        day. So does a midnight at which no instance can start (Exchange writes these), and any time
        if each instance blocks its whole day.
        """
        event, zone = self.event, self.zone
        if event.all_day:
            return Moment(days_named(moment, zone).midnights[0], event.start.is_date, zone)
        if moment.is_date:
            return Moment(self.start_on(moment.local), False, zone)
        found = moment
        if moment.floating:
            found = Moment(moment.local, False, zone)
        else:
            epoch = moment.epoch
            local = zone.to_local(epoch)
            # Not of the second pass of a fold, which no local start means.
            if (moment.zone is not zone or local != moment.local) and zone.to_epoch(local) == epoch:
                found = Moment(local, False, zone)
        if moment.local % DAY == 0 and not self.starts_at(found.local):
            return Moment(self.start_on(moment.local), False, zone)
        if event.of_day and is_once_a_day(event):
            return Moment(found.local - found.local % DAY, False, zone)
        return found

    def starts_at(self, local: int) -> bool:
        """Whether an instance may start at this local time.

        If all instances start at one time of day, only that is compared. If the feed has no steps
        left, the answer is True: then the series is unknown anyway.
        """
        if not self.work.step(len(self.event.rules)):
            return True
        if is_once_a_day(self.event):
            return local % DAY == self.event.start.local % DAY
        return self.has(Moment(local, False, self.zone))

    def start_on(self, day: int) -> int:
        """The local start of the instance on a day; if there are several, DTSTART's time."""
        usual = day + self.event.start.local % DAY
        if is_once_a_day(self.event):
            return usual
        runs: list[range] = []
        found = set(self.starts(day, day + DAY, runs))
        if usual in found or any(usual in run for run in runs):
            return usual
        return min([*found, *(run[0] for run in runs)], default=usual)

    def has(self, moment: Moment) -> bool:
        """Whether the rules and dates give an instance at this moment, removed or not."""
        local = moment.local if moment.zone is self.zone else self.zone.to_local(moment.epoch)
        runs: list[range] = []
        return local in self.starts(local, local + 1, runs) or any(local in run for run in runs)

    # Instances

    def at(
        self, starts: Sequence[int], lo: int, hi: int, removed: Removed
    ) -> Iterable[Occurrence | Instances]:
        """The instances planned for sorted local starts, without the removed ones."""
        starts = removed.less(starts)
        if not starts:
            return ()
        starts, epochs = distinct(starts, self.zone, removed.epochs)
        if self.shifts:
            moved = map(self.moved, starts, epochs)
            return (found for found in moved if touches(found.start, found.end, lo, hi))
        columns = planned_at(self.zone, self.event.extent, starts, epochs, lo, hi)
        return (Instances(self.event, columns),)

    def at_instant(
        self, moment: Moment, lo: int, hi: int, removed: Removed
    ) -> Iterator[Occurrence]:
        """The instance of an RDATE that no local start of the series can express."""
        start = moment.epoch
        if removed.at(start) or not removed.less((self.zone.to_local(start),)):
            return
        end = self.event.extent.end(moment.local, start, moment.zone)
        if touches(start, end, lo, hi):
            yield Occurrence(start, end, self.event, moment.local, moment.zone, moment)

    def moved(self, local: int, epoch: int) -> Occurrence:
        """The occurrence planned for a start, moved by the RANGE=THISANDFUTURE in force."""
        event = self.event
        planned = Moment(local, event.start.is_date, self.zone)
        governing = bisect_right(self.since, epoch)
        if not governing:
            end = event.extent.end(local, epoch, self.zone)
            return Occurrence(epoch, end, event, local, self.zone, planned)
        shift = self.shifts[governing - 1]
        event = shift.event
        zone = event.start.zone
        local += shift.delta
        if event.start.is_date:
            local -= local % DAY
        start = zone.to_epoch(local)
        return Occurrence(start, event.extent.end(local, start, zone), event, local, zone, planned)

    def periods(self, lo: int, hi: int, removed: Removed) -> Iterator[Occurrence | Instances]:
        """The instances of RDATE;VALUE=PERIOD. Its length replaces that of a rule's instance."""
        zone, is_date, all_day = self.zone, self.event.start.is_date, self.event.all_day
        longest: dict[int, tuple[Moment, Extent]] = {}
        for moment, extent in self.event.rdates:
            if extent is not None:
                local = moment.local
                if moment.zone is not zone or moment.is_date or all_day:
                    local = self.locals_of(moment)[0]
                if local not in longest or longest[local][1].about < extent.about:
                    longest[local] = moment, extent
        unmoved: list[tuple[int, int, int]] = []
        left = removed.less(sorted(longest))
        for local, planned in zip(left, zone.to_epochs(left), strict=True):
            moment, extent = longest[local]
            usual = moment.zone is zone and moment.local == local
            start = planned if usual else moment.epoch
            if removed.epochs and (removed.at(start) or removed.at(planned)):
                continue
            end = extent.end(moment.local, start, moment.zone)
            if self.shifts and self.since[0] <= planned:
                found = self.moved(local, planned)
            elif usual and start <= end:
                if start < hi and (end > lo or touches(start, end, lo, hi)):
                    unmoved.append((start, end, local))
                continue
            else:
                named = Moment(local, is_date, zone)
                found = Occurrence(start, end, self.event, moment.local, moment.zone, named)
            if touches(found.start, found.end, lo, hi):
                yield found
        removed.locals.update(longest)
        if unmoved:
            starts, ends, locals_ = zip(*sorted(unmoved), strict=True)
            yield Instances(self.event, Columns(locals_, starts, ends))

    # Dense runs: as blocks if the instances touch each other, else as columns

    def in_runs(
        self, runs: list[range], lo: int, hi: int, removed: Removed
    ) -> Iterator[Occurrence | Instances]:
        event, extent = self.event, self.event.extent
        earlier = extent.wall is not None and extent.wall.earlier
        length = 0 if extent.days or earlier else extent.seconds
        instants = removed.instants
        removed_once = sum(map(len, removed.epochs)) // _CONVERTED
        if not self.work.step(removed_once):
            self.stopped(min(run[0] for run in runs))
            return
        holes = dense.Holes(instants, removed.days, self.zone)
        runs.sort(key=lambda run: run.start)
        for index, run in enumerate(runs, 1):
            if index > 1 and not self.work.step(removed_once):
                self.stopped(run[0])
                return
            deep = dense.is_deep(run, extent) and not earlier
            if self.shifts or removed.by_rules or len(run) < 2 or not (deep or length >= run.step):
                following = runs[index][0] if index < len(runs) else run.stop
                yield from self.at(self.paid_for(run, following), lo, hi, removed)
                if not self.work.step(0):
                    return
                if len(event.rules) > 1:
                    removed.locals.update(run)
            elif deep:
                yield from self.merged(dense.deep_blocks(run, extent, holes, self.zone), lo, hi)
            elif not self.work.spend(dense.pieces(run)):
                return  # the whole window is unknown
            else:
                yield from self.merged(dense.blocks(run, extent, holes, self.zone), lo, hi)

    def paid_for(self, run: range, following: int) -> range:
        """The part of a run that the steps left can pay for; ``following`` starts the next run."""
        left = max(0, self.work.limits.max_steps - self.work.steps)
        if not self.work.step(len(run)):
            self.stopped(min(run[left], following))
        return run[:left]

    def merged(self, blocks: Iterable[dense.DenseBlock], lo: int, hi: int) -> Iterator[Occurrence]:
        for start, end, local, count in blocks:
            if touches(start, end, lo, hi):
                planned = Moment(local, self.event.start.is_date, self.zone)
                yield Occurrence(start, end, self.event, local, self.zone, planned, count)
