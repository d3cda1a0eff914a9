"""Feeds that are files below one directory.

A request for a ``file:`` feed in, an answer out. Nothing outside the root is ever opened: not with
``..``, not through a link or a directory that becomes a link in the meantime. Devices and pipes
are not opened, either, and no answer tells what exists outside.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import unquote_to_bytes

from extcal.arguments import discreet, made_discreetly, one_of_type
from extcal.fetch.body import failure_of
from extcal.fetch.protocol import Fetched, FetchRequest, FetchResponse, NotModified, failed

__all__ = ["FileFetcher"]

_OUTSIDE = failed("blocked_url/root")
_NO_FILE = failed("not_found_file")
_TOO_LARGE = failed("too_large")


@made_discreetly
class FileFetcher:
    """Reads ``file:`` feeds below ``root``, a directory; the validator is size and time of change.

    A link is followed only if its target is below the root. Raises TypeError if ``root`` is not a
    path, and ValueError if it is not a directory.
    """

    def __init__(self, *, root: str | os.PathLike[str]) -> None:
        if not os.fspath(one_of_type("root", root, (str, os.PathLike), "a path")):
            raise ValueError("root is empty; pass '.' for the directory the program runs in")
        self._root = Path(root).resolve()
        if not self._root.is_dir():
            raise ValueError("root must be a directory")

    @property
    def shares_answers(self) -> bool:
        """Feeds of one file share what was read of it."""
        return True

    def __repr__(self) -> str:
        return f"<FileFetcher below {str(self._root)!r}>"

    @discreet
    def fetch(self, request: FetchRequest, /) -> FetchResponse:
        """Read the file of ``request.feed``; returns, never raises."""
        url = request.feed.url.open()
        if url.scheme != "file":
            return failed("blocked_url/file")
        try:
            # Percent-encoding is decoded once (RFC 8089 section 2). The result is a name in this
            # machine's encoding of file names.
            path = Path(_local(os.fsdecode(unquote_to_bytes(url.path)))).resolve()
        except (OSError, ValueError, RuntimeError):
            return _NO_FILE
        if not path.is_relative_to(self._root):
            return _OUTSIDE
        try:
            return _read(_open(self._root, path.relative_to(self._root).parts), request)
        except OSError:
            return _NO_FILE


def _local(path: str) -> str:
    """On a system with drives ``/C:/feeds/ada.ics`` is ``C:/feeds/ada.ics`` (RFC 8089 E.2)."""
    return path[1:] if os.name == "nt" and path[2:3] == ":" else path


def _open(root: Path, parts: tuple[str, ...]) -> int:
    """Open a file below ``root``; the caller closes it.

    ``parts`` were resolved, so none of them was a link; one that has become a link is refused.
    """
    # A pipe must not block.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if os.open not in os.supports_dir_fd:  # pragma: no cover - Windows has no such call
        return os.open(root.joinpath(*parts), flags | getattr(os, "O_BINARY", 0))
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    for part in parts:
        try:
            descriptor = os.open(part, flags, dir_fd=directory)
        finally:
            os.close(directory)
        directory = descriptor
    return directory


def _read(descriptor: int, request: FetchRequest) -> FetchResponse:
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return _NO_FILE
        etag = f'"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"'
        if request.etag == etag:
            return NotModified()
        if found.st_size > request.limits.max_decoded_bytes:
            return _TOO_LARGE
        with open(descriptor, "rb", closefd=False) as file:
            body = file.read(request.limits.max_decoded_bytes + 1)
    finally:
        os.close(descriptor)
    if len(body) > request.limits.max_decoded_bytes:
        return _TOO_LARGE
    failure = failure_of(body, None)
    return Fetched(body, etag=etag) if failure is None else failure
