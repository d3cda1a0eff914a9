"""Merging of time intervals: busy time, unknown time, and the time when everybody is free.

Pure values over whole epoch seconds. It knows no iCalendar, no clock and no local zone; aware
datetimes come in, aware UTC datetimes go out.
"""

from __future__ import annotations

from extcal.intervals.freebusy import FreeBusy
from extcal.intervals.instants import epoch, find_zone, instant
from extcal.intervals.merge import Levels
from extcal.intervals.types import BLOCKING, BusyPeriod, FBType, Period, days
from extcal.lazy import at_first_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.intervals.slots.common import CommonFree, SlotOptions, common_free
    from extcal.intervals.views.records import PersonRecord, Record, person_records
    from extcal.intervals.working_hours.hours import WorkingHours

__all__ = [
    "BLOCKING",
    "BusyPeriod",
    "CommonFree",
    "FBType",
    "FreeBusy",
    "Levels",
    "Period",
    "PersonRecord",
    "Record",
    "SlotOptions",
    "WorkingHours",
    "common_free",
    "days",
    "epoch",
    "find_zone",
    "instant",
    "person_records",
]

# Loaded when they are first used: who asks for one calendar needs none of them.
_HOMES = {
    "CommonFree": "extcal.intervals.slots.common",
    "PersonRecord": "extcal.intervals.views.records",
    "Record": "extcal.intervals.views.records",
    "SlotOptions": "extcal.intervals.slots.common",
    "WorkingHours": "extcal.intervals.working_hours.hours",
    "common_free": "extcal.intervals.slots.common",
    "person_records": "extcal.intervals.views.records",
}

__getattr__, __dir__ = at_first_use(__name__, _HOMES)
