"""Flights: at most one per key, so many in the air at once, and few that read at a time.

A flight is flown by a worker thread of its own, so that no caller who gives up takes the others
down with it. It is a :class:`~concurrent.futures.Future`: threads wait for it, and it calls back
for tasks. Workers are daemon threads, because a fetcher that hangs must not keep a program from
ending; they live while there is something to do.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import suppress
from typing import NamedTuple, TypeAlias

from extcal.cache.freshness.decide import Raise
from extcal.cache.refresh.outcome import Refreshed
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.cache.stores.memory import ForkSafeLock

__all__ = ["CLOSED", "Flight", "Flights", "Promise"]

CLOSED = Raise("unavailable")
"""What those are told who wait for a flight that was given up."""

_READERS = 2  # threads that read bodies: they share one interpreter, and others want it too

_Job: TypeAlias = "Callable[[Flight], Refreshed]"


class Flight(Future["Snapshot | Raise"]):
    """One job, everybody who waits for it, and how far it is.

    ``closing`` is set when it is to be given up; ``readers`` is held while a body is read.
    ``asking``: the fetcher has been asked and has not answered. ``release``: gives back the lease.
    """

    def __init__(
        self, key: str, job: _Job, closing: threading.Event, readers: threading.Semaphore
    ) -> None:
        super().__init__()
        self.key = key
        self.job = job
        self.closing = closing
        self.readers = readers
        self.asking = False
        self.release: Callable[[], object] | None = None

    def end(self, answer: Snapshot | Raise) -> None:
        """Tell those who wait, unless they were told that it was given up."""
        with suppress(InvalidStateError):
            self.set_result(answer)


class Promise(NamedTuple):
    """The answer to one question, or the flight that brings it and what to say if it is late."""

    key: str
    otherwise: Snapshot | Raise
    flight: Flight | None = None

    def wait(self, seconds: float) -> Snapshot | Raise:
        """Wait for the flight, but no longer than ``seconds``.

        Raises what the store or the clock raised, which is neither the feed's nor ours to hide.
        """
        if self.flight is None:
            return self.otherwise
        try:
            return self.flight.result(max(seconds, 0.0))
        except TimeoutError:
            # A store may raise one too.
            if self.flight.done():
                raise
            return self.otherwise

    def wait_mildly(self, seconds: float) -> Snapshot | Raise:
        """The same for one of many: what was raised costs no other one the answer."""
        try:
            return self.wait(seconds)
        except Exception:
            return Raise("unavailable")


class Flights:
    """At most one flight per key, and ``most`` in the air at once.

    ``after``: called with what came of a flight once those who waited have been told. ``quick``: it
    neither waits nor asks anything here, and is called before the next flight of the key begins.
    """

    def __init__(
        self, most: int, after: Callable[[Refreshed], object], *, quick: bool = False
    ) -> None:
        self.most = most
        self._after = after
        self._quick = quick
        self._starting = ForkSafeLock()
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._flying: dict[str, Flight] = {}
        self._queue: deque[Flight] = deque()
        self._workers = 0
        self._arriving = 0  # hired, and yet to take a first flight
        self._readers = threading.Semaphore(_READERS)
        self._closing = threading.Event()
        # Last: who reads it without a lock must find the rest in place.
        self._process = os.getpid()

    def __len__(self) -> int:
        return len(self._flying)

    def join(self, key: str, job: _Job) -> Flight:
        """The flight for ``key``: the one under way, or a new one that does ``job``."""
        if self._process != os.getpid():
            # After a fork the threads of the parent are not here, and its lock may be taken.
            with self._starting:
                if self._process != os.getpid():
                    self._start()
        with self._lock:
            flight = self._flying.get(key)
            if flight is not None:
                return flight
            flight = Flight(key, job, self._closing, self._readers)
            if self._closing.is_set():
                flight.end(CLOSED)
                return flight
            self._flying[key] = flight
            self._queue.append(flight)
            try:
                self._hire()
            except RuntimeError:
                if not self._workers:
                    self._queue.remove(flight)
                    del self._flying[key]
                    raise
            return flight

    def open(self) -> None:
        """Begin anew after :meth:`stop`."""
        self._closing = threading.Event()

    def stop(self) -> list[Flight]:
        """Give up what has not begun, and what comes; those under way are told, and returned."""
        with self._lock:
            self._closing.set()
            for flight in self._queue:
                del self._flying[flight.key]
                flight.end(CLOSED)
            self._queue.clear()
            return list(self._flying.values())

    def end(self, flying: Sequence[Flight], patience: float) -> None:
        """Wait for stopped flights; ``patience``: seconds for fetchers that were told to stop."""
        wait([flight for flight in flying if flight.asking], patience)
        for flight in flying:
            if flight.asking and not flight.done():
                # Its thread is stuck with a fetcher: others may have the lease, and it finds out.
                with self._lock:
                    if self._flying.get(flight.key) is flight:
                        del self._flying[flight.key]
                if flight.release is not None:
                    flight.release()
                flight.end(CLOSED)
        wait(flying)

    def _hire(self) -> None:
        """Start one more worker, if there is room and none is about to begin.

        A worker that begins hires the next. To start a thread takes its time, which is not that of
        who asks, an event loop perhaps.
        """
        if self._arriving or self._workers >= self.most:
            return
        worker = threading.Thread(target=self._work, name="extcal-fetch", daemon=True)
        self._workers += 1
        self._arriving += 1
        try:
            worker.start()
        except RuntimeError:
            self._workers -= 1
            self._arriving -= 1
            raise

    def _work(self) -> None:
        first = True
        while True:
            with self._lock:
                self._arriving -= first
                first = False
                if not self._queue:
                    self._workers -= 1
                    return
                flight = self._queue.popleft()
                if self._queue:
                    with suppress(RuntimeError):
                        self._hire()
            self._fly(flight)
            del flight

    def _fly(self, flight: Flight) -> None:
        done = error = None
        try:
            done = flight.job(flight)
        except BaseException as raised:
            error = raised
        with self._lock:
            # Off the list first: who comes now gets a look at what has been stored.
            if self._flying.get(flight.key) is flight:
                del self._flying[flight.key]
            if self._quick:
                self._end(flight, done, error)
                return
        self._end(flight, done, error)

    def _end(self, flight: Flight, done: Refreshed | None, error: BaseException | None) -> None:
        with suppress(InvalidStateError):
            if error is not None:
                flight.set_exception(error)
            elif done is not None:
                flight.set_result(done.answer)
        if done is None:
            return
        try:
            self._after(done)
        except SystemExit:
            pass  # as in any thread; but this one has more to do
        except BaseException:
            threading.excepthook(
                threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
            )
