"""Every limit of the corridor at n and at n + 1: unknown time and a Problem, or LimitExceeded."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import pytest

import extcal
from extcal import LimitExceeded, Limits
from extcal.ical.answer import collect
from extcal.ical.answer.listing import Judged, JudgedInstances, among_first, count

WHOLE = ["01-01T00:00/02-01T00:00 unknown"]
TIMES = ("DTSTART:20270104T080000Z", "DURATION:PT1H")


def events(corridor: Any, count: int, *lines: str) -> list[str]:
    return [corridor.event(*TIMES, *lines, uid=f"u{number:04d}") for number in range(count)]


def rdates(corridor: Any, count: int) -> list[str]:
    values = ",".join(f"2027{1 + n // 28:02d}{1 + n % 28:02d}T120000Z" for n in range(count))
    return [corridor.event(*TIMES, f"RDATE:{values}")]


def spread_rdates(corridor: Any, count: int) -> list[str]:
    return [
        corridor.event(*TIMES, f"RDATE:202701{1 + n:02d}T120000Z", uid=f"u{n}")
        for n in range(count)
    ]


def overrides(corridor: Any, count: int, uid: str = "a") -> list[str]:
    days = [f"202701{1 + number:02d}T080000Z" for number in range(count)]
    return [
        corridor.event(f"RECURRENCE-ID:{day}", f"DTSTART:{day}", "DURATION:PT2H", uid=uid)
        for day in days
    ]


def spread_overrides(corridor: Any, count: int) -> list[str]:
    return [text for n in range(count) for text in overrides(corridor, 1, uid=f"u{n}")]


def copies(corridor: Any, count: int) -> list[str]:
    return [corridor.event(*TIMES, f"SEQUENCE:{number}", uid="a") for number in range(count)]


def zone_names(corridor: Any, count: int) -> list[str]:
    names = ["Europe/Berlin", "Europe/Paris", "Asia/Tokyo", "America/New_York", "Etc/GMT+3"]
    return [
        corridor.event(f"DTSTART;TZID={name}:20270104T080000", "DURATION:PT1H", uid=name)
        for name in names[:count]
    ]


def availability(corridor: Any, count: int) -> list[str]:
    parts = [
        f"BEGIN:AVAILABLE\r\nUID:b{number}\r\nDTSTART:20270104T{8 + number:02d}0000Z\r\n"
        "DURATION:PT1H\r\nEND:AVAILABLE"
        for number in range(count - 1)
    ]
    bounds = ("DTSTART:20270104T000000Z", "DTEND:20270105T000000Z")
    whole = ("BEGIN:VAVAILABILITY", "UID:a", *bounds, *parts, "END:VAVAILABILITY")
    return ["\r\n".join(whole), corridor.event(*TIMES)]


def steps(corridor: Any, count: int) -> list[str]:
    rule = f"RRULE:FREQ=MINUTELY;INTERVAL=20;COUNT={count}"
    return [corridor.event("DTSTART:20270104T080000Z", "DURATION:PT1M", rule)]


@pytest.mark.parametrize(
    ("name", "limit", "made"),
    [
        ("max_vevents", 5, events),
        ("max_dates_per_series", 7, rdates),
        ("max_dates", 7, spread_rdates),
        ("max_overrides_per_series", 4, overrides),
        ("max_overrides", 4, spread_overrides),
        ("max_versions", 4, copies),
        ("max_tzids", 4, zone_names),
        ("max_availability", 4, availability),
    ],
)
def test_at_the_limit_and_one_beyond(
    corridor: Any, name: str, limit: int, made: Callable[[Any, int], list[str]]
) -> None:
    limits = Limits(**{name: limit})
    inside = corridor.expand(*made(corridor, limit), limits=limits, strict=True)
    assert inside.complete
    assert not inside.free_busy.unknown
    assert not inside.problems
    beyond = made(corridor, limit + 1)
    result = corridor.expand(*beyond, limits=limits)
    assert not result.complete
    assert result.free_busy.unknown == (result.free_busy.window,)
    assert result.free_busy.periods
    assert [problem.code for problem in result.problems] == [name]
    assert {problem.action for problem in result.problems} == {"unknown"}
    with pytest.raises(LimitExceeded) as caught:
        corridor.expand(*beyond, limits=limits, strict=True)
    assert caught.value.kind == name


def test_recurrence_steps(corridor: Any) -> None:
    """What was computed stays; from the first instant that was not, the series is unknown."""
    result = corridor.expand(*steps(corridor, 900), limits=Limits(max_steps=100))
    assert not result.complete
    (gap,) = result.free_busy.unknown
    assert gap.end == result.free_busy.window.end
    assert result.free_busy.window.start < gap.start
    assert all(period.start < gap.start for period in result.free_busy.periods)
    assert [problem.code for problem in result.problems] == ["max_steps"]
    with pytest.raises(LimitExceeded):
        corridor.expand(*steps(corridor, 900), limits=Limits(max_steps=100), strict=True)
    assert corridor.expand(*steps(corridor, 900), strict=True).complete


def test_a_series_that_cannot_touch_the_window_costs_nothing(corridor: Any) -> None:
    past = corridor.event(*TIMES, "RRULE:FREQ=SECONDLY;UNTIL=20270105T000000Z")
    future = corridor.event("DTSTART:20290104T080000Z", "RRULE:FREQ=SECONDLY", uid="b")
    window = "2028-01-01/2028-02-01"
    result = corridor.expand(past, future, window=window, limits=Limits(max_steps=0), strict=True)
    assert result.complete


@pytest.mark.parametrize("lines", [("TRANSP:TRANSPARENT",), ("STATUS:CANCELLED",)])
@pytest.mark.parametrize(
    ("made", "limits"),
    [
        (steps, Limits(max_steps=3)),
        (rdates, Limits(max_dates=3)),
        (rdates, Limits(max_dates_per_series=3)),
        (overrides, Limits(max_overrides=3)),
    ],
)
def test_what_blocks_nothing_makes_nothing_unknown(
    corridor: Any, lines: tuple[str, ...], made: Callable[[Any, int], list[str]], limits: Limits
) -> None:
    parts = [
        text.replace("END:VEVENT", "\r\n".join((*lines, "END:VEVENT")))
        for text in made(corridor, 30 if made is not overrides else 20)
    ]
    result = corridor.expand(*parts, limits=limits)
    assert result.complete
    assert not result.free_busy.unknown
    assert not result.free_busy.periods
    assert "unknown" not in {problem.action for problem in result.problems}


def test_excess_exdates_leave_instances_busy(corridor: Any) -> None:
    values = ",".join(f"202701{day:02d}T080000Z" for day in range(5, 10))
    event = corridor.event(*TIMES, "RRULE:FREQ=DAILY;COUNT=6", f"EXDATE:{values}")
    result = corridor.expand(event, limits=Limits(max_dates_per_series=4), strict=True)
    assert [found.start.day for found in result.events] == [4, 9]
    assert result.complete
    assert [(p.code, p.action) for p in result.problems] == [
        ("max_dates_per_series", "instances left busy")
    ]


@pytest.mark.parametrize("name", ["max_occurrences_per_series", "max_occurrences"])
def test_more_occurrences_than_anybody_shows(corridor: Any, name: str) -> None:
    """Only ``events`` is cut, to the earliest; free/busy has merged them all."""
    event = corridor.event(*TIMES, "RRULE:FREQ=DAILY;COUNT=10")
    whole = corridor.expand(event, limits=Limits(**{name: 10}))
    cut = corridor.expand(event, limits=Limits(**{name: 9}), strict=True)
    assert (len(whole.events), whole.events_complete) == (10, True)
    assert (len(cut.events), cut.events_complete) == (9, False)
    assert cut.events == whole.events[:9]
    assert cut.free_busy == whole.free_busy
    assert cut.complete


@pytest.mark.parametrize("limit", [0, 1, 7, 20, 30])
def test_the_first_occurrences_of_many_series_are_chosen_again_and_again(
    corridor: Any, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Which are kept meanwhile changes nothing, and they are never many more than are listed.

    Those beyond the first 12 are packed.
    """
    monkeypatch.setattr(collect, "_FEW", 5)
    monkeypatch.setattr(collect, "_MANY", 12)
    most = 0
    kinds = set()

    def noted(found: list[Judged], limit: int) -> list[Judged]:
        nonlocal most
        most = max(most, count(found))
        series = [one.instances.columns for one in found if isinstance(one, JudgedInstances)]
        kinds.update(type(column) for columns in series for column in columns)
        return among_first(found, limit)

    monkeypatch.setattr(collect, "among_first", noted)
    lines = []
    for number in range(30):
        start = f"DTSTART:202701{4 + number % 3:02}T{number % 5:02}0000Z"
        lines.append(
            corridor.event(start, "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=4", uid=f"u{number}")
        )
        moved = ("RECURRENCE-ID" + start[7:], "DTSTART:20270103T000000Z", "DURATION:PT2H")
        lines.append(corridor.event(*moved, "SUMMARY:moved", uid=f"u{number}"))
    whole = corridor.expand(*lines)
    assert (len(whole.events), most) == (120, 0)
    cut = corridor.expand(*lines, limits=Limits(max_occurrences=limit), strict=True)
    assert cut.events == whole.events[:limit]
    assert not cut.events_complete
    assert cut.free_busy == whole.free_busy
    assert 0 < most <= 2 * max(limit, 5, 30) + 4  # 30 of them start at the same time
    assert kinds == ({list, array} if limit else {list})


def test_problems_are_counted_beyond_their_limit(corridor: Any) -> None:
    """Never so that the reason for unknown time is lost among them."""
    odd = [corridor.event("DTSTART:x", uid=f"u{number}") for number in range(7)]
    result = corridor.expand(*odd, limits=Limits(max_problems=7))
    assert [problem.code for problem in result.problems] == ["event_lost"] * 7
    result = corridor.expand(*odd, limits=Limits(max_problems=6))
    assert [problem.code for problem in result.problems][-1] == "max_problems"
    assert result.problems[-1].message == "and 1 more problems"
    result = corridor.expand(
        *odd, *steps(corridor, 900), limits=Limits(max_problems=6, max_steps=9)
    )
    assert "max_steps" in {problem.code for problem in result.problems}


def test_years_beyond_the_limits(corridor: Any) -> None:
    event = corridor.event(*TIMES, "RRULE:FREQ=YEARLY")
    limits = Limits(first_year=2027, last_year=2028)
    for window, unknown in (
        ("2026-06-01/2027-06-01", ["06-01T00:00/01-01T00:00 unknown"]),
        ("2028-06-01/2029-06-01", ["01-01T00:00/06-01T00:00 unknown"]),
        ("2027-01-01/2029-01-01", []),
    ):
        found = corridor.busy(event, window=window, limits=limits)
        assert [text for text in found if "unknown" in text] == unknown
        assert corridor.expand(event, window=window, limits=limits).complete == (not unknown)
    with pytest.raises(LimitExceeded) as caught:
        corridor.expand(event, window="2030-01-01/2031-01-01", limits=limits, strict=True)
    assert caught.value.kind == "last_year"


@pytest.mark.parametrize(
    "lines",
    [
        ("RRULE:FREQ=SECONDLY",),
        ("RRULE:FREQ=SECONDLY;INTERVAL=7;COUNT=1000000000",),
        ("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",),
        ("RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",),
        ("RRULE:FREQ=SECONDLY;BYSECOND=0,1,2,3", "EXRULE:FREQ=SECONDLY;BYSECOND=1,3"),
        ("RRULE:FREQ=HOURLY;BYMINUTE=0,2,4,6;BYSECOND=0,2,4,6", "EXRULE:FREQ=SECONDLY;INTERVAL=7"),
        ("RRULE:FREQ=SECONDLY;BYSECOND=0,1,2", "EXDATE:" + ",".join(
            f"202701{1 + n % 28:02d}T{n // 28 % 24:02d}{n // 700:02d}01Z" for n in range(9_999))),
    ],
)  # fmt: skip
def test_feeds_that_would_stall_are_bounded(corridor: Any, lines: tuple[str, ...]) -> None:
    """A feed under a megabyte costs its steps and no more; what they do not reach is unknown."""
    event = corridor.event("DTSTART:20270101T000000Z", "DURATION:PT1S", *lines)
    result = corridor.expand(event)
    assert result.complete or result.free_busy.unknown


def test_thousands_of_overrides_of_one_uid(corridor: Any) -> None:
    """Forms that need the rule's help included."""
    many = [
        f"BEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID;VALUE=DATE:20{n // 365:02d}0101\r\n"
        f"DTSTART:20270101T{n % 24:02d}0000Z\r\nEND:VEVENT"
        for n in range(6_000)
    ]
    master = corridor.event(*TIMES, "RRULE:FREQ=DAILY;BYHOUR=8,9")
    result = corridor.expand(master, *many)
    assert not result.complete
    assert result.free_busy.unknown == (result.free_busy.window,)


def test_limits_are_a_value_of_their_own() -> None:
    with pytest.raises(TypeError):
        extcal.Limits(max_steps="many")  # type: ignore[arg-type]


def test_observances_of_all_zones_that_are_named(corridor: Any) -> None:
    """Each VTIMEZONE may have its history; a feed whose zones all have long ones is not read on."""
    standard = (
        "BEGIN:STANDARD\r\nDTSTART:{}0101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\n"
        "END:STANDARD\r\n"
    )
    history = "".join(standard.format(1970 + number) for number in range(5))
    zones = [f"BEGIN:VTIMEZONE\r\nTZID:z{n}\r\n{history}END:VTIMEZONE" for n in range(5)]
    events = [corridor.event(f"DTSTART;TZID=z{n}:20270104T080000", uid=f"u{n}") for n in range(5)]
    limits = Limits(max_observances=5)
    assert corridor.expand(*zones, *events[:2], limits=limits, strict=True).complete
    beyond = corridor.expand(*zones, *events, limits=limits)
    assert beyond.free_busy.unknown == (beyond.free_busy.window,)
    assert "max_observances" in {problem.code for problem in beyond.problems}


def test_dates_of_a_zone_are_counted_before_they_are_read(corridor: Any) -> None:
    dates = ",".join(f"2027010{1 + n % 9}T0{n % 7}0000" for n in range(12))
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:town\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
        f"TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nRDATE:{dates}\r\nEND:STANDARD\r\nEND:VTIMEZONE"
    )
    event = corridor.event("DTSTART;TZID=town:20270104T080000")
    beyond = corridor.expand(zone, event, limits=Limits(max_transitions=5))
    assert beyond.free_busy.unknown == (beyond.free_busy.window,)
    assert corridor.expand(zone, event, limits=Limits(max_transitions=20), strict=True).complete


def test_instances_of_available_are_counted(corridor: Any) -> None:
    """A year of shifts is read; what a second would free by the minute is not."""

    def available(rule: str) -> str:
        part = (
            f"BEGIN:AVAILABLE\r\nUID:b\r\nDTSTART:20270104T080000Z\r\nDURATION:PT1H\r\n{rule}\r\n"
        )
        return f"BEGIN:VAVAILABILITY\r\nUID:a\r\n{part}END:AVAILABLE\r\nEND:VAVAILABILITY"

    limits = Limits(max_availability=2)
    assert corridor.expand(
        available("RRULE:FREQ=DAILY;COUNT=20"), limits=limits, strict=True
    ).complete
    beyond = corridor.expand(available("RRULE:FREQ=DAILY;COUNT=21"), limits=limits)
    assert beyond.free_busy.unknown == (beyond.free_busy.window,)
    assert [problem.code for problem in beyond.problems] == ["max_availability"]
