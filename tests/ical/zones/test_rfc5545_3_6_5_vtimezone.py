"""RFC 5545 section 3.6.5: what a VTIMEZONE says about any time."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.errors import Problem
from extcal.ical.budget import Work
from extcal.ical.parse.components import read
from extcal.ical.shortcuts.select import sieve
from extcal.ical.zones._iana import IANA_KEYS
from extcal.ical.zones.resolve import Zone, Zones
from extcal.limits import Limits

DAY = 86_400
EPOCH = datetime(1970, 1, 1)
LO = 1_795_305_600  # 2026-11-22
HI = LO + 92 * DAY


def seconds(text: str) -> int:
    return int((datetime.fromisoformat(text) - EPOCH).total_seconds())


def define(
    observances: str, *, lo: int = LO, hi: int = HI, limits: Limits | None = None
) -> tuple[Zone, Work, tuple[Problem, ...]]:
    """The zone of a VTIMEZONE "Town" with these lines inside."""
    lines = ["BEGIN:VCALENDAR", "BEGIN:VTIMEZONE", "TZID:Town", *observances.splitlines()]
    raw = "\r\n".join([*lines, "END:VTIMEZONE", "END:VCALENDAR", ""]).encode()
    work = Work(limits)
    stream = read(raw, work, sieve(raw, lo, hi, work.limits))
    zone = Zones(stream, lo, hi, None, work).resolve("Town", 0)
    zone.to_epoch(lo)
    return zone, work, work.report(raw)


def offset(zone: Zone, utc: str) -> float:
    """The hours between local time and UTC at an instant."""
    at = seconds(utc)
    return (zone.to_local(at) - at) / 3600


NEW_YORK_SINCE_1967 = """\
LAST-MODIFIED:20050809T050000Z
BEGIN:DAYLIGHT
DTSTART:19670430T020000
RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19730429T070000Z
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
TZNAME:EDT
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19671029T020000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
TZNAME:EST
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19740106T020000
RDATE:19750223T020000
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
TZNAME:EDT
END:DAYLIGHT
BEGIN:DAYLIGHT
DTSTART:19760425T020000
RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19860427T070000Z
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
TZNAME:EDT
END:DAYLIGHT
BEGIN:DAYLIGHT
DTSTART:19870405T020000
RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
TZNAME:EDT
END:DAYLIGHT
BEGIN:DAYLIGHT
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
TZNAME:EDT
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
TZNAME:EST
END:STANDARD"""


@pytest.mark.parametrize("window", [(LO, HI), (0, DAY), (seconds("1975-01-01"), LO)])
def test_new_york_since_1967(window):
    """The RFC's own example, against tzdata, at every hour around 1967 to 2030's transitions."""
    zone, work, problems = define(NEW_YORK_SINCE_1967, lo=window[0], hi=window[1])
    new_york = zoneinfo.ZoneInfo("America/New_York")
    for at in range(seconds("1967-05-01"), seconds("2030-01-01"), 6 * 3600 + 1):
        expected = datetime.fromtimestamp(at, UTC).astimezone(new_york).utcoffset()
        assert expected is not None
        assert zone.to_local(at) - at == expected.total_seconds()
    assert work.complete
    assert problems == ()


def test_until_in_utc_is_the_last_onset():
    """UNTIL MUST be specified in UTC: converted with TZOFFSETFROM it is the last onset itself."""
    zone, _, _ = define(NEW_YORK_SINCE_1967)
    assert offset(zone, "2006-04-02T06:59:59") == -5
    assert offset(zone, "2006-04-02T07:00:00") == -4
    assert offset(zone, "2006-10-29T06:00:00") == -5
    assert offset(zone, "2007-03-11T06:59:59") == -5


@pytest.mark.parametrize("until", ["19980405T070000Z", "19980405T020000", "19980405"])
def test_until_may_be_local_or_a_date(until):
    """Lax beyond the RFC: UNTIL in local time or as a date ends the rule after the same onset."""
    zone, _, _ = define(
        "BEGIN:STANDARD\nDTSTART:19671029T020000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\n"
        "TZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nEND:STANDARD\n"
        "BEGIN:DAYLIGHT\nDTSTART:19870405T020000\n"
        f"RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=4;UNTIL={until}\n"
        "TZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nEND:DAYLIGHT"
    )
    assert offset(zone, "1998-07-01T12:00") == -4
    assert offset(zone, "1999-07-01T12:00") == -5
    assert offset(zone, "2027-07-01T12:00") == -5


def test_the_last_onset_before_the_time_in_question_decides():
    """An observance that ended long ago still has the last onset."""
    zone, _, _ = define(
        "BEGIN:DAYLIGHT\nDTSTART:20061001T020000\nTZOFFSETFROM:-0300\nTZOFFSETTO:-0200\n"
        "RRULE:FREQ=YEARLY;UNTIL=20141005T050000Z;BYMONTH=10;BYDAY=1SU\nEND:DAYLIGHT\n"
        "BEGIN:STANDARD\nDTSTART:20070311T020000\nTZOFFSETFROM:-0200\nTZOFFSETTO:-0300\n"
        "RRULE:FREQ=YEARLY;UNTIL=20150308T040000Z;BYMONTH=3;BYDAY=2SU\nEND:STANDARD"
    )
    assert offset(zone, "2027-01-19T12:00") == -3
    assert offset(zone, "2010-01-19T12:00") == -2
    assert offset(zone, "9998-01-19T12:00") == -3


def test_before_the_first_onset_the_offset_is_where_it_comes_from():
    """Before the first onset: TZOFFSETFROM of that onset."""
    zone, _, _ = define(
        "BEGIN:STANDARD\nDTSTART:20271031T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
        "END:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:20270328T020000\nTZOFFSETFROM:+0100\n"
        "TZOFFSETTO:+0200\nEND:DAYLIGHT"
    )
    assert offset(zone, "2027-03-28T00:59:59") == 1
    assert offset(zone, "1800-01-01T00:00") == 1
    assert offset(zone, "2027-03-28T01:00:00") == 2
    assert offset(zone, "2027-10-31T00:59:59") == 2
    assert offset(zone, "2027-10-31T01:00:00") == 1


def test_rdate_lists_give_onsets():
    """RDATE gives individual onsets, relative to TZOFFSETFROM; lists, periods and UTC are read."""
    zone, _, _ = define(
        "BEGIN:STANDARD\nDTSTART:20251026T030000\n"
        "RDATE:20261025T030000,20271031T030000/PT1H\nRDATE:20281029T010000Z\n"
        "TZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\n"
        "BEGIN:DAYLIGHT\nDTSTART:20260329T020000\nRDATE:20270328T020000\nRDATE:20280326T020000\n"
        "TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT"
    )
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    for at in range(seconds("2025-11-01"), seconds("2028-12-31"), 3600 * 7):
        expected = datetime.fromtimestamp(at, UTC).astimezone(berlin).utcoffset()
        assert expected is not None
        assert zone.to_local(at) - at == expected.total_seconds()


@pytest.mark.parametrize("year", ["0001", "0000", "1601", "1970"])
def test_observances_may_start_in_any_year(year):
    """DTSTART:1601 and 0001 are Microsoft's "since ever"; nothing is counted from there."""
    zone, work, _ = define(
        f"BEGIN:STANDARD\nDTSTART:{year}0101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\n"
        f"BEGIN:DAYLIGHT\nDTSTART:{year}0101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT"
    )
    assert offset(zone, "2026-12-07T09:00") == 1
    assert offset(zone, "2027-07-07T09:00") == 2
    assert offset(zone, "2005-07-07T09:00") == 2
    assert work.complete


@pytest.mark.parametrize("name", ["STANDARD", "DAYLIGHT"])
def test_one_kind_of_observance_is_enough(name):
    """At least one definition of STANDARD or DAYLIGHT."""
    zone, _, problems = define(
        f"BEGIN:{name}\nDTSTART:20260101T000000\nTZOFFSETFROM:-0600\nTZOFFSETTO:-0600\nEND:{name}"
    )
    assert zone.source == "vtimezone"
    assert offset(zone, "2027-07-15T09:00") == offset(zone, "1990-01-01T00:00") == -6
    assert problems == ()


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("+0100", 1),
        ("-0000", 0),
        ("+053000", 5.5),
        ("-00:44:30", -(44 * 60 + 30) / 3600),
        ("+001936", (19 * 60 + 36) / 3600),
        ("0100", 1),
        ("+1", 1),
        ("+01:00", 1),
        (" +0100 ", 1),
        ("-1200", -12),
        ("+2359", 23 + 59 / 60),
    ],
)
def test_offsets_are_read_as_written(text, hours):
    """3.3.14 with optional seconds; laxer about the sign, colons and missing minutes."""
    zone, _, problems = define(
        f"BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:{text}\nTZOFFSETTO:{text}\n"
        "END:STANDARD"
    )
    assert offset(zone, "2026-12-07T09:00") == hours
    assert problems == ()


@pytest.mark.parametrize("text", ["+2400", "-9900", "", "EST", "+01:75", "1e3", "+010060", "+0x10"])
def test_offsets_that_are_none_lose_their_observance(text):
    """|offset| < 24 h: the observance is left out, and the rest is used."""
    zone, work, problems = define(
        "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300\n"
        "END:STANDARD\n"
        f"BEGIN:DAYLIGHT\nDTSTART:19700601T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:{text}\n"
        "END:DAYLIGHT"
    )
    assert offset(zone, "2027-07-07T09:00") == 3
    assert [problem.code for problem in problems] == ["tz_observance"]
    assert problems[0].line is not None
    assert work.complete


@pytest.mark.parametrize(
    "line",
    ["DTSTART:someday", "DTSTART:20270231T000000", "RRULE:nonsense", "TZOFFSETFROM:soon"],
)
def test_an_observance_that_cannot_be_read_is_left_out(line):
    name = line.partition(":")[0]
    lines = {
        "DTSTART": "DTSTART:19700101T000000",
        "TZOFFSETFROM": "TZOFFSETFROM:+0100",
        "TZOFFSETTO": "TZOFFSETTO:+0200",
    } | {name: line}
    zone, _, problems = define("\n".join(["BEGIN:STANDARD", *lines.values(), "END:STANDARD"]))
    assert zone.source == "assumed"
    codes = {problem.code for problem in problems}
    assert {"tz_observance", "tz_unusable", "tz_assumed"} <= codes


def test_what_is_missing_and_can_be_done_without_is():
    """Without DTSTART: since ever. Without TZOFFSETFROM: as if nothing changed."""
    zone, _, _ = define("BEGIN:STANDARD\nTZOFFSETTO:+0700\nEND:STANDARD")
    assert offset(zone, "2027-07-07T09:00") == offset(zone, "0002-01-01T00:00") == 7


def test_of_two_onsets_at_once_standard_time_wins():
    """The order of sub-components decides nothing."""
    parts = [
        "BEGIN:DAYLIGHT\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT",
        "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD",
    ]
    for order in (parts, parts[::-1]):
        assert offset(define("\n".join(order))[0], "2027-07-07T09:00") == 1


def test_gaps_and_folds_of_a_definition():
    """3.3.5 holds for rules of the feed too, inside the window and twenty years before it."""
    zone, _, _ = define(NEW_YORK_SINCE_1967, lo=seconds("2027-01-01"), hi=seconds("2027-12-31"))
    for gap, fold in (("2027-03-14", "2027-11-07"), ("2007-03-11", "2007-11-04")):
        assert zone.to_epoch(seconds(f"{gap}T02:30")) == seconds(f"{gap}T07:30")
        assert zone.to_epoch(seconds(f"{gap}T01:59:59")) == seconds(f"{gap}T06:59:59")
        assert zone.to_epoch(seconds(f"{gap}T03:00")) == seconds(f"{gap}T07:00")
        assert zone.to_epoch(seconds(f"{fold}T01:30")) == seconds(f"{fold}T05:30")
        assert zone.to_epoch(seconds(f"{fold}T02:00")) == seconds(f"{fold}T07:00")


def test_any_year_answers():
    """Years 1 to 9999, whatever the window is."""
    zone, work, _ = define(NEW_YORK_SINCE_1967)
    for year in (1, 2, 1600, 1966, 2027, 5000, 9999):
        for month in (1, 7, 12):
            at = seconds(f"{year:04}-{month:02}-15T12:00")
            assert zone.to_epoch(at) - at in (4 * 3600, 5 * 3600)
            assert at - zone.to_local(at) in (4 * 3600, 5 * 3600)
    assert zone.to_local(-62_135_596_800) == -62_135_596_800
    assert zone.to_epoch(253_402_300_799) == 253_402_300_799
    assert work.complete


def test_work_is_counted_and_small():
    """A definition since 1601 costs its window a handful of steps, apart from the events' own."""
    observances = (
        "BEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\n"
        "BEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT"
    )
    _, work, _ = define(observances, limits=Limits(max_steps=60))
    assert work.steps == 0
    assert work.complete
    _, starved, problems = define(observances, limits=Limits(max_steps=1))
    assert not starved.complete
    assert "max_steps" in {problem.code for problem in problems}


def test_more_transitions_than_read_make_the_window_unknown():
    onsets = ",".join(f"{1700 + i // 12}{i % 12 + 1:02}01T000000" for i in range(3_000))
    zone, work, problems = define(
        "BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n"
        f"RDATE:{onsets}\nEND:STANDARD"
    )
    assert zone.source == "assumed"
    assert not work.complete
    assert "max_transitions" in {problem.code for problem in problems}


def written(key: str, first_year: int, last_year: int) -> str:
    """The observances of an IANA zone between two years: one per transition, or one for none."""
    zone = zoneinfo.ZoneInfo(key)
    start = datetime(first_year, 1, 1, tzinfo=UTC)
    hours = int((datetime(last_year, 1, 1, tzinfo=UTC) - start).total_seconds()) // 3600

    def at(hour: int) -> timedelta:
        found = (start + timedelta(hours=hour)).astimezone(zone).utcoffset()
        assert found is not None
        return found

    def text(value: timedelta) -> str:
        total = int(value.total_seconds())
        minutes, second = divmod(abs(total), 60)
        sign = "-" if total < 0 else "+"
        return f"{sign}{minutes // 60:02}{minutes % 60:02}" + (f"{second:02}" if second else "")

    def observance(moment: datetime, before: timedelta, after: timedelta) -> str:
        onset = moment.replace(tzinfo=None) + before
        return (
            f"BEGIN:STANDARD\nDTSTART:{onset:%Y%m%dT%H%M%S}\nTZOFFSETFROM:{text(before)}\n"
            f"TZOFFSETTO:{text(after)}\nEND:STANDARD"
        )

    parts = [observance(start, at(0), at(0))]
    for low in range(0, hours, 72):
        if at(low) != at(low + 72):
            before = at(low)
            for hour in range(low + 1, low + 73):
                if at(hour) != before:  # transitions of these years fall on quarters of an hour
                    exact = start + timedelta(hours=hour - 1)
                    while exact.astimezone(zone).utcoffset() == before:
                        exact += timedelta(minutes=1)
                    parts.append(observance(exact, before, at(hour)))
                    before = at(hour)
    return "\n".join(parts)


@given(st.sampled_from(sorted(IANA_KEYS.values())), st.data())
def test_a_written_out_zone_is_the_zone(key, data):
    """A VTIMEZONE written from tzdata agrees with it, inside the window and around it."""
    zone, _, _ = define(written(key, 2025, 2029))
    tz = zoneinfo.ZoneInfo(key)
    for _ in range(20):
        at = data.draw(st.integers(seconds("2025-01-03"), seconds("2028-12-29")))
        moment = datetime.fromtimestamp(at, UTC)
        then = moment.astimezone(tz).utcoffset() or timedelta()
        assert zone.to_local(at) - at == then.total_seconds()
        written_then = moment.replace(tzinfo=tz).utcoffset() or timedelta()
        assert at - zone.to_epoch(at) == written_then.total_seconds()


@pytest.mark.parametrize(
    "key",
    [
        "Europe/Berlin",
        "America/New_York",
        "America/Santiago",
        "Asia/Kolkata",
    ],
)
def test_what_icalendar_writes_is_the_zone(key):
    """Timezone.from_tzid writes RDATEs (zones with half hours or Ramadan it gets wrong)."""
    from datetime import date

    from icalendar import Timezone

    written_by_icalendar = Timezone.from_tzid(
        key, first_date=date(2020, 1, 1), last_date=date(2030, 1, 1)
    )
    text = written_by_icalendar.to_ical().decode().replace("\r\n ", "").replace("\r\n", "\n")
    inner = text.partition(f"TZID:{key}\n")[2].removesuffix("END:VTIMEZONE\n").strip()
    assert "BEGIN:STANDARD" in inner
    zone, _, problems = define(inner)
    tz = zoneinfo.ZoneInfo(key)
    for at in range(LO - 300 * DAY, HI + 300 * DAY, 3 * 3600 + 7):
        expected = datetime.fromtimestamp(at, UTC).astimezone(tz).utcoffset() or timedelta()
        assert zone.to_local(at) - at == expected.total_seconds()
    assert problems == ()
