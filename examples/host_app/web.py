"""Common code of all pages: sign-in, form tokens, security headers, templates.

In: a view, a plain function of (host, request, person). Out: a route. Views run in threads, because
reading a calendar waits for its server. A POST without the token of its session is refused. Every
answer has the headers below. All pages but the sign-in require a signed-in user.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from host_app.calendars import Calendars
from host_app.database import Database, Person

__all__ = [
    "HERE",
    "Action",
    "Form",
    "Host",
    "SecurityHeaders",
    "View",
    "csrf_token",
    "number_in",
    "post",
    "read_form",
    "redirect",
    "render",
    "say",
    "show",
]

HERE = Path(__file__).resolve().parent
_LARGEST_FORM = 64 * 1024

# Scripts and connections are allowed for this site only. Inline styles are allowed, because
# extcal's picture has its own; without scripts or other sites they can do no harm.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Form(Mapping[str, str]):
    """The fields of a sent form, as text; a field that was not sent is empty."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def __getitem__(self, name: str) -> str:
        value = self._data.get(name)
        return value.strip() if isinstance(value, str) else ""

    def several(self, name: str) -> list[str]:
        """All values of a group of checkboxes."""
        return [value for value in self._data.getlist(name) if isinstance(value, str)]

    def __iter__(self) -> Any:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)


@cache  # templates are compiled once for all applications of a process
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@dataclass(frozen=True, slots=True)
class Host:
    """What views need. ``addresses``: in the demo, the addresses that can be pasted, by
    name."""

    database: Database
    calendars: Calendars
    clock: Callable[[], datetime]
    addresses: Mapping[str, str] = field(default_factory=dict)
    templates: Environment = field(default_factory=_templates)


View = Callable[[Host, Request, Person], Response]
Action = Callable[[Host, Request, Person, Form], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def show(path: str, view: View) -> Route:
    """A page at ``path``, for signed-in users."""

    async def endpoint(request: Request) -> Response:
        host: Host = request.app.state.host
        person = await run_in_threadpool(_signed_in, host, request)
        if person is None:
            return redirect("/sign-in")
        return await run_in_threadpool(view, host, request, person)

    return Route(path, endpoint, methods=["GET"], name=view.__name__)


def post(path: str, action: Action) -> Route:
    """The action of a form that a signed-in user sends to ``path``."""

    async def endpoint(request: Request) -> Response:
        form = await read_form(request)
        host: Host = request.app.state.host
        person = await run_in_threadpool(_signed_in, host, request)
        if person is None:
            return redirect("/sign-in")
        return await run_in_threadpool(action, host, request, person, form)

    return Route(path, endpoint, methods=["POST"], name=action.__name__)


async def read_form(request: Request) -> Form:
    """The form that was sent, if it was made by a page of this session (CSRF)."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > _LARGEST_FORM:
        raise HTTPException(413, "That is more than any form here holds.")
    form = Form(await request.form(max_files=0, max_fields=500))
    expected = request.session.get("csrf", "")
    if not expected or not secrets.compare_digest(form["csrf"].encode(), expected.encode()):
        raise HTTPException(403, "This page was open for too long. Go back, reload, try again.")
    return form


def csrf_token(request: Request) -> str:
    """The token of this session; a new session gets one. It is never part of a URL."""
    if "csrf" not in request.session:
        request.session["csrf"] = secrets.token_urlsafe(32)
    token: str = request.session["csrf"]
    return token


def say(request: Request, words: str) -> None:
    """Show ``words`` on the next page."""
    request.session["said"] = words


def number_in(text: str) -> int | None:
    """``text`` as a number, if it can be the id of a database row; else None."""
    found = text if text.isascii() and text.isdecimal() and len(text) <= 18 else ""
    return int(found) if found else None


def redirect(to: str) -> RedirectResponse:
    """Status 303: if the user reloads the next page, the form is not sent again."""
    return RedirectResponse(to, status_code=303)


def render(
    host: Host, request: Request, template: str, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page from a template; everything in it is escaped."""
    common = {
        "csrf": csrf_token(request),
        "said": request.session.pop("said", ""),
        "path": request.url.path,
        "me": None,
    }
    page = host.templates.get_template(template).render({**common, **values})
    return HTMLResponse(page, status)


def _signed_in(host: Host, request: Request) -> Person | None:
    number = request.session.get("person")
    return host.database.person(number) if isinstance(number, int) else None


class SecurityHeaders:
    """Adds the headers above to every answer; proxies and browsers do not store the pages."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                if not scope["path"].startswith("/static/"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, send_with_headers)
