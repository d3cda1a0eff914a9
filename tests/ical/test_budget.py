"""The record of one reading: what it may spend, what it tells, and what became unknown."""

from __future__ import annotations

import pytest

from extcal import LimitExceeded, Limits
from extcal.errors import Problem
from extcal.ical.budget import OutOfSteps, Work

EVERYTHING = (None, None)


def told(work: Work, raw: bytes = b"") -> list[tuple[str, str, int | None]]:
    return [(each.code, each.action, each.line) for each in work.report(raw)]


def work(**limits: int) -> Work:
    return Work(Limits(**limits))


def test_a_new_one_has_spent_nothing_and_knows_everything() -> None:
    """The limits are the usual ones; a limit raises nothing unless that was asked for."""
    new = Work()
    assert new.limits == Limits()
    assert (new.strict, new.exhausted, new.complete) == (False, False, True)
    assert (new.steps, new.left, new.unknown) == (0, Limits().max_work, [])
    assert new.report(b"") == ()


def test_the_last_step_is_allowed_and_the_next_is_not() -> None:
    """`max_steps` is how many may be made, one by one or many at a time."""
    budget = work(max_steps=5)
    assert [budget.step(), budget.step(3), budget.step(), budget.step()] == [
        True,
        True,
        True,
        False,
    ]
    assert budget.steps == 6
    assert work(max_steps=5).step(5)
    assert not work(max_steps=5).step(6)


def test_the_last_unit_of_work_is_allowed_and_the_next_is_not() -> None:
    """Then the whole window is unknown, and that is told once."""
    budget = work(max_work=5)
    assert budget.spend(5)
    assert (budget.left, budget.complete, budget.exhausted) == (0, True, False)
    assert [budget.spend(1), budget.spend(0), budget.spend(9)] == [False, False, False]
    assert (budget.complete, budget.exhausted, budget.unknown) == (False, True, [EVERYTHING])
    assert told(budget) == [("max_work", "unknown", None)]


def test_counters_add_up() -> None:
    """Each name by itself, one at a time unless it is said how many."""
    budget = work()
    assert [budget.count("a"), budget.count("a", 3), budget.count("b"), budget.count("a")] == [
        1, 4, 1, 5,
    ]  # fmt: skip


@pytest.mark.parametrize("strict", [False, True])
def test_a_limit_makes_unknown_what_follows(strict: bool) -> None:
    """From a time on or everywhere; under `strict` it is raised, and nothing is noted."""
    budget = Work(strict=strict)
    if strict:
        with pytest.raises(LimitExceeded, match="too many") as raised:
            budget.exceeded("max_dates", "too many")
        assert raised.value.kind == "max_dates"
        assert (budget.complete, budget.unknown, budget.report(b"")) == (True, [], ())
        return
    budget.exceeded("max_dates", "too many", unknown_from=17, offset=2, uid="u")
    budget.exceeded("max_steps", "more")
    assert (budget.complete, budget.unknown) == (False, [(17, None), EVERYTHING])
    assert budget.report(b"\n\n") == (
        Problem("max_steps", "more", None, None, "unknown"),
        Problem("max_dates", "too many", 3, "u", "unknown"),
    )


def test_a_cut_and_a_mistake_of_ours_leave_nothing_known() -> None:
    """Neither may look like free time, and neither is raised under `strict`."""
    budget = Work(strict=True)
    budget.cut("truncated", "cut", offset=1)
    assert (budget.complete, budget.unknown) == (False, [EVERYTHING])
    assert budget.report(b"\nb") == (Problem("truncated", "cut", 2, None, "unknown"),)
    budget = Work(strict=True)
    budget.internal_error(offset=1, uid="u")
    assert (budget.complete, budget.unknown) == (False, [EVERYTHING])
    assert [(each.line, each.uid) for each in budget.report(b"\nb")] == [(2, "u")]


def test_oddities_are_counted_beyond_their_limit_but_not_why_time_is_unknown() -> None:
    """The first reason of each kind is told, however many oddities came before it."""
    budget = work(max_problems=2)
    budget.problem("a", "one")
    assert not budget.has_told_all
    budget.problem("a", "two")
    assert budget.has_told_all
    budget.problem("b", "three")
    budget.problem("max_dates", "four", "unknown")
    budget.problem("max_dates", "five", "unknown")
    budget.problem("max_steps", "six", "unknown")
    budget.problem("max_steps", "seven", "noted")
    budget.uncounted(10)
    budget.uncounted(20)
    assert [code for code, _, _ in told(budget)] == [
        "a", "a", "max_dates", "max_steps", "max_problems",
    ]  # fmt: skip
    assert "33" in budget.report(b"")[-1].message


def test_a_reason_told_before_the_limit_is_not_told_again_after_it() -> None:
    """It is counted like any other oddity."""
    budget = work(max_problems=2)
    budget.problem("max_dates", "one", "unknown")
    budget.problem("max_dates", "two", "unknown")
    budget.problem("max_dates", "three", "unknown")
    assert [code for code, _, _ in told(budget)] == ["max_dates", "max_dates", "max_problems"]


def test_an_oddity_that_was_only_noted_before_is_told_when_it_makes_time_unknown() -> None:
    """A reason for unknown time is no repetition of a remark."""
    budget = work(max_problems=1)
    budget.problem("a", "text")
    budget.problem("a", "text", action="unknown")
    assert told(budget) == [("a", "noted", None), ("a", "unknown", None)]


def test_what_was_told_is_taken_back_but_not_why_time_is_unknown() -> None:
    """Only what came after the mark; each keeps its line."""
    budget = work()
    budget.problem("a", "before", offset=1)
    budget.problem("a2", "before", offset=1)
    mark = budget.mark()
    budget.problem("b", "after", offset=2)
    budget.exceeded("max_dates", "after", offset=3)
    budget.problem("c", "after", offset=4)
    budget.exceeded("max_steps", "after", offset=5)
    budget.untell(mark)
    assert told(budget, b"\n" * 9) == [
        ("a", "noted", 2),
        ("a2", "noted", 2), ("max_dates", "unknown", 4), ("max_steps", "unknown", 6),
    ]  # fmt: skip
    assert not budget.complete


def test_what_could_not_block_is_forgiven() -> None:
    """Time is known again since the mark, not before it; the problem stays and says so."""
    budget = work()
    mark = budget.mark()
    budget.problem("b", "noted")
    budget.exceeded("max_dates", "too many", unknown_from=5)
    budget.forgive(mark)
    assert (budget.complete, budget.unknown) == (True, [])
    harmless = "nothing that blocks is lost"
    assert told(budget) == [("b", "noted", None), ("max_dates", harmless, None)]

    budget.exceeded("max_steps", "first", unknown_from=6)
    budget.exceeded("max_dates", "second", unknown_from=7)
    budget.forgive(mark := budget.mark())
    assert (budget.complete, budget.unknown) == (False, [(6, None), (7, None)])
    budget.exceeded("max_overrides", "third", unknown_from=8)
    budget.forgive(mark)
    assert (budget.complete, budget.unknown) == (False, [(6, None), (7, None)])
    assert [action for _, action, _ in told(budget)] == [
        "noted", harmless, "unknown", "unknown", harmless,
    ]  # fmt: skip


def test_nothing_is_forgiven_once_reading_has_ended() -> None:
    """What was not read could block."""
    budget = work(max_work=0)
    mark = budget.mark()
    budget.spend(1)
    budget.forgive(mark)
    assert (budget.complete, budget.unknown) == (False, [EVERYTHING])
    assert told(budget) == [("max_work", "unknown", None)]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_problems_are_told_in_the_order_of_the_lines(newline: bytes) -> None:
    """By the byte they were met at, those of no place first; one line may have several."""
    raw = newline.join([b"first", b"second", b"third", b"fourth"])
    budget = work()
    budget.problem("d", "", offset=raw.index(b"fourth"))
    budget.problem("none", "")
    budget.problem("b", "", offset=raw.index(b"second"))
    budget.problem("b2", "", offset=raw.index(b"second"))
    budget.problem("b3", "", offset=raw.index(b"second") + 3)
    budget.problem("a", "", offset=0)
    assert [(code, line) for code, _, line in told(budget, raw)] == [
        ("none", None), ("a", 1), ("b", 2), ("b2", 2), ("b3", 2), ("d", 4),
    ]  # fmt: skip


def test_lines_are_counted_through_a_line_of_megabytes() -> None:
    """A stretch without any line end says nothing of the kind of the others."""
    raw = b"first\nsecond\r" + b"x" * 2_200_000 + b"\nthird"
    budget = work()
    budget.problem("a", "", offset=raw.index(b"x"))
    budget.problem("b", "", offset=raw.index(b"third"))
    assert [(code, line) for code, _, line in told(budget, raw)] == [("a", 2), ("b", 3)]


def test_steps_are_paid_from_the_same_budget_to_the_last_one() -> None:
    work = Work(Limits(max_steps=5))
    work.pay(3)
    assert work.step()
    work.pay(1)
    with pytest.raises(OutOfSteps):
        work.pay(1)
    assert not work.step(0)
