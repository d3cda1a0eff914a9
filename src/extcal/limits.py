"""How much of a stranger's feed is read, and how long it may take.

One frozen value; every default carries its reason, and what a larger number would break has a
maximum that no host can pass, so that a slip (milliseconds for seconds, a missing digit group) is
seen where it is made. Running into a limit is never silent: the
reading becomes incomplete, the time concerned becomes unknown, and a Problem says so; under
``strict=True`` it is :class:`~extcal.errors.LimitExceeded`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

__all__ = ["MAXIMA", "Limits"]

_MIB = 1024 * 1024

MAXIMA: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "fetch_deadline": (120, "one fetch holds a worker, and its feed's lease, for so long"),
        "max_redirects": (10, "who redirects more often does not mean to arrive"),
        "max_url_length": (4_096, "no Feed holds a longer address"),
        "max_wire_bytes": (64 * _MIB, "a body is held in memory as a whole"),
        "max_decoded_bytes": (256 * _MIB, "a body is held in memory as a whole"),
        "max_steps": (1_000_000, "a stranger's feed could hold the processor for many seconds"),
        "max_occurrences_per_series": (1_000_000, "every occurrence is kept as an event"),
        "max_occurrences": (1_000_000, "every occurrence is kept as an event"),
    }
)
"""By field of :class:`Limits`: the most it can be, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The budgets of one reading. Sizes are bytes, times are seconds, the rest are counts.

    Raises TypeError for what is no number, or no whole one where sizes and counts are meant, and
    ValueError for a negative number, for more than :data:`MAXIMA` allows, and for years that are
    not in order.
    """

    # The street door: a slow or endless answer must not hold a worker of the host.
    fetch_deadline: float = 20.0  # from DNS to the last byte, whatever happens in between
    connect_timeout: float = 5.0  # one address; the deadline covers all of them
    tls_timeout: float = 5.0
    idle_timeout: float = 10.0  # between two reads of a body: real publishers pause for seconds
    max_redirects: int = 5  # providers use one or two
    max_url_length: int = 4_096  # signed links run to about 2,000 characters
    max_wire_bytes: int = 32 * 1024 * 1024  # whole histories of 13 MB are sent without gzip
    max_decoded_bytes: int = 64 * 1024 * 1024  # inflated: 50,000 events are 56 MB

    # The corridor: everything that a few bytes of feed could make large.
    max_vevents: int = 200_000  # counted before anything is parsed
    max_line_bytes: int = 1024 * 1024  # one logical line; attachments inline are longer, and unread
    max_nesting: int = 8  # VCALENDAR > VEVENT > VALARM is 3
    max_dates_per_series: int = 10_000  # RDATE and EXDATE together
    max_dates: int = 100_000  # the same, over the feed
    max_overrides_per_series: int = 5_000  # every day for thirteen years
    max_overrides: int = 50_000
    max_versions: int = 2_000  # copies of one event: exports repeat some, none thousands
    max_timezones: int = 200  # VTIMEZONE definitions
    max_tzids: int = 2_000  # names of zones: IANA's, Windows' and all aliases are fewer
    max_observances: int = 500  # exhaustive histories write one per year
    max_transitions: int = 2_000
    max_availability: int = 1_000  # VAVAILABILITY and AVAILABLE: a shift plan of three years
    max_steps: int = 100_000  # recurrence steps of the whole feed
    max_occurrences_per_series: int = 5_000  # kept as events; free/busy merges on the fly
    max_occurrences: int = 50_000
    max_problems: int = 1_000  # then one more that counts the rest
    first_year: int = 1900
    last_year: int = 2200

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{field.name} takes a number, not {type(value).__name__}")
            if not isinstance(value, int) and field.type != "float":
                raise TypeError(f"{field.name} takes a whole number, not {value!r}")
            if not value >= 0:
                raise ValueError(f"{field.name} cannot be negative, it was {value!r}")
            most, reason = MAXIMA.get(field.name, (value, ""))
            if value > most:
                raise ValueError(f"{field.name} is {most:,} at most, it was {value!r}: {reason}")
        if not 1 <= self.first_year <= self.last_year <= 9000:
            raise ValueError("first_year and last_year must be in order and between 1 and 9000")
