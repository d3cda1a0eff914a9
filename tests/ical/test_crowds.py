"""What a limit cuts off is not parsed first: the answer stays, the work goes."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

import extcal
from extcal.errors import LimitExceeded
from extcal.ical.crowds import thinned
from extcal.ical.sieve import Sieved
from extcal.ical.work import Work
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


def bytes_left(raw: bytes) -> int:
    left = thinned(Sieved.nothing_left_out(raw), Work(LIMITS))
    return sum(end - start for start, end in left.spans)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("before", [(), ("EXDATE:20270104T000000Z,20270104T030000Z", "SEQUENCE:1")])
def test_exdates_behind_the_limit_are_not_read(newline: str, before: tuple[str, ...]) -> None:
    """The instances they name stay busy, as they do where every line is read."""
    exdates = [f"EXDATE:{at}" for at in hours(60)]
    raw = body(event(*MASTER, *before, *exdates, "SUMMARY:x")).replace(b"\n", newline.encode())
    left = thinned(Sieved.nothing_left_out(raw), Work(LIMITS))
    assert sum(raw.count(b"EXDATE:", *span) for span in left.spans) <= 20 + 1 + 1
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
    left = thinned(Sieved.nothing_left_out(raw), Work(LIMITS))
    assert sum(raw.count(b"RECURRENCE-ID", *span) for span in left.spans) == 3
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
