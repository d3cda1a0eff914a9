"""The base of the values that are not dataclasses: once made, they never change."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn


__all__ = ["Frozen"]


class Frozen:
    """An object whose attributes are set once, by ``object.__setattr__``, while it is made."""

    __slots__ = ()

    def __setattr__(self, name: str, value: object) -> NoReturn:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to {name!r}: {type(self).__name__} is a value")

    def __delattr__(self, name: str) -> NoReturn:
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete {name!r}: {type(self).__name__} is a value")
