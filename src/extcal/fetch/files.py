"""Feeds that are files below one directory.

A request for a ``file:`` feed in, an answer out. Nothing outside the root is ever opened: not by
``..``, not by a link, not by a device or a pipe that pretends to be a file.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import unquote

from extcal.fetch._body import failure_of
from extcal.fetch.protocol import Failed, Fetched, FetchRequest, FetchResponse, NotModified

__all__ = ["FileFetcher"]

_OUTSIDE = Failed("blocked_url", looks_like="The file does not lie below the root that is read.")
_NO_FILE = Failed("not_found_file", looks_like="There is no such file, or it cannot be read.")
_TOO_LARGE = Failed("too_large", looks_like="The calendar is larger than is read.")


class FileFetcher:
    """Reads ``file:`` feeds below ``root``, a directory; size and time of change are the validator.

    Links are followed as long as they stay below the root. Raises ValueError if ``root`` is no
    directory.
    """

    def __init__(self, *, root: str | os.PathLike[str]) -> None:
        self._root = Path(root).resolve()
        if not self._root.is_dir():
            raise ValueError("root must be a directory")

    def fetch(self, request: FetchRequest, /) -> FetchResponse:
        """Read the file of ``request.feed``; returns, never raises."""
        url = request.feed.url.open()
        if url.scheme != "file":
            return Failed("blocked_url", looks_like="Only file: addresses are read here.")
        try:
            # Percent-encoding is undone once (RFC 8089 section 2); what stays is a name.
            path = Path(_local(unquote(url.path, errors="strict"))).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            return _NO_FILE
        if not path.is_relative_to(self._root):
            return _OUTSIDE
        try:
            return _read(path, request)
        except OSError:
            return _NO_FILE


def _local(path: str) -> str:
    """``/C:/feeds/ada.ics`` is ``C:/feeds/ada.ics`` where there are drives (RFC 8089 E.2)."""
    return path[1:] if os.name == "nt" and path[2:3] == ":" else path


def _read(path: Path, request: FetchRequest) -> FetchResponse:
    # The last name must not have become a link since it was resolved, and a pipe must not block.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return _NO_FILE
        etag = f'"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}"'
        if request.etag == etag:
            return NotModified()
        if found.st_size > request.limits.max_decoded_bytes:
            return _TOO_LARGE
        body = file.read(request.limits.max_decoded_bytes + 1)
    if len(body) > request.limits.max_decoded_bytes:
        return _TOO_LARGE
    failed = failure_of(body, None)
    return Fetched(body, etag=etag) if failed is None else failed
