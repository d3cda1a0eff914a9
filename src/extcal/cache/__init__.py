"""When to ask a source, and what its answer means: the 30-minute and the 3-month rule.

:class:`CalendarCache` is the door. Behind it: ``freshness`` decides (pure), ``reading`` and
``snapshot`` are what is known, ``codec`` makes bytes of it, ``stores`` keep them, ``ledger`` puts
these together, ``lead`` says what a flight does step by step, ``availability`` lays people side by
side, ``many`` brings a million feeds up to date. Only modules named ``_sync`` know threads, only
``_async`` knows tasks, and only ``clock`` looks at the wall clock.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from extcal.cache._sync import CalendarCache
from extcal.cache.availability import Availability, CommonFree
from extcal.cache.clock import system_clock
from extcal.cache.freshness import State
from extcal.cache.journal import Refresh
from extcal.cache.many import Result
from extcal.cache.snapshot import Change, Difference, Snapshot
from extcal.cache.stats import Stats
from extcal.cache.stores import Cell, MemoryStore, Store

if TYPE_CHECKING:
    from extcal.cache._async import AsyncCalendarCache

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
        return import_module("extcal.cache._async").AsyncCalendarCache
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
