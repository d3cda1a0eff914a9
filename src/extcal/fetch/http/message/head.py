"""The head of an answer as a value, and what its fields say in seconds. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime

__all__ = ["ECHOED", "SECONDS", "Head", "age_of", "retry_after", "validator"]

# A value that may be sent back: visible ASCII and blanks (RFC 9110 section 5.5), and a length that
# no real validator exceeds. So a server cannot make extcal send control characters or huge fields.
ECHOED = re.compile(r"[\x20-\x7e]{1,1024}")
SECONDS = re.compile(r"[0-9]{1,10}")
_DIGITS = re.compile(r"[0-9]{1,1024}")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer: status and header fields in order, names in lower case."""

    status: int
    fields: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"<Head {self.status}>"

    @classmethod
    def from_raw(cls, status: int, raw: list[tuple[bytes, bytes]]) -> Head:
        """Read raw header fields as latin-1: RFC 9110 section 5.5 calls their bytes opaque."""
        pairs = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw)
        return cls(status, tuple(pairs))

    def get(self, name: str) -> str | None:
        """The first field of that name, trimmed."""
        return next((value.strip() for key, value in self.fields if key == name), None)

    def all(self, name: str) -> list[str]:
        """The members of a comma-separated field, over all its lines (section 5.6.1)."""
        values = ",".join(value for key, value in self.fields if key == name)
        return [member.strip().lower() for member in values.split(",") if member.strip()]


def validator(head: Head, name: str) -> str | None:
    """A field that may be sent back byte for byte, or None."""
    value = head.get(name)
    return value if value is not None and ECHOED.fullmatch(value) else None


def retry_after(head: Head) -> float | None:
    """Seconds the server asks to wait (RFC 9110 section 10.2.3), or None.

    A date is compared with the Date of the same answer, so that no clock of this machine is used.
    """
    value = head.get("retry-after")
    if value is None:
        return None
    if SECONDS.fullmatch(value):
        return float(value)
    try:
        until = parsedate_to_datetime(value)
        wait = until - parsedate_to_datetime(head.get("date") or "")
    except (TypeError, ValueError, OverflowError):
        return None
    return max(wait, timedelta(0)).total_seconds()


def age_of(head: Head) -> float:
    """Seconds since the source gave this to an HTTP cache on the way (RFC 9111 section 5.1), or 0.

    If there are several values, the first one counts. A value that is no number of seconds is
    ignored, and one that is too large counts as 2^31 (section 1.2.2).
    """
    value = (head.get("age") or "").partition(",")[0].strip()
    if not _DIGITS.fullmatch(value):
        return 0.0
    return float(min(int(value), 2**31)) if len(value) <= 10 else 2.0**31
