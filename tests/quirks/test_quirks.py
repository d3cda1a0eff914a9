"""The catalogue of quirks: feeds as files, and beside each the answer that is owed.

``fixtures/Qnnn.json`` holds the cases of ``fixtures/Qnnn.ics``: what is promised, the options, the
window (December 2026 to March 2027 unless said), and the answer, worked out by hand from the
standard. A name may go on behind the number (``Q050-bare``) where one quirk needs several feeds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import extcal
from extcal import BusyPolicy, ExternalEvent

FIXTURES = Path(__file__).parent / "fixtures"
Case = dict[str, Any]

FEEDS = sorted(path.stem for path in FIXTURES.glob("*.ics"))
CASES = [
    pytest.param(name, case, id=f"{name}-{number}")
    for name in sorted(path.stem for path in FIXTURES.glob("*.json"))
    for number, case in enumerate(json.loads((FIXTURES / f"{name}.json").read_text("utf-8")), 1)
]
KNOWN_KEYS = set(
    "promise options start end busy unknown complete events problems"
    " listed titles zones reasons all_day private empty".split()
)


@cache
def feed(name: str) -> bytes:
    return (FIXTURES / f"{name}.ics").read_bytes()


def read(raw: bytes, case: Case) -> extcal.Expansion:
    options = dict(case.get("options", {}))
    if "policy" in options:
        options["policy"] = BusyPolicy(**options["policy"])
    start = datetime.fromisoformat(case.get("start", "2026-12-01T00:00Z"))
    end = datetime.fromisoformat(case.get("end", "2027-04-01T00:00Z"))
    return extcal.expand(raw, start, end, **options)


def written(instant: datetime) -> str:
    text = instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return text.replace(":00Z", "Z") if text.endswith(":00Z") else text


def seen(result: extcal.Expansion, case: Case) -> Case:
    """What came out, of all that the case says something about."""

    def among_events(what: str) -> object:
        pick: dict[str, Callable[[ExternalEvent], object]] = {
            "listed": lambda event: [written(event.start), written(event.end)],
            "titles": lambda event: event.summary,
            "zones": lambda event: event.zone_source,
            "reasons": lambda event: event.reason,
        }
        return [pick[what](event) for event in result.events]

    def number(of: Callable[[ExternalEvent], bool]) -> int:
        return sum(1 for event in result.events if of(event))

    answers: dict[str, Callable[[], object]] = {
        "busy": lambda: [
            [written(period.start), written(period.end), str(period.fbtype)]
            for period in result.free_busy.periods
        ],
        "unknown": lambda: [
            [written(gap.start), written(gap.end)] for gap in result.free_busy.unknown
        ],
        "complete": lambda: result.complete,
        "events": lambda: len(result.events),
        "problems": lambda: sorted({problem.code for problem in result.problems}),
        "all_day": lambda: number(lambda event: event.all_day),
        "private": lambda: number(lambda event: event.private),
        "empty": lambda: result.empty,
    }
    return {
        key: answers[key]() if key in answers else among_events(key)
        for key in case
        if key not in {"promise", "options", "start", "end"}
    }


def owed(case: Case) -> Case:
    return {
        key: value
        for key, value in case.items()
        if key not in {"promise", "options", "start", "end"}
    }


def test_the_folder_is_whole() -> None:
    """Every feed has its answer beside it, every answer its feed, and there are feeds at all."""
    assert len(FEEDS) > 100
    assert sorted(path.stem for path in FIXTURES.glob("*.json")) == FEEDS
    assert all(re.fullmatch(r"Q\d{3}(-[a-z]+)?", name) for name in FEEDS)
    for parameters in CASES:
        case = parameters.values[1]
        assert isinstance(case, dict)
        assert case["promise"].endswith(".")
        assert {"busy", "unknown", "complete", "problems"} <= case.keys() <= KNOWN_KEYS


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_answer_that_is_owed(name: str, case: Case) -> None:
    """Each feed of the catalogue gives the answer written beside it."""
    assert seen(read(feed(name), case), case) == owed(case), case["promise"]


def refolded(raw: bytes) -> bytes:
    """Every line folded after 20 bytes, wherever that is (3.1)."""
    lines = re.sub(rb"\r?\n[ \t]", b"", raw).split(b"\r\n")
    folded = [
        b"\r\n ".join([line[:20], *(line[at : at + 20] for at in range(20, len(line), 20))])
        for line in lines
    ]
    return b"\r\n".join(folded)


DRESSES = {
    "LF": lambda raw: raw.replace(b"\r\n", b"\n"),
    "CR": lambda raw: raw.replace(b"\r\n", b"\r"),
    "blank lines": lambda raw: re.sub(rb"\r\n(?![ \t])", b"\r\n\r\n", raw),
    "a byte order mark": lambda raw: b"\xef\xbb\xbf" + raw.removeprefix(b"\xef\xbb\xbf"),
    "folded short": refolded,
}


@pytest.mark.parametrize("dress", DRESSES)
def test_line_ends_and_folds_change_nothing(dress: str) -> None:
    """The same feed with other line ends, blank lines, a mark or other folds: the same answer."""
    for parameters in CASES:
        name, case = parameters.values
        assert isinstance(name, str)
        assert isinstance(case, dict)
        raw = DRESSES[dress](feed(name))
        assert seen(read(raw, case), case) == owed(case), f"{name} {dress}: {case['promise']}"


def test_utf_16_changes_nothing() -> None:
    """UTF-16 is read where its mark says so (Q024)."""
    for name in FEEDS:
        try:
            text = feed(name).decode("utf-8")
        except UnicodeDecodeError:
            continue
        for encoding in ("utf-16-le", "utf-16-be"):
            raw = ("\ufeff" + text.removeprefix("\ufeff")).encode(encoding)
            plain, wide = read(feed(name), {}), read(raw, {})
            assert wide.free_busy == plain.free_busy, name
            assert wide.events == plain.events, name


def test_busy_detail_gives_the_same_free_busy_without_titles() -> None:
    """``detail="busy"`` changes what is told of the events and nothing else."""
    for name in FEEDS:
        whole = read(feed(name), {})
        bare = read(feed(name), {"options": {"detail": "busy"}})
        assert bare.free_busy == whole.free_busy, name
        assert [times(event) for event in bare.events] == [times(event) for event in whole.events]
        assert not any(event.summary or event.location for event in bare.events)


def times(event: ExternalEvent) -> tuple[object, ...]:
    return event.uid, event.recurrence_id, event.start, event.end, event.fbtype, event.reason
