"""Where the command line reads from: files, standard input, environment variables.

In: the arguments of the command. Out: for each calendar the name of its owner, and its bytes or
the Feed of its address. No message here repeats what was read, because it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from extcal.errors import FeedUrlError
from extcal.fetch import Feed
from extcal.limits import Limits

__all__ = ["MOST_BYTES", "Given", "Reader"]

MOST_BYTES = Limits().max_decoded_bytes
_SNIFF = 4_096
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|(?:webcals?|https?):", re.IGNORECASE)
# "NAME=PATH", but not an address: in "example.org/ada.ics?key=1" there is a slash before the
# "=", in "https:..." a colon.
_NAMED = re.compile(r"\s*([^=:/]*[^=:/\s])\s*=\s*(\S.*)")
_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?/", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_LINES = 10_000
_NOT_HERE = (
    "An address on the command line stays in the shell's history and in the process list. "
    "Pass it on standard input or in a file, or name an environment variable with --address-env."
)


@dataclass(frozen=True, slots=True)
class Given:
    """One calendar: the name of its owner, and its bytes or the Feed to fetch."""

    name: str
    data: bytes | Feed


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the named sources. ``feed`` makes a Feed of an address, with the options of the
    call."""

    environment: Mapping[str, str]
    stdin: Callable[[], bytes]
    feed: Callable[[str], Feed]

    def read(self, sources: Iterable[str], variables: Iterable[str]) -> list[Given]:
        """Return every calendar, in order.

        ``sources``: paths, as ``PATH`` or ``NAME=PATH``; ``-`` is standard input. If there are no
        sources and no variables, standard input is read. Each source contains a calendar, or one
        address per line, as ``ADDRESS`` or ``NAME = ADDRESS``; lines that begin with ``#`` are
        ignored. ``variables``: environment variables that contain an address, as ``VARIABLE`` or
        ``NAME=VARIABLE``.
        Raises click.UsageError for a source that cannot be read or is larger than MOST_BYTES, and
        FeedUrlError for a wrong address.
        """
        named = [_split(source) for source in sources]
        labels = _labels([path for name, path in named if not name])
        found = [
            given for name, path in named for given in self._source(name or labels[path], path)
        ]
        found += [self._variable(variable) for variable in variables]
        return found or list(self._content("calendar", self.stdin()))

    def _source(self, name: str, path: str) -> Iterator[Given]:
        if path == "-":
            return self._content(name, self.stdin())
        return self._content(name, _file(path))

    def _variable(self, variable: str) -> Given:
        name, _, key = variable.partition("=") if "=" in variable else ("", "", variable)
        if not _VARIABLE.fullmatch(key):  # it may be the address itself, so it is not repeated
            raise click.UsageError(f"--address-env takes the name of a variable. {_NOT_HERE}")
        address = self.environment.get(key, "")
        if not address.strip():
            raise click.UsageError(f"The environment variable {key!r} is not set.")
        return Given(name.strip() or key, self.feed(address))

    def _content(self, name: str, data: bytes) -> Iterator[Given]:
        if len(data) > MOST_BYTES:
            raise click.UsageError(
                f"{name}: no calendar of more than {MOST_BYTES >> 20} MiB is read."
            )
        lines = [] if _is_calendar(data) else _lines(data)
        if not lines:
            yield Given(name, data)  # if it is not a calendar, reading it says so
            return
        for number, line in enumerate(lines, 1):
            named = _NAMED.fullmatch(line)
            own = name if len(lines) == 1 else f"{name} {number}"
            try:
                yield Given(named[1] if named else own, self.feed(named[2] if named else line))
            except FeedUrlError as error:
                if len(lines) == 1:
                    raise
                message = f"Address {number} of {len(lines)}: {error.message}"
                raise FeedUrlError(message, kind=error.kind, advice=error.advice) from None


def _split(source: str) -> tuple[str, str]:
    name, equals, path = source.partition("=")
    if any(_ADDRESS.match(word) for word in (source, path)):
        raise click.UsageError(_NOT_HERE)
    return (name.strip(), path) if equals and not Path(source).exists() else ("", source)


def _labels(paths: Iterable[str]) -> dict[str, str]:
    """By path a name: the file's, and as many of its folders as tell it from another file.

    Google calls every export ``basic.ics``: ``ada/basic.ics`` and ``bob/basic.ics`` are two
    people, ``ada/basic`` and ``bob/basic``. One file that is named twice is one person.
    """
    whole = {path: Path(path).absolute() for path in paths if path != "-"}
    labels = dict.fromkeys(paths, "calendar")
    for path, file in whole.items():
        others = {each for each in whole.values() if each.stem == file.stem and each != file}
        parts = 1
        while any(_ending(each, parts) == _ending(file, parts) for each in others):
            parts += 1
        labels[path] = "/".join(_ending(file, parts))
    return labels


def _ending(file: Path, parts: int) -> tuple[str, ...]:
    return (*file.parent.parts, file.stem)[-parts:]


def _file(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        if _HOST.match(path):
            raise click.UsageError(_NOT_HERE) from None
        raise click.UsageError(f"{path}: {error.strerror or 'cannot be read'}.") from None


def _is_calendar(data: bytes) -> bool:
    head = data[:_SNIFF].replace(b"\x00", b"")  # works for UTF-16, too, without decoding it
    return b"BEGIN:VCALENDAR" in head.upper()


def _lines(data: bytes) -> list[str]:
    """The addresses in a text; an empty list if it is something else, such as a web page."""
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return []
    if not text or text[0] in "<{[" or "\x00" in text or text.count("\n") > _MOST_LINES:
        return []
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]
