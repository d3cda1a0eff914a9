"""WorkingHours against an engine that looks at every minute, and the laws of the algebra."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from minutes import Hours, minute, spans

from extcal.intervals import FreeBusy, WorkingHours

BERLIN = "Europe/Berlin"
LO, HI = datetime(2027, 3, 27, tzinfo=UTC), datetime(2027, 3, 30, tzinfo=UTC)  # clocks change
_day = st.integers(-2, 5).map(lambda days: date(2027, 3, 27) + timedelta(days=days))
_time = st.integers(0, 95).map(lambda quarter: quarter * 15)


@st.composite
def specified(draw: st.DrawFn) -> tuple[WorkingHours, Hours]:
    """The same hours for both engines."""
    start, end = draw(st.lists(_time, min_size=2, max_size=2, unique=True))
    opened = [
        (day, *times)
        for day, times in draw(
            st.dictionaries(_day, st.lists(_time, min_size=2, max_size=2, unique=True), max_size=2)
        ).items()
    ]
    closed = draw(st.sets(_day, max_size=2)) - {day for day, *_ in opened}
    days = draw(st.sets(st.integers(0, 6), min_size=1))
    first, last = sorted(draw(st.lists(_day, min_size=2, max_size=2)))
    zone = draw(st.sampled_from([BERLIN, "America/New_York", "Asia/Kathmandu"]))
    hours = WorkingHours(
        ",".join(("MO", "TU", "WE", "TH", "FR", "SA", "SU")[day] for day in sorted(days)),
        _text(start),
        _text(end),
        zone,
        valid_from=first,
        valid_until=last,
        exceptions=[*closed, *(f"{day} {_text(a)}-{_text(b)}" for day, a, b in opened)],
    )
    naive = Hours(
        zone, days, start, end + (1440 if end < start else 0), first, last, closed,
        [(day, a, b + (1440 if b < a else 0)) for day, a, b in opened],
    )  # fmt: skip
    return hours, naive


def _text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@given(st.lists(specified(), min_size=1, max_size=2))
def test_hours_are_those_of_a_naive_engine(pairs: list[tuple[WorkingHours, Hours]]) -> None:
    """Joined hours are open when one of them is."""
    lo, hi = minute(LO), minute(HI)
    joined = pairs[0][0]
    for hours, _ in pairs[1:]:
        joined |= hours
    expected = set().union(*(naive.minutes(lo, hi) for _, naive in pairs))
    found = [(start // 60, end // 60) for start, end in joined.epochs(lo * 60, hi * 60)]
    assert found == list(spans(expected))


@given(specified(), specified(), specified(), st.integers(1, 71))
def test_the_laws_hold_with_dates(
    a: tuple[WorkingHours, Hours],
    b: tuple[WorkingHours, Hours],
    c: tuple[WorkingHours, Hours],
    cut: int,
) -> None:
    """Joining is commutative, associative, idempotent; splitting a window changes nothing."""
    one, other, third = a[0], b[0], c[0]
    assert one | other == other | one
    assert (one | other) | third == one | (other | third)
    assert one | one == one
    middle = LO + timedelta(hours=cut)
    whole = FreeBusy.from_periods((LO, HI), one.periods(LO, HI))
    halves = [*one.periods(LO, middle), *one.periods(middle, HI)]
    assert FreeBusy.from_periods((LO, HI), halves) == whole
    closed = FreeBusy.from_periods((LO, HI), third.periods(LO, HI))
    assert (one | other).without(closed) == one.without(closed) | other.without(closed)
