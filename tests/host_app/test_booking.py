"""A new event: who is free when, slots to choose from, booking, moving, and honest doubt."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from hosting import GOOGLE, OUTLOOK, YEAR, Site, User, signed_in

from extcal.testing import event, feed_text

BOTH = {"title": "Roadmap", "people": ["2"], "minutes": "45"}
FREE = {**BOTH, "day": "2027-01-05", "at": "11:30"}
BUSY = {**BOTH, "day": "2027-01-05", "at": "14:00"}  # Ada reviews a project, elsewhere


@pytest.fixture
def connected(site: Site, ada: User) -> Site:
    """Ada and Bob have both pasted their addresses."""
    ada.paste(site.google)
    with signed_in(site, "Bob") as bob:
        bob.paste(site.outlook)
    return site


def verdict(page: str) -> str:
    return unescape(re.findall(r'data-verdict="([^"]*)"', page)[0])


def slots(page: str) -> list[str]:
    return re.findall(r'name="slot" value="([^"]*)"', page)


def area(user: User, **fields: Any) -> str:
    """The Free / Busy area for a form."""
    answer = user.send("/events/free-busy", **{**FREE, **fields})
    assert answer.status_code == 200
    return answer.text


def standings(page: str) -> list[str]:
    found = re.findall(r"<li class=\"(?:free|taken|unknown|none).*?</li>", page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in found]


def test_both_peoples_time_is_shown(connected: Site, ada: User) -> None:
    """extcal's drawing, how each stands at the chosen time, and when each was last refreshed."""
    page = area(ada, at="14:00")
    assert verdict(page) == "Tue 5 Jan, 14:00–14:45: Ada Byron is busy."
    assert standings(page) == [
        "Ada Byron Busy last refreshed just now (11:00)",
        "Bob Aldous Free last refreshed just now (11:00)",
    ]
    assert '<figure class="extcal-grid' in page
    assert "Thu 7 Jan 11:30" in page  # Bob is away from then on
    for title in ("Project review", "Team sync", "Focus time", "Design review"):
        assert title not in page


def test_free_slots_are_buttons_that_fill_in_the_form(connected: Site, ada: User) -> None:
    """Pressed without scripts, a slot comes back in the fields, and nothing is booked."""
    before = connected.host.database.events(1, *YEAR)
    offered = slots(area(ada))
    assert "2027-01-05T11:30" in offered
    assert "2027-01-05T14:00" not in offered
    page = ada.send("/events/preview", **{**BUSY, "slot": "2027-01-06T10:30"}).text
    assert 'name="day" type="date" min="2027-01-03" value="2027-01-06"' in page
    assert 'name="at" type="time" value="10:30"' in page
    assert verdict(page) == "Wed 6 Jan, 10:30–11:15: everybody is free."
    assert re.search(r'value="2027-01-06T10:30"[^>]*aria-pressed="true"', page)
    assert connected.host.database.events(1, *YEAR) == before


def test_every_slot_that_is_offered_can_be_booked(connected: Site, ada: User) -> None:
    """What the buttons promise is what the check at booking finds."""
    offered = slots(area(ada))
    assert len(offered) > 10
    for slot in offered:
        day, _, at = slot.partition("T")
        assert verdict(area(ada, day=day, at=at)).endswith("everybody is free.")


def test_slots_lie_ahead_and_within_everybodys_hours(connected: Site, ada: User) -> None:
    """Bob's nine o'clock in London is ten in Berlin; what has passed today is not offered."""
    connected.clock.set("2027-01-05T12:10Z")
    offered = slots(area(ada, minutes="30"))
    assert min(offered) == "2027-01-05T13:30"
    assert all("10:00" <= each[11:] <= "16:30" for each in offered)


def test_booking_saves_the_hosts_own_event(connected: Site, ada: User) -> None:
    """It is on the page it leads to, on both calendars, and in both people's busy time."""
    page = ada.send("/events", **FREE).text
    assert "Booked." in page
    assert "Tuesday, 5 January 2027, 11:30–12:15" in page
    assert "Ada Byron" in page
    assert "Bob Aldous" in page
    found = connected.host.database.events(2, *YEAR)[-2]
    assert (found.title, found.organiser, found.people) == ("Roadmap", 1, {1, 2})
    assert found.start == datetime(2027, 1, 5, 10, 30, tzinfo=UTC)
    with signed_in(connected, "Bob") as bob:
        assert "Roadmap" in bob.see("/calendar/week", day="2027-01-05")
    assert verdict(area(ada)) == ("Tue 5 Jan, 11:30–12:15: Ada Byron is busy, Bob Aldous is busy.")


def test_nobody_is_booked_over_without_being_asked(connected: Site, ada: User) -> None:
    """The check is made again at booking; only a deliberate tick overrules it."""
    before = connected.host.database.events(1, *YEAR)
    answer = ada.send("/events", **BUSY)
    assert answer.status_code == 409
    assert "Not booked yet." in answer.text
    assert "Ada Byron is busy" in answer.text
    assert connected.host.database.events(1, *YEAR) == before
    assert "Booked." in ada.send("/events", **BUSY, anyway="yes").text


def test_two_who_book_the_same_slot(connected: Site, ada: User) -> None:
    """The second is told, although the slot was free when the page was made."""
    with signed_in(connected, "Charles") as charles:
        assert "Booked." in ada.send("/events", **FREE).text
        assert charles.send("/events", **FREE).status_code == 409


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"title": "  "}, "title"),
        ({"day": ""}, "day"),
        ({"day": "2027-13-01"}, "day"),
        ({"day": "9999-12-31"}, "day"),
        ({"at": ""}, "at"),
        ({"at": "11:30+02:00"}, "at"),
        ({"day": "2027-01-02"}, "at"),
        ({"day": "2027-03-28", "at": "02:30"}, "at"),  # the clocks skip it in Berlin
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    site: Site, ada: User, wrong: dict[str, str], name: str
) -> None:
    before = site.host.database.events(1, *YEAR)
    answer = ada.send("/events", **{**FREE, **wrong})
    assert answer.status_code == 422
    assert f'id="{name}-error"' in answer.text
    assert site.host.database.events(1, *YEAR) == before


def test_nonsense_in_a_form_is_no_error_of_the_host(site: Site, ada: User) -> None:
    """Whatever is sent in the place of numbers and names of people."""
    for fields in ({"minutes": "-5"}, {"minutes": "10000000"}, {"people": ["x", "99", "1"]}):
        assert "Free / busy" not in verdict(area(ada, **fields))
    assert slots(area(ada, slot="2027-01-06T99:99", at=""))


def test_half_an_hour_is_kept(connected: Site, ada: User) -> None:
    """The area asks publishers once what they have is older than 30 minutes, and not before."""
    site = connected
    area(ada)
    assert (site.asked(GOOGLE), site.asked(OUTLOOK)) == (1, 1)
    site.clock.advance(timedelta(minutes=30))
    assert "last refreshed 30 minutes ago (11:00)" in area(ada)
    assert (site.asked(GOOGLE), site.asked(OUTLOOK)) == (1, 1)
    site.clock.advance(timedelta(seconds=1))
    assert "last refreshed just now (11:30)" in area(ada)
    assert (site.asked(GOOGLE), site.asked(OUTLOOK)) == (2, 2)


def test_the_refresh_button_keeps_its_distance(connected: Site, ada: User) -> None:
    """It asks everybody's publishers at once, half a minute after the last time at the earliest."""
    site = connected
    site.clock.advance(timedelta(seconds=29))
    area(ada, refresh="yes")
    assert (site.asked(GOOGLE), site.asked(OUTLOOK)) == (1, 1)
    site.clock.advance(timedelta(seconds=2))
    area(ada, refresh="yes")
    ada.send("/events/preview", **FREE, refresh="yes")
    assert (site.asked(GOOGLE), site.asked(OUTLOOK)) == (2, 2)


def test_a_refresh_that_fails_says_so(connected: Site, ada: User) -> None:
    """Even where what was read before is young enough to be shown."""
    site = connected
    site.clock.advance(timedelta(minutes=3))
    site.server.fail(OUTLOOK, "500")
    first, second = standings(area(ada, refresh="yes"))
    assert first == "Ada Byron Free last refreshed just now (11:03)"
    assert second.startswith("Bob Aldous Free last refreshed 3 minutes ago (11:00) ")
    assert second.endswith("It could not be refreshed just now.")


def test_a_broken_feed_is_shown_as_it_was_and_says_so(connected: Site, ada: User) -> None:
    """The stale note: when, and why; the other person is fresh."""
    site = connected
    site.clock.advance(timedelta(minutes=47))
    site.server.fail(OUTLOOK, "500")
    page = area(ada)
    first, second = standings(page)
    assert first == "Ada Byron Free last refreshed just now (11:47)"
    assert second.startswith("Bob Aldous Free last refreshed 47 minutes ago (11:00) Stale: ")
    assert "the server failed" in second
    assert "2027-01-05T11:30" in slots(page)


def test_what_nobody_knows_is_not_free(connected: Site, ada: User) -> None:
    """A day after the last reading Bob's time is unknown: no slots, and the reason is said."""
    site = connected
    site.clock.advance(timedelta(hours=24, minutes=1))
    site.server.fail(OUTLOOK, "500")
    page = area(ada)
    assert verdict(page) == "Tue 5 Jan, 11:30–12:15: Bob Aldous is unknown."
    assert "nothing is known from the external calendar" in page
    assert "Unknown: a calendar could not be read: the server failed" in page
    assert slots(page) == []
    assert "part of the time of Bob Aldous is unknown" in page
    assert ada.send("/events", **FREE).status_code == 409


def test_beyond_three_months_is_unknown(connected: Site, ada: User) -> None:
    """Nobody has looked that far ahead, so nobody is promised to be free."""
    page = area(ada, day="2027-06-01")
    assert verdict(page) == ("Tue 1 Jun, 11:30–12:15: Ada Byron is unknown, Bob Aldous is unknown.")


def test_who_has_no_external_calendar_is_known_by_their_bookings(site: Site, ada: User) -> None:
    page = area(ada, people=["3"], at="16:00")
    assert "Charles Babbage Busy no external calendar: only what is booked here" in standings(page)


def test_two_people_of_one_name_are_two(site: Site, ada: User) -> None:
    site.host.database.add_person("Bob Aldous", "other@example.com", "Europe/London")
    page = area(ada, people=["2", "4"])
    assert "Bob Aldous (bob@example.com)" in page
    assert "Bob Aldous (other@example.com)" in page


def test_moving_an_event_that_stands_in_its_own_way(connected: Site, ada: User) -> None:
    """Its own time counts as free, here and where it came back through somebody's calendar."""
    site = connected
    (review,) = [e for e in site.host.database.events(1, *YEAR) if e.title == "Design review"]
    back = feed_text(
        event(review.start, review.end, uid=review.uid, summary="Design review"),
        event("2027-01-04T13:00Z", "PT1H", summary="Something else"),
    )
    ada.paste(site.server.serve("/back.ics", back))
    at = {"title": "Design review", "people": ["2"], "day": "2027-01-04", "minutes": "45"}
    assert "Ada Byron is busy" in verdict(area(ada, **at, at="11:15"))
    path = f"/events/{review.id}"
    moved = ada.send(f"{path}/free-busy", **at, at="11:30").text
    assert verdict(moved) == "Mon 4 Jan, 11:30–12:15: everybody is free."
    assert standings(moved)[0] == "Ada Byron Free last refreshed just now (11:00)"
    blocked = ada.send(f"{path}/free-busy", **at, at="14:15").text
    assert "Ada Byron is busy" in verdict(blocked)
    assert "Saved." in ada.send(path, **at, at="11:30").text
    changed = site.host.database.event(review.id)
    assert changed is not None
    assert changed.start == review.start + timedelta(minutes=15)
    assert changed.uid == review.uid


def test_moving_where_a_feed_is_broken(connected: Site, ada: User) -> None:
    """The last good reading is used, with its age; where there is none, the time is unknown."""
    site = connected
    (review,) = [e for e in site.host.database.events(1, *YEAR) if e.title == "Design review"]
    path = f"/events/{review.id}/free-busy"
    at = {"title": "x", "people": ["2"], "day": "2027-01-04", "minutes": "45", "at": "11:15"}
    site.server.fail(OUTLOOK, "500")
    site.clock.advance(timedelta(minutes=31))
    assert "Stale: " in ada.send(path, **at).text
    site.clock.advance(timedelta(hours=24))
    assert "Bob Aldous is unknown" in verdict(ada.send(path, **at).text)


def test_cancelling_frees_the_time(connected: Site, ada: User) -> None:
    number = int(re.findall(r"/events/(\d+)/edit", ada.send("/events", **FREE).text)[0])
    assert "is cancelled" in ada.send(f"/events/{number}/cancel").text
    assert ada.get(f"/events/{number}").status_code == 404
    assert verdict(area(ada)).endswith("everybody is free.")


def test_nobody_hides_behind_a_name(site: Site, ada: User) -> None:
    """Two of one name are told apart, and a third who calls themselves as they are shown, too."""
    for number, name in ((1, "Bob Aldous"), (3, "Bob Aldous (bob@example.com)")):
        person = site.host.database.person(number)
        assert person is not None
        site.host.database.change_person(
            number, name, person.email, person.timezone, person.opens, person.closes
        )
    page = area(ada, people=["2", "3"], day="2027-01-04", at="11:15")
    assert verdict(page) == (
        "Mon 4 Jan, 11:15–12:00: Bob Aldous (ada@example.org) is busy, "
        "Bob Aldous (bob@example.com) is busy."
    )
    assert len(standings(page)) == 3
    assert "Bob Aldous (bob@example.com) #3" in page


def test_a_day_that_is_over_says_so(connected: Site, ada: User) -> None:
    """The sentence, and the place of the slots; the picture marks the current time."""
    page = ada.see("/events/new", day="2026-12-14")
    assert "Mon 14 Dec has passed. Choose a later day." in page
    assert "This week has passed." in page
    today = ada.see("/events/new", day="2027-01-03")
    assert "has passed" not in today
    assert '<s style="left:' in today


def test_there_may_be_more_slots_than_are_shown(connected: Site, ada: User) -> None:
    """How many is said beside them."""
    assert re.search(r"\d+ more times", ada.see("/events/new", day="2027-01-05"))
