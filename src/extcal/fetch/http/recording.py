"""One fetch under one User-Agent, and what each answer on its way was like.

An HttpFetcher, a User-Agent and a request in; a :class:`Recording` out. That holds numbers, words
of extcal's and the answer, and no text of a server. It is used only by ``extcal check --canary``.
Unlike other fetches, it never tries a second time.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field, fields
from time import monotonic

from extcal.fetch.http.deadline import Deadline
from extcal.fetch.http.driver import HttpFetcher
from extcal.fetch.http.exchange import Accident, Ask, Head, Journey, Read, Step, turned_away_by
from extcal.fetch.protocol import Failed, FetchRequest, FetchResponse, Gone
from extcal.fetch.user_agents import UserAgents

__all__ = ["RecordedHead", "Recording", "fetch_recorded"]


@dataclass(frozen=True, slots=True)
class RecordedHead:
    """The head of one answer. ``seconds``: from the beginning of the fetch.

    ``length``: what Content-Length announces, in bytes as they are sent. ``etag``: ``"strong"``,
    ``"weak"`` (RFC 9110 section 8.8.3) or None. ``turned_away``: how the program was refused for
    its User-Agent, as :func:`~extcal.fetch.http.exchange.turned_away_by` says.
    """

    status: int
    seconds: float
    length: int | None
    gzipped: bool
    etag: str | None
    last_modified: bool
    turned_away: str | None


@dataclass(frozen=True, slots=True)
class Recording:
    """The result: ``heads`` in order, the ``answer``, and ``seconds`` until it was there."""

    heads: tuple[RecordedHead, ...]
    answer: FetchResponse
    seconds: float


def fetch_recorded(fetcher: HttpFetcher, user_agent: str, request: FetchRequest) -> Recording:
    """Fetch as ``fetcher`` would, but with ``user_agent`` only, and without a second try."""
    # Imported before the time is measured, because otherwise the first fetch would import it.
    importlib.import_module("extcal.fetch.http.connect.http11")
    fetcher._trust()
    recorder = _RecordingFetcher(fetcher, user_agent)
    answer = recorder.fetch(request)
    return Recording(tuple(recorder.heads), answer, monotonic() - recorder.began)


class _RecordingFetcher(HttpFetcher):
    def __init__(self, fetcher: HttpFetcher, user_agent: str) -> None:
        vars(self).update(vars(fetcher))
        self._user_agents = UserAgents.only(user_agent)
        self.heads: list[RecordedHead] = []
        self.began = monotonic()

    def _begin(self, request: FetchRequest) -> tuple[Journey, Deadline]:
        journey, deadline = super()._begin(request)
        known = {each.name: getattr(journey, each.name) for each in fields(journey)}
        return _RecordingJourney(**known, began=self.began, heads=self.heads), deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class _RecordingJourney(Journey):
    began: float
    heads: list[RecordedHead] = field(default_factory=list)

    def try_again(self, accident: Accident, *, left: float, chance: float) -> Failed | Gone:
        return accident.answer

    def head(self, ask: Ask, head: Head) -> Read | Step:
        tag, length = head.get("etag"), head.get("content-length") or ""
        self.heads.append(
            RecordedHead(
                head.status,
                monotonic() - self.began,
                int(length) if length.isascii() and length.isdigit() and len(length) < 12 else None,
                bool({"gzip", "x-gzip"}.intersection(head.all("content-encoding"))),
                tag and ("weak" if tag.startswith("W/") else "strong"),
                head.get("last-modified") is not None,
                turned_away_by(ask.url, head),
            )
        )
        return Journey.head(self, ask, head)
