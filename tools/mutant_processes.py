"""Each mutant of :mod:`mutants` in a process of its own: how it is started, bounded and ended."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

KILLED = 77  # what a child ends with when a test has failed
HANGS = 20  # seconds without any work after which a mutant is stuck
MEMORY = 3 << 30


def run_apart(do: Callable[[Callable[[str], None]], None]) -> int:
    """Start ``do`` in a child; it gets what notes the test that runs. Returns the child's id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        place = scratch(os.getpid())
        shutil.rmtree(place, ignore_errors=True)  # of a process of this number, long ago
        place.mkdir()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        do(lambda test: (place / "test").write_text(test, "utf-8"))
        status = 0
    except BaseException:
        traceback.print_exc()  # a fault of this tool kills no mutant
    finally:
        os._exit(status)


def scratch(pid: int) -> Path:
    return Path(tempfile.gettempdir(), f"extcal-mutant-{pid}")


def clear_up(pid: int) -> None:
    """End what the tests of a child that has ended have started, such as servers."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    shutil.rmtree(scratch(pid), ignore_errors=True)


class Children:
    """At most ``jobs`` children; tells of each that ended whether it lives.

    A mutant is killed by a test that fails, by a signal, or because it hangs. One that ends in any
    other way says nothing, and is asked again in the next run.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._running: dict[int, tuple[Callable[[str], None], list[object]]] = {}

    def start(self, do: Callable[..., None], then: Callable[[str], None]) -> None:
        self.wait(self._jobs - 1)
        self._running[run_apart(do)] = (then, [None, time.monotonic()])

    def wait(self, most: int = 0) -> None:
        """Until at most so many run."""
        while len(self._running) > most:
            for pid in list(self._running):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended or self._hangs(pid):
                    self._end(pid, status if ended else KILLED << 8)
            time.sleep(0.01)

    def _hangs(self, pid: int) -> bool:
        seen = self._running[pid][1]
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        worked = None if fields[0] == "R" else fields[11:15]
        if worked is None or worked != seen[0]:
            seen[:] = worked, time.monotonic()
        return time.monotonic() - seen[1] > HANGS

    def _end(self, pid: int, status: int) -> None:
        then, _ = self._running.pop(pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)  # what its tests have started, too
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
        note = scratch(pid) / "test"
        test = note.read_text("utf-8") if note.exists() else "loading"
        shutil.rmtree(scratch(pid), ignore_errors=True)
        if status == 0 or os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == KILLED:
            then("" if status == 0 else test)
        else:
            print(f"  not asked: process {pid} ended with {status}", flush=True)


def at_most(seconds: float) -> None:
    """End this process when it works for longer than so many seconds from now.

    Only the soft limit is set: the hard one could not be raised again for a test that may take
    longer, and the error would look like a mutant killed.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
