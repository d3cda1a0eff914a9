"""What is known of a feed: readings and attempt records, as values over what the store holds.

Only this module knows the key of a cell and how it is encoded. It uses the store, which may block.
A cell that cannot be decoded counts as missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial

from extcal.arguments import safe_repr
from extcal.cache.freshness.clock import Clock
from extcal.cache.freshness.decide import decide, in_utc, just_asked, lifetime, moment_of
from extcal.cache.freshness.rate_limited_hosts import UNTROUBLED, RateLimited
from extcal.cache.freshness.values import Attempts, Decision, Held, Raise, Rules, Serve, State, Wish
from extcal.cache.refresh.kept.keys import (
    Keys,
    address_of,
    attempts_key,
    host_key,
    list_key,
    snapshot_key,
    spread,
)
from extcal.cache.refresh.kept.rate_limit_records import RateLimitRecords
from extcal.cache.refresh.kept.reading_lists import KEEP, ReadingLists
from extcal.cache.snapshot.codec import (
    ATTEMPTS,
    HOSTS,
    LISTS,
    READINGS,
    apply_confirmation,
    decode_attempts,
    decode_host,
    decode_reading,
    encode_attempts,
    encode_confirmation,
    encode_reading,
)
from extcal.cache.snapshot.made_by import MadeBy, made_now
from extcal.cache.snapshot.reading import fingerprint
from extcal.cache.snapshot.snapshot import Reading, Snapshot
from extcal.cache.stores.cells import Cell
from extcal.cache.stores.lease import Lease, Leases
from extcal.cache.stores.memory import Memo
from extcal.cache.stores.optional import getter_of_many, has_own
from extcal.errors import problem_of
from extcal.fetch.feed import Feed
from extcal.fetch.protocol import Fetched
from extcal.limits import Limits
from extcal.values import NamedTuple, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.cache.stores.protocol import Store
    from extcal.cache.stores.watch import Watch

__all__ = ["OTHER_RULES", "Known", "OtherRules", "Repository", "confirmed_key"]

_KEEP_LONGER = timedelta(days=1)  # a confirmed reading is written again after this time
_KEEP_ATTEMPTS = timedelta(days=2)  # the longest wait is a day
_REMEMBERED = 1200  # readings, of up to 70 KB each: more than the people of one table
_REMEMBERED_KEYS = 8192  # a feed and two digests
_UNTRIED = Attempts()
_ZERO = timedelta(0)
_OUR_STORES = "extcal.cache.stores."

OTHER_RULES, OLD_COPY = problem_of("other_rules"), problem_of("old_copy")


class _Met:
    """When a cache first met a reading by other rules than its own."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at: datetime | None = None


class OtherRules(NamedTuple):
    """A reading was made by other rules. ``spread``: the feed's own number in [0, 1)."""

    spread: float
    met: _Met

    def moment(self, held: Held, now: datetime) -> datetime:
        """The time from which on it is to be read again."""
        if self.met.at is None:
            self.met.at = now
        fresh_for = held.lifetime or _ZERO
        return moment_of(held.asked, self.met.at, fresh_for, self.spread)


class Known(NamedTuple):
    """What the store says about a feed.

    ``held``: what freshness needs to know of the reading. ``other_rules``: None if it was made by
    today's rules. ``cell``: the stored reading. ``cells``, ``rate_limited``: all cells that were
    looked up, and the record of the host, if the feed is to be fetched.
    """

    reading: Reading | None = None
    attempts: Attempts = _UNTRIED
    held: Held | None = None
    other_rules: OtherRules | None = None
    cell: Cell | None = None
    cells: Mapping[str, Cell] | None = None
    rate_limited: RateLimited = UNTROUBLED

    def decide(
        self, now: datetime, rules: Rules, wish: Wish = "get", older_than: timedelta | None = None
    ) -> Decision:
        """What to do about it at ``now``.

        ``older_than``: a reading older than this is not fresh, whatever the rules allow; but within
        the shortest time between attempts (``refresh_floor``) the rules alone decide.
        """
        held = self.held
        if older_than is not None and just_asked(held, self.attempts, now, rules):
            older_than = None
        if held is not None and older_than is not None and held.lifetime is not None:
            held = replace(held, lifetime=min(held.lifetime, older_than))
        if held is not None and self.other_rules is not None:
            held = replace(held, other_rules=self.other_rules.moment(held, now))
        return decide(held, self.attempts, now, rules, wish)

    def served(self, decision: Serve | Raise) -> Snapshot | Raise:
        """The answer for a caller after ``decision``."""
        if isinstance(decision, Raise):
            return decision
        return self.snapshot(decision.state, decision.error)

    def snapshot(self, state: State, error: str | None = None) -> Snapshot:
        """The reading as it is served, with a Problem if it is STALE but not because of its age."""
        reading, held = self.reading, self.held
        if reading is None or held is None:
            raise AssertionError("freshness serves only what is held")
        found = []
        if self.other_rules is not None:
            found.append(OTHER_RULES)
        elif state is State.STALE and held.asked - held.fetched_at > (held.lifetime or _ZERO):
            found.append(OLD_COPY)
        if found:
            reading = replace(reading, problems=(*reading.problems, *found))
        return Snapshot(reading, state, error)


class _Decoded(NamedTuple):
    """A reading, and the bytes it was decoded from.

    At every load these are compared with the bytes in the store, because another process may have
    stored a new reading, or a new confirmation of this one. ``stored``: without its confirmation.
    """

    data: bytes
    confirmation: bytes
    stored: Reading
    reading: Reading
    held: Held
    other_rules: OtherRules | None


@safe_repr
class Repository:
    """The readings and attempt records in ``store``.

    ``reach`` is the text of horizon and history, which are part of a reading's key, as ``secret``
    is. ``rules`` say how long a reading is fresh. ``made_now`` returns the versions that this
    process reads with; it reads files, and is called once, when they are first needed. ``shares``
    returns whether the fetcher gives feeds of equal URL and ``auth`` the same answer; its argument
    is the answer for a fetcher that does not say. ``limits``: a stored reading that no feed within
    them can have is a miss.
    """

    def __init__(
        self,
        store: Store,
        reach: str,
        rules: Rules,
        secret: bytes | None,
        made_now: Callable[[], MadeBy] = made_now,
        shares: Callable[[bool], bool] = lambda otherwise: otherwise,
        limits: Limits | None = None,
    ) -> None:
        self.store = store
        self.cells = _watched(store)
        self._get_many = getter_of_many(self.cells)
        self._one_by_one = not has_own(store, "get_many", "get")
        self._leases = Leases(self.cells, store)
        self._lists = ReadingLists(self.cells, store, self._leases, secret, confirmed_key)
        self._reach = reach
        self._rules = rules
        self._secret = secret
        self._limits = Limits() if limits is None else limits
        self.rate_limits = RateLimitRecords(self.cells, secret)
        self._made_now = made_now
        self.shares = shares
        self._made: MadeBy | None = None
        self._met = _Met()
        self._decoded: Memo[str, _Decoded] = Memo(_REMEMBERED)
        self._keys: Memo[Feed, Keys] = Memo(_REMEMBERED_KEYS)

    def __repr__(self) -> str:
        return f"<Repository over {self.store!r}>"

    def keys(self, feed: Feed) -> Keys:
        """The keys under which ``feed`` is stored."""
        # Two tzinfo objects may be equal and have different offsets. So keys are kept by name only.
        if feed.timezone is not None and not isinstance(feed.timezone, str):
            return self._new_keys(feed)
        keys = self._keys.get(feed)
        if keys is None:
            keys = self._new_keys(feed)
            self._keys.keep(feed, keys)
        return keys

    @property
    def made(self) -> MadeBy:
        """The versions that this process reads with."""
        if self._made is None:
            self._made = self._made_now()
        return self._made

    def load(self, keys: Keys, clock: Clock | None = None) -> Known:
        """What the store knows of one feed, with one call of the store.

        With ``clock``, a store without ``get_many`` is not asked for a confirmation of a reading
        that is fresh without it.
        """
        if clock is not None and self._one_by_one:
            known = self._known(keys, self._get_many(keys[:2]))
            if known.reading is None or self._is_fresh(known.reading, in_utc(clock())):
                return known
        return self._known(keys, self._get_many(_looked_up(keys)))

    def load_many(self, several: Sequence[Keys]) -> list[Known]:
        """The same for several feeds, with one call of the store for all of them."""
        cells = self._get_many([key for keys in several for key in _looked_up(keys)])
        return [self._known(keys, cells) for keys in several]

    @cached_property
    def _watch(self) -> Watch:
        from extcal.cache.stores.watch import Watch  # on demand: a store in memory is quick

        return Watch(0.0)

    def load_in_time(self, several: Sequence[Keys], seconds: float) -> list[Known]:
        """The same, with what is remembered if the store takes longer than ``seconds``."""
        from extcal.cache.stores.watch import Late

        try:
            return self._watch.call(partial(self.load_many, several), seconds)
        except Late:
            return [*map(self.remembered, several)]

    def remembered(self, keys: Keys) -> Known:
        """What this process has decoded of one feed, if the store does not answer in time."""
        decoded = self._decoded.get(keys.snapshot)
        if decoded is None:
            return Known()
        return Known(decoded.reading, _UNTRIED, decoded.held, decoded.other_rules)

    def lease(self, keys: Keys, now: datetime, ttl: timedelta) -> tuple[Lease, Known] | None:
        """The lease of a feed, and all that is needed to fetch it and to store the result.

        None if another cache holds it.
        """
        lease, cells = self._leases.take(
            keys.snapshot, now, ttl, (*keys, confirmed_key(keys.snapshot))
        )
        if lease is None:
            return None
        known = self._known(keys, cells)
        return lease, known._replace(
            cells=cells, rate_limited=_rate_limited(keys, cells, self._secret)
        )

    def fingerprint(self, fetched: Fetched, feed: Feed) -> str:
        """A digest of a body, and of what else a reading of it depends on."""
        return fingerprint(fetched, feed, self._secret or b"")

    def _known(self, keys: Keys, cells: Mapping[str, Cell]) -> Known:
        attempts, cell = _attempts(keys, cells, self._secret), cells.get(keys.snapshot)
        if cell is None:
            self._decoded.drop(keys.snapshot)  # forgotten, perhaps by another process
            return Known(None, attempts)
        beside = cells.get(confirmed_key(keys.snapshot))
        confirmation = b"" if beside is None else beside.data
        decoded = self._decoded.get(keys.snapshot)
        if decoded is None or decoded.data != cell.data or decoded.confirmation != confirmation:
            stored: Reading | None
            if decoded is not None and decoded.data == cell.data:
                stored = decoded.stored
            else:
                stored = decode_reading(cell.data, keys.snapshot, self._secret, self._limits)
            if stored is None:
                return Known(None, attempts)
            reading = stored
            if confirmation:
                reading = apply_confirmation(
                    stored, cell.data, confirmation, confirmed_key(keys.snapshot), self._secret
                )
            decoded = self._decode(keys.snapshot, cell.data, confirmation, stored, reading)
            self._decoded.keep(keys.snapshot, decoded)
        return Known(decoded.reading, attempts, decoded.held, decoded.other_rules, cell)

    def keep(
        self,
        keys: Keys,
        known: Known,
        found: Reading,
        now: datetime,
        lease: Lease,
        attempts: Attempts = _UNTRIED,
        *,
        unchanged: bool = False,
    ) -> Known:
        """Store ``found``, if ``lease`` is still held; returns what is known with it.

        ``unchanged``: the source confirmed the reading of ``known``, and ``found`` is this reading
        with its new times and validators. Then only a small cell beside it is written. Once a day
        the reading is written again, as it is stored, so that it does not expire.
        ``attempts``: what has to be kept of the attempt record although the fetch succeeded.
        Nothing is stored if the address was forgotten since ``known`` was loaded.
        """
        until, beside = now + KEEP, confirmed_key(keys.snapshot)
        confirmed = self._confirmed(keys, known, now, lease) if unchanged else None
        if confirmed is None:
            cell, stored = Cell(encode_reading(found, keys.snapshot, self._secret), until), found
            confirmation, writes = b"", True
        else:
            cell, stored = confirmed
            confirmation = encode_confirmation(found, cell.data, beside, self._secret)
            writes = cell.keep_until < until - _KEEP_LONGER
        decoded = self._decode(keys.snapshot, cell.data, confirmation, stored, found)
        kept = Known(found, attempts, decoded.held, decoded.other_rules)
        # The lease is held until the last of these is written.
        recorded = _is_kept(attempts) or known.attempts != _UNTRIED
        put = lease.put if confirmation or recorded else lease.put_last
        if writes and not (
            self._lists.put_on(keys, known.cells, now) and put(Cell(cell.data, until))
        ):
            return kept
        if _is_kept(attempts):
            self.store_attempts(keys, attempts, now)
        elif recorded:
            self.cells.delete(keys.attempts)
        if not confirmation or lease.put_beside(beside, Cell(confirmation, until)):
            self._decoded.keep(keys.snapshot, decoded)
        return kept

    def _confirmed(
        self, keys: Keys, known: Known, now: datetime, lease: Lease
    ) -> tuple[Cell, Reading] | None:
        """The stored reading, as cell and as value, if a cell beside it may confirm it."""
        before = self._decoded.get(keys.snapshot)
        if known.cell is None or before is None or not lease.lasts(now):
            return None
        # Without get_many a confirmation is not looked up while the reading itself is fresh.
        unseen = self._one_by_one and self._is_fresh(before.stored, now)
        return None if unseen else (known.cell, before.stored)

    def _is_fresh(self, reading: Reading, now: datetime) -> bool:
        return abs(now - reading.fetched_at) <= self._rules.ttl

    def store_attempts(self, keys: Keys, attempts: Attempts, now: datetime) -> None:
        """Store the attempt record."""
        data = encode_attempts(attempts, keys.attempts, self._secret)
        self.cells.put(keys.attempts, Cell(data, now + _KEEP_ATTEMPTS), None)

    def forget(self, feed: Feed, now: datetime) -> None:
        """Erase every reading of the address of ``feed``, and the list of them.

        Back-off and Retry-After of the source stay. But its hint is erased, because a fetcher of
        the application may have written any text there.
        """
        keys = self.keys(feed)
        cells = self._get_many(keys)
        attempts = _attempts(keys, cells, self._secret)
        if attempts.hint is not None:
            self.store_attempts(keys, replace(attempts, hint=None), now)
        names = self._lists.erase(keys, cells, now)
        for name in names:
            self._decoded.drop(name)
        address = address_of(feed)
        self._keys.drop_if(lambda known: address_of(known) == address)

    def _decode(
        self, key: str, data: bytes, confirmation: bytes, stored: Reading, reading: Reading
    ) -> _Decoded:
        share = spread(key) if self._rules.ttl_jitter else 0.0
        fresh_for = lifetime(self._rules, share, reading.refresh_interval)
        held = Held(
            reading.fetched_at,
            reading.complete,
            lifetime=fresh_for,
            asked_at=reading.asked_at,
            read_at=reading.read_at,
        )
        same = reading.made_by == self.made
        other_rules = None if same else OtherRules(spread(key), self._met)
        return _Decoded(data, confirmation, stored, reading, held, other_rules)

    def _new_keys(self, feed: Feed) -> Keys:
        return Keys(
            snapshot_key(feed, self._reach, READINGS, self._secret),
            attempts_key(feed, ATTEMPTS, self._secret, private=not self.shares(True)),
            list_key(feed, LISTS, self._secret),
            host_key(feed.host, HOSTS, self._secret),
        )


def _watched(store: Store) -> Store:
    """``store``, if it bounds its own waits as extcal's stores do, else a WatchedStore over it."""
    if type(store).__module__.startswith(_OUR_STORES):
        return store
    from extcal.cache.stores.watched import WatchedStore

    return WatchedStore(store)


def _is_kept(attempts: Attempts) -> bool:
    """Whether an attempt record is kept although its source was read."""
    return bool(attempts.early) or attempts.doubted is not None


def confirmed_key(snapshot: str) -> str:
    """The key of the last confirmation of the reading under the key ``snapshot``."""
    return "c:" + snapshot[2:]


def _looked_up(keys: Keys) -> tuple[str, str, str]:
    """The keys of what a question about a feed needs."""
    return keys.snapshot, keys.attempts, confirmed_key(keys.snapshot)


def _attempts(keys: Keys, cells: Mapping[str, Cell], secret: bytes | None) -> Attempts:
    cell = cells.get(keys.attempts)
    found = None if cell is None else decode_attempts(cell.data, keys.attempts, secret)
    return _UNTRIED if found is None else found


def _rate_limited(keys: Keys, cells: Mapping[str, Cell], secret: bytes | None) -> RateLimited:
    cell = cells.get(keys.host)
    found = None if cell is None else decode_host(cell.data, keys.host, secret)
    return UNTROUBLED if found is None else found
