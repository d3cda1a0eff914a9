"""The test of the harnesses: faults that this project once had, put back one at a time.

    python tests/fuzz/faults.py [--seconds 600] [--fresh] [--jobs 2] [WORD ...]     CPU seconds

Each file of ``faults/`` says what the fault was, which harness has to find it, and what is to be
replaced in today's source. The fault is put into a copy of the source, and that is fuzzed until the
first finding. The exit status is 1 if fewer than nine of ten are found in the time given.

``--fresh`` asks for more: seeds that find the fault as they are, such as an input that was kept
when it was mended, are left out, and it has to be found by mutations of the others.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1] / "src"
FAULTS = sorted((HERE / "faults").glob("*.txt"))
_SHARE = 0.9


class Fault(NamedTuple):
    """``changes``: the file, the text that is there today, and the text with the fault."""

    name: str
    what: str
    harness: str
    changes: list[tuple[str, str, str]]


def read_fault(path: Path) -> Fault:
    """Read a file of ``faults/``: what it was, ``harness:``, and changes between marks."""
    text = path.read_text("utf-8")
    head, *blocks = text.split("\n<<<<<<< ")
    what, _, harness = head.rpartition("harness: ")
    changes = []
    for block in blocks:
        file, _, rest = block.partition("\n")
        old, _, rest = rest.partition("\n=======\n")
        changes.append((file.strip(), old, rest.partition("\n>>>>>>>")[0]))
    return Fault(path.stem, what.strip(), harness.strip(), changes)


def applied(fault: Fault) -> dict[str, str]:
    """The changed files of the source, as text. Each old text stands there once."""
    found: dict[str, str] = {}
    for file, old, new in fault.changes:
        text = found.get(file) or (SOURCE / file).read_text("utf-8")
        assert text.count(old) == 1, f"{fault.name}: {text.count(old)} times in {file}: {old!r}"
        found[file] = text.replace(old, new)
    assert found, f"{fault.name} changes nothing"
    return found


def seconds_to_find(
    fault: Fault, seconds: float, seed: int, fresh: bool
) -> tuple[float | None, str]:
    """How long it took to find the fault, None if it was not found; and what was said of it."""
    with tempfile.TemporaryDirectory(prefix="extcal-fault-") as folder:
        shutil.copytree(SOURCE / "extcal", Path(folder, "extcal"))
        for file, text in applied(fault).items():
            Path(folder, file).write_text(text, "utf-8")
        command = [sys.executable, str(HERE / "fuzz.py"), "first", fault.harness]
        command += [f"--seconds={seconds}", f"--seed={seed}", "--plain"]
        command += ["--fresh"] if fresh else []
        environment = os.environ | {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        began = time.monotonic()
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        spent = time.monotonic() - began
    said = (ran.stdout + ran.stderr).strip().splitlines()
    return (spent if ran.returncode == 1 else None), said[-1] if said else ""


def main() -> int:
    """Print for each fault whether and when it was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_intermixed_args()
    faults = [
        read_fault(path)
        for path in FAULTS
        if not options.words or any(word in path.stem for word in options.words)
    ]

    def tried(fault: Fault) -> bool:
        spent, said = seconds_to_find(fault, options.seconds, options.seed, options.fresh)
        when = "not found" if spent is None else f"{spent:7.1f} s"
        print(f"{fault.name:32} {fault.harness:8} {when}  {said[:150]}", flush=True)
        return spent is not None

    with ThreadPoolExecutor(options.jobs) as pool:
        found = sum(pool.map(tried, faults))
    print(f"{found} of {len(faults)} found")
    return found < _SHARE * len(faults)


if __name__ == "__main__":
    sys.exit(main())
