"""Many feeds at a time: which may start, in what order, and as whose work."""

from __future__ import annotations

from extcal.cache.bulk.plan import PATIENCE, Plan, Queue, Result

__all__ = ["PATIENCE", "Plan", "Queue", "Result"]
