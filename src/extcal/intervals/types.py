"""The words of the algebra: how strongly time is taken, and which time.

``FBType`` follows the FBTYPE parameter of RFC 5545, section 3.2.9, plus Microsoft's "working
elsewhere". A period is half-open, ``[start, end)``, and holds whole seconds in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from extcal.arguments import count_of, discreet, made_discreetly, several
from extcal.intervals.instants import epoch, find_zone, instant, span, spoken
from extcal.values import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

__all__ = [
    "BLOCKING",
    "BusyPeriod",
    "FBType",
    "Period",
    "as_code",
    "blocking_codes",
    "busy_period",
    "busy_span",
    "check_codes",
    "code_of",
    "codes_of",
    "days",
    "fbtype_of",
    "period",
    "period_span",
]


class FBType(StrEnum):
    """How strongly time is taken; where periods overlap, the greatest wins.

    A type is the text that iCalendar writes: it equals that text, has its hash, and JSON shows it.
    ``<``, ``<=``, ``>``, ``>=``, ``max`` and ``sorted`` go by strength, from FREE up to
    BUSY_UNAVAILABLE; they raise ``TypeError`` for anything but two types, because text would be
    compared by the alphabet.

    ``FBType("busy")`` reads a token in any case, and ``FBType(3)`` a code, from 0 for FREE to 4 for
    BUSY_UNAVAILABLE; other values are a ``ValueError``.
    """

    FREE = "FREE"
    WORKING_ELSEWHERE = "WORKING-ELSEWHERE"
    BUSY_TENTATIVE = "BUSY-TENTATIVE"
    BUSY = "BUSY"
    BUSY_UNAVAILABLE = "BUSY-UNAVAILABLE"

    @property
    def token(self) -> str:
        """The type as iCalendar writes it, for example ``BUSY-TENTATIVE``, as plain text."""
        return str(self)

    @classmethod
    def from_token(cls, token: str) -> FBType:
        """Return the type that an iCalendar ``token`` names, in any case.

        "Applications MUST treat x-name and iana-token values they don't recognize the same way as
        they would the BUSY value" (RFC 5545, section 3.2.9).
        """
        return cls.__members__.get(token.strip().upper().replace("-", "_"), cls.BUSY)

    @classmethod
    def _missing_(cls, value: object) -> FBType | None:
        """Read a token in another case, or a code: 0.1.0 pickled types by their codes."""
        if isinstance(value, str):
            token = value.strip().upper()
            return next((fbtype for fbtype in _TYPES if fbtype.value == token), None)
        if isinstance(value, int) and not isinstance(value, bool) and value in _CODES:
            return _TYPES[value]
        return None

    # The comparisons of str would go by the alphabet, where BUSY is below FREE. Each one raises an
    # error itself: if it returned NotImplemented, Python would ask str to compare.

    def __lt__(self, other: FBType) -> bool:  # type: ignore[override]
        return code_of(self) < _strength(other)

    def __le__(self, other: FBType) -> bool:  # type: ignore[override]
        return code_of(self) <= _strength(other)

    def __gt__(self, other: FBType) -> bool:  # type: ignore[override]
        return code_of(self) > _strength(other)

    def __ge__(self, other: FBType) -> bool:  # type: ignore[override]
        return code_of(self) >= _strength(other)


_TYPES = tuple(FBType)
_CODES = range(len(_TYPES))
_CODE_BY_TYPE = {fbtype: code for code, fbtype in enumerate(_TYPES)}

fbtype_of = dict(enumerate(_TYPES)).__getitem__
"""Return the type of a code, 0 to 4. Inside extcal spans of time hold codes."""
code_of = _CODE_BY_TYPE.__getitem__
"""Return the code of a type: the greater, the stronger."""


def _strength(other: object) -> int:
    if not isinstance(other, FBType):
        raise TypeError(
            f"a FBType is compared with another FBType such as FBType.BUSY, not {other!r}; "
            f"FBType.from_token reads iCalendar's words"
        )
    return code_of(other)


BLOCKING: frozenset[FBType] = frozenset(
    {FBType.BUSY_TENTATIVE, FBType.BUSY, FBType.BUSY_UNAVAILABLE}
)
"""What stands in the way of an appointment, unless the question says otherwise."""


@made_discreetly
@dataclass(frozen=True, slots=True, repr=False)
class Period:
    """A half-open stretch of time, ``[start, end)``.

    ``start`` and ``end`` are aware datetimes of any zone; they are kept as whole seconds in UTC,
    widened outward. :meth:`astimezone` gives the same period in local time. Periods are equal, and
    sorted, by their instants, whatever zone shows them. ``start, end = period`` unpacks one, and
    ``instant in period`` asks whether an aware datetime lies in it.

    Raises ``TypeError`` for naive datetimes and ``ValueError`` unless ``start`` is before ``end``.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        lo, hi = span(self.start, self.end)
        object.__setattr__(self, "start", instant(lo))
        object.__setattr__(self, "end", instant(hi))

    @property
    def duration(self) -> timedelta:
        """The exact length, as elapsed time."""
        # Python subtracts two datetimes of one zone by local time, also over a change of clocks.
        return self.end.astimezone(UTC) - self.start.astimezone(UTC)

    def astimezone(self, timezone: str | tzinfo) -> Self:
        """Return the same period, whose ``start`` and ``end`` show the time of a zone.

        ``timezone``: an IANA name or a tzinfo. It equals this period. Raises ``ValueError`` for an
        unknown zone.
        """
        from copy import copy

        zone = find_zone(timezone)
        made = copy(self)
        object.__setattr__(made, "start", self.start.astimezone(zone))
        object.__setattr__(made, "end", self.end.astimezone(zone))
        return made

    def __iter__(self) -> Iterator[datetime]:
        return iter((self.start, self.end))

    def __contains__(self, instant: datetime) -> bool:
        """Return whether an aware datetime lies in ``[start, end)``."""
        lo, hi = period_span(self)
        return lo <= epoch(instant) < hi

    # Two datetimes of different zones are never equal while the clocks of one go back, and two of
    # one zone are ordered by local time: so periods are compared by whole seconds.

    def _value(self) -> tuple[int, ...]:
        return period_span(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Period) or type(other) is not type(self):
            return NotImplemented
        return self._value() == other._value()

    def __hash__(self) -> int:
        return hash(self._value())

    def __lt__(self, other: Self) -> bool:
        return self._value() < other._value() if type(other) is type(self) else NotImplemented

    def __le__(self, other: Self) -> bool:
        return self._value() <= other._value() if type(other) is type(self) else NotImplemented

    def __gt__(self, other: Self) -> bool:
        return self._value() > other._value() if type(other) is type(self) else NotImplemented

    def __ge__(self, other: Self) -> bool:
        return self._value() >= other._value() if type(other) is type(self) else NotImplemented

    def __repr__(self) -> str:
        return f"<Period {spoken(*period_span(self), self.start.tzinfo)}>"


@made_discreetly
@dataclass(frozen=True, slots=True, repr=False, eq=False)
class BusyPeriod(Period):
    """A period and how strongly it is taken; without a ``fbtype`` it is BUSY.

    Raises what :class:`Period` raises, and ``TypeError`` if ``fbtype`` is not a :class:`FBType`.
    """

    fbtype: FBType = FBType.BUSY

    def __post_init__(self) -> None:
        # Not super(): with slots the class is made anew, and super() would still mean the old one.
        Period.__post_init__(self)
        if not isinstance(self.fbtype, FBType):
            raise TypeError(
                f"fbtype takes a FBType such as FBType.BUSY, not {self.fbtype!r}; "
                f"FBType.from_token reads iCalendar's words"
            )

    def __repr__(self) -> str:
        return f"<BusyPeriod {self.fbtype} {spoken(*period_span(self), self.start.tzinfo)}>"

    def _value(self) -> tuple[int, ...]:
        return *period_span(self), code_of(self.fbtype)


@discreet
def days(first: str | date, count: int, timezone: str | tzinfo) -> Period:
    """Return ``count`` whole local days as a window: ``days("2027-01-04", 5, "Europe/Berlin")``.

    ``first``: the first day, as ISO 8601 text or a date. ``timezone``: an IANA name or a tzinfo;
    ``start`` and ``end`` are local midnights in it. Where clocks change at midnight, a day begins
    at the first time that exists. Pass it on as two arguments:
    ``calendars.free_busy(feed, *window)``.

    Raises ``ValueError`` for a day or zone that does not exist and for less than one day, and
    ``TypeError`` for values of the wrong kind.
    """
    from extcal.intervals.working_hours.date_exceptions import EPOCH_DAY, day_of

    zone = find_zone(timezone)
    begin = date.fromordinal(EPOCH_DAY + day_of(first, "first"))
    end = begin + timedelta(days=count_of("count", count))
    midnights = [datetime.combine(day, time(), zone) for day in (begin, end)]
    return Period(*midnights).astimezone(zone)


def period(lo: int, hi: int) -> Period:
    """Return ``[lo, hi)`` in epoch seconds, known to be in order, as a Period."""
    made = object.__new__(Period)
    object.__setattr__(made, "start", instant(lo))
    object.__setattr__(made, "end", instant(hi))
    return made


def busy_period(lo: int, hi: int, code: int) -> BusyPeriod:
    """Return ``[lo, hi)`` in epoch seconds, known to be in order, as a BusyPeriod."""
    made = object.__new__(BusyPeriod)
    object.__setattr__(made, "start", instant(lo))
    object.__setattr__(made, "end", instant(hi))
    object.__setattr__(made, "fbtype", fbtype_of(code))
    return made


def period_span(value: Period | tuple[datetime, datetime]) -> tuple[int, int]:
    """Return a Period, or a pair of aware datetimes, as epoch seconds.

    Raises ``TypeError`` for anything else and ``ValueError`` unless start is before end.
    """
    if isinstance(value, Period):
        return epoch(value.start), epoch(value.end, ceil=True)
    try:
        start, end = value
    except (TypeError, ValueError):
        raise TypeError(f"pass a Period or a tuple (start, end), not {value!r}") from None
    return span(start, end)


def blocking_codes(blocks: Iterable[FBType]) -> frozenset[int]:
    """Return the codes of the types of ``blocks``.

    Raises ``TypeError`` unless ``blocks`` is several FBTypes, and ``ValueError`` if FREE is one.
    """
    if isinstance(blocks, (FBType, str)):
        raise TypeError(f"blocks takes several types: pass {{{blocks!r}}}, a set")
    codes: set[int] = set()
    for fbtype in several("blocks", blocks, "FBTypes"):
        if not isinstance(fbtype, FBType):
            raise TypeError(f"blocks takes FBTypes such as FBType.BUSY, not {fbtype!r}")
        codes.add(code_of(fbtype))
    if code_of(FBType.FREE) in codes:
        raise ValueError("FREE time cannot block: leave FBType.FREE out of blocks")
    return frozenset(codes)


def codes_of(codes: Sequence[int | FBType]) -> Sequence[int]:
    """Return types or codes as codes; a wrong code is a ValueError."""
    different = {*codes}
    if any(isinstance(code, FBType) for code in different):
        codes = [as_code(code) for code in codes]
        different = {*codes}
    check_codes(different)
    return codes  # type: ignore[return-value]


def as_code(code: int | FBType) -> int:
    """Return a type or a code as a code."""
    return code_of(code) if isinstance(code, FBType) else code


def check_codes(codes: Iterable[int | FBType]) -> None:
    """Raise ``ValueError`` if one of them is not the code of a type."""
    strange = set(codes).difference(_CODES)
    if strange:
        raise ValueError(f"{strange.pop()!r} is not the code of a FBType")


def busy_span(
    value: Period | tuple[datetime, datetime] | tuple[datetime, datetime, FBType],
) -> tuple[int, int, int]:
    """Return a BusyPeriod, a Period (which is BUSY) or a tuple as epoch seconds and a code."""
    if isinstance(value, tuple) and len(value) == 3:
        value = BusyPeriod(value[0], value[1], value[2])
    lo, hi = period_span(value)
    return lo, hi, code_of(value.fbtype if isinstance(value, BusyPeriod) else FBType.BUSY)
