"""Which plain events are read the short way, and that the long way makes the same of them.

An event that is read in the wrong way may look free; one that is left to the long way without need
is time that everybody pays.
"""

from __future__ import annotations

from datetime import UTC, datetime
from unittest import mock

import pytest

import extcal
from extcal.errors import LimitExceeded
from extcal.ical.answer.collect import Question
from extcal.ical.answer.exclude import Exclusions
from extcal.ical.answer.fbtype import owners
from extcal.ical.budget import Work
from extcal.ical.events.event import Event
from extcal.ical.events.read import typed
from extcal.ical.events.times import Extent
from extcal.ical.shortcuts import short_components, short_reading, short_way
from extcal.ical.shortcuts.plain_blocks import PlainBlock, PlainBlocks, line_ends
from extcal.ical.shortcuts.short_reading import PlainReader
from extcal.ical.zones.resolve import Zones
from extcal.limits import Limits

START, END = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
LO, HI = int(START.timestamp()), int(END.timestamp())


def calendar(*events: str, newline: str = "\r\n") -> bytes:
    inner = "".join(f"BEGIN:VEVENT|{lines}|END:VEVENT|" for lines in events)
    return f"BEGIN:VCALENDAR|{inner}END:VCALENDAR|".replace("|", newline).encode("latin-1")


class Reading:
    """The plain events of a body, and what reads them."""

    def __init__(
        self,
        raw: bytes,
        *,
        timezone: str | None = "Asia/Tokyo",
        people: bool = False,
        labels: bool = False,
        titles: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self.work = Work(limits)
        self.raw = raw
        blocks = PlainBlocks(raw, line_ends(raw), titles=titles)
        # In two parts, as the last event would not be plain with END:VCALENDAR behind it.
        last = raw.rindex(b"END:VCALENDAR")
        spans = ((0, last), (last, len(raw)))
        self.stream, self.plain = short_components.read(
            raw, self.work, spans, people=people, labels=labels, told=False, blocks=blocks
        )
        self.zones = Zones(self.stream, LO, HI, timezone, self.work)
        self.reader = PlainReader(
            blocks, self.zones, self.work, people=people, labels=labels, titles=titles
        )

    def long(self, block: PlainBlock) -> Event | None:
        return typed(self.reader.component(block), self.zones, self.work)

    @property
    def told(self) -> list[str]:
        return [problem.code for problem in self.work.report(self.raw)]


def all_of(event: Event | None) -> dict[str, object]:
    assert event is not None
    lazy = {"_texts", "_stamps", "_source", "unsettled", "exdates", "exlocals"}
    found = {name: getattr(event, name) for name in Event.__slots__ if name not in lazy}
    exdates = [moment[:3] for moment in event.exdates]
    exdates += [(local, False, event.start.zone) for local in event.exlocals]
    found["rdates"] = [*event.rdates]
    found["exdates"] = sorted(exdates, key=lambda exdate: exdate[0])
    return found | {"stamps": event.stamps, "titles": event.texts[:2], "tuple": event.texts[3:]}


START_Z = "DTSTART:20270301T090000Z"
BERLIN = "DTSTART;TZID=Europe/Berlin:20270301T090000"
DAY = "DTSTART;VALUE=DATE:20270301"
LONGEST = 2_048

TAKEN = [
    START_Z,
    "DTSTART:20270301T235949Z",
    "DTSTART:20270301T100203",
    DAY,
    "DTSTART:20270301",
    BERLIN,
    "DTSTART;VALUE=DATE-TIME:20270301T090000Z",
    "DTSTART;VALUE=DATE-TIME;TZID=Europe/Berlin:20270301T090000",
    "DTSTART;TZID=Europe/Berlin:20270301T090000Z",
    "DTSTART;TZID=Nowhere:20270301T090000",
    f"{START_Z}|DTEND:20270301T103017Z",
    f"{START_Z}|DTEND:20270301T090000Z",
    f"{START_Z}|DTEND;TZID=Asia/Kolkata:20270301T170000",
    f"{START_Z}|DTEND:20270301T100000Z|RRULE:FREQ=DAILY",
    "DTSTART:20270301T090000|DTEND:20270301T100000",
    f"{BERLIN}|DTEND;TZID=Europe/Berlin:20270301T090000",
    f"{BERLIN}|DTEND;TZID=Europe/Berlin:20270301T100000",
    f"{BERLIN}|DTEND;TZID=Asia/Kolkata:20270301T170000",
    f"{BERLIN}|DTEND:20270301T170000Z",
    f"{BERLIN}|DTEND;TZID=Asia/Kolkata:20270301T170000|RRULE:FREQ=DAILY",
    f"{BERLIN}|DTEND;TZID=Asia/Kolkata:20270301T170000|RECURRENCE-ID:20270302T090000Z",
    f"{BERLIN}|DTEND;TZID=Europe/Berlin:20270301T100000"
    "|RECURRENCE-ID;RANGE=THISANDFUTURE:20270302T090000Z",
    "DTSTART;TZID=Europe/Berlin:20270328T020000|DTEND;TZID=Europe/Berlin:20270328T030001",
    f"{DAY}|DTEND;VALUE=DATE:20270304",
    f"{DAY}|DTEND;VALUE=DATE:20270302",
    f"{DAY}|DTEND;VALUE=DATE:20270301",
    f"{DAY}|DTEND:20270303",
    f"{START_Z}|DURATION:PT1H30M",
    f"{BERLIN}|DURATION:P1DT1H",
    f"{START_Z}|RRULE:FREQ=DAILY;UNTIL=20270401T000000Z",
    f"{START_Z}|RRULE:FREQ=WEEKLY;BYDAY=MO,TU;COUNT=3",
    f"{DAY}|RRULE:FREQ=DAILY;UNTIL=20270401",
    f"{DAY}|RRULE:FREQ=DAILY",
    f"{START_Z}|RECURRENCE-ID:20270302T090000Z",
    f"{START_Z}|RECURRENCE-ID;RANGE=THISANDFUTURE:20270302T090000Z",
    f"{DAY}|RECURRENCE-ID;VALUE=DATE:20270302",
    f"{BERLIN}|RECURRENCE-ID;VALUE=DATE:20270302",
    f"{BERLIN}|RECURRENCE-ID:20270302T090000",
    f"{BERLIN}|EXDATE;TZID=Europe/Berlin:20270302T090000,20270303T090000",
    f"{BERLIN}|EXDATE:20270302T090000|EXDATE;VALUE=DATE:20270303",
    f"{BERLIN}|EXDATE;TZID=Europe/Berlin:20270302T090000|EXDATE:20270303T080000Z"
    "|EXDATE;TZID=Asia/Kolkata:20270303T133000|EXDATE;TZID=Europe/Berlin:20270304T090000",
    "DTSTART:20270301T090000|DTEND:20270301T100000|EXDATE:20270302T090000|EXDATE:20270303",
    f"{START_Z}|EXDATE;TZID=Europe/Berlin:20270302T09\r\n 0000,202\r\n\t70303T090000",
    f"{DAY}|EXDATE;VALUE=DATE:20270302|EXDATE:20270303|EXDATE:20270304T000000",
    f"{START_Z}|STATUS:CANCELLED",
    f"{START_Z}|STATUS: tentative |TRANSP:Transparent",
    f"{START_Z}|STATUS:",
    f"{START_Z}|X-MICROSOFT-CDO-BUSYSTATUS:FREE",
    f"{START_Z}|X-MICROSOFT-CDO-BUSYSTATUS:OOF",
    f"{START_Z}|X-MICROSOFT-CDO-INTENDEDSTATUS:TENTATIVE|X-MICROSOFT-CDO-ALLDAYEVENT:FALSE",
    f"{START_Z}|X-FUNAMBOL-ALLDAY:0",
    f"{DAY}|X-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
    f"{START_Z}|CLASS:PRIVATE",
    f"{START_Z}|CLASS: public ",
    f"{START_Z}|CLASS:|UID: a ",
    f"{START_Z}|UID:a\r\n b|SEQUENCE:3|DTSTAMP:20270101T000000Z|LAST-MODIFIED:20260101T000000Z",
    f"{START_Z}|SUMMARY:x\\, y|LOCATION:z|CATEGORIES:a,b|ORGANIZER:mailto:me@example.org",
    f"{START_Z}|SUMMARY;LANGUAGE=en:a:b",
    f"{START_Z}|ATTENDEE;PARTSTAT=DECLINED:mailto:me@example.org",
    f"{START_Z}|UID:" + "x" * (LONGEST - 1),
    f"{BERLIN}|EXDATE:" + ",".join(["20270302T090000"] * 127) + "," + "20270302T090000",
]
LEFT = [
    "UID:a",
    "DTSTART:20270301T240000Z",
    "DTSTART:20270301T090060Z",
    "DTSTART:20270230T090000Z",
    "DTSTART:20270230",
    "DTSTART:2027W011T090000Z",
    "DTSTART:2027-03-01",
    "DTSTART:2027301",
    "DTSTART:",
    "DTSTART:20270301T090000z",
    "DTSTART:20270301T090000ZZ",
    "DTSTART;VALUE=DATE:20270301T000000",
    "DTSTART;VALUE=DATE;X=1:20270301",
    'DTSTART;TZID="Europe/Berlin":20270301T090000',
    f"{START_Z}|RDATE:20270302T090000Z",
    f"{START_Z}|EXRULE:FREQ=DAILY",
    f"{START_Z}|DTEND:20270301T100000",
    f"{BERLIN}|DTEND:20270301T100000",
    "DTSTART:20270301T090000|DTEND:20270301T090000Z",
    "DTSTART:20270301T090000|DTEND;TZID=Europe/Berlin:20270301T100000",
    f"{START_Z}|DTEND;VALUE=DATE:20270302",
    f"{BERLIN}|DTEND;VALUE=DATE:20270302",
    "DTSTART:20270301T090000|DTEND:20270302",
    f"{DAY}|DTEND:20270302T100000",
    f"{START_Z}|DTEND:20270301T085959Z",
    f"{BERLIN}|DTEND;TZID=Europe/Berlin:20270301T085959",
    f"{DAY}|DTEND;VALUE=DATE:20270228",
    f"{START_Z}|DTEND:20270301T100000Z|DURATION:PT1H",
    "DTSTART;TZID=Europe/Berlin:20270328T023000|DTEND;TZID=Europe/Berlin:20270328T030000",
    "DTSTART;TZID=Europe/Berlin:20270328T020000|DTEND;TZID=Europe/Berlin:20270328T030000",
    f"{START_Z}|DURATION:x",
    f"{START_Z}|DURATION:P",
    f"{START_Z}|DURATION:-PT1H",
    f"{START_Z}|DURATION:PT1D",
    f"{DAY}|DURATION:P1D",
    f"{START_Z}|RRULE:FREQ=X",
    f"{START_Z}|RRULE:FREQ=DAILY;COUNT=0",
    f"{DAY}|RRULE:FREQ=DAILY;UNTIL=20270401T000000Z",
    "DTSTART:20270301T090000|RECURRENCE-ID:20270302T090000Z",
    f"{START_Z}|RECURRENCE-ID:x",
    f"{START_Z}|EXDATE:x",
    f"{BERLIN}|EXDATE;TZID=Europe/Berlin:20270230T090000",
    f"{BERLIN}|EXDATE;TZID=Europe/Berlin:20270301T090060",
    f"{BERLIN}|DTEND;TZID=Europe/Berlin:20270230T090000",
    f"{START_Z}|EXDATE:20270302T090000Z,",
    f"{DAY}|EXDATE:20270302T090000Z",
    f"{START_Z}|STATUS;X=1:CANCELLED",
    f"{START_Z}|STATUS:\x01",
    f"{START_Z}|STATUS:\xff",
    f"{START_Z}|X-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
    f"{START_Z}|X-FUNAMBOL-ALLDAY:1|X-MICROSOFT-CDO-ALLDAYEVENT:FALSE",
    f"{START_Z}|CLASS;X=1:PRIVATE",
    f"{START_Z}|UID:" + "x" * LONGEST,
    f"{BERLIN}|EXDATE:" + ",".join(["20270302T090000"] * 128) + "," + "20270302T090000",
]
OPTIONS = pytest.mark.parametrize("options", [
    {}, {"titles": True}, {"people": True}, {"labels": True}, {"timezone": None},
], ids=["plain", "titles", "people", "labels", "no zone"])  # fmt: skip


@OPTIONS
def test_events_in_the_usual_forms_are_read_the_short_way(options: dict[str, bool]) -> None:
    """By one reader, which remembers what it has parsed, and by one of its own."""
    together = Reading(calendar(*TAKEN), **options)
    assert len(together.plain) == len(TAKEN)
    for lines, block in zip(TAKEN, together.plain, strict=True):
        short = together.reader.event(block)
        assert short is not None, lines
        assert all_of(short) == all_of(together.long(block)), lines
    for lines in TAKEN:
        apart, other = (Reading(calendar(lines), **options) for _ in range(2))
        short, long = apart.reader.event(apart.plain[0]), other.long(other.plain[0])
        assert short is not None
        assert long is not None
        assert apart.told == other.told
        assert short.start.zone.name == long.start.zone.name
        if "labels" in options:
            assert short.texts == long.texts


@pytest.mark.parametrize("head", [";TZID=Europe/Berlin:", ";VALUE=DATE-TIME;TZID=Asia/Tokyo:", ":"])
def test_times_that_are_written_like_the_start_are_no_values_of_their_own(head: str) -> None:
    """The parameters are parsed once for all events; an end and EXDATEs are numbers."""
    event = (
        f"DTSTART{head}20270301T090000|DTEND{head}20270301T101500"
        f"|EXDATE{head}20270302T090001|EXDATE{head}20270303T090000"
    )
    reading = Reading(calendar(event, event))
    with mock.patch.object(reading.reader, "typed", wraps=reading.reader.typed) as typed:
        first, second = (reading.reader.event(block) for block in reading.plain)
    assert typed.call_count == (2 if head == ":" else 1)
    for found in (first, second):
        assert found is not None
        assert found.extent == Extent(0, 4_500)
        assert (found.exdates, [local % 86_400 for local in found.exlocals]) == (
            [],
            [32_401, 32_400],
        )


@OPTIONS
def test_everything_else_is_left_to_the_long_way(options: dict[str, bool]) -> None:
    """And no more is told of it than if it had been read that way at once."""
    together = Reading(calendar(*LEFT), **options)
    assert len(together.plain) == len(LEFT)
    for lines, block in zip(LEFT, together.plain, strict=True):
        assert together.reader.event(block) is None, lines
    for lines in LEFT:
        apart, other = (Reading(calendar(lines), **options) for _ in range(2))
        assert apart.reader.event(apart.plain[0]) is None
        for reading in (apart, other):
            reading.long(reading.plain[0])
        assert apart.told == other.told, lines


@pytest.mark.parametrize(
    ("lines", "titles", "taken"),
    [
        ("SUMMARY:a:b", ("a:b", None), True),
        ("SUMMARY;X=1:a:b|LOCATION:c", ("a:b", "c"), True),
        ('SUMMARY;X="1":a', ("a", None), False),
        ("SUMMARY:a\\nb", ("a\nb", None), True),
        ("SUMMARY:\x01", (None, None), False),
        ("SUMMARY:" + "x" * (LONGEST - 1), ("x" * (LONGEST - 1), None), True),
        ("SUMMARY:" + "x" * LONGEST, ("x" * LONGEST, None), False),
    ],
)
def test_titles(lines: str, titles: tuple[str | None, ...], taken: bool) -> None:
    """A quoted parameter may hold a colon; a text that is not asked for bothers nobody."""
    raw = calendar(f"{START_Z}|{lines}")
    reading, lazy = Reading(raw, titles=True), Reading(raw)
    event = reading.reader.event(reading.plain[0])
    assert (event is not None) is taken
    later = lazy.reader.event(lazy.plain[0])
    assert later is not None
    if taken:
        assert event is not None
        assert event.texts[:2] == titles
        assert later.texts[:2] == titles


def test_only_so_many_facts_are_remembered() -> None:
    reading = Reading(calendar(*(f"{START_Z}|STATUS:S{number}" for number in range(1_003))))
    for number, block in enumerate(reading.plain):
        event = reading.reader.event(block)
        assert event is not None
        assert event.facts == {"STATUS": f"S{number}"}
    assert len(reading.reader.facts) == 1_000
    first = reading.reader.event(reading.plain[0])
    again = reading.reader.event(reading.plain[0])
    assert first is not None
    assert again is not None
    assert first.facts is again.facts  # those that repeat are parsed once
    rules = Reading(calendar(*[f"{START_Z}|RRULE:FREQ=DAILY"] * 2))
    one, other = (rules.reader.event(block) for block in rules.plain)
    assert one is not None
    assert other is not None
    assert one.rules[0] is other.rules[0]


def test_facts_of_dates_and_of_times_are_kept_apart() -> None:
    """An all-day flag says nothing new of a date, and much of a time."""
    flag = "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE"
    reading = Reading(calendar(f"{DAY}|{flag}", f"{START_Z}|{flag}"))
    date, time = (reading.reader.event(block) for block in reading.plain)
    assert date is not None
    assert time is None


@pytest.mark.parametrize(
    "series",
    [
        f"{START_Z}|EXDATE:" + ",".join(["20270302T090000Z"] * 4),
        BERLIN + "|EXDATE;TZID=Europe/Berlin:20270302T090000" * 4,
        BERLIN + "|EXDATE;TZID=Europe/Berlin:20270302T090000" * 2 + "|EXDATE:20270302T090000Z" * 2,
    ],
)
def test_dates_are_counted_to_the_limits(series: str) -> None:
    """As many as are allowed are read the short way; the long way tells of the first one more."""
    for limits, taken in (
        (Limits(max_dates=8), [True, True, False]),
        (Limits(max_dates=7), [True, False, False]),
        (Limits(max_dates=4), [True, False, False]),
        (Limits(max_dates=3), [False, False, False]),
        (Limits(max_dates_per_series=4), [True, True, True]),
        (Limits(max_dates_per_series=3), [False, False, False]),
    ):
        reading = Reading(calendar(*[series] * 3), limits=limits)
        found = [reading.reader.event(block) is not None for block in reading.plain]
        assert found == taken
        assert reading.work.counts.get("dates", 0) == 4 * sum(taken)


# --- what it costs ----------------------------------------------------------------------------


def spent(lines: str, *, long: bool, **options: bool) -> int:
    """The units of work that the reading of an event takes, behind the search for it."""
    raw = calendar(lines).replace(b"BEGIN:VEVENT", b"X-A:" + b"x" * 9_999 + b"\r\nBEGIN:VEVENT", 1)
    reading = Reading(raw, **options)
    before = reading.work.left
    if long:
        events = short_way._events(
            reading.stream, reading.plain, reading.reader, reading.zones, reading.work
        )
        assert len(list(events)) == 1
    else:
        assert reading.reader.event(reading.plain[0]) is not None
    return before - reading.work.left


def test_an_event_that_is_left_to_the_long_way_costs_its_lines_and_its_bytes() -> None:
    """512 bytes as much as a line, so that a megabyte of other lines is not read for nothing.

    As it was read before, it also costs as much as another event.
    """
    lines = "DTSTART:20270301T240000Z|UID:a"
    least = spent(lines, long=True)
    assert least == 3 + 2
    assert spent(f"{lines}|X-A:" + "x" * (100 * 512), long=True) - least == 100
    assert spent(f"{lines}|STATUS:CONFIRMED|CLASS:PUBLIC", long=True) - least == 2


def test_attendees_cost_a_line_each() -> None:
    attendees = "|ATTENDEE:mailto:me@example.org" * 9
    assert spent(START_Z + attendees, long=False) == 0
    assert spent(START_Z + attendees, long=False, people=True) == 9


# --- the order, the end of the work, and errors -----------------------------------------------

ODD = "DTSTART:20270302T090000Z|uid:b"


def events_of(reading: Reading) -> list[Event | None]:
    return list(
        short_way._events(
            reading.stream, reading.plain, reading.reader, reading.zones, reading.work
        )
    )


@pytest.mark.parametrize("kinds", ["", "p", "o", "pp", "oo", "po", "op", "ppoop", "ooppo", "popop"])
def test_events_are_read_from_the_last_to_the_first(kinds: str) -> None:
    """Whichever way each of them is read; so limits leave the same ones out."""
    reading = Reading(calendar(*(START_Z if kind == "p" else ODD for kind in kinds)))
    assert (len(reading.plain), len(reading.stream.events)) == (kinds.count("p"), kinds.count("o"))
    offsets = [event.offset for event in events_of(reading) if event is not None]
    assert len(offsets) == len(kinds)
    assert offsets == sorted(offsets, reverse=True)
    assert not reading.work.exhausted


@pytest.mark.parametrize(("left", "read"), [(0, 3), (-1, 0)])
def test_no_event_is_read_when_no_work_is_left(left: int, read: int) -> None:
    """And then the whole window is unknown."""
    reading = Reading(calendar(*[START_Z] * 3))
    reading.work.left = left
    assert len(events_of(reading)) == read
    assert reading.work.exhausted is (read == 0)
    assert reading.work.complete is (read > 0)
    assert reading.work.left == left


def test_a_mistake_of_ours_is_never_free_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: PlainReader, block: PlainBlock) -> Event | None:
        raise error

    monkeypatch.setattr(PlainReader, "event", fails)
    raw = calendar(START_Z, ODD)
    error: Exception = ValueError("x")
    found = extcal.expand(raw, START, END)
    assert [problem.code for problem in found.problems] == ["internal_error"]
    assert found.problems[0].line == 2
    assert not found.complete
    error = LimitExceeded("x", kind="max_work")
    with pytest.raises(LimitExceeded):
        extcal.expand(raw, START, END)


def test_a_body_without_a_calendar_is_none() -> None:
    question = Question(LO, HI, owners(None), extcal.BusyPolicy(), Exclusions.of(()))
    with pytest.raises(extcal.NotACalendar):
        short_way.short_way(b"X-A:1\r\n", question, None, Work())


def test_what_is_no_plain_event_at_all_is_read_from_its_component() -> None:
    """The lines of the event itself, without its BEGIN and the lines of its alarms."""
    alarm = "BEGIN:VALARM|DTSTART:20270301T100000Z|END:VALARM"
    reading = Reading(calendar(f"{START_Z}|UID:a|X-A:1|{alarm}"))
    component = reading.reader.component(reading.plain[0])
    assert [line.name for line in component.lines] == ["DTSTART", "UID"]
    block = reading.plain[0]
    found = (component.name, component.offset, component.end, component.calendar)
    assert found == ("VEVENT", block.offset, block.end, 0)
    assert short_reading.own_lines(
        reading.raw, block.span, reading.reader.names, reading.work
    ) == list(component.lines)
