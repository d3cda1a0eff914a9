"""What a picture says: dates, times and types in words that depend on no locale, made safe.

Every string that reaches markup goes through :func:`safe` (text) and, in markup, ``html.escape``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, tzinfo
from html import escape

from extcal.draw.layout import Grid, local

__all__ = ["KINDS", "day_name", "facts", "markup", "safe", "span", "summary", "zone_name"]

KINDS = {
    "BUSY-UNAVAILABLE": "Unavailable",
    "BUSY": "Busy",
    "BUSY-TENTATIVE": "Tentative",
    "WORKING-ELSEWHERE": "Working elsewhere",
    "UNKNOWN": "Unknown",
    "SLOT": "Free for all",
}

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# Not allowed in XML 1.0 (section 2.2), and the controls that reorder what stands around them.
_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    """``text`` on one line, without bidirectional controls and what no document may hold."""
    return " ".join(_BIDI.sub("", _UNSAFE.sub("\ufffd", text)).split())


def markup(text: str) -> str:
    """``text`` for an element or a quoted attribute, of HTML or XML."""
    return escape(safe(text), quote=True)


def day_name(day: date) -> str:
    """Such as ``Mon 4 Jan``."""
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"


def span(start: int, end: int, zone: tzinfo) -> str:
    """Such as ``Mon 4 Jan 09:00–10:30``; whole days as ``Mon 4 Jan, all day``."""
    first, last, final = local(start, zone), local(end, zone), local(end - 1, zone)
    if _clock(first) == _clock(last) == "00:00":
        if first.date() == final.date():
            return f"{day_name(first)}, all day"
        return f"{day_name(first)} – {day_name(final)}, all day"
    if first.date() == last.date():
        return f"{day_name(first)} {_clock(first)}–{_clock(last)}"
    if first.date() == final.date():
        return f"{day_name(first)} {_clock(first)}–24:00"
    return f"{day_name(first)} {_clock(first)} – {day_name(last)} {_clock(last)}"


def _clock(at: datetime) -> str:
    return f"{at.hour:02}:{at.minute:02}"


def zone_name(zone: tzinfo) -> str:
    """The IANA key where the zone has one, else what it calls itself."""
    return safe(str(getattr(zone, "key", None) or zone))


def facts(grid: Grid) -> Iterator[tuple[str, str, str]]:
    """Everything that the picture shows as (who, what, when): rows in order, then the slots."""
    for index, row in enumerate(grid.rows):
        seen = {(bar.start, bar.end, bar.kind) for day in grid.days for bar in day.bars[index]}
        for start, end, kind in sorted(seen):
            yield safe(row.label), KINDS[kind], span(start, end, grid.zone)
    for start, end in grid.slots:
        yield "Everybody", KINDS["SLOT"], span(start, end, grid.zone)


def summary(grid: Grid) -> str:
    """One sentence for those who cannot see the picture."""
    names = [safe(row.label) for row in grid.rows]
    who = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    first, last = local(grid.lo, grid.zone), local(grid.hi - 1, grid.zone)
    when = day_name(first)
    if first.date() != last.date():
        when += f" to {day_name(last)}"
    return f"Availability of {who or 'nobody'}, {when}, times in {zone_name(grid.zone)}."
