"""Flights for threads: at most one per key, so many in the air at once, bounded waiting.

A flight is flown by a worker thread of its own, so that no caller who gives up takes the others
down with it. Workers are daemon threads, because a fetcher that hangs must not keep a program from
ending; they live while there is something to do.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable

from extcal.cache.freshness.decide import Raise
from extcal.cache.refresh.outcome import Refreshed
from extcal.cache.refresh.steps import Flight, Put, Wait, as_response
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.cache.stores.memory import ForkSafeLock
from extcal.fetch.protocol import FetchRequest

__all__ = ["Flights", "Promise", "Ticket", "drive"]


def drive(flight: Flight, fetch: Callable[[FetchRequest], object]) -> Refreshed:
    """Take the steps of ``flight``, one after the other, in this thread."""
    try:
        step = next(flight)
        while True:
            try:
                if isinstance(step, Put):
                    found: object = as_response(fetch(step.request))
                elif isinstance(step, Wait):
                    time.sleep(step.seconds)
                    found = None
                else:
                    found = step.call()
            except BaseException as error:
                # Into the flight, which gives its lease back and lets the error through.
                step = flight.throw(error)
            else:
                step = flight.send(found)
    except StopIteration as landed:
        done: Refreshed = landed.value
        return done


class Ticket:
    """One job, and everybody who waits for it."""

    __slots__ = ("answer", "done", "error", "job", "key")

    def __init__(self, key: str, job: Callable[[], Refreshed]) -> None:
        self.key = key
        self.job = job
        self.done = threading.Event()
        self.answer: Snapshot | Raise | None = None
        self.error: BaseException | None = None


class Promise:
    """An answer, or the flight that brings it and what to say if it is late."""

    __slots__ = ("_otherwise", "_ticket", "key")

    def __init__(self, key: str, otherwise: Snapshot | Raise, ticket: Ticket | None = None) -> None:
        self.key = key
        self._otherwise = otherwise
        self._ticket = ticket

    def finish(self, seconds: float, *, strict: bool = False) -> Snapshot | Raise:
        """Wait for the flight, but no longer than ``seconds``.

        ``strict``: an error of the store or the clock, which is neither the feed's nor ours to
        hide, is raised.
        """
        ticket = self._ticket
        if ticket is None or not ticket.done.wait(max(seconds, 0.0)):
            return self._otherwise
        if ticket.answer is not None:
            return ticket.answer
        if strict and ticket.error is not None:
            raise ticket.error
        return Raise("unavailable")


class Flights:
    """At most one flight per key, and ``most`` in the air at once.

    ``after``: called with what landed once those who waited have been told.
    """

    def __init__(self, most: int, after: Callable[[Refreshed], object]) -> None:
        self.most = most
        self._after = after
        self._starting = ForkSafeLock()
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._flying: dict[str, Ticket] = {}
        self._queue: deque[Ticket] = deque()
        self._workers = 0
        # Last: who reads it without a lock must find the rest in place.
        self._process = os.getpid()

    def __len__(self) -> int:
        return len(self._flying)

    def join(self, key: str, job: Callable[[], Refreshed]) -> Ticket:
        """The flight for ``key``: the one under way, or a new one that does ``job``."""
        if self._process != os.getpid():
            # After a fork the threads of the parent are not here, and its lock may be taken.
            with self._starting:
                if self._process != os.getpid():
                    self._start()
        with self._lock:
            ticket = self._flying.get(key)
            if ticket is not None:
                return ticket
            ticket = self._flying[key] = Ticket(key, job)
            self._queue.append(ticket)
            if self._workers < self.most:
                self._hire(ticket)
            return ticket

    def _hire(self, ticket: Ticket) -> None:
        worker = threading.Thread(target=self._work, name="extcal-fetch", daemon=True)
        self._workers += 1
        try:
            worker.start()
        except RuntimeError:
            self._workers -= 1
            if not self._workers:
                self._queue.remove(ticket)
                del self._flying[ticket.key]
                raise

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._workers -= 1
                    return
                ticket = self._queue.popleft()
            landed = None
            try:
                landed = ticket.job()
                ticket.answer = landed.answer
            except BaseException as error:
                ticket.error = error
            with self._lock:
                # Off the list first: who comes now gets a look at what has been stored.
                del self._flying[ticket.key]
            ticket.done.set()
            del ticket
            if landed is not None:
                try:
                    self._after(landed)
                except SystemExit:
                    pass  # as in any thread; but this one has more to do
                except BaseException:
                    threading.excepthook(
                        threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
                    )
