"""What a cache knows and decides, without how it waits: shared by every kind of cache.

The ledger looks feeds up in the store, asks :mod:`~extcal.cache.freshness.decide` what to do, and
books what came of it. It never fetches and never waits, and it is told what time it is; whoever
uses it brings the fetcher, the clock and the threads or tasks. Looking and booking use the store,
which may block; everything else is quick.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from extcal.cache.freshness.decide import (
    INCOMPLETE,
    Attempts,
    Failure,
    Fetch,
    Held,
    Outcome,
    Raise,
    Rules,
    Serve,
    Success,
    Wish,
    decide,
    fall_back,
    learn,
    lifetime,
    replaces,
    usable,
)
from extcal.cache.freshness.horizon import Reach
from extcal.cache.freshness.messages import failure
from extcal.cache.refresh.hosts import Hosts, Memory, Tally
from extcal.cache.refresh.keys import attempts_key, snapshot_key, spread
from extcal.cache.refresh.log import Refresh, tell
from extcal.cache.refresh.stats import FAILED
from extcal.cache.snapshot import reading as readings
from extcal.cache.snapshot.codec import (
    ATTEMPTS,
    READINGS,
    decode_attempts,
    decode_reading,
    encode_attempts,
    encode_reading,
)
from extcal.cache.snapshot.snapshot import Reading, Snapshot, State
from extcal.cache.stores.protocol import Cell, Store
from extcal.errors import NotACalendar
from extcal.fetch.feed import Feed
from extcal.fetch.protocol import Fetched, FetchRequest, FetchResponse, NotModified
from extcal.limits import Limits

__all__ = ["Behind", "Keys", "Known", "Landed", "Ledger"]

_KEEP = timedelta(days=7)  # validators are worth having long after nobody is served the answer
_KEEP_ATTEMPTS = timedelta(days=2)  # the longest wait is a day
_REMEMBERED = 1200  # readings, of up to 70 KB each: more people than anybody lays side by side
_REMEMBERED_KEYS = 8192  # a feed and two digests
_PUBLISHED_FOR = timedelta(days=1)
_UNTRIED = Attempts()


class Keys(NamedTuple):
    """Where a feed is found in the store."""

    snapshot: str
    attempts: str


class Known(NamedTuple):
    """What the store says about a feed."""

    reading: Reading | None
    attempts: Attempts


class Behind(NamedTuple):
    """Something to answer with at once, while the source is asked behind it."""

    snapshot: Snapshot


class Landed(NamedTuple):
    """What became of a flight: what those who wait are told; ``refresh`` if a source was asked."""

    answer: Snapshot | Raise
    refresh: Refresh | None = None


class Ledger:
    """The books of one cache, over what ``store`` holds. ``jitter`` returns numbers in [0, 1)."""

    def __init__(
        self,
        store: Store,
        reach: Reach,
        rules: Rules,
        limits: Limits,
        secret: bytes | None,
        jitter: Callable[[], float],
    ) -> None:
        self.store = store
        self.reach = reach
        self.rules = rules
        self.limits = limits
        self.tally = Tally()
        self.hosts = Hosts()
        self._secret = secret
        self._jitter = jitter
        self._spelled = reach.spelled()
        # Decoded readings by key, each beside the bytes it was decoded from: bytes are compared on
        # every look, so that what another process stored is seen.
        self._decoded: Memory[str, tuple[bytes, Reading]] = Memory(_REMEMBERED)
        self._keys: Memory[Feed, Keys] = Memory(_REMEMBERED_KEYS)

    def __repr__(self) -> str:
        return f"<Ledger over {self.store!r}>"

    # -- looking --------------------------------------------------------------------------------

    def keys(self, feed: Feed) -> Keys:
        """Under which keys ``feed`` is stored."""
        # Two tzinfo may be equal and yet not mean the same: only names are compared.
        if feed.timezone is not None and not isinstance(feed.timezone, str):
            return self._new_keys(feed)
        keys = self._keys.get(feed)
        if keys is None:
            keys = self._new_keys(feed)
            self._keys.keep(feed, keys)
        return keys

    def _new_keys(self, feed: Feed) -> Keys:
        return Keys(
            snapshot_key(feed, self._spelled, READINGS, self._secret),
            attempts_key(feed, ATTEMPTS, self._secret),
        )

    def load(self, keys: Keys) -> Known:
        """What the store knows. What does not decode is not known."""
        return Known(self._reading(keys.snapshot), self._attempts(keys.attempts))

    def answer(
        self,
        feed: Feed,
        keys: Keys,
        known: Known,
        now: datetime,
        wish: Wish = "get",
        older_than: timedelta | None = None,
    ) -> Snapshot | Behind | Raise | Fetch:
        """What to tell who asks at ``now``, or that the source has to be asked first.

        ``older_than``: what is older is not fresh, whatever the rules allow.
        """
        reading, attempts = known
        held = None
        if reading is not None:
            fresh_for = lifetime(self.rules, spread(keys.snapshot), reading.refresh_interval)
            if older_than is not None:
                fresh_for = min(fresh_for, older_than)
            held = Held(reading.fetched_at, reading.complete, lifetime=fresh_for)
        decision = decide(held, attempts, now, self.rules, wish)
        if isinstance(decision, Fetch):
            down = self.hosts.down(feed.host, now) if wish != "refresh" else None
            if down is not None:
                return self.spared(known, down, now)
            # Whether a 304 would do matters only now, and takes a while to find out.
            full = self._held(feed, reading, now)
            return Fetch(full is not None and full.complete and full.covers and full.validators)
        answer = _served(reading, decision)
        behind = isinstance(decision, Serve) and decision.behind and isinstance(answer, Snapshot)
        return Behind(answer) if behind and isinstance(answer, Snapshot) else answer

    def late(self, known: Known, now: datetime) -> Snapshot | Raise:
        """What to tell who did not want to wait any longer for a fetch that is under way."""
        reading, attempts = known
        if attempts.gone or reading is None:
            return Raise("gone" if attempts.gone else "timeout")
        if not usable(reading.fetched_at, now, self.rules, attempts.kind):
            return Raise("timeout")
        return Snapshot(reading, State.STALE)

    def spared(self, known: Known, kind: str, now: datetime) -> Snapshot | Raise:
        """What to tell when the source is not asked because its whole host is down."""
        self.tally.count("spared")
        held = None if known.reading is None else Held(known.reading.fetched_at)
        return _served(known.reading, fall_back(held, Attempts(kind=kind), now, self.rules))

    # -- asking the source ----------------------------------------------------------------------

    def request(self, feed: Feed, known: Known, *, conditional: bool) -> FetchRequest:
        """The question to put to the fetcher."""
        etag = modified = None
        if conditional and known.reading is not None:
            etag, modified = known.reading.etag, known.reading.last_modified
        return FetchRequest(feed, etag, modified, self.limits.fetch_deadline, self.limits)

    @property
    def lease_time(self) -> timedelta:
        """How long one fetch, with the reading of what came, keeps others from starting one."""
        return timedelta(seconds=self.limits.fetch_deadline + 10)

    def settle(
        self,
        feed: Feed,
        keys: Keys,
        known: Known,
        response: FetchResponse,
        *,
        asked_at: datetime,
        now: datetime,
        token: str,
        seconds: float,
    ) -> Landed:
        """Book what the source answered, and say what to tell those who waited.

        ``asked_at``: when the request was sent; an answer is as old as the question. ``token``:
        the lease under which it was asked. ``seconds``: how long the answer took.
        """
        outcome, found = self._outcome(feed, known, response, asked_at)
        self._book_host(feed, keys, outcome, now)
        previous = None if known.reading is None else Snapshot(known.reading)
        if isinstance(outcome, Success) and found is not None:
            self._store_reading(keys, known, found, now, token)
            snapshot = Snapshot(found, State.FRESH)
            self._tell_success(feed, response, found, seconds)
            return Landed(snapshot, Refresh(feed, snapshot, previous, None, seconds))
        assert isinstance(outcome, Failure)
        # Another feed of the same address may have learnt something meanwhile.
        attempts = learn(self._attempts(keys.attempts), outcome, now, self.rules, self._jitter())
        cell = Cell(encode_attempts(attempts, keys.attempts), now + _KEEP_ATTEMPTS)
        self.store.put(keys.attempts, cell, None)
        held = None if known.reading is None else Held(known.reading.fetched_at)
        answer = _served(known.reading, fall_back(held, attempts, now, self.rules))
        self._tell_failure(feed, outcome, attempts, answer, seconds)
        kind = answer.kind if isinstance(answer, Raise) else outcome.kind
        served = answer if isinstance(answer, Snapshot) else None
        return Landed(answer, Refresh(feed, served, previous, kind, seconds))

    def forget(self, feed: Feed) -> None:
        """Drop what is known of a feed. How its source wants to be asked is not ours to drop."""
        keys = self.keys(feed)
        self.store.delete(keys.snapshot)
        self._decoded.drop(keys.snapshot)
        self._keys.drop(feed)

    # -- inside ---------------------------------------------------------------------------------

    def _outcome(
        self, feed: Feed, known: Known, response: FetchResponse, asked_at: datetime
    ) -> tuple[Outcome, Reading | None]:
        if isinstance(response, NotModified) and known.reading is not None:
            return Success(), readings.renewed(known.reading, asked_at)
        if isinstance(response, NotModified):
            return Failure("protocol"), None
        if not isinstance(response, Fetched):
            return failure(response), None
        window = self.reach.covered(asked_at)
        try:
            found = readings.read_body(response, feed, window, asked_at, known.reading, self.limits)
        except NotACalendar:
            return Failure("not_a_calendar"), None
        except Exception:
            # A mistake of ours is one more way of not being able to read a source.
            return Failure("unreadable"), None
        held = self._held(feed, known.reading, asked_at)
        if not replaces(held, found.complete, asked_at, self.rules):
            return Failure(INCOMPLETE), None
        return Success(), found

    def _held(self, feed: Feed, reading: Reading | None, now: datetime) -> Held | None:
        if reading is None:
            return None
        return Held(
            reading.fetched_at,
            complete=reading.complete,
            covers=self.reach.within(reading.busy.window_epochs, now),
            validators=self._may_be_confirmed(feed, reading, now),
        )

    def _may_be_confirmed(self, feed: Feed, reading: Reading, now: datetime) -> bool:
        """Whether a 304 would do: what it confirms must keep the promise until it expires."""
        if reading.etag is None and reading.last_modified is None:
            return False
        if feed.published_ahead is not None and now - reading.read_at > _PUBLISHED_FOR:
            return False  # the published range moves on even where the body does not change
        longest = lifetime(self.rules, 0.0, reading.refresh_interval)
        last = now + max(self.rules.stale_if_error, longest)
        return self.reach.promised(last)[1] <= reading.busy.window_epochs[1]

    def _reading(self, key: str) -> Reading | None:
        cell = self.store.get(key)
        if cell is None:
            return None
        remembered = self._decoded.get(key)
        if remembered is not None and remembered[0] == cell.data:
            return remembered[1]
        found = decode_reading(cell.data, key)
        if found is not None:
            self._decoded.keep(key, (cell.data, found))
        return found

    def _store_reading(
        self, keys: Keys, known: Known, found: Reading, now: datetime, token: str
    ) -> None:
        cell = Cell(encode_reading(found, keys.snapshot), now + _KEEP)
        if self.store.put(keys.snapshot, cell, token):
            self._decoded.keep(keys.snapshot, (cell.data, found))
            if known.attempts != _UNTRIED:
                self.store.delete(keys.attempts)

    def _attempts(self, key: str) -> Attempts:
        cell = self.store.get(key)
        if cell is None:
            return _UNTRIED
        found = decode_attempts(cell.data, key)
        return _UNTRIED if found is None else found

    def _book_host(self, feed: Feed, keys: Keys, outcome: Outcome, now: datetime) -> None:
        kind = outcome.kind if isinstance(outcome, Failure) else None
        was, now_down = self.hosts.learn(feed.host, keys.attempts, kind, now)
        if now_down and not was:
            tell(logging.WARNING, "host_down", feed, kind=kind)
        elif was and not now_down:
            tell(logging.INFO, "host_up", feed)

    def _tell_success(
        self, feed: Feed, response: FetchResponse, found: Reading, seconds: float
    ) -> None:
        outcome = "read" if isinstance(response, Fetched) else "unchanged"
        self.tally.count(outcome)
        if isinstance(response, Fetched | NotModified) and response.as_browser:
            self.tally.count("as_browser")
        tell(
            logging.INFO,
            "refreshed",
            feed,
            outcome=outcome,
            seconds=seconds,
            bytes=len(response.body) if isinstance(response, Fetched) else None,
            events=found.count,
            complete=found.complete,
        )
        if any(problem.code == "suddenly_empty" for problem in found.problems):
            tell(logging.WARNING, "suddenly_empty", feed)

    def _tell_failure(
        self,
        feed: Feed,
        failed: Failure,
        attempts: Attempts,
        answer: Snapshot | Raise,
        seconds: float,
    ) -> None:
        self.tally.count(FAILED + failed.kind)
        tell(
            logging.WARNING if isinstance(answer, Raise) else logging.INFO,
            "gone" if attempts.gone else "failed",
            feed,
            kind=failed.kind,
            status=failed.status,
            failures=attempts.failures,
            seconds=seconds,
            next_try=attempts.next_try,
        )


def _served(reading: Reading | None, decision: Serve | Raise) -> Snapshot | Raise:
    if isinstance(decision, Raise):
        return decision
    if reading is None:
        raise AssertionError("freshness serves only what is held")
    return Snapshot(reading, decision.state, decision.error)
