"""A progress bar for many feeds, from tqdm, which is imported only if ``progress`` is set."""

from __future__ import annotations

from collections.abc import Iterable, Sized
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol

__all__ = ["Bar", "new_bar"]


class Bar(Protocol):
    """A progress bar; every feed that is done counts as one."""

    def update(self, n: float | None = 1) -> bool | None:
        """``n`` more are done."""
        ...


def new_bar(feeds: Iterable[object]) -> AbstractContextManager[Bar]:
    """A bar for ``feeds``. Raises ImportError, which says what to install."""
    try:
        tqdm = import_module("tqdm.auto").tqdm
    except ImportError:
        raise ImportError(
            "progress=True needs tqdm: pip install 'extcal[progress]'", name="tqdm"
        ) from None
    total = len(feeds) if isinstance(feeds, Sized) else None
    bar: AbstractContextManager[Bar] = tqdm(total=total, unit="feed", desc="calendars")
    return bar
