"""The cache under any sequence of events: sources that fail, clocks that jump, cells that rot.

Two caches share a store, and leaders of other processes are killed, sleep and wake up between them.
The source's answers carry a serial number, so that every snapshot tells which answer it came from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from extcal import (
    CalendarCache,
    Failed,
    Feed,
    Fetched,
    FetchRequest,
    FetchResponse,
    Gone,
    Limits,
    MemoryStore,
    NotModified,
    Refused,
    Snapshot,
    State,
    Unavailable,
)
from extcal.cache import Cell
from extcal.cache.freshness.horizon import Reach
from extcal.cache.refresh.flights import Flight
from extcal.cache.refresh.refresher import Order
from extcal.intervals import FreeBusy
from extcal.testing import ManualClock, event, feed_text

FEED = Feed("https://example.org/ada.ics")
START = datetime(2027, 1, 4, 8, tzinfo=UTC)
TTL, HOUR, DAY = timedelta(minutes=30), timedelta(hours=1), timedelta(hours=24)
LEASE = timedelta(seconds=10.001)
REACH = Reach()

failures = st.sampled_from(
    [
        Failed("timeout"),
        Failed("server_error", retry_after=1800),
        Failed("blocked_address"),
        Refused(404),
        Refused(403),
        Refused(429, retry_after=7200),
        Refused(503, retry_after=10**6),
        Gone(410),
        NotModified(),
    ]
)


class Watched(MemoryStore):
    """A store that knows which leases are valid, and never gives a second one."""

    def __init__(self) -> None:
        super().__init__()
        self.valid: dict[str, tuple[str, datetime]] = {}

    def lease(self, key: str, now: datetime, ttl: timedelta, /) -> str | None:
        token = super().lease(key, now, ttl)
        if token is not None:
            held = self.valid.get(key)
            # Further ahead than a lease is long, it was given before the clock jumped back.
            assert held is None or not now < held[1] <= now + ttl, "two valid leases"
            self.valid[key] = (token, now + ttl)
        return token

    def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
        done = super().put(key, cell, token)
        if token is not None:
            assert done is (self.valid.get(key, ("",))[0] == token), "fenced wrongly"
        return done

    def delete(self, key: str, /) -> None:
        super().delete(key)
        self.valid.pop(key, None)

    def release(self, key: str, token: str, /) -> None:
        super().release(key, token)
        if self.valid.get(key, ("",))[0] == token:
            del self.valid[key]

    def held(self, key: str, now: datetime, ttl: timedelta) -> bool:
        return key in self.valid and now < self.valid[key][1] <= now + ttl


class Source:
    """What the machine fetches from; knows what it was asked when, and what it said."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.mode: FetchResponse | str = "full"
        self.said: list[tuple[datetime, str]] = []
        self.serial = 0
        self.quiet_until: datetime | None = None
        self.inside = 0

    def body(self) -> str:
        if self.mode == "empty":
            return feed_text()
        day = self.clock().replace(hour=12)
        body = feed_text(event(day, uid=f"serial-{self.serial}"), event(day + DAY))
        return body if self.mode == "full" else body[: body.rindex("END:VEVENT")]

    def fetch(self, request: FetchRequest) -> FetchResponse:
        self.inside += 1
        assert self.inside == 1, "two leaders"
        assert self.quiet_until is None or self.clock() >= self.quiet_until, "asked too soon"
        try:
            answer = self.answer(request)
        finally:
            self.inside -= 1
        kind = self.mode if isinstance(self.mode, str) else "failure"
        self.said.append((self.clock(), "304" if isinstance(answer, NotModified) else kind))
        return answer

    def answer(self, request: FetchRequest) -> FetchResponse:
        if not isinstance(self.mode, str):
            wait = getattr(self.mode, "retry_after", None)
            if wait is not None:
                self.quiet_until = self.clock() + timedelta(seconds=min(wait, 6 * 3600))
            return self.mode
        etag = f'"{self.mode}-{self.serial}"'
        if request.etag == etag:
            return NotModified()
        return Fetched(self.body().encode(), etag=etag)


def _impatient(join: Callable[[Order], Flight], order: Order) -> Flight:
    return join(replace(order, patience=0.0))


@settings(stateful_step_count=30)
class CacheMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(START)
        self.source = Source(self.clock)
        self.store = Watched()
        self.dead: list[str] = []
        self.jitter = 1.0
        self.caches = [
            CalendarCache(
                store=self.store,
                fetcher=self.source,
                clock=self.clock,
                jitter=lambda: self.jitter,
                limits=Limits(fetch_deadline=0.001),
            )
            for _ in range(2)
        ]
        for cache in self.caches:
            # Who finds a lease taken is served what there is, at once.
            cache._fly = partial(_impatient, cache._fly)  # type: ignore[method-assign]
        self.keys = self.caches[0]._repository.keys(FEED)
        self.key, self.attempts_key = self.keys[:2]
        self.newest: datetime | None = None
        self.whole: datetime | None = None
        self.ever_empty = False

    # -- what happens to it -------------------------------------------------------------------

    @rule(mode=st.sampled_from(["full", "empty", "cut"]) | failures)
    def source_becomes(self, mode: FetchResponse | str) -> None:
        self.source.mode = mode
        self.ever_empty = self.ever_empty or mode == "empty"

    @rule()
    def source_changes(self) -> None:
        self.source.serial += 1

    @rule(jitter=st.floats(0, 1, exclude_max=True))
    def luck_changes(self, jitter: float) -> None:
        self.jitter = jitter

    @rule(
        by=st.sampled_from([timedelta(seconds=1), timedelta(seconds=29), TTL, DAY])
        | st.timedeltas(timedelta(0), timedelta(hours=30))
    )
    def time_passes(self, by: timedelta) -> None:
        self.clock.advance(by)

    @rule(
        modes=st.lists(st.sampled_from(["full", "cut"]) | failures, min_size=1, max_size=4),
        every=st.integers(1, 20 * 60).map(lambda minutes: timedelta(minutes=minutes)),
        who=st.integers(0, 1),
    )
    def days_go_by(self, modes: list[FetchResponse | str], every: timedelta, who: int) -> None:
        """A good look, and then some at a source that has its moods: what mostly happens."""
        self.source.mode = "full"
        self.get(who)
        for mode in modes:
            self.clock.advance(every)
            self.source.mode = mode
            self.get(who)

    @rule(by=st.timedeltas(timedelta(seconds=1), timedelta(days=40)))
    def clock_jumps_back(self, by: timedelta) -> None:
        self.clock.advance(-by)
        # What was learnt in the future binds nobody, and ages begin anew.
        self.newest = self.whole = self.source.quiet_until = None
        self.source.said = [(when, what) for when, what in self.source.said if when <= self.clock()]

    @rule(which=st.integers(0, 1), data=st.binary(max_size=40))
    def a_cell_rots(self, which: int, data: bytes) -> None:
        key = (self.key, self.attempts_key)[which]
        self.store.put(key, Cell(data, self.clock()), None)
        if which == 0:
            self.newest = self.whole = None
        else:
            self.source.quiet_until = None

    @rule(who=st.integers(0, 1))
    def forget(self, who: int) -> None:
        self.caches[who].forget(FEED)
        self.newest = self.whole = None

    @rule()
    def a_leader_is_killed(self) -> None:
        """Another process gets the lease, and is never heard of again. Or is it?"""
        token = self.store.lease(self.key, self.clock(), LEASE)
        if token is not None:
            self.dead.append(token)

    @rule(data=st.binary(max_size=10))
    def a_dead_leader_wakes_up(self, data: bytes) -> None:
        """What it writes counts only if nobody took over: here it is rubbish, and a miss."""
        if not self.dead:
            return
        token = self.dead.pop()
        if self.store.put(self.key, Cell(data, self.clock()), token):
            self.newest = self.whole = None
        self.store.release(self.key, token)

    # -- what is asked of it ------------------------------------------------------------------

    @rule(who=st.integers(0, 1))
    def get(self, who: int) -> None:
        before = len(self.source.said)
        known = self.caches[who].last_refreshed(FEED)
        try:
            snapshot = self.caches[who].get(FEED)
        except Unavailable as error:
            self.unavailable(error)
            return
        self.served(snapshot)
        fresh = known is not None and timedelta(0) <= self.clock() - known <= TTL
        if fresh:
            assert len(self.source.said) == before, "fetched what was fresh"

    @rule(who=st.integers(0, 1))
    def refresh(self, who: int) -> None:
        try:
            self.served(self.caches[who].refresh(FEED))
        except Unavailable as error:
            self.unavailable(error)

    # -- what it promises ---------------------------------------------------------------------

    def served(self, snapshot: Snapshot) -> None:
        age = self.clock() - snapshot.fetched_at
        if snapshot.state is State.STALE:
            assert self.led_elsewhere()
            assert abs(age) <= DAY
        elif snapshot.state is State.FRESH:
            assert -timedelta(seconds=5) <= age <= TTL
            assert snapshot.last_error is None
        else:
            assert snapshot.state is State.ERROR_STALE
            assert abs(age) <= (HOUR if snapshot.last_error == "blocked_address" else DAY)
            assert snapshot.last_error is not None
        # An error is never an empty, complete calendar.
        if snapshot.complete and not self.ever_empty:
            assert any(found.uid.startswith("serial-") for found in snapshot.events)
            assert snapshot.free_busy.unknown == ()
        if age < -timedelta(seconds=5):
            # Read before the clock jumped back: it stands in, but what is read now is older by it.
            self.newest = self.whole = None
            return
        # Half a calendar takes the place of a whole one only when that is a day old.
        if snapshot.complete:
            self.whole = snapshot.fetched_at
        else:
            assert snapshot.free_busy.unknown == (snapshot.window,)
            assert self.whole is None or self.clock() - self.whole > DAY
        # Age is monotone: nobody is served something older than what was served before.
        assert self.newest is None or snapshot.fetched_at >= self.newest
        self.newest = snapshot.fetched_at
        if timedelta(0) <= age:
            window = FreeBusy.from_periods(snapshot.window).window_epochs
            assert REACH.within(window, self.clock())

    def unavailable(self, error: Unavailable) -> None:
        """Nothing complete that the source said within a day is withheld, unless it is gone."""
        assert error.__context__ is None
        assert error.kind != "incomplete"
        if error.kind == "gone" or self.newest is None:
            return
        blocked = self.caches[0]._repository.load(self.keys).attempts
        longest = HOUR if blocked.kind == "blocked_address" else DAY
        assert self.clock() - self.newest > longest

    def led_elsewhere(self) -> bool:
        return self.store.held(self.key, self.clock(), LEASE)

    @invariant()
    def the_books_are_honest(self) -> None:
        for cache in self.caches:
            refreshed, attempt = cache.last_refreshed(FEED), cache.last_attempt(FEED)
            assert refreshed is None or (attempt is not None and refreshed <= attempt)
        # Whoever is alive has given its lease back.
        assert {token for token, _ in self.store.valid.values()} <= {*self.dead}


TestCache = CacheMachine.TestCase
