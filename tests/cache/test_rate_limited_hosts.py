"""The record of a host that answers 429: who was told, until when its feeds wait, how often."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from extcal import CalendarCache, Feed, MemoryStore, Refused, Unavailable
from extcal.cache.freshness.rate_limited_hosts import (
    KEEP,
    UNTROUBLED,
    RateLimited,
    after_429,
    is_rate_limited,
)
from extcal.cache.snapshot.codec import decode_host
from extcal.testing import FakeFetcher, ManualClock

pytestmark = pytest.mark.core

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


def told(*feeds: tuple[str, timedelta], record: RateLimited = UNTROUBLED) -> RateLimited:
    for feed, after in feeds:
        record = after_429(record, feed, NOW + after)
    return record


@pytest.mark.parametrize(
    ("feeds", "waits"),
    [
        ([("a", 0), ("b", 0), ("c", 0)], True),
        ([("a", 0), ("b", 0), ("a", 1)], False),  # one feed alone, however often
        ([("a", 0), ("b", 0)], False),
        ([("a", 0), ("b", 5), ("c", 9.999)], True),
        ([("a", 0), ("b", 5), ("c", 10)], False),  # the first is no longer recent
        ([("a", 3), ("b", 0), ("c", 0)], False),  # told later than now: a clock jumped
    ],
)
def test_three_feeds_within_ten_minutes_make_all_wait(
    feeds: list[tuple[str, float]], waits: bool
) -> None:
    """Then the count begins anew."""
    record = told(*((feed, MINUTE * minutes) for feed, minutes in feeds))
    assert (record.until is not None) is waits
    assert record.times == waits
    if waits:
        assert record.told == ()


@pytest.mark.parametrize(
    ("pause", "minutes"),
    [(timedelta(0), 10), (HOUR - MICROSECOND, 10), (HOUR, 5), (2 * HOUR, 5)],
    ids=str,
)
def test_the_second_time_within_an_hour_is_longer(pause: timedelta, minutes: int) -> None:
    """Counted from the end of the last wait."""
    zero = timedelta(0)
    once = told(("a", zero), ("b", zero), ("c", zero))
    assert once.until == NOW + 5 * MINUTE
    after = 5 * MINUTE + pause
    first = told(("a", after), record=once)
    assert (first.until, first.times) == (once.until, 1)
    twice = told(("b", after), ("c", after), record=first)
    assert twice.until == NOW + after + minutes * MINUTE
    assert twice.times == minutes // 5


def test_never_longer_than_fifteen_minutes() -> None:
    """However often in a row."""
    record, now = UNTROUBLED, NOW
    for expected in (5, 10, 15, 15, 15):
        for feed in "abc":
            record = after_429(record, feed, now)
        assert record.until == now + expected * MINUTE
        now = record.until
    assert KEEP == 75 * MINUTE


@pytest.mark.parametrize(
    ("ahead", "waits"),
    [
        (timedelta(0), False),
        (MICROSECOND, True),
        (15 * MINUTE, True),
        (15 * MINUTE + MICROSECOND, False),  # no wait is that long: a clock jumped
        (-MICROSECOND, False),
    ],
    ids=str,
)
def test_feeds_wait_until_the_time_is_over(ahead: timedelta, waits: bool) -> None:
    assert is_rate_limited(RateLimited(until=NOW + ahead), NOW) is waits
    assert not is_rate_limited(UNTROUBLED, NOW)


def test_the_store_knows_a_feed_by_the_end_of_its_key(
    make: Callable[..., CalendarCache], clock: ManualClock, url: str
) -> None:
    """Sixteen hexadecimal digits: another process finds the same feed under the same name."""
    store = MemoryStore()
    calendars = make(store=store, fetcher=FakeFetcher({url: Refused(429)}))
    with pytest.raises(Unavailable):
        calendars.get(url)
    keys = calendars._repository.keys(Feed(url))
    cell = store.get(keys.host)
    assert cell is not None
    record = decode_host(cell.data, keys.host)
    assert record is not None
    ((name, at),) = record.told
    assert (len(name), at) == (16, clock())
    assert keys.attempts.endswith(name)
