"""Event: one VEVENT as a value, from which its instances and their FBTYPE follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from extcal.ical import recurrence
from extcal.ical.events.times import Extent, Moment
from extcal.ical.parse.content_lines import Line
from extcal.ical.zones.resolve import Zone
from extcal.values import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Event", "Stamps", "Texts"]

_NO_FACTS: Mapping[str, str] = MappingProxyType({})
_WHOLE_DAY, _NOTHING = Extent(1, 0), Extent(0, 0)


class Texts(NamedTuple):
    """The texts of an event that a caller may show, and what the rules of a policy look at.

    ``titles`` are all SUMMARYs, of which ``summary`` is made. CATEGORIES and ORGANIZER are read
    only for a policy with rules.
    """

    summary: str | None
    location: str | None
    titles: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    organizers: tuple[Line, ...] = ()


class Stamps(NamedTuple):
    """What orders the versions of one UID; times in epoch seconds, 0 if absent."""

    sequence: int
    dtstamp: int
    last_modified: int


_NO_TEXTS, _NO_STAMPS = Texts(None, None), Stamps(0, 0, 0)


class Event:
    """One VEVENT, typed: what its instances are computed from, and what makes them busy."""

    __slots__ = (
        "_source",
        "_stamps",
        "_texts",
        "all_day",
        "attendees",
        "calendar",
        "detached",
        "doubtful",
        "exdates",
        "exlocals",
        "exrules",
        "extent",
        "facts",
        "has_end",
        "of_day",
        "offset",
        "others",
        "private",
        "rdates",
        "recurrence_id",
        "rules",
        "span",
        "start",
        "this_and_future",
        "tie",
        "uid",
        "unsettled",
    )

    def __init__(
        self,
        span: tuple[int, int],
        calendar: int,
        uid: str,
        start: Moment,
        texts: Texts | Callable[[Any], Texts],
        stamps: Stamps | Callable[[Any], Stamps],
        source: object = None,
    ) -> None:
        self.calendar = calendar
        self.offset = span[0]
        self.span = span  # offsets of its bytes in the feed
        self.uid = uid
        self.start = start
        self.all_day = start.is_date
        self.extent = _WHOLE_DAY if start.is_date else _NOTHING
        self.has_end = False
        self.rules: tuple[recurrence.RecurrenceRule, ...] = ()
        self.exrules: tuple[recurrence.RecurrenceRule, ...] = ()
        self.rdates: Sequence[tuple[Moment, Extent | None]] = ()
        self.exdates: Sequence[Moment] = ()
        self.exlocals: Sequence[int] = ()  # other EXDATEs, in local seconds of a timed start's zone
        self.recurrence_id: Moment | None = None
        self.detached = False  # an override whose instance is unknown
        self.this_and_future = False
        self.tie: tuple[str, ...] = ()  # orders copies that differ by their VCALENDAR
        self.private = False
        self.facts: Mapping[str, str] = _NO_FACTS  # STATUS, TRANSP, the BUSYSTATUS family
        self.attendees: tuple[Line, ...] = ()
        self._texts = texts
        self._stamps = stamps
        self._source = source
        self.of_day = False  # the time is unknown, so each instance blocks its whole day
        self.doubtful = False  # it has other possible meanings than this one
        self.others: tuple[Event, ...] = ()  # other possible meanings, which block too
        self.unsettled: Callable[[Event, Zone | None, bool], None] | None = None

    @property
    def texts(self) -> Texts:
        """Title and place; read when they are first asked for."""
        texts = self._texts
        if callable(texts):
            texts = self._texts = texts(self._source)
        return texts

    @property
    def stamps(self) -> Stamps:
        """SEQUENCE, DTSTAMP and LAST-MODIFIED; read when they are first asked for."""
        stamps = self._stamps
        if callable(stamps):
            stamps = self._stamps = stamps(self._source)
        return stamps

    def release(self) -> None:
        """Drop the reference to the feed's bytes. Texts and stamps not read by now stay empty."""
        if callable(self._texts):
            self._texts = _NO_TEXTS
        if callable(self._stamps):
            self._stamps = _NO_STAMPS
        self._source = None

    @property
    def recurs(self) -> bool:
        return bool(self.rules or self.rdates)

    def settle(self, series: Zone | None, *, told: bool = True) -> None:
        """Read the times of an override whose DTSTART has no zone, in the zone of its series.

        Without such a zone they are in the zone of floating times. ``told``: the event may matter
        for the window, so a Problem is reported.
        """
        for event in (self, *self.others):
            unsettled, event.unsettled = event.unsettled, None
            if unsettled is not None:
                unsettled(event, series, told)
