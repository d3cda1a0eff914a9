"""What recurrence engines and free/busy servers are asked: cases as text, one loop that runs them.

``recurrence/*.txt`` hold rules and sets with the starts owed, ``freebusy/*.txt`` small calendars
with the busy time owed. README.md says how they are written. Where engines are known to differ, the
name of the case or a ``reading:`` line says which sentence decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

import extcal
from extcal import Expansion

HERE = Path(__file__).parent
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_KEY = re.compile(r"([a-z]+):\s*(.*)")
_HEADER = re.compile(r"(VEVENT|VTODO|VFREEBUSY|VAVAILABILITY|AVAILABLE|VTIMEZONE)\b *(\S*)")
_RANGE = re.compile(r"(\d\d):(\d\d)\.\.(\d\d):(\d\d)/(\d+)")
_KEYS = frozenset(
    (
        "name reading timezone owner policy from to show starts window busy unknown events problems"
    ).split()
)


class Case(NamedTuple):
    """One block: what is said about it, and the content lines of its calendar."""

    said: dict[str, list[str]]
    lines: list[str]

    def one(self, key: str, default: str = "") -> str:
        return " ".join(self.said.get(key, [default]))

    def text(self) -> str:
        """The calendar: an event without a header line, else the components that headers name."""
        lines = self.lines
        if not any(_HEADER.fullmatch(line) for line in lines):
            lines = ["VEVENT case", *lines]
        body: list[str] = []
        open_: list[str] = []
        for line in lines:
            header = _HEADER.fullmatch(line)
            if header is None:
                body.append(line)
                continue
            name, uid = header.groups()
            keep = 1 if name == "AVAILABLE" else 0
            body += [f"END:{each}" for each in reversed(open_[keep:])]
            open_ = [*open_[:keep], name]
            body.append(f"BEGIN:{name}")
            if uid:
                body.append(f"{'TZID' if name == 'VTIMEZONE' else 'UID'}:{uid}")
        body += [f"END:{each}" for each in reversed(open_)]
        return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *body, "END:VCALENDAR", ""])

    def expand(self, lo: datetime, hi: datetime) -> Expansion:
        policy = dict(part.split("=") for part in self.one("policy").split())
        return extcal.expand(
            self.text(),
            lo,
            hi,
            timezone=self.one("timezone") or None,
            owner=self.one("owner").split() or None,
            policy=extcal.BusyPolicy(**policy),  # type: ignore[arg-type]
        )


def cases(folder: str) -> Iterator[Case]:
    """All blocks of a folder's files; comments begin with "#", an empty line ends a block."""
    for path in sorted((HERE / folder).glob("*.txt")):
        text = "\n".join(
            line for line in path.read_text("utf-8").splitlines() if not line.startswith("# ")
        )
        for block in re.split(r"\n\s*\n", text.strip()):
            case = Case({}, [])
            for line in block.splitlines():
                said = _KEY.fullmatch(line.strip())
                if said is not None:
                    assert said[1] in _KEYS, f"{path.name}: {line}"
                    case.said.setdefault(said[1], []).append(said[2])
                else:
                    case.lines.append(line.strip())
            assert case.one("name"), f"{path.name}: {block}"
            case.said["name"] = [f"{path.stem}: {case.one('name')}"]
            yield case


RECURRENCE = list(cases("recurrence"))
FREEBUSY = list(cases("freebusy"))


def instant(text: str) -> datetime:
    """2027-01-04, 2027-01-04T09:00 or 2027-01-04T09:00Z, in UTC."""
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)


def times(token: str) -> list[timedelta]:
    """09:00,12:00:30 or 09:00..16:40/20 (minutes)."""
    span = _RANGE.fullmatch(token)
    if span is not None:
        first, last = (int(span[n]) * 60 + int(span[n + 1]) for n in (1, 3))
        return [timedelta(minutes=at) for at in range(first, last + 1, int(span[5]))]
    found = []
    for one in token.split(","):
        hour, minute, *second = map(int, one.split(":"))
        found.append(timedelta(hours=hour, minutes=minute, seconds=sum(second)))
    return found


def owed_starts(text: str, usual: timedelta) -> list[datetime]:
    """1997 Sep 2 4-6 12:00,13:30 7: days, at DTSTART's time until a time says otherwise."""
    found: list[datetime] = []
    at = [usual]
    year = month = 0
    for token in text.split():
        if token in MONTHS:
            month = MONTHS.index(token) + 1
        elif ":" in token:
            at = times(token)
        elif len(token) == 4 and token.isdecimal():
            year = int(token)
        else:
            first, _, last = token.partition("-")
            for day in range(int(first), int(last or first) + 1):
                found += [datetime(year, month, day) + time for time in at]
    return found


def usual_time(case: Case) -> timedelta:
    start = next(line for line in case.lines if line.startswith("DTSTART"))
    digits = start.rpartition("T")[2].rstrip("Z") if re.search(r"\d{8}T", start) else "000000"
    return timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:]))


def zone_shown(case: Case) -> ZoneInfo:
    """``show:``, else the TZID of the first DTSTART, else the zone argument, else UTC."""
    start = next(line for line in case.lines if line.startswith("DTSTART"))
    tzid = re.search(r"TZID=([^:;]+)", start)
    floating = not start.endswith("Z")
    argument = case.one("timezone", "UTC") if floating else "UTC"
    return ZoneInfo(case.one("show") or (tzid[1] if tzid else argument))


def codes(result: Expansion) -> str:
    return " ".join(sorted({problem.code for problem in result.problems}))


@pytest.mark.parametrize("case", RECURRENCE, ids=lambda case: case.one("name"))
def test_starts(case: Case) -> None:
    """The instances in the window start when the case says, on the wall clock of its zone."""
    first = re.search(r"\d{8}", next(line for line in case.lines if line.startswith("DTSTART")))
    assert first is not None
    begin = instant(date.fromisoformat(first[0]).isoformat()) - timedelta(days=3)
    lo = instant(case.one("from")) if case.one("from") else begin
    result = case.expand(lo, instant(case.one("to")))
    zone = zone_shown(case)
    found = [event.start.astimezone(zone).replace(tzinfo=None) for event in result.events]
    assert found == owed_starts(case.one("starts"), usual_time(case))
    assert codes(result) == case.one("problems")


def shown(period: extcal.Period | extcal.BusyPeriod, year: int) -> str:
    """01-04T09:00/10:00, with whatever else is needed: seconds, the day of the end, the year."""
    start, end = period.start, period.end
    clock = "%H:%M:%S" if start.second or end.second else "%H:%M"
    begin, until = (
        f"{moment:{'' if moment.year == year else '%Y-'}%m-%dT{clock}}" for moment in (start, end)
    )
    return f"{begin}/{f'{end:{clock}}' if start.date() == end.date() else until}"


def owed_periods(case: Case, key: str) -> list[str]:
    said = case.said.get(key, [])
    return [line.removesuffix(" BUSY") for line in said if line.strip("- ")]


@pytest.mark.parametrize("case", FREEBUSY, ids=lambda case: case.one("name"))
def test_free_busy(case: Case) -> None:
    """Busy time by type, sorted, joined, within the window, and what is unknown, both in UTC."""
    lo, hi = map(instant, case.one("window", "2027-01-01/2027-02-01").split("/"))
    result = case.expand(lo, hi)
    found = [
        f"{shown(one, lo.year)} {one.fbtype}".removesuffix(" BUSY")
        for one in result.free_busy.periods
    ]
    assert found == owed_periods(case, "busy")
    unknown = [shown(one, lo.year) for one in result.free_busy.unknown]
    assert unknown == owed_periods(case, "unknown")
    assert codes(result) == case.one("problems")
    if "events" in case.said:
        assert len(result.events) == int(case.one("events"))


def test_there_are_cases() -> None:
    """Nobody runs an empty folder by mistake."""
    assert len(RECURRENCE) >= 150
    assert len(FREEBUSY) >= 60
    names = [case.one("name") for case in (*RECURRENCE, *FREEBUSY)]
    assert len(names) == len(set(names))
    assert all("starts" in case.said for case in RECURRENCE)
    assert all("busy" in case.said for case in FREEBUSY)
