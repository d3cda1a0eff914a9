"""Free/busy in other formats: rows for data frames, Google's and Microsoft's JSON.

In: a FreeBusy, or several by name, such as an Availability. Out: builtin values only, ready for
``json.dumps`` or a data frame. Types and times, never titles; unknown time is never written as
free. VFREEBUSY is iCalendar's own format; :func:`extcal.write_freebusy` writes it.
"""

from __future__ import annotations

from extcal.formats.google import GoogleFreeBusy, to_google_freebusy
from extcal.formats.graph import GraphSchedules, availability_view, to_graph_schedules
from extcal.formats.records import PersonRecord, Record, to_records

__all__ = [
    "GoogleFreeBusy",
    "GraphSchedules",
    "PersonRecord",
    "Record",
    "availability_view",
    "to_google_freebusy",
    "to_graph_schedules",
    "to_records",
]
