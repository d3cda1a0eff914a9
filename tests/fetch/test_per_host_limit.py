"""So many at a time, and only so many of them for one host (security section 7)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extcal.fetch.http.per_host_limit import Turn, Turns

pytestmark = pytest.mark.core


class Line:
    """Turns, and who was admitted in which order."""

    def __init__(self, total: int, per_host: int) -> None:
        self.turns = Turns(total, per_host)
        self.admitted: list[str] = []

    def join(self, name: str) -> Turn:
        """The first letter of a name is its host."""
        return self.turns.join(name[0], lambda: self.admitted.append(name))


def test_the_first_come_are_served_at_once() -> None:
    line = Line(total=3, per_host=2)
    for name in ("a1", "a2", "a3", "b1", "c1"):
        line.join(name)
    assert line.admitted == ["a1", "a2", "b1"]


def test_whoever_leaves_makes_room_for_the_next() -> None:
    line = Line(total=3, per_host=2)
    a1, _a2, _a3, b1, _c1 = (line.join(name) for name in ("a1", "a2", "a3", "b1", "c1"))
    line.turns.leave(b1)
    assert line.admitted[3:] == ["c1"]
    line.turns.leave(a1)
    assert line.admitted[4:] == ["a3"]


def test_whoever_gives_up_is_passed_over() -> None:
    line = Line(total=1, per_host=1)
    a1, a2, _a3, b1 = (line.join(name) for name in ("a1", "a2", "a3", "b1"))
    line.turns.leave(a2)
    line.turns.leave(b1)
    line.turns.leave(a1)
    assert line.admitted == ["a1", "a3"]


def test_hosts_take_turns() -> None:
    """A provider with many feeds does not keep the others waiting behind all of them."""
    line = Line(total=1, per_host=1)
    turns = [line.join(name) for name in ("a1", "a2", "a3", "b1", "c1")]
    while turns:
        running = next(turn for turn in turns if turn.admitted)
        turns.remove(running)
        line.turns.leave(running)
    assert line.admitted == ["a1", "a2", "b1", "c1", "a3"]


@given(
    st.integers(1, 4),
    st.integers(1, 3),
    st.lists(st.sampled_from("abc") | st.integers(0, 9), max_size=60),
)
def test_never_too_many_and_never_a_free_place_beside_somebody_waiting(
    total: int, per_host: int, steps: list[str | int]
) -> None:
    turns = Turns(total, per_host)
    here: list[Turn] = []
    for step in steps:
        if isinstance(step, str):
            here.append(turns.join(step, lambda: None))
        elif here:
            turns.leave(here.pop(step % len(here)))
        running = Counter(turn.host for turn in here if turn.admitted)
        assert running.total() <= total
        assert all(count <= per_host for count in running.values())
        waiting = {turn.host for turn in here if not turn.admitted}
        if running.total() < total:
            assert all(running[host] == per_host for host in waiting)
    for turn in here:
        turns.leave(turn)
    assert turns.join("a", lambda: None).admitted


@pytest.mark.parametrize("count", [0, -1])
def test_a_fetcher_needs_at_least_one(count: int) -> None:
    from extcal.fetch import HttpFetcher

    for name in ("max_fetches", "max_fetches_per_host"):
        with pytest.raises(ValueError, match=name):
            HttpFetcher(**{name: count})  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=name):
            HttpFetcher(**{name: True})
        with pytest.raises(TypeError, match=name):
            HttpFetcher(**{name: "4"})  # type: ignore[arg-type]
