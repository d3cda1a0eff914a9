"""Which address is tried when: Happy Eyeballs (RFC 8305 sections 4 and 5). Pure.

Numbers of attempts and times in; what to start and when to wake up out. Nothing here connects or
looks names up: the addresses were judged before.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import TypeVar

from extcal.fetch.address.networks import Address

__all__ = ["ATTEMPT_DELAY", "Race", "interleaved"]

ATTEMPT_DELAY = 0.25  # seconds until the next address is tried beside the one before it

_Address = TypeVar("_Address", bound=Address)


def interleaved(addresses: Iterable[_Address]) -> tuple[_Address, ...]:
    """The same addresses, IPv6 and IPv4 in turn, beginning with the first one's (section 4).

    The resolver sorts by preference (RFC 6724); this order is kept within a family. If no address
    of one family works, one of the other family is tried second at the latest.
    """
    found = list(addresses)
    first = [each for each in found if each.version == found[0].version]
    others = [each for each in found if each.version != found[0].version]
    pairs = chain.from_iterable(zip_longest(first, others))
    return tuple(each for each in pairs if each is not None)


class Race:
    """``count`` attempts, each of which may take ``timeout`` seconds. Times are in seconds."""

    __slots__ = ("_count", "_due", "_next", "_running", "_timeout")

    def __init__(self, count: int, timeout: float) -> None:
        self._count = count
        self._timeout = timeout
        self._next = 0
        self._due = 0.0
        self._running: dict[int, float] = {}

    @property
    def over(self) -> bool:
        """Whether there is nothing left to try, and nothing under way."""
        return not self._running and self._next >= self._count

    def begin(self, now: float) -> int | None:
        """The attempt to start at ``now``, or None. It is under way until it :meth:`failed`."""
        if self._next >= self._count or (self._running and now < self._due):
            return None
        place = self._next
        self._next += 1
        self._running[place] = now
        self._due = now + ATTEMPT_DELAY
        return place

    def failed(self, place: int, now: float) -> None:
        """This attempt failed: the next one starts at once."""
        del self._running[place]
        self._due = min(self._due, now)

    def late(self, now: float) -> list[int]:
        """The attempts whose time is over: end each of them, and call :meth:`failed` for it."""
        return [place for place, began in self._running.items() if now >= began + self._timeout]

    def wakes(self) -> float:
        """When to start or end an attempt next, unless something happens before."""
        moments = [began + self._timeout for began in self._running.values()]
        if self._next < self._count:
            moments.append(self._due)
        return min(moments)
