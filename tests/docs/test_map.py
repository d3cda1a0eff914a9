"""CONTRIBUTING's "Where is what" and the picture of the house say what is true today."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "extcal"
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
_ROW = re.compile(r"^\| (?P<wish>[^|]+) \| `(?P<file>[\w/]+\.py)`: (?P<names>[^|]+) \|$", re.M)
ROWS = [(row["wish"], row["file"], row["names"]) for row in _ROW.finditer(TEXT)]


def defined(path: Path) -> Iterator[str]:
    """Functions, classes and names that a module binds, at any depth."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def test_thirty_things_are_found() -> None:
    assert len(ROWS) >= 30
    section = TEXT.partition("## Where is what")[2].partition("\n## ")[0]
    assert section.count("\n| ") - 1 == len(ROWS), "a row that cannot be read"


@pytest.mark.parametrize(("wish", "file", "names"), ROWS)
def test_a_thing_is_where_the_map_says(wish: str, file: str, names: str) -> None:
    found = set(defined(SOURCE / file))
    wanted = re.findall(r"`(\w+)`", names)
    assert wanted, wish
    assert set(wanted) <= found, wish


def test_the_picture_of_the_house_is_drawn_from_the_source() -> None:
    """Whoever adds a module or an import between folders runs ``make house``."""
    command = [sys.executable, str(ROOT / "tools" / "draw_house.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
