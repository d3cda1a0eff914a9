"""Single flight: at most one fetch per key at a time, and a bounded number of them in all.

A *flight* is one fetch that all callers of its key wait for. It runs in a worker thread of its own,
so it goes on for the others if one caller stops waiting. Threads wait for it, and for tasks it has
callbacks. Workers are daemon threads, because a fetcher that hangs must not keep a program from
ending. A worker ends when there was nothing to do for a moment: starting a thread takes longer than
waking one.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from time import monotonic

from extcal.cache.freshness.values import Raise, State
from extcal.cache.refresh.outcome import Refreshed
from extcal.cache.refresh.pending import Pending
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.cache.stores.memory import ForkSafeLock
from extcal.fetch.forks import wait_for_imports
from extcal.values import NamedTuple, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = ["CLOSED", "Flight", "Flights", "Promise", "ReadingQueue"]

CLOSED = Raise("unavailable")
"""The answer for callers of a flight that was given up."""

NO_THREAD = Raise("no_thread")
"""The answer for callers of a flight for which the system allows no thread."""

_IDLE = 0.05  # seconds that a worker waits for the next flight before it ends
_ENDING = 0.8  # seconds that stopped flights have to finish what they write
_BYTES_A_SECOND = 3 * 1024 * 1024  # by how much later a larger body counts as having come

_Job: TypeAlias = "Callable[[Flight], Refreshed]"
_Ended: TypeAlias = "tuple[Flight, Refreshed | None, BaseException | None]"


class ReadingQueue:
    """Where bodies wait to be read: one at a time, first come, first served, large ones later.

    Only one thread of an interpreter runs at a time: with two readers nothing would be read sooner,
    and every other thread would wait twice as long for its turn. A body of 60 MiB takes a second
    and counts as having come 20 seconds later. So a stranger's large bodies wait for each other,
    and everybody else's waits for one of them at most.

    ``held``: bytes of the bodies that wait or are read.
    """

    def __init__(self) -> None:
        self.held = 0
        self._lock = threading.Lock()
        self._busy = False
        self._waiting: list[tuple[float, int, threading.Event]] = []
        self._number = 0

    def acquire(self, size: int, seconds: float) -> bool:
        """Wait for the turn of a body of ``size`` bytes; False if it did not come in time."""
        turn = threading.Event()
        with self._lock:
            self.held += size
            if not self._busy:
                self._busy = True
                return True
            self._number += 1
            place = monotonic() + size / _BYTES_A_SECOND, self._number, turn
            heappush(self._waiting, place)
        if turn.wait(seconds):
            return True
        with self._lock:
            if turn.is_set():
                return True
            self._waiting.remove(place)
            heapify(self._waiting)
            self.held -= size
        return False

    def release(self, size: int) -> None:
        """Pass the turn on."""
        with self._lock:
            self.held -= size
            self._busy = bool(self._waiting)
            if self._waiting:
                heappop(self._waiting)[-1].set()


class Flight(Pending["Snapshot | Raise"]):
    """One job that callers wait for, and its progress.

    ``closing`` is set when it is to be given up; ``queue``: where bodies wait to be read.
    ``asking``: the fetcher has been asked and has not answered. ``release``: gives back the lease.
    """

    def __init__(self, key: str, job: _Job, closing: threading.Event, queue: ReadingQueue) -> None:
        super().__init__()
        self.key = key
        self.job = job
        self.closing = closing
        self.queue = queue
        self.asking = False
        self.release: Callable[[], object] | None = None


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
        if not self.flight.wait(max(seconds, 0.0)):
            return self.otherwise
        found = self.flight.result(0.0)
        return self._last_good() if found is NO_THREAD else found

    def _last_good(self) -> Snapshot | Raise:
        """The answer where nobody could fly: the last good reading, marked."""
        if isinstance(self.otherwise, Snapshot):
            return replace(self.otherwise, state=State.ERROR_STALE, last_error=NO_THREAD.kind)
        return self.otherwise if self.otherwise.kind == "gone" else NO_THREAD

    def wait_mildly(self, seconds: float) -> Snapshot | Raise:
        """The same for one of many feeds: an error becomes the answer of this feed alone."""
        try:
            return self.wait(seconds)
        except Exception:
            return Raise("unavailable")


class Flights:
    """At most one flight per key, and ``most`` under way at once.

    ``after``: called with the result of a flight when its callers have their answer. ``quick``:
    ``after`` does not block, so it is called in the order in which flights ended.

    The lock may be wanted by the thread of an event loop. So while it is held, nothing is called
    that lets another thread run, such as the start of a thread or the wake-up of the loop: with
    many threads it would take tens of milliseconds until the holder runs again.
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
        self._news = threading.Condition(self._lock)
        self._flying: dict[str, Flight] = {}
        self._queue: deque[Flight] = deque()
        self._workers = 0
        self._idle = 0
        self._arriving = 0  # workers that were started and have not taken a flight yet
        self._ended: deque[_Ended] = deque()
        self._ending = threading.Lock()
        self._reading = ReadingQueue()
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
            flight = Flight(key, job, self._closing, self._reading)
            if self._closing.is_set():
                flight.end(CLOSED)
                return flight
            self._flying[key] = flight
            self._queue.append(flight)
            wanted = self._wants_worker()
        if wanted and not self._hire():
            with self._lock:
                if not self._workers and flight in self._queue:
                    self._queue.remove(flight)
                    del self._flying[key]
                    flight.end(NO_THREAD)
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
        now = monotonic()
        for flight in flying:
            until = now + (patience if flight.asking else _ENDING)
            flight.wait(max(until - monotonic(), 0.0))
        for flight in flying:
            if not flight.done():
                # Its thread is stuck, in a fetcher or a store. The lease is given back, so other
                # caches may fetch; when the thread goes on, the store refuses what it writes.
                with self._lock:
                    if self._flying.get(flight.key) is flight:
                        del self._flying[flight.key]
                flight.end(CLOSED)
                if flight.release is not None:
                    flight.release()

    def _wants_worker(self) -> bool:
        """Wake a worker; or True if the caller has to start one when it has released the lock.

        Not if there are enough, or if one is about to begin, which then calls this again. So a
        caller, which may be an event loop, starts one thread at most, and many flights do not all
        begin at the same moment.
        """
        if self._idle:
            self._news.notify()
            return False
        if self._arriving or self._workers >= self.most:
            return False
        self._workers += 1
        self._arriving += 1
        return True

    def _hire(self) -> bool:
        """Start a worker; False if the system allows no more threads."""
        try:
            wait_for_imports()
            threading.Thread(target=self._work, name="extcal-fetch", daemon=True).start()
        except (MemoryError, RuntimeError):
            with self._lock:
                self._workers -= 1
                self._arriving -= 1
            return False
        return True

    def _work(self) -> None:
        first = True
        while True:
            with self._lock:
                self._arriving -= first
                first = False
                if not self._queue and not self._has_news():
                    self._workers -= 1
                    return
                flight = self._queue.popleft()
                wanted = bool(self._queue) and self._wants_worker()
            if wanted:
                self._hire()
            self._fly(flight)
            del flight

    def _has_news(self) -> bool:
        self._idle += 1
        try:
            return self._news.wait_for(self._queue.__len__, _IDLE) > 0
        finally:
            self._idle -= 1

    def _fly(self, flight: Flight) -> None:
        done = error = None
        try:
            done = flight.job(flight)
        except BaseException as raised:
            error = raised
        ended = flight, done, error
        with self._lock:
            # Taken off the list before the answer: a later caller then reads what was stored.
            if self._flying.get(flight.key) is flight:
                del self._flying[flight.key]
            if self._quick:
                self._ended.append(ended)
        if not self._quick:
            self._end(*ended)
        # Again after the release: the lock may have kept another thread from ending its flight.
        while self._ended and self._ending.acquire(blocking=False):
            try:
                while self._ended:
                    self._end(*self._ended.popleft())
            finally:
                self._ending.release()

    def _end(self, flight: Flight, done: Refreshed | None, error: BaseException | None) -> None:
        flight.end(None if done is None else done.answer, error)
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
