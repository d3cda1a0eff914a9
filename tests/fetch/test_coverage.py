"""The policy and the decisions of a fetch have no line and no branch that no test walks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import extcal

HERE = Path(__file__).parent
ROOM = Path(extcal.__file__).parent / "fetch"
MODULES = "address/networks address/paste address/providers address/proxy address/url body feed"
MODULES += " http/deadline http/exchange http/per_host_limit http/pool"
MODULES += " policy protocol user_agents"
TESTS = "body cookies core credentials deadline drivers feed guard hostile odd_servers"
TESTS += " per_host_limit policy pool secrets user_agents user_input"


@pytest.mark.nightly
def test_every_line_and_every_branch(tmp_path: Path) -> None:
    """``make coverage`` says the same of the whole; generated examples are left out here."""
    pytest.importorskip("coverage")
    include = ",".join(str(ROOM / f"{name}.py") for name in MODULES.split())
    tests = [str(HERE / f"test_{name}.py") for name in TESTS.split()]
    environment = os.environ | {
        "COVERAGE_FILE": str(tmp_path / "coverage"),
        "COVERAGE_PROCESS_START": "",
    }
    coverage = [sys.executable, "-m", "coverage"]
    run = [*coverage, "run", "--branch", f"--include={include}", "-m", "pytest", "-q"]
    run += ["-p", "no:cacheprovider", "-m", "not hypothesis", *tests]
    done = subprocess.run(
        run, env=environment, cwd=HERE.parents[1], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3_000:]
    report = tmp_path / "report.json"
    subprocess.run(
        [*coverage, "json", "-q", "-o", str(report), f"--include={include}"],
        env=environment,
        cwd=HERE.parents[1],
        check=True,
        timeout=60,
    )
    files = json.loads(report.read_text("utf-8"))["files"]
    assert len(files) == len(MODULES.split())
    left = {
        Path(name).name: (file["missing_lines"], file["missing_branches"])
        for name, file in files.items()
        if file["missing_lines"] or file["missing_branches"]
    }
    assert left == {}
