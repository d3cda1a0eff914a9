"""Components: logical lines in, a tree of the components that matter out."""

from __future__ import annotations

from dataclasses import dataclass, field

from extcal.ical.lines import Line

__all__ = ["CalendarHead", "Component", "Stream"]


@dataclass(slots=True)
class Component:
    """One ``BEGIN``..``END`` block: its name in upper case, its own lines, its sub-components."""

    name: str
    offset: int
    calendar: int  # index of its VCALENDAR in Stream.calendars
    lines: list[Line] = field(default_factory=list)
    children: list[Component] = field(default_factory=list)


@dataclass(slots=True)
class CalendarHead:
    """The facts of one VCALENDAR that its components are read by."""

    prodid: str | None = None
    method: str | None = None
    x_wr_timezone: str | None = None
    vtimezones: list[Component] = field(default_factory=list)


@dataclass(slots=True)
class Stream:
    """A whole body (RFC 5545 section 3.4): there may be several VCALENDARs in it."""

    calendars: list[CalendarHead] = field(default_factory=list)
    events: list[Component] = field(default_factory=list)
    freebusy: list[Component] = field(default_factory=list)
    availability: list[Component] = field(default_factory=list)
