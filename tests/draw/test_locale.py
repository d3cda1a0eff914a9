"""``locale=``: the language, the dates and the clock of pictures; English and 24 hours without."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import extcal
from extcal.messages import Catalogue
from extcal.testing import FakeFetcher, ManualClock, event, feed_text

pytest.importorskip("babel", reason="Babel is not installed")

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2027, 1, 4, tzinfo=BERLIN)
HOURS = extcal.WorkingHours("MO-FR", "09:00", "17:00", BERLIN)


def busy(days: int = 2) -> extcal.FreeBusy:
    return extcal.FreeBusy.from_periods(
        (MONDAY, MONDAY + timedelta(days=days)),
        [(MONDAY.replace(hour=9, minute=30), MONDAY.replace(hour=15))],
        [(MONDAY + timedelta(hours=30), MONDAY + timedelta(hours=48))],
    )


@pytest.mark.parametrize("form", ["to_html", "to_svg"])
def test_german(form: str) -> None:
    draw = getattr(busy(), form)
    picture = draw(BERLIN, hours=HOURS, locale="de")
    for words in ("Belegt", "Unbekannt", "Mo., 4. Jan.", "09:30–15:00", "Arbeitszeit", "24:00"):
        assert words in picture
    for words in ("Busy", "Unknown", "Mon ", "Working hours", "imes in"):
        assert words not in picture
    assert draw(BERLIN, hours=HOURS) == draw(BERLIN, hours=HOURS, locale=None)


def test_twelve_hours_where_people_have_them() -> None:
    picture = busy().to_html(BERLIN, locale="en-US")
    assert "Mon, Jan 4" in picture
    assert "9:30 AM–3:00 PM" in picture
    assert "12:00 AM" in picture
    assert "24:00" not in picture


def test_a_timeline() -> None:
    picture = busy(21).to_html(BERLIN, locale="de-AT")
    assert "Mo 4" in picture
    assert re.search(r"Zeiten in Europe/Berlin, jeder Tag \d\d:00–\d\d:00", picture)


def test_a_table_of_people_and_the_owners_calendar() -> None:
    url = "https://x.example/a.ics"
    clock = ManualClock("2027-01-04T08:00Z")
    web = FakeFetcher({url: feed_text(event("2027-01-04", summary="Messe"))})
    calendars = extcal.CalendarCache(fetcher=web, clock=clock)
    table = calendars.availability({"Ada": url}, MONDAY, MONDAY + timedelta(days=1))
    assert "Verfügbarkeit von Ada" in table.to_html(BERLIN, locale="de")
    assert "Verfügbarkeit von Ada" in table.to_svg(BERLIN, locale="de")
    snapshot = calendars.get(url)
    web.set(url, extcal.Failed("timeout"))
    clock.advance(timedelta(hours=1))
    for picture in (calendars.get(url).to_html(BERLIN, locale="de"),):
        assert "Ganztägig" in picture
        assert "Stand Mo., 4. Jan. 09:00" in picture
    assert "All day" in snapshot.to_html(BERLIN)


def test_a_catalogue_of_the_hosts_own() -> None:
    french = Catalogue("fr", {"type.BUSY": "Occupé"})
    picture = busy().to_html(BERLIN, locale=french)
    assert "Occupé" in picture
    assert "lun. 4 janv." in picture
    assert "Unknown" in picture


def test_what_is_no_locale() -> None:
    for wrong, error in (("fr", ValueError), ("de-!", ValueError), (7, TypeError)):
        with pytest.raises(error):
            busy().to_html(BERLIN, locale=wrong)  # type: ignore[arg-type]
    assert "Busy" in busy().to_html(BERLIN)


def test_the_environment_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANG", "LC_ALL", "LC_TIME", "LANGUAGE"):
        monkeypatch.setenv(name, "de_DE.UTF-8")
    assert "Busy" in busy().to_html(BERLIN)
    assert "9:30 AM" in busy().to_html(BERLIN, locale="en-US")
