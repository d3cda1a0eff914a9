"""CommonFree: the slots that are offered, and what can be asked about each of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Any, overload

from extcal.arguments import count_of, one_of_type, safe_repr
from extcal.intervals.merge import Columns, Span, in_columns
from extcal.intervals.types import Period, period, period_span
from extcal.values import dataclass, field

__all__ = ["CommonFree"]


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

    # Columns of epoch seconds; Periods are made when they are asked for.
    _spans: Columns
    _spans_for_all: Columns
    limited_by: tuple[str, ...]
    _length: int
    # By name the spans in which a slot may begin; None for those who are free in every slot.
    _free: Mapping[str, Columns | None]
    _stepped: bool
    _zone: tzinfo | None
    _slots: tuple[Period, ...] | None = field(default=None, init=False)

    @property
    def slots(self) -> tuple[Period, ...]:
        """When everybody who is required, and enough of the others, are free."""
        if self._slots is None:
            made = _periods(self._spans)
            object.__setattr__(self, "_slots", made)
            return made
        return self._slots

    @property
    def slots_for_all(self) -> tuple[Period, ...]:
        """When the optional people are free too."""
        same = self._spans_for_all is self._spans
        return self.slots if same else _periods(self._spans_for_all)

    def is_bookable(self, slot: Period) -> bool:
        """Whether a slot is one of these: the same question gives the same answer.

        With ``step`` that is ``slot in slots``: every offered slot is bookable and no other one.
        Without ``step`` a slot is bookable if it lies in one of the gaps and is not shorter than
        the ``duration`` that was asked for.
        """
        lo, hi = _span(slot)
        starts, ends = self._spans
        if self._stepped:
            index = bisect_left(starts, lo)
            return index < len(starts) and period(starts[index], ends[index]) == slot
        # Gaps may overlap. The last one that begins by then is the one that ends last.
        index = bisect_right(starts, lo) - 1
        return hi - lo >= self._length and index >= 0 and hi <= ends[index]

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
        return len(self._spans[0])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, CommonFree):
            return self.slots == other.slots
        return self.slots == other if isinstance(other, tuple) else NotImplemented

    def __reduce__(self) -> tuple[object, ...]:
        return CommonFree, tuple([getattr(self, name) for name in self.__match_args__])

    def __hash__(self) -> int:
        return hash(self.slots)

    def __repr__(self) -> str:
        limits = f", limited by {', '.join(self.limited_by)}" if self.limited_by else ""
        zone = self._zone or UTC
        return f"<CommonFree {[slot.astimezone(zone) for slot in self.slots]}{limits}>"


def _of_earlier_pickles(found: CommonFree, state: Sequence[Any]) -> None:
    """Set the fields as an earlier release pickled them: Periods and spans, which are columns now.

    Set on the class afterwards: until Python 3.11.2, ``dataclass`` replaces a ``__setstate__``.
    """
    slots, slots_for_all, limited_by, length, free, stepped, zone = state
    found.__init__(  # type: ignore[misc]
        in_columns(map(period_span, slots)),
        in_columns(map(period_span, slots_for_all)),
        limited_by,
        length,
        {name: spans and in_columns(spans) for name, spans in free.items()},
        stepped,
        zone,
    )


CommonFree.__setstate__ = _of_earlier_pickles  # type: ignore[attr-defined]


def _span(slot: Period) -> Span:
    return period_span(one_of_type("slot", slot, Period, "a Period such as one of the slots"))


def _lies_in(spans: Columns, first: int, last: int) -> bool:
    """Whether ``first`` to ``last``, both included, lie in one of sorted, disjoint spans."""
    starts, ends = spans
    index = bisect_right(starts, first) - 1
    return index >= 0 and last < ends[index]


def _periods(spans: Columns) -> tuple[Period, ...]:
    return tuple([period(start, end) for start, end in zip(*spans, strict=True)])
