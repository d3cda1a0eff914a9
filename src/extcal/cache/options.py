"""What both caches are before anybody asks: their arguments, read and kept, and what they share.

Nothing here waits. :class:`~extcal.CalendarCache` adds threads, :class:`~extcal.AsyncCalendarCache`
tasks.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from extcal.arguments import call_of, count_of, flag_of, length_of, one_of_type
from extcal.cache.freshness.clock import Clock, read_clock, system_clock
from extcal.cache.freshness.decide import STALE_IF_ERROR, TTL, Raise, Rules
from extcal.cache.freshness.horizon import HISTORY, Reach
from extcal.cache.freshness.messages import unavailable
from extcal.cache.refresh.decisions import Decisions
from extcal.cache.refresh.keys import read_secret
from extcal.cache.refresh.log import Refresh, tell
from extcal.cache.refresh.outcome import Refreshed
from extcal.cache.refresh.repository import Known, Repository
from extcal.cache.refresh.stats import Stats, Tally, stats_of
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.cache.stores import MemoryStore, Store
from extcal.fetch.protocol import FetchRequest
from extcal.limits import Limits

if TYPE_CHECKING:
    from dateutil.relativedelta import relativedelta

__all__ = ["Options", "last_attempt", "last_refreshed", "recipe"]

_Fetcher = TypeVar("_Fetcher")
_GRACE = 5.0  # seconds beyond the fetch deadline: reading the body takes time too
_LONGEST_STALE = timedelta(days=7)
_ZERO = timedelta(0)
_METHODS = ("get", "put", "delete", "lease", "release")
_SPELLED = "get, put, delete, lease and release"


class Options(Generic[_Fetcher]):
    """The one constructor of CalendarCache and AsyncCalendarCache, and its defaults."""

    def __init__(
        self,
        *,
        ttl: timedelta = TTL,
        horizon: relativedelta | timedelta | None = None,
        history: timedelta = HISTORY,
        store: Store | None = None,
        fetcher: _Fetcher | Callable[[], _Fetcher] | None = None,
        clock: Clock = system_clock,
        secret: bytes | str | None = None,
        limits: Limits | None = None,
        stale_if_error: timedelta = STALE_IF_ERROR,
        stale_while_revalidate: timedelta = _ZERO,
        ttl_jitter: float = 0.0,
        respect_refresh_interval: bool = False,
        max_fetches: int = 32,
        on_refresh: Callable[[Refresh], object] | None = None,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        self._arguments = {
            "ttl": ttl,
            "horizon": horizon,
            "history": history,
            "store": store,
            "fetcher": fetcher,
            "clock": clock,
            "secret": secret,
            "limits": limits,
            "stale_if_error": stale_if_error,
            "stale_while_revalidate": stale_while_revalidate,
            "ttl_jitter": ttl_jitter,
            "respect_refresh_interval": respect_refresh_interval,
            "max_fetches": max_fetches,
            "jitter": jitter,
        }
        self._check(fetcher)
        self._clock = call_of("clock", clock, "a callable that returns an aware datetime")
        if store is not None:
            call_of("store", store, f"a store such as SQLiteStore, with {_SPELLED}", *_METHODS)
        if not (fetcher is None or callable(fetcher)):
            call_of("fetcher", fetcher, "a fetcher, or a callable that makes one", "fetch")
        if limits is not None:
            one_of_type("limits", limits, Limits, "Limits")
        if on_refresh is not None:
            call_of("on_refresh", on_refresh, "a callable of a Refresh")
        if jitter is not None:
            call_of("jitter", jitter, "a callable that returns a number in [0, 1)")
        made = not _makes(fetcher)
        self._fetcher = cast("_Fetcher | None", fetcher if made else None)
        self._recipe = cast("Callable[[], _Fetcher] | None", None if made else fetcher)
        self._limits = Limits() if limits is None else limits
        self._patience = self._limits.fetch_deadline + _GRACE
        self._on_refresh = on_refresh
        self._most = count_of("max_fetches", max_fetches)
        self._jitter = random.random if jitter is None else jitter
        self._tally = Tally()
        reach = Reach(horizon, history)
        rules = _read_rules(
            Rules(
                ttl=ttl,
                stale_if_error=stale_if_error,
                stale_while_revalidate=stale_while_revalidate,
                ttl_jitter=ttl_jitter,
                respect_refresh_interval=respect_refresh_interval,
            )
        )
        self._decisions = Decisions(reach, rules, self._limits, self._tally)
        self._repository = Repository(
            MemoryStore() if store is None else store, reach.spelled(), rules, read_secret(secret)
        )
        self._start()

    def _check(self, fetcher: object) -> None:
        """Raise TypeError for a fetcher that this kind of cache cannot ask."""

    def _start(self) -> None:
        """Make what fetches, now that the arguments are known to be right."""
        raise AssertionError("whoever flies starts")

    # -- what both say the same way -------------------------------------------------------------

    def stats(self) -> Stats:
        """How this cache has been doing, as counts without addresses; see :class:`Stats`."""
        down = self._decisions.hosts.down_count(read_clock(self._clock))
        return stats_of(self._tally.read(), in_flight=self._in_flight(), hosts_down=down)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} over {self._repository.store!r}>"

    def _in_flight(self) -> int:
        raise AssertionError("whoever flies counts")

    def _told(self, answer: Snapshot | Raise) -> Snapshot:
        """What somebody is told; counted."""
        if isinstance(answer, Raise):
            self._tally.count("unavailable")
            raise unavailable(answer.kind, answer.hint) from None
        self._tally.count(answer.state)
        return answer

    def _counted(self, answer: Snapshot | Raise) -> Snapshot | Raise:
        self._tally.count("unavailable" if isinstance(answer, Raise) else answer.state)
        return answer

    def _call_back(self, done: Refreshed) -> object:
        """Tell the host of a refresh; what its callback returns, and may want to be awaited."""
        if done.refresh is None or self._on_refresh is None:
            return None
        try:
            return self._on_refresh(done.refresh)
        except Exception as error:
            self._callback_failed(done.refresh, error)
            return None

    def _callback_failed(self, refresh: Refresh, error: Exception) -> None:
        # Its text could hold what it was given; its type says enough to look further.
        tell(logging.ERROR, "callback_failed", refresh.feed, kind=type(error).__name__)

    def _fetcher_failed(self, request: FetchRequest, error: Exception) -> None:
        # Its text may hold the address, which a host's own fetcher knows.
        tell(logging.WARNING, "fetcher_failed", request.feed, kind=type(error).__name__)


def last_attempt(known: Known) -> datetime | None:
    """When the source was last asked, whatever came of it."""
    asked = [known.attempts.last, known.held.asked if known.held else None]
    return max((moment for moment in asked if moment is not None), default=None)


def last_refreshed(known: Known) -> datetime | None:
    """When the source last gave or confirmed what is known."""
    return None if known.reading is None else known.reading.fetched_at


def recipe(cache: Options[Any]) -> dict[str, Any]:
    """The arguments that make the same cache in another process.

    ``on_refresh`` stays behind: it would be called over there, where nobody hears it. Raises
    TypeError if the store is this process's memory.
    """
    if isinstance(cache._repository.store, MemoryStore):
        raise TypeError(
            "a cache over a MemoryStore cannot go to another process, which would not see what is "
            "stored here: give it a SQLiteStore or a RedisStore"
        )
    return dict(cache._arguments)


def _makes(fetcher: _Fetcher | Callable[[], _Fetcher] | None) -> bool:
    """Whether this makes a fetcher, like a class does, instead of being one."""
    return isinstance(fetcher, type) or (callable(fetcher) and not hasattr(fetcher, "fetch"))


def _read_rules(rules: Rules) -> Rules:
    for name in ("ttl", "stale_while_revalidate", "stale_if_error"):
        length_of(name, getattr(rules, name))
    served = rules.ttl + rules.stale_while_revalidate
    if not served <= rules.stale_if_error <= _LONGEST_STALE:
        raise ValueError(
            "ttl and stale_while_revalidate cannot together exceed stale_if_error, nor that 7 days"
        )
    flag_of("respect_refresh_interval", rules.respect_refresh_interval)
    one_of_type("ttl_jitter", rules.ttl_jitter, (int, float), "a share of the ttl such as 0.1")
    if not 0 <= rules.ttl_jitter < 1:
        raise ValueError("ttl_jitter is a share of the ttl: at least 0, and less than 1")
    return rules
