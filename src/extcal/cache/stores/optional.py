"""The methods that a store may have or lack, and what is done without them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from extcal.cache.stores.cells import Cell
    from extcal.cache.stores.protocol import Store

__all__ = ["erase_all", "getter_of_many", "has_own"]


def has_own(store: Store, name: str, *basic: str) -> bool:
    """Whether ``store`` has the method ``name``, and it may be called in place of ``basic``.

    If a class has its own ``get`` but inherits ``get_many``, the inherited one would ignore it.
    """
    if not callable(getattr(store, name, None)) or getattr(store, "__dict__", {}).keys() & {*basic}:
        return False
    own = next((c for c in type(store).__mro__ if vars(c).keys() & {name, *basic}), None)
    return own is None or name in vars(own)


def getter_of_many(store: Store) -> Callable[[Sequence[str]], Mapping[str, Cell]]:
    """The ``get_many`` of ``store``, or one that calls its :meth:`Store.get` with each key."""
    if has_own(store, "get_many", "get"):
        many: Callable[[Sequence[str]], Mapping[str, Cell]] = getattr(store, "get_many")  # noqa: B009
        return many

    def one_by_one(keys: Sequence[str]) -> Mapping[str, Cell]:
        return {key: cell for key in keys if (cell := store.get(key)) is not None}

    return one_by_one


def erase_all(store: Store, keys: Iterable[str]) -> None:
    """Erase ``keys`` in ``store``, with :meth:`Store.delete` if it has no ``erase``."""
    erase: Callable[[Iterable[str]], None] | None = getattr(store, "erase", None)
    if erase is not None:
        erase(keys)
        return
    for key in keys:
        store.delete(key)
