"""Work is counted, never timed: how much of a feed is read, and how much of that the short way."""

from __future__ import annotations

from types import ModuleType
from unittest import mock

import pytest

import extcal
from extcal.ical.events import vevent as values
from extcal.ical.shortcuts.select import sieve
from extcal.ical.shortcuts.short_reading import PlainReader
from extcal.limits import Limits


@pytest.mark.parametrize("kind", ["google_like", "outlook_like"])
def test_one_event_in_sixteen_is_read_at_most(feeds: ModuleType, kind: str) -> None:
    """Ten years of history: what is kept is the window, and what may touch it."""
    data = getattr(feeds, kind)(2_000)
    lo, hi = int(feeds.START.timestamp()), int(feeds.END.timestamp())
    spans = sieve(data, lo, hi, Limits())
    assert sum(data.count(b"BEGIN:VEVENT", *span) for span in spans) <= 2_000 / 16
    assert sum(end - start for start, end in spans) <= len(data) / 14


@pytest.mark.parametrize("kind", ["google_like", "outlook_like", "recurrence_heavy"])
def test_without_the_shortcuts_the_answer_is_the_same(feeds: ModuleType, kind: str) -> None:
    data = getattr(feeds, kind)(150)
    assert extcal.expand(data, feeds.START, feeds.END) == extcal.expand(
        data, feeds.START, feeds.END, sieve=False
    )


@pytest.mark.parametrize("kind", ["google_like", "outlook_like", "recurrence_heavy"])
def test_all_but_the_last_are_read_the_short_way(feeds: ModuleType, kind: str) -> None:
    """The last event is followed by the calendar's end, and is read with it."""
    data = getattr(feeds, kind)(500)
    with (
        mock.patch.object(
            PlainReader, "read", autospec=True, side_effect=PlainReader.read
        ) as short,
        mock.patch.object(values, "event", side_effect=values.event) as long,
    ):
        extcal.free_busy(data, feeds.START, feeds.END)
    assert long.call_count == 1
    assert short.call_count > 10
