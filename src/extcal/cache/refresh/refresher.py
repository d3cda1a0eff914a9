"""One flight, from the lease to its return: get the lease, decide under it, ask, keep the answer.

It blocks: the calling thread waits for the store, for the fetcher, and for a lease that another
cache holds. However a flight ends, the lease is given back.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from extcal.cache.freshness.clock import Clock, read_clock
from extcal.cache.freshness.rate_limited_hosts import is_rate_limited
from extcal.cache.freshness.values import Fetch, Wish
from extcal.cache.refresh.decisions import Decisions
from extcal.cache.refresh.keys import Keys
from extcal.cache.refresh.outcome import Asked, Refreshed, settle
from extcal.cache.refresh.repository import Known, Repository
from extcal.cache.refresh.single_flight import CLOSED, Flight
from extcal.cache.stores.lease import Lease
from extcal.fetch.feed import Feed
from extcal.fetch.protocol import Failed, Fetched, FetchRequest, FetchResponse, NotModified

__all__ = ["Order", "Refresher"]

_FIRST_PAUSE, _LAST_PAUSE = 0.01, 0.25


@dataclass(frozen=True, slots=True)
class Order:
    """Which feed to bring up to date, and why.

    ``patience``: seconds to wait for another cache that holds the lease. ``older_than``: a reading
    older than this is fetched again, even if it is fresh by the rules.
    """

    feed: Feed
    keys: Keys
    wish: Wish
    patience: float
    older_than: timedelta | None = None


class Refresher:
    """Brings feeds up to date. ``fetch``: asks the fetcher; ``jitter`` is for the back-off."""

    def __init__(
        self,
        repository: Repository,
        decisions: Decisions,
        clock: Clock,
        jitter: Callable[[], float],
        fetch: Callable[[FetchRequest], object],
    ) -> None:
        self._repository = repository
        self._decisions = decisions
        self._clock = clock
        self._jitter = jitter
        self._fetch = fetch

    def bring(self, order: Order, flight: Flight) -> Refreshed:
        """Bring ``order.feed`` up to date, if that still needs doing."""
        until, pause = monotonic() + order.patience, _FIRST_PAUSE
        while True:
            found = self._repository.lease(
                order.keys, read_clock(self._clock), self._decisions.lease_time
            )
            if found is not None:
                break
            if monotonic() >= until:
                return self._too_late(order)
            # Another cache holds the lease: check at intervals whether it has given it back.
            if flight.closing.wait(pause):
                return Refreshed(CLOSED)
            pause = min(2 * pause, _LAST_PAUSE)
        lease, known = found
        flight.release = lease.release
        try:
            return self._bring(order, flight, lease, known)
        finally:
            lease.release()

    def _bring(self, order: Order, flight: Flight, lease: Lease, known: Known) -> Refreshed:
        # Read the clock again: what another cache stored while this one waited must not be later.
        now = read_clock(self._clock)
        decision = known.decide(now, self._decisions.rules, order.wish, order.older_than)
        if not isinstance(decision, Fetch):
            return Refreshed(known.served(decision))
        hosts = self._decisions.hosts
        down = hosts.admit(order.feed.host, now) if order.wish != "refresh" else None
        if order.wish != "refresh" and is_rate_limited(known.rate_limited, now):
            down = "rate_limited"
        if down is not None:
            return Refreshed(self._decisions.spared(known, down, now))
        began = monotonic()
        flight.asking = True
        if flight.closing.is_set():
            return Refreshed(CLOSED)
        response = self._ask(order, known, now)
        flight.asking = False
        asked = Asked(order.feed, order.keys, known, response, now, lease, monotonic() - began)
        with flight.readers if isinstance(response, Fetched) else nullcontext():
            if flight.closing.is_set():
                return Refreshed(CLOSED)
            return settle(
                asked, read_clock(self._clock), self._repository, self._decisions, self._jitter
            )

    def _ask(self, order: Order, known: Known, now: datetime) -> FetchResponse:
        feed = order.feed
        conditional = self._decisions.conditional(feed, known, now, order.wish)
        response = self._put(self._decisions.request(feed, known, conditional=conditional))
        if isinstance(response, NotModified) and not conditional:
            # There is no stored reading that a 304 could confirm: ask again, and then give up.
            if not known.attempts.failures:
                response = self._put(self._decisions.request(feed, known, conditional=False))
            if isinstance(response, NotModified):
                return Failed("protocol")
        return response

    def _put(self, request: FetchRequest) -> FetchResponse:
        self._decisions.tally.count("fetches")
        answer = self._fetch(request)
        return answer if isinstance(answer, FetchResponse) else Failed("fetcher_error")

    def _too_late(self, order: Order) -> Refreshed:
        """The answer when another cache has not given back the lease in time."""
        now = read_clock(self._clock)
        known = self._repository.load(order.keys)
        decision = known.decide(now, self._decisions.rules, order.wish, order.older_than)
        if isinstance(decision, Fetch):
            return Refreshed(self._decisions.late(known, now))
        return Refreshed(known.served(decision))
