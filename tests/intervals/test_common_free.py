"""common_free by example: gaps, slots, hours, buffers and blocks."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from extcal.intervals import FBType, FreeBusy, Period, WorkingHours, common_free


def at(hour: int, minute: int = 0, day: int = 4) -> datetime:
    return datetime(2027, 1, day, hour, minute, tzinfo=UTC)


def minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


DAY = (at(0), at(0, day=5))
HOUR = minutes(60)
ADA = FreeBusy.from_periods(
    DAY, [(at(9), at(10)), (at(13), at(14), FBType.BUSY_TENTATIVE), (at(8), at(17), FBType(1))]
)
BOB = FreeBusy.from_periods(DAY, [(at(10), at(11, 30))], unknown=[(at(15), at(16))])
OFFICE = WorkingHours("MO-FR", "09:00", "17:00", "UTC")
NOBODY = FreeBusy.from_periods(DAY)


def test_gaps_are_maximal() -> None:
    """Each is as long as it can be, and at least as long as asked."""
    assert common_free([ADA, BOB], duration=HOUR, hours=OFFICE) == (
        Period(at(11, 30), at(13)),
        Period(at(14), at(15)),
        Period(at(16), at(17)),
    )
    assert common_free([ADA, BOB], HOUR + timedelta(seconds=1), hours=OFFICE) == (
        Period(at(11, 30), at(13)),
    )


def test_what_blocks_belongs_to_the_question() -> None:
    """Tentative time can be given away, working elsewhere can be kept."""
    tentative_is_free = {FBType.BUSY, FBType.BUSY_UNAVAILABLE}
    assert common_free([ADA, BOB], HOUR, hours=OFFICE, blocks=tentative_is_free)[0] == Period(
        at(11, 30), at(15)
    )
    everything = {*FBType} - {FBType.FREE}
    assert common_free([ADA, BOB], HOUR, hours=OFFICE, blocks=everything) == ()
    assert common_free([ADA], HOUR, blocks=()) == (Period(*DAY),)


def test_no_time_is_offered_outside_any_window() -> None:
    """Outside its own window a participant's time is unknown; disjoint windows share nothing."""
    short = FreeBusy.from_periods((at(14), at(0, day=9)))
    assert common_free([ADA, short], HOUR) == (Period(at(14), at(0, day=5)),)
    later = FreeBusy.from_periods((at(0, day=5), at(0, day=6)))
    assert common_free([NOBODY, later], HOUR) == ()
    assert common_free([NOBODY, later], HOUR, step=HOUR, hours=OFFICE) == ()


def test_buffer_keeps_its_distance_to_blocking_and_unknown_time() -> None:
    """Not to window edges, not to the edges of hours, not to what does not block."""
    assert common_free([ADA, BOB], minutes(40), hours=OFFICE, buffer=minutes(10)) == (
        Period(at(11, 40), at(12, 50)),
        Period(at(14, 10), at(14, 50)),
        Period(at(16, 10), at(17)),
    )
    assert common_free([NOBODY], HOUR, buffer=HOUR) == (Period(*DAY),)


def test_buffer_reaches_across_another_participants_window() -> None:
    """Ada's meeting ends where Bob's window begins; her buffer still counts."""
    bob = FreeBusy.from_periods((at(10), at(12)))
    assert common_free([ADA, bob], HOUR, buffer=minutes(30)) == (Period(at(10, 30), at(12)),)
    unsure = FreeBusy.from_periods(DAY, unknown=[(at(9), at(10)), (at(12), at(13))])
    assert common_free([unsure, bob], HOUR, buffer=minutes(30)) == (Period(at(10, 30), at(11, 30)),)


def test_slots_lie_on_the_step_and_may_overlap() -> None:
    """Exactly the duration each, starting on multiples of the step from local midnight."""
    found = common_free([ADA, BOB], minutes(45), hours=OFFICE, step=minutes(30))
    assert [(slot.start, slot.duration) for slot in found] == [
        (start, minutes(45)) for start in (at(11, 30), at(12), at(14), at(16))
    ]


def test_slots_start_within_a_gap_not_at_its_edge() -> None:
    """A gap from 11:40 has its first half-hourly start at 12:00."""
    found = common_free([ADA, BOB], minutes(30), hours=OFFICE, step=minutes(30), buffer=minutes(10))
    assert [slot.start for slot in found] == [at(12), at(16, 30)]


def test_a_step_that_does_not_divide_the_day_begins_anew_each_midnight() -> None:
    """Seven hours: 00:00, 07:00, 14:00, 21:00, and again 00:00; two days: every midnight."""
    two_days = FreeBusy.from_periods((at(0), at(0, day=6)))
    found = common_free([two_days], HOUR, step=timedelta(hours=7))
    assert [slot.start for slot in found] == [
        at(hour, day=day) for day in (4, 5) for hour in (0, 7, 14, 21)
    ]
    midnights = common_free([two_days], HOUR, step=timedelta(days=2))
    assert [slot.start for slot in midnights] == [at(0), at(0, day=5)]
    late = FreeBusy.from_periods((at(1), at(0, day=5)))
    assert common_free([late], HOUR, step=timedelta(days=1)) == ()


def test_slots_follow_the_zone_they_are_asked_for() -> None:
    """Whole hours in Kathmandu (+05:45) are quarter past in UTC."""
    found = common_free([NOBODY], HOUR, step=HOUR, timezone="Asia/Kathmandu")
    assert {slot.start.minute for slot in found} == {15}
    assert len(found) == 23
    by_object = common_free([NOBODY], HOUR, step=HOUR, timezone=ZoneInfo("Asia/Kathmandu"))
    assert by_object == found


def local_starts(first: datetime, zone: str, step: timedelta, hours: int = 24) -> list[str]:
    begin = first.astimezone(UTC)
    person = FreeBusy.from_periods((begin, begin + timedelta(hours=hours)))
    slots = common_free([person], minutes(5), step=step, timezone=zone)
    return [f"{slot.start.astimezone(ZoneInfo(zone)):%H:%M%z}" for slot in slots]


def test_europe_berlin_starts_on_the_day_clocks_go_forward() -> None:
    """02:00 is skipped, 10:00 stays a start, nothing comes twice."""
    midnight = datetime(2027, 3, 28, tzinfo=ZoneInfo("Europe/Berlin"))
    assert local_starts(midnight, "Europe/Berlin", timedelta(hours=2), hours=23) == [
        "00:00+0100",
        *(f"{hour:02}:00+0200" for hour in range(4, 24, 2)),
    ]


def test_america_new_york_starts_on_the_day_clocks_go_back() -> None:
    """01:00 comes twice, and both are starts; 10:00 stays one."""
    midnight = datetime(2027, 11, 7, tzinfo=ZoneInfo("America/New_York"))
    starts = local_starts(midnight, "America/New_York", timedelta(hours=1), hours=25)
    assert starts[:4] == ["00:00-0400", "01:00-0400", "01:00-0500", "02:00-0500"]
    assert "10:00-0500" in starts
    assert len(starts) == len(set(starts)) == 25


def test_australia_lord_howe_starts_after_half_an_hour_is_skipped() -> None:
    """02:00 jumps to 02:30, which is no full hour: the next start is 03:00."""
    midnight = datetime(2027, 10, 3, tzinfo=ZoneInfo("Australia/Lord_Howe"))
    starts = local_starts(midnight, "Australia/Lord_Howe", timedelta(hours=1), hours=4)
    assert starts == ["00:00+1030", "01:00+1030", "03:00+1100", "04:00+1100"]


def test_pacific_apia_skips_a_day_of_starts() -> None:
    """After 29 December 2011 comes the 31st."""
    noon = datetime(2011, 12, 29, 12, tzinfo=ZoneInfo("Pacific/Apia"))
    starts = local_starts(noon, "Pacific/Apia", timedelta(hours=6), hours=24)
    assert starts == ["12:00-1000", "18:00-1000", "00:00+1400", "06:00+1400"]


def test_a_long_window_crosses_many_changes() -> None:
    """Ten o'clock is a start on every day of three years."""
    zone = ZoneInfo("America/New_York")
    window = datetime(2027, 1, 1, tzinfo=zone), datetime(2030, 1, 1, tzinfo=zone)
    ten = WorkingHours("MO-SU", "10:00", "11:00", "America/New_York")
    person = FreeBusy.from_periods(window)
    found = common_free([person], HOUR, hours=ten, step=HOUR, timezone="America/New_York")
    assert len(found) == 3 * 365 + 1
    assert {slot.start.astimezone(zone).hour for slot in found} == {10}


def test_hours_are_one_or_one_each() -> None:
    """Everybody's own hours, None for who has none."""
    early = WorkingHours("MO", "08:00", "12:00", "UTC")
    late = WorkingHours("MO", "11:00", "17:00", "UTC")
    assert common_free([NOBODY, NOBODY], HOUR, hours=[early, late]) == (Period(at(11), at(12)),)
    assert common_free([NOBODY, NOBODY], HOUR, hours=(None, early)) == (Period(at(8), at(12)),)
    assert common_free([NOBODY, NOBODY], HOUR, hours=[None, None]) == (Period(*DAY),)
    with pytest.raises(ValueError, match="hours has 1 entries for 2 participants"):
        common_free([NOBODY, NOBODY], HOUR, hours=[early])
    with pytest.raises(TypeError, match="hours takes WorkingHours"):
        common_free([NOBODY], HOUR, hours=["MO-FR"])  # type: ignore[list-item]


def test_participants_are_any_iterable() -> None:
    """A generator will do; nobody at all is a ValueError."""
    assert common_free((person for person in [ADA, BOB]), HOUR) == common_free([BOB, ADA], HOUR)
    with pytest.raises(ValueError, match="common_free needs at least one FreeBusy"):
        common_free([], HOUR)
    with pytest.raises(TypeError, match="common_free takes several FreeBusy"):
        common_free(ADA, HOUR)  # type: ignore[arg-type]


def test_lengths_of_time_are_checked() -> None:
    """duration and step are positive, the buffer is not negative, and each is a timedelta."""
    nothing, less = timedelta(0), timedelta(seconds=-1)
    for wrong in (nothing, less):
        with pytest.raises(ValueError, match="duration must be positive"):
            common_free([ADA], wrong)
        with pytest.raises(ValueError, match="step must be positive"):
            common_free([ADA], HOUR, step=wrong)
    with pytest.raises(ValueError, match="buffer must not be negative"):
        common_free([ADA], HOUR, buffer=less)
    with pytest.raises(ValueError, match="step must be in whole seconds"):
        common_free([ADA], HOUR, step=timedelta(milliseconds=1500))
    with pytest.raises(TypeError, match="duration takes a timedelta, not int"):
        common_free([ADA], 60)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="buffer takes a timedelta"):
        common_free([ADA], HOUR, buffer=None)  # type: ignore[arg-type]


def test_the_zone_is_checked_also_where_it_does_not_matter() -> None:
    """A wrong name is a mistake whether or not there is a step."""
    with pytest.raises(ValueError, match="unknown time zone 'Mars'"):
        common_free([ADA], HOUR, timezone="Mars")
    with pytest.raises(TypeError, match="a time zone is an IANA name"):
        common_free([ADA], HOUR, timezone=None)  # type: ignore[arg-type]


def test_what_is_found_is_a_sequence_like_the_tuple() -> None:
    """Equal to the tuple of its slots and hashed like it; indexed, sliced, searched, reversed."""
    found = common_free([ADA, BOB], HOUR, hours=OFFICE)
    slots = (Period(at(11, 30), at(13)), Period(at(14), at(15)), Period(at(16), at(17)))
    assert isinstance(found, Sequence)
    assert found.slots == found.slots_for_all == slots
    assert found == slots
    assert slots == found
    assert found == common_free([ADA, BOB], HOUR, hours=[OFFICE, None])
    assert found != list(slots)
    assert hash(found) == hash(slots)
    assert (found[0], found[-1], found[1:], len(found)) == (slots[0], slots[2], slots[1:], 3)
    assert slots[1] in found
    assert tuple(reversed(found)) == slots[::-1]
    assert common_free([ADA], 99 * HOUR) == ()
    assert not common_free([ADA], 99 * HOUR)
    assert pickle.loads(pickle.dumps(found)).limited_by == ("1",)


def test_people_have_names_and_hours_by_name() -> None:
    """A mapping of people is taken, and limited_by says whose unknown time removed slots."""
    late = WorkingHours("MO-FR", "14:00", "20:00", "UTC")
    people = {"Ada": ADA, "Bob": BOB}
    assert common_free(people, HOUR, hours=OFFICE) == common_free([ADA, BOB], HOUR, hours=OFFICE)
    found = common_free(people, HOUR, hours={"Ada": OFFICE, "Bob": late})
    assert found == (Period(at(14), at(15)), Period(at(16), at(17)))
    assert found.limited_by == ("Bob",)
    assert common_free(people, HOUR, hours={"Bob": WorkingHours("MO", "9:00", "15:00", "UTC")})
    early = common_free(people, HOUR, hours=WorkingHours("MO", "08:00", "14:30", "UTC"))
    assert early.limited_by == ()
    near = common_free(
        people, minutes(30), hours=WorkingHours("MO", "12:00", "15:00", "UTC"), buffer=minutes(15)
    )
    assert near.limited_by == ("Bob",)
    with pytest.raises(ValueError, match=r"\['Eve'\]"):
        common_free(people, HOUR, hours={"Eve": OFFICE})
    with pytest.raises(ValueError, match="at least one"):
        common_free({}, HOUR)
    with pytest.raises(TypeError, match="several FreeBusy"):
        common_free({"Ada": None}, HOUR)  # type: ignore[dict-item]


@pytest.mark.parametrize("step", [None, minutes(30)])
def test_time_outside_a_window_limits_like_unknown_time(step: timedelta | None) -> None:
    """Bob's calendar ends on Monday, Ada's on Tuesday: his unknown Tuesday removes slots."""
    two_days = FreeBusy.from_periods((at(0), at(0, day=6)))
    people = {"Ada": two_days, "Bob": NOBODY}
    tuesday = WorkingHours("TU", "09:00", "17:00", "UTC")
    assert common_free(people, HOUR, step=step, hours=tuesday) == ()
    assert common_free(people, HOUR, step=step, hours=tuesday).limited_by == ("Bob",)
    assert common_free(people, HOUR, step=step, hours=OFFICE).limited_by == ("Bob",)
    monday = WorkingHours("MO", "09:00", "17:00", "UTC")
    assert common_free(people, HOUR, step=step, hours=monday).limited_by == ()


def test_a_window_of_all_years_costs_no_more_than_its_neighbour() -> None:
    """Hours are made day by day, for no more than a year around what all windows share."""
    always = FreeBusy.from_periods(
        (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    )
    assert common_free({"Ada": always, "Bob": NOBODY}, HOUR, hours=OFFICE) == (
        Period(at(9), at(17)),
    )
