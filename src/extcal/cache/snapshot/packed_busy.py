"""Busy time as the bytes that are stored, of which only the part that is asked for is decoded.

Layout, numbers in network order: the window as two int64 of epoch seconds; how many busy, unknown
and base spans as three uint32; then the spans in that order, each as two uint32 of seconds from
the start of the window; then one byte with the code of the FBType of each busy and each base span.

Busy spans are sorted and disjoint, so their numbers never decrease. So a binary search finds the
spans that touch a window, and only these are decoded. Bytes with unsorted spans, which nothing here
writes, give a wrong FreeBusy and raise nothing.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import chain, repeat
from operator import sub

from extcal.arguments import safe_repr
from extcal.intervals import FBType, FreeBusy
from extcal.intervals.instants import FIRST, LAST, spoken
from extcal.intervals.merge import clipped, in_columns
from extcal.intervals.overlay import Span
from extcal.intervals.types import code_of
from extcal.values import dataclass, field

__all__ = ["BusyTime"]

_HEAD = struct.Struct("!2q3I")
_SPAN = 8  # bytes of one span's two numbers
_CODES = bytes(map(code_of, FBType))
_AT_ONCE = 4_096  # spans that are packed in one call: more would keep other threads waiting
_MUCH = 4  # if more than a quarter of the spans is asked for, all are decoded and kept


@safe_repr
@dataclass(frozen=True, slots=True, repr=False)
class BusyTime:
    """Free/busy time over one window, and the part of it that no listed event accounts for.

    Made by :meth:`of` and :meth:`read`; ``packed`` is the layout above. Two values are equal if
    their bytes are.
    """

    packed: bytes
    _free_busy: FreeBusy | None = field(default=None, init=False, compare=False)

    @classmethod
    def of(cls, free_busy: FreeBusy, base: FreeBusy | None = None) -> BusyTime:
        """``free_busy``, and the part of it, ``base``, that no listed event accounts for."""
        lo, hi = free_busy.window_epochs
        busy, unknown = free_busy.epoch_columns, in_columns(free_busy.unknown_epochs)
        rest = ((), (), b"") if base is None else base.epoch_columns
        numbers = array("I")
        for starts, ends in (busy[:2], unknown, rest[:2]):
            for at in range(0, len(starts), _AT_ONCE):
                part = slice(at, at + _AT_ONCE)
                edges = chain.from_iterable(zip(starts[part], ends[part], strict=True))
                numbers.extend(map(sub, edges, repeat(lo)))
        head = _HEAD.pack(lo, hi, len(busy[2]), len(unknown[0]), len(rest[2]))
        made = cls(b"".join((head, _swapped(numbers), busy[2], rest[2])))
        object.__setattr__(made, "_free_busy", free_busy)
        return made

    @classmethod
    def read(cls, packed: bytes) -> BusyTime:
        """What :meth:`of` packed. Raises ValueError if the bytes do not have the layout."""
        if len(packed) < _HEAD.size:
            raise ValueError("busy time is cut short")
        lo, hi, busy, unknown, base = _HEAD.unpack_from(packed)
        codes = _HEAD.size + _SPAN * (busy + unknown + base)
        if len(packed) != codes + busy + base:
            raise ValueError("busy time has another length")
        if not FIRST <= lo < hi <= LAST or packed[codes:].translate(None, _CODES):
            raise ValueError("busy time holds what no calendar does")
        return cls(packed)

    @property
    def window_epochs(self) -> tuple[int, int]:
        """The window in epoch seconds."""
        lo, hi, *_ = _HEAD.unpack_from(self.packed)
        return lo, hi

    @property
    def free_busy(self) -> FreeBusy:
        """All of it; made when first asked for, and kept."""
        if self._free_busy is None:
            lo, hi, busy, _, _ = _HEAD.unpack_from(self.packed)
            # The spans were stored sorted and disjoint, so from_columns has nothing to merge.
            typed = *self._edges(0, busy), self._codes(0, busy)
            made = FreeBusy.from_columns(lo, hi, *typed, self._unknown())
            object.__setattr__(self, "_free_busy", made)
            return made
        return self._free_busy

    @property
    def base(self) -> tuple[Span, ...]:
        """The busy time that no listed event accounts for."""
        _, _, busy, unknown, base = _HEAD.unpack_from(self.packed)
        starts, ends = self._edges(busy + unknown, busy + unknown + base)
        return tuple(zip(starts, ends, self._codes(busy, busy + base), strict=True))

    def clip_epochs(self, lo: int, hi: int) -> FreeBusy:
        """The part within ``[lo, hi)`` (epoch seconds), as :meth:`FreeBusy.clip_epochs` gives it.

        Raises ValueError if the window does not reach into ``[lo, hi)`` at all.
        """
        if self._free_busy is not None:
            return self._free_busy.clip_epochs(lo, hi)
        first, last, busy, _, _ = _HEAD.unpack_from(self.packed)
        if hi <= first or last <= lo:
            raise ValueError(f"{spoken(lo, hi)} does not overlap the window, {spoken(first, last)}")
        lo, hi = max(lo, first), min(hi, last)
        offsets = self._offsets(0, busy)
        # Starts and ends alternate, so half of the numbers up to lo is how many spans ended by lo.
        begin = bisect_right(offsets, lo - first) // 2
        stop = (bisect_left(offsets, hi - first) + 1) // 2
        if _MUCH * (stop - begin) > busy:
            return self.free_busy.clip_epochs(lo, hi)  # decodes all, and keeps it for later calls
        typed = *clipped(self._edges(begin, stop), lo, hi), self._codes(begin, stop)
        return FreeBusy.from_columns(lo, hi, *typed, self._unknown())

    def __reduce__(self) -> tuple[type[BusyTime], tuple[bytes]]:
        return BusyTime, (self.packed,)

    def __repr__(self) -> str:
        return f"<BusyTime {spoken(*self.window_epochs)}: {len(self.packed)} bytes>"

    # -- inside ---------------------------------------------------------------------------------

    def _offsets(self, first: int, last: int) -> array[int]:
        """Start, end, start, end of the spans ``first`` to ``last``, as they are stored."""
        return _swapped(self.packed[_HEAD.size + _SPAN * first : _HEAD.size + _SPAN * last])

    def _edges(self, first: int, last: int) -> tuple[list[int], list[int]]:
        numbers = [*map(self.window_epochs[0].__add__, self._offsets(first, last))]
        return numbers[::2], numbers[1::2]

    def _unknown(self) -> Iterable[tuple[int, int]]:
        _, _, busy, unknown, _ = _HEAD.unpack_from(self.packed)
        return zip(*self._edges(busy, busy + unknown), strict=True) if unknown else ()

    def _codes(self, first: int, last: int) -> bytes:
        """The codes ``first`` to ``last``; those of the base come after those of the busy spans."""
        _, _, busy, unknown, base = _HEAD.unpack_from(self.packed)
        begin = _HEAD.size + _SPAN * (busy + unknown + base)
        return self.packed[begin + first : begin + last]


def _swapped(numbers: bytes | Iterable[int]) -> array[int]:
    """Numbers as they are stored, or stored ones as numbers: there may be 800,000."""
    found = array("I", numbers)
    if sys.byteorder == "little":
        found.byteswap()
    return found
