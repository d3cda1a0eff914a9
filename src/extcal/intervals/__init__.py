"""Merging of time intervals: busy time, unknown time, and the time when everybody is free.

Pure values over whole epoch seconds. It knows no iCalendar, no clock and no local zone; aware
datetimes come in, aware UTC datetimes go out.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from extcal.intervals.freebusy import FreeBusy
from extcal.intervals.instants import epoch, instant
from extcal.intervals.merge import Levels
from extcal.intervals.types import BLOCKING, BusyPeriod, FBType, Period, days
from extcal.intervals.wallclock import find_zone

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
    "CommonFree": "slots.common",
    "PersonRecord": "views.records",
    "Record": "views.records",
    "SlotOptions": "slots.common",
    "WorkingHours": "working_hours.hours",
    "common_free": "slots.common",
    "person_records": "views.records",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"extcal.intervals.{home}"), name)
    globals()[name] = value
    return value
