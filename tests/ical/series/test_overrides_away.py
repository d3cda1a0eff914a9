"""Overrides away from the window change nothing, and those that may are all looked at (3.8.4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

import extcal
from extcal.ical.events.event import Event
from extcal.ical.series import recurrence_set

WINDOW = datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 1, 18, tzinfo=UTC)
MASTER = (
    "DTSTART;TZID=Europe/Berlin:20200106T090000",
    "DTEND;TZID=Europe/Berlin:20200106T100000",
    "RRULE:FREQ=WEEKLY",
)


def override(planned: str, start: str, *more: str) -> tuple[str, ...]:
    end = f"{int(start[9:11]) + 1:02}"
    return (
        f"RECURRENCE-ID;TZID=Europe/Berlin:{planned}",
        f"DTSTART;TZID=Europe/Berlin:{start}",
        f"DTEND;TZID=Europe/Berlin:{start[:9]}{end}{start[11:]}",
        *more,
    )


PAST = [override(f"2026{month:02}0{day}T090000", f"2026{month:02}0{day}T110000") for month, day in
        ((6, 1), (7, 6), (8, 3))]  # fmt: skip
MOVED_IN = override("20260601T090000", "20270106T150000", "SEQUENCE:0")
MOVED_ELSEWHERE = override("20260601T090000", "20260602T150000", "SEQUENCE:1")
FOLLOWING = (
    "RECURRENCE-ID;TZID=Europe/Berlin;RANGE=THISANDFUTURE:20260601T090000",
    *override("20260601T090000", "20260601T120000")[1:],
)


def busy(*events: Sequence[str], sieve: bool) -> list[tuple[int, int]]:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//test//EN"]
    for event in events:
        lines += ["BEGIN:VEVENT", "UID:a", *event, "END:VEVENT"]
    found = extcal.free_busy("\r\n".join([*lines, "END:VCALENDAR", ""]), *WINDOW, sieve=sieve)
    return [(start, end) for start, end, _ in found.epochs]


def at(day: int, hour: int) -> tuple[int, int]:
    """An hour that begins at this hour in Berlin, on a day of January 2027."""
    start = datetime(2027, 1, day, hour - 1, tzinfo=UTC)
    return int(start.timestamp()), int((start + timedelta(hours=1)).timestamp())


USUAL = [at(4, 9), at(11, 9)]


@pytest.mark.parametrize("sieve", [True, False])
@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (PAST, USUAL),
        ([*PAST, override("20270111T090000", "20260901T090000")], USUAL[:1]),
        ([*PAST, override("20261207T090000", "20270105T090000")], [USUAL[0], at(5, 9), USUAL[1]]),
        ([*PAST[1:], MOVED_IN], [USUAL[0], at(6, 15), USUAL[1]]),
        ([*PAST[1:], MOVED_IN, MOVED_ELSEWHERE], USUAL),
        ([*PAST[1:], MOVED_ELSEWHERE, MOVED_IN], USUAL),
        ([*PAST[1:], FOLLOWING], [at(4, 12), at(11, 12)]),
    ],
    ids=["past", "moved out", "moved in", "moved far", "newer", "newer first", "following"],
)
def test_an_override_counts_if_it_or_its_instance_or_a_version_of_it_is_near(
    overrides: list[tuple[str, ...]], expected: list[tuple[int, int]], sieve: bool
) -> None:
    assert busy(MASTER, *overrides, sieve=sieve) == expected


def test_those_that_are_away_are_not_converted(monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[int] = []
    really = recurrence_set._name_instance

    def name(override: Event, *rest: object) -> bool:
        named.append(override.offset)
        return really(override, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(recurrence_set, "_name_instance", name)
    near = override("20270111T090000", "20270111T110000")
    assert busy(MASTER, *PAST, near, sieve=False) == [USUAL[0], at(11, 11)]
    assert len(named) == 1
