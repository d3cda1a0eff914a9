"""What real feeds say that the standard does not: cases as files, asked through every door.

``cases/*.txt`` hold small calendars of the kinds that ``docs/oddities.md`` names, each with the
busy time owed to readers in six zones. README.md says how they are written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest

import extcal
from extcal.ical.shortcuts import select
from extcal.testing import FakeFetcher, ManualClock

HERE = Path(__file__).parent
READERS = (
    *("UTC", "Europe/Berlin", "America/Chicago", "Asia/Tokyo"),
    *("Pacific/Auckland", "Pacific/Honolulu"),
)
KINDS = {path.stem for path in (HERE / "cases").glob("*.txt")}
URL = "https://calendar.example/basic.ics"
_KEY = re.compile(r"(name|window|busy|unknown|available|problems|events)(?: (\S+))?:(?: (.*))?")
_HEADER = re.compile(
    r"(VEVENT|VFREEBUSY|VAVAILABILITY|AVAILABLE|VTIMEZONE|STANDARD|DAYLIGHT|VCALENDAR)\b *(.*)"
)
_PARENTS = {"AVAILABLE": "VAVAILABILITY", "STANDARD": "VTIMEZONE", "DAYLIGHT": "VTIMEZONE"}
Spans = list[tuple[datetime, datetime]]


class Component(NamedTuple):
    name: str
    lines: list[str]
    children: list[Component]

    def text(self, *, reverse: bool = False) -> list[str]:
        step = -1 if reverse else 1
        children = [line for child in self.children[::step] for line in child.text(reverse=reverse)]
        return [f"BEGIN:{self.name}", *self.lines[::step], *children, f"END:{self.name}"]


class Case(NamedTuple):
    """One block of a file: what is said about it, and its components."""

    name: str
    said: dict[tuple[str, str | None], list[str]]
    components: list[Component]

    def values(self, key: str, reader: str) -> list[str] | None:
        """What is owed to one reader; what is said to nobody in particular is owed to all."""
        found = self.said.get((key, reader), self.said.get((key, None)))
        return None if found is None else [value for value in found if value not in ("-", "")]

    @property
    def window(self) -> tuple[datetime, datetime]:
        written = self.said.get(("window", None), ["2027-01-01/2027-02-01"])[0]
        start, end = (datetime.fromisoformat(edge) for edge in written.split("/"))
        return start.replace(tzinfo=UTC), end.replace(tzinfo=UTC)

    def body(self, *, reverse: bool = False, padding: int = 0, available: bool = False) -> bytes:
        """The calendar; ``padding``: events of the past around it; ``available``: as AVAILABLEs."""
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0"]
        past = [
            "BEGIN:VEVENT|UID:past{}|DTSTART:20200105T090000Z|DTEND:20200105T100000Z|END:VEVENT"
        ]
        lines += [line for number in range(padding) for line in past[0].format(number).split("|")]
        components = self.components[::-1] if reverse else self.components
        if available:
            children = [
                Component("AVAILABLE", component.lines, [])
                for component in components
                if component.name == "VEVENT"
            ]
            others = [component for component in components if component.name != "VEVENT"]
            components = [*others, Component("VAVAILABILITY", ["UID:all"], children)]
        for component in components:
            if component.name == "VCALENDAR":
                lines += component.lines
            else:
                lines += component.text(reverse=reverse)
        lines += [line for line in past[0].format("z").split("|") if padding]
        return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def cases() -> Iterator[Case]:
    """All blocks of all files; an empty line ends a block, ``# `` begins a comment."""
    for path in sorted((HERE / "cases").glob("*.txt")):
        text = "\n".join(
            line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")
        )
        for block in re.split(r"\n\s*\n", text.strip()):
            yield _case(path.stem, block.splitlines())


def _case(kind: str, lines: list[str]) -> Case:
    said: dict[tuple[str, str | None], list[str]] = {}
    components: list[Component] = []
    current = Component("VCALENDAR", [], [])
    for line in lines:
        key, header = _KEY.fullmatch(line), _HEADER.fullmatch(line)
        if key is not None:
            said.setdefault((key[1], key[2]), []).append((key[3] or "").strip())
        elif header is not None:
            name = "TZID" if header[1] == "VTIMEZONE" else "UID"
            current = Component(header[1], [f"{name}:{header[2]}"] if header[2] else [], [])
            parent = _PARENTS.get(header[1])
            if parent is None:
                components.append(current)
            else:
                components[-1].children.append(current)
                assert components[-1].name == parent, lines
        else:
            current.lines.append(line)
    if current.name == "VCALENDAR" and current.lines:
        components.append(Component("VEVENT", ["UID:a", *current.lines], []))
    (name,) = said.pop(("name", None))
    return Case(f"{kind}: {name}", said, components)


CASES = list(cases())
EACH = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def spans(values: list[str], window: tuple[datetime, datetime], reader: str) -> Spans:
    """``01-05T09:00/10:00`` in UTC; ``local 01-05T09:00/10:00`` and ``day 01-05`` of the reader."""
    found: Spans = []
    for value in values:
        words = value.split()
        zone = ZoneInfo(reader) if words[0] in ("local", "day") else UTC
        if words[0] == "day":
            first, _, last = words[1].partition("..")
            start = moment(first, window, zone)
            day = moment(last or first, window, zone).date() + timedelta(1)
            end = datetime(day.year, day.month, day.day, tzinfo=zone)
        else:
            first, _, last = words[-1].partition("/")
            start = moment(first, window, zone)
            end = moment(
                last if "T" in last else f"{first[: first.index('T')]}T{last}", window, zone
            )
        found.append((start.astimezone(UTC), end.astimezone(UTC)))
    return union(found, window)


def moment(text: str, window: tuple[datetime, datetime], zone: ZoneInfo | object) -> datetime:
    """01-05, 01-05T09:00 or 2026-12-31T09:00:30, in the year of the window unless it says so."""
    dated = text if re.match(r"\d{4}-", text) else f"{window[0].year}-{text}"
    return datetime.fromisoformat(dated).replace(tzinfo=zone)  # type: ignore[arg-type]


def union(found: Spans, window: tuple[datetime, datetime]) -> Spans:
    joined: Spans = []
    for start, end in sorted(found):
        start, end = max(start, window[0]), min(end, window[1])
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def busy(answer: extcal.FreeBusy) -> Spans:
    periods = [(one.start, one.end) for one in answer.periods if one.fbtype in extcal.BLOCKING]
    return union(periods, (answer.window.start, answer.window.end))


def ask(case: Case, reader: str, **how: bool | int) -> extcal.Expansion:
    found = extcal.expand(case.body(**how), *case.window, timezone=reader)  # type: ignore[arg-type]
    assert "internal_error" not in {problem.code for problem in found.problems}
    return found


@EACH
def test_busy_time_and_problems(case: Case) -> None:
    """What the file says is busy, for a reader in each zone, and why."""
    for reader in READERS:
        found = ask(case, reader)
        owed = case.values("busy", reader)
        assert owed is not None
        assert busy(found.free_busy) == spans(owed, case.window, reader), reader
        unknown = [(gap.start, gap.end) for gap in found.free_busy.unknown]
        assert unknown == spans(case.values("unknown", reader) or [], case.window, reader), reader
        codes = {problem.code for problem in found.problems}
        assert codes == set((case.values("problems", reader) or [""])[0].split()), reader
        events = case.values("events", reader)
        assert events is None or len(found.events) == int(events[0]), reader


def some_readers(case: Case) -> tuple[str, ...]:
    """Two of them, other ones for each case; ``make nightly`` asks for all."""
    return READERS if os.environ.get("EXTCAL_NIGHTLY") else READERS[CASES.index(case) % 3 :: 3]


@EACH
def test_all_doors_give_the_same_answer(case: Case) -> None:
    clock = ManualClock(case.window[0].isoformat())
    for reader in some_readers(case):
        found = ask(case, reader).free_busy
        assert extcal.free_busy(case.body(), *case.window, timezone=reader) == found, reader
        whole = extcal.expand(case.body(), *case.window, timezone=reader, sieve=False)
        assert whole.free_busy == found, reader
        calendars = extcal.CalendarCache(fetcher=FakeFetcher({URL: case.body()}), clock=clock)
        kept = calendars.free_busy(extcal.Feed(URL, timezone=reader), *case.window)
        assert kept == found, reader


@EACH
def test_order_and_shortcuts_change_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Components and properties the other way round; among a history that the sieve leaves out."""
    monkeypatch.setattr(select, "WORTHWHILE", 0)
    for reader in some_readers(case):
        found = ask(case, reader)
        turned = ask(case, reader, reverse=True)
        assert turned.free_busy == found.free_busy, reader
        assert {one.code for one in turned.problems} == {one.code for one in found.problems}, reader
        if any(component.name == "VEVENT" for component in case.components):
            assert ask(case, reader, padding=9).free_busy == found.free_busy, reader


@EACH
def test_as_available_time(case: Case) -> None:
    """RFC 7953: what the same lines make available; never more than they block as an event."""
    if not any(component.name == "VEVENT" for component in case.components):
        pytest.skip("there is no event in it")
    for reader in READERS:
        if case.values("available", reader) is None and reader not in some_readers(case):
            continue
        answer = extcal.free_busy(case.body(available=True), *case.window, timezone=reader)
        free = union([(gap.start, gap.end) for gap in answer.free()], case.window)
        owed = case.values("available", reader)
        if owed is not None:
            assert free == spans(owed, case.window, reader), reader
        events = ask(case, reader).events
        blocked = union([(event.start, event.end) for event in events], case.window)
        assert all(any(one[0] <= gap[0] and gap[1] <= one[1] for one in blocked) for gap in free)


def test_the_folder_is_whole() -> None:
    """Every kind has an example, its mirror, a series and an override, where it can have them."""
    assert len(KINDS) == 14
    names = [case.name for case in CASES]
    assert len(names) == len(set(names))
    for kind in KINDS:
        assert sum(name.startswith(f"{kind}:") for name in names) >= 3, kind
