"""AsyncCalendarCache: the same cache for programs with an event loop, asyncio or trio.

The rules, the books and the steps of a flight are those of :class:`~extcal.CalendarCache`; only the
waiting is different. Calendars are read in threads, and so is a store that may block: looking into
a MemoryStore is quicker than asking a thread to. Needs ``extcal[async]``; anyio is imported when a
cache is made.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from importlib.util import find_spec
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from extcal.cache.availability.people import Source, read_people
from extcal.cache.availability.table import Availability
from extcal.cache.bulk import PATIENCE, Plan, Queue, Result
from extcal.cache.freshness.clock import Clock, read_clock, system_clock
from extcal.cache.freshness.decide import Fetch, Raise, Wish
from extcal.cache.options import Desk, last_attempt, last_refreshed
from extcal.cache.refresh.decisions import Behind, Keys, Known, Landed
from extcal.cache.refresh.log import Refresh
from extcal.cache.refresh.steps import Order, fly
from extcal.cache.snapshot.reading import Exclusions, between, part, without
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.cache.stores import MemoryStore, Store
from extcal.errors import Unavailable
from extcal.fetch.feed import Feed, accepted, read_feed
from extcal.fetch.protocol import AsyncFetcher, Fetcher, FetchRequest
from extcal.ical import Excluded, ExternalEvent
from extcal.intervals import FreeBusy, Period
from extcal.intervals.instants import span
from extcal.limits import Limits

if TYPE_CHECKING:
    from typing import Self

    from dateutil.relativedelta import relativedelta

    from extcal.cache.refresh.async_flights import Look, Ticket

__all__ = ["AsyncCalendarCache"]

_AnyFetcher: TypeAlias = "AsyncFetcher | Fetcher"
_Answer: TypeAlias = "Snapshot | Behind | Raise | Fetch"
_Found = TypeVar("_Found")
_TEN_SECONDS = timedelta(seconds=10)


class AsyncCalendarCache(Desk[_AnyFetcher]):
    """Keeps calendars that live elsewhere, no older than promised, for tasks of one event loop.

    Used as ``async with AsyncCalendarCache() as calendars``: fetches are tasks of that block, and
    end with it. The arguments are those of :class:`~extcal.CalendarCache`, but for two:
    ``fetcher`` is an AsyncHttpFetcher if left out, and one whose ``fetch`` is no coroutine function
    (a FileFetcher) is asked in a thread; ``on_refresh`` may be a coroutine function.

    Raises ImportError if ``extcal[async]`` is not installed.
    """

    def __init__(
        self,
        *,
        ttl: timedelta = timedelta(minutes=30),
        horizon: relativedelta | timedelta | None = None,
        history: timedelta = timedelta(days=31),
        store: Store | None = None,
        fetcher: _AnyFetcher | Callable[[], _AnyFetcher] | None = None,
        clock: Clock = system_clock,
        secret: bytes | str | None = None,
        limits: Limits | None = None,
        stale_if_error: timedelta = timedelta(hours=24),
        stale_while_revalidate: timedelta = timedelta(0),
        ttl_jitter: float = 0.0,
        respect_refresh_interval: bool = False,
        max_fetches: int = 32,
        on_refresh: Callable[[Refresh], object] | None = None,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        if find_spec("anyio") is None:
            raise ImportError(
                "AsyncCalendarCache needs anyio: pip install 'extcal[async]'", name="anyio"
            )
        from extcal.cache.refresh.async_flights import Flights

        super().__init__(
            ttl=ttl,
            horizon=horizon,
            history=history,
            store=store,
            fetcher=fetcher,
            clock=clock,
            secret=secret,
            limits=limits,
            stale_if_error=stale_if_error,
            stale_while_revalidate=stale_while_revalidate,
            ttl_jitter=ttl_jitter,
            respect_refresh_interval=respect_refresh_interval,
            max_fetches=max_fetches,
            on_refresh=on_refresh,
            jitter=jitter,
        )
        self._flights = Flights(self._most, self._landed)
        self._blocking = not isinstance(self._ledger.store, MemoryStore)

    async def __aenter__(self) -> Self:
        await self._flights.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._flights.close()

    # -- one feed -------------------------------------------------------------------------------

    async def get(self, feed: Feed | str) -> Snapshot:
        """What is known about ``feed``, fetched first if that is older than 30 minutes.

        If the source cannot be read, the last good reading is served for up to 24 hours, with
        ``state`` ERROR_STALE. Raises :class:`~extcal.Unavailable` if there is none, FeedUrlError
        for a str that is no address of a feed, and RuntimeError outside the ``async with`` block.
        """
        # An address is sealed before anything can go wrong: tracebacks may show local variables.
        opened = read_feed(feed)
        del feed  # a refused address must not stay in this frame
        feed = accepted(opened)
        return await self._ask(feed, "get")

    async def refresh(self, feed: Feed | str) -> Snapshot:
        """The same, but fetched now: somebody pressed "refresh".

        Not sooner than 30 seconds after the last attempt, nor before the time a source asked to be
        left alone for (Retry-After); within those it is :meth:`get`.
        If the source cannot be read it says ERROR_STALE, even of what is younger than 30 minutes
        and FRESH for the next :meth:`get`: nothing newer could be had just now.
        """
        opened = read_feed(feed)
        del feed  # a refused address must not stay in this frame
        feed = accepted(opened)
        return await self._ask(feed, "refresh")

    async def free_busy(
        self, feed: Feed | str, start: datetime, end: datetime, exclude: Iterable[Excluded] = ()
    ) -> FreeBusy:
        """When the owner of ``feed`` is busy in ``[start, end)``, two aware datetimes.

        What the cache does not look at (see ``horizon`` and ``history``) is unknown. ``exclude``:
        UIDs, or ``(uid, recurrence_id)`` for one instance, to leave out. Raises what :meth:`get`
        raises, and OutsideHorizon if nothing of ``[start, end)`` is known.
        """
        opened = read_feed(feed)
        del feed  # a refused address must not stay in this frame
        feed = accepted(opened)
        (lo, hi), exclusions = span(start, end), Exclusions(exclude)
        snapshot = await self._ask(feed, "get")
        if not exclusions:
            return part(snapshot.reading.busy, lo, hi)
        known = await self._flights.read(partial(without, snapshot.reading, exclusions))
        return part(known, lo, hi)

    async def events(
        self, feed: Feed | str, start: datetime, end: datetime
    ) -> tuple[ExternalEvent, ...]:
        """The events of ``feed`` that touch ``[start, end)``, two aware datetimes, by start.

        They can be shown, not opened or edited. Raises what :meth:`free_busy` raises.
        """
        opened = read_feed(feed)
        del feed  # a refused address must not stay in this frame
        feed = accepted(opened)
        lo, hi = span(start, end)
        snapshot = await self._ask(feed, "get")
        part(snapshot.reading.busy, lo, hi)
        return await self._flights.read(lambda: between(snapshot.events, start, end))

    async def last_refreshed(self, feed: Feed | str) -> datetime | None:
        """When the source last gave or confirmed what is known of ``feed``; None if never."""
        opened = read_feed(feed)
        del feed  # a refused address must not stay in this frame
        feed = accepted(opened)
        return last_refreshed(await self._load(self._ledger.keys(feed)))

    async def last_attempt(self, feed: Feed | str) -> datetime | None:
        """When the source of ``feed`` was last asked, whatever came of it; None if it never was."""
        opened = read_feed(feed)
        del feed  # a refused address must not stay in this frame
        feed = accepted(opened)
        return last_attempt(await self._load(self._ledger.keys(feed)))

    async def forget(self, feed: Feed | str) -> None:
        """Drop what is known of ``feed``: the user removed the address."""
        opened = read_feed(feed)
        del feed  # a refused address must not stay in this frame
        feed = accepted(opened)
        await self._at_store(partial(self._ledger.forget, feed))

    # -- many people, many feeds ----------------------------------------------------------------

    async def availability(
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
        self._flights.require_open()
        found = read_people(people, self._ledger.keys)
        orders = [Order(*each, "get", self._patience) for each in found.feeds.values()]
        # Many looks are work, even in memory: all of them in one go, off the event loop.
        known = await self._flights.call(
            lambda: [self._answer(order) for order in orders], abandon=True
        )
        looks = [self._boarded(order, *answer) for order, answer in zip(orders, known, strict=True)]
        answers = {}
        for look in looks:
            answers[look.key] = self._counted(await look.finish(until - monotonic()))
        return await self._flights.read(partial(found.table, window, answers, exclusions))

    def refresh_many(
        self,
        feeds: Iterable[Feed | str],
        progress: bool = False,
        *,
        older_than: timedelta | None = None,
        at_once: int | None = None,
        per_host: int = 4,
    ) -> AsyncIterator[Result]:
        """Bring many feeds up to date; yields ``(feed, Snapshot or Unavailable)`` as they come.

        As :meth:`extcal.CalendarCache.refresh_many` in the tasks of this block: ``feeds`` is read
        as it is needed; at most ``at_once`` of them are under way (``max_fetches`` if left out),
        and at most ``per_host`` of one host; what is not older than 30 minutes, or than
        ``older_than`` if that is shorter, is answered from what is known. ``progress``: show a bar
        (needs ``extcal[progress]``).

        Raises what a store raises, FeedUrlError for a str that is no address of a feed, and
        RuntimeError outside the ``async with`` block. Who leaves the iterator early drops what has
        not begun.
        """
        from extcal.cache.bulk.async_run import results
        from extcal.cache.bulk.progress import new_bar

        group = self._flights.require_open()
        plan = Plan(self._most if at_once is None else at_once, per_host, older_than)
        queue = Queue(feeds, plan)
        bar = new_bar(feeds) if progress else None
        return results(group, partial(self._bring, older_than), queue, bar)

    async def _bring(self, older_than: timedelta | None, feed: Feed) -> Snapshot | Unavailable:
        try:
            return await self._ask(feed, "renew", older_than, PATIENCE * self._patience)
        except Unavailable as error:
            # Without its traceback, which would keep this frame and everything in it.
            return error.with_traceback(None)

    # -- asking ---------------------------------------------------------------------------------

    async def _ask(
        self,
        feed: Feed,
        wish: Wish,
        older_than: timedelta | None = None,
        patience: float | None = None,
    ) -> Snapshot:
        self._flights.require_open()
        order = Order(feed, self._ledger.keys(feed), wish, self._patience, older_than)
        look = self._boarded(
            order, *await self._at_store(partial(self._answer, order), abandon=True)
        )
        return self._told(await look.finish(patience or self._patience, strict=True))

    def _answer(self, order: Order) -> tuple[_Answer, Known, datetime]:
        """What is known, and what to do about it; uses the store."""
        ledger, now = self._ledger, read_clock(self._clock)
        known = ledger.load(order.keys)
        answer = ledger.answer(order.feed, order.keys, known, now, order.wish, order.older_than)
        return answer, known, now

    def _boarded(self, order: Order, answer: _Answer, known: Known, now: datetime) -> Look:
        """The answer, or a place on the flight that brings it; never waits."""
        from extcal.cache.refresh.async_flights import Look

        key = order.keys.snapshot
        if isinstance(answer, Behind):
            self._fly(replace(order, wish="renew"))
            return Look(key, answer.snapshot)
        if not isinstance(answer, Fetch):
            return Look(key, answer)
        return Look(key, self._ledger.late(known, now), self._fly(order))

    def _fly(self, order: Order) -> Ticket:
        return self._flights.join(order.keys.snapshot, partial(self._flown, order))

    async def _flown(self, order: Order) -> Landed:
        flight = fly(self._ledger, self._clock, order)
        return await self._flights.drive(flight, self._fetch, blocking=self._blocking)

    async def _fetch(self, request: FetchRequest) -> object:
        """Ask the fetcher. What a host's own raises could hold the address: its type is logged."""
        fetcher = self._fetcher
        if fetcher is None:
            fetcher = self._fetcher = self._new_fetcher()
        try:
            if inspect.iscoroutinefunction(fetcher.fetch):
                return await fetcher.fetch(request)
            found: object = await self._flights.call(partial(fetcher.fetch, request), abandon=True)
            return await found if inspect.isawaitable(found) else found
        except Exception as error:
            self._fetcher_failed(request, error)
            return None

    def _new_fetcher(self) -> _AnyFetcher:
        if self._recipe is not None:
            return self._recipe()
        from extcal.fetch import AsyncHttpFetcher

        return AsyncHttpFetcher(limits=self._limits)

    async def _load(self, keys: Keys) -> Known:
        return await self._at_store(partial(self._ledger.load, keys), abandon=True)

    async def _at_store(self, call: Callable[[], _Found], *, abandon: bool = False) -> _Found:
        self._flights.require_open()
        return await self._flights.call(call, abandon=abandon) if self._blocking else call()

    async def _landed(self, landed: Landed) -> None:
        said = self._call_back(landed)
        if landed.refresh is not None and inspect.isawaitable(said):
            try:
                await said
            except Exception as error:
                self._callback_failed(landed.refresh, error)

    def _in_flight(self) -> int:
        return len(self._flights)
