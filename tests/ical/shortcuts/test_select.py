"""Which events the sieve reads and which it leaves out, line by line, in both directions.

Left out by mistake is busy time that looks free; read without need is time that everybody pays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from extcal.ical.parse import spans
from extcal.ical.shortcuts import select as room
from extcal.limits import Limits

LO = int(datetime(2027, 3, 1, tzinfo=UTC).timestamp())
HI = int(datetime(2027, 4, 15, tzinfo=UTC).timestamp())
HEAD = ("BEGIN:VCALENDAR", "VERSION:2.0")
PAST = ("DTSTART:20270225T090000Z", "DTEND:20270225T100000Z")
NOW = ("DTSTART:20270310T090000Z", "DTEND:20270310T100000Z")
LATER = ("DTSTART:20270418T090000Z", "DTEND:20270418T100000Z")


@pytest.fixture(autouse=True, params=["\r\n", "\n"], ids=["crlf", "lf"])
def newline(request: pytest.FixtureRequest) -> Iterator[str]:
    """However small a feed is, and whatever its newline is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "WORTHWHILE", 0)
        yield request.param


def event(uid: str, *lines: str) -> tuple[str, ...]:
    return ("BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT")


def feed(newline: str, *events: tuple[str, ...], head: tuple[str, ...] = HEAD) -> bytes:
    lines = [*head, *(line for each in events for line in each), "END:VCALENDAR", ""]
    return newline.join(line.replace("\n", newline) for line in lines).encode()


def is_read(raw: bytes, mark: str, limits: Limits | None = None) -> bool:
    """Whether the sieve lets through what holds ``mark``; its spans are sorted and apart."""
    read = room.sieve(raw, LO, HI, limits or Limits())
    assert all(start < end for start, end in read)
    assert all(end < start for (_, end), (start, _) in pairwise(read))
    assert (read[0][0], read[-1][1]) == (0, len(raw))
    found = [start <= raw.index(mark.encode()) < end for start, end in read]
    return any(found)


def left_out(newline: str, *lines: str, head: tuple[str, ...] = HEAD) -> bool:
    """Whether an event of these lines is left out among others, wherever it stands."""
    past, now = event("past", *PAST), event("now", *NOW)
    asked = event("asked", *lines)
    found = set()
    for events in ((asked, now), (past, asked, now), (now, asked, past, now), (asked, past, now)):
        raw = feed(newline, *events, head=head)
        found.add(is_read(raw, "UID:asked"))
        assert is_read(raw, "UID:now")
        # The dates in front of the UID, as some programs write them.
        begun = ("BEGIN:VEVENT", *lines, "UID:asked", "END:VEVENT")
        raw = feed(newline, *(begun if each is asked else each for each in events), head=head)
        found.add(is_read(raw, "UID:asked"))
    assert len(found) == 1
    return not found.pop()


@pytest.mark.parametrize(
    ("lines", "out"),
    [
        (PAST, True),
        (("DTSTART:20270226T090000Z", "DTEND:20270226T100000Z"), False),
        (("DTSTART:20270225T090000Z", "DTEND:20270226T100000Z"), False),
        (("DTSTART:20270226T090000Z",), False),
        (("DTSTART:20270225T090000Z",), True),
        (("DTSTART;VALUE=DATE:20270225",), True),
        (("DTSTART;TZID=Europe/Berlin:20270225T090000",), True),
        (('DTSTART;TZID="a:20270101":20270225T090000',), False),
        (NOW, False),
        (LATER, True),
        (("DTSTART:20270417T090000Z", "DTEND:20270418T100000Z"), False),
        (("DTSTART:20270418T090000Z", "DTEND:20270417T100000Z"), True),
        (("DTSTART:20270418T090000Z",), True),
        (("DTSTART:2027041", "DTEND:20270418T100000Z"), False),
        (("DTSTART:20270418T090000Z", "DTSTART:20270225T090000Z"), False),
        (("DTSTART:20270225T090000Z", "DTEND:20270418T100000Z"), False),
        ((), True),  # without a date it is no event
        (("dtstart:20270310T090000Z",), False),
        (("DTSTART :20270310T090000Z",), False),
        (("DTSTART\n :20270310T090000Z",), False),
    ],
)
def test_before_and_after_the_window(newline: str, lines: tuple[str, ...], out: bool) -> None:
    """With three days to spare on either side."""
    assert left_out(newline, *lines) is out


HARMLESS = [
    "DTSTAMP:20270310T090000Z",
    "DESCRIPTION:20270310",
    "RESOURCES:x",
    "RELATED-TO:x",
    "REQUEST-STATUS:2.0",
    "EXDATE:20270310T090000Z",
    "URL:https://example.org/",
    "BEGIN:VALARM\nTRIGGER:-PT5M\nEND:VALARM",
    "SUMMARY:DTSTART:20270310T090000Z",
    "DESCRIPTION:folded\n DTSTART:20270310T090000Z",
    "X-A:1",
    "ATTENDEE:mailto:a@example.org",
]
ODD = [
    "RDATE:20270310T090000Z",
    "DUE:20270310T090000Z",
    "DX:1",
    "EX:1",
    "RX:1",
    "UX:1",
    "UR:1",
    "BX:1",
    "begin:valarm",
    "rdate:20270310T090000Z",
    "RRULE\n :FREQ=DAILY",
    "END:VTODO",
    "BEGIN:VTODO",
    "\x00RDATE:20270310T090000Z",
]


@pytest.mark.parametrize("line", HARMLESS)
def test_what_says_nothing_about_the_time(newline: str, line: str) -> None:
    """An event that is past or later is left out in spite of it."""
    assert left_out(newline, *PAST, line)
    assert left_out(newline, *LATER, line)
    assert not left_out(newline, *NOW, line)


@pytest.mark.parametrize("line", ODD)
def test_what_may_say_something_about_the_time(newline: str, line: str) -> None:
    """Such an event is read, wherever its dates lie."""
    assert not left_out(newline, *PAST, line)
    assert not left_out(newline, *LATER, line)


@pytest.mark.parametrize(
    ("line", "past_out", "later_out"),
    [
        ("DURATION:PT19H59M59S", True, True),
        ("DURATION:PT20H", False, True),
        ("DURATION:P1D", False, True),
        ("DURATION:PT1H\n 0H", False, True),
        ("RRULE:FREQ=DAILY", False, True),
        ("RRULE:FREQ=DAILY;UNTIL=20270222", True, True),
        ("RRULE:FREQ=DAILY;UNTIL=20270223", False, True),
        ("RRULE:FREQ=DAILY;UNTIL=20270222\nRRULE:FREQ=DAILY", False, True),
        ("RRULE:FREQ=DAILY\nRRULE:FREQ=DAILY;UNTIL=20270222", False, True),
        ("RRULE:FREQ=DAILY;UNTIL=20270222\nRDATE:20270310T090000Z", False, False),
        ("RECURRENCE-ID:20270225T090000Z", True, True),
        ("RECURRENCE-ID;VALUE=DATE:20270225", True, True),
        ("RECURRENCE-ID;RANGE=THISANDFUTURE:20270225T090000Z", False, False),
    ],
)
def test_rules_lengths_and_instances(
    newline: str, line: str, past_out: bool, later_out: bool
) -> None:
    """They make a past event reach further, and a later one not earlier."""
    assert left_out(newline, *PAST, line) is past_out
    assert left_out(newline, *LATER, line) is later_out


@pytest.mark.parametrize("dates", [PAST, LATER], ids=["past", "later"])
@pytest.mark.parametrize(
    ("kept", "asked", "related"),
    [
        ("UID:x", "UID:x", True),
        ("UID:x", "UID:y", False),
        ("UID:xy", "UID:x\n y", True),
        ("UID:x\n y", "UID:xy", True),
        ("UID:x\n y", "UID:x\n z", False),
        ("UID:x ", "UID:x", True),
        ("UID:x\x01", "UID:x", True),
        ("UID:\u00e9", "UID:\u00e9", True),
        ("UID;X=1:x", "UID:x", True),
        ("uid:x", "UID:x", True),
        ("UID:a\nUID:x", "UID:x", True),
        ("UID:x\nUID:a", "UID:x", True),
        ("UID:a\nuid:x", "UID:x", True),
        ("UID:a\nU\n ID:x", "UID:x", True),
        ("uid: x ", "UID:x", True),
        ("UID:x\nRDATE:20270311T090000Z\nUID:a", "UID:a", True),
    ],
)
def test_one_uid_keeps_the_other(
    newline: str, dates: tuple[str, ...], kept: str, asked: str, related: bool
) -> None:
    """A series is read with its overrides, however its UID is written."""
    live = ("BEGIN:VEVENT", kept, *NOW, "RRULE:FREQ=DAILY", "RDATE:20270313T090000Z", "END:VEVENT")
    other = ("BEGIN:VEVENT", asked, *dates, "SUMMARY:asked", "END:VEVENT")
    for events in ((live, other), (other, live)):
        raw = feed(newline, event("past", *PAST), *events, event("now", *NOW))
        assert is_read(raw, "SUMMARY:asked") is related
        assert not is_read(raw, "UID:past")


def test_past_overrides_are_left_out_of_a_live_series_of_short_instances(newline: str) -> None:
    """Unless another version of it is read, or an instance could reach into the window."""
    override = event("s", *PAST, "RECURRENCE-ID:20270222T090000Z", "SUMMARY:asked")
    tail = event("now", *NOW)
    series = event("s", *PAST, "RRULE:FREQ=DAILY")
    assert not is_read(feed(newline, override, series, tail), "SUMMARY:asked")
    odd = event("\u00e9", *PAST)  # others are compared in another way for it
    assert not is_read(feed(newline, override, series, odd, tail), "SUMMARY:asked")
    later = event("s", *PAST, "RECURRENCE-ID:20270223T090000Z", "SUMMARY:asked")
    assert is_read(feed(newline, later, series, tail), "SUMMARY:asked")
    long = event("s", PAST[0], "DTEND:20270301T090000Z", "RRULE:FREQ=DAILY")
    assert is_read(feed(newline, override, long, tail), "SUMMARY:asked")
    told = event("s", *NOW, "RECURRENCE-ID:20270222T090000Z", "SUMMARY:other")
    assert is_read(feed(newline, override, series, told, tail), "SUMMARY:asked")
    ahead = event("s", *NOW, "RECURRENCE-ID:20270310T090000Z", "SUMMARY:other")
    assert not is_read(feed(newline, override, series, ahead, tail), "SUMMARY:asked")


def test_a_series_that_is_over_is_read_for_an_override_that_is_not(newline: str) -> None:
    """Without an end of its own the override lasts as long as the series' instances."""
    series = event("s", *PAST, "RRULE:FREQ=DAILY;UNTIL=20270222", "SUMMARY:asked")
    assert not is_read(feed(newline, series, event("now", *NOW)), "SUMMARY:asked")
    override = event("s", NOW[0], "RECURRENCE-ID:20270310T090000Z")
    for events in ((series, override), (override, series)):
        assert is_read(feed(newline, *events, event("now", *NOW)), "SUMMARY:asked")


@pytest.mark.parametrize("written", [b"a~b", b" a~b ", b"a\x7f~b", b"a~\r\n b", b"a~b\x01\t"])
def test_a_uid_is_compared_in_the_form_that_the_reader_gives_it(written: bytes) -> None:
    assert room._readings(written) == {"a~b"}


def test_overrides_behind_the_window_are_left_out_of_a_live_series(newline: str) -> None:
    """Unless its instance may lie in the window, or another version of it may be read."""
    future = "DTSTART:20280601T090000Z", "DTEND:20280601T100000Z"
    series, tail = event("s", *PAST, "RRULE:FREQ=DAILY"), event("now", *NOW)

    def reads(*others: tuple[str, ...], planned: str) -> bool:
        """Wherever the override is moved to."""
        overrides = [event("s", *moved, planned, "SUMMARY:asked") for moved in (future, PAST)]
        (read,) = {
            is_read(feed(newline, override, series, *others, tail), "SUMMARY:asked")
            for override in overrides
        }
        return read

    assert not reads(planned="RECURRENCE-ID:20280601T090000Z")
    assert reads(planned="RECURRENCE-ID:20270310T090000Z")
    assert reads(planned="RECURRENCE-ID;RANGE=THISANDFUTURE:20280601T090000Z")
    ahead = event("s", *NOW, "RECURRENCE-ID:20280601T090000Z")
    assert reads(ahead, planned="RECURRENCE-ID:20280601T090000Z")
    now = event("s", *NOW, "RECURRENCE-ID:20270310T090000Z")
    assert not reads(now, planned="RECURRENCE-ID:20280601T090000Z")


@pytest.mark.parametrize(
    ("head", "whole"),
    [
        (HEAD, False),
        (HEAD[:1], False),
        (("X-A:1", *HEAD), False),
        (("BEGIN:VCALENDAR\n X",), True),
        (("begin:vcalendar",), True),
        ((*HEAD, "BEGIN:VTODO", "BEGIN:VALARM", "TRIGGER:-PT5M", "END:VALARM", "END:VTODO"), False),
        ((*HEAD, "BEGIN:VTODO", "BEGIN:VALARM", "END:VTODO"), True),
        (("BEGIN:VALARM", *HEAD), True),
        ((*HEAD, "BEGIN:VTODO", "begin : valarm", "END:VTODO"), True),
        ((*HEAD, "BEGIN:VTODO", "BEGIN:VA\n LARM", "END:VTODO"), True),
    ],
)
def test_what_stands_in_front_of_the_events(
    newline: str, head: tuple[str, ...], whole: bool
) -> None:
    """An event counts only in a calendar, and an alarm that is open would end with it."""
    raw = feed(newline, *([event("past", *PAST)] * 9), event("now", *NOW), head=head)
    assert is_read(raw, "UID:past") is whole


def test_a_calendar_without_a_newline_of_one_kind_is_read_as_a_whole(newline: str) -> None:
    raw = feed(newline, event("past", *PAST), event("now", *NOW))
    assert not is_read(raw, "UID:past")
    assert is_read(raw.replace(b"VERSION:2.0", b"VERSION:2.0\rX-A:1"), "UID:past")
    assert is_read(raw.replace(b"UID:now", b"UID:now\rX-A:1"), "UID:past")
    folded = [b"BEGIN:VEVENT" + newline.encode() + blank for blank in (b" ", b"\t")]
    for odd in (*folded, b"BEGIN:VEVENTS", b"BEGIN:VEVENT "):
        assert is_read(raw.replace(b"BEGIN:VEVENT", odd, 1), "UID:past")
    # The caller may have looked for line ends before.
    for ends, whole in (({newline}, False), ({newline, "\r"}, True)):
        assert (room.sieve(raw, LO, HI, Limits(), frozenset(ends)) == ((0, len(raw)),)) is whole


@pytest.mark.parametrize("stretch", [128 * 1024, 100, 150, 190])
@pytest.mark.parametrize(("most", "whole"), [(14, False), (13, True), (8, True)])
def test_more_events_than_are_allowed_are_counted_by_the_reader(
    newline: str, most: int, whole: bool, stretch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There are nine events here, and a few lines that might begin one."""
    monkeypatch.setattr(room, "STRETCH", stretch)
    past, now = event("past", *PAST), event("now", *NOW)
    raw = feed(newline, *[past] * 3, now, *[past] * 4, now)
    assert is_read(raw, "UID:past", Limits(max_vevents=most)) is whole
    blank = newline.encode() + raw
    assert is_read(blank, "UID:past", Limits(max_vevents=most + 1)) is whole
    odd = feed(newline, *[past] * 3, (*now[:-1], "begin:vevent", now[-1]), *[past] * 4, now)
    assert is_read(odd, "UID:past", Limits(max_vevents=most + 1)) is whole


@pytest.mark.parametrize(("events", "whole"), [(5, False), (4, True)])
def test_more_events_than_the_work_allows_are_not_looked_at(
    newline: str, events: int, whole: bool
) -> None:
    """Five are kept in front of the last one, each for three units of work at least."""
    past, now = event("past", *PAST), event("now", *NOW)
    raw = feed(newline, *[past, now] * 6)
    assert is_read(raw, "UID:past", Limits(max_work=3 * events)) is whole


def test_a_line_hidden_in_a_uid_may_begin_an_event(newline: str) -> None:
    """An LF ends a line also where the others end with CRLF."""
    raw = feed(newline, *([event("past", *PAST)] * 8), event("odd", *PAST), event("now", *NOW))
    hidden = raw.replace(b"UID:odd", b"UID:odd\nBEGIN:VEVENT")
    least = [
        next(most for most in range(100) if not is_read(each, "UID:past", Limits(max_vevents=most)))
        for each in (raw, hidden)
    ]
    assert least[1] == least[0] + (2 if newline == "\r\n" else 1)
    assert is_read(hidden, "UID:odd")
    assert not is_read(raw, "UID:odd")


def test_a_uid_hidden_in_another_keeps_its_relatives(newline: str) -> None:
    """Behind an LF in a UID that stands where most programs write it."""
    asked = event("rel", *PAST, "SUMMARY:asked")
    series = ("BEGIN:VEVENT", *PAST, "UID:odd", "RRULE:FREQ=DAILY", "END:VEVENT")
    raw = feed(newline, event("past", *PAST), series, asked, event("now", *NOW))
    assert not is_read(raw, "SUMMARY:asked")
    assert is_read(raw.replace(b"UID:odd", b"UID:odd\nUID:rel"), "SUMMARY:asked")


def test_a_uid_of_a_thousand_folds_in_front_of_the_events_is_read(newline: str) -> None:
    """An event that begins in an unusual way may have it."""
    asked = event("rel", *PAST, "SUMMARY:asked")
    for folds, uid in ((0, "rel"), (0, "other"), (998, "rel"), (1_001, "rel"), (1_001, "other")):
        head = (*HEAD, "begin:vevent", f"UID:{uid}" + "\n " * folds, *NOW, "end:vevent")
        raw = feed(newline, event("past", *PAST), asked, event("now", *NOW), head=head)
        assert is_read(raw, "SUMMARY:asked") is (uid == "rel")


def test_more_uids_than_are_compared_leave_nothing_out(
    newline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were not compared might be the ones that matter."""
    tasks = [line for at in range(20) for line in ("BEGIN:VTODO", f"UID:t{at}", "END:VTODO")]
    raw = feed(newline, event("past", *PAST), event("now", *NOW), head=(*HEAD, *tasks))
    for most, whole in ((20, True), (21, True), (22, False)):
        monkeypatch.setattr(room, "_MANY_UIDS", most)
        assert is_read(raw, "UID:past") is whole


@pytest.mark.parametrize(("longest", "whole"), [(4096, False), (4095, True)])
def test_under_a_small_limit_of_a_line_nothing_is_left_out(
    newline: str, longest: int, whole: bool
) -> None:
    raw = feed(newline, event("past", *PAST), event("now", *NOW))
    assert is_read(raw, "UID:past", Limits(max_line_bytes=longest)) is whole


@pytest.mark.parametrize(("length", "read"), [(1_900, False), (4_100, True)])
@pytest.mark.parametrize("shift", range(0, 4_000, 450))
def test_a_line_that_may_be_too_long_is_read(
    newline: str, length: int, read: bool, shift: int
) -> None:
    """Wherever it stands: it makes time unknown. The events beside it are left out."""
    others = [event("past", *PAST)] * 50
    shifted = event("shift", *PAST, *["SUMMARY:" + "x" * 40] * (shift // 50))
    long = event("long", *PAST, "DESCRIPTION:" + "x" * length)
    raw = feed(newline, *others, shifted, *others[:3], long, *others, event("now", *NOW))
    limits = Limits(max_line_bytes=4096)
    assert is_read(raw, "UID:long", limits) is read
    assert not is_read(raw, "UID:past", limits)
    raw = feed(newline, long, *others, event("now", *NOW))
    assert is_read(raw, "UID:long", limits) is read
    assert not is_read(raw, "UID:past", limits)


def test_a_small_feed_is_read_as_a_whole(newline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below 32 KiB; so is one without an event, and one for a window before the year 1000."""
    monkeypatch.setattr(room, "WORTHWHILE", 32 * 1024)
    events = [event("past", *PAST)] * 200
    bare = feed(newline, *events, event("now", *NOW), head=(*HEAD, "X-A:"))
    for size, whole in ((32 * 1024 - 1, True), (32 * 1024, False)):
        head = (*HEAD, "X-A:" + "x" * (size - len(bare)))
        raw = feed(newline, *events, event("now", *NOW), head=head)
        assert len(raw) == size
        assert is_read(raw, "UID:past") is whole
    none = raw.replace(b"VEVENT", b"VTODO")
    assert room.sieve(none, LO, HI, Limits()) == ((0, len(none)),)
    for year, day, days, whole in (
        *((1, 1, 9, True), (999, 1, 9, True), (1000, 3, 9, True), (1000, 4, 9, False)),
        *((9999, 1, 361, False), (9999, 1, 362, True)),
    ):
        lo = int(datetime(year, 1, day, tzinfo=UTC).timestamp())
        hi = lo + days * 86_400
        assert (room.sieve(raw, lo, hi, Limits()) == ((0, len(raw)),)) is whole, (year, day)


@pytest.mark.parametrize(
    ("head", "events", "whole"),
    [(100_000, 60_000, False), (140_000, 160_000, False), (140_000, 120_000, True)],
)
def test_a_head_of_more_than_half_is_not_worth_it(
    newline: str, head: int, events: int, whole: bool
) -> None:
    """Everything in front of the first event is read. A small head does no harm."""
    lines = ["X-A:" + "x" * (96 - len(newline))] * (head // 100)
    past = event("past", *PAST)
    size = len(feed(newline, past, past)) - len(feed(newline, past))
    many = [past] * (events // size)
    raw = feed(newline, *many, event("now", *NOW), head=(*HEAD, *lines))
    assert is_read(raw, "UID:past") is whole


def test_a_head_of_half_is_worth_it(newline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the byte."""
    monkeypatch.setattr(room, "STRETCH", 100)
    found = set()
    for length in range(100):
        head = (*HEAD, "X-A:" + "x" * (100 + length))
        raw = feed(newline, event("past", *PAST), event("now", *NOW), head=head)
        more = raw.index(b"\nBEGIN:VEVENT") - len(raw) // 2
        assert is_read(raw, "UID:past") is (more > 0)
        found.add(more)
    assert {-1, 0, 1} <= found


def test_a_calendar_that_begins_behind_an_event_does_not_count(newline: str) -> None:
    """The event in front of it stands for a calendar of its own."""
    past, now = event("past", *PAST), event("now", *NOW)
    first = event("first", *PAST)
    for events in ((first, HEAD, now), (first, past, HEAD, past, now)):
        raw = feed(newline, *events, head=("VERSION:2.0",))
        assert is_read(raw, "UID:first")
    # Also if the event in front of it begins with the first byte but one.
    raw = feed(newline, first, HEAD, past, past, now, head=())
    assert is_read(newline.encode() + raw, "UID:past")


@pytest.mark.parametrize(("live", "whole"), [(2, False), (7, False), (8, True), (9, True)])
def test_a_feed_of_which_most_is_read_is_read_as_a_whole(
    newline: str, live: int, whole: bool
) -> None:
    """The search ends where it costs more than it saves, and never in the first 64 KiB."""
    events = [event(f"u{number}", *(NOW if number % 10 < live else PAST)) for number in range(2000)]
    raw = feed(newline, *events, event("past", *PAST), event("now", *NOW))
    assert is_read(raw, "UID:past") is whole
    raw = feed(newline, *events[:500], event("past", *PAST), event("now", *NOW))
    assert not is_read(raw, "UID:past")
    head = (*HEAD, *["X-A:" + "x" * 90] * 1_000)  # what stands in front is no part of it
    raw = feed(newline, *events, event("past", *PAST), event("now", *NOW), head=head)
    assert is_read(raw, "UID:past") is whole


def test_no_line_is_missed_wherever_the_stretches_end(
    newline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that has ended, dates that are past, and far behind them a line that says more."""
    stretch = 300
    monkeypatch.setattr(room, "STRETCH", stretch)
    past, now = event("past", *PAST), event("now", *NOW)
    ended = "RRULE:FREQ=DAILY;UNTIL=20270222"
    empty = len(feed(newline, event("asked", *PAST, ended, "X-A:"))) - len(feed(newline))
    for line in ("RDATE:20270310T090000Z", ended, "DURATION:PT1H\n 0H"):
        for length in range(stretch - 20, stretch + 4):
            filler = "X-A:" + "x" * (length - empty - len(line) - len(newline))
            raw = feed(newline, past, event("asked", *PAST, ended, filler, line), past, now)
            assert is_read(raw, "UID:asked"), length
    raw = feed(newline, past, event("asked", *PAST, "X-A:" + "x" * 5 * stretch), past, now)
    assert not is_read(raw, "UID:past")
    raw = feed(newline, past, event("asked", *PAST, *["X-A:x"] * stretch), past, now)
    assert not is_read(raw, "UID:asked")
    for line in ("RDATE:20270310T090000Z", "RRULE:FREQ=DAILY"):
        raw = feed(newline, past, event("asked", *PAST, line, *["X-A:x"] * stretch), past, now)
        assert is_read(raw, "UID:asked")
    dates = "RDATE:" + ",".join(["20270310T090000Z"] * stretch)
    raw = feed(newline, past, event("asked", *PAST, dates), past, now)
    assert is_read(raw, "UID:asked")


def test_thousands_of_events_are_told_apart(newline: str) -> None:
    """Each as among a few others, also where the feed is looked at in several stretches."""
    kinds = [
        *[(lines, True) for lines in (PAST, LATER, PAST[:1], LATER[:1])] * 4,
        *[((*PAST, line), True) for line in HARMLESS],
        *[((*LATER, line), True) for line in HARMLESS],
        *[((*PAST, line), False) for line in ODD],
        ((*PAST, "RRULE:FREQ=DAILY;UNTIL=20270222"), True),
        ((*PAST, "RRULE:FREQ=DAILY"), False),
        (NOW, False),
    ]
    events, out = [], []
    for number in range(4000):
        lines, left = kinds[number * 7 % len(kinds)]
        first, last = f"UID:u{number}", f"SUMMARY:{'x' * (number % 13)}"
        inner = (first, *lines, last) if number % 3 else (*lines, first, last)
        events.append(("BEGIN:VEVENT", *inner, "END:VEVENT"))
        out.append(left)
    raw = feed(newline, *events, event("now", *NOW))
    assert len(raw) > 3 * 128 * 1024
    found = [False] * len(events)
    for start, end in room.sieve(raw, LO, HI, Limits()):
        for uid in re.findall(rb"\nUID:u([0-9]+)", raw[start:end]):
            found[int(uid)] = True
    assert [number for number, left in enumerate(out) if left is found[number]] == []


@pytest.mark.parametrize(("lines", "out"), [(19, True), (20, False)])
def test_an_event_of_many_lines_of_interest_is_read(newline: str, lines: int, out: bool) -> None:
    """However far it is from the window: to look at all of them would cost more."""
    assert left_out(newline, *LATER, *["DURATION:P1D"] * (lines - 2)) is out


def test_an_event_longer_than_a_stretch_is_read_if_it_has_a_line_of_interest(
    newline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To look at all of it would keep other threads waiting."""
    monkeypatch.setattr(room, "STRETCH", 300)
    past, now = event("past", *PAST), event("now", *NOW)
    for length, read in ((20, False), (60, True)):
        asked = event("asked", *LATER, *["X-A:x"] * length)
        assert is_read(feed(newline, past, asked, past, now), "UID:asked") is read


def test_the_last_event_of_a_stretch_is_looked_at_like_any_other(
    newline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a stretch ends, and whatever the last lines of the event are."""
    past, now = event("past", *PAST), event("now", *NOW)
    override = event("s", *PAST, "RECURRENCE-ID:20270222T090000Z", "SUMMARY:old")
    series = event("s", *PAST, "RRULE:FREQ=DAILY")
    out = [
        event("out", *PAST),
        ("BEGIN:VEVENT", "SUMMARY:x", *PAST, "UID:out", "END:VEVENT"),
        event("out", *LATER),
        event("out", *PAST, "RRULE:FREQ=DAILY;UNTIL=20270222"),
        event("out", *PAST, "DURATION:PT1H"),
    ]
    for asked in out:
        raw = feed(newline, past, past, override, asked, series, asked, now, past, past, now)
        for stretch in range(200, 420, 13):
            monkeypatch.setattr(room, "STRETCH", stretch)
            assert not is_read(raw, "UID:out"), (asked, stretch)
            assert not is_read(raw, "SUMMARY:old"), (asked, stretch)
            assert is_read(raw, "RRULE:FREQ=DAILY" + newline), (asked, stretch)


def test_uids_are_found_wherever_the_parts_of_what_is_read_end(
    newline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In front of the events and in an event that is read: with folds, and hidden among others."""
    monkeypatch.setattr(spans, "STRETCH", 100)
    monkeypatch.setattr(spans, "_MORE", 40)
    past, now = event("past", *PAST), event("now", *NOW)
    hidden = ("UID:re\n l", "UID:re\n\n l", "uid:rel", "U\n ID:rel", "X:y\n\n \nUID:rel")
    for written in ("UID:rel", *hidden, "UID:x"):
        for length in range(60):
            filler = ["X-A:" + "x" * 20] * 9
            shift = "X-B:" + "x" * length
            lines = (*filler[:5], shift, written, *filler, *NOW)
            head = (*HEAD, "begin:vevent", *lines, "end:vevent")
            asked = event("rel", *PAST, "SUMMARY:asked")
            found = [is_read(feed(newline, past, asked, past, now, head=head), "SUMMARY:asked")]
            odd = ("BEGIN:VEVENT", "UID:a", "DX:1", *lines, "END:VEVENT")
            found.append(is_read(feed(newline, past, asked, odd, past, now), "SUMMARY:asked"))
            assert found == [written != "UID:x"] * 2, (written, length)


def test_an_alarm_is_found_wherever_the_parts_of_the_head_end(
    newline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    past, now = event("past", *PAST), event("now", *NOW)
    for stretch in (30, 100):
        monkeypatch.setattr(spans, "STRETCH", stretch)
        monkeypatch.setattr(spans, "_MORE", 10)
        for length in range(0, 60, 3):
            head = (*HEAD, "X-A:" + "x" * length, "begin : valarm", *["X-A:" + "x" * 20] * 9)
            assert is_read(feed(newline, past, now, head=head), "UID:past"), length


def test_a_uid_in_another_encoding_keeps_its_relatives(newline: str) -> None:
    """The reader takes bytes that are not UTF-8 for Windows-1252, and blanks away."""
    series = event("UID", *PAST, "RRULE:FREQ=DAILY")
    asked = event("UID", *PAST, "SUMMARY:asked")
    raw = feed(newline, event("past", *PAST), series, asked, event("now", *NOW))
    for one, other in ((b"\xe9 ", b"\xe9"), (b"\xe9", "\u00e9".encode()), (b" a", b"a")):
        for first, second in ((one, other), (other, one)):
            bent = raw.replace(b"UID:UID", b"UID:" + first, 1)
            bent = bent.replace(b"UID:UID", b"UID:" + second)
            assert is_read(bent, "SUMMARY:asked")
            assert not is_read(bent, "UID:past")


@pytest.mark.parametrize("at_once", [1, 2, 3, 99])
def test_uids_are_looked_at_a_few_at_a_time(
    newline: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folded or an odd one is found in whatever part it stands."""
    monkeypatch.setattr(room, "_AT_ONCE", at_once)
    past, now = event("past", *PAST), event("now", *NOW)
    for one, other in (("x\n y", "xy"), ("xy", "x\n y"), ("\u00e9", "\u00e9 ")):
        series = event(one, *PAST, "RRULE:FREQ=DAILY")
        asked = event(other, *PAST, "SUMMARY:asked")
        for front in range(4):
            raw = feed(newline, *[past] * front, asked, series, *[past] * 4, now)
            assert is_read(raw, "SUMMARY:asked")
            raw = feed(newline, *[past] * front, series, *[past] * 3, asked, past, now)
            assert is_read(raw, "SUMMARY:asked")


# --- counted, not timed ----------------------------------------------------------------------


def looked_at(raw: bytes, most: int = 200_000) -> list[tuple[int, int]]:
    """The stretches that the sieve passes over."""
    seen: list[tuple[int, int]] = []
    stretches = room._Pieces.stretches

    def counted(pieces: room._Pieces) -> Iterator[tuple[int, int]]:
        for stretch in stretches(pieces):
            seen.append(stretch)
            yield stretch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room._Pieces, "stretches", counted)
        room.sieve(raw, LO, HI, Limits(max_vevents=most))
    return seen


def test_a_feed_is_passed_over_in_few_stretches_none_of_which_is_long(newline: str) -> None:
    """Other threads wait for each to end."""
    past = event("past", *PAST)
    for body in ([past] * 9_000, [event("long", *PAST, *["X-A:x"] * 50_000)]):
        raw = feed(newline, *body, event("now", *NOW))
        seen = looked_at(raw)
        assert max(stop - start for start, stop in seen) <= room.STRETCH
        assert len(seen) <= len(raw) // room.STRETCH + 2
        assert [start for start, _ in seen[1:]] == [stop for _, stop in seen[:-1]]
        assert (seen[0][0], seen[-1][1]) == (raw.index(b"BEGIN:VEVENT"), len(raw))
        assert not is_read(raw, "DTSTART:20270225")


def test_the_search_ends_where_there_are_more_events_than_are_allowed(newline: str) -> None:
    """They would take memory, and are counted by the reader."""
    past = event("past", *PAST)
    raw = feed(newline, *[past] * 9_000, event("now", *NOW))
    assert len(looked_at(raw, 1_300)) == 2
    many = event("many", *["begin:vevent"] * 60_000)
    raw = feed(newline, *[past] * 4_000, many, past, event("now", *NOW))
    assert len(looked_at(raw, 100_000)) > 8
    assert len(looked_at(raw, 5_000)) < 6


def test_a_long_event_does_not_end_the_search_if_it_is_little_of_the_feed(newline: str) -> None:
    """Only when most of what was looked at is read does the search cost more than it saves."""
    past, long = event("past", *PAST), event("long", *NOW, *["X-A:x"] * 40_000)
    raw = feed(newline, *[past] * 9_000, long, past, event("now", *NOW))
    assert is_read(raw, "UID:long")
    assert not is_read(raw, "UID:past")


def test_so_much_is_kept_before_the_sieve_gives_up() -> None:
    """64 KiB, and of a large feed a quarter."""
    for size, enough in ((1_000, 64 * 1024), (4_000_000, 1_000_000)):
        raw = b"\nBEGIN:VEVENT\n" + b"x" * (size - 14)
        pieces = room._Pieces(raw, 1, date(2027, 1, 1), date(2028, 1, 1), rb"\n", told=True)
        assert pieces.enough == enough


def test_what_is_looked_at_for_uids_is_looked_at_once(
    newline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans, "STRETCH", 100)
    monkeypatch.setattr(spans, "_MORE", 40)
    hidden, seen = room._HIDDEN, []

    class Counted:
        def search(self, raw: bytes, start: int, stop: int) -> object:
            seen.append(stop - start)
            return hidden.search(raw, start, stop)

    parsed = []
    logical_lines = room.logical_lines

    def noted(raw: bytes, part: tuple[int, int], *args: object) -> object:
        parsed.append(part)
        return logical_lines(raw, part, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(room, "_HIDDEN", Counted())
    monkeypatch.setattr(room, "logical_lines", noted)
    for line, times in (("UID:t", 0), ("uid:t", 1)):
        seen.clear()
        head = (*HEAD, line, *["UID:xxxx"] * 999)
        raw = feed(newline, event("past", *PAST), event("now", *NOW), head=head)
        assert not is_read(raw, "UID:past")
        assert sum(seen) < len(raw) * 1.1
        assert len(parsed) == times


def test_long_lists_are_emptied_piece_by_piece(
    newline: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other threads would wait while all of one is freed at once."""
    made = []
    init = room._Pieces.__init__

    def noted(pieces: room._Pieces, *args: object, told: bool) -> None:
        init(pieces, *args, told=told)  # type: ignore[arg-type]
        made.append(pieces)

    monkeypatch.setattr(room._Pieces, "__init__", noted)
    room.sieve(feed(newline, event("past", *PAST), event("now", *NOW)), LO, HI, Limits())
    assert [(pieces.uids, pieces.starts) for pieces in made] == [([], [])]
