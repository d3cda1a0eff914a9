"""Hostile bodies: nothing busy looks free in any kind, and the work for them is counted.

By day each kind is read at a small size. `python benchmarks/hostile_bodies.py` measures them at the
largest size that is accepted; at night a few of them are measured here.
"""

from __future__ import annotations

import builtins
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import extcal
from extcal.fetch.body import Body
from extcal.ical.shortcuts import short_components

_KIB = 1024
_COUNTER = Path(__file__).with_name("counted_calls.py")
_BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
_NINE = int(datetime(2027, 1, 5, 9, tzinfo=UTC).timestamp())
_START = datetime(2026, 12, 1, tzinfo=UTC)
# Each of them stands for others: lines that are read or not, folds, events, series, long lines.
_COUNTED = (
    "lines that are not needed",
    "SUMMARYs",
    "lone CRs",
    "one folded line",
    "events",
    "hourly series",
    "THISANDFUTURE",
    "copies",
    "AVAILABLEs",
    "one event of people",
    "long blank lines",
    "FBTYPEs",
    "NULs in names",
    "byte order marks in events",
    "the years 1 and 9999",
    "past events",
    "calendars with METHOD:CANCEL",
)
_MEASURED = (
    "SUMMARYs",
    "hourly series",
    "THISANDFUTURE",
    "chunks of a byte",
    "TCP pieces of a byte",
)
_NO_CALENDARS = {"a BEGIN in folds", "NULs everywhere"}


def _made(bodies: ModuleType, kind: str, size: int) -> bytes:
    raw: bytes = bodies.ALL[kind](size).encode(bodies.CODECS.get(kind, "utf-8"))
    return raw


def test_the_last_event_of_every_kind_is_busy_or_unknown(hostile_bodies: ModuleType) -> None:
    assert len(hostile_bodies.ALL) > 250
    for kind in hostile_bodies.ALL:
        if kind.startswith("hostile: "):
            continue  # test_hostile.py reads these as they are
        raw = _made(hostile_bodies, kind, 24 * _KIB)
        try:
            answer = extcal.free_busy(raw, _START, _START + timedelta(days=54))
        except extcal.NotACalendar:
            assert kind in _NO_CALENDARS, kind
            continue
        taken = [*((lo, hi) for lo, hi, _ in answer.epochs), *answer.unknown_epochs]
        assert any(lo <= _NINE < hi for lo, hi in taken), kind


@pytest.mark.long
@pytest.mark.parametrize("kind", _COUNTED)
def test_work_is_bounded_by_counting(hostile_bodies: ModuleType, tmp_path: Path, kind: str) -> None:
    """No call passes over much of a body at once, nor is any byte passed over often.

    All limits are made smaller by as much as the body is, so that the same ones end the reading.
    """
    size = 3 * 1024 * _KIB
    file = tmp_path / "body.ics"
    file.write_bytes(_made(hostile_bodies, kind, size))
    command = [sys.executable, str(_COUNTER), str(file)]
    counted = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    # A regular expression takes one to twenty nanoseconds for a byte. A line of a megabyte is found
    # in one call. To count and to find words takes less than a tenth of that.
    assert counted["longest pattern"] <= (900 if kind == "long blank lines" else 260) * _KIB
    assert counted["longest word"] <= 1_025 * _KIB
    assert counted["passes of patterns"] <= 2
    assert counted["passes of words"] <= 9
    assert counted["calls of a unit"] <= 20


@pytest.mark.long
@pytest.mark.parametrize("kind", ["series", "all rules", "SUMMARYs"])
def test_many_values_are_sorted_in_parts(
    hostile_bodies: ModuleType, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """To sort 100,000 numbers or texts in one call would keep all other threads waiting."""
    sizes: list[int] = []

    def noted(values: Iterable[Any], **options: Any) -> list[Any]:
        given = [*values]
        sizes.append(len(given))
        return sort(given, **options)

    sort = sorted
    raw = _made(hostile_bodies, kind, 1_500 * _KIB)
    monkeypatch.setattr(builtins, "sorted", noted)
    extcal.expand(raw, _START, _START + timedelta(days=54)).rows()
    assert sum(sizes) > 20_000
    assert max(sizes) <= 16_384


def test_a_body_is_inflated_in_small_steps() -> None:
    """zlib makes a thousand bytes of one."""
    body = Body(extcal.Limits(), gzipped=True)
    sizes = [0]
    for failed in body.take(gzip.compress(bytes(2 * 1024 * _KIB))):
        assert failed is None
        sizes.append(body.size)
    assert sizes[-1] == 2 * 1024 * _KIB
    assert max(behind - before for before, behind in pairwise(sizes)) <= 128 * _KIB


def test_what_was_not_read_is_freed_in_pieces(
    hostile_bodies: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To free 100,000 lines at once would keep all other threads waiting."""
    streams = []
    read = short_components.read

    def noted(*arguments: Any, **options: Any) -> Any:
        found = read(*arguments, **options)
        streams.append((found[0], [*found[0].events]))
        return found

    monkeypatch.setattr(short_components, "read", noted)
    raw = _made(hostile_bodies, "SUMMARYs", 1_500 * _KIB)
    limits = extcal.Limits(max_work=2_500)
    extcal.free_busy(raw, _START, _START + timedelta(days=54), limits=limits)
    ((stream, (event,)),) = streams
    assert not event.lines
    assert not stream.events


@pytest.mark.nightly
@pytest.mark.parametrize("kind", _MEASURED)
def test_measured_at_full_size(tmp_path: Path, kind: str) -> None:
    """With room for a machine that is busy with other tests."""
    file = tmp_path / "rows"
    script = str(_BENCHMARKS / "hostile_bodies.py")
    command = [sys.executable, script, "--to", str(file), "--exactly", kind]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    row = json.loads(file.read_text("utf-8"))
    assert row["cpu"] < 2
    assert row["more"] < 2 * row["mib"] + 32
    assert row["wait"] < 50
