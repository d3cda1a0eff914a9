"""The end of a CalendarCache: ``close()``, and the end of its ``with`` block."""

from __future__ import annotations

from extcal.cache.refresh.single_flight import Flights

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from extcal.fetch.fetcher import Fetcher

__all__ = ["Closing"]


class Closing:
    """What a cache does at its end. The attributes are those of :class:`~extcal.CalendarCache`."""

    _flights: Flights
    _fetcher: Fetcher | None
    _arguments: dict[str, Any]

    def close(self) -> None:
        """End what is under way: no fetch begins any more, and those that wait are dropped.

        A fetch that is under way is not waited for: it gives back its lease, and its result is not
        stored. What was read before is still served while it is fresh; other questions raise
        :class:`~extcal.Unavailable`. The fetcher is closed if the cache made it and it can be
        closed; a fetcher or store that was passed in stays open. Calling it twice does nothing.
        ``with CalendarCache() as calendars:`` calls it at the end of the block.
        """
        self._flights.end(self._flights.stop(), 0.0)
        close = getattr(self._fetcher, "close", None)
        if self._arguments["fetcher"] is None and callable(close):
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
