"""What a reading costs, counted: units of work, recurrence steps, calls, and bytes of memory.

No clock: the same bytes cost the same on every machine. What code in C does, such as a regular
expression, is not seen here; CPU seconds bound that.
"""

from __future__ import annotations

import importlib
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NamedTuple

from extcal import Limits, NotACalendar
from extcal.ical.budget import Work

__all__ = ["Cost", "cost_of", "peak_of"]

_ENTRANCE = importlib.import_module("extcal.ical.expand")


class Cost(NamedTuple):
    """Of one reading. ``units`` and ``steps`` as its Budget counted them; ``calls`` of functions,
    in Python and in C."""

    units: int
    steps: int
    calls: int


def cost_of(read: Callable[[], object]) -> Cost:
    """Count what ``read`` does; it reads one feed."""
    budgets: list[tuple[Work, int]] = []
    calls = 0

    def noted(limits: Limits | None = None, *, strict: bool = False) -> Work:
        made = Work(limits, strict=strict)
        budgets.append((made, made.left))
        return made

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        if event == "call":
            calls += 1
        elif event == "c_call":  # but not of what atheris puts into the code that it watches
            calls += not str(getattr(argument, "__module__", "")).startswith("atheris.")

    _ENTRANCE.Work = noted  # type: ignore[attr-defined]
    sys.setprofile(count)
    try:
        with suppress(NotACalendar):
            read()
    finally:
        sys.setprofile(None)
        _ENTRANCE.Work = Work  # type: ignore[attr-defined]
    units = sum(begun - made.left for made, begun in budgets)
    return Cost(units, sum(made.steps for made, _ in budgets), calls)


def peak_of(read: Callable[[], object]) -> int:
    """The bytes of memory that ``read`` holds at once."""
    tracemalloc.start()
    try:
        with suppress(NotACalendar):
            read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
