"""What is removed from a series: EXDATE (3.8.5.1), EXRULE (RFC 2445 section 4.8.5.2), overrides.

In: the exceptions of an event and the starts of its EXRULEs. Out: which local starts, local days
and instants are removed. An override removes the instance that it replaces.
"""

from __future__ import annotations

from collections.abc import Sequence

from extcal.ical import recurrence
from extcal.ical.budget import Work
from extcal.ical.events.event import Event
from extcal.ical.events.times import DAY, days_named
from extcal.ical.series import dense
from extcal.ical.series.instances import SLACK

__all__ = ["Removed", "is_once_a_day"]


def is_once_a_day(event: Event) -> bool:
    """Whether every instance starts at DTSTART's time of day."""
    sparse = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
    return not event.rdates and all(
        rule.freq in sparse and not (rule.by_hour or rule.by_minute or rule.by_second)
        for rule in event.rules
    )


class Removed:
    """What is removed from one series.

    ``days`` are local midnights, ``epochs`` sets of instants, and ``locals`` local starts, which
    include the starts that were yielded before.
    """

    __slots__ = ("by_rules", "days", "epochs", "locals", "runs")

    def __init__(self, overridden: set[int]) -> None:
        self.days: set[int] = set()
        self.epochs = [overridden] if overridden else []
        self.locals: set[int] = set()
        self.runs: list[dense.Runs] = []
        self.by_rules = False

    def add_dates(self, event: Event, lo: int, hi: int) -> None:
        """Remove what EXDATEs name, from starts in ``[lo, hi)`` of local time.

        They are a day in a series of days, else an instant; a date names its whole day. An RDATE
        may be a long period, so of a series with RDATEs all EXDATEs count.
        """
        zone, all_day, any_time = event.start.zone, event.all_day, bool(event.rdates)
        by_day = event.of_day and is_once_a_day(event)
        first, last = lo - SLACK, hi + SLACK
        instants = {
            zone.to_epoch(local) for local in event.exlocals if any_time or first <= local < last
        }
        for moment in event.exdates:
            if all_day or moment.is_date:
                named = days_named(moment, zone).midnights
                if len(named) == 1:  # if it may name two days, neither is removed
                    self.days.add(named[0])
            elif any_time or first <= moment.local < last:
                instants.add(moment.epoch)
        if by_day:
            locals_ = map(zone.to_local, instants)
            self.days.update(local - local % DAY for local in locals_)
        if instants:
            self.epochs.append(instants)

    def add_rule(self, found: recurrence.Starts, work: Work) -> None:
        """Remove the starts of an EXRULE."""
        self.locals.update(found.local)
        if found.runs:
            self.runs.append(dense.Runs(found.runs, work))
        self.by_rules = bool(self.locals or self.runs)

    @property
    def instants(self) -> set[int]:
        """All instants that are removed."""
        return set().union(*self.epochs)

    def less(self, starts: Sequence[int]) -> Sequence[int]:
        """The local starts that are removed by no rule and no day."""
        if self.locals:
            starts = [local for local in starts if local not in self.locals]
        if self.days:
            starts = [local for local in starts if local - local % DAY not in self.days]
        for runs in self.runs:
            if not runs.pay(len(starts)):
                break  # no steps are left, so the other instances stay busy
            starts = [local for local in starts if local not in runs]
        return starts

    def at(self, epoch: int) -> bool:
        """Whether an instance at this instant is removed."""
        return any(epoch in gone for gone in self.epochs)
