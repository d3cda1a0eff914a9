"""Work is counted, never timed: how many recurrence steps the measured feeds may cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import combinations
from types import ModuleType
from typing import Any

import pytest
from counting import cost_of

import extcal
from extcal.ical.events import vevent
from extcal.ical.series import instances as columns
from extcal.ical.zones import transitions
from extcal.intervals import epoch, instant, types

START = datetime(2027, 1, 4, tzinfo=UTC)
RULES = (
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "FREQ=MONTHLY;BYDAY=2TU",
    "FREQ=MONTHLY;BYMONTHDAY=15",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=YEARLY",
    "FREQ=HOURLY;INTERVAL=12",
)


def _expand(feeds: ModuleType, data: bytes, max_steps: int = 100_000) -> extcal.Expansion:
    limits = extcal.Limits(max_steps=max_steps)
    return extcal.expand(data, feeds.START, feeds.END, timezone="Europe/Berlin", limits=limits)


def _steps(feeds: ModuleType, data: bytes) -> int:
    """The fewest steps that ``data`` can be read with, found by halving."""
    low, high = -1, 100_000
    while high - low > 1:
        middle = (low + high) // 2
        if _expand(feeds, data, middle).complete:
            high = middle
        else:
            low = middle
    return high


def test_500_unending_series_cost_a_step_an_occurrence_at_most(feeds: ModuleType) -> None:
    """Twenty-two years lie between their starts and the window; none of them is walked through."""
    data = feeds.recurrence_heavy(500)
    whole = _expand(feeds, data)
    assert whole.complete
    again = _expand(feeds, data, len(whole.events) + 500)
    assert again.complete
    assert again.free_busy == whole.free_busy


@pytest.mark.parametrize("kind", ["google_like", "outlook_like"])
def test_ended_series_cost_nothing(feeds: ModuleType, kind: str) -> None:
    """Ten years of series cost no more steps than there are occurrences in the window."""
    data = getattr(feeds, kind)(2_000)
    whole = _expand(feeds, data)
    assert _expand(feeds, data, len(whole.events)).complete


@pytest.mark.parametrize("rule", RULES)
def test_the_distance_from_dtstart_costs_nothing(feeds: ModuleType, rule: str) -> None:
    """A series since 1905 costs what one since 2025 costs, give or take its first period."""
    steps = [
        _steps(
            feeds,
            b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:one\r\nDURATION:PT1H\r\n"
            b"DTSTART:%d0103T090000Z\r\nRRULE:%s\r\n"
            b"END:VEVENT\r\nEND:VCALENDAR\r\n" % (year, rule.encode()),
        )
        for year in (1905, 2025)
    ]
    assert abs(steps[0] - steps[1]) <= 10, steps


# --- hostile feeds: how many objects are made, never how long it takes ---------------------------


def _feed(hostile: ModuleType, name: str) -> bytes:
    (found,) = (one.make() for one in hostile.HOSTILE if one.name == name)
    assert isinstance(found, bytes)
    return found


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Counts the events that are typed the long way, the occurrences, and the zone tables."""
    counts = {"events": 0, "occurrences": 0, "tables": 0}

    def count(owner: Any, name: str, what: str) -> None:
        plain = getattr(owner, name)

        def counted(*args: Any, **keywords: Any) -> Any:
            counts[what] += 1
            return plain(*args, **keywords)

        monkeypatch.setattr(owner, name, counted)

    count(vevent.Event, "__init__", "events")
    count(columns, "Occurrence", "occurrences")
    count(transitions.FixedRules, "table", "tables")
    count(transitions.TzinfoRules, "table", "tables")
    return counts


@pytest.mark.parametrize(
    "name", ["SECONDLY;INTERVAL=7;COUNT=1000000000", "INTERVAL=0", "1,000 SECONDLY series"]
)
def test_instances_that_do_not_touch_are_integers(
    feeds: ModuleType, hostile: ModuleType, made: dict[str, int], name: str
) -> None:
    """A hundred thousand of them, and values of those alone that may be shown."""
    data = _feed(hostile, name)
    found = extcal.free_busy(data, feeds.START, feeds.END, timezone="UTC")
    assert len(found.epochs) > 50_000
    assert made["occurrences"] <= extcal.Limits().max_occurrences_per_series


def test_ten_year_instances_of_every_day_are_one_block(
    feeds: ModuleType, hostile: ModuleType
) -> None:
    """Six hundred thousand instances touch the window; 200 series cost 200 steps, and are known."""
    data = _feed(hostile, "200 daily series of ten-year instances")
    assert _steps(feeds, data) <= 400
    answer = _expand(feeds, data)
    assert not answer.events_complete
    assert [period.fbtype for period in answer.free_busy] == [extcal.FBType.BUSY]


@pytest.mark.parametrize(
    ("name", "events"), [("50,000 overrides of one UID", 2), ("100,000 EXDATEs", 2)]
)
def test_what_a_limit_cuts_off_is_not_typed(
    feeds: ModuleType, hostile: ModuleType, made: dict[str, int], name: str, events: int
) -> None:
    """Overrides are counted before they are typed."""
    extcal.free_busy(_feed(hostile, name), feeds.START, feeds.END, timezone="UTC")
    assert made["events"] <= events


def test_zones_that_nobody_knows_share_one_table(
    feeds: ModuleType, hostile: ModuleType, made: dict[str, int]
) -> None:
    """Twenty thousand names mean nothing, so they all mean the same."""
    data = _feed(hostile, "20,000 unknown TZIDs")
    extcal.free_busy(data, feeds.START, feeds.END, timezone="Europe/Berlin")
    assert made["tables"] <= 4


def test_times_are_made_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Joins, a table and the slots in it make no Period; each slot that is looked at makes one."""
    start, end = extcal.days("2027-01-04", 7, "UTC")
    lo, hi = epoch(start), epoch(end)
    made = []

    def counted(at: int) -> datetime:
        made.append(at)
        return instant(at)

    monkeypatch.setattr(types, "instant", counted)
    work = extcal.FreeBusy.from_epochs(lo, hi, [(lo, lo + 3600, 3)])
    private = extcal.FreeBusy.from_epochs(lo, hi, [(hi - 3600, hi, 4)])
    people = {str(number): work | private for number in range(20)}
    found = extcal.common_free(people, timedelta(hours=1), step=timedelta(minutes=15))
    assert len(found) == 4 * (7 * 24 - 3) + 1
    assert made == []
    assert len(found.slots) == len(found)
    assert len(made) == 2 * len(found)


def test_nobody_is_looked_at_when_no_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who is never free answers for a thousand others."""
    start, end = extcal.days("2027-01-04", 7, "UTC")
    lo, hi = epoch(start), epoch(end)
    halves = [extcal.FreeBusy.from_epochs(lo, hi, [(s, s + 43200, 3)]) for s in (lo, lo + 43200)]
    never = extcal.FreeBusy.from_epochs(lo, hi, [(lo, hi, 3)])
    seen = []
    taken = extcal.FreeBusy.taken

    def counted(self: extcal.FreeBusy, *arguments: Any, **options: Any) -> Any:
        seen.append(self)
        return taken(self, *arguments, **options)

    monkeypatch.setattr(extcal.FreeBusy, "taken", counted)
    assert len(extcal.common_free([*halves, never, *halves * 499], timedelta(minutes=1))) == 0
    assert len(seen) < 10


# Of what decides when an event takes place, each in a few forms.
PROPERTIES = (
    "DTSTART:20270105T090000",
    "DTSTART;TZID=W. Europe Standard Time:20270105T090000",
    "DTSTART;VALUE=DATE:20270105",
    "DTEND:20270105T100000",
    "DTEND;TZID=Europe/Berlin:20270105T100000",
    "DTEND;VALUE=DATE:20270106",
    "DURATION:PT1H",
    "RRULE:FREQ=DAILY;COUNT=3",
    "EXRULE:FREQ=WEEKLY;COUNT=3",
    "RDATE:20270107T090000Z",
    "RDATE;VALUE=PERIOD:20270107T090000Z/PT2H",
    "EXDATE;TZID=Europe/Berlin:20270107T090000",
    "RECURRENCE-ID;TZID=W. Europe Standard Time:20270105T090000",
    "RECURRENCE-ID;RANGE=THISANDFUTURE:20270105T080000Z",
    "UID:b",
    "SEQUENCE:3",
    "DTSTAMP:20261101T000000Z",
    "STATUS:TENTATIVE",
    "X-FUNAMBOL-ALLDAY:1",
    "ATTENDEE;PARTSTAT=DECLINED:mailto:ada@example.org",
)


def _calls(lines: tuple[str, ...], times: int) -> int:
    """Calls of functions for one event in which ``lines`` stand so many times."""
    repeated = "".join(f"{line}\r\n" for line in lines) * times
    body = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\n{repeated}END:VEVENT\r\nEND:VCALENDAR\r\n"
    end = START + timedelta(days=90)
    read = partial(extcal.expand, body.encode(), START, end, owner="ada@example.org")
    return cost_of(read).calls


def test_properties_that_are_repeated_together_cost_no_more_than_one_by_one() -> None:
    """20,000 DTENDs that each looked at 20,000 RECURRENCE-IDs took 17 s: two megabytes."""
    _calls(PROPERTIES, 1)  # what is imported or compiled only once
    for pair in combinations(PROPERTIES, 2):
        lines = ("DTSTART:20270105T090000", *pair)
        assert _calls(lines, 250) < 6 * _calls(lines, 50), lines
