"""RFC 5545 sections 3.3.10 (RECUR) and 3.8.5.3 (RRULE): what a rule's starts are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from extcal.ical.budget import Work
from extcal.ical.recurrence import RecurrenceRule, Starts, Until, parse, starts
from extcal.limits import Limits

EPOCH = datetime(1970, 1, 1)
NEW_YORK = ZoneInfo("America/New_York")
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
PARTS = "BYMONTH BYWEEKNO BYYEARDAY BYMONTHDAY BYDAY BYHOUR BYMINUTE BYSECOND".split()
FREQUENCIES = "SECONDLY MINUTELY HOURLY DAILY WEEKLY MONTHLY YEARLY".split()


def seconds(moment: datetime) -> int:
    """Local seconds of a naive datetime."""
    return (moment - EPOCH) // timedelta(seconds=1)


def at(text: str) -> datetime:
    """19970902T090000 or 19970902."""
    return datetime.strptime(text, "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d")


def when(text: str, time: str = "09:00") -> list[datetime]:
    """Dates as the standard lists them: "1997 Sep 2-11 Oct 3", each at ``time``."""
    year = month = 0
    hour, minute = map(int, time.split(":"))
    found: list[datetime] = []
    for word in text.split():
        if word in MONTHS:
            month = MONTHS.index(word) + 1
        elif len(word) == 4 and word.isdigit():
            year = int(word)
        else:
            first, _, last = word.partition("-")
            for day in range(int(first), int(last or first) + 1):
                found.append(datetime(year, month, day, hour, minute))
    return found


def read(text: str) -> tuple[RecurrenceRule, list[str]]:
    """A rule and the codes of its Problems."""
    codes: list[str] = []
    rule = parse(text, lambda code, message, action: codes.append(code))
    assert rule is not None
    return rule, codes


def expand(
    text: str, dtstart: str, end: datetime | str, *, lo: str | None = None, **options: Any
) -> Starts:
    """The starts from DTSTART (or ``lo``) to before ``end``, the zone being New York."""
    rule, _ = read(text)
    until = None
    if rule.until is not None:
        until = rule.until.seconds
        if rule.until.kind == "utc":
            instant = datetime.fromtimestamp(until, UTC).astimezone(NEW_YORK)
            until = seconds(instant.replace(tzinfo=None))
        elif rule.until.kind == "date":
            until += 86_399
    stop = at(end) if isinstance(end, str) else end
    first = seconds(at(lo or dtstart))
    work = options.pop("work", None) or Work()
    return starts(rule, seconds(at(dtstart)), first, seconds(stop), work, until=until, **options)


def listed(found: Starts) -> list[datetime]:
    """All members, of the runs too."""
    assert found.exact_until is None
    members = [*found.local, *(start for run in found.runs for start in run)]
    assert len(members) == len(set(members))
    return [EPOCH + timedelta(seconds=start) for start in sorted(members)]


def texts(found: Starts) -> list[str]:
    return [f"{start:%Y%m%dT%H%M%S}" for start in listed(found)]


TWENTY_MINUTES = [
    datetime(1997, 9, day, hour, minute)
    for day in (2, 3)
    for hour in range(9, 17)
    for minute in (0, 20, 40)
]
# DTSTART, rule, the instances the standard lists. "..." means that it goes on.
EXAMPLES: list[tuple[str, str, list[datetime], str]] = [
    ("19970902T090000", "FREQ=DAILY;COUNT=10", when("1997 Sep 2-11"), ""),
    (
        "19970902T090000",
        "FREQ=DAILY;UNTIL=19971224T000000Z",
        when("1997 Sep 2-30 Oct 1-31 Nov 1-30 Dec 1-23"),
        "",
    ),
    (
        "19970902T090000",
        "FREQ=DAILY;INTERVAL=2",
        [datetime(1997, 9, 2, 9) + timedelta(days=2 * n) for n in range(46)],
        "...",
    ),
    ("19970902T090000", "FREQ=DAILY;INTERVAL=10;COUNT=5", when("1997 Sep 2 12 22 Oct 2 12"), ""),
    (
        "19980101T090000",
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        when("1998 Jan 1-31 1999 Jan 1-31 2000 Jan 1-31"),
        "",
    ),
    (
        "19980101T090000",
        "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
        when("1998 Jan 1-31 1999 Jan 1-31 2000 Jan 1-31"),
        "",
    ),
    (
        "19970902T090000",
        "FREQ=WEEKLY;COUNT=10",
        when("1997 Sep 2 9 16 23 30 Oct 7 14 21 28 Nov 4"),
        "",
    ),
    (
        "19970902T090000",
        "FREQ=WEEKLY;UNTIL=19971224T000000Z",
        when("1997 Sep 2 9 16 23 30 Oct 7 14 21 28 Nov 4 11 18 25 Dec 2 9 16 23"),
        "",
    ),
    (
        "19970902T090000",
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        when("1997 Sep 2 16 30 Oct 14 28 Nov 11 25 Dec 9 23 1998 Jan 6 20 Feb 3 17"),
        "...",
    ),
    (
        "19970902T090000",
        "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
        when("1997 Sep 2 4 9 11 16 18 23 25 30 Oct 2"),
        "",
    ),
    (
        "19970902T090000",
        "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
        when("1997 Sep 2 4 9 11 16 18 23 25 30 Oct 2"),
        "",
    ),
    (
        "19970901T090000",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        when("1997 Sep 1 3 5 15 17 19 29 Oct 1 3 13 15 17 27 29 31 Nov 10 12 14 24 26 28")
        + when("1997 Dec 8 10 12 22"),
        "",
    ),
    (
        "19970902T090000",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        when("1997 Sep 2 4 16 18 30 Oct 2 14 16"),
        "",
    ),
    (
        "19970905T090000",
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        when("1997 Sep 5 Oct 3 Nov 7 Dec 5 1998 Jan 2 Feb 6 Mar 6 Apr 3 May 1 Jun 5"),
        "",
    ),
    (
        "19970905T090000",
        "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
        when("1997 Sep 5 Oct 3 Nov 7 Dec 5"),
        "",
    ),
    (
        "19970907T090000",
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        when("1997 Sep 7 28 Nov 2 30 1998 Jan 4 25 Mar 1 29 May 3 31"),
        "",
    ),
    (
        "19970922T090000",
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        when("1997 Sep 22 Oct 20 Nov 17 Dec 22 1998 Jan 19 Feb 16"),
        "",
    ),
    (
        "19970928T090000",
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        when("1997 Sep 28 Oct 29 Nov 28 Dec 29 1998 Jan 29 Feb 26"),
        "...",
    ),
    (
        "19970902T090000",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        when("1997 Sep 2 15 Oct 2 15 Nov 2 15 Dec 2 15 1998 Jan 2 15"),
        "",
    ),
    (
        "19970930T090000",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        when("1997 Sep 30 Oct 1 31 Nov 1 30 Dec 1 31 1998 Jan 1 31 Feb 1"),
        "",
    ),
    (
        "19970910T090000",
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        when("1997 Sep 10-15 1999 Mar 10-13"),
        "",
    ),
    (
        "19970902T090000",
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        when("1997 Sep 2 9 16 23 30 Nov 4 11 18 25 1998 Jan 6 13 20 27 Mar 3 10 17 24 31"),
        "...",
    ),
    (
        "19970610T090000",
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        when("1997 Jun 10 Jul 10 1998 Jun 10 Jul 10 1999 Jun 10 Jul 10 2000 Jun 10 Jul 10")
        + when("2001 Jun 10 Jul 10"),
        "",
    ),
    (
        "19970310T090000",
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        when("1997 Mar 10 1999 Jan 10 Feb 10 Mar 10 2001 Jan 10 Feb 10 Mar 10")
        + when("2003 Jan 10 Feb 10 Mar 10"),
        "",
    ),
    (
        "19970101T090000",
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        when("1997 Jan 1 Apr 10 Jul 19 2000 Jan 1 Apr 9 Jul 18 2003 Jan 1 Apr 10 Jul 19")
        + when("2006 Jan 1"),
        "",
    ),
    (
        "19970519T090000",
        "FREQ=YEARLY;BYDAY=20MO",
        when("1997 May 19 1998 May 18 1999 May 17"),
        "...",
    ),
    (
        "19970512T090000",
        "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
        when("1997 May 12 1998 May 11 1999 May 17"),
        "...",
    ),
    (
        "19970313T090000",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        when("1997 Mar 13 20 27 1998 Mar 5 12 19 26 1999 Mar 4 11 18 25"),
        "...",
    ),
    (
        "19970605T090000",
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        when("1997 Jun 5 12 19 26 Jul 3 10 17 24 31 Aug 7 14 21 28")
        + when("1998 Jun 4 11 18 25 Jul 2 9 16 23 30 Aug 6 13 20 27")
        + when("1999 Jun 3 10 17 24 Jul 1 8 15 22 29 Aug 5 12 19 26"),
        "...",
    ),
    (  # its EXDATE takes the first away
        "19970902T090000",
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        when("1997 Sep 2 1998 Feb 13 Mar 13 Nov 13 1999 Aug 13 2000 Oct 13"),
        "...",
    ),
    (
        "19970913T090000",
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        when("1997 Sep 13 Oct 11 Nov 8 Dec 13 1998 Jan 10 Feb 7 Mar 7 Apr 11 May 9 Jun 13"),
        "...",
    ),
    (
        "19961105T090000",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        when("1996 Nov 5 2000 Nov 7 2004 Nov 2"),
        "...",
    ),
    (
        "19970904T090000",
        "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
        when("1997 Sep 4 Oct 7 Nov 6"),
        "",
    ),
    (
        "19970929T090000",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        when("1997 Sep 29 Oct 30 Nov 27 Dec 30 1998 Jan 29 Feb 26 Mar 30"),
        "...",
    ),
    (  # the standard writes 17:00Z, which is 13:00 EDT, and means 17:00 there
        "19970902T090000",
        "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z",
        [datetime(1997, 9, 2, hour) for hour in (9, 12, 15)],
        "",
    ),
    (
        "19970902T090000",
        "FREQ=MINUTELY;INTERVAL=15;COUNT=6",
        [datetime(1997, 9, 2, 9) + timedelta(minutes=15 * n) for n in range(6)],
        "",
    ),
    (
        "19970902T090000",
        "FREQ=MINUTELY;INTERVAL=90;COUNT=4",
        [datetime(1997, 9, 2, 9) + timedelta(minutes=90 * n) for n in range(4)],
        "",
    ),
    (
        "19970902T090000",
        "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
        TWENTY_MINUTES,
        "...",
    ),
    (
        "19970902T090000",
        "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
        TWENTY_MINUTES,
        "...",
    ),
    (
        "19970805T090000",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        when("1997 Aug 5 10 19 24"),
        "",
    ),
    (
        "19970805T090000",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        when("1997 Aug 5 17 19 31"),
        "",
    ),
    (
        "20070115T090000",
        "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
        when("2007 Jan 15 30 Feb 15 Mar 15 30"),
        "",
    ),
]


class TestExamplesOf3853:
    @pytest.mark.parametrize(("dtstart", "rule", "expected", "more"), EXAMPLES)
    def test_the_standard_lists_these_instances(
        self, dtstart: str, rule: str, expected: list[datetime], more: str
    ) -> None:
        """The instances of each example, and where it ends, no more."""
        last = expected[-1]
        end = last + timedelta(seconds=1) if more else last + timedelta(days=4000)
        assert listed(expand(rule, dtstart, end)) == expected

    def test_the_example_of_several_parts(self) -> None:
        """Every Sunday in January at 8:30:00 AM and 9:30:00 AM, every other year."""
        rule = "FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYDAY=SU;BYHOUR=8,9;BYMINUTE=30"
        sundays = "1997 Jan 5 12 19 26 1999 Jan 3 10 17 24 31"
        expected = sorted(when(sundays, "8:30") + when(sundays, "9:30"))
        assert listed(expand(rule, "19970105T083000", "20000101")) == expected

    def test_every_example_is_here(self) -> None:
        """The section writes 42 rules."""
        assert len(EXAMPLES) == 42


LIMIT, EXPAND, BARRED = "Limit", "Expand", "N/A"
TABLE = {
    "BYMONTH": [LIMIT] * 6 + [EXPAND],
    "BYWEEKNO": [BARRED] * 6 + [EXPAND],
    "BYYEARDAY": [LIMIT] * 3 + [BARRED] * 3 + [EXPAND],
    "BYMONTHDAY": [LIMIT] * 4 + [BARRED] + [EXPAND] * 2,
    "BYDAY": [LIMIT] * 4 + [EXPAND] * 3,
    "BYHOUR": [LIMIT] * 3 + [EXPAND] * 4,
    "BYMINUTE": [LIMIT] * 2 + [EXPAND] * 5,
    "BYSECOND": [LIMIT] + [EXPAND] * 6,
}
# A value of each part, and the question it asks of a start. Windows that hold both answers.
QUESTIONS = {
    "BYMONTH": ("1", lambda start: start.month == 1),
    "BYWEEKNO": ("1,53", lambda start: start.isocalendar()[1] in (1, 53)),
    "BYYEARDAY": ("1,2", lambda start: start.timetuple().tm_yday in (1, 2)),
    "BYMONTHDAY": ("1,2", lambda start: start.day in (1, 2)),
    "BYDAY": ("FR,SA", lambda start: start.weekday() in (4, 5)),
    "BYHOUR": ("0,23", lambda start: start.hour in (0, 23)),
    "BYMINUTE": ("0,59", lambda start: start.minute in (0, 59)),
    "BYSECOND": ("0,59", lambda start: start.second in (0, 59)),
}
WINDOWS = {
    "SECONDLY": timedelta(hours=2),
    "MINUTELY": timedelta(days=2),
    "HOURLY": timedelta(days=30),
    "DAILY": timedelta(days=800),
    "WEEKLY": timedelta(days=800),
    "MONTHLY": timedelta(days=800),
    "YEARLY": timedelta(days=2000),
}
CELLS = [
    (part, frequency, TABLE[part][column])
    for part in PARTS
    for column, frequency in enumerate(FREQUENCIES)
]


class TestTable:
    @pytest.mark.parametrize(("part", "frequency", "effect"), CELLS)
    def test_each_part_limits_or_expands(self, part: str, frequency: str, effect: str) -> None:
        """BYxxx of a period as long as the FREQ or longer limits, of a shorter one expands.

        N/A parts limit too, with a Problem; they choose among all days of a week or month.
        """
        value, asks = QUESTIONS[part]
        dtstart = "19981231T225959"
        if frequency in ("SECONDLY", "MINUTELY") and part in ("BYMONTH", "BYMONTHDAY", "BYYEARDAY"):
            dtstart = "19981231T230000"
        end = at(dtstart) + WINDOWS[frequency]
        rule = f"FREQ={frequency};{part}={value}"
        without = set(listed(expand(f"FREQ={frequency}", dtstart, end)))
        found = set(listed(expand(rule, dtstart, end))) - {at(dtstart)}
        assert found
        assert all(asks(start) for start in found)
        if effect == LIMIT:
            assert found == {start for start in without if asks(start)} - {at(dtstart)}
        elif effect == EXPAND:
            assert found - without
        barred = "recurrence_part_not_allowed" in read(rule)[1]
        assert barred == (effect == BARRED)

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            ("FREQ=SECONDLY;BYHOUR=9;BYSETPOS=1,2;COUNT=2", ["090000", "090001"]),
            ("FREQ=MINUTELY;BYSECOND=10,20,30;BYSETPOS=-1;COUNT=2", ["090000", "090030", "090130"]),
            ("FREQ=HOURLY;BYMINUTE=0,20,40;BYSETPOS=2;COUNT=2", ["090000", "092000", "102000"]),
            ("FREQ=DAILY;BYHOUR=9,12,15;BYSETPOS=-2;COUNT=1", ["090000", "120000"]),
        ],
    )
    def test_bysetpos_limits_the_set_of_a_small_period(
        self, rule: str, expected: list[str]
    ) -> None:
        """ "BYSETPOS operates on a set of recurrence instances in one interval"."""
        assert [t[9:] for t in texts(expand(rule, "19970902T090000", "19970904"))] == expected

    def test_bysetpos_that_no_second_has(self) -> None:
        """A second is a set of one: it has no second member."""
        found = expand("FREQ=SECONDLY;BYHOUR=9;BYSETPOS=2", "19970902T090000", "19970904")
        assert texts(found) == ["19970902T090000"]

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            ("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=-1", "1997 Sep 2 5 12 19"),
            ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,-1", "1997 Sep 2 29 Oct 6 27"),
            ("FREQ=YEARLY;BYMONTH=9,10;BYMONTHDAY=1,15;BYSETPOS=-1,2", "1997 Sep 2 15 Oct 15"),
            ("FREQ=YEARLY;BYDAY=MO;BYSETPOS=-17", "1997 Sep 2 8"),
        ],
    )
    def test_bysetpos_limits_the_set_of_a_large_period(self, rule: str, expected: str) -> None:
        """It counts over the whole first period; what lies before DTSTART falls away afterwards."""
        days = when(expected)
        found = expand(rule, "19970902T090000", days[-1] + timedelta(seconds=1))
        assert listed(found) == days

    def test_bysetpos_of_the_first_week_counts_what_lies_before_dtstart(self) -> None:
        """ "A set of recurrence instances starts at the beginning of the interval"."""
        rule = "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2"
        assert listed(expand(rule, "19970905T090000", "19970912")) == when("1997 Sep 5 10")


class TestWeekdays:
    def test_note_1_byday_limits_bymonthday(self) -> None:
        """Numbers count in the month: a 13th that is the second Friday."""
        rule = "FREQ=MONTHLY;BYMONTHDAY=13,14;BYDAY=2FR"
        found = expand(rule, "19980213T090000", "19990101")
        assert listed(found) == when("1998 Feb 13 Mar 13 Aug 14 Nov 13")

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            ("FREQ=YEARLY;BYYEARDAY=1,2,3;BYDAY=MO", "1997 Jan 1 2000 Jan 3 2001 Jan 1"),
            ("FREQ=YEARLY;BYMONTHDAY=13;BYMONTH=2,3;BYDAY=FR", "1997 Jan 1 1998 Feb 13 Mar 13"),
            ("FREQ=YEARLY;BYMONTHDAY=13;BYDAY=2FR", "1997 Jan 1"),
            ("FREQ=YEARLY;BYWEEKNO=2;BYDAY=MO,SU", "1997 Jan 1 6 12 1998 Jan 5 11"),
            ("FREQ=YEARLY;BYMONTH=2;BYDAY=-1MO,1TU", "1997 Jan 1 Feb 4 24 1998 Feb 3 23"),
            ("FREQ=YEARLY;BYDAY=1MO,-53WE", "1997 Jan 1 6 1998 Jan 5"),
        ],
    )
    def test_note_2_what_byday_does_in_a_year(self, rule: str, expected: str) -> None:
        """Limit with BYYEARDAY or BYMONTHDAY; else within weeks, months, or the year."""
        days = when(expected)
        ends = {"1997 Jan 1": "19980101"}
        end = ends.get(expected) or days[-1] + timedelta(days=1)
        assert listed(expand(rule, "19970101T090000", end)) == days

    def test_plain_and_numbered_days_are_joined(self) -> None:
        """MO,2TU: every Monday, and the second Tuesday."""
        found = expand("FREQ=MONTHLY;BYDAY=MO,2TU", "19970901T090000", "19971001")
        assert listed(found) == when("1997 Sep 1 8 9 15 22 29")
        found = expand("FREQ=YEARLY;BYMONTH=9;BYDAY=MO,2TU", "19970901T090000", "19980101")
        assert listed(found) == when("1997 Sep 1 8 9 15 22 29")

    @pytest.mark.parametrize("frequency", ["DAILY", "WEEKLY"])
    def test_numbers_elsewhere_are_dropped(self, frequency: str) -> None:
        """ "MUST NOT be specified with a numeric value when the FREQ rule part is not set to
        MONTHLY or YEARLY" """
        rule, codes = read(f"FREQ={frequency};BYDAY=1WE,2WE,FR")
        assert rule.by_day == ((0, 2), (0, 4))
        assert codes == ["recurrence_ordinal"]

    def test_numbers_beside_weeks_are_dropped(self) -> None:
        """ "nor with the FREQ rule part set to YEARLY when the BYWEEKNO rule part is specified" """
        rule, codes = read("FREQ=YEARLY;BYWEEKNO=20;BYDAY=3MO")
        assert rule.by_day == ((0, 0),)
        assert codes == ["recurrence_ordinal"]

    def test_a_month_without_a_fifth_friday_is_left_out(self) -> None:
        found = expand("FREQ=MONTHLY;BYDAY=5FR", "20270129T090000", "20270801")
        assert listed(found) == when("2027 Jan 29 Apr 30 Jul 30")


class TestWeeks:
    def test_days_of_week_one_may_lie_in_the_year_before(self) -> None:
        rule = "FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO,SU"
        found = expand(rule, "20240101T090000", "20270101")
        assert listed(found) == when("2024 Jan 1 7 Dec 30 2025 Jan 5 Dec 29 2026 Jan 4")

    def test_days_of_the_last_week_may_lie_in_the_year_after(self) -> None:
        """Week 53: when Thursday is 1 January, or Wednesday in a leap year."""
        found = expand("FREQ=YEARLY;BYWEEKNO=53;BYDAY=FR,SA", "20200101T090000", "20330101")
        expected = "2020 Jan 1 2021 Jan 1 2 2027 Jan 1 2 2032 Dec 31"
        assert listed(found) == when(expected)

    def test_weeks_from_the_end(self) -> None:
        """-1 is week 52 or 53."""
        found = expand("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=MO", "20191223T090000", "20230101")
        assert listed(found) == when("2019 Dec 23 2020 Dec 28 2021 Dec 27 2022 Dec 26")

    def test_a_year_of_weeks_is_the_one_they_are_numbered_in(self) -> None:
        """DTSTART lies in week 1 of 2026, so every other year is 2026, 2028, 2030."""
        found = expand("FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1;BYDAY=MO", "20251229T090000", "20310101")
        assert listed(found) == when("2025 Dec 29 2028 Jan 3 2029 Dec 31")

    def test_the_weekday_is_that_of_dtstart(self) -> None:
        """ "Information, not contained in the rule, ... derived from the Start Time" """
        found = expand("FREQ=YEARLY;BYWEEKNO=20", "19970512T090000", "20000101")
        assert listed(found) == when("1997 May 12 1998 May 11 1999 May 17")

    def test_wkst_moves_the_weeks(self) -> None:
        """With weeks from Sunday, 2027-01-03 begins week 1; from Monday it ends week 53."""
        found = expand("FREQ=YEARLY;BYWEEKNO=1;BYDAY=SU;WKST=SU", "20260104T090000", "20280101")
        assert listed(found) == when("2026 Jan 4 2027 Jan 3")
        found = expand("FREQ=YEARLY;BYWEEKNO=1;BYDAY=SU", "20260104T090000", "20280101")
        assert listed(found) == when("2026 Jan 4 2027 Jan 10")

    def test_weeks_and_months_are_both_asked(self) -> None:
        """The days of week 1 that lie in December."""
        found = expand("FREQ=YEARLY;BYWEEKNO=1;BYMONTH=12", "20241230T090000", "20310101")
        assert listed(found) == when("2024 Dec 30 2025 Dec 29 2029 Dec 31 2030 Dec 30")

    def test_weeks_and_days_of_the_month_are_both_asked(self) -> None:
        """Then no weekday is taken from DTSTART."""
        found = expand("FREQ=YEARLY;BYWEEKNO=53;BYMONTHDAY=1", "20210101T090000", "20330101")
        assert listed(found) == when("2021 Jan 1 2027 Jan 1")


class TestDaysCountedFromTheEnd:
    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            ("FREQ=YEARLY;BYYEARDAY=-1,-306", "2023 Dec 31 2024 Mar 1 Dec 31 2025 Mar 1 Dec 31"),
            ("FREQ=YEARLY;BYYEARDAY=366,-366", "2023 Dec 31 2024 Jan 1 Dec 31"),
            ("FREQ=YEARLY;BYMONTHDAY=-31;BYMONTH=1,2", "2023 Dec 31 2024 Jan 1 2025 Jan 1"),
            ("FREQ=MONTHLY;BYMONTHDAY=-30", "2023 Dec 31 2024 Jan 2 Mar 2 Apr 1 May 2"),
        ],
    )
    def test_negative_numbers(self, rule: str, expected: str) -> None:
        """ "-1 represents the last day of the year ... -306 ... March 1st" """
        days = when(expected)
        found = expand(rule, "20231231T090000", days[-1] + timedelta(seconds=1))
        assert listed(found) == days

    def test_days_that_do_not_exist_are_ignored(self) -> None:
        """ "an invalid date (e.g., February 30) ... MUST be ignored" """
        found = expand("FREQ=MONTHLY", "20270131T090000", "20270801")
        assert listed(found) == when("2027 Jan 31 Mar 31 May 31 Jul 31")
        found = expand("FREQ=YEARLY", "20240229T090000", "20330101")
        assert listed(found) == when("2024 Feb 29 2028 Feb 29 2032 Feb 29")

    def test_a_year_expands_days_of_the_month_into_every_month(self) -> None:
        """YEARLY;BYMONTHDAY without BYMONTH: the table says Expand."""
        found = expand("FREQ=YEARLY;BYMONTHDAY=15", "20270115T090000", "20280101")
        assert [start.month for start in listed(found)] == list(range(1, 13))


class TestEnds:
    @pytest.mark.parametrize(
        ("rule", "dtstart", "expected"),
        [
            ("FREQ=WEEKLY;BYDAY=TH;COUNT=3", "20261202T093000", "2026 Dec 2 3 10 17"),
            ("FREQ=WEEKLY;BYDAY=WE;COUNT=3", "20261202T093000", "2026 Dec 2 9 16"),
            ("FREQ=WEEKLY;BYDAY=TH;COUNT=1", "20261202T093000", "2026 Dec 2 3"),
            ("FREQ=WEEKLY;BYDAY=WE;COUNT=1", "20261202T093000", "2026 Dec 2"),
            ("FREQ=MONTHLY;BYDAY=2MO;COUNT=1", "20261202T093000", "2026 Dec 2 14"),
            ("FREQ=MONTHLY;BYMONTHDAY=2;COUNT=1", "20261202T093000", "2026 Dec 2"),
            ("FREQ=HOURLY;BYHOUR=9;COUNT=2", "20261202T093000", "2026 Dec 2 3"),
            ("FREQ=HOURLY;BYDAY=SA;BYHOUR=9;COUNT=2", "20261202T093000", "2026 Dec 2 5 12"),
            ("FREQ=DAILY;BYMONTH=12;COUNT=2", "20261129T093000", "2026 Nov 29 Dec 1 2"),
            (
                "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=31;COUNT=1",
                "20261202T093000",
                "2026 Dec 2 2027 Jan 31",
            ),
        ],
    )
    def test_count_counts_what_its_own_rule_gives(
        self, rule: str, dtstart: str, expected: str
    ) -> None:
        """ "range-bound the recurrence": a DTSTART that is none of it is one instance more."""
        assert listed(expand(rule, dtstart, "20280101")) == when(expected, "9:30")

    def test_an_exrule_does_not_list_a_dtstart_that_it_does_not_give(self) -> None:
        rule = "FREQ=WEEKLY;BYDAY=TH;COUNT=3"
        found = expand(rule, "20261202T093000", "20280101", include_dtstart=False)
        assert listed(found) == when("2026 Dec 3 10 17", "9:30")
        found = expand("FREQ=WEEKLY", "20261202T093000", "20261210", include_dtstart=False)
        assert listed(found) == when("2026 Dec 2 9", "9:30")

    def test_until_before_dtstart_leaves_nothing(self) -> None:
        found = expand("FREQ=WEEKLY;UNTIL=20261101T000000Z", "20261202T093000", "20280101")
        assert found == Starts((), (), None)

    def test_until_is_inclusive(self) -> None:
        """ "bounds the recurrence rule in an inclusive manner" """
        found = expand("FREQ=DAILY;UNTIL=20261204T093000", "20261202T093000", "20280101")
        assert listed(found) == when("2026 Dec 2 3 4", "9:30")

    @pytest.mark.parametrize(("count", "expected"), [(2, "2026 Dec 2 3"), (9, "2026 Dec 2 3 4")])
    def test_count_and_until_both_apply(self, count: int, expected: str) -> None:
        """They MUST NOT occur together; whichever ends first does."""
        text = f"FREQ=DAILY;COUNT={count};UNTIL=20261204T093000"
        assert listed(expand(text, "20261202T093000", "20280101")) == when(expected, "9:30")
        assert read(text)[1] == ["recurrence_two_ends"]

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=DAILY;COUNT=700",
            "FREQ=DAILY;BYDAY=MO,TU;COUNT=300",
            "FREQ=DAILY;BYMONTH=1,12;BYHOUR=9,10;COUNT=400",
            "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,WE,SU;WKST=WE;COUNT=91",
            "FREQ=WEEKLY;BYMONTH=1,2,12;BYDAY=MO,FR;COUNT=66",
            "FREQ=MONTHLY;COUNT=30",
            "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=14",
            "FREQ=MONTHLY;BYDAY=2MO,3MO,4MO;COUNT=2",
            "RSCALE=GREGORIAN;SKIP=FORWARD;FREQ=MONTHLY;BYMONTHDAY=1,31;BYSETPOS=-1,1;COUNT=40",
            "FREQ=MONTHLY;BYDAY=2TU,-1FR;BYHOUR=8,9;COUNT=101",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,-1;COUNT=55",
            "FREQ=YEARLY;BYMONTH=1,12;BYDAY=1MO,2MO;COUNT=12",
            "FREQ=YEARLY;BYWEEKNO=1,52;COUNT=7",
            "FREQ=YEARLY;BYYEARDAY=1,366;COUNT=7",
            "FREQ=HOURLY;INTERVAL=5;BYMINUTE=0,30;COUNT=4000",
            "FREQ=HOURLY;BYHOUR=8,9,10;BYDAY=MO,TU;COUNT=700",
            "FREQ=MINUTELY;INTERVAL=7;BYHOUR=8,9,23;COUNT=5000",
        ],
    )
    def test_count_is_the_start_of_the_same_rule_without_it(self, rule: str) -> None:
        """However it is computed, COUNT=n ends with the n-th start that the rule gives."""
        endless, _, count = rule.partition(";COUNT=")
        given = expand(endless, "20250106T090000", "20340101", include_dtstart=False)
        expected = sorted({at("20250106T090000"), *listed(given)[: int(count)]})
        assert listed(expand(rule, "20250106T090000", "20340101")) == expected
        last = expected[-1].strftime("%Y%m%dT%H%M%S")
        assert listed(expand(rule, "20250106T090000", "20340101", lo=last)) == expected[-1:]


class TestTimes:
    def test_seconds_of_a_leap_second(self) -> None:
        """3.3.12: second 60 is "equivalent to the second 59"."""
        assert read("FREQ=DAILY;BYSECOND=58,60")[0].by_second == (58, 59)

    def test_times_mean_nothing_to_dates(self) -> None:
        """ "These rule parts MUST be ignored" when DTSTART is a DATE."""
        work = Work()
        rule = "FREQ=DAILY;COUNT=3;BYHOUR=9,10;BYMINUTE=30;BYSETPOS=2"
        found = expand(rule, "20261202", "20280101", is_date=True, work=work)
        assert listed(found) == when("2026 Dec 2 3 4", "0:00")
        assert [problem.code for problem in work.report(b"")] == ["recurrence_time_of_date"]

    @pytest.mark.parametrize(
        ("rule", "expected"),
        [
            ("FREQ=HOURLY;INTERVAL=48", "2026 Dec 2 4 6 8"),
            ("FREQ=HOURLY;INTERVAL=5", "2026 Dec 2-8"),
            ("FREQ=SECONDLY;BYDAY=WE", "2026 Dec 2"),
        ],
    )
    def test_small_steps_of_dates_are_days(self, rule: str, expected: str) -> None:
        """Every day is blocked that an hour of the rule would touch, perhaps more."""
        found = expand(rule, "20261202", "20261209", is_date=True)
        assert listed(found) == when(expected, "0:00")

    def test_hours_step_in_local_time(self) -> None:
        """3.3.10 speaks of "the computed local start time": no zone comes into it."""
        found = expand("FREQ=HOURLY;INTERVAL=6", "20261031T180000", "20261102")
        hours = [f"{start:%d %H}" for start in listed(found)]
        assert hours == ["31 18", "01 00", "01 06", "01 12", "01 18"]

    @pytest.mark.parametrize(
        ("rule", "runs"),
        [
            ("FREQ=SECONDLY", 1),
            ("FREQ=MINUTELY;INTERVAL=7", 1),
            ("FREQ=SECONDLY;BYHOUR=9", 90),
            ("FREQ=MINUTELY;BYMINUTE=0,30", 2),
            ("FREQ=SECONDLY;BYDAY=MO,TU,WE", 13),
            ("FREQ=HOURLY", 1),
        ],
    )
    def test_dense_rules_are_runs(self, rule: str, runs: int) -> None:
        """One range, and one step, for each stretch; a step more for each month looked at."""
        work = Work()
        found = expand(rule, "19700101T000000", "20270301", lo="20261201T000000", work=work)
        assert len(found.runs) == runs
        assert work.steps <= runs + 4


class TestBrokenText:
    @pytest.mark.parametrize(
        "text",
        [
            "freq=weekly;byday=mo, tu ,we;count=3",
            "FREQ=WEEKLY;BYDAY=MO,TU,WE;COUNT=3;",
            ";;FREQ=WEEKLY;COUNT=3;BYDAY=,MO,TU,,WE,",
            'FREQ=WEEKLY;COUNT=3;BYDAY="MO,TU,WE"',
            "FREQ=WEEKLY\\;BYDAY=MO\\,TU\\,WE\\;COUNT=3",
            "RRULE:FREQ=WEEKLY;BYDAY=WE,TU,MO,MO;COUNT=003",
            "X-EVOLUTION-ENDDATE=1;FREQ=WEEKLY;BYDAY=MO,TU,WE;COUNT=3;X-THING",
            "FREQ=WEEKLY;FREQ=WEEKLY;BYDAY=MO,TU,WE;COUNT=3",
        ],
    )
    def test_spelling_that_says_the_same(self, text: str) -> None:
        """Case, blanks, quotes, empty members and vendor parts leave no trace."""
        expected = RecurrenceRule("WEEKLY", count=3, by_day=((0, 0), (0, 1), (0, 2)))
        assert read(text) == (expected, [])

    @pytest.mark.parametrize(
        ("text", "code", "field", "value"),
        [
            ("FREQ=WEEKLY;BYDAY=;COUNT=3", "recurrence_empty_part", "count", 3),
            ("FREQ=MONTHLY;DTSTART=20261204T110000Z", "recurrence_unknown_part", "count", None),
            ("FREQ=DAILY;UNTIL=NaNNaNNaNTNaNNaN00Z", "recurrence_uncertain", "until", None),
            ("FREQ=DAILY;UNTIL=20270230", "recurrence_uncertain", "until", None),
            ("FREQ=DAILY;UNTIL=20270229T256000Z", "recurrence_uncertain", "until", None),
            (
                "FREQ=DAILY;UNTIL=20270228T256000Z",
                "recurrence_uncertain",
                "until",
                Until("utc", 1_803_859_199),
            ),
            (
                "FREQ=DAILY;UNTIL=20270228T13000",
                "recurrence_uncertain",
                "until",
                Until("date", 1_803_772_800),
            ),
            (
                "FREQ=DAILY;UNTIL=20270228T235959999Z",
                "odd_digits",
                "until",
                Until("utc", 1_803_859_199),
            ),
            ("FREQ=DAILY;COUNT=3;COUNT=2", "recurrence_repeated_part", "count", None),
            ("FREQ=DAILY;UNTIL=20270101;UNTIL=20270102", "recurrence_repeated_part", "until", None),
            (
                "FREQ=WEEKLY;BYDAY=MO;BYDAY=TU",
                "recurrence_repeated_part",
                "by_day",
                ((0, 0), (0, 1)),
            ),
            ("FREQ=DAILY;COUNT=0", "recurrence_uncertain", "count", None),
            ("FREQ=DAILY;COUNT=-3", "recurrence_uncertain", "count", None),
            ("FREQ=DAILY;COUNT=two", "recurrence_uncertain", "count", None),
            ("FREQ=DAILY;INTERVAL=0", "recurrence_interval", "interval", 1),
            ("FREQ=DAILY;INTERVAL=-2", "recurrence_interval", "interval", 1),
            ("FREQ=DAILY;INTERVAL=1.5", "recurrence_interval", "interval", 1),
            ("FREQ=DAILY;BYMONTH=1;BYMONTH=2", "recurrence_repeated_part", "by_month", (1, 2)),
            ("FREQ=DAILY;INTERVAL=3;INTERVAL=2", "recurrence_repeated_part", "interval", 1),
            ("FREQ=WEEKLY;WKST=XX", "recurrence_week_start", "week_start", 0),
            ("FREQ=MONTHLY;BYSETPOS=2", "recurrence_set_pos", "by_set_pos", ()),
        ],
    )
    def test_what_only_shortens_the_series_is_left_out(
        self, text: str, code: str, field: str, value: object
    ) -> None:
        """The longer series blocks more; a Problem says so."""
        rule, codes = read(text)
        assert codes[:1] == [code]
        assert rule.readable
        assert getattr(rule, field) == value

    @pytest.mark.parametrize(
        "text",
        [
            "D1 #3",
            "INTERVAL=1",
            "FREQ=FORTNIGHTLY",
            "FREQ=DAILY;FREQ=WEEKLY",
            "FREQ=WEEKLY;BYDAY=XX",
            "FREQ=WEEKLY;BYDAY=0MO",
            "FREQ=WEEKLY;BYDAY=54MO",
            "FREQ=WEEKLY;BYDAY=,,",
            "FREQ=MONTHLY;BYMONTHDAY=32",
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "FREQ=MONTHLY;BYMONTHDAY=,",
            "FREQ=YEARLY;BYMONTH=13",
            "FREQ=YEARLY;BYMONTH=-1",
            "FREQ=DAILY;BYHOUR=24",
            "FREQ=DAILY;BYSECOND=61",
            "FREQ=DAILY;BYHOUR=²",
            "FREQ=YEARLY;BYEASTER=0",
            "FREQ=DAILY;BYHOUR=" + "9" * 5000,
            "FREQ=DAILY;BYHOUR=" + ",".join("0" * n + "9" for n in range(3000)),
            "FREQ=DAILY;BYDAY=" + "MO," * 9999,
            "FREQ=DAILY" + ";Z" * 9999,
        ],
    )
    def test_what_chooses_instances_and_cannot_be_read(self, text: str) -> None:
        """The series is known to start, and unknown from there on."""
        rule, codes = read(text)
        assert not rule.readable
        assert codes[-1] == "recurrence_unparsed"
        dtstart = seconds(at("20261202T093000"))
        found = starts(rule, dtstart, dtstart, dtstart + 9999, Work())
        assert found == Starts([dtstart], [], dtstart + 1)
        later = starts(rule, dtstart, dtstart + 500, dtstart + 9999, Work())
        assert later == Starts([], [], dtstart + 500)
        assert starts(rule, dtstart, dtstart - 9, dtstart, Work()) == Starts((), (), None)
        alone = starts(rule, dtstart, dtstart - 9, dtstart + 1, Work())
        assert alone == Starts([dtstart], [], None)

    def test_an_unreadable_rule_is_known_after_its_until(self) -> None:
        found = expand("FREQ=DAYLY;UNTIL=20261203", "20261202", "20280101", lo="20261204")
        assert found == Starts((), (), None)
        found = expand("UNTIL=20261203", "20261202", "20280101", lo="20261204")
        assert found == Starts((), (), None)

    @pytest.mark.parametrize("text", ["", " ", ";;", ' "" '])
    def test_nothing_at_all(self, text: str) -> None:
        codes: list[str] = []
        assert parse(text, lambda code, message, action: codes.append(code)) is None
        assert codes == ["recurrence_empty"]

    @pytest.mark.parametrize(
        ("text", "kind", "expected"),
        [
            ("20261230", "date", "20261230T000000"),
            ("20261230T100000", "local", "20261230T100000"),
            ("20261230T100000Z", "utc", "20261230T100000"),
            ("2026-12-30T10:00:00Z", "utc", "20261230T100000"),
            ("2026-12-30 10:00", "local", "20261230T100000"),
            ("2026-12-30", "date", "20261230T000000"),
            ("20261230T100000.000Z", "utc", "20261230T100000"),
            ("20261230T100000+0130", "utc", "20261230T083000"),
            ("20261230T240000Z", "utc", "20261231T000000"),
            ("20261230T235960Z", "utc", "20261230T235959"),
            ("99991231T235959Z", "utc", "99991231T235959"),
        ],
    )
    def test_forms_of_until(self, text: str, kind: str, expected: str) -> None:
        """enddate = date / date-time; the extended forms of ISO 8601 too."""
        rule, codes = read(f"FREQ=DAILY;UNTIL={text}")
        assert codes == []
        assert rule.until == (kind, seconds(at(expected)))

    @pytest.mark.parametrize("digits", ["9" * 12, "9" * 400, "0" * 400 + "7" * 400])
    def test_numbers_of_any_length(self, digits: str) -> None:
        """An interval longer than the calendar leaves DTSTART alone; such a COUNT never ends."""
        for frequency in FREQUENCIES:
            found = expand(f"FREQ={frequency};INTERVAL={digits}", "20261202", "20300101")
            assert texts(found) == ["20261202T000000"]
        found = expand(f"FREQ=DAILY;COUNT={digits}", "19000101", "20270103", lo="20270101")
        assert listed(found) == when("2027 Jan 1 2", "0:00")

    def test_messages_stay_short(self) -> None:
        """A Problem quotes no more than a glimpse of what it met."""
        messages: list[str] = []
        parse("FREQ=" + "X" * 9999, lambda code, message, action: messages.append(message))
        parse("X" * 9999 + ";FREQ=DAILY", lambda code, message, action: messages.append(message))
        parse("FREQ=DAILY;BY" + "X" * 9999 + "=1", lambda c, message, a: messages.append(message))
        assert len(messages) == 3
        assert all(len(message) < 120 for message in messages)


class TestBounds:
    """Sections 3 and 4 of the security rules: counted, never timed."""

    @pytest.mark.parametrize("frequency", FREQUENCIES)
    def test_30_february_ends_quickly(self, frequency: str) -> None:
        work = Work()
        rule = f"FREQ={frequency};BYMONTH=2;BYMONTHDAY=30"
        found = expand(rule, "19700101T000000", "20270301", lo="20261201T000000", work=work)
        assert found == Starts([], [], None)
        assert work.steps <= 20
        found = expand(f"{rule};COUNT=3", "19700101T000000", "20270301", work=work)
        assert texts(found) == ["19700101T000000"]
        assert work.steps <= 40

    @pytest.mark.parametrize(
        ("rule", "steps"),
        [
            ("FREQ=SECONDLY;INTERVAL=7;COUNT=1000000000", 1),
            ("FREQ=HOURLY;COUNT=999999999", 1),
            ("FREQ=SECONDLY;BYHOUR=9;COUNT=1000000000", 92),
            ("FREQ=SECONDLY;INTERVAL=11;BYHOUR=9;BYDAY=MO;COUNT=1000000000", 20),
            ("FREQ=DAILY;COUNT=100000", 23),
            ("FREQ=WEEKLY;BYDAY=MO,TU;COUNT=100000", 8),
            ("FREQ=MONTHLY;COUNT=100000", 4),
            ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1;COUNT=700", 4),
            ("FREQ=YEARLY;BYMONTH=12;BYDAY=2MO;COUNT=100", 3),
        ],
    )
    def test_a_count_costs_a_constant(self, rule: str, steps: int) -> None:
        """The same steps, whether a series began in 1970 or last autumn."""
        work = Work()
        expand(rule, "19700105T000000", "20270301", lo="20261201T000000", work=work)
        assert work.steps <= steps

    @pytest.mark.parametrize(
        ("rule", "lo"),
        [
            ("FREQ=DAILY", "19990101"),
            ("FREQ=DAILY;COUNT=10", "20261201"),
            ("FREQ=WEEKLY;BYDAY=MO,TU;COUNT=100", "20261201"),
            ("FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20200101", "20261201"),
            ("FREQ=MONTHLY;COUNT=10", "20261201"),
            ("FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU;COUNT=5", "20261201"),
            ("FREQ=SECONDLY;COUNT=100", "20261201"),
        ],
    )
    def test_a_rule_that_cannot_touch_the_window_costs_nothing(self, rule: str, lo: str) -> None:
        work = Work()
        end = at(lo) + timedelta(days=90)
        found = expand(rule, "20050103T090000", end, lo=lo, work=work)
        assert found.exact_until is None
        assert not found.local
        assert work.steps == 0

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=DAILY;BYHOUR=8,9,10,11;BYMINUTE=0,10,20,30",
            "FREQ=WEEKLY;BYMONTH=1,2,12;BYDAY=MO,WE",
            "FREQ=MONTHLY;BYMONTHDAY=1,15",
            "FREQ=YEARLY;BYDAY=MO,WE,FR",
            "FREQ=MINUTELY;BYHOUR=9",
        ],
    )
    def test_when_the_steps_are_gone_the_answer_says_since_when(self, rule: str) -> None:
        """What was found before is right and whole."""
        dtstart, end = "20200106T090000", "20370101"
        everything = listed(expand(rule, dtstart, end, work=Work(Limits(max_steps=10**6))))
        found = expand(rule, dtstart, end, work=Work(Limits(max_steps=5)))
        assert found.exact_until is not None
        known = EPOCH + timedelta(seconds=found.exact_until)
        expected = [start for start in everything if start < known]
        assert listed(found._replace(exact_until=None)) == expected

    def test_hours_that_are_never_reached(self) -> None:
        """Every 24 hours from nine, only between five and seven: one look at a day is enough."""
        work = Work()
        rule = "FREQ=HOURLY;INTERVAL=24;BYHOUR=5,6;COUNT=9"
        assert texts(expand(rule, "19700101T090000", "20270301", work=work)) == ["19700101T090000"]
        found = expand(rule, "19700101T090000", "20270301", lo="20261201T000000", work=work)
        assert texts(found) == []

    def test_no_step_left_at_all(self) -> None:
        for rule in ("FREQ=DAILY", "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=99", "FREQ=SECONDLY"):
            work = Work(Limits(max_steps=0))
            dtstart = seconds(at("20261202"))
            found = expand(rule, "20261202", "20280101", work=work)
            assert found == Starts([dtstart], [], dtstart + 1)

    def test_a_day_of_too_many_times(self) -> None:
        """Every second of every day, written as a DAILY rule: unknown after DTSTART."""
        every = ",".join(map(str, range(60)))
        hours = ",".join(map(str, range(24)))
        rule = f"FREQ=DAILY;BYHOUR={hours};BYMINUTE={every};BYSECOND={every}"
        work = Work()
        found = expand(rule, "20261202", "20280101", work=work)
        assert found.exact_until == seconds(at("20261202")) + 1
        assert [problem.code for problem in work.report(b"")] == ["recurrence_too_dense"]

    @pytest.mark.parametrize("frequency", FREQUENCIES)
    @pytest.mark.parametrize(
        "parts", ["", ";BYMONTH=1,12;WKST=SU", ";BYDAY=FR", ";BYWEEKNO=1,52,53"]
    )
    def test_the_years_1_and_9999(self, frequency: str, parts: str) -> None:
        """A start before 1900 is advanced by whole periods, and the last year overflows nothing."""
        expected = set(listed(expand(f"FREQ={frequency}{parts}", "00010101T000000", "00010103")))
        assert datetime(1, 1, 1) in expected
        last = seconds(at("99991231T235959"))
        rule, _ = read(f"FREQ={frequency}{parts}")
        found = starts(rule, seconds(at("99991231")), last - 99_999, last + 10**12, Work())
        members = [*found.local, *(start for run in found.runs for start in (run[0], run[-1]))]
        assert all(start <= last for start in members)
        assert seconds(at("99991231")) in members
        assert found.exact_until is None

    def test_a_very_old_start(self) -> None:
        """VTIMEZONEs of Exchange begin in 1601."""
        rule = "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10"
        found = expand(rule, "16010101T030000", "20270101", lo="20260101T000000")
        assert texts(found) == ["20261025T030000"]


def test_no_pattern_is_slow_on_hostile_text() -> None:
    """Every quantifier that repeats is bounded or over one class of characters."""
    from extcal.ical.recurrence import rule as rules

    patterns = [value for value in vars(rules).values() if hasattr(value, "pattern")]
    assert patterns
    for pattern in patterns:
        assert not re.search(r"[+*]\)[+*]", pattern.pattern)
