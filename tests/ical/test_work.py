"""Reading costs a bounded amount of work, whatever the bytes are (Limits.max_work, max_lines).

Nothing is timed: the work is counted by the reader, and here by the lines and events that it takes.
"""

from __future__ import annotations

import tracemalloc
from array import array
from collections.abc import Callable
from datetime import UTC, datetime
from unittest import mock

import pytest

import extcal
from extcal.ical.answer import collect
from extcal.ical.events import vevent
from extcal.ical.parse.components import ComponentReader
from extcal.intervals import merge
from extcal.intervals.merge import Level

START, END = datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 4, 4, tzinfo=UTC)
WORK = 600
NOW = "DTSTART:20270105T090000Z\r\nDTEND:20270105T100000Z\r\n"
MANY = 3_000


def calendar(*parts: str) -> bytes:
    return "".join(["BEGIN:VCALENDAR\r\n", *parts, "END:VCALENDAR\r\n"]).encode()


def event(lines: str, number: int = 0) -> str:
    return f"BEGIN:VEVENT\r\nUID:u{number}\r\n{lines}END:VEVENT\r\n"


def inside(name: str, line: str) -> Callable[[], bytes]:
    """A component with many lines of one kind."""
    lines = [line.format(number) + "\r\n" for number in range(MANY)]
    start = f"BEGIN:{name}\r\nUID:a\r\n{NOW if name == 'VEVENT' else ''}"
    return lambda: calendar(start, *lines, f"END:{name}\r\n", event(NOW))


def many(part: str) -> Callable[[], bytes]:
    """Many components of one kind."""
    return lambda: calendar(*(part.format(number) for number in range(MANY)), event(NOW))


def over(what: str) -> str:
    return what * MANY


KINDS = {
    "FREEBUSY lines": inside("VFREEBUSY", "FREEBUSY:20270105T090000Z/PT1H"),
    "FREEBUSY periods": lambda: calendar(
        f"BEGIN:VFREEBUSY\r\nFREEBUSY:{over('20270105T090000Z/PT1H,')}\r\nEND:VFREEBUSY\r\n"
    ),
    "FREEBUSY commas": lambda: calendar(
        f"BEGIN:VFREEBUSY\r\nFREEBUSY:{over(',')}\r\nEND:VFREEBUSY\r\n"
    ),
    "VFREEBUSYs": many("BEGIN:VFREEBUSY\r\nEND:VFREEBUSY\r\n"),
    "SUMMARYs": inside("VEVENT", "SUMMARY:{}"),
    "UIDs": inside("VEVENT", "UID:{}"),
    "DTENDs": inside("VEVENT", "DTEND:20270106T090000Z"),
    "RRULEs": inside("VEVENT", "RRULE:FREQ=DAILY;INTERVAL={}"),
    "EXRULEs": inside("VEVENT", "EXRULE:FREQ=DAILY;INTERVAL={}"),
    "BY lists": lambda: calendar(event(f"{NOW}RRULE:FREQ=YEARLY;BYYEARDAY={over('1,')}1\r\n")),
    "RDATE lines": inside("VEVENT", "RDATE:20270105T090000Z"),
    "EXDATE lines in lower case": inside("VEVENT", "exdate:20270105T090000Z"),
    "RDATE commas": lambda: calendar(event(f"{NOW}RDATE:{over(',' * 10)}\r\n")),
    "names in lower case": inside("VEVENT", "a:b\r\nc:d"),
    "names with a NUL": inside("VEVENT", "SUM\0MARY:{}"),
    "a long text": lambda: calendar(event(f"{NOW}SUMMARY:{over('x' * 20)}\r\n")),
    "a long parameter": lambda: calendar(event(f"DTSTART;X={over('x' * 20)}:20270105T090000Z\r\n")),
    "VTODOs": many("BEGIN:VTODO\r\nUID:{}\r\nEND:VTODO\r\n"),
    "VALARMs": inside("VEVENT", "BEGIN:VALARM\r\nEND:VALARM"),
    "unknown components": inside("VEVENT", "BEGIN:X\r\nEND:X"),
    "BEGINs": inside("VEVENT", "BEGIN:X"),
    "ENDs": inside("VEVENT", "END:X"),
    "VCALENDARs": lambda: over("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n").encode() + calendar(),
    "VTIMEZONEs": many("BEGIN:VTIMEZONE\r\nTZID:{}\r\nEND:VTIMEZONE\r\n"),
    "lines of VAVAILABILITY": inside("VAVAILABILITY", "PRIORITY:{}"),
    "events": many(event(NOW).replace("u0", "{}")),
    "events without a UID": many(event(NOW).replace("UID:u0\r\n", "")),
    "events in lower case": many(event(NOW).replace("u0", "{}").lower().replace("t09", "T09")),
    "series": many(event(f"{NOW}RRULE:FREQ=DAILY\r\n").replace("u0", "{}")),
    "overrides": many(event(f"{NOW}RECURRENCE-ID:20270105T090000Z\r\n").replace("u0", "{}")),
    "lone CRs": lambda: many(event(NOW).replace("u0", "{}"))().replace(b"\r\n", b"\r"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sieve", [True, False], ids=["sieved", "whole"])
def test_what_costs_more_than_the_budget_ends_as_unknown_time(kind: str, sieve: bool) -> None:
    """The reader stops where the budget ends, and never calls what it did not read free."""
    # The long way has twenty times the units.
    limits = extcal.Limits(max_work=WORK if sieve else WORK // 20, max_line_bytes=60_000)
    take, typed = ComponentReader.take, vevent.event
    with (
        mock.patch.object(ComponentReader, "take", autospec=True, side_effect=take) as lines,
        mock.patch.object(vevent, "event", side_effect=typed) as events,
    ):
        answer = extcal.expand(KINDS[kind](), START, END, limits=limits, sieve=sieve)
    assert lines.call_count <= WORK + 1
    assert events.call_count <= WORK // 3 + 1
    assert not answer.complete
    assert answer.free_busy.unknown_epochs == ((START.timestamp(), END.timestamp()),)
    assert "max_work" in {problem.code for problem in answer.problems}


@pytest.mark.parametrize("newline", [b"\r\n", b"\n", b"\r"])
@pytest.mark.parametrize("sieve", [True, False], ids=["sieved", "whole"])
def test_physical_lines_are_counted_before_they_are_read(newline: bytes, sieve: bool) -> None:
    raw = calendar(event(NOW + "\r\n X:y\r\n" * 3)).replace(b"\r\n", newline)
    size = raw.count(newline)
    exact, fewer = extcal.Limits(max_lines=size), extcal.Limits(max_lines=size - 1)
    assert extcal.expand(raw, START, END, limits=exact, sieve=sieve).complete
    with mock.patch.object(ComponentReader, "take") as take:
        answer = extcal.expand(raw, START, END, limits=fewer, sieve=sieve)
    assert not take.called
    assert not answer.complete
    assert not answer.empty
    assert {problem.code for problem in answer.problems} == {"max_lines"}
    with pytest.raises(extcal.LimitExceeded) as caught:
        extcal.expand(raw, START, END, limits=fewer, sieve=sieve, strict=True)
    assert caught.value.kind == "max_lines"


def test_an_exhausted_budget_is_never_forgiven() -> None:
    """A transparent event makes no time unknown, but what was not read behind it could."""
    free = event(NOW + "TRANSP:TRANSPARENT\r\n")
    raw = calendar(event(NOW, 1), *[free] * 10)
    assert not extcal.expand(raw, START, END, limits=extcal.Limits(max_work=30)).complete


def test_the_lines_of_a_body_are_never_in_memory_at_once() -> None:
    """A list of these 300,000 lines alone would take more."""
    raw = calendar(event(NOW + "X-A:b\r\n" * 300_000), event(f"{NOW}SUMMARY:{' x' * 200_000}\r\n"))
    extcal.expand(calendar(event(NOW)), START, END)  # what is kept for all feeds
    tracemalloc.start()
    extcal.expand(raw, START, END)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * len(raw) + 4 * 1024 * 1024


@pytest.mark.parametrize("read", [extcal.free_busy, extcal.expand])
def test_instances_that_overlap_are_never_in_memory_at_once(read: Callable[..., object]) -> None:
    """A list of the starts of these 60,000 instances, and one of their ends, would take 5 MB."""
    daily = "DTSTART:20200105T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY\r\n"
    raw = calendar(*[event(daily, number) for number in range(60)])
    asked = {"timezone": "Europe/Berlin", "limits": extcal.Limits(max_occurrences=1_000)}
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 10, 1, tzinfo=UTC)
    read(calendar(event(daily)), start, end, **asked)  # what is kept for all feeds
    tracemalloc.start()
    read(raw, start, end, **asked)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 1024 * 1024


@pytest.mark.parametrize(("length", "left"), [("PT1S", [267, 2225]), ("PT1H", [267, *[801] * 7])])
def test_many_spans_are_merged_and_packed_before_all_are_there(
    monkeypatch: pytest.MonkeyPatch, length: str, left: list[int]
) -> None:
    """At 200, and whenever there are eight times as many as were left."""
    sizes: list[int] = []
    kinds: list[type] = []

    def noted(level: Level, lo: int, hi: int) -> Level:
        sizes.append(len(level[0]))
        kinds.append(type(level[1]))
        return merge.merged(level, lo, hi)

    daily = f"DTSTART:20270105T09%02d00Z\r\nDURATION:{length}\r\nRRULE:FREQ=DAILY\r\n"
    raw = calendar(*[event(daily % number, number) for number in range(60)])
    expected = extcal.free_busy(raw, START, END)
    monkeypatch.setattr(collect, "_MANY", 200)
    monkeypatch.setattr(collect, "merged", noted)
    assert extcal.free_busy(raw, START, END) == expected
    assert sizes == left
    assert kinds == [list, *[array] * (len(sizes) - 1)]
