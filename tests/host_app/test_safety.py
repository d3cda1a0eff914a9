"""It is the example people copy: who gets in, what a form needs, and where secrets never are."""

from __future__ import annotations

import base64
import logging
import re
import stat
from pathlib import Path

import pytest
from hosting import GOOGLE, MONDAY, SECRETS, YEAR, Site, User, signed_in, token_in
from starlette.routing import Route
from starlette.testclient import TestClient

from extcal.testing import event, feed_text
from host_app.app import Settings, create_app

PAGES = (
    "/profile",
    "/calendar/week",
    "/calendar/month",
    "/events/new",
    "/events/1",
    "/events/1/edit",
    "/sign-in",
)


def posts(site: Site) -> list[str]:
    """The path of every form, with the number of an event where one belongs."""
    found = [
        re.sub(r"\{number\}", "1", route.path)
        for route in site.app.routes
        if isinstance(route, Route) and "POST" in (route.methods or ())
    ]
    assert len(found) >= 11
    return found


def test_nobody_gets_in_without_signing_in(site: Site) -> None:
    """Every page and every form but the door leads to the door."""
    with TestClient(site.app) as client:
        token = token_in(client.get("/sign-in").text)
        for page in PAGES[:-1]:
            answer = client.get(page, follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
        for path in posts(site):
            if path in ("/sign-in", "/sign-out"):
                continue
            answer = client.post(path, data={"csrf": token}, follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_every_form_needs_the_token_of_its_session(site: Site, ada: User) -> None:
    """Without a token, with a wrong one, and with somebody else's: refused, and nothing done."""
    before = site.host.database.events(1, *YEAR)
    with signed_in(site, "Bob") as bob:
        assert bob.token != ada.token
        for path in posts(site):
            for fields in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": bob.token}):
                answer = ada.client.post(path, data={**fields, "person": "2", "title": "x"})
                assert answer.status_code == 403, path
    assert site.host.database.events(1, *YEAR) == before
    assert "Ada Byron" in ada.see("/profile")


def test_a_token_is_new_for_whoever_signs_in(site: Site) -> None:
    """A session that somebody prepared for a victim is worth nothing afterwards."""
    with TestClient(site.app) as client:
        prepared = token_in(client.get("/sign-in").text)
        inside = client.post("/sign-in", data={"csrf": prepared, "person": "1"})
        assert token_in(inside.text) != prepared
        assert client.post("/sign-out", data={"csrf": prepared}).status_code == 403


def test_signing_out_ends_it(ada: User) -> None:
    ada.send("/sign-out")
    assert str(ada.get("/profile").url).endswith("/sign-in")


@pytest.mark.parametrize("page", [*PAGES, "/nowhere", "/static/host.css"])
def test_every_answer_tells_the_browser_what_it_may_do(ada: User, page: str) -> None:
    """No foreign or inline scripts, no frames, no guessing of types; pages are kept nowhere."""
    headers = ada.get(page).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert page.startswith("/static/") or headers["cache-control"] == "no-store"


@pytest.mark.parametrize("page", PAGES)
def test_pages_hold_no_script_of_their_own(ada: User, page: str) -> None:
    """What the policy forbids is not needed."""
    text = ada.see(page)
    assert re.findall(r"<script[^>]*>", text) == ['<script src="/static/host.js" defer>']
    assert not re.search(r"\son\w+=", text)
    assert "javascript:" not in text


def test_the_cookie_is_for_this_site_and_not_for_scripts(tmp_path: Path) -> None:
    """HttpOnly, SameSite, and Secure unless it is switched off for a demo."""
    app = create_app(Settings(tmp_path / "data", hosts=("testserver",)))
    with TestClient(app, base_url="https://testserver") as client:
        cookie = client.get("/sign-in").headers["set-cookie"].lower()
    for flag in ("httponly", "samesite=lax", "secure", "path=/"):
        assert flag in cookie


def test_a_secret_is_whole_or_not_there(tmp_path: Path) -> None:
    """The same at every start, another in every folder; half of one is refused."""
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, first, second):
        create_app(Settings(folder))
    secrets = [(folder / "session.secret").read_bytes() for folder in (first, second)]
    assert [len(secret) for secret in secrets] == [32, 32]
    assert secrets[0] != secrets[1]
    assert not [file.name for file in first.iterdir() if ".secret." in file.name]
    (first / "session.secret").write_bytes(secrets[0][:5])
    with pytest.raises(ValueError, match="is cut short"):
        create_app(Settings(first))


def test_other_names_for_this_machine_are_refused(site: Site) -> None:
    """A page elsewhere whose name leads here (DNS rebinding) gets nothing."""
    with TestClient(site.app, base_url="http://evil.example") as client:
        assert client.get("/sign-in").status_code == 400


def test_a_form_has_a_largest_size(ada: User) -> None:
    assert ada.send("/profile", name="x" * 100_000).status_code == 413


def test_what_others_wrote_is_shown_as_text(site: Site, ada: User) -> None:
    """Titles here and elsewhere, places, names: markup in them is no markup."""
    evil = "<img src=x onerror=alert(1)>\"'</style><script>alert(2)</script>"
    feed = feed_text(
        event("2027-01-05T09:00", "PT1H", tz="Europe/Berlin", summary=evil, location=evil)
    )
    ada.paste(site.server.serve("/evil.ics", feed), name=evil[:70])
    answer = ada.send("/events", title=evil, day="2027-01-06", at="08:00", minutes="30")
    pages = [answer.text, ada.see("/calendar/week", day="2027-01-05")]
    pages += [ada.see("/calendar/month", day="2027-01-05"), ada.see("/profile")]
    pages += [ada.see("/events/new", day="2027-01-05"), ada.see("/sign-in")]
    for page in pages:
        assert "<img" not in page
        assert "<script>" not in page
        assert "</style><script" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in pages[1]


def test_the_address_is_in_no_page_no_log_and_no_other_file(
    site: Site, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    """Once saved it is never shown again: not when it works, and not when it breaks."""
    caplog.set_level(logging.DEBUG)
    with caplog.at_level(logging.DEBUG, logger="extcal"):
        assert "Your calendar could be read" in ada.paste(site.google).text
        ada.paste(site.outlook.replace("calendar.ics", "nothing.ics"))
        for page in PAGES:
            ada.see(page)
        ada.send("/events/free-busy", people=["2"], day="2027-01-05", at="10:00", minutes="30")
        site.server.fail(GOOGLE, "404")
        ada.send("/profile/calendar/refresh")
        with signed_in(site, "Bob") as bob:
            bob.see("/calendar/week", person="1", day=str(MONDAY))
            pages = [*ada.said, *bob.said]
    for answer in pages:
        session = answer.cookies.get("host_session", "").split(".")[0]
        told = [answer.text, str(answer.url), answer.headers.get("location", "")]
        told.append(base64.b64decode(session + "==").decode("utf-8", "replace"))
        for secret in SECRETS:
            assert secret not in " ".join(told)
    for secret in SECRETS:
        assert secret not in caplog.text
    for file in site.folder.iterdir():
        if not file.name.startswith("host.db"):
            assert not any(secret.encode() in file.read_bytes() for secret in SECRETS)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    assert stat.S_IMODE(site.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("number", ["0", "-1", "x", "9" * 30, "9" * 5_000, "٣", "1%00"])
def test_any_number_in_an_address_is_answered(ada: User, number: str) -> None:
    """What no database gave out is not found, and no error of the host."""
    assert ada.get(f"/events/{number}").status_code == 404
    assert ada.get("/calendar/week", person=number).status_code == 404
    assert ada.send(f"/events/{number}/cancel").status_code == 404
    page = ada.send("/events/free-busy", day="2027-01-05", at="10:00", minutes=number).text
    assert "10:00–10:30" in page
    assert "Sign in" in ada.send("/sign-in", person=number).text


def test_events_are_for_those_who_take_part(site: Site, bob: User) -> None:
    """Somebody else's event is not found, and one that somebody else booked is not changed."""
    (interview,) = [
        each for each in site.host.database.events(1, *YEAR) if each.title == "Interview"
    ]
    (review,) = [
        each for each in site.host.database.events(2, *YEAR) if each.title == "Design review"
    ]
    for path in (f"/events/{interview.id}", f"/events/{interview.id}/edit"):
        assert bob.get(path).status_code == 404
    assert bob.send(f"/events/{interview.id}/cancel").status_code == 404
    assert "Design review" in bob.see(f"/events/{review.id}")
    assert bob.get(f"/events/{review.id}/edit").status_code == 403
    for form in ("", "/cancel", "/preview", "/free-busy"):
        assert bob.send(f"/events/{review.id}{form}", title="Mine").status_code == 403
    assert site.host.database.event(review.id) == review
