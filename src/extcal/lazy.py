"""Names of a package that are imported when somebody first uses them (PEP 562).

That holds for the names in annotations, too: see :mod:`extcal.hints`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["at_first_use"]

_FUNCTION = type(lambda: None)


def at_first_use(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of ``package``; ``homes`` has the module of each name.

    A name that was asked for once is an attribute from then on. For a name that is not in ``homes``
    ``__getattr__`` raises ``AttributeError``, as a module does. ``__dir__`` tells of all names, so
    that tools complete those that nobody has used yet.
    """

    for there in [*vars(sys.modules[package]).values()]:
        _watch(there)

    def load(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        __import__(home)  # importlib takes longer to import than most of these modules
        value: object = getattr(sys.modules[home], name)
        _watch(value)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return load, names


class _Annotations(dict[str, "Any"]):
    """Annotations. Who lists them may evaluate them, so ``prepare`` is called first."""

    __slots__ = ("prepare",)

    prepare: Callable[[], None]

    # dict() and a loop call one of these three; for one key the text is enough.
    def __iter__(self) -> Iterator[str]:
        self.prepare()
        return super().__iter__()

    def keys(self) -> Any:
        self.prepare()
        return super().keys()

    def items(self) -> Any:
        self.prepare()
        return super().items()


def _watch(value: object) -> None:
    """Watch the annotations of a function, or of a class and its methods."""
    if isinstance(value, _FUNCTION):
        _replace(value, value.__annotations__, value.__module__)
    elif isinstance(value, type):
        for each in value.__mro__:
            if each.__module__.startswith("extcal."):
                inside = vars(each)
                _replace(each, inside.get("__annotations__"), each.__module__)
                for name in inside:
                    method = inside[name]
                    method = getattr(method, "fget", None) or getattr(method, "__func__", method)
                    if isinstance(method, _FUNCTION):
                        _replace(method, method.__annotations__, each.__module__)


def _replace(value: Any, annotations: object, module: str) -> None:
    def prepare() -> None:
        from extcal.hints import import_names_of

        import_names_of(value, sys.modules[module])

    if type(annotations) is dict and annotations:
        value.__annotations__ = watched = _Annotations(annotations)
        watched.prepare = prepare
