"""What to do about a feed, in addition to freshness: host down, conditional request, slow answer.

Nothing here waits or uses the store; the time is an argument.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from extcal.arguments import safe_repr
from extcal.cache.freshness.decide import conditional, fall_back, lifetime, may_try_again, usable
from extcal.cache.freshness.horizon import Reach
from extcal.cache.freshness.values import Attempts, Held, Raise, Rules, State, Wish
from extcal.cache.refresh.hosts import Hosts
from extcal.cache.refresh.kept.repository import Known
from extcal.cache.refresh.stats import Tally
from extcal.cache.snapshot.snapshot import Reading, Snapshot
from extcal.fetch.feed import Feed
from extcal.fetch.protocol import FetchRequest
from extcal.limits import Limits

__all__ = ["Decisions"]


@safe_repr
class Decisions:
    """Decisions about a feed, from the rules, the limits, the state of hosts and what is known."""

    def __init__(self, reach: Reach, rules: Rules, limits: Limits, tally: Tally) -> None:
        self.reach = reach
        self.rules = rules
        self.limits = limits
        self.tally = tally
        self.hosts = Hosts()

    def __repr__(self) -> str:
        return f"<Decisions: {self.hosts!r}>"

    @property
    def lease_time(self) -> timedelta:
        """How long a lease lasts: long enough to fetch a feed and to read its body."""
        return timedelta(seconds=self.limits.fetch_deadline + 10)

    def spared_now(
        self, feed: Feed, known: Known, now: datetime, wish: Wish
    ) -> Snapshot | Raise | None:
        """The answer if the source is not asked because its host is down, else None."""
        down = self.hosts.down(feed.host, now) if wish != "refresh" else None
        return None if down is None else self.spared(known, down, now)

    def late(self, known: Known, now: datetime) -> Snapshot | Raise:
        """The answer for a caller whose timeout is over while the fetch is still under way."""
        reading, attempts = known.reading, known.attempts
        if attempts.gone or reading is None:
            return Raise("gone" if attempts.gone else "timeout")
        if not usable(reading.fetched_at, now, self.rules, attempts.kind):
            return Raise("timeout")
        return known.snapshot(State.STALE)

    def spared(self, known: Known, kind: str, now: datetime) -> Snapshot | Raise:
        """The answer when the source is not asked because its host is down."""
        self.tally.count("spared")
        return known.served(fall_back(known.held, Attempts(kind=kind), now, self.rules))

    def request(self, feed: Feed, known: Known, *, conditional: bool) -> FetchRequest:
        """The request to pass to the fetcher."""
        etag = modified = None
        if conditional and known.reading is not None:
            etag, modified = known.reading.etag, known.reading.last_modified
        again = may_try_again(known.attempts, self.rules)
        return FetchRequest(
            feed, etag, modified, self.limits.fetch_deadline, self.limits, again=again
        )

    def conditional(self, feed: Feed, known: Known, now: datetime, wish: Wish = "get") -> bool:
        """Whether to send validators: only if a 304 would be enough."""
        if known.other_rules is not None:
            return False  # the body has to be read again by today's rules, so a 304 is no use
        held = self.held(feed, known.reading, now)
        return conditional(held, known.attempts, now, self.rules, wish)

    def held(self, feed: Feed, reading: Reading | None, now: datetime) -> Held | None:
        """What freshness needs to know of ``reading``; this takes some time to compute."""
        if reading is None:
            return None
        return Held(
            reading.fetched_at,
            complete=reading.complete,
            covers=self.reach.within(reading.busy.window_epochs, now),
            validators=self._may_be_confirmed(reading, now),
            read_at=reading.read_at,
        )

    def reads_the_same(self, feed: Feed, known: Known, now: datetime) -> bool:
        """Whether the body that was read last, if it came again, would be read the same way.

        Not if limits cut it short, because these may have been raised since; and an empty calendar
        is reported only for a day after it became empty.
        """
        reading = known.reading
        if reading is None or known.other_rules is not None or feed.published_ahead is not None:
            return False
        if not (reading.complete and reading.events_complete) or reading.empty:
            return False
        window = reading.busy.window_epochs
        return self.reach.within(window, now) and self._lasts(reading, now)

    def _may_be_confirmed(self, reading: Reading, now: datetime) -> bool:
        """Whether a 304 would be enough: the reading must cover the window until it expires."""
        if reading.etag is None and reading.last_modified is None:
            return False
        return self._lasts(reading, now)

    def _lasts(self, reading: Reading, now: datetime) -> bool:
        """Whether the reading covers the promised window until it expires."""
        longest = lifetime(self.rules, 0.0, reading.refresh_interval)
        last = now + max(self.rules.stale_if_error, longest)
        return self.reach.promised(last)[1] <= reading.busy.window_epochs[1]
