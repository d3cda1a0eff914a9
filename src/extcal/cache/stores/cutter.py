"""Calls that something can end from outside, as closing a connection ends what reads from it.

Such a call is made by the caller itself. One more thread looks at all of them, and ends those that
take too long.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, sleep
from typing import TypeVar

from extcal.cache.stores.memory import ForkSafeLock
from extcal.cache.stores.watch import Late
from extcal.values import NamedTuple

__all__ = ["Cutter"]

_T = TypeVar("_T")


class _Running(NamedTuple):
    until: float
    cut: Callable[[], object]


class Cutter:
    """Calls functions that can be ended from outside, and ends them after ``seconds``.

    Its thread ends if nothing was called for so long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = ForkSafeLock()
        self._start()

    def _start(self) -> None:
        self._running: dict[object, _Running] = {}
        self._used = self._awake = False
        self._process = os.getpid()

    def call(self, act: Callable[[], _T], cut: Callable[[], object]) -> _T:
        """What ``act`` returns or raises. After ``seconds`` ``cut`` is called, and Late raised.

        If the system allows no thread for that, ``act`` has to come to an end by itself.
        """
        if self._process != os.getpid():
            self._start()  # a forked process has none of its parent's threads
        key = object()
        self._running[key] = _Running(monotonic() + self._seconds, cut)
        self._used = True
        if not self._awake:  # after the call is on the list: see _work
            self._wake()
        try:
            found = act()
        except BaseException as error:
            if self._running.pop(key, None) is None and isinstance(error, Exception):
                raise Late from None
            raise
        # Taken off the list by one of two threads: the other one knows that it came too late.
        if self._running.pop(key, None) is None:
            raise Late
        return found

    def _wake(self) -> None:
        with self._lock:
            if self._awake:
                return
            self._awake = True
        try:
            threading.Thread(target=self._work, name="extcal-store", daemon=True).start()
        except (MemoryError, RuntimeError):
            self._awake = False

    def _work(self) -> None:
        while True:
            # Later calls end after the oldest one, so that they can wait until it is looked at.
            oldest = min([each.until for each in self._running.copy().values()], default=None)
            sleep(self._seconds if oldest is None else max(oldest - monotonic(), 0.0))
            now = monotonic()
            for key, each in self._running.copy().items():
                if each.until <= now and self._running.pop(key, None) is not None:
                    with suppress(Exception):
                        each.cut()
            if not self._used and not self._running:
                self._awake = False
                # A call that came in between saw that this thread was awake.
                if not self._running:
                    return
                with self._lock:
                    if self._awake:
                        return  # it has a new one
                    self._awake = True
            self._used = False
