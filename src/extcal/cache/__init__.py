"""When to ask a source, and what its answer means: the 30-minute and the 3-month rule.

:class:`CalendarCache` is for programs with threads, :class:`AsyncCalendarCache` the same for
asyncio and trio. They use these folders: ``freshness`` decides whether to fetch (pure),
``snapshot`` is what is known of a feed and how it becomes bytes, ``stores`` keep these bytes,
``refresh`` asks a source step by step, ``availability`` makes the table of several people, and
``bulk`` brings many feeds up to date. Only ``freshness.clock`` reads the wall clock.
"""

from __future__ import annotations

from extcal.cache.calendar_cache import CalendarCache
from extcal.cache.freshness.clock import system_clock
from extcal.cache.freshness.values import State
from extcal.cache.refresh.log import Refresh
from extcal.cache.refresh.stats import Stats
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.cache.stores import Cell, MemoryStore
from extcal.lazy import at_first_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.cache.async_calendar_cache import AsyncCalendarCache
    from extcal.cache.availability.receipt import Answered, Receipt
    from extcal.cache.availability.recurring import MeetingTime, RecurringMeeting
    from extcal.cache.availability.table import Availability, CommonFree
    from extcal.cache.bulk import Result
    from extcal.cache.snapshot.difference import Change, Difference
    from extcal.cache.stores import Store

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
    "Answered": "extcal.cache.availability.receipt",
    "AsyncCalendarCache": "extcal.cache.async_calendar_cache",
    "Availability": "extcal.cache.availability.table",
    "Change": "extcal.cache.snapshot.difference",
    "CommonFree": "extcal.cache.availability.table",
    "Difference": "extcal.cache.snapshot.difference",
    "MeetingTime": "extcal.cache.availability.recurring",
    "Receipt": "extcal.cache.availability.receipt",
    "RecurringMeeting": "extcal.cache.availability.recurring",
    "Result": "extcal.cache.bulk.plan",
    "Store": "extcal.cache.stores.protocol",
}

__getattr__, __dir__ = at_first_use(__name__, _HOMES)
