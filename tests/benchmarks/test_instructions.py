"""Instructions are counted by cachegrind: what it tells is read, and two runs are compared."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

TOLD = """==7== Cachegrind, a high-precision tracing profiler
==7==
==7== I refs:        1,204,{:03},678
"""
# A program in the place of valgrind: it answers as cachegrind does, with a number that grows by
# five million for each reading that is asked for.
PROGRAM = """import json, os, sys
assert sys.argv[1:4] == ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
assert sys.argv[4].endswith("/contestant")
assert os.environ["PYTHONHASHSEED"] == "0"
asked = json.loads(sys.stdin.readline())
assert asked["path"].endswith("a.ics")
refs = 40_000_000 + 5_000_000 * asked["times"]
print("==7== I   refs:      %s" % format(refs, ","), file=sys.stderr)
"""


def test_the_number_is_found_among_what_cachegrind_tells(instructions: ModuleType) -> None:
    assert instructions.refs(TOLD.format(345)) == 1_204_345_678
    with pytest.raises(ValueError, match=r"no instructions counted: .*not found"):
        instructions.refs("valgrind: contestant: command not found")


def test_a_reading_is_the_difference_of_two_and_one(
    instructions: ModuleType, tmp_path: Path
) -> None:
    program = tmp_path / "valgrind"
    (tmp_path / "counts.py").write_text(PROGRAM)
    # The path of Python may hold a blank, which the first line of a script may not.
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path}/counts.py" "$@"\n')
    program.chmod(0o755)
    contestant = tmp_path / "contestant"
    contestant.write_text("#!/bin/sh\n")
    contestant.chmod(0o755)
    counted = instructions.counted([str(contestant)], Path("a.ics"), 60.0, str(program))
    assert counted == 5_000_000


def test_what_takes_too_long_is_stopped(instructions: ModuleType, tmp_path: Path) -> None:
    program = tmp_path / "valgrind"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    assert instructions.counted(["true"], Path("a.ics"), 0.05, str(program)) is None


def test_fewer_instructions_are_a_ratio(instructions: ModuleType, tmp_path: Path) -> None:
    case = instructions.Case("google-1000", tmp_path, ("extcal", "libical"), ())
    assert case.fewer("libical") is None
    case.instructions |= {"extcal": 50, "libical": 350}
    assert (case.fewer("libical"), case.fewer("extcal")) == (7.0, None)
    case.instructions["libical"] = None
    assert case.fewer("libical") is None


def test_a_contestant_is_told_the_window_and_how_often(instructions: ModuleType) -> None:
    asked = json.loads(instructions.request(Path("a.ics"), times=2))
    assert asked == {"path": "a.ics", "start": 1_799_020_800, "end": 1_806_796_800, "times": 2}
