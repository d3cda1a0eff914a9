"""RECURRENCE-ID: overrides, versions, RANGE (RFC 5545 sections 3.2.13, 3.8.4.4, 3.8.7.4)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

WEEK = "2027-01-04/2027-01-11"
MASTER = (
    "DTSTART;TZID=Europe/Berlin:20270104T093000",
    "DTEND;TZID=Europe/Berlin:20270104T100000",
    "RRULE:FREQ=DAILY;COUNT=4",
)
MOVED = ("DTSTART:20270105T180000Z", "DTEND:20270105T190000Z")
PLANNED = ["01-04T08:30/09:00", "01-05T08:30/09:00", "01-06T08:30/09:00", "01-07T08:30/09:00"]
WITHOUT_5 = [PLANNED[0], *PLANNED[2:]]


@pytest.mark.parametrize(
    "form",
    [
        ";TZID=Europe/Berlin:20270105T093000",
        ";TZID=W. Europe Standard Time:20270105T093000",
        ";TZID=America/New_York:20270105T033000",
        ":20270105T083000Z",
        ":20270105T093000",
        ";VALUE=DATE:20270105",
        ":20270105",
        ";TZID=Europe/Berlin:20270105T000000",
        ":20270105T000000",
        ":20270105T000000Z",
    ],
)
@pytest.mark.parametrize("moved", [MOVED, ("DTSTART;TZID=Asia/Tokyo:20270106T030000", MOVED[1])])
def test_an_override_matches_in_every_form(
    corridor: Any, form: str, moved: tuple[str, ...]
) -> None:
    """By instant whatever zone it is written in; a DATE or a midnight by the local day; a floating
    one in the master's zone, not in its own."""
    override = corridor.event(f"RECURRENCE-ID{form}", *moved)
    found = corridor.busy(corridor.event(*MASTER), override, window=WEEK)
    assert found == [PLANNED[0], "01-05T18:00/19:00", *PLANNED[2:]]


@pytest.mark.parametrize(
    "form",
    [
        ";VALUE=DATE:20270105",
        ":20270105T000000",
        ":20270105T000000Z",
        ":20270104T230000Z",
        ";TZID=Europe/Berlin:20270105T000000",
        ";TZID=America/New_York:20270105T000000",
        ":20270105T093000",
        ":20270105T093000Z",
        ":20270104T220000Z",
    ],
)
def test_any_form_names_the_day_of_an_all_day_series(corridor: Any, form: str) -> None:
    """One day, neither more nor less."""
    days = corridor.event("DTSTART;VALUE=DATE:20270104", "RRULE:FREQ=DAILY;COUNT=4")
    gone = corridor.event(f"RECURRENCE-ID{form}", "DTSTART:20270105", "STATUS:CANCELLED")
    found = corridor.busy(days, gone, window=WEEK, timezone="Europe/Berlin")
    assert found == ["01-04T00:00/23:00", "01-05T23:00/01-07T23:00"]


def test_midnight_in_utc_is_an_instant_where_it_can_be_one(corridor: Any) -> None:
    """19:00 in New York is 00:00Z: an exact match is not a day."""
    evening = corridor.event(
        "DTSTART;TZID=America/New_York:20270104T190000", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4"
    )
    gone = corridor.event(
        "RECURRENCE-ID:20270106T000000Z", "DTSTART:20270106T000000Z", "STATUS:CANCELLED"
    )
    found = corridor.busy(evening, gone, window=WEEK)
    assert found == ["01-05T00:00/01:00", "01-07T00:00/01:00", "01-08T00:00/01:00"]


def test_a_date_names_one_of_several_instances_of_a_day(corridor: Any) -> None:
    """The one at DTSTART's time: the others stay busy."""
    twice = corridor.event(
        "DTSTART:20270104T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;BYHOUR=8,15;COUNT=4"
    )
    gone = corridor.event(
        "RECURRENCE-ID;VALUE=DATE:20270105", "DTSTART:20270105T080000Z", "STATUS:CANCELLED"
    )
    found = corridor.busy(twice, gone, window=WEEK)
    assert found == ["01-04T08:00/09:00", "01-04T15:00/16:00", "01-05T15:00/16:00"]


def test_an_override_replaces_whole(corridor: Any) -> None:
    """Nothing is inherited but a missing end: not TRANSP, not SUMMARY, not CLASS."""
    master = corridor.event(*MASTER, "TRANSP:TRANSPARENT", "SUMMARY:m", "CLASS:PRIVATE")
    override = corridor.event(
        "RECURRENCE-ID:20270105T083000Z", "DTSTART:20270105T180000Z", "SUMMARY:o"
    )
    result = corridor.expand(master, override, window=WEEK)
    assert corridor.busy(master, override, window=WEEK) == ["01-05T18:00/18:30"]
    assert [e.summary for e in result.events] == [None, "o", None, None]


def test_overrides_moved_into_and_out_of_the_window(corridor: Any) -> None:
    """From years away and to years away; the instance is replaced "wherever it moved to"."""
    master = corridor.event("DTSTART:20200101T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY")
    there = corridor.event("RECURRENCE-ID:20270105T080000Z", "DTSTART:20290105T080000Z")
    here = corridor.event(
        "RECURRENCE-ID:20210105T080000Z", "DTSTART:20270106T120000Z", "DTEND:20270106T130000Z"
    )
    late = corridor.event(
        "RECURRENCE-ID:20280105T080000Z", "DTSTART:20270107T120000Z", "DTEND:20270107T130000Z"
    )
    found = corridor.busy(master, there, here, late, window="2027-01-05/2027-01-08")
    assert found == [
        "01-06T08:00/09:00",
        "01-06T12:00/13:00",
        "01-07T08:00/09:00",
        "01-07T12:00/13:00",
    ]


def test_without_a_master_and_without_an_instance_they_stand_alone(corridor: Any) -> None:
    lines = ("RECURRENCE-ID:20270105T080000Z", "DTSTART:20270106T080000Z", "DURATION:PT1H")
    assert corridor.busy(corridor.event(*lines)) == ["01-06T08:00/09:00"]
    stray = corridor.event("RECURRENCE-ID:20270107T120000Z", *lines[1:], "RRULE:FREQ=DAILY")
    master = corridor.event("DTSTART:20270104T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=1")
    assert corridor.busy(master, stray) == ["01-04T08:00/09:00", "01-06T08:00/09:00"]
    assert corridor.codes(master, stray) == ["rule_in_override"]


def test_an_unreadable_recurrence_id_is_an_event_of_its_own(corridor: Any) -> None:
    """It takes nothing from its series, and no other version takes it away."""
    master = corridor.event(*MASTER)
    strays = [
        corridor.event("RECURRENCE-ID:0000", f"DTSTART:2027010{day}T180000Z", "DURATION:PT1H", seq)
        for day, seq in ((5, "SEQUENCE:1"), (6, "SEQUENCE:2"))
    ]
    found = corridor.busy(master, *strays, window=WEEK)
    assert found == sorted([*PLANNED, "01-05T18:00/19:00", "01-06T18:00/19:00"])


def test_cancelled_instances_and_cancelled_masters(corridor: Any) -> None:
    """A cancelled override removes its instance; a cancelled master all but what is confirmed."""
    gone = corridor.event("RECURRENCE-ID:20270105T083000Z", MOVED[0], "STATUS:CANCELLED")
    assert corridor.busy(corridor.event(*MASTER), gone, window=WEEK) == WITHOUT_5
    kept = corridor.event("RECURRENCE-ID:20270105T083000Z", *MOVED)
    cancelled = corridor.event(*MASTER, "STATUS:CANCELLED")
    assert corridor.busy(cancelled, kept, window=WEEK) == ["01-05T18:00/19:00"]


# --- versions -------------------------------------------------------------------------------


def version(corridor: Any, hour: int, *lines: str) -> str:
    start = f"DTSTART:20270105T{hour:02d}0000Z"
    text: str = corridor.event("RECURRENCE-ID:20270105T083000Z", start, "DURATION:PT1H", *lines)
    return text


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        (("SEQUENCE:10",), ("SEQUENCE:9", "DTSTAMP:20270101T000000Z")),
        (("DTSTAMP:20270102T000000Z",), ("DTSTAMP:20270101T000000Z", "LAST-MODIFIED:20280101")),
        (("LAST-MODIFIED:20270102T000000Z",), ("LAST-MODIFIED:20270101T000000Z", "SUMMARY:z")),
        (("SUMMARY:b",), ("SUMMARY:a",)),
        (("SEQUENCE:1",), ("SEQUENCE:x",)),
    ],
)
def test_the_latest_version_of_an_override_counts(
    corridor: Any, winner: tuple[str, ...], loser: tuple[str, ...]
) -> None:
    """SEQUENCE, then DTSTAMP, then LAST-MODIFIED, then content; in whatever order they stand."""
    events = [
        corridor.event(*MASTER, "SEQUENCE:99"),
        version(corridor, 12, *winner),
        version(corridor, 12, *loser).replace("T120000Z", "T110000Z"),
    ]
    for order in permutations(events):
        assert "01-05T12:00/13:00" in corridor.busy(*order, window=WEEK)
        assert "01-05T11:00/12:00" not in corridor.busy(*order, window=WEEK)


def test_versions_meet_in_whatever_form_they_name_the_instance(corridor: Any) -> None:
    old = version(corridor, 12, "SEQUENCE:1")
    new = version(corridor, 15, "SEQUENCE:2").replace(
        "RECURRENCE-ID:20270105T083000Z", "RECURRENCE-ID;VALUE=DATE:20270105"
    )
    found = corridor.busy(corridor.event(*MASTER), old, new, window=WEEK)
    assert found == [PLANNED[0], "01-05T15:00/16:00", *PLANNED[2:]]


def test_of_two_single_events_the_higher_sequence_wins(corridor: Any) -> None:
    old = corridor.event("DTSTART:20270104T080000Z", "DURATION:PT1H", "SEQUENCE:0")
    new = corridor.event("DTSTART:20270105T080000Z", "DURATION:PT1H", "SEQUENCE:1")
    same = corridor.event("DTSTART:20270106T080000Z", "DURATION:PT1H", "SEQUENCE:1")
    assert corridor.busy(old, new) == corridor.busy(new, old) == ["01-05T08:00/09:00"]
    assert corridor.busy(new, same) == ["01-05T08:00/09:00", "01-06T08:00/09:00"]


def test_copies_of_a_series_are_one_and_different_series_are_several(corridor: Any) -> None:
    master = corridor.event(*MASTER)
    newer = corridor.event(*MASTER, "SEQUENCE:1", "TRANSP:TRANSPARENT")
    assert corridor.busy(master, newer, window=WEEK) == []
    other = corridor.event(
        "DTSTART:20270108T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2", "SEQUENCE:7"
    )
    found = corridor.busy(master, other, window=WEEK)
    assert found == [*PLANNED, "01-08T08:00/09:00", "01-09T08:00/09:00"]


def test_an_override_belongs_to_the_series_that_has_its_instance(corridor: Any) -> None:
    """Quirk Q088: several masters under one UID."""
    early = corridor.event(*MASTER)
    late = corridor.event(
        "DTSTART:20270108T080000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2", "SEQUENCE:7"
    )
    moved = corridor.event("RECURRENCE-ID:20270109T080000Z", "DTSTART:20270109T180000Z")
    override = corridor.event("RECURRENCE-ID:20270105T083000Z", *MOVED)
    found = corridor.busy(late, moved, override, early, window=WEEK)
    assert found == [
        PLANNED[0],
        "01-05T18:00/19:00",
        *PLANNED[2:],
        "01-08T08:00/09:00",
        "01-09T18:00/19:00",
    ]


# --- RANGE=THISANDFUTURE ----------------------------------------------------------------------


def future(corridor: Any, day: str, *lines: str) -> str:
    text: str = corridor.event(f"RECURRENCE-ID;RANGE=THISANDFUTURE:202701{day}T083000Z", *lines)
    return text


def test_this_and_future_moves_and_lengthens_what_follows(corridor: Any) -> None:
    """ "all subsequent instances are also rescheduled by the same time difference", and "are also
    modified to have this same duration"."""
    change = future(corridor, "06", "DTSTART:20270106T103000Z", "DURATION:PT2H")
    found = corridor.busy(corridor.event(*MASTER), change, window=WEEK)
    assert found == [*PLANNED[:2], "01-06T10:30/12:30", "01-07T10:30/12:30"]


def test_subsequent_is_by_recurrence_id_and_not_by_start(corridor: Any) -> None:
    """ "determined by their RECURRENCE-ID value and not their current scheduled start time"."""
    change = future(corridor, "05", "DTSTART:20270108T083000Z", "DURATION:PT30M")
    found = corridor.busy(corridor.event(*MASTER), change, window=WEEK)
    assert found == [
        PLANNED[0],
        "01-08T08:30/09:00",
        "01-09T08:30/09:00",
        "01-10T08:30/09:00",
    ]


def test_separate_components_are_not_impacted(corridor: Any) -> None:
    """ "Subsequent instances defined in separate components are not impacted"."""
    change = future(corridor, "05", "DTSTART:20270105T103000Z", "DURATION:PT1H")
    plain = corridor.event(
        "RECURRENCE-ID:20270106T083000Z", "DTSTART:20270106T200000Z", "DURATION:PT1H"
    )
    found = corridor.busy(corridor.event(*MASTER), change, plain, window=WEEK)
    assert found == [
        PLANNED[0],
        "01-05T10:30/11:30",
        "01-06T20:00/21:00",
        "01-07T10:30/11:30",
    ]


def test_several_ranges_each_from_its_own_instance_on(corridor: Any) -> None:
    first = future(corridor, "05", "DTSTART:20270105T103000Z", "DURATION:PT1H")
    second = future(corridor, "07", "DTSTART:20270107T073000Z", "DURATION:PT15M")
    for order in permutations([corridor.event(*MASTER), first, second]):
        assert corridor.busy(*order, window=WEEK) == [
            PLANNED[0],
            "01-05T10:30/11:30",
            "01-06T10:30/11:30",
            "01-07T07:30/07:45",
        ]


def test_a_cancelled_range_ends_the_series(corridor: Any) -> None:
    change = future(corridor, "06", "DTSTART:20270106T083000Z", "STATUS:CANCELLED")
    assert corridor.busy(corridor.event(*MASTER), change, window=WEEK) == PLANNED[:2]


def test_a_range_reaches_dates_and_periods_too(corridor: Any) -> None:
    """RDATEs are instances like any other, those with a length of their own too."""
    master = corridor.event(
        *MASTER,
        "RDATE;TZID=Europe/Berlin:20270108T150000",
        "RDATE;VALUE=PERIOD:20270109T140000Z/PT3H",
    )
    change = future(corridor, "06", "DTSTART:20270106T103000Z", "DURATION:PT1H")
    found = corridor.busy(master, change, window=WEEK)
    assert found[-2:] == ["01-08T16:00/17:00", "01-09T16:00/17:00"]
    ended = future(corridor, "06", "DTSTART:20270106T103000Z", "STATUS:CANCELLED")
    assert corridor.busy(master, ended, window=WEEK) == PLANNED[:2]


def test_a_range_keeps_local_time_across_a_clock_change(corridor: Any) -> None:
    """Both zones change on 28 March 2027 (Berlin) and 14 March (New York)."""
    master = corridor.event(
        "DTSTART;TZID=Europe/Berlin:20270301T090000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=6"
    )
    same = corridor.event(
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20270308T080000Z",
        "DTSTART;TZID=Europe/Berlin:20270308T110000",
        "DURATION:PT1H",
    )
    window = "2027-03-01/2027-05-01"
    hours = [event.start.hour for event in corridor.expand(master, same, window=window).events]
    assert hours == [8, 10, 10, 10, 9, 9]
    there = same.replace(
        "TZID=Europe/Berlin:20270308T110000", "TZID=America/New_York:20270308T110000"
    )
    hours = [event.start.hour for event in corridor.expand(master, there, window=window).events]
    assert hours == [8, 16, 15, 15, 15, 15]


def test_a_range_turns_days_into_times_and_back(corridor: Any) -> None:
    days = corridor.event("DTSTART;VALUE=DATE:20270104", "RRULE:FREQ=DAILY;COUNT=3")
    timed = corridor.event(
        "RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20270105",
        "DTSTART:20270105T140000Z",
        "DURATION:PT1H",
    )
    found = corridor.busy(days, timed, timezone="UTC")
    assert found == ["01-04T00:00/01-05T00:00", "01-05T14:00/15:00", "01-06T14:00/15:00"]
    whole = future(corridor, "06", "DTSTART;VALUE=DATE:20270106")
    found = corridor.busy(corridor.event(*MASTER), whole, window=WEEK, timezone="UTC")
    assert found == [*PLANNED[:2], "01-06T00:00/01-08T00:00"]


def test_a_range_moves_the_series_that_has_its_instance(corridor: Any) -> None:
    early = corridor.event(*MASTER)
    late = corridor.event(
        "DTSTART:20270105T120000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=2", "SEQUENCE:7"
    )
    change = future(corridor, "06", "DTSTART:20270106T103000Z", "DURATION:PT30M")
    found = corridor.busy(early, late, change, window=WEEK)
    assert found == [
        *PLANNED[:2],
        "01-05T12:00/13:00",
        "01-06T10:30/11:00",
        "01-06T12:00/13:00",
        "01-07T10:30/11:00",
    ]


def test_any_other_range_is_one_instance(corridor: Any) -> None:
    """THISANDPRIOR "MUST NOT be generated"."""
    prior = corridor.event("RECURRENCE-ID;RANGE=THISANDPRIOR:20270105T083000Z", *MOVED)
    found = corridor.busy(corridor.event(*MASTER), prior, window=WEEK)
    assert found == [PLANNED[0], "01-05T18:00/19:00", *PLANNED[2:]]
    assert corridor.codes(corridor.event(*MASTER), prior) == ["range_unknown"]


def test_recurrence_ids_are_given_in_the_terms_of_the_series(corridor: Any) -> None:
    """The instant, or for an all-day series the date, however the feed wrote it."""
    override = corridor.event("RECURRENCE-ID;VALUE=DATE:20270105", *MOVED)
    events = corridor.expand(corridor.event(*MASTER), override, window=WEEK).events
    assert [str(event.recurrence_id)[:16] for event in events] == [
        f"2027-01-0{day} 08:30" for day in (4, 5, 6, 7)
    ]
    days = corridor.event("DTSTART;VALUE=DATE:20270104", "RRULE:FREQ=DAILY;COUNT=2")
    gone = corridor.event("RECURRENCE-ID:20270105T000000Z", "DTSTART:20270105")
    events = corridor.expand(days, gone, timezone="Asia/Tokyo").events
    assert [str(event.recurrence_id) for event in events] == ["2027-01-04", "2027-01-05"]
