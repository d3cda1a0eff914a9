"""My Profile: an address is tried when it is saved, advised upon, masked, replaced and removed."""

from __future__ import annotations

import re
import sqlite3
from datetime import timedelta

import pytest
from hosting import GOOGLE, OUTLOOK, Site, User

from extcal.testing import event, feed_text

EMBED = "https://calendar.google.com/calendar/embed?src=ada%40example.org&ctz=Europe%2FBerlin"
PUBLISHED = "https://outlook.live.com/calendar/0/published/ada"


def error_beside_the_field(page: str) -> str:
    """What stands beside the field for the address; the field must point to it."""
    field = re.findall(r'<input id="calendar"[^>]*>', page)[0]
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="calendar-error calendar-help"' in field
    assert "value=" not in field
    return re.findall(r'<p class="error" id="calendar-error" role="alert">([^<]*)</p>', page)[0]


def cells(site: Site) -> int:
    """How many snapshots and records extcal's store holds.

    Not counted are the lists of addresses: of a forgotten one a random number stays for an hour.
    """
    connection = sqlite3.connect(site.folder / "snapshots.db")
    try:
        count: int = connection.execute(
            "SELECT count(*) FROM cells WHERE key NOT LIKE 'l:%'"
        ).fetchone()[0]
    finally:
        connection.close()
    return count


def test_the_field_is_at_the_bottom(ada: User) -> None:
    """After everything else that is asked for; only the button to save comes later."""
    page = ada.see("/profile")
    names = re.findall(r'<(?:input|select)[^>]*name="(\w+)"', page[page.index("<h1>") :])
    assert names == ["csrf", "name", "email", "timezone", "opens", "closes", "calendar"]


def test_an_address_that_works_is_kept_and_masked(site: Site, ada: User) -> None:
    """The server's name and the fingerprint are shown; the address is not, ever again."""
    page = ada.paste(f"  <{site.google}> ").text
    assert "Saved. Your calendar could be read" in page
    feed = site.host.database.people()[0].feed
    assert feed is not None
    assert f"127.0.0.1 · #{feed.fingerprint}" in page
    assert "Last refreshed just now" in page
    assert site.google not in page
    assert site.asked(GOOGLE) == 1


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        (EMBED, "Secret address in iCal format"),
        (PUBLISHED, "copy the ICS link (not the HTML link)"),
        ("ada@gmail.com", "Secret address in iCal format"),
        ("not an address", "Paste the whole address"),
        ("ftp://example.org/calendar.ics", "it begins with https://"),
        ("BEGIN:VCALENDAR", "This is a calendar itself, not its address."),
        ("https://10.0.0.1/private.ics", "names a server by number instead of by name"),
        ("https://[::1]/private.ics", "names a server by number instead of by name"),
    ],
)
def test_what_cannot_be_an_address_is_refused_with_advice(
    site: Site, ada: User, pasted: str, words: str
) -> None:
    """Beside the field, in extcal's words; nothing is kept, and nothing that was pasted shown."""
    answer = ada.paste(pasted)
    assert answer.status_code == 422
    assert words in error_beside_the_field(answer.text).replace("&#39;", "'")
    assert pasted not in answer.text.replace("ada@example.org", "")
    assert site.host.database.people()[0].feed is None
    assert site.server.requests == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("html", "Paste the address of the ICS feed, not the one of a web page."),
        ("sign-in page", "web page"),
        ("client refused", "user_agent"),
        ("not a calendar", "not a calendar"),
        ("json", "data of another kind"),
        ("empty", "The answer is empty"),
        ("404", "the server does not know it (404)"),
        ("401", "the server wants a login (401)"),
        ("410", "no longer published"),
        ("500", "the server failed"),
        ("redirect to private", "not allowed"),
    ],
)
def test_what_cannot_be_read_is_refused_with_advice(
    site: Site, ada: User, fault: str, words: str
) -> None:
    """A first fetch is part of saving: an address that leads nowhere is not kept."""
    answer = ada.paste(site.server.fail(GOOGLE, fault))
    assert answer.status_code == 422
    assert words.lower() in error_beside_the_field(answer.text).lower()
    assert site.host.database.people()[0].feed is None


def test_outlooks_html_link_is_put_right(site: Site, ada: User) -> None:
    """What follows for certain needs no advice: the ICS link lies beside the HTML link."""
    ada.paste(site.outlook.replace("calendar.ics", "calendar.html"))
    assert site.asked(OUTLOOK) == 1
    assert site.host.database.people()[0].feed is not None


def test_a_mended_address_does_not_wait(site: Site, ada: User) -> None:
    """Refused, put right at the publisher, pasted again half a minute later: it works."""
    site.server.fail(GOOGLE, "404")
    assert ada.paste(site.google).status_code == 422
    site.server.recover(GOOGLE)
    site.clock.advance(timedelta(seconds=31))
    assert "Your calendar could be read" in ada.paste(site.google).text


def test_a_refused_address_leaves_the_one_that_works(site: Site, ada: User) -> None:
    ada.paste(site.google)
    before = site.host.database.people()[0].feed
    assert ada.paste(EMBED).status_code == 422
    assert site.host.database.people()[0].feed == before


def test_replacing_forgets_the_first(site: Site, ada: User) -> None:
    """The second address answers from then on; of the first nothing is left."""
    ada.paste(site.google)
    first = cells(site)
    assert first > 0
    ada.paste(site.outlook)
    assert cells(site) == first
    assert "Team sync" in ada.see("/calendar/week", day="2027-01-04")
    assert "Focus time" not in ada.see("/calendar/week", day="2027-01-06")


def test_removing_forgets_everything(site: Site, ada: User) -> None:
    """The address is gone from the host, and all that was read from it from extcal's store."""
    ada.paste(site.google)
    page = ada.send("/profile/calendar/remove").text
    assert "Removed." in page
    assert "127.0.0.1 ·" not in page
    assert cells(site) == 0
    assert site.host.database.people()[0].feed is None
    for secret in (b"private-5ec2e7", b"Focus time"):
        for file in site.folder.glob("snapshots.db"):
            assert secret not in file.read_bytes()
    assert "Focus time" not in ada.see("/calendar/week", day="2027-01-06")


def test_owner_and_zone_come_from_the_profile(site: Site, ada: User) -> None:
    """An invitation she declined is absent for her address only; floating times are in her zone."""
    week = {"day": "2027-01-06"}
    ada.paste(site.google)
    assert "Vendor pitch" not in ada.see("/calendar/week", **week)
    ada.paste("", email="somebody@example.org")
    assert "Vendor pitch" in ada.see("/calendar/week", **week)
    floating = feed_text(event("2027-01-05T09:00", "PT1H", summary="Dentist"))
    ada.paste(site.server.serve("/floating.ics", floating), timezone="America/New_York")
    page = ada.see("/calendar/week", day="2027-01-05")
    assert re.search(r"09:00<span class=\"till\">–10:00</span></span> <span[^>]*>Dentist", page)
    feed = site.host.database.people()[0].feed
    assert feed is not None
    assert (feed.timezone, feed.owner) == ("America/New_York", ("somebody@example.org",))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("name", "x" * 81),
        ("email", "nobody"),
        ("email", "bob@example.com"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "localtime"),
        ("timezone", "Factory"),
        ("name", "Ada\x00Byron"),
        ("name", "Ada\nByron"),
        ("email", "ada\u202e@example.org"),
        ("closes", "08:00"),
        ("closes", "25:00"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(site: Site, ada: User, name: str, value: str) -> None:
    """All fields are saved or none; an address that was pasted is not tried then."""
    before = site.host.database.people()[0]
    answer = ada.paste(site.google, **{name: value})
    assert answer.status_code == 422
    assert f'id="{name}-error"' in answer.text
    assert f'aria-describedby="{name}-error"' in answer.text
    assert site.host.database.people()[0] == before
    assert site.server.requests == []


def test_refresh_keeps_half_a_minute_between_two(site: Site, ada: User) -> None:
    """However often somebody presses the button."""
    ada.paste(site.google)
    site.clock.advance(timedelta(seconds=29))
    assert "less than 30 seconds ago" in ada.send("/profile/calendar/refresh").text
    assert site.asked(GOOGLE) == 1
    site.clock.advance(timedelta(seconds=2))
    assert "Refreshed." in ada.send("/profile/calendar/refresh").text
    ada.send("/profile/calendar/refresh")
    assert site.asked(GOOGLE) == 2


def test_refresh_says_when_it_did_not_work(site: Site, ada: User) -> None:
    """And what was read before stays, with its age."""
    ada.paste(site.google)
    site.clock.advance(timedelta(minutes=3))
    site.server.fail(GOOGLE, "500")
    page = ada.send("/profile/calendar/refresh", to="week").text
    assert "could not be read just now" in page
    assert "3 minutes ago" in page


def test_refresh_leads_nowhere_else(ada: User) -> None:
    """Where to go afterwards is one of the pages here, whatever a form says."""
    for to in ("//evil.example", "https://evil.example", "../sign-out"):
        answer = ada.send("/profile/calendar/refresh", to=to)
        assert answer.url.path == "/profile"
