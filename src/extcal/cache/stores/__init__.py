"""Where snapshots are kept: a protocol of five methods, and the stores that come with extcal.

SQLiteStore and RedisStore are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from extcal.cache.stores.memory import MemoryStore
from extcal.cache.stores.protocol import Cell, Codec, Store
from extcal.lazy import at_first_use

if TYPE_CHECKING:
    from extcal.cache.stores.redis import RedisStore
    from extcal.cache.stores.sqlite import SQLiteStore

__all__ = ["Cell", "Codec", "MemoryStore", "RedisStore", "SQLiteStore", "Store"]

_HOMES = {
    "RedisStore": "extcal.cache.stores.redis",
    "SQLiteStore": "extcal.cache.stores.sqlite",
}

__getattr__, __dir__ = at_first_use(__name__, _HOMES)
