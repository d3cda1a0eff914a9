"""The booking page keeps its promises: free slots, fresh before booking, moved, cancelled."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from booking_page.__main__ import PRIVATE, WORK
from extcal.testing import event, feed_text

VISITOR = {"name": "Bob", "email": "bob@example.org", "minutes": "30"}


@pytest.fixture
def visitor(site: Any) -> TestClient:
    return TestClient(site.app)


def offered(visitor: TestClient, path: str = "/?minutes=30") -> list[str]:
    """The slots on a page, in Ada's time."""
    return [f"{slot:%a %H:%M}" for slot in values(visitor, path)]


def values(visitor: TestClient, path: str = "/?minutes=30") -> list[datetime]:
    page = visitor.get(path)
    assert page.status_code == 200, page.text
    found = re.findall(r'name="slot" value="([^"]+)"', page.text)
    return [datetime.fromisoformat(one).astimezone(ZoneInfo("Europe/Berlin")) for one in found]


def book(visitor: TestClient, slot: datetime, **fields: str) -> Response:
    return visitor.post("/book", data={**VISITOR, "slot": slot.isoformat(), **fields})


def test_only_free_slots_of_both_calendars_are_offered(visitor: TestClient) -> None:
    """Hours, two hours' notice, a quarter after a meeting, at most eight a day."""
    slots = offered(visitor)
    monday = ("10:00", "10:30", "11:00", "11:30", "12:00", "12:30", "13:00", "13:30")
    assert slots[:8] == [f"Mon {hour}" for hour in monday]
    assert [slot for slot in slots if slot.startswith("Tue")][:6] == [
        "Tue 10:00", "Tue 10:30", "Tue 11:00", "Tue 11:30", "Tue 12:00", "Tue 16:00",
    ]  # fmt: skip
    assert "Wed 10:00" in slots  # a birthday does not block
    thursday = [slot for slot in values(visitor) if slot.day == 7]
    assert not [slot for slot in thursday if 13 < slot.hour + slot.minute / 60 < 15.5]
    assert not any(slot.startswith(("Sat", "Sun")) for slot in slots)


def test_no_title_is_on_any_page_or_in_the_file(visitor: TestClient, tmp_path: Path) -> None:
    done = book(visitor, values(visitor)[0])
    shown = visitor.get("/").text + done.text
    stored = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for title in ("Stand-up", "Dentist", "birthday", "5ec2e7"):
        assert title not in shown
        assert title.encode() not in stored


def test_a_slot_is_booked_once(visitor: TestClient, tmp_path: Path) -> None:
    """And what was known then is kept with it."""
    slot = values(visitor)[2]
    done = book(visitor, slot)
    assert done.url.path.startswith("/booking/")
    assert "Monday, 4 January 2027, 11:00" in done.text
    assert slot not in values(visitor)
    again = book(visitor, slot)
    assert again.status_code == 409
    assert "Somebody was faster" in again.text
    assert "bob@example.org" in again.text  # the form is not lost
    with sqlite3.connect(tmp_path / "bookings.db") as database:
        ((known,),) = database.execute("SELECT known FROM bookings").fetchall()
    (person,) = json.loads(known)["people"]
    assert (person["status"], person["state"]) == ("FREE", "fresh")


def test_before_it_is_booked_the_calendars_are_read_again(visitor: TestClient, site: Any) -> None:
    """What the owner put into a calendar ten minutes ago counts."""
    slot = values(visitor)[2]
    body = feed_text(event("2027-01-04T10:15Z", "PT30M", summary="Call"))
    site.server.serve(WORK, body)
    site.clock.advance(timedelta(minutes=10))
    assert slot in values(visitor)  # a page may be a little older
    assert book(visitor, slot).status_code == 409
    assert slot not in values(visitor)


@pytest.mark.parametrize(
    "slot",
    ["2027-01-04T10:07:00+00:00", "2027-01-04T06:00:00+00:00", "2027-01-09T10:00:00+00:00",
     "2027-03-01T10:00:00+00:00", "2027-01-04T08:30:00+00:00"],
)  # fmt: skip
def test_a_time_that_was_never_offered_is_not_booked(visitor: TestClient, slot: str) -> None:
    """Off the grid, before the hours, on a Saturday, beyond the horizon, within the notice."""
    assert book(visitor, datetime.fromisoformat(slot)).status_code == 409


@pytest.mark.parametrize(
    "fields",
    [{"slot": ""}, {"slot": "soon"}, {"slot": "2027-01-04T10:00"}, {"name": " "}, {"email": "bob"}],
)
def test_a_form_with_a_mistake_is_shown_again(visitor: TestClient, fields: dict[str, str]) -> None:
    sent = {**VISITOR, "slot": values(visitor)[0].isoformat(), **fields}
    answer = visitor.post("/book", data=sent)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_a_booking_is_moved_although_the_calendar_shows_it(
    visitor: TestClient, site: Any, tmp_path: Path
) -> None:
    """The owner's calendar contains the booking by now; it does not stand in its own way."""
    slot = values(visitor)[2]
    page = book(visitor, slot).url.path
    with sqlite3.connect(tmp_path / "bookings.db") as database:
        ((uid,),) = database.execute("SELECT uid FROM bookings").fetchall()
    site.server.serve(
        PRIVATE, feed_text(event(slot.astimezone(UTC), timedelta(minutes=30), uid=uid))
    )
    site.clock.advance(timedelta(minutes=31))
    assert slot not in values(visitor)
    assert slot in values(visitor, page)
    later = slot + timedelta(minutes=30)
    moved = visitor.post(page, data={"slot": later.isoformat()})
    assert "11:30" in moved.text
    assert visitor.post(page, data={"slot": "never"}).status_code == 422
    assert visitor.post(page, data={"slot": "2027-01-09T10:00:00+00:00"}).status_code == 409
    visitor.post(page, data={"cancel": "yes"})
    assert visitor.get(page).status_code == 404
    assert visitor.post(page, data={"cancel": "yes"}).status_code == 404


def test_if_a_calendar_cannot_be_read_nothing_is_offered(visitor: TestClient, site: Any) -> None:
    site.server.forget(WORK)
    answer = visitor.get("/")
    assert answer.status_code == 503
    assert "cannot be read just now" in answer.text
    assert book(visitor, datetime(2027, 1, 4, 10, tzinfo=UTC)).status_code == 503
