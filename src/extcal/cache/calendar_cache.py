"""CalendarCache: the 30-minute and the 3-month rule, for programs with threads.

What to do is decided in :mod:`~extcal.cache.refresh.decisions` and
:mod:`~extcal.cache.refresh.steps`; here it is done. One fetch per feed at a time: whoever finds
that a feed must be asked joins the flight for it, or starts one; and across caches that share a
store it is flown by whoever holds the feed's lease.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any

from extcal.cache.availability.people import Source, read_people
from extcal.cache.availability.table import Availability
from extcal.cache.bulk import PATIENCE, Plan, Result
from extcal.cache.freshness.clock import read_clock
from extcal.cache.freshness.decide import Serve, Wish
from extcal.cache.options import Options, last_attempt, last_refreshed, recipe
from extcal.cache.refresh.flights import Flights, Promise, Ticket, drive
from extcal.cache.refresh.outcome import Refreshed
from extcal.cache.refresh.repository import Known
from extcal.cache.refresh.steps import Order, fly
from extcal.cache.snapshot.questions import Exclusions, between, part, without
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.cache.stores.memory import ForkSafeLock
from extcal.errors import Unavailable
from extcal.fetch.feed import Feed, takes_feed
from extcal.fetch.protocol import Fetcher, FetchRequest
from extcal.ical import Excluded, ExternalEvent
from extcal.intervals import FreeBusy, Period
from extcal.intervals.instants import span

__all__ = ["CalendarCache", "Source"]

_TEN_SECONDS = timedelta(seconds=10)


class CalendarCache(Options[Fetcher]):
    """Keeps calendars that live elsewhere, no older than promised. Safe to share between threads.

    ``ttl``: a calendar older than this is fetched before answering (30 minutes).
    ``horizon``: how far ahead calendars are read, a relativedelta or timedelta (3 months).
    ``history``: how far back (31 days).
    ``store``: where snapshots are kept (a MemoryStore of its own).
    ``fetcher``: what brings bytes in (an HttpFetcher), or a callable without arguments that makes
    it when it is first needed.
    ``clock``: a callable that returns an aware datetime (the system's).
    ``secret``: bytes or str that make the store's keys say nothing to whoever reads them; caches
    that share a store share the secret.
    ``limits``: how much of a feed is read.
    ``stale_if_error``: how long the last good reading stands in for a source that cannot be read
    (24 hours).
    ``max_fetches``: at most so many at a time; the others wait their turn.
    ``on_refresh``: called with a :class:`Refresh` after a source was asked, in the thread that
    asked, when those who waited have their answer.
    ``jitter``: returns random numbers in [0, 1), for back-off.

    Three more bend the 30 minutes, and are off unless asked for. ``stale_while_revalidate``: for
    so much longer, what is known is served at once (as STALE), and fetched behind the answer (RFC
    5861 section 3). ``ttl_jitter``: each feed expires earlier by a share of its own, up to this
    part of ``ttl``, so that not all do at once. ``respect_refresh_interval``: what a feed suggests
    (REFRESH-INTERVAL, X-PUBLISHED-TTL) may lengthen ``ttl``, to 6 hours at most.

    A pickled cache is the recipe for another one like it over the same store, without
    ``on_refresh``: that is how it gets to other processes.
    """

    def _check(self, fetcher: object) -> None:
        if inspect.iscoroutinefunction(getattr(fetcher, "fetch", None)):
            raise TypeError("this fetcher is asynchronous; CalendarCache takes one that is not")

    def _start(self) -> None:
        self._flights = Flights(self._most, self._call_back)
        self._making = ForkSafeLock()
        self._travelled = False

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), recipe(self))

    # -- one feed -------------------------------------------------------------------------------

    @takes_feed
    def get(self, feed: Feed | str) -> Snapshot:
        """What is known about ``feed``, fetched first if that is older than 30 minutes.

        If the source cannot be read, the last good reading is served for up to 24 hours, with
        ``state`` ERROR_STALE. Raises :class:`~extcal.Unavailable` if there is none, and
        FeedUrlError for a str that is no address of a feed.
        """
        return self._ask(feed, "get")

    @takes_feed
    def refresh(self, feed: Feed | str) -> Snapshot:
        """The same, but fetched now: somebody pressed "refresh".

        Not sooner than 30 seconds after the last attempt, nor before the time a source asked to be
        left alone for (Retry-After); within those it is :meth:`get`.
        If the source cannot be read it says ERROR_STALE, even of what is younger than 30 minutes
        and FRESH for the next :meth:`get`: nothing newer could be had just now.
        """
        return self._ask(feed, "refresh")

    @takes_feed
    def free_busy(
        self, feed: Feed | str, start: datetime, end: datetime, exclude: Iterable[Excluded] = ()
    ) -> FreeBusy:
        """When the owner of ``feed`` is busy in ``[start, end)``, two aware datetimes.

        What the cache does not look at (see ``horizon`` and ``history``) is unknown. ``exclude``:
        UIDs, or ``(uid, recurrence_id)`` for one instance, to leave out, as when a meeting that
        came back through the feed is to be moved. Raises what :meth:`get` raises, and
        OutsideHorizon if nothing of ``[start, end)`` is known.
        """
        (lo, hi), exclusions = span(start, end), Exclusions(exclude)
        snapshot = self._ask(feed, "get")
        reading = snapshot.reading
        known = without(reading, exclusions) if exclusions else reading.busy
        return part(known, lo, hi)

    @takes_feed
    def events(self, feed: Feed | str, start: datetime, end: datetime) -> tuple[ExternalEvent, ...]:
        """The events of ``feed`` that touch ``[start, end)``, two aware datetimes, by start.

        They can be shown, not opened or edited. Raises what :meth:`free_busy` raises.
        """
        lo, hi = span(start, end)
        snapshot = self._ask(feed, "get")
        part(snapshot.reading.busy, lo, hi)
        return between(snapshot.events, start, end)

    @takes_feed
    def last_refreshed(self, feed: Feed | str) -> datetime | None:
        """When the source last gave or confirmed what is known of ``feed``; None if never."""
        return last_refreshed(self._known(feed))

    @takes_feed
    def last_attempt(self, feed: Feed | str) -> datetime | None:
        """When the source of ``feed`` was last asked, whatever came of it; None if it never was."""
        return last_attempt(self._known(feed))

    @takes_feed
    def forget(self, feed: Feed | str) -> None:
        """Erase what is known of the address of ``feed``: the user removed it.

        Every reading of it goes, whatever zone, owner, detail or horizon it was read with, also one
        that is under way; in this process at once, in others when they next look. How the source
        wants to be asked (Retry-After, back-off) stays, and holds nothing of the person.
        """
        assert isinstance(feed, Feed)
        self._repository.forget(feed, read_clock(self._clock))

    # -- many people, many feeds ----------------------------------------------------------------

    def availability(
        self,
        people: Mapping[str, Source | Iterable[Source]],
        start: datetime,
        end: datetime,
        timeout: timedelta = _TEN_SECONDS,
        *,
        exclude: Iterable[Excluded] = (),
    ) -> Availability:
        """Who of ``people`` is busy when in ``[start, end)``, two aware datetimes.

        ``people``: by name, a Feed, an address, a FreeBusy of the host's own, or several of them.
        Feeds are fetched at the same time, and waited for no longer than ``timeout`` in all: who
        is late is served from the last good snapshot, else unknown. A feed that cannot be read
        makes its person unknown, with a Problem in ``table.problems``; it raises nothing.
        ``exclude``: what to leave out of every feed, as in :meth:`free_busy`: the meeting that is
        to be moved. What a FreeBusy says stays.
        """
        if not isinstance(timeout, timedelta):
            raise TypeError(f"timeout takes a timedelta, not {type(timeout).__name__}")
        until = monotonic() + timeout.total_seconds()
        window, exclusions = Period(start, end), Exclusions(exclude)
        found = read_people(people, self._repository.keys)
        looks = [self._look(Order(*each, "get", self._patience)) for each in found.feeds.values()]
        answers = {look.key: self._counted(look.finish(until - monotonic())) for look in looks}
        return found.table(window, answers, exclusions)

    def refresh_many(
        self,
        feeds: Iterable[Feed | str],
        executor: Executor | None = None,
        progress: bool = False,
        *,
        older_than: timedelta | None = None,
        at_once: int | None = None,
        per_host: int = 4,
    ) -> Iterator[Result]:
        """Bring many feeds up to date; yields ``(feed, Snapshot or Unavailable)`` as they come.

        What is not older than 30 minutes, or than ``older_than`` if that is shorter, is answered
        from what is known; the rest is fetched, where no back-off or Retry-After forbids it.
        ``feeds`` is read as it is needed, and may be endless: at most ``at_once`` feeds are under
        way (``max_fetches`` if left out), and at most ``per_host`` of one host.

        ``executor``: any ``concurrent.futures.Executor``: threads, processes, or a Dask cluster's
        ``client.get_executor()``; threads of this process if left out. Other processes get this
        cache by pickling, so its store must be one that processes share. ``progress``: show a bar
        (needs ``extcal[progress]``).

        A worker that is lost costs its own feeds (Unavailable, ``kind="worker_lost"``); if the
        executor then takes no more work, the rest are ``"not_refreshed"``. Raises what a store
        raises, FeedUrlError for a str that is no address of a feed, and TypeError if the cache
        cannot go to the processes of ``executor``. Closing the iterator drops what has not begun.
        """
        from extcal.cache.bulk.run import results

        plan = Plan(self._most if at_once is None else at_once, per_host, older_than)
        return results(self, feeds, executor, plan, progress=progress)

    def _bring(
        self, feeds: list[Feed], older_than: timedelta | None, once: str
    ) -> list[Snapshot | Unavailable]:
        """One task of :meth:`refresh_many`: the feeds at the same time, the answers in their order.

        ``once``: unlike any other task's. A cluster may take tasks with the same arguments for the
        same task, and answer from what it remembers.
        """
        try:
            looks = [
                self._look(
                    Order(feed, self._repository.keys(feed), "renew", self._patience, older_than)
                )
                for feed in feeds
            ]
            return [self._outcome(look) for look in looks]
        finally:
            self._hang_up()

    def _outcome(self, look: Promise) -> Snapshot | Unavailable:
        try:
            return self._told(look.finish(PATIENCE * self._patience, strict=True))
        except Unavailable as error:
            # Without its traceback, which would keep this frame and everything in it.
            return error.with_traceback(None)

    # -- asking ---------------------------------------------------------------------------------

    def _known(self, feed: Feed | str) -> Known:
        assert isinstance(feed, Feed)  # see takes_feed
        return self._repository.load(self._repository.keys(feed))

    def _ask(self, feed: Feed | str, wish: Wish) -> Snapshot:
        assert isinstance(feed, Feed)  # see takes_feed
        promise = self._look(Order(feed, self._repository.keys(feed), wish, self._patience))
        return self._told(promise.finish(self._patience, strict=True))

    def _look(self, order: Order) -> Promise:
        """Answer from what is known, or be on the flight that brings the answer; never waits."""
        key, now = order.keys.snapshot, read_clock(self._clock)
        known = self._repository.load(order.keys)
        decision = known.decide(now, self._decisions.rules, order.wish, order.older_than)
        answer = self._decisions.answer(order.feed, known, decision, now, order.wish)
        if answer is None:
            return Promise(key, self._decisions.late(known, now), self._fly(order))
        if isinstance(decision, Serve) and decision.behind:
            self._fly(replace(order, wish="renew"))
        return Promise(key, answer)

    def _fly(self, order: Order) -> Ticket:
        return self._flights.join(order.keys.snapshot, partial(self._flown, order))

    def _flown(self, order: Order) -> Refreshed:
        flight = fly(self._repository, self._decisions, self._clock, self._jitter, order)
        return drive(flight, self._fetch)

    def _fetch(self, request: FetchRequest) -> object:
        """Ask the fetcher. What a host's own raises could hold the address: its type is logged."""
        fetcher = self._fetcher or self._new_fetcher()
        try:
            return fetcher.fetch(request)
        except Exception as error:
            self._fetcher_failed(request, error)
            return None

    def _new_fetcher(self) -> Fetcher:
        from extcal.fetch import HttpFetcher

        with self._making:
            # One for all, or its bounds would be no bounds.
            if self._fetcher is None:
                make = self._recipe or partial(HttpFetcher, limits=self._limits)
                self._fetcher = make()
            return self._fetcher

    def _hang_up(self) -> None:
        """What a copy opened nobody else will close; left to the garbage, it would stay open."""
        close = getattr(self._repository.store, "close", None)
        if self._travelled and callable(close):
            close()

    def _in_flight(self) -> int:
        return len(self._flights)


def _rebuild(cls: type[CalendarCache], arguments: dict[str, Any]) -> CalendarCache:
    copy = cls(**arguments)
    copy._travelled = True
    return copy
