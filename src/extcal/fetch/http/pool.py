"""The connections that one fetcher keeps, and when one may serve the next request.

A connection is used by one fetch at a time, and given back only by a fetch that read its answer to
an exact end. It serves the next one if it is young, silent, and connected to an address that the
latest look-up of the name still gives and the policy still admits. Nothing here waits, and there is
no thread: what is idle for too long is closed at the next use.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, TypeVar

from extcal.arguments import safe_repr
from extcal.fetch.address.networks import Address

if TYPE_CHECKING:
    import ssl

    from extcal.fetch.http.connect.http11 import HttpConnection

__all__ = ["ConnectionPool"]

_Value = TypeVar("_Value")

MAX_KEPT = 64
MAX_KEPT_PER_ORIGIN = 8
MAX_AGE = 60.0  # seconds since the look-up of the name: so names are looked up again that often
MAX_IDLE = 15.0  # seconds
MAX_SERVED = 200  # requests
MAX_SESSION_AGE = 3_600.0  # seconds; a resumed session does not show its certificate again
_MOST_NAMES = 1_024  # whose addresses and TLS sessions are remembered


def uptime() -> float:
    """Monotonic seconds, with the time in which the machine was suspended where it is counted."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()  # pragma: no cover - other systems than Linux


class _Kept:
    """What one process keeps. ``idle``: the longest idle first. ``used``: how many fetches use."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.idle: list[tuple[Hashable, HttpConnection]] = []
        self.used = 0
        self.addresses: dict[Hashable, frozenset[Address]] = {}
        self.sessions: dict[Hashable, tuple[float, ssl.SSLSession]] = {}


@safe_repr
class ConnectionPool:
    """At most 64 connections, and 8 idle ones of an origin. Threads may share it.

    More than 64 are open only if more fetches run at a time; then 8 may be idle besides. What
    :meth:`take` returned, and what :meth:`opening` announced, ends in :meth:`give` or :meth:`drop`.

    A key stands for an origin, a proxy and a TLS context. ``timer``: seconds that only grow.

    After a fork the child begins with nothing: its copies of the parent's sockets are closed, which
    the servers do not notice.
    """

    def __init__(self, timer: Callable[[], float] = uptime) -> None:
        self.timer = timer
        self._by_process: dict[int, _Kept] = {}
        weakref.finalize(self, _close_all, self._by_process)

    def take(self, key: Hashable, admits: Callable[[Address], bool]) -> HttpConnection | None:
        """A connection for one request, or None. ``admits``: what the policy says of an address."""
        kept = self._own()
        while True:
            with kept.lock:
                now = self.timer()
                leaving = _too_long_idle(kept, now)
                place = _last(kept, key)
                connection = None if place is None else kept.idle.pop(place)[1]
                kept.used += connection is not None
                known = kept.addresses.get(key, frozenset())
            _close(leaving)
            if connection is None or (
                _is_young(connection, now)
                and connection.stream.peer in known
                and admits(connection.stream.peer)
                and connection.stream.silent()
            ):
                return connection
            self.drop(connection)

    def give(self, key: Hashable, connection: HttpConnection) -> None:
        """Keep ``connection`` for the next request, or close it."""
        kept = self._own()
        with kept.lock:
            now = connection.last = self.timer()
            kept.used -= 1
            leaving = _too_long_idle(kept, now)
            if _is_young(connection, now):
                kept.idle.append((key, connection))
            else:
                leaving.append(connection)
            leaving += _too_many(kept, key)
        _close(leaving)

    def opening(self, key: Hashable) -> None:
        """A new connection is opened next; if there are too many, idle ones make room for it."""
        kept = self._own()
        with kept.lock:
            kept.used += 1
            leaving = _too_many(kept, key)
        _close(leaving)

    def drop(self, connection: HttpConnection | None = None) -> None:
        """Close a connection that serves no more requests; None if it could not be opened."""
        kept = self._own()
        with kept.lock:
            kept.used -= 1
        if connection is not None:
            connection.close()

    def looked_up(self, key: Hashable, addresses: Iterable[Address]) -> None:
        """The latest addresses of a name: connections to other ones serve no more requests."""
        kept = self._own()
        with kept.lock:
            _remember(kept.addresses, key, frozenset(addresses))

    def session(self, key: Hashable) -> ssl.SSLSession | None:
        """A TLS session to resume, once (RFC 8446 appendix C.4)."""
        kept = self._own()
        with kept.lock:
            since, session = kept.sessions.pop(key, (0.0, None))
            return session if self.timer() < since + MAX_SESSION_AGE else None

    def resumable(self, key: Hashable, session: ssl.SSLSession) -> None:
        """A TLS session that may be resumed by connections with the same key."""
        kept = self._own()
        with kept.lock:
            _remember(kept.sessions, key, (self.timer(), session))

    def close(self) -> None:
        """Close the idle connections. A later fetch opens new ones."""
        kept = self._own()
        with kept.lock:
            leaving = [connection for _, connection in kept.idle]
            kept.idle.clear()
        _close(leaving)

    def _own(self) -> _Kept:
        process = os.getpid()
        own = self._by_process.get(process)
        if own is not None:
            return own
        # Copied, because another thread may be first at the same time. What the parent keeps is
        # not locked: its lock may have been held by a thread that does not exist here.
        for other in [each for each in list(self._by_process) if each != process]:
            _abandon(self._by_process.pop(other, _Kept()))
        return self._by_process.setdefault(process, _Kept())

    def __repr__(self) -> str:
        return f"<ConnectionPool: {len(self._own().idle)} idle>"


def _last(kept: _Kept, key: Hashable) -> int | None:
    """The place of the connection that was used last, which is the least likely to be closed."""
    return next(
        (place for place in reversed(range(len(kept.idle))) if kept.idle[place][0] == key), None
    )


def _is_young(connection: HttpConnection, now: float) -> bool:
    # A time before `since` means that the timer went back, and that nothing is known of the age.
    return connection.served < MAX_SERVED and 0 <= now - connection.since < MAX_AGE


def _too_long_idle(kept: _Kept, now: float) -> list[HttpConnection]:
    leaving = []
    while kept.idle and now - kept.idle[0][1].last >= MAX_IDLE:
        leaving.append(kept.idle.pop(0)[1])
    return leaving


def _too_many(kept: _Kept, key: Hashable) -> list[HttpConnection]:
    leaving = []
    of_origin = [place for place, each in enumerate(kept.idle) if each[0] == key]
    if len(of_origin) > MAX_KEPT_PER_ORIGIN:
        leaving.append(kept.idle.pop(of_origin[0])[1])
    while len(kept.idle) > max(MAX_KEPT - kept.used, MAX_KEPT_PER_ORIGIN):
        leaving.append(kept.idle.pop(0)[1])
    return leaving


def _remember(known: dict[Hashable, _Value], key: Hashable, value: _Value) -> None:
    known.pop(key, None)
    known[key] = value
    if len(known) > _MOST_NAMES:
        del known[next(iter(known))]


def _close(connections: Iterable[HttpConnection]) -> None:
    for connection in connections:
        connection.close()


def _close_all(by_process: dict[int, _Kept]) -> None:
    for kept in list(by_process.values()):
        _abandon(kept)


def _abandon(kept: _Kept) -> None:
    """Close what is idle, without any lock: nobody uses it any more, or the parent process does."""
    for _, connection in list(kept.idle):
        connection.stream.abandon()
    kept.idle.clear()
