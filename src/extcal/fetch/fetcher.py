"""The one method of a fetcher, as types: for applications that write their own."""

from __future__ import annotations

from typing import Protocol

from extcal.fetch.protocol import FetchRequest, FetchResponse

__all__ = ["AsyncFetcher", "Fetcher"]


class Fetcher(Protocol):
    """An object that answers a :class:`FetchRequest`; an application can write its own.

    It may have an attribute ``shares_answers``. If that is true, feeds of equal URL and ``auth``
    that differ in nothing but zone, owner, policy and detail share one request and its answer, as
    with :class:`HttpFetcher <extcal.HttpFetcher>`. A fetcher without it is asked for each feed.
    """

    def fetch(self, request: FetchRequest, /) -> FetchResponse:
        """Answer ``request``. Never raises for what a source or a network does."""
        ...


class AsyncFetcher(Protocol):
    """The same for programs with an event loop."""

    async def fetch(self, request: FetchRequest, /) -> FetchResponse:
        """Answer ``request``. Never raises for what a source or a network does."""
        ...
