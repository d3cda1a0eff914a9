"""``extcal check --canary``: how a publisher treats each User-Agent, as a record to send in.

In: a Feed and an HttpFetcher. Out: an :class:`AddressRecord`, as text or as JSON. It contains no
address, no host except those of large providers, no title, and no text that a server wrote. It
contains statuses, sizes, seconds and extcal's own words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from rich.text import Text

import extcal
from extcal.cache.freshness.failures import failure, unavailable
from extcal.cli.check.inspect import PROVIDERS, seconds_text
from extcal.cli.output.screen import waiting
from extcal.fetch import (
    Failed,
    Feed,
    Fetched,
    FetchRequest,
    Gone,
    HttpFetcher,
    NotModified,
    Refused,
    UserAgents,
)
from extcal.fetch.address.providers import MICROSOFT_CLOUDS
from extcal.fetch.http.recording import RecordedHead, Recording, fetch_recorded
from extcal.limits import Limits

__all__ = ["AddressRecord", "canary", "record_json", "record_text"]

# Some of these feeds take half a minute to arrive, and the record shall say how long.
_PATIENT = Limits(fetch_deadline=60.0, idle_timeout=60.0)
_TURNED_AWAY = {
    "header": "X-OWA-Error says Unsupported",
    "redirect": "a redirect to errorfe.aspx with OwaBasicUnsupportedException",
    "500": "a bare 500",
}


@dataclass(frozen=True, slots=True)
class CanaryRequest:
    """One request, by the name of the User-Agent that it sent."""

    name: str
    user_agent: str
    conditional: bool
    recording: Recording

    @property
    def outcome(self) -> str:
        """``"calendar"``, ``"not modified"``, or the kind of failure."""
        answer = self.recording.answer
        if isinstance(answer, Fetched):
            return "calendar"
        if isinstance(answer, Gone | Refused | Failed):
            return failure(answer).kind
        return "not modified"

    @property
    def size(self) -> int | None:
        """The size of the decompressed calendar in bytes; None if the answer was no
        calendar."""
        answer = self.recording.answer
        return len(answer.body) if isinstance(answer, Fetched) else None


@dataclass(frozen=True, slots=True)
class AddressRecord:
    """The result for one address on ``day``."""

    day: date
    provider: str | None
    cloud: str | None
    asked: tuple[CanaryRequest, ...]

    @property
    def error(self) -> extcal.Unavailable | None:
        """Why no User-Agent got a calendar: the error of the first answer; None if one did."""
        answers = [asked.recording.answer for asked in self.asked]
        if any(isinstance(answer, Fetched) for answer in answers):
            return None
        answer = answers[0]
        if isinstance(answer, Gone | Refused | Failed):
            failed = failure(answer)
            return unavailable(failed.kind, failed.hint)
        return unavailable("protocol")


def canary(feed: Feed, fetcher: HttpFetcher, day: date) -> AddressRecord:
    """Ask once with each User-Agent, and once more with a conditional request."""
    agents = UserAgents()
    strings = {"default": agents.default, "microsoft": agents.microsoft, "browser": agents.browser}
    asked = [_ask(name, text, feed, fetcher) for name, text in strings.items() if text is not None]
    cloud = MICROSOFT_CLOUDS.get(feed.host)
    # First the string that is sent by default, then any other whose answer had validators.
    usual = "default" if cloud is None else "microsoft"
    for each in sorted(asked, key=lambda one: one.name != usual):
        answer = each.recording.answer
        if isinstance(answer, Fetched) and (answer.etag or answer.last_modified):
            asked.append(_ask(each.name, each.user_agent, feed, fetcher, answer))
            break
    return AddressRecord(day, feed.provider, cloud, tuple(asked))


def _ask(
    name: str, user_agent: str, feed: Feed, fetcher: HttpFetcher, held: Fetched | None = None
) -> CanaryRequest:
    etag, modified = (None, None) if held is None else (held.etag, held.last_modified)
    request = FetchRequest(feed, etag, modified, _PATIENT.fetch_deadline, _PATIENT)
    with waiting(f"Asking as {name}{', conditionally' if held else ''}"):
        recording = fetch_recorded(fetcher, user_agent, request)
    return CanaryRequest(name, user_agent, held is not None, recording)


def record_text(record: AddressRecord) -> Iterator[Text]:
    """Lines of a label and a text."""
    who = PROVIDERS.get(record.provider or "", "not a provider known by name")
    written = f"{record.day:%Y-%m-%d}, extcal {extcal.__version__}"
    yield _line("Record", f"{written}; no address and no title is in it")
    yield _line("Provider", who if record.cloud is None else f"{who} ({record.cloud})")
    for asked in record.asked:
        yield _line("Asked as", asked.user_agent + (", conditionally" if asked.conditional else ""))
        yield _line("", _outcome(asked))
        for head in asked.recording.heads:
            yield _line("", _head(head))
        whole = isinstance(asked.recording.answer, Fetched | NotModified)
        ended = "last byte" if whole else "ended"
        yield _line("", f"{ended} after {seconds_text(asked.recording.seconds)}")
    if not any(asked.conditional for asked in record.asked):
        yield _line("Conditional", "not asked: no answer brought a validator")


def _line(label: str, words: str) -> Text:
    return Text().append(f"{label:<12}", style="bold").append(words)


def _outcome(asked: CanaryRequest) -> str:
    size = asked.size
    return asked.outcome if size is None else f"{asked.outcome}, {size:,} bytes"


def _head(head: RecordedHead) -> str:
    said = [f"{head.status} after {seconds_text(head.seconds)}"]
    if head.length is not None:
        said.append(f"{head.length:,} bytes{' of gzip' if head.gzipped else ''} announced")
    if head.etag is not None:
        said.append(f"{head.etag} ETag")
    if head.last_modified:
        said.append("Last-Modified")
    if head.turned_away is not None:
        said.append(f"turned away: {_TURNED_AWAY[head.turned_away]}")
    return ", ".join(said)


def record_json(record: AddressRecord) -> dict[str, Any]:
    """The same for programs."""
    return {
        "extcal": extcal.__version__,
        "day": f"{record.day:%Y-%m-%d}",
        "provider": record.provider,
        "cloud": record.cloud,
        "requests": [
            {
                "name": asked.name,
                "user_agent": asked.user_agent,
                "conditional": asked.conditional,
                "outcome": asked.outcome,
                "bytes": asked.size,
                "answers": [asdict(head) for head in asked.recording.heads],
                "seconds": asked.recording.seconds,
            }
            for asked in record.asked
        ],
    }
