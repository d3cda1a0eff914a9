"""WorkingHours with dates: exceptions, holidays of a feed, people who travel."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

import extcal
from extcal.intervals import FreeBusy, Period, WorkingHours
from extcal.testing import event, feed_text

BERLIN = "Europe/Berlin"
OFFICE = WorkingHours("MO-FR", "09:00", "17:00", BERLIN)


def local(hours: WorkingHours, first: str, last: str, zone: str = BERLIN) -> list[str]:
    place = ZoneInfo(zone)
    start, end = (datetime.fromisoformat(day).replace(tzinfo=place) for day in (first, last))
    return [
        f"{one.start.astimezone(place):%d %H:%M}-{one.end.astimezone(place):%H:%M}"
        for one in hours.periods(start, end)
    ]


def test_a_date_closes_its_day() -> None:
    for closed in ("2027-05-18", date(2027, 5, 18)):
        hours = OFFICE.with_exceptions(closed)
        assert hours == WorkingHours("MO-FR", "09:00", "17:00", BERLIN, exceptions=[closed])
        assert local(hours, "2027-05-17", "2027-05-20") == ["17 09:00-17:00", "19 09:00-17:00"]


def test_a_date_with_hours_opens_its_day() -> None:
    """On a Saturday; on a Monday in place of the usual hours; several hours on one day."""
    hours = OFFICE.with_exceptions(
        "2027-05-15 10:00-14:00", "2027-05-17 9:00-10:00,22:00-01:00", "2027-05-16 12:00-24:00"
    )
    assert local(hours, "2027-05-15", "2027-05-19") == [
        "15 10:00-14:00",
        "16 12:00-00:00",
        "17 09:00-10:00",
        "17 22:00-01:00",
        "18 09:00-17:00",
    ]


def test_several_days() -> None:
    hours = OFFICE.with_exceptions("2027-05-17/2027-05-19", "2027-05-20/2027-05-21 10:00-11:00")
    assert local(hours, "2027-05-15", "2027-05-25") == [
        "20 10:00-11:00",
        "21 10:00-11:00",
        "24 09:00-17:00",
    ]


def test_a_night_shift_goes_on_into_a_closed_day() -> None:
    night = WorkingHours("MO-SU", "22:00", "06:00", BERLIN, exceptions=["2027-05-18"])
    assert local(night, "2027-05-17T12:00", "2027-05-20") == ["17 22:00-06:00", "19 22:00-00:00"]


def test_the_later_call_about_a_day_counts() -> None:
    opened = OFFICE.with_exceptions("2027-05-15 10:00-14:00")
    assert opened.with_exceptions("2027-05-15 11:00-12:00") == OFFICE.with_exceptions(
        "2027-05-15 11:00-12:00"
    )
    assert local(opened.with_exceptions("2027-05-15"), "2027-05-14", "2027-05-17") == [
        "14 09:00-17:00"
    ]
    assert OFFICE.with_exceptions() == OFFICE


def test_somebody_travels() -> None:
    """In Tokyo in the second week of March: the same hours by another clock."""
    trip = (
        WorkingHours("MO-FR", "09:00", "17:00", BERLIN, valid_until="2027-03-07")
        | WorkingHours(
            "MO-FR", "09:00", "17:00", "Asia/Tokyo",
            valid_from=date(2027, 3, 8), valid_until=date(2027, 3, 14),
        )
        | WorkingHours("MO-FR", "09:00", "17:00", BERLIN, valid_from="2027-03-15")
    )  # fmt: skip
    assert local(trip, "2027-03-05", "2027-03-09") == ["05 09:00-17:00", "08 01:00-09:00"]
    assert local(trip, "2027-03-12", "2027-03-16") == ["12 01:00-09:00", "15 09:00-17:00"]
    opened = trip.with_exceptions("2027-03-13 10:00-11:00", "2027-03-20 10:00-11:00")
    assert local(opened, "2027-03-13", "2027-03-15", "Asia/Tokyo") == ["13 10:00-11:00"]
    assert local(opened, "2027-03-20", "2027-03-22") == ["20 10:00-11:00"]
    both = OFFICE | WorkingHours("MO", "09:00", "10:00", "Asia/Tokyo")
    with pytest.raises(ValueError, match="2 zones on 2027-03-13: pass timezone"):
        both.with_exceptions("2027-03-13 10:00-11:00")
    with pytest.raises(ValueError, match="0 zones"):
        WorkingHours("MO", "09:00", "10:00", BERLIN, valid_until="2027-03-01").with_exceptions(
            "2027-03-13 10:00-11:00"
        )
    there = both.with_exceptions("2027-03-13 10:00-11:00", timezone="Asia/Tokyo")
    assert local(there, "2027-03-13T02:00", "2027-03-14", "Asia/Tokyo") == ["13 10:00-11:00"]


def test_holidays_are_a_feed() -> None:
    """Their unknown time, and the time outside their window, is never open."""
    start, end = (datetime(2027, 5, day, tzinfo=ZoneInfo(BERLIN)) for day in (14, 21))
    body = feed_text(event("2027-05-17", summary="Whit Monday", transparent=True))
    holidays = extcal.free_busy(
        body, start, end, timezone=BERLIN, policy=extcal.BusyPolicy(all_day="busy")
    )
    hours = OFFICE.without(holidays)
    days = ["14 09:00-17:00", "18 09:00-17:00", "19 09:00-17:00", "20 09:00-17:00"]
    assert local(hours, "2027-05-01", "2027-05-31") == days
    noon = datetime(2027, 5, 18, 10, tzinfo=UTC)
    doubtful = holidays | FreeBusy.from_periods((start, end), [], [(noon, end)])
    assert local(OFFICE.without(doubtful), "2027-05-01", "2027-05-31") == [
        *days[:1],
        "18 09:00-12:00",
    ]
    assert OFFICE.without(holidays).without(doubtful) == OFFICE.without(holidays | doubtful)
    opened = hours.with_exceptions("2027-05-17 10:00-11:00")
    assert "17 10:00-11:00" in local(opened, "2027-05-01", "2027-05-31")


@pytest.mark.parametrize(
    "exception",
    [
        "17.05.2027",
        "2027-02-29",
        "2027-05-17 10:00",
        "2027-05-17 24:00-01:00",
        "2027-05-17 9-10",
        "2027-05-17 10:00-10:00",
        "2027-05-18/2027-05-17",
        "2000-01-01/2099-12-31",
        "",
    ],
)
def test_text_that_is_no_exception(exception: str) -> None:
    with pytest.raises(ValueError):
        OFFICE.with_exceptions(exception)


def test_values_of_the_wrong_kind() -> None:
    for wrong in (3, None, datetime(2027, 5, 17)):
        with pytest.raises(TypeError):
            OFFICE.with_exceptions(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        WorkingHours("MO", "09:00", "17:00", BERLIN, exceptions="2027-05-17")
    with pytest.raises(TypeError):
        WorkingHours("MO", "09:00", "17:00", BERLIN, valid_from=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="both close and open 2027-05-17"):
        OFFICE.with_exceptions("2027-05-17", "2027-05-17 10:00-11:00")
    with pytest.raises(ValueError, match="is before valid_from"):
        WorkingHours(
            "MO", "09:00", "17:00", BERLIN, valid_from="2027-05-17", valid_until="2027-05-16"
        )


def test_hours_with_dates_are_values() -> None:
    hours = WorkingHours(
        "MO-FR", "09:00", "17:00", BERLIN,
        valid_from="2027-01-01", exceptions=["2027-05-17", "2027-05-15 10:00-14:00"],
    )  # fmt: skip
    assert repr(hours) == (
        "WorkingHours('MO-FR', '09:00', '17:00', 'Europe/Berlin', valid_from='2027-01-01',"
        " exceptions=('2027-05-15', '2027-05-17'))"
        " | WorkingHours('SA', '10:00', '14:00', 'Europe/Berlin', valid_from='2027-05-15',"
        " valid_until='2027-05-15')"
    )
    assert pickle.loads(pickle.dumps(hours)) == hours
    assert hash(pickle.loads(pickle.dumps(hours))) == hash(hours)
    never = WorkingHours("MO", "09:00", "10:00", BERLIN, valid_until="2027-05-17").with_exceptions(
        "2027-05-17"
    )
    only = WorkingHours(
        "MO", "09:00", "10:00", BERLIN,
        valid_from="2027-05-17", valid_until="2027-05-17", exceptions=["2027-05-17"],
    )  # fmt: skip
    assert repr(only) == "<WorkingHours never>"
    assert only | never == never
    window = Period(datetime(2027, 5, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC))
    assert only.periods(window.start, window.end) == ()
