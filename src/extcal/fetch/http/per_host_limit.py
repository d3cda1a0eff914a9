"""Limits of the number of fetches at a time: of all, and of one host. Pure.

It counts and calls back. It waits for nothing and locks nothing, so that threads and tasks can both
use it. Hosts take turns, and within a host it is first come, first served. So a slow host delays
its own feeds and no others.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Turn", "Turns"]


class Turn:
    """One place in the queue; ``wake`` is called once, when it is admitted.

    ``process``: the process that it belongs to, if threads share turns.
    """

    __slots__ = ("admitted", "host", "over", "process", "wake")

    def __init__(self, host: str, wake: Callable[[], object]) -> None:
        self.host = host
        self.wake = wake
        self.admitted = False
        self.over = False
        self.process = 0


class Turns:
    """At most ``total`` turns at a time, and at most ``per_host`` for one host."""

    def __init__(self, total: int, per_host: int) -> None:
        self._total = total
        self._per_host = per_host
        self._running: dict[str, int] = {}
        # Dicts, because they keep order, and removing a member from the middle takes no time.
        self._waiting: dict[str, dict[Turn, None]] = {}

    def join(self, host: str, wake: Callable[[], object]) -> Turn:
        """Queue up; ``wake`` may be called before this returns."""
        turn = Turn(host, wake)
        self._waiting.setdefault(host, {})[turn] = None
        self._admit()
        return turn

    def leave(self, turn: Turn) -> None:
        """Free the place of ``turn``, admitted or not; a second call for it does nothing."""
        if turn.over:
            return
        turn.over = True
        if turn.admitted:
            self._running[turn.host] -= 1
            if not self._running[turn.host]:
                del self._running[turn.host]
        else:
            del self._waiting[turn.host][turn]
            if not self._waiting[turn.host]:
                del self._waiting[turn.host]
        self._admit()

    def _admit(self) -> None:
        """Admit in rounds: in each round every waiting host gets at most one turn."""
        admitted = True
        while admitted:
            ready = [host for host in self._waiting if self._room_for(host)]
            admitted = bool(ready)
            for host in ready:
                if self._room_for(host):
                    self._admit_first(host)

    def _room_for(self, host: str) -> bool:
        running = self._running
        return sum(running.values()) < self._total and running.get(host, 0) < self._per_host

    def _admit_first(self, host: str) -> None:
        queue = self._waiting.pop(host)
        turn = next(iter(queue))
        del queue[turn]
        if queue:
            # The host goes to the end of the queue of hosts.
            self._waiting[host] = queue
        turn.admitted = True
        self._running[host] = self._running.get(host, 0) + 1
        turn.wake()
