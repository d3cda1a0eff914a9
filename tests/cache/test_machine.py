"""The whole cache under any sequence of events: one model of what it promises, over each store.

Three feeds of two addresses are read by three processes that share a store. Sources change, fail,
lie, come back and hide behind a cache that keeps copies; clocks jump; processes die with a lease in
their hands, and start anew with other time zone data or another version of extcal; cells rot;
addresses are forgotten, also while they are being fetched. The body of a source carries its serial
number, so that every answer tells which state of the source it shows.

Whatever happens, an answer is

* never FRESH if it is older than 30 minutes, or was read by other rules than the process's own;
* never somebody else's: another address's, or read in another zone or detail than was asked for;
* never free where the last good reading was busy, unless something newer was read;
* never withheld if it is whole and less than 24 hours old, unless the source is gone or forgotten;

and a source is never asked before the time it named, never by two at once, never twice within 15
minutes unless somebody pressed a button, never with validators of a reading by other rules, nor
with any after a failure, for a person who pressed refresh, or of what was read a day ago. Within 24
hours an address that fails is asked at most six times sooner than a healthy one; one that refuses,
not within half an hour; and one that answers 410 is not served before it is read again. Four
strangers have feeds at ada's host: their Retry-After, their redirects and a 429 of two of them
delay nobody else, and a 429 of three within ten minutes delays all, in every process, for 15
minutes at most.
"""

from __future__ import annotations

import os
import pickle
import signal
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

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
    SQLiteStore,
    State,
    Store,
    Unavailable,
)
from extcal.cache import Cell
from extcal.cache.freshness.horizon import Reach
from extcal.cache.refresh.kept.repository import Known
from extcal.cache.refresh.refresher import Order
from extcal.cache.refresh.single_flight import Flight
from extcal.cache.snapshot.made_by import MadeBy
from extcal.cache.stores.optional import erase_all
from extcal.intervals import FreeBusy
from extcal.testing import ManualClock, event, feed_text

START = datetime(2027, 1, 4, 8, tzinfo=UTC)
SECOND, TTL = timedelta(seconds=1), timedelta(minutes=30)
HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
SKEW = 5 * SECOND
LEASE = timedelta(seconds=10.001)
REACH = Reach()
BERLIN = ZoneInfo("Europe/Berlin")
VERSIONS = [MadeBy("2026a", 1), MadeBy("2026b", 1), MadeBy("2026b", 2)]
NIGHTLY = bool(os.environ.get("EXTCAL_NIGHTLY"))


@dataclass(frozen=True)
class Way:
    """One way of reading one person's address."""

    who: str
    zone: tzinfo
    feed: Feed


def way(who: str, zone: str | None = None, **reading: Any) -> Way:
    feed = Feed(f"https://{who}.example.org/basic.ics", timezone=zone, **reading)
    return Way(who, UTC if zone is None else ZoneInfo(zone), feed)


WAYS = [way("ada"), way("ada", "Europe/Berlin", detail="busy", owner="ada@example.org"), way("bob")]
OF_ADA = WAYS[:2]

STRANGERS = [Feed(f"https://ada.example.org/stranger-{number}.ics") for number in range(4)]
EARLY = 6  # requests of an address that fails, more than of one that does not, in 24 hours

ways, people = st.sampled_from(WAYS), st.sampled_from(["ada", "bob"])
processes = st.integers(0, 2)
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
        NotModified(age=3600),
    ]
)
ages = st.sampled_from([1, 600, 1500, 1801, 7200, 90_000, 2**31])
refusals = st.sampled_from(
    [
        Fetched(feed_text().encode()),
        Refused(429),
        Refused(429),
        Refused(429),
        Refused(429, retry_after=9000),
        Refused(429, redirected=True),
        Refused(503, retry_after=10**6),
        Failed("server_error"),
    ]
)
moods = st.sampled_from(["full", "empty", "cut", "page"]) | failures | ages


class Leases:
    """Which leases are valid, whoever of the processes got them; and what must not be.

    What a fetcher or a store raises is an event like any other to a cache. So what they see that
    must not be is written down, and asserted when the event is over.
    """

    def __init__(self) -> None:
        self.valid: dict[str, tuple[str, datetime]] = {}
        self.wrong: list[str] = []
        self.before: Callable[[], object] | None = None
        self.now = START

    def must(self, condition: bool, otherwise: str) -> None:
        if not condition:
            self.wrong.append(otherwise)

    def held(self, key: str, now: datetime, ttl: timedelta) -> bool:
        return key in self.valid and now < self.valid[key][1] <= now + ttl


class Watched:
    """A process's door to the store, which watches that no lease is given twice."""

    def __init__(self, store: Store, leases: Leases) -> None:
        self.store = store
        self.leases = leases

    def get(self, key: str, /) -> Cell | None:
        return self.store.get(key)

    def put(self, key: str, cell: Cell, token: str | None, /) -> bool:
        done = self.store.put(key, cell, token)
        if token is not None:
            held, until = self.leases.valid.get(key, ("", self.leases.now))
            # SQLite deletes a lease an hour after it expired, and then refuses its holder.
            expired = not done and until < self.leases.now - HOUR
            self.leases.must(done is (held == token) or expired, "fenced wrongly")
        return done

    def delete(self, key: str, /) -> None:
        self.store.delete(key)
        self.leases.valid.pop(key, None)

    def erase(self, keys: Any, /) -> None:
        keys = list(keys)
        erase_all(self.store, keys)
        for key in keys:
            self.leases.valid.pop(key, None)

    def lease(self, key: str, now: datetime, ttl: timedelta, /) -> str | None:
        before, self.leases.before = self.leases.before, None
        if before is not None:
            before()
        token = self.store.lease(key, now, ttl)
        self.leases.now = now
        if token is not None:
            held = self.leases.valid.get(key)
            # Further ahead than a lease is long, it was given before the clock jumped back.
            alone = held is None or not now < held[1] <= now + ttl
            self.leases.must(alone, "two valid leases")
            self.leases.valid[key] = (token, now + ttl)
        return token

    def release(self, key: str, token: str, /) -> None:
        self.store.release(key, token)
        if self.leases.valid.get(key, ("",))[0] == token:
            del self.leases.valid[key]


class Source:
    """What the processes fetch from: a person's calendar, its moods, and what it said."""

    def __init__(self, who: str, clock: ManualClock) -> None:
        self.who = who
        self.clock = clock
        self.mood: FetchResponse | str | int = "full"
        self.states: list[tuple[datetime, int]] = []
        self.serial = 0
        self.days: dict[int, datetime] = {}
        self.quiet_until: datetime | None = None
        self.change()

    def change(self) -> None:
        self.serial += 1
        self.days[self.serial] = self.clock().replace(hour=0, minute=0, second=0, microsecond=0)
        self.states.append((self.clock(), self.serial))

    def serial_at(self, moment: datetime) -> int:
        """The state of the calendar that a copy of ``moment`` shows."""
        return max((serial for when, serial in self.states if when <= moment), default=1)

    def busy(self, serial: int, zone: tzinfo) -> list[datetime]:
        """When the hours begin that this state of the calendar says are busy."""
        day = self.days[serial] + timedelta(days=2 + serial % 3)
        floating = day.replace(hour=9, tzinfo=zone).astimezone(UTC)
        return [floating, day.replace(hour=15)]

    def body(self, serial: int) -> str:
        floating, fixed = self.busy(serial, UTC)
        return feed_text(
            event(floating.replace(tzinfo=None), HOUR, uid=f"{self.who}-{serial}-1", summary="A"),
            event(fixed, HOUR, uid=f"{self.who}-{serial}-2", summary="B"),
        )

    def answer(self, request: FetchRequest) -> FetchResponse:
        mood = self.mood
        if isinstance(mood, FetchResponse):
            wait = getattr(mood, "retry_after", None)
            if wait is not None:
                self.quiet_until = self.clock() + timedelta(seconds=min(wait, 6 * 3600))
            return mood
        if mood == "page":
            return Fetched(b"<html><title>Sign in</title></html>")
        age = mood if isinstance(mood, int) else 0
        kind = "full" if isinstance(mood, int) else mood
        serial = self.serial_at(self.clock() - min(timedelta(seconds=age), DAY))
        etag = f'"{kind}-{serial}"'
        if request.etag == etag:
            return NotModified(age=age)
        body = feed_text() if kind == "empty" else self.body(serial)
        if kind == "cut":
            body = body[: body.rindex("END:VEVENT")]
        return Fetched(body.encode(), etag=etag, age=age)


class Host:
    """What may delay all feeds of a host: see ``freshness.rate_limited_hosts``."""

    def __init__(self) -> None:
        self.told: dict[str, datetime] = {}
        self.limits: list[datetime] = []
        self.certain = True

    def says_429(self, address: str, now: datetime) -> None:
        recent = timedelta(minutes=10)
        self.told = {who: at for who, at in self.told.items() if timedelta(0) <= now - at < recent}
        self.told[address] = now
        if len(self.told) >= 3:
            self.told = {}
            self.limits.append(now)

    def may_be_limited(self, now: datetime) -> bool:
        return any(abs(now - limit) <= timedelta(minutes=15) for limit in self.limits)

    def is_limited(self, now: datetime) -> bool:
        within = timedelta(minutes=5)
        return self.certain and any(timedelta(0) <= now - limit < within for limit in self.limits)


@dataclass
class Address:
    """How asking an address went: the last request, and the early ones of those without a button.

    ``read``: when it was last read by a stranger's feed.
    """

    last: datetime | None = None
    failed: bool = False
    answer: FetchResponse | None = None
    early: tuple[datetime, ...] = ()
    read: datetime | None = None

    @property
    def refuses(self) -> bool:
        """Whether its last answer was a 401, 403 or 404, which are asked again in an hour."""
        answer = self.answer
        return self.failed and isinstance(answer, Refused) and answer.status in (401, 403, 404)

    @property
    def withdrawn(self) -> bool:
        """Whether its last answer was a 410, which is final."""
        return self.failed and isinstance(self.answer, Gone)


@dataclass
class Belief:
    """What a model knows of one way: when the newest answer is from, and which state it shows.

    ``whole``: the same of the newest complete answer. ``quiet``: nobody asks before that, unless a
    button is pressed.
    """

    newest: datetime | None = None
    whole: datetime | None = None
    serial: int = 0
    quiet: datetime | None = None


def _impatient(join: Callable[[Order], Flight], order: Order) -> Flight:
    return join(replace(order, patience=0.0))


class CacheModel(RuleBasedStateMachine):
    """The events, and what holds after each of them. ``shared``: a child shares the store."""

    shared = False
    lent: tuple[dict[str, tuple[str, datetime]], list[str]]

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(START)
        self.sources = {who: Source(who, self.clock) for who in ("ada", "bob")}
        self.leases = Leases()
        self.dead: list[tuple[str, str]] = []
        self.jitter = 1.0
        self.beliefs = {way.feed: Belief() for way in WAYS}
        self.readers: dict[tuple[Feed, str | None], set[MadeBy]] = {}
        self.read_at: dict[tuple[Feed, str | None], datetime] = {}
        self.failed_last: dict[str, bool] = {}
        self.inside: set[Feed] = set()
        self.addresses = {feed: Address() for feed in STRANGERS}
        self.addresses |= {way.feed: Address() for way in WAYS}
        self.addresses[WAYS[1].feed] = self.addresses[WAYS[0].feed]  # one address, two ways
        self.hosts = {who: Host() for who in self.sources}
        self.strangers_say: FetchResponse = Gone(410)
        self.asking = 0
        self.pressed = False
        self.answers: dict[Feed, FetchResponse] = {}
        self.during: Callable[[], None] | None = None
        self.ever_empty: set[str] = set()
        self.caches = [self.new_process(VERSIONS[0]) for _ in range(3)]
        self.keys = {way.feed: self.caches[0]._repository.keys(way.feed) for way in WAYS}

    def open_store(self) -> Store:
        """Another door to the one store."""
        raise NotImplementedError

    def new_process(self, made_by: MadeBy) -> CalendarCache:
        cache = CalendarCache(
            store=Watched(self.open_store(), self.leases),
            fetcher=self,
            clock=self.clock,
            jitter=lambda: self.jitter,
            limits=Limits(fetch_deadline=0.001),
        )
        # Who finds a lease taken is served what there is, at once.
        cache._fly = partial(_impatient, cache._fly)  # type: ignore[method-assign]
        cache._patience = 600.0  # seconds nobody waits, however busy the machine is
        cells: Any = cache._repository.cells
        cells._watch = None  # and its store is waited for, too
        cache._repository._made = made_by
        return cache

    def version(self, process: int) -> MadeBy:
        return self.caches[process]._repository.made

    @contextmanager
    def by(self, process: int, *, pressed: bool = False) -> Iterator[CalendarCache]:
        self.asking, self.pressed, self.answers = process, pressed, {}
        yield self.caches[process]

    def fetch(self, request: FetchRequest) -> FetchResponse:
        """What every process fetches with."""
        feed, now = request.feed, self.clock()
        host, address = self.hosts[feed.host.partition(".")[0]], self.addresses[feed]
        if not self.pressed:
            self.leases.must(not host.is_limited(now), "asked although its host waits")
            if address.refuses and address.last is not None and now >= address.last:
                self.leases.must(now - address.last >= HOUR / 2, "a refusal is asked hourly")
            if address.failed and address.last is not None and now - address.last < TTL:
                kept = [at for at in address.early if now - at < DAY]
                address.early = (*kept, now)
                self.leases.must(len(address.early) <= EARLY, "asked too often after failures")
        answer = self.strangers_say if feed in STRANGERS else self.fetch_way(request)
        address.last, address.answer = now, answer
        address.failed = isinstance(answer, Refused | Gone | Failed) or (
            feed not in STRANGERS and self.sources[feed.host.partition(".")[0]].mood == "page"
        )
        if isinstance(answer, Failed) and answer.kind == "blocked_address":
            address.failed = False  # nobody was asked
        if isinstance(answer, Refused) and answer.status == 429 and not answer.redirected:
            host.says_429(feed.reveal(), now)
        return answer

    def fetch_way(self, request: FetchRequest) -> FetchResponse:
        feed, now = request.feed, self.clock()
        source = self.sources[feed.host.partition(".")[0]]
        belief, version, must = self.beliefs[feed], self.version(self.asking), self.leases.must
        must(feed not in self.inside, "two at once")
        must(source.quiet_until is None or now >= source.quiet_until, "asked too soon")
        if belief.quiet is not None and not self.pressed:
            must(now >= belief.quiet, "asked more than twice in 30 minutes")
        if request.etag is not None:
            readers = self.readers.get((feed, request.etag), set())
            must(version in readers, "validators of other rules")
            must(not self.pressed, "validators although a person pressed refresh")
            must(now - self.read_at[feed, request.etag] <= DAY, "validators for more than a day")
            must(not self.failed_last.get(feed.host, False), "validators after a failure")
        self.inside.add(feed)
        try:
            answer = self.answers[feed] = source.answer(request)
            self.failed_last[feed.host] = not isinstance(answer, Fetched | NotModified)
            if isinstance(answer, Fetched):
                self.read_at[feed, answer.etag] = now
                self.readers.setdefault((feed, answer.etag), set()).add(version)
                if source.mood not in ("cut", "page"):
                    belief.quiet = now + TTL / 2
            during, self.during = self.during, None
            if during is not None:
                during()
        finally:
            self.inside.discard(feed)
        return answer

    # -- what happens to it -------------------------------------------------------------------

    @rule(who=people, mood=moods)
    def source_becomes(self, who: str, mood: FetchResponse | str | int) -> None:
        self.sources[who].mood = mood
        if mood == "empty":
            self.ever_empty.add(who)

    @rule(who=people)
    def source_changes(self, who: str) -> None:
        self.sources[who].change()

    @rule(jitter=st.floats(0, 1, exclude_max=True))
    def luck_changes(self, jitter: float) -> None:
        self.jitter = jitter

    @rule(
        by=st.sampled_from([SECOND, 29 * SECOND, TTL / 3, TTL / 2, TTL, DAY])
        | st.timedeltas(timedelta(0), timedelta(hours=30))
    )
    def time_passes(self, by: timedelta) -> None:
        self.clock.advance(by)

    @rule(
        moods=st.lists(moods, min_size=1, max_size=4),
        every=st.sampled_from([HOUR + SECOND, DAY, DAY + SECOND])
        | st.integers(1, 20 * 60).map(lambda minutes: timedelta(minutes=minutes)),
        which=ways,
        process=processes,
        presses=st.booleans(),
    )
    def days_go_by(
        self,
        moods: list[FetchResponse | str | int],
        every: timedelta,
        which: Way,
        process: int,
        presses: bool,
    ) -> None:
        """A good look, and then some at a source that has its moods: what mostly happens.

        ``presses``: and each time a person presses "refresh" half a minute later.
        """
        source = self.sources[which.who]
        source.mood = "full"
        self.get(process, which)
        for mood in moods:
            self.clock.advance(every)
            source.change()
            self.source_becomes(which.who, mood)
            self.get(process, which)
            if presses:
                self.clock.advance(31 * SECOND)
                self.refresh(process, which)

    @rule(by=st.timedeltas(SECOND, timedelta(days=40)))
    def clock_jumps_back(self, by: timedelta) -> None:
        """What was learnt in the future binds nobody, and ages begin anew."""
        now = self.clock.advance(-by)
        for source in self.sources.values():
            source.quiet_until = None
            # What a copy of a moment shows is the past that sources remember: there is one.
            source.states = [(min(when, now), serial) for when, serial in source.states]
        self.failed_last.clear()
        for host in self.hosts.values():
            host.certain = False
        for address in self.addresses.values():
            address.last = address.read = None
            address.early = ()
        for belief in self.beliefs.values():
            belief.newest = belief.whole = belief.quiet = None
            belief.serial = 0

    @rule(which=ways, kind=st.integers(0, 2), data=st.binary(max_size=40))
    def a_cell_rots(self, which: Way, kind: int, data: bytes) -> None:
        """Of its reading, of how asking went, or of the list of its address."""
        key = self.keys[which.feed][kind]
        self.caches[0]._repository.store.put(key, Cell(data, self.clock() + DAY), None)
        if kind == 0:
            self.lose(which)
        elif kind == 1:
            self.sources[which.who].quiet_until = None
            self.failed_last[which.feed.host] = False
            self.addresses[which.feed].failed = False
            self.addresses[which.feed].early = ()
        else:
            # Nobody knows any more what there was of the address: look at it again.
            for way in WAYS:
                if way.who == which.who:
                    self.caches[0].forget(way.feed)
                    self.lose(way)

    @rule(process=processes, version=st.sampled_from(VERSIONS))
    def a_process_starts_anew(self, process: int, version: MadeBy) -> None:
        """With other time zone data, perhaps, or another version of extcal."""
        self.caches[process] = self.new_process(version)

    @rule(process=processes, which=ways)
    def forget(self, process: int, which: Way) -> None:
        self.caches[process].forget(which.feed)
        self.forgotten(which.who)

    @rule(process=processes, other=processes, which=ways, named=ways)
    def forget_while_it_is_fetched(self, process: int, other: int, which: Way, named: Way) -> None:
        """Another process forgets the address, by another of its feeds: the fetch is in vain."""
        if named.who != which.who:
            return
        done = []

        def during() -> None:
            self.caches[other].forget(named.feed)
            done.append(True)

        with self.by(process, pressed=True) as cache:
            self.during = during
            with suppress(Unavailable):
                cache.refresh(which.feed)
            self.during = None
        if done:
            self.forgotten(which.who)

    @rule(process=processes, other=processes, which=ways)
    def another_process_is_quicker(self, process: int, other: int, which: Way) -> None:
        """It reads the feed between this one's look at the store and its lease."""
        if process == other:
            return

        def before() -> None:
            self.get(other, which)
            self.asking, self.answers = process, {}

        self.leases.before = before
        self.get(process, which)
        self.leases.before = None

    @rule(process=processes, which=ways, killed=st.booleans())
    def a_process_forks(self, process: int, which: Way, killed: bool) -> None:
        """The child reads a feed; or it is killed while it asks, with the lease in its hands."""
        ours, theirs = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a worker may be about to end
            child = os.fork()
        if not child:
            self.in_child(process, which, theirs, killed=killed)
        os.close(theirs)
        with open(ours, "rb") as pipe:
            data = pipe.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in ((0, -signal.SIGKILL) if killed else (0,))
        if self.shared:
            # What it did to the store is there for all; what it saw is known to the model alone.
            for name, value in pickle.loads(data).items():
                setattr(self, name, value)
            self.leases.valid, self.leases.wrong = self.lent
            alive = {token for _, token in self.dead}
            for key, (token, _) in self.leases.valid.items():
                if token not in alive:
                    self.dead.append((key, token))

    def in_child(self, process: int, which: Way, pipe: int, *, killed: bool) -> None:
        """Ends the process, whatever happens."""
        names = ["beliefs", "readers", "read_at", "failed_last", "addresses", "hosts", "quiet"]

        def tell(names: list[str]) -> None:
            self.lent = self.leases.valid, self.leases.wrong
            os.write(pipe, pickle.dumps({name: getattr(self, name) for name in [*names, "lent"]}))

        def die() -> None:
            tell([])
            os.kill(os.getpid(), signal.SIGKILL)

        try:
            self.during = die if killed else None
            self.get(process, which)
            tell(names)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)

    @property
    def quiet(self) -> dict[str, datetime | None]:
        """Until when nobody asks the sources, because they said so."""
        return {who: source.quiet_until for who, source in self.sources.items()}

    @quiet.setter
    def quiet(self, known: dict[str, datetime | None]) -> None:
        for who, until in known.items():
            self.sources[who].quiet_until = until

    @rule(which=ways)
    def a_process_is_killed(self, which: Way) -> None:
        """A fourth one gets the lease, and is never heard of again. Or is it?"""
        key = self.keys[which.feed].snapshot
        token = self.caches[0]._repository.store.lease(key, self.clock(), LEASE)
        if token is not None:
            self.dead.append((key, token))

    @rule(data=st.binary(max_size=10))
    def a_dead_process_wakes_up(self, data: bytes) -> None:
        """What it writes counts only if nobody took over: here it is rubbish, and a miss."""
        if not self.dead:
            return
        key, token = self.dead.pop()
        store = self.caches[0]._repository.store
        if store.put(key, Cell(data, self.clock() + DAY), token):
            self.lose(next(way for way in WAYS if self.keys[way.feed].snapshot == key))
        store.release(key, token)

    def lose(self, which: Way) -> None:
        self.beliefs[which.feed] = Belief()

    def forgotten(self, who: str) -> None:
        """Every way of reading the address is unknown to every process."""
        for way in WAYS:
            if way.who == who:
                self.lose(way)
                for cache in self.caches:
                    assert cache.last_refreshed(way.feed) is None, "remembers what was forgotten"

    # -- what is asked of it ------------------------------------------------------------------

    @rule(process=processes, which=ways)
    def get(self, process: int, which: Way) -> None:
        with self.by(process) as cache:
            try:
                snapshot = cache.get(which.feed)
            except Unavailable as error:
                self.unavailable(which, error)
            else:
                self.served(process, which, snapshot)

    @rule(process=processes, which=ways)
    def refresh(self, process: int, which: Way) -> None:
        with self.by(process, pressed=True) as cache:
            try:
                snapshot = cache.refresh(which.feed)
            except Unavailable as error:
                self.unavailable(which, error)
            else:
                self.served(process, which, snapshot)

    @rule(process=processes)
    def a_run_over_all(self, process: int) -> None:
        with self.by(process) as cache:
            outcomes = list(cache.refresh_many([way.feed for way in WAYS], at_once=1))
        for way in WAYS:
            outcome = next(found for feed, found in outcomes if feed is way.feed)
            if isinstance(outcome, Snapshot):
                self.served(process, way, outcome)
            else:
                self.unavailable(way, outcome)

    @rule(
        process=processes,
        says=refusals,
        which=st.lists(st.integers(0, 3), min_size=2, max_size=4, unique=True),
        passes=st.sampled_from([SECOND, 2 * TTL / 15, TTL / 2, TTL + SECOND]),
    )
    def strangers_are_read(
        self, process: int, says: FetchResponse, which: list[int], passes: timedelta
    ) -> None:
        """Each has an address at ada's host; only a 429 of three of them may delay another."""
        self.strangers_say = says
        for number in which:
            self.clock.advance(passes)
            feed, now = STRANGERS[number], self.clock()
            address, host = self.addresses[feed], self.hosts["ada"]
            due = not address.failed and (address.read is None or now - address.read > TTL)
            before = address.last
            address.last = None
            with self.by(process) as cache:
                try:
                    snapshot = cache.get(feed)
                except Unavailable as error:
                    self.spared(feed, error.kind)
                else:
                    self.spared(feed, snapshot.last_error)
            asked, address.last = address.last is not None, address.last or before
            if asked and isinstance(says, Fetched):
                address.read = now
            unsure = address.read is None and not host.certain
            assert asked or not due or unsure or host.may_be_limited(now), "delayed by others"

    def spared(self, feed: Feed, kind: str | None) -> None:
        """Only its own 429, or a limit of its whole host, keeps a feed from being asked."""
        answer = self.addresses[feed].answer
        if kind == "rate_limited" and not (isinstance(answer, Refused) and answer.status == 429):
            host = self.hosts[feed.host.partition(".")[0]]
            assert host.may_be_limited(self.clock()), "delayed by others"

    # -- what it promises ---------------------------------------------------------------------

    def served(self, process: int, which: Way, snapshot: Snapshot) -> None:
        now, belief = self.clock(), self.beliefs[which.feed]
        self.spared(which.feed, snapshot.last_error)
        assert not self.addresses[which.feed].withdrawn, "served although it was withdrawn"
        age = now - snapshot.fetched_at
        asked = snapshot.reading.asked_at or snapshot.fetched_at
        ours = snapshot.reading.made_by == self.version(process)
        assert any(each.code == "other_rules" for each in snapshot.problems) is not ours
        if snapshot.state is State.FRESH:
            assert -SKEW <= age <= TTL
            assert ours, "FRESH by other rules"
        elif snapshot.state is State.STALE:
            just_asked = -SKEW <= now - asked <= TTL / 2
            assert just_asked or not ours or self.led_elsewhere(which)
            assert abs(age) <= DAY + (TTL / 2 if just_asked else timedelta(0))
        else:
            assert snapshot.state is State.ERROR_STALE
            assert abs(age) <= (HOUR if snapshot.last_error == "blocked_address" else DAY)
        assert (snapshot.last_error is not None) is (snapshot.state is State.ERROR_STALE)
        answer = self.answers.get(which.feed)
        if isinstance(answer, Fetched) and self.sources[which.who].mood in ("full", "empty"):
            assert (snapshot.state, age) == (State.FRESH, timedelta(0)), "read, and not served"
        serial = self.shown(which, snapshot)
        if age < -SKEW:
            # Read before the clock jumped back: it stands in, but what is read now is older by it.
            self.beliefs[which.feed] = Belief()
            return
        # Half a calendar takes the place of a whole one only when that is a day old.
        if not snapshot.complete:
            assert snapshot.free_busy.unknown == (snapshot.window,)
            assert belief.whole is None or now - belief.whole > DAY
        # Age is monotone: nobody is served something older than what was served before.
        assert belief.newest is None or snapshot.fetched_at >= belief.newest
        belief.newest = snapshot.fetched_at
        if snapshot.complete:
            belief.whole = snapshot.fetched_at
            if serial is not None:
                assert serial >= belief.serial, "went back to what had been replaced"
                belief.serial = serial
        if asked <= now:
            assert REACH.within(FreeBusy.from_periods(snapshot.window).window_epochs, now)

    def shown(self, which: Way, snapshot: Snapshot) -> int | None:
        """Which state of its source this shows, and all of it; None if it is empty."""
        source = self.sources[which.who]
        uids = {found.uid for found in snapshot.events}
        serials = {int(uid.split("-")[1]) for uid in uids}
        assert all(uid.startswith(f"{which.who}-") for uid in uids), "somebody else's"
        assert len(serials) <= 1
        titles = {found.summary for found in snapshot.events}
        assert which.feed.detail == "events" or titles <= {None}, "a title in spite of detail"
        if not serials:
            # An error is never an empty, complete calendar.
            assert not snapshot.complete or which.who in self.ever_empty or self.outlived(snapshot)
            return None
        serial = serials.pop()
        assert serial in source.days, "never said by the source"
        if snapshot.complete:
            assert snapshot.free_busy.unknown == ()
        for start in source.busy(serial, which.zone):
            if snapshot.window.start <= start and start + HOUR <= snapshot.window.end:
                assert snapshot.free_busy.is_free(start, start + HOUR) is False, "free for busy"
        return serial

    def outlived(self, snapshot: Snapshot) -> bool:
        """Whether all that its source ever said has gone by, or is yet to come, in its window."""
        starts = [
            start
            for source in self.sources.values()
            for serial in source.days
            for start in source.busy(serial, BERLIN)
        ]
        window = snapshot.window
        return any(not window.start <= start <= window.end - HOUR for start in starts)

    def unavailable(self, which: Way, error: Unavailable) -> None:
        """Nothing that the source said within a day is withheld, unless it is gone."""
        newest = self.beliefs[which.feed].newest
        self.spared(which.feed, error.kind)
        assert error.__context__ is None
        assert error.kind != "incomplete"
        if error.kind == "gone" or newest is None:
            return
        blocked = self.load(which).attempts.kind == "blocked_address"
        assert self.clock() - newest > (HOUR if blocked else DAY)

    def load(self, which: Way) -> Known:
        return self.caches[0]._repository.load(self.keys[which.feed])

    def led_elsewhere(self, which: Way) -> bool:
        return self.leases.held(self.keys[which.feed].snapshot, self.clock(), LEASE)

    @invariant()
    def the_books_are_honest(self) -> None:
        for way in WAYS:
            for cache in self.caches[:1]:
                refreshed, attempt = cache.last_refreshed(way.feed), cache.last_attempt(way.feed)
                assert refreshed is None or (attempt is not None and refreshed <= attempt)
        assert not self.leases.wrong
        # Whoever is alive has given its leases back.
        alive = {token for token, _ in self.leases.valid.values()}
        assert alive <= {token for _, token in self.dead}


class OverMemory(CacheModel):
    """Three caches of one process."""

    def open_store(self) -> Store:
        if not hasattr(self, "memory"):
            self.memory = MemoryStore()
        return self.memory


class OverSQLite(CacheModel):
    """Each process has a door of its own to the file, and leaves it open when it dies."""

    shared = True

    def open_store(self) -> Store:
        if not hasattr(self, "files"):
            self.files = ExitStack()
            self.path = Path(self.files.enter_context(tempfile.TemporaryDirectory())) / "cells.db"
        return self.files.enter_context(SQLiteStore(self.path))

    def teardown(self) -> None:
        self.files.close()


TestOverMemory = OverMemory.TestCase
TestOverMemory.settings = settings(
    stateful_step_count=60 if NIGHTLY else 30, max_examples=3000 if NIGHTLY else 30
)
TestOverSQLite = OverSQLite.TestCase
TestOverSQLite.settings = settings(
    stateful_step_count=60 if NIGHTLY else 30, max_examples=500 if NIGHTLY else 10
)
