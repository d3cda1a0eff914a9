"""What `make mutants` changes, and that the list of what it may find is of today's code."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import mutant_processes
import mutations
import pytest

LIST = Path(__file__).parent / "mutants.txt"


def changes(source: str) -> list[str]:
    return [site.what for site in mutations._sites(ast.parse(source))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a < b", ["a < b -> a <= b", "a < b -> a >= b"]),
        ("x = a <= b < c", ["a <= b < c -> a < b < c", "a <= b < c -> a <= b <= c"]),
        ("x = a and b", ["a and b -> b", "a and b -> a"]),
        ("x = not a", ["not a -> a"]),
        ("x = a & 7", ["a & 7 -> a | 7", "a & 7 -> a", "7 -> 8", "7 -> 6"]),
        ("x = a[-b:]", ["-b: -> :", "-b -> b"]),
        ("x = min(a, b)", ["min(a, b) -> max(a, b)"]),
        ("x = f(a, b)", ["f(a, b) -> f(b, a)"]),
        ("x = f(a, a)", []),
        ("x = a in ('b', 'c')", ["a in ('b', 'c') -> a not in ('b', 'c')", "without 'b'",
                                 "without 'c'"]),
        ("x = a.strip()", ["a.strip() -> a"]),
        ("if a:\n    b()", ["a -> True", "a -> False", "b() -> pass"]),
        ("if a or b:\n    c = 1", ["a or b -> True", "a or b -> b", "a or b -> a", "1 -> 2",
                                   "1 -> 0"]),
        ("for a in b:\n    if a:\n        continue",
         ["a -> True", "a -> False", "continue -> break"]),
        ("def f(a=True):\n    'Text.'\n    a.b = 1\n    raise A\n    return a",
         ["True -> False", "a.b = 1 -> pass", "1 -> 2", "1 -> 0", "raise A -> pass",
          "return a -> return None"]),
        ("def f(a):\n    if b:\n        a = c\n    return None",
         ["b -> True", "b -> False", "a = c -> pass"]),
        ("import a\n__all__ = ['b', 'c']\nx: f(1, 2)\nzip(a, strict=True)",
         ["zip(a, strict=True) -> pass"]),
    ],
)  # fmt: skip
def test_the_changes(source: str, expected: list[str]) -> None:
    assert changes(source) == expected


def test_every_entry_of_the_list_is_a_mutant_of_today_and_has_a_reason() -> None:
    """Else it would hide another one that comes to stand there."""
    names = [line for line in LIST.read_text("utf-8").splitlines() if " | " in line[:60]]
    known = {
        mutant.name
        for module in {name.partition(" | ")[0] for name in names}
        for mutant in mutations.mutants_of(module)
    }
    assert [name for name in names if name not in known] == []
    blocks = LIST.read_text("utf-8").split("\n\n")[1:]
    assert [block for block in blocks if block.count("\n    ") < 1] == []


def test_what_runs_in_loading_is_asked_of_those_who_use_it() -> None:
    """The default of a field runs where no test walks, and is used in another module."""
    module, line = "cache/freshness/values.py", "first_backoff: timedelta = timedelta(seconds=60)"
    mutants = [each for each in mutations.mutants_of(module) if line in each.name]
    assert {each.names for each in mutants} == {frozenset({"first_backoff"})}
    assert mutations.users_of("cache/freshness/decide.py", {"first_backoff"})
    assert "test_the_times_that_users_and_operators_were_promised" in mutations.tests_that_name(
        LIST.parent / "cache" / "test_freshness.py", {"first_backoff"}
    )
    zero = frozenset({"_ZERO"})
    assert mutations.follows_from(module, zero) == {"_ZERO", "stale_while_revalidate"}


def test_only_a_test_or_a_signal_kills_a_mutant() -> None:
    """A fault of the tool once counted as a kill: nearly every mutant that lived was hidden so."""
    program = """
import os, signal
from mutant_processes import KILLED, Children, at_most

def bounded_twice(note):
    note("slower")
    at_most(1)
    at_most(100)  # for a test that may take longer

def failing(note):
    note("a test")
    os._exit(KILLED)

def faulty(note):
    raise ValueError

for do in bounded_twice, failing, faulty, lambda note: os.kill(os.getpid(), signal.SIGXCPU):
    children, said = Children(1), []
    children.start(do, said.append)
    children.wait()
    print(said)
"""
    tools = Path(mutant_processes.__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tools, capture_output=True, text=True, check=True
    )
    said = [line for line in done.stdout.splitlines() if line.startswith("[")]
    assert said == ["['']", "['a test']", "[]", "['loading']"]
    assert "ValueError" in done.stderr
