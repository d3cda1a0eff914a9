"""Reading small feeds in tests: content lines in, a short answer out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import extcal

__all__ = ["Corridor"]


class Corridor:
    """Content lines in, what is read of them out, both short enough to stand in a test."""

    @staticmethod
    def event(*lines: str, uid: str | None = "a") -> str:
        """One VEVENT of these lines."""
        own = [] if uid is None or any(line.startswith("UID") for line in lines) else [f"UID:{uid}"]
        return "\r\n".join(("BEGIN:VEVENT", *own, *lines, "END:VEVENT"))

    @staticmethod
    def body(*parts: str, head: Sequence[str] = ()) -> str:
        """One VCALENDAR of components and its own lines."""
        return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *head, *parts, "END:VCALENDAR", ""))

    def expand(
        self,
        *parts: str,
        window: str = "2027-01-01/2027-02-01",
        head: Sequence[str] = (),
        **options: Any,
    ) -> extcal.Expansion:
        """Read components; an error of ours, which would be hidden as unknown time, fails."""
        start, end = (
            datetime.fromisoformat(edge).replace(tzinfo=UTC) for edge in window.split("/")
        )
        text = parts[0] if parts[0].startswith("BEGIN:VCALENDAR") else self.body(*parts, head=head)
        result = extcal.expand(text, start, end, **options)
        assert "internal_error" not in {problem.code for problem in result.problems}
        return result

    def busy(self, *parts: str, **options: Any) -> list[str]:
        """Busy periods and unknown stretches as ``01-04T09:00/10:00``, their type unless BUSY."""
        answer = self.expand(*parts, **options).free_busy
        found = [_told(p.start, p.end, str(p.fbtype)) for p in answer.periods]
        return found + [_told(p.start, p.end, "unknown") for p in answer.unknown]

    def codes(self, *parts: str, **options: Any) -> list[str]:
        """The codes of the Problems."""
        return [problem.code for problem in self.expand(*parts, **options).problems]


def _told(start: datetime, end: datetime, what: str) -> str:
    last = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%m-%dT%H:%M}"
    return f"{start:%m-%dT%H:%M}/{last}" + ("" if what == "BUSY" else f" {what}")
