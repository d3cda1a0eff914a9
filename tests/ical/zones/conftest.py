"""What the tests of zones share: a feed's text becomes the Zones of its stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

import pytest

from extcal.errors import Problem
from extcal.ical.budget import Work
from extcal.ical.parse.components import read
from extcal.ical.shortcuts.select import sieve
from extcal.ical.zones.resolve import Zones
from extcal.limits import Limits

LO = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp())
HI = int(datetime(2027, 11, 22, tzinfo=UTC).timestamp())


def local(text: str) -> int:
    """Local seconds of an ISO time, or the epoch of one that ends in Z: the same number."""
    return int(datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC).timestamp())


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M")


@dataclass
class Reading:
    """The zones of one feed, with what its Work has to tell."""

    zones: Zones
    work: Work
    raw: bytes

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.work.report(self.raw)

    def codes(self) -> list[str]:
        return [problem.code for problem in self.problems]

    def utc(self, tzid: str | None, text: str, calendar: int = 0) -> str:
        """The instant, as ISO minutes in UTC, of a local time under a TZID."""
        return iso(self.zones.resolve(tzid, calendar).to_epoch(local(text)))

    def source(self, tzid: str | None, calendar: int = 0) -> str:
        return self.zones.resolve(tzid, calendar).source


def read_zones(
    *calendars: str,
    default: str | tzinfo | None = None,
    limits: Limits | None = None,
    strict: bool = False,
    lo: int = LO,
    hi: int = HI,
) -> Reading:
    """One VCALENDAR per text; no text at all is one empty VCALENDAR."""
    bodies = [
        f"BEGIN:VCALENDAR\nVERSION:2.0\n{text.strip()}\nEND:VCALENDAR\n"
        for text in calendars or ("",)
    ]
    raw = "".join(bodies).replace("\n\n", "\n").replace("\n", "\r\n").encode()
    work = Work(limits, strict=strict)
    stream = read(raw, work, sieve(raw, lo, hi, work.limits))
    return Reading(Zones(stream, lo, hi, default, work), work, raw)


@pytest.fixture
def reading() -> Callable[..., Reading]:
    return read_zones


@pytest.fixture
def seconds() -> Callable[[str], int]:
    return local


def vtimezone(tzid: str, *observances: str, extra: str = "") -> str:
    """A VTIMEZONE; an observance is "STANDARD 16010101T030000 +0200 +0100 [more lines]"."""
    lines = ["BEGIN:VTIMEZONE", f"TZID:{tzid}", *extra.splitlines()]
    for observance in observances:
        name, start, before, after, *more = observance.split()
        lines += [f"BEGIN:{name}", f"DTSTART:{start}", f"TZOFFSETFROM:{before}"]
        lines += [f"TZOFFSETTO:{after}", *more, f"END:{name}"]
    return "\n".join([*lines, "END:VTIMEZONE\n"])


EUROPE = (
    "STANDARD 16010101T030000 +0200 +0100 RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
    "DAYLIGHT 16010101T020000 +0100 +0200 RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
)
EASTERN = (
    "STANDARD 16010101T020000 -0400 -0500 RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11",
    "DAYLIGHT 16010101T020000 -0500 -0400 RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3",
)


@pytest.fixture
def defined() -> Callable[..., str]:
    """Writes a VTIMEZONE: defined(tzid, "EUROPE" | "EASTERN" | observances..., extra=...)."""
    known = {"EUROPE": EUROPE, "EASTERN": EASTERN}

    def write(tzid: str, *observances: str, extra: str = "") -> str:
        lines = [line for each in observances for line in known.get(each, (each,))]
        return vtimezone(tzid, *lines, extra=extra)

    return write
