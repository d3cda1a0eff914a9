"""Where snapshots are kept: a protocol of five methods, and the store in memory."""

from __future__ import annotations

from extcal.cache.stores._sync import MemoryStore
from extcal.cache.stores.protocol import Cell, Store

__all__ = ["Cell", "MemoryStore", "Store"]
