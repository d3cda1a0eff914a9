"""``Settings(locale=)``: dates, week start, 12 or 24 hours, and what extcal says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hosting import MONDAY, NOW, Site, signed_in

from extcal.testing import ManualClock
from extcal.testing.server import FeedServer
from host_app import demo
from host_app.app import Settings, create_app

pytest.importorskip("babel", reason="Babel is not installed")

Open = Callable[[str], Site]


@pytest.fixture
def in_locale(tmp_path: Path, three_people: Path, feed_server: FeedServer) -> Open:
    def site(locale: str) -> Site:
        found = demo.addresses(feed_server, MONDAY)
        clock, folder = ManualClock(NOW), shutil.copytree(three_people, tmp_path / "data")
        settings = Settings(
            folder,
            hosts=("testserver",),
            https=False,
            clock=clock,
            locale=locale,
            allow_networks=feed_server.networks,
        )
        app = create_app(settings)
        return Site(app, clock, feed_server, found["Google-like"], found["Outlook-like"], folder)

    return site


def test_german(in_locale: Open) -> None:
    site = in_locale("de")
    with signed_in(site, "Ada") as ada:
        ada.paste(site.google)
        week = ada.see("/calendar/week", day="2027-01-06")
        assert "4. Januar – 10. Januar 2027" in week
        assert "13:30" in week
        month = ada.see("/calendar/month", day="2027-01-06")
        assert month.index("Montag") < month.index("Sonntag")
        assert "Januar 2027" in month
        refused = ada.paste("https://calendar.google.com/calendar/u/0/r")
        assert "Seite für Menschen" in refused.text


def test_american_weeks_begin_on_sunday_and_have_twelve_hours(in_locale: Open) -> None:
    site = in_locale("en-US")
    with signed_in(site, "Ada") as ada:
        ada.paste(site.google)
        month = ada.see("/calendar/month", day="2027-01-06")
        assert month.index("Sunday") < month.index("Monday")
        week = ada.see("/calendar/week", day="2027-01-06")
        assert "January 3 – January 9, 2027" in week
        assert "1:30 PM" in week
        assert "13:30" not in week
