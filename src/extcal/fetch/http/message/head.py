"""The head of an answer as a value, and what its fields say in seconds. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime

__all__ = ["ECHOED", "SECONDS", "Head", "age_of", "retry_after", "validator"]

# RFC 9110 section 5.5, and no longer than anybody's validator: what is echoed must be harmless.
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
        """Read header fields as they came; RFC 9110 section 5.5 calls their bytes opaque."""
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

    A date is measured against the answer's own Date, so that no clock of ours is asked.
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
    """Seconds since the source gave this to a cache on the way (RFC 9111 section 5.1); 0 if none.

    Of several values the first one counts. One that is no number of seconds says nothing, and one
    too large to be true is 2^31 (section 1.2.2).
    """
    value = (head.get("age") or "").partition(",")[0].strip()
    if not _DIGITS.fullmatch(value):
        return 0.0
    return float(min(int(value), 2**31)) if len(value) <= 10 else 2.0**31
