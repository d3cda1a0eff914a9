"""What a feed is, and how its bytes are brought in safely.

This package knows nothing of iCalendar but the first line of a body. Each name is loaded when it is
first used, so that h11 and ssl are imported only when something is fetched.
"""

from __future__ import annotations

from extcal.lazy import at_first_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.fetch.feed import Feed, as_feed
    from extcal.fetch.fetcher import AsyncFetcher, Fetcher
    from extcal.fetch.file_fetcher import FileFetcher
    from extcal.fetch.http.async_driver import AsyncHttpFetcher
    from extcal.fetch.http.driver import HttpFetcher
    from extcal.fetch.policy import UrlPolicy
    from extcal.fetch.protocol import (
        FAILURE_KINDS,
        Failed,
        Fetched,
        FetchRequest,
        FetchResponse,
        Gone,
        NotModified,
        Refused,
    )
    from extcal.fetch.user_agents import UserAgents

_MODULES = {
    "http.async_driver": "AsyncHttpFetcher",
    "policy": "UrlPolicy",
    "http.driver": "HttpFetcher",
    "feed": "Feed as_feed",
    "fetcher": "AsyncFetcher Fetcher",
    "file_fetcher": "FileFetcher",
    "protocol": (
        "FAILURE_KINDS Failed FetchRequest FetchResponse Fetched Gone NotModified Refused"
    ),
    "user_agents": "UserAgents",
}
_HOMES = {name: f"{__name__}.{home}" for home, names in _MODULES.items() for name in names.split()}

__all__ = [
    "FAILURE_KINDS",
    "AsyncFetcher",
    "AsyncHttpFetcher",
    "Failed",
    "Feed",
    "FetchRequest",
    "FetchResponse",
    "Fetched",
    "Fetcher",
    "FileFetcher",
    "Gone",
    "HttpFetcher",
    "NotModified",
    "Refused",
    "UrlPolicy",
    "UserAgents",
    "as_feed",
]

__getattr__, __dir__ = at_first_use(__name__, _HOMES)
