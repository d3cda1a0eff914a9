"""The pytest plugin: four fixtures, installed with extcal and loaded by pytest by itself.

It has no hooks, options or marks, and every name begins with ``extcal_``. A test run that uses
none of the fixtures imports only this file; each fixture imports what it needs.
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
    """A clock that shows 2027-01-04T08:00Z, a Monday, until it is advanced or set."""
    from extcal.testing.clock import ManualClock

    return ManualClock("2027-01-04T08:00Z")


@pytest.fixture
def extcal_feeds() -> FakeFetcher:
    """A fetcher; ``extcal_feeds.set(address, feed)`` sets an answer, all others are 404."""
    from extcal.testing.fakes import FakeFetcher

    return FakeFetcher(etags=True)


@pytest.fixture
def extcal_cache(extcal_clock: ManualClock, extcal_feeds: FakeFetcher) -> CalendarCache:
    """A CalendarCache with ``extcal_clock`` and ``extcal_feeds``; its back-off is not random."""
    from extcal.cache import CalendarCache

    return CalendarCache(clock=extcal_clock, fetcher=extcal_feeds, jitter=lambda: 0.5)


@pytest.fixture
def extcal_server() -> Iterator[FeedServer]:
    """A real server of feeds on loopback, which can be told to fail; it ends with the test.

    Reach it with ``extcal.HttpFetcher(allow_networks=extcal_server.networks)``.
    """
    from extcal.testing.server import FeedServer

    with FeedServer() as server:
        yield server
