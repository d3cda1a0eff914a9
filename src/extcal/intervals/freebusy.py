"""FreeBusy: somebody's busy, free and unknown time in one window, as a value.

Inside are columns of epoch seconds (:mod:`extcal.intervals.columned`). They are canonical: equal
free/busy time is equal, has the same hash, and pickles are small. Periods and datetimes are made
when they are asked for.

Unknown is never free: unknown time, and time outside the window, is neither offered nor reported as
free. Busy periods may overlap unknown time; they are still reported.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import chain

from extcal.arguments import safe_repr
from extcal.intervals.asked import HOW_TO_ASK, can_be_pickled, common_zone, zone_of_window
from extcal.intervals.columned import Columned
from extcal.intervals.instants import epoch, find_zone, in_years, span, spoken, whole_seconds
from extcal.intervals.instants import instant as moment
from extcal.intervals.merge import (
    BusySpan,
    Level,
    Span,
    complement,
    end_of,
    gaps,
    gathered,
    greatest,
    in_columns,
    strongest,
    touches,
    typed,
    union,
)
from extcal.intervals.types import (
    BLOCKING,
    BusyPeriod,
    FBType,
    Period,
    as_code,
    blocking_codes,
    busy_period,
    busy_span,
    check_codes,
    codes_of,
    fbtype_of,
    period,
    period_span,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from extcal.intervals.views.records import Record
    from extcal.intervals.working_hours.hours import WorkingHours

__all__ = ["FreeBusy", "asked_in", "freebusy_list"]

_BLOCKING_CODES = blocking_codes(BLOCKING)
_SMALLEST = timedelta(seconds=1)


@safe_repr
class FreeBusy(Columned):
    """Typed, merged free/busy time over one window; immutable, hashable and picklable.

    Made by :meth:`from_periods`, :meth:`from_epochs` or :meth:`join`; ``a | b`` joins two.
    Iterating gives the busy periods in order.

    Its datetimes are in UTC. It is drawn and printed in the zone in which it was asked for, that of
    the question's ``start``, otherwise in UTC. The zone is no part of the value.
    """

    __slots__ = ()

    def __init__(self) -> None:
        raise TypeError("FreeBusy is made by FreeBusy.from_periods(window, periods, unknown)")

    # -- making ---------------------------------------------------------------------------------

    @classmethod
    def from_periods(
        cls,
        window: Period | tuple[datetime, datetime],
        periods: Iterable[
            Period | tuple[datetime, datetime] | tuple[datetime, datetime, FBType]
        ] = (),
        unknown: Iterable[Period | tuple[datetime, datetime]] = (),
    ) -> FreeBusy:
        """Return the free/busy time of ``periods`` and ``unknown`` within ``window``.

        ``window``: a Period, or ``(start, end)``, of aware datetimes.
        ``periods``: BusyPeriods, Periods (which are BUSY) or tuples ``(start, end[, fbtype])``, in
        any order; where they overlap the strongest type wins; FREE ones are ignored.
        ``unknown``: Periods or ``(start, end)`` of unknown time.
        Parts outside the window are cut off.

        Raises ``TypeError`` for naive datetimes and ``ValueError`` unless start is before end.
        """
        lo, hi = period_span(window)
        made = cls.from_epochs(lo, hi, map(busy_span, periods), map(period_span, unknown))
        return asked_in(made, zone_of_window(window))

    @classmethod
    def from_epochs(
        cls,
        lo: int,
        hi: int,
        busy: Iterable[BusySpan | tuple[int, int, FBType]] = (),
        unknown: Iterable[Span] = (),
    ) -> FreeBusy:
        """Return the free/busy time of ``[lo, hi)``, everything in whole epoch seconds.

        ``busy``: ``(start, end, code)`` in any order, also overlapping; empty and FREE ones are
        ignored. A code is an FBType, or a number from 0 for FREE to 4 for BUSY-UNAVAILABLE.
        ``unknown``: ``(start, end)``. Parts outside the window are cut off; the window itself is
        cut to the years 1 to 9999.

        Raises ``ValueError`` unless ``lo`` is before ``hi``, and for a code that is not an FBType.
        """
        spans = tuple(busy)
        starts, ends, codes = zip(*spans, strict=True) if spans else ((), (), ())
        return cls.from_columns(lo, hi, starts, ends, codes_of(codes), unknown)

    @classmethod
    def from_columns(
        cls,
        lo: int,
        hi: int,
        starts: Sequence[int],
        ends: Sequence[int],
        codes: Sequence[int],
        unknown: Iterable[Span] = (),
    ) -> FreeBusy:
        """Return the same as :meth:`from_epochs`, with the spans given as three columns.

        ``codes`` are numbers from 0 to 4, as a list, a tuple or bytes.
        """
        lo, hi = in_years(lo, hi)
        return cls._canonical(
            lo, hi, typed(starts, ends, codes, lo, hi), in_columns(union(unknown, lo, hi))
        )

    @classmethod
    def from_levels(
        cls,
        lo: int,
        hi: int,
        levels: Mapping[int, Level] | Mapping[FBType, Level],
        unknown: Iterable[Span] = (),
    ) -> FreeBusy:
        """Return the same as :meth:`from_epochs`, with the spans given as columns.

        ``levels``: by FBType or code, from 0 for FREE to 4 for BUSY-UNAVAILABLE, a list of starts
        and a list of ends in epoch seconds, each in any order of its own; no span ends before it
        starts. ``unknown``: ``(start, end)``.

        Raises ``ValueError`` unless ``lo`` is before ``hi``, and for a code that is no FBType.
        """
        lo, hi = in_years(lo, hi)
        levels = {as_code(code): level for code, level in levels.items()}
        check_codes(levels.keys())
        shown = strongest(levels, lo, hi)
        return cls._canonical(lo, hi, shown, in_columns(union(unknown, lo, hi)))

    @classmethod
    def join(cls, parts: Iterable[FreeBusy]) -> FreeBusy:
        """Return the join of all ``parts``, in one merge: ``a | b | c`` for any number.

        The strongest type wins, and time is unknown if it is unknown in any part. The window goes
        from the earliest start to the latest end; time outside a part's own window is unknown in
        that part.

        Raises ``ValueError`` if there are no parts and ``TypeError`` if one is not a FreeBusy.
        """
        joined = freebusy_list(parts, "join")
        lo = min(part._lo for part in joined)
        hi = max(part._hi for part in joined)
        # No part knows more than the latest start and the earliest end allow all of them.
        unknown = [(lo, max(part._lo for part in joined)), (min(part._hi for part in joined), hi)]
        unknown += [each for part in joined for each in part.unknown_epochs]
        busy = strongest(gathered(part._levels for part in joined), lo, hi)
        made = cls._canonical(lo, hi, busy, in_columns(union(unknown, lo, hi)))
        return asked_in(made, common_zone(joined))

    def __or__(self, other: FreeBusy) -> FreeBusy:
        """Return the join of the two; see :meth:`join`."""
        if not isinstance(other, FreeBusy):
            return NotImplemented
        return FreeBusy.join((self, other))

    def clip(self, start: datetime, end: datetime) -> FreeBusy:
        """Return the part of this that lies within ``[start, end)``, two aware datetimes.

        Raises ``ValueError`` if the window does not reach into ``[start, end)`` at all.
        """
        made = self.clip_epochs(*span(start, end))
        return made if self._zone is not None else asked_in(made, start.tzinfo)

    def clip_epochs(self, lo: int, hi: int) -> FreeBusy:
        """Return the part of this that lies within ``[lo, hi)``, in epoch seconds.

        Raises ``ValueError`` if the window does not reach into ``[lo, hi)`` at all.
        """
        if hi <= self._lo or self._hi <= lo:
            raise ValueError(
                f"{spoken(lo, hi)} does not overlap the window, {spoken(self._lo, self._hi)}"
            )
        lo, hi = max(lo, self._lo), min(hi, self._hi)
        if (lo, hi) == (self._lo, self._hi):
            return self
        return asked_in(FreeBusy._canonical(lo, hi, *self._columns, is_cut=False), self._zone)

    def widened_epochs(self, lo: int, hi: int) -> FreeBusy:
        """Return the same over a window that reaches further: what is added is unknown."""
        if (lo, hi) == (self._lo, self._hi):
            return self
        starts, ends = self._unknown
        unknown = gaps(*gaps([lo, self._hi, *starts], [self._lo, hi, *ends], lo, hi), lo, hi)
        return asked_in(FreeBusy._canonical(lo, hi, self._levels, unknown), self._zone)

    # -- looking --------------------------------------------------------------------------------

    @property
    def window(self) -> Period:
        """The period of time that this describes."""
        return period(self._lo, self._hi)

    @property
    def periods(self) -> tuple[BusyPeriod, ...]:
        """The busy periods: sorted, disjoint, coalesced, every type above FREE."""
        if self._periods is None:
            made = tuple([busy_period(lo, hi, code) for lo, hi, code in self.epochs])
            object.__setattr__(self, "_periods", made)
            return made
        return self._periods

    @property
    def unknown(self) -> tuple[Period, ...]:
        """The unknown parts of the window; merged; they may overlap periods."""
        return tuple([period(lo, hi) for lo, hi in self.unknown_epochs])

    def to_records(self, timezone: str | tzinfo = "UTC") -> list[Record]:
        """Return every busy and every unknown period as a plain dict, sorted by start.

        ``json.dumps`` takes it as it is; ``pandas.DataFrame`` and ``polars.DataFrame`` make a data
        frame of it. ``start`` and ``end`` are ISO 8601 text with the offset of ``timezone`` (an
        IANA name or a tzinfo). ``fbtype`` is a token of RFC 5545 section 3.2.9, Microsoft's
        ``WORKING-ELSEWHERE``, or ``UNKNOWN``; unknown periods may overlap busy ones. Time in
        :attr:`window` that is not listed is free. Raises ``ValueError`` for an unknown zone.
        """
        from extcal.intervals.views.records import records

        return records(self.epochs, self.unknown_epochs, find_zone(timezone))

    def __iter__(self) -> Iterator[BusyPeriod]:
        return iter(self.periods)

    def __contains__(self, period: BusyPeriod) -> bool:
        """Return whether ``period`` is one of :attr:`periods`; an instant is a ``TypeError``."""
        if not isinstance(period, BusyPeriod):
            raise TypeError(f"only a BusyPeriod can be in a FreeBusy, not {period!r}: {HOW_TO_ASK}")
        return period in self.periods

    def __bool__(self) -> NoReturn:
        raise TypeError(f"a FreeBusy is neither true nor false: {HOW_TO_ASK}")

    # -- asking ---------------------------------------------------------------------------------

    def at(self, instant: datetime) -> FBType | None:
        """Return the type at an aware ``instant``: above FREE, else None if unknown, else FREE."""
        second = epoch(instant)
        code = greatest(self._levels, second, second + 1)
        return fbtype_of(code) if code or self._known(second, second + 1) else None

    def status(self, start: datetime, end: datetime) -> FBType | None:
        """Return the type of ``[start, end)``, two aware datetimes.

        The strongest blocking type in it; else None if any part of it is unknown or
        outside the window; else the strongest other type.
        """
        lo, hi = span(start, end)
        code = greatest(self._levels, lo, hi)
        return fbtype_of(code) if code in _BLOCKING_CODES or self._known(lo, hi) else None

    def is_free(self, start: datetime, end: datetime, blocks: Iterable[FBType] = BLOCKING) -> bool:
        """Return whether all of ``[start, end)``, two aware datetimes, is known and not blocked.

        ``blocks``: the types that block. False if part of it is unknown or outside the window.
        """
        lo, hi = span(start, end)
        codes = blocking_codes(blocks)
        return self._known(lo, hi) and not any(
            code in codes and touches(spans, lo, hi) for code, spans in self._levels
        )

    def free(
        self, duration: timedelta = _SMALLEST, blocks: Iterable[FBType] = BLOCKING
    ) -> tuple[Period, ...]:
        """Return the gaps of at least ``duration`` between blocked and unknown time, in order.

        ``duration``: a positive timedelta; without it every gap is returned. ``blocks``: the types
        that block. Raises ``ValueError`` if ``duration`` is not positive.
        """
        least = whole_seconds(duration, "duration")
        codes = blocking_codes(blocks)
        found = self._gaps(codes, self._lo)
        return tuple([period(lo, hi) for lo, hi in found if hi - lo >= least])

    def status_at(self, instant: datetime) -> FBType | None:
        """Return the type at an aware ``instant`` as :meth:`status` does: None if it is unknown.

        Unlike :meth:`at`, a type that does not block is reported only where the time is known.
        """
        second = epoch(instant)
        return self.status(moment(second), moment(second + 1))

    def busy_until(self, instant: datetime, blocks: Iterable[FBType] = BLOCKING) -> datetime | None:
        """Return when the blocked time around an aware ``instant`` ends; None if it is not blocked.

        Periods that follow each other without a gap count as one, whatever their types. What comes
        after the end may be unknown, as may what comes after the window: ask :meth:`status_at`.
        ``blocks``: the types that block.
        """
        second = epoch(instant)
        until = end_of(self._levels, second, blocking_codes(blocks))
        return None if until == second else moment(until)

    def next_free(
        self,
        instant: datetime,
        duration: timedelta,
        hours: WorkingHours | None = None,
        blocks: Iterable[FBType] = BLOCKING,
    ) -> Period | None:
        """Return the first period of exactly ``duration``, from an aware ``instant`` on, that is
        known and not blocked; None if there is none in the window.

        ``duration``: a positive timedelta. ``hours``: the period lies within them. ``blocks``: the
        types that block. Raises ``ValueError`` if ``duration`` is not positive.
        """
        length = whole_seconds(duration, "duration")
        codes = blocking_codes(blocks)
        first = max(epoch(instant, ceil=True), self._lo)
        if first >= self._hi:
            return None
        shut = () if hours is None else complement(hours.epochs(first, self._hi), first, self._hi)
        for lo, hi in self._gaps(codes, first, shut):
            if hi - lo >= length:
                return period(lo, lo + length)
        return None

    def _gaps(self, codes: Collection[int], lo: int, shut: Iterable[Span] = ()) -> Iterable[Span]:
        """What is known and not blocked from ``lo`` on, without ``shut``."""
        taken = [in_columns(shut), *self.taken(codes, lo, self._hi)]
        starts = chain.from_iterable(begins for begins, _ in taken)
        ends = chain.from_iterable(stops for _, stops in taken)
        return zip(*gaps(starts, ends, lo, self._hi), strict=True)

    # -- being a value --------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FreeBusy):
            return NotImplemented
        return self._value() == other._value()

    def __hash__(self) -> int:
        return hash(self._value())

    def __reduce__(self) -> tuple[object, ...]:
        value = self._lo, self._hi, self.epochs, self.unknown_epochs
        if can_be_pickled(self._zone):
            return _asked, (*value, self._zone)
        return FreeBusy.from_epochs, value

    def __repr__(self) -> str:
        said = [f"{len(starts)} {fbtype_of(code)}" for code, (starts, _) in self._levels]
        if self._unknown[0]:
            said.append(f"{len(self._unknown[0])} unknown")
        when = spoken(self._lo, self._hi, self._zone)
        return f"<FreeBusy {when}: {', '.join(said) or 'all free'}>"


def asked_in(free_busy: FreeBusy, zone: tzinfo | None) -> FreeBusy:
    """Return the same value, to be drawn and printed in ``zone``; None is UTC."""
    if zone is free_busy._zone:
        return free_busy
    # In this order: another thread may cut them in between.
    is_cut, columns = free_busy._is_cut, free_busy._columns
    made = FreeBusy._canonical(free_busy._lo, free_busy._hi, *columns, is_cut=is_cut)
    object.__setattr__(made, "_epochs", free_busy._epochs)
    object.__setattr__(made, "_periods", free_busy._periods)
    object.__setattr__(made, "_zone", zone)
    return made


def _asked(
    lo: int, hi: int, busy: Iterable[BusySpan], unknown: Iterable[Span], zone: tzinfo
) -> FreeBusy:
    return asked_in(FreeBusy.from_epochs(lo, hi, busy, unknown), zone)


def freebusy_list(parts: Iterable[FreeBusy], caller: str) -> list[FreeBusy]:
    """Return ``parts`` as a list of at least one FreeBusy; ``caller`` is the name for messages.

    Raises ``TypeError`` or ``ValueError`` otherwise.
    """
    found = list(parts)
    for part in found:
        if not isinstance(part, FreeBusy):
            raise TypeError(f"{caller} takes several FreeBusy, in a list; {part!r} is none")
    if not found:
        raise ValueError(f"{caller} needs at least one FreeBusy")
    return found
