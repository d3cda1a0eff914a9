"""Many feeds at a time: which may start, in what order, and in which thread, task or process."""

from __future__ import annotations

from extcal.cache.bulk.copies import first_copy, rebuild
from extcal.cache.bulk.plan import PATIENCE, Plan, Queue, Result
from extcal.cache.bulk.progress import new_bar
from extcal.cache.bulk.under_way import UnderWay

__all__ = ["PATIENCE", "Plan", "Queue", "Result", "UnderWay", "first_copy", "new_bar", "rebuild"]
