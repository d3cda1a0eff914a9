"""The price of doubt, over what is kept: no difference without a Problem is unexplained."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "peers.md"


def _report() -> ModuleType:
    specification = importlib.util.spec_from_file_location("overblock", HERE / "overblock.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["overblock"] = module
    specification.loader.exec_module(module)
    return module


report = _report()


def test_every_case_is_a_row_of_the_document() -> None:
    """What explains a difference is what the table explains."""
    table = DOCUMENT.read_text("utf-8").partition("## Where engines disagree")[2]
    rows = set(re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE))
    assert set(report.CASES) <= rows


def test_the_corpus_costs_what_is_known() -> None:
    """Minutes busy here and free there, and the other way round: neither may grow."""
    feeds = list(report.of_corpus())
    if not feeds:
        pytest.skip(report.corpus.MISSING)
    rows, unexplained, refused, asked = report.compare(feeds)
    assert unexplained == []
    assert refused == 4
    assert sum(row.unknown for row in rows.values()) == 0
    by_reason = {reason: (row.busy, row.free) for (_, reason), row in rows.items()}
    assert by_reason == {
        "no Problem: DATE with a TZID": (18_480, 18_435),  # the same days, in another zone
        "no Problem: UNTIL as a DATE on a timed series": (50, 0),
        "Problem: until_unclear": (2_880, 0),  # two days, which their authors mean
    }
    assert asked > 30_000_000


def test_less_is_what_no_other_covers() -> None:
    assert report.less([(0, 10), (20, 30)], [(2, 4), (8, 22)]) == [(0, 2), (4, 8), (22, 30)]
    assert report.less([(0, 10)], []) == [(0, 10)]
    assert report.less([(0, 10)], [(0, 10)]) == []


def test_generated_feeds_are_the_same_everywhere() -> None:
    assert report.generated(7) == report.generated(7)
    assert len({report.generated(number).body for number in range(50)}) == 50
