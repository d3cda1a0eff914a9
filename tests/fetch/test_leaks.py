"""Many fetches leave nothing behind; ``leak.py 10000`` says the same of ten thousand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.serial
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_hundreds_of_fetches_leave_nothing_behind() -> None:
    """Neither file descriptors nor threads, neither objects nor memory."""
    script = Path(__file__).with_name("leak.py")
    done = subprocess.run(
        [sys.executable, str(script), "320"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
