"""The simulation of a bad week leaves out only looks whose answer is known."""

from __future__ import annotations

from types import ModuleType

import pytest


@pytest.mark.parametrize("number", range(5))
def test_the_looks_between_refreshes_are_counted_as_the_rules_would(
    politeness: ModuleType, number: int
) -> None:
    """The same looks, ages, requests and waits, host by host, as if each look were decided."""
    quick = politeness.run(150, 2, number)
    assert quick == politeness.run(150, 2, number, every_look=True)
    assert quick.untold == 0.0
    assert 0 < quick.busiest <= 48 + politeness.RULES.early_requests
    assert sum(quick.looks) > sum(quick.requests) > 0
