"""The rate limit of a host: if it answers several feeds with 429, all of its feeds wait. Pure.

If a host itself answers three feeds with 429 within ten minutes, none of its feeds is fetched for 5
minutes; the second time in an hour for 10, then for 15. One feed alone never delays the others,
however often it fails: a stranger may have pasted it, and Retry-After is for its own address only.
A feed of another host that redirects to this one does not count. A user's "refresh" is always
allowed.

The record is small, and shared by all caches over one store.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from extcal.values import dataclass

__all__ = ["KEEP", "UNTROUBLED", "RateLimited", "after_429", "is_rate_limited"]

_FEEDS = 3
_WITHIN = timedelta(minutes=10)
_STEP = timedelta(minutes=5)
_LONGEST = timedelta(minutes=15)
_FORGIVEN = timedelta(hours=1)  # after this time without a limit, the next is 5 minutes again

KEEP = _FORGIVEN + _LONGEST
"""How long the record of a host is worth keeping."""


@dataclass(frozen=True, slots=True)
class RateLimited:
    """What is known of one host.

    ``told``: which feeds were answered with 429, and when; a feed is a digest. ``until``: none of
    its feeds is fetched before that. ``times``: how often in a row its feeds had to wait.
    """

    told: tuple[tuple[str, datetime], ...] = ()
    until: datetime | None = None
    times: int = 0


UNTROUBLED = RateLimited()


def is_rate_limited(rate_limited: RateLimited, now: datetime) -> bool:
    """Whether the feeds of the host wait; not if ``until`` is so far ahead that a clock jumped."""
    return rate_limited.until is not None and now < rate_limited.until <= now + _LONGEST


def after_429(rate_limited: RateLimited, feed: str, now: datetime) -> RateLimited:
    """The record after the host itself answered ``feed`` with 429."""
    kept = {name: at for name, at in rate_limited.told if timedelta(0) <= now - at < _WITHIN}
    kept[feed] = now
    if len(kept) < _FEEDS:
        return RateLimited(tuple(kept.items()), rate_limited.until, rate_limited.times)
    recent = rate_limited.until is not None and abs(now - rate_limited.until) < _FORGIVEN
    times = rate_limited.times + 1 if recent else 1
    return RateLimited((), now + min(_STEP * times, _LONGEST), times)
