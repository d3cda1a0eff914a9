"""One flight, step by step: get the lease, look again whether it still needs doing, and do it.

What has to be done is written once, here, as a generator that neither waits nor blocks: it yields
steps and is sent what came of them. :mod:`~extcal.cache.calendar_cache` takes the steps in a
thread, :mod:`~extcal.cache.async_calendar_cache` in a task. Whatever ends a flight (an error, a
task that is cancelled) is thrown in, so that the lease is given back.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, TypeAlias

from extcal.cache.freshness.clock import Clock, read_clock
from extcal.cache.freshness.decide import Wish
from extcal.cache.refresh.decisions import Decisions
from extcal.cache.refresh.keys import Keys
from extcal.cache.refresh.outcome import Asked, Refreshed, settle
from extcal.cache.refresh.repository import Known, Repository
from extcal.fetch.feed import Feed
from extcal.fetch.protocol import Failed, FetchRequest, FetchResponse, NotModified

__all__ = ["Compute", "Flight", "Order", "Put", "Step", "StoreCall", "Wait", "as_response", "fly"]

_FIRST_PAUSE, _LAST_PAUSE = 0.01, 0.25


@dataclass(frozen=True, slots=True)
class StoreCall:
    """Call this; it uses the store, which may block. Sent back: what it returns.

    ``always``: even if the flight has been cancelled meanwhile.
    """

    call: Callable[[], object]
    always: bool = False


@dataclass(frozen=True, slots=True)
class Compute:
    """Call this; it uses the processor and the store. Sent back: what it returns."""

    call: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Put:
    """Put this to the fetcher. Sent back: a FetchResponse."""

    request: FetchRequest


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for so many seconds."""

    seconds: float


Step: TypeAlias = "StoreCall | Compute | Put | Wait"
Flight: TypeAlias = Generator[Step, Any, Refreshed]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done: for which feed, and why.

    ``patience``: seconds to wait for another cache that holds the lease. ``older_than``: what is
    older is fetched, whatever the rules allow.
    """

    feed: Feed
    keys: Keys
    wish: Wish
    patience: float
    older_than: timedelta | None = None


def fly(
    repository: Repository,
    decisions: Decisions,
    clock: Clock,
    jitter: Callable[[], float],
    order: Order,
) -> Flight:
    """Bring ``order.feed`` up to date, if that still needs doing."""
    feed, keys, store = order.feed, order.keys, repository.store
    until, pause = monotonic() + order.patience, _FIRST_PAUSE
    load = StoreCall(partial(repository.load, keys))
    while True:
        now = read_clock(clock)
        known: Known = yield load
        decision = known.decide(now, decisions.rules, order.wish, order.older_than)
        answer = decisions.answer(feed, known, decision, now, order.wish)
        if answer is not None:
            return Refreshed(answer)
        token = yield StoreCall(partial(store.lease, keys.snapshot, now, decisions.lease_time))
        if token is not None:
            break
        if monotonic() >= until:
            return Refreshed(decisions.late(known, now))
        # Another cache is at it: look now and then whether it has come back.
        yield Wait(pause)
        pause = min(2 * pause, _LAST_PAUSE)
    try:
        now = read_clock(clock)  # what another has stored meanwhile is none of the future
        known = yield StoreCall(partial(repository.load, keys, to_store=True))
        decision = known.decide(now, decisions.rules, order.wish, order.older_than)
        answer = decisions.answer(feed, known, decision, now, order.wish)
        if answer is not None:
            return Refreshed(answer)
        down = decisions.hosts.admit(feed.host, now) if order.wish != "refresh" else None
        if down is not None:
            return Refreshed(decisions.spared(known, down, now))
        began = monotonic()
        response = yield from _ask(decisions, feed, known, now)
        asked = Asked(feed, keys, known, response, now, token, monotonic() - began)
        done: Refreshed = yield Compute(
            partial(settle, asked, read_clock(clock), repository, decisions, jitter)
        )
        return done
    finally:
        yield StoreCall(partial(store.release, keys.snapshot, token), always=True)


def as_response(answer: object) -> FetchResponse:
    """What a fetcher returned, if it is one of the things a fetcher returns."""
    return answer if isinstance(answer, FetchResponse) else Failed("fetcher_error")


def _ask(
    decisions: Decisions, feed: Feed, known: Known, now: datetime
) -> Generator[Step, Any, FetchResponse]:
    conditional = decisions.conditional(feed, known, now)
    decisions.tally.count("fetches")
    response: FetchResponse = yield Put(decisions.request(feed, known, conditional=conditional))
    if isinstance(response, NotModified) and not conditional:
        # There is no stored reading that a 304 could confirm: ask again, and then give up.
        decisions.tally.count("fetches")
        response = yield Put(decisions.request(feed, known, conditional=False))
        if isinstance(response, NotModified):
            return Failed("protocol")
    return response
