"""Every feed of the corpus is read whole, in any window, in any order."""

from __future__ import annotations

import importlib.util
import os
from datetime import datetime
from itertools import islice, pairwise, product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import extcal
from extcal.ical.shortcuts import select


def _load(path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


corpus = _load(Path(__file__).with_name("feeds.py"))
ZONES = (None, "Europe/Berlin", "Pacific/Chatham")
FEEDS = corpus.feeds()
NIGHTLY = bool(os.environ.get("EXTCAL_NIGHTLY"))
each_feed = pytest.mark.parametrize("name", FEEDS or ["none"])


@pytest.fixture(autouse=True)
def _corpus_or_skip() -> None:
    if not FEEDS:
        pytest.skip(corpus.MISSING)


def some_windows(name: str, body: bytes) -> list[tuple[datetime, datetime]]:
    """Every other one, other ones for the next feed; `make nightly` takes all of them."""
    windows: list[tuple[datetime, datetime]] = corpus.windows(body)
    return windows if NIGHTLY else windows[FEEDS.index(name) % 2 :: 2]


@each_feed
def test_it_is_read_without_an_error(name: str) -> None:
    """No feed raises, and no event is lost to a mistake of ours."""
    body = corpus.raw(name)
    asked = product(corpus.windows(body), ZONES)
    # Every other one is each window in one or two zones; `make nightly` asks for all of them.
    for (start, end), zone in asked if NIGHTLY else islice(asked, None, None, 2):
        result = extcal.expand(body, start, end, timezone=zone)
        assert "internal_error" not in {problem.code for problem in result.problems}
        assert result.complete or result.free_busy.unknown


@each_feed
def test_its_own_year_has_events(name: str) -> None:
    """The window around a feed's own dates is not empty: what is tested here is not nothing."""
    body = corpus.raw(name)
    start, end = corpus.busiest_year(body)
    result = extcal.expand(body, start, end)
    assert result.events or b"BEGIN:VEVENT" not in body


@each_feed
def test_the_sieve_is_invisible(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading only what the window needs gives what reading everything gives."""
    monkeypatch.setattr(select, "WORTHWHILE", 0)  # however small a feed is
    body = corpus.raw(name)
    for start, end in some_windows(name, body):
        asked: dict[str, Any] = {"timezone": "Europe/Berlin", "owner": "me@example.org"}
        sieved = extcal.expand(body, start, end, **asked)
        whole = extcal.expand(body, start, end, **asked, sieve=False)
        assert sieved.free_busy == whole.free_busy
        assert sieved.events == whole.events
        assert (sieved.complete, sieved.empty) == (whole.complete, whole.empty)
    assert extcal.free_busy(body, start, end, **asked) == whole.free_busy


@each_feed
def test_the_order_of_components_changes_nothing(name: str) -> None:
    """RFC 5545 section 3.6: components come in any order."""
    body = corpus.raw(name)
    turned = corpus.reversed_components(body)
    if turned is None:
        pytest.skip("its components do not end where they should: there is no order to turn")
    for start, end in some_windows(name, body):
        forward = extcal.expand(body, start, end)
        backward = extcal.expand(turned, start, end)
        assert backward.free_busy == forward.free_busy
        assert backward.events == forward.events


@each_feed
def test_a_year_is_the_join_of_its_parts(name: str) -> None:
    """Splitting a window changes nothing: quarters (nightly, months) tell what the year tells."""
    body = corpus.raw(name)
    start, end = corpus.busiest_year(body)
    year = extcal.free_busy(body, start, end, timezone="Europe/Berlin")
    months = range(1, 13, 1 if NIGHTLY else 3)
    for first, last in pairwise([*(start.replace(month=month) for month in months), end]):
        part = extcal.free_busy(body, first, last, timezone="Europe/Berlin")
        assert part == year.clip(first, last)
