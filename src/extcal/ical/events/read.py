"""The VEVENTs of a body, typed one by one."""

from __future__ import annotations

from collections.abc import Iterator

from extcal.errors import LimitExceeded
from extcal.ical.budget import Work
from extcal.ical.events import vevent
from extcal.ical.events.event import Event
from extcal.ical.parse.components import Component, Stream
from extcal.ical.zones.resolve import Zones

__all__ = ["events", "typed"]


def events(stream: Stream, zones: Zones, work: Work) -> Iterator[Event | None]:
    """Yield the events of a body from the last to the first; None for one that cannot be read.

    Each component leaves the stream when it is typed, because its lines take much memory.
    """
    while stream.events and work.left >= 0:
        yield typed(stream.events.pop(), zones, work)
    work.spend(0)


def typed(component: Component, zones: Zones, work: Work) -> Event | None:
    """Type one VEVENT; None if it cannot be read, which is reported to ``work``."""
    try:
        return vevent.event(component, zones, work)
    except LimitExceeded:
        raise
    except Exception:
        work.internal_error(offset=component.offset)
        return None
