"""An answer that one thread will give, and that others wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable

from extcal.values import Generic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _Answer = TypeVar("_Answer")

__all__ = ["Pending"]


class Pending(Generic["_Answer"]):
    """An answer, or an error, that is given once; whatever comes later is dropped.

    :class:`concurrent.futures.Future` would do. But its module imports ``logging``, and both take a
    tenth of the time until a new process has its first answer.
    """

    def __init__(self) -> None:
        self._given = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[object], object]] = []
        self._answer: _Answer | None = None
        self._error: BaseException | None = None

    def end(self, answer: _Answer | None, error: BaseException | None = None) -> None:
        """Give ``answer``, or ``error`` if that is not None, unless one was given before."""
        with self._lock:
            if self._given.is_set():
                return
            self._answer, self._error = answer, error
            self._given.set()
        for call in self._callbacks:
            call(self)

    def done(self) -> bool:
        """Whether there is an answer or an error."""
        return self._given.is_set()

    def wait(self, seconds: float) -> bool:
        """Whether there is one within ``seconds``."""
        return self._given.wait(seconds)

    def result(self, seconds: float) -> _Answer:
        """The answer, or raise the error. Raises TimeoutError if neither comes in ``seconds``."""
        if not self._given.wait(seconds):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        answer: _Answer = self._answer  # type: ignore[assignment]
        return answer

    def add_done_callback(self, call: Callable[[object], object]) -> None:
        """Let ``call`` be called once it is done, in the thread that ends it; or now."""
        with self._lock:
            if not self._given.is_set():
                self._callbacks.append(call)
                return
        call(self)
