"""The caches answer in the zone of the question, and end when they are closed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import extcal
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

BERLIN = ZoneInfo("Europe/Berlin")
URL = "https://example.org/ada.ics"
FEED = feed_text(event("2027-01-04T09:00", "PT1H", tz="Europe/Berlin"))
WEEK = extcal.days("2027-01-04", 5, "Europe/Berlin")


def cache() -> extcal.CalendarCache:
    return extcal.CalendarCache(
        fetcher=FakeFetcher({URL: FEED}), clock=ManualClock("2027-01-04T08:00Z")
    )


def test_the_zone_of_start_else_of_the_feed() -> None:
    """free_busy and availability have start's zone, a snapshot that of its feed, else UTC."""
    calendars = cache()
    feed = extcal.Feed(URL, timezone="Asia/Tokyo")
    asked = calendars.free_busy(feed, *WEEK)
    table = calendars.availability({"Ada": feed, "Bob": extcal.FreeBusy.from_periods(WEEK)}, *WEEK)
    for shown in (asked, table, table["Ada"], table["Bob"], extcal.free_busy(FEED, *WEEK)):
        assert "2027-01-04 00:00 to 2027-01-09 00:00 Europe/Berlin" in repr(shown)
        assert "Times in Europe/Berlin" in shown.to_html()
    snapshot = calendars.get(feed)
    assert "Times in Asia/Tokyo" in snapshot.to_html()
    assert "Times in Asia/Tokyo" in snapshot.to_svg()
    assert "Asia/Tokyo" in repr(snapshot.free_busy)
    assert "UTC" in repr(calendars.get(URL).free_busy)
    assert snapshot.free_busy == calendars.get(URL).free_busy
    assert "Asia/Tokyo" in repr(calendars.refresh(feed).free_busy)
    assert "Times in UTC" in calendars.availability({}, *WEEK).to_html()
    utc = calendars.free_busy(feed, *(moment.astimezone(UTC) for moment in WEEK))
    assert utc == asked
    assert "UTC" in repr(utc)
    assert "Europe/Berlin" in repr(extcal.expand(FEED, *WEEK).free_busy)
    written = extcal.write_freebusy(asked, uid="a", dtstamp=WEEK.start)
    assert "Europe/Berlin" in repr(extcal.read_freebusy(written, *WEEK))
    assert "UTC" in repr(extcal.read_freebusy(written))


def test_a_closed_cache_asks_nobody() -> None:
    """What is fresh is served, the rest is Unavailable; closing twice is closing once."""
    fetcher, clock = FakeFetcher({URL: FEED}), ManualClock("2027-01-04T08:00Z")
    with extcal.CalendarCache(fetcher=fetcher, clock=clock) as calendars:
        calendars.get(URL)
    calendars.close()
    assert calendars.get(URL).state is extcal.State.FRESH
    clock.advance(timedelta(minutes=31))
    with pytest.raises(extcal.Unavailable):
        calendars.get(URL)
    assert fetcher.count(URL) == 1


def test_closing_does_not_wait_for_a_stuck_fetcher() -> None:
    """Whoever waits for it has an answer, and its lease is given back."""
    begun, go_on = threading.Event(), threading.Event()

    class Stuck:
        def fetch(self, request: extcal.FetchRequest) -> extcal.FetchResponse:
            begun.set()
            go_on.wait(20)
            return extcal.Fetched(FEED.encode())

    calendars = extcal.CalendarCache(fetcher=Stuck(), clock=ManualClock("2027-01-04T08:00Z"))
    failed: list[type[BaseException]] = []

    def ask() -> None:
        try:
            calendars.get(URL)
        except extcal.Unavailable as error:
            failed.append(type(error))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        assert begun.wait(20)
        calendars.close()
        asking.join(20)
        assert failed == [extcal.Unavailable]
    finally:
        go_on.set()


def test_what_the_cache_made_is_closed_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own fetcher, where that can be closed; one that was passed in stays open."""
    closed: list[object] = []

    class Closing(FakeFetcher):
        def close(self) -> None:
            closed.append(self)

    theirs = Closing({URL: FEED})
    with extcal.CalendarCache(fetcher=theirs, clock=ManualClock("2027-01-04T08:00Z")) as calendars:
        calendars.get(URL)
    assert closed == []
    ours = Closing({URL: FEED})
    monkeypatch.setattr("extcal.fetch.HttpFetcher", lambda **_: ours)
    with extcal.CalendarCache(clock=ManualClock("2027-01-04T08:00Z")) as calendars:
        calendars.get(URL)
    assert closed == [ours]


@pytest.mark.parametrize(
    ("said", "seems"),
    [
        ("ada.ics", "a file's name"),
        (" Ada's calendar.ICS\n", "a file's name"),
        ("~/calendars/ada", "a file's name"),
        ("/home/ada/x.ical", "a file's name"),
        ("../ada", "a file's name"),
        ("C:\\Users\\ada\\x.ics", "a file's name"),
        ("https://example.org/ada.ics", "a CalendarCache"),
        ("webcals://example.org/ada.ics", "a CalendarCache"),
        ("example.org/ada.ics", "a CalendarCache"),
    ],
)
def test_names_of_files_and_addresses_are_not_feeds(said: str, seems: str) -> None:
    """`expand("ada.ics", ...)` says what it was given, without repeating it."""
    with pytest.raises(extcal.NotACalendar, match=seems) as raised:
        extcal.expand(said, *WEEK)
    assert "ada" not in str(raised.value)


def test_a_path_is_read_by_the_caller(tmp_path: object) -> None:
    with pytest.raises(TypeError, match=r"path\.read_bytes\(\)"):
        extcal.expand(tmp_path, *WEEK)  # type: ignore[arg-type]


def test_a_moment_of_a_feed() -> None:
    """A calendar in one line is a calendar, whatever it ends with."""
    text = "BEGIN:VCALENDAR\r\nEND:VCALENDAR x.ics"
    assert extcal.expand(text, datetime(2027, 1, 4, tzinfo=UTC), WEEK.end).empty
