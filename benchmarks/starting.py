"""The cost of imports: CPU seconds of many fresh processes, interleaved."""

from __future__ import annotations

import os
import statistics
import sys

__all__ = ["import_costs"]

BARE = "import zoneinfo, datetime, re"
STATEMENTS = {
    "import extcal": "import extcal",
    "extcal.free_busy": "import extcal; extcal.free_busy",
    "extcal.CalendarCache": "import extcal; extcal.CalendarCache",
    "icalendar": "import icalendar",
}


def import_costs(rounds: int) -> dict[str, float]:
    """Return how much more each statement costs than the bare imports, as medians."""
    taken: dict[str, list[float]] = {"": []}
    for _ in range(rounds):
        taken[""].append(_cpu_of(BARE))
        for name, statement in STATEMENTS.items():
            taken.setdefault(name, []).append(_cpu_of(f"{BARE}; {statement}"))
    bare = statistics.median(taken.pop(""))
    return {"": bare} | {name: statistics.median(all_) - bare for name, all_ in taken.items()}


def _cpu_of(code: str) -> float:
    command = [sys.executable, "-I", "-c", code]
    pid = os.posix_spawn(sys.executable, command, dict(os.environ))
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"failed: {code}")
    return usage.ru_utime + usage.ru_stime
