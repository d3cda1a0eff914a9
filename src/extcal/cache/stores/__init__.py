"""Where snapshots are kept: a protocol of five methods, and the stores that come with extcal.

SQLiteStore and RedisStore are loaded when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from extcal.cache.stores.memory import MemoryStore
from extcal.cache.stores.protocol import Cell, Codec, Store

if TYPE_CHECKING:
    from extcal.cache.stores.redis import RedisStore
    from extcal.cache.stores.sqlite import SQLiteStore

__all__ = ["Cell", "Codec", "MemoryStore", "RedisStore", "SQLiteStore", "Store"]


def __getattr__(name: str) -> object:
    if name == "RedisStore":
        from extcal.cache.stores.redis import RedisStore

        return RedisStore
    if name == "SQLiteStore":
        from extcal.cache.stores.sqlite import SQLiteStore

        return SQLiteStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
