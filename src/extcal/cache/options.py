"""The arguments of a cache: their defaults, and what is checked when a cache is made."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta

from extcal.arguments import (
    call_of,
    count_of,
    discreet,
    flag_of,
    length_of,
    made_discreetly,
    one_of_type,
)
from extcal.cache.freshness.clock import Clock, system_clock
from extcal.cache.freshness.horizon import HISTORY, Reach
from extcal.cache.freshness.values import STALE_IF_ERROR, TTL, Rules
from extcal.cache.refresh.kept.keys import read_secret
from extcal.cache.refresh.kept.repository import Known
from extcal.cache.refresh.log import Refresh
from extcal.cache.stores import MemoryStore
from extcal.limits import Limits
from extcal.values import Generic, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from dateutil.relativedelta import relativedelta

    from extcal.cache.stores import Store

    _Fetcher = TypeVar("_Fetcher")

__all__ = ["Options", "Settings", "last_attempt", "last_refreshed", "recipe"]

_GRACE = 5.0  # seconds beyond the fetch deadline: reading the body takes time too
_LONGEST_STALE = timedelta(days=7)
_ZERO = timedelta(0)
_METHODS = ("get", "put", "delete", "lease", "release")
_SPELLED = "get, put, delete, lease and release"


@made_discreetly
class Options(Generic["_Fetcher"]):
    """The constructor that CalendarCache and AsyncCalendarCache share, with its defaults.

    Raises TypeError or ValueError for a wrong argument.
    """

    _arguments: dict[str, Any]

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
        stale_if_refused: timedelta | None = None,
        stale_while_revalidate: timedelta = _ZERO,
        ttl_jitter: float = 0.0,
        respect_refresh_interval: bool = False,
        max_fetches: int = 32,
        on_refresh: Callable[[Refresh], object] | None = None,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        secret = read_secret(secret)
        # By name, and before any other variable: what a copy in another process is made of.
        self._arguments = {
            name: value for name, value in locals().items() if name not in ("self", "on_refresh")
        }
        call_of("clock", clock, "a callable that returns an aware datetime")
        if store is not None:
            call_of("store", store, f"a store such as SQLiteStore, with {_SPELLED}", *_METHODS)
        if not (fetcher is None or callable(fetcher)):
            call_of("fetcher", fetcher, "a fetcher, or a callable that makes one", "fetch")
        if limits is not None:
            one_of_type("limits", limits, Limits, "Limits")
        if jitter is not None:
            call_of("jitter", jitter, "a callable that returns a number in [0, 1)")
        rules = Rules(
            ttl=ttl,
            stale_if_error=stale_if_error,
            stale_if_refused=stale_if_error if stale_if_refused is None else stale_if_refused,
            stale_while_revalidate=stale_while_revalidate,
            ttl_jitter=ttl_jitter,
            respect_refresh_interval=respect_refresh_interval,
        )
        # A class or function makes a fetcher when called; an object with "fetch" is a fetcher.
        recipe = callable(fetcher) and (isinstance(fetcher, type) or not hasattr(fetcher, "fetch"))
        settings = Settings(
            store=MemoryStore() if store is None else store,
            reach=Reach(horizon, history),
            rules=_read_rules(rules),
            limits=Limits() if limits is None else limits,
            secret=secret,
            clock=clock,
            jitter=_random if jitter is None else jitter,
            fetcher=None if recipe else fetcher,
            recipe=fetcher if recipe else None,
            most=count_of("max_fetches", max_fetches),
        )
        self._begin(settings, on_refresh)

    def _begin(self, settings: Settings, on_refresh: Callable[[Refresh], object] | None) -> None:
        """Make the parts of the cache."""
        raise AssertionError("a face begins with what it was given")


@dataclass(frozen=True, slots=True)
class Settings:
    """The arguments of a cache, checked. ``recipe`` makes the fetcher if ``fetcher`` is None."""

    store: Store
    reach: Reach
    rules: Rules
    limits: Limits
    secret: bytes | None
    clock: Clock
    jitter: Callable[[], float]
    fetcher: Any
    recipe: Any
    most: int

    @property
    def patience(self) -> float:
        """Seconds that a caller waits for a fetch."""
        return self.limits.fetch_deadline + _GRACE


def last_attempt(known: Known) -> datetime | None:
    """When the source was last asked, successfully or not."""
    asked = [known.attempts.last, known.held.asked if known.held else None]
    return max((moment for moment in asked if moment is not None), default=None)


def last_refreshed(known: Known) -> datetime | None:
    """When the source last gave or confirmed what is known."""
    return None if known.reading is None else known.reading.fetched_at


@discreet
def recipe(store: Store, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that make the same cache in another process.

    ``on_refresh`` is left out, because it would be called in the other process. Raises TypeError if
    the store is the memory of this process.
    """
    if isinstance(store, MemoryStore):
        raise TypeError(
            "a cache over a MemoryStore cannot go to another process, which would not see what is "
            "stored here: give it a SQLiteStore or a RedisStore"
        )
    return dict(arguments)


def _random() -> float:
    """A random number in [0, 1); ``random.random`` would give processes made by fork the same."""
    return int.from_bytes(os.urandom(6), "big") / 2**48


def _read_rules(rules: Rules) -> Rules:
    for name in ("ttl", "stale_while_revalidate", "stale_if_error", "stale_if_refused"):
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
