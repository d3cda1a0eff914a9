"""Microsoft's all-day events: midnight to midnight DATE-TIMEs with a flag (MS-OXCICAL).

In: the start and end of an event, as written. Out: the days that it means, or None.
"""

from __future__ import annotations

from extcal.ical.events.facts import ALL_DAY_FLAGS, Lines
from extcal.ical.events.start_end import Source, Stay
from extcal.ical.events.times import DAY, Extent, Moment

__all__ = ["all_day", "is_flagged"]


def is_flagged(lines: Lines) -> set[bool]:
    """The values of Microsoft's all-day flags: an empty set, one value, or both."""
    said: set[bool] = set()
    for name in ALL_DAY_FLAGS:
        flags = {line.value.strip().upper() in {"TRUE", "1"} for line in lines.get(name, ())}
        if flags == {True}:
            return {True}
        said |= flags
    return said


def all_day(source: Source, found: Stay) -> Stay | None:
    """Microsoft's all-day events are midnight to midnight DATE-TIMEs with a flag (MS-OXCICAL).

    Midnights written in UTC mean dates, also if the owner lives in another zone. Returns None for
    any other event.
    """
    start = found.start
    if start.is_date:
        return None
    end = start.zone.to_local(found.end)
    if start.zone.source == "utc":
        zone = source.zones.floating(source.calendar)
        if zone is not None and start.local % DAY == end % DAY == 0:
            start = Moment(start.local, False, zone)
        elif zone is not None and not {"RRULE", "RDATE"} & source.lines.keys():
            # The times are the owner's midnights. A rule in UTC would miss them after a DST change.
            end = zone.to_local(found.end)
            start = Moment(zone.to_local(start.epoch), False, zone)
    if start.local % DAY == end % DAY == 0:
        days = max(1, (end - start.local) // DAY)
        return found._replace(start=start, extent=Extent(days, 0))
    return None
