"""Names of a package that are imported when somebody first uses them (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

__all__ = ["at_first_use"]


def at_first_use(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of ``package``; ``homes`` has the module of each name.

    A name that was asked for once is an attribute from then on. For a name that is not in ``homes``
    ``__getattr__`` raises ``AttributeError``, as a module does. ``__dir__`` tells of all names, so
    that tools complete those that nobody has used yet.
    """

    def load(name: str) -> object:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        __import__(home)  # importlib takes longer to import than most of these modules
        value: object = getattr(sys.modules[home], name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return load, names
