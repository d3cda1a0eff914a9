"""README.md beside this file says where each of the 125 quirks is held; this holds it to that."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
_ROW = re.compile(r"\| Q(\d{3}) \| [^|]+ \| ([^|]+) \|")


def rows() -> dict[int, list[str]]:
    found = [_ROW.fullmatch(line) for line in (HERE / "README.md").read_text("utf-8").splitlines()]
    return {int(row[1]): re.findall(r"`([^`]+)`", row[2]) for row in found if row}


def test_all_125_are_held_somewhere() -> None:
    """Each quirk is named once, with at least one place that holds it."""
    assert sorted(rows()) == list(range(1, 126))
    assert all(rows().values())


def test_what_is_named_exists() -> None:
    """The files are there, and so are the tests in them."""
    for number, places in rows().items():
        for place in places:
            path, _, name = place.partition("::")
            assert (ROOT / path).is_file(), f"Q{number:03}: {path}"
            if name:
                source = (ROOT / path).read_text("utf-8")
                assert re.search(rf"(?:def|class) {name}\b", source), f"Q{number:03}: {place}"


def test_every_feed_is_named() -> None:
    """No feed lies in the folder that its quirk does not name."""
    named = {place for places in rows().values() for place in places}
    for path in (HERE / "fixtures").glob("*.ics"):
        assert path.relative_to(ROOT).as_posix() in named, path.name
