"""Damaged feeds: whatever happens to the bytes, the reading stays a reading.

The feeds of tests/quirks are bent by a seeded generator. Of what comes out this holds: nothing is
raised but NotACalendar, no mistake of ours turns up, the events account for the busy time, and a
feed that was cut never claims to be complete.

Every case follows from its number. ``EXTCAL_FUZZ=90000 python -m tests.properties.test_fuzz_bytes``
runs that many and says which was the slowest; with a number behind it, it starts at that case.
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import extcal
from extcal import BusyPolicy, Expansion, FBType, FreeBusy, NotACalendar

pytestmark = pytest.mark.long

FIXTURES = Path(__file__).parents[1] / "quirks" / "fixtures"
CASES = int(os.environ.get("EXTCAL_FUZZ", "600"))
CHUNKS = 12

WINTER = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
WINDOWS = [
    *[WINTER] * 9,
    (datetime(2026, 12, 7, 9, 30, tzinfo=UTC), datetime(2026, 12, 7, 9, 30, 1, tzinfo=UTC)),
    (datetime(2027, 3, 27, 22, tzinfo=UTC), datetime(2027, 3, 29, tzinfo=UTC)),
    (datetime(1899, 12, 1, tzinfo=UTC), datetime(1900, 2, 1, tzinfo=UTC)),
    (datetime(2200, 12, 1, tzinfo=UTC), datetime(2201, 2, 1, tzinfo=UTC)),
    (datetime(9999, 12, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    (datetime(1, 1, 1, tzinfo=UTC), datetime(1, 2, 1, tzinfo=UTC)),
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"timezone": "Europe/Berlin"},
    {"timezone": "Pacific/Apia", "owner": "me@example.invalid"},
    {"policy": BusyPolicy(all_day="busy", unanswered="busy", working_elsewhere="busy")},
    {"timezone": "America/St_Johns", "detail": "busy"},
]
LINES = """
RRULE:FREQ=SECONDLY;INTERVAL=7
RRULE:FREQ=MINUTELY;BYSECOND=0,30;BYDAY=MO
RRULE:FREQ=YEARLY;BYWEEKNO=53;BYDAY=SU
RRULE:FREQ=MONTHLY;BYDAY=-1FR,2MO;BYSETPOS=-1,1
RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30
RRULE:FREQ=HOURLY;COUNT=999999999;INTERVAL=0
RRULE:RSCALE=GREGORIAN;SKIP=FORWARD;FREQ=YEARLY;BYMONTHDAY=31
RRULE:FREQ=WEEKLY;UNTIL=99991231T235959Z
EXRULE:FREQ=DAILY;INTERVAL=2
RDATE;VALUE=PERIOD:20261208T090000Z/P400W,20261201T000000Z/99991231T235959Z
RDATE;VALUE=DATE:20261207,99991231,00010101
EXDATE;TZID=Customized Time Zone:20261207T090000
RECURRENCE-ID;RANGE=THISANDFUTURE:20261209T083000Z
RECURRENCE-ID;VALUE=DATE:20261209
RECURRENCE-ID;TZID=Asia/Tokyo:00010101T000000
DTSTART;VALUE=DATE:20261207
DTSTART:00010101T000000Z
DTSTART:99991231T235959Z
DTSTART;TZID=Pacific/Apia:20111230T000000
DTEND:99991231T240000Z
DTEND;VALUE=DATE:20261207
DURATION:P9999999999W
DURATION:-PT1S
UID:
SEQUENCE:99999999999999999999
STATUS:CANCELLED
TRANSP:TRANSPARENT
X-MICROSOFT-CDO-ALLDAYEVENT:TRUE
X-MICROSOFT-CDO-BUSYSTATUS:OOF
X-WR-TIMEZONE:Mars/Olympus
METHOD:REQUEST
TZOFFSETTO:+2359
TZOFFSETFROM:-9999
BEGIN:VEVENT
END:VEVENT
BEGIN:VTIMEZONE
BEGIN:VFREEBUSY
FREEBUSY:00010101T000000Z/99991231T235959Z
BEGIN:VAVAILABILITY
BEGIN:AVAILABLE
BEGIN:STANDARD
END:VCALENDAR
BEGIN:VCALENDAR
""".split("\n")[1:-1]


@cache
def feeds() -> tuple[bytes, ...]:
    found = tuple(path.read_bytes() for path in sorted(FIXTURES.glob("*.ics")))
    assert len(found) > 100
    return found


# --- bending ------------------------------------------------------------------------------

Bend = Callable[[bytes, random.Random], bytes]


def _spot(raw: bytes, chance: random.Random) -> int:
    return chance.randrange(len(raw) + 1)


def flip(raw: bytes, chance: random.Random) -> bytes:
    at = _spot(raw, chance)
    return raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :]


def digit(raw: bytes, chance: random.Random) -> bytes:
    digits = [match.start() for match in re.finditer(rb"\d", raw)]
    if not digits:
        return raw
    at = chance.choice(digits)
    return raw[:at] + str(chance.randrange(10)).encode() + raw[at + 1 :]


def insert(raw: bytes, chance: random.Random) -> bytes:
    at = _spot(raw, chance)
    return raw[:at] + chance.choice([b"\x00", b"\r\n ", b'"', b";", b":", b",", b"\n"]) + raw[at:]


def drop(raw: bytes, chance: random.Random) -> bytes:
    at = _spot(raw, chance)
    return raw[:at] + raw[at + chance.randrange(1, 40) :]


def cut(raw: bytes, chance: random.Random) -> bytes:
    return raw[: _spot(raw, chance)]


def _lines(raw: bytes) -> list[bytes]:
    return raw.split(b"\r\n")


def drop_line(raw: bytes, chance: random.Random) -> bytes:
    lines = _lines(raw)
    del lines[chance.randrange(len(lines))]
    return b"\r\n".join(lines)


def repeat_line(raw: bytes, chance: random.Random) -> bytes:
    lines = _lines(raw)
    lines.insert(chance.randrange(len(lines)), chance.choice(lines))
    return b"\r\n".join(lines)


def shuffle_lines(raw: bytes, chance: random.Random) -> bytes:
    lines = _lines(raw)
    at = chance.randrange(len(lines))
    some = lines[at : at + 6]
    chance.shuffle(some)
    return b"\r\n".join([*lines[:at], *some, *lines[at + 6 :]])


def add_line(raw: bytes, chance: random.Random) -> bytes:
    lines = _lines(raw)
    lines.insert(chance.randrange(len(lines) + 1), chance.choice(LINES).encode())
    return b"\r\n".join(lines)


def replace_line(raw: bytes, chance: random.Random) -> bytes:
    """One line makes way for another of the same name, wherever that comes from."""
    line = chance.choice(LINES).encode()
    name = re.split(rb"[;:]", line)[0]
    lines = _lines(raw)
    alike = [at for at, other in enumerate(lines) if other.upper().startswith(name)]
    if alike:
        lines[chance.choice(alike)] = line
    return b"\r\n".join(lines)


def case(raw: bytes, chance: random.Random) -> bytes:
    lines = _lines(raw)
    at = chance.randrange(len(lines))
    lines[at] = lines[at].swapcase()
    return b"\r\n".join(lines)


def refold(raw: bytes, chance: random.Random) -> bytes:
    width = chance.randrange(2, 30)
    folded = re.sub(rb"(.{%d})(?=.)" % width, rb"\1\r\n ", raw)
    return folded if chance.random() < 0.7 else folded.replace(b"\r\n ", b"\n\t")


def line_ends(raw: bytes, chance: random.Random) -> bytes:
    return raw.replace(b"\r\n", chance.choice([b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n"]))


def join(raw: bytes, chance: random.Random) -> bytes:
    return raw + chance.choice([b"", b"\r\n"]) + chance.choice(feeds())


def graft(raw: bytes, chance: random.Random) -> bytes:
    """A part of another feed in the middle of this one."""
    other = _lines(chance.choice(feeds()))
    at = chance.randrange(len(other))
    lines = _lines(raw)
    here = chance.randrange(len(lines))
    return b"\r\n".join([*lines[:here], *other[at : at + 8], *lines[here:]])


def encode(raw: bytes, chance: random.Random) -> bytes:
    text = raw.decode("utf-8", "replace")
    return text.encode(chance.choice(["utf-16", "utf-16-le", "latin-1"]), "replace")


BENDS: list[Bend] = [
    *(flip, digit, digit, insert, drop, cut, drop_line, repeat_line, shuffle_lines),
    *(add_line, add_line, add_line, replace_line, replace_line),
    *(case, refold, line_ends, join, graft, encode),
]


def made(number: int) -> tuple[bytes, tuple[datetime, datetime], dict[str, Any]]:
    """The feed, the window and the options of a case."""
    chance = random.Random(number)
    raw = chance.choice(feeds())
    for _ in range(chance.choice([1, 1, 1, 2, 2, 3, 5])):
        raw = chance.choice(BENDS)(raw, chance)
    return raw, chance.choice(WINDOWS), chance.choice(OPTIONS)


# --- holding ------------------------------------------------------------------------------


def accounted_for(result: Expansion) -> None:
    """What the events say and what free/busy says is one thing."""
    window = result.free_busy.window
    told = FreeBusy.from_periods(
        window,
        [
            (event.start, event.end, event.fbtype)
            for event in result.events
            if event.start < event.end and event.fbtype is not FBType.FREE
        ],
    )
    if result.events_complete:
        assert told.periods == result.free_busy.periods
    joined = told | FreeBusy.from_periods(window, result.free_busy.periods)
    assert joined.periods == result.free_busy.periods


def hold(raw: bytes, window: tuple[datetime, datetime], options: dict[str, Any]) -> None:
    """Everything that is true of any reading of any bytes."""
    try:
        result = extcal.expand(raw, *window, **options)
    except NotACalendar:
        return
    assert "internal_error" not in {problem.code for problem in result.problems}
    assert result.complete or result.free_busy.unknown
    starts = [(event.start, event.end) for event in result.events]
    assert starts == sorted(starts)
    assert all(start <= end for start, end in starts)
    assert all(start < window[1] and end >= window[0] for start, end in starts)
    for event in result.events:
        assert event.all_day is (event.first_day is not None)
        assert event.reason
        repr(event)
    accounted_for(result)
    assert extcal.expand(raw, *window, sieve=False, **options) == result


def tried(number: int) -> None:
    raw, window, options = made(number)
    try:
        hold(raw, window, options)
    except Exception as error:
        error.add_note(f"case {number}: {window[0]} to {window[1]}, {options}\n{raw!r}")
        raise


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_bent_feeds_are_read(chunk: int) -> None:
    """Some hundred bent feeds, the same ones every time."""
    for number in range(chunk, CASES, CHUNKS):
        tried(number)


def test_a_cut_feed_is_never_complete() -> None:
    """Cut at any byte before its end, a feed vouches for no part of the window."""
    stride = 1 if CASES > 10_000 else 17
    tested = 0
    for raw in feeds():
        ends = [match.end() for match in re.finditer(rb"END:VCALENDAR", raw, re.IGNORECASE)]
        if len(ends) != 1 or len(re.findall(rb"BEGIN:VCALENDAR", raw, re.IGNORECASE)) != 1:
            continue
        for at in range(len(raw) % stride, ends[0], stride):
            try:
                result = extcal.expand(raw[:at], *WINTER)
            except NotACalendar:
                continue
            tested += 1
            assert not result.complete, raw[:at]
            assert result.free_busy.unknown == (result.free_busy.window,), raw[:at]
    assert tested > 1_000


def main(arguments: list[str]) -> None:
    first = int(arguments[0]) if arguments else 0
    slowest, began = (0.0, first), time.monotonic()
    for number in range(first, first + CASES):
        before = time.monotonic()
        tried(number)
        slowest = max(slowest, (time.monotonic() - before, number))
    spent = timedelta(seconds=round(time.monotonic() - began))
    print(
        f"{CASES:,} cases from {first:,} in {spent}; the slowest, {slowest[1]}: {slowest[0]:.3f} s"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
