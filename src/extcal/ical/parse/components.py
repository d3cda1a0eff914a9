"""Components (RFC 5545 section 3.6): logical lines in, the components that are needed out.

The order of components does not matter. Wrong nesting is repaired: a component without an END ends
where the next one of its kind begins, and an END without a BEGIN is ignored. A body that stops
inside a component keeps what was read, and is reported as cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from extcal.errors import NotACalendar
from extcal.ical.budget import Work
from extcal.ical.parse import odd_lines
from extcal.ical.parse.content_lines import NO_PARAMS, Line, Names, logical_lines
from extcal.ical.parse.spans import Span, whole
from extcal.messages.problems import no_calendar, oddity, unknown
from extcal.patterns import pattern
from extcal.values import dataclass, field

__all__ = [
    "EVENT",
    "CalendarHead",
    "Component",
    "ComponentReader",
    "Stream",
    "cost",
    "names_of_lines",
    "read",
]


class Component:
    """One ``BEGIN``..``END`` block: its name in upper case, its own lines, its sub-components.

    ``calendar``: the index of its VCALENDAR in ``Stream.calendars``. ``end``: the offset behind its
    last line. A body may have 100,000 of these, so this is a plain class.
    """

    __slots__ = ("calendar", "children", "end", "lines", "name", "offset")

    def __init__(
        self, name: str, offset: int, calendar: int, end: int = -1, lines: list[Line] | None = None
    ) -> None:
        self.name = name
        self.offset = offset
        self.calendar = calendar
        self.end = end
        self.lines: list[Line] = [] if lines is None else lines
        self.children: list[Component] = []


class CalendarHead:
    """The properties of one VCALENDAR that decide how its components are read.

    ``window`` is X-EXTCAL-WINDOW, which write_freebusy writes; ``refresh_interval`` is
    REFRESH-INTERVAL (RFC 7986 section 5.7), and ``published_ttl`` X-PUBLISHED-TTL (MS-OXCICAL), its
    forerunner.
    """

    __slots__ = (
        "method",
        "prodid",
        "published_ttl",
        "refresh_interval",
        "vtimezones",
        "window",
        "x_wr_timezone",
    )

    def __init__(self) -> None:
        self.prodid: str | None = None
        self.method: str | None = None
        self.x_wr_timezone: str | None = None
        self.window: str | None = None
        self.refresh_interval: str | None = None
        self.published_ttl: str | None = None
        self.vtimezones: list[Component] = []


@dataclass(slots=True)
class Stream:
    """A whole body (RFC 5545 section 3.4), which may hold several VCALENDARs.

    ``partial`` says that some of its bytes were left out.
    """

    raw: bytes = b""
    partial: bool = False
    calendars: list[CalendarHead] = field(default_factory=list)
    events: list[Component] = field(default_factory=list)
    freebusy: list[Component] = field(default_factory=list)
    availability: list[Component] = field(default_factory=list)

    def require_calendar(self) -> None:
        """Raise NotACalendar if no VCALENDAR began in the body."""
        if not self.calendars:
            raise NotACalendar(*no_calendar())


# Everything else (DESCRIPTION, alarms' triggers, attachments) is neither decoded nor kept.
_WANTED = (
    "BEGIN END PRODID METHOD X-WR-TIMEZONE"
    " UID SEQUENCE DTSTAMP LAST-MODIFIED RECURRENCE-ID"
    " DTSTART DTEND DURATION RRULE RDATE EXDATE EXRULE"
    " STATUS TRANSP CLASS SUMMARY LOCATION"
    " X-MICROSOFT-CDO-BUSYSTATUS X-MICROSOFT-MSNCALENDAR-BUSYSTATUS"
    " X-MICROSOFT-CDO-INTENDEDSTATUS X-MICROSOFT-MSNCALENDAR-INTENDEDSTATUS"
    " X-MICROSOFT-CDO-ALLDAYEVENT X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT X-FUNAMBOL-ALLDAY"
    " TZID TZOFFSETFROM TZOFFSETTO X-LIC-LOCATION X-MICROSOFT-CDO-TZID"
    " FREEBUSY FBTYPE BUSYTYPE PRIORITY X-EXTCAL-WINDOW REFRESH-INTERVAL X-PUBLISHED-TTL"
).split()
_PEOPLE, _LABELS = ("ATTENDEE",), ("CATEGORIES", "ORGANIZER")
_NAMES = {
    (people, labels): Names(
        {
            name.encode(): name
            for name in (*_WANTED, *(_PEOPLE if people else ()), *(_LABELS if labels else ()))
        }
    )
    for people in (False, True)
    for labels in (False, True)
}

# iana-token of section 3.1. What it does not match is text of a value whose lines were broken
# without a fold, such as "Begin: 9 am".
_TOKEN = pattern(r"[A-Z0-9-]+")
_TOP_LEVEL = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "VAVAILABILITY"})
_MANY_NAMES = 100
EVENT = 3  # units of work of a VEVENT or VFREEBUSY, beside those of its lines
_SHORT = 63  # characters of a value that costs no more
_LONG = 6  # of 2: every 64 characters of a value cost as much work as a line
_PARENTS = {
    "VEVENT": "VCALENDAR",
    "VFREEBUSY": "VCALENDAR",
    "VTIMEZONE": "VCALENDAR",
    "VAVAILABILITY": "VCALENDAR",
    "STANDARD": "VTIMEZONE",
    "DAYLIGHT": "VTIMEZONE",
    "AVAILABLE": "VAVAILABILITY",
}


def read(
    raw: bytes,
    work: Work,
    spans: Sequence[Span] | None = None,
    *,
    people: bool = True,
    labels: bool = False,
) -> Stream:
    """Read a body, or those spans of it, into a Stream. No content makes it raise.

    ``people`` says whether ATTENDEE lines are read, of which an event may have hundreds, ``labels``
    whether CATEGORIES and ORGANIZER are. Oddities become Problems. For a body that ends inside a
    component, ``work.cut`` is called.
    """
    spans = whole(raw) if spans is None else spans
    reader = ComponentReader(raw, work, people=people, labels=labels)
    for span in spans:
        reader.read(span)
    return reader.finish(spans)


def cost(lines: Iterable[Line]) -> int:
    """The units of work that lines cost, by their length and by the values in them."""
    return sum(
        1
        + (len(line.value) >> _LONG)
        + (line.value.count(",") >> 2)
        + (sum(map(len, line.params.values())) >> _LONG)
        + ((len(line.params) + 3) >> 2)
        for line in lines
    )


def names_of_lines(*, people: bool, labels: bool) -> Names:
    """The names of the properties that are read: always, for people, for labels."""
    return _NAMES[people, labels]


class ComponentReader:
    """The open components, and what has been read so far."""

    def __init__(self, raw: bytes, work: Work, *, people: bool, labels: bool) -> None:
        self.raw = raw
        self.work = work
        self.names = names_of_lines(people=people, labels=labels)
        self.stream = Stream(raw)
        self.full = False
        self.open: list[Component | str] = []  # a str is an ignored component
        self.vevents = 0
        self.too_deep: list[str] = []  # names of those that are open below max_nesting
        self.tokens: dict[str, str] = {}  # names of components, as written

    def read(self, span: Span) -> None:
        """Read one span, unless ``max_vevents`` has been reached."""
        if not self.full:
            self.read_lines(self.lines(span))

    def lines(self, part: Span) -> Iterator[Line]:
        """The lines of a part; of a run of odd lines only as many as there may be Problems."""
        raw, work, limits = self.raw, self.work, self.work.limits
        start, end = part
        looked = start if limits.max_line_bytes >= odd_lines.LONGEST_LINE else end
        while start < end:
            for line in logical_lines(raw, (start, end), self.names, work):
                if not line.name and line.offset >= looked:
                    looked = odd_lines.end_of_run(raw, line.offset, end)
                    run = line.offset, looked
                    if odd_lines.is_long(raw, run):
                        break
                yield line
            else:
                return
            told, more = odd_lines.head(raw, run, 0 if work.has_told_all else limits.max_problems)
            yield from logical_lines(raw, told, self.names, work)
            work.uncounted(more if self.open else 0)  # outside, only one is reported
            start = looked

    def read_lines(self, lines: Iterable[Line]) -> None:
        """Take lines until ``max_vevents`` or ``max_work`` is reached."""
        work = self.work
        for line in lines:
            work.left -= cost((line,)) if line.params or len(line.value) > _SHORT else 1
            self.take(line)
            if work.left < 0 or self.full:
                break
        if not work.spend(0):
            self.full = True

    def take(self, line: Line) -> None:
        name = line.name
        if name == "BEGIN":
            self.begin(line)
        elif name == "END":
            self.end(line)
        elif name == "":
            self.bad_line(line)
        elif self.open and not self.too_deep:
            top = self.open[-1]
            if isinstance(top, Component):
                if top.name == "VCALENDAR":
                    self.head_line(line)
                else:
                    top.lines.append(line)

    def token(self, written: str) -> str:
        """The name of a component in upper case; empty if the text is no name."""
        name = self.tokens.get(written)
        if name is None:
            name = written.strip().upper()
            name = name if _TOKEN.fullmatch(name) else ""
            if len(self.tokens) < _MANY_NAMES:
                self.tokens[written] = name
        return name

    def begin(self, line: Line) -> None:
        name = self.token(line.value)
        if not name:
            self.bad_line(line)
            return
        if name == "VCALENDAR":
            self.leave_depth(line)
            self.close_to(0, line)
            self.stream.calendars.append(CalendarHead())
            self.open.append(Component(name, line.offset, len(self.stream.calendars) - 1))
            return
        if name in _TOP_LEVEL:
            self.begin_top_level(line, name)
        if self.too_deep:
            self.too_deep.append(name)
            return
        parent = self.open[-1] if self.open else None
        matters = isinstance(parent, Component) and _PARENTS.get(name) == parent.name
        if len(self.open) >= self.work.limits.max_nesting:
            self.too_deep.append(name)
            if matters or name == "VEVENT":  # in a component that is open where no calendar is
                self.work.exceeded(*unknown("max_nesting"), offset=line.offset)
            else:
                self.work.problem(*oddity("max_nesting"), offset=line.offset)
            return
        if isinstance(parent, Component) and matters:
            self.open_component(name, line, parent)
        else:
            self.open.append(name)

    def leave_depth(self, line: Line) -> None:
        """A component that is nested too deep has no END, or one that ends another.

        Then nobody knows which lines behind it are the event's: its DTEND may be among them.
        """
        if self.too_deep:
            self.too_deep.clear()
            self.work.exceeded(*unknown("max_nesting"), offset=line.offset)

    def begin_top_level(self, line: Line, name: str) -> None:
        """These stand directly in a VCALENDAR, so their BEGIN ends every other open component."""
        self.leave_depth(line)
        if not self.open:
            self.reopen_calendar(line)
        self.close_to(1, line)
        if name == "VEVENT":
            self.vevents += 1
            if self.vevents > self.work.limits.max_vevents:
                self.full = True
                self.work.exceeded(
                    *unknown("max_vevents", most=self.work.limits.max_vevents),
                    offset=line.offset,
                )

    def reopen_calendar(self, line: Line) -> None:
        """A component outside any VCALENDAR belongs to the last VCALENDAR before it."""
        if not self.stream.calendars:
            self.stream.calendars.append(CalendarHead())
        if self.work.count("outside_calendar") == 1:
            self.work.problem(
                *oddity("outside_calendar"),
                offset=line.offset,
            )
        stray = Component("VCALENDAR", line.offset, len(self.stream.calendars) - 1)
        stray.end = 0  # marks that no END:VCALENDAR is expected
        self.open.append(stray)

    def open_component(self, name: str, line: Line, parent: Component) -> None:
        if self.full:
            self.open.append(name)
            return
        component = Component(name, line.offset, parent.calendar)
        self.open.append(component)
        if name == "VEVENT":
            self.work.left -= EVENT
            self.stream.events.append(component)
        elif name == "VFREEBUSY":
            self.work.left -= EVENT
            self.stream.freebusy.append(component)
        elif name == "VAVAILABILITY":
            self.stream.availability.append(component)
        elif name == "VTIMEZONE":
            self.stream.calendars[parent.calendar].vtimezones.append(component)
        else:
            parent.children.append(component)

    def end(self, line: Line) -> None:
        name = self.token(line.value)
        written = name or line.value.strip().upper()
        if name != "VCALENDAR" and written.startswith("VCALENDAR"):
            # Sometimes a failing server appends a page to the last line: "END:VCALENDAR<html>".
            name = "VCALENDAR"
            self.garbage(line)
        elif not name:
            self.bad_line(line)
            return
        if self.too_deep:
            if self.too_deep[-1] == name:
                self.too_deep.pop()
                return
            self.leave_depth(line)
            if name not in _TOP_LEVEL and name != "VCALENDAR":
                return
        for depth in range(len(self.open) - 1, -1, -1):
            if _name(self.open[depth]) == name:
                self.close_to(depth + 1, line)
                self.close_last(line.offset)
                return
        if self.work.has_told_all:
            self.work.uncounted(1)
            return
        self.work.problem(*oddity("stray_end", name=name[:40]), offset=line.offset)

    def close_to(self, depth: int, line: Line) -> None:
        while len(self.open) > depth:
            last = self.open[-1]
            if not (isinstance(last, Component) and last.end == 0):
                self.work.problem(
                    *oddity("missing_end", name=_name(last)[:40]),
                    offset=line.offset,
                )
                self.swallowed(last, line)
            self.close_last(line.offset)

    def swallowed(self, last: Component | str, line: Line) -> None:
        """A component without END, such as a VALARM, may have taken the event's DTEND.

        Then the event is read as if it had an unreadable DTEND, which blocks its day.
        """
        around = self.open[-2] if len(self.open) > 1 else None
        if isinstance(last, str) and isinstance(around, Component) and around.name == "VEVENT":
            around.lines.append(Line(line.offset, "DTEND", NO_PARAMS, ""))

    def close_last(self, offset: int) -> None:
        last = self.open.pop()
        if isinstance(last, Component):
            last.end = offset

    def head_line(self, line: Line) -> None:
        top = self.open[-1]
        assert isinstance(top, Component)
        head = self.stream.calendars[top.calendar]
        value = line.value.strip()
        if line.name == "PRODID":
            head.prodid = max(head.prodid or "", value) or None
        elif line.name == "METHOD":
            head.method = self.one_of(line, head.method, value.upper(), _method)
        elif line.name == "X-WR-TIMEZONE":
            head.x_wr_timezone = self.one_of(line, head.x_wr_timezone, value, min)
        elif line.name == "X-EXTCAL-WINDOW":
            head.window = head.window or value
        elif line.name == "REFRESH-INTERVAL":
            head.refresh_interval = head.refresh_interval or value
        elif line.name == "X-PUBLISHED-TTL":
            head.published_ttl = head.published_ttl or value

    def one_of(
        self, line: Line, before: str | None, value: str, choose: Callable[[str, str], str]
    ) -> str | None:
        """One value of a property that a VCALENDAR has twice; their order must not decide."""
        if not before or not value or before == value:
            return before or value
        if self.work.has_told_all:
            self.work.uncounted(1)
        else:
            self.work.problem(
                *oddity("property_repeated", name=line.name),
                offset=line.offset,
            )
        return choose(before, value)

    def bad_line(self, line: Line) -> None:
        if self.open:
            self.work.problem(*oddity("bad_line"), offset=line.offset)
        else:
            self.garbage(line)

    def garbage(self, line: Line) -> None:
        if self.work.count("garbage") == 1:
            self.work.problem(*oddity("garbage"), offset=line.offset)

    def finish(self, spans: Sequence[Span]) -> Stream:
        """End what is still open, and return all that was read from ``spans``."""
        end = len(self.raw)
        self.stream.partial = spans != whole(self.raw)
        if not self.stream.calendars and not self.work.complete:
            self.stream.calendars.append(CalendarHead())  # it may be in what a limit left out
        for component in self.open:
            if not self.full and not (isinstance(component, Component) and component.end == 0):
                self.work.cut(*unknown("cut_body", name=_name(component)[:40]), offset=end)
                break
        for component in self.open:
            if isinstance(component, Component):
                component.end = end
        self.share_prodid()
        return self.stream

    def share_prodid(self) -> None:
        """A VCALENDAR without PRODID takes that of another VCALENDAR in the same body.

        METHOD is not shared, because the cancellation of one object says nothing about another.
        """
        heads = self.stream.calendars
        told = min((head.prodid for head in heads if head.prodid), default=None)
        for head in heads:
            head.prodid = head.prodid or told


def _method(one: str, other: str) -> str:
    """The METHOD that blocks more: under CANCEL events, under REQUEST VFREEBUSYs block nothing."""
    return max(one, other, key=lambda method: (method != "CANCEL", method != "REQUEST", method))


def _name(component: Component | str) -> str:
    return component if isinstance(component, str) else component.name
