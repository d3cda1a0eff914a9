"""The application: settings in, an ASGI application out.

    app = create_app(Settings(folder=Path("/var/lib/host"), hosts=("calendar.example.org",)))

All its data is in one folder: its own database, extcal's snapshots, and its secrets, which are made
at the first start.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

import extcal
from extcal.messages import speaking
from host_app import calendar_pages, events, profile, sign_in
from host_app.calendars import Calendars
from host_app.database import Database
from host_app.web import HERE, Host, SecurityHeaders, render

__all__ = ["Settings", "create_app"]

_A_DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Settings:
    """``folder``: the place of all data; it is made if it is missing, readable for its owner
    only. ``hosts``: the host names of this site. ``https``: whether the session's cookie is sent
    over https only. ``clock``: returns the current time. ``locale``: how days and times are
    written, and the language of what extcal says, such as ``"de"``. Only for the
    demo: ``allow_networks``, the private networks of its calendars, and ``addresses`` to try."""

    folder: Path
    hosts: Sequence[str] = ("127.0.0.1", "localhost")
    https: bool = True
    clock: Callable[[], datetime] = extcal.system_clock
    locale: str | None = None
    allow_networks: Sequence[str] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)


def create_app(settings: Settings) -> Starlette:
    """The application with the data in ``settings.folder``; its lifespan closes what it
    opened."""
    settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.folder / "host.db")
    calendars = Calendars(
        database,
        store=settings.folder / "snapshots.db",
        secret=_secret(settings.folder / "calendar.secret"),
        clock=settings.clock,
        allow_networks=settings.allow_networks,
    )

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        calendars.close()

    app = Starlette(
        routes=[
            *sign_in.routes(),
            *profile.routes(),
            *calendar_pages.routes(),
            *events.routes(),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[
            Middleware(Speaks, locale=settings.locale),
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(settings.hosts)),
            Middleware(
                SessionMiddleware,
                secret_key=_secret(settings.folder / "session.secret").hex(),
                session_cookie="host_session",
                max_age=_A_DAY,
                same_site="lax",
                https_only=settings.https,  # the cookie is always httponly
            ),
        ],
        exception_handlers={HTTPException: _sorry},
        lifespan=lifespan,
    )
    app.state.host = Host(database, calendars, settings.clock, settings.addresses)
    return app


class Speaks:
    """Every request is answered in the locale of the site."""

    def __init__(self, app: ASGIApp, locale: str | None) -> None:
        self._app, self._locale = app, locale

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with speaking(self._locale):
            await self._app(scope, receive, send)


async def _sorry(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    host: Host = request.app.state.host
    words = error.detail if error.status_code != 405 else "This page takes no such request."
    return render(host, request, "sorry.html", error.status_code, words=words)


def _secret(file: Path) -> bytes:
    """The content of the file; a new one gets 32 random bytes and is readable for its owner only.

    The file is written completely or not at all: with a part of a secret, sessions could be forged.
    """
    if not file.exists():
        made = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
        descriptor = os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as writing:
            writing.write(secrets.token_bytes(32))
        with suppress(FileExistsError):  # another process was faster: its secret is used
            os.link(made, file)
        made.unlink()
    secret = file.read_bytes()
    if len(secret) < 32:
        raise ValueError(f"{file.name} is cut short: remove it, and everybody signs in anew")
    return secret
