"""Names to addresses, within a deadline.

The system's resolver may block for minutes and cannot be interrupted. So it runs in a worker
thread, and a fetch whose time is over stops waiting for it. A look-up that hangs gives its place to
others after :data:`HANGS` seconds. It keeps its thread until the resolver returns, and the number
of threads is bounded, in all and for each owner of names. So a name server that is down delays the
names that it serves, and no others.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

from extcal.fetch.http.deadline import TIMED_OUT, Deadline, Stop
from extcal.fetch.http.per_host_limit import Turn, Turns
from extcal.fetch.policy import MAX_ANSWERS
from extcal.fetch.protocol import (
    failed,
)

__all__ = ["Lookup", "Resolver", "SharedTurns", "system_resolver"]

Resolver = Callable[[str, int], Iterable[str]]
"""A host name and a port in, addresses as text out; OSError when the name is not known."""

MAX_WORKERS = 8  # look-ups at a time, without those that hang
MAX_WORKERS_PER_NAME = 4  # of one owner of names: the last two labels, or three as in "a.co.uk"
MAX_THREADS = 128  # with those that hang; the resolver's threads do nothing but wait
HANGS = 1.5  # seconds; after these a look-up gives its place to others
_SECOND_LEVEL = frozenset({"ac", "co", "com", "gov", "net", "org"})
_UNKNOWN = failed("dns")
_SLOW = failed("dns/slow")
_STARVED = replace(_SLOW, elsewhere=True)  # no place came free; the name was never looked up


def system_resolver(host: str, port: int) -> list[str]:
    """Ask the system (RFC 3493 section 6.1). A scope ("%eth0") is kept, so that it is refused."""
    answers = []
    for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        text = str(address[0])
        scope = address[3] if len(address) == 4 else 0
        answers.append(f"{text}%{scope}" if scope and "%" not in text else text)
    return answers


class SharedTurns:
    """Turns that threads may share; every process has its own.

    After a fork the child has one thread. Turns of the parent's other threads would never end
    there, and a lock that one of them held would never be given back.
    """

    def __init__(self, total: int, per_host: int) -> None:
        self._sizes = (total, per_host)
        self._by_process: dict[int, tuple[threading.Lock, Turns]] = {}

    def join(self, host: str, wake: Callable[[], object]) -> Turn:
        """As :meth:`~extcal.fetch.http.per_host_limit.Turns.join`."""
        lock, turns = self._own()
        with lock:
            turn = turns.join(host, wake)
        turn.process = os.getpid()
        return turn

    def leave(self, turn: Turn) -> None:
        """As :meth:`~extcal.fetch.http.per_host_limit.Turns.leave`.

        A turn of the parent process is ignored.
        """
        if turn.process != os.getpid():
            return
        lock, turns = self._own()
        with lock:
            turns.leave(turn)

    def _own(self) -> tuple[threading.Lock, Turns]:
        process = os.getpid()
        own = self._by_process.get(process)
        # setdefault is atomic: two threads that are first at the same time get the same one.
        return own or self._by_process.setdefault(process, (threading.Lock(), Turns(*self._sizes)))


def owner_of(host: str) -> str:
    """The part of a name that one owner registers: "example.net" of "a.example.net"."""
    labels = host.rstrip(".").split(".")
    three = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3 if three else -2 :])


class Lookup:
    """The look-ups of one fetcher.

    At most ``workers`` at a time that do not hang, ``per_name`` for the names of one owner, and
    ``threads`` in all.
    """

    def __init__(
        self,
        resolver: Resolver = system_resolver,
        workers: int = MAX_WORKERS,
        per_name: int = MAX_WORKERS_PER_NAME,
        threads: int = MAX_THREADS,
        hangs: float = HANGS,
    ) -> None:
        self._resolver = resolver
        self._places = SharedTurns(workers, per_name)
        self._threads = SharedTurns(threads, per_name)
        self._hangs = hangs

    def resolve(self, host: str, port: int, deadline: Deadline, seconds: float) -> list[str]:
        """Look ``host`` up in at most ``seconds``; raises Stop when there is no answer."""
        until = Deadline(min(deadline.rest(), seconds))
        late = Stop(_SLOW if seconds < deadline.rest() else TIMED_OUT)
        thread = self._join(self._threads, host, deadline, until)
        try:
            place = self._join(self._places, host, deadline, until)
        except Stop:
            self._threads.leave(thread)
            raise

        def leave() -> None:
            self._places.leave(place)
            self._threads.leave(thread)

        work = _Resolution(self._resolver, host, port, leave)
        try:
            threading.Thread(target=work.run, name="extcal-dns", daemon=True).start()
        except (MemoryError, RuntimeError):
            leave()
            raise Stop(_STARVED) from None
        if not deadline.wait(work.done, min(until.rest(), self._hangs)):
            self._places.leave(place)
            if not deadline.wait(work.done, until.rest()):
                raise late
        if work.answers is None:
            raise Stop(_UNKNOWN)
        return work.answers

    def _join(self, turns: SharedTurns, host: str, deadline: Deadline, until: Deadline) -> Turn:
        """A turn for the owner of ``host``; raises Stop if none comes in time."""
        admitted = threading.Event()
        turn = turns.join(owner_of(host), admitted.set)
        if not deadline.wait(admitted, until.rest()):
            turns.leave(turn)
            raise Stop(_STARVED)
        return turn


class _Resolution:
    """One look-up and its outcome, shared with the worker."""

    def __init__(self, resolver: Resolver, host: str, port: int, leave: Callable[[], None]) -> None:
        self._resolver = resolver
        self._host = host
        self._port = port
        self._leave = leave
        self.done = threading.Event()
        self.answers: list[str] | None = None

    def run(self) -> None:
        try:
            found = []
            for answer in self._resolver(self._host, self._port):
                found.append(str(answer))
                if len(found) > MAX_ANSWERS:
                    break  # one more than the policy allows, so that it refuses the name
            self.answers = found
        except BaseException:
            # UnicodeError for odd names, OSError for unknown ones, anything from the application's
            # resolver. Without this, a thread that ends with an exception would print it.
            self.answers = None
        finally:
            self._leave()
            self.done.set()
