"""RFC 5545 section 3.6.1: a VEVENT and its properties, typed; and what may be shown of one."""

from __future__ import annotations

from extcal.ical.events.external_event import ExternalEvent

__all__ = ["ExternalEvent"]
