"""``extcal check``: whether one calendar can be used, and if not, why.

In: one :class:`~extcal.cli.input.sources.Given`. Out: a :class:`Checked`, as text or as JSON: who
publishes the calendar, its size and how long it took, the zones of its times, and its problems.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from rich.text import Text

import extcal
from extcal.cache.freshness.failures import failure, unavailable
from extcal.cli.input.sources import Given
from extcal.cli.output.report import day_text, problem_lines, problem_object
from extcal.cli.output.screen import clean
from extcal.fetch import Feed, Fetched, FetchRequest, NotModified
from extcal.fetch.fetcher import Fetcher
from extcal.ical.budget import Work
from extcal.ical.expand import components_near
from extcal.ical.parse.components import Stream
from extcal.ical.parse.source import to_bytes
from extcal.ical.parse.spans import count_vevents
from extcal.ical.zones.resolve import Zones
from extcal.intervals import epoch

__all__ = [
    "PROVIDERS",
    "Checked",
    "check",
    "checked_json",
    "checked_text",
    "reads_the_same",
    "seconds_text",
]

PROVIDERS = {
    "airbnb": "Airbnb",
    "booking": "Booking.com",
    "exchange": "Exchange",
    "fastmail": "Fastmail",
    "google": "Google Calendar",
    "icloud": "iCloud",
    "kerio": "Kerio Connect",
    "nextcloud": "Nextcloud",
    "outlook": "Outlook",
    "proton": "Proton Calendar",
    "sogo": "SOGo",
    "teamsnap": "TeamSnap",
    "untis": "WebUntis",
    "yahoo": "Yahoo",
    "yandex": "Yandex Calendar",
    "zimbra": "Zimbra",
    "zoho": "Zoho Calendar",
}
_SOURCES = {
    "argument": "not named; --timezone says so",
    "assumed": "not named by anybody, taken for UTC",
    "iana": "IANA name",
    "utc": "UTC",
    "vtimezone": "defined by the feed",
    "windows": "Windows name",
    "x-wr-timezone": "not named; the calendar's own (X-WR-TIMEZONE)",
}
_DEFINED = frozenset({"iana", "vtimezone", "windows"})


@dataclass(frozen=True, slots=True)
class ZoneUse:
    """How many times of a feed are in one zone, and where its rules come from."""

    tzid: str | None
    name: str
    source: str
    times: int


@dataclass(slots=True)
class Checked:
    """The results, in the order in which they were found."""

    name: str
    feed: Feed | None = None
    fetch_seconds: float | None = None
    conditional: bool = False
    moved: bool = False
    size: int = 0
    read_seconds: float = 0.0
    prodids: tuple[str, ...] = ()
    vevents: int = 0
    zones: tuple[ZoneUse, ...] = ()
    result: extcal.Expansion | None = None
    data: bytes = b""
    error: extcal.ExtcalError | None = None
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def unknown(self) -> bool:
        """Whether part of the window is unknown."""
        return self.result is not None and bool(self.result.free_busy.unknown)


def check(
    given: Given,
    start: datetime,
    end: datetime,
    zone: ZoneInfo | None,
    owner: tuple[str, ...],
    fetcher: Fetcher,
) -> Checked:
    """Fetch, if it is an address, and read once; ``[start, end)`` is what is expanded."""
    checked = Checked(given.name)
    try:
        data = given.data
        if isinstance(data, Feed):
            data = _fetch(data, fetcher, checked)
        _read(data, start, end, zone, owner, checked)
    except extcal.ExtcalError as error:
        checked.error = error
    return checked


def _fetch(feed: Feed, fetcher: Fetcher, checked: Checked) -> bytes:
    checked.feed = feed
    began = perf_counter()
    answer = fetcher.fetch(FetchRequest(feed))
    checked.fetch_seconds = perf_counter() - began
    if isinstance(answer, Fetched):
        checked.conditional = answer.etag is not None or answer.last_modified is not None
        checked.moved = answer.moved_to is not None
        return answer.body
    if isinstance(answer, NotModified):
        raise unavailable("protocol")
    failed = failure(answer)
    raise unavailable(failed.kind, failed.hint)


def _read(
    data: bytes,
    start: datetime,
    end: datetime,
    zone: ZoneInfo | None,
    owner: tuple[str, ...],
    checked: Checked,
) -> None:
    checked.data, checked.size = data, len(data)
    began = perf_counter()
    result = extcal.expand(data, start, end, timezone=zone, owner=owner, detail="busy")
    checked.read_seconds = perf_counter() - began
    checked.result = result
    checked.counts = Counter(event.fbtype.token for event in result.events)
    raw, work = to_bytes(data), Work()
    checked.vevents = count_vevents(raw)
    stream = components_near(raw, epoch(start), epoch(end), work)
    checked.prodids = tuple(dict.fromkeys(head.prodid for head in stream.calendars if head.prodid))
    zones = Zones(stream, epoch(start), epoch(end), zone, work)
    checked.zones = tuple(_zone_uses(stream, zones))


def _zone_uses(stream: Stream, zones: Zones) -> Iterator[ZoneUse]:
    used: Counter[tuple[str | None, str, str]] = Counter()
    for component in stream.events:
        for line in component.lines:
            if line.name == "DTSTART":
                tzid = line.params.get("TZID")
                utc = line.value.strip().upper().endswith("Z")
                zone = zones.utc if utc else zones.resolve(tzid, component.calendar)
                used[None if utc else tzid, zone.name, zone.source] += 1
    for (tzid, name, source), times in used.most_common():
        yield ZoneUse(tzid, name, source, times)


# -- output ---------------------------------------------------------------------------------------


def checked_text(checked: Checked) -> Iterator[Text]:
    """Lines of a label and a text; the last one is the verdict."""
    facts = [("Calendar", checked.name), *_where(checked)]
    if checked.result is not None:
        facts += _what(checked, checked.result)
    for label, words in facts:
        yield Text().append(f"{label:<12}", style="bold").append(clean(words))
    if checked.result is not None:
        for line in problem_lines(checked.result.problems):
            yield Text(f"{'':<12}{line}", style="yellow")
        yield _verdict(checked, checked.result)


def _where(checked: Checked) -> Iterator[tuple[str, str]]:
    feed = checked.feed
    if feed is not None:
        provider = PROVIDERS.get(feed.provider or "", "not a provider known by name")
        yield "Provider", f"{provider} ({feed.host}, #{feed.fingerprint})"
    if checked.result is None:
        return
    size = f"{checked.size:,} bytes"
    if checked.fetch_seconds is not None:
        size += f" in {seconds_text(checked.fetch_seconds)}"
        size += "; asks for changes only" if checked.conditional else "; comes whole every time"
    yield "Came", size + (", from a new address (ask its owner for it)" if checked.moved else "")


def _what(checked: Checked, result: extcal.Expansion) -> Iterator[tuple[str, str]]:
    if checked.prodids:
        yield "Written by", ", ".join(_unescaped(each) for each in checked.prodids)
    window = result.free_busy.window
    found = ", ".join(f"{count} {kind}" for kind, count in checked.counts.most_common())
    yield (
        "Events",
        f"{checked.vevents:,} in the feed; {len(result.events):,} from "
        f"{day_text(window.start.date())} to {day_text(window.end.date())}"
        + (f": {found}" if found else ""),
    )
    yield "Read", f"in {seconds_text(checked.read_seconds)}"
    for index, use in enumerate(checked.zones):
        named = f"{use.tzid} → {use.name}" if use.tzid not in (None, use.name) else use.name
        times = "1 time" if use.times == 1 else f"{use.times:,} times"
        only = use.tzid is None and use.source in _DEFINED
        source = "not named; the only one that the feed defines" if only else _SOURCES[use.source]
        yield "" if index else "Zones", f"{named}: {times}, {source}"
    count = len(result.problems)
    yield "Problems", "none" if not count else f"{count:,}"


def _unescaped(text: str) -> str:
    """RFC 5545 section 3.3.11: ``Apple Inc.\\, macOS`` is ``Apple Inc., macOS``."""
    return re.sub(r"\\(.)", lambda found: " " if found[1] in "nN" else found[1], text)


def reads_the_same(checked: Checked, report: bytes, zone: ZoneInfo | None) -> bool:
    """Whether ``report`` gives the times and the problems of what was checked."""
    if checked.result is None:
        return False
    window = checked.result.free_busy.window
    again = extcal.expand(report, window.start, window.end, timezone=zone, detail="busy")
    codes = [[problem.code for problem in each.problems] for each in (checked.result, again)]
    return again.free_busy == checked.result.free_busy and codes[0] == codes[1]


def _verdict(checked: Checked, result: extcal.Expansion) -> Text:
    if result.free_busy.unknown:
        return Text("Incomplete: part of its time is unknown, and counts as taken.", style="yellow")
    if result.empty:
        return Text("Good, but there is nothing in it: is it the right calendar?", style="yellow")
    if any(use.source == "assumed" for use in checked.zones):
        return Text("Usable; some times name no zone: pass --timezone.", style="yellow")
    if result.problems:
        return Text("Good: it can be used. What was odd was read on the safe side.", style="green")
    return Text("Good: it can be used.", style="green")


def seconds_text(value: float) -> str:
    """``value`` seconds as text, in milliseconds below 0.1 s."""
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1000:.0f} ms"


def checked_json(checked: Checked) -> dict[str, Any]:
    """The same for programs."""
    feed, result, error = checked.feed, checked.result, checked.error
    said: dict[str, Any] = {
        "name": checked.name,
        "provider": feed.provider if feed is not None else None,
        "host": feed.host if feed is not None else None,
        "fingerprint": feed.fingerprint if feed is not None else None,
        "fetch_seconds": checked.fetch_seconds,
    }
    if error is not None:
        said["error"] = {
            "kind": getattr(error, "kind", "not_a_calendar"),
            "message": str(getattr(error, "message", error)),
            "advice": getattr(error, "advice", None),
        }
    if result is not None:
        said |= {
            "bytes": checked.size,
            "conditional": checked.conditional,
            "moved": checked.moved,
            "read_seconds": checked.read_seconds,
            "prodids": list(checked.prodids),
            "vevents": checked.vevents,
            "occurrences": dict(checked.counts),
            "zones": [
                {"tzid": use.tzid, "name": use.name, "source": use.source, "times": use.times}
                for use in checked.zones
            ],
            "complete": result.complete,
            "events_complete": result.events_complete,
            "empty": result.empty,
            "unknown": len(result.free_busy.unknown),
            "problems": [problem_object(problem) for problem in result.problems],
        }
    return said
