"""Month and week: external events are there, marked, and lead nowhere; titles are their owner's."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hosting import GOOGLE, Site, User, signed_in
from starlette.routing import Route

from extcal.testing import event, feed_text

VIEWS = ("/calendar/week", "/calendar/month")


def items(page: str) -> list[tuple[str, str, str]]:
    """What is on the page between the days' names: element, classes, and text."""
    found = re.findall(r'<(a|div) class="(item [^"]*)"[^>]*>(.*?)</\1>', page, re.DOTALL)
    return [
        (tag, kind, " ".join(re.sub(r"<[^>]+>", " ", text).split())) for tag, kind, text in found
    ]


def of(page: str, title: str) -> tuple[str, str, str]:
    (found,) = [each for each in items(page) if title in each[2]]
    return found


@pytest.mark.parametrize("view", VIEWS)
def test_external_events_are_marked_and_lead_nowhere(site: Site, ada: User, view: str) -> None:
    """A mark in words beside the look; no link, no control, no place in the tab order."""
    ada.paste(site.google)
    page = ada.see(view, day="2027-01-06")
    tag, kind, text = of(page, "Focus time")
    assert (tag, kind.split()[1:3]) == ("div", ["external", "busy"])
    assert text == "Ext External: 13:30 –16:00 Focus time"
    whole = re.findall(r'<div class="item external.*?</div>', page, re.DOTALL)
    assert len(whole) >= 8
    for each in whole:
        assert not re.search(r"<a\b|<button|href=|tabindex|role=|onclick", each)


@pytest.mark.parametrize("view", VIEWS)
def test_the_hosts_own_events_can_be_opened(site: Site, ada: User, view: str) -> None:
    page = ada.see(view, day="2027-01-04")
    tag, kind, text = of(page, "Design review")
    assert (tag, kind.split()[1], "External" in text) == ("a", "own", False)
    assert re.search(r'<a class="item own busy ?[a-z]*" href="/events/1"', page)


def test_there_is_no_page_for_an_external_event(site: Site) -> None:
    """The only pages with an event in their address are those of the host's own, by number."""
    paths = [route.path for route in site.app.routes if isinstance(route, Route)]
    named = [path for path in paths if "{" in path]
    assert named
    assert all(path.startswith("/events/{number}") for path in named)


@pytest.mark.parametrize("view", VIEWS)
def test_others_see_types_and_times_only(site: Site, ada: User, view: str) -> None:
    """No title and no place of Ada's leaves her own calendar; what does not block is not shown."""
    ada.paste(site.google)
    with signed_in(site, "Bob") as bob:
        page = bob.see(view, person="1", day="2027-01-06")
    for title in ("Stand-up", "Grace", "Project", "Room 3", "Focus", "birthday", "Day off"):
        assert title not in page
    shown = [each for each in items(page) if "external" in each[1]]
    assert {text.split()[-1] for _, _, text in shown} == {"Busy", "Tentative"}
    assert any("12:30 –15:00 Busy" in text for _, _, text in shown)  # in Bob's zone


def test_others_see_what_they_take_part_in(site: Site, ada: User, bob: User) -> None:
    """On Ada's calendar Bob can open what he is invited to; her other bookings are just busy."""
    page = bob.see("/calendar/week", person="1", day="2027-01-05")
    assert of(page, "Design review")[0] == "a"
    assert "Interview" not in page
    assert ("div", "item booked busy", "09:00 –10:00 Busy") in [
        (tag, kind.strip(), text) for tag, kind, text in items(page)
    ]


def test_types_are_told_apart(site: Site, ada: User) -> None:
    """Unavailable, tentative, working elsewhere and free have looks of their own."""
    ada.paste(site.outlook)
    page = ada.see("/calendar/month", day="2027-01-06")
    looks = {kind.split()[2] for _, kind, _ in items(page) if "external" in kind}
    assert {"busy", "tentative", "unavailable", "working-elsewhere"} <= looks


def test_a_private_event_has_no_title(site: Site, ada: User) -> None:
    """Not even on its owner's calendar: extcal keeps none."""
    text = feed_text(
        event("2027-01-05T08:00Z", "PT1H", summary="Doctor", extra="CLASS:PRIVATE"),
        event("2027-01-06T08:00Z", "PT1H"),
    )
    ada.paste(site.server.serve("/private.ics", text))
    page = ada.see("/calendar/week", day="2027-01-05")
    assert "Doctor" not in page
    assert of(page, "Private")[1].split()[1] == "external"
    assert of(page, "No title")


def test_days_are_those_of_the_reader(site: Site, ada: User) -> None:
    """All-day events by their dates; over midnight on both days; each in the reader's zone."""
    text = feed_text(
        event("2027-01-05", "2027-01-07", summary="Fair"),
        event("2027-01-07T22:30Z", "PT3H", summary="Night train"),
        event("2027-01-08T12:00Z", "PT0S", summary="Reminder"),
    )
    ada.paste(site.server.serve("/days.ics", text))
    page = ada.see("/calendar/week", day="2027-01-05")
    days = dict(
        re.findall(r'<section [^>]*aria-label="(\w+day)[^>]*>(.*?)</section>', page, re.DOTALL)
    )
    assert [day for day, inside in days.items() if "Fair" in inside] == ["Tuesday", "Wednesday"]
    assert "23:30" in of(days["Thursday"], "Night train")[2]
    assert "until Fri 8 Jan, 02:30" in of(days["Friday"], "Night train")[2]
    assert of(days["Friday"], "Reminder")[2] == "Ext External: 13:00 Reminder"


def test_what_overlaps_stands_side_by_side(site: Site, ada: User) -> None:
    """Three at once share the width; what comes later has it for itself."""
    moments = ("08:00", "08:15", "08:30", "11:00")
    text = feed_text(*(event(f"2027-01-05T{at}Z", "PT1H", summary=f"At {at}") for at in moments))
    ada.paste(site.server.serve("/crowd.ics", text), opens="07:00")
    site.host.database.cancel_event(2)
    page = ada.see("/calendar/week", day="2027-01-05")
    place = r'class="item external[^"]*" style="[^"]*left:([\d.]+)%;width:([\d.]+)%'
    widths = re.findall(place, page)
    assert widths == [
        ("0.000", "33.333"),
        ("33.333", "33.333"),
        ("66.667", "33.333"),
        ("0.000", "100.000"),
    ]


def test_a_broken_calendar_says_so(site: Site, ada: User) -> None:
    """Stale with its age for a day, then unknown; never an empty week that looks free."""
    ada.paste(site.google)
    site.server.fail(GOOGLE, "500")
    site.clock.advance(timedelta(hours=3))
    page = ada.see("/calendar/week", day="2027-01-04")
    assert "The calendar could not be read just now." in page
    assert "last refreshed 3 hours ago (11:00)" in page
    assert "Project review" in page
    site.clock.advance(timedelta(days=1))
    page = ada.see("/calendar/week", day="2027-01-04")
    assert "What is there is unknown." in page
    assert "Project review" not in page
    assert page.count("External calendar: not known") == 7


def test_beyond_the_horizon_is_not_known(site: Site, ada: User) -> None:
    """Half a year ahead nobody has looked; the host's own events are shown all the same."""
    ada.paste(site.google)
    assert ada.see("/calendar/week", day="2027-07-05").count("External calendar: not known") == 7
    assert "not known" not in ada.see("/calendar/week", day="2027-02-01").replace("Not known", "")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("day", ["", "nonsense", "2027-02-30", "0001-01-01", "9999-12-31"])
def test_any_day_in_the_address_is_answered(ada: User, view: str, day: str) -> None:
    """What is no day of this century shows today."""
    assert "January 2027" in ada.see(view, day=day) or "3 January" in ada.see(view, day=day)


@pytest.mark.parametrize("person", ["99", "x", "-1", "1 OR 1=1"])
def test_nobodys_calendar_is_not_found(ada: User, person: str) -> None:
    assert ada.get("/calendar/week", person=person).status_code == 404


def test_an_event_of_centuries_is_on_each_day_that_is_shown(site: Site, ada: User) -> None:
    """Timed or all-day, begun long before and ending long after: drawn where one looks, once."""
    ages = feed_text(
        event("1901-01-01T10:00", "P100000D", tz="Europe/Berlin", summary="Ages"),
        event("1901-01-01", "P100000D", summary="Epoch"),
    )
    ada.paste(site.server.serve("/ages.ics", ages))
    page = ada.see("/calendar/week", day="2027-01-04")
    for title in ("Ages", "Epoch"):
        assert len([text for _, _, text in items(page) if title in text]) == 7


@pytest.mark.parametrize("view", VIEWS)
def test_a_day_has_an_end(site: Site, ada: User, view: str) -> None:
    """However many events a calendar holds: what is not shown is counted."""
    many = [
        event(f"2027-01-04T08:{n % 60:02}Z", "PT2H", uid=str(n), summary="Many") for n in range(300)
    ]
    ada.paste(site.server.serve("/many.ics", feed_text(*many)))
    page = ada.see(view, day="2027-01-04")
    assert len(items(page)) < 100
    assert view == "/calendar/month" or "Design review" in page  # what is booked here comes first
    hidden = int(re.findall(r'class="more">and (\d+) more', page)[0])
    shown = [text for _, _, text in items(page) if "Many" in text or "Design review" in text]
    assert hidden + len(shown) == 301


def test_why_a_day_is_not_known(site: Site, ada: User) -> None:
    """Before the month that is read, and after the three months: the day, or the key, says it."""
    ada.paste(site.google)
    for day, why in (("2026-10-15", "only the last month"), ("2027-09-01", "next three months")):
        for view in VIEWS:
            assert f"{why} {'is' if 'last' in why else 'are'} read" in ada.see(view, day=day)
    assert " are read" not in ada.see("/calendar/week", day="2027-01-04")


def test_every_type_that_is_shown_is_in_the_key(site: Site, ada: User) -> None:
    ada.paste(site.google)
    page = ada.see("/calendar/month", day="2027-01-04")
    shown, key = page.split('class="key"')
    for kind in ("tentative", "unavailable", "working-elsewhere", "free"):
        assert (f"external {kind}" in shown) == (f"external {kind}" in key)
    assert 'id="today"' in page


def test_a_week_has_a_line_for_now(site: Site, ada: User) -> None:
    """On today only, while the hour is one of those that are shown."""
    site.clock.set("2027-01-05T09:00Z")
    assert ada.see("/calendar/week").count('class="now" style="top:25.00%"') == 1
    assert 'class="now"' not in ada.see("/calendar/week", day="2027-01-11")
    site.clock.set("2027-01-05T21:30Z")
    assert 'class="now"' not in ada.see("/calendar/week")
