"""The face is a sorted list and nothing else, and costs next to nothing to import."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import extcal

pytestmark = pytest.mark.core

HEAVY = ("anyio", "asyncio", "dateutil", "h11", "icalendar", "redis", "ssl")

ROOMS = (
    "extcal.cache",
    "extcal.draw",
    "extcal.errors",
    "extcal.fetch",
    "extcal.formats",
    "extcal.ical",
    "extcal.intervals",
    "extcal.limits",
    "extcal.policy",
    "extcal.testing",
)


def in_order(names: list[str]) -> list[str]:
    """Constants, then classes, then functions, each by the alphabet: the order that ruff keeps."""
    return sorted(set(names), key=lambda name: (not name.isupper(), name[0].islower(), name))


def test_the_list_is_sorted_and_without_repeats() -> None:
    assert extcal.__all__ == in_order(extcal.__all__)


@pytest.mark.parametrize("name", extcal.__all__)
def test_every_name_resolves_and_is_kept(name: str) -> None:
    """The second look finds the same object, without asking again."""
    assert getattr(extcal, name) is getattr(extcal, name)
    assert name in vars(extcal)


def test_a_star_import_brings_the_list_and_nothing_else() -> None:
    found: dict[str, object] = {}
    exec("from extcal import *", found)
    assert set(extcal.__all__) == set(found) - {"__builtins__"}


@pytest.mark.parametrize("package", ["extcal", *ROOMS])
def test_dir_names_everything(package: str) -> None:
    """In a fresh interpreter, where nothing was used yet: tools complete what ``dir`` names."""
    code = f"import {package} as it; print('__doc__' in dir(it), set(it.__all__) <= {{*dir(it)}})"
    assert _fresh(code).split() == ["True", "True"]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'no_such_thing'"):
        _ = extcal.no_such_thing  # type: ignore[attr-defined]


def test_importing_extcal_imports_nothing_heavy() -> None:
    """In a fresh interpreter, ``import extcal`` loads no parser, no HTTP, no TLS, no event loop."""
    code = "import sys, extcal; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = _fresh(code).split()
    assert "extcal" in loaded
    assert not set(loaded) & set(HEAVY)


def test_reading_a_feed_imports_no_http_and_no_parser() -> None:
    """``extcal.expand`` is ours: neither icalendar nor dateutil nor anything of HTTP is loaded."""
    code = (
        "import sys, extcal; from datetime import datetime, UTC;"
        "extcal.expand(b'BEGIN:VCALENDAR\\r\\nEND:VCALENDAR\\r\\n',"
        " datetime(2027, 1, 4, tzinfo=UTC), datetime(2027, 1, 5, tzinfo=UTC));"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    assert not set(_fresh(code).split()) & set(HEAVY)


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_a_sorted_face_that_resolves(room: str) -> None:
    module = importlib.import_module(room)
    assert list(module.__all__) == in_order(module.__all__)
    assert all(getattr(module, name) is not None for name in module.__all__)


def _fresh(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout
