"""The reading code: pure functions from a feed's bytes to free/busy. No I/O, no clock."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from extcal.ical.events.external_event import EventRecord, ExternalEvent, explain
from extcal.ical.expand import Excluded, Expansion, expand, free_busy

if TYPE_CHECKING:
    from extcal.ical.answer.vfreebusy import read_freebusy, write_freebusy

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


def __getattr__(name: str) -> object:
    if name in ("read_freebusy", "write_freebusy"):
        value: object = getattr(import_module("extcal.ical.answer.vfreebusy"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
