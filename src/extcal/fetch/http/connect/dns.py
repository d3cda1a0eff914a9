"""Names to addresses, within a deadline.

The system's resolver may block for minutes and cannot be interrupted. So it runs in a worker
thread, and a fetch whose time is over stops waiting for it. The worker keeps its place until the
resolver returns, so that a name server that is down blocks only a bounded number of threads.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable
from functools import partial

from extcal.fetch.http.deadline import TIMED_OUT, Deadline, Stop
from extcal.fetch.http.per_host_limit import Turn, Turns
from extcal.fetch.policy import MAX_ANSWERS
from extcal.fetch.protocol import (
    failed,
)

__all__ = ["Lookup", "Resolver", "SharedTurns", "system_resolver"]

Resolver = Callable[[str, int], Iterable[str]]
"""A host name and a port in, addresses as text out; OSError when the name is not known."""

MAX_WORKERS = 8
MAX_WORKERS_PER_NAME = 4  # so that one name whose server is down does not take all workers
_UNKNOWN = failed("dns")
_SLOW = failed("dns/slow")


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


class Lookup:
    """The look-ups of one fetcher: at most ``workers`` at a time, ``per_name`` for one name."""

    def __init__(
        self,
        resolver: Resolver = system_resolver,
        workers: int = MAX_WORKERS,
        per_name: int = MAX_WORKERS_PER_NAME,
    ) -> None:
        self._resolver = resolver
        self._turns = SharedTurns(workers, per_name)

    def resolve(self, host: str, port: int, deadline: Deadline, seconds: float) -> list[str]:
        """Look ``host`` up in at most ``seconds``; raises Stop when there is no answer."""
        until = Deadline(min(deadline.rest(), seconds))
        late = Stop(_SLOW if seconds < deadline.rest() else TIMED_OUT)
        admitted = threading.Event()
        turn = self._turns.join(host, admitted.set)
        if not deadline.wait(admitted, until.rest()):
            self._turns.leave(turn)
            raise late
        work = _Resolution(self._resolver, host, port, partial(self._turns.leave, turn))
        try:
            threading.Thread(target=work.run, name="extcal-dns", daemon=True).start()
        except RuntimeError:
            self._turns.leave(turn)
            raise Stop(_SLOW) from None
        if not deadline.wait(work.done, until.rest()):
            raise late
        if work.answers is None:
            raise Stop(_UNKNOWN)
        return work.answers


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
