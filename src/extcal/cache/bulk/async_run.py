"""Many feeds for tasks: each is brought by a task of the cache's block, so many at a time.

Nothing is awaited under a cancel scope of the iterator's own, so that it may be left at any point;
what is under way then goes on, and is stored.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, TypeAlias

import anyio

from extcal.cache.bulk.plan import Queue, Result
from extcal.cache.bulk.progress import Bar
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.errors import Unavailable
from extcal.fetch.feed import Feed

if TYPE_CHECKING:
    from anyio.abc import TaskGroup
    from anyio.streams.memory import MemoryObjectSendStream

__all__ = ["results"]

_Outcome: TypeAlias = "Snapshot | Unavailable"
_Bring: TypeAlias = "Callable[[Feed], Awaitable[_Outcome]]"
_Landed: TypeAlias = "tuple[Feed, _Outcome | BaseException]"
_CLOSED = "the block of this AsyncCalendarCache has ended, and with it what was under way"


async def results(
    group: TaskGroup, bring: _Bring, queue: Queue, bar: AbstractContextManager[Bar] | None
) -> AsyncIterator[Result]:
    """What :meth:`extcal.AsyncCalendarCache.refresh_many` yields."""
    send, receive = anyio.create_memory_object_stream["_Landed"](math.inf)
    under_way = 0
    with send, receive, bar or nullcontext() as shown:
        while True:
            while some := queue.take(1):
                group.start_soon(_brought, bring, some[0], send, name="extcal-many")
                under_way += 1
            if not under_way:
                return
            feed, outcome = await receive.receive()
            under_way -= 1
            queue.done([feed])
            if isinstance(outcome, Unavailable):
                yield Result(feed, outcome)
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                yield Result(feed, outcome)
            if shown is not None:
                shown.update()


async def _brought(bring: _Bring, feed: Feed, send: MemoryObjectSendStream[_Landed]) -> None:
    outcome: _Outcome | BaseException = RuntimeError(_CLOSED)
    try:
        outcome = await bring(feed)
    except Exception as error:
        outcome = error
    finally:
        # Nobody listens any more if the iterator was left.
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            send.send_nowait((feed, outcome))
