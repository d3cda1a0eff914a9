"""The copies of a cache in another process: one for all tasks of an origin.

Every task of ``refresh_many`` over an executor brings its cache with it, as a pickle. If each had a
fetcher of its own, each would open connections of its own, and pay for their handshakes; and the
limits of a fetcher would hold for one task only. Caches of two origins never meet: each origin
has a random name.
"""

from __future__ import annotations

from typing import Any, TypeVar

from extcal.cache.stores.memory import ForkSafeLock, Memo

__all__ = ["first_copy", "rebuild"]

_Cache = TypeVar("_Cache")
_MOST = 4  # origins; a process works for one as a rule, and for another after a deployment

_lock = ForkSafeLock()
_copies: Memo[str, object] = Memo(_MOST)


def first_copy(origin: str, copy: _Cache) -> _Cache:
    """The copy of ``origin`` that this process met first, or ``copy``, which it then keeps."""
    with _lock:
        first = _copies.get(origin)
        if not isinstance(first, type(copy)):
            first = copy
            _copies.keep(origin, copy)
    return first


def rebuild(kind: type[Any], arguments: dict[str, Any], origin: str) -> Any:
    """The copy that a pickle of the cache ``origin`` becomes."""
    copy = kind(**arguments)
    copy._origin, copy._travelled = origin, True
    return copy
