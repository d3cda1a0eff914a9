"""`make demo` shows the main job, on any day of the year, and leaves a picture."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parent.parent
FEEDS = sorted((ROOT / "examples" / "feeds").glob("*.ics.in"))


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py"), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_the_demo_tells_the_whole_story() -> None:
    """Availability of both, common slots, no second fetch, a third one 31 minutes later, a file."""
    said = run()
    assert said.count("kept as <Feed 127.0.0.1 #") == 2
    for words in ("Ada  busy", "Bob  busy", "tentative", "unavailable", "working elsewhere"):
        assert words in said
    assert said.count("free  ") >= 5
    assert re.search(r"first look +2 requests", said)
    assert re.search(r"looked at again +no requests", said)
    assert re.search(r"31 minutes later +2 requests, 2 of them conditional", said)
    assert "5ec2e7" not in said
    assert "\x1b" not in said
    for suffix in ("html", "svg"):
        assert (ROOT / "build" / "demo" / f"availability.{suffix}").stat().st_size > 2_000


def test_the_committed_picture_is_what_the_code_draws(tmp_path: Path) -> None:
    """``make picture`` would change nothing."""
    run("--picture", str(tmp_path / "drawn.svg"))
    drawn = (tmp_path / "drawn.svg").read_text("utf-8")
    assert drawn == (ROOT / "docs" / "availability.svg").read_text("utf-8")
    assert ElementTree.fromstring(drawn).get("role") == "img"


@pytest.mark.parametrize("template", FEEDS, ids=lambda path: path.name)
def test_the_templates_name_no_day_of_their_own(template: Path) -> None:
    """Every date is a placeholder, but for those of time zone definitions."""
    text = template.read_text("utf-8")
    events = text[text.index("BEGIN:VEVENT") :]
    assert not re.search(r"\b20\d{6}(T|\b)", events)
    assert re.search(r"\{MON[+-]\d+\}", events)


def test_both_publishers_are_there() -> None:
    assert [path.name for path in FEEDS] == ["google.ics.in", "outlook.ics.in"]
