"""The ``exclude`` argument: whole UIDs, and single instances of a series."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from extcal.arguments import several
from extcal.ical.events.times import DAY
from extcal.ical.series.instances import Occurrence
from extcal.intervals import epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeGuard

__all__ = ["Excluded", "Exclusions", "planned_for"]

Excluded = str | tuple[str, date]
"""A UID, or a UID and the ``recurrence_id`` (an aware datetime, or a date) of one instance."""

_TAKES = "UIDs and (uid, recurrence_id) pairs"
_EPOCH = date(1970, 1, 1).toordinal()


class Exclusions:
    """The ``exclude`` argument, checked. An instance is named by its planned start.

    A date names the instance of that local day. A datetime names an instant. A
    midnight in any zone also names the instance of that date in an all-day series.
    """

    __slots__ = ("_days", "_instants", "_midnights", "uids")

    def __init__(self) -> None:
        self.uids: set[str] = set()
        self._instants: set[tuple[str, int]] = set()
        self._days: set[tuple[str, int]] = set()
        self._midnights: set[tuple[str, int]] = set()

    @classmethod
    def of(cls, exclude: Excluded | Iterable[Excluded]) -> Exclusions:
        """Check the argument: one UID or pair, or several of them.

        Raises TypeError for anything else.
        """
        items: Iterable[object] = (
            [exclude] if isinstance(exclude, str) or _is_pair(exclude) else exclude
        )
        found = cls()
        for item in several("exclude", items, _TAKES):
            found._add((item, None) if isinstance(item, str) else item)
        return found

    def _add(self, item: Any) -> None:
        match several("exclude", item, _TAKES):
            case (str(uid), datetime() as moment):
                self._instants.add((uid, epoch(moment)))
                if not (moment.hour or moment.minute or moment.second):
                    self._midnights.add((uid, moment.toordinal() - _EPOCH))
            case (str(uid), date() as day):
                self._days.add((uid, day.toordinal() - _EPOCH))
            case (str(uid), None):
                self.uids.add(uid)
            case _:
                raise TypeError(f"exclude takes {_TAKES}")

    def __bool__(self) -> bool:
        return bool(self.uids) or self.single

    @property
    def single(self) -> bool:
        """Whether single instances are named, so that each occurrence must be checked."""
        return bool(self._instants or self._days)

    def leaves_out(self, uid: str, planned: int, day: int, *, whole_day: bool) -> bool:
        """Whether an occurrence is left out.

        ``planned`` is the epoch second it was planned for, ``day`` the number of that local day
        since 1970-01-01, and ``whole_day`` says whether its series is all-day. The planned start
        of an event that does not recur is its start.
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
        whole_day = event.all_day or (planned is not None and planned.is_date)
        return self.leaves_out(event.uid, *planned_for(occurrence), whole_day=whole_day)


def _is_pair(exclude: object) -> TypeGuard[tuple[str, date]]:
    """Whether this is one pair, not two UIDs."""
    return isinstance(exclude, tuple) and len(exclude) == 2 and isinstance(exclude[1], date)


def planned_for(occurrence: Occurrence) -> tuple[int, int]:
    """The instant (epoch seconds) and the local day that ``occurrence`` was planned for."""
    planned = occurrence.recurrence_id
    if planned is None:
        return occurrence.start, occurrence.local // DAY
    return planned.epoch, planned.local // DAY
