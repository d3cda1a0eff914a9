"""The law of limits: what a limit hides is unknown, and never free.

A reading with small limits is held against the reading of the same bytes without: outside its
unknown time it may call more time busy (EXDATEs that were not read), but never less.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

import extcal
from extcal import Expansion, FreeBusy, LimitExceeded, Limits

pytestmark = pytest.mark.long

FIXTURES = Path(__file__).parents[1] / "quirks" / "fixtures"
START, END = datetime(2026, 12, 4, tzinfo=UTC), datetime(2026, 12, 16, tzinfo=UTC)
FETCHED = {"max_redirects", "max_url_length"}  # have nothing to do with what is read
COUNTED = [
    field.name
    for field in fields(Limits)
    if field.type == "int" and field.name.startswith("max_") and field.name not in FETCHED
]
PART = 4 if os.environ.get("EXTCAL_NIGHTLY") else 20  # so many times fewer fixtures are read
DENSE = {
    "two runs a day that interleave": "RRULE:FREQ=MINUTELY;INTERVAL=10;BYSECOND=0,30;BYDAY=MO",
    "excluded at the weekend": "RRULE:FREQ=MINUTELY;INTERVAL=47\r\nEXRULE:FREQ=WEEKLY;BYDAY=SA,SU",
    "two rules at once": "RRULE:FREQ=HOURLY;INTERVAL=5\r\nRRULE:FREQ=DAILY;BYHOUR=3,9,21",
    "moved from some day on": "RRULE:FREQ=HOURLY;INTERVAL=3\r\n"
    "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:dense@example.org\r\nDTSTART:20261210T010000Z\r\n"
    "RECURRENCE-ID;RANGE=THISANDFUTURE:20261210T000000Z\r\nDTEND:20261210T013000Z",
    "many dates": "RDATE:" + ",".join(f"202612{day:02}T120000Z" for day in range(1, 31)),
    "many removed": "RRULE:FREQ=DAILY\r\nEXDATE:"
    + ",".join(f"202612{day:02}T000000Z" for day in range(1, 31)),
}


@cache
def feeds() -> dict[str, bytes]:
    found = {path.stem: path.read_bytes() for path in sorted(FIXTURES.glob("*.ics"))}
    for name, lines in DENSE.items():
        text = (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:dense@example.org\r\n"
            f"DTSTART:20261201T000000Z\r\nDTEND:20261201T000030Z\r\n{lines}\r\n"
            "END:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        found[name] = text.encode()
    return found


@cache
def whole(name: str) -> Expansion:
    return extcal.expand(feeds()[name], START, END, timezone="Europe/Berlin")


def some(limit: str) -> dict[str, bytes]:
    """One in twenty of the feeds, other ones for each limit, and all the dense ones."""
    names = [name for name in feeds() if name not in DENSE]
    return {name: feeds()[name] for name in (*names[COUNTED.index(limit) % PART :: PART], *DENSE)}


def tightened(limit: str) -> Iterator[int]:
    """Small values: what a limit does does not depend on how large it is."""
    if limit == "max_line_bytes":
        yield from (20, 25, 33, 60, 150)  # shorter than BEGIN:VAVAILABILITY nothing is a calendar
    else:
        yield from (0, 1, 2, 5, 20)
    if limit == "max_steps":
        yield from (60, 150, 400, 1_000, 3_000)


def never_less(limited: FreeBusy, full: FreeBusy) -> bool:
    """Whether all that ``full`` calls busy is busy or unknown in ``limited``."""
    lo, hi = full.window_epochs
    unknown = [(start, end, 4) for start, end in limited.unknown_epochs]
    covered = FreeBusy.from_epochs(lo, hi, [*limited.epochs, *unknown])
    return (covered | FreeBusy.from_epochs(lo, hi, full.epochs)).periods == covered.periods


@pytest.mark.parametrize("limit", COUNTED)
def test_what_a_limit_hides_is_unknown(limit: str) -> None:
    """Under any value of any limit: less than the whole truth is told, but no untruth."""
    for name, raw in some(limit).items():
        for value in tightened(limit):
            limits = Limits(**{limit: value})
            found = extcal.expand(raw, START, END, timezone="Europe/Berlin", limits=limits)
            assert never_less(found.free_busy, whole(name).free_busy), f"{name}: {limit}={value}"
            assert found.complete or found.free_busy.unknown


@pytest.mark.parametrize("limit", COUNTED)
def test_strict_raises_for_a_limit_that_is_told_of(limit: str) -> None:
    """``strict=True`` raises where a limit made time unknown, and only for a limit that is told."""
    for name, raw in some(limit).items():
        if not whole(name).complete:
            continue
        for value in (20, 60):
            limits = Limits(**{limit: value})
            found = extcal.expand(raw, START, END, limits=limits)
            codes = {problem.code for problem in found.problems}
            try:
                strictly = extcal.expand(raw, START, END, limits=limits, strict=True)
            except LimitExceeded as error:
                assert error.kind == limit, name
                assert limit in codes, name
            else:
                assert found.complete, name
                assert strictly == found, name


@pytest.mark.parametrize("name", sorted(DENSE))
def test_a_limit_is_told_of_once_for_each_rule(name: str) -> None:
    """A series that runs out of steps leaves a Problem for each rule, not for each of its runs."""
    for value in tightened("max_steps"):
        found = extcal.expand(feeds()[name], START, END, limits=Limits(max_steps=value))
        codes = [problem.code for problem in found.problems]
        assert codes.count("max_steps") <= 2, codes  # one for each rule at most
        if not found.complete:
            with pytest.raises(LimitExceeded, match="steps"):
                extcal.expand(
                    feeds()[name], START, END, limits=Limits(max_steps=value), strict=True
                )


def test_the_dense_feeds_are_dense() -> None:
    """What is tested above is not nothing."""
    assert len(COUNTED) > 15
    for name in DENSE:
        winter = extcal.expand(feeds()[name], START, datetime(2027, 4, 1, tzinfo=UTC))
        assert len(winter.events) >= 10, name
    assert all(re.fullmatch(r"max_[a-z_]+", limit) for limit in COUNTED)
