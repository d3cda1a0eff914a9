"""Records: every stretch once, as builtin values."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import extcal
from extcal.formats import to_records
from extcal.intervals import FBType, FreeBusy
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

DAY = datetime(2027, 1, 4, tzinfo=UTC)
LO = int(DAY.timestamp())


def test_records_carry_types_and_aware_times_only() -> None:
    """Busy and unknown stretches in the order of time; what is free is not listed."""
    fb = FreeBusy.from_epochs(
        LO,
        LO + 86_400,
        [(LO + 3600, LO + 7200, FBType.BUSY_TENTATIVE)],
        [(LO, LO + 1800), (LO + 80_000, LO + 86_400)],
    )
    assert [(r["start"][11:13], r["end"][11:13], r["fbtype"]) for r in fb.to_records()] == [
        ("00", "00", "UNKNOWN"),
        ("01", "02", "BUSY-TENTATIVE"),
        ("22", "00", "UNKNOWN"),
    ]
    assert all(type(value) is str for r in fb.to_records() for value in r.values())
    assert json.loads(json.dumps(fb.to_records())) == fb.to_records()


def test_local_records_have_the_offset_of_their_day() -> None:
    """On the day on which clocks change the two bounds have different offsets."""
    start = datetime(2027, 3, 28, tzinfo=UTC)
    fb = FreeBusy.from_periods(
        (start, start + timedelta(hours=4)), [(start, start + timedelta(hours=2))]
    )
    (row,) = fb.to_records(timezone="Europe/Berlin")
    assert (row["start"], row["end"]) == ("2027-03-28T01:00:00+01:00", "2027-03-28T04:00:00+02:00")
    assert to_records({"Ada": fb}, "Europe/Berlin") == [{"person": "Ada", **row}]
    with pytest.raises(ValueError, match="Middle/Earth"):
        fb.to_records("Middle/Earth")


def test_a_free_day_has_no_records() -> None:
    assert FreeBusy.from_epochs(LO, LO + 86_400, []).to_records() == []


_offsets = st.integers(0, 86_400)


@given(st.lists(st.tuples(_offsets, _offsets, st.sampled_from(list(FBType))), max_size=6))
def test_records_say_what_the_periods_say(busy: list[tuple[int, int, FBType]]) -> None:
    fb = FreeBusy.from_epochs(LO, LO + 86_400, [(LO + a, LO + b, k) for a, b, k in busy])
    assert [(r["start"], r["end"], r["fbtype"]) for r in fb.to_records()] == [
        (period.start.isoformat(), period.end.isoformat(), period.fbtype) for period in fb.periods
    ]
    assert to_records(fb) == fb.to_records()


def test_a_snapshot_and_an_availability_give_rows_without_titles() -> None:
    """Of a snapshot its free/busy time; of several people the same, each row with its person."""
    url = "https://example.org/ada.ics"
    feed = feed_text(event("2027-01-04T09:00Z", "PT1H", summary="Salaries"))
    calendars = extcal.CalendarCache(
        fetcher=FakeFetcher({url: feed}), clock=ManualClock("2027-01-04T08:00Z")
    )
    nine = DAY + timedelta(hours=9)
    row = {
        "start": "2027-01-04T09:00:00+00:00",
        "end": "2027-01-04T10:00:00+00:00",
        "fbtype": "BUSY",
    }
    snapshot = calendars.get(url)
    assert to_records(snapshot) == snapshot.to_records() == [row]
    bob = FreeBusy.from_periods(
        (DAY, DAY + timedelta(days=1)), unknown=[(nine, DAY + timedelta(hours=11))]
    )
    table = calendars.availability({"Ada": url, "Bob": bob}, DAY, DAY + timedelta(days=1))
    assert to_records(table) == table.to_records()
    assert table.to_records() == [
        {"person": "Ada", **row},
        {
            "person": "Bob",
            "start": "2027-01-04T09:00:00+00:00",
            "end": "2027-01-04T11:00:00+00:00",
            "fbtype": "UNKNOWN",
        },
    ]


def test_pandas_makes_a_frame_of_it() -> None:
    """Where pandas is installed: it reads aware times."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    fb = FreeBusy.from_epochs(LO, LO + 86_400, [(LO, LO + 3600, FBType.BUSY)])
    frame = pandas.DataFrame(fb.to_records())
    assert list(frame.columns) == ["start", "end", "fbtype"]
    assert str(pandas.to_datetime(frame["start"]).dt.tz) == "UTC"


def test_busy_time_at_the_ends_of_time_is_a_record_in_every_zone() -> None:
    """Where a zone has no such year, the times are written in UTC."""
    last = int(datetime(9999, 12, 31, 23, tzinfo=UTC).timestamp())
    fb = FreeBusy.from_epochs(last, last + 1_800, [(last, last + 60, FBType.BUSY)])
    (row,) = fb.to_records("Asia/Tokyo")
    assert (row["start"], row["end"]) == ("9999-12-31T23:00:00+00:00", "9999-12-31T23:01:00+00:00")
