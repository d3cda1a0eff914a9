"""VEVENT: starts, ends, days (RFC 5545 sections 3.6.1, 3.8.2)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

BERLIN = "Europe/Berlin"


def day(corridor: Any, *lines: str, **options: Any) -> list[str]:
    options.setdefault("timezone", BERLIN)
    found: list[str] = corridor.busy(corridor.event(*lines), **options)
    return found


def test_a_date_without_an_end_lasts_one_day(corridor: Any) -> None:
    """ "the event's duration is taken to be one day": from local midnight to local midnight."""
    assert day(corridor, "DTSTART;VALUE=DATE:20270104") == ["01-03T23:00/01-04T23:00"]


def test_a_date_time_without_an_end_has_no_length(corridor: Any) -> None:
    """ "the event ends on the same calendar date and time of day": listed, and blocks nothing."""
    event = corridor.event("DTSTART:20270104T080000Z")
    assert corridor.busy(event) == []
    assert [e.start == e.end for e in corridor.expand(event).events] == [True]


def test_the_end_is_not_inclusive(corridor: Any) -> None:
    """ "the non-inclusive end of the event": the jazz festival of 3.6.1 lasts to 8 July."""
    event = corridor.event("DTSTART;VALUE=DATE:20070628", "DTEND;VALUE=DATE:20070709")
    result = corridor.expand(event, window="2007-06-01/2007-08-01", timezone="UTC")
    (found,) = result.events
    assert (found.first_day, found.last_day) == (date(2007, 6, 28), date(2007, 7, 8))


@pytest.mark.parametrize("last", ["20270104", "20270105"])
def test_an_end_equal_to_the_start_is_one_day(corridor: Any, last: str) -> None:
    lines = ("DTSTART;VALUE=DATE:20270104", f"DTEND;VALUE=DATE:{last}")
    assert day(corridor, *lines) == ["01-03T23:00/01-04T23:00"]


def test_an_end_before_the_start_blocks_its_day(corridor: Any) -> None:
    """As an end that cannot be read does; a day stays a day, and a Problem says so."""
    dated = corridor.event("DTSTART;VALUE=DATE:20270104", "DTEND;VALUE=DATE:20270102")
    timed = corridor.event("DTSTART:20270106T080000Z", "DTEND:20270105T080000Z", uid="b")
    found = corridor.busy(dated, timed, timezone="UTC")
    assert found == ["01-04T00:00/01-05T00:00", "01-06T00:00/01-07T00:00"]
    assert corridor.codes(dated, timed, timezone="UTC") == ["end_before_start"] * 2


def test_both_ends_is_the_dtend(corridor: Any) -> None:
    """They "MUST NOT occur in the same eventprop"; a DURATION steps in for an unreadable DTEND."""
    lines = ["DTSTART:20270104T080000Z", "DURATION:PT15M", "DTEND:20270104T100000Z"]
    assert day(corridor, *lines) == ["01-04T08:00/10:00"]
    assert corridor.codes(corridor.event(*lines)) == ["end_twice"]
    assert day(corridor, *lines[:2], "DTEND:x") == ["01-04T08:00/08:15"]


@pytest.mark.parametrize(
    ("lines", "owed"),
    [
        # A DATE start becomes midnight where the end is (quirk Q069).
        (
            ("DTSTART;VALUE=DATE:20270104", "DTEND;TZID=America/Chicago:20270105T120000"),
            ["01-04T06:00/01-05T18:00"],
        ),
        (
            ("DTSTART;VALUE=DATE:20270104", "DTEND;TZID=America/Chicago:20270105T235900"),
            ["01-04T06:00/01-06T06:00"],
        ),
        # What would not last at all stays a day.
        (("DTSTART;VALUE=DATE:20270104", "DTEND:20270104T000000"), ["01-03T23:00/01-04T23:00"]),
        (("DTSTART;VALUE=DATE:20270104", "DTEND:20270103T120000"), ["01-03T23:00/01-04T23:00"]),
        # A DATE end is the midnight where the start is, or the end of the day that it starts on.
        (("DTSTART:20270104T080000Z", "DTEND;VALUE=DATE:20270106"), ["01-04T08:00/01-06T00:00"]),
        (("DTSTART:20270104T080000Z", "DTEND;VALUE=DATE:20270104"), ["01-04T08:00/01-05T00:00"]),
        (("DTSTART:20270104T000000Z", "DTEND;VALUE=DATE:20270104"), ["01-04T00:00/01-05T00:00"]),
    ],
)
def test_ends_of_the_other_type(corridor: Any, lines: tuple[str, ...], owed: list[str]) -> None:
    """Their types MUST be the same (3.8.2.2); where they are not, the reading that blocks."""
    assert day(corridor, *lines) == owed


def test_days_over_clock_changes_have_23_and_25_hours(corridor: Any) -> None:
    window = "2027-01-01/2028-01-01"
    spring = day(corridor, "DTSTART;VALUE=DATE:20270328", window=window)
    autumn = day(corridor, "DTSTART;VALUE=DATE:20271031", window=window)
    assert spring == ["03-27T23:00/03-28T22:00"]
    assert autumn == ["10-30T22:00/10-31T23:00"]


def test_a_day_whose_midnight_does_not_exist(corridor: Any) -> None:
    """In Santiago clocks go from 24:00 to 01:00; the day begins at one."""
    found = day(
        corridor,
        "DTSTART;VALUE=DATE:20270905",
        window="2027-09-01/2027-10-01",
        timezone="America/Santiago",
    )
    assert found == ["09-05T04:00/09-06T03:00"]


@pytest.mark.parametrize(
    ("head", "timezone", "owed"),
    [
        ([], "Asia/Tokyo", "01-03T15:00/01-04T15:00"),
        (["X-WR-TIMEZONE:Asia/Tokyo"], None, "01-03T15:00/01-04T15:00"),
        (["X-WR-TIMEZONE:Asia/Tokyo"], BERLIN, "01-03T23:00/01-04T23:00"),
        ([], None, "01-04T00:00/01-05T00:00"),
    ],
)
def test_whose_day_it_is(corridor: Any, head: list[str], timezone: str | None, owed: str) -> None:
    """The zone argument, else X-WR-TIMEZONE, else UTC (quirk Q061)."""
    assert day(corridor, "DTSTART;VALUE=DATE:20270104", head=head, timezone=timezone) == [owed]


def test_windows_are_half_open(corridor: Any) -> None:
    """What ends as the window begins, or begins as it ends, is not in it."""
    before = corridor.event("DTSTART:20261231T230000Z", "DTEND:20270101T000000Z", uid="a")
    after = corridor.event("DTSTART:20270201T000000Z", "DURATION:PT1H", uid="b")
    at_lo = corridor.event("DTSTART:20270101T000000Z", uid="c")
    at_hi = corridor.event("DTSTART:20270201T000000Z", uid="d")
    result = corridor.expand(before, after, at_lo, at_hi)
    assert [event.uid for event in result.events] == ["c"]


def test_an_event_in_progress_is_cut_to_the_window_and_listed_whole(corridor: Any) -> None:
    event = corridor.event("DTSTART:20260101T000000Z", "DTEND:20270102T000000Z")
    assert corridor.busy(event) == ["01-01T00:00/01-02T00:00"]
    assert corridor.expand(event).events[0].start.year == 2026


def test_a_missing_uid_is_made_up_from_the_content(corridor: Any) -> None:
    """Never one for two events; the same however the lines are folded and ended."""
    events = [
        corridor.event("DTSTART:20270104T080000Z", "DURATION:PT1H", f"SUMMARY:{n}", uid=None)
        for n in range(2)
    ]
    result = corridor.expand(*events)
    assert len({event.uid for event in result.events}) == 2
    lf = corridor.expand(corridor.body(*events).replace("\r\n", "\n"))
    assert lf.events == result.events


def test_without_a_readable_start_an_event_is_lost_and_told_of(corridor: Any) -> None:
    result = corridor.expand(corridor.event("SUMMARY:no start"))
    assert [(p.code, p.uid, p.line) for p in result.problems] == [("event_lost", "a", 3)]
    assert result.events == ()
    assert not result.empty


@pytest.mark.parametrize("kind", ["VTODO", "VJOURNAL", "X-COMP", "VALARM"])
def test_other_components_are_never_busy(corridor: Any, kind: str) -> None:
    other = (
        f"BEGIN:{kind}\r\nUID:t\r\nDTSTART:20270104T080000Z\r\nDUE:20270104T170000Z\r\nEND:{kind}"
    )
    assert corridor.busy(other) == []


@pytest.mark.parametrize(
    ("written", "private"),
    [("PUBLIC", False), ("", False), ("PRIVATE", True), ("confidential", True), ("X-OURS", True)],
)
def test_any_class_but_public_is_private(corridor: Any, written: str, private: bool) -> None:
    """3.8.1.3: "Applications MUST treat x-name and iana-token values they don't recognize the same
    way as they would the PRIVATE value". It never changes what is busy."""
    event = corridor.event(
        "DTSTART:20270104T080000Z",
        "DURATION:PT1H",
        f"CLASS:{written}",
        "SUMMARY:secret",
        "LOCATION:here",
    )
    (found,) = corridor.expand(event).events
    assert found.private is private
    assert found.summary == (None if private else "secret")
    assert found.location == (None if private else "here")
    assert corridor.busy(event) == ["01-04T08:00/09:00"]


def test_detail_busy_keeps_times_and_uids_only(corridor: Any) -> None:
    event = corridor.event("DTSTART:20270104T080000Z", "SUMMARY:secret", "LOCATION:here")
    (found,) = corridor.expand(event, detail="busy").events
    assert (found.uid, found.summary, found.location) == ("a", None, None)
    assert "secret" not in repr(corridor.expand(event).events[0])
