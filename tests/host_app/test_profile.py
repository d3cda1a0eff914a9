"""My Profile: an address is tried when it is saved, advised upon, masked and removed."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hosting import GOOGLE, OUTLOOK, YEAR, Site, User

from extcal.testing import event, feed_text
from host_app.database import Database

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
    (feed,) = site.host.database.people()[0].feeds
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
    assert site.host.database.people()[0].feeds == ()
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
    assert site.host.database.people()[0].feeds == ()


def test_outlooks_html_link_is_put_right(site: Site, ada: User) -> None:
    """What follows for certain needs no advice: the ICS link lies beside the HTML link."""
    ada.paste(site.outlook.replace("calendar.ics", "calendar.html"))
    assert site.asked(OUTLOOK) == 1
    assert site.host.database.people()[0].feeds != ()


def test_a_mended_address_does_not_wait(site: Site, ada: User) -> None:
    """Refused, put right at the publisher, pasted again half a minute later: it works."""
    site.server.fail(GOOGLE, "404")
    assert ada.paste(site.google).status_code == 422
    site.server.recover(GOOGLE)
    site.clock.advance(timedelta(seconds=31))
    assert "Your calendar could be read" in ada.paste(site.google).text


def test_a_refused_address_leaves_the_one_that_works(site: Site, ada: User) -> None:
    ada.paste(site.google)
    before = site.host.database.people()[0].feeds
    assert ada.paste(EMBED).status_code == 422
    assert site.host.database.people()[0].feeds == before


def test_several_calendars_are_one_persons_time(site: Site, ada: User) -> None:
    """Both are shown and both block; removing one leaves the other, and nothing of the removed."""
    ada.paste(site.google)
    only = cells(site)
    assert only > 0
    ada.paste(site.outlook)
    assert ada.paste(site.outlook).status_code == 200  # the same once more changes nothing
    first, second = site.host.database.people()[0].feeds
    page = ada.see("/profile")
    assert first.fingerprint in page
    assert second.fingerprint in page
    assert "Team sync" in ada.see("/calendar/week", day="2027-01-04")
    assert "Focus time" in ada.see("/calendar/week", day="2027-01-06")
    whose = site.host.database.people()[0]
    look = site.host.calendars.look([whose], *YEAR)
    for feed in (first, second):
        each = site.host.calendars.elsewhere(replace(whose, feeds=(feed,)), whose)
        assert each.free_busy is not None
        busy = [one for one in each.free_busy.periods if one.start >= YEAR[0]]
        assert busy
        table = look.table[look.names[whose.id]]
        assert all(table.status(one.start, one.end) >= one.fbtype for one in busy[:20])
    ada.send("/profile/calendar/remove", calendar=first.fingerprint)
    assert site.host.database.people()[0].feeds == (second,)
    assert cells(site) == only
    assert "Team sync" in ada.see("/calendar/week", day="2027-01-04")
    assert "Focus time" not in ada.see("/calendar/week", day="2027-01-06")
    assert "Removed." not in ada.send("/profile/calendar/remove", calendar="no-such-one").text


def test_if_one_of_several_cannot_be_read_its_time_is_unknown(site: Site, ada: User) -> None:
    """What the others say is shown, and nobody counts as free."""
    ada.paste(site.google)
    ada.paste(site.outlook)
    whose = site.host.database.people()[0]
    site.host.calendars._cache.forget(whose.feeds[1])
    site.server.fail(OUTLOOK, "500")
    found = site.host.calendars.elsewhere(whose, whose)
    assert "is not available" in found.trouble
    assert found.free_busy is not None
    assert found.free_busy.unknown == (found.free_busy.window,)
    assert "Focus time" in ada.see("/calendar/week", day="2027-01-06")


def test_more_calendars_than_anybody_has_are_refused(site: Site, ada: User) -> None:
    for number in range(5):
        assert ada.paste(site.server.serve(f"/{number}.ics", feed_text())).status_code == 200
    refused = ada.paste(site.google)
    assert refused.status_code == 422
    assert "You have 5 calendars already." in error_beside_the_field(refused.text)
    assert site.asked(GOOGLE) == 0


def test_an_address_of_an_earlier_version_is_kept(tmp_path: Path) -> None:
    """Then a person had one calendar, in a column beside the name."""
    path = tmp_path / "host.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL"
            " UNIQUE, timezone TEXT NOT NULL, opens TEXT NOT NULL, closes TEXT NOT NULL,"
            " calendar_address TEXT) STRICT;"
            "INSERT INTO people VALUES (1, 'Ada', 'a@example.org', 'UTC', '09:00', '17:00',"
            " 'https://calendar.example.org/a.ics'), (2, 'Bob', 'b@example.org', 'UTC', '09:00',"
            " '17:00', NULL);"
        )
    for _ in range(2):
        ada, bob = Database(path).people()
        assert [feed.reveal() for feed in ada.feeds] == ["https://calendar.example.org/a.ics"]
        assert bob.feeds == ()


def test_removing_forgets_everything(site: Site, ada: User) -> None:
    """The address is gone from the host, and all that was read from it from extcal's store."""
    ada.paste(site.google)
    (feed,) = site.host.database.people()[0].feeds
    page = ada.send("/profile/calendar/remove", calendar=feed.fingerprint).text
    assert "Removed." in page
    assert "127.0.0.1 ·" not in page
    assert cells(site) == 0
    assert site.host.database.people()[0].feeds == ()
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
    feed = site.host.database.people()[0].feeds[-1]
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
