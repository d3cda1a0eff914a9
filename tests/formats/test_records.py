"""Records: every stretch once, as builtin values."""

from __future__ import annotations

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
    assert [(r["start"].hour, r["end"].hour, r["fbtype"]) for r in fb.to_records()] == [
        (0, 0, "UNKNOWN"),
        (1, 2, "BUSY-TENTATIVE"),
        (22, 0, "UNKNOWN"),
    ]
    assert all(type(value) in (datetime, str) for r in fb.to_records() for value in r.values())
    assert all(r["start"].tzinfo is not None for r in fb.to_records())


def test_a_free_day_has_no_records() -> None:
    assert FreeBusy.from_epochs(LO, LO + 86_400, []).to_records() == []


_offsets = st.integers(0, 86_400)


@given(st.lists(st.tuples(_offsets, _offsets, st.sampled_from(list(FBType))), max_size=6))
def test_records_say_what_the_periods_say(busy: list[tuple[int, int, FBType]]) -> None:
    fb = FreeBusy.from_epochs(LO, LO + 86_400, [(LO + a, LO + b, k) for a, b, k in busy])
    assert [(r["start"], r["end"], r["fbtype"]) for r in fb.to_records()] == [
        (period.start, period.end, period.fbtype.token) for period in fb.periods
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
    row = {"start": nine, "end": nine + timedelta(hours=1), "fbtype": "BUSY"}
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
            "start": nine,
            "end": DAY + timedelta(hours=11),
            "fbtype": "UNKNOWN",
        },
    ]


def test_pandas_makes_a_frame_of_it() -> None:
    """Where pandas is installed: aware times stay aware."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    fb = FreeBusy.from_epochs(LO, LO + 86_400, [(LO, LO + 3600, FBType.BUSY)])
    frame = pandas.DataFrame(fb.to_records())
    assert list(frame.columns) == ["start", "end", "fbtype"]
    assert str(frame["start"].dt.tz) == "UTC"
