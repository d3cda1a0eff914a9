"""The pytest plugin: four fixtures, installed with extcal and loaded by pytest by itself.

No hooks, no options, no marks, and every name begins with ``extcal_``. A test run that uses none
of the fixtures pays for reading this file: all else is imported inside the fixture that needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from extcal.cache import CalendarCache
    from extcal.testing.clock import ManualClock
    from extcal.testing.fakes import FakeFetcher
    from extcal.testing.server import FeedServer

__all__ = ["extcal_cache", "extcal_clock", "extcal_feeds", "extcal_server"]


@pytest.fixture
def extcal_clock() -> ManualClock:
    """A clock that stands at 2027-01-04T08:00Z, a Monday, until it is advanced or set."""
    from extcal.testing.clock import ManualClock

    return ManualClock("2027-01-04T08:00Z")


@pytest.fixture
def extcal_feeds() -> FakeFetcher:
    """A fetcher that answers what ``extcal_feeds.set(address, feed)`` told it; else 404."""
    from extcal.testing.fakes import FakeFetcher

    return FakeFetcher(etags=True)


@pytest.fixture
def extcal_cache(extcal_clock: ManualClock, extcal_feeds: FakeFetcher) -> CalendarCache:
    """A CalendarCache over ``extcal_clock`` and ``extcal_feeds``; its back-off knows no chance."""
    from extcal.cache import CalendarCache

    return CalendarCache(clock=extcal_clock, fetcher=extcal_feeds, jitter=lambda: 0.5)


@pytest.fixture
def extcal_server() -> Iterator[FeedServer]:
    """A real server of feeds on loopback, that fails as it is told to; it ends with the test.

    Reach it with ``extcal.HttpFetcher(allow_networks=extcal_server.networks)``.
    """
    from extcal.testing.server import FeedServer

    with FeedServer() as server:
        yield server
