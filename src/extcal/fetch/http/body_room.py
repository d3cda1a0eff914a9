"""How many bytes of bodies a fetcher receives at a time: large ones wait for each other.

A body of a megabyte never waits. A larger one waits while those of this fetcher are 128 MiB
together, unless it is the one that became large first. So one of them always goes on, 32 strangers
with 64 MiB each take the memory of three, and nobody else notices. Waiting counts against the
deadline; the server waits, too, because nothing is read from its connection.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep

from extcal.fetch.body import Body
from extcal.fetch.http.deadline import Deadline

__all__ = ["BodyRoom"]

_MOST = 128 * 1024 * 1024  # bytes
_SMALL = 1024 * 1024
_GLANCE = 0.02  # seconds


class BodyRoom:
    """The large bodies that a fetcher is receiving."""

    def __init__(self) -> None:
        # By process, because after a fork the child receives none of its parent's bodies.
        self._large: dict[int, dict[int, int]] = {}

    @contextmanager
    def receiving(self, body: Body, deadline: Deadline) -> Iterator[Callable[[], None]]:
        """Yield a function to call after each piece of ``body``.

        It returns when there is room for more, and raises Stop if there is none in time.
        """
        large, key = self._large.setdefault(os.getpid(), {}), id(body)

        def wait() -> None:
            if body.size <= _SMALL:
                return
            large[key] = body.size
            while sum([*large.values()]) > _MOST and next(iter([*large])) != key:
                with deadline.waiting():
                    sleep(min(_GLANCE, deadline.rest()))
                deadline.left()

        try:
            yield wait
        finally:
            large.pop(key, None)
