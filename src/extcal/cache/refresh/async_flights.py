"""Flights for tasks: the same promises as for threads, on asyncio and on trio, through anyio.

A flight is flown by a task of its own, so that a caller who is cancelled takes nobody down with
it; all of them end with the ``async with`` block of their cache. What blocks or computes is done
in threads, few of them: reading calendars is work, and would hold up the event loop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio import to_thread

from extcal.cache.freshness.decide import Raise
from extcal.cache.refresh.outcome import Refreshed
from extcal.cache.refresh.steps import (
    Compute,
    Flight,
    Put,
    Step,
    StoreCall,
    Wait,
    as_response,
)
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.fetch.protocol import FetchRequest

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

__all__ = ["Flights", "Promise", "Ticket"]

_Found = TypeVar("_Found")
_READERS = 4  # threads that read calendars: they share one interpreter
_CALLERS = 16  # threads that wait for a store, or for a fetcher that blocks
_CLOSED = (
    "an AsyncCalendarCache works inside its block: async with AsyncCalendarCache() as calendars"
)


class Ticket:
    """One job, and everybody who waits for it."""

    __slots__ = ("answer", "done", "error", "key")

    def __init__(self, key: str) -> None:
        self.key = key
        self.done = anyio.Event()
        self.answer: Snapshot | Raise | None = None
        self.error: Exception | None = None


class Promise:
    """An answer, or the flight that brings it and what to say if it is late."""

    __slots__ = ("_otherwise", "_ticket", "key")

    def __init__(self, key: str, otherwise: Snapshot | Raise, ticket: Ticket | None = None) -> None:
        self.key = key
        self._otherwise = otherwise
        self._ticket = ticket

    async def finish(self, seconds: float, *, strict: bool = False) -> Snapshot | Raise:
        """Wait for the flight, but no longer than ``seconds``; ``strict``: raise its error."""
        ticket = self._ticket
        if ticket is None:
            return self._otherwise
        with anyio.move_on_after(max(seconds, 0.0)):
            await ticket.done.wait()
        if not ticket.done.is_set():
            return self._otherwise
        if ticket.answer is not None:
            return ticket.answer
        if strict and ticket.error is not None:
            raise ticket.error
        return Raise("unavailable")


class Flights:
    """At most one flight per key, and ``most`` in the air at once, while it is open.

    ``after``: awaited with what landed once those who waited have been told.
    """

    def __init__(self, most: int, after: Callable[[Refreshed], Awaitable[None]]) -> None:
        self._most = most
        self._after = after
        self._group: TaskGroup | None = None
        self._flying: dict[str, Ticket] = {}

    def __len__(self) -> int:
        return len(self._flying)

    async def open(self) -> None:
        """Start; RuntimeError if it is open already."""
        if self._group is not None:
            raise RuntimeError("this AsyncCalendarCache is in use already")
        self._turns = anyio.CapacityLimiter(self._most)
        self._readers = anyio.CapacityLimiter(_READERS)
        self._callers = anyio.CapacityLimiter(_CALLERS)
        group = anyio.create_task_group()
        await group.__aenter__()
        self._group = group

    async def close(self) -> None:
        """End every flight, and wait until all have given back what they held."""
        group, self._group = self._group, None
        if group is not None:
            group.cancel_scope.cancel()
            # What the block of the host raises is the host's, and not for the group to wrap.
            await group.__aexit__(None, None, None)

    def require_open(self) -> TaskGroup:
        """Raise RuntimeError outside of the block."""
        if self._group is None:
            raise RuntimeError(_CLOSED)
        return self._group

    def join(self, key: str, job: Callable[[], Awaitable[Refreshed]]) -> Ticket:
        """The flight for ``key``: the one under way, or a new one that does ``job``."""
        group = self.require_open()
        ticket = self._flying.get(key)
        if ticket is None:
            ticket = self._flying[key] = Ticket(key)
            group.start_soon(self._work, ticket, job, name="extcal-fetch")
        return ticket

    async def read(self, call: Callable[[], _Found]) -> _Found:
        """Do what computes in a thread; who is cancelled waits for it to end."""
        return await to_thread.run_sync(call, limiter=self._readers)

    async def call(self, call: Callable[[], _Found], *, abandon: bool = False) -> _Found:
        """Do what blocks in a thread; ``abandon``: who is cancelled need not wait for it."""
        return await to_thread.run_sync(call, abandon_on_cancel=abandon, limiter=self._callers)

    async def drive(
        self,
        flight: Flight,
        fetch: Callable[[FetchRequest], Awaitable[object]],
        *,
        blocking: bool,
    ) -> Refreshed:
        """Take the steps of ``flight`` in this task; ``blocking``: the store is no memory."""

        async def take(step: Step) -> object:
            if isinstance(step, Put):
                return as_response(await fetch(step.request))
            if isinstance(step, Wait):
                await anyio.sleep(step.seconds)
                return None
            if isinstance(step, Compute):
                return await self.read(step.call)
            return await self.call(step.call) if blocking else step.call()

        ending = False
        found: object = None
        try:
            step = next(flight)
            while True:
                always = isinstance(step, StoreCall) and step.always
                try:
                    with anyio.CancelScope(shield=ending or always):
                        found = await take(step)
                except BaseException as error:
                    # Into the flight, which gives its lease back and lets the error through.
                    ending = True
                    step = flight.throw(error)
                else:
                    step = flight.send(found)
        except StopIteration as landed:
            done: Refreshed = landed.value
            return done

    async def _work(self, ticket: Ticket, job: Callable[[], Awaitable[Refreshed]]) -> None:
        landed = None
        try:
            async with self._turns:
                landed = await job()
            ticket.answer = landed.answer
        except Exception as error:
            ticket.error = error
        finally:
            # Off the list first: who comes now gets a look at what has been stored.
            del self._flying[ticket.key]
            ticket.done.set()
        if landed is not None:
            await self._after(landed)
