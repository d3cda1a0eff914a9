"""What a TZID means: the order of readings, and every spelling that feeds were seen to use."""

from __future__ import annotations

import subprocess
import sys
import zoneinfo
from datetime import UTC, datetime, timedelta, timezone

import pytest

from extcal.ical.zones._iana import IANA_KEYS
from extcal.ical.zones.names import clean, exact, loose

WINTER, SUMMER = "2026-12-07T09:00", "2027-07-07T09:00"

# TZID, source, 09:00 in winter and in summer as UTC.
SPELLINGS = [
    ("UTC", "utc", "09:00", "09:00"),
    ("utc", "utc", "09:00", "09:00"),
    ("Z", "utc", "09:00", "09:00"),
    ("GMT", "utc", "09:00", "09:00"),
    ("Zulu", "utc", "09:00", "09:00"),
    ("etc/utc", "utc", "09:00", "09:00"),
    ("Coordinated Universal Time", "utc", "09:00", "09:00"),
    ("(UTC) Coordinated Universal Time", "utc", "09:00", "09:00"),
    ("UTC (Coordinated Universal Time)", "utc", "09:00", "09:00"),
    ("tzone://Microsoft/Utc", "utc", "09:00", "09:00"),
    ("TZONE://MICROSOFT/UTC", "utc", "09:00", "09:00"),
    ("/example.org/2020/Etc/UTC", "utc", "09:00", "09:00"),
    # An IANA key, and one behind a vendor's prefix (3.2.19: globally unique).
    ("Europe/Berlin", "iana", "08:00", "07:00"),
    (" Europe/Berlin ", "iana", "08:00", "07:00"),
    ('"Europe/Berlin"', "iana", "08:00", "07:00"),
    ("Europe/Ber\x00lin", "iana", "08:00", "07:00"),
    ("Europe/Kiev", "iana", "07:00", "06:00"),
    ("Asia/Calcutta", "iana", "03:30", "03:30"),
    ("EST5EDT", "iana", "14:00", "13:00"),
    ("Etc/GMT+5", "iana", "14:00", "14:00"),
    ("/mozilla.org/20050126_1/Europe/Berlin", "iana", "08:00", "07:00"),
    ("/freeassociation.sourceforge.net/Tzfile/America/New_York", "iana", "14:00", "13:00"),
    ("/citadel.org/20240101_1/America/Argentina/Buenos_Aires", "iana", "12:00", "12:00"),
    # Windows IDs in any case and spacing, with numbers, and without a CLDR row.
    ("W. Europe Standard Time", "windows", "08:00", "07:00"),
    ("W. Europe Standard Time ", "windows", "08:00", "07:00"),
    ("romance standard time", "windows", "08:00", "07:00"),
    ("Romance  Standard   Time", "windows", "08:00", "07:00"),
    ("Eastern Standard Time 1", "windows", "14:00", "13:00"),
    ("GMT Standard Time", "windows", "09:00", "08:00"),
    ("Greenwich Standard Time", "windows", "09:00", "09:00"),
    ("Central Europe Standard Time", "windows", "08:00", "07:00"),
    ("Central European Standard Time", "windows", "08:00", "07:00"),
    ("Mid-Atlantic Standard Time", "windows", "11:00", "11:00"),
    ("Kamchatka Standard Time", "windows", "21:00", "21:00"),
    ("Mexico Standard Time", "windows", "15:00", "15:00"),
    ("Mexico Standard Time 2", "windows", "16:00", "16:00"),
    ("Armenian Standard Time", "windows", "05:00", "05:00"),
    ("Malay Peninsula Standard Time", "windows", "01:00", "01:00"),
    ("Manitoba Standard Time", "windows", "15:00", "14:00"),
    ("Russia Time Zone 3", "windows", "05:00", "05:00"),
    ("UTC-02", "windows", "11:00", "11:00"),
    # Domino's short names, and what Windows and Exchange show to people.
    ("W. Europe", "windows", "08:00", "07:00"),
    ("E. South America", "windows", "12:00", "12:00"),
    ("SA Pacific", "windows", "14:00", "14:00"),
    ("(UTC-05:00) Eastern Time (US & Canada)", "windows", "14:00", "13:00"),
    ("(GMT-08:00) Pacific Time (US and Canada)", "windows", "17:00", "16:00"),
    ("Mountain Time (US & Canada)", "windows", "16:00", "15:00"),
    (
        "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
        "windows",
        "08:00",
        "07:00",
    ),
    (r"Amsterdam\, Berlin\, Bern\, Rome\, Stockholm\, Vienna", "windows", "08:00", "07:00"),
    ("(GMT+01.00) Sarajevo/Warsaw/Zagreb", "windows", "08:00", "07:00"),
    ("Dublin, Edinburgh, Lisbon, London", "windows", "09:00", "08:00"),
    ("(UTC+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius", "windows", "07:00", "06:00"),
    ("(GMT+02:00) Helsinki, Kiev, Riga, Sofia, Tallinn, Vilnius", "windows", "07:00", "06:00"),
    ("Athens, Bucharest", "windows", "07:00", "06:00"),
    # IANA keys that are nearly right.
    ("US-Eastern", "iana", "14:00", "13:00"),
    ("europe/berlin", "iana", "08:00", "07:00"),
    ("America/New York", "iana", "14:00", "13:00"),
    ("america-new_york", "iana", "14:00", "13:00"),
    # Pure offsets have ISO's sign.
    ("GMT+0100", "utc", "08:00", "08:00"),
    ("GMT-0500", "utc", "14:00", "14:00"),
    ("UTC+01:00", "utc", "08:00", "08:00"),
    ("utc+5:30", "utc", "03:30", "03:30"),
    ("+00:00", "utc", "09:00", "09:00"),
    ("+01:00", "utc", "08:00", "08:00"),
    ("\u221205:00", "utc", "14:00", "14:00"),
]


@pytest.mark.parametrize(("tzid", "source", "winter", "summer"), SPELLINGS)
def test_every_spelling_means_its_zone(tzid, source, winter, summer, reading):
    """A TZID that names a zone in any of these ways is read in it, without a Problem."""
    feed = reading()
    assert feed.source(tzid) == source
    assert feed.utc(tzid, WINTER)[-5:] == winter
    assert feed.utc(tzid, SUMMER)[-5:] == summer
    assert feed.codes() == []


@pytest.mark.parametrize(
    "tzid",
    [
        "Customized Time Zone",
        "tzone://Microsoft/Custom",
        "Mars/Olympus",
        "Mitteleuropäische Zeit",
        "Hora estándar romance",
        "localtime",
        "posixrules",
        "Factory",
        "La Paz",
        "GMT+2400",
        "+01:75",
        "../../../etc/passwd",
        "/etc/localtime",
        "Europe",
        "Europe/",
        "a" * 10_000,
        "/" * 10_000,
        "é\ud800".encode("utf-8", "replace").decode(),
    ],
)
def test_unresolvable_names_are_assumed_with_one_problem(tzid, reading):
    """An unresolvable TZID: X-WR-TIMEZONE, then the argument, then UTC, with a Problem."""
    head = "X-WR-TIMEZONE:Europe/Madrid"
    for feed, zone in [
        (reading(head, default="Asia/Tokyo"), "Europe/Madrid"),
        (reading(default="Asia/Tokyo"), "Asia/Tokyo"),
        (reading(), "UTC"),
    ]:
        assert feed.zones.resolve(tzid, 0).name == zone
        feed.zones.resolve(tzid, 0)
        assert feed.source(tzid) == "assumed"
        assert feed.codes() == ["tz_assumed"]
        assert len(feed.problems[0].message) < 200


def test_old_exchange_names_keep_their_standard_offset(reading):
    """Exchange CDO's name without its VTIMEZONE: its standard offset, and a Problem."""
    feed = reading()
    tzid = "GMT +0100 (Standard) / GMT +0200 (Daylight)"
    assert feed.utc(tzid, WINTER) == "2026-12-07T08:00"
    assert feed.source(tzid) == "assumed"
    assert feed.codes() == ["tz_assumed"]


def test_an_empty_tzid_floats(reading, defined):
    """An empty TZID is looked up as one; without an empty-named VTIMEZONE the time floats."""
    assert reading(default="Europe/Berlin").utc("", WINTER) == "2026-12-07T08:00"
    empty = defined("", "STANDARD 16010101T000000 +0300 +0300")
    feed = reading(empty, default="Europe/Berlin")
    assert feed.utc("", WINTER) == "2026-12-07T06:00"
    assert feed.source("") == "vtimezone"


def test_the_index_is_what_zoneinfo_offers():
    """Every key is one of zoneinfo.available_timezones(), and loads; pseudo zones are left out."""
    keys = set(IANA_KEYS.values())
    assert keys <= zoneinfo.available_timezones()
    assert not keys & {"localtime", "posixrules", "Factory"}
    for key in sorted(keys):
        assert zoneinfo.ZoneInfo(key).key == key
    assert len(keys) > 500


def test_the_standard_offset_in_parentheses_is_never_a_zone():
    """What "(UTC+01:00) somewhere" begins with is the standard offset, and no rule."""
    assert loose("(UTC+01:00)") is None
    assert loose("(UTC+01:00) Nowhere") is None
    assert exact(clean("(UTC+01:00) GMT")) is None


def test_names_cost_no_import():
    """Reading names needs neither icalendar nor dateutil, and loads the tables only when asked."""
    code = (
        "import sys; import extcal.ical.zones.resolve; "
        "names = {'icalendar', 'dateutil', 'tzdata'}; "
        "names |= {'extcal.ical.zones._windows', 'extcal.ical.zones._iana'}; "
        "assert not names & set(sys.modules), names & set(sys.modules); "
        "from extcal.ical.zones.names import loose; "
        "assert loose('romance standard time').name == 'Europe/Paris'; "
        "assert not {'icalendar', 'dateutil'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# The argument


@pytest.mark.parametrize(
    "argument",
    ["Europe/Berlin", "W. Europe Standard Time", "europe/berlin", zoneinfo.ZoneInfo("CET")],
)
def test_the_argument_is_a_name_or_a_tzinfo(argument, reading):
    """Floating times use the zone argument first."""
    feed = reading("X-WR-TIMEZONE:Asia/Tokyo", default=argument)
    assert feed.utc(None, WINTER) == "2026-12-07T08:00"
    assert feed.utc(None, SUMMER) == "2027-07-07T07:00"
    assert feed.source(None) == "argument"
    assert feed.codes() == []


def test_the_argument_may_be_a_fixed_offset(reading):
    feed = reading(default=timezone(timedelta(hours=5, minutes=45)))
    assert feed.utc(None, SUMMER) == "2027-07-07T03:15"
    assert reading(default=UTC).source(None) == "argument"


@pytest.mark.parametrize("argument", ["Mars/Olympus", "", "Customized Time Zone", "localtime"])
def test_an_argument_that_names_no_zone_is_the_callers_mistake(argument, reading):
    with pytest.raises(ValueError, match="names no zone; pass an IANA name"):
        reading(default=argument)


def test_an_argument_of_another_type_is_a_type_error(reading):
    with pytest.raises(TypeError, match="not int"):
        reading(default=3600)


def test_a_foreign_tzinfo_is_asked_about_instants(reading):
    """A tzinfo of another library is read by the same rules of gap and fold."""
    from dateutil.tz import tzstr

    feed = reading(default=tzstr("EST5EDT,M3.2.0,M11.1.0"))
    assert feed.utc(None, WINTER) == "2026-12-07T14:00"
    assert feed.utc(None, SUMMER) == "2027-07-07T13:00"
    assert feed.utc(None, "2027-03-14T02:30") == "2027-03-14T07:30"  # gap
    assert feed.utc(None, "2027-11-07T01:30") == "2027-11-07T05:30"  # fold
    assert feed.utc(None, "2007-03-11T02:30") == "2007-03-11T07:30"  # beyond the table
    assert feed.utc(None, "2007-11-04T01:30") == "2007-11-04T05:30"


def test_a_tzinfo_without_an_offset_is_a_value_error(reading):
    from datetime import tzinfo

    class Nowhere(tzinfo):
        def utcoffset(self, moment: datetime | None) -> None:
            return None

        def dst(self, moment: datetime | None) -> None:
            return None

    with pytest.raises(ValueError):
        reading(default=Nowhere())


# Times without a zone


def test_floating_times_use_x_wr_timezone(reading):
    """Without the argument floating times use X-WR-TIMEZONE."""
    feed = reading("X-WR-TIMEZONE:Europe/Brussels")
    assert feed.utc(None, WINTER) == "2026-12-07T08:00"
    assert feed.source(None) == "x-wr-timezone"
    assert feed.codes() == []


def test_x_wr_timezone_goes_through_the_same_names(reading, defined):
    """X-WR-TIMEZONE may be a Windows name, or the name of a VTIMEZONE of this feed."""
    assert reading("X-WR-TIMEZONE:Tokyo Standard Time").utc(None, WINTER) == "2026-12-07T00:00"
    feed = reading("X-WR-TIMEZONE:My Zone\n" + defined("My Zone", "EASTERN"))
    assert feed.utc(None, WINTER) == "2026-12-07T14:00"
    assert feed.source(None) == "x-wr-timezone"


def test_x_wr_timezone_that_names_nothing_is_told_once(reading, defined):
    feed = reading("X-WR-TIMEZONE:Nowhere\n" + defined("My Zone", "EASTERN"))
    assert feed.source(None) == "vtimezone"
    assert feed.source("Mars") == "assumed"
    assert feed.codes() == ["x_wr_timezone_unknown", "tz_assumed"]


def test_x_wr_timezone_is_scoped_to_its_vcalendar(reading):
    """X-WR-TIMEZONE is scoped to its VCALENDAR, falling back to its siblings."""
    feed = reading("X-WR-TIMEZONE:Asia/Tokyo", "X-WR-TIMEZONE:Europe/Madrid", "")
    assert feed.utc(None, WINTER, 0) == "2026-12-07T00:00"
    assert feed.utc(None, WINTER, 1) == "2026-12-07T08:00"
    assert feed.codes() == []
    first = feed.zones.resolve(None, 2).name
    assert feed.codes() == ["x_wr_timezone_conflict"]
    other = reading("", "X-WR-TIMEZONE:Europe/Madrid", "X-WR-TIMEZONE:Asia/Tokyo")
    assert other.zones.resolve(None, 0).name == first
    lone = reading("X-WR-TIMEZONE:Asia/Tokyo", "")
    assert lone.utc(None, WINTER, 1) == "2026-12-07T00:00"
    assert lone.codes() == []


def test_floating_times_use_the_only_vtimezone(reading, defined):
    """Else the feed's only VTIMEZONE if there is exactly one."""
    feed = reading(defined("My Zone", "EASTERN"))
    assert feed.utc(None, SUMMER) == "2027-07-07T13:00"
    assert feed.source(None) == "vtimezone"
    named = reading(defined("Europe/Berlin", "EASTERN"))
    assert named.utc(None, SUMMER) == "2027-07-07T07:00"
    assert named.source(None) == "vtimezone"
    sibling = reading("", defined("My Zone", "EASTERN"))
    assert sibling.utc(None, SUMMER, 0) == "2027-07-07T13:00"


def test_floating_times_of_two_vtimezones_are_utc_with_advice(reading, defined):
    """Else UTC with a Problem that advises the argument, once per feed."""
    feed = reading(defined("A", "EASTERN") + defined("B", "EUROPE"), "")
    assert feed.utc(None, WINTER, 0) == "2026-12-07T09:00"
    assert feed.utc(None, WINTER, 1) == "2026-12-07T09:00"
    assert feed.source(None) == "assumed"
    assert feed.codes() == ["floating_assumed"]
    assert "timezone=" in feed.problems[0].message


def test_asking_whether_a_zone_is_stated_tells_nothing(reading):
    """A value with a hint of its own may ask first: nothing is assumed, so nothing is told."""
    assert reading("X-WR-TIMEZONE:Asia/Tokyo").zones.floating(0).source == "x-wr-timezone"
    feed = reading()
    assert feed.zones.floating(0) is None
    assert feed.codes() == []
    assert feed.source(None) == "assumed"
    assert feed.codes() == ["floating_assumed"]


def test_a_calendar_that_is_not_there_is_an_empty_one(reading):
    feed = reading()
    assert feed.source(None, 7) == "assumed"
    assert feed.source("Mars", -1) == "assumed"
