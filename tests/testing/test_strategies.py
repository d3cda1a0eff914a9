"""What the strategies draw is what they say it is."""

from __future__ import annotations

from datetime import datetime

import icalendar
from hypothesis import Phase, find, given, settings

import extcal
from extcal.testing import feed_text, strategies
from extcal.testing.oddities import BODIES, COMPONENTS

# What is found need not be made small, which takes far longer than to find it.
FOUND = settings(phases=[Phase.generate])


@given(strategies.feeds(), strategies.windows())
def test_feeds_are_valid_and_read_without_a_problem(feed: bytes, window: extcal.Period) -> None:
    """Neither extcal nor icalendar finds anything to say."""
    found = extcal.expand(feed, window.start, window.end, timezone="Europe/Berlin")
    assert found.problems == ()
    assert found.complete
    for component in icalendar.Calendar.from_ical(feed).walk("VEVENT"):
        assert not component.errors
        assert component["UID"]
        assert component["DTSTAMP"]


@given(strategies.feeds(odd=True), strategies.windows())
def test_odd_feeds_are_still_readings(feed: bytes, window: extcal.Period) -> None:
    """Whatever is in a feed, a reading raises nothing but NotACalendar."""
    try:
        extcal.expand(feed, window.start, window.end, timezone="Europe/Berlin")
    except extcal.NotACalendar:
        assert b"END:VCALENDAR" not in feed.upper()


@given(strategies.events(odd=True))
def test_an_odd_event_costs_no_other(text: str) -> None:
    """Beside it, a plain event is still found."""
    plain = "BEGIN:VEVENT\nUID:plain\nDTSTART:20270601T090000Z\nDURATION:PT1H\nEND:VEVENT"
    start, end = _at("2027-06-01T00:00Z"), _at("2027-06-02T00:00Z")
    found = extcal.expand(feed_text(text, plain), start, end)
    assert any(event.uid == "plain" for event in found.events)


@given(strategies.windows())
def test_windows_lie_between_their_dates(window: extcal.Period) -> None:
    assert _at("2027-01-01T00:00Z") <= window.start < window.end <= _at("2028-01-01T00:00Z")


def test_events_and_windows_meet() -> None:
    """Busy time is found without searching for long."""
    find(
        strategies.feeds(min_events=1),
        lambda feed: bool(
            extcal.free_busy(
                feed, _at("2027-03-01T00:00Z"), _at("2027-06-01T00:00Z"), timezone="UTC"
            ).periods
        ),
        settings=FOUND,
    )


def test_free_busies_hold_every_type_and_unknown_time() -> None:
    for fbtype in list(extcal.FBType)[1:]:
        find(
            strategies.free_busies(),
            lambda fb, wanted=fbtype: any(period.fbtype is wanted for period in fb),
            settings=FOUND,
        )
    find(strategies.free_busies(), lambda fb: bool(fb.unknown), settings=FOUND)


@given(strategies.free_busies(unknown=False))
def test_free_busies_may_know_everything(free_busy: extcal.FreeBusy) -> None:
    assert free_busy.unknown == ()


def test_every_oddity_changes_a_feed_that_has_what_it_bends() -> None:
    """An oddity that bends nothing would be no test."""
    text = (
        "BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20270101T000000Z\r\nDTSTART;TZID=Europe/Rome:20270104T090000\r\n"
        "DURATION:PT1H\r\nRRULE:FREQ=DAILY\r\nSUMMARY:Café\r\nEND:VEVENT\r\n"
    )
    assert [odd.__name__ for odd in COMPONENTS if odd(text) == text] == ["as_it_is"]
    body = feed_text(text)
    assert [odd.__name__ for odd in BODIES if odd(body) == body.encode()] == ["in_utf8"]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
