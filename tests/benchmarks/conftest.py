"""The generators live beside the benchmark, as scripts that import each other by plain names."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="session")
def feeds() -> ModuleType:
    return _script("feeds")


@pytest.fixture(scope="session")
def hostile(feeds: ModuleType) -> ModuleType:
    return _script("hostile")


@pytest.fixture(scope="session")
def hostile_bodies(hostile: ModuleType) -> ModuleType:
    return _script("hostile_bodies")


@pytest.fixture(scope="session")
def politeness() -> ModuleType:
    return _script("politeness")


@pytest.fixture(scope="session")
def instructions() -> ModuleType:
    return _script("instructions")


def _script(name: str) -> ModuleType:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        return import_module(name)
    finally:
        sys.path.remove(str(BENCHMARKS))
