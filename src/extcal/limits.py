"""How much of a stranger's feed is read, and how long it may take.

One frozen value; every default has a reason. Where a larger number would endanger the application,
there is a maximum, so that a mistake (milliseconds instead of seconds, a digit too many) is noticed
at once. A limit that is reached is never silent: the answer becomes incomplete, the time concerned
becomes unknown, and a Problem says so. With ``strict=True`` a
:class:`~extcal.errors.LimitExceeded` is raised instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from extcal.arguments import made_discreetly
from extcal.values import dataclass

__all__ = ["MAXIMA", "Limits"]

_MIB = 1024 * 1024

MAXIMA: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "fetch_deadline": (120, "one fetch holds a worker, and its feed's lease, for so long"),
        "max_redirects": (10, "a server that redirects more often never answers"),
        "max_url_length": (4_096, "no Feed has a longer address"),
        "max_wire_bytes": (64 * _MIB, "a body is held in memory as a whole"),
        "max_decoded_bytes": (256 * _MIB, "a body is held in memory as a whole"),
        "max_lines": (8_000_000, "each costs time, although most are not read"),
        "max_work": (1_000_000, "a stranger's feed could hold the processor for many seconds"),
        "max_steps": (1_000_000, "a stranger's feed could hold the processor for many seconds"),
        "max_occurrences_per_series": (1_000_000, "every occurrence is kept as an event"),
        "max_occurrences": (1_000_000, "every occurrence is kept as an event"),
    }
)
"""By field of :class:`Limits`: its maximum, and the reason."""


@made_discreetly
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The budgets of one reading. Sizes are bytes, times are seconds, the rest are counts.

    Raises TypeError for a value that is not a number, or not a whole number if it is a size or a
    count. Raises ValueError for a negative number, for more than :data:`MAXIMA` allows, and for
    years that are not in order.
    """

    # Fetching: a slow or endless answer must not block a worker of the application.
    fetch_deadline: float = 20.0  # from DNS to the last byte, with all redirects and attempts
    connect_timeout: float = 5.0  # one address; the deadline covers all of them
    tls_timeout: float = 5.0
    idle_timeout: float = 10.0  # between two reads of a body: real publishers pause for seconds
    max_redirects: int = 5  # providers use one or two
    max_url_length: int = 4_096  # signed links have up to about 2,000 characters
    max_wire_bytes: int = 32 * 1024 * 1024  # whole histories of 13 MB are sent without gzip
    max_decoded_bytes: int = 64 * 1024 * 1024  # inflated: 50,000 events are 56 MB

    # Reading: everything that a few bytes of a feed could make large.
    max_vevents: int = 200_000  # counted before anything is parsed
    max_line_bytes: int = 1024 * 1024  # one logical line; longer inline attachments are not read
    max_nesting: int = 8  # VCALENDAR > VEVENT > VALARM is 3
    max_dates_per_series: int = 10_000  # RDATE and EXDATE together
    max_dates: int = 100_000  # the same, over the feed
    max_overrides_per_series: int = 5_000  # every day for thirteen years
    max_overrides: int = 50_000
    max_versions: int = 2_000  # copies of one event: no known export has thousands
    max_timezones: int = 200  # VTIMEZONE definitions
    max_tzids: int = 2_000  # names of zones: IANA's, Windows' and all aliases are fewer
    max_observances: int = 500  # the longest histories have one per year
    max_transitions: int = 2_000
    max_availability: int = 1_000  # VAVAILABILITY and AVAILABLE: a shift plan of three years
    max_steps: int = 100_000  # recurrence steps of the whole feed
    max_occurrences_per_series: int = 5_000  # kept as events; free/busy time has no such limit
    max_occurrences: int = 50_000
    max_problems: int = 1_000  # one more Problem says how many others there were
    first_year: int = 1900
    last_year: int = 2200
    max_lines: int = 2_000_000  # physical lines, counted before anything is parsed
    max_work: int = 120_000  # units: a kilobyte, a content line that is read, a third of an event

    def __setstate__(self, state: list[float]) -> None:
        # A pickle has the values in the order of the fields. One of an earlier version has fewer.
        from dataclasses import fields

        for number, field in enumerate(fields(self)):
            value = state[number] if number < len(state) else field.default
            object.__setattr__(self, field.name, value)

    def __post_init__(self) -> None:
        for name, kind in Limits.__annotations__.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{name} takes a number, not {type(value).__name__}")
            if not isinstance(value, int) and kind != "float":
                raise TypeError(f"{name} takes a whole number, not {value!r}")
            if not value >= 0:
                raise ValueError(f"{name} cannot be negative, it was {value!r}")
            most, reason = MAXIMA.get(name, (value, ""))
            if value > most:
                raise ValueError(f"{name} is {most:,} at most, it was {value!r}: {reason}")
        if not 1 <= self.first_year <= self.last_year <= 9000:
            raise ValueError("first_year and last_year must be in order and between 1 and 9000")
