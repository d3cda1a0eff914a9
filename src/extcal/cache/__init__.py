"""When to ask a source, and what its answer means: the 30-minute and the 3-month rule.

:class:`CalendarCache` is the door, :class:`AsyncCalendarCache` the same for asyncio and trio.
Behind them ``freshness`` decides (pure), ``snapshot`` is what is known and how it is kept as bytes,
``stores`` keep it, ``refresh`` asks a source step by step, ``availability`` lays people side by
side, ``bulk`` brings many feeds up to date. Only ``freshness.clock`` looks at the wall clock.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from extcal.cache.availability.table import Availability, CommonFree
from extcal.cache.bulk import Result
from extcal.cache.calendar_cache import CalendarCache
from extcal.cache.freshness.clock import system_clock
from extcal.cache.freshness.decide import State
from extcal.cache.refresh.log import Refresh
from extcal.cache.refresh.stats import Stats
from extcal.cache.snapshot.difference import Change, Difference
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.cache.stores import Cell, MemoryStore, Store

if TYPE_CHECKING:
    from extcal.cache.async_calendar_cache import AsyncCalendarCache

__all__ = [
    "AsyncCalendarCache",
    "Availability",
    "CalendarCache",
    "Cell",
    "Change",
    "CommonFree",
    "Difference",
    "MemoryStore",
    "Refresh",
    "Result",
    "Snapshot",
    "State",
    "Stats",
    "Store",
    "system_clock",
]


def __getattr__(name: str) -> object:
    if name == "AsyncCalendarCache":
        return import_module("extcal.cache.async_calendar_cache").AsyncCalendarCache
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
