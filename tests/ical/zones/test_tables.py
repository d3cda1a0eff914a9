"""Integers both ways: gaps, folds, any year, and agreement with zoneinfo."""

from __future__ import annotations

import sys
import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.ical.budget import Work
from extcal.ical.parse.components import CalendarHead, Stream
from extcal.ical.zones._iana import IANA_KEYS
from extcal.ical.zones.resolve import Zone, Zones
from extcal.ical.zones.transitions import FIRST, LAST, TransitionTable, TzinfoRules

KEYS = sorted(IANA_KEYS.values())
DAY = 86_400
EPOCH = datetime(1970, 1, 1)
LO = 1_795_305_600  # 2026-11-22
HI = LO + 92 * DAY


def zone_of(key: str, lo: int = LO, hi: int = HI) -> Zone:
    return Zones(Stream([CalendarHead()]), lo, hi, None, Work()).resolve(key, 0)


def by_zoneinfo(key: str, local: int) -> int:
    moment = EPOCH + timedelta(seconds=local)
    offset = moment.replace(tzinfo=zoneinfo.ZoneInfo(key)).utcoffset()
    assert offset is not None
    return local - int(offset.total_seconds())


def local_by_zoneinfo(key: str, epoch: int) -> int:
    moment = datetime.fromtimestamp(epoch, UTC).astimezone(zoneinfo.ZoneInfo(key))
    return int((moment.replace(tzinfo=None) - EPOCH).total_seconds())


@given(
    st.sampled_from(KEYS),
    st.integers(LO - 40 * DAY, HI + 40 * DAY) | st.integers(-3_000_000_000, 8_000_000_000),
)
def test_agrees_with_zoneinfo(key, seconds):
    """For any zone and second, inside and outside the table, both ways are zoneinfo's."""
    zone = zone_of(key)
    assert zone.to_epoch(seconds) == by_zoneinfo(key, seconds)
    assert zone.to_local(seconds) == local_by_zoneinfo(key, seconds)


@given(st.sampled_from(KEYS), st.integers(-2_500_000_000, 5_000_000_000), st.data())
def test_a_table_anywhere_agrees_with_zoneinfo(key, lo, data):
    """The window may lie in any age: also where transitions were four days apart."""
    zone = zone_of(key, lo, lo + 400 * DAY)
    seconds = data.draw(st.integers(lo - DAY, lo + 401 * DAY))
    assert zone.to_epoch(seconds) == by_zoneinfo(key, seconds)
    assert zone.to_local(seconds) == local_by_zoneinfo(key, seconds)


@given(st.sampled_from(KEYS), st.integers(LO - 40 * DAY, HI + 40 * DAY))
def test_an_instant_survives_its_local_time_unless_it_is_a_second_pass(key, epoch):
    zone = zone_of(key)
    back = zone.to_epoch(zone.to_local(epoch))
    assert back == epoch or (back < epoch and zone.to_local(back) == zone.to_local(epoch))


def test_no_transition_hides_between_samples():
    """The table of every zone has the transitions of a search by the hour."""
    for key in ("Africa/Casablanca", "Asia/Gaza", "America/Noronha", "Africa/Freetown"):
        for start in (1_100_000_000, 970_000_000, 2_235_000_000, -957_000_000):
            rules = TzinfoRules(zoneinfo.ZoneInfo(key))
            table = rules.table(start, start + 200 * DAY)
            for epoch in range(start, start + 200 * DAY, 3600):
                assert table.to_local(epoch) - epoch == rules.offset_at(epoch), (key, epoch)


GAPS = [  # zone, local time in a gap, instant with the offset before the gap
    ("Europe/Paris", "2027-03-28T02:30", "2027-03-28T01:30"),
    ("America/New_York", "2027-03-14T02:30", "2027-03-14T07:30"),
    ("America/New_York", "2007-03-11T02:30", "2007-03-11T07:30"),  # the RFC's own
    ("Australia/Lord_Howe", "2027-10-03T02:15", "2027-10-02T15:45"),
    ("America/Santiago", "2027-09-05T00:30", "2027-09-05T04:30"),
    ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T22:00"),  # a whole day that never was
]
FOLDS = [  # zone, local time that occurs twice, instant of the first pass
    ("Europe/Paris", "2027-10-31T02:30", "2027-10-31T00:30"),
    ("America/New_York", "2027-11-07T01:30", "2027-11-07T05:30"),
    ("America/New_York", "2007-11-04T01:30", "2007-11-04T05:30"),  # the RFC's own
    ("Australia/Lord_Howe", "2027-04-04T01:45", "2027-04-03T14:45"),
    ("Asia/Gaza", "2027-10-30T01:30", "2027-10-29T22:30"),
]


@pytest.mark.parametrize(("key", "local", "utc"), GAPS + FOLDS)
@pytest.mark.parametrize("inside", [True, False])
def test_gaps_move_forward_and_folds_are_their_first_pass(key, local, utc, inside, seconds):
    """Section 3.3.5; the same inside the table and outside it."""
    at = seconds(local)
    zone = zone_of(key, at - 9 * DAY, at + 9 * DAY) if inside else zone_of(key, 0, DAY)
    assert zone.to_epoch(at) == seconds(utc)


@pytest.mark.parametrize("key", ["UTC", "GMT+1400", "-12:00", "Europe/Berlin", "Pacific/Apia"])
@pytest.mark.parametrize("window", [(LO, HI), (FIRST, FIRST + DAY), (LAST - DAY, LAST), (HI, LO)])
def test_every_year_answers(key, window):
    """Any local second of years 1 to 9999 works, and stays inside them."""
    zone = zone_of(key, *window)
    for at in (FIRST, FIRST + 1, FIRST + DAY, 0, LO, LAST - DAY, LAST):
        assert FIRST <= zone.to_epoch(at) <= LAST
        assert FIRST <= zone.to_local(at) <= LAST
        assert abs(zone.to_epoch(at) - at) <= 15 * 3600


def test_a_window_of_all_years_has_a_table_of_some(seconds):
    """A window longer than any table is answered beyond it, and the answers are the same."""
    zone = zone_of("Europe/Berlin", FIRST, LAST)
    for year in (1900, 1950, 2027, 2200):
        at = seconds(f"{year}-07-01T12:00")
        assert zone.to_epoch(at) == by_zoneinfo("Europe/Berlin", at)


def test_transitions_nearer_than_their_offsets_stay_in_order():
    """However close transitions are, a table can be searched."""
    table = TransitionTable(
        0, 10, 0, [(100, 7200), (200, 0), (300, 3600), (300, 1800), (400, 1800)]
    )
    assert table.switches == sorted(table.switches)
    assert table.to_local(250) == 250
    assert table.to_local(350) == 2150
    assert len(table.offsets) == len(table.instants) + 1


def test_a_zone_reads_aloud():
    assert repr(zone_of("Europe/Berlin")) == "<Zone Europe/Berlin (iana)>"


@pytest.mark.skipif(sys.platform == "win32", reason="an odd TZPATH is set in the environment")
def test_zones_come_from_tzdata_without_any_system_database(monkeypatch):
    """On slim systems the tzdata package alone has every zone, links included."""
    saved = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(())
    try:
        for key in ("Asia/Calcutta", "US/Eastern", "Europe/Kiev"):
            assert zoneinfo.ZoneInfo.no_cache(key).utcoffset(datetime(2027, 1, 1)) is not None
    finally:
        zoneinfo.reset_tzpath(saved)
