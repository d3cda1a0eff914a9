"""The generators live beside the benchmark, as scripts that import each other by plain names."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="session")
def feeds() -> Iterator[ModuleType]:
    yield from _script("feeds")


@pytest.fixture(scope="session")
def hostile(feeds: ModuleType) -> Iterator[ModuleType]:
    yield from _script("hostile")


def _script(name: str) -> Iterator[ModuleType]:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))
