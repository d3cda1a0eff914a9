"""The guides are projects: their blocks are files, and the tests among them pass.

A block whose first line is a comment with a path is that file, or goes to its end; a block of
commands is run, but for what installs packages; other blocks are only shown. ``<!-- file: path``
comments are further files, which a reader has anyway. ``<!-- project: ... -->`` says how the tests
are run, ``<!-- needs: ... -->`` without which packages the page is skipped.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(
    r"^```(?:(?P<sh>sh)|python|html)\n(?P<code>.*?)^```$"
    r"|^<!-- file: (?P<hidden>\S+)\n(?P<more>.*?)^-->$",
    re.MULTILINE | re.DOTALL,
)
_TITLE = re.compile(r"(?:# |<!-- )(?P<path>[\w/]+\.\w+)(?P<end>: at the end)?(?: -->)?\n")
_PROJECT = re.compile(r"^<!-- project: (.+) -->$", re.MULTILINE)
_NEEDS = re.compile(r"^<!-- needs: (.+) -->$", re.MULTILINE)
PROJECTS = sorted(page for page in DOCS.rglob("*.md") if _PROJECT.search(page.read_text("utf-8")))


def follow(text: str, project: Path, run: Callable[[list[str]], object]) -> None:
    """What a reader of the page does, from top to bottom."""
    for match in _BLOCK.finditer(text):
        if match["sh"]:
            for command in match["code"].splitlines():
                if not command.startswith("pip install"):
                    run(shlex.split(command, comments=True))
            continue
        title = _TITLE.match(match["code"] or "")
        path = match["hidden"] or (title and title["path"])
        if path is None:
            continue
        file = project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a" if title and title["end"] else "w", encoding="utf-8") as written:
            written.write(match["more"] or match["code"])


def test_there_is_a_guide_for_each_framework() -> None:
    assert {page.stem for page in PROJECTS} == {"django", "fastapi", "flask"}


@pytest.mark.docs
@pytest.mark.parametrize("page", PROJECTS, ids=lambda page: page.stem)
def test_the_project_on_the_page_passes_its_tests(page: Path, tmp_path: Path) -> None:
    """Whoever copies every block of a guide has a host that works, and tests that say so."""
    text = page.read_text("utf-8")
    for name in _NEEDS.findall(text)[0].split():
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install 'extcal[docs]'")

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        """``python manage.py ...`` and ``django-admin ...``, as after ``pip install``."""
        program, *arguments = command
        if program == "django-admin":
            arguments = ["-m", "django", *arguments]
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path[1:]]),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    follow(text, tmp_path, run)
    done = run(["python", *_PROJECT.findall(text)[0].split()])
    said = done.stdout + done.stderr
    counted = re.search(r"Ran (\d+) tests|(\d+) passed", said)
    assert counted, said
    assert int(counted[1] or counted[2]) >= 5
