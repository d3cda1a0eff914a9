"""One flight, from the lease to its return: get the lease, decide under it, ask, keep the answer.

It blocks: the calling thread waits for the store, for the fetcher, and for a lease that another
cache holds. However a flight ends, the lease is given back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

from extcal.cache.freshness.clock import Clock, read_clock
from extcal.cache.freshness.rate_limited_hosts import is_rate_limited
from extcal.cache.freshness.values import Fetch, Wish
from extcal.cache.refresh.decisions import Decisions
from extcal.cache.refresh.kept.keys import Keys
from extcal.cache.refresh.kept.repository import Known, Repository
from extcal.cache.refresh.outcome import Asked, Refreshed, read_answer, settle
from extcal.cache.refresh.shared_requests import Answer, SharedRequests, Wanted
from extcal.cache.refresh.single_flight import CLOSED, Flight
from extcal.cache.stores.lease import Lease
from extcal.fetch.feed import Feed
from extcal.fetch.protocol import Failed, Fetched, FetchRequest, FetchResponse, NotModified
from extcal.values import dataclass, field

__all__ = ["Order", "Refresher"]

_FIRST_PAUSE, _LAST_PAUSE = 0.01, 0.25
_MOST_HELD = 128 * 1024 * 1024  # bytes of bodies


@dataclass(frozen=True, slots=True)
class Order:
    """Which feed to bring up to date, and why.

    ``patience``: seconds to wait for another cache that holds the lease. ``older_than``: a reading
    older than this is fetched again, even if it is fresh by the rules. ``wanted``: since when, in
    seconds of the monotonic clock. ``of_many``: it is one of many, which follow each other.
    """

    feed: Feed
    keys: Keys
    wish: Wish
    patience: float
    older_than: timedelta | None = None
    wanted: float = field(default_factory=monotonic)
    of_many: bool = False


class Refresher:
    """Brings feeds up to date.

    ``fetch``: asks the fetcher; ``jitter`` is for the back-off.
    """

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
        # An application's own fetcher that says nothing of it is asked for each feed.
        self._requests = SharedRequests(self._put, partial(repository.shares, False))

    def expect(self, orders: Iterable[Order]) -> None:
        """Note which feeds may be fetched next: one request answers all of one address."""
        for order in orders:
            self._requests.expect(order.keys)

    def job(self, order: Order) -> Callable[[Flight], Refreshed]:
        """:meth:`bring` for ``order``, as a job of a flight."""
        self._requests.expect(order.keys)
        return partial(self.bring, order)

    def forget(self, feed: Feed, now: datetime) -> None:
        """Erase what is known of the address of ``feed``, in the store and here."""
        self._requests.forget(self._repository.keys(feed))
        self._repository.forget(feed, now)

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
            return self._bring(order, flight, lease, known, until)
        finally:
            lease.release()

    def _bring(
        self, order: Order, flight: Flight, lease: Lease, known: Known, until: float
    ) -> Refreshed:
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
        # Bodies that wait to be read are held in memory: no more of them are asked for meanwhile.
        while flight.queue.held > _MOST_HELD:
            if monotonic() >= until:
                return self._too_late(order)
            if flight.closing.wait(_FIRST_PAUSE):
                return Refreshed(CLOSED)
        began = monotonic()
        flight.asking = True
        if flight.closing.is_set():
            return Refreshed(CLOSED)
        answer = self._ask(order, known, now)
        flight.asking = False
        response, took = answer.response, monotonic() - began
        asked = Asked(
            order.feed, order.keys, known, response, answer.at, lease, took, answer.shared
        )
        size = len(response.body) if isinstance(response, Fetched) else None
        # Other bodies are read first, but this one waits no longer than its callers do.
        if size is not None and not flight.queue.acquire(size, max(0.0, until - monotonic())):
            size = None
            asked = asked._replace(response=Failed("timeout", elsewhere=True))
        try:
            if flight.closing.is_set():
                return Refreshed(CLOSED)
            read = read_answer(asked, self._decisions, self._repository)
        finally:
            if size is not None:
                flight.queue.release(size)
        now = read_clock(self._clock)
        return settle(asked, read, now, self._repository, self._decisions, self._jitter)

    def _ask(self, order: Order, known: Known, now: datetime) -> Answer:
        feed, held = order.feed, known.held
        conditional = self._decisions.conditional(feed, known, now, order.wish)
        request = self._decisions.request(feed, known, conditional=conditional)
        wanted = Wanted(order.wanted, order.of_many, None if held is None else held.asked)
        answer = self._requests.put(order.keys.attempts, request, now, wanted)
        if isinstance(answer.response, NotModified) and not conditional:
            # There is no stored reading that a 304 could confirm: ask again, and then give up.
            if not known.attempts.failures:
                answer = answer._replace(response=self._put(request), at=now, shared=False)
            if isinstance(answer.response, NotModified):
                return answer._replace(response=Failed("protocol"))
        return answer

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
