"""Many feeds at a time: which may start, in what order, and in which thread, task or process."""

from __future__ import annotations

from extcal.cache.bulk.plan import PATIENCE, Plan, Queue, Result

__all__ = ["PATIENCE", "Plan", "Queue", "Result"]
