"""The odd feeds: by the names of the document, and read as it says."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import extcal
from extcal.testing import ODD_FEEDS, FakeFetcher, ManualClock

DOCUMENT = Path(__file__).parents[2] / "docs" / "oddities.md"
ROW = re.compile(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \| (?:[^|]+ \| ){2}([^|]*)\|$", re.MULTILINE)
BUSY = {
    "count-beside-start": ["03T09:00/03T10:00", "04T09:00/04T10:00", "11T09:00/11T10:00"],
    "digits-too-few": ["05T00:00/06T00:00"],
    "digits-too-many": ["05T17:11/05T18:11"],
    "end-before-start": ["05T00:00/06T00:00"],
    "end-without-zone": ["05T14:00/05T22:00"],
    "exdate-in-utc": ["04T00:00/05T00:00", "06T00:00/07T00:00"],
    "freebusy-in-bounds": ["05T09:00/05T10:00"],
    "gmt-with-summer-time": ["05T09:20/05T10:20"],
    "night-of-clock-change": ["26T21:00/27T05:00", "27T21:00/28T05:00", "28T20:00/29T04:00"],
    "override-without-zone": ["05T14:00/05T15:00", "12T16:00/12T17:00"],
    "property-twice": ["05T09:00/05T10:00"],
    "start-without-zone": ["05T17:00/05T18:00"],
    "units-out-of-order": ["05T00:00/12T00:00"],
    "until-in-utc": ["04T00:00/08T00:00"],
    "zone-in-other-letters": ["05T08:00/05T09:00"],
}


def rows() -> dict[str, set[str]]:
    """The names of the document's table, and the codes of the Problems beside them."""
    found: dict[str, set[str]] = {}
    for names, codes in ROW.findall(DOCUMENT.read_text("utf-8")):
        for name in re.findall(r"`([a-z-]+)`", names):
            found[name] = set(re.findall(r"`([a-z_]+)`", codes))
    return found


def test_the_document_names_them_all() -> None:
    assert set(rows()) == set(ODD_FEEDS) == set(BUSY)


@pytest.mark.parametrize("name", sorted(ODD_FEEDS))
def test_each_is_read_as_the_document_says(name: str) -> None:
    """For a reader in UTC; a Problem says so, where the document names one."""
    year = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 8, 1, tzinfo=UTC)
    found = extcal.expand(ODD_FEEDS[name], *year, timezone="UTC")
    periods = [f"{one.start:%dT%H:%M}/{one.end:%dT%H:%M}" for one in found.free_busy.periods]
    assert periods == BUSY[name]
    codes = {problem.code for problem in found.problems}
    assert bool(codes) is bool(rows()[name])
    assert codes <= rows()[name]


def test_a_cache_takes_them_from_a_fetcher() -> None:
    url = "https://calendar.example/odd.ics"
    clock = ManualClock("2027-01-04T08:00Z")
    fetcher = FakeFetcher({url: ODD_FEEDS["end-without-zone"]})
    calendars = extcal.CalendarCache(fetcher=fetcher, clock=clock)
    snapshot = calendars.get(extcal.Feed(url, timezone="Europe/Berlin"))
    assert [problem.code for problem in snapshot.problems] == ["floating_end"]
    (period,) = snapshot.free_busy.periods
    assert (period.start.hour, period.end.hour) == (14, 22)
