"""The words of the algebra: how strongly time is taken, and which time.

``FBType`` follows the FBTYPE parameter of RFC 5545, section 3.2.9, plus Microsoft's "working
elsewhere". A period is half-open, ``[start, end)``, and holds whole seconds in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from extcal.intervals.instants import epoch, instant, span, spoken

__all__ = [
    "BLOCKING",
    "BusyPeriod",
    "FBType",
    "Period",
    "blocking_codes",
    "busy_period",
    "period",
    "period_span",
]


class FBType(IntEnum):
    """How strongly time is taken; where periods overlap, the greatest wins."""

    FREE = 0
    WORKING_ELSEWHERE = 1
    BUSY_TENTATIVE = 2
    BUSY = 3
    BUSY_UNAVAILABLE = 4

    @property
    def token(self) -> str:
        """The type as iCalendar writes it, for example ``BUSY-TENTATIVE``."""
        return self.name.replace("_", "-")

    @classmethod
    def from_token(cls, token: str) -> FBType:
        """Return the type that an iCalendar ``token`` names, in any case.

        "Applications MUST treat x-name and iana-token values they don't recognize the same way as
        they would the BUSY value" (RFC 5545, section 3.2.9).
        """
        return cls.__members__.get(token.strip().upper().replace("-", "_"), cls.BUSY)

    def __str__(self) -> str:
        return self.token

    def __format__(self, format_spec: str) -> str:
        return format(self.token, format_spec)


BLOCKING: frozenset[FBType] = frozenset(
    {FBType.BUSY_TENTATIVE, FBType.BUSY, FBType.BUSY_UNAVAILABLE}
)
"""What stands in the way of an appointment, unless the question says otherwise."""


@dataclass(frozen=True, slots=True, order=True, repr=False)
class Period:
    """A half-open stretch of time, ``[start, end)``.

    ``start`` and ``end`` are aware datetimes of any zone; they are kept as whole seconds in UTC,
    widened outward. Raises ``TypeError`` for naive datetimes and ``ValueError`` unless ``start``
    is before ``end``.
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
        return self.end - self.start

    def __repr__(self) -> str:
        return f"<Period {spoken(*period_span(self))}>"


@dataclass(frozen=True, slots=True, order=True, repr=False)
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
        return f"<BusyPeriod {self.fbtype} {spoken(*period_span(self))}>"


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
    object.__setattr__(made, "fbtype", FBType(code))
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
    """Return the types of ``blocks`` as integers.

    Raises ``TypeError`` unless ``blocks`` is several FBTypes, and ``ValueError`` if FREE is one.
    """
    if isinstance(blocks, (FBType, str)):
        raise TypeError(f"blocks takes several types: pass {{{blocks!r}}}, a set")
    codes: set[int] = set()
    for fbtype in blocks:
        if not isinstance(fbtype, FBType):
            raise TypeError(f"blocks takes FBTypes such as FBType.BUSY, not {fbtype!r}")
        codes.add(fbtype.value)
    if FBType.FREE in codes:
        raise ValueError("FREE time cannot block: leave FBType.FREE out of blocks")
    return frozenset(codes)
