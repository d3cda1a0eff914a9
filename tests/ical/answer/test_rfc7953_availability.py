"""VAVAILABILITY (RFC 7953 sections 3, 4 and 5, appendices A and B)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

MEETING = """BEGIN:VEVENT
DTSTAMP:20111113T044111Z
DTSTART;TZID={zone}:{day}T120000
DURATION:PT2H
SUMMARY:Meeting
UID:768CB0C2-8642-43F7-A6C4-F8BB04B829B4
END:VEVENT"""
BASE = """BEGIN:VAVAILABILITY
UID:452DFCA7-3203-4A3D-9A9A-99753A383B41
DTSTAMP:20111005T133225Z
DTSTART;TZID=America/Montreal:20111002T000000
BEGIN:AVAILABLE
UID:466D5C68-5C4A-4078-AF5D-9C55EA9145D7
SUMMARY:Monday to Friday from 8:00 to 18:00
DTSTART;TZID=America/Montreal:20111002T080000
DTEND;TZID=America/Montreal:20111002T180000
RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR
END:AVAILABLE
END:VAVAILABILITY"""
DENVER = """BEGIN:VAVAILABILITY
UID:F01411E3-38B8-4490-8A1F-0CCEC57A0943
DTSTAMP:20111005T133225Z
DTSTART;TZID=America/Denver:20111023T000000
DTEND;TZID=America/Denver:20111030T000000
PRIORITY:1
BEGIN:AVAILABLE
UID:A35AA091-3846-48ED-96F6-881E8A0D0A93
DTSTART;TZID=America/Denver:20111023T080000
DTEND;TZID=America/Denver:20111023T180000
RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR
END:AVAILABLE
END:VAVAILABILITY"""
AWAY = " BUSY-UNAVAILABLE"


def lines(text: str) -> str:
    return text.replace("\n", "\r\n")


def test_appendix_a(corridor: Any) -> None:
    """The table of 5.1.1: UUUU FF B FF UUU in steps of two hours. The RFC names 6 November 2011 a
    Monday; it was a Sunday, so this is the 7th. Montreal is at UTC-5."""
    meeting = lines(MEETING.format(zone="America/Montreal", day="20111107"))
    found = corridor.busy(meeting, lines(BASE), window="2011-11-07T05:00/2011-11-08T05:00")
    assert found == [
        "11-07T05:00/13:00" + AWAY,
        "11-07T17:00/19:00",
        "11-07T23:00/11-08T05:00" + AWAY,
    ]


def test_appendix_b(corridor: Any) -> None:
    """The table of 5.1.2: UUUUU FF B FF UU in steps of two hours of Montreal, then at UTC-4."""
    meeting = lines(MEETING.format(zone="America/Denver", day="20111024"))
    window = "2011-10-24T04:00/2011-10-25T04:00"
    owed = [
        "10-24T04:00/14:00" + AWAY,
        "10-24T18:00/20:00",
        "10-25T00:00/04:00" + AWAY,
    ]
    for order in permutations([meeting, lines(BASE), lines(DENVER)]):
        assert corridor.busy(*order, window=window) == owed


def availability(*own: str, free: tuple[str, ...] = (), uid: str = "v") -> str:
    available = [
        f"BEGIN:AVAILABLE\r\nUID:{uid}{number}\r\n{text}\r\nEND:AVAILABLE"
        for number, text in enumerate(free)
    ]
    return "\r\n".join(("BEGIN:VAVAILABILITY", f"UID:{uid}", *own, *available, "END:VAVAILABILITY"))


DAY = ("DTSTART:20270104T000000Z", "DTEND:20270105T000000Z")
NOON = "DTSTART:20270104T120000Z\r\nDTEND:20270104T130000Z"


@pytest.mark.parametrize(
    ("own", "owed"),
    [
        (DAY, ["01-04T00:00/01-05T00:00" + AWAY]),
        ((DAY[0], "DURATION:P1D"), ["01-04T00:00/01-05T00:00" + AWAY]),
        (DAY[:1], ["01-04T00:00/02-01T00:00" + AWAY]),
        (DAY[1:], ["01-01T00:00/01-05T00:00" + AWAY]),
        ((), ["01-01T00:00/02-01T00:00" + AWAY]),
        ((DAY[1], "DTSTART:x"), ["01-01T00:00/01-05T00:00" + AWAY]),
        ((*DAY, "BUSYTYPE:BUSY"), ["01-04T00:00/01-05T00:00"]),
        ((*DAY, "BUSYTYPE:busy-tentative"), ["01-04T00:00/01-05T00:00 BUSY-TENTATIVE"]),
        ((*DAY, "BUSYTYPE:X-NEW"), ["01-04T00:00/01-05T00:00"]),
        ((*DAY, "BUSYTYPE:FREE"), ["01-04T00:00/01-05T00:00"]),
    ],
)
def test_bounds_and_types(corridor: Any, own: tuple[str, ...], owed: list[str]) -> None:
    """Without DTSTART or an end it is unbounded; the default is BUSY-UNAVAILABLE (3.1, 3.2)."""
    assert corridor.busy(availability(*own)) == owed


def test_available_time_is_free_inside_the_bounds_only(corridor: Any) -> None:
    """ "ignoring instances or parts of instances that fall outside" (5, step 3)."""
    early = "DTSTART:20270103T220000Z\r\nDTEND:20270104T020000Z"
    late = "DTSTART:20270105T120000Z\r\nDURATION:PT1H"
    found = corridor.busy(availability(*DAY, free=(early, NOON, late)))
    assert found == ["01-04T02:00/12:00" + AWAY, "01-04T13:00/01-05T00:00" + AWAY]


def test_available_time_recurs_and_is_overridden(corridor: Any) -> None:
    """ "using normal iCalendar recurrence behavior"."""
    daily = NOON + "\r\nRRULE:FREQ=DAILY;COUNT=3\r\nEXDATE:20270105T120000Z"
    moved = "RECURRENCE-ID:20270106T120000Z\r\nDTSTART:20270106T180000Z\r\nDTEND:20270106T190000Z"
    body = availability(
        "DTSTART:20270104T000000Z", "DTEND:20270107T000000Z", free=(daily, moved)
    ).replace("UID:v1", "UID:v0")
    assert corridor.busy(body) == [
        "01-04T00:00/12:00" + AWAY,
        "01-04T13:00/01-06T18:00" + AWAY,
        "01-06T19:00/01-07T00:00" + AWAY,
    ]


def test_higher_priorities_replace_lower_ones(corridor: Any) -> None:
    """ "the lowest to highest PRIORITY values are 0, 9, 8, [...] 1": busy first, then free."""
    base = availability("BUSYTYPE:BUSY", uid="base")
    nine = availability(*DAY, "PRIORITY:9", free=(NOON,), uid="nine")
    one = availability(
        "DTSTART:20270104T060000Z",
        "DTEND:20270104T180000Z",
        "PRIORITY:1",
        "BUSYTYPE:BUSY-TENTATIVE",
    )
    for order in permutations([base, nine, one]):
        assert corridor.busy(*order) == [
            "01-01T00:00/01-04T00:00",
            "01-04T00:00/06:00" + AWAY,
            "01-04T06:00/18:00 BUSY-TENTATIVE",
            "01-04T18:00/01-05T00:00" + AWAY,
            "01-05T00:00/02-01T00:00",
        ]


def test_equal_priorities_have_an_order_of_their_own(corridor: Any) -> None:
    """ "BUSY > BUSY-UNAVAILABLE > BUSY-TENTATIVE", and what any of them frees is free."""
    parts = [
        availability(*DAY, "BUSYTYPE:BUSY-TENTATIVE", free=(NOON,), uid="a"),
        availability("DTSTART:20270104T060000Z", "DTEND:20270104T180000Z", uid="b"),
        availability("DTSTART:20270104T150000Z", "DURATION:PT5H", "BUSYTYPE:BUSY", uid="c"),
    ]
    for order in permutations(parts):
        assert corridor.busy(*order) == [
            "01-04T00:00/06:00 BUSY-TENTATIVE",
            "01-04T06:00/12:00" + AWAY,
            "01-04T13:00/15:00" + AWAY,
            "01-04T15:00/20:00",
            "01-04T20:00/01-05T00:00 BUSY-TENTATIVE",
        ]


def test_an_unreadable_available_frees_nothing(corridor: Any) -> None:
    """What cannot be read leans to busy; so does one that is cancelled."""
    for free in ("DTSTART:x\r\nDURATION:PT1H", NOON + "\r\nSTATUS:CANCELLED"):
        assert corridor.busy(availability(*DAY, free=(free,))) == ["01-04T00:00/01-05T00:00" + AWAY]


def test_it_can_be_seen_and_excluded(corridor: Any) -> None:
    body = availability(*DAY)
    (event,) = corridor.expand(body).events
    assert (event.uid, event.reason) == ("v", "BUSYTYPE:BUSY-UNAVAILABLE")
    assert corridor.busy(body, exclude=["v"]) == []
    assert not corridor.expand(body).empty
