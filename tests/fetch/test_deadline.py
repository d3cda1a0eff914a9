"""One deadline for a fetch: what is left of it, and how another thread ends it."""

from __future__ import annotations

import threading

import pytest

from extcal.fetch.http.deadline import Deadline, Stop, stoppable

pytestmark = pytest.mark.core


class Timer:
    """Monotonic seconds that only the test moves."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_what_is_left() -> None:
    timer = Timer()
    deadline = Deadline(10, timer)
    assert (deadline.now(), deadline.left(), deadline.rest()) == (100.0, 10.0, 10.0)
    assert (deadline.clamp(3), deadline.clamp(30)) == (3, 10.0)
    timer.at = 110.0
    assert deadline.rest() == 0.0
    with pytest.raises(Stop):
        deadline.left()


def test_whoever_asks_for_it_can_stop_the_fetches_of_its_context() -> None:
    deadlines: set[Deadline] = set()
    deadline = Deadline(10, Timer())
    with stoppable(deadlines), deadline.registered():
        assert deadlines == {deadline}
        event = threading.Event()
        event.set()
        assert deadline.wait(event)
        deadline.stop()
        assert not deadline.wait(event)
    assert not deadlines
    with deadline.registered():
        assert not deadlines
    with pytest.raises(Stop):
        deadline.left()


def test_work_on_a_body_holds_the_gate() -> None:
    gate = threading.Lock()
    deadline = Deadline(10, Timer())
    with deadline.working(gate):
        assert deadline.gate is gate
        assert gate.locked()
    assert deadline.gate is None
    assert not gate.locked()
