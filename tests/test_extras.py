"""What is not installed is named with the extra that brings it, and only when it is needed.

Each case runs in a process of its own that cannot find the module, as if it were not installed.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

HIDE = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            return None
        return PathFinder.find_spec(name, path, target)

sys.meta_path[:] = [Without if each is PathFinder else each for each in sys.meta_path]
import extcal
try:
    {code}
except ImportError as error:
    print(type(error).__name__, error.name, error)
"""

CASES = [
    ("anyio", "async", "extcal.AsyncCalendarCache()"),
    ("anyio", "async", "extcal.AsyncHttpFetcher()"),
    (
        "babel",
        "locale",
        "extcal.FreeBusy.from_epochs(0, 86400).to_html('UTC', locale='de')",
    ),
    ("hypothesis", "testing", "import extcal.testing.strategies"),
    ("redis", "redis", "extcal.RedisStore('redis://127.0.0.1:1/0')"),
    ("tqdm", "progress", "extcal.CalendarCache().refresh_many([], progress=True)"),
]
# Found by those who bring them: pytest loads its plugin, Dask its executor.
NOT_ASKED_FOR = {"pytest"}
# The command line says it in its own way; TLS on Windows and macOS needs truststore; whoever
# imports extcal.contrib.django has a Django project.
ELSEWHERE = {"click", "cryptography", "django", "rich", "truststore", "tzlocal"}


def run(hidden: str, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(hidden={hidden}, code=code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("module", "extra", "code"), CASES)
def test_an_import_error_names_the_extra(module: str, extra: str, code: str) -> None:
    """And no more: no bare ModuleNotFoundError from somewhere inside."""
    done = run(module, code)
    assert done.stdout.startswith(f"ImportError {module} "), done.stderr
    assert f"pip install 'extcal[{extra}]'" in done.stdout
    assert any(each.startswith(module) for each in PROJECT["optional-dependencies"][extra])


@pytest.mark.parametrize("module", ["click", "rich"])
def test_the_command_line_says_it_without_a_traceback(module: str) -> None:
    """On standard error, and with an exit code."""
    done = run(module, "import extcal.cli; extcal.cli.main()")
    assert done.returncode == 1
    assert "pip install 'extcal[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


def imported() -> set[str]:
    """Every package that any module of extcal imports, wherever in it."""
    found = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").partition(".")[0])
    return found - sys.stdlib_module_names - {"extcal"}


def test_no_optional_import_is_without_its_case() -> None:
    """Whatever is imported is always installed, or one of the cases above."""
    always = {"dateutil", "h11", "icalendar", "tzdata"}
    assert imported() - always <= {case[0] for case in CASES} | NOT_ASKED_FOR | ELSEWHERE
