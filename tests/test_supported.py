"""docs/supported.md and docs/peers.md are whole: every Problem code, every known difference."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from extcal import Limits
from extcal.messages import kind_of
from extcal.messages.problems import PROBLEMS

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "extcal"
# What makes a Problem of its first argument; the readers of rules and zones report by a function.
_TELLERS = frozenset(
    {"Problem", "problem", "exceeded", "cut", "report", "tell", "tell_odd", "_tell"}
)
_CODE = re.compile(r"[a-z]+(?:_[a-z0-9]+)*")
_ROW = re.compile(r"^\| `([a-z_0-9]+)` \| [^|]+ \|$", re.MULTILINE)


def written() -> Iterator[str]:
    """Every code in the source: those with words of their own, and limits chosen by name."""
    yield from map(kind_of, PROBLEMS)
    limits = set(Limits.__dataclass_fields__)
    for path in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                function = node.func
                name = function.attr if isinstance(function, ast.Attribute) else ""
                name = function.id if isinstance(function, ast.Name) else name
                first = node.args[0]
                code = first.value if isinstance(first, ast.Constant) else None
                if name in _TELLERS and isinstance(code, str) and _CODE.fullmatch(code):
                    yield code
            elif isinstance(node, ast.IfExp) and path.relative_to(SOURCE).parts[0] == "ical":
                for branch in (node.body, node.orelse):
                    if isinstance(branch, ast.Constant) and branch.value in limits:
                        yield branch.value


def test_every_problem_code_is_listed() -> None:
    """ "a stable word from a closed list": the table has each code once, and no other."""
    page = (ROOT / "docs" / "supported.md").read_text("utf-8")
    listed = _ROW.findall(page.partition("## Problem codes")[2])
    assert len(listed) == len(set(listed))
    # These two are only LimitExceeded.kind: as a Problem both are "years".
    assert set(listed) == set(written()) - {"first_year", "last_year"}


def test_the_codes_are_found_at_all() -> None:
    """The search would notice if codes were told in another way from now on."""
    assert len(set(written())) > 50


def test_every_known_difference_of_dateutil_is_listed() -> None:
    """docs/peers.md names what tests/oracles holds."""
    source = (ROOT / "tests" / "oracles" / "dateutil_peer.py").read_text("utf-8")
    names = re.findall(r'^    Difference\(\n        "([^"]+)"', source, re.MULTILINE)
    assert names
    page = (ROOT / "docs" / "peers.md").read_text("utf-8")
    rows = re.findall(r"^\| ([^|]+) \| \d{8}T", page, re.MULTILINE)
    assert rows == names
