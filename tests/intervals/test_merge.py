"""The merge against its slow twin: what holds of each second, counted one by one."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, combinations, pairwise, product
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.intervals import FBType, FreeBusy, merge
from extcal.intervals.merge import (
    Columns,
    Fixed,
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
    assert flatten({4: ([], []), 2: ([0], [10])}, 0, 10) == [(0, 10, 2)]  # nor hides the others


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
        ([(-1, 3, 3), (5, 7, 2)], False),
        ([(0, 5, 3), (6, 11, 2)], False),
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


def _seconds(spans: Columns) -> set[int]:
    return {each for start, end in zip(*spans, strict=True) for each in range(start, end)}


def _disjoint(instants: int) -> list[Fixed]:
    """All lists of up to two sorted, disjoint spans of so many instants; they may touch."""
    one = [((lo,), (hi,)) for lo, hi in combinations(range(instants), 2)]
    two = [((a, c), (b, d)) for a, b in combinations(range(instants), 2)
           for c, d in combinations(range(b, instants), 2)]  # fmt: skip
    return [((), ()), *one, *two]


def test_what_shares_time_with_a_part_counted_second_by_second() -> None:
    """Whole spans, whether there is one, and what is cut: in all parts of six seconds."""
    for spans in _disjoint(6):
        for lo, hi in combinations(range(6), 2):
            part = set(range(lo, hi))
            found = [
                (start, end) for start, end in zip(*spans, strict=True)
                if part & set(range(start, end))
            ]  # fmt: skip
            assert list(zip(*merge.overlapping(spans, lo, hi), strict=True)) == found
            assert merge.touches(spans, lo, hi) is bool(found)
            assert merge.greatest(((3, spans), (2, ((lo,), (hi,)))), lo, hi) == (3 if found else 2)
            assert merge.greatest(((3, spans),), lo, hi) == (3 if found else 0)


def test_what_two_columns_share_and_what_one_leaves_counted_second_by_second() -> None:
    """Of sorted, disjoint spans, with more spans in any order."""
    all_of = _disjoint(5)
    for one, other in product(all_of, all_of):
        assert _seconds(merge.intersection_of_columns(one, other)) == _seconds(one) & _seconds(
            other
        )
        left = merge.without(one, reversed(other[0]), reversed(other[1]), 0, 5)
        assert _seconds(left) == _seconds(one) - _seconds(other)
        for least in (1, 2, 3):
            often = {
                at for at in range(5)
                if (at in _seconds(one)) + (at in _seconds(other)) + (at in {1, 2}) >= least
            }  # fmt: skip
            found = merge.covered_by([one, other, ((1,), (3,))], least)
            assert _seconds(found) == often
            assert all(end < start for end, start in zip(found[1], found[0][1:], strict=False))

    for nothing in ([], [((), ())], [((), ())] * 2):
        assert merge.covered_by(nothing, 1) == ([], [])


def test_spans_of_one_type_that_touch_become_one_and_others_stay_apart() -> None:
    """Each code for itself; what touches nothing is not made anew."""
    apart = ((0, 4), (3, 6))
    assert merge.coalesced(((3, ((0, 3, 7), (3, 6, 9))), (2, apart))) == (
        (3, ((0, 7), (6, 9))),
        (2, apart),
    )
    assert merge.coalesced(((2, apart),))[0][1] is apart


@pytest.mark.parametrize(
    ("second", "codes", "end"),
    [
        (0, {3}, 2),
        (1, {3}, 2),
        (0, {2, 3}, 6),  # one type after the other, and back
        (2, {3}, 2),
        (2, {2}, 4),
        (3, {2, 3}, 6),
        (6, {2, 3}, 6),
        (7, {3}, 8),
        (9, {2, 3}, 9),
        (0, set(), 0),
        (-1, {2, 3}, -1),
    ],
)
def test_what_follows_each_other_ends_at(second: int, codes: set[int], end: int) -> None:
    """Busy 0 to 2, 4 to 6 and 7 to 8, tentative 2 to 4."""
    levels = ((3, ((0, 4, 7), (2, 6, 8))), (2, ((2,), (4,))))
    assert merge.end_of(levels, second, codes) == end


def test_a_part_shares_the_columns_of_the_whole_until_it_is_asked() -> None:
    """It is cut once, types that have nothing in it fall away, and the whole stays as it is."""
    whole = FreeBusy.from_epochs(0, 100, [(10, 30, 3), (50, 60, 2)], [(0, 5), (28, 70)])
    part = whole.clip_epochs(20, 40)
    assert part._columns == whole._columns
    assert part._levels == ((3, ((20,), (30,))),)
    assert part._unknown == ((28,), (40,))
    assert part._levels is part._levels
    assert part.epochs == ((20, 30, 3),)
    assert part.epochs is part.epochs
    assert part.unknown_epochs == ((28, 40),)
    assert part.window_epochs == (20, 40)
    assert whole.epochs == ((10, 30, 3), (50, 60, 2))


@pytest.mark.parametrize(
    ("codes", "unknown", "taken"),
    [
        ({3}, True, {20, 21, 28, 29}),
        ({3}, False, {20, 21}),
        ({2, 3}, False, {20, 21, 24}),
        (set(), True, {28, 29}),
        (set(), False, set()),
    ],
)
def test_what_is_taken_is_what_blocks_and_perhaps_what_is_unknown(
    codes: set[int], unknown: bool, taken: set[int]
) -> None:
    """Only what shares time with the part that is asked for."""
    value = FreeBusy.from_epochs(
        0, 100, [(20, 22, 3), (24, 25, 2), (40, 50, 3)], [(28, 30), (60, 70)]
    )
    found = value.taken(codes, 10, 40, unknown=unknown)
    assert set().union(*map(_seconds, found)) == taken
    both = set().union(*map(_seconds, value.taken(codes, 10, 40)))
    assert both == taken | {28, 29}


@pytest.mark.parametrize(
    ("lo", "hi", "known"),
    [
        (0, 40, True), (0, 41, False), (-1, 40, False), (50, 100, True), (50, 101, False),
        (49, 60, False), (10, 20, True), (39, 51, False), (0, 100, False),
    ],
)  # fmt: skip
def test_a_part_is_known_inside_the_window_and_beside_what_is_unknown(
    lo: int, hi: int, known: bool
) -> None:
    """To the second, on both sides."""
    assert FreeBusy.from_epochs(0, 100, [], [(40, 50)])._known(lo, hi) is known


def test_the_columns_of_several_stand_in_one() -> None:
    """By code, the starts with the starts and the ends with the ends."""
    first, second = ((3, ((0,), (2,))),), ((3, ((1,), (4,))), (2, ((7,), (8,))))
    assert merge.gathered([first, second]) == {3: ([0, 1], [2, 4]), 2: ([7], [8])}


KINDS = st.sampled_from([list, tuple, iter, partial(array, "q")])


@contextmanager
def merging(at_once: int) -> Iterator[None]:
    """Few numbers are taken at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge, "_AT_ONCE", at_once)
        patch.setattr(merge, "_SPARSE", 2)
        yield


@given(st.lists(st.integers(-5, 40), max_size=60), st.integers(1, 7), KINDS)
def test_many_numbers_are_sorted_as_few_are(
    numbers: list[int], at_once: int, kind: Callable[[list[int]], Iterable[int]]
) -> None:
    given_ = list(numbers)
    with merging(at_once):
        found = list(merge.ascending(kind(numbers)))
    assert found == sorted(given_)
    assert numbers == given_


@pytest.mark.parametrize("step", [1, 7, 2_999])
def test_no_part_in_which_numbers_are_sorted_is_long(step: int) -> None:
    """Not even if all numbers of the first slice are smaller than the others, as with step 1."""
    numbers = [number * step % 3_001 for number in range(3_000)]
    with merging(100):
        slices = merge._slices(numbers, 5_000)
        parts = list(merge._merged(slices))
    assert max(map(len, slices)) <= 100
    assert [*chain.from_iterable(parts)] == [*sorted(numbers), 5_000]
    assert max(map(len, parts)) <= 100 + 33**2


@given(SPANS, st.integers(1, 7), KINDS)
def test_the_gaps_between_many_spans_are_those_between_few(
    spans: list[tuple[int, int, int]],
    at_once: int,
    kind: Callable[[list[int]], Iterable[int]],
) -> None:
    starts, ends = [span[0] for span in spans], [span[1] for span in spans]
    few = merge.gaps(starts, ends, LO, HI)
    assert type(few[0]) is type(few[1]) is list
    with merging(at_once):
        begins, stops = merge.gaps(kind(starts), kind(ends), LO, HI)
    assert (list(begins), list(stops)) == few


def test_what_is_packed_stays_packed() -> None:
    """Lists share their numbers, so arrays beside them would be more."""
    values = (2, 0, 7), (3, 1, 9)
    for kind, spans in ((list, values), (array, tuple(map(merge.packed, values)))):
        assert {type(each) for each in merge._slices(spans[0])} == {kind}
        found = merge.gaps(*spans, 0, 10)
        assert [list(each) for each in found] == [[1, 3, 9], [2, 7, 10]]
        assert {type(each) for each in found} == {kind}
        assert [list(each) for each in spans] == [[2, 0, 7], [3, 1, 9]]


@given(SPANS, st.integers(1, 7))
def test_packed_columns_flatten_as_lists_do(
    spans: list[tuple[int, int, int]], at_once: int
) -> None:
    levels: Levels = {}
    columns(spans, levels)
    expected = strongest(levels, LO, HI)
    with merging(at_once):
        found = strongest(
            {c: tuple(map(merge.packed, level)) for c, level in levels.items()}, LO, HI
        )
    assert found == expected


def test_a_caller_may_give_numbers_of_any_size() -> None:
    """They fit into no array."""
    assert merge.gaps([-(10**30), 7], [3, 10**30], LO - 10, HI) == ([3], [7])


@given(SPANS)
def test_spans_are_merged_into_few_that_cover_the_same(spans: list[tuple[int, int, int]]) -> None:
    level = [span[0] for span in spans], [span[1] for span in spans]
    starts, ends = merge.merged(level, LO, HI)
    found = [(start, end, 1) for start, end in zip(starts, ends, strict=True)]
    assert by_the_second(found) == by_the_second([(*span[:2], 1) for span in spans])
    assert all(end < start for (_, end, _), (start, _, _) in pairwise(found))
    assert all(LO <= start < end <= HI for start, end, _ in found)


@given(SPANS, SPANS)
def test_what_is_busy_beyond_another_answer_counted_second_by_second(
    spans: list[tuple[int, int, int]], others: list[tuple[int, int, int]]
) -> None:
    """Where the first says a greater code than the second, and nothing is unknown."""
    first, second = (FreeBusy.from_epochs(LO, HI, each, [(LO, LO + 5)]) for each in (spans, others))
    beyond = first.beyond(second)
    pairs = zip(by_the_second(spans), by_the_second(others), strict=True)
    assert by_the_second(beyond.epochs) == [one if one > other else 0 for one, other in pairs]
    assert beyond == FreeBusy.from_epochs(LO, HI, beyond.epochs)


@given(SPANS, st.sampled_from([0, -1000, 10**9]))
def test_the_columns_of_all_types_are_the_periods(
    spans: list[tuple[int, int, int]], later: int
) -> None:
    """Before 1970, too."""
    moved = [(start + later, end + later, code) for start, end, code in spans]
    found = FreeBusy.from_epochs(LO + later, HI + later, moved)
    assert tuple(zip(*found.epoch_columns, strict=True)) == found.epochs
