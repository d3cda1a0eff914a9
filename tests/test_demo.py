"""`make demo` shows the main job, on any day of the year, and leaves a picture."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from extcal.testing import ManualClock
from extcal.testing.server import FeedServer

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


def test_the_demo_tells_the_whole_story(tmp_path: Path) -> None:
    """Availability of both, common slots, no second fetch, a third one 31 minutes later, a file."""
    said = run("--into", str(tmp_path))
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
        assert (tmp_path / f"availability.{suffix}").stat().st_size > 2_000


@pytest.mark.parametrize("monday", ["2027-03-29", "2026-10-26", "2028-02-28", "2027-12-27"])
def test_the_demo_tells_the_same_in_every_week(
    monday: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """After a clock change, around 29 February, across a new year: local times stay."""
    demo = runpy.run_path(str(ROOT / "examples" / "demo.py"))
    first = date.fromisoformat(monday)
    before = first - timedelta(days=4)
    with FeedServer() as server:
        clock = ManualClock(datetime(*before.timetuple()[:3], 8, tzinfo=UTC))
        demo["tell"](server, clock, first, tmp_path)
    said = capsys.readouterr().out
    assert "Ada  busy 09:30–09:45, busy 13:00–14:00" in said
    assert "Bob  busy 11:30–12:30, working elsewhere 14:00–18:00" in said
    assert re.findall(r"free +(\w+) +\d+ \w+ +(\S+)", said) == [
        ("Mon", "11:00–13:00"),
        ("Mon", "14:00–15:00"),
        ("Mon", "16:00–17:00"),
        ("Tue", "11:30–14:00"),
        ("Tue", "15:30–17:00"),
        ("Wed", "09:45–11:30"),
        ("Wed", "12:30–13:30"),
        ("Wed", "16:00–17:00"),
        ("Thu", "09:00–11:30"),
    ]


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
