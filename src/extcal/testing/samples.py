"""Two made-up calendars around any day, to try extcal without a network and without an address.

In: an instant, or none for now. Out: a CalendarCache that answers with the two calendars, their
feeds, and a window. The events are repeated every week, so that no date of theirs expires.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from extcal.arguments import discreet
from extcal.cache import CalendarCache, system_clock
from extcal.fetch import Feed
from extcal.intervals import Period, days, epoch, find_zone
from extcal.testing.builder import event, feed_text
from extcal.testing.fakes import FakeFetcher
from extcal.values import NamedTuple

__all__ = ["Sample", "sample"]

_ZONE = "Europe/Berlin"
_ADA, _BOB = "https://calendars.example/ada.ics", "https://calendars.example/bob.ics"


class Sample(NamedTuple):
    """What :func:`sample` returns: a cache, the feeds of two people, and a working week."""

    calendars: CalendarCache
    ada: Feed
    bob: Feed
    week: Period


@discreet
def sample(now: datetime | None = None) -> Sample:
    """Return an offline cache with two people's calendars.

    ``calendars, ada, bob, week = sample()``: the cache, two feeds, and a window.

    ``now``: the time that the cache takes for the current one, an aware datetime; by default the
    system's clock. ``week`` is Monday to Friday in Berlin, from the coming Monday on (or today).

    Ada has a stand-up on Mondays and Wednesdays, a tentative planning on Mondays, and is away on
    Fridays; Bob has an interview on Tuesdays, and works elsewhere on Wednesdays.

    Raises ``TypeError`` for a naive datetime.
    """
    if now is not None:
        epoch(now)  # refuses what is no instant
    clock: Callable[[], datetime] = system_clock if now is None else lambda: now
    today = clock().astimezone(find_zone(_ZONE)).date()
    monday = today + timedelta(days=-today.weekday() % 7)
    web = FakeFetcher({_ADA: _ada(monday), _BOB: _bob(monday)})
    return Sample(
        CalendarCache(fetcher=web, clock=clock),
        Feed(_ADA, timezone=_ZONE, owner="ada@example.org"),
        Feed(_BOB, timezone=_ZONE, owner="bob@example.org"),
        days(monday, 5, _ZONE),
    )


def _ada(monday: date) -> str:
    friday = monday + timedelta(days=4)
    return feed_text(
        event(
            f"{monday}T09:30", "PT1H", tz=_ZONE, summary="Stand-up",
            rrule="FREQ=WEEKLY;BYDAY=MO,WE",
        ),
        event(
            f"{monday}T15:00", "PT1H", tz=_ZONE, summary="Planning", status="TENTATIVE",
            rrule="FREQ=WEEKLY",
        ),
        event(
            friday, summary="Trip to Lisbon", rrule="FREQ=WEEKLY",
            extra="X-MICROSOFT-CDO-BUSYSTATUS:OOF",
        ),
        prodid="-//Google Inc//Google Calendar 70.9054//EN",
    )  # fmt: skip


def _bob(monday: date) -> str:
    tuesday, wednesday = monday + timedelta(days=1), monday + timedelta(days=2)
    return feed_text(
        event(
            f"{tuesday}T14:00", "PT1H", tz="W. Europe Standard Time", summary="Interview",
            rrule="FREQ=WEEKLY",
        ),
        event(
            wednesday, summary="At home", rrule="FREQ=WEEKLY",
            extra="X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE",
        ),
        prodid="Microsoft Exchange Server 2010",
    )  # fmt: skip
