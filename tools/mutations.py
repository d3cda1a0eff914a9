"""The changes that :mod:`mutants` makes: small faults that people make in guards and decisions.

What is changed: the bounds of a comparison; each part of ``and`` and ``or`` left out; a condition
that always or never holds; ``not``; operators, masks, numbers (one more, one less), truth values;
an element of a table left out; ``min``/``max``, ``any``/``all``, the first two arguments swapped; a
text no longer lowered or stripped; a return of None instead of the value; ``break`` and
``continue``; a ``raise``, a call, an assignment or a deletion left out.

What is not: annotations, decorators, texts, imports, ``__all__``, ``__repr__``, ``zip(strict=)``
and what is marked "pragma: no cover".
"""

from __future__ import annotations

import ast
import copy
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType

SOURCE = Path(__file__).resolve().parent.parent / "src" / "extcal"

_BOUNDS = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
_CONTRARY = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
_TWINS = {
    "min": "max", "max": "min", "any": "all", "all": "any", "startswith": "endswith",
    "endswith": "startswith", "partition": "rpartition", "rpartition": "partition",
    "find": "rfind", "rfind": "find", "bisect_left": "bisect_right", "bisect_right": "bisect_left",
}  # fmt: skip
_CLEANING = {"lower", "upper", "strip", "lstrip", "rstrip", "removesuffix", "removeprefix"}
_EITHER_WAY = {
    "min",
    "max",
    "isinstance",
    "issubclass",
    "getattr",
    "setattr",
    "hasattr",
    "zip",
    "compare_digest",
}


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    number: int
    module: str
    where: str  # the function, as "Class.method"; empty at the level of the module
    line: int
    name: str  # as in tests/mutants.txt: stable while the line stays as it is
    key: str  # changes with the function
    runs_once: bool  # while the module is loaded
    names: frozenset[str]  # what a statement of the module or of a class assigns


def read(module: str) -> tuple[str, ast.Module]:
    """The text and the tree of a module like "fetch/policy.py"."""
    text = (SOURCE / module).read_text("utf-8")
    return text, ast.parse(text)


@cache
def _places(module: str) -> tuple[list[str], ast.Module, list[_Site]]:
    """The lines, the tree, and every place with one of its changes."""
    text, tree = read(module)
    return text.splitlines(), tree, list(_sites(tree))


def mutants_of(module: str) -> list[Mutant]:
    """Every change of ``module``, in the order of its lines."""
    lines, _, sites = _places(module)
    found, seen, digests = [], Counter[str](), {}
    for number, site in enumerate(sites):
        if "pragma: no cover" in lines[site.line - 1]:
            continue
        name = f"{module} | {site.where or '-'} | {lines[site.line - 1].strip()} | {site.what}"
        seen[name] += 1
        if seen[name] > 1:
            name += f" ({seen[name]})"
        top = site.top
        if top not in digests:
            digests[top] = hashlib.sha1(ast.unparse(top).encode()).hexdigest()[:12]
        key = f"{digests[top]} {name}"
        once = not site.in_function
        names = _assigned_at(top, site.line)
        found.append(Mutant(number, module, site.where, site.line, name, key, once, names))
    return sorted(found, key=lambda each: each.line)


def compiled(mutant: Mutant) -> CodeType:
    """The whole module with the change."""
    _, tree, sites = _places(mutant.module)
    site = sites[mutant.number]
    site.put(site.new)
    try:
        return compile(tree, str(SOURCE / mutant.module), "exec")
    finally:
        site.put(site.old)


def follows_from(module: str, names: frozenset[str]) -> set[str]:
    """``names`` and what is made of them while ``module`` is loaded: names of it, and fields."""
    _, tree = read(module)
    known, before = set(names), 0
    while before != len(known):
        before = len(known)
        for statement in tree.body:
            inner = statement.body if isinstance(statement, ast.ClassDef) else [statement]
            for each in inner:
                if isinstance(each, ast.Assign | ast.AnnAssign) and _reads(each, known):
                    known |= _assigned(each)
    return known


@cache
def _functions_of(path: Path) -> list[tuple[str, range, set[str]]]:
    """Each function of a file, its lines, and the names that stand in it."""
    return [
        (node.name, range(node.lineno, (node.end_lineno or node.lineno) + 1), _named(node))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def users_of(module: str, names: set[str]) -> set[int]:
    """The lines of the functions of ``module`` in which one of ``names`` stands."""
    return {
        line
        for name, lines, inside in _functions_of(SOURCE / module)
        if names & {name, *inside}
        for line in lines
    }


def tests_that_name(path: Path, names: set[str]) -> set[str]:
    """The functions of a file of tests in which one of ``names`` stands."""
    return {name for name, _, inside in _functions_of(path) if names & inside}


def _named(node: ast.AST) -> set[str]:
    found = set()
    for each in ast.walk(node):
        match each:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                found.add(name)
    return found


def _reads(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(each, ast.Name) and each.id in names for each in ast.walk(node))


def _assigned_at(statement: ast.AST, line: int) -> frozenset[str]:
    """What a statement of the module assigns; of a class, the field or the method at ``line``."""
    if isinstance(statement, ast.ClassDef):
        for each in statement.body:
            if each.lineno <= line <= (each.end_lineno or each.lineno):
                return _assigned(each) or _assigned(statement)
    return _assigned(statement)


def _assigned(statement: ast.AST) -> frozenset[str]:
    if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return frozenset((statement.name,))
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return frozenset(
        each.id for target in targets if target for each in ast.walk(target)
        if isinstance(each, ast.Name)
    )  # fmt: skip


@dataclass
class _Site:
    parent: ast.AST
    field: str
    place: int | None
    old: ast.AST
    new: ast.AST
    where: str
    in_function: bool
    top: ast.stmt

    @property
    def line(self) -> int:
        return self.old.lineno  # type: ignore[attr-defined]

    @property
    def what(self) -> str:
        left_out = getattr(self.new, "left_out", None)
        if left_out is not None:
            return f"without {_short(left_out)}"
        return f"{_short(self.old)} -> {_short(self.new)}"

    def put(self, node: ast.AST) -> None:
        ast.fix_missing_locations(ast.copy_location(node, self.old))
        if self.place is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.place] = node


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 60 else text[:40] + " ... " + text[-15:]


def _sites(tree: ast.Module) -> Iterator[_Site]:
    for statement in tree.body:
        place = tree.body.index(statement)
        yield from _visit(tree, "body", place, statement, ("", False, statement, Counter()))


_Scope = tuple[str, bool, ast.stmt, "Counter[str]"]


def _visit(
    parent: ast.AST, field: str, place: int | None, node: ast.AST, scope: _Scope
) -> Iterator[_Site]:
    where, in_function, top, stored = scope
    if _is_left_alone(parent, field, node):
        return
    for new in _variants(parent, field, node, stored):
        yield _Site(parent, field, place, node, new, where, in_function, top)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        # Default values are made when the function is.
        yield from _fields(node.args, ("defaults", "kw_defaults"), scope)
        stored = Counter(_stored(node))
        stored.update(each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg))
        inner = f"{where}.{node.name}".lstrip(".")
        # A method stays known when another one of its class changes.
        top = top if in_function else node
        yield from _fields(node, ("body",), (inner, True, top, stored))
    elif isinstance(node, ast.ClassDef):
        yield from _fields(
            node, ("body",), (f"{where}.{node.name}".lstrip("."), False, top, stored)
        )
    elif isinstance(node, ast.Lambda):
        yield from _fields(node, ("body",), (where, True, top, stored))
    else:
        yield from _fields(node, node._fields, scope)


def _stored(function: ast.AST) -> Iterator[str]:
    for each in ast.walk(function):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            yield each.id


def _fields(node: ast.AST, names: tuple[str, ...], scope: _Scope) -> Iterator[_Site]:
    for name in names:
        value = getattr(node, name, None)
        if isinstance(value, list):
            for place, each in enumerate(value):
                if isinstance(each, ast.AST):
                    yield from _visit(node, name, place, each, scope)
        elif isinstance(value, ast.AST):
            yield from _visit(node, name, None, value, scope)


def _is_left_alone(parent: ast.AST, field: str, node: ast.AST) -> bool:
    if field in ("annotation", "returns", "decorator_list", "type_params"):
        return True
    if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr | ast.Assert):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Assign | ast.AnnAssign):
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        return isinstance(target, ast.Name) and target.id in (
            "__all__",
            "__slots__",
            "TYPE_CHECKING",
        )
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return True
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return True
    return isinstance(node, ast.FunctionDef) and node.name == "__repr__"


def _changed(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _without(values: list, place: int) -> list:
    return values[:place] + values[place + 1 :]


def _variants(
    parent: ast.AST, field: str, node: ast.AST, stored: Counter[str]
) -> Iterator[ast.AST]:
    # A condition that is always or never met says more than its contrary does.
    if field == "test" or (field == "ifs" and isinstance(parent, ast.comprehension)):
        joined = type(node.op) if isinstance(node, ast.BoolOp) else None
        if joined is not ast.And and not isinstance(parent, ast.While):
            yield ast.Constant(True)
        if joined is not ast.Or:
            yield ast.Constant(False)
        decided = True
    else:
        decided = isinstance(parent, ast.BoolOp)
    match node:
        case ast.Compare():
            for place, op in enumerate(node.ops):
                if type(op) in _BOUNDS:
                    yield _changed(node, ops=[*node.ops[:place], _BOUNDS[type(op)](),
                                              *node.ops[place + 1 :]])  # fmt: skip
            if not decided and len(node.ops) == 1:
                yield _changed(node, ops=[_CONTRARY[type(node.ops[0])]()])
        case ast.BoolOp():
            for place in range(len(node.values)):
                left = _without(node.values, place)
                yield left[0] if len(left) == 1 else _changed(node, values=left)
        case ast.UnaryOp(op=ast.USub() | ast.Invert()):
            yield node.operand
        case ast.UnaryOp(op=ast.Not()) if not decided:
            yield node.operand
        case ast.BinOp() if type(node.op) in _OPERATORS and not _is_text(node.left):
            yield _changed(node, op=_OPERATORS[type(node.op)]())
            if isinstance(node.op, ast.BitAnd):
                yield node.left
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield ast.Constant(node.value + 1)
            yield ast.Constant(node.value - 1)
        case ast.Return(value=ast.AST()) if not isinstance(node.value, ast.Constant):
            yield _changed(node, value=ast.Constant(None))
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
        case ast.Raise() | ast.AugAssign() | ast.Delete():
            yield ast.Pass()
            if isinstance(node, ast.AugAssign) and type(node.op) in _OPERATORS:
                yield _changed(node, op=_OPERATORS[type(node.op)]())
        case ast.Expr(value=ast.Call() | ast.Await() | ast.Yield() | ast.YieldFrom()):
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.Assign(targets=[ast.Name(id=name)]) if stored[name] > 1:
            yield ast.Pass()
        case ast.Call():
            # Whether there is one is the same from both ends.
            is_there = isinstance(parent, ast.Compare) and ast.unparse(parent).endswith(" 0")
            yield from _calls(node, with_twin=not is_there)
        case ast.Tuple() | ast.List() | ast.Set() if len(node.elts) > 1:
            if not isinstance(parent, ast.Return | ast.Subscript) and all(
                isinstance(each, ast.Constant) for each in node.elts
            ):
                for place in range(len(node.elts)):
                    yield _changed(node, elts=_without(node.elts, place), left_out=node.elts[place])
        case ast.Dict() if len(node.keys) > 1 and None not in node.keys:
            for place in range(len(node.keys)):
                keys, values = _without(node.keys, place), _without(node.values, place)
                yield _changed(node, keys=keys, values=values, left_out=node.keys[place])
        case ast.Slice():
            for name in ("lower", "upper"):
                bound = getattr(node, name)
                if bound is not None and not isinstance(bound, ast.Constant):
                    yield _changed(node, **{name: None})


def _calls(node: ast.Call, *, with_twin: bool) -> Iterator[ast.AST]:
    name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
    if name in _TWINS and with_twin:
        twin = {"id" if isinstance(node.func, ast.Name) else "attr": _TWINS[name]}
        yield _changed(node, func=_changed(node.func, **twin))
    if name in _CLEANING and isinstance(node.func, ast.Attribute):
        yield node.func.value
    first = node.args[:2]
    starred = any(isinstance(each, ast.Starred) for each in first)
    twins = len({ast.dump(each) for each in first}) < 2
    if not twins and not starred and name not in _EITHER_WAY:
        yield _changed(node, args=[*first[::-1], *node.args[2:]])


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)
