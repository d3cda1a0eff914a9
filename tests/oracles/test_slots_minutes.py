"""Slots, groups and shortcuts against an engine that looks at every minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from minutes import Hours, Person, Question, minute, spans

from extcal.intervals import BLOCKING, FBType, FreeBusy, Period, WorkingHours, common_free

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


# --- slots ----------------------------------------------------------------------------------------

_HOURS = [
    (None, None),
    (OFFICE, NAIVE_OFFICE),
    (
        WorkingHours("SA-SU", "09:05", "12:00", BERLIN)
        | WorkingHours("SA", "20:00", "03:20", BERLIN),
        None,
    ),
    (
        WorkingHours("SA-SU", "00:00", "24:00", "America/New_York"),
        Hours("America/New_York", {5, 6}, 0, 1440),
    ),
]


class TwoHours(Hours):
    """Hours of two kinds, joined."""

    def minutes(self, lo: int, hi: int) -> set[int]:
        morning, night = Hours(BERLIN, {5, 6}, 545, 720), Hours(BERLIN, {5}, 1200, 1640)
        return morning.minutes(lo, hi) | night.minutes(lo, hi)


_HOURS[2] = (_HOURS[2][0], TwoHours(BERLIN, set(), 0, 0))


@st.composite
def questions(draw: st.DrawFn) -> tuple[dict[str, FreeBusy], dict[str, object], Question]:
    """The same question for both engines: people, arguments of common_free, and the naive one."""
    names = ["ada", "bob", "cyd", "dan"][: draw(st.integers(1, 4))]
    values, naive, hours = {}, {}, {}
    for name in names:
        values[name], naive[name] = draw(people())
        hours[name], naive[name].hours = draw(st.sampled_from(_HOURS))
    before, after = draw(st.sampled_from([(0, 0), (15, 15), (0, 25), (40, 5)]))
    step = draw(st.sampled_from([None, 15, 50, 60]))
    align = draw(st.sampled_from(["midnight", "hours", "earliest"])) if step else "midnight"
    earliest = draw(st.one_of(st.none(), _quarter)) if align != "earliest" else draw(_quarter)
    latest = draw(st.one_of(st.none(), _quarter.map(lambda at: at + 600)))
    per_day = draw(st.sampled_from([None, 1, 3])) if step else None
    length = draw(st.sampled_from([15, 45, 90]))
    kind = draw(st.sampled_from(["all", "optional", "at_least", "groups"]))
    optional = names[1:] if kind == "optional" else []
    at_least, required, groups = None, None, []
    conditions = [(1, [name]) for name in names if name not in optional]
    if kind == "at_least":
        at_least = draw(st.integers(1, len(names)))
        required = draw(st.sampled_from([None, names[:1]]))
        conditions = [(at_least, names), *([(1, names[:1])] if required else [])]
    if kind == "groups" and len(names) > 2:
        groups = [(1, names[1:3]), (draw(st.integers(1, len(names) - 1)), names[1:])]
        conditions = [(1, names[:1]), *groups]
    options = {
        "hours": hours,
        "step": None if step is None else step * MINUTE,
        "buffer": (before * MINUTE, after * MINUTE),
        "timezone": BERLIN,
        "align": align,
        "earliest": None if earliest is None else at(earliest),
        "latest": None if latest is None else at(latest),
        "per_day": per_day,
        "required": required,
        "optional": optional,
        "at_least": at_least,
        "groups": groups,
    }
    question = Question(
        naive, conditions, length, before, after, step, align, BERLIN, earliest, latest, per_day
    )
    return values, options, question


@settings(max_examples=settings.default.max_examples // 2)
@given(questions())
def test_what_is_offered(asked: tuple[dict[str, FreeBusy], dict[str, object], Question]) -> None:
    """The same starts as the naive engine; each is bookable, and no other minute is; and who."""
    values, options, question = asked
    length = question.length * MINUTE
    found = common_free(values, length, **options)  # type: ignore[arg-type]
    free = question.who()
    if question.step is None:
        expected = question.starts()
        gaps = [(start, end - 1 + question.length) for start, end in spans(expected)]
        assert [(minute(one.start), minute(one.end)) for one in found] == gaps
    else:
        expected = question.slots()
        assert [minute(one.start) for one in found] == expected
        assert {one.duration for one in found} <= {length}
    wanted = {*expected}
    for start in range(question.first - 30, question.last, 35):
        slot = Period(at(start), at(start) + length)
        assert found.is_bookable(slot) is (start in wanted)
    for start in expected[:: max(1, len(expected) // 5)]:
        assert list(found.who(Period(at(start), at(start) + length))) == free[start]


@settings(max_examples=settings.default.max_examples // 2)
@given(questions(), st.data())
def test_offered_slots_keep_their_place_when_somebody_books_between_them(
    asked: tuple[dict[str, FreeBusy], dict[str, object], Question], data: st.DataObject
) -> None:
    """Whatever of them is still free is still offered, also under ``per_day``."""
    values, options, question = asked
    length = question.length * MINUTE
    offered = common_free(values, length, **options).slots  # type: ignore[arg-type]
    if not offered or question.step is None:
        return
    taken = data.draw(st.sampled_from(offered))
    booked = FreeBusy.from_periods((LO - 2 * DAYS, HI + 2 * DAYS), [taken])
    later = {name: value | booked.clip(*_window(value)) for name, value in values.items()}
    now = common_free(later, length, **options)  # type: ignore[arg-type]
    free = common_free(later, length, **{**options, "per_day": None})  # type: ignore[arg-type]
    assert {*offered} & {*free} <= {*now}
    assert taken not in now
    if question.per_day is None:
        assert {*now} <= {*offered}


DAYS = timedelta(days=1)


def _window(value: FreeBusy) -> tuple[datetime, datetime]:
    return value.window.start, value.window.end


@given(st.lists(st.sampled_from(["ada", "bob", "cyd"]), max_size=12))
def test_round_robin_is_fair(away: list[str]) -> None:
    """If the first is always taken and counted, nobody who is always free is two ahead."""
    counts: dict[str, int] = {}
    names = ["ada", "bob", "cyd", "dan"]
    for absent in [*away, *[""] * 5]:
        values = {
            name: FreeBusy.from_periods((LO, HI), [(LO, HI)] if name == absent else [])
            for name in names
        }
        found = common_free(values, MINUTE, at_least=1, step=60 * MINUTE)
        order = found.fair_order(found[0], counts)
        assert absent not in order
        assert [counts.get(name, 0) for name in order] == sorted(
            counts.get(name, 0) for name in names if name != absent
        )
        counts[order[0]] = counts.get(order[0], 0) + 1
    always = [counts.get(name, 0) for name in names if name not in away]
    assert max(always) - min(always) <= 1
