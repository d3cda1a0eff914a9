"""Nothing that a feed repeats is looked at again and again: every cost is linear in its bytes.

Nothing is timed. What grew with the square of these bytes would take from minutes to days; an
alarm turns that into a failure. ``make growth`` looks for more of the kind.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import FrameType

import pytest

import extcal

pytestmark = pytest.mark.long

START, END = datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 4, 4, tzinfo=UTC)
SIZE = 600_000 if os.environ.get("EXTCAL_NIGHTLY") else 200_000  # bytes
HANG = 60  # seconds: a hundred times what the slowest of these takes

NOW = "DTSTART:20270105T090000Z"


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def hangs(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"still at it after {HANG} seconds")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANG)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def calendar(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR", ""])


def event(*lines: str) -> str:
    return calendar("BEGIN:VEVENT", "UID:a", *lines, "END:VEVENT")


def listed(value: str) -> str:
    return calendar("BEGIN:VFREEBUSY", f"FREEBUSY:{value}", "END:VFREEBUSY")


def over(what: str) -> str:
    """``what``, until it fills :data:`SIZE`."""
    return what * (SIZE // len(what))


PAST = "DTSTART:20200105T090000Z\nDTEND:20200105T100000Z\n"
PLAIN = calendar("BEGIN:VEVENT", *PAST.split("\n")[:2], "UID:p", "END:VEVENT")
BLANK = over(" ")
ONE = {
    "newlines, in an event without a UID": lambda: calendar(
        "BEGIN:VEVENT", NOW + over("\n"), "END:VEVENT"
    ),
    "newlines, in copies": lambda: calendar(
        *["BEGIN:VEVENT\r\nUID:a", NOW, over("\n")[: SIZE // 2], "END:VEVENT"] * 2
    ),
    "newlines, in front of a fold": lambda: event(NOW, f"SUMMARY:a{over(chr(10))} x"),
    "newlines and folds": lambda: event(NOW, "SUMMARY:a" + over("\n" * 1000 + " x")),
    "newlines, and no calendar": lambda: over("\r\n") + "x",
    "NULs, and no calendar": lambda: "\n" + over("\0") + "x",
    "NULs in front of a calendar": lambda: over("\0") + event(NOW),
    "blanks, and no calendar": lambda: over("\nBEGIN:" + "\t" * 1000),
    "blanks behind DTSTART": lambda: event(f"{NOW[:-1]}{BLANK}x"),
    "blanks behind a day": lambda: event(f"DTSTART:20270105{BLANK}x"),
    "blanks behind DTEND": lambda: event(NOW, f"DTEND:20270105T090000{BLANK}x"),
    "blanks behind RECURRENCE-ID": lambda: event(NOW, f"RECURRENCE-ID:20270105{BLANK}x"),
    "blanks behind EXDATE": lambda: event(NOW, "RRULE:FREQ=DAILY", f"EXDATE:20270106{BLANK}x"),
    "blanks behind RDATE": lambda: event(NOW, f"RDATE:20270106T090000{BLANK}x"),
    "blanks behind DTSTAMP": lambda: event(NOW, f"DTSTAMP:20200101T000000{BLANK}x"),
    "blanks behind UNTIL": lambda: event(NOW, f"RRULE:FREQ=DAILY;UNTIL=20270106{BLANK}x"),
    "blanks behind DURATION": lambda: event(NOW, f"DURATION:PT1H{BLANK}x"),
    "blanks in a period": lambda: listed(f"20270105T090000{BLANK}x/PT1H"),
    "blanks in a quoted zone": lambda: event(f'DTSTART;TZID="a:20270105{BLANK}x'),
    "dates in a quoted zone": lambda: event('DTSTART;TZID="a' + over(":20270105 ")),
    "colons in a quoted zone": lambda: event('DTSTART;TZID="a' + over(":")),
    "quotes": lambda: event(f"DTSTART;{over(chr(34))}:20270105T090000Z"),
    "offsets in a zone": lambda: event(f"DTSTART;TZID={over('(UTC')}:20270105T090000"),
    "slashes in a zone": lambda: event(f"DTSTART;TZID={over('/a')}:20270105T090000"),
    "rule parts": lambda: event(NOW, "RRULE:FREQ=DAILY" + over(";BYDAY=MO")),
    "days of a rule": lambda: event(NOW, f"RRULE:FREQ=DAILY;BYDAY=MO{over(',MO')}x"),
    "a few lines that are none, over and over": lambda: calendar(over("x\n" * 990 + "A:b\n")),
    "events that lone LFs end": lambda: PLAIN.replace(
        "UID:p", f"UID:p\r\nX:x\n{over(f'END:VEVENT{chr(10)}BEGIN:VEVENT{chr(10)}{PAST}UID:x')}"
    ),
    "UIDs that lone LFs end": lambda: PLAIN.replace("UID:p", over("UID:x\n")),
}


@pytest.mark.parametrize("make", ONE.values(), ids=ONE)
@pytest.mark.parametrize("sieve", [True, False], ids=["sieved", "whole"])
def test_a_megabyte_of_one_thing_is_read_once(make: Callable[[], str], sieve: bool) -> None:
    try:
        answer = extcal.expand(make(), START, END, timezone="Europe/Berlin", sieve=sieve)
    except extcal.NotACalendar:
        return
    assert "internal_error" not in {problem.code for problem in answer.problems}


@pytest.mark.parametrize(
    "text", ["LINK :\\" + "\n" * 8000 + "<iframe http://", " " * 8000 + "x", "a@" * 4000]
)
def test_what_is_pasted_is_read_once(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        extcal.Feed.from_user_input(text)


def rules(name: str, rule: str) -> list[str]:
    """Two thousand of them, no two alike."""
    return [f"{name}:{rule.format(number=number)}" for number in range(2_000, 4_000)]


MIDNIGHTS = [
    f"BEGIN:VEVENT\r\nUID:a\r\n{NOW}\r\nRECURRENCE-ID:{year}{month:02}{day:02}T000000Z\r\nEND:VEVENT"
    for year in range(2020, 2026)
    for month in range(1, 13)
    for day in range(1, 29)
]
DAYS_OF_ALL_YEARS = ",".join(f"{year:04}0105T090000" for year in range(32, 8900, 16))
PRODUCTS = {
    "rules and overrides at midnight": calendar(
        "BEGIN:VEVENT",
        "UID:a",
        "DTSTART:20200105T090000Z",
        *rules("RRULE", "FREQ=DAILY;INTERVAL={number};BYHOUR=1"),
        "END:VEVENT",
        *MIDNIGHTS,
    ),
    "starts and EXRULEs": event(
        "DTSTART:20200105T090001Z",
        "RRULE:FREQ=MINUTELY",
        *rules("EXRULE", "FREQ=SECONDLY;INTERVAL=7;UNTIL=2028{number}"),
        *rules("EXRULE", "FREQ=SECONDLY;INTERVAL=7;COUNT=900{number}"),
    ),
    "rules of a zone and years": calendar(
        *("BEGIN:VTIMEZONE", "TZID:Foo", "BEGIN:STANDARD", "DTSTART:00020301T000000"),
        *("TZOFFSETFROM:+0100", "TZOFFSETTO:+0100"),
        *rules("RRULE", "FREQ=YEARLY;INTERVAL={number};BYMONTH=3"),
        *("END:STANDARD", "END:VTIMEZONE", "BEGIN:VEVENT", "UID:a", NOW),
        *(f"RDATE;TZID=Foo:{DAYS_OF_ALL_YEARS}", "END:VEVENT"),
    ),
    "runs and EXDATEs": event(
        "DTSTART:20200105T090000Z",
        "DURATION:PT2S",
        *rules("RRULE", "FREQ=SECONDLY;COUNT=90000{number}"),
        *(f"EXDATE:20270110T09{number // 60:02}{number % 60:02}Z" for number in range(3_600)),
    ),
}


@pytest.mark.parametrize("feed", PRODUCTS.values(), ids=PRODUCTS)
def test_what_grows_with_a_product_is_paid_for_in_steps(feed: str) -> None:
    """It ends when the feed's steps are gone, with unknown time and never with free time."""
    answer = extcal.expand(feed, START, END, timezone="Europe/Berlin")
    assert not answer.complete
    assert answer.free_busy.unknown
