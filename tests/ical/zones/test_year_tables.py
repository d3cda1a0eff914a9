"""Years outside the window get a table once they are asked for often; nobody can tell from when."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from extcal.ical.zones.transitions import AD_1950, AD_2100, DAY, YEAR, TzinfoRules

NAMES = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo"),
    *("Africa/Casablanca", "Asia/Kathmandu", "Europe/Dublin", "Antarctica/Troll", "UTC"),
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("year", [-19, -1, 0, 11, 25, 41, 47, 66])
def test_one_by_one_and_by_table_are_equal(name: str, year: int) -> None:
    """Both ways, in a year and the days around it: each hour of the days when clocks change."""
    often = TzinfoRules(ZoneInfo(name))
    for day in range(year * YEAR - 2 * DAY, (year + 1) * YEAR + 2 * DAY, DAY):
        steady = _offset(name, day - DAY) == _offset(name, day + 2 * DAY)
        for second in range(day, day + DAY, 8 * 3600 if steady else 3600):
            once = TzinfoRules(ZoneInfo(name))  # has not been asked before
            assert often.to_epoch(second) == once.to_epoch(second)
            assert often.to_local(second) == once.to_local(second)


def _offset(name: str, second: int) -> int:
    return TzinfoRules(ZoneInfo(name)).to_local(second) - second


@pytest.mark.parametrize("edge", [AD_1950, AD_2100, -(10**11), 10**11])
def test_no_year_is_too_far(edge: int) -> None:
    often = TzinfoRules(ZoneInfo("Europe/Berlin"))
    for second in range(edge - 100, edge + 100):
        once = TzinfoRules(ZoneInfo("Europe/Berlin"))
        assert often.to_epoch(second) == once.to_epoch(second)
        assert often.to_local(second) == once.to_local(second)
