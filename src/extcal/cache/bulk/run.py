"""Many feeds for threads: in this process, or over any executor, such as a cluster.

A task of an executor is a method of the cache and some feeds. An executor with other processes
pickles both, and pickles the snapshots that the task returns. A pickled cache holds only its
arguments, so the only place with an address is the pickled Feed. In other processes one task
fetches several feeds at the same time, so that the store and the fetcher are opened once for all of
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
)
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import Protocol, TypeAlias
from uuid import uuid4

from extcal.cache.bulk.plan import Plan, Queue, Result
from extcal.cache.bulk.progress import Bar
from extcal.cache.bulk.under_way import UnderWay
from extcal.cache.freshness.failures import unavailable
from extcal.cache.snapshot.snapshot import Snapshot
from extcal.errors import Unavailable
from extcal.fetch.feed import Feed

__all__ = ["in_this_process", "over_executor"]

_Outcomes: TypeAlias = "list[Snapshot | Unavailable]"


class Bringing(Protocol):
    """The method of a cache that a task calls, in this process or another."""

    def _bring(self, feeds: list[Feed], older_than: timedelta | None, once: str) -> _Outcomes: ...


def in_this_process(work: UnderWay) -> Iterator[Result]:
    """What :meth:`extcal.CalendarCache.refresh_many` yields without an executor."""
    arrived: SimpleQueue[int] = SimpleQueue()
    with work.bar as shown:
        while True:
            some = work.wanted(arrived=not arrived.empty())
            for number in work.begin(some, arrived.put):
                arrived.put(number)
            if not work:
                return
            number, seconds = work.oldest()
            with suppress(Empty):
                number = arrived.get(timeout=seconds)
            result = work.end(number)
            if result is None:
                continue
            if shown is not None:
                shown.update()
            yield result


def over_executor(
    cache: Bringing,
    queue: Queue,
    executor: Executor,
    plan: Plan,
    bar: AbstractContextManager[Bar] | None,
) -> Iterator[Result]:
    """What :meth:`extcal.CalendarCache.refresh_many` yields over ``executor``."""
    landed: SimpleQueue[Future[_Outcomes]] = SimpleQueue()
    under_way: dict[Future[_Outcomes], list[Feed]] = {}
    began = False
    with ExitStack() as stack:
        shown = stack.enter_context(bar) if bar is not None else None
        stack.callback(_cancel, under_way)
        batch = 1 if isinstance(executor, ThreadPoolExecutor) else plan.batch
        while True:
            while some := queue.take(batch):
                future = _submitted(executor, cache, some, plan, began=began)
                began = True
                under_way[future] = some
                future.add_done_callback(landed.put)
            if not under_way:
                return
            future = landed.get()
            some = under_way.pop(future)
            queue.done(some)
            for feed, outcome in zip(some, _outcomes(future, some), strict=True):
                if shown is not None:
                    shown.update()
                yield Result(feed, outcome)


def _submitted(
    executor: Executor, cache: Bringing, some: list[Feed], plan: Plan, *, began: bool
) -> Future[_Outcomes]:
    """The task that fetches ``some``; already done if the executor takes no more tasks."""
    try:
        return executor.submit(cache._bring, some, plan.older_than, uuid4().hex)
    except RuntimeError:
        # Broken or shut down. If no task has begun, it was so when it was passed: raise the error.
        if not began:
            raise
    refused: Future[_Outcomes] = Future()
    refused.set_result([unavailable("not_refreshed") for _ in some])
    return refused


def _outcomes(future: Future[_Outcomes], some: list[Feed]) -> _Outcomes:
    """The result of the task of ``some``. If its worker was lost, only its own feeds fail."""
    try:
        return future.result()
    except Exception as error:
        # Dask raises its own exceptions for a lost worker.
        dask = type(error).__module__.partition(".")[0] == "distributed"
        if not dask and not isinstance(error, (BrokenExecutor, CancelledError)):
            raise
    return [unavailable("worker_lost") for _ in some]


def _cancel(futures: dict[Future[_Outcomes], list[Feed]]) -> None:
    for future in futures:
        future.cancel()
