"""The versions that a reading was made with: of the time zone data, and of extcal's interpretation.

The same body may mean something else later: a country gives up summer time and a new release of the
time zone data says so, or a release of extcal reads a rule in another way. So every stored reading
has a :class:`MadeBy`. If it differs from :func:`made_now`, the feed is fetched and read again.

Time zone data is found as :mod:`zoneinfo` finds it: in the directories of ``zoneinfo.TZPATH``, then
in the package ``tzdata``. Its version is the one that is written in the data. So two machines with
the same release have the same version, however it was packaged. If a directory states no version, a
digest of its files is used instead, and the next place is read too, because zones that the
directory lacks come from there.
"""

from __future__ import annotations

import hashlib
import os
import zoneinfo
from collections.abc import Iterable

from extcal.patterns import pattern
from extcal.values import NamedTuple

__all__ = ["INTERPRETATION", "MadeBy", "made_now", "zone_data_version"]

INTERPRETATION = 1
"""The version of extcal's interpretation.

Raise it when a release reads some body in another way, so that its busy time may change; the test
tests/real_feeds/test_interpretation.py fails until then. Readings that 0.1.0 stored have none. The
layout of the stored bytes has a version of its own, in :mod:`extcal.cache.snapshot.codec`.
"""

# tzdata.zi begins with "# version 2026a"; the file +VERSION holds "2026a" alone.
_VERSION_FILES = (("tzdata.zi", "# version "), ("+VERSION", ""))
_VERSION = pattern(r"[0-9]{4}[A-Za-z0-9.+-]{1,32}")
# Files beside the zones that do not belong to the data: "localtime" is the zone of this machine;
# "posixrules" and the folders "posix" and "right" are copies of zones.
_NO_ZONES = frozenset({"localtime", "posixrules"})
_COPIES = frozenset({"posix", "right"})


class MadeBy(NamedTuple):
    """``zone_data``: its version, such as ``"2026a"``. ``interpretation``: ours."""

    zone_data: str
    interpretation: int


def made_now() -> MadeBy:
    """The versions that this process reads with. This reads files: call it once, keep the value."""
    return MadeBy(zone_data_version(), INTERPRETATION)


def zone_data_version(path: Iterable[str] | None = None) -> str:
    """The version of the time zone data that :mod:`zoneinfo` reads.

    ``path``: directories in place of ``zoneinfo.TZPATH``.
    """
    found: list[str] = []
    for directory in zoneinfo.TZPATH if path is None else path:
        version = _stated(directory)
        if version is not None:
            # Data that states its version is complete, so no further place is used.
            return "/".join([*found, version])
        digest = _digest(directory)
        if digest is not None:
            found.append(digest)
    return "/".join([*found, _packaged()])


def _stated(directory: str) -> str | None:
    """The version that is written in the data in ``directory``, or None."""
    for name, before in _VERSION_FILES:
        try:
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                line = file.readline(100).strip()
        except (OSError, ValueError):
            continue
        if line.startswith(before) and _VERSION.fullmatch(line.removeprefix(before)):
            return line.removeprefix(before)
    return None


def _digest(place: str) -> str | None:
    """A digest of the zones below ``place``, by name and content; None if there are none.

    The times of the files are left out, so two machines with equal files get the same digest.
    """
    from pathlib import Path  # hardly any machine has zones without a version

    directory = Path(place)
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
        version: object = getattr(__import__("tzdata"), "IANA_VERSION", None)
    except ModuleNotFoundError:
        return "none"
    return version if isinstance(version, str) and _VERSION.fullmatch(version) else "unknown"
