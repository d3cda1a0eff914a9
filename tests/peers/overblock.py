"""The price of doubt: what is busy or unknown here and free in recurring-ical-events, and back.

    make overblock                    # the corpus, the quirks, 10,000 generated feeds
    make overblock ARGS="--feeds 500" # fewer of these

Both are asked as ``compute.py`` says: dates and floating times are UTC, CANCELLED and TRANSPARENT
are left out. Every difference is charged to the Problems of its feed. One without a Problem is one
of the cases of the table "Where engines disagree" in docs/peers.md; anything else fails.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import extcal
from extcal import FreeBusy
from extcal.testing import ODD_FEEDS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
FEEDS = 10_000
WINDOW = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
Window = tuple[datetime, datetime]


def neighbour(path: Path) -> ModuleType:
    # Not by its own name: the benchmarks have a module called feeds, too.
    name = f"peers_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


corpus = neighbour(HERE.parent / "corpus" / "feeds.py")
doubt = neighbour(HERE.parent / "ical" / "test_law_of_doubt.py")


@dataclass
class Feed:
    """One feed, what is asked of it, and what the peer said (None: it refused)."""

    source: str
    name: str
    body: str
    window: Window
    theirs: FreeBusy | None = None


@dataclass
class Row:
    """What one reason costs, in minutes."""

    feeds: int = 0
    busy: float = 0
    unknown: float = 0
    free: float = 0
    names: list[str] = field(default_factory=list)


# --- the feeds ------------------------------------------------------------------------------------


def of_corpus() -> Iterator[Feed]:
    for name in corpus.feeds():
        body = corpus.raw(name)
        kept = json.loads((HERE / "answers" / f"{name}.json").read_text("utf-8"))
        start, end = (datetime.fromisoformat(edge) for edge in kept["window"])
        feed = Feed("corpus", name, body.decode("utf-8", "replace"), (start, end))
        if "failed" not in kept:
            feed.theirs = busy_of((start, end), kept["busy"])
        yield feed


def of_quirks() -> Iterator[Feed]:
    for path in sorted((HERE.parent / "quirks" / "fixtures").glob("*.ics")):
        yield Feed("quirks", path.stem, path.read_bytes().decode("utf-8", "replace"), WINDOW)
    for name, body in ODD_FEEDS.items():
        yield Feed("odd feeds", name, body, (WINDOW[0], WINDOW[1] + timedelta(days=365)))


def generated(number: int) -> Feed:
    """One to three events; in every third feed one value of one of them is broken."""
    chance = random.Random(number)
    body: list[list[str]] = []
    for at in range(chance.randint(1, 3)):
        events = doubt.good(chance)
        if chance.random() < 1 / 6:
            found = doubt.broken(chance, events)
            events = found[0] if found else events
        body += [[line.replace("a-long-name", f"n{at}") for line in lines] for lines in events]
    return Feed("generated", f"seed {number}", doubt.text_of(body), doubt.WINDOW)


def busy_of(window: Window, spans: list[list[str]]) -> FreeBusy:
    periods = [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in spans]
    return FreeBusy.from_periods(window, periods)


def ask_peer(feeds: list[Feed]) -> None:
    """Let the peer read what it has no kept answer for."""
    lines = [
        json.dumps({"body": feed.body, "window": [edge.isoformat() for edge in feed.window]})
        for feed in feeds
    ]
    run = subprocess.run(
        [PEERS, HERE / "answer_many.py"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        check=True,
    )
    for feed, line in zip(feeds, run.stdout.splitlines(), strict=True):
        found = json.loads(line)
        if "failed" not in found:
            feed.theirs = busy_of(feed.window, found["busy"])


# --- what explains a difference without a Problem -------------------------------------------------


def _has(pattern: str) -> Callable[[str], bool]:
    found = re.compile(pattern, re.MULTILINE | re.IGNORECASE)
    return lambda body: found.search(body) is not None


# In the order in which they are tried: the names of rows in docs/peers.md.
CASES: dict[str, Callable[[str], bool]] = {
    "Exchange's availability only": _has("^PRODID:.*Microsoft Exchange"),
    "Microsoft's busy status": _has("^X-MICROSOFT-[A-Z-]*STATUS"),
    "VFREEBUSY and VAVAILABILITY": _has("^BEGIN:V(FREEBUSY|AVAILABILITY)"),
    "DATE with a TZID": _has(r"^DTSTART[^:\r\n]*TZID=[^:\r\n]*:[0-9]{8}\r?$"),
    "UNTIL as a DATE on a timed series": _has(r"^RRULE:.*UNTIL=[0-9]{8}(;|\r?$)"),
    "METHOD:CANCEL": _has("^METHOD:CANCEL"),
    "EXRULE": _has("^EXRULE"),
    "several masters of one UID": lambda body: _masters(body) > 1,
    "an EXDATE and an override of one instance": lambda body: (
        "EXDATE" in body and "RECURRENCE-ID" in body
    ),
    "a DATE RECURRENCE-ID on a timed series": _has(r"^RECURRENCE-ID;VALUE=DATE:"),
    "an override without an end of its own": lambda body: _without_end(body),
    "X-WR-TIMEZONE": _has("^X-WR-TIMEZONE"),
    "a night in which clocks change": lambda body: (
        _has("^RRULE")(body) and _has("^DTEND;TZID=")(body)
    ),
    "a DATE without length": _has(r"^DTSTART;VALUE=DATE:([0-9]{8})\r?$(.|\n)*^DTEND;VALUE=DATE:\1"),
    "RDATE and EXDATE in other forms": _has("^(RDATE|EXDATE)[^\r\n]*/"),
    "Windows names and offsets": _has("TZID="),
}


def _without_end(body: str) -> bool:
    """Whether an override has neither DTEND nor DURATION."""
    events = re.findall(r"BEGIN:VEVENT(.*?)END:VEVENT", body, re.S)
    return any(
        "RECURRENCE-ID" in event and not re.search("^(DTEND|DURATION)", event, re.M)
        for event in events
    )


def _masters(body: str) -> int:
    """The most events without a RECURRENCE-ID that share a UID."""
    uids: dict[str, int] = defaultdict(int)
    for event in re.findall(r"BEGIN:VEVENT(.*?)END:VEVENT", body, re.S):
        uid = re.search(r"^UID:(.*?)\r?$", event, re.M)
        if uid and "RECURRENCE-ID" not in event:
            uids[uid[1]] += 1
    return max(uids.values(), default=0)


def explained(body: str) -> str | None:
    unfolded = re.sub(r"\r?\n[ \t]", "", body)
    return next((name for name, applies in CASES.items() if applies(unfolded)), None)


# --- the report -----------------------------------------------------------------------------------


def minutes(spans: list[tuple[int, int]]) -> float:
    return sum(end - start for start, end in spans) / 60


def less(spans: list[tuple[int, int]], others: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts of sorted, disjoint spans that no other covers."""
    left: list[tuple[int, int]] = []
    for start, end in spans:
        for first, last in others:
            if last <= start or first >= end:
                continue
            if first > start:
                left.append((start, first))
            start = max(start, last)
        if start < end:
            left.append((start, end))
    return left


def compare(feeds: list[Feed]) -> tuple[dict[tuple[str, str], Row], list[str], int, float]:
    """Rows by source and reason, what nobody can explain, refused feeds, and all minutes asked."""
    rows: dict[tuple[str, str], Row] = defaultdict(Row)
    unexplained: list[str] = []
    refused, asked = 0, 0.0
    for feed in feeds:
        if feed.theirs is None:
            refused += 1
            continue
        answer = extcal.expand(feed.body, *feed.window, timezone="UTC")
        asked += (feed.window[1] - feed.window[0]) / timedelta(minutes=1)
        ours = [(start, end) for start, end, kind in answer.free_busy.epochs if kind > 0]
        theirs = [(start, end) for start, end, _ in feed.theirs.epochs]
        unknown = list(answer.free_busy.unknown_epochs)
        more = minutes(less(ours, theirs))
        vague = minutes(less(less(unknown, ours), theirs))
        missed = minutes(less(less(theirs, ours), unknown))
        if not (more or vague or missed):
            continue
        codes = sorted({problem.code for problem in answer.problems})
        reason = "Problem: " + ", ".join(codes)
        if not codes:
            case = explained(feed.body)
            reason = f"no Problem: {case}"
            if case is None:
                unexplained.append(feed.name)
        row = rows[feed.source, reason]
        row.feeds += 1
        row.busy += more
        row.unknown += vague
        row.free += missed
        row.names.append(feed.name)
    return rows, unexplained, refused, asked


def show(feeds: list[Feed]) -> int:
    rows, unexplained, refused, asked = compare(feeds)
    print(f"{len(feeds)} feeds, {refused} of which the peer refuses; {asked:,.0f} minutes asked\n")
    print(
        f"{'busy':>10} {'unknown':>10} {'free here':>10}  feeds  (minutes; the peer says the other)"
    )
    for source in dict.fromkeys(feed.source for feed in feeds):
        some = {reason: row for (where, reason), row in rows.items() if where == source}
        total = [
            sum(getattr(row, name) for row in some.values()) for name in ("busy", "unknown", "free")
        ]
        print(
            f"\n{source}: {total[0]:,.0f} busy, {total[1]:,.0f} unknown, {total[2]:,.0f} free here"
        )
        for reason, row in sorted(some.items(), key=lambda item: -item[1].busy - item[1].unknown):
            figures = f"{row.busy:>10,.0f} {row.unknown:>10,.0f} {row.free:>10,.0f}"
            print(f"{figures}  {row.feeds:>5}  {reason}  [{', '.join(row.names[:3])}]")
    for name in unexplained:
        print(f"nobody can explain {name}")
    return 1 if unexplained else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--feeds", type=int, default=FEEDS, help="how many to generate")
    arguments = parser.parse_args()
    if not PEERS.exists():
        print(f"{PEERS.parent} is missing: the package index could not be reached")
        return 0
    kept = list(of_corpus())
    asked = [*of_quirks(), *(generated(number) for number in range(arguments.feeds))]
    ask_peer(asked)
    return show([*kept, *asked])


if __name__ == "__main__":
    sys.exit(main())
