"""Chooses a user without a password. Your own application has a real sign-in instead."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from host_app.web import Host, csrf_token, number_in, read_form, redirect, render

__all__ = ["routes"]


async def home(request: Request) -> Response:
    return redirect("/calendar/week")


async def sign_in_page(request: Request) -> Response:
    host: Host = request.app.state.host
    people = await run_in_threadpool(host.database.people)
    return render(host, request, "sign_in.html", people=people)


async def sign_in(request: Request) -> Response:
    """Begin a new session, with nothing of the session before it."""
    host: Host = request.app.state.host
    form = await read_form(request)
    number = number_in(form["person"])
    person = None
    if number is not None:
        person = await run_in_threadpool(host.database.person, number)
    if person is None:
        return redirect("/sign-in")
    request.session.clear()
    request.session["person"] = person.id
    csrf_token(request)
    return redirect("/calendar/week")


async def sign_out(request: Request) -> Response:
    await read_form(request)
    request.session.clear()
    return redirect("/sign-in")


def routes() -> list[Route]:
    return [
        Route("/", home),
        Route("/sign-in", sign_in_page, methods=["GET"]),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
    ]
