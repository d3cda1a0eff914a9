"""Break guards on purpose, one at a time, and see whether a test notices: ``make mutants``.

    python tools/mutants.py                         all modules of TARGETS
    python tools/mutants.py fetch/policy merge      those whose path contains one of these words
    python tools/mutants.py --sample 40 ...         at most so many of each module, spread evenly
    python tools/mutants.py --jobs 2 ...            processes at a time

A mutant is a module with one change: a comparison, a number, a truth value, an operator, a
condition, a returned value or a statement. The tests that walk its line are run against it, in the
order of how quick they are, until one fails. A mutant that lives is printed with its line. It is
either a test that is missing, or it changes nothing that anybody can see; the latter are listed in
``tests/mutants.txt`` with the reason, and do not count.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "extcal"
EQUIVALENT = ROOT / "tests" / "mutants.txt"

# Guards and decisions, and where their tests are.
TARGETS = {
    "fetch/policy.py": ["tests/fetch"],
    "fetch/address/networks.py": ["tests/fetch"],
    "fetch/address/url.py": ["tests/fetch"],
    "fetch/address/paste.py": ["tests/fetch"],
    "cache/freshness/decide.py": ["tests/cache"],
    "cache/freshness/circuit_breaker.py": ["tests/cache"],
    "cache/freshness/rate_limited_hosts.py": ["tests/cache"],
    "cache/refresh/decisions.py": ["tests/cache"],
    "cache/refresh/outcome.py": ["tests/cache"],
    "cache/snapshot/codec.py": ["tests/cache"],
    "ical/budget.py": ["tests/ical", "tests/test_limits.py"],
    "limits.py": ["tests/test_limits.py", "tests/ical"],
    "intervals/merge.py": ["tests/intervals"],
    "ical/shortcuts/select.py": ["tests/ical/shortcuts", "tests/ical"],
    "ical/shortcuts/ended.py": ["tests/ical/shortcuts", "tests/ical"],
}
# Many tests of one line say the same; the quickest of them are asked.
MOST_TESTS = 60
# Without rewritten assertions: pytest would load the modules of its plugin, and with them all of
# extcal, from their files.
PYTEST = "-q --assert=plain -p no:cacheprovider -p no:xdist".split()
TIMEOUT = 60  # seconds for one mutant: one that never ends is noticed, too

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: where, what, and the whole module with it."""

    module: str
    line: int
    what: str
    source: str

    @property
    def name(self) -> str:
        """Stable while the line stays: ``fetch/policy.py | if x < y: | Lt -> LtE``."""
        text = (SOURCE / self.module).read_text("utf-8").splitlines()[self.line - 1].strip()
        return f"{self.module} | {text} | {self.what}"


def mutants_of(module: str) -> list[Mutant]:
    """Every change of ``module``, in the order of its lines."""
    tree = ast.parse((SOURCE / module).read_text("utf-8"))
    found = []
    nodes = list(_code(tree))
    for number, node in enumerate(nodes):
        for what in list(_changes(node)):
            changed = copy.deepcopy(tree)
            target = list(_code(changed))[number]
            for each, change in _changes_of(target):
                if each == what:
                    change()
                    break
            source = ast.unparse(ast.fix_missing_locations(changed))
            found.append(Mutant(module, getattr(node, "lineno", 1), what, source))
    return sorted(found, key=lambda each: each.line)


def _code(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that do something: no docstrings, annotations, imports or ``__all__``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if _is_text(node):
            continue
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if not isinstance(node, ast.arg | ast.AnnAssign):
            yield node
        if isinstance(node, ast.AnnAssign):
            if node.value is not None:
                yield node.value
                yield from _code(node.value)
        elif isinstance(node, ast.FunctionDef):
            for statement in node.body:
                if not (
                    isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
                ):
                    yield statement
                    yield from _code(statement)
        elif not isinstance(node, ast.JoinedStr | ast.arg):
            yield from _code(node)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _changes(node: ast.AST) -> Iterator[str]:
    return (what for what, _ in _changes_of(node))


def _changes_of(node: ast.AST) -> Iterator[tuple[str, object]]:
    """The names of the changes of ``node``, and what makes each."""

    def put(name: str, value: object):
        return lambda: setattr(node, name, value)

    if isinstance(node, ast.Compare):
        other = _COMPARED[type(node.ops[0])]
        yield (
            f"{type(node.ops[0]).__name__} -> {other.__name__}",
            put("ops", [other(), *node.ops[1:]]),
        )
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"-> {other.__name__}", put("op", other())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not removed", put("operand", ast.UnaryOp(ast.Not(), node.operand))
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATED:
        other = _OPERATED[type(node.op)]
        yield f"{type(node.op).__name__} -> {other.__name__}", put("op", other())
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"-> {not node.value}", put("value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield "+ 1", put("value", node.value + 1)
        yield "- 1", put("value", node.value - 1)
    elif isinstance(node, ast.If | ast.While | ast.IfExp):
        yield "condition negated", put("test", ast.UnaryOp(ast.Not(), node.test))
    elif isinstance(node, ast.Return) and node.value is not None:
        if not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield "returns None", put("value", ast.Constant(None))
    elif isinstance(node, ast.Continue):
        yield "-> break", lambda: _become(node, ast.Break())
    elif isinstance(node, ast.Raise):
        yield "raise removed", lambda: _become(node, ast.Pass())
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "call removed", lambda: _become(node, ast.Pass())


def _become(node: ast.AST, other: ast.AST) -> None:
    node.__class__ = other.__class__
    for name in list(vars(node)):
        if name in ("exc", "cause", "value"):
            delattr(node, name)


# -- running --------------------------------------------------------------------------------------


class _Instead(MetaPathFinder, Loader):
    """Loads one module from other source than its file's."""

    def __init__(self, module: str, source: str) -> None:
        self._name = "extcal." + module.removesuffix(".py").replace("/", ".")
        self._file, self._source = SOURCE / module, source

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        loader = SourceFileLoader(name, str(self._file))
        loader.get_code = lambda _: compile(self._source, str(self._file), "exec")  # type: ignore[method-assign]
        return spec_from_file_location(name, self._file, loader=loader)


class _Watch:
    """Tells coverage which test runs, and keeps how long each took."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self._measured = measured
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._measured.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.seconds[report.nodeid] = report.duration


def covering(module: str, tests: list[str]) -> dict[int, list[str]]:
    """By line of ``module``: the tests that walk it, the quickest first. Runs all of ``tests``."""
    with tempfile.TemporaryDirectory() as folder:
        data, times = Path(folder, "data"), Path(folder, "times")
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                os.chdir(ROOT)
                status = _measure(module, tests, data, times)
            finally:
                os._exit(status)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
            sys.exit(f"the tests of {module} do not pass as they are")
        measured = coverage.CoverageData(str(data))
        measured.read()
        lines = measured.contexts_by_lineno(str(SOURCE / module))
        took = dict(line.split("\t") for line in times.read_text("utf-8").splitlines())
    return {
        line: sorted((each for each in set(contexts) if each in took), key=lambda each: took[each])
        for line, contexts in lines.items()
    }


def _measure(module: str, tests: list[str], data: Path, times: Path) -> int:
    measured = coverage.Coverage(str(data), include=[str(SOURCE / module)], config_file=False)
    watch = _Watch(measured)
    measured.start()
    with contextlib.redirect_stdout(io.StringIO()):
        status = pytest.main([*PYTEST, "-m", "not serial", *tests], plugins=[watch])
    measured.stop()
    measured.save()
    named = (f"{node}\t{seconds:012.6f}" for node, seconds in watch.seconds.items())
    times.write_text("\n".join(named), "utf-8")
    return int(status)


def is_noticed(mutant: Mutant, tests: list[str]) -> bool:
    """Whether one of ``tests`` fails, in a process of its own."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.chdir(ROOT)
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(1, 2)
            sys.meta_path.insert(0, _Instead(mutant.module, mutant.source))
            status = int(pytest.main(["-x", *PYTEST, *tests]))
        finally:
            os._exit(0 if status == 0 else 1)
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.02)
    os.killpg(pid, 9)
    os.waitpid(pid, 0)
    return True


def main() -> int:
    """Run, and return 1 if a module has less than 90 % of its mutants killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    sys.path[:0] = [str(ROOT / "src")]
    equivalent = set()
    if EQUIVALENT.exists():
        lines = EQUIVALENT.read_text("utf-8").splitlines()
        equivalent = {line.rpartition(" | ")[0] for line in lines if " | " in line}
    bad = 0
    for module, tests in TARGETS.items():
        if options.words and not any(word in module for word in options.words):
            continue
        lines = covering(module, tests)
        mutants = mutants_of(module)
        if options.sample and len(mutants) > options.sample:
            step = len(mutants) / options.sample
            mutants = [mutants[int(place * step)] for place in range(options.sample)]
        asked = [(each, lines.get(each.line, [])[:MOST_TESTS]) for each in mutants]
        with ThreadPoolExecutor(options.jobs) as pool:
            noticed = list(pool.map(lambda each: bool(each[1]) and is_noticed(*each), asked))
        living = [each for (each, _), seen in zip(asked, noticed, strict=True) if not seen]
        missed = [each for each in living if each.name not in equivalent]
        killed = len(mutants) - len(living)
        counted = len(mutants) - (len(living) - len(missed))
        share = killed / counted if counted else 1.0
        print(f"{module}: {killed} of {counted} killed ({share:.0%}), "
              f"{len(living) - len(missed)} equivalent", flush=True)  # fmt: skip
        for each in missed:
            print(f"  line {each.line}: {each.name}", flush=True)
        bad += share < 0.9
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
