"""What a reading under ``detail="busy"`` repeats of its feed: UIDs and words from closed lists.

Titles and places are left out where the feed is read. What is odd is told in sentences that may
quote it (a zone by its name, a part of a rule), and a STATUS may be any text: here these are
replaced, so that nothing a person wrote gets into a store. Codes, lines and UIDs stay. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from extcal.errors import Problem
from extcal.ical import ExternalEvent

__all__ = ["discreet_events", "discreet_problems"]

# By code: what is said in place of a sentence that quotes the feed.
_UNQUOTED = {
    "cut_body": "the body ends inside a component",
    "missing_end": "a component was never ended",
    "range_unknown": "RANGE is not a range of instances",
    "recurrence_interval": "INTERVAL is no interval",
    "recurrence_uncertain": "an end of a recurrence rule cannot be read",
    "recurrence_unknown_part": "a part of a recurrence rule is none that is known",
    "recurrence_unparsed": "a recurrence rule cannot be read",
    "recurrence_week_start": "WKST is no weekday",
    "stray_end": "a component ends that never began",
    "tz_assumed": "a TZID names no zone that is known",
    "tz_conflict": "a VTIMEZONE differs from the Windows zone of its name",
    "tz_duplicate": "different VTIMEZONEs have the same name",
    "tz_observance": "an observance of a VTIMEZONE cannot be read",
    "tz_unusable": "a VTIMEZONE has no usable observance",
    "x_wr_timezone_conflict": "the calendars of this feed name several zones and one names none",
    "x_wr_timezone_unknown": "X-WR-TIMEZONE names no zone that is known",
}
_ASSUMED = "assumed "  # and then a zone, which may have the name that the feed gave it

_STATUSES = frozenset({"CANCELLED", "CONFIRMED", "TENTATIVE"})  # section 3.8.1.11
# The values that decide, of TRANSP and of Microsoft's properties, and those of BusyPolicy.
_VALUES = frozenset(
    {"BUSY", "BUSY-TENTATIVE", "BUSY-UNAVAILABLE", "FREE", "NEEDS-ACTION", "OOF", "OPAQUE"}
    | {"TENTATIVE", "TRANSPARENT", "WORKINGELSEWHERE", "busy", "free"}
)


def discreet_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """``problems`` in sentences that quote nothing."""
    return tuple(
        [
            replace(
                problem,
                message=_UNQUOTED.get(problem.code, problem.message),
                action="assumed a zone" if problem.action.startswith(_ASSUMED) else problem.action,
            )
            for problem in problems
        ]
    )


def discreet_events(events: Iterable[ExternalEvent]) -> tuple[ExternalEvent, ...]:
    """``events`` with statuses and reasons from closed lists."""
    return tuple(
        [
            replace(
                event,
                status=event.status if event.status in _STATUSES else None,
                reason=_reason(event.reason),
            )
            for event in events
        ]
    )


def _reason(reason: str) -> str:
    """The property that decided, and its value if that is one of those there are."""
    name, _, value = reason.partition(":")
    return reason if value in _VALUES else name
