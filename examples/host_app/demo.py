"""The data of the demo: three people, a few events, two calendars whose addresses can be pasted.

The calendars are served from this machine, on the loopback interface, so that everything works
without a network. That is why the demo allows a private network; your own application must not.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from pathlib import Path

from starlette.applications import Starlette

from extcal.testing.server import FeedServer
from host_app.database import Person
from host_app.web import Host

__all__ = ["addresses", "fill"]

_FEEDS = Path(__file__).resolve().parent.parent / "feeds"
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


def addresses(server: FeedServer, monday: date) -> dict[str, str]:
    """Serve both calendars for the week of ``monday``; returns their addresses, by name."""
    return {
        "Google-like": server.serve(
            "/calendar/ical/ada%40example.org/private-5ec2e7/basic.ics",
            _filled("google.ics.in", monday),
            etag='"google-1"',
        ),
        "Outlook-like": server.serve(
            "/owa/calendar/b0b@example.com/5ec2e7/calendar.ics",
            _filled("outlook.ics.in", monday),
            etag='"outlook-1"',
        ),
    }


def fill(app: Starlette, monday: date, outlook: str = "") -> None:
    """Add three people and their bookings around ``monday``, if the database is empty.

    ``outlook``: the address that the second person has pasted already.
    """
    host: Host = app.state.host
    if host.database.people():
        return
    ada = _person(host, "Ada Byron", "ada@example.org", "Europe/Berlin")
    bob = _person(host, "Bob Aldous", "bob@example.com", "Europe/London")
    charles = _person(host, "Charles Babbage", "charles@example.org", "Europe/Berlin")
    if outlook:
        host.calendars.connect(outlook, bob)
    for title, day, at, minutes, people in (
        ("Design review", 0, time(11, 15), 45, (ada, bob)),
        ("Interview", 1, time(10), 60, (charles, ada)),
        ("Budget", 1, time(16), 60, (charles,)),
        ("Lunch with the customer", 3, time(12), 90, (ada, charles)),
        ("One-on-one", 10, time(14), 30, (ada, bob)),
        ("Demo for the customer", -5, time(15), 60, (ada, bob, charles)),
        ("Retrospective", -3, time(13), 60, (ada, bob)),
    ):
        start = datetime.combine(monday + timedelta(days=day), at, ada.zone)
        host.database.book(
            title,
            start,
            start + timedelta(minutes=minutes),
            people[0].id,
            [each.id for each in people],
        )


def _person(host: Host, name: str, email: str, zone: str) -> Person:
    found = host.database.person(host.database.add_person(name, email, zone))
    assert found is not None
    return found


def _filled(template: str, monday: date) -> str:
    text = (_FEEDS / template).read_text("utf-8")
    body = re.sub(
        r"\{(" + "|".join(_WEEKDAYS) + r")([+-]\d+)?\}",
        lambda found: f"{_day(monday, found[1], int(found[2] or 0)):%Y%m%d}",
        text,
    )
    return body.replace("\n", "\r\n")


def _day(monday: date, weekday: str, offset: int) -> date:
    return monday + timedelta(days=_WEEKDAYS.index(weekday) + offset)
