"""RDATE and EXDATE (RFC 5545 sections 3.8.5.1, 3.8.5.2): lines in, moments out.

A series may have ten thousand of them, nearly always in one form. So the zone of a time and the
length of a period are worked out for the first value of each form, and then used again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from extcal.ical.events.times import (
    DAY,
    LONGEST,
    Extent,
    Moment,
    parse_duration,
    parse_moment,
    read_moment,
)
from extcal.ical.parse.content_lines import NO_PARAMS, Line
from extcal.ical.zones.resolve import Zone, Zones
from extcal.patterns import pattern

__all__ = ["Dates"]

# The usual form: local part (group 1), "Z" or nothing (2), and behind a slash the rest (3). What
# datetime.fromisoformat reads of this form, it reads as section 3.3.5 does.
_PLAIN = pattern(r"([0-9]{8}T[0-9]{6})(Z?)(?:/(.*))?")
_EPOCH = datetime(1970, 1, 1)
_LOCAL = 15  # characters in front of the "Z"
_made = tuple.__new__  # takes half the time of calling the NamedTuple


class Dates:
    """Reads the dates of one event; ``series`` is the zone of its DTSTART.

    Each time is the one that ``parse_moment`` gives for it.
    """

    __slots__ = ("calendar", "lengths", "odd", "params", "series", "terms", "zones")

    def __init__(self, calendar: int, series: Zone, zones: Zones) -> None:
        self.calendar, self.series, self.zones = calendar, series, zones
        self.params: Mapping[str, str] = NO_PARAMS  # of the previous line
        self.terms: dict[str, tuple[Zone, bool]] = {}  # by "Z" or "": the zone, whether it floats
        self.lengths: dict[str, Extent] = {}
        self.odd: set[str] = set()  # codes of Problems; the caller reports and clears them

    def of(
        self, line: Line, values: Iterable[str]
    ) -> Iterator[tuple[Moment, Extent | None] | None]:
        """Yield the moment of each value of a line, and how long it lasts if it is a period.

        Yields None for a value that is no date. A period whose end is unreadable or before its
        start becomes its whole day.
        """
        if line.params != self.params:
            self.params, self.terms = line.params, {}
        # With VALUE=DATE a midnight such as 20270105T000000 means the day.
        plain = line.params.get("VALUE", "").strip().upper() != "DATE" and _PLAIN.fullmatch
        lengths = self.lengths
        for value in values:
            match = plain and plain(value)
            if match:
                local, utc, rest = match.groups("")
                moment = self.again(local, utc)
            else:
                moment, rest = None, value.partition("/")[2]
            if moment is None:
                begin = value.partition("/")[0]
                moment = self.moment(line, begin)
                if moment is None:
                    yield None
                    continue
                if match:
                    self.terms[begin[_LOCAL:]] = moment.zone, moment.floating
            extent = lengths.get(rest) if rest else None
            if rest and extent is None:
                duration = parse_duration(rest)
                if duration is None or duration.empty:
                    match = plain and plain(rest)
                    end = self.again(match[1], match[2]) if match else None
                    moment, extent = self.until(moment, end or self.moment(line, rest))
                else:
                    if duration.misplaced:
                        self.odd.add("odd_duration")
                    extent = lengths[rest] = duration.extent
            yield moment, extent

    def until(self, start: Moment, end: Moment | None) -> tuple[Moment, Extent]:
        """3.3.9: the end of a period. An end without a zone takes that of the start."""
        if end is not None and end.floating and not (start.floating or end.is_date):
            if end.zone is not start.zone:
                self.odd.add("floating_end")
            end = end._replace(zone=start.zone)
        length = -1 if end is None else start.until(end.local, end.zone)
        if length < 0:
            self.odd.add("bad_date")
            return start._replace(local=start.local - start.local % DAY), Extent(1, 0)
        return start, Extent(0, min(length, LONGEST))

    def again(self, local: str, utc: str) -> Moment | None:
        """The moment of a value in the usual form, if one like it has been read before."""
        known = self.terms.get(utc)
        if known is not None:
            try:
                since = datetime.fromisoformat(local) - _EPOCH
            except ValueError:  # 24:00, the second 60, or no date at all
                return None
            return _made(Moment, (since.days * DAY + since.seconds, False, *known))
        return None

    def moment(self, line: Line, text: str) -> Moment | None:
        line = line._replace(value=text)
        written = read_moment(text)
        if written is not None and written.odd_digits:
            self.odd.add("odd_digits")
        return parse_moment(line, self.calendar, self.zones, series=self.series)
