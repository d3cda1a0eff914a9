"""What a new process costs until its first answer: many processes of each kind, interleaved."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from instructions import CACHEGRIND, refs

__all__ = ["BARE", "GET", "READ", "STANDARD", "Start", "starts"]

BARE = "bare `python -c pass`"
STANDARD = "`import zoneinfo, datetime, re`"
READ = "first `extcal.free_busy`, of `personal-300`"
GET = "first `CalendarCache.get` of it, through a FakeFetcher"


class Start(NamedTuple):
    """One kind of process, medians: seconds of CPU time, the most memory, instructions."""

    cpu: float
    memory: int
    instructions: int | None


def _codes(feed: Path) -> dict[str, str]:
    standard = "import zoneinfo, datetime, re"
    window = "start = datetime.datetime(2027, 1, 4, tzinfo=datetime.UTC)"
    body = f"body = open({str(feed)!r}, 'rb').read()"
    return {
        BARE: "pass",
        STANDARD: standard,
        "`import extcal`": f"{standard}; import extcal",
        "`extcal.free_busy`, not called": f"{standard}; import extcal; extcal.free_busy",
        READ: (
            f"{standard}; import extcal; {window}; {body}; extcal.free_busy(body, start,"
            " start + datetime.timedelta(days=90), timezone='Europe/Berlin')"
        ),
        GET: (
            "import datetime, extcal; from extcal.testing import FakeFetcher, ManualClock;"
            f" {window}; {body}; url = 'https://calendar.example.com/a.ics';"
            " cache = extcal.CalendarCache(fetcher=FakeFetcher({url: body}),"
            " clock=ManualClock(start)); assert cache.get(extcal.Feed(url)).state == 'fresh'"
        ),
        "`import icalendar`": f"{standard}; import icalendar",
    }


def starts(feed: Path, rounds: int, program: str | None) -> dict[str, Start]:
    """Return what each kind of process costs; ``program`` is valgrind, or None."""
    codes = _codes(feed)
    taken: dict[str, list[tuple[float, int]]] = {name: [] for name in codes}
    for _ in range(rounds + 1):
        for name, code in codes.items():
            taken[name].append(_run(code))
    return {
        name: Start(
            statistics.median(cpu for cpu, _ in runs[1:]),  # the first one may have compiled
            min(memory for _, memory in runs[1:]),
            _count(codes[name], program) if program else None,
        )
        for name, runs in taken.items()
    }


def _environment() -> Mapping[str, str]:
    """Bytecode is kept, as it is where extcal is installed."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONHASHSEED": "0"}


def _run(code: str) -> tuple[float, int]:
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code], dict(_environment()))
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"failed: {code}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def _count(code: str, program: str) -> int:
    ran = subprocess.run(
        [program, *CACHEGRIND, sys.executable, "-c", code],
        env=_environment(),
        capture_output=True,
        text=True,
    )
    return refs(ran.stderr)
