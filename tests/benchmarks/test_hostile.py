"""Hostile feeds are read to an honest end: what is surely busy comes out busy or unknown."""

from __future__ import annotations

from types import ModuleType

import pytest

import extcal

# The numbers are checked against the list by the first test.
COUNT = 34


def test_there_are_hostile_feeds_to_read(hostile: ModuleType) -> None:
    names = [one.name for one in hostile.HOSTILE]
    assert len(names) == len(set(names)) == COUNT


@pytest.mark.parametrize("index", range(COUNT))
def test_what_is_surely_busy_never_looks_free(
    hostile: ModuleType, feeds: ModuleType, index: int
) -> None:
    """Unknown is never free, and ``complete`` is False exactly when something is unknown."""
    one = hostile.HOSTILE[index]
    answer = extcal.expand(one.make(), feeds.START, feeds.END, timezone="UTC")
    taken = [(lo, hi) for lo, hi, _ in answer.free_busy.epochs]
    taken += answer.free_busy.unknown_epochs
    for lo, hi in one.truth:
        for start, end in sorted(taken):
            if start <= lo < end:
                lo = end
        assert lo >= hi, f"{one.name}: {lo} looks free"
    assert answer.complete == (not answer.free_busy.unknown), one.name
