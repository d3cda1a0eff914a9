"""No full run of Python's garbage collector while a body is read.

A full run (of the oldest generation) stops every thread until it has looked at all objects of the
process. A body of 13 MB becomes a million objects for a second. Python would look at all of them
several times, up to 0.16 s each time, and find nothing, because they are no garbage. So full runs
are postponed until the body has been read. Young objects are collected as usual.
"""

from __future__ import annotations

import gc
import os

from extcal.cache.stores.memory import ForkSafeLock

__all__ = ["postponed"]

_NEVER = 1_000_000_000  # runs of the middle generation between two full runs


class _Postponing:
    """How many bodies are being read in this process, and the thresholds before."""

    def __init__(self) -> None:
        self.lock = ForkSafeLock()
        self.readers = 0
        self.before = gc.get_threshold()

    def __enter__(self) -> None:
        with self.lock:
            self.readers += 1
            if self.readers == 1:
                self.before = gc.get_threshold()
                gc.set_threshold(*self.before[:2], _NEVER)

    def __exit__(self, *error: object) -> None:
        with self.lock:
            self.readers -= 1
            # If the application has set other thresholds in the meantime, its own ones stay.
            if not self.readers and gc.get_threshold() == (*self.before[:2], _NEVER):
                gc.set_threshold(*self.before)

    def forked(self) -> None:
        """A child process has none of the threads that read."""
        if self.readers:
            self.readers = 1
            self.__exit__()


_STATE = _Postponing()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_STATE.forked)


def postponed() -> _Postponing:
    """For ``with``: full runs wait until the block ends; blocks of several threads may overlap."""
    return _STATE
