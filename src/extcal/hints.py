"""The names in annotations, which modules import for type checkers only.

``typing``, and what only an annotation names, would take a tenth of the time until a new process
has its first answer. So modules import them under ``if TYPE_CHECKING:``, and annotations are text.
But frameworks for dependency injection evaluate them with ``typing.get_type_hints``, for which
``executor: Executor | None`` would be a NameError. So the imports are run when somebody lists the
annotations of a public name (:mod:`extcal.lazy`). Without the source, annotations stay text.
"""

from __future__ import annotations

import ast
import inspect
import sys
from contextlib import suppress
from types import ModuleType
from typing import Any

__all__ = ["import_names_of"]


def import_names_of(value: Any, module: ModuleType) -> None:
    """Import the names in the annotations of ``value``, a function or class of ``module``."""
    _complete(module, frozenset())
    names = getattr(inspect.unwrap(value), "__globals__", vars(module))
    if names is not vars(module):  # of a method that extcal.values made
        for name, found in vars(module).items():
            names.setdefault(name, found)


def _complete(module: ModuleType, under_way: frozenset[str]) -> None:
    """Give a module what it has for type checkers only; its aliases become types.

    ``under_way``: the modules that wait for this one.
    """
    if module.__name__ in under_way or vars(module).get("TYPE_CHECKING"):
        return
    try:
        tree = ast.parse(inspect.getsource(module))
    except (OSError, SyntaxError):
        return
    under_way |= {module.__name__}
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            _run(node.body, module, under_way)
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
            _evaluate(ast.unparse(node.target), module)
    for within in ast.walk(tree):
        if isinstance(within, ast.ImportFrom) and within.module:
            for each in (alias.asname or alias.name for alias in within.names):
                if isinstance(vars(module).get(each), str):  # it may be such an alias
                    home = sys.modules[within.module]
                    _complete(home, under_way)
                    setattr(module, each, getattr(home, each))
    module.TYPE_CHECKING = True  # type: ignore[attr-defined]


def _run(statements: list[ast.stmt], module: ModuleType, under_way: frozenset[str]) -> None:
    """Run what stands under ``if TYPE_CHECKING:``, but for names that the module has already."""
    new: dict[str, object] = {}
    for each in statements:
        with suppress(ImportError):  # of an extra that is not installed
            if isinstance(each, ast.ImportFrom) and str(each.module).startswith("extcal."):
                __import__(str(each.module))
                home = sys.modules[str(each.module)]
                if not all(hasattr(home, alias.name) for alias in each.names):
                    _complete(home, under_way)
            exec(ast.unparse(each), vars(module), new)
    for name, found in new.items():
        vars(module).setdefault(name, found)


def _evaluate(alias: str, module: ModuleType) -> None:
    """Make a type of an alias that is text, such as ``Source: TypeAlias = "Feed | str"``."""
    text = getattr(module, alias)
    if isinstance(text, str):
        with suppress(NameError, TypeError):
            setattr(module, alias, eval(text, vars(module)))
