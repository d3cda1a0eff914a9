"""The booking page of Ada, who has two calendars, and a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from starlette.applications import Starlette

import extcal
from booking_page.__main__ import demo
from booking_page.app import create_app
from booking_page.owner import Owner
from extcal.testing import ManualClock
from extcal.testing.server import FeedServer

NOW = "2027-01-04T07:00Z"  # a Monday, eight o'clock in Berlin


@dataclass
class Site:
    """The page, and what it stands on."""

    app: Starlette
    owner: Owner
    clock: ManualClock
    server: FeedServer


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with FeedServer() as server:
        owner = demo(server, date(2027, 1, 4))
        clock = ManualClock(NOW)
        cache = extcal.CalendarCache(
            fetcher=extcal.HttpFetcher(allow_networks=server.networks), clock=clock
        )
        yield Site(create_app(owner, tmp_path, cache, clock), owner, clock, server)
