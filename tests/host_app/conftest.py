"""The host application with three people, a clock that is moved by hand, and two publishers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hosting import MONDAY, NOW, Site, User, signed_in

from extcal.testing import ManualClock
from extcal.testing.server import FeedServer
from host_app import demo
from host_app.app import Settings, create_app


@pytest.fixture
def feed_server() -> Iterator[FeedServer]:
    with FeedServer() as server:
        yield server


@pytest.fixture(scope="session")
def three_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a host with three people and their bookings: made once, then copied."""
    folder = tmp_path_factory.mktemp("host") / "data"
    app = create_app(Settings(folder))
    demo.fill(app, MONDAY)
    app.state.host.calendars.close()
    return folder


@pytest.fixture
def site(tmp_path: Path, three_people: Path, feed_server: FeedServer) -> Site:
    """Nobody has pasted anything yet."""
    found = demo.addresses(feed_server, MONDAY)
    clock = ManualClock(NOW)
    folder = shutil.copytree(three_people, tmp_path / "data")
    app = create_app(
        Settings(
            folder,
            hosts=("127.0.0.1", "testserver"),
            https=False,
            clock=clock,
            allow_networks=feed_server.networks,
        )
    )
    return Site(app, clock, feed_server, found["Google-like"], found["Outlook-like"], folder)


@pytest.fixture
def ada(site: Site) -> Iterator[User]:
    with signed_in(site, "Ada") as user:
        yield user


@pytest.fixture
def bob(site: Site) -> Iterator[User]:
    with signed_in(site, "Bob") as user:
        yield user
