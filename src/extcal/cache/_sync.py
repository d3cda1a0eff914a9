"""CalendarCache: the 30-minute and the 3-month rule, for programs with threads.

What to do is decided in :mod:`~extcal.cache.ledger`; here it is done, and here are the threads.
One fetch per feed at a time: whoever finds that a feed must be asked joins the flight for it, or
starts one. A flight is flown by a worker thread of its own, so that no caller who gives up takes
the others down with it, and across caches that share a store by whoever holds the feed's lease.
"""

from __future__ import annotations

import inspect
import os
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

from extcal.cache.availability import Availability, Part, person
from extcal.cache.clock import Clock, read_clock, system_clock
from extcal.cache.freshness import Fetch, Raise, Rules, Wish
from extcal.cache.keys import read_secret
from extcal.cache.ledger import Keys, Known, Ledger
from extcal.cache.reach import Reach
from extcal.cache.reading import Exclusions, between, part, without
from extcal.cache.reasons import unavailable
from extcal.cache.snapshot import Snapshot
from extcal.cache.stores import MemoryStore, Store
from extcal.errors import FeedUrlError, Problem
from extcal.fetch.feed import Feed, as_feed
from extcal.fetch.protocol import (
    Failed,
    Fetched,
    Fetcher,
    FetchRequest,
    FetchResponse,
    Gone,
    NotModified,
    Refused,
)
from extcal.ical import Excluded, ExternalEvent
from extcal.intervals import FreeBusy, Period
from extcal.limits import Limits

if TYPE_CHECKING:
    from dateutil.relativedelta import relativedelta

__all__ = ["CalendarCache", "Source"]

Source: TypeAlias = "Feed | str | FreeBusy"
"""What says when a person is busy: a feed, its bare address, or what the host knows itself."""

_RESPONSES = (Fetched, NotModified, Gone, Refused, Failed)
_GRACE = 5.0  # seconds beyond the fetch deadline: reading the body takes time too
_LONGEST_STALE = timedelta(days=7)
_TEN_SECONDS = timedelta(seconds=10)


class CalendarCache:
    """Keeps calendars that live elsewhere, no older than promised. Safe to share between threads.

    ``ttl``: a calendar older than this is fetched before answering (30 minutes).
    ``horizon``: how far ahead calendars are read, a relativedelta or timedelta (3 months).
    ``history``: how far back (31 days).
    ``store``: where snapshots are kept (a MemoryStore of its own).
    ``fetcher``: what brings bytes in (an HttpFetcher, made when first needed).
    ``clock``: a callable that returns an aware datetime (the system's).
    ``secret``: bytes or str that make the store's keys say nothing to whoever reads them; caches
    that share a store share the secret.
    ``limits``: how much of a feed is read.
    ``stale_if_error``: how long the last good reading stands in for a source that cannot be read
    (24 hours).
    ``max_fetches``: at most so many at a time; the others wait their turn.
    ``jitter``: returns random numbers in [0, 1), for back-off.
    """

    def __init__(
        self,
        *,
        ttl: timedelta = timedelta(minutes=30),
        horizon: relativedelta | timedelta | None = None,
        history: timedelta = timedelta(days=31),
        store: Store | None = None,
        fetcher: Fetcher | None = None,
        clock: Clock = system_clock,
        secret: bytes | str | None = None,
        limits: Limits | None = None,
        stale_if_error: timedelta = timedelta(hours=24),
        max_fetches: int = 32,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        if not timedelta(0) <= ttl <= stale_if_error <= _LONGEST_STALE:
            raise ValueError("ttl cannot be negative or exceed stale_if_error, nor that 7 days")
        if fetcher is not None and inspect.iscoroutinefunction(fetcher.fetch):
            raise TypeError("this fetcher is asynchronous; CalendarCache takes one that is not")
        self._clock = clock
        self._fetcher = fetcher
        self._flights = _Flights(max_fetches)
        self._limits = Limits() if limits is None else limits
        self._patience = self._limits.fetch_deadline + _GRACE
        self._ledger = Ledger(
            MemoryStore() if store is None else store,
            Reach(horizon, history),
            Rules(ttl=ttl, stale_if_error=stale_if_error),
            self._limits,
            read_secret(secret),
            jitter,
        )

    # -- one feed -------------------------------------------------------------------------------

    def get(self, feed: Feed | str) -> Snapshot:
        """What is known about ``feed``, fetched first if that is older than 30 minutes.

        If the source cannot be read, the last good reading is served for up to 24 hours, with
        ``state`` ERROR_STALE. Raises :class:`~extcal.Unavailable` if there is none, and
        FeedUrlError for a str that is no address of a feed.
        """
        # An address is sealed before anything can go wrong: tracebacks may show local variables.
        feed = as_feed(feed)
        return _snapshot(self._ask(feed, "get"))

    def refresh(self, feed: Feed | str) -> Snapshot:
        """The same, but fetched now: somebody pressed "refresh".

        Not sooner than 30 seconds after the last attempt, nor before the time a source asked to be
        left alone for (Retry-After); within those it is :meth:`get`.
        """
        feed = as_feed(feed)
        return _snapshot(self._ask(feed, "refresh"))

    def free_busy(
        self, feed: Feed | str, start: datetime, end: datetime, exclude: Iterable[Excluded] = ()
    ) -> FreeBusy:
        """When the owner of ``feed`` is busy in ``[start, end)``, two aware datetimes.

        What the cache does not look at (see ``horizon`` and ``history``) is unknown. ``exclude``:
        UIDs, or ``(uid, recurrence_id)`` for one instance, to leave out, as when a meeting that
        came back through the feed is to be moved. Raises what :meth:`get` raises, and
        OutsideHorizon if nothing of ``[start, end)`` is known.
        """
        feed = as_feed(feed)
        asked, exclusions = Period(start, end), Exclusions(exclude)
        snapshot = self.get(feed)
        known = without(snapshot.reading, exclusions) if exclusions else snapshot.free_busy
        return part(known, asked.start, asked.end)

    def events(self, feed: Feed | str, start: datetime, end: datetime) -> tuple[ExternalEvent, ...]:
        """The events of ``feed`` that touch ``[start, end)``, two aware datetimes, by start.

        They can be shown, not opened or edited. Raises what :meth:`free_busy` raises.
        """
        feed = as_feed(feed)
        asked = Period(start, end)
        snapshot = self.get(feed)
        part(snapshot.free_busy, asked.start, asked.end)
        return between(snapshot.events, asked.start, asked.end)

    def last_refreshed(self, feed: Feed | str) -> datetime | None:
        """When the source last gave or confirmed what is known of ``feed``; None if never."""
        feed = as_feed(feed)
        reading = self._ledger.load(self._ledger.keys(feed)).reading
        return None if reading is None else reading.fetched_at

    def last_attempt(self, feed: Feed | str) -> datetime | None:
        """When the source of ``feed`` was last asked, whatever came of it; None if it never was."""
        feed = as_feed(feed)
        known = self._ledger.load(self._ledger.keys(feed))
        asked = [known.attempts.last, known.reading.fetched_at if known.reading else None]
        return max((moment for moment in asked if moment is not None), default=None)

    def forget(self, feed: Feed | str) -> None:
        """Drop what is known of ``feed``: the user removed the address."""
        feed = as_feed(feed)
        self._ledger.forget(self._ledger.keys(feed))

    # -- many people ----------------------------------------------------------------------------

    def availability(
        self,
        people: Mapping[str, Source | Iterable[Source]],
        start: datetime,
        end: datetime,
        timeout: timedelta = _TEN_SECONDS,
    ) -> Availability:
        """Who of ``people`` is busy when in ``[start, end)``, two aware datetimes.

        ``people``: by name, a Feed, an address, a FreeBusy of the host's own, or several of them.
        Feeds are fetched at the same time, and waited for no longer than ``timeout`` in all: who
        is late is served from the last good snapshot, else unknown. A feed that cannot be read
        makes its person unknown, with a Problem in ``table.problems``; it raises nothing.
        """
        if not isinstance(timeout, timedelta):
            raise TypeError(f"timeout takes a timedelta, not {type(timeout).__name__}")
        until = monotonic() + timeout.total_seconds()
        window = Period(start, end)
        lo, hi = FreeBusy.from_periods(window).window_epochs
        sources = {name: _sources(name, given) for name, given in people.items()}
        looks: dict[str, _Look] = {}
        rows: dict[str, list[_Look | Part]] = {}
        for name, given in sources.items():
            rows[name] = [self._row_part(source, looks) for source in given]
        parts = {key: _part(look.finish(until - monotonic())) for key, look in looks.items()}
        table = {
            name: person(
                [row if isinstance(row, Part) else parts[row.key] for row in row_parts], lo, hi
            )
            for name, row_parts in rows.items()
        }
        return Availability(window, table)

    def _row_part(self, source: Source, looks: dict[str, _Look]) -> _Look | Part:
        if isinstance(source, FreeBusy):
            return Part(source)
        try:
            feed = as_feed(source)
        except FeedUrlError as error:
            problem = Problem(error.kind, error.message, action="unknown")
            return Part(None, problems=(problem,))
        keys = self._ledger.keys(feed)
        if keys.snapshot not in looks:
            looks[keys.snapshot] = self._look(feed, keys, "get")
        return looks[keys.snapshot]

    # -- asking ---------------------------------------------------------------------------------

    def _ask(self, feed: Feed, wish: Wish) -> Snapshot | Raise:
        return self._look(feed, self._ledger.keys(feed), wish).finish(self._patience, strict=True)

    def _look(self, feed: Feed, keys: Keys, wish: Wish) -> _Look:
        """Answer from what is known, or be on the flight that brings the answer; never waits."""
        now = read_clock(self._clock)
        known = self._ledger.load(keys)
        answer = self._ledger.answer(feed, known, now, wish)
        if not isinstance(answer, Fetch):
            return _Look(keys.snapshot, answer)
        flight = self._flights.join(keys.snapshot, partial(self._lead, feed, keys, wish))
        return _Look(keys.snapshot, self._ledger.late(known, now), flight)

    def _lead(self, feed: Feed, keys: Keys, wish: Wish) -> Snapshot | Raise:
        """Fly: get the lease, look again whether it still needs doing, and do it."""
        ledger, store = self._ledger, self._ledger.store
        until, pause = monotonic() + self._patience, 0.01
        while True:
            now = read_clock(self._clock)
            known = ledger.load(keys)
            answer = ledger.answer(feed, known, now, wish)
            if not isinstance(answer, Fetch):
                return answer
            token = store.lease(keys.snapshot, now, ledger.lease_time)
            if token is not None:
                break
            if monotonic() >= until:
                return ledger.late(known, now)
            # Another cache is at it: look now and then whether it has come back.
            threading.Event().wait(pause)
            pause = min(2 * pause, 0.25)
        try:
            known = ledger.load(keys)
            answer = ledger.answer(feed, known, now, wish)
            if not isinstance(answer, Fetch):
                return answer
            response = self._fetch(feed, known, conditional=answer.conditional)
            return ledger.settle(
                feed,
                keys,
                known,
                response,
                asked_at=now,
                now=read_clock(self._clock),
                token=token,
            )
        finally:
            store.release(keys.snapshot, token)

    def _fetch(self, feed: Feed, known: Known, *, conditional: bool) -> FetchResponse:
        response = self._call(self._ledger.request(feed, known, conditional=conditional))
        if isinstance(response, NotModified) and not conditional:
            # Nothing was held that could be unmodified: ask again, and then give up.
            response = self._call(self._ledger.request(feed, known, conditional=False))
            if isinstance(response, NotModified):
                return Failed("protocol")
        return response

    def _call(self, request: FetchRequest) -> FetchResponse:
        """Ask the fetcher. What a host's own may raise could hold the address: it is dropped."""
        fetcher = self._fetcher
        if fetcher is None:
            from extcal.fetch import HttpFetcher

            fetcher = self._fetcher = HttpFetcher(limits=self._limits)
        try:
            response: object = fetcher.fetch(request)
        except Exception:
            return Failed("fetcher_error")
        return response if isinstance(response, _RESPONSES) else Failed("fetcher_error")

    def __repr__(self) -> str:
        return f"<CalendarCache over {self._ledger.store!r}>"


class _Look:
    """An answer, or the flight that brings it and what to say if it is late."""

    __slots__ = ("_flight", "_otherwise", "key")

    def __init__(
        self, key: str, otherwise: Snapshot | Raise, flight: _Flight | None = None
    ) -> None:
        self.key = key
        self._otherwise = otherwise
        self._flight = flight

    def finish(self, seconds: float, *, strict: bool = False) -> Snapshot | Raise:
        """Wait for the flight, but no longer than ``seconds``.

        ``strict``: an error of the store or the clock, which is neither the feed's nor ours to
        hide, is raised.
        """
        flight = self._flight
        if flight is None or not flight.done.wait(max(seconds, 0.0)):
            return self._otherwise
        if flight.answer is not None:
            return flight.answer
        if strict and flight.error is not None:
            raise flight.error
        return Raise("unavailable")


class _Flight:
    """One job, and everybody who waits for it."""

    __slots__ = ("answer", "done", "error", "job", "key")

    def __init__(self, key: str, job: Callable[[], Snapshot | Raise]) -> None:
        self.key = key
        self.job = job
        self.done = threading.Event()
        self.answer: Snapshot | Raise | None = None
        self.error: BaseException | None = None


class _Flights:
    """At most one flight per key, and so many in the air at once.

    Workers are daemon threads, because a fetcher that hangs must not keep a program from ending;
    they live while there is something to do.
    """

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError("max_fetches must be 1 at least")
        self._most = most
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._flying: dict[str, _Flight] = {}
        self._queue: deque[_Flight] = deque()
        self._workers = 0

    def join(self, key: str, job: Callable[[], Snapshot | Raise]) -> _Flight:
        """The flight for ``key``: the one under way, or a new one that does ``job``."""
        if self._process != os.getpid():
            # After a fork the threads of the parent are not here, and its lock may be taken.
            self._start()
        with self._lock:
            flight = self._flying.get(key)
            if flight is not None:
                return flight
            flight = self._flying[key] = _Flight(key, job)
            self._queue.append(flight)
            if self._workers < self._most:
                self._hire(flight)
            return flight

    def _hire(self, flight: _Flight) -> None:
        worker = threading.Thread(target=self._work, name="extcal-fetch", daemon=True)
        self._workers += 1
        try:
            worker.start()
        except RuntimeError:
            self._workers -= 1
            if not self._workers:
                self._queue.remove(flight)
                del self._flying[flight.key]
                raise

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._workers -= 1
                    return
                flight = self._queue.popleft()
            try:
                flight.answer = flight.job()
            except BaseException as error:
                flight.error = error
            with self._lock:
                # Off the list first: who comes now gets a look at what has been stored.
                del self._flying[flight.key]
            flight.done.set()
            del flight


def _snapshot(answer: Snapshot | Raise) -> Snapshot:
    if isinstance(answer, Raise):
        raise unavailable(answer.kind, answer.hint) from None
    return answer


def _part(answer: Snapshot | Raise) -> Part:
    if isinstance(answer, Raise):
        return Part.of_failure(answer.kind)
    return Part.of_snapshot(answer)


def _sources(name: str, given: Source | Iterable[Source]) -> list[Source]:
    if not isinstance(name, str):
        raise TypeError(f"people are named by str, not {type(name).__name__}")
    if isinstance(given, (Feed, str, FreeBusy)):
        return [given]
    found = list(given)
    for source in found:
        if not isinstance(source, (Feed, str, FreeBusy)):
            raise TypeError(
                f"a person's time comes from Feeds, addresses and FreeBusy, "
                f"not {type(source).__name__}"
            )
    return found
