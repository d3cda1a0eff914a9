"""What is known of a feed: readings and attempt records, as values over what the store holds.

The only place that knows under which key a cell lies and how it is encoded. Using it uses the
store, which may block. What does not decode is not known.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from extcal.cache.freshness.decide import (
    Attempts,
    Decision,
    Held,
    Raise,
    Rules,
    Serve,
    Wish,
    decide,
    lifetime,
)
from extcal.cache.refresh.keys import Keys, attempts_key, snapshot_key, spread
from extcal.cache.snapshot.codec import (
    ATTEMPTS,
    READINGS,
    decode_attempts,
    decode_reading,
    encode_attempts,
    encode_reading,
)
from extcal.cache.snapshot.snapshot import Reading, Snapshot
from extcal.cache.stores.memory import Memo
from extcal.cache.stores.protocol import Cell, Store
from extcal.fetch.feed import Feed

__all__ = ["Known", "Repository"]

_KEEP = timedelta(days=7)  # validators are worth having long after nobody is served the answer
_KEEP_ATTEMPTS = timedelta(days=2)  # the longest wait is a day
_REMEMBERED = 1200  # readings, of up to 70 KB each: more people than anybody lays side by side
_REMEMBERED_KEYS = 8192  # a feed and two digests
_UNTRIED = Attempts()


class Known(NamedTuple):
    """What the store says about a feed. ``held``: what freshness needs to know of the reading."""

    reading: Reading | None = None
    attempts: Attempts = _UNTRIED
    held: Held | None = None

    def decide(
        self, now: datetime, rules: Rules, wish: Wish = "get", older_than: timedelta | None = None
    ) -> Decision:
        """What to do about it at ``now``.

        ``older_than``: what is older is not fresh, whatever the rules allow.
        """
        held = self.held
        if held is not None and older_than is not None and held.lifetime is not None:
            held = replace(held, lifetime=min(held.lifetime, older_than))
        return decide(held, self.attempts, now, rules, wish)

    def served(self, decision: Serve | Raise) -> Snapshot | Raise:
        """What ``decision`` comes to for who asks."""
        if isinstance(decision, Raise):
            return decision
        if self.reading is None:
            raise AssertionError("freshness serves only what is held")
        return Snapshot(self.reading, decision.state, decision.error)


class _Decoded(NamedTuple):
    """A reading beside the bytes it was decoded from.

    Bytes are compared on every look, so that what another process stored is seen.
    """

    data: bytes
    reading: Reading
    held: Held


class Repository:
    """The readings and attempt records in ``store``.

    ``reach`` spells horizon and history, which are part of a reading's key, as ``secret`` is.
    ``rules`` say how long a reading is fresh.
    """

    def __init__(self, store: Store, reach: str, rules: Rules, secret: bytes | None) -> None:
        self.store = store
        self._reach = reach
        self._rules = rules
        self._secret = secret
        self._decoded: Memo[str, _Decoded] = Memo(_REMEMBERED)
        self._keys: Memo[Feed, Keys] = Memo(_REMEMBERED_KEYS)

    def __repr__(self) -> str:
        return f"<Repository over {self.store!r}>"

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

    def load(self, keys: Keys) -> Known:
        """What the store knows."""
        attempts = self.load_attempts(keys)
        cell = self.store.get(keys.snapshot)
        if cell is None:
            return Known(None, attempts)
        decoded = self._decoded.get(keys.snapshot)
        if decoded is None or decoded.data != cell.data:
            reading = decode_reading(cell.data, keys.snapshot)
            if reading is None:
                return Known(None, attempts)
            decoded = self._remember(keys.snapshot, cell.data, reading)
        return Known(decoded.reading, attempts, decoded.held)

    def load_attempts(self, keys: Keys) -> Attempts:
        """How asking went so far."""
        cell = self.store.get(keys.attempts)
        if cell is None:
            return _UNTRIED
        return decode_attempts(cell.data, keys.attempts) or _UNTRIED

    def store_reading(
        self, keys: Keys, known: Known, found: Reading, now: datetime, token: str
    ) -> None:
        """Keep ``found``, if ``token`` still holds the lease; asking went well, then."""
        cell = Cell(encode_reading(found, keys.snapshot), now + _KEEP)
        if self.store.put(keys.snapshot, cell, token):
            self._remember(keys.snapshot, cell.data, found)
            if known.attempts != _UNTRIED:
                self.store.delete(keys.attempts)

    def store_attempts(self, keys: Keys, attempts: Attempts, now: datetime) -> None:
        """Keep how asking went."""
        data = encode_attempts(attempts, keys.attempts)
        self.store.put(keys.attempts, Cell(data, now + _KEEP_ATTEMPTS), None)

    def forget(self, feed: Feed) -> None:
        """Drop what is known of a feed. How its source wants to be asked is not ours to drop."""
        keys = self.keys(feed)
        self.store.delete(keys.snapshot)
        self._decoded.drop(keys.snapshot)
        self._keys.drop(feed)

    def _remember(self, key: str, data: bytes, reading: Reading) -> _Decoded:
        share = spread(key) if self._rules.ttl_jitter else 0.0
        fresh_for = lifetime(self._rules, share, reading.refresh_interval)
        held = Held(reading.fetched_at, reading.complete, lifetime=fresh_for)
        decoded = _Decoded(data, reading, held)
        self._decoded.keep(key, decoded)
        return decoded

    def _new_keys(self, feed: Feed) -> Keys:
        return Keys(
            snapshot_key(feed, self._reach, READINGS, self._secret),
            attempts_key(feed, ATTEMPTS, self._secret),
        )
