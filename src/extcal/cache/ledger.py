"""What a cache knows and decides, without how it waits: shared by every kind of cache.

The ledger looks feeds up in the store, asks :mod:`~extcal.cache.freshness` what to do, and books
what came of it. It never fetches and never waits, and it is told what time it is; whoever uses
it brings the fetcher, the clock and the threads or tasks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from extcal.cache import reading as readings
from extcal.cache.codec import (
    FORMAT,
    decode_attempts,
    decode_reading,
    encode_attempts,
    encode_reading,
)
from extcal.cache.freshness import (
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
    replaces,
    usable,
)
from extcal.cache.keys import attempts_key, snapshot_key
from extcal.cache.reach import Reach
from extcal.cache.reasons import failure
from extcal.cache.snapshot import Reading, Snapshot, State
from extcal.cache.stores.protocol import Cell, Store
from extcal.errors import NotACalendar
from extcal.fetch.feed import Feed
from extcal.fetch.protocol import Fetched, FetchRequest, FetchResponse, NotModified
from extcal.limits import Limits

__all__ = ["Keys", "Known", "Ledger"]

_KEEP = timedelta(days=7)  # validators are worth having long after nobody is served the answer
_KEEP_ATTEMPTS = timedelta(days=2)  # the longest wait is a day
_REMEMBERED = 1024
_PUBLISHED_FOR = timedelta(days=1)


class Keys(NamedTuple):
    """Where a feed is found in the store."""

    snapshot: str
    attempts: str


class Known(NamedTuple):
    """What the store says about a feed."""

    reading: Reading | None
    attempts: Attempts


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
        self._secret = secret
        self._jitter = jitter
        self._spelled = reach.spelled()
        # Decoded readings by key, each beside the bytes it was decoded from: bytes are compared on
        # every look, so that what another process stored is seen. Single operations on a dict are
        # safe to use from several threads.
        self._decoded: dict[str, tuple[bytes, Reading]] = {}

    def __repr__(self) -> str:
        return f"<Ledger over {self.store!r}>"

    # -- looking --------------------------------------------------------------------------------

    def keys(self, feed: Feed) -> Keys:
        """Under which keys ``feed`` is stored."""
        return Keys(
            snapshot_key(feed, self._spelled, FORMAT, self._secret),
            attempts_key(feed, FORMAT, self._secret),
        )

    def load(self, keys: Keys) -> Known:
        """What the store knows. What does not decode is not known."""
        return Known(self._reading(keys.snapshot), self._attempts(keys.attempts))

    def answer(
        self, feed: Feed, known: Known, now: datetime, wish: Wish
    ) -> Snapshot | Raise | Fetch:
        """What to tell who asks at ``now``, or that the source has to be asked first."""
        held = self._held(feed, known.reading, now)
        decision = decide(held, known.attempts, now, self.rules, wish)
        return decision if isinstance(decision, Fetch) else _served(known.reading, decision)

    def late(self, known: Known, now: datetime) -> Snapshot | Raise:
        """What to tell who did not want to wait any longer for a fetch that is under way."""
        reading = known.reading
        if known.attempts.gone or reading is None:
            return Raise("gone" if known.attempts.gone else "timeout")
        if not usable(reading.fetched_at, now, self.rules):
            return Raise("timeout")
        return Snapshot(reading, State.STALE)

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
    ) -> Snapshot | Raise:
        """Book what the source answered, and say what to tell those who waited.

        ``asked_at``: when the request was sent; an answer is as old as the question. ``token``:
        the lease under which it was asked.
        """
        outcome, found = self._outcome(feed, known, response, asked_at)
        if isinstance(outcome, Success) and found is not None:
            cell = Cell(encode_reading(found, keys.snapshot), now + _KEEP)
            if self.store.put(keys.snapshot, cell, token):
                self._remember(keys.snapshot, cell, found)
                if known.attempts != Attempts():
                    self.store.delete(keys.attempts)
            return Snapshot(found, State.FRESH)
        # Another feed of the same address may have learnt something meanwhile.
        attempts = learn(self._attempts(keys.attempts), outcome, now, self.rules, self._jitter())
        cell = Cell(encode_attempts(attempts, keys.attempts), now + _KEEP_ATTEMPTS)
        self.store.put(keys.attempts, cell, None)
        held = self._held(feed, known.reading, now)
        return _served(known.reading, fall_back(held, attempts, now, self.rules))

    def forget(self, keys: Keys) -> None:
        """Drop what is known of a feed. How its source wants to be asked is not ours to drop."""
        self.store.delete(keys.snapshot)
        self._decoded.pop(keys.snapshot, None)

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
            covers=self.reach.within(reading.free_busy.window_epochs, now),
            validators=self._may_be_confirmed(feed, reading, now),
        )

    def _may_be_confirmed(self, feed: Feed, reading: Reading, now: datetime) -> bool:
        """Whether a 304 would do: what it confirms must keep the promise until it expires."""
        if reading.etag is None and reading.last_modified is None:
            return False
        if feed.published_ahead is not None and now - reading.read_at > _PUBLISHED_FOR:
            return False  # the published range moves on even where the body does not change
        last = now + self.rules.stale_if_error
        return self.reach.promised(last)[1] <= reading.free_busy.window_epochs[1]

    def _reading(self, key: str) -> Reading | None:
        cell = self.store.get(key)
        if cell is None:
            return None
        remembered = self._decoded.get(key)
        if remembered is not None and remembered[0] == cell.data:
            return remembered[1]
        found = decode_reading(cell.data, key)
        if found is not None:
            self._remember(key, cell, found)
        return found

    def _remember(self, key: str, cell: Cell, reading: Reading) -> None:
        if len(self._decoded) >= _REMEMBERED:
            # Starting afresh is cheaper than keeping count of what was used when.
            self._decoded.clear()
        self._decoded[key] = (cell.data, reading)

    def _attempts(self, key: str) -> Attempts:
        cell = self.store.get(key)
        found = decode_attempts(cell.data, key) if cell is not None else None
        return Attempts() if found is None else found


def _served(reading: Reading | None, decision: Serve | Raise) -> Snapshot | Raise:
    if isinstance(decision, Raise):
        return decision
    if reading is None:
        raise AssertionError("freshness serves only what is held")
    return Snapshot(reading, decision.state, decision.error)
