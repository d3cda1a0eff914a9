"""What a reading under ``detail="busy"`` repeats of its feed: UIDs and words from closed lists.

Titles and places are left out when the feed is read. The message of a Problem may quote the feed
(the name of a zone, a part of a rule), and a STATUS may be any text. These are replaced here, so
that no text that a person wrote gets into a store. Codes, lines and UIDs stay. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from extcal.errors import Problem
from extcal.ical.events.external_event import EventRow
from extcal.values import replace

__all__ = ["discreet_problems", "discreet_rows"]

# By code: the message in place of one that quotes the feed.
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
_ASSUMED = "assumed "  # followed by a zone's name, which the feed may have made up

_STATUSES = frozenset({"CANCELLED", "CONFIRMED", "TENTATIVE"})  # section 3.8.1.11
# The values that a reason may repeat: of TRANSP, of Microsoft's properties, and of BusyPolicy.
_VALUES = frozenset(
    {"BUSY", "BUSY-TENTATIVE", "BUSY-UNAVAILABLE", "FREE", "NEEDS-ACTION", "OOF", "OPAQUE"}
    | {"TENTATIVE", "TRANSPARENT", "WORKING-ELSEWHERE", "WORKINGELSEWHERE", "busy", "free"}
)


def discreet_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """``problems`` with messages that quote nothing of the feed."""
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


def discreet_rows(rows: Iterable[EventRow]) -> list[EventRow]:
    """``rows`` of events with statuses and reasons from closed lists."""
    return [
        row._replace(
            status=row.status if row.status in _STATUSES else None, reason=_reason(row.reason)
        )
        for row in rows
    ]


def _reason(reason: str) -> str:
    """The property that decided, and its value if that is one of the known values."""
    name, _, value = reason.partition(":")
    return reason if value in _VALUES else name
