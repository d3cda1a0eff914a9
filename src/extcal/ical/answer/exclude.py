"""What the caller wants left out: whole UIDs, and single instances of a series."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime

from extcal.ical.events.times import DAY, Moment
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

    def __init__(self) -> None:
        self.uids: set[str] = set()
        self._instants: set[tuple[str, int]] = set()
        self._days: set[tuple[str, int]] = set()
        self._midnights: set[tuple[str, int]] = set()

    @classmethod
    def of(cls, exclude: Iterable[Excluded]) -> Exclusions:
        """Check what a caller passes. Raises TypeError for anything but UIDs and pairs."""
        if isinstance(exclude, str):
            raise TypeError("exclude is a collection of UIDs, not one str; pass [uid]")
        found = cls()
        for item in exclude:
            found._add((item, None) if isinstance(item, str) else item)
        return found

    def _add(self, item: Collection[object]) -> None:
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

    def __bool__(self) -> bool:
        return bool(self.uids) or self.single

    @property
    def single(self) -> bool:
        """Whether single instances are named, so that each has to be asked about."""
        return bool(self._instants or self._days)

    def leaves_out(self, uid: str, planned: int, day: int, *, whole_day: bool) -> bool:
        """Whether an occurrence is left out.

        ``planned`` is the epoch second it was planned for, ``day`` the number of that local day
        since 1970-01-01, and ``whole_day`` says whether its series is one of days. An event that
        does not recur was planned for its start.
        """
        return (
            uid in self.uids
            or (uid, planned) in self._instants
            or (uid, day) in self._days
            or (whole_day and (uid, day) in self._midnights)
        )

    def leave_out(self, occurrence: Occurrence) -> bool:
        """Whether this occurrence is left out."""
        event, planned = occurrence.event, occurrence.recurrence_id
        if planned is None:
            planned = Moment(occurrence.local, event.all_day, occurrence.zone)
            epoch_ = occurrence.start
        else:
            epoch_ = planned.epoch
        return self.leaves_out(
            event.uid, epoch_, planned.local // DAY, whole_day=event.all_day or planned.is_date
        )
