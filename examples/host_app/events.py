"""Booking, moving and cancelling the host's own events. What is elsewhere has no page here."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from host_app.database import Event, Person
from host_app.scheduling import (
    LENGTHS,
    Draft,
    draft_of,
    free_busy_area,
    new_draft,
    read_draft,
)
from host_app.web import Form, Host, number_in, post, redirect, render, say, show
from host_app.words import clock, day_words_long, read_date

__all__ = ["routes"]


def new_event(host: Host, request: Request, me: Person) -> Response:
    """The empty form; ``?day=`` comes from a calendar."""
    draft = new_draft(host, me, read_date(request.query_params.get("day", "")))
    return _form(host, request, me, draft)


def preview(host: Host, request: Request, me: Person, form: Form) -> Response:
    """The same form with its Free / Busy area brought up to date: nothing is booked."""
    return _preview(host, request, me, form, None)


def free_busy(host: Host, request: Request, me: Person, form: Form) -> Response:
    """The Free / Busy area alone, for the script."""
    return _free_busy(host, request, me, form, None)


def book(host: Host, request: Request, me: Person, form: Form) -> Response:
    """Book, if everybody is free, or the organiser said that it may be nevertheless."""
    draft = read_draft(host, form, me)
    refused = _refused(host, request, me, draft, form, None)
    if refused is not None:
        return refused
    assert draft.start is not None
    number = host.database.book(
        draft.title,
        draft.start,
        draft.start + draft.length,
        me.id,
        [person.id for person in draft.people],
    )
    say(request, "Booked.")
    return redirect(f"/events/{number}")


def event(host: Host, request: Request, me: Person) -> Response:
    """One of the host's own events, for those who take part."""
    found = _mine(host, request, me)
    local = found.start.astimezone(me.zone)
    people = [person for person in host.database.people() if person.id in found.people]
    return render(
        host,
        request,
        "event.html",
        me=me,
        event=found,
        people=people,
        day=day_words_long(local.date()),
        date=local.date().isoformat(),
        times=f"{clock(found.start, me.zone)}–{clock(found.end, me.zone)}",
    )


def edit_event(host: Host, request: Request, me: Person) -> Response:
    """The form for an event of one's own."""
    found = _organised(host, request, me)
    return _form(host, request, me, draft_of(host, found, me), moving=found)


def preview_change(host: Host, request: Request, me: Person, form: Form) -> Response:
    return _preview(host, request, me, form, _organised(host, request, me))


def free_busy_of_change(host: Host, request: Request, me: Person, form: Form) -> Response:
    return _free_busy(host, request, me, form, _organised(host, request, me))


def change_event(host: Host, request: Request, me: Person, form: Form) -> Response:
    """Move or change an event: it does not stand in its own way."""
    found = _organised(host, request, me)
    draft = read_draft(host, form, me)
    refused = _refused(host, request, me, draft, form, found)
    if refused is not None:
        return refused
    assert draft.start is not None
    host.database.change_event(
        found,
        draft.title,
        draft.start,
        draft.start + draft.length,
        [person.id for person in draft.people],
    )
    say(request, "Saved.")
    return redirect(f"/events/{found.id}")


def cancel_event(host: Host, request: Request, me: Person, form: Form) -> Response:
    found = _organised(host, request, me)
    host.database.cancel_event(found.id)
    say(request, f"“{found.title}” is cancelled.")
    return redirect(f"/calendar/week?day={found.start.astimezone(me.zone):%Y-%m-%d}")


def routes() -> list[Route]:
    return [
        show("/events/new", new_event),
        post("/events/preview", preview),
        post("/events/free-busy", free_busy),
        post("/events", book),
        show("/events/{number}", event),
        show("/events/{number}/edit", edit_event),
        post("/events/{number}/preview", preview_change),
        post("/events/{number}/free-busy", free_busy_of_change),
        post("/events/{number}/cancel", cancel_event),
        post("/events/{number}", change_event),
    ]


def _mine(host: Host, request: Request, me: Person) -> Event:
    """The event of the address, for those who take part; for others there is none."""
    number = number_in(request.path_params["number"])
    found = None if number is None else host.database.event(number)
    if found is None or me.id not in found.people:
        raise HTTPException(404, "There is no such event, or you do not take part in it.")
    return found


def _organised(host: Host, request: Request, me: Person) -> Event:
    found = _mine(host, request, me)
    if found.organiser != me.id:
        raise HTTPException(403, "Only whoever booked an event can change it.")
    return found


def _preview(
    host: Host, request: Request, me: Person, form: Form, moving: Event | None
) -> Response:
    draft = read_draft(host, form, me)
    draft.errors.pop("title", None)
    return _form(
        host,
        request,
        me,
        draft,
        moving,
        chosen=bool(form["slot"]),
        refresh=bool(form["refresh"]),
    )


def _free_busy(
    host: Host, request: Request, me: Person, form: Form, moving: Event | None
) -> Response:
    draft = read_draft(host, form, me)
    area = _area(host, draft, moving, bool(form["refresh"]))
    return render(host, request, "free_busy.html", **area)


def _area(host: Host, draft: Draft, moving: Event | None, refresh: bool) -> dict[str, Any]:
    area = free_busy_area(host, draft, moving, refresh=refresh)
    return {"area": area, "action": _action(moving)}


def _action(moving: Event | None) -> str:
    return "/events" if moving is None else f"/events/{moving.id}"


def _refused(
    host: Host, request: Request, me: Person, draft: Draft, form: Form, moving: Event | None
) -> Response | None:
    """The form again, if something is wrong with it, or somebody is not free."""
    if draft.errors:
        return _form(host, request, me, draft, moving, status=422)
    # Looked at once more: the picture on the page may be as old as the page.
    area = free_busy_area(host, draft, moving)
    if area is None or area.all_free or form["anyway"] == "yes":
        return None
    return _form(host, request, me, draft, moving, status=409, not_free=area.verdict)


def _form(
    host: Host,
    request: Request,
    me: Person,
    draft: Draft,
    moving: Event | None = None,
    *,
    status: int = 200,
    chosen: bool = False,
    refresh: bool = False,
    not_free: str = "",
) -> Response:
    lengths = sorted({*LENGTHS, draft.minutes})
    return render(
        host,
        request,
        "event_form.html",
        status,
        me=me,
        draft=draft,
        moving=moving,
        others=[person for person in host.database.people() if person.id != me.id],
        lengths=[(each, _length_words(each)) for each in lengths],
        chosen=chosen,
        not_free=not_free,
        today=host.clock().astimezone(me.zone).date().isoformat(),
        **_area(host, draft, moving, refresh),
    )


def _length_words(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} minutes"
    words = f"{hours} hour{'s' if hours > 1 else ''}"
    return f"{words} {rest} minutes" if rest else words
