"""Calls that may take long or never end, and callers that wait for a bounded time only.

Any call can be made in a thread of its own. If it has not ended in time, its caller goes on without
it, and the thread stays behind with it: a daemon thread, so that a program can end. Threads are
kept for later calls for a while, because starting one takes longer than most calls.

A call that something can end from outside does not need a thread: see
:mod:`extcal.cache.stores.cutter`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue

from extcal.cache.stores.memory import ForkSafeLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias, TypeVar

    _T = TypeVar("_T")

__all__ = ["LONGEST", "Late", "Watch", "result_of"]

LONGEST = 86_400.0
"""Seconds: the longest wait for anything here. Python's own waits refuse those of centuries."""

_KEPT = 1.0  # seconds that a thread waits for another call
_MOST = 64  # threads; if so many are stuck, nobody waits for one more

_Answer: TypeAlias = "tuple[Any, BaseException | None]"
_Inbox: TypeAlias = "SimpleQueue[tuple[Callable[[], object], Callable[[_Answer], object]]]"


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
        reply: SimpleQueue[_Answer] = SimpleQueue()
        try:
            if not self.begin(act, reply.put):
                raise Late
        except (MemoryError, RuntimeError):
            return act()  # there is no thread to be had
        try:
            answer = reply.get(timeout=max(self._seconds if seconds is None else seconds, 0.0))
        except Empty:
            answer = None, Late()
        found: _T = result_of(answer)
        return found

    def begin(self, act: Callable[[], object], deliver: Callable[[_Answer], object]) -> bool:
        """Call ``act`` in a thread, and ``deliver`` there with its answer.

        False if so many threads are stuck that there is no other one for it. Raises RuntimeError
        if the system allows no more threads.
        """
        inbox = self._free()
        if inbox is not None:
            # As where it is called: a store of the application may want to know who asks.
            inbox.put((partial(copy_context().run, act), deliver))
        return inbox is not None

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
                act, deliver = inbox.get(timeout=_KEPT)
            except Empty:
                with self._lock:
                    if inbox in self._idle:
                        self._idle.remove(inbox)
                        self._threads -= 1
                        return
                continue  # a call is about to come
            answer: _Answer
            try:
                answer = act(), None
            except BaseException as error:
                answer = None, error
            # First, so that the caller's next call finds this thread.
            with self._lock:
                self._idle.append(inbox)
            deliver(answer)
            del act, deliver, answer


def result_of(answer: _Answer) -> Any:
    """What the call returned; raises what it raised."""
    found, error = answer
    if error is not None:
        raise error
    return found
