"""When to ask a source, and what its answer means: the 30-minute and the 3-month rule.

:class:`CalendarCache` is the door. Behind it: ``freshness`` decides (pure), ``reading`` and
``snapshot`` are what is known, ``codec`` makes bytes of it, ``stores`` keep them, ``ledger`` puts
these together, ``availability`` lays people side by side. Only ``_sync`` knows threads, and only
``clock`` looks at the wall clock.
"""

from __future__ import annotations

from extcal.cache._sync import CalendarCache
from extcal.cache.availability import Availability, CommonFree
from extcal.cache.clock import system_clock
from extcal.cache.freshness import State
from extcal.cache.snapshot import Change, Difference, Snapshot
from extcal.cache.stores import Cell, MemoryStore, Store

__all__ = [
    "Availability",
    "CalendarCache",
    "Cell",
    "Change",
    "CommonFree",
    "Difference",
    "MemoryStore",
    "Snapshot",
    "State",
    "Store",
    "system_clock",
]
