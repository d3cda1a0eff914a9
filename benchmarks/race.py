"""Libraries in processes, asked in turn, so that a slow moment of the machine affects all of
them."""

from __future__ import annotations

import json
import os
import select
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from feeds import END, START

__all__ = ["PASSES", "Answer", "Case", "Runner", "commands", "race", "request", "say"]

HERE = Path(__file__).parent
PASSES = ("regex", "either")
"""Contestants that are not libraries, only for comparison."""
PEERS = HERE.parent / ".venv-peers" / "bin" / "python"


@dataclass(frozen=True, slots=True)
class Answer:
    """A contestant's answer for one feed: CPU seconds, intervals, bytes; or an error."""

    cpu: float = 0.0
    busy: tuple[tuple[int, int], ...] = ()
    peak: int = 0
    traced: int = 0
    complete: bool = True
    odd: tuple[str, ...] = ()
    error: str = ""


@dataclass
class Case:
    """A feed or a list of feeds, the contestants that read it, and their answers."""

    name: str
    path: Path
    contestants: tuple[str, ...]
    files: tuple[Path, ...]
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    instructions: dict[str, int | None] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(file.stat().st_size for file in self.files)

    @cached_property
    def events(self) -> int:
        """The number of VEVENTs."""
        return sum(file.read_bytes().upper().count(b"BEGIN:VEVENT") for file in self.files)

    def cpu(self, contestant: str) -> float | None:
        """The median of the contestant's CPU seconds; None if it has no answer."""
        good = [answer.cpu for answer in self.answers.get(contestant, ()) if not answer.error]
        return statistics.median(good) if good else None

    def fewer(self, contestant: str) -> float | None:
        """How many times fewer instructions extcal needs; None if they were not counted."""
        ours, theirs = self.instructions.get("extcal"), self.instructions.get(contestant)
        return theirs / ours if ours and theirs and contestant != "extcal" else None

    def error(self, contestant: str) -> str:
        return next((a.error for a in self.answers.get(contestant, ()) if a.error), "")

    def agrees(self, contestant: str) -> bool | None:
        """Whether its intervals are extcal's; None if it has none."""
        ours, theirs = self.answers.get("extcal"), self.answers.get(contestant)
        if not ours or not theirs or theirs[-1].error or contestant in PASSES:
            return None
        return ours[-1].busy == theirs[-1].busy


class Runner:
    """One contestant's process; it ends with the ``with`` block, or if it takes too long."""

    def __init__(self, command: Sequence[str], limit: float) -> None:
        self.command, self.limit = command, limit
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ask(self, path: Path, *, trace: bool = False) -> Answer:
        """Let it read the feed at ``path`` over the window."""
        if self.process is None:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(
                self.command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
            )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            print(request(path, trace=trace), file=self.process.stdin, flush=True)
            if not select.select([self.process.stdout], [], [], self.limit)[0]:
                self.stop()
                return Answer(error=f"stopped after {self.limit:.0f} s")
            told = json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            self.stop()
            return Answer(error="died")
        told["busy"] = tuple((start, end) for start, end in told.get("busy", ()))
        told["odd"] = tuple(told.get("odd", ()))
        return Answer(**told)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def request(path: Path, **options: int) -> str:
    """Return the line that asks a contestant to read ``path``, over the window."""
    window = {"start": int(START.timestamp()), "end": int(END.timestamp())}
    return json.dumps({"path": str(path), **window, **options})


def race(
    cases: Iterable[Case], known: dict[str, list[str]], rounds: int, budget: float, limit: float
) -> None:
    """Let all contestants read every case, in turn, ``rounds`` times.

    A contestant that has used ``budget`` CPU seconds for a case does not take part in its other
    rounds, and one that needs more than ``limit`` seconds for one feed is stopped.
    """
    runners = {name: Runner(command, limit) for name, command in known.items()}
    try:
        for case in cases:
            present = [name for name in case.contestants if name in runners]
            for turn in range(rounds):
                for name in present:
                    answers = case.answers.setdefault(name, [])
                    spent = sum(answer.cpu for answer in answers)
                    if spent <= budget and not any(answer.error for answer in answers):
                        answers.append(runners[name].ask(case.path))
                say(f"{case.name}: round {turn + 1} of {rounds}")
    finally:
        for runner in runners.values():
            runner.stop()
        say("")


def commands() -> tuple[dict[str, list[str]], list[str]]:
    """Return the commands of the contestants that can run here, and messages about the others."""
    script = str(HERE / "contestant.py")
    ours = {name: [sys.executable, script, name] for name in ("extcal", *PASSES)}
    words = []
    if PEERS.exists():
        ours |= {name: [str(PEERS), script, name] for name in ("recurring", "ical")}
    else:
        words.append("peers skipped: .venv-peers could not be made (no package index?)")
    libical = _build_libical()
    if isinstance(libical, Path):
        ours["libical"] = [str(libical)]
    else:
        words.append(libical)
    return ours, words


def _build_libical() -> Path | str:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        return "libical skipped: no C compiler"
    built = HERE.parent / "build" / "bench" / "libical_busy"
    source = HERE / "libical_busy.c"
    built.parent.mkdir(parents=True, exist_ok=True)
    command = [compiler, "-O2", "-o", str(built), str(source), "-lical"]
    if subprocess.run(command, capture_output=True).returncode:
        return "libical skipped: its headers are not installed (apt-get install libical-dev)"
    return built


def say(text: str) -> None:
    """Show what is measured now, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
