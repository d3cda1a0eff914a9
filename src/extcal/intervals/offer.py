"""CommonFree: the slots that are offered, and what can be asked about each of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from operator import itemgetter
from typing import overload

from extcal.arguments import count_of, one_of_type, safe_repr
from extcal.intervals.merge import Span
from extcal.intervals.types import Period, period_span

__all__ = ["CommonFree"]

_start = itemgetter(0)


@safe_repr
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class CommonFree(Sequence[Period]):
    """When people can meet: a sequence of Periods, equal to the tuple of them.

    ``slots``: that tuple: when everybody who is required, and enough of the others, are free.
    ``slots_for_all``: when the optional people are free too. ``limited_by``: the people whose
    *unknown* time removed slots. If you ask these people, there may be more slots. People without
    names are ``"0"``, ``"1"`` and so on, in their order.

    Two of them are equal if their ``slots`` are.
    """

    slots: tuple[Period, ...]
    slots_for_all: tuple[Period, ...]
    limited_by: tuple[str, ...]
    _length: int = 1
    # By name the spans in which a slot may begin; None for those who are free in every slot.
    _free: Mapping[str, tuple[Span, ...] | None] = field(default_factory=dict)
    _stepped: bool = False
    _zone: tzinfo | None = None

    def is_bookable(self, slot: Period) -> bool:
        """Whether a slot is one of these: the same question gives the same answer.

        With ``step`` that is ``slot in slots``: every offered slot is bookable and no other one.
        Without ``step`` a slot is bookable if it lies in one of the gaps and is not shorter than
        the ``duration`` that was asked for.
        """
        lo, hi = _span(slot)
        if self._stepped:
            return slot in self.slots
        return hi - lo >= self._length and any(
            one.start <= slot.start and slot.end <= one.end for one in self.slots
        )

    def who(self, slot: Period) -> tuple[str, ...]:
        """The names of the people who are free for all of ``slot``, in their order.

        Raises ``ValueError`` for a slot that is not bookable (:meth:`is_bookable`).
        """
        lo, hi = _span(slot)
        if not self.is_bookable(slot):
            raise ValueError(f"{slot!r} is not one of the slots")
        return tuple(
            [
                name
                for name, spans in self._free.items()
                if spans is None or _lies_in(spans, lo, hi - self._length)
            ]
        )

    def fair_order(
        self, slot: Period, counts: Mapping[str, int], among: Collection[str] | None = None
    ) -> tuple[str, ...]:
        """The people of :meth:`who` for round-robin: who has had the fewest meetings comes first.

        ``counts``: how many each has had, by name; you keep the counts, and whoever is not in it
        has had none. Equal counts are ordered as the people are. ``among``: only these people, as
        for one of several groups. If you always take the first and count them, nobody who is always
        free is ever more than one meeting ahead of another.

        Raises ``ValueError`` for a count below 0, and what :meth:`who` raises.
        """
        for name, count in counts.items():
            count_of(f"the count of {name}", count, least=0)
        free = [name for name in self.who(slot) if among is None or name in among]
        return tuple(sorted(free, key=lambda name: counts.get(name, 0)))

    @overload
    def __getitem__(self, index: int) -> Period: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Period, ...]: ...
    def __getitem__(self, index: int | slice) -> Period | tuple[Period, ...]:
        return self.slots[index]

    def __iter__(self) -> Iterator[Period]:
        return iter(self.slots)

    def __len__(self) -> int:
        return len(self.slots)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, CommonFree):
            return self.slots == other.slots
        return self.slots == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.slots)

    def __repr__(self) -> str:
        limits = f", limited by {', '.join(self.limited_by)}" if self.limited_by else ""
        zone = self._zone or UTC
        return f"<CommonFree {[slot.astimezone(zone) for slot in self.slots]}{limits}>"


def _span(slot: Period) -> Span:
    return period_span(one_of_type("slot", slot, Period, "a Period such as one of the slots"))


def _lies_in(spans: Sequence[Span], first: int, last: int) -> bool:
    """Whether ``first`` to ``last``, both included, lie in one of sorted, disjoint spans."""
    index = bisect_right(spans, first, key=_start) - 1
    return index >= 0 and last < spans[index][1]
