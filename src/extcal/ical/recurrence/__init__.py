"""RFC 5545 section 3.3.10: recurrence rules, and the local starts that one gives."""

from __future__ import annotations

from extcal.ical.recurrence.local_starts import Starts, starts
from extcal.ical.recurrence.rule import RecurrenceRule, Until, parse

__all__ = ["RecurrenceRule", "Starts", "Until", "parse", "starts"]
