"""FileFetcher reads below its root, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from raw_servers import CALENDAR, kind

from extcal.fetch import (
    Feed,
    Fetched,
    FetchRequest,
    FetchResponse,
    FileFetcher,
    NotModified,
)
from extcal.limits import Limits


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "feeds"
    (root / "team").mkdir(parents=True)
    (root / "ada.ics").write_bytes(CALENDAR)
    (root / "team" / "caf\u00e9 50%.ics").write_bytes(CALENDAR)
    (tmp_path / "outside.ics").write_bytes(CALENDAR)
    (tmp_path / "feeds-of-others").mkdir()
    (tmp_path / "feeds-of-others" / "b.ics").write_bytes(CALENDAR)
    return root


def read(root: Path, url: str, etag: str | None = None, **limits: int) -> FetchResponse:
    return FileFetcher(root=root).fetch(FetchRequest(Feed(url), etag, limits=Limits(**limits)))


def test_a_file_below_the_root(root: Path) -> None:
    answer = read(root, (root / "ada.ics").as_uri())
    assert isinstance(answer, Fetched)
    assert answer.body == CALENDAR
    assert isinstance(read(root, (root / "team" / "caf\u00e9 50%.ics").as_uri()), Fetched)


def test_an_unchanged_file_is_not_read_again(root: Path) -> None:
    file = root / "ada.ics"
    answer = read(root, file.as_uri())
    assert isinstance(answer, Fetched)
    assert read(root, file.as_uri(), answer.etag) == NotModified()
    found = file.stat()
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns + 1_000_000_000))
    assert isinstance(read(root, file.as_uri(), answer.etag), Fetched)
    file.write_bytes(CALENDAR * 2)
    assert isinstance(read(root, file.as_uri(), answer.etag), Fetched)


@pytest.mark.parametrize(
    "path",
    [
        "../outside.ics",
        "%2e%2e/outside.ics",
        "team/../../outside.ics",
        "..%2foutside.ics",
        "../feeds-of-others/b.ics",
    ],
)
def test_nothing_outside_the_root(root: Path, path: str) -> None:
    assert kind(read(root, f"file://{root.as_posix()}/{path}")) == "blocked_url"
    assert kind(read(root, "file:///etc/hosts")) in {"blocked_url", "not_found_file"}


def test_links_may_not_lead_out(root: Path) -> None:
    (root / "in.ics").symlink_to(root / "ada.ics")
    (root / "out.ics").symlink_to(root.parent / "outside.ics")
    (root / "others").symlink_to(root.parent / "feeds-of-others")
    (root / "loop.ics").symlink_to(root / "loop.ics")
    assert isinstance(read(root, (root / "in.ics").as_uri()), Fetched)
    assert kind(read(root, f"file://{root}/out.ics")) == "blocked_url"
    assert kind(read(root, f"file://{root}/others/b.ics")) == "blocked_url"
    assert kind(read(root, f"file://{root}/loop.ics")) == "not_found_file"


def test_only_regular_files(root: Path) -> None:
    os.mkfifo(root / "pipe.ics")
    assert kind(read(root, (root / "pipe.ics").as_uri())) == "not_found_file"
    assert kind(read(root, (root / "team").as_uri())) == "not_found_file"
    assert kind(read(root, (root / "missing.ics").as_uri())) == "not_found_file"
    assert kind(read(root, f"file://{root}/nul%00.ics")) == "not_found_file"
    assert kind(read(root, f"file://{root}/bad%ff.ics")) == "not_found_file"


def test_a_name_is_read_in_the_encoding_of_the_machine(root: Path) -> None:
    """Also where that cannot write it: there Python shows the bytes of the name as surrogates."""
    code = (
        "import sys; from extcal.fetch import FileFetcher, Feed, FetchRequest;"
        "request = FetchRequest(Feed('file://' + sys.argv[1] + '/caf%C3%A9.ics'));"
        "print(type(FileFetcher(root=sys.argv[1]).fetch(request)).__name__)"
    )
    with open(os.fsencode(root) + b"/caf\xc3\xa9.ics", "wb") as file:
        file.write(CALENDAR)
    # With these three, Python takes the encoding of file names from the locale: ASCII.
    bare = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for environment in ({}, bare):
        done = subprocess.run(
            [sys.executable, "-c", code, root],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.stdout, done.stderr) == ("Fetched\n", "")


def test_the_size_is_limited(root: Path) -> None:
    url = (root / "ada.ics").as_uri()
    assert isinstance(read(root, url, max_decoded_bytes=len(CALENDAR)), Fetched)
    assert kind(read(root, url, max_decoded_bytes=len(CALENDAR) - 1)) == "too_large"


def test_what_is_no_calendar(root: Path) -> None:
    (root / "page.ics").write_bytes(b"<html>")
    assert kind(read(root, (root / "page.ics").as_uri())) == "html"


def test_only_file_addresses(root: Path) -> None:
    assert kind(read(root, "https://calendar.example.net/a.ics")) == "blocked_url"


def test_the_root_is_a_directory(root: Path) -> None:
    with pytest.raises(ValueError, match="directory"):
        FileFetcher(root=root / "ada.ics")


def open_descriptors() -> int:
    return len(os.listdir("/dev/fd"))


@pytest.mark.serial
def test_no_descriptor_stays_open(root: Path) -> None:
    """Not even of what turns out to be no file."""
    os.mkfifo(root / "pipe.ics")
    for path in ("ada.ics", "team", "pipe.ics", "missing.ics", "ada.ics/x", "pipe.ics/x", ""):
        before = open_descriptors()
        read(root, f"file://{root.as_posix()}/{path}")
        assert open_descriptors() == before, path


def test_a_directory_that_becomes_a_link_in_the_meantime(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the step, whoever may write below the root swaps what is there."""
    (root / "team" / "b.ics").write_bytes(CALENDAR)
    resolve = Path.resolve
    swapped: list[Path] = []

    def resolve_then_swap(path: Path, strict: bool = False) -> Path:
        found = resolve(path, strict)
        if found.name == "b.ics":
            (root / "team").rename(root / "old")
            (root / "team").symlink_to(root.parent / "feeds-of-others")
            swapped.append(found)
        return found

    fetcher = FileFetcher(root=root)
    monkeypatch.setattr(Path, "resolve", resolve_then_swap)
    answer = fetcher.fetch(FetchRequest(Feed((root / "team" / "b.ics").as_uri())))
    assert swapped
    assert kind(answer) == "not_found_file"


def test_an_answer_does_not_tell_what_exists_outside(root: Path) -> None:
    there, nowhere = root.parent / "outside.ics", root.parent / "nowhere.ics"
    assert read(root, there.as_uri()) == read(root, nowhere.as_uri())
    assert kind(read(root, nowhere.as_uri())) == "blocked_url"


def test_its_repr_names_the_root_and_nothing_else(root: Path) -> None:
    """What was read does not show; the root is the host's own."""
    fetcher = FileFetcher(root=root)
    fetcher.fetch(FetchRequest(Feed((root / "ada.ics").as_uri())))
    assert repr(fetcher) == f"<FileFetcher below {str(root.resolve())!r}>"
