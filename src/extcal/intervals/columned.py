"""What a FreeBusy keeps: the window, and columns of epoch seconds.

For each type that occurs these are the starts and the ends of its periods (none FREE, sorted,
disjoint, coalesced), and those of unknown time. A part of a longer time shares its columns until
somebody needs them cut.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from extcal.intervals.merge import (
    BusySpan,
    Columns,
    Fixed,
    Typed,
    aligned,
    beyond,
    clipped,
    in_order,
    overlapping,
    touches,
)
from extcal.intervals.views.drawable import Drawable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

    from extcal.intervals.types import BusyPeriod

__all__ = ["Columned"]


class Columned(Drawable):
    """Free/busy time as columns, and the simplest questions about them."""

    __slots__ = ("_columns", "_epochs", "_hi", "_is_cut", "_lo", "_periods")

    _lo: int
    _hi: int
    _columns: tuple[Typed, Fixed]
    _is_cut: bool  # whether the columns end where the window does
    _epochs: tuple[BusySpan, ...] | None
    _periods: tuple[BusyPeriod, ...] | None

    @classmethod
    def _canonical(
        cls, lo: int, hi: int, levels: Typed, unknown: Columns, *, is_cut: bool = True
    ) -> Self:
        made = object.__new__(cls)
        object.__setattr__(made, "_lo", lo)
        object.__setattr__(made, "_hi", hi)
        object.__setattr__(made, "_columns", (levels, (tuple(unknown[0]), tuple(unknown[1]))))
        object.__setattr__(made, "_is_cut", is_cut)
        object.__setattr__(made, "_epochs", None)
        object.__setattr__(made, "_periods", None)
        object.__setattr__(made, "_zone", None)
        return made

    @property
    def _cut(self) -> tuple[Typed, Fixed]:
        """The columns within the window: cut when they are first needed."""
        if not self._is_cut:
            levels, unknown = self._columns
            within = [(code, clipped(spans, self._lo, self._hi)) for code, spans in levels]
            shown = tuple([level for level in within if level[1][0]])
            cut = shown, clipped(unknown, self._lo, self._hi)
            object.__setattr__(self, "_columns", cut)
            object.__setattr__(self, "_is_cut", True)
        return self._columns

    @property
    def _levels(self) -> Typed:
        return self._cut[0]

    @property
    def _unknown(self) -> Fixed:
        return self._cut[1]

    @property
    def epochs(self) -> tuple[tuple[int, int, int], ...]:
        """The busy periods as ``(start, end, code)`` in epoch seconds.

        ``FBType(code)`` is the type of a code, which is 1 to 4.
        """
        if self._epochs is None:
            made = tuple(in_order(self._levels))
            object.__setattr__(self, "_epochs", made)
            return made
        return self._epochs

    @property
    def epoch_columns(self) -> tuple[Sequence[int], Sequence[int], bytes]:
        """The same as three columns: starts, ends and codes. Not kept, and in little memory."""
        return aligned(self._levels)

    @property
    def unknown_epochs(self) -> tuple[tuple[int, int], ...]:
        """The unknown parts as ``(start, end)`` in epoch seconds."""
        return tuple(zip(*self._unknown, strict=True))

    @property
    def window_epochs(self) -> tuple[int, int]:
        """The window as ``(start, end)`` in epoch seconds."""
        return self._lo, self._hi

    def beyond(self, other: Columned) -> Self:
        """What of this is busy with a stronger type than in ``other``; nothing is unknown in it."""
        left = beyond(self._levels, other._levels, self._lo, self._hi)
        return self._canonical(self._lo, self._hi, left, ((), ()))

    def taken(
        self, codes: Collection[int], lo: int, hi: int, *, unknown: bool = True
    ) -> Iterator[Columns]:
        """The starts and ends of what blocks in ``[lo, hi)``; ``unknown``: and of unknown time."""
        levels = [spans for code, spans in self._levels if code in codes]
        for spans in [*levels, self._unknown] if unknown else levels:
            yield overlapping(spans, lo, hi)

    def _known(self, lo: int, hi: int) -> bool:
        return self._lo <= lo and hi <= self._hi and not touches(self._unknown, lo, hi)

    def _value(self) -> tuple[int, int, Typed, Columns]:
        return self._lo, self._hi, self._levels, self._unknown
