"""Many feeds at a time: which may start, in what order, and in which thread, task or process."""

from __future__ import annotations

from extcal.lazy import at_first_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.cache.bulk.copies import first_copy, rebuild
    from extcal.cache.bulk.plan import PATIENCE, Plan, Queue, Result
    from extcal.cache.bulk.progress import new_bar
    from extcal.cache.bulk.under_way import UnderWay

__all__ = ["PATIENCE", "Plan", "Queue", "Result", "UnderWay", "first_copy", "new_bar", "rebuild"]

# Loaded when they are first used: who asks for one calendar needs none of them.
_HOMES = {
    "PATIENCE": "extcal.cache.bulk.plan",
    "Plan": "extcal.cache.bulk.plan",
    "Queue": "extcal.cache.bulk.plan",
    "Result": "extcal.cache.bulk.plan",
    "UnderWay": "extcal.cache.bulk.under_way",
    "first_copy": "extcal.cache.bulk.copies",
    "new_bar": "extcal.cache.bulk.progress",
    "rebuild": "extcal.cache.bulk.copies",
}

__getattr__, __dir__ = at_first_use(__name__, _HOMES)
