"""The engine against two other readings: a walker written from the text, and python-dateutil.

The walker (``recur_walker``) is the arbiter: the engine agrees with it on every rule. dateutil
agrees too, or the rule shows one of the differences of ``dateutil_peer.DIFFERENCES``, each of which
names the sentence of the standard that decides.

``EXTCAL_RULES=100000`` (``make nightly``) runs as many rules more, and longer forms of the others.
"""

from __future__ import annotations

import importlib.util
import os
import random
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extcal.ical.budget import Work
from extcal.ical.recurrence import parse, starts


def _neighbour(name: str) -> ModuleType:
    """A module of this directory, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


walker = _neighbour("recur_walker")
maker = _neighbour("rule_maker")
peer = _neighbour("dateutil_peer")

EPOCH = datetime(1970, 1, 1)
RULES = int(os.environ.get("EXTCAL_RULES", "0"))


def seconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(seconds=1)


def engine(parts: dict[str, Any], dtstart: datetime, lo: datetime, hi: datetime) -> list[datetime]:
    """The starts in ``[lo, hi)`` by the engine, through the text of the rule."""
    rule = parse(maker.text_of(parts), lambda code, message, action: None)
    assert rule is not None
    assert rule.readable
    until = seconds(parts["UNTIL"]) if "UNTIL" in parts else None
    found = starts(rule, seconds(dtstart), seconds(lo), seconds(hi), Work(), until=until)
    assert found.exact_until is None
    assert list(found.local) == sorted(set(found.local))
    members = [*found.local, *(start for run in found.runs for start in run)]
    assert len(members) == len(set(members))
    return [EPOCH + timedelta(seconds=start) for start in sorted(members)]


def compare(choose: Any) -> str | None:
    """Make one rule and compare; returns what explains dateutil's reading, if it differs."""
    dtstart = maker.make_start(choose)
    parts = maker.make_parts(choose, dtstart)
    end = maker.horizon(parts, dtstart)
    shown = f"DTSTART:{dtstart:%Y%m%dT%H%M%S} RRULE:{maker.text_of(parts)}"
    expected = walker.instances(parts, dtstart, end)
    assert engine(parts, dtstart, dtstart, end) == expected, shown
    lo = dtstart + (end - dtstart) * choose(range(1, 9)) / 10
    lo = lo.replace(microsecond=0)
    assert engine(parts, dtstart, lo, end) == [start for start in expected if start >= lo], shown
    if peer.instances(parts, dtstart, end) == expected:
        return None
    reasons = peer.explanations(parts)
    assert reasons, f"dateutil differs, and nobody knows why: {shown}"
    return str(reasons[0])


@settings(max_examples=1000 if RULES else 150)
@given(st.data())
def test_engine_walker_and_dateutil_agree(data: st.DataObject) -> None:
    """Or the difference is in the table."""
    compare(lambda values: data.draw(st.sampled_from(values)))


def test_seeded_rules_agree() -> None:
    """The same rules on every machine."""
    for seed in range(1500 if RULES else 150):
        compare(random.Random(seed).choice)


@pytest.mark.skipif(not RULES, reason="EXTCAL_RULES=100000 compares as many rules more")
def test_many_more_rules_agree() -> None:
    """No difference is unexplained; the tally is printed (-s)."""
    tally: Counter[str | None] = Counter()
    for seed in range(10_000, 10_000 + RULES):
        tally[compare(random.Random(seed).choice)] += 1
    print()
    for reason, count in tally.most_common():
        print(f"{count:8} {reason or 'all three agree'}")


@pytest.mark.parametrize("difference", peer.DIFFERENCES, ids=lambda difference: difference.name)
def test_each_known_difference_shows(difference: Any) -> None:
    """An entry whose example no longer differs is out of date."""
    parts, dtstart = difference.example, difference.dtstart
    end = dtstart + timedelta(days=1500)
    expected = walker.instances(parts, dtstart, end)
    assert engine(parts, dtstart, dtstart, end) == expected
    assert peer.instances(parts, dtstart, end) != expected
    assert difference.applies(parts)
    assert difference.sentence
    assert difference.section
