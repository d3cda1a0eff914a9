"""Records: every stretch once, as builtin values."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from extcal.formats import to_records
from extcal.intervals import FBType, FreeBusy

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
    assert [(r["start"].hour, r["end"].hour, r["fbtype"]) for r in to_records(fb)] == [
        (0, 0, "UNKNOWN"),
        (1, 2, "BUSY-TENTATIVE"),
        (22, 0, "UNKNOWN"),
    ]
    assert all(type(value) in (datetime, str) for r in to_records(fb) for value in r.values())
    assert all(r["start"].tzinfo is not None for r in to_records(fb))


def test_a_free_day_has_no_records() -> None:
    assert to_records(FreeBusy.from_epochs(LO, LO + 86_400, [])) == []


_offsets = st.integers(0, 86_400)


@given(st.lists(st.tuples(_offsets, _offsets, st.sampled_from(list(FBType))), max_size=6))
def test_records_say_what_the_periods_say(busy: list[tuple[int, int, FBType]]) -> None:
    fb = FreeBusy.from_epochs(LO, LO + 86_400, [(LO + a, LO + b, k) for a, b, k in busy])
    assert [(r["start"], r["end"], r["fbtype"]) for r in to_records(fb)] == [
        (period.start, period.end, period.fbtype.token) for period in fb.periods
    ]
