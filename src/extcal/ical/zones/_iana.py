"""The IANA keys of the installed tzdata package, by their case-folded form.

They are read once, when this module is first imported. That happens when a feed first names a zone.
``zoneinfo.available_timezones()`` gives the same keys, but it opens 600 files for that. Keys that
mean no certain zone (``localtime``, ``Factory``) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

__all__ = ["IANA_KEYS"]

_NOT_PLACES = frozenset({"Factory", "localtime", "posixrules"})

IANA_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        key.casefold(): key
        for key in files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
        if key not in _NOT_PLACES
    }
)
