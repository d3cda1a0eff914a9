"""What an application needs to test its use of extcal without a network, a sleep or a calendar.

    >>> from extcal.testing import FakeFetcher, ManualClock, event, feed_text
    >>> clock = ManualClock("2027-01-04T08:00Z")
    >>> fetcher = FakeFetcher({url: feed_text(event("2027-01-04T09:00", "PT1H"))})
    >>> calendars = extcal.CalendarCache(fetcher=fetcher, clock=clock)

The library itself uses nothing of this. Each name is loaded when it is first used, so a test that
only builds feeds imports nothing else.
"""

from __future__ import annotations

from extcal.lazy import at_first_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.testing.builder import event as event
    from extcal.testing.builder import feed_text as feed_text
    from extcal.testing.clock import ManualClock as ManualClock
    from extcal.testing.fakes import FakeFetcher as FakeFetcher
    from extcal.testing.oddities import ODD_FEEDS as ODD_FEEDS
    from extcal.testing.samples import sample as sample

__all__ = ["ODD_FEEDS", "FakeFetcher", "ManualClock", "event", "feed_text", "sample"]

_HOMES = {
    "ODD_FEEDS": "extcal.testing.oddities",
    "FakeFetcher": "extcal.testing.fakes",
    "ManualClock": "extcal.testing.clock",
    "event": "extcal.testing.builder",
    "feed_text": "extcal.testing.builder",
    "sample": "extcal.testing.samples",
}

__getattr__, __dir__ = at_first_use(__name__, _HOMES)
