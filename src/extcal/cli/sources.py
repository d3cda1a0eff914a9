"""Where the command line reads from: a file, standard input, or an environment variable.

In: what the user named. Out: the bytes of a feed, or the Feed that an address stands for. No
message here repeats what was read, which may be a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from extcal.fetch import Feed

__all__ = ["read_source"]

_SNIFF = 4_096


def read_source(
    source: str,
    address_env: str | None,
    environment: Mapping[str, str],
    stdin: Callable[[], bytes],
    *,
    timezone: str | None,
    owner: Iterable[str],
) -> bytes | Feed:
    """Give a feed's bytes, or a Feed to fetch.

    ``source``: the path of a calendar, or ``-`` for standard input, which may hold a calendar or an
    address.
    ``address_env``: the name of an environment variable that holds an address, instead.
    Raises click.UsageError for what cannot be read, FeedUrlError for a bad address.
    """
    if address_env is not None:
        if source != "-":
            raise click.UsageError("Give a file or --address-env, not both.")
        if not environment.get(address_env, "").strip():
            raise click.UsageError("The environment variable named by --address-env is not set.")
        return _feed(environment[address_env], timezone, owner)
    data = stdin() if source == "-" else _file(source)
    if _is_calendar(data):
        return data
    text = data.decode("utf-8", "replace").strip()
    if source != "-" or not text or len(text.splitlines()) > 1 or text.startswith("<"):
        return data  # not a calendar either: the reader says so, and what it looks like
    return _feed(text, timezone, owner)


def _feed(text: str, timezone: str | None, owner: Iterable[str]) -> Feed:
    return Feed.from_user_input(text, timezone=timezone, owner=tuple(owner), detail="busy")


def _file(source: str) -> bytes:
    if "://" in source or source.lower().startswith(("webcal:", "http:", "https:")):
        raise click.UsageError(
            "An address on the command line stays in the shell's history and in the process list. "
            "Pass it on standard input, or name an environment variable with --address-env."
        )
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{source}: {error.strerror or 'cannot be read'}.") from None


def _is_calendar(data: bytes) -> bool:
    head = data[:_SNIFF].replace(b"\x00", b"")  # UTF-16 is for the reader to transcode
    return b"BEGIN:VCALENDAR" in head.upper()
