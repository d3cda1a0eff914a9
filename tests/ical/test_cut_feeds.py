"""A feed that was cut on its way, at any byte."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import extcal
from extcal import NotACalendar

pytestmark = pytest.mark.long

FIXTURES = Path(__file__).parents[1] / "quirks" / "fixtures"
WINTER = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)


def feeds() -> tuple[bytes, ...]:
    found = tuple(path.read_bytes() for path in sorted(FIXTURES.glob("*.ics")))
    assert len(found) > 100
    return found


def test_a_cut_feed_is_never_complete() -> None:
    """Cut at any byte before its end, a feed vouches for no part of the window."""
    stride = 1 if os.environ.get("EXTCAL_NIGHTLY") else 17
    tested = 0
    for raw in feeds():
        ends = [match.end() for match in re.finditer(rb"END:VCALENDAR", raw, re.IGNORECASE)]
        if len(ends) != 1 or len(re.findall(rb"BEGIN:VCALENDAR", raw, re.IGNORECASE)) != 1:
            continue
        for at in range(len(raw) % stride, ends[0], stride):
            try:
                result = extcal.expand(raw[:at], *WINTER)
            except NotACalendar:
                continue
            tested += 1
            assert not result.complete, raw[:at]
            assert result.free_busy.unknown == (result.free_busy.window,), raw[:at]
    assert tested > 1_000
