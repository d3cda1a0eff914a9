"""Microsoft's busy status and all-day events (MS-OXCICAL sections 2.1.3.1.1.20)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

TIMES = ("DTSTART:20270104T080000Z", "DURATION:PT1H")
CDO, MSN = "X-MICROSOFT-CDO-BUSYSTATUS", "X-MICROSOFT-MSNCALENDAR-BUSYSTATUS"
INTENDED = "X-MICROSOFT-CDO-INTENDEDSTATUS"
MICROSOFT = ["PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN"]
EXCHANGE = ["PRODID:Microsoft Exchange Server 2010"]
OTHER = ["PRODID:-//Apple Inc.//macOS 14//EN"]


@pytest.mark.parametrize(
    ("head", "lines", "fbtype", "reason"),
    [
        (MICROSOFT, (f"{CDO}:FREE",), "FREE", f"{CDO}:FREE"),
        (MICROSOFT, (f"{CDO}:busy",), "BUSY", f"{CDO}:BUSY"),
        (MICROSOFT, (f"{CDO}:TENTATIVE",), "BUSY-TENTATIVE", f"{CDO}:TENTATIVE"),
        (MICROSOFT, (f"{CDO}:OOF",), "BUSY-UNAVAILABLE", f"{CDO}:OOF"),
        (MICROSOFT, (f"{CDO}:WORKINGELSEWHERE",), "WORKING-ELSEWHERE", f"{CDO}:WORKINGELSEWHERE"),
        (MICROSOFT, (f"{CDO}:NEWWORD",), "BUSY", f"{CDO}:NEWWORD"),
        (MICROSOFT, (f"{MSN}:OOF",), "BUSY-UNAVAILABLE", f"{MSN}:OOF"),
        (MICROSOFT, (f"{MSN}:OOF", f"{CDO}:FREE"), "FREE", f"{CDO}:FREE"),
        # In a Microsoft feed it wins over TRANSP; elsewhere it is free if either says so.
        (MICROSOFT, (f"{CDO}:BUSY", "TRANSP:TRANSPARENT"), "BUSY", f"{CDO}:BUSY"),
        (MICROSOFT, (f"{CDO}:FREE", "TRANSP:OPAQUE"), "FREE", f"{CDO}:FREE"),
        (OTHER, (f"{CDO}:BUSY", "TRANSP:TRANSPARENT"), "FREE", "TRANSP:TRANSPARENT"),
        (OTHER, (f"{CDO}:FREE", "TRANSP:OPAQUE"), "FREE", f"{CDO}:FREE"),
        (OTHER, (f"{CDO}:OOF", "TRANSP:OPAQUE"), "BUSY-UNAVAILABLE", f"{CDO}:OOF"),
        (OTHER, (f"{CDO}:WORKINGELSEWHERE", "TRANSP:TRANSPARENT"), "WORKING-ELSEWHERE",
         f"{CDO}:WORKINGELSEWHERE"),
        # It speaks before STATUS:TENTATIVE, and after STATUS:CANCELLED.
        (MICROSOFT, (f"{CDO}:BUSY", "STATUS:TENTATIVE"), "BUSY", f"{CDO}:BUSY"),
        (MICROSOFT, (f"{CDO}:TENTATIVE", "STATUS:CONFIRMED"), "BUSY-TENTATIVE", f"{CDO}:TENTATIVE"),
        (MICROSOFT, (f"{CDO}:OOF", "STATUS:CANCELLED"), None, None),
        # The organiser's wish, only where nothing else speaks (quirk Q115).
        (MICROSOFT, (f"{INTENDED}:FREE",), "FREE", f"{INTENDED}:FREE"),
        (MICROSOFT, (f"{INTENDED}:BUSY", "TRANSP:TRANSPARENT"), "FREE", "TRANSP:TRANSPARENT"),
        (MICROSOFT, (f"{INTENDED}:FREE", f"{CDO}:BUSY"), "BUSY", f"{CDO}:BUSY"),
        # An availability-only calendar of Exchange has no other word than its title (Q106).
        (EXCHANGE, ("SUMMARY:Free",), "FREE", "SUMMARY (availability only)"),
        (EXCHANGE, ("SUMMARY:Tentative",), "BUSY-TENTATIVE", "SUMMARY (availability only)"),
        (EXCHANGE, ("SUMMARY:Away",), "BUSY-UNAVAILABLE", "SUMMARY (availability only)"),
        (EXCHANGE, ("SUMMARY:Busy",), "BUSY", "default"),
        (EXCHANGE, ("SUMMARY:Free", "TRANSP:OPAQUE"), "BUSY", "TRANSP:OPAQUE"),
        (EXCHANGE, ("SUMMARY:Free lunch",), "BUSY", "default"),
        (MICROSOFT, ("SUMMARY:Free",), "BUSY", "default"),
        (OTHER, ("SUMMARY:Free",), "BUSY", "default"),
    ],
)  # fmt: skip
def test_busystatus(
    corridor: Any, head: list[str], lines: tuple[str, ...], fbtype: str | None, reason: str | None
) -> None:
    events = corridor.expand(corridor.event(*TIMES, *lines), head=head).events
    assert [(str(e.fbtype), e.reason) for e in events] == ([(fbtype, reason)] if fbtype else [])


# --- X-MICROSOFT-CDO-ALLDAYEVENT ----------------------------------------------------------------

FLAG = "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE"
BERLIN = "TZID=W. Europe Standard Time"


@pytest.mark.parametrize(
    ("start", "end", "owed"),
    [
        # Midnights of its own zone; of UTC, which mean dates of the owner; the owner's in UTC.
        (f";{BERLIN}:20270104T000000", f";{BERLIN}:20270105T000000", "01-03T23:00/01-04T23:00"),
        (":20270104T000000Z", ":20270105T000000Z", "01-03T23:00/01-04T23:00"),
        (":20270103T230000Z", ":20270104T230000Z", "01-03T23:00/01-04T23:00"),
        (":20270104T000000", ":20270105T000000", "01-03T23:00/01-04T23:00"),
        (":20270104T000000Z", ":20270104T000000Z", "01-03T23:00/01-04T23:00"),
    ],
)
def test_midnight_to_midnight_with_the_flag_is_a_day(
    corridor: Any, start: str, end: str, owed: str
) -> None:
    event = corridor.event(f"DTSTART{start}", f"DTEND{end}", FLAG)
    assert corridor.busy(event, timezone="Europe/Berlin") == [owed]
    (found,) = corridor.expand(event, timezone="Europe/Berlin").events
    assert (found.all_day, found.first_day, found.last_day) == (
        True,
        date(2027, 1, 4),
        date(2027, 1, 4),
    )


@pytest.mark.parametrize(
    "flag", [FLAG, "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT:true", "X-FUNAMBOL-ALLDAY:1"]
)
def test_every_name_of_the_flag(corridor: Any, flag: str) -> None:
    event = corridor.event("DTSTART:20270104T000000Z", "DTEND:20270105T000000Z", flag)
    assert corridor.expand(event).events[0].all_day


def test_without_the_flag_or_without_midnights_it_is_a_time(corridor: Any) -> None:
    for lines in (
        ("DTSTART:20270104T000000Z", "DTEND:20270105T000000Z"),
        ("DTSTART:20270104T000000Z", "DTEND:20270105T000000Z", FLAG.replace("TRUE", "FALSE")),
        ("DTSTART:20270104T080000Z", "DTEND:20270105T080000Z", FLAG),
    ):
        (found,) = corridor.expand(corridor.event(*lines), timezone="Asia/Tokyo").events
        assert not found.all_day
        assert found.start.hour in {0, 8}


def test_days_over_a_clock_change_are_whole_days(corridor: Any) -> None:
    """Every instance lasts from midnight to midnight, though the first had 24 hours."""
    event = corridor.event(
        f"DTSTART;{BERLIN}:20270327T000000",
        f"DTEND;{BERLIN}:20270328T000000",
        FLAG,
        "RRULE:FREQ=DAILY;COUNT=3",
    )
    found = corridor.expand(event, window="2027-03-01/2027-04-01").events
    assert [(e.end - e.start).total_seconds() / 3600 for e in found] == [24, 23, 24]


@pytest.mark.parametrize(
    "exdate",
    ["20270105T000000Z", "20270104T230000Z", "20270105T000000", "20270105"],
)
def test_exdates_and_overrides_of_utc_midnights(corridor: Any, exdate: str) -> None:
    """The series became dates of the owner; what names its instances is read so too."""
    lines = ("DTSTART:20270104T000000Z", "DTEND:20270105T000000Z", FLAG, "RRULE:FREQ=DAILY;COUNT=3")
    owed = ["01-03T23:00/01-04T23:00", "01-05T23:00/01-06T23:00"]
    series = corridor.event(*lines, f"EXDATE:{exdate}")
    assert corridor.busy(series, timezone="Europe/Berlin") == owed
    gone = corridor.event(f"RECURRENCE-ID:{exdate}", "DTSTART:20270105", "STATUS:CANCELLED")
    assert corridor.busy(corridor.event(*lines), gone, timezone="Europe/Berlin") == owed
