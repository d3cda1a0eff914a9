"""Reads the body in a file and prints how much work that was: what no clock is needed for.

    python tests/benchmarks/counted_calls.py FILE

Counted are the bytes that each search of a regular expression or a word may pass over, and the
calls of functions. Those
limits that bound work are made smaller by as much as the body is smaller than 62 MiB.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_FULL = 62 * 1024 * 1024
_LIMITS = {
    "max_work": 120_000,
    "max_steps": 100_000,
}
_SEARCHES = ("finditer", "findall", "fullmatch", "match", "search", "sub", "subn", "split")
_ANCHORED = {"match", "fullmatch"}  # these end at the first byte that does not match

patterns: list[int] = []
words: list[int] = []


class Pattern:
    """A compiled pattern that notes how many bytes each search may pass over."""

    def __init__(self, compiled: re.Pattern[Any]) -> None:
        self.compiled = compiled
        for name in _SEARCHES:
            setattr(self, name, self.noted(name))

    def noted(self, name: str) -> Any:
        method = getattr(self.compiled, name)

        def called(*arguments: Any) -> Any:
            text, begin, end = _part(arguments, 1 if name.startswith("sub") else 0, name)
            found = method(*arguments)
            if name in _ANCHORED:
                end = found.end() if found else begin
            elif name == "search" and found:
                end = found.end()
            if isinstance(text, bytes):
                patterns.append(max(0, end - begin))
            return found

        return called

    def __getattr__(self, name: str) -> Any:
        return getattr(self.compiled, name)


def _part(arguments: tuple[Any, ...], at: int, name: str) -> tuple[Any, int, int]:
    text = arguments[at]
    begin = arguments[at + 1] if len(arguments) > at + 1 and not at else 0
    end = arguments[at + 2] if len(arguments) > at + 2 and not at else len(text)
    return text, begin, min(end, len(text))


class Body(bytes):
    """A body that notes how many bytes each search for a word passes over."""

    def count(self, word: Any, start: int = 0, end: int = sys.maxsize) -> int:  # type: ignore[override]
        words.append(min(end, len(self)) - start)
        return super().count(word, start, end)

    def find(self, word: Any, start: int = 0, end: int = sys.maxsize) -> int:  # type: ignore[override]
        found = super().find(word, start, end)
        words.append((min(end, len(self)) if found < 0 else found) - start)
        return found

    def __contains__(self, word: Any) -> bool:
        return self.find(word) >= 0


compile_before = re.compile


def compile_noted(source: Any, flags: int = 0) -> Any:
    compiled = compile_before(source, flags)
    return Pattern(compiled) if isinstance(compiled.pattern, bytes) else compiled


def main() -> None:
    raw = Body(Path(sys.argv[1]).read_bytes())
    re.compile = compile_noted  # type: ignore[assignment]
    import extcal

    share = len(raw) / _FULL
    limits = extcal.Limits(**{name: int(most * share) for name, most in _LIMITS.items()})
    start = datetime(2026, 12, 1, tzinfo=UTC)
    extcal.free_busy(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", start, start + timedelta(1))
    calls = 0

    def noted(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    patterns.clear()
    words.clear()
    sys.setprofile(noted)
    extcal.expand(raw, start, start + timedelta(days=54), limits=limits)
    sys.setprofile(None)
    print(json.dumps({
        "longest pattern": max(patterns), "longest word": max(words),
        "passes of patterns": sum(patterns) / len(raw), "passes of words": sum(words) / len(raw),
        "calls of a unit": calls / limits.max_work,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
