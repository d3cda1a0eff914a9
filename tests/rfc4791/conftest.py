"""The ``corridor`` fixture: small feeds, read."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

_HELPER = Path(__file__).parents[1] / "oracles" / "corridor.py"


@pytest.fixture(scope="session")
def corridor() -> Any:
    """See :class:`Corridor` in ``tests/oracles/corridor.py``."""
    spec = spec_from_file_location("corridor_helper", _HELPER)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Corridor()
