"""Fuzzing: ``make fuzz SECONDS=600``.

    python tests/fuzz/fuzz.py run [--seconds 600] [--runs 1000] [--seed 1] [--plain] [HARNESS ...]
    python tests/fuzz/fuzz.py again FILE ...       read inputs again, such as those of found/
    python tests/fuzz/fuzz.py minimise [HARNESS ...]   keep the fewest seeds that reach every line
    python tests/fuzz/fuzz.py smaller HARNESS FILE     make one finding smaller

``run`` starts one process for each harness. Coverage guides it where atheris is installed, and a
mutator of our own does without. A finding is written to ``tests/fuzz/found/HARNESS``, where it is a
case of the tests from then on, and the run goes on. Every law is an assertion, so Python must not
run with -O. What else was tried is counted, and printed at the end.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain, islice, repeat
from pathlib import Path
from types import FrameType
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE)]

from bending import bend, mutator  # noqa: E402
from harness import FOUND, SEEDS, Harness, import_all, load_all  # noqa: E402

WORK = ROOT / "build" / "fuzz"
NAMES = ("feed", "cell", "http", "address")
MOST_FINDINGS = 20  # of one run: more of them say nothing new
_SHRINKS = 2_000
_REMEMBERED = 1_000_000  # inputs


class Run:
    """The run of one harness: where it is, what it found, and of which kinds that is."""

    def __init__(self, harness: Harness, seconds: float, runs: int, say: bool = True) -> None:
        self.harness = harness
        self.until = time.monotonic() + seconds
        self.runs = runs
        self.tried = 0
        self.findings: dict[str, Path] = {}
        self.corpus: Path | None = None  # where atheris keeps what reached something new
        self._began = time.monotonic()
        self._told = self._began
        self._say = say

    @property
    def over(self) -> bool:
        return (
            time.monotonic() >= self.until
            or (self.runs > 0 and self.tried >= self.runs)
            or len(self.findings) >= MOST_FINDINGS
        )

    def one(self, data: bytes) -> None:
        """Try one input; a finding of a new kind is written down."""
        self.tried += 1
        try:
            self.harness.one(data)
        except Exception as error:
            kind = kind_of(error)
            if kind not in self.findings:
                self.findings[kind] = self._keep(smaller(self.harness, data, kind), error)
        if self._say and time.monotonic() - self._told > 60:
            self._told = time.monotonic()
            self.tell()

    def _keep(self, data: bytes, error: Exception) -> Path:
        folder = FOUND / self.harness.name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(data).hexdigest()[:12]}.seed"
        path.write_bytes(data)
        lines = traceback.format_exception(error)
        print(f"{self.harness.name}: {path.name}\n{''.join(lines[-6:])}", flush=True)
        return path

    def tell(self) -> None:
        """Print what was tried until now."""
        counts = ", ".join(f"{n:,} {what}" for what, n in sorted(self.harness.counts.items()))
        spent, cpu = time.monotonic() - self._began, time.process_time()
        if self.corpus is not None:
            counts += f", {len(list(self.corpus.iterdir())):,} of atheris's corpus"
        print(
            f"{self.harness.name}: {self.tried:,} inputs in {spent:.0f} s ({cpu:.0f} CPU s),"
            f" {len(self.findings)} findings; {counts}",
            flush=True,
        )


def kind_of(error: Exception) -> str:
    """Findings of the same kind stop at the same line of the same file."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} {frames[-1].filename}:{frames[-1].lineno}"


def plain(run: Run, seed: int) -> None:
    """Mutations of seeds, without a look at what they reach."""
    for data in inputs(run.harness, run.harness.seeds(), seed):
        if run.over:
            return
        run.one(data)


def inputs(harness: Harness, seeds: list[bytes], seed: int) -> Iterator[bytes]:
    """The seeds, and mutations of them without end. None comes twice: all follows from the bytes.

    A mutation may change nothing, or what an earlier one has changed: one in three does in cells.
    """
    chance, seen = random.Random(seed), set[int]()
    mutated = (bend(chance.choice(seeds), chance, seeds, harness) for _ in repeat(None))
    for data in chain(seeds, mutated):
        if hash(data) not in seen:
            if len(seen) >= _REMEMBERED:
                seen.clear()
            seen.add(hash(data))
            yield data


def guided(run: Run, seed: int) -> None:
    """The same with atheris: inputs that reach something new are mutated, too."""
    import atheris

    harness = run.harness
    found, run.corpus = FOUND / harness.name, WORK / harness.name
    for folder in (found, run.corpus):
        folder.mkdir(parents=True, exist_ok=True)

    def one(data: bytes) -> None:
        run.one(data)
        if run.over:
            run.tell()
            os._exit(len(run.findings) > 0)

    arguments = [str(run.corpus), str(SEEDS / harness.name), str(found)]
    arguments += [f"-seed={seed}", "-max_len=65536", f"-dict={HERE / 'dictionary.txt'}"]
    # An input that ends the process, or takes too long, is kept by libFuzzer. It measures time on
    # the wall, of one call, in which a finding is made smaller: so there is plenty.
    arguments += [f"-artifact_prefix={found}{os.sep}", "-timeout=900", "-report_slow_units=900"]
    arguments += ["-rss_limit_mb=4096"]
    arguments += ["-print_final_stats=0", "-verbosity=0"]
    mutate = mutator(harness, harness.seeds())
    atheris.Setup([sys.argv[0], *arguments], one, custom_mutator=mutate)
    atheris.Fuzz()


def run_one(options: argparse.Namespace) -> int:
    """One harness in this process."""
    (name,) = options.names
    has_atheris = not options.plain and _has_atheris()
    if has_atheris:
        import atheris

        with atheris.instrument_imports(include=["extcal", "h11"], enable_loader_override=False):
            harness = load_all()[name]
            import_all()
    else:
        harness = load_all()[name]
    if name == "feed":
        _prepare_peer(options.peer)
    run = Run(harness, options.seconds, options.runs)
    (guided if has_atheris else plain)(run, options.seed)
    run.tell()
    return len(run.findings) > 0


def first(options: argparse.Namespace) -> int:
    """Try inputs until the first finding, and say what it was; 1 if there was one.

    ``--seconds`` are of this process's CPU, so that a busy machine finds as much as a quiet one.
    With ``--fresh``, a seed that is a finding by itself is left out, so that only a mutation finds.
    """
    (name,) = options.names
    harness = load_all()[name]
    if name == "feed":
        _prepare_peer(options.peer)
    seeds = harness.seeds()
    until, left_out = time.process_time() + options.seconds, 0
    if options.fresh:
        sound = [data for data in seeds if said_of(harness, data) is None]
        left_out, seeds = len(seeds) - len(sound), sound
    tried = len(seeds) if options.fresh else 0
    for data in islice(inputs(harness, seeds, options.seed), tried, None):
        if time.process_time() >= until:
            break
        tried += 1
        said = said_of(harness, data)
        if said is not None:
            without = f", without {left_out} seeds" if left_out else ""
            print(f"{time.process_time():.1f} CPU s, {tried:,} inputs{without}: {said}")
            return 1
    print(f"nothing in {tried:,} inputs, without {left_out} seeds")
    return 0


def said_of(harness: Harness, data: bytes) -> str | None:
    """What a finding is called in one line; None where every law holds."""
    try:
        harness.one(data)
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0][:150]
    return None


def _has_atheris() -> bool:
    try:
        import atheris  # noqa: F401
    except ImportError:
        return False
    return True


def _prepare_peer(one_in: int) -> None:
    import fuzz_feed

    python = os.environ.get("EXTCAL_PEERS", ROOT / ".venv-peers" / "bin" / "python")
    if Path(python).exists():
        fuzz_feed.PEER.python, fuzz_feed.PEER.one_in = Path(python), one_in
    elif one_in:
        print("feed: without recurring-ical-events, which is asked if .venv-peers exists")


def run_all(options: argparse.Namespace) -> int:
    """A process for each harness, all at once."""
    names = options.names or NAMES
    if len(names) == 1:
        options.names = names
        return run_one(options)
    same = [f"--seconds={options.seconds}", f"--runs={options.runs}", f"--seed={options.seed}"]
    same += [f"--peer={options.peer}", *(["--plain"] if options.plain else [])]
    command = [sys.executable, __file__, "run", *same]
    processes = [subprocess.Popen([*command, name]) for name in names]
    return max([process.wait() for process in processes])


def again(options: argparse.Namespace) -> int:
    """Read inputs again; their folder names the harness."""
    harnesses = load_all()
    for name in options.names:
        path = Path(name)
        harnesses[path.resolve().parent.name].one(path.read_bytes())
        print(f"{path.name}: every law holds")
    return 0


# -- fewer and smaller ----------------------------------------------------------------------------


def smaller(harness: Harness, data: bytes, kind: str) -> bytes:
    """``data`` with lines and bytes left out, as long as the finding stays the same."""

    def is_same(other: bytes) -> bool:
        try:
            harness.one(other)
        except Exception as error:
            return kind_of(error) == kind
        return False

    left = _SHRINKS
    for split in (b"\n", b""):
        parts = data.split(split) if split else [data[at : at + 1] for at in range(len(data))]
        size = max(len(parts) // 2, 1)
        while size and left > 0:
            at = 0
            while at < len(parts) and left > 0:
                fewer = parts[:at] + parts[at + size :]
                left -= 1
                if is_same(split.join(fewer)):
                    parts = fewer
                else:
                    at += size
            size //= 2
        data = split.join(parts)
    return data


def make_smaller(options: argparse.Namespace) -> int:
    name, file = options.names
    harness, path = load_all()[name], Path(file)
    data = path.read_bytes()
    try:
        harness.one(data)
    except Exception as error:
        path.write_bytes(smaller(harness, data, kind_of(error)))
        print(f"{len(data)} -> {path.stat().st_size} bytes")
        return 0
    print("every law holds")
    return 1


def minimise(options: argparse.Namespace) -> int:
    """Of all possible seeds, keep the fewest and shortest that together reach every branch."""
    for name, harness in load_all().items():
        if options.names and name not in options.names:
            continue
        folder, work = SEEDS / name, WORK / name
        candidates = {*harness.sources(), *harness.seeds()}
        candidates |= {path.read_bytes() for path in work.glob("*")} if work.exists() else set()
        reached = {}
        for data in candidates:
            arcs = arcs_of(harness.one, data)
            if arcs is not None:
                reached[data] = arcs
        found = {path.read_bytes() for path in (FOUND / name).glob("*")}  # these are seeds anyway
        kept = [data for data in fewest(reached) if data not in found]
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*"):
            path.unlink()
        for data in kept:
            (folder / f"{hashlib.sha256(data).hexdigest()[:12]}.seed").write_bytes(data)
        arcs = set().union(*reached.values())
        size = sum(map(len, kept))
        print(
            f"{name}: {len(kept)} of {len(candidates)} seeds, {size:,} bytes, {len(arcs):,} arcs",
            flush=True,
        )
    return 0


@cache
def _traced() -> tuple[str, ...]:
    import h11  # only here: atheris sees into what is imported under its watch

    import extcal

    return tuple(str(Path(each.__file__).parent) + os.sep for each in (extcal, h11))


def arcs_of(one: Callable[[bytes], None], data: bytes) -> frozenset[int] | None:
    """The steps from line to line in extcal and h11 that reading ``data`` takes; None if it fails.

    A step is a number, which two different ones hardly share.
    """
    found: set[int] = set()
    traced = _traced()

    def enter(frame: FrameType, event: str, argument: object) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(traced):
            return None
        last, base = 0, id(frame.f_code)

        def step(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal last
            line = frame.f_lineno
            if event == "line":
                found.add(hash((base, last, line)))
                last = line
            return step

        return step

    sys.settrace(enter)
    try:
        one(data)
    except Exception:
        return None
    finally:
        sys.settrace(None)
    return frozenset(found)


def fewest(reached: dict[bytes, frozenset[int]]) -> list[bytes]:
    """Greedy: each next seed is the one that adds the most new arcs for its length."""
    left = set().union(*reached.values()) if reached else set()
    rest = dict(reached)
    kept = []
    while left:
        best = max(rest, key=lambda data: (len(rest[data] & left) / (len(data) + 200), data))
        gained = rest.pop(best) & left
        if not gained:
            break
        kept.append(best)
        left -= gained
    return kept


COMMANDS = {
    "run": run_all,
    "first": first,
    "again": again,
    "minimise": minimise,
    "smaller": make_smaller,
}


def main() -> int:
    """Run; the exit status is 1 if there was a finding."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--runs", type=int, default=0, help="inputs at most; 0: as time allows")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--fresh", action="store_true", help="first: without seeds that find it")
    parser.add_argument(
        "--peer", type=int, default=40, help="recurring-ical-events reads one in so many; 0: none"
    )
    options = parser.parse_intermixed_args()
    return int(COMMANDS[options.command](options))


if __name__ == "__main__":
    sys.exit(main())
