"""What the text of a TZID means by itself, without the rest of the feed.

A name goes in, a :class:`Named` comes out: an IANA key of tzdata, or a fixed offset. This
module knows neither feeds nor rules. ``ZoneInfo`` is only ever called with a key of the index,
never with the text of a feed.

:func:`exact` holds the readings that beat a VTIMEZONE of the feed, :func:`loose` those that come
after it. Both take a name that went through :func:`clean`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from extcal.patterns import pattern
from extcal.values import NamedTuple

__all__ = [
    "Named",
    "clean",
    "exact",
    "is_exact",
    "is_settled",
    "loose",
    "places",
    "relaxed",
    "standard_offset",
    "windows_zone",
]

MAX_NAME = 255  # the longest display name is under 60; longer text names nothing
DAY = 86_400

UTC_NAMES = frozenset(
    {
        "coordinated universal time",
        "etc/gmt",
        "etc/utc",
        "gmt",
        "tzone://microsoft/utc",
        "universal",
        "utc",
        "utc (coordinated universal time)",
        "(utc) coordinated universal time",
        "z",
        "zulu",
    }
)
# Names that mean one offset, in tzdata or to most people. The feed's own definition may differ:
# programs that write TZNAMEs as TZIDs (py-vobject) call a zone with summer time GMT, and the CET of
# an Algerian calendar has no summer time.
FIXED_NAMES = frozenset({"EST", "MST", "HST", "CET", "MET", "EET", "WET"})
UTC_KEYS = frozenset(
    {
        *("Etc/GMT", "Etc/GMT+0", "Etc/GMT-0", "Etc/GMT0", "Etc/Greenwich", "Etc/UCT", "Etc/UTC"),
        *("Etc/Universal", "Etc/Zulu", "GMT", "GMT+0", "GMT-0", "GMT0", "Greenwich", "UCT", "UTC"),
        *("Universal", "Zulu"),
    }
)
CONTROLS = pattern(r"[\x00-\x1f\x7f]+")
SPACES = pattern(r"\s+")
NUMBERED = pattern(r" \d{1,9}$")
# The standard offset in front of a display name: "(UTC+01:00) ", "(GMT-05.00) ", "(UTC) ".
PREFIXED = pattern(r"\((?:UTC|GMT)[^)]*\)\s*", re.IGNORECASE)
OFFSET = pattern(r"(?:UTC|GMT)? ?([+-])(\d{1,2}):?(\d{2})?", re.IGNORECASE)
# Exchange CDO: "GMT +0100 (Standard) / GMT +0200 (Daylight)".
STANDARD_OFFSET = pattern(r"(?:UTC|GMT) ?([+-])(\d{2}):?(\d{2}) \(Standard\)", re.IGNORECASE)


class Named(NamedTuple):
    """What a name stands for: an IANA key, or a fixed ``offset`` in seconds east of UTC."""

    source: str
    name: str
    offset: int | None = None


UTC = Named("utc", "UTC", 0)


def clean(raw: str) -> str:
    """A TZID without control characters, outer spaces, one pair of quotes and text escapes."""
    if raw.isprintable() and '"' not in raw and "\\" not in raw:
        return raw.strip()
    text = CONTROLS.sub("", raw).strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].strip()
    return text.replace("\\,", ",").replace("\\;", ";")


def _spaced(name: str) -> str:
    """A name with one space wherever there is white space."""
    if "  " not in name and name.isprintable():  # then the only white space is single spaces
        return name
    return SPACES.sub(" ", name)


def _keys() -> Mapping[str, str]:
    """The index of IANA keys; imported on demand, as reading it takes longer than a small feed."""
    from extcal.ical.zones._iana import IANA_KEYS

    return IANA_KEYS


def _is_key(name: str) -> bool:
    return _keys().get(name.casefold()) == name


def exact(name: str) -> Named | None:
    """The UTC family, an IANA key as written, or the IANA key that ends ``/prefix/.../key``."""
    if len(name) > MAX_NAME:
        return None
    if name.casefold() in UTC_NAMES:
        return UTC
    if _is_key(name):
        return Named("iana", name)
    if name.startswith("/"):
        # No IANA key has more than three parts (America/Argentina/Buenos_Aires).
        parts = name.split("/")[1:]
        for start in range(max(0, len(parts) - 3), len(parts)):
            suffix = "/".join(parts[start:])
            if _is_key(suffix):
                return UTC if suffix.casefold() in UTC_NAMES else Named("iana", suffix)
    return None


def is_settled(name: str) -> bool:
    """Whether a name means one zone whatever the feed defines by it.

    A name of a fixed offset, such as EST, does not: a different definition in the feed wins.
    """
    named = exact(name)
    return named is not None and not (
        named.source == "utc" or named.name in FIXED_NAMES or named.name in UTC_KEYS
    )


def is_exact(tzid: str) -> bool:
    """Whether a TZID, as a feed writes it, needs no VTIMEZONE: :func:`exact` knows its name."""
    return exact(clean(tzid)) is not None


def windows_zone(name: str) -> str | None:
    """The IANA zone of a Windows ID, in any case and spacing."""
    from extcal.ical.zones._windows import WINDOWS_ZONES

    return WINDOWS_ZONES.get(_spaced(name).casefold())


def places(display: str) -> list[str]:
    """The parts of a display name: split at ``,`` and ``/``, case-folded, ``&`` read as ``and``."""
    text = _spaced(display).casefold().replace("&", "and").replace("/", ",")
    return [part for part in (piece.strip() for piece in text.split(",")) if part]


def _displayed(name: str) -> str | None:
    """The zone that all places of a display name have in common, if there is exactly one."""
    from extcal.ical.zones._windows import PLACES

    found = [set(PLACES.get(place, ())) for place in places(name)]
    common = set.intersection(*found) if found else set()
    return common.pop() if len(common) == 1 else None


def _windows(name: str) -> str | None:
    """A Windows ID, a Domino short name (the ID without "Standard Time"), or a display name."""
    return windows_zone(name) or windows_zone(f"{name} Standard Time") or _displayed(name)


def relaxed(name: str) -> str | None:
    """An IANA key in any case, with spaces for ``_`` and ``-`` for ``/``."""
    spelled = SPACES.sub("_", name).casefold()
    return _keys().get(spelled) or _keys().get(spelled.replace("-", "/"))


def _seconds(sign: str, hours: str, minutes: str | None) -> int | None:
    magnitude = int(hours) * 3600 + int(minutes or 0) * 60
    if magnitude >= DAY or int(minutes or 0) >= 60:
        return None
    return -magnitude if sign == "-" else magnitude


def _fixed(name: str) -> Named | None:
    """``GMT+0100``, ``UTC+01:00``, ``+01``. The sign is ISO 8601's: GMT+0100 is east of UTC."""
    matched = OFFSET.fullmatch(name.replace("\N{MINUS SIGN}", "-"))
    offset = _seconds(*matched.group(1, 2, 3)) if matched else None
    return None if offset is None else Named("utc", name, offset)


def standard_offset(name: str) -> int | None:
    """The standard offset in an Exchange CDO name, in seconds. It is a guess: report a Problem."""
    matched = STANDARD_OFFSET.search(name[:MAX_NAME])
    return _seconds(*matched.group(1, 2, 3)) if matched else None


def loose(name: str) -> Named | None:
    """Windows names, display names, relaxed IANA spelling and pure offsets, in this order."""
    if not name or len(name) > MAX_NAME:
        return None
    unnumbered = NUMBERED.sub("", name)
    unprefixed = PREFIXED.sub("", unnumbered, count=1) if name.startswith("(") else unnumbered
    for candidate in dict.fromkeys((name, unnumbered, unprefixed)):
        zone = _windows(candidate)
        if zone is not None:
            return UTC if zone.casefold() in UTC_NAMES else Named("windows", zone)
    key = relaxed(unprefixed)
    if key is not None:
        return Named("iana", key)
    return _fixed(name)
