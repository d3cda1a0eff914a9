"""Feeds of other projects, read where they lie: they belong to others and are never copied here.

``feeds()`` are the files beside the repository (``../shared/corpus``); none where it is missing.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
MISSING = "the corpus is not here: it belongs to others and is not part of this repository"

_START = re.compile(rb"^DTSTART[^:\r\n]*:[ \t]*(\d{4})(\d\d)(\d\d)", re.MULTILINE | re.IGNORECASE)
_FOLD = re.compile(rb"(?:\r\n|\r|\n)[ \t]")
_EDGE = re.compile(rb"(BEGIN|END)[ \t]*:[ \t]*([A-Za-z-]+)[ \t]*$", re.IGNORECASE)
Window = tuple[datetime, datetime]


def feeds() -> list[str]:
    return sorted(path.stem for path in CORPUS.glob("*.ics"))


def raw(name: str) -> bytes:
    return (CORPUS / f"{name}.ics").read_bytes()


def starts(body: bytes) -> list[datetime]:
    """The days on which events start, but not the observances of zones, which start long ago."""
    found = []
    for year, month, day in _START.findall(_FOLD.sub(b"", body)):
        try:
            start = datetime(int(year), int(month), int(day), tzinfo=UTC)
        except ValueError:
            continue
        if 1990 <= start.year <= 2100:
            found.append(start)
    # A zone of 2007 is no reason to look at 2007.
    events = body.upper().count(b"BEGIN:VEVENT")
    return sorted(found)[-events:] if events else found


def busiest_year(body: bytes) -> Window:
    """The year in which most events start, the later of two."""
    years = Counter(start.year for start in starts(body)) or Counter([2026])
    year = max(years, key=lambda year: (years[year], year))
    return datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)


def windows(body: bytes) -> list[Window]:
    """The busiest year, three months from the first and to the last event, a day, and a winter."""
    found = [busiest_year(body)]
    days = starts(body)
    if days:
        first, last = days[0], days[-1]
        found.append((first - timedelta(days=7), first + timedelta(days=85)))
        found.append((last - timedelta(days=85), last + timedelta(days=7, hours=5)))
        middle = days[len(days) // 2]
        found.append((middle, middle + timedelta(days=1)))
    found.append((datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)))
    return found


def reversed_components(body: bytes) -> bytes | None:
    """The same components in the opposite order; None where BEGIN and END do not match."""
    calendars: list[tuple[list[bytes], list[list[bytes]]]] = []
    opened: list[bytes] = []
    for line in re.findall(rb"[^\r\n]+", body):
        edge = _EDGE.match(line)
        word, name = (edge[1].upper(), edge[2].upper()) if edge else (b"", b"")
        if word == b"BEGIN":
            opened.append(name)
            if len(opened) == 1:
                calendars.append(([], []))
            elif len(opened) == 2:
                calendars[-1][1].append([])
        if not opened:
            if line.strip(b" \t\xef\xbb\xbf\x1a"):
                return None
            continue
        if len(opened) == 1:
            if edge is None:
                calendars[-1][0].append(line)
        else:
            calendars[-1][1][-1].append(line)
        if word == b"END" and opened.pop() != name:
            return None
    if opened:
        return None
    lines: list[bytes] = []
    for head, components in reversed(calendars):
        lines += [b"BEGIN:VCALENDAR", *head]
        for component in reversed(components):
            lines += component
        lines.append(b"END:VCALENDAR")
    return (b"\r\n" if b"\r\n" in body else b"\n").join([*lines, b""])
