"""Which time zone data a process reads with (zoneinfo, and RFC 7808 for the names of releases)."""

from __future__ import annotations

import subprocess
import sys
import zoneinfo
from collections.abc import Callable
from pathlib import Path

import pytest

from extcal.cache.snapshot.made_by import INTERPRETATION, made_now, zone_data_version

Make = Callable[..., str]
PACKAGED = zone_data_version([])


@pytest.fixture
def directory(tmp_path: Path) -> Make:
    """Makes a directory of time zone data out of names and contents."""

    def make(name: str, **files: bytes | str) -> str:
        for file, content in files.items():
            path = tmp_path / name / file.replace("__", "/").replace("_VERSION", "+VERSION")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(tmp_path / name)

    return make


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("tzdata.zi", "# version 2026a\n# ddeps backzone\n"),
        ("tzdata.zi", "# version 2026a\r\n"),
        ("_VERSION", "2026a\n"),
        ("_VERSION", "2026a"),
    ],
)
def test_a_release_says_its_version(directory: Make, file: str, text: str) -> None:
    """Whoever packed it: two machines with one release agree."""
    found = directory("zones", **{file: text, "Europe__Berlin": b"TZif2 packed somehow"})
    assert zone_data_version([found]) == "2026a"


@pytest.mark.parametrize(
    "text", ["", "# version \n", "# version unknown", "# version " + "2" * 200, "\x00", "# v 2026a"]
)
def test_what_is_no_version_is_not_taken_for_one(directory: Make, text: str) -> None:
    """Then the zones themselves decide."""
    found = directory("zones", **{"tzdata.zi": text, "Europe__Berlin": b"TZif2 one"})
    assert zone_data_version([found]) != zone_data_version([])
    assert len(zone_data_version([found])) == 17 + len(PACKAGED)


def test_without_a_version_the_contents_decide(directory: Make) -> None:
    """Not when they were written, nor which zone the machine is in."""
    one = directory("one", Europe__Berlin=b"TZif2 one", localtime=b"TZif2 Berlin")
    same = directory("same", Europe__Berlin=b"TZif2 one", localtime=b"TZif2 Oslo", README="x")
    copied = directory("copied", Europe__Berlin=b"TZif2 one", right__Europe__Berlin=b"TZif2 leap")
    changed = directory("changed", Europe__Berlin=b"TZif2 two")
    renamed = directory("renamed", Europe__Oslo=b"TZif2 one")
    versions = [zone_data_version([path]) for path in (one, same, copied, changed, renamed)]
    assert versions[0] == versions[1] == versions[2]
    assert len(set(versions)) == 3


def test_places_are_asked_in_the_order_of_zoneinfo(directory: Make) -> None:
    """Up to the first whole release; what does not exist is no place."""
    first = directory("first", Europe__Berlin=b"TZif2 one")
    second = directory("second", **{"tzdata.zi": "# version 2026b\n"})
    third = directory("third", _VERSION="2026c")
    own, _, rest = zone_data_version([first, second, third]).partition("/")
    assert len(own) == 16
    assert rest == "2026b"
    assert zone_data_version([str(Path(first) / "nowhere"), third, second]) == "2026c"


def test_the_package_comes_last() -> None:
    """The version of the package tzdata is that of its data."""
    import tzdata

    assert PACKAGED == tzdata.IANA_VERSION


def test_what_a_process_reads_with() -> None:
    """Nothing is remembered between two calls: two caches of one process may differ."""
    assert made_now() == (zone_data_version(zoneinfo.TZPATH), INTERPRETATION)


def test_the_environment_of_python_decides(directory: Make) -> None:
    """PYTHONTZPATH is where zoneinfo looks."""
    path = directory("zones", **{"tzdata.zi": "# version 2031a\n"})
    code = "from extcal.cache.snapshot.made_by import made_now; print(made_now().zone_data)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONTZPATH": path, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "2031a"
