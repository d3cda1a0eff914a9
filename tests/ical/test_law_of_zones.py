"""The law for zones: whatever zone a property is in, no sensible reading of it is free in silence.

Every property of an event may be written without a zone, in UTC, with a TZID that is known, with
one that the feed defines, or as a DATE. The sensible readings of each combination are those of the
table in ``docs/oddities.md``. They are computed here from ``zoneinfo`` alone, never by extcal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import product
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import extcal

DOCUMENT = Path(__file__).parents[2] / "docs" / "oddities.md"
READERS = ("UTC", "Europe/Berlin", "America/Chicago", "Asia/Tokyo", "Pacific/Auckland")
KNOWN, OWN = "America/New_York", "Our Office"
FORMS = ("none", "Z", "known", "own", "date")
ZONES: dict[str, tzinfo] = {
    "Z": UTC,
    "known": ZoneInfo(KNOWN),
    "own": timezone(timedelta(hours=3, minutes=30)),
}
DEFINITION = (
    f"BEGIN:VTIMEZONE|TZID:{OWN}|BEGIN:STANDARD|DTSTART:19700101T000000|TZOFFSETFROM:+0330"
    "|TZOFFSETTO:+0330|END:STANDARD|END:VTIMEZONE"
)
WINDOW = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 15, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Span = tuple[datetime, datetime]
Reading = frozenset[Span]


class Value(NamedTuple):
    """A wall-clock time and how it is written."""

    wall: datetime
    form: str

    def line(self, name: str) -> str:
        if self.form == "date":
            return f"{name};VALUE=DATE:{self.wall:%Y%m%d}"
        tzid = {"known": f";TZID={KNOWN}", "own": f";TZID={OWN}"}.get(self.form, "")
        return f"{name}{tzid}:{self.wall:%Y%m%dT%H%M%S}{'Z' if self.form == 'Z' else ''}"

    @property
    def midnight(self) -> datetime:
        return self.wall.replace(hour=0, minute=0)

    @property
    def zone(self) -> tzinfo | None:
        return ZONES.get(self.form)


def at(wall: datetime, zone: tzinfo) -> datetime:
    return wall.replace(tzinfo=zone).astimezone(UTC)


def local(instant: datetime, zone: tzinfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


# --- the readings of the table -----------------------------------------------------------------


class First(NamedTuple):
    """One reading of DTSTART and DTEND: where the series steps, and how long each instance is."""

    start: datetime  # wall clock
    zone: tzinfo
    length: timedelta | None  # None: whole days
    days: int = 0

    def instance(self, start: datetime) -> Span:
        begin = at(start, self.zone)
        if self.length is not None:
            return begin, begin + self.length
        return begin, at(start + self.days * DAY, self.zone)

    @property
    def of_days(self) -> bool:
        return self.length is None


def whole_day(instant: datetime, zone: tzinfo) -> First:
    midnight = local(instant, zone).replace(hour=0, minute=0)
    return First(midnight, zone, None, 1)


def readings(start: Value, end: Value | None, owner: tzinfo) -> list[First]:
    """The rows of DTSTART and DTEND; the first is the one that is followed."""
    if start.form == "date":
        return dated(start, end, owner)
    zones = [start.zone] if start.zone else [owner]
    if start.zone is None and end is not None and end.form in ("known", "own"):
        assert end.zone is not None
        zones = [end.zone, owner]
    found: list[First] = []
    for zone in zones:
        assert zone is not None
        if end is None:
            found.append(First(start.wall, zone, HOUR))
            continue
        ends = [end.zone] if end.zone else [zone, owner]
        for other in ends if end.form != "date" else [zone]:
            assert other is not None
            found.append(timed(start, zone, end, other, owner))
    return found


def timed(start: Value, zone: tzinfo, end: Value, other: tzinfo, owner: tzinfo) -> First:
    begin = at(start.wall, zone)
    until = at(end.wall, other)
    if end.form == "date":
        through = end.midnight == start.midnight
        until = at(end.midnight + (DAY if through else timedelta()), zone)
    if until < begin:
        return whole_day(begin, owner if zone is UTC else zone)
    return First(start.wall, zone, until - begin)


def dated(start: Value, end: Value | None, owner: tzinfo) -> list[First]:
    if end is None:
        return [First(start.midnight, owner, None, 1)]
    if end.form == "date":
        days = max(1, (end.midnight - start.midnight).days)
        return [First(start.midnight, owner, None, days)]
    zones = [end.zone, owner] if end.zone else [owner]
    found: list[First] = []
    for zone in zones:
        assert zone is not None
        length = at(end.wall, end.zone or owner) - at(start.midnight, zone)
        if length > timedelta():
            found.append(First(start.midnight, zone, length))
        else:
            found.append(First(start.midnight, zone, None, 1))
    return found


def somewhere(wall: datetime) -> set[datetime]:
    """The dates on which a UTC time is midnight, at an offset from -12:00 to +14:00."""
    offsets = (timedelta(minutes=15 * step) for step in range(-48, 57))
    return {wall + offset for offset in offsets if (wall + offset).time() == datetime.min.time()}


def days_of(value: Value, owner: tzinfo) -> set[datetime]:
    """The days that a date with a time may name in a series of days."""
    if value.form != "Z" or value.wall == value.midnight:
        return {value.midnight}
    there = local(at(value.wall, UTC), owner)
    return {there} if there.time() == datetime.min.time() else somewhere(value.wall)


def named(value: Value, first: First, owner: tzinfo) -> list[set[datetime]]:
    """The wall-clock starts that an EXDATE or a RECURRENCE-ID may name, by each reading."""
    if first.of_days:
        days = days_of(value, owner)
        return [days if len(days) == 1 else set()]
    if value.form == "date":
        return [{value.midnight + (first.start - first.start.replace(hour=0, minute=0))}]
    if value.form == "none":
        return [{value.wall}]
    assert value.zone is not None
    return [{local(at(value.wall, value.zone), first.zone)}]


def planned_for(which: Value, first: First, owner: tzinfo) -> list[set[datetime]]:
    """What a RECURRENCE-ID names: midnight is the day, if no instance starts then (Exchange)."""
    found = named(which, first, owner)
    if first.of_days or which.wall != which.midnight:
        return found
    daily = first.start.time()
    return [
        starts
        if all(start.time() == daily for start in starts)
        else {datetime.combine(which.wall, daily)}
        for starts in found
    ]


def more(value: Value, first: First, owner: tzinfo) -> set[datetime]:
    """The wall-clock starts that an RDATE adds."""
    if first.of_days:
        days = days_of(value, owner)
        return days or {value.midnight, local(at(value.wall, UTC), owner).replace(hour=0, minute=0)}
    (starts,) = named(value, first, owner)
    return starts


def lasts(until: Value, first: First, owner: tzinfo) -> list[datetime]:
    """The last wall-clock second of a series by each reading of its UNTIL."""
    end = DAY - timedelta(seconds=1)
    if until.form == "date":
        return [until.midnight + end]
    if until.form == "none":
        return [until.midnight + end if first.of_days else until.wall]
    if not first.of_days:
        return [local(at(until.wall, UTC), first.zone)]
    there = local(at(until.wall, UTC), owner)
    for wall in (until.wall, there):
        if wall.time() == datetime.min.time() or (wall.hour, wall.minute) == (23, 59):
            return [wall.replace(hour=0, minute=0) + end]
    found = (until.wall + 14 * HOUR, until.wall, there)
    return [wall.replace(hour=0, minute=0) + end for wall in found]


# --- the question -------------------------------------------------------------------------------


def event(*lines: str) -> str:
    return "|".join(("BEGIN:VEVENT", "UID:a", *lines, "END:VEVENT"))


def ask(owner: str, *events: str) -> extcal.Expansion:
    text = "|".join(("BEGIN:VCALENDAR", "VERSION:2.0", DEFINITION, *events, "END:VCALENDAR", ""))
    body = text.replace("|", "\r\n")
    found = extcal.expand(body, *WINDOW, timezone=owner)
    assert "internal_error" not in {problem.code for problem in found.problems}
    turned = text.replace("|".join(events), "|".join(events[::-1])).replace("|", "\r\n")
    assert extcal.free_busy(turned, *WINDOW, timezone=owner) == found.free_busy
    return found


def holds(found: extcal.Expansion, wanted: Iterable[Reading], shown: str) -> None:
    """The first reading is busy; every other one is, or there is a Problem."""
    for number, reading in enumerate(wanted):
        free = [span for span in reading if not covered(found.free_busy, span)]
        if number == 0 or not found.problems:
            assert not free, f"{free[0][0]} is free by reading {number} of {shown}"


def covered(answer: extcal.FreeBusy, span: Span) -> bool:
    """Whether all of a span is busy or unknown."""
    start, end = span
    known = [(period.start, period.end) for period in answer.periods]
    for first, last in sorted([*known, *((gap.start, gap.end) for gap in answer.unknown)]):
        if first <= start:
            start = max(start, last)
    return start >= end


walls = st.builds(
    lambda day, hour, minute: datetime(2027, 1, day, hour, minute),
    st.integers(8, 20),
    st.integers(0, 23),
    st.sampled_from((0, 15, 30, 59)),
)
values = st.builds(Value, walls, st.sampled_from(FORMS))
owners = st.sampled_from(READERS)


@settings(max_examples=4 * settings.default.max_examples)
@given(values, values | st.none(), owners)
def test_start_and_end(start: Value, end: Value | None, owner: str) -> None:
    """Each form of DTSTART beside each of DTEND: no reading is free in silence."""
    lines = [start.line("DTSTART"), end.line("DTEND") if end else "DURATION:PT1H"]
    wanted = [
        frozenset({first.instance(first.start)}) for first in readings(start, end, ZoneInfo(owner))
    ]
    holds(ask(owner, event(*lines)), wanted, f"{lines} for {owner}")


@pytest.mark.parametrize(("start", "end"), list(product(FORMS, (*FORMS, None))))
@pytest.mark.parametrize("owner", READERS)
def test_every_combination_of_start_and_end(start: str, end: str | None, owner: str) -> None:
    """The same for one time of day, without chance."""
    begin = Value(datetime(2027, 1, 12, 9), start)
    for hours in (1, 8, 26):
        until = Value(datetime(2027, 1, 12, 9) + hours * HOUR, end) if end else None
        lines = [begin.line("DTSTART"), until.line("DTEND") if until else "DURATION:PT1H"]
        found = ask(owner, event(*lines))
        wanted = [
            frozenset({first.instance(first.start)})
            for first in readings(begin, until, ZoneInfo(owner))
        ]
        holds(found, wanted, f"{lines} for {owner}")
        # What is followed is all that is busy, but for the day of an end before its start.
        (chosen,) = wanted[0]
        assert [(one.start, one.end) for one in found.free_busy.periods] == [chosen]


@settings(max_examples=4 * settings.default.max_examples)
@given(
    values,
    owners,
    st.integers(0, 5),
    st.sampled_from(FORMS),
    st.sampled_from(FORMS),
    st.sampled_from(("none", "Z", "date", "")),
    st.booleans(),
    walls,
)
def test_exdate_rdate_and_until(
    start: Value,
    owner: str,
    gone: int,
    exdate: str,
    rdate: str,
    until: str,
    exact: bool,
    elsewhere: datetime,
) -> None:
    """Each form of EXDATE, RDATE and UNTIL in a daily series of each form of DTSTART."""
    zone = ZoneInfo(owner)
    (first,) = readings(start, None, zone)
    planned = first.start + gone * DAY
    out = Value(written(planned, first, exdate) if exact else planned, exdate)
    plus = Value(elsewhere, rdate)
    lines = [start.line("DTSTART"), *([] if first.of_days else ["DURATION:PT1H"])]
    ends = [first.start + 5 * DAY]
    rule = "RRULE:FREQ=DAILY;COUNT=6"
    if until:
        end = Value(first.start + 4 * DAY, until)
        ends = lasts(end, first, zone)
        rule = f"RRULE:FREQ=DAILY;UNTIL={end.line('').rpartition(':')[2]}"
    lines += [rule, out.line("EXDATE"), plus.line("RDATE")]
    wanted = []
    for last in ends:
        for removed in named(out, first, zone):
            starts = {
                first.start + step * DAY for step in range(8) if first.start + step * DAY <= last
            }
            starts = starts if first.start <= last else set()
            starts = (starts | more(plus, first, zone)) - removed
            if exdate == "date" and not first.of_days:
                starts = {one for one in starts if one.date() != out.wall.date()}
            wanted.append(frozenset(map(first.instance, starts)))
    holds(ask(owner, event(*lines)), wanted, f"{lines} for {owner}")


def written(planned: datetime, first: First, form: str) -> datetime:
    """The wall clock that names an instance in another form."""
    zone = ZONES.get(form)
    return planned if zone is None else local(at(planned, first.zone), zone)


@settings(max_examples=4 * settings.default.max_examples)
@given(
    values,
    owners,
    st.sampled_from(FORMS),
    st.booleans(),
    values,
    st.sampled_from((*FORMS, "")),
    st.integers(-2, 30),
)
def test_overrides(
    start: Value,
    owner: str,
    planned_form: str,
    exact: bool,
    moved: Value,
    end_form: str,
    hours: int,
) -> None:
    """Each form of RECURRENCE-ID, and of DTSTART and DTEND of an override, in each series."""
    zone = ZoneInfo(owner)
    (first,) = readings(start, None, zone)
    planned = first.start + 2 * DAY
    which = Value(written(planned, first, planned_form) if exact else planned, planned_form)
    end = Value(moved.wall + hours * HOUR, end_form) if end_form else None
    length = [] if first.of_days else ["DURATION:PT1H"]
    master = event(start.line("DTSTART"), *length, "RRULE:FREQ=DAILY;COUNT=6")
    own = end.line("DTEND") if end else "DURATION:PT1H"
    override = event(which.line("RECURRENCE-ID"), moved.line("DTSTART"), own)
    series = start.zone if start.form != "date" else None
    wanted = []
    for lent in (series, zone) if series and moved.form == "none" else (zone,):
        assert lent is not None
        for one in (
            readings(moved, end, lent) if moved.form == "none" else readings(moved, end, zone)
        ):
            for replaced in planned_for(which, first, zone):
                starts = {first.start + step * DAY for step in range(6)} - replaced
                spans = {*map(first.instance, starts), one.instance(one.start)}
                wanted.append(frozenset(spans))
    shown = f"{which.line('RECURRENCE-ID')} {moved.line('DTSTART')} {own} of {start} for {owner}"
    holds(ask(owner, master, override), wanted, shown)


def test_the_table_has_every_row() -> None:
    """Each property with each form that leaves a choice stands in the document."""
    rows = re.findall(r"^\| ([A-Z].*?) \| (.*?) \| (.*?) \|", DOCUMENT.read_text("utf-8"), re.M)
    told = {(name, how.partition(",")[0]) for names, how, _ in rows for name in names.split(", ")}
    for name in ("DTSTART", "DTEND", "RDATE", "EXDATE", "RECURRENCE-ID", "UNTIL"):
        assert (name, "without zone") in told
        assert (name, "DATE") in told
    for name in ("RDATE", "EXDATE", "RECURRENCE-ID", "UNTIL"):
        assert (name, "UTC") in told
    assert ("DTSTART of an override", "without zone") in told
