"""Calls that may take long or never end, and callers that wait for a bounded time only.

A call runs in a thread of its own. If it has not ended in time, its caller goes on without it, and
the thread stays behind with it: a daemon thread, so that a program can end. Threads are kept for
later calls for a while, because starting one takes longer than most calls.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias, TypeVar, cast

from extcal.cache.stores.memory import ForkSafeLock

__all__ = ["Late", "Watch"]

_T = TypeVar("_T")
_KEPT = 10.0  # seconds that a thread waits for another call
_MOST = 64  # threads; if so many are stuck, nobody waits for one more

_Reply: TypeAlias = "SimpleQueue[tuple[Any, BaseException | None]]"
_Inbox: TypeAlias = "SimpleQueue[tuple[Callable[[], object], _Reply]]"


class Late(OSError):
    """A store did not answer in time."""

    def __init__(self) -> None:
        super().__init__("the store did not answer in time")


class Watch:
    """Calls functions, and waits ``seconds`` for each of them at the most."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = ForkSafeLock()
        self._start()

    def _start(self) -> None:
        self._idle: list[_Inbox] = []
        self._threads = 0
        self._process = os.getpid()

    def call(self, act: Callable[[], _T], seconds: float | None = None) -> _T:
        """What ``act`` returns or raises. Raises Late if it takes longer than ``seconds``."""
        try:
            inbox = self._free()
        except RuntimeError:
            return act()  # there is no thread to be had
        if inbox is None:
            raise Late
        reply: _Reply = SimpleQueue()
        inbox.put((act, reply))
        try:
            found, error = reply.get(
                timeout=max(self._seconds if seconds is None else seconds, 0.0)
            )
        except Empty:
            found, error = None, Late()
        if error is not None:
            raise error
        return cast("_T", found)

    def _free(self) -> _Inbox | None:
        """The inbox of a thread that has nothing to do; None if too many threads are stuck."""
        with self._lock:
            if self._process != os.getpid():
                self._start()  # a forked process has none of its parent's threads
            if self._idle:
                return self._idle.pop()
            if self._threads >= _MOST:
                return None
            inbox: _Inbox = SimpleQueue()
            thread = threading.Thread(
                target=self._work, args=(inbox,), name="extcal-store", daemon=True
            )
            thread.start()
            self._threads += 1
            return inbox

    def _work(self, inbox: _Inbox) -> None:
        while True:
            try:
                act, reply = inbox.get(timeout=_KEPT)
            except Empty:
                with self._lock:
                    if inbox in self._idle:
                        self._idle.remove(inbox)
                        self._threads -= 1
                        return
                continue  # a call is about to come
            answer: tuple[Any, BaseException | None]
            try:
                answer = act(), None
            except BaseException as error:
                answer = None, error
            # First, so that the caller's next call finds this thread.
            with self._lock:
                self._idle.append(inbox)
            reply.put(answer)
            del act, reply, answer
