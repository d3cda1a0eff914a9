"""The reading code: pure functions from a feed's bytes to free/busy. No I/O, no clock."""

from __future__ import annotations

from extcal.ical.answer.vfreebusy import read_freebusy, write_freebusy
from extcal.ical.events.external_event import EventRecord, ExternalEvent, explain
from extcal.ical.expand import Excluded, Expansion, expand, free_busy

__all__ = [
    "EventRecord",
    "Excluded",
    "Expansion",
    "ExternalEvent",
    "expand",
    "explain",
    "free_busy",
    "read_freebusy",
    "write_freebusy",
]
