"""Plain events are read a short way; it has a slow twin, and nobody can tell which was taken."""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise, product
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import extcal
from extcal.ical.events.event import Event
from extcal.ical.shortcuts import plain_blocks
from extcal.ical.shortcuts.plain_blocks import PlainBlock
from extcal.ical.shortcuts.short_reading import PlainReader
from extcal.testing.strategies import feeds

pytestmark = pytest.mark.long

NIGHTLY = bool(os.environ.get("EXTCAL_NIGHTLY"))
START = datetime(2027, 1, 1, tzinfo=UTC)
END = datetime(2028, 1, 1, tzinfo=UTC)

# What stands in a plain event, and what nearly does: one line is put in, or put in a line's place.
LINES = (
    *("DTSTART:20270301T090000", "DTSTART;VALUE=DATE:20270301", "DTSTART:20270301T240000Z"),
    *("DTSTART;TZID=Europe/Berlin:20270328T023000", "DTSTART;VALUE=DATE-TIME:20270301T090000Z"),
    *("DTSTART;TZID=Nowhere:20270301T090000", 'DTSTART;TZID="Europe/Berlin":20270301T090000'),
    *("DTSTART;TZID=Europe/Berlin;X=1:20270301T090000Z", "DTSTART:20270230", "DTSTART:2027-03-01"),
    *("DTSTART;VALUE=DATE:20271301", "DTEND;VALUE=DATE:20271301", "RECURRENCE-ID:20271301"),
    *("DTSTART;VALUE=DATE:20270301T000000", "DTSTART:20270301T090060Z", "DTSTART:0000000T0"),
    *("DTEND:20270301T100000", "DTEND;VALUE=DATE:20270303", "DTEND;VALUE=DATE:20270301", "DTEND:"),
    *("DTEND;TZID=Asia/Kolkata:20270301T170000", "DTEND:20270101T000000Z", "DTEND;VALUE=DATE:x"),
    *("DURATION:PT2H", "DURATION:P1D", "DURATION:-PT1H", "DURATION:P", "DURATION:PT1H30M"),
    *("RRULE:FREQ=DAILY;COUNT=5", "RRULE:FREQ=WEEKLY", "RRULE:FREQ=DAILY;COUNT=0", "RRULE:FREQ=X"),
    *("EXDATE:20270302T090000Z", "EXDATE;VALUE=DATE:20270302,20270303", "EXDATE:x", "EXDATE:"),
    *("EXDATE;TZID=Europe/Berlin:20270302T090000,\r\n 20270303T090000", "RDATE:20270309T090000Z"),
    *("RECURRENCE-ID:20270302T090000Z", "RECURRENCE-ID;RANGE=THISANDFUTURE:20270303T090000Z"),
    *("RECURRENCE-ID;VALUE=DATE:20270302", "RECURRENCE-ID:20270302T090000", "RECURRENCE-ID:x"),
    *("STATUS:CANCELLED", "STATUS: tentative ", "STATUS;X=Y:CANCELLED", "STATUS:", "STATUS:\x01"),
    *("TRANSP:TRANSPARENT", "transp:TRANSPARENT", "TRANSP :TRANSPARENT", "TRA\r\n NSP:TRANSPARENT"),
    *("CLASS:PRIVATE", "CLASS:public", "CLASS:", "SUMMARY;LANGUAGE=en:a\\, b", "SUMMARY:\tx\x7f"),
    *(
        'SUMMARY;ALTREP="a:b":c',
        "SUMMARY;X",
        "LOCATION:caf\r\n é",
        "LOCATION:  ",
        "SUMMARY:\ud83d\ude00",
    ),
    *("UID:a", "UID: a ", "UID:a\r\n b", "UID;X=1:a", "UID:\u00e9", "UID:a\u00a0", "UID:", "uid:c"),
    *("SEQUENCE:3", "SEQUENCE:x", "DTSTAMP:20270101T000000Z", "LAST-MODIFIED:20260101T000000Z"),
    *("X-MICROSOFT-CDO-BUSYSTATUS:OOF", "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE", "X-FUNAMBOL-ALLDAY:1"),
    *("X-MICROSOFT-MSNCALENDAR-BUSYSTATUS:FREE", "X-MICROSOFT-CDO-INTENDEDSTATUS:TENTATIVE"),
    *("BEGIN:VALARM\r\nDTSTART:20270401\r\nEND:VALARM", "BEGIN:VALARM", "END:VALARM", "END:VEVENT"),
    *(
        "BEGIN:VALARM\r\nUID:z\r\nEND:VALARM\r\nBEGIN:VALARM\r\nEND:VALARM",
        "BEGIN:VTODO",
        "BEGIN:X",
    ),
    *(
        "BEGIN:VALARM\r\nEN\r\n D:VALARM\r\nEND:VALARM",
        "no property",
        "X-lower:1",
        "",
        " fold",
        "\t",
    ),
    *("ATTENDEE;PARTSTAT=DECLINED:mailto:me@example.org", "X-A_B:1", "EXRULE:FREQ=WEEKLY", "X:\r"),
    *("DESCRIPTION:DTSTART:20200101\rSTATUS:CANCELLED", "DESCRIPTION:a\nSTATUS:CANCELLED"),
)


def bent(body: bytes, changes: list[tuple[int, str, bool]]) -> bytes:
    lines = body.split(b"\r\n")
    for place, line, instead in changes:
        at = place % len(lines)
        lines[at : at + instead] = [line.encode("utf-8", "surrogatepass")]
    return b"\r\n".join(lines)


changes = st.lists(
    st.tuples(st.integers(0, 200), st.sampled_from(LINES), st.booleans()), max_size=6
)


def asked(body: bytes, **options: object) -> object:
    try:
        result = extcal.expand(body, START, END, **options)  # type: ignore[arg-type]
    except extcal.NotACalendar as refused:
        return str(refused)
    short = extcal.free_busy(body, START, END, **options)  # type: ignore[arg-type]
    assert short == result.free_busy
    assert "internal_error" not in {problem.code for problem in result.problems}
    return result


def the_long_way(body: bytes, **options: object) -> object:
    with mock.patch.object(plain_blocks, "plain_block", return_value=None):
        return asked(body, **options)


ASKING: tuple[dict[str, object], ...] = (
    {"timezone": "Asia/Tokyo"},
    {"owner": "me@example.org", "sieve": False},
)


def check(body: bytes, asking: tuple[dict[str, object], ...] = ASKING) -> None:
    for options in asking:
        short, long = asked(body, **options), the_long_way(body, **options)
        if isinstance(short, extcal.Expansion):
            assert isinstance(long, extcal.Expansion)
            assert short.events == long.events
            assert short.problems == long.problems
        assert short == long


@given(feeds(min_events=1), changes)
def test_the_short_way_says_what_the_long_way_says(body: bytes, lines: object) -> None:
    check(bent(body, lines))  # type: ignore[arg-type]


@given(feeds(odd=True), changes, st.sampled_from((b"\r\n", b"\n", b"\r")))
def test_also_where_feeds_are_odd(body: bytes, lines: object, newline: bytes) -> None:
    check(bent(body, lines).replace(b"\r\n", newline))  # type: ignore[arg-type]


@pytest.mark.parametrize("line", LINES)
def test_each_line_on_its_own(line: str) -> None:
    """Instead of lines of a plain event, and in front of them; asked in one way and the other."""
    event = (
        "BEGIN:VEVENT UID:a DTSTART:20270301T090000Z DTEND:20270301T100000Z"
        " RRULE:FREQ=DAILY;COUNT=9 STATUS:CONFIRMED SUMMARY:x BEGIN:VALARM"
        " TRIGGER:-PT5M END:VALARM END:VEVENT"
    )
    for place, (number, instead) in enumerate(product((1, 4, 7, 8, 10), (False, True))):
        # At each place one of both, the other one for the next line; `make nightly` takes both.
        if not NIGHTLY and (LINES.index(line) + place // 2 + instead) % 2:
            continue
        lines = event.split()
        lines[number : number + instead] = [line]
        body = "\r\n".join(["BEGIN:VCALENDAR", *lines, *event.split(), "END:VCALENDAR", ""])
        check(body.encode("utf-8", "surrogatepass"), (ASKING[(number + instead) % 2],))


@pytest.mark.parametrize(
    "name", ["max_dates", "max_dates_per_series", "max_line_bytes", "max_vevents"]
)
def test_limits_are_met_at_the_same_place(name: str) -> None:
    event = "BEGIN:VEVENT\r\nUID:{}\r\nDTSTART:20270301T090000Z\r\nEXDATE:{}\r\nEND:VEVENT\r\n"
    dates = ",".join(f"202703{day:02d}T090000Z" for day in range(1, 9))
    events = "".join(event.format(number, dates) for number in range(4))
    body = f"BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n".encode()
    for limit in range(40):
        limits = extcal.Limits(**{name: limit})
        assert asked(body, limits=limits) == the_long_way(body, limits=limits)


@pytest.mark.parametrize("most", [0, 20, 10_000])
def test_lines_that_are_not_kept_are_found_again(
    feeds_of_publishers: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """However many VEVENTs a feed has, only so many lines are in memory at once."""
    monkeypatch.setattr(plain_blocks, "_MOST_LINES", most)
    for body in feeds_of_publishers.values():
        blocks = plain_blocks.PlainBlocks(body, plain_blocks.line_ends(body))
        starts = [at.start() for at in re.finditer(b"BEGIN:VEVENT", body)]
        found = [blocks.at(*span, 0) for span in pairwise(starts)]
        kept = [block for block in found if block is not None and block.lines is not None]
        assert (len(kept) == len(found)) is (most > 1_000)
        assert sum(len(block.lines or ()) for block in kept) <= most + 9
        check(body)


def test_a_block_may_have_line_ends_of_both_kinds() -> None:
    """Each of its lines is found, whichever ends the line before it."""
    event = (
        b"BEGIN:VEVENT\r\nUID:a\nDTSTART:20270301T090000Z\r\nRRULE:FREQ=\n DAILY;COUNT=2\nX:y\r\n"
    )
    for alarm in (b"", b"BEGIN:VALARM\nTRIGGER:-PT5M\r\nEND:VALARM\n"):
        for end in (b"END:VEVENT\r\n", b"END:VEVENT\n"):
            raw = event + alarm + end
            blocks = plain_blocks.PlainBlocks(raw, plain_blocks.line_ends(raw))
            block = blocks.at(0, len(raw), 0)
            assert block is not None
            assert block.lines == {
                b"UID": b":a",
                b"DTSTART": b":20270301T090000Z",
                b"RRULE": b":FREQ=\n DAILY;COUNT=2",
            }
            check(b"BEGIN:VCALENDAR\r\n" + raw + b"END:VCALENDAR\r\n")
    for raw in (event + b"no property\nEND:VEVENT\n", event + b"uid:b\r\nEND:VEVENT\r\n"):
        assert plain_blocks.PlainBlocks(raw, plain_blocks.line_ends(raw)).at(0, len(raw), 0) is None


def test_what_publishers_write_is_plain(feeds_of_publishers: dict[str, bytes]) -> None:
    """A short way that nobody takes would be equal to the long one, and of no use."""
    for body in feeds_of_publishers.values():
        seen: Counter[bool] = Counter()
        read = PlainReader.event

        def event(reader: PlainReader, block: PlainBlock, read=read, seen=seen) -> Event | None:  # type: ignore[no-untyped-def]
            found = read(reader, block)
            seen[found is not None] += 1
            return found  # type: ignore[no-any-return]

        with mock.patch.object(PlainReader, "event", event):
            extcal.free_busy(body, START, END)
        assert seen[True] > 0.95 * body.count(b"BEGIN:VEVENT")


@pytest.fixture
def feeds_of_publishers() -> dict[str, bytes]:
    chance = random.Random(4)
    google = (
        "DTSTART;TZID=Europe/Berlin:{}T090000|DTEND;TZID=Europe/Berlin:{}T100000|{}DTSTAMP:20270101T000000Z"
        "|UID:{}@google.com|CREATED:20260101T000000Z|DESCRIPTION:a\\nb|LOCATION:|SEQUENCE:0|STATUS:CONFIRMED"
        "|SUMMARY:x|TRANSP:OPAQUE|BEGIN:VALARM|ACTION:DISPLAY|TRIGGER:-P0DT0H10M0S|END:VALARM"
    )
    bodies = {}
    for newline in ("\r\n", "\n"):
        lines = ["BEGIN:VCALENDAR"]
        for number in range(100):
            day = f"2027{chance.randrange(1, 13):02d}{chance.randrange(1, 28):02d}"
            rule = chance.choice(
                ("", "", "RRULE:FREQ=WEEKLY|EXDATE;TZID=Europe/Berlin:20270901T090000|")
            )
            lines += [
                "BEGIN:VEVENT",
                *google.format(day, day, rule, number).split("|"),
                "END:VEVENT",
            ]
        bodies[newline] = newline.join([*lines, "END:VCALENDAR", ""]).encode()
    assert all(re.search(rb"EXDATE", body) for body in bodies.values())
    return bodies
