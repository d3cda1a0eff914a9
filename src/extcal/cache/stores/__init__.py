"""Where snapshots are kept: a protocol of five methods, and the stores that come with extcal.

The protocols, SQLiteStore and RedisStore are loaded when they are first used.
"""

from __future__ import annotations

from extcal.cache.stores.cells import Cell
from extcal.cache.stores.memory import MemoryStore
from extcal.lazy import at_first_use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.cache.stores.protocol import Codec, Store
    from extcal.cache.stores.redis import RedisStore
    from extcal.cache.stores.sqlite import SQLiteStore

__all__ = ["Cell", "Codec", "MemoryStore", "RedisStore", "SQLiteStore", "Store"]

_HOMES = {
    "Codec": "extcal.cache.stores.protocol",
    "RedisStore": "extcal.cache.stores.redis",
    "SQLiteStore": "extcal.cache.stores.sqlite",
    "Store": "extcal.cache.stores.protocol",
}

__getattr__, __dir__ = at_first_use(__name__, _HOMES)
