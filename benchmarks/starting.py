"""What a new process costs until its first answer: many processes of each kind, interleaved."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from instructions import CACHEGRIND, refs

__all__ = ["BARE", "GET", "IMPORT", "READ", "STANDARD", "Start", "starts"]

BARE = "bare `python -c pass`"
STANDARD = "`import zoneinfo, datetime, re`"
IMPORT = "`import extcal`"
READ = "first `extcal.free_busy`, of `personal-300`"
GET = "first `CalendarCache.get` of it, through a FakeFetcher"


class Start(NamedTuple):
    """One kind of process, medians: seconds of CPU time until its answer and until its end, the
    most memory, instructions."""

    answer: float
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
        IMPORT: f"{standard}; import extcal",
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
    memory = {name: _memory(code) for name, code in codes.items()}  # and there is bytecode now
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in codes}
    for _ in range(rounds):
        for name, code in codes.items():
            taken[name].append(_cpu(code))
    return {
        name: Start(
            statistics.median(answer for answer, _ in runs),
            statistics.median(whole for _, whole in runs),
            memory[name],
            _count(codes[name], program) if program else None,
        )
        for name, runs in taken.items()
    }


def _environment() -> Mapping[str, str]:
    """Bytecode is kept, as it is where extcal is installed."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONHASHSEED": "0"}


def _cpu(code: str) -> tuple[float, float]:
    code += "\nimport time; print(time.process_time())"
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=_environment(), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as told:
        answer = told.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status  # it has been waited for
    if status:
        raise RuntimeError(f"failed: {code}")
    return float(answer), usage.ru_utime + usage.ru_stime


def _memory(code: str) -> int:
    """The most memory that the process had, in bytes; 0 if the system does not say.

    Not from ``getrusage``: its peak includes that of the process that started this one.
    """
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nprint(open('/proc/self/status').read())"],
        env=_environment(),
        capture_output=True,
        text=True,
    ).stdout
    found = re.search(r"VmHWM:\s*(\d+) kB", told)
    return int(found.group(1)) * 1024 if found else 0


def _count(code: str, program: str) -> int:
    ran = subprocess.run(
        [program, *CACHEGRIND, sys.executable, "-c", code],
        env=_environment(),
        capture_output=True,
        text=True,
    )
    return refs(ran.stderr)
