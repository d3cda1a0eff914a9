"""The time zones of the generated feeds, as Google and as Exchange define them."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["GOOGLE_ZONES", "WINDOWS_ZONES", "google_vtimezones", "windows_vtimezones"]

GOOGLE_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata")
WINDOWS_ZONES = ("W. Europe Standard Time", "Eastern Standard Time", "India Standard Time")

# Per zone: standard and daylight offset, and the rules that begin daylight and standard time.
_RULES = (
    ("+0100", "+0200", ("0329T020000", "-1SU", 3), ("1025T030000", "-1SU", 10)),
    ("-0500", "-0400", ("0308T020000", "2SU", 3), ("1101T020000", "1SU", 11)),
    ("+0530", "+0530", None, None),
)


def google_vtimezones() -> Iterator[str]:
    """Yield the lines of a VTIMEZONE per zone: rules since 1970, named like the place."""
    for name, (standard, daylight, spring, autumn) in zip(GOOGLE_ZONES, _RULES, strict=True):
        yield from ("BEGIN:VTIMEZONE", f"TZID:{name}", f"X-LIC-LOCATION:{name}")
        if spring is None or autumn is None:
            yield from _observance("STANDARD", standard, standard, "19700101T000000", None)
        else:
            for kind, before, after, (first, day, month) in (
                ("DAYLIGHT", standard, daylight, spring),
                ("STANDARD", daylight, standard, autumn),
            ):
                rule = f"FREQ=YEARLY;BYMONTH={month};BYDAY={day}"
                yield from _observance(kind, before, after, f"1970{first}", rule)
        yield "END:VTIMEZONE"


def windows_vtimezones() -> Iterator[str]:
    """Yield the lines of a VTIMEZONE per zone: rules since 1601, with Windows' names."""
    for name, (standard, daylight, spring, autumn) in zip(WINDOWS_ZONES, _RULES, strict=True):
        yield from ("BEGIN:VTIMEZONE", f"TZID:{name}")
        for kind, before, after, turn in (
            ("STANDARD", daylight, standard, autumn),
            ("DAYLIGHT", standard, daylight, spring),
        ):
            rule = turn and f"FREQ=YEARLY;INTERVAL=1;BYDAY={turn[1]};BYMONTH={turn[2]}"
            hour = turn[0][-6:] if turn else "000000"
            yield from _observance(kind, before, after, f"16010101T{hour}", rule)
        yield "END:VTIMEZONE"


def _observance(kind: str, before: str, after: str, start: str, rule: str | None) -> Iterator[str]:
    yield from (f"BEGIN:{kind}", f"TZOFFSETFROM:{before}", f"TZOFFSETTO:{after}")
    yield f"DTSTART:{start}"
    if rule:
        yield f"RRULE:{rule}"
    yield f"END:{kind}"
