"""What lets pickles of earlier releases load: former names of modules, and fields that are new.

A pickle names the module of each class. Hosts keep pickled values in sessions, queues and files, so
``extcal.cache.busytime`` in one of them must still be found. The finder stands at the
end of ``sys.meta_path``: it is asked only for modules that nobody else has.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any, TypeVar

    _T = TypeVar("_T")

__all__ = ["install", "loads_earlier_pickles"]

_NOW = {
    "extcal.cache.busytime": "extcal.cache.snapshot.packed_busy",
    "extcal.cache.people": "extcal.cache.availability.people",
    "extcal.cache.reading": "extcal.cache.snapshot.reading",
    "extcal.cache.stats": "extcal.cache.refresh.stats",
    "extcal.fetch._policy": "extcal.fetch.policy",
    "extcal.fetch._url": "extcal.fetch.address.url",
    "extcal.ical.expansion": "extcal.ical.answer.expansion",
    "extcal.intervals.common": "extcal.intervals.slots.common",
    "extcal.intervals.conditions": "extcal.intervals.slots.conditions",
    "extcal.intervals.date_exceptions": "extcal.intervals.working_hours.date_exceptions",
    "extcal.intervals.drawing": "extcal.intervals.views.drawing",
    "extcal.intervals.hours": "extcal.intervals.working_hours.hours",
    "extcal.intervals.layout": "extcal.intervals.slots.layout",
    "extcal.intervals.offer": "extcal.intervals.slots.offer",
    "extcal.intervals.records": "extcal.intervals.views.records",
}


class _FormerModules:
    """A meta path finder (importlib.abc.MetaPathFinder) and loader of the names in ``_NOW``."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _NOW:
            return None
        from importlib.machinery import ModuleSpec

        loader: Any = self
        return ModuleSpec(name, loader)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        from importlib import import_module

        home = import_module(_NOW[module.__name__])
        module.__dict__.update(
            {name: value for name, value in vars(home).items() if not name.startswith("__")}
        )


def install() -> None:
    """Let pickles find the former names; once a process, however often it is called."""
    if not any(type(finder).__name__ == _FormerModules.__name__ for finder in sys.meta_path):
        sys.meta_path.append(_FormerModules())


def loads_earlier_pickles(made: type[_T]) -> type[_T]:
    """Let a slotted dataclass have fields that earlier releases did not pickle.

    Set afterwards: until Python 3.11.2, ``dataclass`` replaces a ``__setstate__`` of the class.
    """
    made.__setstate__ = _fill_in  # type: ignore[attr-defined]
    return made


def _fill_in(value: Any, state: Sequence[object]) -> None:
    """Set the fields as unpickled.

    An earlier release pickled the values of the fields that it knew, in order. Fields that came
    after them get their defaults.
    """
    from dataclasses import MISSING, fields

    for index, each in enumerate(fields(value)):
        made = each.default if each.default_factory is MISSING else each.default_factory()
        object.__setattr__(value, each.name, state[index] if index < len(state) else made)
