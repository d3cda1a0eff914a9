"""The zone of a question: what its answer is drawn and printed in, and nothing else."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest

from extcal.intervals import BusyPeriod, FBType, FreeBusy, Period, common_free, days, instant

BERLIN, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Tokyo")
MONDAY = datetime(2027, 1, 4, tzinfo=BERLIN)
SPRING = days("2027-03-28", 1, "Europe/Berlin")
AUTUMN = days("2027-10-31", 1, "Europe/Berlin")


def day_in(zone: tzinfo) -> FreeBusy:
    start = MONDAY.astimezone(zone)
    return FreeBusy.from_periods(
        (start, start + timedelta(days=1)), [(start, start + timedelta(hours=23))]
    )


# -- days -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["2027-01-04", date(2027, 1, 4)])
def test_days_are_a_window(first: str | date) -> None:
    """Two arguments, a Period, or the window of from_periods."""
    window = days(first, 5, "Europe/Berlin")
    assert window == Period(MONDAY, MONDAY + timedelta(days=5))
    assert [*window] == [MONDAY, MONDAY.replace(day=9)]
    assert window.start.tzinfo is BERLIN
    assert FreeBusy.from_periods(window).window == window
    assert days(first, 5, BERLIN) == window
    assert repr(window) == "<Period 2027-01-04 00:00 to 2027-01-09 00:00 Europe/Berlin>"


def test_days_last_as_long_as_they_do() -> None:
    """23 and 25 hours; where midnight is skipped, a day begins at the first time there is."""
    assert (SPRING.duration, AUTUMN.duration) == (timedelta(hours=23), timedelta(hours=25))
    beirut = days("2027-03-28", 1, "Asia/Beirut")
    assert (beirut.start.hour, beirut.duration) == (1, timedelta(hours=23))


@pytest.mark.parametrize(
    ("first", "count", "zone", "error"),
    [
        ("2027-02-30", 1, "UTC", ValueError),
        ("2027-01-04", 0, "UTC", ValueError),
        ("2027-01-04", 1, "Middle/Earth", ValueError),
        (5, 1, "UTC", TypeError),
        ("2027-01-04", 1.5, "UTC", TypeError),
        ("2027-01-04", 1, None, TypeError),
    ],
)
def test_days_refuse(first: object, count: object, zone: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        days(first, count, zone)  # type: ignore[arg-type]


# -- periods in local time ------------------------------------------------------------------------


@pytest.mark.parametrize("window", [SPRING, AUTUMN])
def test_a_local_period_is_the_same_period(window: Period) -> None:
    """Equal, hashed, sorted and measured by its instants, also where clocks change."""
    hours = [
        BusyPeriod(start, start + timedelta(hours=1), FBType.BUSY_TENTATIVE)
        for start in (instant(int(window.start.timestamp()) + 3600 * n) for n in range(6))
    ]
    for utc in hours:
        local = utc.astimezone("Europe/Berlin")
        assert local == utc
        assert hash(local) == hash(utc)
        assert local.start.tzinfo is BERLIN
        assert utc.start.tzinfo is UTC
        assert (local.duration, local.fbtype) == (timedelta(hours=1), FBType.BUSY_TENTATIVE)
        assert local.astimezone(UTC).start == utc.start
        assert pickle.loads(pickle.dumps(local)) == copy.deepcopy(local) == utc
        assert utc.start in local
        assert utc.end not in local
    locals_ = [hour.astimezone(BERLIN) for hour in hours]
    assert sorted([*locals_[3:], *locals_[:3]]) == hours
    assert locals_[0] < hours[1] <= locals_[1] < locals_[2]
    assert locals_[1] >= hours[1] > locals_[0]


def test_what_a_period_holds() -> None:
    """An aware datetime; other things are a TypeError, not False."""
    for wrong in (date(2027, 3, 28), SPRING, "2027-03-28", datetime(2027, 3, 28)):
        with pytest.raises(TypeError):
            assert wrong in SPRING  # type: ignore[operator]
    with pytest.raises(TypeError):
        assert BusyPeriod(*SPRING) > SPRING  # type: ignore[operator]
    with pytest.raises(ValueError, match="Middle/Earth"):
        SPRING.astimezone("Middle/Earth")


# -- the zone of an answer ------------------------------------------------------------------------


def test_an_answer_is_printed_in_the_zone_it_was_asked_in() -> None:
    """Its values stay in UTC; equality, hash, epochs and stored values do not know the zone."""
    berlin, utc, tokyo = day_in(BERLIN), day_in(UTC), day_in(TOKYO)
    assert repr(berlin) == "<FreeBusy 2027-01-04 00:00 to 2027-01-05 00:00 Europe/Berlin: 1 BUSY>"
    assert "Times in Europe/Berlin" in berlin.to_html()
    assert "Times in Europe/Berlin" in berlin.to_svg()
    assert "Times in Asia/Tokyo" in berlin.to_html("Asia/Tokyo")
    assert berlin.window.start.tzinfo is berlin.periods[0].start.tzinfo is UTC
    plain = FreeBusy.from_epochs(*berlin.window_epochs, berlin.epochs)
    assert berlin == plain
    assert hash(berlin) == hash(plain)
    assert utc.window == tokyo.window == berlin.window
    for twin in (pickle.loads(pickle.dumps(berlin)), copy.copy(berlin), copy.deepcopy(berlin)):
        assert repr(twin) == repr(berlin)


def test_a_join_of_two_zones_has_utc() -> None:
    """Whatever the order; a value without a zone takes the other's."""
    berlin, tokyo = day_in(BERLIN), day_in(TOKYO)
    plain = FreeBusy.from_epochs(*berlin.window_epochs)
    for join in (berlin | tokyo, tokyo | berlin, berlin | tokyo | berlin, berlin | day_in(UTC)):
        assert "UTC" in repr(join)
    for join in (berlin | plain, plain | berlin, berlin | berlin):
        assert "Europe/Berlin" in repr(join)
    assert "Europe/Berlin" in repr(berlin.clip(MONDAY.astimezone(UTC), MONDAY.replace(hour=3)))
    assert "Asia/Tokyo" in repr(plain.clip(MONDAY.astimezone(TOKYO), MONDAY.replace(hour=3)))
    assert "Europe/Berlin" in repr(FreeBusy.join([plain, berlin]))
    bookings = FreeBusy.from_periods(berlin.window)  # a window from an answer has no zone
    assert "Europe/Berlin" in repr(berlin | bookings)


def test_common_free_time_is_printed_there_too() -> None:
    found = common_free([day_in(BERLIN)], timedelta(minutes=30))
    assert (
        repr(found) == "<CommonFree [<Period 2027-01-04 23:00 to 2027-01-05 00:00 Europe/Berlin>]>"
    )
    assert found[0].start.tzinfo is UTC


class _NoPickle(tzinfo):
    def utcoffset(self, _: datetime | None) -> timedelta:
        return timedelta(hours=1)

    def dst(self, _: datetime | None) -> timedelta:
        return timedelta(0)

    def __reduce__(self) -> str:
        raise TypeError("this zone cannot be pickled")


@pytest.mark.parametrize("zone", [_NoPickle(), timezone(timedelta(hours=1))])
def test_any_zone_can_be_asked_in(zone: tzinfo) -> None:
    """One that cannot be pickled stays behind."""
    asked = day_in(zone)
    assert pickle.loads(pickle.dumps(asked)) == asked


def test_the_ends_of_time_are_printed_in_utc() -> None:
    """No zone has them."""
    ends = (
        datetime.min.replace(tzinfo=TOKYO),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=9))),
    )
    assert repr(FreeBusy.from_periods(ends)).startswith("<FreeBusy 0001-01-01 00:00 to 9999-")
