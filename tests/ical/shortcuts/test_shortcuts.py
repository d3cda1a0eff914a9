"""One argument turns every shortcut off, and nobody can tell by the answer.

``sieve=False`` reads all of a feed by the corridor alone. Events, free/busy, ``complete`` and
``empty`` are the same; Problems may be missing for events that the sieve left out. The corpus is
read both ways in ``tests/corpus``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given

import extcal
from extcal.ical.shortcuts import select
from extcal.testing.strategies import feeds as generated

pytestmark = pytest.mark.long

FIXTURES = sorted(Path(__file__).parents[2].rglob("*.ics"))
WINDOWS = [
    (datetime(2027, 1, 4, tzinfo=UTC), 90),
    (datetime(2026, 10, 20, tzinfo=UTC), 14),
    (datetime(2020, 2, 1, tzinfo=UTC), 3),
]


@pytest.fixture(autouse=True, scope="module")
def small_feeds_are_sieved() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(select, "WORTHWHILE", 0)
        yield


def answer(body: bytes, start: datetime, days: int, *, sieve: bool, **options: object) -> object:
    end = start + timedelta(days=days)
    try:
        found = extcal.expand(body, start, end, timezone="Asia/Tokyo", sieve=sieve, **options)  # type: ignore[arg-type]
    except extcal.NotACalendar as refused:
        return str(refused)
    busy = extcal.free_busy(body, start, end, timezone="Asia/Tokyo", sieve=sieve, **options)  # type: ignore[arg-type]
    assert busy == found.free_busy
    assert "internal_error" not in {problem.code for problem in found.problems}
    return found.events, found.free_busy, found.complete, found.events_complete, found.empty


def check(body: bytes) -> None:
    for start, days in WINDOWS:
        options: tuple[dict[str, object], ...] = ({}, {"owner": "me@example.org"})
        for each in options:
            quick, slow = (
                answer(body, start, days, sieve=sieve, **each) for sieve in (True, False)
            )
            assert quick == slow


@given(generated(odd=True))
def test_of_generated_feeds(body: bytes) -> None:
    check(body)


def test_there_are_fixtures_to_read() -> None:
    assert len(FIXTURES) > 5


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
def test_of_fixtures(path: Path) -> None:
    check(path.read_bytes())


def test_without_them_nothing_of_the_wing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The corridor is complete: no function of the wing is called."""

    def taken(*_: object, **__: object) -> None:
        raise AssertionError("a shortcut was taken")

    monkeypatch.setattr("extcal.ical.shortcuts.short_way.sieve", taken)
    monkeypatch.setattr("extcal.ical.shortcuts.plain_blocks.plain_block", taken)
    body = f"BEGIN:VCALENDAR|BEGIN:VEVENT|{LIVE.format('FREQ=DAILY')}|END:VEVENT|END:VCALENDAR|"
    data = body.replace("|", "\r\n").encode()
    start, end = WINDOWS[0][0], WINDOWS[0][0] + timedelta(days=9)
    assert len(extcal.expand(data, start, end, sieve=False).events) == 9
    with pytest.raises(AssertionError, match="a shortcut"):
        extcal.expand(data, start, end)


LIVE = "UID:a|DTSTART:20200106T090000Z|DTEND:20200106T100000Z|RRULE:{}"
REPEATED = [
    "FREQ=DAILY;UNTIL=20200301T000000Z;UNTIL=20290101T000000Z",
    "FREQ=DAILY;UNTIL=20290101T000000Z;UNTIL=20200301T000000Z",
    "FREQ=DAILY;UNTIL=20200301;UNTIL=20290101",
    "FREQ=DAILY;COUNT=3;COUNT=9000",
    "FREQ=DAILY;COUNT=9000;COUNT=3",
    "FREQ=DAILY;COUNT=3;UNTIL=20290101T000000Z",
    "FREQ=DAILY;UNTIL=20200301T000000Z;COUNT=9000",
    "FREQ=YEARLY;FREQ=DAILY;COUNT=2000",
    "FREQ=DAILY;FREQ=YEARLY;COUNT=9",
    "FREQ=DAILY;INTERVAL=1;INTERVAL=400;COUNT=9",
    "FREQ=WEEKLY;BYDAY=MO;BYDAY=TU;COUNT=400",
    "FREQ=WEEKLY;UNTIL=20200301T000000Z;WKST=MO;UNTIL=20290101T000000Z;BYDAY=MO",
]


@pytest.mark.parametrize("rule", REPEATED)
@pytest.mark.parametrize("twice", [False, True], ids=["part", "line"])
def test_a_repeated_rule_part_never_drops_a_live_series(rule: str, twice: bool) -> None:
    """Which of two UNTILs counts is the reader's choice, not the sieve's."""
    lines = LIVE.format(rule)
    if twice:
        first, _, second = rule.rpartition(";")
        lines = f"{LIVE.format(first)}|RRULE:FREQ=DAILY;{second}"
    event = f"BEGIN:VEVENT|{lines}|END:VEVENT|"
    past = "BEGIN:VEVENT|UID:b|DTSTART:20190106T090000Z|DTEND:20190106T100000Z|END:VEVENT|"
    for parts in (past + event + past, event + past, past + event):
        body = f"BEGIN:VCALENDAR|PRODID:-//x//EN|{parts}END:VCALENDAR|"
        check(body.replace("|", "\r\n").encode())
