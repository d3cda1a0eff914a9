"""How busy time changed from one snapshot to the next. Pure: free/busy times in, a value out."""

from __future__ import annotations

from datetime import datetime

from extcal.arguments import safe_repr
from extcal.intervals import BusyPeriod, FBType, FreeBusy, Period, instant
from extcal.intervals.overlay import UNKNOWN, Span, coalesce, overlay, with_unknown
from extcal.intervals.types import fbtype_of
from extcal.values import NamedTuple, dataclass

__all__ = ["Change", "Difference", "difference"]


class Change(NamedTuple):
    """A stretch of time whose type changed, as from TENTATIVE to BUSY."""

    start: datetime
    end: datetime
    before: FBType
    after: FBType


@safe_repr
@dataclass(frozen=True, slots=True)
class Difference:
    """How busy time changed from one snapshot to the next; false if it did not.

    ``window``: what both snapshots cover, or None. ``added``: busy now, free before. ``removed``:
    free now, busy before, with the type it had. ``changed``: busy both times, with another type.
    Time that is unknown in one of the two is left out.
    """

    window: Period | None
    added: tuple[BusyPeriod, ...] = ()
    removed: tuple[BusyPeriod, ...] = ()
    changed: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def difference(before: FreeBusy, after: FreeBusy) -> Difference:
    """What changed from ``before`` to ``after``, over what both cover."""
    lo, hi = after.window_epochs
    before_lo, before_hi = before.window_epochs
    lo, hi = max(lo, before_lo), min(hi, before_hi)
    if lo >= hi:
        return Difference(None)
    found: dict[tuple[int, int], list[Span]] = {}
    layers = (_layer(before, lo, hi), _layer(after, lo, hi))
    for start, end, (was, now) in overlay(lo, hi, *layers):
        if was != now and UNKNOWN not in (was, now):
            found.setdefault((was, now), []).append((start, end, 0))
    return _difference(Period(instant(lo), instant(hi)), found)


def _layer(free_busy: FreeBusy, lo: int, hi: int) -> list[Span]:
    clipped = free_busy.clip(instant(lo), instant(hi))
    return with_unknown(lo, hi, clipped.epochs, clipped.unknown_epochs)


def _difference(window: Period, found: dict[tuple[int, int], list[Span]]) -> Difference:
    added: list[BusyPeriod] = []
    removed: list[BusyPeriod] = []
    changed: list[Change] = []
    for (before, after), spans in found.items():
        for start, end, _ in coalesce(iter(spans)):
            first, last = instant(start), instant(end)
            if not before:
                added.append(BusyPeriod(first, last, fbtype_of(after)))
            elif not after:
                removed.append(BusyPeriod(first, last, fbtype_of(before)))
            else:
                changed.append(Change(first, last, fbtype_of(before), fbtype_of(after)))
    return Difference(window, tuple(sorted(added)), tuple(sorted(removed)), tuple(sorted(changed)))
