"""Calls from a thread to an event loop, asyncio's or trio's, without waiting for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from anyio import lowlevel

__all__ = ["Loop"]


class Loop:
    """The event loop that runs in this thread."""

    def __init__(self) -> None:
        self._native = _native_token()
        # asyncio and trio each have one call that any thread may make.
        self._wake: Callable[[Callable[[], object]], object] = (
            getattr(self._native, "call_soon_threadsafe", None) or self._native.run_sync_soon
        )
        self._inbox: deque[Callable[[], object]] = deque()
        self._awake = False

    def runs_here(self) -> bool:
        """Whether it is the loop that runs in this thread now."""
        return _native_token() is self._native

    def post(self, call: Callable[[], object]) -> bool:
        """From any thread: let the loop call ``call`` soon. False if the loop has ended."""
        self._inbox.append(call)
        if not self._awake:
            # Many calls wake the loop only once. The loop first resets this flag and then empties
            # the inbox, so that no call is lost.
            self._awake = True
            try:
                self._wake(self._empty)
            except RuntimeError:
                return False
        return True

    def _empty(self) -> None:
        self._awake = False
        while self._inbox:
            self._inbox.popleft()()


def _native_token() -> Any:
    token: Any = lowlevel.current_token()
    # Since 4.11 anyio wraps the loop's own token.
    return getattr(token, "native_token", token)
