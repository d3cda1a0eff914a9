"""Which events of a body stay bytes, and what the search for them costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

import extcal
from extcal.ical.budget import Work
from extcal.ical.parse.components import Stream
from extcal.ical.parse.spans import whole
from extcal.ical.shortcuts import short_components
from extcal.ical.shortcuts.plain_blocks import PlainBlock, PlainBlocks, line_ends
from extcal.limits import Limits

START, END = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
PLAIN = "BEGIN:VEVENT|DTSTART:20270301T090000Z|UID:a|END:VEVENT|"
ODD = PLAIN.replace("UID", "uid")
SIZE = len(PLAIN) + PLAIN.count("|")  # with CRLF
FIRST, LAST = "BEGIN:VCALENDAR|", "END:VCALENDAR|"


def body(*parts: str, newline: str = "\r\n") -> bytes:
    return "".join(parts).replace("|", newline).encode("latin-1")


def read(
    raw: bytes, *, work: Work | None = None, told: bool = False, limits: Limits | None = None
) -> tuple[Stream, list[PlainBlock]]:
    blocks = PlainBlocks(raw, line_ends(raw))
    return short_components.read(
        raw,
        Work(limits) if work is None else work,
        whole(raw),
        people=False,
        labels=False,
        told=told,
        blocks=blocks,
    )


def count(raw: bytes, *, told: bool = False, limits: Limits | None = None) -> tuple[int, int]:
    """How many events stay bytes, and how many are read line by line."""
    stream, plain = read(raw, told=told, limits=limits)
    return len(plain), len(stream.events)


def both(raw: bytes, limits: Limits) -> Sequence[extcal.Expansion]:
    """The answers with the shortcuts and without them."""
    return [extcal.expand(raw, START, END, limits=limits, sieve=sieve) for sieve in (True, False)]


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
@pytest.mark.parametrize(
    ("parts", "plain", "odd"),
    [
        ((FIRST, PLAIN * 3, LAST), 2, 1),  # END:VCALENDAR belongs to the last one
        ((FIRST, "X-A:1|", PLAIN * 2, ODD, PLAIN * 2, ODD * 2, PLAIN, ODD, LAST), 5, 4),
        ((FIRST, PLAIN * 2, LAST, FIRST, PLAIN * 2, ODD, LAST), 3, 2),
        ((PLAIN, PLAIN, PLAIN, ODD), 2, 2),  # the first stands for a calendar
        (("|", PLAIN, PLAIN, ODD), 1, 2),
        ((FIRST, "BEGIN:VTODO|", PLAIN, PLAIN, ODD, LAST), 1, 2),
        ((FIRST, ODD.replace("END:VEVENT|", ""), PLAIN, PLAIN, ODD, LAST), 1, 3),
        (("BEGIN:X|", PLAIN, PLAIN, ODD), 0, 0),
        ((FIRST, "BEGIN:X|" * 9, PLAIN, PLAIN, ODD, LAST), 1, 2),
        ((FIRST, "X-A:1\rX-B:2|", PLAIN * 3, LAST), 0, 3),
    ],
)
def test_plain_events_stay_bytes(
    newline: str, parts: tuple[str, ...], plain: int, odd: int
) -> None:
    """Where a calendar is open and nothing else; a CR that ends a line would hide the next one."""
    raw = body(*parts, newline=newline)
    assert count(raw) == (plain, odd)
    stream, blocks = read(raw)
    places = sorted(each.offset for each in (*blocks, *stream.events))
    assert len(set(places)) == plain + odd
    assert all(raw.startswith(b"BEGIN:VEVENT", place) for place in places)


def test_they_belong_to_the_calendar_in_which_they_stand() -> None:
    raw = body(FIRST, PLAIN, ODD, LAST, FIRST, PLAIN, PLAIN, ODD, LAST)
    assert [block.calendar for block in read(raw)[1]] == [0, 1, 1]


@pytest.mark.parametrize(
    ("told", "bad", "found"),
    [
        (False, "first", (4, 1)),
        (True, "first", (4, 1)),
        (False, "second", (4, 1)),
        (True, "second", (3, 2)),
        (False, "last", (4, 1)),
        (True, "last", (4, 1)),
    ],
)
def test_bytes_that_are_not_utf8(told: bool, bad: str, found: tuple[int, int]) -> None:
    """Where Problems are told, the event that holds them is read in the other way; no other is."""
    bad_one = PLAIN.replace("END:", "X-A:\xe9|END:")
    good_one = PLAIN.replace("END:", "X-A:\xc3\xa9|END:")
    head = FIRST + ("X-A:\xe9|" if bad == "first" else "X-A:\xc3\xa9|")
    second = bad_one if bad == "second" else good_one
    last = ODD.replace("END:", "X-A:\xe9|END:") if bad == "last" else ODD
    assert count(body(head, PLAIN, second, PLAIN, PLAIN, last, LAST), told=told) == found


@pytest.mark.parametrize(("deep", "found"), [(3, (2, 1)), (2, (0, 3))])
def test_so_deep_does_a_plain_event_nest(deep: int, found: tuple[int, int]) -> None:
    """An alarm, in an event, in a calendar; under a smaller limit that is told line by line."""
    assert count(body(FIRST, PLAIN * 3, LAST), limits=Limits(max_nesting=deep)) == found


@pytest.mark.parametrize(("longest", "found"), [(SIZE, (4, 1)), (SIZE - 1, (0, 5))])
def test_an_event_longer_than_a_line_may_be_is_not_plain(
    longest: int, found: tuple[int, int]
) -> None:
    """One of its lines might be too long. Where it stands makes no difference."""
    raw = body(FIRST, PLAIN * 4, ODD, LAST)
    assert count(raw, limits=Limits(max_line_bytes=longest)) == found


@pytest.mark.parametrize("most", range(9))
@pytest.mark.parametrize("events", ["pppp", "oppopp", "ppoppo", "poooo", "pppopp"])
def test_events_of_both_kinds_are_counted_together(events: str, most: int) -> None:
    raw = body(FIRST, *(PLAIN if kind == "p" else ODD for kind in events), LAST)
    quick, slow = both(raw, Limits(max_vevents=most))
    assert quick == slow
    stream, plain = read(raw, limits=Limits(max_vevents=most))
    assert len(plain) + len(stream.events) == min(most, len(events))
    if most >= len(events):
        assert len(plain) == count(raw)[0]


@pytest.mark.parametrize(("left", "read_"), [(0, 0), (1, 1), (3, 1), (4, 2), (7, 3), (300, 6)])
def test_events_are_found_as_long_as_work_is_left(left: int, read_: int) -> None:
    """Each costs three units, the first line one. Behind one that is too much nothing is read."""
    work = Work(Limits(max_work=left))
    stream, plain = read(body(FIRST, PLAIN * 6, ODD, LAST), work=work)
    assert (len(plain), len(stream.events)) == (read_, int(left > 100))
    assert work.exhausted is (left < 100)
    assert work.complete is (left > 100)


def test_what_costs_nothing_is_not_counted() -> None:
    """Of plain events only their number; what was asked for is spent, and not more."""
    spent = []
    for number in (1, 2, 9):
        work = Work()
        read(body(FIRST, PLAIN * number, ODD, LAST), work=work)
        spent.append(work.limits.max_work - work.left)
    assert spent == [12, 15, 36]


class Counted(bytes):
    """Bytes that note how many of them each search may pass over."""

    searched: list[int]

    def find(self, what: bytes, start: int = 0, end: int | None = None) -> int:  # type: ignore[override]
        self.searched.append((len(self) if end is None else end) - start)
        return bytes.find(self, what, start, end)


def test_no_search_for_the_next_event_passes_over_more_than_a_line_may_have() -> None:
    """Other threads wait for each search to end."""
    raw = Counted(body(FIRST, PLAIN * 3, "X-A:" + "x" * 3_000_000 + "|", LAST))
    raw.searched = []
    blocks = PlainBlocks(bytes(raw), frozenset({"\r\n"}))
    options = {"people": False, "labels": False, "told": False, "blocks": blocks}
    plain = short_components.read(raw, Work(), whole(raw), **options)[1]  # type: ignore[arg-type]
    assert len(plain) == 2
    assert max(raw.searched) < 1024 * 1024 + 100
