"""Runs the tests: most of them on all cores, then those that measure the process, one by one.

    python tools/run_tests.py [--quick] [ARGUMENTS OF PYTEST]

These are two runs of pytest, and both print a report; ``--quick`` is one run, of the most important
tests. The last line says how long they took, in seconds and in CPU seconds, and which tests were
skipped, and why.
``-n 0`` uses one core.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

CORES = os.cpu_count() or 1
# One more than there are cores: a test that waits for a deadline or a browser leaves its core idle.
# Those of the core do not wait. Each worker may start a browser and a Redis: more than eight need
# much memory and gain little.
WORKERS = {"parallel": min(CORES + 1, 8), "core": min(CORES, 8)}
TITLES = {
    "parallel": "on all cores",
    "serial": "one by one: what counts descriptors or threads, or forks",
    "core": "the core, on all cores",
}
NOTHING_TO_RUN = 5  # pytest's exit status where no test was collected


def run(step: str, arguments: list[str], skipped: Path) -> int:
    """One run of pytest; ``tests/conftest.py`` deselects the tests of the other step."""
    print(f"-- {TITLES[step]}", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", f"--step={step}", f"--skips-to={skipped}"]
    # The last -n counts: the caller may choose another number of workers; serial tests have none.
    if step == "serial":
        command += [*arguments, "-n", "0"]
    else:
        command += ["-n", str(WORKERS[step]), "--dist", "worksteal", *arguments]
    # Every process of the run would compile the tests again: two thirds of what collecting costs.
    environment = {key: os.environ[key] for key in os.environ if key != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(command, check=False, env=environment).returncode


def summary(skipped: Path, began: float) -> str:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    reasons = Counter(map(json.loads, skipped.read_text("utf-8").splitlines()))
    told = "; ".join(f"{count} ({reason})" for reason, count in reasons.most_common())
    return (
        f"-- {time.monotonic() - began:.0f} s, {used.ru_utime + used.ru_stime:.0f} CPU s;"
        f" skipped: {told or 'nothing'}"
    )


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    steps = ["parallel", "serial"]
    if arguments[:1] == ["--quick"]:
        steps = ["core"]
        del arguments[0]
    with tempfile.TemporaryDirectory(prefix="extcal-tests-") as folder:
        skipped = Path(folder, "skips")
        skipped.touch()
        ended = [run(step, arguments, skipped) for step in steps]
        print(summary(skipped, began), flush=True)
    failed = [status for status in ended if status not in (0, NOTHING_TO_RUN)]
    if failed:
        return failed[0]
    return min(ended)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
