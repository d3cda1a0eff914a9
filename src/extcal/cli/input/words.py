"""Words that people type for days, hours and zones, as the values that they mean."""

from __future__ import annotations

import re
from datetime import date, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from extcal.ical.zones.names import clean, exact, loose

__all__ = ["day_of", "hours_of", "local_zone", "zone_of"]

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS = "MO TU WE TH FR SA SU".split()
_CLOCK = r"(\d{1,2})(?:[:.](\d\d))?"
_HOURS = re.compile(rf"(?:(?P<days>[A-Za-z][A-Za-z,\s–-]*?)\s+)?{_CLOCK}\s*[-–]\s*{_CLOCK}")


def day_of(words: str, today: date) -> date:
    """Such as ``today``, ``tomorrow``, ``monday`` (the next one, or today), ``2027-01-04``.

    Raises ValueError for anything else.
    """
    said = words.strip().lower()
    if said in ("today", "tomorrow", "yesterday"):
        return today + timedelta(days={"today": 0, "tomorrow": 1, "yesterday": -1}[said])
    if len(said) >= 3:
        for number, name in enumerate(_WEEKDAYS):
            if name.startswith(said):
                return today + timedelta(days=(number - today.weekday()) % 7)
    return date.fromisoformat(said)


def hours_of(words: str) -> tuple[str, str, str]:
    """Days, start and end for WorkingHours, of ``9-17`` (Monday to Friday), ``Mon-Fri 9:30-17``.

    Raises ValueError for anything else.
    """
    found = _HOURS.fullmatch(words.strip())
    if found is None:
        raise ValueError(f"{words!r} is not like 9-17 or 'MO-FR 09:00-17:00'")
    days = "MO-FR" if found["days"] is None else _days(found["days"])
    _, first, first_minute, last, last_minute = found.groups()
    return days, f"{int(first):02}:{first_minute or '00'}", f"{int(last):02}:{last_minute or '00'}"


def _days(words: str) -> str:
    """``Mon-Fri`` and ``monday, wednesday`` as ``MO-FR`` and ``MO,WE``."""

    def short(name: re.Match[str]) -> str:
        said = name[0].lower()
        for number, weekday in enumerate(_WEEKDAYS):
            if len(said) >= 2 and weekday.startswith(said):
                return _DAYS[number]
        raise ValueError(f"{name[0]!r} is no weekday, such as Mon")

    return re.sub(r"[A-Za-z]+", short, re.sub(r"\s*([,-])\s*", r"\1", words.replace("–", "-")))


def zone_of(words: str) -> ZoneInfo:
    """A zone by its IANA name in any case, or by its Windows name.

    Raises ValueError, with names that are close, for anything else.
    """
    name = clean(words)
    named = exact(name) or loose(name)
    if named is None or named.offset:
        raise ValueError(f"{words!r} is not a time zone, such as Europe/Berlin{_close(name)}")
    return ZoneInfo(named.name)


def _close(name: str) -> str:
    keys = {key.lower(): key for key in available_timezones()}
    # A city alone is close to its zone, too.
    keys |= {key.rpartition("/")[2]: zone for key, zone in keys.items() if "/" in key}
    close = get_close_matches(name.lower().replace(" ", "_"), keys, n=3, cutoff=0.7)
    found = list(dict.fromkeys(keys[each] for each in close))
    return f"; did you mean {' or '.join(found)}?" if found else ""


def local_zone() -> ZoneInfo | None:
    """The zone of this computer, or None if it cannot be told.

    Only the command line asks, because its user sits in front of it: nothing else in extcal may.
    """
    from tzlocal import get_localzone_name

    try:
        name = get_localzone_name()
        return ZoneInfo(name) if name else None
    except Exception:  # what a system's files hold is not up to us
        return None
