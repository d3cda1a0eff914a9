"""VTIMEZONEs of a feed: which one a name means, and that no feed ever sees another's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path

import pytest

from extcal.limits import Limits

WINTER, SUMMER = "2026-12-07T09:00", "2027-07-07T09:00"
QUIRKS = Path(__file__).resolve().parents[4] / "shared" / "quirks"

# Fixture, calendar, TZID, local time, instant, source.
FIXTURES = [
    ("Q036", "Romance Standard Time", WINTER, "2026-12-07T08:00", "vtimezone"),
    ("Q037", "Customized Time Zone", WINTER, "2026-12-07T08:00", "vtimezone"),
    ("Q038", "My Zone", WINTER, "2026-12-07T08:00", "vtimezone"),
    ("Q039", "tzone://Microsoft/Custom", WINTER, "2026-12-07T08:00", "vtimezone"),
    ("Q039", "tzone://Microsoft/Utc", WINTER, "2026-12-07T09:00", "utc"),
    ("Q040", "Eastern Standard Time 1", WINTER, "2026-12-07T14:00", "vtimezone"),
    ("Q040", "Eastern Standard Time", SUMMER, "2027-07-07T14:00", "vtimezone"),
    ("Q047", "America/Montevideo", "2027-01-19T08:00", "2027-01-19T11:00", "iana"),
    ("Q048", "America/Chicago", "2027-03-15T09:00", "2027-03-15T14:00", "iana"),
    ("Q049", "Old Town", WINTER, "2026-12-07T09:00", "vtimezone"),
    ("Q050", "Mars/Olympus", WINTER, "2026-12-07T08:00", "assumed"),
    ("Q051", None, WINTER, "2026-12-07T08:00", "x-wr-timezone"),
    (
        "Q054",
        "GMT +0100 (Standard) / GMT +0200 (Daylight)",
        SUMMER,
        "2027-07-07T07:00",
        "vtimezone",
    ),
    ("Q055", "", WINTER, "2026-12-07T09:00", "vtimezone"),
    ("Q056", "Late Zone", WINTER, "2026-12-07T08:00", "vtimezone"),
]


@pytest.mark.parametrize(("name", "tzid", "local", "utc", "source"), FIXTURES)
def test_fixtures_of_real_feeds(name, tzid, local, utc, source, reading):
    """What feeds were seen to send is read as their owners mean it."""
    path = QUIRKS / f"{name}.ics"
    if not path.is_file():
        pytest.skip("the catalogue of quirks is not beside the repository")
    text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").strip()
    inner = text.removeprefix("BEGIN:VCALENDAR").removesuffix("END:VCALENDAR")
    feed = reading(inner)
    assert feed.utc(tzid, local) == utc
    assert feed.source(tzid) == source


def test_a_definition_wins_over_the_windows_table(reading, defined):
    """A VTIMEZONE whose name is also a Windows ID wins; if they agree there is nothing to tell."""
    feed = reading(defined("Romance Standard Time", "EUROPE"))
    assert feed.source("Romance Standard Time") == "vtimezone"
    assert feed.utc("Romance Standard Time", SUMMER) == "2027-07-07T07:00"
    assert feed.codes() == []


def test_a_definition_that_differs_from_its_windows_name_is_told_once(reading, defined):
    """If its offsets differ from the Windows zone inside the window: tz_conflict, once."""
    fixed = defined("Eastern Standard Time", "STANDARD 16010101T000000 -0500 -0500")
    feed = reading(fixed, "")
    for calendar in (0, 1):
        for tzid in ("Eastern Standard Time", "eastern standard time", " Eastern Standard Time"):
            assert feed.utc(tzid, SUMMER, calendar) == "2027-07-07T14:00"
    assert feed.codes() == ["tz_conflict"]


def test_a_conflict_outside_the_window_is_none(reading, defined, seconds):
    fixed = defined("Eastern Standard Time", "STANDARD 16010101T000000 -0500 -0500")
    feed = reading(fixed, lo=seconds("2026-12-01T00:00"), hi=seconds("2027-02-01T00:00"))
    assert feed.utc("Eastern Standard Time", WINTER) == "2026-12-07T14:00"
    assert feed.codes() == []


def test_the_number_of_a_numbered_name_is_tried_last(reading, defined):
    """The suffix exists because the definitions differ: exact match first, then without it."""
    fixed = defined("Eastern Standard Time", "STANDARD 16010101T000000 -0600 -0600")
    feed = reading(fixed)
    assert feed.utc("Eastern Standard Time 1", SUMMER) == "2027-07-07T13:00"
    assert feed.source("Eastern Standard Time 1") == "windows"


def test_names_match_as_written_then_cleaned_then_folded(reading, defined):
    one, two = "STANDARD 19700101T000000 +0100 +0100", "STANDARD 19700101T000000 +0200 +0200"
    three = "STANDARD 19700101T000000 +0300 +0300"
    feed = reading(defined("Büro", one) + defined('"Büro"', two) + defined("BÜRO", three))
    assert feed.utc("Büro", WINTER)[-5:] == "08:00"
    assert feed.utc('"Büro"', WINTER)[-5:] == "07:00"
    assert feed.utc("BÜRO", WINTER)[-5:] == "06:00"
    assert feed.utc(" Büro ", WINTER)[-5:] == "08:00"
    assert feed.codes() == []


def test_definitions_are_scoped_to_their_vcalendar(reading, defined):
    """Own VCALENDAR first, then its siblings."""
    feed = reading(defined("Zone", "EUROPE"), defined("Zone", "EASTERN"), "")
    assert feed.utc("Zone", WINTER, 0) == "2026-12-07T08:00"
    assert feed.utc("Zone", WINTER, 1) == "2026-12-07T14:00"
    assert feed.codes() == []
    assert feed.source("Zone", 2) == "vtimezone"
    assert feed.codes() == ["tz_duplicate"]


def test_the_order_of_definitions_changes_nothing(reading, defined):
    """Copies count once; of different definitions the newest, then the greatest by content."""
    texts = [
        defined("Zone", "EUROPE"),
        defined("Zone", "EUROPE"),
        defined("Zone", "EASTERN"),
        defined("Zone", "STANDARD 19700101T000000 +0900 +0900"),
        defined("Zone", "STANDARD 19700101T000000 nonsense nonsense"),
    ]
    answers = set()
    for order in permutations(texts):
        feed = reading("".join(order))
        answers.add((feed.utc("Zone", WINTER), *sorted(feed.codes())))
    assert len(answers) == 1
    newest = defined("Zone", "EUROPE", extra="LAST-MODIFIED:20260101T000000Z")
    older = defined("Zone", "EASTERN", extra="LAST-MODIFIED:20250101T000000Z")
    for order in permutations([newest, older, texts[3]]):
        assert reading("".join(order)).utc("Zone", WINTER) == "2026-12-07T08:00"


def test_copies_are_not_worth_a_word(reading, defined):
    feed = reading(*[defined("Zone", "EUROPE")] * 3, "")
    assert [feed.utc("Zone", WINTER, calendar)[-5:] for calendar in range(4)] == ["08:00"] * 4
    assert feed.codes() == []


def test_an_unusable_definition_falls_through(reading, defined):
    """Unusable: X-LIC-LOCATION, then the Windows table, with a Problem."""
    broken = "STANDARD 16010101T000000 +2500 +2500"
    feed = reading(defined("Tokyo Standard Time", broken))
    assert feed.source("Tokyo Standard Time") == "windows"
    assert feed.utc("Tokyo Standard Time", WINTER) == "2026-12-07T00:00"
    assert feed.codes() == ["tz_observance", "tz_unusable"]
    located = reading(defined("Work", broken, extra="X-LIC-LOCATION:Europe/Berlin"))
    assert located.source("Work") == "iana"
    assert located.utc("Work", SUMMER) == "2027-07-07T07:00"
    lost = reading(defined("Work", broken))
    assert lost.source("Work") == "assumed"
    assert lost.codes()[-1] == "tz_assumed" or "tz_assumed" in lost.codes()


def test_a_usable_sibling_helps_an_unusable_definition(reading, defined):
    feed = reading(defined("Zone", "STANDARD 16010101T000000 ? ?"), defined("Zone", "EASTERN"))
    assert feed.utc("Zone", WINTER, 0) == "2026-12-07T14:00"


# Two hosts in one process never meet.


def test_one_tzid_in_two_feeds_never_mixes(reading, defined):
    """Two feeds with one TZID and different rules, in both orders, and a third without rules."""
    for tzid in ("Customized Time Zone", "Eastern Standard Time"):
        berlin, new_york = defined(tzid, "EUROPE"), defined(tzid, "EASTERN")
        for first, second in ((berlin, new_york), (new_york, berlin)):
            expected = {berlin: "2027-07-07T07:00", new_york: "2027-07-07T13:00"}
            assert reading(first).utc(tzid, SUMMER) == expected[first]
            assert reading(second).utc(tzid, SUMMER) == expected[second]
            assert reading(first).utc(tzid, SUMMER) == expected[first]
    alone = reading()
    assert alone.source("Customized Time Zone") == "assumed"
    assert alone.source("Eastern Standard Time") == "windows"


def test_one_tzid_in_eight_threads_never_mixes(reading, defined):
    tzid = "Customized Time Zone"
    feeds = [
        (defined(tzid, f"STANDARD 16010101T000000 {hour:+03}00 {hour:+03}00"), hour)
        for hour in range(-8, 8)
    ]

    def check(number: int) -> bool:
        text, hour = feeds[number % len(feeds)]
        return reading(text).utc(tzid, WINTER) == f"2026-12-07T{9 - hour:02}:00"

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(check, range(400)))


# Limits


def test_more_definitions_than_read_make_the_window_unknown(reading, defined):
    texts = [
        defined(f"Zone {i}", f"STANDARD 16010101T000000 +0{i}00 +0{i}00") for i in range(1, 10)
    ]
    limits = Limits(max_timezones=8)
    feeds = [
        reading("".join(order), limits=limits) for order in (texts, texts[::-1], texts[4:] + texts)
    ]
    answers = {tuple(feed.utc(f"Zone {i}", WINTER) for i in range(1, 10)) for feed in feeds}
    assert len(answers) == 1
    for feed in feeds:
        assert not feed.work.complete
        assert "max_timezones" in feed.codes()
    copies = reading(*[texts[0]] * 50, limits=limits)
    assert copies.utc("Zone 1", WINTER, 49) == "2026-12-07T08:00"
    assert copies.work.complete


def test_definitions_of_iana_zones_are_free(reading, defined):
    """A feed may carry the whole of tzdata: those definitions are never read."""
    feed = reading(defined("Europe/Berlin", "EASTERN"), limits=Limits(max_timezones=0))
    assert feed.utc("Europe/Berlin", WINTER) == "2026-12-07T08:00"
    assert feed.source("Mars") == "assumed"
    assert feed.work.complete


def test_a_definition_of_two_thousand_rules_stays_bounded(reading, defined):
    """More observances than read: not used, and the window is unknown."""
    rules = [
        f"STANDARD {1601 + i % 400}0101T{i % 24:02}0000 +0100 +0200 RRULE:FREQ=YEARLY"
        for i in range(2_000)
    ]
    feed = reading(defined("Zone", *rules))
    assert feed.source("Zone") == "assumed"
    assert not feed.work.complete
    assert "max_observances" in feed.codes()


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=7",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23",
        "FREQ=SECONDLY;INTERVAL=7;COUNT=1000000000",
        "FREQ=YEARLY;INTERVAL=0",
    ],
)
def test_hostile_rules_stay_bounded(rule, reading, defined, seconds):
    """Work is counted: there is an answer, and the events' own steps are untouched."""
    text = defined(
        "Zone",
        f"STANDARD 19700101T000000 +0100 +0200 RRULE:{rule}",
        "STANDARD 19700102T000000 +0200 +0100",
    )
    feed = reading(text)
    zone = feed.zones.resolve("Zone", 0)
    for year in range(1900, 2200, 7):
        moment = seconds(f"{year}-06-01T12:00")
        assert abs(zone.to_epoch(moment) - moment) <= 2 * 3600
    assert feed.work.steps == 0


def test_limits_are_errors_under_strict(reading, defined):
    from extcal.errors import LimitExceeded

    feed = reading(
        defined("Zone", "STANDARD 19700101T000000 +0100 +0200 RRULE:FREQ=SECONDLY"), strict=True
    )
    with pytest.raises(LimitExceeded):
        feed.utc("Zone", WINTER)
