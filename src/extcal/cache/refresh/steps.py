"""One flight, step by step: get the lease, look again whether it still needs doing, and do it.

What has to be done is written once, here, as a generator that neither waits nor blocks: it yields
steps and is sent what came of them. :mod:`~extcal.cache.calendar_cache` takes the steps in a
thread, :mod:`~extcal.cache.async_calendar_cache` in a task. Whatever ends a flight (an error, a
task that is cancelled) is thrown in, so that the lease is given back.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any, TypeAlias

from extcal.cache.freshness.clock import Clock, read_clock
from extcal.cache.freshness.decide import Fetch, Raise, Wish
from extcal.cache.refresh.decisions import Behind, Keys, Known, Landed, Ledger
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.fetch.feed import Feed
from extcal.fetch.protocol import Failed, FetchRequest, FetchResponse, NotModified

__all__ = ["Ask", "Flight", "Look", "Order", "Pause", "Step", "Work", "as_response", "fly"]

_FIRST_PAUSE, _LAST_PAUSE = 0.01, 0.25


@dataclass(frozen=True, slots=True)
class Look:
    """Call this; it uses the store, which may block. Sent back: what it returns.

    ``always``: even if the flight has been cancelled meanwhile.
    """

    call: Callable[[], object]
    always: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """Call this; it uses the processor and the store. Sent back: what it returns."""

    call: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Ask:
    """Put this to the fetcher. Sent back: a FetchResponse."""

    request: FetchRequest


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so many seconds."""

    seconds: float


Step: TypeAlias = "Look | Work | Ask | Pause"
Flight: TypeAlias = Generator[Step, Any, Landed]


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


def fly(ledger: Ledger, clock: Clock, order: Order) -> Flight:
    """Bring ``order.feed`` up to date, if that still needs doing."""
    feed, keys = order.feed, order.keys
    until, pause = monotonic() + order.patience, _FIRST_PAUSE
    load = Look(partial(ledger.load, keys))
    while True:
        now = read_clock(clock)
        known: Known = yield load
        answer = ledger.answer(feed, keys, known, now, order.wish, order.older_than)
        if not isinstance(answer, Fetch):
            return _landed(answer)
        token = yield Look(partial(ledger.store.lease, keys.snapshot, now, ledger.lease_time))
        if token is not None:
            break
        if monotonic() >= until:
            return Landed(ledger.late(known, now))
        # Another cache is at it: look now and then whether it has come back.
        yield Pause(pause)
        pause = min(2 * pause, _LAST_PAUSE)
    try:
        now = read_clock(clock)  # what another has stored meanwhile is none of the future
        known = yield load
        answer = ledger.answer(feed, keys, known, now, order.wish, order.older_than)
        if not isinstance(answer, Fetch):
            return _landed(answer)
        down = ledger.hosts.admit(feed.host, now) if order.wish != "refresh" else None
        if down is not None:
            return Landed(ledger.spared(known, down, now))
        asked = monotonic()
        response = yield from _ask(ledger, feed, known, conditional=answer.conditional)
        settle = partial(
            ledger.settle,
            feed,
            keys,
            known,
            response,
            asked_at=now,
            now=read_clock(clock),
            token=token,
            seconds=monotonic() - asked,
        )
        landed: Landed = yield Work(settle)
        return landed
    finally:
        yield Look(partial(ledger.store.release, keys.snapshot, token), always=True)


def as_response(answer: object) -> FetchResponse:
    """What a fetcher returned, if it is one of the things a fetcher returns."""
    return answer if isinstance(answer, FetchResponse) else Failed("fetcher_error")


def _ask(
    ledger: Ledger, feed: Feed, known: Known, *, conditional: bool
) -> Generator[Step, Any, FetchResponse]:
    ledger.tally.count("fetches")
    response: FetchResponse = yield Ask(ledger.request(feed, known, conditional=conditional))
    if isinstance(response, NotModified) and not conditional:
        # Nothing was held that could be unmodified: ask again, and then give up.
        ledger.tally.count("fetches")
        response = yield Ask(ledger.request(feed, known, conditional=False))
        if isinstance(response, NotModified):
            return Failed("protocol")
    return response


def _landed(answer: Snapshot | Behind | Raise) -> Landed:
    return Landed(answer.snapshot if isinstance(answer, Behind) else answer)
