"""The recurrence set: RRULE, RDATE, EXDATE, EXRULE (RFC 5545 section 3.8.5, RFC 2445 4.8.5.2)."""

from __future__ import annotations

from typing import Any

import pytest

BERLIN = "TZID=Europe/Berlin"
START = f"DTSTART;{BERLIN}:20270104T090000"  # 08:00Z


def days(corridor: Any, *lines: str, hour: int = 8, **options: Any) -> list[int]:
    """The days of January on which there is an instance, and all of them at one hour."""
    result = corridor.expand(corridor.event(*lines), **options)
    assert {event.start.hour for event in result.events} <= {hour}
    return [event.start.day for event in result.events]


@pytest.mark.parametrize(
    "exdate",
    [
        f";{BERLIN}:20270106T090000",
        ";TZID=Asia/Tokyo:20270106T170000",
        ":20270106T080000Z",
        ":20270106T090000",
        ";VALUE=DATE:20270106",
        ":20270106",
        ";VALUE=PERIOD:20270106T080000Z/P1D",
    ],
)
def test_exdate_in_every_form(corridor: Any, exdate: str) -> None:
    """By instant; a DATE by the local day; a floating one in DTSTART's zone; of a period only the
    start (quirks Q080, Q081, Q095)."""
    found = days(corridor, START, "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=5", f"EXDATE{exdate}")
    assert found == [4, 5, 7, 8]


@pytest.mark.parametrize(
    "exdate",
    [
        ";VALUE=DATE:20270106",
        f";{BERLIN}:20270106T000000",
        ";TZID=W. Europe Standard Time:20270106T000000",
        ":20270106T000000",
        ":20270106T000000Z",
        ":20270105T230000Z",
    ],
)
def test_exdate_on_an_all_day_series(corridor: Any, exdate: str) -> None:
    """Exchange writes midnights; one day is removed, and it is the right one (quirk Q082)."""
    event = corridor.event(
        "DTSTART;VALUE=DATE:20270104", "RRULE:FREQ=DAILY;COUNT=5", f"EXDATE{exdate}"
    )
    events = corridor.expand(event, timezone="Europe/Berlin").events
    assert [found.first_day.day for found in events] == [4, 5, 7, 8]


def test_midnight_removes_nothing_from_a_timed_series(corridor: Any) -> None:
    lines = (START, "RRULE:FREQ=DAILY;COUNT=3", f"EXDATE;{BERLIN}:20270105T000000")
    assert days(corridor, *lines) == [4, 5, 6]


def test_lists_of_exdates_add_up(corridor: Any) -> None:
    lines = ("EXDATE:20270105T080000Z, 20270106T080000Z,", "EXDATE:20270107T080000Z")
    assert days(corridor, START, "RRULE:FREQ=DAILY;COUNT=5", *lines) == [4, 8]


def test_exdate_of_dtstart(corridor: Any) -> None:
    """It "can be used to exclude the value specified in DTSTART", which COUNT still counts."""
    lines = (START, "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20270104T080000Z")
    assert days(corridor, *lines) == [5, 6]


def test_exdate_takes_precedence_over_rdate(corridor: Any) -> None:
    lines = ("RDATE:20270110T080000Z,20270111T080000Z", "EXDATE:20270110T080000Z")
    assert days(corridor, START, *lines) == [4, 11]
    period = "RDATE;VALUE=PERIOD:20270110T080000Z/PT3H"
    assert days(corridor, START, period, "EXDATE:20270110T080000Z") == [4]
    assert days(corridor, START, period, "EXDATE;VALUE=DATE:20270110") == [4]


@pytest.mark.parametrize(
    "rdate",
    [
        f";{BERLIN}:20270110T090000",
        ":20270110T080000Z",
        ":20270110T090000",
        ";VALUE=DATE:20270110",
        ";TZID=America/New_York:20270110T030000",
        ";VALUE=PERIOD:20270110T080000Z/PT1H",
    ],
)
def test_rdate_in_every_form(corridor: Any, rdate: str) -> None:
    """A DATE is that day at DTSTART's time."""
    lines = ("DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2", f"RDATE{rdate}")
    assert days(corridor, START, *lines) == [4, 5, 10]


def test_rdate_on_an_all_day_series(corridor: Any) -> None:
    event = corridor.event(
        "DTSTART;VALUE=DATE:20270104",
        "RDATE;VALUE=DATE:20270106",
        "RDATE:20270108T000000Z,20270110T120000",
    )
    events = corridor.expand(event, timezone="Europe/Berlin").events
    assert [found.first_day.day for found in events] == [4, 6, 8, 10]


def test_duplicate_instances_are_one(corridor: Any) -> None:
    """ "only one recurrence is considered"; a PERIOD brings its own length to it."""
    lines = (START, "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2", "RDATE:20270105T080000Z")
    assert days(corridor, *lines, "RDATE;VALUE=DATE:20270104") == [4, 5]
    event = corridor.event(*lines, "RDATE;VALUE=PERIOD:20270105T080000Z/PT3H")
    assert corridor.busy(event) == ["01-04T08:00/09:00", "01-05T08:00/11:00"]


def test_an_unreadable_date_costs_no_other(corridor: Any) -> None:
    event = corridor.event(START, "RDATE:x,20270105T080000Z,20270230T080000Z")
    assert [found.start.day for found in corridor.expand(event).events] == [4, 5]
    assert corridor.codes(event) == ["bad_date", "bad_date"]


def test_several_rules_are_a_union_and_exrule_subtracts(corridor: Any) -> None:
    rules = ("RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=WEEKLY;COUNT=3")
    assert days(corridor, START, *rules) == [4, 5, 6, 11, 18]
    found = days(
        corridor, START, "RRULE:FREQ=DAILY;COUNT=10", "EXRULE:FREQ=WEEKLY;BYDAY=SA,SU", *rules[1:]
    )
    assert found == [4, 5, 6, 7, 8, 11, 12, 13, 18]
    found = days(corridor, START, "RDATE:20270109T080000Z", "EXRULE:FREQ=WEEKLY;BYDAY=SA")
    assert found == [4]


def test_dense_exrules(corridor: Any) -> None:
    """Every half hour, but not in the first half of each quarter of a day."""
    event = corridor.event(
        "DTSTART:20270104T000000Z",
        "DURATION:PT30M",
        "RRULE:FREQ=MINUTELY;INTERVAL=30;COUNT=48",
        "EXRULE:FREQ=MINUTELY;INTERVAL=30;BYHOUR=0,1,2,6,7,8,12,13,14,18,19,20",
    )
    assert corridor.busy(event) == [
        "01-04T03:00/06:00",
        "01-04T09:00/12:00",
        "01-04T15:00/18:00",
        "01-04T21:00/01-05T00:00",
    ]


# --- UNTIL ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "until", "last"),
    [
        # A DATE includes that local day (Q078); without "Z" it is DTSTART's zone (Q079).
        (START, "20270106", 6),
        (START, "20270106T090000", 6),
        (START, "20270106T085959", 5),
        (START, "20270106T080000Z", 6),
        (START, "20270106T075959Z", 5),
        ("DTSTART:20270104T080000Z", "20270106", 6),
        ("DTSTART:20270104T080000Z", "20270106T080000", 6),
        ("DTSTART:20270104T080000Z", "20270106T080000Z", 6),
        ("DTSTART:20270104T090000", "20270106T080000Z", 6),
        ("DTSTART:20270104T090000", "20270106T075959Z", 5),
        ("DTSTART:20270104T090000", "20270106", 6),
    ],
)
def test_until_of_every_kind_on_times(corridor: Any, start: str, until: str, last: int) -> None:
    lines = (start, f"RRULE:FREQ=DAILY;UNTIL={until}")
    assert days(corridor, *lines, timezone="Europe/Berlin")[-1] == last


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20270106", 6),
        ("20270106T000000", 6),
        ("20270106T220000", 6),
        ("20270106T000000Z", 6),
        ("20270106T225959Z", 6),
        ("20270106T230000Z", 7),
    ],
)
def test_until_of_every_kind_on_dates(corridor: Any, until: str, last: int) -> None:
    """A UTC value is the date that it is in the calendar's zone."""
    event = corridor.event("DTSTART;VALUE=DATE:20270104", f"RRULE:FREQ=DAILY;UNTIL={until}")
    events = corridor.expand(event, timezone="Europe/Berlin").events
    assert events[-1].first_day.day == last


def test_until_inside_a_fold(corridor: Any) -> None:
    """Between the two passes of 02:00 to 03:00 every start has happened in the first."""
    for until, count in (("20271031T003000Z", 2), ("20271031T013000Z", 2), ("20271031T001500Z", 1)):
        event = corridor.event(
            f"DTSTART;{BERLIN}:20271030T023000", f"RRULE:FREQ=DAILY;UNTIL={until}"
        )
        result = corridor.expand(event, window="2027-10-01/2027-12-01")
        assert len(result.events) == count, until


def test_until_before_dtstart_is_nothing(corridor: Any) -> None:
    """What other properties bring stays (quirk Q083)."""
    until = "RRULE:FREQ=DAILY;UNTIL=20270103T000000Z"
    assert days(corridor, START, until) == []
    assert days(corridor, START, until, "RDATE:20270110T080000Z") == [10]


# --- instances over clock changes --------------------------------------------------------------


def test_local_time_stays_across_a_clock_change(corridor: Any) -> None:
    """ "all the recurrence instances start at the same local time"; in UTC they stay in UTC."""
    window = "2027-03-20/2027-04-05"
    rule = "RRULE:FREQ=WEEKLY"
    local = corridor.expand(
        corridor.event(f"DTSTART;{BERLIN}:20270322T090000", rule), window=window
    )
    utc = corridor.expand(corridor.event("DTSTART:20270322T080000Z", rule), window=window)
    assert [event.start.hour for event in local.events] == [8, 7]
    assert [event.start.hour for event in utc.events] == [8, 8]


def test_dtend_is_exact_and_duration_is_nominal(corridor: Any) -> None:
    """With DTEND "the same exact duration will apply to all the members", with DURATION the same
    nominal one: a day "will have an exact duration of more or less than 24 hours"."""
    window = "2027-03-27/2027-03-29"
    start = f"DTSTART;{BERLIN}:20270327T000000"
    dtend = corridor.event(start, f"DTEND;{BERLIN}:20270328T000000", "RRULE:FREQ=DAILY;COUNT=2")
    duration = corridor.event(start, "DURATION:P1D", "RRULE:FREQ=DAILY;COUNT=2")
    lengths = [
        [(e.end - e.start).total_seconds() / 3600 for e in corridor.expand(v, window=window).events]
        for v in (dtend, duration)
    ]
    assert lengths == [[24, 24], [24, 23]]


def test_instances_in_a_gap_move_and_in_a_fold_come_once(corridor: Any) -> None:
    """3.3.5; 3.3.10 would drop those of the gap: blocking is the safe reading."""
    daily = "RRULE:FREQ=DAILY;COUNT=3"
    spring = corridor.event(f"DTSTART;{BERLIN}:20270327T023000", "DURATION:PT1H", daily)
    assert corridor.busy(spring, window="2027-03-01/2027-04-01") == [
        "03-27T01:30/02:30",
        "03-28T01:30/02:30",
        "03-29T00:30/01:30",
    ]
    autumn = corridor.event(f"DTSTART;{BERLIN}:20271030T023000", "DURATION:PT1H", daily)
    assert corridor.busy(autumn, window="2027-10-01/2027-12-01") == [
        "10-30T00:30/01:30",
        "10-31T00:30/01:30",
        "11-01T01:30/02:30",
    ]


# --- far and dense -----------------------------------------------------------------------------


def test_long_instances_reach_into_the_window_from_far_before(corridor: Any) -> None:
    yearly = corridor.event(
        "DTSTART:20200601T000000Z", "DURATION:P220D", "RRULE:FREQ=YEARLY;UNTIL=20260701T000000Z"
    )
    assert corridor.busy(yearly) == ["01-01T00:00/01-07T00:00"]
    period = corridor.event(
        "DTSTART:20200601T000000Z", "DURATION:PT1H", "RDATE;VALUE=PERIOD:20200101T000000Z/P2560D"
    )
    assert corridor.busy(period) == ["01-01T00:00/01-04T00:00"]


def test_every_second_for_ever(corridor: Any) -> None:
    """Instances that touch each other are one block, with the EXDATEs and overrides cut out."""
    event = corridor.event(
        "DTSTART:19700101T000000Z",
        "DURATION:PT1S",
        "RRULE:FREQ=SECONDLY",
        "EXDATE;VALUE=DATE:20270103",
        "EXDATE:20270105T120000Z",
    )
    gone = corridor.event(
        "RECURRENCE-ID:20270107T000000Z", "DTSTART:20270107T000000Z", "STATUS:CANCELLED"
    )
    result = corridor.expand(event, gone)
    assert result.complete
    assert corridor.busy(event, gone)[:2] == ["01-01T00:00/01-03T00:00", "01-04T00:00/01-05T12:00"]
    gaps = result.free_busy.free()
    assert [gap.duration.total_seconds() for gap in gaps] == [86_400, 1, 1]
    assert not result.events_complete


def test_blocks_over_a_clock_change(corridor: Any) -> None:
    """The second pass of a fold has no instances: local starts are the first pass."""
    event = corridor.event(
        f"DTSTART;{BERLIN}:20271030T000000", "DURATION:PT1M", "RRULE:FREQ=MINUTELY;COUNT=4320"
    )
    assert corridor.busy(event, window="2027-10-01/2027-12-01") == [
        "10-29T22:00/10-31T01:00",
        "10-31T02:00/11-01T23:00",
    ]


def test_a_rule_that_cannot_be_read_is_unknown_from_its_second_instance_on(corridor: Any) -> None:
    event = corridor.event(START, "DURATION:PT1H", "RRULE:FREQ=WEEKLY;BYDAY=XX")
    found = corridor.busy(event)
    assert found[0] == "01-04T08:00/09:00"
    assert found[1].endswith("02-01T00:00 unknown")
    free = corridor.event(START, "RRULE:FREQ=WEEKLY;BYDAY=XX", "TRANSP:TRANSPARENT")
    assert corridor.busy(free) == []
