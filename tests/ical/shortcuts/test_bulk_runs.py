"""What is passed in one look says what its lines say when each of them is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.errors import Problem
from extcal.ical.answer.vfreebusy import published
from extcal.ical.budget import Work
from extcal.ical.parse.components import Component, Stream, read
from extcal.ical.shortcuts.bulk_runs import BORDERS, FREEBUSY, ODD, VTIMEZONE, pieces
from extcal.ical.shortcuts.select import Sieved
from extcal.ical.zones.resolve import Zones
from extcal.limits import Limits

LO, HI = 1_798_761_600, 1_798_761_600 + 90 * 86_400  # from 2027-01-01 on

LISTED = st.sampled_from(
    [
        "FREEBUSY:20270105T090000Z/PT30M",
        "FREEBUSY:20270106T240000Z/PT30M,20270107T000000Z/20270107T010000Z",
        "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20270108T090000Z/PT1H",
        "FREEBUSY;FBTYPE=FREE:20270108T090000Z/P1W",
        "FREEBUSY:20200108T090000Z/PT1H",
        "FREEBUSY:20270231T090000Z/PT1H",
        "FREEBUSY:20270110T090000Z/PT",
        "FREEBUSY:20270110T090000Z/20270109T090000Z",
        "FREEBUSY:20270110T090000/PT1H,,",
        "FREEBUSY:",
        "FREEBUSY;TZID=Europe/Berlin:20270111T090000/PT1H",
        "FREEBUSY:20270112T090000Z\n /PT1H",
        "freebusy:20270113T090000Z/PT1H",
        "COMMENT:x",
        "DTSTART:20270101T000000Z",
        "DTEND:20270301T000000Z",
        "\n FOLDED",
        "END:VFREEBUSY",
        "BEGIN:VFREEBUSY",
        "BEGIN:VEVENT",
    ]
)

ZONE = "BEGIN:VTIMEZONE\nTZID:{}\n{}END:VTIMEZONE"
STANDARD = (
    "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:{0}\nTZOFFSETTO:{0}\nEND:STANDARD\n"
)
NAMES = ("own", "OWN", "other", "Europe/Berlin", "/x/Europe/Berlin", "")
ZONES = st.one_of(
    st.builds(
        ZONE.format,
        st.sampled_from(NAMES),
        st.sampled_from(
            [
                "",
                STANDARD.format("+0100"),
                STANDARD.format("+0200"),
                "X-LIC-LOCATION:Europe/Paris\n",
                "LAST-MODIFIED:20200101T000000Z\n" + STANDARD.format("-0300"),
                STANDARD.format("+0500").replace("STANDARD", "DAYLIGHT"),
                "COMMENT:f\n olded\n" + STANDARD.format("+0400"),
                "TZID:second\n" + STANDARD.format("+0600"),
                "BEGIN:X\nEND:X\n" + STANDARD.format("+0700"),
                "COMMENT:\u00e9\n" + STANDARD.format("+0800"),
            ]
        ),
    ),
    st.sampled_from(["END:VCALENDAR\nBEGIN:VCALENDAR", "END:VTIMEZONE", "BEGIN:VTIMEZONE", " x"]),
)


NESTED = st.lists(
    st.sampled_from(
        [
            "BEGIN:X", "END:X", "BEGIN:Y-1", "END:Y-1", "BEGIN:X\nEND:X",
            "BEGIN:VALARM\nEND:VALARM",
            "BEGIN:VALARM\nTRIGGER:-PT5M\nDTSTART:20270105T090000Z\nEND:VALARM",
            "BEGIN:VALARM\nDESCRIPTION:fol\n ded\nEND:VALARM", "END:X\n X", "BEGIN:X ", "begin:x",
            "BEGIN:VEVENT", "begin:vevent", "END:VEVENT", "DTSTART:20270105T090000Z", "UID:a\u00e9",
            "BEGIN:VTODO", "END:VTODO", "BEGIN:STANDARD", "END:STANDARD", "BEGIN:VCALENDAR",
            "END:VCALENDAR", "END:VCALENDARS", "BEGIN:VAVAILABILITY", "BEGIN:AVAILABLE",
            "END:AVAILABLE", "", " x", "no property", "BEGIN:", "END:?",
        ]
    ),
    max_size=25,
)  # fmt: skip


def body(lines: list[str], newline: str) -> bytes:
    text = "\n".join(["BEGIN:VCALENDAR", "PRODID:x", *lines, "X-END:1", "END:VCALENDAR", ""])
    return text.replace("\n", newline).encode()


def both(raw: bytes, limits: Limits | None = None) -> list[tuple[Stream, Zones, Work]]:
    found = []
    for plain in (True, False):
        work = Work(limits)
        stream = read(Sieved.nothing_left_out(raw), work, plain=plain)
        found.append((stream, Zones(stream, LO, HI, None, work), work))
    return found


def told(work: Work, raw: bytes) -> tuple[Problem, ...]:
    return work.report(raw)


@given(st.lists(LISTED, max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_freebusy_lines_in_a_row(lines: list[str], newline: str) -> None:
    raw = body(["BEGIN:VFREEBUSY", *lines, "END:VFREEBUSY"], newline)
    answers = []
    for stream, zones, work in both(raw):
        for window in (None, (LO, HI)):
            said = published(stream, zones, work, window)
            listed = [(*one[:3], one.component.offset) for one in said.listed]
            answers.append((listed, said.known, told(work, raw)))
    whole, inside = answers[:2]
    assert answers[2:] == [whole, inside]
    assert inside[0] == [one for one in whole[0] if one[0] < HI and one[1] > LO]


@given(
    st.lists(ZONES, max_size=8), st.sampled_from(["\n", "\r\n"]), st.sampled_from([0, 1, 2, 200])
)
def test_zones_in_a_row(lines: list[str], newline: str, limit: int) -> None:
    raw = body(lines, newline)
    answers = []
    for stream, zones, work in both(raw, Limits(max_timezones=limit)):
        meant = [
            (zone.name, zone.source, zone.to_epoch(LO))
            for calendar in range(len(stream.calendars))
            for zone in (zones.resolve(name, calendar) for name in (*NAMES, "second", None))
        ]
        # Copies are told of once for each that is read.
        answers.append((meant if work.complete else (), set(told(work, raw)), work.complete))
    if limit == 200:
        assert {p.code for p in answers[0][1]} == {p.code for p in answers[1][1]}
    assert answers[0][0] == answers[1][0]
    assert answers[0][2] == answers[1][2]


@given(
    NESTED,
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([1, 2, 4, 8]),
    st.sampled_from([0, 3, 1000]),
)
def test_what_is_passed_over(lines: list[str], newline: str, deep: int, most: int) -> None:
    """What nobody reads is opened and closed at a look, as if its lines had been read."""
    raw = body(lines, newline)
    limits = Limits(max_nesting=deep, max_problems=most)
    (quick, _, quickly), (slow, _, slowly) = both(raw, limits)
    assert told(quickly, raw) == told(slowly, raw)
    assert quickly.unknown == slowly.unknown
    assert quick.calendars == slow.calendars
    assert quick.availability == slow.availability
    plain = {block.offset: block.end for block in quick.plain}
    read_long = [event for event in slow.events if event.offset not in plain]
    assert quick.events == read_long
    assert plain == {event.offset: event.end for event in slow.events if event not in read_long}


def test_an_event_with_what_is_passed_over_has_its_own_lines() -> None:
    nothing = "\n".join(["BEGIN:X\nBEGIN:Y\nSUMMARY:y\nEND:Y\nEND:X"] * 20)
    raw = body(["BEGIN:VEVENT", "UID:u", nothing, "SUMMARY:own", "END:VEVENT"], "\n")
    assert [piece.kind for piece in pieces(raw, (0, len(raw)))].count(BORDERS) == 1
    (stream, _, _), _ = both(raw)
    (event,) = stream.events
    assert isinstance(event, Component)
    assert [(line.name, line.value) for line in event.lines] == [("UID", "u"), ("SUMMARY", "own")]


def test_a_run_is_one_piece() -> None:
    """However long it is, it costs one look, and what nobody names is never read."""
    zones = "\n".join(ZONE.format(f"z{n}", STANDARD.format("+0100")) for n in range(100))
    listed = "BEGIN:VFREEBUSY\n" + "FREEBUSY:20270105T090000Z/PT30M\n" * 100 + "END:VFREEBUSY"
    raw = body([zones, listed], "\n")
    kinds = [piece.kind for piece in pieces(raw, (0, len(raw)))]
    assert kinds.count(VTIMEZONE) == kinds.count(FREEBUSY) == 1
    (stream, resolved, _), _ = both(raw)
    assert stream.calendars[0].vtimezones == []
    assert resolved.resolve("z7", 0).source == "vtimezone"
    assert len(stream.freebusy[0].lines) == 1


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("most", [0, 1, 999, 1000, 5000])
def test_a_thousand_lines_that_are_none(newline: str, most: int) -> None:
    """They are told of while there is room, then counted; what follows them is read."""
    odd = ["?", "no colon", "1:2", "-;", "x" * 100]
    lines = [odd[number % len(odd)] for number in range(2_500)]
    event = ["BEGIN:VEVENT", "UID:u", *lines, "DTSTART:20270105T090000Z", "END:VEVENT"]
    raw = body([*lines, *event, *lines], newline) + newline.join(lines).encode()
    assert ODD in {piece.kind for piece in pieces(raw, (0, len(raw)))}
    (quick, _, quickly), (slow, _, slowly) = both(raw, Limits(max_problems=most))
    assert told(quickly, raw) == told(slowly, raw)
    assert len(quick.events) + len(quick.plain) == len(slow.events) == 1
    assert quick.events[0].lines == slow.events[0].lines
