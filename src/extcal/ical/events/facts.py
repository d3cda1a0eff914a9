"""Which value counts when a VEVENT has a property more than once.

    "The following are OPTIONAL, but MUST NOT occur more than once." (RFC 5545 section 3.6.1)

If they do, with different values, the value that blocks the most counts, in whatever order they
stand: of TRANSPARENT and OPAQUE it is OPAQUE, of CANCELLED and CONFIRMED it is CONFIRMED.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from extcal.ical.parse.content_lines import Line

__all__ = ["ALL_DAY_FLAGS", "FACTS", "Lines", "blocking", "by_name", "is_transparent", "values"]

FACTS = frozenset(
    {
        "STATUS",
        "TRANSP",
        "X-MICROSOFT-CDO-BUSYSTATUS",
        "X-MICROSOFT-MSNCALENDAR-BUSYSTATUS",
        "X-MICROSOFT-CDO-INTENDEDSTATUS",
        "X-MICROSOFT-MSNCALENDAR-INTENDEDSTATUS",
    }
)
ALL_DAY_FLAGS = (
    "X-MICROSOFT-CDO-ALLDAYEVENT",
    "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT",
    "X-FUNAMBOL-ALLDAY",
)

Lines = dict[str, list[Line]]
# From the value that blocks least on. An absent or any other value counts as CONFIRMED.
_STATUS = ("CANCELLED", "CANCELED", "TENTATIVE")
# Likewise. With an empty value TRANSP decides. An unknown one counts as BUSY.
_BUSY_STATUS = ("FREE", "WORKINGELSEWHERE", "", "TENTATIVE", "BUSY", "OOF")


def by_name(given: Iterable[Line]) -> Lines:
    """Return the lines of a component by the name of their property."""
    lines: Lines = {}
    for line in given:
        lines.setdefault(line.name, []).append(line)
    return lines


def values(lines: Sequence[Line]) -> list[str]:
    """Return the values of one property, in upper case, without white space, each once, sorted."""
    return sorted({line.value.strip().upper() for line in lines})


def blocking(name: str, said: Sequence[str]) -> str:
    """Return the one of sorted values (of TRANSP, STATUS or a busy status) that blocks the most."""
    if len(said) == 1:
        return said[0]
    if name == "TRANSP":
        return max(said, key=lambda value: not is_transparent(value))
    if name == "STATUS":
        return max(said, key=lambda value: _rank(value, _STATUS, len(_STATUS)))
    return max(said, key=lambda value: _rank(value, _BUSY_STATUS, _BUSY_STATUS.index("BUSY")))


def _rank(value: str, order: Sequence[str], other: int) -> int:
    return order.index(value) if value in order else other


def is_transparent(written: str) -> bool:
    """Whether a TRANSP means free. In vCalendar 1.0 it is a number: 0 blocks, others do not."""
    return written == "TRANSPARENT" or (written.isdecimal() and written.strip("0") != "")
