"""The IANA keys of the installed tzdata package, by their case-folded form.

They are read once, when this module is first imported. That happens when a feed first names a zone.
``zoneinfo.available_timezones()`` gives the same keys, but it opens 600 files for that. Keys that
mean no certain zone (``localtime``, ``Factory``) are left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["IANA_KEYS"]

_NOT_PLACES = frozenset({"Factory", "localtime", "posixrules"})


def _text_of(package: str, name: str) -> str:
    """A file of a package, which may be in a zip archive.

    ``importlib.resources`` imports zipfile and tempfile; that takes longer than to read a small
    feed.
    """
    found = __import__(package)
    loader: Any = found.__loader__
    text: bytes = loader.get_data(os.path.join(found.__path__[0], name))
    return text.decode()


def _by_folded(text: str) -> dict[str, str]:
    """The keys of a text by their case-folded form."""
    keys = dict(zip(text.casefold().split(), text.split(), strict=True))
    for name in _NOT_PLACES:
        keys.pop(name.casefold(), None)
    return keys


IANA_KEYS: Mapping[str, str] = MappingProxyType(_by_folded(_text_of("tzdata", "zones")))
