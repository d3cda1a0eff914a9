"""What comes in rows: the answer with the shortcuts is the answer without them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import extcal
from extcal.ical.parse import odd_lines
from extcal.limits import Limits

START, END = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)

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


def both(raw: bytes, limits: Limits | None = None) -> tuple[extcal.Expansion, extcal.Expansion]:
    """The answers with the shortcuts and without them."""
    quick, slow = (
        extcal.expand(raw, START, END, limits=limits, sieve=sieve) for sieve in (True, False)
    )
    return quick, slow


@given(st.lists(LISTED, max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_freebusy_lines_in_a_row(lines: list[str], newline: str) -> None:
    """Whatever stands between them, and whether they can be read or not."""
    raw = body(["BEGIN:VFREEBUSY", *lines, "END:VFREEBUSY"], newline)
    quick, slow = both(raw)
    assert quick == slow


@given(
    st.lists(ZONES, max_size=8), st.sampled_from(["\n", "\r\n"]), st.sampled_from([0, 1, 2, 200])
)
def test_zones_in_a_row(lines: list[str], newline: str, limit: int) -> None:
    """Copies of them say nothing new, and too many make time unknown."""
    events = [
        f"BEGIN:VEVENT\nUID:{number}\nDTSTART;TZID={name}:20270105T090000\nDURATION:PT1H\nEND:VEVENT"
        for number, name in enumerate((*NAMES, "second"))
    ]
    raw = body([*lines, *events], newline)
    quick, slow = both(raw, Limits(max_timezones=limit))
    assert quick == slow
    twice = both(body([*lines, *lines, *events], newline), Limits(max_timezones=limit))[0]
    if limit == 200:
        assert twice.free_busy == quick.free_busy


@given(
    NESTED,
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([1, 2, 4, 8]),
    st.sampled_from([0, 3, 1000]),
)
def test_what_is_passed_over(lines: list[str], newline: str, deep: int, most: int) -> None:
    """What nobody reads opens and closes without a word, wherever it stands."""
    quick, slow = both(body(lines, newline), Limits(max_nesting=deep, max_problems=most))
    assert quick == slow


def test_an_event_with_what_is_passed_over_has_its_own_lines() -> None:
    nothing = "\n".join(["BEGIN:X\nBEGIN:Y\nSUMMARY:y\nEND:Y\nEND:X"] * 20)
    event = ["BEGIN:VEVENT", "UID:u", "DTSTART:20270105T090000Z", nothing, "SUMMARY:own"]
    for answer in both(body([*event, "END:VEVENT"], "\n")):
        assert [(one.uid, one.summary) for one in answer.events] == [("u", "own")]


def test_a_hundred_zones_and_periods() -> None:
    """Every zone is found by its name, every period counts."""
    zones = "\n".join(ZONE.format(f"z{n}", STANDARD.format("+0100")) for n in range(100))
    listed = "\n".join(
        f"FREEBUSY:20270105T{n // 60:02}{n % 60:02}00Z/PT1M" for n in range(0, 600, 2)
    )
    event = "BEGIN:VEVENT\nUID:u\nDTSTART;TZID=z7:20270106T090000\nDURATION:PT1H\nEND:VEVENT"
    raw = body([zones, f"BEGIN:VFREEBUSY\n{listed}\nEND:VFREEBUSY", event], "\n")
    for answer in both(raw):
        assert len(answer.free_busy.periods) == 301
        assert answer.events[-1].zone_source == "vtimezone"
        assert answer.events[-1].start == datetime(2027, 1, 6, 8, tzinfo=UTC)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("most", [0, 1, 999, 1000, 5000])
def test_a_thousand_lines_that_are_none(
    newline: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are told of while there is room, then counted; what follows them is read."""
    odd = ["?", "no colon", "1:2", "-;", "x" * 100]
    lines = [odd[number % len(odd)] for number in range(2_500)]
    event = ["BEGIN:VEVENT", "UID:u", *lines, "DTSTART:20270105T090000Z", "END:VEVENT"]
    raw = body([*lines, *event, *lines], newline) + newline.join(lines).encode()
    first = raw.index(b"?")
    assert odd_lines.is_long(raw, (first, odd_lines.end_of_run(raw, first, len(raw))))
    quick, slow = both(raw, Limits(max_problems=most))
    monkeypatch.setattr(odd_lines, "_MANY", len(raw))
    assert quick == slow == both(raw, Limits(max_problems=most))[1]  # this one line by line
    assert [one.uid for one in quick.events] == ["u"]
