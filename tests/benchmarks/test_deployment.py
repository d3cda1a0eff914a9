"""The deployment of docs/scale.md: a scheduler, Dask workers, a web process, and a Redis server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.nightly
@pytest.mark.skipif(PROGRAM is None, reason="neither redis-server nor valkey-server is installed")
def test_every_step_ends_with_every_calendar_known() -> None:
    """Also with a worker that is killed, and a server that is stopped and comes back empty."""
    pytest.importorskip("distributed", reason="distributed is not installed (extra: dask)")
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "deployment.py", "--feeds", "40"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("| looks after that |")
