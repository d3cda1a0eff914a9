"""DURATION and PERIOD values (RFC 5545 sections 3.3.6, 3.3.9)."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("written", "owed"),
    [
        ("PT1H", "01-04T08:00/09:00"),
        ("PT1H0M0S", "01-04T08:00/09:00"),
        ("PT15M", "01-04T08:00/08:15"),
        ("P15DT5H0M20S", "01-04T08:00/01-19T13:00"),
        ("P1W", "01-04T08:00/01-11T08:00"),
        ("+PT90M", "01-04T08:00/09:30"),
        ("pt1h", "01-04T08:00/09:00"),
        ("P1H", "01-04T08:00/09:00"),
        ("P1DT", "01-04T08:00/01-05T08:00"),
        ("P1W1D", "01-04T08:00/01-12T08:00"),
        ("PT3600S", "01-04T08:00/09:00"),
        ("-PT1H", "01-04T08:00/09:00"),
    ],
)
def test_lengths(corridor: Any, written: str, owed: str) -> None:
    """The grammar, and the spellings that leave no doubt (quirk Q071)."""
    event = corridor.event("DTSTART:20270104T080000Z", f"DURATION:{written}")
    assert corridor.busy(event) == [owed]


@pytest.mark.parametrize("written", ["PT", "P", "PT0S", "P0D", "P0W"])
def test_no_length_blocks_nothing_and_is_listed(corridor: Any, written: str) -> None:
    event = corridor.event("DTSTART:20270104T080000Z", f"DURATION:{written}")
    assert corridor.busy(event) == []
    assert len(corridor.expand(event).events) == 1


@pytest.mark.parametrize("written", ["", "1H", "PT1.5H", "P1Y", "PT1H30", "--PT1H", "P-1D", "PTXH"])
def test_an_unreadable_length_blocks_the_day(corridor: Any, written: str) -> None:
    """An event with a readable start and nothing else blocks its local day."""
    event = corridor.event(
        "DTSTART;TZID=Europe/Berlin:20270104T090000",
        f"DURATION:{written}",
        "X-MICROSOFT-CDO-BUSYSTATUS:OOF",
    )
    assert corridor.busy(event) == ["01-03T23:00/01-04T23:00 BUSY-UNAVAILABLE"]
    assert corridor.codes(event) == ["unreadable_end"]


def test_the_day_of_a_utc_time_is_the_owners(corridor: Any) -> None:
    event = corridor.event("DTSTART:20270104T160000Z", "DURATION:x")
    assert corridor.busy(event, timezone="Asia/Tokyo") == ["01-04T15:00/01-05T15:00"]


def test_an_unreadable_end_of_what_blocks_nothing(corridor: Any) -> None:
    event = corridor.event("DTSTART:20270104T080000Z", "DTEND:x", "TRANSP:TRANSPARENT")
    assert corridor.busy(event) == []


def test_days_are_nominal_and_hours_are_exact(corridor: Any) -> None:
    """ "the computation of the exact duration requires the subtraction or addition of the change of
    duration of the discontinuity": a day over the night of a clock change has 23 or 25 hours."""
    window = "2027-03-01/2027-12-01"
    spring, autumn = "20270327T120000", "20271030T120000"
    for length, start, owed in (
        ("P1D", spring, "03-27T11:00/03-28T10:00"),
        ("PT24H", spring, "03-27T11:00/03-28T11:00"),
        ("P1D", autumn, "10-30T10:00/10-31T11:00"),
        ("PT24H", autumn, "10-30T10:00/10-31T10:00"),
        ("P1DT1H", spring, "03-27T11:00/03-28T11:00"),
        ("P1W", autumn, "10-30T10:00/11-06T11:00"),
    ):
        event = corridor.event(f"DTSTART;TZID=Europe/Berlin:{start}", f"DURATION:{length}")
        assert corridor.busy(event, window=window) == [owed], (length, start)


def test_with_a_date_only_days_count(corridor: Any) -> None:
    """3.8.2.5: a DURATION beside a DATE "MUST be specified as a dur-day or dur-week value"; a part
    of a day blocks that day."""
    for written, last in (("P2D", "06"), ("P1W", "11"), ("PT1H", "05"), ("P1DT1H", "06")):
        event = corridor.event("DTSTART;VALUE=DATE:20270104", f"DURATION:{written}")
        owed = [f"01-04T00:00/01-{last}T00:00"]
        assert corridor.busy(event, timezone="UTC") == owed, written


@pytest.mark.parametrize(
    ("period", "owed"),
    [
        ("20270105T080000Z/20270105T100000Z", "01-05T08:00/10:00"),
        ("20270105T080000Z/PT3H", "01-05T08:00/11:00"),
        ("20270105T080000Z/-PT3H", "01-05T08:00/11:00"),
        ("20270105T080000Z/P1W", "01-05T08:00/01-12T08:00"),
        ("20270105T080000Z/", "01-05T08:00/08:30"),
        ("20270105T080000Z/x", "01-05T00:00/01-06T00:00"),
        ("20270105T080000Z/20270105T070000Z", "01-05T00:00/01-06T00:00"),
    ],
)
def test_periods(corridor: Any, period: str, owed: str) -> None:
    """A start and an end, or a start and a duration, or none and the event's own length; one that
    cannot be read, or an end before the start, blocks its day.
    """
    event = corridor.event(
        "DTSTART:20270104T080000Z", "DURATION:PT30M", f"RDATE;VALUE=PERIOD:{period}"
    )
    assert corridor.busy(event) == ["01-04T08:00/08:30", owed]
