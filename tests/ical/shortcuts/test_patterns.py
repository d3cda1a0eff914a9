"""What each pattern of a shortcut takes in, and what it must not."""

from __future__ import annotations

import re

import pytest

from extcal.ical.shortcuts import ended, odd_lines, select, short_reading

CASES: list[tuple[re.Pattern[bytes], list[bytes], list[bytes]]] = [
    (
        select._CALENDAR,
        [b"BEGIN:VCALENDAR\n", b"\nBEGIN:VCALENDAR\n"],
        [b"BEGIN:VCALENDAR\n S\n"],
    ),
    (select._BEGIN_ALARM, [b"begin : valarm", b"BEGIN:VALARM"], [b"BEGIN:VTODO", b"END:VALARM"]),
    (
        select._WHOLE_ALARM,
        [b"\nBEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM\nX"],
        [
            b"\nBEGIN:VALARM\nEND:VTODO\nX",
            b"\nBEGIN:VALARM\nBEGIN:VALARM\nEND:VTODO\nX",
            b"\nBEGIN:VALARM\nEND:VALARM\n S\nX",
        ],
    ),
    (
        select._HIDDEN,
        [b"\nuid:a", b"\nU\n ID:a", b"\n\x00UID:a", b"\nUID;X=1:a"],
        [b"\nUID:a", b"\nURL:x", b"\nSUMMARY:x"],
    ),
    (select._UIDS, [b"\nUID:a\n b\nX"], [b"\nUID;X=1:a"]),
    (re.compile(select._SHORT), [b":PT1H30M\n", b":PT19H59M59S\r\n"], [b":P1D\n", b":PT20H\n"]),
    (
        ended._DATED,
        [b"\nDTSTART;TZID=X:20270105T090000\nA", b"\nDTEND;VALUE=DATE:20270105\r\nA"],
        [
            b"\nDTSTART:2027-01-05\nA",
            b"\nDTSTART:20270105T0900\n 00\nA",
            b"\nDTSTART:20270105T250000\nA",
        ],
    ),
    (
        ended._ONE_DAY,
        [b"\nDTSTART:20270105T090000Z\nDTEND:20270105T100000Z\nA"],
        [
            b"\nDTSTART:20270105T090000Z\nDTEND:20270106T100000Z\nA",
            b"\nDTSTART:20270105T090000Z\nDTEND:20270105T100000\nA",
            b"\nDTSTART:20270231T090000Z\nDTEND:20270231T100000Z\nA",
        ],
    ),
    (
        ended._PLAIN_ID,
        [b"RECURRENCE-ID:20270105T090000Z\nA", b"RECURRENCE-ID;TZID=A/B:20270105T090000\nA"],
        [b"RECURRENCE-ID;RANGE=THISANDFUTURE:20270105\nA", b"RECURRENCE-ID:20270105\n Z\nA"],
    ),
    (
        ended._PLAIN_RULE,
        [b"RRULE:FREQ=DAILY;UNTIL=20200101\nA", b"RRULE:FREQ=WEEKLY;BYDAY=MO,-1FR;COUNT=9\nA"],
        [
            b"RRULE:UNTIL=20200101;FREQ=DAILY\nA",
            b"RRULE:FREQ=HOURLY;COUNT=2\nA",
            b"RRULE:FREQ=DAILY;X=1\nA",
        ],
    ),
    (
        ended._UNTIL_RULE,
        [b"RRULE:FREQ=DAILY;UNTIL=20200101T000000Z;WKST=MO\nA"],
        [
            b"RRULE:FREQ=DAILY;UNTIL=20200101;UNTIL=20290101\nA",
            b"RRULE:FREQ=DAILY;UNTIL=20200231\nA",
        ],
    ),
    (
        odd_lines._ODD,
        [b"\n?\nA", b"\nno colon\nA", b"\n1:2\nA"],
        [b"\nA:b\nA", b"\nRRULE ;\nA", b"\n fold\nA", b"\n\xef\xbb\xbfUID:a\nA"],
    ),
]


@pytest.mark.parametrize(("pattern", "taken", "left"), CASES)
def test_what_it_takes_in(
    pattern: re.Pattern[bytes], taken: list[bytes], left: list[bytes]
) -> None:
    for line in taken:
        assert pattern.search(line), line
    for line in left:
        assert not pattern.search(line), line


def test_forms_of_times_that_are_read_the_short_way() -> None:
    for text, whole in ((b"", True), (b";TZID=Europe/Berlin", True), (b';TZID="x"', False)):
        assert bool(short_reading._PARAMS.fullmatch(text)) is whole
    for text, whole in ((b"T235959", True), (b"T240000", False), (b"T235960", False)):
        assert bool(short_reading._TIME.fullmatch(text)) is whole


@pytest.mark.parametrize(("day", "less", "more"), [("20270105", "20270104", "20270105")])
def test_days_before_a_day(day: str, less: str, more: str) -> None:
    from datetime import date

    pattern = re.compile(ended.before(date.fromisoformat(day)))
    assert pattern.match(less.encode())
    assert pattern.match(b"19991231")
    assert not pattern.match(more.encode())
    assert not pattern.match(b"2027010:")
