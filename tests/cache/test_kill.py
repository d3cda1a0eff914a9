"""A writer may be killed at any point: nothing acknowledged is lost, and nothing is locked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS = 100 if os.environ.get("EXTCAL_NIGHTLY") else 10  # `make kill` does 1,000
PROGRAM = Path(__file__).parent / "stores" / "kill.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_kill_9_at_every_write_point(store: str) -> None:
    """The last acknowledged snapshot or the next one is there, whole; the lease frees itself."""
    if store == "redis":
        pytest.importorskip("redis", reason="redis-py is not installed (the extra is called redis)")
        from shutil import which

        if not (which("redis-server") or which("valkey-server")):
            pytest.skip("neither redis-server nor valkey-server is installed")
    done = subprocess.run(
        [sys.executable, PROGRAM, "--store", store, "--rounds", str(ROUNDS)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["snapshots lost"] == 0
    killed = sum(count for name, count in figures.items() if name.startswith("killed"))
    assert killed > ROUNDS // 2
