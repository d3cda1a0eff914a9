"""One stored value."""

from __future__ import annotations

from datetime import datetime

from extcal.arguments import safe_repr
from extcal.values import dataclass

__all__ = ["Cell"]


@safe_repr
@dataclass(frozen=True, slots=True)
class Cell:
    """One stored value. After ``keep_until`` (aware) it is not needed any more."""

    data: bytes
    keep_until: datetime

    def __repr__(self) -> str:
        return f"<Cell {len(self.data)} bytes, until {self.keep_until:%Y-%m-%dT%H:%MZ}>"
