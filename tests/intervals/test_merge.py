"""The merge against its slow twin: what holds of each second, counted one by one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise, product
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.intervals import FBType, FreeBusy, merge
from extcal.intervals.merge import (
    Levels,
    clipped,
    columns,
    flatten,
    in_columns,
    intersection,
    strongest,
    typed,
    union,
)

LO, HI = 10, 60
SPANS = st.lists(
    st.tuples(st.integers(0, 70), st.integers(0, 20), st.integers(0, 4)).map(
        lambda drawn: (drawn[0], drawn[0] + drawn[1], drawn[2])
    ),
    max_size=12,
)


def by_the_second(spans: Sequence[tuple[int, int, int]]) -> list[int]:
    """The greatest code of each second of the window."""
    return [
        max((code for start, end, code in spans if start <= second < end), default=0)
        for second in range(LO, HI)
    ]


@given(SPANS)
def test_the_greatest_code_wins_each_second(spans: list[tuple[int, int, int]]) -> None:
    """Typed spans flatten to what the greatest of them says at every second."""
    levels: Levels = {}
    columns(spans, levels)
    flat = flatten(levels, LO, HI)
    assert by_the_second(flat) == by_the_second(spans)
    assert all(LO <= start < end <= HI and code for start, end, code in flat)
    for (_, end, code), (start, _, following) in pairwise(flat):
        assert end < start or (end == start and code != following)


@given(SPANS, SPANS)
def test_columns_in_any_order_say_the_same(
    spans: list[tuple[int, int, int]], unknown: list[tuple[int, int, int]]
) -> None:
    """The starts and the ends of a level may each be in an order of their own."""
    levels: Levels = {}
    columns(spans, levels)
    for starts, ends in levels.values():
        starts.reverse()
        ends.sort()
    gaps = [(start, end) for start, end, _ in unknown]
    assert FreeBusy.from_levels(LO, HI, levels, gaps) == FreeBusy.from_epochs(LO, HI, spans, gaps)


def test_codes_come_out_as_plain_integers() -> None:
    """What goes into stores and pickles is no enum, whatever came in."""
    levels = {FBType.BUSY: ([20], [30]), FBType.BUSY_TENTATIVE: ([25], [40])}
    made = FreeBusy.from_levels(LO, HI, levels)
    assert made.epochs == ((20, 30, 3), (30, 40, 2))
    assert {type(code) for _, _, code in made.epochs} == {int}


@pytest.mark.parametrize("empty", [[5], [5, 5], [3, 7], [0], [10]])
def test_empty_spans_cover_nothing_and_part_nothing(empty: list[int]) -> None:
    """A span of no length in the middle of free time leaves one busy span over it."""
    assert union(zip(empty, empty, strict=True), 0, 10) == []
    assert typed(empty, empty, [3] * len(empty), 0, 10) == ()
    assert flatten({2: ([0], [10]), 4: (empty, empty)}, 0, 10) == [(0, 10, 2)]
    assert flatten({4: (empty, empty)}, 0, 10) == []


def test_what_is_clipped_is_cut_to_the_second_at_both_ends() -> None:
    """All pairs of disjoint spans of twelve seconds, in all windows, counted second by second."""
    for first, second, third, fourth in combinations(range(0, 12, 2), 4):
        spans = [(first, second), (third, fourth)]
        for lo, hi in combinations(range(12), 2):
            found = list(zip(*clipped(in_columns(spans), lo, hi), strict=True))
            assert all(lo <= start < end <= hi for start, end in found)
            assert [at for start, end in found for at in range(start, end)] == [
                at for start, end in spans for at in range(start, end) if lo <= at < hi
            ]


def test_what_two_lists_share() -> None:
    """All pairs of spans of six seconds; lists of nothing share nothing."""
    for one, other in product(combinations(range(6), 2), repeat=2):
        both = max(one[0], other[0]), min(one[1], other[1])
        assert intersection([one], [other]) == ([both] if both[0] < both[1] else [])
    assert intersection([], [(0, 6)]) == intersection([(0, 6)], []) == intersection([], []) == []


@pytest.mark.parametrize(
    ("busy", "sorted_before"),
    [
        ([], True),
        ([(0, 10, 3)], True),
        ([(0, 5, 3), (5, 10, 2)], True),
        ([(0, 4, 3), (5, 10, 3)], True),
        ([(0, 2, 3), (2, 4, 2), (4, 5, 3), (6, 7, 2), (7, 8, 4)], True),
        ([(0, 10, 0)], True),
        ([(0, 5, 3), (5, 10, 3)], True),  # become one
        ([(0, 1, 2), (1, 2, 3), (3, 4, 2), (4, 5, 2)], True),
        ([(-1, 10, 3)], False),
        ([(0, 11, 3)], False),
        ([(5, 5, 3)], False),
        ([(0, 5, 3), (4, 10, 2)], False),
        ([(0, 5, 3), (6, 8, 3), (7, 10, 2)], False),
        ([(5, 10, 3), (0, 5, 2)], False),
    ],
)
def test_what_was_sorted_before_is_only_split(
    busy: list[tuple[int, int, int]], sorted_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sorted, disjoint and inside: that is not merged, and its types say what a merge would."""
    levels: Levels = {}
    columns(busy, levels)
    merged = strongest(levels, 0, 10)
    called = Mock(wraps=strongest)
    monkeypatch.setattr(merge, "strongest", called)
    starts, ends, codes = [[span[part] for span in busy] for part in range(3)]
    assert typed(starts, ends, codes, 0, 10) == merged
    assert called.called is not sorted_before
