"""The guides are projects: their blocks are files, and the tests among them pass.

A block whose first line is a comment with a path is that file; ``<!-- file: path`` comments are
further ones, which a reader has anyway. ``<!-- project: ... -->`` says how the tests are run,
``<!-- needs: ... -->`` without which packages the page is skipped.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(r"^```(?:python|html)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"(?:# |<!-- )(?P<path>[\w/]+\.\w+)(?: -->)?\n")
_HIDDEN = re.compile(r"^<!-- file: (?P<path>\S+)\n(?P<code>.*?)^-->$", re.MULTILINE | re.DOTALL)
_PROJECT = re.compile(r"^<!-- project: (.+) -->$", re.MULTILINE)
_NEEDS = re.compile(r"^<!-- needs: (.+) -->$", re.MULTILINE)
PROJECTS = sorted(page for page in DOCS.rglob("*.md") if _PROJECT.search(page.read_text("utf-8")))


def files(text: str) -> Iterator[tuple[str, str]]:
    """The files on a page; a block without a path has no place in a project."""
    for match in _HIDDEN.finditer(text):
        yield match["path"], match["code"]
    for match in _BLOCK.finditer(text):
        title = _TITLE.match(match["code"])
        assert title, f"a block without a file: {match['code'][:60]!r}"
        yield title["path"], match["code"]


def test_there_is_a_guide_for_each_framework() -> None:
    assert {page.stem for page in PROJECTS} == {"django", "fastapi", "flask"}


@pytest.mark.parametrize("page", PROJECTS, ids=lambda page: page.stem)
def test_the_project_on_the_page_passes_its_tests(page: Path, tmp_path: Path) -> None:
    """Whoever copies every block of a guide has a host that works, and tests that say so."""
    text = page.read_text("utf-8")
    for name in _NEEDS.findall(text)[0].split():
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install 'extcal[docs]'")
    written: set[str] = set()
    for path, code in files(text):
        assert path not in written
        written.add(path)
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(code, "utf-8")
    command = _PROJECT.findall(text)[0].split()
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    counted = re.search(r"Ran (\d+) tests|(\d+) passed", said)
    assert counted, said
    assert int(counted[1] or counted[2]) >= 5
