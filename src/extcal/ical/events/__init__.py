"""RFC 5545 section 3.6.1: a VEVENT with its properties as types, and the events a caller gets."""

from __future__ import annotations

from extcal.ical.events.external_event import ExternalEvent

__all__ = ["ExternalEvent"]
