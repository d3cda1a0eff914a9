"""No fork while another thread imports a module for extcal.

A fork takes one thread along. If another one is importing a module at that moment, the module stays
locked in the child, because the lock of a module knows only the thread that holds it; the child's
first fetch then waits for ever. So a fork waits until that import has ended, which takes
milliseconds: the first fetch of a process imports h11, ssl and what reads time zones.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from functools import cache
from types import FrameType

__all__ = ["wait_for_imports"]

_LONGEST = 10.0  # seconds; an import that takes longer may itself wait for the thread that forks
_IMPORT = "<frozen importlib._bootstrap>"


@cache
def wait_for_imports() -> None:
    """From now on, let every fork of this process wait for such imports."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before)


def _importing() -> bool:
    """Whether a thread other than this one imports a module, on behalf of extcal."""
    own = threading.get_ident()
    return any(_imports(frame) for thread, frame in sys._current_frames().items() if thread != own)


def _imports(frame: FrameType | None) -> bool:
    found = False
    while frame is not None:
        found = found or frame.f_code.co_filename == _IMPORT
        if found and frame.f_globals.get("__name__", "").partition(".")[0] == "extcal":
            return True
        frame = frame.f_back
    return False


def _before() -> None:
    end = time.monotonic() + _LONGEST
    while _importing() and time.monotonic() < end:
        time.sleep(0.001)
