"""WorkingHours by example: days, times, zones, and the days when clocks change."""

from __future__ import annotations

import dataclasses
import io
import pickle
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from extcal.intervals import Period, WorkingHours, epoch
from extcal.intervals.instants import find_zone
from extcal.intervals.wallclock import WallClock

BERLIN = "Europe/Berlin"
OFFICE = WorkingHours("MO-FR", "09:00", "17:00", BERLIN)


def local(hours: WorkingHours, first: str, last: str, zone: str = BERLIN) -> list[str]:
    """Return the hours between two local days as ``"MO 04 09:00+0100 > MO 04 17:00+0100"``."""
    place = ZoneInfo(zone)
    start = datetime.fromisoformat(first).replace(tzinfo=place)
    end = datetime.fromisoformat(last).replace(tzinfo=place)
    return [
        f"{period.start.astimezone(place):%d %H:%M%z} > {period.end.astimezone(place):%d %H:%M%z}"
        for period in hours.periods(start, end)
    ]


def test_a_week_in_the_office() -> None:
    """Five days, by the local clock."""
    week = local(OFFICE, "2027-01-04", "2027-01-11")
    assert week == [f"{day:02} 09:00+0100 > {day:02} 17:00+0100" for day in range(4, 9)]


def test_hours_are_clipped_to_what_is_asked() -> None:
    """A window that begins or ends within the hours gets its part of them."""
    noon = datetime(2027, 1, 4, 11, tzinfo=UTC)
    assert OFFICE.periods(noon, noon + timedelta(days=1)) == (
        Period(noon, datetime(2027, 1, 4, 16, tzinfo=UTC)),
        Period(datetime(2027, 1, 5, 8, tzinfo=UTC), noon + timedelta(days=1)),
    )
    assert OFFICE.periods(noon, noon + timedelta(seconds=1)) == (
        Period(noon, noon + timedelta(seconds=1)),
    )
    night = datetime(2027, 1, 4, 20, tzinfo=UTC)
    assert OFFICE.periods(night, night + timedelta(hours=1)) == ()
    assert OFFICE.epochs(epoch(noon), epoch(noon) + 60) == [(epoch(noon), epoch(noon) + 60)]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("MO", "MO"),
        ("mo-fr", "MO-FR"),
        (" MO , WE,FR ", "MO,WE,FR"),
        ("FR-MO", "FR-MO"),
        ("SU-MO", "SU,MO"),
        ("MO-MO", "MO"),
        ("TU - TH,SA", "TU-TH,SA"),
        ("MO,TU,WE,TH,FR,SA,SU", "MO-SU"),
        ("WE-TU", "MO-SU"),
        ("SA,MO,SU,WE", "SA-MO,WE"),
        ("MO,TU", "MO,TU"),
    ],
)
def test_days(days: str, expected: str) -> None:
    """Lists, ranges and ranges over the weekend, in any case; the repr writes them back."""
    hours = WorkingHours(days, "09:00", "17:00", BERLIN)
    assert repr(hours) == f"WorkingHours('{expected}', '09:00', '17:00', '{BERLIN}')"
    assert hours == WorkingHours(expected, "09:00", "17:00", BERLIN)


@pytest.mark.parametrize(
    ("days", "bad"),
    [
        ("FO", "FO"),
        ("MO-", ""),
        ("", ""),
        ("MO,,TU", ""),
        ("MOND-FRIY", "FRIY"),
        ("MO-WE-FR", "WE-FR"),
    ],
)
def test_unknown_days(days: str, bad: str) -> None:
    """The message names the day, and the days there are."""
    with pytest.raises(ValueError, match=rf"unknown day '{bad}' in '{days}': days are MO, TU, WE,"):
        WorkingHours(days, "09:00", "17:00", BERLIN)


@pytest.mark.parametrize(
    "time", ["9", "0900", "25:00", "24:01", "09:60", "09:00:60", "nine", "٠٩:٠٠"]
)
def test_bad_times(time: str) -> None:
    """The message names the argument and shows the form."""
    with pytest.raises(ValueError, match=f"start is a time .* written 'HH:MM', not '{time}'"):
        WorkingHours("MO", time, "17:00", BERLIN)
    with pytest.raises(ValueError, match="end is a time from '00:00' to '24:00'"):
        WorkingHours("MO", "08:00", time, BERLIN)


def test_hours_have_a_length() -> None:
    """Equal times are ambiguous, and 24:00 begins nothing."""
    with pytest.raises(ValueError, match="a whole day is '00:00' to '24:00'"):
        WorkingHours("MO", "00:00", "00:00", BERLIN)
    with pytest.raises(ValueError, match="start them at '00:00' of the next day"):
        WorkingHours("MO", "24:00", "06:00", BERLIN)


@pytest.mark.parametrize(
    "name",
    [
        "Europe/Berln",
        "",
        "Europe",
        "/etc/localtime",
        "../x",
        "localtime",
        "posixrules",
        "W. Europe\0",
    ],
)
def test_unknown_zones(name: str) -> None:
    """A ValueError with an example; never the machine's own zone, whatever it is called."""
    with pytest.raises(ValueError, match=r"unknown time zone .*pass an IANA name such as"):
        WorkingHours("MO", "09:00", "17:00", name)


def test_wrong_types() -> None:
    """Text is text, and None is no zone."""
    with pytest.raises(TypeError, match="days takes text such as 'MO-FR'"):
        WorkingHours(5, "09:00", "17:00", BERLIN)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="end takes text such as '09:00', not 17"):
        WorkingHours("MO", "09:00", 17, BERLIN)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a time zone is an IANA name"):
        WorkingHours("MO", "09:00", "17:00", None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="pass an aware datetime"):
        OFFICE.periods(datetime(2027, 1, 4), datetime(2027, 1, 5, tzinfo=UTC))
    with pytest.raises(TypeError):
        OFFICE | "MO"  # type: ignore[operator]


def test_a_whole_day_runs_on_into_the_next() -> None:
    """ "24:00" is the end of the day, and "00:00" says the same; adjacent days are one period."""
    whole = WorkingHours("MO-TU", "00:00", "24:00", BERLIN)
    assert local(whole, "2027-01-04", "2027-01-11") == ["04 00:00+0100 > 06 00:00+0100"]
    evening = WorkingHours("MO", "18:00", "24:00", BERLIN)
    assert local(evening, "2027-01-04", "2027-01-06") == ["04 18:00+0100 > 05 00:00+0100"]
    assert local(WorkingHours("MO", "18:00", "00:00", BERLIN), "2027-01-04", "2027-01-06") == [
        "04 18:00+0100 > 05 00:00+0100"
    ]
    always = WorkingHours("MO-SU", "00:00", "24:00", "America/New_York")
    year = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    assert always.periods(*year) == (Period(*year),)


def test_overnight_hours_belong_to_the_day_they_start_on() -> None:
    """22:00-06:00 on Friday ends on Saturday, also for a window that begins in between."""
    night = WorkingHours("FR", "22:00", "06:00", BERLIN)
    assert local(night, "2027-01-04", "2027-01-11") == ["08 22:00+0100 > 09 06:00+0100"]
    assert local(night, "2027-01-09", "2027-01-10") == ["09 00:00+0100 > 09 06:00+0100"]
    assert repr(night) == f"WorkingHours('FR', '22:00', '06:00', '{BERLIN}')"


def test_hours_of_several_zones_join() -> None:
    """The union of both, each by its own clock."""
    both = WorkingHours("MO", "09:00", "12:00", BERLIN) | WorkingHours(
        "MO", "09:00", "10:00", "America/New_York"
    )
    assert local(both, "2027-01-04", "2027-01-05") == [
        "04 09:00+0100 > 04 12:00+0100",
        "04 15:00+0100 > 04 16:00+0100",
    ]
    assert repr(both) == (
        "WorkingHours('MO', '09:00', '10:00', 'America/New_York')"
        " | WorkingHours('MO', '09:00', '12:00', 'Europe/Berlin')"
    )


def test_joined_days_become_one() -> None:
    """Hours that differ by their days alone are one entry; overlapping hours are merged."""
    split = WorkingHours("MO-WE", "09:00", "17:00", BERLIN) | WorkingHours(
        "WE-FR", "09:00", "17:00", ZoneInfo(BERLIN)
    )
    assert split == OFFICE
    assert hash(split) == hash(OFFICE)
    lunch = WorkingHours("MO", "09:00", "13:00", BERLIN) | WorkingHours(
        "MO", "12:00:30", "17:00", BERLIN
    )
    assert "'12:00:30'" in repr(lunch)
    assert local(lunch, "2027-01-04", "2027-01-05") == ["04 09:00+0100 > 04 17:00+0100"]


# -- the days when clocks change ------------------------------------------------------------------


def test_europe_berlin_keeps_nine_to_five() -> None:
    """09:00 stays 09:00 on both sides of a change, and on the day itself."""
    week = WorkingHours("SA-MO", "09:00", "17:00", BERLIN)
    assert local(week, "2027-03-27", "2027-03-30") == [
        "27 09:00+0100 > 27 17:00+0100",
        "28 09:00+0200 > 28 17:00+0200",
        "29 09:00+0200 > 29 17:00+0200",
    ]
    assert local(week, "2027-10-30", "2027-11-02") == [
        "30 09:00+0200 > 30 17:00+0200",
        "31 09:00+0100 > 31 17:00+0100",
        "01 09:00+0100 > 01 17:00+0100",
    ]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("00:00", "24:00", ["28 00:00+0100 > 29 00:00+0200"]),
        ("02:30", "10:00", ["28 03:00+0200 > 28 10:00+0200"]),
        ("00:00", "02:30", ["28 00:00+0100 > 28 03:00+0200"]),
        ("02:15", "03:15", ["28 03:00+0200 > 28 03:15+0200"]),
        ("02:00", "03:00", []),
        ("02:15", "02:45", []),
    ],
)
def test_europe_berlin_skips_an_hour(start: str, end: str, expected: list[str]) -> None:
    """A skipped time moves forward to the end of the gap; hours within the gap do not exist."""
    hours = WorkingHours("SU", start, end, BERLIN)
    assert local(hours, "2027-03-28", "2027-03-29") == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("00:00", "24:00", ["31 00:00+0200 > 01 00:00+0100"]),
        ("02:30", "10:00", ["31 02:30+0200 > 31 10:00+0100"]),
        ("00:00", "02:30", ["31 00:00+0200 > 31 02:30+0200"]),
        ("02:15", "02:45", ["31 02:15+0200 > 31 02:45+0200"]),
        ("02:00", "03:00", ["31 02:00+0200 > 31 03:00+0100"]),
    ],
)
def test_europe_berlin_repeats_an_hour(start: str, end: str, expected: list[str]) -> None:
    """A time that comes twice is its first pass, for starts and for ends."""
    hours = WorkingHours("SU", start, end, BERLIN)
    assert local(hours, "2027-10-31", "2027-11-01") == expected


def test_a_window_that_begins_in_the_second_pass() -> None:
    """Hours that ended in the first pass do not come back in the second."""
    hours = WorkingHours("SU", "02:15", "02:45", BERLIN)
    second_pass = datetime(2027, 10, 31, 1, 0, tzinfo=UTC)
    assert hours.periods(second_pass, second_pass + timedelta(hours=1)) == ()


def test_america_new_york_overnight() -> None:
    """A night shift is an hour shorter in spring and an hour longer in autumn."""
    night = WorkingHours("SA", "22:00", "06:00", "America/New_York")
    spring = night.periods(datetime(2027, 3, 13, tzinfo=UTC), datetime(2027, 3, 16, tzinfo=UTC))
    autumn = night.periods(datetime(2027, 11, 6, tzinfo=UTC), datetime(2027, 11, 9, tzinfo=UTC))
    assert [period.duration for period in spring] == [timedelta(hours=7)]
    assert [period.duration for period in autumn] == [timedelta(hours=9)]


def test_australia_lord_howe_changes_by_half_an_hour() -> None:
    """The gap is 02:00-02:30, the fold 01:30-02:00."""
    zone = "Australia/Lord_Howe"
    early = WorkingHours("SU", "02:15", "09:00", zone)
    assert local(early, "2027-10-03", "2027-10-04", zone) == ["03 02:30+1100 > 03 09:00+1100"]
    late = WorkingHours("SU", "01:45", "09:00", zone)
    assert local(late, "2027-04-04", "2027-04-05", zone) == ["04 01:45+1100 > 04 09:00+1030"]


def test_pacific_apia_skips_a_friday() -> None:
    """There was no 30 December 2011 in Samoa: Friday's hours do not move to Saturday."""
    zone = "Pacific/Apia"
    hours = WorkingHours("MO-FR", "09:00", "17:00", zone)
    assert local(hours, "2011-12-29", "2012-01-03", zone) == [
        "29 09:00-1000 > 29 17:00-1000",
        "02 09:00+1400 > 02 17:00+1400",
    ]
    night = WorkingHours("TH", "22:00", "06:00", zone)
    assert local(night, "2011-12-29", "2012-01-01", zone) == ["29 22:00-1000 > 31 00:00+1400"]


def test_a_zone_that_changes_twice_within_a_week() -> None:
    """Boa Vista tried summer time for seven days in October 2000."""
    zone = "America/Boa_Vista"
    hours = WorkingHours("MO-SU", "09:00", "10:00", zone)
    for before in range(14):
        first = datetime(2000, 10, 8) - timedelta(days=before)
        starts = [line[3:13] for line in local(hours, first.isoformat(), "2000-10-18", zone)]
        standard, summer = "09:00-0400", "09:00-0300"
        assert starts == [standard] * before + [summer] * 7 + [standard] * 3


def test_years_at_the_ends_of_time() -> None:
    """Hours of the years 1 and 9999 do not overflow."""
    for first in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 24, 23, tzinfo=UTC)):
        week = OFFICE.periods(first, first + timedelta(days=7))
        assert len(week) == 5
    last = datetime.max.replace(tzinfo=UTC)
    always = WorkingHours("MO-SU", "00:00", "24:00", "Pacific/Apia")
    assert always.periods(last - timedelta(days=1), last)[0].end == last


# -- zones ----------------------------------------------------------------------------------------


def test_fixed_offsets_and_tzinfo_objects() -> None:
    """Any tzinfo will do; a ZoneInfo is known by its name."""
    plus_two = timezone(timedelta(hours=2))
    hours = WorkingHours("MO", "09:00", "10:00", plus_two)
    assert hours.periods(datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 1, 5, tzinfo=UTC)) == (
        Period(datetime(2027, 1, 4, 7, tzinfo=UTC), datetime(2027, 1, 4, 8, tzinfo=UTC)),
    )
    assert pickle.loads(pickle.dumps(hours)) == hours
    assert "7200" in repr(hours)
    assert WorkingHours("MO-FR", "09:00", "17:00", ZoneInfo(BERLIN)) == OFFICE


def test_a_zone_of_ones_own_under_a_known_or_unknown_name_stays_itself() -> None:
    """Rules read from a file are not replaced by tzdata's because of what they are called."""
    tokyo = files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo").read_bytes()
    monday = datetime(2027, 1, 4, tzinfo=UTC)
    for key in (BERLIN, "My/Own", None):
        hours = WorkingHours("MO", "09:00", "10:00", ZoneInfo.from_file(io.BytesIO(tokyo), key=key))
        found = hours.periods(monday, monday + timedelta(days=1))
        assert found == (Period(monday, monday + timedelta(hours=1)),)
        assert hours != WorkingHours("MO", "09:00", "10:00", BERLIN)


def test_a_tzinfo_without_an_offset_is_no_zone() -> None:
    """An object that does not know its own offset is a ValueError when it is asked."""

    class Nowhere(tzinfo):
        def utcoffset(self, when: datetime | None) -> None:
            return None

        def dst(self, when: datetime | None) -> None:
            return None

        def tzname(self, when: datetime | None) -> str:
            return "Nowhere"

        def fromutc(self, when: datetime) -> datetime:
            return when

    hours = WorkingHours("MO", "09:00", "10:00", Nowhere())
    with pytest.raises(ValueError, match="gives no offset from UTC"):
        hours.periods(datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 1, 5, tzinfo=UTC))


def test_stretches_cover_the_window_exactly() -> None:
    """A change at the very edge of a window neither repeats nor loses a second."""
    change = epoch(datetime(2027, 3, 28, 1, tzinfo=UTC))
    zone = find_zone(BERLIN)
    for lo, hi in ((change - 10, change + 10), (change, change + 10), (change - 10, change)):
        stretches = WallClock(zone, lo, hi).stretches
        assert [stretches[0].start, stretches[-1].end] == [lo, hi]
        assert [s.offset for s in stretches] == (
            [3600, 7200] if lo < change < hi else [7200] if lo == change else [3600]
        )
    assert WallClock(zone, change - 10, change + 10).stretches[0].end == change


# -- being a value --------------------------------------------------------------------------------


def test_it_is_a_value() -> None:
    """Immutable, slotted, hashable, picklable, equal by content."""
    assert pickle.loads(pickle.dumps(OFFICE)) == OFFICE
    assert OFFICE != "MO-FR"
    assert WorkingHours("MO-FR", "09:00", "17:30", BERLIN) != OFFICE
    assert not hasattr(OFFICE, "__dict__")
    with pytest.raises(dataclasses.FrozenInstanceError, match="WorkingHours is a value"):
        OFFICE.days = "SA"
    with pytest.raises(dataclasses.FrozenInstanceError):
        del OFFICE._shifts


@pytest.mark.parametrize(
    "days",
    ["Mon-Fri", "monday-FRIDAY", "Mon–Fri", ["MO-FR"], ("Mon", "Tues", "We-Fr"), "mo,tu,we,th,fr"],
)
def test_days_as_people_write_them(days: str | list[str]) -> None:
    """English names, whole or shortened to three letters or more, and lists of days."""
    usual = WorkingHours("MO-FR", "09:00", "17:30", "UTC")
    assert WorkingHours(days, time(9), time(17, 30), "UTC") == usual


@pytest.mark.parametrize("days", ["Mo-Fri-Sat", "M", "Mond ay", "", [""], [], ["MO", 5], 5, b"MO"])
def test_days_that_are_none(days: object) -> None:
    with pytest.raises((TypeError, ValueError), match="day"):
        WorkingHours(days, "09:00", "17:00", "UTC")  # type: ignore[arg-type]


def test_times_of_day_have_neither_zone_nor_fractions() -> None:
    """The zone is an argument of its own; midnight ends a day."""
    assert WorkingHours("MO", time(9), time(), "UTC") == WorkingHours("MO", "9:00", "24:00", "UTC")
    for wrong in (time(9, tzinfo=UTC), time(9, 0, 0, 5)):
        with pytest.raises(ValueError, match="without a zone"):
            WorkingHours("MO", wrong, "17:00", "UTC")
