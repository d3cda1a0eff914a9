"""RFC 7529: RSCALE and SKIP, for the one calendar that is known here."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from extcal.ical.budget import Work
from extcal.ical.recurrence import RecurrenceRule, Starts, parse, starts

EPOCH = datetime(1970, 1, 1)


def read(text: str) -> tuple[RecurrenceRule, list[str]]:
    codes: list[str] = []
    rule = parse(text, lambda code, message, action: codes.append(code))
    assert rule is not None
    return rule, codes


def seconds(date: str) -> int:
    return (datetime.strptime(date, "%Y%m%d") - EPOCH) // timedelta(seconds=1)


def dates(text: str, dtstart: str, end: str, *, lo: str | None = None) -> list[str]:
    """The days of a rule for a DATE, from DTSTART (or ``lo``) to before ``end``."""
    rule, _ = read(text)
    first = seconds(lo or dtstart)
    found = starts(rule, seconds(dtstart), first, seconds(end), Work(), is_date=True)
    assert found.exact_until is None
    return [f"{EPOCH + timedelta(seconds=start):%Y%m%d}" for start in found.local]


class TestLeapDay:
    """Section 4.3.4."""

    def test_without_rscale_invalid_dates_are_ignored(self) -> None:
        assert dates("FREQ=YEARLY", "20120229", "20180101") == ["20120229", "20160229"]

    def test_forward_is_1_march(self) -> None:
        """The table of section 4.3.4."""
        found = dates("RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=FORWARD", "20120229", "20180101")
        assert found == ["20120229", "20130301", "20140301", "20150301", "20160229", "20170301"]

    def test_backward_is_28_february(self) -> None:
        found = dates("RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=BACKWARD", "20120229", "20150101")
        assert found == ["20120229", "20130228", "20140228"]

    @pytest.mark.parametrize("skip", ["", ";SKIP=OMIT"])
    def test_omit_is_the_default(self, skip: str) -> None:
        found = dates(f"RSCALE=gregorian;FREQ=YEARLY{skip}", "20120229", "20180101")
        assert found == ["20120229", "20160229"]


class TestSkip:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("FREQ=MONTHLY;SKIP=FORWARD", ["0131", "0301", "0331", "0501", "0531"]),
            ("FREQ=MONTHLY;SKIP=BACKWARD", ["0131", "0228", "0331", "0430", "0531"]),
            # Two days of February move to the same place: "Duplicate instances are ignored".
            (
                "FREQ=MONTHLY;BYMONTHDAY=30,31;SKIP=BACKWARD;COUNT=4",
                ["0131", "0228", "0330", "0331"],
            ),
            # 31 February and 1 March are the same day, and counted once.
            ("FREQ=MONTHLY;BYMONTHDAY=1,31;SKIP=FORWARD;COUNT=4", ["0131", "0201", "0301", "0331"]),
            ("FREQ=MONTHLY;BYMONTHDAY=-31;SKIP=FORWARD", ["0131", "0201", "0301", "0401", "0501"]),
            ("FREQ=MONTHLY;BYMONTHDAY=-31;SKIP=BACKWARD", ["0131", "0301", "0331", "0501", "0531"]),
            # BYMONTH comes before SKIP: what is moved out of its month stays.
            ("FREQ=MONTHLY;BYMONTH=2,4;SKIP=FORWARD", ["0131", "0301", "0501"]),
            ("FREQ=YEARLY;BYMONTH=2,4;BYMONTHDAY=31;SKIP=FORWARD", ["0131", "0301", "0501"]),
            # BYDAY comes after it: 2027-03-01 is a Monday.
            ("FREQ=MONTHLY;BYMONTHDAY=31;BYDAY=MO;SKIP=FORWARD", ["0131", "0301", "0531"]),
            ("FREQ=MONTHLY;BYMONTHDAY=31;BYDAY=1MO;SKIP=FORWARD", ["0131", "0301"]),
            # Days that BYDAY counts are never invalid.
            ("FREQ=MONTHLY;BYDAY=5SU;SKIP=FORWARD", ["0131", "0530"]),
            # A limit makes no invalid dates.
            ("FREQ=DAILY;BYMONTHDAY=30;SKIP=FORWARD", ["0131", "0330", "0430", "0530"]),
            ("FREQ=MONTHLY;INTERVAL=3;SKIP=BACKWARD", ["0131", "0430"]),
        ],
    )
    def test_days_of_the_month(self, text: str, expected: list[str]) -> None:
        """A date with an invalid day-of-month moves to the previous or next valid one."""
        found = dates(f"RSCALE=GREGORIAN;{text}", "20270131", "20270601")
        assert found == [f"2027{day}" for day in expected]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("BYYEARDAY=366;SKIP=FORWARD", "20241231 20260101 20270101 20280101 20281231"),
            ("BYYEARDAY=366;SKIP=BACKWARD", "20241231 20251231 20261231 20271231 20281231"),
            ("BYYEARDAY=-366;SKIP=FORWARD", "20241231 20250101 20260101 20270101 20280101"),
            ("BYYEARDAY=-366;SKIP=BACKWARD", "20241231 20251231 20261231 20280101 20281231"),
            (
                "BYYEARDAY=366;BYMONTH=12;SKIP=FORWARD",
                "20241231 20260101 20270101 20280101 20281231",
            ),
            ("BYYEARDAY=366;BYMONTH=1;SKIP=FORWARD", "20241231"),
            # Only one part can make an invalid day: no 31st is the 366th of 2025.
            ("BYYEARDAY=366;BYMONTHDAY=31;SKIP=FORWARD", "20241231 20281231"),
        ],
    )
    def test_days_of_the_year(self, text: str, expected: str) -> None:
        """Item 7 of section 4.1: BYYEARDAY larger than the smallest year."""
        found = dates(f"RSCALE=GREGORIAN;FREQ=YEARLY;{text}", "20241231", "20290101")
        assert found == expected.split()

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("BYWEEKNO=53;SKIP=OMIT", ["20201228", "20261228"]),
            ("BYWEEKNO=53;SKIP=BACKWARD", ["20201228", "20211227", "20221226", "20231225"]),
            ("BYWEEKNO=53;SKIP=FORWARD", ["20201228", "20220103", "20230102", "20240101"]),
            ("BYWEEKNO=-53;SKIP=FORWARD", ["20201228", "20210104", "20220103", "20230102"]),
        ],
    )
    def test_weeks_of_the_year(self, text: str, expected: list[str]) -> None:
        """Item 8 of section 4.1: a year without week 53 gives the week beside it."""
        found = dates(f"RSCALE=GREGORIAN;FREQ=YEARLY;{text}", "20201228", "20280101")
        assert found[: len(expected)] == expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("BYMONTH=5L;SKIP=FORWARD", ["20270115", "20270615"]),
            ("BYMONTH=5L;SKIP=BACKWARD", ["20270115", "20270515"]),
            ("BYMONTH=3,5L;SKIP=OMIT", ["20270115", "20270315"]),
            ("BYMONTH=3,5L", ["20270115", "20270315"]),
        ],
    )
    def test_leap_months(self, text: str, expected: list[str]) -> None:
        """No Gregorian month is a leap month: "a date with an invalid month is changed"."""
        found = dates(f"RSCALE=GREGORIAN;FREQ=YEARLY;{text}", "20270115", "20280101")
        assert found == expected

    @pytest.mark.parametrize("skip", ["FORWARD", "BACKWARD"])
    @pytest.mark.parametrize(
        "text",
        [
            "FREQ=MONTHLY;BYMONTHDAY=1,29,30,31",
            "FREQ=MONTHLY;BYMONTHDAY=-31,-30,-1",
            "FREQ=YEARLY;BYYEARDAY=1,-1,366,-366",
            "FREQ=YEARLY;BYWEEKNO=1,53,-53,-1",
        ],
    )
    def test_a_window_shows_what_a_walk_from_dtstart_shows(self, text: str, skip: str) -> None:
        """What was moved into a window from the period before is found, and nothing twice."""
        rule = f"RSCALE=GREGORIAN;{text};SKIP={skip}"
        everything = dates(rule, "20200131", "20290101")
        assert everything == sorted(set(everything))
        for year in range(2021, 2029):
            for lo, end in ((f"{year}0101", f"{year}0105"), (f"{year}0228", f"{year}0302")):
                expected = [day for day in everything if lo <= day < end]
                assert dates(rule, "20200131", end, lo=lo) == expected
        counted = dates(f"{rule};COUNT=20", "20200131", "20990101")
        # 31 January is in none of these rules but the first: it is one instance more.
        more = "BYYEARDAY" in text or "BYWEEKNO" in text
        assert counted == dates(rule, "20200131", "20990101")[: 20 + more]


class TestSpelling:
    @pytest.mark.parametrize("scale", ["GREGORIAN", "gregorian", "gregory", "ISO8601"])
    def test_names_of_the_gregorian_calendar(self, scale: str) -> None:
        """Section 5: names are CLDR's, aliases are the same, case does not matter."""
        assert read(f"RSCALE={scale};FREQ=YEARLY") == (RecurrenceRule("YEARLY"), [])

    def test_skip_without_rscale(self) -> None:
        """It "MUST NOT be present unless RSCALE is present"; more is blocked if it is heard."""
        rule, codes = read("FREQ=YEARLY;SKIP=FORWARD")
        assert rule == RecurrenceRule("YEARLY", skip="FORWARD")
        assert codes == ["recurrence_skip"]

    @pytest.mark.parametrize(
        "text",
        [
            "RSCALE=CHINESE;FREQ=YEARLY",
            "RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=5L;BYMONTHDAY=8;SKIP=FORWARD",
            "RSCALE=ETHIOPIC;FREQ=MONTHLY;BYMONTH=13",
            "RSCALE=GREGORIAN;FREQ=YEARLY;SKIP=SIDEWAYS",
            "RSCALE=GREGORIAN;FREQ=YEARLY;BYMONTH=12L;SKIP=FORWARD",
            "RSCALE=GREGORIAN;FREQ=YEARLY;BYMONTH=5L",
            "RSCALE=GREGORIAN;FREQ=MONTHLY;BYMONTH=5LL",
            "FREQ=YEARLY;BYMONTH=5L",
        ],
    )
    def test_other_calendars_are_unknown_after_dtstart(self, text: str) -> None:
        """Section 6 lets the rule be ignored; unknown is never free."""
        rule, codes = read(text)
        assert codes == ["recurrence_unparsed"]
        dtstart = seconds("20140208")
        found = starts(rule, dtstart, dtstart, seconds("20180101"), Work(), is_date=True)
        assert found == Starts([dtstart], [], dtstart + 1)
