"""AsyncCalendarCache: the same cache for programs with an event loop, asyncio or trio.

It calls its engine, :class:`~extcal.CalendarCache`, which works with threads, and waits for the
answers on the event loop. A MemoryStore is read on the loop itself, because that does not block.
Calls that block or compute for long run in threads. Needs ``extcal[async]``; anyio is imported when
a block is entered.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import Future
from datetime import datetime, timedelta
from functools import partial
from importlib.util import find_spec
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

from extcal.arguments import discreet, safe_repr
from extcal.cache.availability.table import Availability
from extcal.cache.calendar_cache import CalendarCache
from extcal.cache.faces import arguments_of, like
from extcal.cache.freshness.values import Raise, Wish
from extcal.cache.options import Options, Settings, last_attempt, last_refreshed
from extcal.cache.refresh.log import Refresh, callback_failed, fetcher_failed
from extcal.cache.refresh.outcome import Refreshed
from extcal.cache.refresh.single_flight import Flight, Flights, Promise
from extcal.cache.refresh.stats import Stats
from extcal.cache.snapshot.questions import between, part, without
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.cache.stores.memory import is_quick
from extcal.fetch.feed import Feed, takes_feed
from extcal.fetch.fetcher import AsyncFetcher, Fetcher
from extcal.fetch.http.async_driver import AsyncHttpFetcher
from extcal.fetch.http.deadline import Deadline, stoppable
from extcal.fetch.http.options import HttpOptions
from extcal.fetch.protocol import FetchRequest
from extcal.ical import Excluded, ExternalEvent
from extcal.ical.answer.exclude import Exclusions
from extcal.intervals import BLOCKING, FBType, FreeBusy
from extcal.intervals.freebusy import asked_in
from extcal.intervals.instants import span

if TYPE_CHECKING:
    from typing import Self

    from extcal.cache.bulk import Result
    from extcal.cache.event_loop import EventLoop

__all__ = ["AsyncCalendarCache"]

_AnyFetcher: TypeAlias = "AsyncFetcher | Fetcher"
_Found = TypeVar("_Found")
_TEN_SECONDS = timedelta(seconds=10)
_STOPPING = 0.5  # seconds to wait for fetches that were told to stop
_CLOSED = (
    "an AsyncCalendarCache works inside its block: async with AsyncCalendarCache() as calendars"
)


@safe_repr
class AsyncCalendarCache(Options[_AnyFetcher]):
    """Keeps external calendars, no older than promised, for tasks of one event loop.

    Used as ``async with AsyncCalendarCache() as calendars``: fetches belong to that block, and end
    with it. The arguments are those of :class:`~extcal.CalendarCache`, except that ``fetch`` of
    ``fetcher`` may be a coroutine function, which is then called on the event loop, and that
    ``on_refresh`` is called there too, and may be a coroutine function. The methods are those of
    :class:`~extcal.CalendarCache` as well. They also raise RuntimeError outside the block, and in
    another event loop.

    Raises ImportError if ``extcal[async]`` is not installed.
    """

    def _begin(self, settings: Settings, on_refresh: Callable[[Refresh], object] | None) -> None:
        if find_spec("anyio") is None:
            raise ImportError(
                "AsyncCalendarCache needs anyio: pip install 'extcal[async]'", name="anyio"
            )
        same: dict[str, Any] = self._arguments | {"store": settings.store}
        self._engine = _Engine(**same, on_refresh=on_refresh)
        # Reading from memory takes less time than passing the call to a thread.
        self._blocking = not is_quick(self._engine._repository.store)

    async def __aenter__(self) -> Self:
        if self._engine.loop is not None:
            raise RuntimeError("this AsyncCalendarCache is in use already")
        from extcal.cache.event_loop import EventLoop

        loop = EventLoop()
        await loop.open()
        self._engine.open(loop)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        loop = self._engine.loop
        if loop is not None:
            loop.ending = True
            flying = self._engine.stop()
            try:
                await loop.close(partial(self._engine.end, flying))
            finally:
                self._engine.loop = None
                self._engine.close_connections()

    @like(CalendarCache.stats)
    def stats(self) -> Stats:
        return self._engine.stats()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {self._engine._repository.store!r}>"

    # -- one feed -------------------------------------------------------------------------------

    @like(CalendarCache.get)
    @takes_feed
    async def get(self, feed: Feed | str, *, max_age: timedelta | None = None) -> Snapshot:
        return await self._ask(feed, "get", max_age)

    @like(CalendarCache.refresh)
    @takes_feed
    async def refresh(self, feed: Feed | str) -> Snapshot:
        return await self._ask(feed, "refresh")

    @like(CalendarCache.free_busy)
    @takes_feed
    async def free_busy(
        self,
        feed: Feed | str,
        start: datetime,
        end: datetime,
        exclude: Excluded | Iterable[Excluded] = (),
    ) -> FreeBusy:
        known = await self._busy(feed, span(start, end), Exclusions.of(exclude))
        return asked_in(known, start.tzinfo)

    @like(CalendarCache.is_free)
    @takes_feed
    async def is_free(
        self,
        feed: Feed | str,
        start: datetime,
        end: datetime,
        *,
        exclude: Excluded | Iterable[Excluded] = (),
        blocks: Iterable[FBType] = BLOCKING,
        max_age: timedelta | None = None,
    ) -> bool:
        known = await self._busy(feed, span(start, end), Exclusions.of(exclude), max_age)
        return known.is_free(start, end, blocks)

    @like(CalendarCache.events)
    @takes_feed
    async def events(
        self, feed: Feed | str, start: datetime, end: datetime
    ) -> tuple[ExternalEvent, ...]:
        lo, hi = span(start, end)
        snapshot, events = await self._compute(
            feed, lambda found: between(found.events, start, end)
        )
        part(snapshot.reading.busy, lo, hi)
        return events

    @like(CalendarCache.last_refreshed)
    @takes_feed
    async def last_refreshed(self, feed: Feed | str) -> datetime | None:
        return last_refreshed(await self._at_store(partial(self._engine._known, feed)))

    @like(CalendarCache.last_attempt)
    @takes_feed
    async def last_attempt(self, feed: Feed | str) -> datetime | None:
        return last_attempt(await self._at_store(partial(self._engine._known, feed)))

    @like(CalendarCache.forget)
    @takes_feed
    async def forget(self, feed: Feed | str) -> None:
        await self._at_store(partial(self._engine.forget, feed))

    # -- many people, many feeds ----------------------------------------------------------------

    @like(CalendarCache.availability)
    @discreet
    async def availability(self, *args: Any, **options: Any) -> Availability:
        loop, engine = self._loop(), self._engine
        order = engine._table_order(**arguments_of(CalendarCache.availability, args, options))

        def look() -> tuple[list[Promise], Availability | None]:
            promises = engine._look_for(order)
            fetching = any(each.flight for each in promises)
            return promises, None if fetching else engine._table(order, promises)

        # Many look-ups take time, even in memory. So one thread does all of them.
        promises, answer = await loop.in_thread(look)
        if answer is not None:
            return answer
        for each in promises:
            if each.flight is not None:
                await loop.landed(each.flight, order.until - monotonic())
        return await loop.in_thread(partial(engine._table, order, promises))

    @discreet
    def refresh_many(
        self,
        feeds: Iterable[Feed | str],
        progress: bool = False,
        *,
        older_than: timedelta | None = None,
        at_once: int | None = None,
        per_host: int = 4,
    ) -> AsyncIterator[Result]:
        """Bring many feeds up to date; yields each ``(feed, Snapshot or Unavailable)`` when done.

        Like :meth:`extcal.CalendarCache.refresh_many`, without an executor. ``feeds`` is read as it
        is needed; at most ``at_once`` of them are under way (``max_fetches`` if left out), and at
        most ``per_host`` of one host. A reading that is not older than 30 minutes, or than
        ``older_than`` if that is shorter, is served as it is. ``progress``: show a bar (needs
        ``extcal[progress]``).

        Raises what a store raises, FeedUrlError for a str that is not the address of a feed, and
        RuntimeError outside the ``async with`` block. If the iterator is left early, fetches that
        have not begun do not begin.
        """
        from extcal.cache.bulk import Plan
        from extcal.cache.bulk.async_run import results

        loop, engine = self._loop(), self._engine
        plan = Plan(engine._most if at_once is None else at_once, per_host, older_than)
        work = engine._under_way(feeds, plan, progress=progress)
        return results(loop, work, blocking=self._blocking)

    # -- asking ---------------------------------------------------------------------------------

    def _loop(self) -> EventLoop:
        loop = self._engine.loop
        if loop is None:
            raise RuntimeError(_CLOSED)
        loop.require()
        return loop

    async def _ask(
        self, feed: Feed | str, wish: Wish, max_age: timedelta | None = None
    ) -> Snapshot:
        loop, engine = self._loop(), self._engine
        until = monotonic() + engine._patience
        call = partial(engine._look, engine._order(feed, wish, max_age=max_age))
        promise = await loop.in_thread(call) if self._blocking else call()
        return engine._told(await self._answer(loop, promise, until), feed)

    async def _busy(
        self,
        feed: Feed | str,
        window: tuple[int, int],
        exclusions: Exclusions,
        max_age: timedelta | None = None,
    ) -> FreeBusy:
        if not exclusions:
            return part((await self._ask(feed, "get", max_age)).reading.busy, *window)
        _, known = await self._compute(
            feed, lambda found: without(found.reading, exclusions), max_age
        )
        return part(known, *window)

    async def _compute(
        self,
        feed: Feed | str,
        compute: Callable[[Snapshot], _Found],
        max_age: timedelta | None = None,
    ) -> tuple[Snapshot, _Found]:
        """The snapshot of ``feed``, and the result of ``compute`` for it, computed in a thread."""
        loop, engine = self._loop(), self._engine
        until = monotonic() + engine._patience
        order = engine._order(feed, "get", max_age=max_age)

        def look() -> tuple[Promise, _Found | None]:
            promise = engine._look(order)
            answer = promise.otherwise
            if promise.flight is None and isinstance(answer, Snapshot):
                return promise, compute(answer)
            return promise, None

        promise, found = await loop.in_thread(look)
        snapshot = engine._told(await self._answer(loop, promise, until), feed)
        if promise.flight is None:
            return snapshot, cast("_Found", found)
        return snapshot, await loop.in_thread(partial(compute, snapshot))

    async def _answer(self, loop: EventLoop, promise: Promise, until: float) -> Snapshot | Raise:
        if promise.flight is None:
            return promise.otherwise
        await loop.landed(promise.flight, until - monotonic())
        return promise.wait(0.0)

    async def _at_store(self, call: Callable[[], _Found]) -> _Found:
        loop = self._loop()
        return await loop.in_thread(call) if self._blocking else call()


class _Engine(CalendarCache):
    """A CalendarCache whose fetcher and callback may run on an event loop."""

    loop: EventLoop | None = None

    def _begin(self, settings: Settings, on_refresh: Callable[[Refresh], object] | None) -> None:
        super()._begin(settings, on_refresh)
        self._flights = Flights(self._most, self._call_back, quick=True)
        self._deadlines: set[Deadline] = set()

    def _check(self, fetcher: object) -> None:
        """Accept both kinds of fetchers: with a plain ``fetch``, and with a coroutine function."""

    def open(self, loop: EventLoop) -> None:
        """Called when the block is entered."""
        self.loop = loop
        self._flights.open()

    def stop(self) -> list[Flight]:
        """Called first when the block is left: no fetch begins, those under way are told to end."""
        flying = self._flights.stop()
        for deadline in list(self._deadlines):
            deadline.stop()
        return flying

    def end(self, flying: list[Flight]) -> None:
        """Called after :meth:`stop`: wait until the fetches have given back their leases."""
        # A fetcher that blocks, and has no deadline that can be stopped, is not waited for.
        self._flights.end(flying, _STOPPING if self._deadlines else 0.0)

    def close_connections(self) -> None:
        """Called when the block was left: close what a fetcher that was made here has kept."""
        fetcher: object = self._fetcher
        if fetcher is not self._arguments["fetcher"] and isinstance(fetcher, HttpOptions):
            fetcher.close()

    def _fetch(self, request: FetchRequest) -> object:
        loop = self.loop
        try:
            fetcher: Fetcher | AsyncFetcher = self._fetcher or self._new_fetcher()
        except Exception:
            if loop is not None and loop.ending:
                return None
            raise
        try:
            with stoppable(self._deadlines):
                if type(fetcher).fetch is AsyncHttpFetcher.fetch:
                    # An AsyncHttpFetcher itself works with threads: so it is called here directly.
                    return cast("AsyncHttpFetcher", fetcher)._fetch(request)
                if loop is not None and inspect.iscoroutinefunction(fetcher.fetch):
                    return loop.start(partial(fetcher.fetch, request)).result()
                found: object = fetcher.fetch(request)
            if loop is not None and inspect.isawaitable(found):
                return loop.start(partial(_awaited, found)).result()
            return found
        except Exception as error:
            if loop is not None and not loop.ending:
                fetcher_failed(request, error)
            return None

    def _new_fetcher(self) -> Fetcher:
        # Some HTTP clients can only be made on their event loop. A thread that waits for the loop
        # holds no lock, because the loop itself may be about to make the fetcher.
        loop, make = self.loop, super()._new_fetcher
        if self._recipe is None or loop is None or loop.owns_this_thread():
            return make()
        return loop.start(partial(_called, make)).result()

    def _call_back(self, done: Refreshed) -> None:
        loop, refresh = self.loop, done.refresh
        if refresh is None or self._on_refresh is None or loop is None:
            return

        def told(called: Future[None]) -> None:
            error = called.exception()
            if error is not None and not loop.ending:
                callback_failed(refresh, error)

        loop.start(partial(_tell, self._on_refresh, refresh)).add_done_callback(told)


async def _tell(on_refresh: Callable[[Refresh], object], refresh: Refresh) -> None:
    said = on_refresh(refresh)
    if inspect.isawaitable(said):
        await said


async def _awaited(found: Awaitable[object]) -> object:
    return await found


async def _called(call: Callable[[], _Found]) -> _Found:
    return call()
