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
from extcal.cache.freshness.clock import read_clock
from extcal.cache.freshness.decide import Raise, Serve, Wish
from extcal.cache.options import Options, last_attempt, last_refreshed
from extcal.cache.refresh.outcome import Refreshed
from extcal.cache.refresh.repository import Known
from extcal.cache.refresh.steps import Order, fly
from extcal.cache.snapshot.questions import Exclusions, between, part, without
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.cache.stores import MemoryStore
from extcal.errors import Unavailable
from extcal.fetch.feed import Feed, takes_feed
from extcal.fetch.protocol import AsyncFetcher, Fetcher, FetchRequest
from extcal.ical import Excluded, ExternalEvent
from extcal.intervals import FreeBusy, Period
from extcal.intervals.instants import span

if TYPE_CHECKING:
    from typing import Self

    from extcal.cache.refresh.async_flights import Promise, Ticket

__all__ = ["AsyncCalendarCache"]

_AnyFetcher: TypeAlias = "AsyncFetcher | Fetcher"
_Answer: TypeAlias = "Snapshot | Raise"
_Found = TypeVar("_Found")
_TEN_SECONDS = timedelta(seconds=10)


class AsyncCalendarCache(Options[_AnyFetcher]):
    """Keeps calendars that live elsewhere, no older than promised, for tasks of one event loop.

    Used as ``async with AsyncCalendarCache() as calendars``: fetches are tasks of that block, and
    end with it. The arguments are those of :class:`~extcal.CalendarCache`, but for two:
    ``fetcher`` is an AsyncHttpFetcher if left out, and one whose ``fetch`` is no coroutine function
    (a FileFetcher) is asked in a thread; ``on_refresh`` may be a coroutine function.

    Raises ImportError if ``extcal[async]`` is not installed.
    """

    def _check(self, fetcher: object) -> None:
        if find_spec("anyio") is None:
            raise ImportError(
                "AsyncCalendarCache needs anyio: pip install 'extcal[async]'", name="anyio"
            )

    def _start(self) -> None:
        from extcal.cache.refresh.async_flights import Flights

        self._flights = Flights(self._most, self._landed)
        self._blocking = not isinstance(self._repository.store, MemoryStore)

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

    @takes_feed
    async def get(self, feed: Feed | str) -> Snapshot:
        """What is known about ``feed``, fetched first if that is older than 30 minutes.

        If the source cannot be read, the last good reading is served for up to 24 hours, with
        ``state`` ERROR_STALE. Raises :class:`~extcal.Unavailable` if there is none, FeedUrlError
        for a str that is no address of a feed, and RuntimeError outside the ``async with`` block.
        """
        return await self._ask(feed, "get")

    @takes_feed
    async def refresh(self, feed: Feed | str) -> Snapshot:
        """The same, but fetched now: somebody pressed "refresh".

        Not sooner than 30 seconds after the last attempt, nor before the time a source asked to be
        left alone for (Retry-After); within those it is :meth:`get`.
        If the source cannot be read it says ERROR_STALE, even of what is younger than 30 minutes
        and FRESH for the next :meth:`get`: nothing newer could be had just now.
        """
        return await self._ask(feed, "refresh")

    @takes_feed
    async def free_busy(
        self, feed: Feed | str, start: datetime, end: datetime, exclude: Iterable[Excluded] = ()
    ) -> FreeBusy:
        """When the owner of ``feed`` is busy in ``[start, end)``, two aware datetimes.

        What the cache does not look at (see ``horizon`` and ``history``) is unknown. ``exclude``:
        UIDs, or ``(uid, recurrence_id)`` for one instance, to leave out. Raises what :meth:`get`
        raises, and OutsideHorizon if nothing of ``[start, end)`` is known.
        """
        (lo, hi), exclusions = span(start, end), Exclusions(exclude)
        snapshot = await self._ask(feed, "get")
        if not exclusions:
            return part(snapshot.reading.busy, lo, hi)
        known = await self._flights.read(partial(without, snapshot.reading, exclusions))
        return part(known, lo, hi)

    @takes_feed
    async def events(
        self, feed: Feed | str, start: datetime, end: datetime
    ) -> tuple[ExternalEvent, ...]:
        """The events of ``feed`` that touch ``[start, end)``, two aware datetimes, by start.

        They can be shown, not opened or edited. Raises what :meth:`free_busy` raises.
        """
        lo, hi = span(start, end)
        snapshot = await self._ask(feed, "get")
        part(snapshot.reading.busy, lo, hi)
        return await self._flights.read(lambda: between(snapshot.events, start, end))

    @takes_feed
    async def last_refreshed(self, feed: Feed | str) -> datetime | None:
        """When the source last gave or confirmed what is known of ``feed``; None if never."""
        return last_refreshed(await self._known(feed))

    @takes_feed
    async def last_attempt(self, feed: Feed | str) -> datetime | None:
        """When the source of ``feed`` was last asked, whatever came of it; None if it never was."""
        return last_attempt(await self._known(feed))

    @takes_feed
    async def forget(self, feed: Feed | str) -> None:
        """Erase what is known of the address of ``feed``: the user removed it.

        As :meth:`extcal.CalendarCache.forget`.
        """
        assert isinstance(feed, Feed)
        now = read_clock(self._clock)
        await self._at_store(partial(self._repository.forget, feed, now))

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
        found = read_people(people, self._repository.keys)
        orders = [Order(*each, "get", self._patience) for each in found.feeds.values()]
        # Many looks are work, even in memory: all of them in one go, off the event loop.
        known = await self._flights.call(
            lambda: [self._answer(order) for order in orders], abandon=True
        )
        looks = [self._promise(order, *answer) for order, answer in zip(orders, known, strict=True)]
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
        feed: Feed | str,
        wish: Wish,
        older_than: timedelta | None = None,
        patience: float | None = None,
    ) -> Snapshot:
        assert isinstance(feed, Feed)  # see takes_feed
        self._flights.require_open()
        order = Order(feed, self._repository.keys(feed), wish, self._patience, older_than)
        look = self._promise(
            order, *await self._at_store(partial(self._answer, order), abandon=True)
        )
        return self._told(await look.finish(patience or self._patience, strict=True))

    def _answer(self, order: Order) -> tuple[_Answer | None, bool, _Answer]:
        """What is known, and what to do about it; uses the store."""
        now = read_clock(self._clock)
        known = self._repository.load(order.keys)
        decision = known.decide(now, self._decisions.rules, order.wish, order.older_than)
        answer = self._decisions.answer(order.feed, known, decision, now, order.wish)
        behind = isinstance(decision, Serve) and decision.behind
        return answer, behind, self._decisions.late(known, now)

    def _promise(
        self, order: Order, answer: _Answer | None, behind: bool, late: _Answer
    ) -> Promise:
        """The answer, or a place on the flight that brings it; never waits."""
        from extcal.cache.refresh.async_flights import Promise

        key = order.keys.snapshot
        if answer is None:
            return Promise(key, late, self._fly(order))
        if behind:
            self._fly(replace(order, wish="renew"))
        return Promise(key, answer)

    def _fly(self, order: Order) -> Ticket:
        return self._flights.join(order.keys.snapshot, partial(self._flown, order))

    async def _flown(self, order: Order) -> Refreshed:
        flight = fly(self._repository, self._decisions, self._clock, self._jitter, order)
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

    async def _known(self, feed: Feed | str) -> Known:
        assert isinstance(feed, Feed)  # see takes_feed
        keys = self._repository.keys(feed)
        return await self._at_store(partial(self._repository.load, keys), abandon=True)

    async def _at_store(self, call: Callable[[], _Found], *, abandon: bool = False) -> _Found:
        self._flights.require_open()
        return await self._flights.call(call, abandon=abandon) if self._blocking else call()

    async def _landed(self, done: Refreshed) -> None:
        said = self._call_back(done)
        if done.refresh is not None and inspect.isawaitable(said):
            try:
                await said
            except Exception as error:
                self._callback_failed(done.refresh, error)

    def _in_flight(self) -> int:
        return len(self._flights)
