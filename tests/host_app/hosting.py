"""Somebody at the host application: what tests of it need in every file."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import uvicorn
from httpx2 import Response
from starlette.applications import Starlette
from starlette.testclient import TestClient

from extcal.testing import ManualClock
from extcal.testing.server import FeedServer
from host_app.web import Host

MONDAY = date(2027, 1, 4)
NOW = "2027-01-03T10:00Z"  # the Sunday before
GOOGLE = "/calendar/ical/ada%40example.org/private-5ec2e7/basic.ics"
OUTLOOK = "/owa/calendar/b0b@example.com/5ec2e7/calendar.ics"
YEAR = (datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
SECRETS = ("private-5ec2e7", "b0b@example.com", "/owa/calendar", "ada%40example.org")


@dataclass
class Site:
    """The application, and what it stands on; ``url`` is where it is served, if it is."""

    app: Starlette
    clock: ManualClock
    server: FeedServer
    google: str
    outlook: str
    folder: Path
    url: str = ""

    @property
    def host(self) -> Host:
        found: Host = self.app.state.host
        return found

    def asked(self, path: str) -> int:
        """How often the publisher of ``path`` was asked."""
        return sum(request.path == path for request in self.server.requests)


@dataclass
class User:
    """Somebody with a browser that shows nothing: what a page sends, this sends."""

    site: Site
    client: TestClient
    token: str = ""
    said: list[Response] = field(default_factory=list)

    def see(self, path: str, **query: str) -> str:
        """The page at ``path``; it must be there."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.text

    def get(self, path: str, **query: str) -> Response:
        answer = self.client.get(path, params=query)
        self.said.append(answer)
        return answer

    def send(self, path: str, **fields: Any) -> Response:
        """Send a form, with the token of this session, and follow where it leads."""
        answer = self.client.post(path, data={"csrf": self.token, **fields})
        self.said += [*answer.history, answer]
        return answer

    def paste(self, address: str, **changed: str) -> Response:
        """Save My Profile with something in the field at its bottom."""
        return self.send("/profile", **{**self.fields(), "calendar": address, **changed})

    def fields(self) -> dict[str, str]:
        page = self.see("/profile")
        return {
            name: re.findall(rf'name="{name}"[^>]*value="([^"]*)"', page)[0]
            for name in ("name", "email", "timezone", "opens", "closes")
        }


@contextmanager
def signed_in(site: Site, name: str) -> Iterator[User]:
    """``name`` in a browser of their own."""
    (person,) = [each for each in site.host.database.people() if each.name.startswith(name)]
    with TestClient(site.app) as client:
        user = User(site, client)
        user.token = token_in(user.see("/sign-in"))
        answer = user.send("/sign-in", person=str(person.id))
        user.token = token_in(answer.text)
        yield user


def token_in(page: str) -> str:
    return re.findall(r'name="csrf" value="([^"]+)"', page)[0]


@contextmanager
def served(site: Site) -> Iterator[str]:
    """The application on a free port of the loopback interface, until the end of the block."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(site.app, log_config=None, ws="none", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.005)
            site.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            yield site.url
        finally:
            server.should_exit = True
            thread.join()
