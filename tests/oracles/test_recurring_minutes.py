"""Meetings that recur, against dates counted on fingers and minutes looked at one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from minutes import Person, minute

from extcal import CalendarCache, FBType, FreeBusy, Period, WorkingHours
from extcal.cache import Availability
from extcal.testing import FakeFetcher, ManualClock

BERLIN = ZoneInfo("Europe/Berlin")
LO, HI = datetime(2027, 3, 15, tzinfo=UTC), datetime(2027, 5, 10, tzinfo=UTC)  # clocks change
FIRST = Period(datetime(2027, 3, 16, 6, tzinfo=UTC), datetime(2027, 3, 17, 20, tzinfo=UTC))
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
RULES = {
    "FREQ=WEEKLY": lambda first, day: (day - first).days % 7 == 0,
    "RRULE:FREQ=WEEKLY;INTERVAL=2": lambda first, day: (day - first).days % 14 == 0,
    "FREQ=MONTHLY": lambda first, day: day.day == first.day,
    "FREQ=WEEKLY;UNTIL=20270401": lambda first, day: (
        (day - first).days % 7 == 0 and day <= date(2027, 4, 1)
    ),
    "FREQ=WEEKLY;BYDAY=TU": lambda first, day: day.weekday() == 1,
    "FREQ=DAILY;COUNT=3": lambda first, day: (day - first).days < 3,
}


def table(people: dict[str, FreeBusy], lo: datetime = LO, hi: datetime = HI) -> Availability:
    calendars = CalendarCache(fetcher=FakeFetcher({}), clock=ManualClock(LO))
    return calendars.availability(people, lo, hi)


def days_of(rule: str, first: date) -> list[date]:
    if not RULES[rule](first, first):
        return []
    return [day for ahead in range(70) if RULES[rule](first, day := first + timedelta(days=ahead))]


_quarters = st.integers(0, 4 * 24 * 56).map(lambda quarter: minute(LO) + 15 * quarter)
_spans = st.lists(st.tuples(_quarters, st.sampled_from([15, 60, 600])), max_size=8)


@settings(max_examples=settings.default.max_examples // 2)
@given(
    st.lists(st.tuples(_spans, _spans.map(lambda found: found[:1])), min_size=1, max_size=3),
    st.sampled_from(sorted(RULES)),
    st.integers(1, 3),
    st.booleans(),
)
def test_a_meeting_is_free_when_every_time_of_it_is(
    calendars: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]],
    rule: str,
    least: int,
    all_of_them: bool,
) -> None:
    lo, hi = minute(LO), minute(HI)
    people, naive = {}, {}
    for name, (busy, unknown) in zip("abc", calendars, strict=False):
        taken = [{*range(at, at + size)} for at, size in busy]
        doubt = [{*range(at, at + size)} for at, size in unknown]
        naive[name] = Person(lo, hi, set().union(*taken), set().union(*doubt))
        people[name] = FreeBusy.from_epochs(
            lo * 60,
            hi * 60,
            [(at * 60, (at + size) * 60, FBType.BUSY) for at, size in busy],
            [(at * 60, (at + size) * 60) for at, size in unknown],
        )
    least = len(people) if all_of_them else min(least, len(people))
    options = {} if all_of_them else {"at_least": least}

    def can(name: str, start: int) -> bool:
        return all(naive[name].free(one) for one in range(start, start + 60))

    expected = {}
    for start in range(minute(FIRST.start), minute(FIRST.end), 30):
        local = datetime.fromtimestamp(start * 60, BERLIN)
        days = days_of(rule, local.date())
        times = [minute(datetime.combine(day, local.time(), BERLIN)) for day in days]
        inside = [one for one in times if one + 60 <= hi]
        if inside:
            expected[start] = inside
    found = table(people).recurring_free(
        rule,
        HOUR,
        FIRST,
        step=30 * MINUTE,
        timezone="Europe/Berlin",
        **options,  # type: ignore[arg-type]
    )
    free = [
        start
        for start, times in expected.items()
        if all(sum(can(name, one) for name in people) >= least for one in times)
    ]
    assert [minute(one.first.start) for one in found] == free
    for one in found:
        assert [minute(at.slot.start) for at in one.times] == expected[minute(one.first.start)]
        assert (one.free, one.obstacles, one.until) == (True, (), HI)
    for start in [*expected][::20]:
        meeting = table(people).recurring(
            rule,
            datetime.fromtimestamp(start * 60, UTC),
            HOUR,
            timezone="Europe/Berlin",
            **options,  # type: ignore[arg-type]
        )
        assert meeting.free is (start in free)
        for at in meeting.times:
            when = minute(at.slot.start)
            here = {name for name in people if can(name, when)}
            assert {*at.conflicts} | {*at.unknown} == people.keys() - here
            assert {*at.conflicts} == {
                name for name in people if naive[name].blocked & {*range(when, when + 60)}
            }


FREE = FreeBusy.from_periods((LO, HI))
TUESDAY = datetime(2027, 3, 16, 9, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("rule", "beyond", "count"),
    [
        ("FREQ=WEEKLY", True, 8),
        ("FREQ=WEEKLY;COUNT=8", False, 8),
        ("FREQ=WEEKLY;COUNT=9", True, 8),
        ("FREQ=WEEKLY;UNTIL=20270504T070000Z", False, 8),
        ("FREQ=WEEKLY;UNTIL=20270504T065959Z", False, 7),
        ("FREQ=WEEKLY;UNTIL=20270511", True, 8),
        ("FREQ=YEARLY;INTERVAL=20", True, 1),
        ("FREQ=MONTHLY;BYDAY=3TU", True, 2),
    ],
)
def test_beyond_the_window_it_says_so(rule: str, beyond: bool, count: int) -> None:
    """A window of eight weeks; what comes after it is neither free nor a conflict."""
    meeting = table({"Ada": FREE}).recurring(rule, TUESDAY, HOUR, timezone="Europe/Berlin")
    assert (meeting.beyond, len(meeting.times), meeting.free) == (beyond, count, True)
    assert {one.slot.start.astimezone(BERLIN).time() for one in meeting.times} == {time(9)}


def test_hours_and_buffers_count_at_every_time() -> None:
    hours = WorkingHours("MO-FR", "09:00", "17:00", "Europe/Berlin", exceptions=["2027-03-30"])
    meeting = table({"Ada": FREE}).recurring(
        "FREQ=WEEKLY", TUESDAY, HOUR, timezone="Europe/Berlin", hours=hours
    )
    (obstacle,) = meeting.obstacles
    assert obstacle.slot.start == datetime(2027, 3, 30, 9, tzinfo=BERLIN)
    assert obstacle.conflicts == ("Ada",)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("FREQ=WEEKLY;BYDAY=WE", "does not start"),
        ("FREQ=HOURLY", "daily or less often"),
        ("WEEKLY", "is not a rule part"),
        ("FREQ=WEEKLY;INTERVAL=0", "INTERVAL=0"),
        ("", "is empty"),
    ],
)
def test_a_rule_that_is_none(rule: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        table({"Ada": FREE}).recurring(rule, TUESDAY, HOUR, timezone="Europe/Berlin")


def test_arguments_that_make_no_sense() -> None:
    people = table({"Ada": FREE})
    with pytest.raises(ValueError, match="needs step"):
        people.recurring_free("FREQ=WEEKLY", HOUR, FIRST)
    with pytest.raises(ValueError, match="per_day"):
        people.recurring_free("FREQ=WEEKLY", HOUR, FIRST, step=HOUR, per_day=1)
    with pytest.raises(TypeError):
        people.recurring(3, TUESDAY, HOUR)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        people.recurring_free("FREQ=WEEKLY", HOUR, (LO, HI), step=HOUR)  # type: ignore[arg-type]
