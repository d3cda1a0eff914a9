"""``make demo`` and ``make test`` find a Python that will do, whatever else is installed.

The interpreters here are pretended: small scripts that answer what ``tools/venv.sh`` asks and
write down what they are told to install.
"""

from __future__ import annotations

import os
import runpy
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ("cat", "grep", "sed", "cksum", "rm", "mkdir", "cp", "chmod")
SHELL = shutil.which("sh")

pytestmark = pytest.mark.skipif(
    SHELL is None or not all(shutil.which(tool) for tool in TOOLS),
    reason="the two commands need a POSIX shell",
)

# Asked with -c: too old an interpreter fails at the version, one without venv at the import.
PRETENDED = """#!/bin/sh
case "$1 $2" in
  "-c import sys"*) exit {too_old} ;;
  "-c import ensurepip"*) exit {no_venv} ;;
  "-c import pip"*) exit 0 ;;
  "-S -c") exit 0 ;;
  "--version "*) echo "Python {version}" ;;
  "-m venv")
    rm -rf "$4"; mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; echo "venv {version}" >>"$LOG" ;;
  "-m pip")
    shift 2
    case "$*" in
      "install --help") echo "{options}"; exit 0 ;;
      *"pip>="*) sed -i 's/{options}/--group/' "$0" ;;
    esac
    echo "pip $*" >>"$LOG"
    echo "Collecting httpcore2<3,>=2.16 (from extcal==0.1.0)"; echo "Collecting rich>=13.9"
    if [ -n "${{FAILS:-}}" ]; then echo "ERROR: $FAILS" >&2; exit 1; fi
    echo "Installing collected packages: rich, httpcore2" ;;
  *) exit 64 ;;
esac
"""


class Machine:
    """A project directory, a PATH with pretended interpreters, and a log of what they did."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.project = where / "project with a space"
        self.tools = where / "tools"
        self.log = where / "log"
        self.path: list[Path] = []
        self.project.mkdir()
        self.tools.mkdir()
        (self.project / "pyproject.toml").write_text("[project]\n", "utf-8")
        for tool in TOOLS:
            (self.tools / tool).symlink_to(str(shutil.which(tool)))

    def python(
        self, name: str, version: str, *, no_venv: bool = False, old_pip: bool = False
    ) -> Path:
        """Put an interpreter into a directory of its own at the end of PATH."""
        directory = self.where / f"bin{len(self.path)}"
        directory.mkdir()
        file = directory / name
        too_old = tuple(map(int, version.split("."))) < (3, 11)
        script = PRETENDED.format(
            version=version,
            too_old=int(too_old),
            no_venv=int(no_venv),
            options="--user" if old_pip else "--group",
        )
        file.write_text(script, "utf-8")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        self.path.append(directory)
        return file

    def run(self, group: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(str(part) for part in [*self.path, self.tools])
        return subprocess.run(
            [str(SHELL), str(ROOT / "tools" / "venv.sh"), ".venv", *([group] if group else [])],
            cwd=self.project,
            env={"PATH": path, "HOME": str(self.where), "LOG": str(self.log), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def done(self) -> list[str]:
        return self.log.read_text("utf-8").splitlines() if self.log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_first_python_that_is_new_enough_is_taken(machine: Machine) -> None:
    """An old python3 in front, or one without venv, does not stand in the way of a good one."""
    machine.python("python3", "3.9.2")
    machine.python("python3", "3.12.0", no_venv=True)
    machine.python("python3.13", "3.13.1")
    result = machine.run()
    assert result.returncode == 0, result.stderr
    assert machine.done()[0] == "venv 3.13.1"
    assert machine.done()[1].endswith(" -e .")
    assert "Python 3.13.1" in result.stderr
    assert result.stdout == ""


def test_a_second_run_does_nothing_and_says_nothing(machine: Machine) -> None:
    machine.python("python3", "3.11.0")
    machine.run("test")
    first = machine.done()
    result = machine.run("test")
    assert (result.returncode, result.stderr, machine.done()) == (0, "", first)


def test_the_wait_for_an_installation_is_visible(machine: Machine) -> None:
    """What is made and installed, roughly how long it takes, and which package it is at."""
    machine.python("python3", "3.11.0")
    made, begun, collected, unpacked = machine.run("test").stderr.splitlines()
    assert made == "Making .venv with Python 3.11.0 ..."
    assert begun.startswith('Installing extcal and its "test" dependencies into .venv (')
    assert "a minute or two" in begun
    assert collected == " httpcore2 rich"
    assert unpacked == " unpacking them ..."
    assert "seconds" in machine.run().stderr


def test_an_installation_that_fails_says_why_and_is_tried_again(machine: Machine) -> None:
    machine.python("python3", "3.11.0")
    failed = machine.run("test", FAILS="no index")
    assert failed.returncode == 1
    assert failed.stderr.endswith("ERROR: no index\n")
    assert machine.run("test").returncode == 0
    assert [line.split()[-1] for line in machine.done()] == ["3.11.0", "test", "test"]


def test_another_group_or_another_pyproject_installs_again(machine: Machine) -> None:
    machine.python("python3", "3.11.0")
    machine.run()
    machine.run("test")
    assert [line.split()[-1] for line in machine.done()] == ["3.11.0", ".", "test"]
    (machine.project / "pyproject.toml").write_text("[project]\n# more\n", "utf-8")
    machine.run("test")
    assert [line.split()[-1] for line in machine.done()] == ["3.11.0", ".", "test", "test"]


def test_a_pip_that_knows_no_groups_is_renewed_first(machine: Machine) -> None:
    """PEP 735's groups came with pip 25.1; Python 3.11 and 3.12 bring an older one."""
    machine.python("python3", "3.11.0", old_pip=True)
    machine.run()
    machine.run("test")
    machine.run("dev")
    assert [line.split()[-1] for line in machine.done()] == [
        "3.11.0",
        ".",
        "pip>=25.1",
        "test",
        "dev",
    ]


def test_an_environment_whose_python_is_gone_is_made_anew(machine: Machine) -> None:
    machine.python("python3", "3.11.0")
    machine.run()
    python = machine.project / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    result = machine.run()
    assert result.returncode == 0, result.stderr
    assert machine.done().count("venv 3.11.0") == 2


def test_a_copied_project_makes_its_own_environment(machine: Machine) -> None:
    """An environment points at the place it was made in."""
    machine.python("python3", "3.11.0")
    machine.run()
    machine.project = machine.project.rename(machine.where / "elsewhere")
    machine.run()
    assert machine.done().count("venv 3.11.0") == 2


def test_the_user_may_choose(machine: Machine) -> None:
    machine.python("python3", "3.14.0")
    chosen = machine.python("mine", "3.11.9")
    machine.run(PYTHON=str(chosen))
    assert machine.done()[0] == "venv 3.11.9"


@pytest.mark.parametrize(
    ("interpreters", "environment", "words"),
    [
        ([("python3", "3.8.0", False)], {"PYTHON": "/nonexistent"}, "PYTHON=/nonexistent is not"),
        ([("python3", "3.12.0", True)], {}, "has no venv"),
    ],
)
def test_what_is_missing_is_said(
    machine: Machine,
    interpreters: list[tuple[str, str, bool]],
    environment: dict[str, str],
    words: str,
) -> None:
    for name, version, no_venv in interpreters:
        machine.python(name, version, no_venv=no_venv)
    result = machine.run(**environment)
    if words == "has no venv" and result.returncode == 0:
        pytest.skip("this machine has a Python where version managers keep theirs")
    assert result.returncode == 1
    assert words in result.stderr
    assert machine.done() == []


SUITE = """
import os
import pytest

def test_it_runs_beside_others():
    assert os.environ["PYTEST_XDIST_WORKER"]

@pytest.mark.serial
def test_it_runs_alone():
    assert "PYTEST_XDIST_WORKER" not in os.environ

@pytest.mark.skip(reason="no moon")
def test_at_night(): ...

@pytest.mark.serial
@pytest.mark.skip(reason="no moon")
def test_at_night_alone(): ...

@pytest.mark.skip(reason="no Redis; none at all")
def test_with_redis(): ...
"""


def test_the_last_line_says_what_was_skipped(tmp_path: Path) -> None:
    """Of both runs together: what can share the cores, then what runs one by one."""
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    tests = tmp_path / "tests"
    tests.mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", tests)
    (tests / "test_few.py").write_text(SUITE, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = serial\n", "utf-8")
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "tools" / "run_tests.py",
            "-n1",
            "-p",
            "no:cacheprovider",
            "-p",
            "xdist.plugin",
            "tests",
        ],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 2 skipped" in done.stdout
    assert "1 passed, 1 skipped" in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.endswith("; skipped: 2 (no moon); 1 (no Redis; none at all)")


@pytest.mark.parametrize("step", ["parallel", "core", None])
def test_a_worker_leaves_out_only_what_says_nothing(
    request: pytest.FixtureRequest, step: str | None
) -> None:
    """A setup or teardown that went well; never a failure, a skip, or a test's own outcome."""
    plugin: Any = request.config.pluginmanager.get_plugin(str(ROOT / "tests" / "conftest.py"))
    assert plugin is not None
    sent: list[tuple[str, str, str]] = []

    def sendevent(name: str, **said: Any) -> None:
        data = said.get("data", {})
        sent.append((name, data.get("when", ""), data.get("outcome", "")))

    worker = SimpleNamespace(sendevent=sendevent)
    config = SimpleNamespace(
        getoption=lambda name: step,
        option=SimpleNamespace(durations=None),
        pluginmanager=SimpleNamespace(get_plugins=lambda: [worker, object()]),
    )
    plugin.pytest_sessionstart(SimpleNamespace(config=config))
    said = [
        (name, when, outcome)
        for name in ("testreport", "collectreport")
        for when in ("setup", "call", "teardown")
        for outcome in ("passed", "failed", "skipped")
    ]
    said += [(name, "", "") for name in ("runtest_protocol_complete", "warning_recorded")]
    for name, when, outcome in said:
        worker.sendevent(name, data={"when": when, "outcome": outcome})
    worker.sendevent("logstart", nodeid="a", location=())
    left_out = {
        ("testreport", "setup", "passed"),
        ("testreport", "teardown", "passed"),
    }
    if step is None:
        assert sent == [*said, ("logstart", "", "")]
    else:
        assert sent == [each for each in said if each not in left_out]


@pytest.mark.parametrize(
    ("ended", "status"),
    [((0, 0), 0), ((0, 5), 0), ((5, 0), 0), ((5, 5), 5), ((1, 0), 1), ((5, 2), 2), ((1, 2), 1)],
)
def test_a_run_without_tests_is_no_failure_beside_one_with_some(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ended: Any, status: int
) -> None:
    """``make test ARGS=tests/draw`` has nothing that runs one by one."""
    run = runpy.run_path(str(ROOT / "tools" / "run_tests.py"))
    statuses = iter(ended)
    monkeypatch.setitem(run["main"].__globals__, "run", lambda *_: next(statuses))
    assert run["main"]([]) == status
    assert capsys.readouterr().out.endswith("skipped: nothing\n")


@pytest.mark.parametrize("room", ["fetch", "cache"])
def test_what_is_run_at_every_save_holds_something_of_each_room(room: str) -> None:
    """``make quick``: ical, intervals and quirks are folders of it; of these, files."""
    marked = [
        file.name
        for file in (ROOT / "tests" / room).rglob("test_*.py")
        if "pytestmark = pytest.mark.core" in file.read_text("utf-8")
    ]
    assert len(marked) > 5


def test_a_file_of_the_core_has_the_line_that_make_quick_looks_for() -> None:
    """A mark on one test, or in a list of marks, would be overlooked without a word."""
    line = "\npytestmark = pytest.mark.core\n"
    for file in (ROOT / "tests").rglob("test_*.py"):
        text = file.read_text("utf-8")
        assert line in text or "mark.core" not in text or file == Path(__file__), file
