"""The project's own face: its address, what a package index shows, what a release asks for."""

from __future__ import annotations

import re
import runpy
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

import extcal
from extcal.fetch import user_agents

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
URL = "https://code.example.org/ada/extcal"
RELATIVE = re.compile(r"\]\((?!https?:|#)[^)]+\)")

if not (ROOT / "CITATION.cff").exists():
    pytest.skip("without the repository's own files", allow_module_level=True)


@pytest.fixture
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "repository.py"))


@pytest.fixture
def copy(tmp_path: Path, tool: dict[str, Any]) -> Path:
    """A copy of the files that name the repository."""
    for name in {name for name, _, _ in tool["PLACES"]} | {"README.md", "CHANGELOG.md"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def as_an_index_shows_it(root: Path) -> str:
    """The README, through what pyproject.toml tells the build to replace in it."""
    hooks = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["metadata"]
    text = (root / "README.md").read_text("utf-8")
    for each in hooks["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(each["pattern"], each["replacement"], text)
    return text


def test_the_address_is_told_once() -> None:
    """An address that nobody owns yet would belong to the first stranger who registers it."""
    assert PROJECT["project"]["urls"]["Repository"] == user_agents.ABOUT
    assert f"(+{user_agents.ABOUT})" in user_agents.UserAgents().default
    assert f"(Linux; +{user_agents.ABOUT}) like Chrome/" in user_agents.UserAgents().microsoft


def test_no_link_of_the_index_page_leads_nowhere(tool: dict[str, Any], copy: Path) -> None:
    """Links into the repository are text without its address, and absolute with it."""
    assert RELATIVE.search((ROOT / "README.md").read_text("utf-8"))
    assert not RELATIVE.search(as_an_index_shows_it(ROOT))
    tool["write"](URL, copy)
    shown = as_an_index_shows_it(copy)
    assert not RELATIVE.search(shown)
    assert f"]({URL}/blob/HEAD/docs/tutorial.md)" in shown
    assert f"]({URL}/raw/HEAD/docs/availability.svg)" in shown


def test_the_address_is_written_everywhere(tool: dict[str, Any], copy: Path) -> None:
    tool["write"](URL, copy)
    assert f'ABOUT = "{URL}"' in (copy / "src/extcal/fetch/user_agents.py").read_text("utf-8")
    assert f"(+{URL})" in (copy / "docs/cli.md").read_text("utf-8")
    assert f"(Linux; +{URL}) like Chrome" in (copy / "docs/addresses/outlook.md").read_text("utf-8")
    with pytest.raises(ValueError, match="not the address"):
        tool["write"]("extcal", copy)


def test_a_release_needs_its_tag_its_heading_and_an_address(
    tool: dict[str, Any], copy: Path
) -> None:
    version = PROJECT["project"]["version"]
    (copy / "CHANGELOG.md").write_text(f"## {version} (2027-01-04)\n", "utf-8")
    assert len(tool["release_faults"]("v9.9", copy)) == 2
    tool["write"](URL, copy)
    assert tool["release_faults"](f"v{version}", copy) == []
    (copy / "CHANGELOG.md").write_text("", "utf-8")
    assert len(tool["release_faults"](f"v{version}", copy)) == 1


def test_every_file_names_the_same_version() -> None:
    assert PROJECT["project"]["version"] == extcal.__version__
    assert f"version: {extcal.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")


def test_only_what_was_run_is_claimed() -> None:
    """Every system and Python that the classifiers name is one that the gate or a workflow runs."""
    workflow = (ROOT / ".github/workflows/tests.yml").read_text("utf-8")
    for each in PROJECT["project"]["classifiers"]:
        version = re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", each)
        assert version is None or f'"{version[1]}"' in workflow
    assert "Operating System :: OS Independent" not in PROJECT["project"]["classifiers"]
