"""What Python needs where libfaketime moves the clock; ``.ci/run`` puts this folder on PYTHONPATH.

Since 3.11, ``time.sleep`` waits until an instant of the monotonic clock. libfaketime (0.9.10) moves
that instant even where it leaves the clock itself alone, and the system refuses it (EINVAL).
Waiting for an event that never comes takes another call of the system, which works.
"""

import threading
import time


def _sleep(seconds: float) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    threading.Event().wait(seconds)


time.sleep = _sleep
