"""CalendarCache: the 30-minute and the 3-month rule, for programs with threads.

It is also the engine of :class:`~extcal.AsyncCalendarCache`. A call loads what the store has. It
answers from that, or joins the flight (the thread) that fetches the feed. There is one flight for
each feed at a time. If several caches share a store, only the one that holds the feed's lease
fetches (``refresh.refresher``).
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic

from extcal.arguments import call_of, discreet, is_async, length_of, one_of_type, safe_repr
from extcal.cache import bulk
from extcal.cache.closing import Closing
from extcal.cache.freshness.clock import read_clock
from extcal.cache.freshness.decide import in_utc
from extcal.cache.freshness.failures import unavailable
from extcal.cache.freshness.values import Fetch, Raise, Serve, Wish
from extcal.cache.options import Options, Settings, last_attempt, last_refreshed, recipe
from extcal.cache.refresh.decisions import Decisions
from extcal.cache.refresh.kept.repository import Known, Repository
from extcal.cache.refresh.log import Refresh, callback_failed, fetcher_failed
from extcal.cache.refresh.outcome import Refreshed
from extcal.cache.refresh.refresher import Order, Refresher
from extcal.cache.refresh.single_flight import Flight, Flights, Promise
from extcal.cache.refresh.stats import AGED, AGES_UP_TO, Stats, Tally, stats_of
from extcal.cache.snapshot.questions import between, part, without
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.cache.stores.memory import ForkSafeLock, is_quick
from extcal.errors import Unavailable
from extcal.fetch.feed import Feed, takes_feed
from extcal.fetch.protocol import FetchRequest
from extcal.ical import Excluded, ExternalEvent
from extcal.ical.answer.exclude import Exclusions
from extcal.intervals import BLOCKING, FBType, FreeBusy
from extcal.intervals.asked import window_asked
from extcal.intervals.freebusy import asked_in
from extcal.intervals.instants import span
from extcal.intervals.merge import Span
from extcal.values import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Executor
    from typing import Any

    from extcal.cache.availability.people import Source, TableOrder
    from extcal.cache.availability.table import Availability
    from extcal.cache.bulk import Plan, Result, UnderWay
    from extcal.fetch.fetcher import Fetcher

__all__ = ["CalendarCache"]

_TEN_SECONDS = timedelta(seconds=10)


@safe_repr
class CalendarCache(Options["Fetcher"], Closing):
    """Keeps external calendars, no older than promised. Safe to share between threads.

    ``ttl``: a calendar older than this is fetched before answering (30 minutes).
    ``horizon``: how far ahead calendars are read, a relativedelta or timedelta (3 months).
    ``history``: how far back (31 days).
    ``store``: where snapshots are kept (a MemoryStore of its own).
    ``fetcher``: fetches the feeds (an HttpFetcher), or a callable without arguments that makes
    the fetcher when it is first needed.
    ``clock``: a callable that returns an aware datetime (the system's).
    ``secret``: bytes or str. With it, nobody who reads the store's keys can find out an address by
    trying. Caches that share a store need the same secret.
    ``limits``: how much of a feed is read.
    ``stale_if_error``: how long the last good reading is served if a source cannot be read
    (24 hours). ``stale_if_refused``: the same if the source refuses (401, 403, 404), which can
    mean that its owner revoked the calendar (as ``stale_if_error``).
    ``max_fetches``: at most this many fetches at a time; the others wait.
    ``on_refresh``: called with a :class:`Refresh` after a source was asked, in the thread that
    asked. Callers that waited for the fetch have their answer before.
    ``jitter``: returns random numbers in [0, 1), for back-off.

    Three more change the 30 minutes, and are off by default. ``stale_while_revalidate``: for
    this long after ``ttl``, the last reading is served at once (as STALE), and the feed is fetched
    after the answer (RFC 5861 section 3). ``ttl_jitter``: each feed expires earlier by its own
    fraction, up to this part of ``ttl``, so that not all expire at once.
    ``respect_refresh_interval``: what a feed suggests (REFRESH-INTERVAL, X-PUBLISHED-TTL) may
    lengthen ``ttl``, to 6 hours at most.

    A cache can be pickled, and so be passed to another process. The copy has the same arguments
    except ``on_refresh``, and uses the same store.
    """

    def _begin(self, settings: Settings, on_refresh: Callable[[Refresh], object] | None) -> None:
        self._check(self._arguments["fetcher"])
        if on_refresh is not None:
            call_of("on_refresh", on_refresh, "a callable of a Refresh")
        self._on_refresh = on_refresh
        self._clock, self._rules = settings.clock, settings.rules
        self._patience, self._most = settings.patience, settings.most
        self._fetcher, self._recipe = settings.fetcher, settings.recipe
        self._tally = Tally()
        self._decisions = Decisions(settings.reach, settings.rules, settings.limits, self._tally)
        self._repository = Repository(
            settings.store,
            settings.reach.spelled(),
            settings.rules,
            settings.secret,
            shares=self._shares_answers,
            limits=settings.limits,
        )
        self._refresher = Refresher(
            self._repository, self._decisions, settings.clock, settings.jitter, self._fetch
        )
        self._flights = Flights(settings.most, self._call_back)
        self._making = ForkSafeLock()
        self._origin, self._travelled = os.urandom(8).hex(), False

    def _check(self, fetcher: object) -> None:
        if is_async(getattr(fetcher, "fetch", None)):
            raise TypeError("this fetcher is asynchronous; CalendarCache takes one that is not")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {self._repository.store!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = recipe(self._repository.store, self._arguments)
        return bulk.rebuild, (type(self), arguments, self._origin)

    # -- one feed -------------------------------------------------------------------------------

    @takes_feed
    def get(self, feed: Feed | str, *, max_age: timedelta | None = None) -> Snapshot:
        """What is known about ``feed``, fetched first if that is older than 30 minutes.

        ``max_age``: fetched first if it is older than this, as right before a booking. The source
        is still not asked within 30 seconds after the last attempt, nor during back-off or
        Retry-After; ``fetched_at`` and ``state`` of the answer say how current it is.

        If the source cannot be read, the last good reading is served for up to 24 hours, with
        ``state`` ERROR_STALE. Raises :class:`~extcal.Unavailable` if there is none, and
        FeedUrlError for a str that is no address of a feed.
        """
        return self._ask(feed, "get", max_age)

    @takes_feed
    def refresh(self, feed: Feed | str) -> Snapshot:
        """The same, but fetched now, as when a user presses "refresh".

        Within 30 seconds after the last attempt, and during the time for which a source asked not
        to be asked again (Retry-After), it does the same as :meth:`get`.
        If the source cannot be read, ``state`` is ERROR_STALE, even if the last reading is younger
        than 30 minutes. The next :meth:`get` serves this reading as FRESH.
        """
        return self._ask(feed, "refresh")

    @takes_feed
    def free_busy(
        self,
        feed: Feed | str,
        start: datetime,
        end: datetime,
        exclude: Excluded | Iterable[Excluded] = (),
    ) -> FreeBusy:
        """When the owner of ``feed`` is busy in ``[start, end)``, two aware datetimes.

        Time outside ``history`` and ``horizon`` is unknown. ``exclude``: UIDs, or
        ``(uid, recurrence_id)`` for one instance, to leave out. For example, a meeting that your
        application created is also in the feed, and must not block itself when it is moved.
        Raises what :meth:`get` raises, and OutsideHorizon if nothing of ``[start, end)`` is known.
        """
        return asked_in(self._busy(feed, span(start, end), Exclusions.of(exclude)), start.tzinfo)

    @takes_feed
    def is_free(
        self,
        feed: Feed | str,
        start: datetime,
        end: datetime,
        *,
        exclude: Excluded | Iterable[Excluded] = (),
        blocks: Iterable[FBType] = BLOCKING,
        max_age: timedelta | None = None,
    ) -> bool:
        """Whether all of ``[start, end)``, two aware datetimes, is known and not blocked.

        ``blocks``: the types that block. ``exclude`` as in :meth:`free_busy`, ``max_age`` as in
        :meth:`get`. False if part of the time is unknown. Raises what :meth:`free_busy` raises.
        """
        known = self._busy(feed, span(start, end), Exclusions.of(exclude), max_age)
        return known.is_free(start, end, blocks)

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
        """When the source of ``feed`` was last asked, successfully or not; None if never."""
        return last_attempt(self._known(feed))

    @takes_feed
    def forget(self, feed: Feed | str) -> None:
        """Erase what is known of the address of ``feed``, as when a user removes the feed.

        All its readings are deleted, of any zone, owner, detail or horizon. The result of a fetch
        that is under way is not stored. This holds in this process at once, in others when they
        next use the store. Retry-After and back-off of the source stay; they hold nothing of the
        calendar.
        """
        assert isinstance(feed, Feed)
        self._refresher.forget(feed, read_clock(self._clock))

    # -- many people, many feeds ----------------------------------------------------------------

    @discreet
    def availability(
        self,
        people: Mapping[str, Source | Iterable[Source]],
        start: datetime,
        end: datetime,
        timeout: timedelta = _TEN_SECONDS,
        *,
        exclude: Excluded | Iterable[Excluded] = (),
        max_age: timedelta | None = None,
    ) -> Availability:
        """Who of ``people`` is busy when in ``[start, end)``, two aware datetimes.

        ``people``: by name, a Feed, an address, a FreeBusy of your application, or several of them.
        Feeds are fetched at the same time, and the call waits no longer than ``timeout`` in all. If
        a fetch takes longer, its person's row comes from the last good snapshot, or is unknown if
        there is none. A feed that cannot be read makes its person unknown, with a Problem in
        ``table.problems``; it raises nothing. ``exclude``: events to leave out of every feed, as in
        :meth:`free_busy`, such as the meeting that is moved. A FreeBusy is used as it is.
        ``max_age``: as in :meth:`get`, for every feed; ``table.as_of`` and ``table.state`` say how
        current each answer is.
        """
        order = self._table_order(people, start, end, timeout, exclude, max_age)
        return self._table(order, self._look_for(order))

    @discreet
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
        """Bring many feeds up to date; yields each ``(feed, Snapshot or Unavailable)`` when done.

        A reading that is not older than 30 minutes, or than ``older_than`` if that is shorter, is
        served as it is; other feeds are fetched, unless back-off or Retry-After forbids it.
        ``feeds`` is read as it is needed, and may be endless: at most ``at_once`` feeds are under
        way (``max_fetches`` if left out), and at most ``per_host`` of one host.

        ``executor``: any ``concurrent.futures.Executor``: threads, processes, or a Dask cluster's
        ``client.get_executor()``; threads of this process if left out. Other processes get this
        cache by pickling, so its store must be one that processes share. ``progress``: show a bar
        (needs ``extcal[progress]``).

        If a worker is lost, its own feeds fail (Unavailable, ``kind="worker_lost"``); if the
        executor then takes no more tasks, the rest are ``"not_refreshed"``. Raises what a store
        raises, FeedUrlError for a str that is not the address of a feed, and TypeError if the cache
        cannot be passed to the processes of ``executor``. If the iterator is closed, fetches that
        have not begun are cancelled.
        """
        from extcal.cache.bulk.run import in_this_process, over_executor

        # Not a generator itself, so that an error is raised at the call, not at the first result.
        plan = bulk.Plan(self._most if at_once is None else at_once, per_host, older_than)
        if executor is None:
            return in_this_process(self._under_way(feeds, plan, progress=progress))
        call_of("executor", executor, "a concurrent.futures.Executor", "submit")
        bar = bulk.new_bar(feeds) if progress else None
        return over_executor(self, bulk.Queue(feeds, plan), executor, plan, bar)

    def stats(self) -> Stats:
        """What this cache has done so far, as counts without addresses; see :class:`Stats`."""
        down = self._decisions.hosts.down_count(read_clock(self._clock))
        store_down = bool(getattr(self._repository.store, "is_down", False))
        return stats_of(self._tally.read(), len(self._flights), down, store_down)

    # -- asking ---------------------------------------------------------------------------------

    def _known(self, feed: Feed | str) -> Known:
        assert isinstance(feed, Feed)  # see takes_feed
        return self._repository.load(self._repository.keys(feed))

    def _order(
        self,
        feed: Feed | str,
        wish: Wish,
        older_than: timedelta | None = None,
        *,
        max_age: timedelta | None = None,
    ) -> Order:
        assert isinstance(feed, Feed)  # see takes_feed
        if max_age is not None:
            # As "renew", because an older reading must not be served at once (stale-while-...).
            wish, older_than = "renew", length_of("max_age", max_age)
        return Order(feed, self._repository.keys(feed), wish, self._patience, older_than)

    def _table_order(
        self,
        people: Mapping[str, Source | Iterable[Source]],
        start: datetime,
        end: datetime,
        timeout: timedelta,
        exclude: Excluded | Iterable[Excluded],
        max_age: timedelta | None,
    ) -> TableOrder:
        from extcal.cache.availability.people import TableOrder, read_people
        from extcal.cache.stores.watch import LONGEST

        one_of_type("timeout", timeout, timedelta, "a timedelta")
        until = monotonic() + (seconds := min(timeout.total_seconds(), LONGEST))
        window, exclusions = window_asked(start, end), Exclusions.of(exclude)
        found = read_people(people, self._repository.keys)
        orders = [self._order(feed, "get", max_age=max_age) for feed in found.feeds.values()]
        return TableOrder(found, window, exclusions, orders, seconds, until)

    def _look_for(self, order: TableOrder) -> list[Promise]:
        return self._look_in_time(order.feeds, order.seconds)

    def _table(self, order: TableOrder, promises: Sequence[Promise]) -> Availability:
        answers = {
            each.key: self._counted(each.wait_mildly(order.until - monotonic()))
            for each in promises
        }
        return order.people.table(order.window, answers, order.exclusions)

    def _renewals(self, feeds: Sequence[Feed], older_than: timedelta | None) -> list[Order]:
        return [replace(self._order(feed, "renew", older_than), of_many=True) for feed in feeds]

    def _ask(self, feed: Feed | str, wish: Wish, max_age: timedelta | None = None) -> Snapshot:
        until = monotonic() + self._patience
        promise = self._look(self._order(feed, wish, max_age=max_age))
        answer = promise.otherwise if promise.flight is None else promise.wait(until - monotonic())
        return self._told(answer, feed)

    def _busy(
        self, feed: Feed | str, window: Span, out: Exclusions, max_age: timedelta | None = None
    ) -> FreeBusy:
        reading = self._ask(feed, "get", max_age).reading
        return part(without(reading, out) if out else reading.busy, *window)

    def _look(self, order: Order) -> Promise:
        """Answer from what is known, or join the flight that fetches the feed; never waits."""
        known = self._repository.load(order.keys, self._clock)
        return self._promise(order, known, in_utc(self._clock()))

    def _look_at_many(self, orders: Sequence[Order]) -> list[Promise]:
        """The same for many feeds, with one look-up in the store for all of them."""
        return self._promises(orders, self._repository.load_many([each.keys for each in orders]))

    def _look_in_time(self, orders: Sequence[Order], seconds: float) -> list[Promise]:
        """The same, with what is remembered if the store takes more than half of ``seconds``."""
        if is_quick(self._repository.store):
            return self._look_at_many(orders)
        keys = [each.keys for each in orders]
        return self._promises(orders, self._repository.load_in_time(keys, seconds / 2))

    def _promises(self, orders: Sequence[Order], known: Sequence[Known]) -> list[Promise]:
        self._refresher.expect(orders)
        now = read_clock(self._clock)
        return [self._promise(order, each, now) for order, each in zip(orders, known, strict=True)]

    def _promise(self, order: Order, known: Known, now: datetime) -> Promise:
        key = order.keys.snapshot
        decision = known.decide(now, self._rules, order.wish, order.older_than)
        if not isinstance(decision, Fetch):
            if isinstance(decision, Serve) and decision.behind:
                self._fly(replace(order, wish="renew"))
            return Promise(key, known.served(decision))
        spared = self._decisions.spared_now(order.feed, known, now, order.wish)
        if spared is not None:
            return Promise(key, spared)
        return Promise(key, self._decisions.late(known, now), self._fly(order))

    def _fly(self, order: Order) -> Flight:
        return self._flights.join(order.keys.snapshot, self._refresher.job(order))

    def _told(self, answer: Snapshot | Raise, feed: Feed | str) -> Snapshot:
        """The Snapshot for the caller; raises if ``answer`` is an error."""
        answer = self._counted(answer)
        if isinstance(answer, Raise):
            raise unavailable(answer.kind, answer.hint) from None
        assert isinstance(feed, Feed)  # see takes_feed
        return answer if feed.timezone is None else answer.drawn_in(feed.timezone)

    def _counted(self, answer: Snapshot | Raise) -> Snapshot | Raise:
        happened: tuple[str, ...] = ("unavailable",)
        if not isinstance(answer, Raise):
            age = self._clock() - answer.reading.fetched_at  # both are aware
            happened = (answer.state, AGED[bisect_left(AGES_UP_TO, age)])
        with self._tally.lock:
            for what in happened:
                self._tally.counts[what] += 1
        return answer

    def _outcome(self, answer: Snapshot | Raise) -> Snapshot | Unavailable:
        answer = self._counted(answer)
        return unavailable(answer.kind, answer.hint) if isinstance(answer, Raise) else answer

    def _under_way(self, feeds: Iterable[Feed | str], plan: Plan, *, progress: bool) -> UnderWay:
        """The feeds of :meth:`refresh_many` in this process. No more begin than may be fetched."""

        def look(some: Sequence[Feed]) -> list[Promise]:
            return self._look_at_many(self._renewals(some, plan.older_than))

        queue = bulk.Queue(feeds, replace(plan, at_once=min(plan.at_once, self._most)))
        patience, bar = bulk.PATIENCE * self._patience, bulk.new_bar(feeds) if progress else None
        return bulk.UnderWay(queue, look, self._outcome, patience, bar)

    def _bring(
        self, feeds: list[Feed], older_than: timedelta | None, once: str
    ) -> list[Snapshot | Unavailable]:
        """One task of :meth:`refresh_many`: the feeds at the same time, the answers in their order.

        ``once``: a text that no other task has. A cluster such as Dask may take two tasks with the
        same arguments for one task, and answer the second with the result of the first.
        """
        cache = bulk.first_copy(self._origin, self) if self._travelled else self
        try:
            promises = cache._look_at_many(cache._renewals(feeds, older_than))
            return [cache._outcome(each.wait(bulk.PATIENCE * cache._patience)) for each in promises]
        finally:
            cache._hang_up()

    # -- fetching -------------------------------------------------------------------------------

    def _fetch(self, request: FetchRequest) -> object:
        """Ask the fetcher. If the application's own fetcher raises, only the type is logged.

        The message of the error could contain the address.
        """
        fetcher = self._fetcher or self._new_fetcher()
        try:
            return fetcher.fetch(request)
        except Exception as error:
            fetcher_failed(request, error)
            return None

    def _shares_answers(self, otherwise: bool) -> bool:
        """Whether feeds of equal URL and ``auth`` are answered alike, if the fetcher says so."""
        if self._fetcher is None and self._recipe is None:
            return True
        return bool(getattr(self._fetcher or self._new_fetcher(), "shares_answers", otherwise))

    def _new_fetcher(self) -> Fetcher:
        with self._making:
            # All threads use one fetcher; with several, its limits would hold for each alone.
            if self._fetcher is None:
                self._fetcher = self._made_fetcher()
            return self._fetcher

    def _made_fetcher(self) -> Fetcher:
        from extcal.fetch import HttpFetcher

        if self._recipe is None:
            return HttpFetcher(limits=self._decisions.limits)
        return self._recipe()  # type: ignore[no-any-return]

    def _call_back(self, done: Refreshed) -> None:
        """Call the application's ``on_refresh``."""
        if done.refresh is None or self._on_refresh is None:
            return
        try:
            self._on_refresh(done.refresh)
        except Exception as error:
            callback_failed(done.refresh, error)

    def _hang_up(self) -> None:
        """Close the store of an unpickled copy, as no other code has a reference to close it."""
        close = getattr(self._repository.store, "close", None)
        if self._travelled and callable(close):
            close()
