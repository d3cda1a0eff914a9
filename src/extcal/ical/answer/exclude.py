"""What the caller wants left out: whole UIDs, and single instances of a series."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime

from extcal.ical.events.times import DAY
from extcal.ical.series.instances import Occurrence
from extcal.intervals import epoch

__all__ = ["Excluded", "Exclusions"]

Excluded = str | tuple[str, date]
"""A UID, or a UID and the ``recurrence_id`` (an aware datetime, or a date) of one instance."""

_EPOCH = date(1970, 1, 1).toordinal()


class Exclusions:
    """The ``exclude`` argument, checked. An instance is named by when it was planned.

    A date names the instance of that local day. A datetime names an instant; midnight, in whatever
    zone, also names the instance of that date in an all-day series.
    """

    __slots__ = ("_days", "_instants", "_midnights", "uids")

    def __init__(self, exclude: Iterable[Excluded]) -> None:
        if isinstance(exclude, str):
            raise TypeError("exclude is a collection of UIDs, not one str; pass [uid]")
        self.uids: set[str] = set()
        self._instants: set[tuple[str, int]] = set()
        self._days: set[tuple[str, int]] = set()
        self._midnights: set[tuple[str, int]] = set()
        for item in exclude:
            if isinstance(item, str):
                self.uids.add(item)
            else:
                self._add_instance(item)

    def _add_instance(self, item: Collection[object]) -> None:
        match tuple(item):
            case (str(uid), datetime() as moment):
                self._instants.add((uid, epoch(moment)))
                if not (moment.hour or moment.minute or moment.second):
                    self._midnights.add((uid, moment.toordinal() - _EPOCH))
            case (str(uid), date() as day):
                self._days.add((uid, day.toordinal() - _EPOCH))
            case (str(uid), None):
                self.uids.add(uid)
            case _:
                raise TypeError("exclude holds UIDs and (uid, recurrence_id) pairs")

    @property
    def single(self) -> bool:
        """Whether single instances are named, so that each has to be asked about."""
        return bool(self._instants or self._days)

    def hit(self, occurrence: Occurrence) -> bool:
        """Whether this occurrence is left out."""
        uid = occurrence.event.uid
        if uid in self.uids:
            return True
        if not self.single:
            return False
        planned = occurrence.recurrence_id
        if planned is None:
            start, local = occurrence.start, occurrence.local
        else:
            start, local = planned.epoch, planned.local
        whole_day = occurrence.event.all_day or (planned is not None and planned.is_date)
        named = (uid, local // DAY)
        return (
            (uid, start) in self._instants
            or named in self._days
            or (whole_day and named in self._midnights)
        )
