"""What was asked and answered, as a small value that an application keeps with a booking."""

from __future__ import annotations

from datetime import datetime

from extcal.arguments import safe_repr
from extcal.cache.freshness.values import State
from extcal.intervals import FBType, Period
from extcal.values import NamedTuple, dataclass

__all__ = ["Answered", "Receipt"]


class Answered(NamedTuple):
    """What was known of one person.

    ``status``: the type of the whole window, as :meth:`extcal.FreeBusy.status` gives it; None if it
    was unknown. ``as_of``: when the oldest of the person's calendars was last read, ``state``: the
    least current State among them; both are None without calendars.
    """

    who: str
    status: FBType | None
    as_of: datetime | None
    state: State | None


@safe_repr
@dataclass(frozen=True, slots=True)
class Receipt:
    """Who was asked about which time, and what was known: types and times, never titles.

    Made by :meth:`extcal.Availability.receipt`.
    """

    window: Period
    people: tuple[Answered, ...]

    def to_dict(self) -> dict[str, object]:
        """The same as builtin values that ``json.dumps`` takes; instants are ISO 8601 text."""
        return {
            "start": self.window.start.isoformat(),
            "end": self.window.end.isoformat(),
            "people": [
                {
                    "who": one.who,
                    "status": None if one.status is None else one.status.token,
                    "as_of": None if one.as_of is None else one.as_of.isoformat(),
                    "state": None if one.state is None else one.state.value,
                }
                for one in self.people
            ],
        }
