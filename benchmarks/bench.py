"""From bytes of a feed to free/busy, compared with other libraries: CPU time, memory,
agreement.

    make bench                    # everything but the slowest peer on the largest feed: minutes
    make bench ARGS=--quick       # smaller feeds, fewer rounds: under a minute
    make bench ARGS=--all         # with the slowest peer on 50,000 events: some minutes more
    make bench ARGS=--instructions    # with the instructions of extcal and of libical, by valgrind
    make bench ARGS="--only race --feeds google-10000"    # while tuning

All libraries read the same bytes in turn, in one run. The figures are medians of CPU time. The
table goes to the terminal and, unless ``--quick`` or ``--only`` is given, to
``benchmarks/results.md``. No figure makes this program fail.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

import feeds
import tables
from feeds import END, START
from hostile import HOSTILE
from instructions import count_all, valgrind
from people import common, joined
from race import PASSES, Answer, Case, Runner, commands, race
from starting import Start, starts

_HERE = Path(__file__).parent
_STORE = _HERE.parent / "build" / "bench"
_SIZED: dict[str, Callable[[int, int], bytes]] = {
    "google": feeds.google_like,
    "outlook": feeds.outlook_like,
    "heavy": feeds.recurrence_heavy,
    "personal": feeds.personal,
    "series": feeds.series,
    "series-outlook": feeds.outlook_series,
}
_WHOLE: dict[str, Callable[[int], bytes]] = {
    "school-timetable": feeds.school_timetable,
    "shift-plan": feeds.shift_plan,
    "rental": feeds.rental,
}
_MANY: dict[str, Callable[[int, int], list[bytes]]] = {"team-of": feeds.team}
_GENERATORS = ("feeds.py", "publishers.py", "vtimezones.py")
EVERYTHING = "everything"
"""The name of the row of all feeds that there are here."""
_FULL: tuple[str, ...] = (
    "google-100",
    "google-1000",
    "google-10000",
    "google-50000",
    "outlook-100",
)
_FULL += ("outlook-1000", "outlook-10000", "outlook-50000", "heavy-500", "series-500")
_FULL += ("series-outlook-500", "personal-300", "school-timetable", "shift-plan", "rental")
_FULL += ("team-of-50", EVERYTHING)
_QUICK: tuple[str, ...] = ("google-1000", "google-10000", "outlook-1000", "heavy-100", "series-100")
_QUICK += ("personal-300", "school-timetable", "shift-plan", "rental")
_COUNT_LIMIT = 900.0  # seconds under valgrind
_SECTIONS = ("race", "memory", "import", "people", "hostile")


def main() -> None:
    """Measure what the options ask for, and write the table."""
    options = _options()
    _STORE.mkdir(parents=True, exist_ok=True)
    sections: list[str] = [tables.heading(options.quick)]
    cases: list[Case] = []
    known, words = commands()
    sections += [f"*{word}*" for word in words]
    if "race" in options.only:
        cases = [_case(name, options) for name in options.feeds]
        race(cases, known, options.rounds, options.budget, options.limit)
        if options.instructions:
            sections += _instructions(cases, known)
        sections.append(tables.race_table(cases))
    if "memory" in options.only:
        sections.append(tables.memory_table(*_memory(known, options)))
    begun = _starts(options) if "import" in options.only else {}
    people = _people(options.rounds * 3) if "people" in options.only else {}
    told = list(_hostile(options)) if "hostile" in options.only else []
    sections += [tables.start_table(begun)] if begun else []
    sections += [tables.people_table(people)] if people else []
    sections += [tables.hostile_table(told)] if told else []
    text = "\n\n".join(sections) + "\n"
    print(text)
    if not options.quick and set(options.only) == set(_SECTIONS):
        (_HERE / "results.md").write_text(text, encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Bytes of a feed to free/busy, against the field.")
    parser.add_argument("--quick", action="store_true", help="smaller feeds, fewer rounds")
    parser.add_argument("--all", action="store_true", help="every peer on every feed")
    parser.add_argument("--instructions", action="store_true", help="count them, with valgrind")
    parser.add_argument("--only", nargs="+", choices=_SECTIONS, default=list(_SECTIONS))
    parser.add_argument("--feeds", nargs="+", help="such as google-10000 outlook-100 heavy-500")
    parser.add_argument("--who", nargs="+", help="extcal regex either libical recurring ical")
    parser.add_argument("--rounds", type=int, help="how often each reads each feed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, help="seconds a contestant may take for one feed")
    options = parser.parse_args()
    options.feeds = options.feeds or list(_QUICK if options.quick else _FULL)
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.limit = options.limit or (20.0 if options.quick else 600.0)
    options.budget = 2.0 if options.quick else 12.0
    return options


def _case(name: str, options: argparse.Namespace) -> Case:
    kind, count = _parts(name)
    who = ["extcal", *PASSES, "libical", "recurring", "ical"]
    if name == EVERYTHING:
        who = ["extcal", "libical"]
    elif not options.all:
        if count > 10_000 or (options.quick and (count > 1_000 or kind == "heavy")):
            who = ["extcal", *PASSES, "libical"]
        elif count > 1_000 or kind not in {"google", "outlook"}:
            who.remove("ical")
    if options.who:
        who = [one for one in who if one in options.who]
    path = stored(name, options.seed)
    return Case(name, path, tuple(who), tuple(_files(path)))


def _instructions(cases: list[Case], known: dict[str, list[str]]) -> list[str]:
    program = valgrind()
    if program is None:
        return ["*instructions skipped: valgrind is not installed (apt-get install valgrind)*"]
    count_all(cases, known, _COUNT_LIMIT, program)
    return []


def _parts(name: str) -> tuple[str, int]:
    kind, _, count = name.rpartition("-")
    return (kind, int(count)) if count.isdigit() else (name, 0)


def stored(name: str, seed: int = 1) -> Path:
    """Return the file of the feed ``name``, such as ``google-10000``; it is made if missing.

    Of several feeds it is a list (see contestant.py). The file's name depends on the generators'
    code, so a changed generator makes new feeds.
    """
    _STORE.mkdir(parents=True, exist_ok=True)
    kind, count = _parts(name)
    if name == EVERYTHING:
        return _list(_STORE / f"{name}.list", everything())
    sources = b"".join((_HERE / one).read_bytes() for one in _GENERATORS)
    stem = f"{name}-{seed}-{hashlib.sha256(sources).hexdigest()[:8]}"
    path = _STORE / f"{stem}.{'list' if kind in _MANY else 'ics'}"
    if path.exists():
        return path
    if kind in _MANY:
        members = [
            (_STORE / f"{stem}-{at}.ics", data) for at, data in enumerate(_MANY[kind](count, seed))
        ]
        for member, data in members:
            member.write_bytes(data)
        return _list(path, ((member, START, END) for member, _ in members))
    path.write_bytes(_SIZED[kind](count, seed) if kind in _SIZED else _WHOLE[kind](seed))
    return path


def everything() -> Iterator[tuple[Path, datetime, datetime]]:
    """Every feed of the tests, and of the corpus where it is, with the year that has most in it."""
    tests = _HERE.parent / "tests"
    specification = importlib.util.spec_from_file_location("corpus", tests / "corpus" / "feeds.py")
    assert specification is not None
    assert specification.loader is not None
    corpus = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(corpus)
    for path in sorted([*tests.rglob("*.ics"), *corpus.CORPUS.glob("*.ics")]):
        yield path, *corpus.busiest_year(path.read_bytes())


def _list(path: Path, members: Iterable[tuple[Path, datetime, datetime]]) -> Path:
    lines = [f"{one}\t{lo.timestamp():.0f}\t{hi.timestamp():.0f}\n" for one, lo, hi in members]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _files(path: Path) -> list[Path]:
    if path.suffix != ".list":
        return [path]
    return [Path(line.split("\t")[0]) for line in path.read_text(encoding="utf-8").splitlines()]


def _memory(
    known: dict[str, list[str]], options: argparse.Namespace
) -> tuple[Path, dict[str, Answer]]:
    """One reading each, in a fresh process that has read a small feed before."""
    path = stored("google-10000" if options.quick else "google-50000", options.seed)
    slow = {"recurring", "ical"} if not options.all else set()
    answers = {}
    for name in known.keys() - slow - set(PASSES):
        with Runner(known[name], options.limit) as runner:
            runner.ask(stored("google-100", options.seed))
            answers[name] = runner.ask(path)
    with Runner(known["extcal"], options.limit) as runner:
        runner.ask(stored("google-100", options.seed))
        answers["traced"] = runner.ask(path, trace=True)
    return path, answers


def _starts(options: argparse.Namespace) -> dict[str, Start]:
    program = valgrind() if options.instructions else None
    return starts(stored("personal-300", options.seed), options.rounds * 3, program)


def _people(rounds: int) -> dict[str, float]:
    return {
        "common free slots, 50 people x 300 intervals": common(50, 300, rounds),
        "the same within working hours": common(50, 300, rounds, hours=True),
        "common free slots, 500 people x 500 intervals": common(500, 500, 3),
        "common free slots, 1,000 people x 500 intervals": common(1_000, 500, 3),
        "the same, all of them busy by day": common(1_000, 500, 3, by_day=True),
        "availability of 500 people x 500 intervals": joined(500, 500, 3),
        "availability of 1,000 people x 500 intervals": joined(1_000, 500, 3),
    }


def _hostile(options: argparse.Namespace) -> Iterator[tuple[str, int, list[Answer]]]:
    command = [sys.executable, str(_HERE / "contestant.py"), "expand"]
    path = _STORE / "hostile.ics"
    for hostile in HOSTILE[: 10 if options.quick else None]:
        data = hostile.make()
        path.write_bytes(data)
        with Runner(command, 60.0) as runner:
            runner.ask(stored("google-100", options.seed))
            answers = [runner.ask(path) for _ in range(1 if options.quick else 3)]
        yield hostile.name, len(data), answers
    path.unlink()


if __name__ == "__main__":
    main()
