"""docs/supported.md and docs/peers.md are whole: every Problem code, every known difference."""

from __future__ import annotations

import re
from pathlib import Path

from extcal.messages import kind_of
from extcal.messages.problems import PROBLEMS, UNKNOWN

ROOT = Path(__file__).resolve().parent.parent
_ROW = re.compile(r"^\| `([a-z_0-9]+)` \| [^|]+ \|$", re.MULTILINE)


def written() -> set[str]:
    """Every code that a Problem can have, because each has words of its own.

    ``tests/messages`` holds that no other words are said.
    """
    return {kind_of(key) for key in (*PROBLEMS, *UNKNOWN)}


def test_every_problem_code_is_listed() -> None:
    """ "a stable word from a closed list": the table has each code once, and no other."""
    page = (ROOT / "docs" / "supported.md").read_text("utf-8")
    listed = _ROW.findall(page.partition("## Problem codes")[2])
    assert len(listed) == len(set(listed))
    assert set(listed) == written()


def test_every_known_difference_of_dateutil_is_listed() -> None:
    """docs/peers.md names what tests/oracles holds."""
    source = (ROOT / "tests" / "oracles" / "dateutil_peer.py").read_text("utf-8")
    names = re.findall(r'^    Difference\(\n        "([^"]+)"', source, re.MULTILINE)
    assert names
    page = (ROOT / "docs" / "peers.md").read_text("utf-8")
    rows = re.findall(r"^\| ([^|]+) \| \d{8}T", page, re.MULTILINE)
    assert rows == names
