"""Hostile feeds are read to an honest end: what is surely busy comes out busy or unknown."""

from __future__ import annotations

import os
from types import ModuleType
from unittest import mock

import pytest

import extcal
from extcal.ical.budget import Work
from extcal.ical.parse.components import ComponentReader
from extcal.ical.parse.excess import without_excess
from extcal.ical.parse.spans import whole
from extcal.ical.shortcuts import short_components
from extcal.ical.shortcuts.plain_blocks import PlainBlocks, line_ends
from extcal.ical.shortcuts.select import sieve
from extcal.ical.zones.names import is_exact

# The numbers are checked against the list by the first test.
COUNT = 63
# Each takes as long as ten others, and there is another one of its kind.
LONG = {
    "50,000 VTIMEZONEs",
    "700 series of 40 RDATEs that are periods",
    "a daily series in every zone of the world",
    "100,000 FREEBUSY lines",
    "800 series with 20 EXRULEs each",
}
NIGHTLY = bool(os.environ.get("EXTCAL_NIGHTLY"))


def test_there_are_hostile_feeds_to_read(hostile: ModuleType) -> None:
    names = [one.name for one in hostile.HOSTILE]
    assert len(names) == len(set(names)) == COUNT
    assert set(names) >= LONG


@pytest.mark.parametrize("index", range(COUNT))
def test_what_is_surely_busy_never_looks_free(
    hostile: ModuleType, feeds: ModuleType, index: int
) -> None:
    """Unknown is never free, and ``complete`` is False exactly when something is unknown."""
    one = hostile.HOSTILE[index]
    if one.name in LONG and not NIGHTLY:
        pytest.skip("long: make nightly runs it")
    answer = extcal.expand(one.make(), feeds.START, feeds.END, timezone="UTC")
    taken = [(lo, hi) for lo, hi, _ in answer.free_busy.epochs]
    taken += answer.free_busy.unknown_epochs
    for lo, hi in one.truth:
        for start, end in sorted(taken):
            if start <= lo < end:
                lo = end
        assert lo >= hi, f"{one.name}: {lo} looks free"
    assert answer.complete == (not answer.free_busy.unknown), one.name
    limits = extcal.Limits()
    assert len(answer.events) <= limits.max_occurrences
    reasons = {problem.code for problem in answer.problems if problem.action == "unknown"}
    assert len(answer.problems) <= limits.max_problems + len(reasons) + 1


@pytest.mark.parametrize(
    "name",
    [
        "50,000 overrides of one UID",
        "20,000 copies of one series",
        "5,000 masters of one UID",
        "20,000 unknown TZIDs",
        "50,000 unreadable events",
        "100,000 VEVENTs never ended",
        "5,000 VAVAILABILITY",
        "100,000 EXDATEs",
    ],
)
def test_of_a_crowd_next_to_nothing_is_read(
    hostile: ModuleType, feeds: ModuleType, name: str
) -> None:
    """Fewer than one byte in eight goes on to the reader, or there is no work left for it."""
    raw = _bytes(hostile, name)
    window = int(feeds.START.timestamp()), int(feeds.END.timestamp())
    work = Work()
    spans = without_excess(raw, sieve(raw, *window, work.limits), work, is_exact)
    assert work.left < 0 or sum(end - start for start, end in spans) < len(raw) / 8


def test_lines_that_are_none_are_counted_in_a_row(hostile: ModuleType) -> None:
    """No value is made for each of them, and the event that they stand in is read."""
    raw = _bytes(hostile, "400,000 lines that are none")
    work = Work()
    with mock.patch.object(ComponentReader, "take", autospec=True) as take:
        blocks = PlainBlocks(raw, line_ends(raw))
        short_components.read(
            raw, work, whole(raw), people=False, labels=False, told=True, blocks=blocks
        )
    assert take.call_count < 2 * work.limits.max_problems


def _bytes(hostile: ModuleType, name: str) -> bytes:
    (one,) = (one for one in hostile.HOSTILE if one.name == name)
    made: bytes = one.make()
    return made
