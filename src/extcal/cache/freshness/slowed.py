"""When a host asks everybody for patience (429), and all of its feeds wait a little. Pure.

Three feeds that were asked at a host directly and were answered with 429 within ten minutes slow
that host: none of its feeds is asked for 5 minutes, the second time in an hour for 10, then for 15.
One feed alone slows nobody else, however often it fails and whatever it asks for: a stranger may
have pasted it, and Retry-After binds its own address only. Nor does a feed that only redirects to
the host. A person's "refresh" is not held back.

The record is small, and shared by all caches over one store.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["KEEP", "UNTROUBLED", "Slowed", "after_429", "is_slow"]

_FEEDS = 3
_WITHIN = timedelta(minutes=10)
_STEP = timedelta(minutes=5)
_LONGEST = timedelta(minutes=15)
_FORGIVEN = timedelta(hours=1)  # a host that was well for so long begins with 5 minutes again

KEEP = _FORGIVEN + _LONGEST
"""How long the record of a host is worth keeping."""


@dataclass(frozen=True, slots=True)
class Slowed:
    """What is known of one host.

    ``told``: which feeds were answered with 429, and when; a feed is a digest. ``until``: none of
    its feeds is asked before that. ``times``: how often in a row it was slowed.
    """

    told: tuple[tuple[str, datetime], ...] = ()
    until: datetime | None = None
    times: int = 0


UNTROUBLED = Slowed()


def is_slow(slowed: Slowed, now: datetime) -> bool:
    """Whether the feeds of the host are to wait; further ahead than it can be, a clock jumped."""
    return slowed.until is not None and now < slowed.until <= now + _LONGEST


def after_429(slowed: Slowed, feed: str, now: datetime) -> Slowed:
    """What is known after ``feed`` was asked at the host itself, and answered with 429."""
    kept = {name: at for name, at in slowed.told if timedelta(0) <= now - at < _WITHIN}
    kept[feed] = now
    if len(kept) < _FEEDS:
        return Slowed(tuple(kept.items()), slowed.until, slowed.times)
    recent = slowed.until is not None and abs(now - slowed.until) < _FORGIVEN
    times = slowed.times + 1 if recent else 1
    return Slowed((), now + min(_STEP * times, _LONGEST), times)
