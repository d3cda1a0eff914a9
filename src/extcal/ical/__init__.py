"""The reading code: pure functions from a feed's bytes to free/busy. No I/O, no clock."""

from __future__ import annotations

from extcal.ical.events.external_event import ExternalEvent, explain
from extcal.ical.expand import Excluded, Expansion, expand, free_busy
from extcal.lazy import at_first_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.ical.answer.vfreebusy import read_freebusy, write_freebusy
    from extcal.ical.events.records import EventRecord

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

_HOMES = {
    "EventRecord": "extcal.ical.events.records",
    "read_freebusy": "extcal.ical.answer.vfreebusy",
    "write_freebusy": "extcal.ical.answer.vfreebusy",
}

__getattr__, __dir__ = at_first_use(__name__, _HOMES)
