"""Laws of recurrence sets that hold for every rule, whatever its instances are."""

from __future__ import annotations

import importlib.util
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from extcal.ical.budget import Work
from extcal.ical.recurrence import RecurrenceRule, Starts, parse, starts
from extcal.limits import Limits

_MAKER = Path(__file__).parents[2] / "oracles" / "rule_maker.py"
_SPEC = importlib.util.spec_from_file_location("rule_maker_of_laws", _MAKER)
assert _SPEC is not None
assert _SPEC.loader is not None
maker = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(maker)

EPOCH = datetime(1970, 1, 1)
DAY = 86_400
CYCLE = 146_097 * DAY  # 400 years, after which the calendar and the weekdays repeat
PLENTY = Limits(max_steps=10**6)


def ignore(code: str, message: str, action: str) -> None:
    """A law says nothing about Problems."""


def read(text: str) -> RecurrenceRule:
    rule = parse(text, ignore)
    assert rule is not None
    return rule


def members(found: Starts) -> list[int]:
    assert found.exact_until is None
    return sorted([*found.local, *(start for run in found.runs for start in run)])


class Series:
    """A rule and its DTSTART, asked for windows."""

    def __init__(self, rule: RecurrenceRule, dtstart: int, until: int | None = None) -> None:
        self.rule, self.dtstart, self.until = rule, dtstart, until

    def within(self, lo: int, hi: int, **options: Any) -> list[int]:
        work = options.pop("work", None) or Work(PLENTY)
        found = starts(self.rule, self.dtstart, lo, hi, work, until=self.until, **options)
        return members(found)

    def shifted(self, by: int) -> Series:
        until = None if self.until is None else self.until + by
        return Series(self.rule, self.dtstart + by, until)


@st.composite
def series(draw: st.DrawFn) -> tuple[Series, int]:
    """A random series and the end of a window that is worth looking at."""

    def choose(values: Any) -> Any:
        return draw(st.sampled_from(values))

    dtstart = maker.make_start(choose)
    parts = maker.make_parts(choose, dtstart)
    end = (maker.horizon(parts, dtstart) - EPOCH) // timedelta(seconds=1)
    until = None
    if "UNTIL" in parts:
        until = (parts.pop("UNTIL") - EPOCH) // timedelta(seconds=1)
    start = (dtstart - EPOCH) // timedelta(seconds=1)
    return Series(read(maker.text_of(parts)), start, until), end


@given(series(), st.lists(st.floats(0, 1), max_size=5), st.booleans(), st.booleans())
def test_splitting_the_window_changes_nothing(
    drawn: tuple[Series, int], cuts: list[float], is_date: bool, include_dtstart: bool
) -> None:
    """The starts of adjoining windows are the starts of the whole."""
    found, end = drawn
    start = found.dtstart - 100
    if is_date:
        found = Series(found.rule, found.dtstart // DAY * DAY, found.until)
    edges = sorted({start, end, *(start + int((end - start) * cut) for cut in cuts)})
    options = {"is_date": is_date, "include_dtstart": include_dtstart}
    pieces = [found.within(lo, hi, **options) for lo, hi in pairwise(edges)]
    assert [one for piece in pieces for one in piece] == found.within(start, end, **options)


@given(series(), st.integers(1, 4000), st.integers(1, 90))
def test_seeking_equals_walking(drawn: tuple[Series, int], periods: int, length: int) -> None:
    """A window far from DTSTART shows what a walk from DTSTART shows there."""
    found, end = drawn
    near = end - found.dtstart
    lo = found.dtstart + near * periods // 1000
    hi = lo + near * length // 1000 + 1
    assert found.within(lo, hi) == [one for one in found.within(found.dtstart, hi) if one >= lo]


@given(series(), st.integers(-1, 19))
def test_400_years_change_nothing(drawn: tuple[Series, int], cycles: int) -> None:
    """The Gregorian calendar repeats after 146,097 days, weekdays and week numbers included."""
    found, end = drawn
    by = cycles * CYCLE
    later = found.shifted(by)
    expected = [one + by for one in found.within(found.dtstart, end)]
    assert later.within(later.dtstart, end + by) == expected


@given(series())
def test_a_count_cuts_the_endless_set(drawn: tuple[Series, int]) -> None:
    """COUNT=n is DTSTART and the first n starts that the same rule gives without COUNT."""
    found, end = drawn
    if found.rule.count is None:
        return
    fields = found.rule._asdict() | {"count": None}
    endless = Series(RecurrenceRule(**fields), found.dtstart, found.until)
    given = endless.within(found.dtstart, end, include_dtstart=False)[: found.rule.count]
    is_over = found.until is not None and found.until < found.dtstart
    expected = [] if is_over else sorted({found.dtstart, *given})
    assert found.within(found.dtstart, end) == expected


@given(series(), st.integers(0, 60))
def test_whatever_the_budget_what_is_known_is_right(drawn: tuple[Series, int], steps: int) -> None:
    """Before ``exact_until`` nothing is missing and nothing is too much; after it, no promise."""
    found, end = drawn
    everything = found.within(found.dtstart, end)
    work = Work(Limits(max_steps=steps))
    short = starts(found.rule, found.dtstart, found.dtstart, end, work, until=found.until)
    known = end if short.exact_until is None else short.exact_until
    assert known > found.dtstart or known == end
    given_members = members(short._replace(exact_until=None))
    assert given_members == [one for one in everything if one < known]


@given(series())
def test_a_rule_that_cannot_touch_the_window_costs_no_step(drawn: tuple[Series, int]) -> None:
    """Before DTSTART, and after UNTIL."""
    found, end = drawn
    work = Work(Limits(max_steps=0))
    assert found.within(found.dtstart - 10**9, found.dtstart, work=work) == []
    ended = Series(found.rule, found.dtstart, found.dtstart + 1000)
    assert ended.within(found.dtstart + 1001, end + 10**9, work=work) == []
    assert work.steps == 0


CHEAP = [
    "FREQ=SECONDLY",
    "FREQ=SECONDLY;COUNT=9000000000",
    "FREQ=MINUTELY;INTERVAL=7;BYHOUR=9,10",
    "FREQ=MINUTELY;INTERVAL=7;BYDAY=MO;COUNT=90000000",
    "FREQ=HOURLY;BYHOUR=9;BYMINUTE=0,30;COUNT=900000",
    "FREQ=HOURLY;INTERVAL=5;BYMONTH=1",
    "FREQ=DAILY;COUNT=900000",
    "FREQ=DAILY;INTERVAL=3;BYDAY=MO,TU;COUNT=900000",
    "FREQ=DAILY;BYMONTH=1,2",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;WKST=SU;COUNT=900000",
    "FREQ=WEEKLY;BYMONTH=1,2;BYDAY=MO",
    "FREQ=MONTHLY;COUNT=90000",
    "FREQ=MONTHLY;BYDAY=2TU,-1FR;COUNT=12001",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYMONTHDAY=1,-1;COUNT=9000",
    "FREQ=MONTHLY;BYDAY=1SU,-1SU;BYHOUR=8,9;COUNT=17000",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=9000",
    "FREQ=YEARLY;BYMONTH=1;BYDAY=3MO;COUNT=900",
    "FREQ=YEARLY;BYWEEKNO=1,53;BYDAY=MO",
]


@pytest.mark.parametrize("text", CHEAP)
def test_steps_do_not_grow_with_the_age_of_a_series(text: str) -> None:
    """The same window costs the same steps, after one year and after four hundred and more.

    A COUNT may first look at one cycle of the rule's windows, however long ago it began.
    """
    dtstart = -CYCLE - 10 * DAY + 9 * 3600  # Monday, 22 December 1569
    spent = []
    for years in (30, 130, 230, 430):
        lo = dtstart + years * 366 * DAY
        work = Work(PLENTY)
        found = starts(read(text), dtstart, lo, lo + 90 * DAY, work)
        assert found.exact_until is None
        spent.append(work.steps)
    assert max(spent) - min(spent) <= 60
    assert max(spent) <= 300


@given(st.text(max_size=60))
@example("FREQ=DAILY;UNTIL=٢٠٢٦١٢٣٠")
@example("FREQ=DAILY;COUNT=²")
@example("FREQ=DAILY;BYDAY=١MO")
@example("\x00;=;==;FREQ==DAILY")
def test_parse_never_raises(text: str) -> None:
    parse(text, ignore)


WORDS = st.sampled_from(
    [
        *"FREQ UNTIL COUNT INTERVAL BYDAY BYMONTH BYSETPOS BYHOUR WKST RSCALE SKIP".split(),
        *"X-A = ; ,".split(),
        *"DAILY YEARLY SECONDLY MO -1SU 1 0 -1 13 5L 60 366 20261230 GREGORIAN FORWARD".split(),
    ]
)


@given(st.lists(WORDS, max_size=14), st.integers(-(10**11), 10**11), st.booleans())
@settings(max_examples=2 * settings.default.max_examples)
def test_a_rule_of_any_text_is_expanded_or_unknown(
    words: list[str], dtstart: int, is_date: bool
) -> None:
    """DTSTART is always there, unless UNTIL took it; nothing raises, nothing runs away."""
    rule = parse("FREQ=" + "".join(words), ignore)
    if rule is None:
        return
    dtstart = max(-62_135_596_800, min(dtstart, 253_402_300_799)) // DAY * DAY
    work = Work()
    found = starts(rule, dtstart, dtstart, dtstart + 90 * DAY, work, is_date=is_date)
    assert found.local[:1] == [dtstart] or found.runs[0].start == dtstart
    assert all(one >= dtstart for one in found.local)
    assert sum(map(len, [found.local])) <= 400_000
    assert work.steps <= 2 * Limits().max_steps
