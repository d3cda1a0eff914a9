"""Slots, groups and shortcuts against an engine that looks at every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from minutes import Hours, Person, minute

from extcal.intervals import BLOCKING, FBType, FreeBusy, WorkingHours

LO, HI = datetime(2027, 3, 27, tzinfo=UTC), datetime(2027, 3, 29, tzinfo=UTC)  # clocks change
FIRST, LAST = minute(LO), minute(HI)
BERLIN = "Europe/Berlin"
MINUTE = timedelta(minutes=1)
_quarter = st.integers(0, 4 * 48).map(lambda quarter: FIRST + 15 * quarter)


def at(minutes: int) -> datetime:
    return datetime.fromtimestamp(minutes * 60, UTC)


_span = st.tuples(_quarter, _quarter).filter(lambda ends: ends[0] < ends[1])


@st.composite
def people(draw: st.DrawFn) -> tuple[FreeBusy, Person]:
    """The same person for both engines."""
    lo, hi = draw(st.sampled_from([(FIRST, LAST), (FIRST + 300, LAST), (FIRST, LAST - 500)]))
    busy = draw(st.lists(st.tuples(_span, st.sampled_from(list(FBType))), max_size=5))
    unknown = draw(st.lists(_span, max_size=1))
    value = FreeBusy.from_periods(
        (at(lo), at(hi)),
        [(at(start), at(end), fbtype) for (start, end), fbtype in busy],
        [(at(start), at(end)) for start, end in unknown],
    )
    naive = Person(
        lo,
        hi,
        {one for (start, end), fbtype in busy if fbtype in BLOCKING for one in range(start, end)},
        {one for start, end in unknown for one in range(start, end)},
    )
    return value, naive


OFFICE = WorkingHours("SA-SU", "09:00", "17:00", BERLIN)
NAIVE_OFFICE = Hours(BERLIN, {5, 6}, 540, 1020)


@given(people(), _quarter, st.sampled_from([1, 15, 50, 300]), st.booleans())
def test_next_free(
    person: tuple[FreeBusy, Person], instant: int, length: int, in_hours: bool
) -> None:
    value, naive = person
    opened = NAIVE_OFFICE.minutes(FIRST, LAST) if in_hours else {*range(FIRST, LAST)}
    free = [one for one in range(FIRST, LAST) if one in opened and naive.free(one)]
    expected = next(
        (one for one in free if one >= instant and {*range(one, one + length)} <= {*free}), None
    )
    found = value.next_free(at(instant), length * MINUTE, OFFICE if in_hours else None)
    assert (None if found is None else minute(found.start)) == expected
    assert found is None or found.duration == length * MINUTE


@given(people(), _quarter)
def test_busy_until_and_status_at(person: tuple[FreeBusy, Person], instant: int) -> None:
    value, naive = person
    blocked = naive.blocked & {*range(naive.lo, naive.hi)}
    until = instant
    while until in blocked:
        until += 1
    found = value.busy_until(at(instant))
    assert (instant if found is None else minute(found)) == until
    status = value.status_at(at(instant))
    assert (status in BLOCKING) is (instant in blocked)
    known = naive.lo <= instant < naive.hi and instant not in naive.unknown
    assert (status is None) is (instant not in blocked and not known)
    assert status == value.status(at(instant), at(instant) + MINUTE)
