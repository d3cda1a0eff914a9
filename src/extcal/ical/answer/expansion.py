"""Expansion: the result of reading a feed once, as a value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from extcal.arguments import safe_repr
from extcal.errors import Problem
from extcal.ical.events.external_event import EventRow, ExternalEvent, event_of, explain
from extcal.intervals import FreeBusy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["Expansion"]


_FIELDS = (
    "complete",
    "empty",
    "events",
    "events_complete",
    "free_busy",
    "problems",
    "refresh_interval",
)


_Later: TypeAlias = "Callable[..., list[tuple[EventRow, tuple[int, int]]]]"


@safe_repr
class Expansion:
    """The result of reading a feed once.

    ``free_busy`` is typed and merged. ``events`` are sorted by start, and made when they are first
    read. ``problems`` are the feed's oddities in the order of its lines. ``complete`` is False when
    a cut or a limit made time unknown. ``events_complete`` is False when there were more
    occurrences than ``events`` holds. ``empty`` is True for a feed without any VEVENT, VFREEBUSY or
    VAVAILABILITY. ``refresh_interval`` is how often the feed asks to be fetched, or None (RFC 7986
    section 5.7).
    """

    __slots__ = (
        "_events",
        "complete",
        "empty",
        "events_complete",
        "free_busy",
        "problems",
        "refresh_interval",
    )

    free_busy: FreeBusy
    problems: tuple[Problem, ...]
    _events: tuple[ExternalEvent, ...] | _Later
    complete: bool
    events_complete: bool
    empty: bool
    refresh_interval: timedelta | None

    def __init__(
        self,
        free_busy: FreeBusy,
        events: tuple[ExternalEvent, ...] | _Later,
        problems: tuple[Problem, ...],
        *,
        complete: bool = True,
        events_complete: bool = True,
        empty: bool = False,
        refresh_interval: timedelta | None = None,
    ) -> None:
        set_ = object.__setattr__
        set_(self, "free_busy", free_busy)
        set_(self, "_events", events)
        set_(self, "problems", problems)
        set_(self, "complete", complete)
        set_(self, "events_complete", events_complete)
        set_(self, "empty", empty)
        set_(self, "refresh_interval", refresh_interval)

    @property
    def events(self) -> tuple[ExternalEvent, ...]:
        """The events, sorted by start; made when they are first read."""
        events = self._events
        if callable(events):
            events = tuple([event_of(row) for row, _ in events()])
            object.__setattr__(self, "_events", events)
        return events

    def rows(self) -> list[tuple[EventRow, tuple[int, int]]]:
        """For the cache: ``events`` as rows, without making a value for each of them.

        With each row comes its planned start, as ``exclude.planned_for`` gives it. The memory of
        what they are made from is given back, so this can be called once, and ``events`` cannot be
        read any more. Raises TypeError if they have been read before.
        """
        events = self._events
        if not callable(events):
            raise TypeError("the rows of an Expansion are read before its events")
        object.__setattr__(self, "_events", _gone)
        return events(for_good=True)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an Expansion is frozen, {name} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"an Expansion is frozen, {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Expansion):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _FIELDS)

    def __hash__(self) -> int:
        return hash((self.free_busy, self.events))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, tuple(getattr(self, name) for name in _FIELDS)

    def __repr__(self) -> str:
        odd = f", {len(self.problems)} problems" if self.problems else ""
        whole = "" if self.complete else ", incomplete"
        number = "without its" if self._events is _gone else len(self.events)
        return f"<Expansion {number} events{odd}{whole}: {self.free_busy!r}>"

    def explain(self, start: datetime, end: datetime | None = None) -> tuple[ExternalEvent, ...]:
        """Return the events that made any part of ``[start, end)`` busy, each with its reason.

        Both are aware. Without ``end``: the events that made the instant ``start`` busy.
        """
        return explain(self.events, start, end)


def _gone(**_: object) -> list[tuple[EventRow, tuple[int, int]]]:
    raise TypeError("the rows of an Expansion were taken, so there are no events any more")


def _rebuild(
    complete: bool,
    empty: bool,
    events: tuple[ExternalEvent, ...],
    events_complete: bool,
    free_busy: FreeBusy,
    problems: tuple[Problem, ...],
    refresh_interval: timedelta | None,
) -> Expansion:
    return Expansion(
        free_busy,
        events,
        problems,
        complete=complete,
        events_complete=events_complete,
        empty=empty,
        refresh_interval=refresh_interval,
    )
