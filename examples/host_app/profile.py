"""My Profile: name, zone and working day, and at its bottom the external calendars.

The address is tried when it is saved, and stored only if it could be read. After that it is never
shown again, only the server's name and extcal's fingerprint of it.
"""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import available_timezones

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import extcal
from host_app.calendars import NotConnected
from host_app.database import Person
from host_app.web import Form, Host, post, redirect, render, say, show
from host_app.words import age

__all__ = ["routes"]

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def profile(host: Host, request: Request, me: Person) -> Response:
    return _page(host, request, me, _fields(me), {})


def save_profile(host: Host, request: Request, me: Person, form: Form) -> Response:
    """Save all fields or none; then try the address, if one was pasted."""
    fields = {name: form[name] for name in _fields(me)}
    errors = _errors(fields)
    if not errors and not host.database.change_person(me.id, **fields):
        errors["email"] = "Somebody else has this address."
    if errors:
        return _page(host, request, me, fields, errors, status=422)
    changed = host.database.person(me.id)
    assert changed is not None
    host.calendars.forget_reading(me, changed)
    if form["calendar"]:
        try:
            snapshot = host.calendars.connect(form["calendar"], changed)
        except NotConnected as refused:
            errors["calendar"] = f"{refused.message} {refused.advice}".strip()
            return _page(host, request, changed, fields, errors, status=422)
        count = len(snapshot.events)
        say(request, f"Saved. Your calendar could be read: {count} event{'s'[: count != 1]}.")
    else:
        say(request, "Saved.")
    return redirect("/profile")


def remove_calendar(host: Host, request: Request, me: Person, form: Form) -> Response:
    if host.calendars.disconnect(me, form["calendar"]):
        say(request, "Removed. Nothing of that calendar is kept.")
    return redirect("/profile")


def refresh_calendar(host: Host, request: Request, me: Person, form: Form) -> Response:
    """The "Refresh" button of this page and of the calendar; returns to the page it was on."""
    before = host.calendars.elsewhere(me, me).as_of
    if host.calendars.refresh([me]):
        say(request, "The calendar could not be read just now. What was read before is shown.")
    elif host.calendars.elsewhere(me, me).as_of == before:
        say(request, "It was refreshed less than 30 seconds ago.")
    else:
        say(request, "Refreshed.")
    return redirect(f"/calendar/{form['to']}" if form["to"] in ("week", "month") else "/profile")


def routes() -> list[Route]:
    return [
        show("/profile", profile),
        post("/profile", save_profile),
        post("/profile/calendar/remove", remove_calendar),
        post("/profile/calendar/refresh", refresh_calendar),
    ]


def _fields(me: Person) -> dict[str, str]:
    return {
        "name": me.name,
        "email": me.email,
        "timezone": me.timezone,
        "opens": me.opens,
        "closes": me.closes,
    }


def _errors(fields: dict[str, str]) -> dict[str, str]:
    errors = {}
    if not 0 < len(fields["name"]) <= 80 or _CONTROL.search(fields["name"]):
        errors["name"] = "Enter your name."
    email = fields["email"]
    if not _EMAIL.fullmatch(email) or not email.isprintable() or len(email) > 254:
        errors["email"] = "Enter your e-mail address."
    if fields["timezone"] not in _zones():
        errors["timezone"] = "Choose a time zone from the list, such as Europe/Berlin."
    opens, closes = fields["opens"], fields["closes"]
    if not (_CLOCK.fullmatch(opens) and _CLOCK.fullmatch(closes) and opens < closes):
        errors["closes"] = "The working day ends after it begins."
    return errors


def _page(
    host: Host,
    request: Request,
    me: Person,
    fields: dict[str, str],
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    elsewhere = host.calendars.elsewhere(me, me)
    refreshed = ""
    if elsewhere.as_of is not None:
        refreshed = age(elsewhere.as_of, host.clock(), me.zone)
    return render(
        host,
        request,
        "profile.html",
        status,
        me=me,
        fields=fields,
        errors=errors,
        zones=_zones(),
        connected=[(feed.fingerprint, _masked(feed)) for feed in me.feeds],
        elsewhere=elsewhere,
        refreshed=refreshed,
        addresses={} if me.feeds else host.addresses,
    )


@cache  # it looks at some six hundred files
def _zones() -> list[str]:
    """Places and UTC. Other names ("localtime") mean another zone on another machine."""
    return sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")


def _masked(feed: extcal.Feed) -> str:
    return f"{feed.host} · #{feed.fingerprint}"
