"""common_free with slots laid as booking pages do, and with some of many people, by example."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pytest

from extcal.intervals import FreeBusy, Period, WorkingHours, common_free

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def at(hour: int, minute: int = 0, day: int = 4) -> datetime:
    return datetime(2027, 1, day, hour, minute, tzinfo=UTC)


DAY = (at(0), at(0, day=5))
FREE = FreeBusy.from_periods(DAY)
MORNING = FreeBusy.from_periods(DAY, [(at(12), at(0, day=5))])
EVENING = FreeBusy.from_periods(DAY, [(at(0), at(12))])
DOUBTFUL = FreeBusy.from_periods(DAY, [], [(at(6), at(18))])


def test_people_who_take_turns_are_not_one() -> None:
    """One of two is free at every instant, but nobody for all of 11:30 to 12:30."""
    found = common_free([MORNING, EVENING], HOUR, at_least=1)
    assert found == (Period(at(0), at(12)), Period(at(12), at(0, day=5)))
    assert not common_free([MORNING, EVENING], 13 * HOUR, at_least=1)
    assert found.who(Period(at(9), at(10))) == ("0",)
    assert found.who(Period(at(12), at(13))) == ("1",)


def test_gaps_overlap_where_people_change() -> None:
    early = FreeBusy.from_periods(DAY, [(at(10), at(0, day=5))])
    late = FreeBusy.from_periods(DAY, [(at(0), at(9, 30))])
    found = common_free([early, late], HOUR, at_least=1)
    assert found == (Period(at(0), at(10)), Period(at(9, 30), at(0, day=5)))
    assert found.is_bookable(Period(at(9), at(10)))
    assert not found.is_bookable(Period(at(9, 15), at(10, 15)))


def test_buffers_differ() -> None:
    """An hour before, a quarter after: before one appointment and after another."""
    busy = FreeBusy.from_periods(DAY, [(at(8), at(9)), (at(12), at(13))])
    (_, middle, _) = common_free([busy], MINUTE, buffer=(HOUR, 15 * MINUTE))
    assert middle == Period(at(10), at(11, 45))


def test_limited_by_names_those_whose_unknown_time_matters() -> None:
    """Of two who are unknown, only the one without whom there are too few."""
    people = {"a": FREE, "b": DOUBTFUL, "c": DOUBTFUL}
    enough = common_free(people, HOUR, at_least=1)
    assert enough.limited_by == ()
    assert common_free(people, HOUR, at_least=2).limited_by == ("b", "c")
    assert common_free(people, HOUR, groups=[(1, ["a", "b"])], optional=["c"]).limited_by == ()
    assert common_free(people, HOUR, groups=[(2, ["a", "b"])], optional=["c"]).limited_by == ("b",)


def test_optional_people_are_in_slots_for_all() -> None:
    found = common_free({"a": FREE, "b": MORNING}, HOUR, optional=["b"])
    assert found == (Period(*DAY),)
    assert found.slots_for_all == (Period(at(0), at(12)),)
    assert found.who(Period(at(11), at(12))) == ("a", "b")
    assert found.who(Period(at(11, 30), at(12, 30))) == ("a",)


def test_whoever_asks_for_more_than_there_are_is_told() -> None:
    two = {"a": FREE, "b": FREE}
    for options in (
        {"at_least": 3},
        {"at_least": 0},
        {"groups": [(3, ["a", "b"])]},
        {"groups": [(1, ["x"])]},
        {"required": ["x"]},
        {"optional": ["x"]},
        {"optional": ["a"], "required": ["a"]},
        {"optional": ["a", "b"]},
        {"align": "hours"},
        {"per_day": 1},
        {"align": "noon", "step": HOUR},
        {"align": "earliest", "step": HOUR},
        {"per_day": 0, "step": HOUR},
        {"buffer": (HOUR, -HOUR)},
    ):
        with pytest.raises(ValueError):
            common_free(two, HOUR, **options)  # type: ignore[arg-type]
    for options in (
        {"groups": ["ab"]},
        {"groups": [("a", "b")]},
        {"groups": {"a": 1}},
        {"required": "a"},
        {"buffer": (HOUR,)},
        {"earliest": datetime(2027, 1, 4)},
        {"latest": "tomorrow"},
        {"at_least": True},
    ):
        with pytest.raises(TypeError):
            common_free(two, HOUR, **options)  # type: ignore[arg-type]


def test_what_is_no_slot_has_nobody() -> None:
    hours = WorkingHours("MO", "09:00", "10:00", "UTC")
    found = common_free([FREE], HOUR, hours=hours, step=HOUR)
    assert found == (Period(at(9), at(10)),)
    with pytest.raises(ValueError, match="not one of the slots"):
        found.who(Period(at(9, 30), at(10, 30)))
    with pytest.raises(ValueError, match="the count of 0"):
        found.fair_order(found[0], {"0": -1})
    with pytest.raises(TypeError):
        found.is_bookable((at(9), at(10)))  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(found)).who(found[0]) == ("0",)
    assert found.fair_order(found[0], {}, among=()) == ()


def test_hours_that_never_end_begin_anew_at_midnight() -> None:
    """Every 50 minutes from the start of hours that last the whole week: from each midnight."""
    always = WorkingHours("MO-SU", "00:00", "24:00", "Europe/Berlin")
    window = FreeBusy.from_periods((at(7, 13), at(6, day=5)))
    options = {"hours": always, "step": 50 * MINUTE, "align": "hours", "timezone": "Europe/Berlin"}
    found = common_free([window], HOUR, **options)  # type: ignore[arg-type]
    starts = [slot.start for slot in found]
    assert starts[0] == at(7, 20)
    assert at(23, 0) in starts
    assert at(22, 20) in starts
