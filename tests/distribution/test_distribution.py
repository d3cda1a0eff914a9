"""What is published: files of wheel and sdist, the same bytes again, notices, bounds, hashes."""

from __future__ import annotations

import os
import re
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement

build = pytest.importorskip("hatchling.build")

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
# Their versions are dates: no number says that something breaks.
BY_DATE = {"distributed", "tzdata", "truststore", "django", "cryptography"}


def built(folder: Path, into: Path) -> tuple[Path, Path]:
    """The wheel and the sdist of the project in ``folder``."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        return into / build.build_wheel(str(into)), into / build.build_sdist(str(into))
    finally:
        os.chdir(before)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return built(ROOT, tmp_path_factory.mktemp("dist"))


def files(archive: Path) -> list[str]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.namelist()
    with tarfile.open(archive) as sdist:
        return [entry.name.partition("/")[2] for entry in sdist if entry.isfile()]


def kinds(names: list[str]) -> Iterator[str]:
    """The kinds of files below each folder: a new module changes nothing, a new kind does."""
    for name in map(PurePosixPath, names):
        first = name.parts[0]
        alone = len(name.parts) == 1 or not name.suffix or first.endswith(".dist-info")
        yield str(name) if alone else f"{first}/**/*{name.suffix}"


@pytest.mark.parametrize(("which", "listed"), [(0, "wheel.txt"), (1, "sdist.txt")])
def test_its_files_are_those_of_the_list(
    published: tuple[Path, Path], which: int, listed: str
) -> None:
    """``python tests/distribution/test_distribution.py`` writes the lists anew."""
    found = {*kinds(files(published[which]))}
    assert found == {*(HERE / listed).read_text("utf-8").splitlines()}


def test_every_module_is_in_the_wheel(published: tuple[Path, Path]) -> None:
    modules = {
        path.relative_to(ROOT / "src").as_posix() for path in ROOT.glob("src/extcal/**/*.py")
    }
    assert modules <= {*files(published[0])}
    assert "extcal/py.typed" in files(published[0])


def test_the_same_source_gives_the_same_bytes(published: tuple[Path, Path], tmp_path: Path) -> None:
    """In another folder, with other times and other rights, from the sdist instead of a clone."""
    with tarfile.open(published[1]) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    for path in folder.rglob("*"):
        os.utime(path, (1, 1_700_000_000))
        if path.is_file():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o600)
    again = built(folder, tmp_path)
    for one, other in zip(published, again, strict=True):
        assert one.name == other.name
        assert one.read_bytes() == other.read_bytes()


def test_notices_are_in_both_and_name_files_that_are_there(published: tuple[Path, Path]) -> None:
    """Every table and fixture that is derived from the work of others."""
    text = (ROOT / "THIRD-PARTY-NOTICES.md").read_text("utf-8")
    named = set(re.findall(r"`((?:src|tests)/[^`]+)`", text))
    assert {path for path in named if not (ROOT / path).exists()} == set()
    derived = {
        path.relative_to(ROOT).as_posix()
        for pattern in ("tests/data/iana-*.csv", "src/extcal/ical/zones/_windows.py")
        for path in ROOT.glob(pattern)
    }
    assert derived
    assert derived <= named
    wheel, sdist = map(files, published)
    assert [name for name in wheel if name.endswith("/licenses/THIRD-PARTY-NOTICES.md")]
    assert [name for name in wheel if name.endswith("/licenses/LICENSE")]
    assert {"LICENSE", "THIRD-PARTY-NOTICES.md", "SECURITY.md"} <= {*sdist}


def requirements(listed: list[object]) -> Iterator[Requirement]:
    for each in listed:
        if isinstance(each, str) and not each.startswith("extcal"):
            yield Requirement(each)


def test_the_next_major_release_is_kept_out() -> None:
    """Of what extcal and its extras need, unless the version is a date."""
    extras = PROJECT["project"]["optional-dependencies"].values()
    for needed in requirements(sum(extras, PROJECT["project"]["dependencies"])):
        bounded = any(each.operator == "<" for each in needed.specifier)
        assert bounded or needed.name in BY_DATE, f"{needed} has no upper bound"


@pytest.mark.parametrize("group", ["test", "docs", "dev"])
def test_what_ci_installs_is_locked(group: str) -> None:
    """Each package with its version and hashes; ``make lock`` after a change of pyproject.toml."""
    text = (ROOT / ".ci" / "requirements" / f"{group}.txt").read_text("utf-8")
    entries = re.split(r"\n(?=\S)", text.partition("\n")[2].strip())
    locked: dict[str, list[str]] = {}
    for entry in entries:
        name, version, hashes = re.fullmatch(r"(\S+?)==(\S+)(.*)", entry, re.S).groups()  # type: ignore[union-attr]
        assert "--hash=sha256:" in hashes
        locked.setdefault(name, []).append(version)
    assert "://" not in text
    groups, project = PROJECT["dependency-groups"], PROJECT["project"]
    needed = sum(project["optional-dependencies"].values(), project["dependencies"])
    if group != "dev":
        needed = [each for each in needed if not each.startswith("distributed")]
    for each in requirements(needed + groups[group]):
        versions = locked.get(each.name.lower().replace("_", "-"), [])
        assert any(each.specifier.contains(version) for version in versions), f"{each}: make lock"


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        for archive, listed in zip(
            built(ROOT, Path(directory)), ("wheel.txt", "sdist.txt"), strict=True
        ):
            text = "\n".join(sorted({*kinds(files(archive))}))
            (HERE / listed).write_text(text + "\n", "utf-8")
