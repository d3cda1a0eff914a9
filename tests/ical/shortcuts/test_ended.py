"""What the bytes of one VEVENT prove: the last that is over, and the first that may not be.

Over means: before 1 January 2027, with three days to spare for zones and rounding. What is called
over by mistake would be free time that is busy, so every form that is not plain is "no".
"""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from extcal.ical.shortcuts.ended import BeforeWindow, before, planned_day

HOUR = ("DTSTART:20261201T090000Z", "DTEND:20261201T100000Z")
NIGHT = ("DTSTART:20261201T230000Z", "DTEND:20261202T010000Z")
SHORT = "DURATION:PT19H"  # a longer one would be a line of interest
ALARM = ("BEGIN:VALARM", "TRIGGER:-PT5M", "END:VALARM")


def past(*, told: bool = True) -> BeforeWindow:
    return BeforeWindow(date(2027, 1, 1), date(2027, 4, 10), told=told)


def at(day: str) -> tuple[str, str]:
    return f"DTSTART:{day}T090000Z", f"DTEND:{day}T100000Z"


def event(*lines: str) -> tuple[bytes, int, int]:
    """An event between two others, and where it begins and ends."""
    text = "".join(f"{line}\r\n" for line in ("BEGIN:VEVENT", "UID:a", *lines, "END:VEVENT"))
    before, after = b"DTSTART:20270201\r\n", b"RECURRENCE-ID:20270201\r\nDTEND:20270202\r\n"
    raw = before + text.encode() + after
    return raw, len(before), len(before) + len(text)


def begun(*lines: str) -> tuple[bytes, int, int]:
    """The same with the lines directly behind the first one, as most programs write the dates."""
    raw, start, end = event(*lines)
    return raw.replace(b"UID:a\r\n", b""), start, end - len(b"UID:a\r\n")


def is_over(raw: bytes, start: int, end: int, line: int) -> bool:
    """By the line that begins there."""
    return past().holds(raw, start, end, line, planned_day(raw, line))


def holds(*lines: str) -> bool:
    found = set()
    for raw, start, end in (event(*lines), event("SUMMARY:x", *lines), begun(*lines)):
        line = min(place for name in (b"\nRRULE", b"\nRECURRENCE-ID")
                   if (place := raw.find(name, start, end)) >= 0)  # fmt: skip
        found.add(is_over(raw, start, end, line + 1))
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize(
    ("rule", "over"),
    [
        ("FREQ=DAILY;UNTIL=20261228", True),
        ("FREQ=DAILY;UNTIL=20261229", False),
        ("FREQ=WEEKLY;UNTIL=20261228T235959Z;BYDAY=MO", True),
        ("FREQ=DAILY;BYMONTH=1;UNTIL=20261228", True),
        ("FREQ=DAILY;UNTIL=20200101;UNTIL=20300101", False),  # the reader takes one of the two
        ("FREQ=DAILY;UNTIL=20200101;UNTIL=20200101", False),
        ("FREQ=DAILY;COUNT=2;COUNT=3", False),
        ("FREQ=DAILY;COUNT=2;INTERVAL=1;INTERVAL=900", False),
        ("FREQ=DAILY;UNTIL=20260231", False),  # no such day
        ("FREQ=DAILY;UNTIL=20200101;X=1", False),
        ("FREQ=HOURLY;UNTIL=20200101", False),
        ("FREQ=DAILY", False),
        ("FREQ=DAILY;COUNT=27", True),
        ("FREQ=DAILY;COUNT=28", False),
        ("FREQ=DAILY;INTERVAL=3;COUNT=9", True),
        ("FREQ=DAILY;INTERVAL=4;COUNT=7", False),
        ("FREQ=DAILY;WKST=SU;COUNT=27", True),
        ("FREQ=DAILY;COUNT=2;BYDAY=MO", False),  # most days are none
        ("FREQ=WEEKLY;COUNT=3", True),
        ("FREQ=WEEKLY;COUNT=4", False),
        ("FREQ=WEEKLY;COUNT=3;BYDAY=MO,TU", True),
        ("FREQ=WEEKLY;COUNT=3;BYMONTH=12", False),
        ("FREQ=WEEKLY;COUNT=3;BYMONTH=12;BYDAY=MO", False),
        ("FREQ=MONTHLY;COUNT=1", False),
    ],
)
def test_a_series_is_over_if_its_rule_has_ended(rule: str, over: bool) -> None:
    assert holds(*HOUR, f"RRULE:{rule}") is over


@pytest.mark.parametrize(
    ("start", "rule", "over"),
    [
        ("20261101", "FREQ=MONTHLY;COUNT=1", True),
        ("20261127", "FREQ=MONTHLY;COUNT=1", True),
        ("20261128", "FREQ=MONTHLY;COUNT=1", False),
        ("20261101", "FREQ=MONTHLY;COUNT=2", False),
        ("20261001", "FREQ=MONTHLY;COUNT=2", True),
        ("20261001", "FREQ=MONTHLY;COUNT=3", False),
        ("20251227", "FREQ=YEARLY;COUNT=1", True),
        ("20251228", "FREQ=YEARLY;COUNT=1", False),
        ("20251128", "FREQ=DAILY;COUNT=2", True),
        ("20251129", "FREQ=DAILY;COUNT=2", False),  # a month may have no such day
        ("00010101", "FREQ=DAILY;COUNT=2", True),
        ("20260228", "FREQ=YEARLY;INTERVAL=999;COUNT=999999", False),  # beyond the year 9999
    ],
)
def test_a_count_is_over_after_as_many_of_the_longest_steps(
    start: str, rule: str, over: bool
) -> None:
    assert holds(*at(start), f"RRULE:{rule}") is over


@pytest.mark.parametrize(
    ("dates", "rule", "over"),
    [
        (NIGHT, "FREQ=DAILY;UNTIL=20261227", True),
        (NIGHT, "FREQ=DAILY;UNTIL=20261228", False),
        (NIGHT, "FREQ=WEEKLY;UNTIL=20261227T235959Z;BYDAY=TU", True),
        (NIGHT, "FREQ=WEEKLY;UNTIL=20261228T000000Z;BYDAY=TU", False),
        (NIGHT, "FREQ=DAILY;COUNT=26", True),
        (NIGHT, "FREQ=DAILY;COUNT=27", False),
        (NIGHT, "FREQ=DAILY;UNTIL=20200101;UNTIL=20300101", False),
        (NIGHT, "FREQ=DAILY;UNTIL=20260231", False),
        (NIGHT, "FREQ=DAILY;COUNT=2;COUNT=3", False),
        (NIGHT, "FREQ=DAILY;X=1;COUNT=2", False),
        (NIGHT, "FREQ=DAILY", False),
        (NIGHT[:1], "FREQ=DAILY;UNTIL=20261228", True),
        (NIGHT[:1], "FREQ=DAILY;UNTIL=20261229", False),
        ((NIGHT[0], SHORT), "FREQ=DAILY;UNTIL=20261228T230000Z", True),
        ((SHORT, NIGHT[0]), "FREQ=DAILY;UNTIL=20261229T000000Z", False),
        (("DTSTART:20260231T090000Z", SHORT), "FREQ=DAILY;UNTIL=20200101", False),
        (NIGHT[1:], "FREQ=DAILY;UNTIL=20200101", False),
        (NIGHT[::-1], "FREQ=DAILY;UNTIL=20261227", True),
        (NIGHT[::-1], "FREQ=DAILY;UNTIL=20261228", False),
        # An end before its start makes nothing shorter.
        (("DTSTART:20261202T090000Z", "DTEND:20261201T090000Z"), "FREQ=DAILY;COUNT=26", True),
        (("DTSTART:20261202T090000Z", "DTEND:20261201T090000Z"), "FREQ=DAILY;COUNT=27", False),
        ((NIGHT[0], "DTEND:20261202T01\r\n 0000Z"), "FREQ=DAILY;COUNT=2", False),
        (("DTSTART:20261201T23\r\n 0000Z", NIGHT[1]), "FREQ=DAILY;COUNT=2", False),
        ((NIGHT[0], "DTEND:20260231T010000Z"), "FREQ=DAILY;COUNT=2", False),
        ((*NIGHT, "DTSTART:20261201T230000Z"), "FREQ=DAILY;COUNT=2", False),
        ((*NIGHT, "DTEND:20261202T010000Z"), "FREQ=DAILY;COUNT=2", False),
        ((*HOUR, "DTSTART:20261201T090000Z"), "FREQ=DAILY;UNTIL=20200101", False),
        ((*HOUR, "DTEND:20261201T100000Z"), "FREQ=DAILY;UNTIL=20200101", False),
        ((NIGHT[0], *ALARM, NIGHT[1]), "FREQ=DAILY;COUNT=2", False),  # an alarm's end, perhaps
        ((*ALARM, *NIGHT), "FREQ=DAILY;COUNT=2", False),
        ((*ALARM, *HOUR), "FREQ=DAILY;COUNT=2", False),
        ((*ALARM, NIGHT[0]), "FREQ=DAILY;COUNT=2", False),
    ],
)
def test_an_instance_may_last_longer_than_a_day(
    dates: tuple[str, ...], rule: str, over: bool
) -> None:
    """Its length counts; without an end it has none."""
    raw, start, end = event(*dates, f"RRULE:{rule}")
    assert is_over(raw, start, end, raw.index(b"RRULE", start)) is over


PLAN = "RECURRENCE-ID:20261130T090000Z"


@pytest.mark.parametrize(
    ("dates", "over"),
    [
        (HOUR, True),
        (NIGHT, True),
        ((HOUR[0], "SUMMARY:y", HOUR[1]), True),
        (("DTSTART:20261201T100000Z", "DTEND:20261201T090000Z"), True),
        (("DTSTART:20261201T23\r\n 0000Z", "DTEND:20261131T010000Z"), True),
        ((*HOUR, *NIGHT), True),
        ((NIGHT[0], SHORT), True),
        ((SHORT, NIGHT[0]), True),
        ((NIGHT[0], "DTEND;VALUE=DATE-TIME:20261202T010000Z"), True),
        ((NIGHT[0], "DTENDX:20261202T010000Z"), False),  # no end
        ((NIGHT[0], "DTEND-X;A=b:20261202T010000Z"), False),
        ((NIGHT[0], "DURATIONX:PT1H"), False),
        (NIGHT[1:], True),
        (NIGHT[:1], False),  # as long as its master's instances
        ((*HOUR, *ALARM[:2], HOUR[1], ALARM[2]), True),
        ((HOUR[0], *ALARM[:2], HOUR[1], ALARM[2]), False),  # the alarm's
        ((HOUR[0], *ALARM[:2], SHORT, ALARM[2]), False),
        ((*ALARM, *HOUR), False),
        ((HOUR[0], *ALARM, SHORT), False),
    ],
)
def test_an_override_is_over_if_it_has_an_end_of_its_own(
    dates: tuple[str, ...], over: bool
) -> None:
    """One that cannot be read lasts to the end of its day."""
    assert holds(*dates, PLAN) is over
    assert not holds(*dates, "RECURRENCE-ID;RANGE=THISANDFUTURE:20261130T090000Z")


@pytest.mark.parametrize(
    ("lines", "over"),
    [
        ((*HOUR, "RECURRENCE-ID:20261228T090000Z"), True),
        ((*HOUR, "RECURRENCE-ID:20261229T090000Z"), False),
        ((*HOUR, "RECURRENCE-ID;TZID=Europe/Berlin:20261228T090000"), True),
        ((*HOUR, "RECURRENCE-ID;RANGE=THISANDFUTURE:20261130T090000Z"), False),
        (("DTSTART:20261201T100000Z", "DTEND:20261201T100000Z", PLAN), True),
        (("DTSTART:20261201T100000Z", "DTEND:20261201T090000Z", PLAN), True),
        ((*NIGHT, PLAN), True),
        (HOUR, False),
        ((HOUR[1], *HOUR, PLAN), True),
        ((HOUR[0], PLAN), False),
        ((*HOUR, "RECURRENCE-ID:20270310T090000Z", PLAN), False),
        ((*HOUR, "RECURRENCE-ID:20270409T090000Z"), False),
        ((*HOUR, "RECURRENCE-ID:20270410T090000Z"), True),
    ],
)
def test_a_past_override_of_an_instance_outside_the_window(
    lines: tuple[str, ...], over: bool
) -> None:
    for raw, start, end in (event(*lines), begun(*lines)):
        line = raw.find(b"RECURRENCE-ID", start, end)
        held = line >= 0 and is_over(raw, start, end, line)
        planned = planned_day(raw, line)
        assert (held and past(told=False).is_away(raw, start, end, planned)) is over


@pytest.mark.parametrize(
    ("dates", "usual"),
    [
        (HOUR, True),
        (NIGHT, True),
        (("DTSTART:20261201T090000Z", "DTEND:20261201T090000Z"), True),
        (("DTSTART:20261201T100000Z", "DTEND:20261201T090000Z"), False),
        (("DTSTART;TZID=A:20261201T230000", "DTEND;TZID=A:20261202T010000"), True),
        (("DTSTART;TZID=A:20261201T230000", "DTEND;TZID=B:20261202T010000"), False),
        (("DTSTART:20261201T230000Z", "DTEND:20261202T010000"), False),
        (("DTSTART:20261201T230000", "DTEND:20261202T010000Z"), False),
        (("DTSTART;VALUE=DATE:20261201", "DTEND;VALUE=DATE:20261202"), True),
        (("DTSTART:20261201", "DTEND:20261202T010000Z"), False),
        (("DTSTART:20261203T230000Z", "DTEND:20261202T010000Z"), False),
        (("DTSTART:20260231T230000Z", "DTEND:20261202T010000Z"), False),
        (("DTSTART:20261201T230000Z", "DTEND:20261131T010000Z"), False),
        (("DTSTART:20261101T230000Z", "DTEND:20261131T010000Z"), False),
        ((HOUR[0], "SUMMARY:y", HOUR[1]), True),
        ((HOUR[0], SHORT), True),
        (HOUR[:1], True),
        (("DTSTART;VALUE=DATE:20261201", SHORT), False),
        (HOUR[1:], False),
        ((*NIGHT, NIGHT[0]), False),
        ((*NIGHT, NIGHT[1]), False),
        ((*ALARM, *HOUR), False),
        ((HOUR[0], *ALARM, HOUR[1]), False),
    ],
)
def test_an_override_that_is_away_is_read_if_it_has_a_problem_to_tell(
    dates: tuple[str, ...], usual: bool
) -> None:
    planned = b"20261130"
    for raw, start, end in (event(*dates, PLAN), begun(*dates, PLAN)):
        assert past().is_away(raw, start, end, planned) is usual
        assert past(told=False).is_away(raw, start, end, planned)
        assert not past(told=False).is_away(raw, start, end, b"20270105")


def test_an_override_without_dates_does_not_take_those_of_the_next_event() -> None:
    behind = event(*HOUR, PLAN)[0]
    for lines in ((PLAN,), (PLAN, HOUR[0])):
        raw, start, end = event(*lines)
        assert not is_over(raw + behind, start, end, raw.index(PLAN.encode()))


def test_the_first_bytes_of_a_feed_are_no_evidence_for_a_later_event() -> None:
    """A line that an event does not have is not read where the bytes begin."""
    dates = b"\nDTSTART:20261201T090000Z\r\nDTEND:20261201T100000Z\r\n"
    ended = "RRULE:FREQ=DAILY;COUNT=2"
    for first, lines in (
        (dates, (ended, HOUR[1])),
        (dates, (ended,)),
        (dates, (PLAN,)),
        (b"x" + dates, (PLAN,)),
        (b"\nDTEND:20261202T010000Z\r\n", (NIGHT[0], PLAN)),
    ):
        raw, start, end = event(*lines)
        raw, start, end = first + raw, start + len(first), end + len(first)
        line = PLAN if PLAN in lines else ended
        assert not is_over(raw, start, end, raw.index(line.encode(), start))


DAILY = "RRULE:FREQ=DAILY"


def ignores_overrides(raw: bytes, start: int, end: int, *, told: bool = True) -> bool:
    """With the place of its line of interest, as the sieve finds it; 0 if there are several."""
    hits = [
        hit.end()
        for hit in re.finditer(rb"\n(?=R(?!ES)|DU(?!RATION:PT))", raw[:end])
        if hit.end() > start
    ]
    return past(told=told).ignores_overrides(raw, start, end, hits[0] if len(hits) == 1 else 0)


@pytest.mark.parametrize(
    ("lines", "ignores"),
    [
        ((*HOUR, DAILY), True),
        (HOUR, False),
        ((*NIGHT, DAILY), False),  # an instance of yesterday may reach into the window
        ((*NIGHT, SHORT, DAILY), False),
        ((NIGHT[0], DAILY), True),
        ((NIGHT[0], SHORT, DAILY), True),
        ((SHORT, DAILY, "DTSTART:20261201T090000"), True),
        ((NIGHT[0], NIGHT[0], DAILY), False),
        ((*ALARM[:2], NIGHT[0], ALARM[2], DAILY), False),
        (("DTSTART:20260231T230000Z", DAILY), False),
        (("DTSTART:20261201T23\r\n 0000Z", DAILY), False),
        ((DAILY,), False),
        ((*HOUR, DAILY, "RDATE:20270105T090000Z"), False),
        ((*HOUR, DAILY, "R\r\n DATE;VALUE=PERIOD:20261101T090000Z/P99D"), False),
        ((*HOUR, DAILY, "RD\x00ATE;VALUE=PERIOD:20261101T090000Z/P99D"), False),
        ((*HOUR, DAILY, "RDate;VALUE=PERIOD:20261101T090000Z/P99D"), False),
        ((*HOUR, DAILY, "DURATION:P99D"), False),
        ((*HOUR, DAILY, "DU\r\n RATION:P99D"), False),
        ((*HOUR, DAILY, "DTSTAMP:20260101T000000Z", "RESOURCES:x", "DESCRIPTION;X=y:z"), True),
        ((*HOUR, DAILY, HOUR[0]), False),
        ((*HOUR, DAILY, HOUR[1]), False),
        ((*HOUR, DAILY, *ALARM, PLAN), False),
        ((*HOUR, "RECURRENCE-ID:20270101T090000Z", *ALARM[:2], PLAN, ALARM[2]), True),
        ((*HOUR, *ALARM, DAILY), False),
        ((*HOUR, "RECURRENCE-ID:20270101T090000Z"), True),
        ((*HOUR, "RECURRENCE-ID:20261231T090000Z"), False),
        ((*HOUR, "RECURRENCE-ID;RANGE=THISANDFUTURE:20270101T090000Z"), False),
        ((*HOUR, "RECURRENCE-ID:20270406T090000Z"), True),
        ((*HOUR, "RECURRENCE-ID:20270407T090000Z"), False),
    ],
)
def test_what_overrides_away_cannot_change(lines: tuple[str, ...], ignores: bool) -> None:
    """A series of short instances, and the override of an instance that is not away."""
    for raw, start, end in (event(*lines), begun(*lines)):
        assert ignores_overrides(raw, start, end) is ignores


@pytest.mark.parametrize("end", [(), ("DTEND;VALUE=DATE:20261201",)])
def test_which_day_of_a_series_of_days_is_meant_may_be_a_problem(end: tuple[str, ...]) -> None:
    raw, start, after = event("DTSTART;VALUE=DATE:20261201", *end, DAILY)
    assert ignores_overrides(raw, start, after, told=False)
    assert not ignores_overrides(raw, start, after, told=True)


def test_the_first_bytes_of_a_feed_are_no_line_of_an_event_with_several() -> None:
    """A body may begin with what looks like a rule."""
    raw, start, end = event(*HOUR, DAILY, "RDATE:20270105T090000Z")
    for line in (DAILY, "RECURRENCE-ID:20270101T090000Z"):
        first = f"{line}\r\n".encode()
        assert not past().ignores_overrides(first + raw, start + len(first), end + len(first), 0)


def test_nothing_outside_the_event_is_looked_at() -> None:
    """The lines in front of it and behind it belong to others."""
    raw, start, end = event(*HOUR, PLAN)
    other = event(*NIGHT, DAILY)[0]
    both = other + raw + other
    at = len(other)
    assert is_over(both, at + start, at + end, both.index(b"RECURRENCE-ID:20261130", at))
    raw, start, end = event(*HOUR, DAILY)
    both = other + raw + other
    assert ignores_overrides(both, at + start, at + end)


def test_a_day_that_does_not_exist_proves_nothing() -> None:
    """The reader may use another day instead."""
    assert holds(*at("20260228"), "RRULE:FREQ=DAILY;COUNT=2")
    assert not holds(*at("20260229"), "RRULE:FREQ=DAILY;COUNT=2")
    assert not holds(*at("20260229"), "RRULE:FREQ=DAILY;UNTIL=20260302")
    assert not holds(*at("00000101"), "RRULE:FREQ=DAILY;UNTIL=20260302")


@pytest.mark.parametrize(
    "day", [date(2027, 1, 1), date(2026, 10, 9), date(2030, 12, 31), date(1999, 9, 10)], ids=str
)
def test_the_pattern_of_earlier_days(day: date) -> None:
    """Eight digits, and a smaller number; the days around, and the ends of all years around."""
    earlier = re.compile(before(day)).match
    near = {day + timedelta(days=each) for each in range(-200, 200)}
    far = {date(year, *rest) for year in range(1, 9999, 97) for rest in ((1, 1), (9, 30), (12, 31))}
    for each in near | far:
        digits = f"{each.year:04}{each:%m%d}".encode()
        assert (earlier(digits) is not None) is (each < day), each
        assert earlier(digits[:7]) is None


def test_of_lines_of_one_name_that_of_the_event_counts_and_not_that_of_its_alarm() -> None:
    """Such as the rule of a series; an alarm repeats by other means, but some write one there."""
    alarm = (*ALARM[:2], "RRULE:FREQ=DAILY", ALARM[2])
    assert ignores_overrides(*event(*HOUR, "RRULE:FREQ=DAILY", *ALARM))
    assert not ignores_overrides(*event(*HOUR, *alarm))
