"""What a limit cuts off is not parsed first: the answer stays, the work goes."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

import extcal
from extcal.errors import LimitExceeded
from extcal.ical.budget import Work
from extcal.ical.parse import spans
from extcal.ical.parse.excess import without_excess
from extcal.ical.parse.spans import Span, whole
from extcal.ical.zones.names import is_exact
from extcal.limits import Limits

START = datetime(2027, 1, 4, tzinfo=UTC)
END = START + timedelta(days=10)
LIMITS = Limits(max_dates_per_series=20, max_overrides_per_series=5)
MASTER = ("DTSTART:20270101T000000Z", "DURATION:PT1H", "RRULE:FREQ=HOURLY;INTERVAL=3")


def event(*lines: str, uid: str = "a") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT", ""])


def body(*parts: str) -> bytes:
    return ("BEGIN:VCALENDAR\nPRODID:-//x//EN\n" + "".join(parts) + "END:VCALENDAR\n").encode()


def hours(count: int) -> list[str]:
    first = datetime(2027, 1, 4)
    return [f"{first + timedelta(hours=3 * number):%Y%m%dT%H%M%SZ}" for number in range(count)]


def overrides(count: int, uid: str = "a") -> list[str]:
    return [
        event(f"RECURRENCE-ID:{at}", f"DTSTART:{at}", "DURATION:PT2H", uid=uid)
        for at in hours(count)
    ]


def spans_left(raw: bytes, limits: Limits) -> tuple[Span, ...]:
    return without_excess(raw, whole(raw), Work(limits), is_exact)


def bytes_left(raw: bytes) -> int:
    left = spans_left(raw, LIMITS)
    return sum(end - start for start, end in left)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("before", [(), ("EXDATE:20270104T000000Z,20270104T030000Z", "SEQUENCE:1")])
def test_exdates_behind_the_limit_are_not_read(newline: str, before: tuple[str, ...]) -> None:
    """The instances they name stay busy, as they do where every line is read."""
    exdates = [f"EXDATE:{at}" for at in hours(60)]
    raw = body(event(*MASTER, *before, *exdates, "SUMMARY:x")).replace(b"\n", newline.encode())
    left = spans_left(raw, LIMITS)
    assert sum(raw.count(b"EXDATE:", *span) for span in left) <= 20 + 1 + 1
    # A comment between the lines makes it no stretch, so that every line is read.
    loose = newline.encode().join(
        line + newline.encode() + b"COMMENT:x" if line.startswith(b"EXDATE") else line
        for line in raw.split(newline.encode())
    )
    assert bytes_left(loose) == len(loose)
    fast = extcal.expand(raw, START, END, limits=LIMITS)
    slow = extcal.expand(loose, START, END, limits=LIMITS)
    assert fast.free_busy == slow.free_busy
    assert fast.complete
    assert slow.complete
    assert [p.code for p in fast.problems] == [p.code for p in slow.problems]
    assert [p.code for p in fast.problems] == ["max_dates_per_series"]


def test_folded_and_short_stretches_of_exdates_stay() -> None:
    """Only a long stretch of whole lines is cut."""
    folded = [f"EXDATE:{at[:10]}\n {at[10:]}" for at in hours(60)]
    pieces = [line for at in hours(60) for line in (f"EXDATE:{at}", "X-A:1")]
    for raw in (body(event(*MASTER, *folded)), body(event(*MASTER, *pieces))):
        assert bytes_left(raw) == len(raw)


def test_far_too_many_overrides_are_not_typed_and_the_window_is_unknown() -> None:
    """The answer does not depend on their order, and other UIDs keep theirs."""
    parts = [event(*MASTER), *overrides(11), event(*MASTER, uid="b"), *overrides(3, "b")]
    raw = body(*parts)
    left = spans_left(raw, LIMITS)
    assert sum(raw.count(b"RECURRENCE-ID", *span) for span in left) == 3
    whole = extcal.expand(raw, START, END, limits=LIMITS)
    assert not whole.complete
    assert whole.free_busy.unknown == (whole.free_busy.window,)
    assert [problem.code for problem in whole.problems] == ["max_overrides_per_series"]
    random.Random(1).shuffle(parts)
    shuffled = extcal.expand(body(*parts), START, END, limits=LIMITS)
    assert shuffled.free_busy == whole.free_busy
    assert shuffled.events == whole.events
    with pytest.raises(LimitExceeded):
        extcal.expand(raw, START, END, limits=LIMITS, strict=True)


def test_overrides_of_many_series_are_no_crowd() -> None:
    """Each has few: all of them are read."""
    raw = body(*(part for uid in "abcdefgh" for part in overrides(4, uid)))
    assert bytes_left(raw) == len(raw)
    assert extcal.expand(raw, START, END, limits=LIMITS).complete


def told(raw: bytes, limits: Limits) -> extcal.Expansion:
    return extcal.expand(raw, START, END, limits=limits, timezone="UTC")


def left(raw: bytes, limits: Limits) -> bytes:
    spans = spans_left(raw, limits)
    return b"".join(raw[start:end] for start, end in spans)


def test_far_too_many_copies_of_one_event_are_not_typed() -> None:
    """What else has their UID stays, and so does what has another."""
    limits = Limits(max_versions=5)
    other = event("DTSTART:20270106T000000Z", "DURATION:PT1H", uid="b")
    parts = [*(event(*MASTER, f"SEQUENCE:{n}") for n in range(11)), *overrides(3), other]
    raw = body(*parts)
    kept = left(raw, limits)
    assert kept.count(b"BEGIN:VEVENT") == 4
    whole = told(raw, limits)
    assert whole.free_busy.unknown == (whole.free_busy.window,)
    assert [problem.code for problem in whole.problems] == ["max_versions"]
    random.Random(1).shuffle(parts)
    assert told(body(*parts), limits).free_busy == whole.free_busy
    few = body(*(event(*MASTER, f"SEQUENCE:{n}") for n in range(10)))
    assert left(few, limits) == few


def test_one_uid_for_all_events_is_no_crowd_of_copies() -> None:
    """Some exporters write it; their events start at different times."""
    many = [event(f"DTSTART:{at}", "DURATION:PT1H") for at in hours(40)]
    raw = body(*many)
    assert left(raw, Limits(max_versions=5)) == raw
    assert told(raw, Limits(max_versions=5)).complete


@pytest.mark.parametrize("quote", ["", '"'])
def test_more_names_of_zones_than_there_are_zones(quote: str) -> None:
    """Events in zones that exist are read; when the others take place nobody knows."""
    limits = Limits(max_tzids=6)

    def at(name: str) -> str:
        start = f"DTSTART;TZID={quote}{name}{quote}:20270106T090000"
        return event(start, "DURATION:PT1H", uid=name)

    raw = body(*(at(f"No Such Zone {n}") for n in range(6)), at("Europe/Berlin"))
    assert b"No Such" not in left(raw, limits)
    whole = told(raw, limits)
    assert not whole.complete
    assert whole.free_busy.unknown == (whole.free_busy.window,)
    assert [found.uid for found in whole.events] == ["Europe/Berlin"]
    assert [problem.code for problem in whole.problems] == ["max_tzids"]
    few = body(*(at(f"No Such Zone {n}") for n in range(6)))
    assert left(few, limits) == few
    assert told(few, limits).complete


def test_names_of_zones_that_are_written_in_another_way_count_as_well() -> None:
    many = [event(f"DTSTART;tzid=None {n}:20270106T090000", uid=f"u{n}") for n in range(7)]
    whole = told(body(*many), Limits(max_tzids=6))
    assert whole.free_busy.unknown == (whole.free_busy.window,)
    assert told(body(*many), Limits(max_tzids=7)).complete


LOST = (
    "DTSTART:rubbish",
    "DTSTART:RUBBISH\nSUMMARY:20270105T090000Z",
    "SUMMARY:no start at all",
    "DESCRIPTION:x\nDTSTART:none\nSEQUENCE:1",
)
READABLE = (
    "DTSTART:rubbish\nDTSTART:20270105T090000Z",
    "DTSTART: 20270105T090000Z",
    "dtstart:20270105T090000Z",
    "DT\n START:20270105T090000Z",
    "DTSTART:\n 20270105T090000Z",
    "DTSTART;VALUE=DATE:20270105",
    "DTSTART\x00:20270105T090000Z",
    "DTSTART:\x0020270105T090000Z",
    "DTSTART:20270105T090000Z",
)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_events_that_nobody_can_read_are_counted_beyond_what_is_told(newline: str) -> None:
    """The answer and the number of Problems are those of reading each of them."""
    limits = Limits(max_problems=5)
    parts = [event(*LOST[n % len(LOST)].split("\n"), uid=f"u{n % 3}") for n in range(40)]
    parts += [event(*lines.split("\n"), uid=f"r{n}") for n, lines in enumerate(READABLE)]
    random.Random(2).shuffle(parts)
    parts.append(event("DTSTART:20270107T090000Z", uid="last"))
    raw = body(*parts).replace(b"\n", newline.encode())
    kept = left(raw, limits)
    assert kept.count(b"UID:u") < 40
    assert kept.count(b"UID:r") == len(READABLE)
    # A line in lower case is as good, and read one by one.
    slow = raw.replace(b"UID:u", b"uid:u")
    assert left(slow, limits) == slow
    fast_answer, slow_answer = told(raw, limits), told(slow, limits)
    assert fast_answer.events == slow_answer.events
    assert fast_answer.free_busy == slow_answer.free_busy
    assert fast_answer.complete
    assert fast_answer.problems[-1] == slow_answer.problems[-1]
    assert fast_answer.problems[-1].message == "and 35 more problems"


def test_far_too_many_availabilities_are_not_read() -> None:
    one = (
        "BEGIN:VAVAILABILITY\nUID:a{0}\nBEGIN:AVAILABLE\nUID:b{0}\nDTSTART:20270105T090000Z\n"
        "DTEND:20270105T170000Z\nEND:AVAILABLE\nEND:VAVAILABILITY\n"
    )
    raw = body(
        *(one.format(n) for n in range(4)), event("DTSTART:20270107T090000Z", "DURATION:PT1H")
    )
    assert b"AVAILABLE" not in left(raw, Limits(max_availability=7))
    assert left(raw, Limits(max_availability=8)) == raw
    whole = told(raw, Limits(max_availability=7))
    assert whole.free_busy.unknown == (whole.free_busy.window,)
    assert len(whole.events) == 1
    assert told(raw, Limits(max_availability=8)).complete


def test_a_crowd_without_a_calendar_is_still_a_feed() -> None:
    """What icalendar's Event.to_ical() gives has no VCALENDAR around it."""
    raw = "".join(event(*MASTER, f"SEQUENCE:{n}") for n in range(11)).encode()
    whole = told(raw, Limits(max_versions=5))
    assert whole.free_busy.unknown == (whole.free_busy.window,)


@pytest.mark.parametrize(
    ("before", "calendar"),
    [
        ("BEGIN:VCALENDAR\n", True),
        ("X:y\nBEGIN:VCALENDAR\n", True),
        ("\ufeffBEGIN:VCALENDAR\n", True),
        ("", False),
        ("XBEGIN:VCALENDAR\n", False),
        ("X:BEGIN:VCALENDAR\n", False),
        ("X:y\n BEGIN:VCALENDAR\n", False),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("most", [0, 1, 2])
def test_lost_events_without_a_calendar_are_still_a_feed(
    before: str, calendar: bool, newline: str, most: int
) -> None:
    """However few Problems are told, each of them is counted once."""
    after = "END:VCALENDAR\n" if calendar else ""
    raw = (before + event("DTSTART:soon") * 9 + after).replace("\n", newline).encode()
    short, long = (
        extcal.expand(raw, START, END, limits=Limits(max_problems=most), sieve=sieve)
        for sieve in (True, False)
    )
    assert short.problems == long.problems
    all_told = extcal.expand(raw, START, END).problems
    assert ("outside_calendar" in {each.code for each in all_told}) is not calendar
    assert short.problems[-1].message == f"and {len(all_told) - most} more problems"


@pytest.mark.parametrize("before", ["", "X:BEGIN:VCALENDAR\n"])
@pytest.mark.parametrize(
    ("limit", "events"),
    [
        (
            "max_overrides_per_series",
            [event(f"RECURRENCE-ID:{at}", f"DTSTART:{at}") for at in hours(9)],
        ),
        ("max_versions", [event(*MASTER, f"SEQUENCE:{n}") for n in range(9)]),
        ("max_tzids", [event(f"DTSTART;TZID=Z{n}:20270105T090000", uid=str(n)) for n in range(9)]),
        ("max_vevents", [event(*MASTER, uid=str(n)) for n in range(9)]),
        ("max_availability", ["BEGIN:VAVAILABILITY\nUID:a\nEND:VAVAILABILITY\n"] * 9),
        ("max_work", [event(*MASTER, uid=str(n)) for n in range(9)]),
        ("max_lines", [event(*MASTER, uid=str(n)) for n in range(9)]),
        ("max_line_bytes", [f"BEGIN:VEVENT;X={'x' * 99}\n", "END:VEVENT\n"]),
    ],
)
def test_a_calendar_may_be_in_what_a_limit_left_out(
    limit: str, events: list[str], before: str
) -> None:
    """Without a BEGIN:VCALENDAR line an event makes a feed: unknown time, also if none is read."""
    raw = (before + "".join(events)).encode()
    limits = Limits(**{limit: 40 if limit == "max_line_bytes" else 2})
    short, long = (
        extcal.expand(raw, START, END, timezone="UTC", limits=limits, sieve=sieve)
        for sieve in (True, False)
    )
    assert (short.free_busy, short.events) == (long.free_busy, long.events)
    assert short.free_busy.unknown == (short.free_busy.window,)
    assert limit in {problem.code for problem in short.problems}


def test_of_more_events_than_are_read_no_crowd_is_searched() -> None:
    """Counted, not timed: the window is unknown anyway, and 600,000 copies would take seconds."""
    raw = body(*[event(*MASTER, f"SEQUENCE:{n}") for n in range(12)], *overrides(12))
    raw += body(*[event(f"DTSTART;TZID=Z{n}:20270105T090000", uid=str(n)) for n in range(6)])
    crowds = {"max_versions": 2, "max_overrides_per_series": 2, "max_tzids": 2}
    assert spans_left(raw, Limits(max_vevents=29, **crowds)) == whole(raw)
    assert spans_left(raw, Limits(max_vevents=30, **crowds)) != whole(raw)
    short, long = (
        extcal.expand(raw, START, END, limits=Limits(max_vevents=29, **crowds), sieve=sieve)
        for sieve in (True, False)
    )
    assert short == long
    assert short.free_busy.unknown == (short.free_busy.window,)


def test_events_that_were_never_ended_are_counted_twice() -> None:
    """Once for the missing END, once for what is lost, as where each of them is read."""
    limits = Limits(max_problems=5)
    parts = ["BEGIN:VEVENT\n" * 20, event("SUMMARY:x"), "BEGIN:VEVENT\nSUMMARY:y\n" * 9]
    raw = body(*parts, event("DTSTART:20270107T090000Z", "DURATION:PT1H"))
    slow = raw.replace(b"\nBEGIN:VEVENT", b"\nBEGIN:VEVENT ")
    assert len(left(raw, limits)) < len(raw)
    assert left(slow, limits) == slow
    fast_answer, slow_answer = told(raw, limits), told(slow, limits)
    assert fast_answer.free_busy == slow_answer.free_busy
    assert len(fast_answer.events) == 1
    assert fast_answer.problems[-1].message == slow_answer.problems[-1].message


def test_what_is_the_same_to_the_byte_is_read_once() -> None:
    """Exports repeat themselves; in another VCALENDAR the same words may mean something else."""
    limits = Limits(max_versions=5)
    one, other = event(*MASTER), event("DTSTART:20270106T001500Z", "DURATION:PT1H")
    raw = body(*[one, other] * 20, *overrides(3) * 2)
    assert left(raw, limits).count(b"BEGIN:VEVENT") == 2 + 6
    whole = told(raw, limits)
    assert whole.complete
    assert whole.events == told(body(one, other, *overrides(3)), limits).events
    two = raw + body(one)
    assert left(two, limits).count(b"BEGIN:VEVENT") < 40  # a crowd, and told of
    assert not told(two, limits).complete
    assert left(body(*[one] * 5) + body(one), limits).count(b"BEGIN:VEVENT") == 6


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_lines_are_counted_to_the_last_one(newline: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the stretches end in which they are counted, also between a CR and its LF."""
    raw = newline.join([b"A:b", b"", b" cdefgh", b"", b"", b"i"] * 20)
    told = {size: left(raw, Limits(max_lines=size)) for size in (100, 118, 119, 120, 1_000)}
    assert [size for size, lines in told.items() if lines] == [119, 120, 1_000]
    for size in range(2, 12):
        monkeypatch.setattr(spans, "STRETCH", size)
        monkeypatch.setattr(spans, "_MORE", 3)
        assert {size: left(raw, Limits(max_lines=size)) for size in told} == told
