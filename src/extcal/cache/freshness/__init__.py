"""When to ask a source, and how old an answer may be: pure decisions."""

from __future__ import annotations

from extcal.cache.freshness.values import State

__all__ = ["State"]
