"""Instructions instead of seconds: they do not move when the machine's neighbours are busy.

Each contestant reads a feed once, and in another process twice, under cachegrind. The difference is
one reading, without the start of the process, its imports, and what is made only once.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from race import Case, request, say

__all__ = ["CACHEGRIND", "COUNTED", "count_all", "counted", "refs", "valgrind"]

COUNTED = ("extcal", "libical")
"""The contestants whose instructions are counted: the others would take hours."""
CACHEGRIND = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
_REFS = re.compile(r"I\s+refs:\s+([\d,]+)")


def valgrind() -> str | None:
    """Return the path of valgrind; it is installed from Debian's packages if that is allowed."""
    apt = shutil.which("apt-get")
    if not shutil.which("valgrind") and apt and hasattr(os, "geteuid") and os.geteuid() == 0:
        subprocess.run([apt, "install", "-qq", "-y", "valgrind"], capture_output=True)
    return shutil.which("valgrind")


def count_all(
    cases: Sequence[Case], known: Mapping[str, list[str]], limit: float, program: str
) -> None:
    """Count the instructions of one reading, for every case and contestant of :data:`COUNTED`."""
    for case in cases:
        for name in COUNTED:
            if name in known and name in case.contestants:
                say(f"{case.name}: instructions of {name}")
                case.instructions[name] = counted(known[name], case.path, limit, program)
    say("")


def counted(command: Sequence[str], feed: Path, limit: float, program: str) -> int | None:
    """Return the instructions of one reading of ``feed``; None if ``limit`` seconds are too few."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""}

    def told(by: Sequence[str], times: int) -> str:
        asked = request(feed, times=times) + "\n"
        ran = subprocess.run(
            by, input=asked, env=environment, capture_output=True, text=True, timeout=limit
        )
        return ran.stderr

    try:
        told(command, 1)  # from here on there is bytecode of all that it imports
        once, twice = (refs(told([program, *CACHEGRIND, *command], times)) for times in (1, 2))
    except subprocess.TimeoutExpired:
        return None
    return twice - once


def refs(told: str) -> int:
    """Return the number of instructions that cachegrind tells of.

    Raises ``ValueError`` if it tells of none.
    """
    found = _REFS.search(told)
    if found is None:
        raise ValueError(f"no instructions counted: {told[-500:]}")
    return int(found.group(1).replace(",", ""))
