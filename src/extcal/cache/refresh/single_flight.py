"""Single flight: at most one fetch per key at a time, and a bounded number of them in all.

A *flight* is one fetch that all callers of its key wait for. It runs in a worker thread of its own,
so it goes on for the others if one caller stops waiting. It is a
:class:`~concurrent.futures.Future`: threads wait for it, and for tasks it has callbacks. Workers
are daemon threads, because a fetcher that hangs must not keep a program from ending. A worker ends
when there is nothing to do.
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

from extcal.cache.freshness.values import Raise
from extcal.cache.refresh.outcome import Refreshed
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.cache.stores.memory import ForkSafeLock

__all__ = ["CLOSED", "Flight", "Flights", "Promise"]

CLOSED = Raise("unavailable")
"""The answer for callers of a flight that was given up."""

_READERS = 2  # threads that read bodies at a time, so that the other threads run in between

_Job: TypeAlias = "Callable[[Flight], Refreshed]"


class Flight(Future["Snapshot | Raise"]):
    """One job that callers wait for, and its progress.

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
        """Set the answer, unless the flight was given up before."""
        with suppress(InvalidStateError):
            self.set_result(answer)


class Promise(NamedTuple):
    """The answer to one call, or the flight to wait for and the answer at a timeout."""

    key: str
    otherwise: Snapshot | Raise
    flight: Flight | None = None

    def wait(self, seconds: float) -> Snapshot | Raise:
        """Wait for the flight, but no longer than ``seconds``.

        Raises what the store or the clock raised: that is no failure of the feed.
        """
        if self.flight is None:
            return self.otherwise
        try:
            return self.flight.result(max(seconds, 0.0))
        except TimeoutError:
            # If the flight is done, the TimeoutError is not from this wait: the store raised it.
            if self.flight.done():
                raise
            return self.otherwise

    def wait_mildly(self, seconds: float) -> Snapshot | Raise:
        """The same for one of many feeds: an error becomes the answer of this feed alone."""
        try:
            return self.wait(seconds)
        except Exception:
            return Raise("unavailable")


class Flights:
    """At most one flight per key, and ``most`` under way at once.

    ``after``: called with the result of a flight when its callers have their answer. ``quick``:
    ``after`` does not block and calls nothing here, so it is called before the next flight of the
    key begins.
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
        self._arriving = 0  # workers that were started and have not taken a flight yet
        self._readers = threading.Semaphore(_READERS)
        self._closing = threading.Event()
        # Set last: join() reads it without the lock, and then uses the attributes above.
        self._process = os.getpid()

    def __len__(self) -> int:
        return len(self._flying)

    def join(self, key: str, job: _Job) -> Flight:
        """The flight for ``key``: the one under way, or a new one that does ``job``."""
        if self._process != os.getpid():
            # After a fork this process has none of the parent's threads, and its lock may be held.
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
        """Accept flights again after :meth:`stop`."""
        self._closing = threading.Event()

    def stop(self) -> list[Flight]:
        """Give up flights that have not begun, and later ones.

        Those under way have ``closing`` set, and are returned.
        """
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
                # Its thread is stuck in a fetcher. The lease is given back, so other caches may
                # fetch; when the thread goes on, the store refuses what it writes.
                with self._lock:
                    if self._flying.get(flight.key) is flight:
                        del self._flying[flight.key]
                if flight.release is not None:
                    flight.release()
                flight.end(CLOSED)
        wait(flying)

    def _hire(self) -> None:
        """Start one more worker, unless there are enough or one is about to begin.

        A worker that begins starts the next one. Starting a thread takes time, and the caller,
        which may be an event loop, should not spend it for several.
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
            # Taken off the list before the answer: a later caller then reads what was stored.
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
            pass  # SystemExit ends a thread silently; this thread still has other flights to do
        except BaseException:
            threading.excepthook(
                threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread()))
            )
