"""When to ask a source, and what its answer means: the 30-minute and the 3-month rule.

:class:`CalendarCache` is for programs with threads, :class:`AsyncCalendarCache` the same for
asyncio and trio. They use these folders: ``freshness`` decides whether to fetch (pure),
``snapshot`` is what is known of a feed and how it becomes bytes, ``stores`` keep these bytes,
``refresh`` asks a source step by step, ``availability`` makes the table of several people, and
``bulk`` brings many feeds up to date. Only ``freshness.clock`` reads the wall clock.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from extcal.cache.calendar_cache import CalendarCache
from extcal.cache.freshness.clock import system_clock
from extcal.cache.freshness.values import State
from extcal.cache.refresh.log import Refresh
from extcal.cache.refresh.stats import Stats
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.cache.stores import Cell, MemoryStore, Store

if TYPE_CHECKING:
    from extcal.cache.async_calendar_cache import AsyncCalendarCache
    from extcal.cache.availability.receipt import Answered, Receipt
    from extcal.cache.availability.recurring import MeetingTime, RecurringMeeting
    from extcal.cache.availability.table import Availability, CommonFree
    from extcal.cache.bulk import Result
    from extcal.cache.snapshot.difference import Change, Difference

__all__ = [
    "Answered",
    "AsyncCalendarCache",
    "Availability",
    "CalendarCache",
    "Cell",
    "Change",
    "CommonFree",
    "Difference",
    "MeetingTime",
    "MemoryStore",
    "Receipt",
    "RecurringMeeting",
    "Refresh",
    "Result",
    "Snapshot",
    "State",
    "Stats",
    "Store",
    "system_clock",
]

# Loaded when they are first used.
_HOMES = {
    "Answered": "availability.receipt",
    "AsyncCalendarCache": "async_calendar_cache",
    "Availability": "availability.table",
    "Change": "snapshot.difference",
    "CommonFree": "availability.table",
    "Difference": "snapshot.difference",
    "MeetingTime": "availability.recurring",
    "Receipt": "availability.receipt",
    "RecurringMeeting": "availability.recurring",
    "Result": "bulk.plan",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"extcal.cache.{home}"), name)
    globals()[name] = value
    return value
