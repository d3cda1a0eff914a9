"""Many feeds at a time: which may start, in what order, and in which thread, task or process."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from extcal.cache.bulk.copies import first_copy, rebuild
    from extcal.cache.bulk.plan import PATIENCE, Plan, Queue, Result
    from extcal.cache.bulk.progress import new_bar
    from extcal.cache.bulk.under_way import UnderWay

__all__ = ["PATIENCE", "Plan", "Queue", "Result", "UnderWay", "first_copy", "new_bar", "rebuild"]

# Loaded when they are first used: who asks for one calendar needs none of them.
_HOMES = {
    "PATIENCE": "plan",
    "Plan": "plan",
    "Queue": "plan",
    "Result": "plan",
    "UnderWay": "under_way",
    "first_copy": "copies",
    "new_bar": "progress",
    "rebuild": "copies",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"extcal.cache.bulk.{home}"), name)
    globals()[name] = value
    return value
