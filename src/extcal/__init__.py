"""extcal: when is this person busy, according to the calendar they keep elsewhere?

The core is one pure function: the bytes of a feed and a window of time go in, free/busy time comes
out. Fetching and caching are built around it. The names below are the whole public API. Each is
loaded when it is first used, so that ``import extcal`` takes little time.
"""

from __future__ import annotations

from extcal._former_modules import install as _find_former_modules
from extcal.lazy import at_first_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.cache import (
        AsyncCalendarCache,
        Availability,
        CalendarCache,
        MemoryStore,
        Refresh,
        Snapshot,
        State,
        Stats,
        Store,
        system_clock,
    )
    from extcal.cache.stores import RedisStore, SQLiteStore
    from extcal.choices import Detail
    from extcal.errors import (
        ExtcalError,
        FeedUrlError,
        FetchError,
        LimitExceeded,
        NotACalendar,
        OutsideHorizon,
        Problem,
        Unavailable,
    )
    from extcal.fetch import (
        AsyncFetcher,
        AsyncHttpFetcher,
        Failed,
        Feed,
        Fetched,
        Fetcher,
        FetchRequest,
        FetchResponse,
        FileFetcher,
        Gone,
        HttpFetcher,
        NotModified,
        Refused,
        UrlPolicy,
        UserAgents,
    )
    from extcal.ical import (
        Expansion,
        ExternalEvent,
        expand,
        free_busy,
        read_freebusy,
        write_freebusy,
    )
    from extcal.intervals import (
        BLOCKING,
        BusyPeriod,
        FBType,
        FreeBusy,
        Period,
        WorkingHours,
        common_free,
        days,
    )
    from extcal.limits import Limits
    from extcal.policy import BusyPolicy, Rule

__version__ = "0.1.0"

_find_former_modules()

_ROOMS = {
    "cache": (
        "AsyncCalendarCache Availability CalendarCache MemoryStore Refresh Snapshot State Stats"
        " Store system_clock"
    ),
    "cache.stores": "RedisStore SQLiteStore",
    "choices": "Detail",
    "errors": (
        "ExtcalError FeedUrlError FetchError LimitExceeded NotACalendar OutsideHorizon Problem"
        " Unavailable"
    ),
    "fetch": (
        "AsyncFetcher AsyncHttpFetcher Failed Feed FetchRequest FetchResponse Fetched Fetcher"
        " FileFetcher Gone HttpFetcher NotModified Refused UrlPolicy UserAgents"
    ),
    "ical": "Expansion ExternalEvent expand free_busy read_freebusy write_freebusy",
    "intervals": "BLOCKING BusyPeriod FBType FreeBusy Period WorkingHours common_free days",
    "limits": "Limits",
    "policy": "BusyPolicy Rule",
}
_HOMES = {name: f"extcal.{room}" for room, names in _ROOMS.items() for name in names.split()}

__all__ = [
    "BLOCKING",
    "AsyncCalendarCache",
    "AsyncFetcher",
    "AsyncHttpFetcher",
    "Availability",
    "BusyPeriod",
    "BusyPolicy",
    "CalendarCache",
    "Detail",
    "Expansion",
    "ExtcalError",
    "ExternalEvent",
    "FBType",
    "Failed",
    "Feed",
    "FeedUrlError",
    "FetchError",
    "FetchRequest",
    "FetchResponse",
    "Fetched",
    "Fetcher",
    "FileFetcher",
    "FreeBusy",
    "Gone",
    "HttpFetcher",
    "LimitExceeded",
    "Limits",
    "MemoryStore",
    "NotACalendar",
    "NotModified",
    "OutsideHorizon",
    "Period",
    "Problem",
    "RedisStore",
    "Refresh",
    "Refused",
    "Rule",
    "SQLiteStore",
    "Snapshot",
    "State",
    "Stats",
    "Store",
    "Unavailable",
    "UrlPolicy",
    "UserAgents",
    "WorkingHours",
    "common_free",
    "days",
    "expand",
    "free_busy",
    "read_freebusy",
    "system_clock",
    "write_freebusy",
]

__getattr__, __dir__ = at_first_use(__name__, _HOMES)
