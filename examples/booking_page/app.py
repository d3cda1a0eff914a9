"""The pages: slots by day, a form, and a page of each booking, where it is moved or cancelled.

There is no sign-in and no script. A visitor's link holds a secret token; nothing else leads to a
booking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import extcal
from booking_page.bookings import Booking, Bookings
from booking_page.owner import Desk, Owner, Unavailable

__all__ = ["create_app"]

HERE = Path(__file__).resolve().parent
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}\.[^@\s]{2,10}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the address of a booking is a secret
    "X-Content-Type-Options": "nosniff",
}
_TAKEN = "Somebody was faster, or the calendar has changed: that time is taken. Choose another one."


class Pages:
    """The pages of one owner."""

    def __init__(self, desk: Desk, bookings: Bookings) -> None:
        self._desk, self._bookings = desk, bookings
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def start(self, request: Request) -> Response:
        return self._offer(self._length(request.query_params.get("minutes", "")))

    def book(self, request: Request, form: FormData) -> Response:
        minutes = self._length(_text(form, "minutes"))
        name, email = _text(form, "name")[:100], _text(form, "email")
        slot, said = self._slot(form, minutes), ""
        if slot is None:
            said = "Choose a time."
        elif not name or not _EMAIL.fullmatch(email):
            said = "Enter your name and your e-mail address."
        else:
            booking = self._desk.take(slot, name, email)
            if booking is not None:
                return RedirectResponse(f"/booking/{booking.token}", status_code=303)
            return self._offer(minutes, _TAKEN, form, status=409)
        return self._offer(minutes, said, form, status=422)

    def see(self, request: Request) -> Response:
        booking = self._bookings.by_token(request.path_params["token"])
        return self._missing() if booking is None else self._booked(booking)

    def change(self, request: Request, form: FormData) -> Response:
        booking = self._bookings.by_token(request.path_params["token"])
        if booking is None:
            return self._missing()
        if _text(form, "cancel"):
            self._bookings.cancel(booking)
            return self._page("said.html", title="Cancelled", words="Your booking is cancelled.")
        slot = self._slot(form, _minutes(booking))
        if slot is None:
            return self._booked(booking, "Choose a time.", status=422)
        if self._desk.take(slot, booking.name, booking.email, booking) is None:
            return self._booked(booking, _TAKEN, status=409)
        return RedirectResponse(f"/booking/{booking.token}", status_code=303)

    # -- parts ----------------------------------------------------------------------------------

    def _offer(
        self, minutes: int, said: str = "", form: FormData | None = None, status: int = 200
    ) -> Response:
        found = self._days(minutes, None)
        if found is None:
            return self._unavailable()
        return self._page(
            "offer.html",
            status,
            minutes=minutes,
            lengths=self._desk.owner.lengths,
            days=found,
            said=said,
            name="" if form is None else _text(form, "name"),
            email="" if form is None else _text(form, "email"),
        )

    def _booked(self, booking: Booking, said: str = "", status: int = 200) -> Response:
        days = self._days(_minutes(booking), booking)
        start = booking.slot.start.astimezone(self._desk.owner.zone)
        when = f"{start:%A}, {start.day} {start:%B %Y, %H:%M}"
        return self._page(
            "booked.html", status, booking=booking, when=when, days=days or [], said=said
        )

    def _days(
        self, minutes: int, moving: Booking | None
    ) -> list[tuple[str, list[tuple[str, str]]]] | None:
        """The slots by local day, each as a value and a label; None if nothing is known."""
        try:
            slots: Sequence[extcal.Period] = self._desk.offered(minutes, moving)
        except Unavailable:
            return None
        days: dict[date, list[tuple[str, str]]] = {}
        for slot in slots:
            local = slot.start.astimezone(self._desk.owner.zone)
            days.setdefault(local.date(), []).append((slot.start.isoformat(), f"{local:%H:%M}"))
        return [(f"{day:%A}, {day.day} {day:%B}", found) for day, found in days.items()]

    def _length(self, text: str) -> int:
        lengths = self._desk.owner.lengths
        return next((one for one in lengths if str(one) == text), lengths[0])

    def _slot(self, form: FormData, minutes: int) -> extcal.Period | None:
        try:
            start = datetime.fromisoformat(_text(form, "slot"))
            return extcal.Period(start, start + timedelta(minutes=minutes))
        except (ValueError, TypeError, OverflowError):
            return None

    def _missing(self) -> Response:
        words = "There is no such booking. It may have been cancelled."
        return self._page("said.html", 404, title="Not found", words=words)

    def _unavailable(self) -> Response:
        words = "The calendar cannot be read just now. Try again in a few minutes."
        return self._page("said.html", 503, title="Not now", words=words)

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        owner = self._desk.owner
        page = self._templates.get_template(template).render(owner=owner, **values)
        return HTMLResponse(page, status, headers=_HEADERS)


def create_app(
    owner: Owner, folder: Path, cache: extcal.CalendarCache, clock: Callable[[], datetime]
) -> Starlette:
    """The booking page of ``owner``; its bookings are in ``folder``."""
    bookings = Bookings(folder / "bookings.db")
    pages = Pages(Desk(owner, bookings, cache, clock), bookings)

    def show(view: Callable[[Request], Response]) -> Callable[..., Any]:
        async def endpoint(request: Request) -> Response:
            # Reading a calendar waits for its server, so not on the event loop.
            return await run_in_threadpool(view, request)

        return endpoint

    def post(action: Callable[[Request, FormData], Response]) -> Callable[..., Any]:
        async def endpoint(request: Request) -> Response:
            form = await request.form(max_files=0, max_fields=20)
            return await run_in_threadpool(action, request, form)

        return endpoint

    return Starlette(
        routes=[
            Route("/", show(pages.start)),
            Route("/book", post(pages.book), methods=["POST"]),
            Route("/booking/{token}", show(pages.see)),
            Route("/booking/{token}", post(pages.change), methods=["POST"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]
    )


def _minutes(booking: Booking) -> int:
    return booking.slot.duration // timedelta(minutes=1)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return " ".join(_CONTROL.sub(" ", value).split()) if isinstance(value, str) else ""
