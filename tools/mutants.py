"""Break guards on purpose, one at a time, and see whether a test notices: ``make mutants``.

    python tools/mutants.py                         all modules of TARGETS
    python tools/mutants.py fetch/policy merge      those whose path contains one of these words
    python tools/mutants.py --sample 40 --seed 7    so many of each module, drawn by chance
    python tools/mutants.py --seconds 60 ...        CPU for the tests of one mutant
    python tools/mutants.py --tests a.py,b.py ...   other tests than those of TARGETS
    python tools/mutants.py --report                print what is known, run nothing

A mutant is a module with one change; :mod:`mutations` says which. The tests that walk its line are
run against it until one fails: first those that killed others in the same function, then the quick
ones, and of a test function with many cases the further ones later. A mutant that lives is printed.
It is either a test that is missing, or it changes nothing that anybody can see; the latter are
listed in ``tests/mutants.txt`` with the reason, and do not count. An entry there that no mutant
has, or one that a test kills, is an error.

Quick, because the tests are collected once: each mutant is a fork of that process, in which the
changed function gets its new code. What runs while a module is loaded is tried in a process that
loads everything anew, and so is what lives although its function was called in loading.

What is found is kept in ``.mutants/``. A run that was interrupted goes on. A killed mutant stays
killed while its function is the same, a living one is asked again when the tests have changed.
"""

from __future__ import annotations

import argparse
import gc
import os
import pickle
import random
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, FunctionType

import coverage
import hypothesis
import pytest
from _pytest.runner import runtestprotocol
from mutant_processes import KILLED, Children, at_most, clear_up, run_apart, scratch
from mutant_results import KEPT, ROOT, TARGETS, Results, digest_of, listed, stale
from mutations import (
    SOURCE,
    Mutant,
    compiled,
    follows_from,
    mutants_of,
    tests_that_name,
    users_of,
)

# Without rewritten assertions, which would only make messages that nobody reads.
PYTEST = "-q --assert=plain --tb=no -s -p no:cacheprovider -p no:xdist".split()
SLOW = 6  # seconds of CPU after which a test is no use here
LISTED = 1  # seconds of CPU for the tests of a mutant that is listed as one that nobody can see


@dataclass
class Walked:
    """What the tests of one group walked, by test."""

    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)  # module, line, tests
    loading: dict[str, set[int]] = field(default_factory=dict)  # lines that loading walks
    files: dict[str, str] = field(default_factory=dict)  # a digest of each file of tests

    def forget(self, files: set[str]) -> None:
        """What is known of the tests of these files, because they have changed."""
        self.seconds = {
            test: each for test, each in self.seconds.items() if _file(test) not in files
        }
        for by_line in self.lines.values():
            for line, tests in by_line.items():
                by_line[line] = [test for test in tests if _file(test) not in files]


def _file(test: str) -> str:
    return test.partition("::")[0]


# -- one mutant, in a process of its own -----------------------------------------------------------


def _swapper(mutant: Mutant, functions: list[FunctionType]) -> Callable[[bool], None]:
    """What gives the functions of this process the code that they have in ``mutant``, or back."""
    new = {(code.co_qualname, code.co_firstlineno): code for code in _codes(compiled(mutant))}
    changed = []
    for function in functions:
        old = function.__code__
        code = new.get((old.co_qualname, old.co_firstlineno))
        if code is not None and code != old:
            changed.append((function, old, code))

    def put(broken: bool) -> None:
        for function, old, code in changed:
            function.__code__ = code if broken else old

    return put


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _functions_of(module: str) -> list[FunctionType]:
    file = str(SOURCE / module)
    gc.unfreeze()
    found = [
        each for each in gc.get_objects()
        if type(each) is FunctionType and each.__code__.co_filename == file
    ]  # fmt: skip
    gc.freeze()
    return found


def _dotted(module: str) -> str:
    return "extcal." + module.removesuffix(".py").replace("/", ".")


class _Instead(MetaPathFinder, Loader):
    """Loads one module from other code than its file's."""

    def __init__(self, module: str, code: CodeType) -> None:
        self._name = _dotted(module)
        self._file, self._code = SOURCE / module, code

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        loader = SourceFileLoader(name, str(self._file))
        loader.get_code = lambda _: self._code  # type: ignore[method-assign]
        return spec_from_file_location(name, self._file, loader=loader)


class _Noting:
    """Tells which test runs, and that none shall take long."""

    def __init__(self, note: Callable[[str], None], seconds: dict[str, float]) -> None:
        self._note, self._seconds = note, seconds

    def pytest_collection(self) -> None:
        _few_examples()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Only those that are known; a changed table may have made other cases of a test."""
        items[:] = [each for each in items if each.nodeid in self._seconds]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._note(nodeid)
        at_most(2 + 10 * self._seconds.get(nodeid, 1.0))


def _load_anew(mutant: Mutant, seconds: dict[str, float], note: Callable[[str], None]) -> None:
    """Run the tests that ``seconds`` names, in a process that loads the changed module."""
    sys.meta_path.insert(0, _Instead(mutant.module, compiled(mutant)))
    at_most(60)
    note("loading")
    _silently()
    base = f"--basetemp={scratch(os.getpid())}/base"
    files = list(dict.fromkeys(map(_file, seconds)))
    status = pytest.main(["-x", base, *PYTEST, *files], plugins=[_Noting(note, seconds)])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        os._exit(KILLED)


def _few_examples() -> None:
    """What fails is not made smaller, and an example says as much as a hundred of its kind."""
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    profile = hypothesis.settings.default
    hypothesis.settings.register_profile("mutants", profile, phases=phases, max_examples=12)
    hypothesis.settings.load_profile("mutants")


def _silently() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


# -- the process that has collected the tests ------------------------------------------------------


class _Server:
    """A plugin of pytest: instead of running the tests, runs mutants on them."""

    def __init__(
        self, modules: list[str], walked: Path, ask: Callable[[Walked, _Server], None]
    ) -> None:
        self._modules, self._walked, self._ask = modules, walked, ask
        self._measured = self._coverage()
        self._measured.start()  # before pytest loads the first module
        self.items: dict[str, pytest.Item] = {}

    def _coverage(self) -> coverage.Coverage:
        files = [str(SOURCE / each) for each in self._modules]
        made = coverage.Coverage(None, include=files, config_file=False)
        made.set_option("run:disable_warnings", ["no-data-collected"])
        return made

    def pytest_collection(self) -> None:
        _few_examples()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for module in self._modules:  # some are loaded only when they are used
            import_module(_dotted(module))
        self._measured.stop()
        data = self._measured.get_data()
        loading = {each: set(data.lines(str(SOURCE / each)) or ()) for each in self._modules}
        self.items = {item.nodeid: item for item in session.items}
        walked = Walked()
        if self._walked.exists():
            walked = pickle.loads(self._walked.read_bytes())
        walked.loading = loading
        files = {_file(test): digest_of((_file(test),)) for test in self.items}
        changed = {each for each in files if walked.files.get(each) != files[each]}
        if changed:
            walked.forget({*changed, *(each for each in walked.files if each not in files)})
            walked.files = files
            pid = run_apart(lambda note: self._measure(walked, changed))
            status = os.waitpid(pid, 0)[1]
            clear_up(pid)
            if status != 0:
                sys.exit("the tests could not be measured")
        self._ask(pickle.loads(self._walked.read_bytes()), self)
        return True

    def _measure(self, walked: Walked, files: set[str]) -> None:
        """Run every test of ``files``; those that fail, are skipped or take long are left out."""
        measured = self._coverage()
        measured.start()

        def too_slow(*_: object) -> None:
            raise TimeoutError

        signal.signal(signal.SIGPROF, too_slow)
        for item, following in self._in_order(
            [each for each in self.items if _file(each) in files]
        ):
            measured.switch_context(item.nodeid)
            started = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, SLOW)
            try:
                passed = self._passes(item, following)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            if passed:
                walked.seconds[item.nodeid] = time.process_time() - started
        measured.stop()
        data = measured.get_data()
        for module in self._modules:
            lines = walked.lines.setdefault(module, {})
            for line, tests in data.contexts_by_lineno(str(SOURCE / module)).items():
                lines.setdefault(line, []).extend(test for test in tests if test in walked.seconds)
        part = self._walked.with_suffix(".part")
        part.write_bytes(pickle.dumps(walked))
        part.rename(self._walked)

    def _in_order(self, tests: list[str]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
        """Each test with one that follows it, another one: else it could not be run again."""
        everything = list(self.items)
        for place, test in enumerate(tests):
            following = tests[place + 1] if place + 1 < len(tests) else everything[-1]
            if following == test:
                following = everything[0]
            yield self.items[test], self.items[following] if following != test else None

    @staticmethod
    def _passes(item: pytest.Item, following: pytest.Item | None) -> bool:
        # With a test that follows, what a whole session shares is made once.
        reports = runtestprotocol(item, log=False, nextitem=following)
        return all(report.passed for report in reports)

    def try_tests(
        self, mutant: Mutant, functions: list[FunctionType], tests: list[str],
        seconds: dict[str, float], note: Callable[[str], None],
    ) -> None:  # fmt: skip
        """In a child: exits with 1 when one of ``tests`` fails.

        A test that waits may fail because the machine is busy. So it must pass without the mutant,
        and fail once more with it.
        """
        at_most(10)
        note("loading")
        put = _swapper(mutant, functions)
        put(True)
        factory = next(iter(self.items.values())).config._tmp_path_factory  # type: ignore[attr-defined]
        factory._basetemp = scratch(os.getpid())
        for item, following in self._in_order(tests):
            note(item.nodeid)
            at_most(2 + 10 * seconds[item.nodeid])
            if self._passes(item, following):
                continue
            put(False)
            at_most(2 + 10 * seconds[item.nodeid])
            passes = self._passes(item, following)
            put(True)
            at_most(2 + 10 * seconds[item.nodeid])
            if passes and not self._passes(item, following):
                os._exit(KILLED)


# -- all of them -----------------------------------------------------------------------------------


class Run:
    """What one call of the tool does."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.children = Children(options.jobs)
        self.killers: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.equivalent = listed()

    def seconds(self, mutant: Mutant) -> float:
        seconds: float = self.options.seconds
        return min(seconds, LISTED) if mutant.name in self.equivalent else seconds

    def asked(self, module: str) -> list[Mutant]:
        mutants = mutants_of(module)
        if self.options.sample and len(mutants) > self.options.sample:
            chance = random.Random(f"{self.options.seed} {module}")
            mutants = sorted(
                chance.sample(mutants, self.options.sample), key=lambda each: each.line
            )
        if self.options.only:
            mutants = [each for each in mutants if self.options.only in each.name]
        return mutants

    def group(self, tests: tuple[str, ...], modules: list[str]) -> None:
        """All mutants of modules that have the same tests."""
        digest = digest_of(tests)
        results = Results(digest)
        open_ = {
            module: [m for m in self.asked(module) if self._is_open(results, m)]
            for module in modules
        }
        if not any(open_.values()):
            return
        everything = [each for each, of in TARGETS.items() if of == tests]
        walked = KEPT / f"{digest_of((), everything)}.walked"
        again: list[Mutant] = []

        def ask(known: Walked, server: _Server) -> None:
            for mutants in open_.values():
                self._ask(mutants, known, server, results)

        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.chdir(ROOT)
                out, err = os.dup(1), os.dup(2)
                sys.stdout = os.fdopen(out, "w", buffering=1)
                sys.stderr = os.fdopen(err, "w", buffering=1)
                server = _Server(everything, walked, ask)
                marks = ["-m", "not serial and not nightly"]
                status = int(pytest.main([*PYTEST, *marks, *tests], plugins=[server]))
            finally:
                os._exit(status)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) not in (0, 5):
            sys.exit(f"{tests}: did not end well")
        known: Walked = pickle.loads(walked.read_bytes())
        results = Results(digest)
        for module, mutants in open_.items():
            loading = known.loading[module]
            again = [
                each for each in mutants if each.runs_once
                or results.of(each) is None  # a closure that needs other names takes no new code
                or (results.of(each) == "" and each.line in loading)
            ]  # fmt: skip
            self._ask_anew(again, known, results)

    def _is_open(self, results: Results, mutant: Mutant) -> bool:
        known = results.of(mutant, self.seconds(mutant))
        return known is None or (self.options.again and known == "")

    def _ask(self, mutants: list[Mutant], known: Walked, server: _Server, results: Results) -> None:
        for module in {each.module: None for each in mutants}:
            functions = _functions_of(module)
            for mutant in (each for each in mutants if not each.runs_once):
                tests = self._tests(mutant, known)
                if not tests:
                    results.keep(mutant, "", self.seconds(mutant))
                    continue
                self.children.start(
                    lambda note, m=mutant, t=tests, f=functions: server.try_tests(
                        m, f, t, known.seconds, note
                    ),
                    lambda killer, m=mutant: self._ended(m, killer, results),
                )
        self.children.wait()

    def _ask_anew(self, mutants: list[Mutant], known: Walked, results: Results) -> None:
        for mutant in mutants:
            tests = self._tests(mutant, known)
            files: dict[str, None] = {}
            for test in tests:
                if len(files) < 6:
                    files[_file(test)] = None
            tests = [each for each in tests if _file(each) in files]
            if not tests:
                results.keep(mutant, "", self.seconds(mutant))
                continue
            self.children.start(
                lambda note, m=mutant, t=tests: _load_anew(
                    m, {each: known.seconds[each] for each in t}, note
                ),
                lambda killer, m=mutant: self._ended(m, killer, results),
            )
        self.children.wait()

    def _ended(self, mutant: Mutant, killer: str, results: Results) -> None:
        results.keep(mutant, killer, self.seconds(mutant))
        if killer and killer != "loading":
            before = self.killers[mutant.module, mutant.where]
            self.killers[mutant.module, mutant.where] = [killer, *before][:8]
        elif not killer and self.options.verbose:
            print(f"  lives: {mutant.line}: {mutant.name}", flush=True)

    def _tests(self, mutant: Mutant, known: Walked) -> list[str]:
        """Those that walk its line, in the order in which they are asked.

        The quick ones first; each further case of one test function counts as that much slower.
        """
        lines = known.lines[mutant.module]
        if mutant.runs_once:
            found, naming = self._near(mutant, known)
            found = found or {test for tests in lines.values() for test in tests}
        else:
            found, naming = set(lines.get(mutant.line, ())), set()
        turns: dict[str, int] = defaultdict(int)
        order = []
        for test in sorted(found, key=lambda each: known.seconds[each]):
            function = test.partition("[")[0]
            turns[function] += 1
            cost = (known.seconds[test] + 0.001) * turns[function]
            order.append((test not in naming, cost, test))
        likely = [each for each in self.killers[mutant.module, mutant.where] if each in found]
        chosen, left = dict.fromkeys(likely), self.seconds(mutant)
        for _, _, test in sorted(order):
            left -= known.seconds[test] + 0.002
            if left < 0 and chosen:
                break
            chosen[test] = None
        return list(chosen)

    @staticmethod
    def _near(mutant: Mutant, known: Walked) -> tuple[set[str], set[str]]:
        """The tests that walk a function in which stands what ``mutant`` changes in loading.

        It need not be of its module: the default of a field is used where the field is read. And
        those in which it stands itself, since they may walk no line: ``assert Rules() == ...``.
        These are returned once more alone, as they are asked first.
        """
        names = follows_from(mutant.module, mutant.names)
        public = {each for each in names if not each.startswith("_")}
        found = set()
        for module, lines in known.lines.items():
            for line in users_of(module, names if module == mutant.module else public):
                found.update(lines.get(line, ()))
        naming = {each: tests_that_name(ROOT / each, public) for each in map(_file, known.seconds)}
        named = {
            test for test in known.seconds
            if test.partition("[")[0].rpartition("::")[2] in naming[_file(test)]
        }  # fmt: skip
        return found | named, named


def report(run: Run, modules: list[str]) -> int:
    """Print the figures; return how many modules are below 90 %."""
    equivalent = listed()
    below = 0
    for module in modules:
        results = Results(digest_of(TARGETS[module]))
        mutants = run.asked(module)
        by = {each: results.last(each) for each in mutants}
        known = [each for each in mutants if by[each] is not None]
        living = [each for each in known if by[each] == ""]
        missed = [each for each in living if each.name not in equivalent]
        counted = len(known) - (len(living) - len(missed))
        killed = len(known) - len(living)
        share = killed / counted if counted else 1.0
        below += share < 0.9
        asked = "" if len(known) == len(mutants) else f", {len(mutants) - len(known)} not yet asked"
        print(f"{module}: {killed} of {counted} killed ({share:.1%}), "
              f"{len(living) - len(missed)} equivalent{asked}", flush=True)  # fmt: skip
        for each in missed:
            print(f"  {each.line}: {each.name}", flush=True)
        for each in known:
            if by[each] and each.name in equivalent:
                print(f"  listed as equivalent, but {by[each]} kills it: {each.name}")
                below += 1
    return below


def main() -> int:
    """Run, and return 1 if a module has less than 90 % of its mutants killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--tests", default="", help="files of tests instead, with commas between")
    parser.add_argument("--only", default="", help="mutants whose name contains this")
    parser.add_argument("--again", action="store_true", help="ask those that live again")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    sys.path[:0] = [str(ROOT / "src")]
    KEPT.mkdir(exist_ok=True)
    modules = [
        each for each in TARGETS
        if not options.words or any(word in each for word in options.words)
    ]  # fmt: skip
    if options.tests:
        TARGETS.update(dict.fromkeys(modules, tuple(options.tests.split(","))))
    run = Run(options)
    if not options.report:
        started = os.times()
        for tests in {TARGETS[each]: None for each in modules}:
            run.group(tests, [each for each in modules if TARGETS[each] == tests])
        spent = sum(os.times()[:4]) - sum(started[:4])
        print(f"{spent:.0f} s of CPU")
    for line in (wrong := stale()):
        print(line)
    return int(report(run, modules) > 0 or bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
