"""DATE, DATE-TIME and TIME values (RFC 5545 sections 3.3.4, 3.3.5, 3.3.12)."""

from __future__ import annotations

from typing import Any

import pytest


def hour(corridor: Any, start: str, **options: Any) -> list[str]:
    found: list[str] = corridor.busy(corridor.event(start, "DURATION:PT1H"), **options)
    return found


@pytest.mark.parametrize(
    "written",
    [
        "20270104T080000Z",
        "20270104t080000z",
        " 20270104T080000Z ",
        "20270104T0800Z",
        "20270104T08Z",
        "20270104T080000.123Z",
        "2027-01-04T08:00:00Z",
        "2027-01-04 08:00Z",
        "20270104T080000 Z",
        "20270104T090000+0100",
        "20270104T033000-04:30",
        "20270104T090000+01",
    ],
)
def test_one_instant_in_every_spelling(corridor: Any, written: str) -> None:
    assert hour(corridor, f"DTSTART:{written}") == ["01-04T08:00/09:00"]


@pytest.mark.parametrize(
    "written", ["20270104", "20270104Z", "20270104T", "2027-01-04", ";VALUE=DATE:20270104T000000"]
)
def test_eight_digits_are_a_date(corridor: Any, written: str) -> None:
    """Whatever the VALUE parameter says (quirks Q063, Q064)."""
    colon = "" if written.startswith(";") else ":"
    result = corridor.expand(corridor.event(f"DTSTART{colon}{written}"), timezone="UTC")
    assert [event.all_day for event in result.events] == [True]


def test_value_date_with_a_time_is_a_time(corridor: Any) -> None:
    start = "DTSTART;VALUE=DATE:20270104T150000Z"
    assert hour(corridor, start) == ["01-04T15:00/16:00"]


@pytest.mark.parametrize(
    "written",
    ["20270230T080000Z", "00000101T080000Z", "20271301", "202701041T080000Z", "2027014T080000Z"],
)
def test_what_is_no_date_loses_its_event_and_says_so(corridor: Any, written: str) -> None:
    other = corridor.event("DTSTART:20270104T080000Z", "DURATION:PT1H", uid="b")
    both = (corridor.event(f"DTSTART:{written}", "DURATION:PT1H"), other)
    assert corridor.busy(*both) == ["01-04T08:00/09:00"]
    assert corridor.codes(*both) == ["event_lost"]


def test_24_00_is_the_next_midnight_and_second_60_is_59(corridor: Any) -> None:
    """Section 3.3.12: "interpret the second 60 as equivalent to the second 59"."""
    assert hour(corridor, "DTSTART:20270104T240000Z") == ["01-05T00:00/01:00"]
    event = corridor.event("DTSTART:20270104T080000Z", "DTEND:20270104T085960Z")
    (period,) = corridor.expand(event).free_busy.periods
    assert (period.end.minute, period.end.second) == (59, 59)


def test_form_1_floating(corridor: Any) -> None:
    """The caller's zone, else X-WR-TIMEZONE, else UTC with a Problem that advises the argument."""
    start = "DTSTART:20270104T090000"
    assert hour(corridor, start, timezone="Asia/Tokyo") == ["01-04T00:00/01:00"]
    head = ["X-WR-TIMEZONE:Europe/Berlin"]
    assert hour(corridor, start, head=head) == ["01-04T08:00/09:00"]
    assert hour(corridor, start, head=head, timezone="Asia/Tokyo") == ["01-04T00:00/01:00"]
    assert hour(corridor, start) == ["01-04T09:00/10:00"]
    assert corridor.codes(corridor.event(start)) == ["floating_assumed"]


def test_form_2_z_beats_a_tzid(corridor: Any) -> None:
    """TZID "MUST NOT be applied to DATE-TIME properties whose time values are in UTC"."""
    assert hour(corridor, "DTSTART;TZID=Asia/Tokyo:20270104T080000Z") == ["01-04T08:00/09:00"]


def test_a_local_time_that_occurs_twice_is_the_first(corridor: Any) -> None:
    """ "the DATE-TIME value refers to the first occurrence of the referenced time": 20071104T013000
    in New York "indicates November 4, 2007 at 1:30 A.M. EDT (UTC-04:00)"."""
    start = "DTSTART;TZID=America/New_York:20071104T013000"
    assert hour(corridor, start, window="2007-11-01/2007-12-01") == ["11-04T05:30/06:30"]


def test_a_local_time_that_does_not_occur_moves_forward(corridor: Any) -> None:
    """ "interpreted using the UTC offset before the gap": 20070311T023000 in New York "indicates
    March 11, 2007 at 3:30 A.M. EDT"."""
    start = "DTSTART;TZID=America/New_York:20070311T023000"
    assert hour(corridor, start, window="2007-03-01/2007-04-01") == ["03-11T07:30/08:30"]


@pytest.mark.parametrize(
    ("start", "end", "owed"),
    [
        # Berlin: 02:00 to 03:00 does not exist on 28 March 2027, and exists twice on 31 October.
        ("20270328T013000", "20270328T033000", "03-28T00:30/01:30"),
        ("20270328T023000", "20270328T031500", "03-28T01:30/02:15"),
        ("20270328T020000", "20270328T030000", "03-28T01:00/02:00"),
        ("20270328T023000", "20270328T040000", "03-28T01:30/02:00"),
        ("20270328T013000", "20270328T023000", "03-28T00:30/01:30"),
        ("20271031T013000", "20271031T033000", "10-30T23:30/10-31T02:30"),
        ("20271031T023000", "20271031T024500", "10-31T00:30/00:45"),
        ("20271031T023000", "20271031T030000", "10-31T00:30/02:00"),
    ],
)
def test_ends_in_gaps_and_folds(corridor: Any, start: str, end: str, owed: str) -> None:
    """Each end by itself (3.3.5); where only the gap inverts the interval, its nominal length."""
    zone = "TZID=Europe/Berlin"
    event = corridor.event(f"DTSTART;{zone}:{start}", f"DTEND;{zone}:{end}")
    assert corridor.busy(event, window="2027-01-01/2028-01-01") == [owed]


def test_an_end_in_another_zone(corridor: Any) -> None:
    """A flight (quirk Q057)."""
    event = corridor.event(
        "DTSTART;TZID=Europe/Berlin:20270104T100000", "DTEND;TZID=America/New_York:20270104T130000"
    )
    assert corridor.busy(event) == ["01-04T09:00/18:00"]


@pytest.mark.parametrize(
    ("lines", "owed"),
    [
        (("DTSTART:00010101T000000Z", "DTEND:99991231T235959Z"), ["01-01T00:00/02-01T00:00"]),
        (("DTSTART:16010101T000000", "DTEND:99991231T235959"), ["01-01T00:00/02-01T00:00"]),
        (("DTSTART;VALUE=DATE:00010101", "DTEND;VALUE=DATE:99991231"), ["01-01T00:00/02-01T00:00"]),
        (("DTSTART:20260101T000000Z", "DURATION:P9999999999W"), ["01-01T00:00/02-01T00:00"]),
        (("DTSTART:99991231T235959Z", "DURATION:P1D"), []),
        (("DTSTART;VALUE=DATE:99991231", "RRULE:FREQ=DAILY"), []),
        (("DTSTART:00010115T120000", "DURATION:PT1H", "RRULE:FREQ=YEARLY"), ["01-15T12:00/13:00"]),
        (("DTSTART;VALUE=DATE:18991230", "RRULE:FREQ=YEARLY"), []),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT-14", "Etc/GMT+12"])
def test_years_1_to_9999(corridor: Any, lines: tuple[str, ...], owed: list[str], zone: str) -> None:
    """No year that can be written is an error, and "for ever" blocks for ever."""
    found = corridor.busy(corridor.event(*lines), timezone=zone)
    if zone == "UTC" or len(owed) == 0 or owed[0].endswith("02-01T00:00"):
        assert found == owed
    assert len(found) == len(owed)


@pytest.mark.parametrize("window", ["0001-01-01/0002-01-01", "9998-01-01/9999-12-31"])
def test_windows_at_the_ends_of_time(corridor: Any, window: str) -> None:
    """Feeds are read from 1900 to 2200; beyond that nothing is known, and nothing overflows."""
    event = corridor.event("DTSTART;VALUE=DATE:00010101", "RRULE:FREQ=DAILY")
    last = corridor.event("DTSTART;VALUE=DATE:99991230", "DTEND;VALUE=DATE:99991231", uid="b")
    for zone in ("Etc/GMT-14", "Etc/GMT+12"):
        result = corridor.expand(event, last, window=window, timezone=zone)
        assert result.free_busy.unknown == (result.free_busy.window,)
        assert not result.complete
        assert "years" in {problem.code for problem in result.problems}
