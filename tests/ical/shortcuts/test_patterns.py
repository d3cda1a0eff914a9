"""What each pattern of a shortcut takes in, and what it must not."""

from __future__ import annotations

import re
from datetime import date

import pytest

from extcal.ical.parse import excess, odd_lines
from extcal.ical.shortcuts import ended, plain_blocks, select, short_reading

NEWLINES = ((b"\n", rb"\n"), (b"\r\n", rb"\r"), (b"\n", rb"\r\n"), (b"\r\n", rb"\r\n"))
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
        [b"\nUID:a", b"\nURL:x", b"\nSUMMARY:x", b"\nU"],
    ),
    (select._UIDS, [b"\nUID:a\n b\nX"], [b"\nUID;X=1:a", b"\nUID:a\n", b"\nUID:a"]),
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
        re.compile(rb"\A" + odd_lines._ODD.pattern),
        [b"?\nA", b"no colon\nA", b"1:2\nA"],
        [b"A:b\nA", b"RRULE ;\nA", b" fold\nA", b"\xef\xbb\xbfUID:a\nA"],
    ),
    (
        re.compile(rb"\A" + plain_blocks._NAMED),
        [b"UID:a", b"DTSTART;TZID=A/B:"],
        [b"uid:a", b"BEGIN:VALARM", b"no colon"],
    ),
    (
        excess._EXDATES,
        [b"\nEXDATE:20270105\nEXDATE;TZID=A/B:20270106T090000\nA"],
        [b"\nEXDATE:20270105\n ,20270107\nA", b"\nEXDATE:soon\nA"],
    ),
    (excess._UID, [b"\nUID:a\nA"], [b"\nUID:a\n b\nA", b"\nUID;X=1:a\nA"]),
    (
        excess._BLOCK,
        [b"\nBEGIN:VEVENT\nUID:a\nEND:VEVENT\n"],
        [
            b"\nBEGIN:VEVENT\nUID:a\n b\nEND:VEVENT\n",
            b"\nBEGIN:VEVENT\nBEGIN:VALARM\nEND:VALARM\nEND:VEVENT\n",
        ],
    ),
    (
        excess._TZID,
        [b"DTSTART;TZID=Europe/Berlin:20270105", b'DTSTART;TZID="A:B":20270105'],
        [b"DTSTART;X-TZID=A:20270105", b"DTSTART;tzid=A:20270105"],
    ),
    (
        excess._AVAILABILITIES,
        [b"\nBEGIN:VAVAILABILITY\nBEGIN:AVAILABLE\nEND:AVAILABLE\nEND:VAVAILABILITY\nA"],
        [b"\nBEGIN:VAVAILABILITY\nBEGIN:VEVENT\nEND:VEVENT\nEND:VAVAILABILITY\nA"],
    ),
    (
        excess._LOST,
        [
            b"\nBEGIN:VEVENT\nUID:a\nEND:VEVENT\nEND:VCALENDAR",
            b"\nBEGIN:VEVENT\nDTSTART:soon\nEND:VEVENT\nBEGIN:VEVENT",
        ],
        [
            b"\nBEGIN:VEVENT\nDTSTART:20270105\nEND:VEVENT\nEND:VCALENDAR",
            b"\nBEGIN:VEVENT\nUID:a\nEND:VEVENT\nBEGIN:VTODO",
        ],
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


def pieces() -> select._Pieces:
    raw = b"\nBEGIN:VEVENT\n"
    return select._Pieces(raw, 1, date(2027, 1, 1), date(2028, 1, 1), rb"\n", told=True)


@pytest.mark.parametrize(
    ("line", "later"),
    [
        (b"\nDTSTART:20280101\n", True),
        (b"\nDTSTART;TZID=A/B:20280101T090000\n", True),
        (b"\nDTSTART:20271231\n", None),
        (b"\nDTSTART:2028-01-01\n", None),
        (b"\nDTEND:20270105\n", False),
        (b"\nDURATION:P1D\n", False),
        (b"\nRRULE:FREQ=DAILY\n", False),
        (b"\nRECURRENCE-ID;TZID=A/B:20270105T090000\n", False),
        (b"\nRECURRENCE-ID;RANGE=THISANDFUTURE:20280101\n", None),
        (b"\nRDATE:20280101\n", None),
        (b"\nDX:1\n", None),
    ],
)
def test_lines_that_start_nothing_before_a_day(line: bytes, later: bool | None) -> None:
    match = pieces().later(line, 0)
    assert (match and match.lastindex is not None) is later


@pytest.mark.parametrize(
    ("line", "group"),
    [
        (b"\nRRULE:FREQ=DAILY\n", 0),
        (b"\nRDATE:20270105\n", 0),
        (b"\nDTSTART:20270105\n", 0),
        (b"\nrrule:x\n", 4),
        (b"\nbegin:vevent\n", 4),
        (b"\nEND:VEVENT\nBEGIN:VEVENT\nX", 1),
        (b"\nEND:VEVENT\nX:y\nBEGIN:VEVENT\n", 4),
        (
            b"\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20200105\nDTEND:20200106\nUID:a\nX",
            2,
        ),
        (b"\nUID:a\nX", 3),
        (b"\nDTSTART:20200105\n", None),
        (b"\nSUMMARY:x\n", None),
        (b"\nDESCRIPTION:x\n", None),
        (b"\n fold\n", None),
        (b"\nBEGIN:VALARM\n", None),
    ],
)
def test_lines_of_interest_and_borders(line: bytes, group: int | None) -> None:
    match = next(pieces().lines(line), None)
    assert (None if match is None else match.lastindex or 0) == group


def test_all_newlines_but_the_last_of_blank_lines() -> None:
    assert [match[0] for match in pieces().lines(b"\n\n\nRRULE:x\n")] == [b"\n\n", b"\nR"]


@pytest.mark.parametrize(
    ("alarms", "taken"),
    [
        (b"\nBEGIN:VALARM\nACTION:DISPLAY\nEND:VALARM\n", True),
        (b"\nBEGIN:VALARM\nACTION:DIS\n PLAY\nEND:VALARM\nBEGIN:VALARM\nEND:VALARM\n", True),
        (b"\nBEGIN:VALARM\n S\nEND:VALARM\n", False),
        (b"\nBEGIN:VALARM\nEND:VALARM\n S\n", False),
        (b"\nBEGIN:VALARM\nBEGIN:VALARM\nEND:VALARM\n", False),
        (b"\nBEGIN:VALARM\nno colon\nEND:VALARM\n", False),
    ],
)
def test_alarms_behind_the_lines_of_a_plain_event(alarms: bytes, taken: bool) -> None:
    for newline, stop in NEWLINES:
        written = alarms.replace(b"\n", newline)
        behind = plain_blocks._LOOKS[stop, False][1].match(written, newline.find(b"\n"))
        assert (behind is not None and behind.end() == len(written) - 1) is taken


@pytest.mark.parametrize(("newline", "stop"), NEWLINES)
@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (b"\nUID:a\n b\nX:y", [(b"UID", b":a\n b")]),
        (b"\nUIDS:a\nX:y\n fold", []),
        (b"\nDTSTART;TZID=A:1\nEXDATE:2", [(b"DTSTART", b";TZID=A:1"), (b"EXDATE", b":2")]),
        (b"\nuid:a\nUID:a", [(b"", b""), (b"UID", b":a")]),
        (b"\nBEGIN:VTODO", [(b"", b"")]),
        (b"\nUID\nX:y", [(b"", b"")]),
        (b"\nno colon", [(b"", b"")]),
    ],
)
def test_a_line_is_read_to_its_end_with_its_folds(
    newline: bytes, stop: bytes, lines: bytes, found: list[tuple[bytes, bytes]]
) -> None:
    pattern = plain_blocks._LOOKS[stop, False][0]
    written = [(name, line.replace(b"\n", newline)) for name, line in found]
    assert pattern.findall(lines.replace(b"\n", newline)) == written


def test_titles_are_read_where_they_are_asked_for() -> None:
    for titles, found in ((False, []), (True, [(b"SUMMARY", b":a")])):
        assert plain_blocks._LOOKS[rb"\n", titles][0].findall(b"\nSUMMARY:a\nCOMMENT:b") == found


def test_forms_of_times_that_are_read_the_short_way() -> None:
    for text, whole in ((b"", True), (b";TZID=Europe/Berlin", True), (b';TZID="x"', False)):
        assert bool(short_reading._PARAMS.fullmatch(text)) is whole
    times = short_reading._Times()
    for text, seconds in ((b"T000000", 0), (b"T010203", 3_723), (b"T235959", 86_399)):
        assert times[text] == seconds
        assert times == times | {text: seconds}
    for text in (b"T240000", b"T236000", b"T235960", b"t235959", b"T2359", b"T23595", b"T2359590"):
        with pytest.raises(short_reading._NotPlain):
            times[text]


@pytest.mark.parametrize(("day", "less", "more"), [("20270105", "20270104", "20270105")])
def test_days_before_a_day(day: str, less: str, more: str) -> None:
    pattern = re.compile(ended.before(date.fromisoformat(day)))
    assert pattern.match(less.encode())
    assert pattern.match(b"19991231")
    assert not pattern.match(more.encode())
    assert not pattern.match(b"2027010:")
