"""The booking page offers the same slots as with its own engine, and books them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from justbookmycal import app as application
from justbookmycal import availability, invite
from justbookmycal.extensions import db

import booking_page
from extcal.testing import event, feed_text

NOW = datetime(2027, 3, 22, 7, 3, tzinfo=UTC)  # clocks change on Sunday
URL = "https://calendar.example.org/owner.ics"
BERLIN = {"tz": "Europe/Berlin"}
FEED = feed_text(
    event("2027-01-04T09:00", "PT45M", uid="a", rrule="FREQ=WEEKLY;BYDAY=MO,WE", **BERLIN),
    event("2027-01-05T14:10", "PT1H", uid="b", rrule="FREQ=DAILY;INTERVAL=3",
          exdate="2027-03-30T14:10", **BERLIN),
    event("2027-03-25", uid="c"),
    event("2027-03-24T11:00", "PT3H", uid="d", transparent=True, **BERLIN),
    event("2027-03-24T15:00", "PT1H", uid="e", status="CANCELLED", **BERLIN),
    event("2027-03-26T10:00Z", "PT25M", uid="f"),
)  # fmt: skip
SETTINGS = [
    {},
    {"BUFFER_MINUTES_BEFORE": 20, "BUFFER_MINUTES_AFTER": 5},
    {"SLOT_STEP_MINUTES": 50, "WORKING_HOURS": {"mon": ["08:20-12:00", "13:00-18:30"]}},
    {"TIMEZONE": "America/New_York", "MIN_NOTICE_HOURS": 1.5, "HORIZON_DAYS": 60},
    {"WORKING_HOURS": {"sun": ["00:00-05:00"], "sat": ["10:00-12:00", "12:00-14:00"]}},
]
their_slots, their_busy = availability.compute_slots, availability.get_busy
their_prefetch = availability.prefetch


@pytest.fixture(autouse=True)
def replaced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(availability, "_download", lambda url, timeout: FEED.encode())
    monkeypatch.setattr(availability, "utcnow", lambda: NOW)
    booking_page.install()
    yield
    availability.compute_slots, availability.get_busy = their_slots, their_busy
    availability.prefetch = their_prefetch


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("duration", [15, 30, 90])
def test_the_slots_are_those_of_its_own_engine(settings: dict[str, object], duration: int) -> None:
    defaults = {
        name: value for name, value in vars(application.AppConfig).items() if name.isupper()
    }
    cfg = {**defaults, "TIMEZONE": "Europe/Berlin", "ICS_FEEDS": [URL], **settings}
    rules = availability.Rules.from_config(cfg)
    window = (NOW - timedelta(days=1), NOW + rules.horizon + timedelta(days=1))
    expected = their_slots(rules, duration, their_busy(cfg, *window), NOW)
    found = availability.compute_slots(rules, duration, availability.get_busy(cfg, *window), NOW)
    assert found == expected != []


def test_a_visitor_books_moves_and_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the program's own pages: the slot goes, comes back, and is free again."""
    monkeypatch.setattr(invite, "_send", lambda cfg, messages: True)
    app = application.create_app(
        {
            "TESTING": True,
            "SECRET_KEY": "secret",
            "WTF_CSRF_ENABLED": False,
            "SQLALCHEMY_DATABASE_URI": "sqlite://",
            "RATE_LIMIT_POST": "1000 per hour",
            "TIMEZONE": "Europe/Berlin",
            "ICS_FEEDS": [URL],
            "OWNER_NAME": "Ada",
            "OWNER_EMAIL": "ada@example.org",
            "SYSTEM_EMAIL": "page@example.org",
        },
        debug=True,
    )
    with app.app_context():
        db.create_all()
        browser = app.test_client()

        def offered() -> list[str]:
            page = browser.get("/?duration=30").get_data(as_text=True)
            return re.findall(r"20\d\d-\d\d-\d\dT\d\d:\d\d:00Z", page)

        first, *others = offered()
        form = {"duration": "30", "name": "Bob", "email": "bob@example.org", "message": "Hello"}
        done = browser.post("/book", data={**form, "slot": first})
        assert done.status_code == 302
        assert first not in offered()
        assert browser.post("/book", data={**form, "slot": first}).status_code == 409
        manage = done.headers["Location"]
        moved = browser.post(manage, data={"action": "reschedule", "slot": others[-1]})
        assert moved.status_code == 302
        assert first in offered()
        assert others[-1] not in offered()
        browser.post(manage, data={"action": "cancel", "confirm": "yes"})
        assert others[-1] in offered()


def test_a_calendar_that_cannot_be_read_offers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(url: str, timeout: int) -> bytes:
        raise OSError("no network")

    monkeypatch.setattr(availability, "_download", broken)
    cfg = {"ICS_FEEDS": ["https://calendar.example.org/other.ics"], "TIMEZONE": "UTC"}
    cfg |= {"FEED_CACHE_SECONDS": 300, "HORIZON_DAYS": 30}
    with pytest.raises(availability.FeedError):
        availability.prefetch(cfg)
