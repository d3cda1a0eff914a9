"""The site is whole: every public name is in the reference, every block runs or says why not."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import extcal

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
ALL = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
_DIRECTIVE = re.compile(r"^\.\. auto\w+:: (extcal[\w.]*)", re.MULTILINE)
_ROLE = re.compile(r"\{py:obj\}`~?(extcal[\w.]*)`")
_FENCE = re.compile(r"(?P<before>[^\n]*)\n```(?P<language>py|pycon|python3|py3)\n", re.MULTILINE)
ROOMS = ("cache", "draw", "fetch", "formats", "ical", "intervals", "testing")


def reference(page: str) -> str:
    return (DOCS / "reference" / f"{page}.md").read_text("utf-8")


def test_every_public_name_is_described_once() -> None:
    described = _DIRECTIVE.findall(reference("extcal"))
    assert sorted(described) == sorted(f"extcal.{name}" for name in extcal.__all__)


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_a_room_is_described_or_pointed_to(room: str) -> None:
    """A name that the face has is described there; its room says so."""
    text = reference(room)
    if f".. automodule:: extcal.{room}\n   :members:" in text:
        return  # as its own list says
    said = set(_DIRECTIVE.findall(text)) | set(_ROLE.findall(text))
    for name in import_module(f"extcal.{room}").__all__:
        if name not in extcal.__all__:
            homes = {path for path in said if path.rpartition(".")[2] == name}
            assert homes, f"extcal.{room}.{name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_block_that_is_not_run_says_why(page: Path) -> None:
    """``python`` blocks run (test_readme.py, test_guides.py); others are marked."""
    for match in _FENCE.finditer(page.read_text("utf-8")):
        assert re.match(r"<!-- not run: .+ -->", match["before"]), f"{page.name}: {match[0]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_every_page_is_in_the_contents(page: Path) -> None:
    """The site's contents name every page, so that none has to be guessed."""
    name = page.relative_to(DOCS).with_suffix("").as_posix()
    if name != "index":
        contents = (page.parent / "index.md", DOCS / "index.md")
        entries = {name, page.stem} if page.parent != DOCS else {name}
        text = "\n".join(at.read_text("utf-8") for at in contents if at.exists())
        listed = re.findall(r"^(?:[^\n<]+ <)?([\w/]+)>?$", text, re.MULTILINE)
        assert entries & set(listed), name


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_reader_is_told_to_type_exists(page: Path) -> None:
    """Targets of make, and extras of the package."""
    text = page.read_text("utf-8")
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE)) <= targets
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for named in re.findall(r"[\"'](?:\.|extcal)\[([\w,]+)\]", text):
        assert set(named.split(",")) <= set(extras["optional-dependencies"])


@pytest.mark.parametrize("picture", sorted(DOCS.rglob("*.svg")), ids=lambda path: path.name)
def test_a_picture_is_text_and_knows_the_dark(picture: Path) -> None:
    """Real text, a name for those who cannot see it, both schemes, nothing from elsewhere."""
    text = picture.read_text("utf-8")
    assert "<text" in text
    assert re.search(r"<title|aria-label", text)
    assert "prefers-color-scheme" in text
    assert not re.search(r"(?:href|src)=\"(?!#)|<script|url\((?!#)", text)


def test_titles_are_unique() -> None:
    """In a search, in a tab and in a list of pages a title is all that is seen."""
    titles: dict[str, list[str]] = {}
    for page in PAGES:
        found = re.search(r"^# (.+)$", page.read_text("utf-8"), re.MULTILINE)
        if found:
            titles.setdefault(found[1].casefold(), []).append(page.name)
    assert [pages for pages in titles.values() if len(pages) > 1] == []
