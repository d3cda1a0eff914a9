"""Whom visitors book, and when: everything that extcal is asked here.

A visitor is offered slots, and takes one. In between somebody else may have booked, or the owner
may have put something into a calendar. So the same question is asked twice: once to offer, and once
to confirm, then with calendars that are at most a minute old.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import extcal
from booking_page.bookings import Booking, Bookings
from extcal.intervals import SlotOptions

__all__ = ["Desk", "Owner", "Unavailable"]

_A_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)


class Unavailable(Exception):
    """The calendars cannot be read, so nothing can be offered."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who can be booked, and by which rules.

    ``calendars``: several, because people have several. ``before`` and ``after``: free time around
    a meeting. ``notice`` and ``horizon``: how soon and how far ahead. ``lengths`` in minutes.
    """

    name: str
    timezone: str
    calendars: tuple[extcal.Feed, ...]
    hours: extcal.WorkingHours
    lengths: tuple[int, ...] = (30, 60)
    step: timedelta = timedelta(minutes=30)
    before: timedelta = timedelta(0)
    after: timedelta = timedelta(minutes=15)
    notice: timedelta = timedelta(hours=2)
    horizon: timedelta = timedelta(days=14)
    per_day: int | None = 8

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Desk:
    """Offers slots of ``owner``, and books them."""

    def __init__(
        self,
        owner: Owner,
        bookings: Bookings,
        cache: extcal.CalendarCache,
        clock: Callable[[], datetime],
    ) -> None:
        self.owner, self.clock = owner, clock
        self._bookings, self._cache = bookings, cache

    def offered(self, minutes: int, moving: Booking | None = None) -> Sequence[extcal.Period]:
        """The slots for a meeting of that length. Raises Unavailable."""
        now = self.clock()
        table = self._table(now, now + self.owner.horizon + _DAY, moving)
        if table["owner"].unknown_epochs and table.problems["owner"]:
            raise Unavailable
        return table.common_free(timedelta(minutes=minutes), **self._question(now))

    def take(
        self, slot: extcal.Period, name: str, email: str, moving: Booking | None = None
    ) -> Booking | None:
        """Book ``slot``, or move a booking to it; None if it is not free any more."""
        now = self.clock()
        # Whole days around the slot, because "so many a day" counts them.
        table = self._table(now, now + self.owner.horizon + _DAY, moving, max_age=_A_MINUTE)
        if not table.is_bookable(slot, slot.duration, **self._question(now)):
            return None
        kept = json.dumps(table.receipt(slot).to_dict())
        if moving is not None:
            return self._bookings.move(moving, slot, kept)
        return self._bookings.add(slot, name, email, kept)

    def _question(self, now: datetime) -> SlotOptions:
        """The rules by which slots are offered and taken."""
        owner = self.owner
        return {
            "hours": owner.hours,
            "step": owner.step,
            "align": "hours",
            "buffer": (owner.before, owner.after),
            "earliest": now + owner.notice,
            "latest": now + owner.horizon,
            "per_day": owner.per_day,
            "timezone": owner.timezone,
        }

    def _table(
        self,
        start: datetime,
        end: datetime,
        moving: Booking | None,
        max_age: timedelta | None = None,
    ) -> extcal.Availability:
        """The owner's time: all calendars, and what was booked here.

        A booking that is moved blocks nothing, neither here nor in a calendar that shows it by now.
        """
        booked = extcal.FreeBusy.from_periods(
            (start, end),
            [
                (one.slot.start, one.slot.end)
                for one in self._bookings.between(start, end)
                if moving is None or one.uid != moving.uid
            ],
        )
        return self._cache.availability(
            {"owner": [*self.owner.calendars, booked]},
            start,
            end,
            exclude=() if moving is None else [moving.uid],
            max_age=max_age,
        )
