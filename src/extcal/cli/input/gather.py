"""Reads the calendars that were named on the command line; all feeds are fetched at the same time.

In: calendars as :class:`~extcal.cli.input.sources.Given`, a window, a clock, a fetcher. Out: one
:class:`Found` each, in order, and all of them as an Availability. If a calendar cannot be read, its
Found has the error and its time is unknown in the Availability; the others are read as usual.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import extcal
from extcal.cli.input.sources import Given
from extcal.cli.output.screen import counted
from extcal.fetch import Feed, Fetcher
from extcal.ical import ExternalEvent

__all__ = ["CommandQuestion", "Found", "Gathered", "gather"]

_LONGEST = timedelta(days=3650)
_AT_ONCE = 32
_PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class CommandQuestion:
    """What is asked: a window, the owner's zone and addresses, and how much detail.

    ``zone`` is None if it was not named; ``shown`` is the zone in which times are shown.
    """

    start: datetime
    end: datetime
    zone: ZoneInfo | None
    shown: ZoneInfo
    owner: tuple[str, ...]
    detail: extcal.Detail


@dataclass(frozen=True, slots=True)
class Found:
    """One calendar: what it says in the window, or why it cannot be read."""

    name: str
    events: tuple[ExternalEvent, ...] = ()
    events_complete: bool = True
    problems: tuple[extcal.Problem, ...] = ()
    fetched_at: datetime | None = None
    state: extcal.State | None = None
    error: extcal.ExtcalError | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """All calendars, and everybody's time as an Availability."""

    found: list[Found]
    table: extcal.Availability

    @property
    def nothing(self) -> bool:
        """Whether nothing could be read at all."""
        return all(each.error is not None for each in self.found)

    @property
    def unknown(self) -> bool:
        """Whether part of anybody's time is unknown."""
        return any(free_busy.unknown for free_busy in self.table.values())


def gather(
    givens: Sequence[Given],
    question: CommandQuestion,
    clock: Callable[[], datetime],
    fetcher: Fetcher,
    progress: bool | None = None,
) -> Gathered:
    """Read every calendar over the window of ``question``; no content of theirs raises.

    Raises OutsideHorizon for a window more than ten years away.
    """
    feeds = [given.data for given in givens if isinstance(given.data, Feed)]
    with counted(fetcher, len(feeds), progress) as watched:
        calendars = _cache(question, clock, watched)
        timeout = _PATIENCE * (1 + len(feeds) // _AT_ONCE)
        # This fetches all feeds at the same time; the calls below are answered from the cache.
        calendars.availability(
            {str(index): feed for index, feed in enumerate(feeds)},
            question.start, question.end, timeout,
        )  # fmt: skip
    rows: dict[str, list[Feed | extcal.FreeBusy]] = {}
    found = []
    for given in givens:
        each, source = _look(given, question, calendars)
        found.append(each)
        rows.setdefault(given.name, []).append(source)
    return Gathered(found, calendars.availability(rows, question.start, question.end))


def _cache(
    question: CommandQuestion, clock: Callable[[], datetime], fetcher: Fetcher
) -> extcal.CalendarCache:
    """A cache that reads as far as the question asks, and never asks a source twice."""
    now = clock()
    ahead, back = question.end - now, now - question.start
    if max(ahead, back) > _LONGEST:
        raise extcal.OutsideHorizon("Calendars are read ten years ahead and back, not more.")
    return extcal.CalendarCache(
        clock=lambda: now,
        fetcher=fetcher,
        horizon=max(ahead, timedelta(days=1)),
        history=max(back, timedelta(0)),
        jitter=lambda: 0.99,
    )


def _look(
    given: Given, question: CommandQuestion, calendars: extcal.CalendarCache
) -> tuple[Found, Feed | extcal.FreeBusy]:
    start, end = question.start, question.end
    try:
        if isinstance(given.data, Feed):
            snapshot = calendars.get(given.data)
            events = calendars.events(given.data, start, end)
            return Found(
                given.name, events, snapshot.events_complete, snapshot.problems,
                snapshot.fetched_at, snapshot.state,
            ), given.data  # fmt: skip
        result = extcal.expand(
            given.data, start, end,
            timezone=question.zone, owner=question.owner, detail=question.detail,
        )  # fmt: skip
    except extcal.ExtcalError as error:
        unknown = extcal.FreeBusy.from_periods((start, end), unknown=[(start, end)])
        source = given.data if isinstance(given.data, Feed) else unknown
        return Found(given.name, error=error), source
    found = Found(given.name, result.events, result.events_complete, result.problems)
    return found, result.free_busy
