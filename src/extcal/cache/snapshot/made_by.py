"""With what a reading was made: the time zone data, and the version of our own interpretation.

A body that has not changed may mean something else today: a country gives up summer time and the
time zone data says so, or a release of extcal reads a rule in another way. So every stored reading
carries a :class:`MadeBy`, and one that differs from :func:`made_now` is read again.

Time zone data is found as :mod:`zoneinfo` finds it: in the directories of ``zoneinfo.TZPATH``, then
in the package ``tzdata``. Its version is what the data says of itself, so that two machines with
the same release of it agree, however it was packed. A directory that says nothing is known by a
digest of what it holds, and names that it lacks are looked for in the next place.
"""

from __future__ import annotations

import hashlib
import re
import zoneinfo
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

__all__ = ["INTERPRETATION", "MadeBy", "made_now", "zone_data_version"]

INTERPRETATION = 1
"""Counted up when a body is read in another way than before, so that its busy time may change.

Readings of 0.1.0 carry none. How the bytes of a cell are laid out has a version of its own, in
:mod:`extcal.cache.snapshot.codec`.
"""

# tzdata.zi begins with "# version 2026a"; the file +VERSION holds "2026a" alone.
_VERSION_FILES = (("tzdata.zi", "# version "), ("+VERSION", ""))
_VERSION = re.compile(r"[0-9]{4}[A-Za-z0-9.+-]{1,32}")
# What stands beside the zones in such a directory and says nothing about them: which zone the
# machine is in, and copies of all zones with and without leap seconds.
_NO_ZONES = frozenset({"localtime", "posixrules"})
_COPIES = frozenset({"posix", "right"})


class MadeBy(NamedTuple):
    """``zone_data``: its version, such as ``"2026a"``. ``interpretation``: ours."""

    zone_data: str
    interpretation: int


def made_now() -> MadeBy:
    """With what this process reads. Looks at files: ask once and keep the answer."""
    return MadeBy(zone_data_version(), INTERPRETATION)


def zone_data_version(path: Iterable[str] | None = None) -> str:
    """The version of the time zone data that :mod:`zoneinfo` reads.

    ``path``: directories in place of ``zoneinfo.TZPATH``.
    """
    found: list[str] = []
    for directory in map(Path, zoneinfo.TZPATH if path is None else path):
        version = _stated(directory)
        if version is not None:
            # A release of the data is whole: what it does not name, no other place is asked for.
            return "/".join([*found, version])
        digest = _digest(directory)
        if digest is not None:
            found.append(digest)
    return "/".join([*found, _packaged()])


def _stated(directory: Path) -> str | None:
    """The version that the data in ``directory`` says of itself, or None."""
    for name, before in _VERSION_FILES:
        try:
            with open(directory / name, encoding="ascii") as file:
                line = file.readline(100).strip()
        except (OSError, ValueError):
            continue
        if line.startswith(before) and _VERSION.fullmatch(line.removeprefix(before)):
            return line.removeprefix(before)
    return None


def _digest(directory: Path) -> str | None:
    """A digest of the zones below ``directory``, by name and content; None if there are none.

    Names and contents only: two machines with equal files agree, whenever these were written.
    """
    found = hashlib.sha256()
    count = 0
    for file in sorted(directory.rglob("*")):
        within = file.relative_to(directory)
        if within.name in _NO_ZONES or within.parts[0] in _COPIES:
            continue
        try:
            if not file.is_file():
                continue
            data = file.read_bytes()
        except OSError:
            continue
        if data.startswith(b"TZif"):
            name = within.as_posix().encode(errors="surrogateescape")
            found.update(b"%d:%b%d:%b" % (len(name), name, len(data), data))
            count += 1
    return found.hexdigest()[:16] if count else None


def _packaged() -> str:
    """The version of the package ``tzdata``; ``"none"`` where it is not installed."""
    try:
        version: object = getattr(import_module("tzdata"), "IANA_VERSION", None)
    except ModuleNotFoundError:
        return "none"
    return version if isinstance(version, str) and _VERSION.fullmatch(version) else "unknown"
