"""The busy time of every feed kept in files has a digest, beside the version of the interpretation.

``answers.txt`` is written by ``python tests/real_feeds/test_interpretation.py``. It refuses to
change the digest of a feed if the version is still the one in the file.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import extcal
from extcal.cache.snapshot.made_by import INTERPRETATION

HERE = Path(__file__).parent
ANSWERS = HERE / "answers.txt"
READERS = ("Europe/Berlin", "America/Chicago")
WINDOW = datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
ADVICE = (
    "these feeds have another busy time than the file says: if released readings may differ so, "
    "raise INTERPRETATION in cache/snapshot/made_by.py, so that caches read them again; then run "
    "python tests/real_feeds/test_interpretation.py"
)


def feeds() -> Iterator[tuple[str, bytes, tuple[datetime, datetime]]]:
    spec = importlib.util.spec_from_file_location("cases_of_real_feeds", HERE / "test_cases.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for case in module.cases():
        yield case.name, case.body(), case.window
    for path in sorted((HERE.parent / "quirks" / "fixtures").glob("*.ics")):
        yield path.stem, path.read_bytes(), WINDOW


def answers() -> dict[str, str]:
    """The digest of the busy and the unknown time of every feed, by its name."""
    found = {}
    for name, body, (start, end) in feeds():
        seen = hashlib.sha256()
        for reader in READERS:
            answer = extcal.free_busy(body, start, end, timezone=reader)
            for period in answer.periods:
                line = f"{period.start.isoformat()} {period.end.isoformat()} {period.fbtype}\n"
                seen.update(line.encode())
            for gap in answer.unknown:
                seen.update(f"{gap.start.isoformat()} {gap.end.isoformat()} ?\n".encode())
        found[name] = seen.hexdigest()[:12]
    return found


def recorded() -> tuple[int, dict[str, str]]:
    first, *lines = ANSWERS.read_text("utf-8").splitlines()
    version = int(first.removeprefix("interpretation "))
    return version, {name: digest for digest, name in (line.split(" ", 1) for line in lines)}


def changed(now: dict[str, str], before: dict[str, str]) -> list[str]:
    return [name for name, digest in before.items() if now.get(name, digest) != digest]


def test_the_version_of_the_interpretation_is_raised_with_the_answers() -> None:
    """A stored reading is read again only if its version differs from that of the program."""
    version, before = recorded()
    now = answers()
    assert not changed(now, before), ADVICE
    assert version == INTERPRETATION
    assert now == before, "feeds were added or removed: run this file as a program"


def main() -> None:
    now = answers()
    if ANSWERS.exists():
        version, before = recorded()
        different = changed(now, before)
        if different and version == INTERPRETATION:
            raise SystemExit(f"{ADVICE}\n" + "\n".join(different))
    lines = [f"interpretation {INTERPRETATION}", *(f"{now[name]} {name}" for name in now)]
    ANSWERS.write_text("\n".join([*lines, ""]), "utf-8")


if __name__ == "__main__":
    main()
