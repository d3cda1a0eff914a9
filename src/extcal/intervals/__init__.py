"""Merging of time intervals: busy time, unknown time, and the time when everybody is free.

Pure values over whole epoch seconds. It knows no iCalendar, no clock and no local zone; aware
datetimes come in, aware UTC datetimes go out.
"""

from __future__ import annotations

from extcal.intervals.common import CommonFree, SlotOptions, common_free
from extcal.intervals.freebusy import FreeBusy
from extcal.intervals.hours import WorkingHours
from extcal.intervals.instants import epoch, instant
from extcal.intervals.merge import Levels
from extcal.intervals.records import PersonRecord, Record, person_records
from extcal.intervals.types import BLOCKING, BusyPeriod, FBType, Period, days
from extcal.intervals.wallclock import find_zone

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
