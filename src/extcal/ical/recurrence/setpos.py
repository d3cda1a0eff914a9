"""BYSETPOS (RFC 5545 section 3.3.10): which members of the sorted set of one period are meant."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["places"]


def places(size: int, positions: Sequence[int]) -> list[int]:
    """Return the indexes that positions name in a set of ``size``, sorted and distinct.

    Positions count 1, 2, ... from the beginning and -1, -2, ... from the end. A position beyond the
    set names nothing: ``places(3, (1, -1, 5)) == [0, 2]``.
    """
    found = {place - 1 if place > 0 else size + place for place in positions}
    return [index for index in sorted(found) if 0 <= index < size]
