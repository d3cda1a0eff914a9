"""``expand``: its arguments, exclusions, and what an Expansion is."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import extcal

START, END = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)
TIMES = ("DTSTART;TZID=Europe/Berlin:20270104T090000", "DURATION:PT1H")
BERLIN = ZoneInfo("Europe/Berlin")
FIFTH = datetime(2027, 1, 5, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("named", "left"),
    [
        ("a", []),
        ("b", [4, 5, 6]),
        (("a", FIFTH), [4, 6]),
        (("a", FIFTH.astimezone(BERLIN)), [4, 6]),
        (("a", date(2027, 1, 5)), [4, 6]),
        (("a", None), []),
        (["a", FIFTH], [4, 6]),
        (("b", FIFTH), [4, 5, 6]),
        (("a", FIFTH + timedelta(hours=1)), [4, 5, 6]),
        (("a", datetime(2027, 1, 5, tzinfo=BERLIN)), [4, 5, 6]),
    ],
)
def test_exclude_by_uid_and_by_instance(corridor: Any, named: Any, left: list[int]) -> None:
    event = corridor.event(*TIMES, "RRULE:FREQ=DAILY;COUNT=3")
    result = corridor.expand(event, exclude=[named])
    assert [found.start.day for found in result.events] == left
    assert [period.start.day for period in result.free_busy.periods] == left


@pytest.mark.parametrize("form", [":20270105T080000Z", ";VALUE=DATE:20270105", ":20270105T090000"])
def test_a_moved_instance_is_named_by_when_it_was_planned(corridor: Any, form: str) -> None:
    """However the feed wrote its RECURRENCE-ID."""
    master = corridor.event(*TIMES, "RRULE:FREQ=DAILY;COUNT=3")
    moved = corridor.event(f"RECURRENCE-ID{form}", "DTSTART:20270120T080000Z")
    for named in (FIFTH, FIFTH.astimezone(BERLIN), date(2027, 1, 5)):
        result = corridor.expand(master, moved, exclude=[("a", named)])
        assert [found.start.day for found in result.events] == [4, 6], named


@pytest.mark.parametrize(
    "named",
    [
        date(2027, 1, 5),
        datetime(2027, 1, 5, tzinfo=BERLIN),
        datetime(2027, 1, 5, tzinfo=UTC),
        datetime(2027, 1, 4, 23, tzinfo=UTC),
    ],
)
def test_an_all_day_instance_is_named_by_its_day(corridor: Any, named: date) -> None:
    event = corridor.event("DTSTART;VALUE=DATE:20270104", "RRULE:FREQ=DAILY;COUNT=3")
    result = corridor.expand(event, timezone="Europe/Berlin", exclude=[("a", named)])
    assert [found.first_day.day for found in result.events] == [4, 6]


def test_an_excluded_series_cannot_make_time_unknown(corridor: Any) -> None:
    event = corridor.event(*TIMES, "RRULE:FREQ=WEEKLY;BYDAY=XX")
    assert corridor.expand(event).free_busy.unknown
    assert not corridor.expand(event, exclude=["a"]).free_busy.unknown


@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"exclude": 7}, TypeError),
        ({"exclude": [("a", datetime(2027, 1, 5))]}, TypeError),
        ({"exclude": [("a", "20270105")]}, TypeError),
        ({"exclude": [7]}, TypeError),
        ({"detail": "titles"}, ValueError),
        ({"timezone": "Nowhere/Land"}, ValueError),
        ({"timezone": 7}, TypeError),
    ],
)
def test_a_callers_mistakes(corridor: Any, keywords: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        corridor.expand(corridor.event(*TIMES), **keywords)


def test_windows_that_are_none(corridor: Any) -> None:
    text = corridor.body(corridor.event(*TIMES))
    for start, end, error in (
        (END, START, ValueError),
        (START, START, ValueError),
        (datetime(2027, 1, 1), END, TypeError),
        (START, datetime(2027, 2, 1), TypeError),
        (date(2027, 1, 1), END, TypeError),
    ):
        with pytest.raises(error):
            extcal.expand(text, start, end)  # type: ignore[arg-type]
        with pytest.raises(error):
            extcal.free_busy(text, start, end)  # type: ignore[arg-type]


def test_an_expansion_is_a_value(corridor: Any) -> None:
    one = corridor.expand(corridor.event(*TIMES))
    other = corridor.expand(corridor.event(*TIMES))
    assert one == other
    assert hash(one) == hash(other)
    assert copy.deepcopy(one) == one
    assert one != corridor.expand(corridor.event(*TIMES, "TRANSP:TRANSPARENT"))
    assert (one == 7) is False
    with pytest.raises(AttributeError):
        one.complete = False
    with pytest.raises(AttributeError):
        del one.complete
    assert "1 events" in repr(one)
    cut = extcal.expand("BEGIN:VEVENT\r\nDTSTART:20270104T080000Z", START, END)
    assert "incomplete" in repr(cut)


def test_empty_feeds_say_so(corridor: Any) -> None:
    assert corridor.expand("X-WR-CALNAME:Empty").empty
    assert not corridor.expand(corridor.event("DTSTART:x")).empty
    assert not corridor.expand("BEGIN:VFREEBUSY\r\nEND:VFREEBUSY").empty


def test_lines_of_problems_are_counted_in_the_feed(corridor: Any) -> None:
    text = corridor.body(corridor.event(*TIMES), corridor.event("DTSTART:x", uid="b"))
    for newline in ("\r\n", "\n", "\r"):
        result = extcal.expand(text.replace("\r\n", newline), START, END)
        assert [(problem.code, problem.line) for problem in result.problems] == [("event_lost", 8)]
    assert str(result.problems[0]).startswith("line 8: ")


def test_an_error_of_ours_is_unknown_and_never_free(
    corridor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One event that goes wrong costs neither the others nor the truth."""
    from extcal.ical.answer import vavailability
    from extcal.ical.events import vevent
    from extcal.ical.series import recurrence_set

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    text = corridor.body(corridor.event(*TIMES), "BEGIN:VAVAILABILITY\r\nEND:VAVAILABILITY")
    for module, name in (
        (vevent, "event"),
        (recurrence_set, "instances"),
        (vavailability, "layer"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, broken)
            result = extcal.expand(text, START, END)
        assert [problem.code for problem in result.problems] == ["internal_error"]
        assert result.free_busy.unknown == (result.free_busy.window,)
        assert not result.complete


@pytest.mark.long
@pytest.mark.parametrize(("sieve", "count"), [(True, 10_000), (False, 3_000)])
def test_memory_stays_under_four_times_the_feed(sieve: bool, count: int) -> None:
    """Thousands of events of everyday size, ten years of them; the window is three months."""
    description = "DESCRIPTION:" + "\\n".join(["a line of an agenda that nobody reads"] * 16)
    folded = "\r\n ".join(description[at : at + 74] for at in range(0, len(description), 74))
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//EN"]
    body = []
    for number in range(count):
        start = datetime(2018, 1, 1, 9) + timedelta(hours=81_000 // count * number)
        body += [
            "BEGIN:VEVENT",
            f"UID:{number:08d}@example.org",
            "DTSTAMP:20260101T000000Z",
            f"DTSTART;TZID=Europe/Berlin:{start:%Y%m%dT%H%M%S}",
            f"DTEND;TZID=Europe/Berlin:{start + timedelta(hours=1):%Y%m%dT%H%M%S}",
            f"SUMMARY:Meeting number {number}",
            "LOCATION:Room 7",
            "ATTENDEE;CN=Ada;PARTSTAT=ACCEPTED:mailto:ada@example.org",
            folded,
            "END:VEVENT",
        ]
    feed = "\r\n".join([*head, *body, "END:VCALENDAR", ""]).encode()
    del body
    tracemalloc.start()
    try:
        result = extcal.expand(feed, START, START + timedelta(days=92), sieve=sieve)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.complete
    assert 0 < len(result.events) < 300
    assert peak < 4 * len(feed)


@pytest.mark.parametrize("name", ["DTSTART", "dtstart"])
def test_events_become_values_when_they_are_asked_for(name: str) -> None:
    """Until then nothing of the feed but what they show is kept alive."""
    lines = [f"{name}:20270104T080000Z", "RRULE:FREQ=DAILY;COUNT=3", "SUMMARY:a"]
    event = "\r\n".join(["BEGIN:VEVENT", "UID:u", *lines, "END:VEVENT"])
    raw = f"BEGIN:VCALENDAR\r\n{event}\r\nEND:VCALENDAR\r\n".encode()
    before = sys.getrefcount(raw)
    start, end = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)
    answer = extcal.expand(raw, start, end, timezone="UTC")
    gc.collect()
    assert sys.getrefcount(raw) == before
    assert answer.events is answer.events
    assert [event.summary for event in answer.events] == ["a", "a", "a"]
    assert pickle.loads(pickle.dumps(extcal.expand(raw, start, end, timezone="UTC"))) == answer


def test_threads_that_read_events_for_the_first_time_at_once_get_all_of_them() -> None:
    lines = [
        f"BEGIN:VEVENT\nUID:{number}\nDTSTART:20270105T090000Z\nDURATION:PT1H\nEND:VEVENT\n"
        for number in range(2_000)
    ]
    feed = "BEGIN:VCALENDAR\n" + "".join(lines) + "END:VCALENDAR\n"
    answer = extcal.expand(feed, START, END)
    together = threading.Barrier(4)

    def read(_: int) -> int:
        together.wait()
        return len(answer.events)

    with ThreadPoolExecutor(4) as threads:
        assert [*threads.map(read, range(4))] == [2_000] * 4


@pytest.mark.parametrize("most", [300, 5_000])
def test_rows_are_taken_and_what_they_are_made_from_is_given_back(most: int) -> None:
    """Piece by piece, so that never both are kept. There are no events any more after that."""
    events = [
        f"BEGIN:VEVENT\nUID:{number:030}\nDTSTART:20270105T090000Z\nDTEND:20270105T100000Z\n"
        f"{'RRULE:FREQ=DAILY;COUNT=2' if number % 10 == 0 else 'X:y'}\nEND:VEVENT\n"
        for number in range(2_000)
    ]
    feed = "BEGIN:VCALENDAR\n" + "".join(events) + "END:VCALENDAR\n"
    limits = extcal.Limits(max_occurrences=most)
    answer = extcal.expand(feed, START, END, limits=limits)
    shown = extcal.expand(feed, START, END, limits=limits).events
    tracemalloc.start()
    try:
        made = extcal.expand(feed, START, END, limits=limits)
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        rows = made.rows()
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [row for row, _ in rows] == [row for row, _ in answer.rows()]
    assert [row.uid for row, _ in rows] == [event.uid for event in shown]
    assert now < kept
    assert peak < kept * 1.2
    assert "without its events" in repr(made)
    for again in (made.rows, lambda: made.events):
        with pytest.raises(TypeError, match="taken"):
            again()


@pytest.mark.parametrize("twins", [(0, 1), (2_047, 2_048), (2_048, 2_049), (4_998, 4_999)])
def test_equal_places_are_found_among_very_many_rows(twins: tuple[int, int]) -> None:
    """Their order is that of all fields, whichever stands first in the feed."""
    starts = list(range(5_000))
    starts[twins[1]] = starts[twins[0]]
    rows = [
        f"BEGIN:VEVENT\nUID:a{'' if number in twins else number}\nSUMMARY:{-number}\n"
        f"RECURRENCE-ID:20200105T{number % 24:02}0000Z\nDTSTART:2027010{5 + start // 3600}T"
        f"{start // 3600:02}{start // 60 % 60:02}{start % 60:02}Z\nDURATION:PT1H\nEND:VEVENT\n"
        for number, start in enumerate(starts)
    ]
    limits = extcal.Limits(max_occurrences=10_000, max_occurrences_per_series=10_000)
    read, reversed_ = (
        extcal.expand(
            "BEGIN:VCALENDAR\n" + "".join(each) + "END:VCALENDAR\n", START, END, limits=limits
        ).events
        for each in (rows, rows[::-1])
    )
    assert read == reversed_
    assert len(read) == 5_000
