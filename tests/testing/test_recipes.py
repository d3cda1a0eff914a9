"""The recipes of docs/testing.md, run as a reader would: pasted into one test file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "testing.md"
PATIENT = """
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    database=None,
    max_examples=5,
)
settings.load_profile("ci")
"""
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.docs
def test_every_recipe_passes(pytester: pytest.Pytester) -> None:
    """With warnings as errors, and nothing but what is on the page."""
    text = PAGE.read_text("utf-8")
    recipes = BLOCK.findall(text)
    assert len(recipes) == text.count("\n## Recipe ") == 5
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = -p no:cacheprovider\n")
    pytester.makeconftest(PATIENT)
    pytester.makepyfile("\n".join(recipes))
    done = pytester.runpytest_subprocess()
    outcomes = done.parseoutcomes()
    assert set(outcomes) <= {"passed", "seconds"}, done.stdout.str()
    assert outcomes["passed"] == 17
