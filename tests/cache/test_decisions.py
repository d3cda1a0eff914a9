"""What is decided about a feed beyond its freshness: no clock, no store, no request."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from extcal import Feed, FreeBusy, Limits, State
from extcal.cache.freshness.horizon import Reach
from extcal.cache.freshness.values import Attempts, Held, Raise, Rules
from extcal.cache.refresh.decisions import Decisions
from extcal.cache.refresh.kept.repository import Known, OtherRules, _Met
from extcal.cache.refresh.stats import Tally
from extcal.cache.snapshot.packed_busy import BusyTime
from extcal.cache.snapshot.snapshot import Reading, Snapshot

pytestmark = pytest.mark.core

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
FEED = Feed("https://calendar.example.org/ada.ics")
REACH = Reach(timedelta(days=10), timedelta(days=2))
LO, HI = int((NOW - 2 * DAY).timestamp()), int((NOW + 11 * DAY).timestamp())


def decisions(**rules: Any) -> Decisions:
    return Decisions(REACH, Rules(**rules), Limits(fetch_deadline=7), Tally())


def reading(*, lo: int = LO, hi: int = HI, at: datetime = NOW, **more: Any) -> Reading:
    """One that covers the promised window for exactly one more day."""
    busy = BusyTime.of(FreeBusy.from_epochs(lo, hi, []))
    return Reading(busy=busy, fetched_at=at, read_at=at, **more)


def known(at: datetime = NOW, **attempts: Any) -> Known:
    return Known(reading(at=at), Attempts(**attempts), Held(at))


def test_a_lease_lasts_for_a_fetch_and_ten_seconds_of_reading() -> None:
    assert decisions().lease_time == timedelta(seconds=17)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Known(), Raise("timeout")),
        (Known(attempts=Attempts(gone=True)), Raise("gone")),
        (known(gone=True), Raise("gone")),
        (known(NOW - DAY), State.STALE),
        (known(NOW - DAY - MICROSECOND), Raise("timeout")),
        (known(NOW - 60 * MINUTE, kind="blocked_address"), State.STALE),
        (known(NOW - 60 * MINUTE - MICROSECOND, kind="blocked_address"), Raise("timeout")),
    ],
)
def test_who_does_not_wait_for_a_fetch_gets_what_may_still_be_served(
    found: Known, expected: State | Raise
) -> None:
    """What is too old, or withdrawn, is not served because its source is slow."""
    answer = decisions().late(found, NOW)
    assert (answer.state if isinstance(answer, Snapshot) else answer) == expected


def test_the_feeds_of_a_host_that_is_down_are_answered_without_it() -> None:
    """But a person who presses refresh is not; each that is spared is counted."""
    made, found = decisions(), known(NOW - 40 * MINUTE)
    for number in range(5):
        assert made.spared_now(FEED, found, NOW, "get") is None
        made.hosts.learn(FEED.host, str(number), "connect", NOW)
    served = made.spared_now(FEED, found, NOW, "get")
    assert isinstance(served, Snapshot)
    assert (served.state, served.last_error) == (State.ERROR_STALE, "connect")
    assert made.spared_now(FEED, Known(), NOW, "renew") == Raise("connect")
    assert made.spared_now(FEED, found, NOW, "refresh") is None
    assert made.spared_now(Feed("https://other.example/a.ics"), found, NOW, "get") is None
    assert made.tally.counts["spared"] == 2


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({}, True),
        ({"complete": False}, False),
        ({"events_complete": False}, False),
        ({"empty": True}, False),
        ({"lo": LO + 1}, False),
        ({"hi": HI - 1}, False),
    ],
)
def test_when_the_same_body_would_be_read_the_same_way(changed: Any, same: bool) -> None:
    """It was read to its end, and what it covered then covers the window for another day."""
    made, found = decisions(), Known(reading(**changed))
    assert made.reads_the_same(FEED, found, NOW) is same
    assert not made.reads_the_same(FEED, Known(), NOW)
    ahead = Feed(FEED.reveal(), published_ahead=30 * DAY)
    assert not made.reads_the_same(ahead, found, NOW)
    assert not made.reads_the_same(FEED, found._replace(other_rules=OtherRules(0.0, _Met())), NOW)


def test_a_304_is_enough_if_the_reading_covers_the_window_until_it_expires() -> None:
    """To the second, whatever shorter time jitter may give this feed."""
    made = decisions(stale_if_error=timedelta(0), ttl_jitter=0.5)
    end = int((NOW + 10 * DAY + 30 * MINUTE).timestamp())
    for hi, enough in ((end, True), (end - 1, False)):
        held = made.held(FEED, replace(reading(hi=hi), etag='"1"'), NOW)
        assert held is not None
        assert held.validators is enough
    assert made.held(FEED, None, NOW) is None
