"""Feeds in a line are valid RFC 5545 text, and always the same one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

import extcal
from extcal.testing import event, feed_text

START, END = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 6, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def read(*components: str, **head: str) -> tuple[extcal.ExternalEvent, ...]:
    expansion = extcal.expand(feed_text(*components, **head), START, END)
    assert expansion.problems == ()
    return expansion.events


def test_start_and_length() -> None:
    """``event("2027-01-04T09:00", "PT1H", tz=...)`` is that hour in that zone."""
    (found,) = read(event("2027-01-04T09:00", "PT1H", tz="Europe/Berlin"))
    assert found.start == datetime(2027, 1, 4, 9, tzinfo=BERLIN)
    assert found.end == datetime(2027, 1, 4, 10, tzinfo=BERLIN)


@pytest.mark.parametrize(
    "end",
    ["PT90M", timedelta(minutes=90), "2027-01-04T10:30", datetime(2027, 1, 4, 10, 30)],
    ids=["duration", "timedelta", "text", "datetime"],
)
def test_an_end_is_a_moment_or_a_length(end: str | timedelta | datetime) -> None:
    """Ends are written as people think of them."""
    (found,) = read(event("2027-01-04T09:00", end, tz="America/New_York"))
    assert found.end - found.start == timedelta(minutes=90)


def test_without_an_end_an_event_takes_an_hour_or_a_day() -> None:
    """The default is what a test most often means."""
    hour, day = read(event("2027-01-04T09:00Z"), event("2027-01-05"), timezone="UTC")
    assert hour.end - hour.start == timedelta(hours=1)
    assert day.all_day
    assert (day.first_day, day.last_day) == (date(2027, 1, 5), date(2027, 1, 5))


def test_aware_datetimes_say_their_own_zone() -> None:
    """A ZoneInfo becomes a TZID, anything else UTC."""
    text = event(datetime(2027, 1, 4, 9, tzinfo=BERLIN), datetime(2027, 1, 4, 9, tzinfo=UTC))
    assert "DTSTART;TZID=Europe/Berlin:20270104T090000" in text
    assert "DTEND:20270104T090000Z" in text


def test_a_series_with_exceptions() -> None:
    """rrule, exdate, rdate and recurrence_id write what they are named after."""
    when = [
        found.start.astimezone(BERLIN)
        for found in read(
            event(
                "2027-01-04T09:00",
                tz="Europe/Berlin",
                uid="a",
                rrule="FREQ=WEEKLY;COUNT=4",
                exdate="2027-01-11T09:00",
                rdate=["2027-01-12T09:00"],
            ),
            event(
                "2027-01-18T15:00", tz="Europe/Berlin", uid="a", recurrence_id="2027-01-18T09:00"
            ),
        )
    ]
    assert [f"{moment:%d %H}" for moment in when] == ["04 09", "12 09", "18 15", "25 09"]


def test_status_and_transparency_are_read_back() -> None:
    """``transparent``, ``status`` and extra lines decide how an event counts."""
    free, tentative, away = read(
        event("2027-01-04T09:00Z", transparent=True),
        event("2027-01-05T09:00Z", status="TENTATIVE"),
        event("2027-01-06T09:00Z", extra="X-MICROSOFT-CDO-BUSYSTATUS:OOF"),
        prodid="-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN",
    )
    kinds = [found.fbtype.token for found in (free, tentative, away)]
    assert kinds == ["FREE", "BUSY-TENTATIVE", "BUSY-UNAVAILABLE"]


@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))))
def test_text_is_escaped_and_folded(text: str) -> None:
    """Any title survives; lines are 75 octets at most (section 3.1) and end in CRLF."""
    body = feed_text(event("2027-01-04T09:00Z", summary=f"x{text}\nsecond line", location=text))
    assert all(len(line.encode()) <= 75 for line in body.split("\r\n"))
    assert body.count("\n") == body.count("\r\n")
    (found,) = icalendar.Calendar.from_ical(body).walk("VEVENT")
    assert str(found["SUMMARY"]) == f"x{text}\nsecond line"
    assert str(found["LOCATION"]) == text


def test_the_same_arguments_give_the_same_text() -> None:
    """No clock, no random UID; different events have different UIDs."""
    assert event("2027-01-04") == event("2027-01-04")
    one, two = read(event("2027-01-04T09:00Z"), event("2027-01-04T10:00Z"))
    assert one.uid != two.uid


def test_zones_are_defined_as_they_are() -> None:
    """The VTIMEZONE of an IANA zone gives the offsets of the zone (section 3.6.5)."""
    body = feed_text(event("2027-01-04T09:00", tz="America/New_York", rrule="FREQ=DAILY"))
    (definition,) = icalendar.Calendar.from_ical(body).walk("VTIMEZONE")
    defined, real = definition.to_tz(), ZoneInfo("America/New_York")
    for day in range(0, 3000, 3):
        moment = datetime(2026, 1, 1, 12) + timedelta(days=day)
        assert defined.utcoffset(moment) == real.utcoffset(moment)


def test_foreign_zones_are_left_to_the_caller() -> None:
    """What is no IANA zone, or is defined by hand, is not defined twice."""
    named = event("2027-01-04T09:00", tz="W. Europe Standard Time")
    assert "VTIMEZONE" not in feed_text(named)
    own = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nEND:VTIMEZONE"
    assert feed_text(own, event("2027-01-04T09:00", tz="Europe/Berlin")).count("TZID:") == 1
    assert "VTIMEZONE" not in feed_text(event("2027-01-04T09:00", tz="UTC"), vtimezones=False)


def test_the_calendars_own_properties() -> None:
    """prodid, timezone, method and name are the calendar's."""
    body = feed_text(prodid="x", timezone="Asia/Tokyo", method="PUBLISH", name="Ada, work")
    assert "X-WR-TIMEZONE:Asia/Tokyo\r\n" in body
    assert "METHOD:PUBLISH\r\n" in body
    assert "X-WR-CALNAME:Ada\\, work\r\n" in body


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "PT0S"),
        (timedelta(days=2), "P2D"),
        (timedelta(hours=25), "PT25H"),
        (timedelta(hours=1, seconds=2), "PT1H0M2S"),
        (timedelta(minutes=5), "PT5M"),
        (-timedelta(minutes=5), "-PT5M"),
    ],
)
def test_lengths_are_durations(length: timedelta, text: str) -> None:
    """Section 3.3.6: hours, minutes and seconds without a gap between them."""
    assert f"DURATION:{text}\r\n" in event("2027-01-04T09:00Z", length)
