"""Fuzzing by day: a few hundred inputs for each harness, and everything that was found before.

``make fuzz`` runs the same harnesses for as long as one likes. See CONTRIBUTING.md.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from bending import bend
from counting import cost_of, peak_of
from faults import FAULTS, applied, read_fault
from harness import FOUND, HERE, SEEDS, load_all, words_of

import extcal
from extcal.testing import event, feed_text
from fuzz import fewest, inputs

HARNESSES = load_all()
RUNS = {"feed": 180, "cell": 200, "http": 150, "address": 150}
RUNS["feed"] = int(os.environ.get("EXTCAL_FUZZ", RUNS["feed"]))
CHUNKS = {"feed": 6}
SHORT_RUNS = [(name, part) for name in RUNS for part in range(CHUNKS.get(name, 1))]
CASES = sorted(path for path in FOUND.glob("*/*") if path.is_file())


@pytest.mark.parametrize(("name", "part"), SHORT_RUNS)
def test_a_short_run(name: str, part: int) -> None:
    """Some seeds as they are, new inputs, and mutations of all of them: the same ones every time.

    ``EXTCAL_FUZZ``: how many feeds.
    """
    harness, chance = HARNESSES[name], random.Random(20261201 + part)
    seeds, parts = harness.seeds(), CHUNKS.get(name, 1)
    for data in [
        *seeds[part :: 8 * parts],
        *(bend(chance.choice(seeds), chance, seeds, harness) for _ in range(RUNS[name] // parts)),
    ]:
        try:
            harness.one(data)
        except Exception as error:
            error.add_note(f"{name}: {data!r}")
            raise


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_stays_mended(path: Path) -> None:
    """Each file broke a law once."""
    HARNESSES[path.parent.name].one(path.read_bytes())


@pytest.mark.parametrize("name", HARNESSES)
def test_seeds_and_words(name: str) -> None:
    """The corpus is small, and the dictionary has words for each harness."""
    sizes = [path.stat().st_size for path in (SEEDS / name).glob("*")]
    assert 5 < len(sizes) < 400
    assert sum(sizes) < 100_000
    words = words_of(name)
    assert len(words) > 15
    assert len(set(words)) == len(words)


def test_the_corpus_is_the_fewest() -> None:
    """A seed stays if it reaches what no shorter one does."""
    reached = {b"a": {1}, b"ab": {1, 2}, b"abc": {1, 2}, b"x" * 500: {1, 2, 3}}
    arcs = {data: frozenset(found) for data, found in reached.items()}
    assert fewest(arcs) == [b"ab", b"x" * 500]


@pytest.mark.parametrize("name", HARNESSES)
def test_what_a_grammar_makes(name: str) -> None:
    """The same numbers make the same input, and hardly two are equal."""
    made = HARNESSES[name].made
    assert made is not None
    first, again = (random.Random(7), random.Random(7))
    inputs = [made(first) for _ in range(200)]
    assert inputs == [made(again) for _ in range(200)]
    assert len(set(inputs)) > 100


def test_no_input_comes_twice() -> None:
    """All that a harness does follows from the bytes: a second look at the same ones is wasted."""
    harness = HARNESSES["cell"]
    seeds = harness.seeds()
    tried = list(islice(inputs(harness, [*seeds, *seeds], 7), 400))
    assert tried[: len(seeds)] == seeds
    assert len(set(tried)) == len(tried)


def test_what_is_imported_late_is_imported_at_once() -> None:
    """atheris sees into no module that is imported after its watch, as these are by some feeds."""
    late = {"extcal.ical.recurrence.subdaily", "extcal.ical.answer.vfreebusy", "h11"}
    code = f"import sys, harness; harness.import_all(); print({late} <= sys.modules.keys())"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE, text=True, check=False, capture_output=True
    )
    assert ran.stdout == "True\n", ran.stderr


def test_work_is_counted() -> None:
    """What asks the Budget is counted in units and steps, and all the rest in calls."""
    series = event("2027-01-05T09:00Z", rrule="FREQ=DAILY;BYHOUR=1,2,3;BYMONTHDAY=31;COUNT=90")
    window = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)
    few, many = (
        cost_of(lambda text=text: extcal.expand(text, *window))
        for text in (feed_text(), feed_text(*[series] * 40))
    )
    assert many.units > few.units + 100
    assert many.steps > few.steps
    assert many.calls > few.calls
    assert peak_of(lambda: [bytes(1_000_000)]) > 1_000_000


@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_a_fault_can_be_put_back(path: Path) -> None:
    """Each fault of ``faults/`` still fits today's source, once; else write it anew."""
    fault = read_fault(path)
    assert fault.what
    assert fault.harness in HARNESSES
    for file, source in applied(fault).items():
        compile(source, file, "exec")


@pytest.mark.nightly
def test_faults_that_were_put_back_are_found() -> None:
    """At least 27 of 30 in ten minutes each, most of them in seconds."""
    command = [sys.executable, str(HERE / "faults.py"), "--seconds", "600"]
    ran = subprocess.run(command, check=False, text=True, capture_output=True, env=os.environ)
    assert ran.returncode == 0, ran.stdout + ran.stderr
