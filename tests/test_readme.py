"""The README and the docs, run: every Python block, in order, one namespace a page.

A ``text`` block right after a ``python`` block is its exact output. Code in an HTML comment that
begins with ``<!-- run:`` runs as well, unseen by the reader. The addresses on these pages are
answered by :func:`pages`, a fake web that holds a calendar for each; the clock stands at
2027-01-04, eight o'clock UTC; everything else is real. What a page writes is written to a folder
that goes away.
"""

from __future__ import annotations

import re
import subprocess
import sys
from code import InteractiveConsole
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from functools import partial
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

import extcal
from extcal.testing import FakeFetcher, ManualClock, event, feed_text, sample

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# The guides are whole projects: tests/docs/test_guides.py.
SCRIPTS = [page for page in PAGES if "<!-- project: " not in page.read_text("utf-8")]
ADA = "https://calendar.google.com/calendar/ical/ada%40example.org/private-5ec2e7/basic.ics"
BOB = "https://outlook.office365.com/owa/calendar/b0b@example.com/5ec2e7/calendar.ics"

_BLOCK = re.compile(
    r"^```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^```$|^<!-- run:\n(?P<hidden>.*?)^-->$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """Code, the line it starts on, and the output it promises (None: any)."""

    code: str
    line: int
    output: str | None


def blocks(text: str) -> Iterator[Block]:
    found = list(_BLOCK.finditer(text))
    for index, match in enumerate(found):
        line = text.count("\n", 0, match.start()) + 2
        if match["hidden"]:
            yield Block(match["hidden"], line, None)
        elif match["language"] == "python":
            after = found[index + 1] if index + 1 < len(found) else None
            adjacent = after and not text[match.end() : after.start()].strip()
            promised = after["code"] if after and adjacent and after["language"] == "text" else None
            yield Block(match["code"], line, promised)


def pages() -> FakeFetcher:
    """What the addresses in the README answer."""
    ada = feed_text(
        event(
            "2026-12-07T09:30", "PT1H", tz="Europe/Berlin", summary="Stand-up",
            rrule="FREQ=WEEKLY;BYDAY=MO,WE",
        ),
        event(
            "2027-01-04T15:00", "PT1H", tz="Europe/Berlin", summary="Planning", status="TENTATIVE"
        ),
    )  # fmt: skip
    bob = feed_text(
        event("2027-01-05T14:00", "PT1H", tz="W. Europe Standard Time", summary="Interview"),
        prodid="Microsoft Exchange Server 2010",
    )
    return FakeFetcher({ADA: ada, BOB: bob}, etags=True)


@pytest.fixture
def _fake_web(monkeypatch: pytest.MonkeyPatch) -> None:
    """``extcal.CalendarCache()`` on a page asks :func:`pages`, at a time that the page knows."""
    cache: Callable[..., extcal.CalendarCache] = partial(
        extcal.CalendarCache, fetcher=pages(), clock=ManualClock("2027-01-04T08:00Z")
    )
    monkeypatch.setattr(extcal, "CalendarCache", cache)
    tasks: Callable[..., extcal.AsyncCalendarCache] = partial(
        extcal.AsyncCalendarCache, fetcher=pages(), clock=ManualClock("2027-01-04T08:00Z")
    )
    monkeypatch.setattr(extcal, "AsyncCalendarCache", tasks)


@pytest.mark.usefixtures("_fake_web")
@pytest.mark.parametrize("page", SCRIPTS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_runs_and_prints_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks(page.read_text("utf-8")):
        code = compile("\n" * (block.line - 1) + block.code, str(page), "exec")
        said = StringIO()
        with redirect_stdout(said):
            exec(code, names)
        if block.output is not None:
            assert said.getvalue() == block.output, f"{page.name}, line {block.line}"


README = list(blocks((ROOT / "README.md").read_text("utf-8")))
ANY_DAY = (datetime(2026, 12, 1, 12, tzinfo=UTC), datetime(2028, 2, 29, 23, 30, tzinfo=UTC))


@pytest.mark.parametrize("now", ANY_DAY, ids=str)
@pytest.mark.parametrize("block", README, ids=lambda block: f"line-{block.line}")
def test_a_block_of_the_readme_runs_alone_on_any_day(
    block: Block, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pasted alone, offline, a year later: in a file, and line by line into Python's prompt."""
    monkeypatch.setattr("extcal.testing.samples.system_clock", lambda: now)
    said = StringIO()
    with redirect_stdout(said):
        exec(compile(block.code, "README.md", "exec"), {"__name__": "__main__"})
    assert block.output in {None, said.getvalue()}
    pasted, errors = StringIO(), StringIO()
    console = InteractiveConsole()
    with redirect_stdout(pasted), redirect_stderr(errors):
        more = [console.push(line) for line in [*block.code.splitlines(), ""]]
    assert not more[-1]
    assert errors.getvalue() == ""
    # At the prompt, the values of expressions are shown, too.
    assert block.output in {None, pasted.getvalue()}


def test_the_sample_is_of_the_coming_week() -> None:
    """On a Monday, of this one; the clock is the system's unless another time is given."""
    for day, monday in ((4, 4), (5, 11), (10, 11)):
        made = sample(now=datetime(2027, 1, day, 12, tzinfo=UTC))
        assert made.week == extcal.days(f"2027-01-{monday:02}", 5, "Europe/Berlin")
        assert made.calendars.get(made.ada).fetched_at.day == day
    with pytest.raises(TypeError, match="time zone"):
        sample(now=datetime(2027, 1, 4))


def test_the_sample_needs_neither_pytest_nor_hypothesis() -> None:
    """Whoever tries extcal has installed nothing else."""
    code = "import sys; from extcal.testing import sample; sample(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pytest", "hypothesis"} & set(done.stdout.split())


def test_the_readme_has_blocks_for_one_and_for_many() -> None:
    """An empty README passes no test."""
    assert len(README) >= 6
    assert any("availability(" in block.code for block in README)
    assert sum(block.output is not None for block in README) >= 4


def test_the_commands_of_the_readme_are_those_of_the_makefile_and_of_ci() -> None:
    """What a newcomer is told to type exists, and CI types the same."""
    readme = (ROOT / "README.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    for command in ("demo", "test"):
        assert f"make {command} " in readme
        assert re.search(rf"^{command}:", makefile, re.MULTILINE)
        assert re.search(rf"^make {command}\b", ci, re.MULTILINE)


def test_every_page_is_reached_from_the_index() -> None:
    """No page of the docs has to be guessed: one link, or two through a section's own index."""
    docs = ROOT / "docs"
    index = (docs / "index.md").read_text("utf-8")
    for page in PAGES[1:]:
        name = page.relative_to(docs).as_posix()
        section = page.parent / "index.md"
        listed = f"]({name}" in index or (
            page.parent != docs
            and section.exists()
            and f"]({page.name}" in section.read_text("utf-8")
        )
        # What the site includes from the root is linked there, where a code host shows it.
        assert name == "index.md" or listed or page.parent.name == "project", name


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"])
def test_links_to_files_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"
