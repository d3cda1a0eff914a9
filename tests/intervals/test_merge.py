"""The merge against its slow twin: what holds of each second, counted one by one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from extcal.intervals import FBType, FreeBusy
from extcal.intervals.merge import Levels, columns, flatten

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
