"""Plain VEVENTs, typed the short way.

In: a PlainBlock. Out: the Event that ``parse`` and ``events`` (the long way) would make of it, or
None, and then the long way reads the block. This module reports no Problem and guesses nothing. A
value in any form but the usual one is left to the long way. Texts that a feed repeats (days, times
of day, parameters, rules, facts) are parsed once.

Only the properties are read that decide when and how an event is busy. Titles, SEQUENCE and stamps
are read when the Event is asked for them. ``tests/ical/shortcuts`` holds that both ways give equal
answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from extcal.ical import recurrence
from extcal.ical.budget import Work
from extcal.ical.events.event import Event, Stamps, Texts
from extcal.ical.events.facts import ALL_DAY_FLAGS, FACTS, by_name
from extcal.ical.events.times import (
    DAY,
    Extent,
    Moment,
    Wall,
    parse_duration,
    parse_text,
)
from extcal.ical.events.vevent import stamps, texts
from extcal.ical.parse.components import EVENT, Component, names_of_lines
from extcal.ical.parse.content_lines import Names
from extcal.ical.parse.spans import Span
from extcal.ical.shortcuts.plain_blocks import PlainBlock, PlainBlocks, own_lines
from extcal.ical.zones.resolve import Zone, Zones
from extcal.patterns import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    _Source: TypeAlias = "tuple[PlainReader, Span]"

__all__ = ["PlainReader"]

_FACTS = {name.encode(): name for name in sorted(FACTS)}
_ALL_DAY = tuple(name.encode() for name in ALL_DAY_FLAGS)
_ALL_FACTS = (*_FACTS, *_ALL_DAY)
_OTHERS = frozenset(_ALL_FACTS) - {b"STATUS", b"TRANSP"}  # Microsoft's and Funambol's
_BYTES = 9  # of 2: reading 512 bytes the long way costs as much work as a line
_NEWLINE = ord("\n")
_Z = ord("Z")
_FOLD = pattern(rb"\r?\n[ \t]")
# The parameters of a DATE-TIME. Takes in "", ";TZID=Europe/Berlin". Not ";VALUE=DATE".
_PARAMS = pattern(rb"(?:;VALUE=DATE-TIME)?(?:;TZID=([A-Za-z0-9_/+. -]+))?")
_MINUTES = {b"%02d" % number: number for number in range(60)}  # also seconds
_HOURS = {b"T%02d" % number: number for number in range(24)}
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_TEXT_NAMES = Names({name.encode(): name for name in ("SUMMARY", "LOCATION")})
_LABEL_NAMES = Names({**_TEXT_NAMES, b"CATEGORIES": "CATEGORIES", b"ORGANIZER": "ORGANIZER"})
_STAMP_NAMES = Names({name.encode(): name for name in ("SEQUENCE", "DTSTAMP", "LAST-MODIFIED")})
_ATTENDEE = Names({b"ATTENDEE": "ATTENDEE"})
_FOLLOWING = b";RANGE=THISANDFUTURE"


class _NotPlain(Exception):
    """A value is not in the usual form, so the long way has to read this event."""


class _Midnights(dict[bytes, int]):
    """YYYYMMDD to the local second of its midnight."""

    def __missing__(self, text: bytes) -> int:
        if not text.isdigit():
            raise _NotPlain
        try:
            day = date.fromisoformat(text.decode()).toordinal() - _EPOCH_DAY
        except ValueError:
            raise _NotPlain from None
        return self.setdefault(text, day * DAY)


class _Times(dict[bytes, int]):
    """THHMMSS to seconds after midnight."""

    def __missing__(self, text: bytes) -> int:
        try:
            minutes = _HOURS[text[:3]] * 60 + _MINUTES[text[3:5]]
            return self.setdefault(text, minutes * 60 + _MINUTES[text[5:]])
        except KeyError:
            raise _NotPlain from None


class _Params(dict[bytes, str | None]):
    """The parameters of a DATE-TIME to its TZID."""

    def __missing__(self, text: bytes) -> str | None:
        match = _PARAMS.fullmatch(text)
        if match is None:
            raise _NotPlain
        return self.setdefault(text, match[1].decode() if match[1] else None)


class _Extents(dict[tuple[int, int | None, Zone], Extent]):
    """Seconds, and those of the wall clock or None, to the Extent. A feed has few different."""

    def __missing__(self, key: tuple[int, int | None, Zone]) -> Extent:
        seconds, nominal, zone = key
        wall = None if nominal is None else Wall(nominal, zone)
        return self.setdefault(key, Extent(0, seconds, wall))


class _Durations(dict[bytes, Extent]):
    """A DURATION as it is written to its Extent. A feed has few different."""

    def __missing__(self, written: bytes) -> Extent:
        duration = parse_duration(_plain_text(written))
        if duration is None or duration.empty or duration.negative or duration.misplaced:
            raise _NotPlain
        return self.setdefault(written, duration.extent)


class PlainReader:
    """Types the plain blocks of one feed.

    ``people`` says whether the owner's PARTSTAT is wanted, ``titles`` whether titles are, and
    ``labels`` whether a policy has rules, which look at titles, CATEGORIES and ORGANIZER.
    """

    def __init__(
        self,
        blocks: PlainBlocks,
        zones: Zones,
        work: Work,
        *,
        people: bool,
        labels: bool,
        titles: bool,
    ) -> None:
        self.raw, self.blocks, self.zones, self.work = blocks.raw, blocks, zones, work
        self.utc, self.people, self.titles = zones.utc, people, titles
        self.labels = labels
        self.names = names_of_lines(people=people, labels=labels)
        self.days, self.times, self.params = _Midnights(), _Times(), _Params()
        self.extents, self.durations = _Extents(), _Durations()
        self.zoned: dict[tuple[int, bytes], Zone] = {}
        self.rules: dict[bytes, recurrence.RecurrenceRule | None] = {}
        self.facts: dict[tuple[bool | bytes | None, ...], Mapping[str, str]] = {}

    def event(self, block: PlainBlock) -> Event | None:
        """Return the event of a block, or None if it has to be read the long way."""
        try:
            return self.read(block)
        except _NotPlain:
            return None

    def component(self, block: PlainBlock) -> Component:
        """Return the Component that the long way reads from a block, which is work for another."""
        self.work.left -= EVENT + ((block.own - block.offset) >> _BYTES)
        lines = own_lines(self.raw, block.span, self.names, self.work)
        return Component("VEVENT", block.offset, block.calendar, block.end, lines)

    def read(self, block: PlainBlock) -> Event:
        raw, offset, calendar = self.raw, block.offset, block.calendar
        lines, exdates = self.blocks.lines(block)
        if b"DTSTART" not in lines or b"RDATE" in lines or b"EXRULE" in lines:
            raise _NotPlain
        uid = _plain_text(lines[b"UID"]).strip() if b"UID" in lines else ""
        begun, ended = lines[b"DTSTART"], lines.get(b"DTEND")
        # If only one of them has a zone, the other may borrow it. This is checked before a zone is
        # looked up, because the look-up may report a Problem.
        if ended is not None and begun[:-15] != ended[:-15] and _floats(begun) != _floats(ended):
            raise _NotPlain
        start = self.moment(begun, calendar)
        if start.floating and not start.is_date and b"RECURRENCE-ID" in lines:
            raise _NotPlain  # it may borrow the zone of its series
        own = block.span
        titled: Texts | Callable[[_Source], Texts] = _texts_of
        if self.labels:
            titled = texts(by_name(own_lines(raw, own, _LABEL_NAMES, self.work)))
        elif self.titles:
            titled = Texts(_title(lines.get(b"SUMMARY")), _title(lines.get(b"LOCATION")))
        event = Event((offset, block.end), calendar, uid, start, titled, _stamps_of, (self, own))
        # How a time in the zone of the start is written, in front of its 15 characters.
        alike = None if start.is_date or begun[-1] == _Z else begun[:-15]
        self.read_end(event, lines, calendar, alike)
        if b"RECURRENCE-ID" in lines:
            planned = lines[b"RECURRENCE-ID"]
            if planned.startswith(_FOLLOWING):
                event.this_and_future = True
                planned = planned[len(_FOLLOWING) :]
            event.recurrence_id = self.moment(planned, calendar, event)
        if b"RRULE" in lines:
            rule = self.rule(lines[b"RRULE"])
            event.rules = (rule,)
            if start.is_date and rule.until is not None and rule.until.kind == "utc":
                raise _NotPlain  # it may name one of several days
        event.facts = self.facts_of(lines, start.is_date)
        if b"CLASS" in lines:
            event.private = _plain_text(lines[b"CLASS"]).strip().upper() not in {"", "PUBLIC"}
        if exdates:
            self.read_exdates(event, exdates, alike)
        if self.people:
            event.attendees = tuple(own_lines(raw, own, _ATTENDEE, self.work))
            self.work.left -= len(event.attendees)
        return event

    def moment(self, written: bytes, calendar: int, event: Event | None = None) -> Moment:
        """A DATE or DATE-TIME. A date without a zone takes that of ``event``, if one is given."""
        zone = self.zoned.get((calendar, written[:-15]))
        if zone is not None:
            return Moment(self.local(written), False, zone)
        params, _, value = written.rpartition(b":")
        return self.typed(params, value, calendar, event)

    def typed(self, params: bytes, value: bytes, calendar: int, event: Event | None) -> Moment:
        """The same, with its parameters and its value given apart."""
        size = len(value)
        if size == 8 and (params == b";VALUE=DATE" or not params):
            local = self.days[value]  # first, as looking up a zone may report a Problem
            lent = event.start.zone if event else self.zones.floating(calendar)
            zone = self.zones.resolve(None, calendar) if lent is None else lent
            return Moment(local, True, zone, True)
        local = self.days[value[:8]] + self.times[value[8:15]]
        tzid = self.params[params]
        if size == 15:
            if tzid is not None:
                zone = self.zoned[calendar, params + b":"] = self.zones.resolve(tzid, calendar)
                return Moment(local, False, zone)
            zone = event.start.zone if event else self.zones.resolve(None, calendar)
            return Moment(local, False, zone, True)
        if size == 16 and value[15] == _Z:
            if tzid is not None:
                self.zones.beside_utc()
            return Moment(local, False, self.utc)
        raise _NotPlain

    def local(self, written: bytes) -> int:
        """The local seconds of the 15 characters at the end of a time without "Z"."""
        return self.days[written[-15:-7]] + self.times[written[-7:]]

    def read_end(
        self, event: Event, lines: dict[bytes, bytes], calendar: int, alike: bytes | None
    ) -> None:
        start, zone = event.start, event.start.zone
        ended = lines.get(b"DTEND")
        if ended is not None:
            if b"DURATION" in lines:
                raise _NotPlain
            if ended[:-15] == alike:
                local = self.local(ended)
            else:
                end = self.moment(ended, calendar)
                if end.is_date != start.is_date:
                    raise _NotPlain
                local, zone = end.local, end.zone
            length = local - start.local
            if start.is_date:
                event.extent = Extent(max(1, length // DAY), 0)
            else:
                shown: int | None = None
                if not start.zone is zone is self.utc:
                    nominal = length
                    length = start.until(local, zone)
                    if length <= 0 < nominal:
                        raise _NotPlain
                    if b"RRULE" in lines or lines.get(b"RECURRENCE-ID", b"").startswith(_FOLLOWING):
                        shown = nominal
                event.extent = self.extents[length, shown, zone]
            if length < 0:
                raise _NotPlain
            event.has_end = True
        elif b"DURATION" in lines:
            if start.is_date:
                raise _NotPlain
            event.extent = self.durations[lines[b"DURATION"]]
            event.has_end = True

    def rule(self, written: bytes) -> recurrence.RecurrenceRule:
        if written not in self.rules:
            odd: list[str] = []
            rule = recurrence.parse(_plain_text(written), lambda *told: odd.extend(told))
            self.rules[written] = None if odd else rule
        rule = self.rules[written]
        if rule is None:
            raise _NotPlain
        return rule

    def read_exdates(self, event: Event, written: Sequence[bytes], alike: bytes | None) -> None:
        """Read the EXDATEs: those that are written like the start as local seconds."""
        moments: list[Moment] = []
        locals_: list[int] = []
        event.exdates, event.exlocals = moments, locals_
        for line in written:
            if line[:-15] == alike:
                locals_.append(self.local(line))
                continue
            if len(line) > _LONGEST_TEXT:
                raise _NotPlain
            line = _unfolded(line) if _NEWLINE in line else line
            params, _, values = line.rpartition(b":")
            for value in values.split(b","):
                moment = self.typed(params, value, event.calendar, event)
                if event.start.is_date and moment.zone is self.utc:
                    raise _NotPlain  # it may name one of several days
                moments.append(moment)
        limits, counted = self.work.limits, self.work.counts.get("dates", 0)
        size = len(moments) + len(locals_)
        if size > min(limits.max_dates_per_series, limits.max_dates - counted):
            raise _NotPlain
        self.work.count("dates", size)

    def facts_of(self, lines: dict[bytes, bytes], is_date: bool) -> Mapping[str, str]:
        key: tuple[bool | bytes | None, ...] = (is_date, lines.get(b"STATUS"), lines.get(b"TRANSP"))
        if not _OTHERS.isdisjoint(lines):
            key = (is_date, *map(lines.get, _ALL_FACTS))
        facts = self.facts.get(key)
        if facts is None:
            flags = () if is_date else _ALL_DAY
            if any(lines.get(flag, b":0") not in {b":FALSE", b":0"} for flag in flags):
                raise _NotPlain
            texts = {name: _plain_text(lines[name]) for name in _FACTS if name in lines}
            stripped = {_FACTS[name]: text.strip().upper() for name, text in texts.items()}
            facts = {name: text for name, text in stripped.items() if text}
            if len(self.facts) < _MAX_FACTS:
                self.facts[key] = facts
        return facts


_LONGEST_TEXT = 2_048  # bytes of a line; also fewer than the most folds in a line of a plain block
_MAX_FACTS = 1_000  # a bound for memory; in a usual feed there are a few dozen combinations


def _texts_of(source: _Source) -> Texts:
    """Read the texts of an event on demand, if titles were not asked for beforehand."""
    reader, own = source
    return texts(by_name(own_lines(reader.raw, own, _TEXT_NAMES, reader.work)))


def _stamps_of(source: _Source) -> Stamps:
    """Read SEQUENCE, DTSTAMP and LAST-MODIFIED; only the choice between versions needs them."""
    reader, own = source
    return stamps(by_name(own_lines(reader.raw, own, _STAMP_NAMES, reader.work)))


def _floats(written: bytes) -> bool:
    """Whether a date or time is written without a zone, as in ``;VALUE=DATE:20270105``."""
    return written[-1:] != b"Z" and b"TZID" not in written.upper()


def _unfolded(written: bytes) -> bytes:
    written = written.replace(b"\r\n ", b"")  # the usual way to fold
    return _FOLD.sub(b"", written) if _NEWLINE in written else written


def _text(written: bytes) -> str:
    if len(written) > _LONGEST_TEXT:
        raise _NotPlain  # it costs more work than an event
    try:
        text = (_unfolded(written) if _NEWLINE in written else written).decode()
    except UnicodeDecodeError:
        raise _NotPlain from None
    if not text.isprintable():
        raise _NotPlain
    return text


def _plain_text(written: bytes) -> str:
    """The value of a property. It must have no parameters and no control characters."""
    text = _text(written)
    if text[0] != ":":
        raise _NotPlain
    return text[1:]


def _title(written: bytes | None) -> str | None:
    """A text. A quoted parameter may hold a colon, so the long way reads a text with one."""
    if written is None:
        return None
    params, _, value = _text(written).partition(":")
    if '"' in params:
        raise _NotPlain
    return parse_text(value)
