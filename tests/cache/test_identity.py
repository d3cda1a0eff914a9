"""Readings that could differ never meet; what belongs to the address is shared."""

from __future__ import annotations

import itertools
import re
import traceback
from collections.abc import Callable
from datetime import timedelta

import pytest

from extcal import BusyPolicy, CalendarCache, Feed, FeedUrlError, MemoryStore
from extcal.cache.refresh.kept.keys import attempts_key, read_secret, snapshot_key
from extcal.testing import FakeFetcher, event, feed_text

pytestmark = pytest.mark.core

URL = "https://calendar.example.org/SECRET.ics"
FEEDS = [
    Feed(URL),
    Feed(URL, timezone="Europe/Berlin"),
    Feed(URL, timezone="Asia/Tokyo"),
    Feed(URL, owner="ada@example.org"),
    Feed(URL, owner=["ada@example.org", "bob@example.org"]),
    Feed(URL, policy=BusyPolicy(all_day="free")),
    Feed(URL, detail="busy"),
    Feed(URL, published_ahead=timedelta(days=30)),
]


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(FEEDS, 2)])
def test_readings_of_one_address_never_meet(one: Feed, other: Feed) -> None:
    """Zone, owner, policy, detail and published range are part of the key; the address's is one."""
    assert snapshot_key(one, "", 1, None) != snapshot_key(other, "", 1, None)
    assert attempts_key(one, 1, None) == attempts_key(other, 1, None)


def test_two_users_of_one_address(make: Callable[..., CalendarCache]) -> None:
    """Each sees the calendar in their own zone, and only one of them its titles.

    Whoever forgets the address erases both: which of them belongs to a person nobody can tell.
    """
    feed = feed_text(event("2027-01-05", summary="Off"), event("2027-01-06T09:00", summary="Talk"))
    calendars = make(fetcher=FakeFetcher({URL: feed}))
    berlin = calendars.get(Feed(URL, timezone="Europe/Berlin"))
    tokyo = calendars.get(Feed(URL, timezone="Asia/Tokyo", detail="busy"))
    shift = timedelta(hours=8)
    for here, there in zip(berlin.events, tokyo.events, strict=True):
        assert here.start - there.start == shift
        assert here.uid == there.uid
    assert [found.summary for found in berlin.events] == ["Off", "Talk"]
    assert [found.summary for found in tokyo.events] == [None, None]
    calendars.forget(Feed(URL, timezone="Asia/Tokyo", detail="busy"))
    assert calendars.last_refreshed(Feed(URL, timezone="Europe/Berlin")) is None


@pytest.mark.parametrize(
    "changed",
    [{"horizon": timedelta(days=30)}, {"history": timedelta(days=1)}, {"secret": b"other"}],
    ids=lambda changed: next(iter(changed)),
)
def test_a_changed_interpretation_is_a_miss(
    make: Callable[..., CalendarCache], changed: dict[str, object]
) -> None:
    """Another horizon, history, secret or format is another key, fetched without validators."""
    store = MemoryStore()
    fetcher = FakeFetcher({URL: feed_text()}, etags=True)
    make(store=store, fetcher=fetcher).get(URL)
    make(store=store, fetcher=fetcher, **changed).get(URL)
    assert [request.etag for request in fetcher.requests] == [None, None]
    assert snapshot_key(FEEDS[0], "", 1, None) != snapshot_key(FEEDS[0], "", 2, None)


def test_keys_are_digests() -> None:
    """Fixed length, no address; with a secret nobody can tell whether they know one."""
    plain, keyed = snapshot_key(FEEDS[0], "r", 1, None), snapshot_key(FEEDS[0], "r", 1, b"secret")
    for key in (plain, keyed):
        assert re.fullmatch(r"s:[0-9a-f]{64}", key)
    assert plain != keyed
    assert attempts_key(FEEDS[0], 1, b"a") != attempts_key(FEEDS[0], 1, b"b")
    assert attempts_key(FEEDS[0], 1, None)[2:] != plain[2:]


def test_a_secret_is_bytes_or_text() -> None:
    """The same one either way; an empty one is a mistake."""
    assert read_secret("key") == read_secret(b"key") == b"key"
    assert read_secret(None) is None
    with pytest.raises(ValueError):
        read_secret(b"")
    with pytest.raises(TypeError):
        read_secret(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("ask", ["get", "refresh", "last_refreshed", "last_attempt", "forget"])
def test_a_refused_address_stays_in_no_frame(ask):
    """Whoever reports an error with its local variables does not report the address."""
    secret = "http://ada:SECRET-7f3a@example.org/private-SECRET-7f3a/basic.ics"
    with pytest.raises(FeedUrlError) as caught:
        getattr(CalendarCache(fetcher=FakeFetcher({})), ask)(secret)
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    for frame in report.stack:
        if "extcal" in frame.filename and "tests" not in frame.filename:
            assert "SECRET-7f3a" not in str(frame.locals), frame.name
