"""justbookmycal on extcal: its feeds are read by a CalendarCache, its slots come from common_free.

``install()`` replaces three functions of its module ``availability``. All the rest, such as its
pages and its database, stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from justbookmycal import availability

import extcal

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_DAY = timedelta(days=1)
_caches: dict[int, extcal.CalendarCache] = {}


class Download:
    """Fetches with the program's own function, which its users may have replaced."""

    def fetch(self, request: extcal.FetchRequest) -> extcal.FetchResponse:
        """Answer with the body, or that the source cannot be read."""
        try:
            return extcal.Fetched(availability._download(request.feed.reveal(), 10))
        except (OSError, ValueError):
            return extcal.Failed("connection")


def calendars(cfg: Mapping[str, Any]) -> extcal.CalendarCache:
    """The cache for the settings; one for each horizon."""
    days = max(92, cfg["HORIZON_DAYS"] + 3)
    if days not in _caches:
        _caches[days] = extcal.CalendarCache(
            ttl=timedelta(seconds=cfg["FEED_CACHE_SECONDS"]),
            horizon=timedelta(days=days),
            fetcher=Download(),
            clock=lambda: availability.utcnow(),  # tests replace it
        )
    return _caches[days]


def feeds(cfg: Mapping[str, Any]) -> list[extcal.Feed]:
    """The calendars of one owner, read in the owner's zone."""
    return [extcal.Feed(url, timezone=cfg["TIMEZONE"]) for url in cfg["ICS_FEEDS"]]


def prefetch(cfg: Mapping[str, Any]) -> None:
    """Load all feeds before the database is locked."""
    now = availability.utcnow()
    get_busy(cfg, now, now + _DAY)


def get_busy(
    cfg: Mapping[str, Any], start: datetime, end: datetime, exclude_uid: str | None = None
) -> list[tuple[datetime, datetime, str]]:
    """Return busy time; unknown time is busy, too, and a feed that cannot be read is an error."""
    moving = [exclude_uid] if exclude_uid else ()
    table = calendars(cfg).availability({"owner": feeds(cfg)}, start, end, exclude=moving)
    if any(problem.action == "unknown" for problem in table.problems["owner"]):
        raise availability.FeedError("a calendar cannot be read")
    busy = table["owner"]
    blocked = [one for one in busy.periods if one.fbtype in extcal.BLOCKING]
    return [(one.start, one.end, "") for one in (*blocked, *busy.unknown)]


def compute_slots(
    rules: Any, duration: int, busy: list[tuple[datetime, datetime, str]], now: datetime
) -> list[datetime]:
    """Return the starts of the slots: each window of a day has its own, from its beginning on."""
    length = timedelta(minutes=duration)
    earliest, latest = now + rules.notice, now + rules.horizon
    window = (now - 2 * _DAY, latest + 3 * _DAY)
    owner = extcal.FreeBusy.from_periods(window, [(start, end) for start, end, _ in busy])
    found: set[datetime] = set()
    for weekday, windows in rules.hours.items():
        for opens, closes in windows:
            hours = (_WEEKDAYS[weekday], f"{opens:%H:%M}", f"{closes:%H:%M}", rules.tz)
            slots = extcal.common_free(
                [owner],
                length,
                hours=extcal.WorkingHours(*hours),
                step=rules.step,
                align="hours",
                buffer=(rules.buffer_before, rules.buffer_after),
                timezone=rules.tz,
                earliest=earliest,
                latest=latest + length,
            )
            found.update(slot.start.astimezone(UTC) for slot in slots)
    return sorted(found)


def install() -> None:
    """Let the program use extcal."""
    for replaced in (prefetch, get_busy, compute_slots):
        setattr(availability, replaced.__name__, replaced)
