"""Which feeds may be under way at once. Pure: feeds in, feeds to start out; waits for nothing.

Feeds are read ahead only until there are some whose host is below its limit, and never beyond a
bound. So a million feeds of one provider need no more memory than a thousand.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from datetime import timedelta

from extcal.arguments import count_of, length_of, safe_repr
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.errors import Unavailable
from extcal.fetch.feed import Feed, accepted, read_feed
from extcal.values import NamedTuple, dataclass

__all__ = ["PATIENCE", "Plan", "Queue", "Result"]

PATIENCE = 10
"""How many times longer ``refresh_many`` waits for a feed than ``get`` does."""

_READ_AHEAD = 16  # feeds read ahead for each that may be under way
_BATCH = 16


class Result(NamedTuple):
    """The result for one of many feeds: a Snapshot, or why there is none."""

    feed: Feed
    outcome: Snapshot | Unavailable


@safe_repr
@dataclass(frozen=True, slots=True)
class Plan:
    """At most ``at_once`` feeds under way, ``per_host`` of one host.

    ``older_than``: a reading older than this is fetched again.
    """

    at_once: int
    per_host: int
    older_than: timedelta | None = None

    def __post_init__(self) -> None:
        count_of("at_once", self.at_once)
        count_of("per_host", self.per_host)
        if self.older_than is not None:
            length_of("older_than", self.older_than)

    @property
    def batch(self) -> int:
        """How many feeds one task in another process fetches, or one call of the store looks up."""
        return max(1, min(_BATCH, self.at_once // 4))


class Queue:
    """Feeds that wait for their turn, and how many are under way."""

    def __init__(self, feeds: Iterable[Feed | str], plan: Plan) -> None:
        if isinstance(feeds, str) or not isinstance(feeds, Iterable):
            raise TypeError("feeds takes several feeds; pass [feed] for one")
        self._feeds = iter(feeds)
        self._plan = plan
        self._running: Counter[str] = Counter()
        self._total = 0
        self._waiting: dict[str, deque[Feed]] = {}
        self._held = 0
        self._ready: deque[str] = deque()  # hosts below their limit that have waiting feeds

    def take_batch(self, least: int | None = None) -> list[Feed]:
        """All feeds that may start now; none if there is no room for ``least``, or for a batch."""
        room = self._plan.at_once - self._total
        return self.take(room) if room >= (least or self._plan.batch) else []

    def take(self, most: int) -> list[Feed]:
        """Up to ``most`` feeds that may start now; they count as under way."""
        found: list[Feed] = []
        while len(found) < most and self._total < self._plan.at_once:
            feed = self._next()
            if feed is None:
                break
            self._total += 1
            self._running[feed.host] += 1
            found.append(feed)
        return found

    def done(self, feeds: Iterable[Feed]) -> None:
        """Say that ``feeds`` are no longer under way."""
        for feed in feeds:
            host = feed.host
            self._total -= 1
            self._running[host] -= 1
            if not self._running[host]:
                del self._running[host]
            if host in self._waiting:
                self._ready.append(host)

    def _next(self) -> Feed | None:
        while self._ready:
            host = self._ready.popleft()
            queue = self._waiting.get(host)
            if queue is not None and self._running[host] < self._plan.per_host:
                feed = queue.popleft()
                self._held -= 1
                if not queue:
                    del self._waiting[host]
                return feed
        while self._held < _READ_AHEAD * self._plan.at_once:
            try:
                given = next(self._feeds)
            except StopIteration:
                return None
            opened = read_feed(given)
            del given  # a refused address must not stay in this frame
            feed = accepted(opened)
            # First come, first served: if feeds of this host wait already, this one waits behind.
            if feed.host not in self._waiting and self._running[feed.host] < self._plan.per_host:
                return feed
            self._waiting.setdefault(feed.host, deque()).append(feed)
            self._held += 1
        return None
