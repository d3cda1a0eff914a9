"""Under which names things are stored: digests that tell nothing of an address.

A snapshot belongs to everything that decides what it says: the address, zone, owner, policy,
detail and published range of the feed, horizon and history of the cache, and the layout of the
bytes. So two users of one address with different zones never meet. With which time zone data and by
which version it was read is no part of the key: the reading says that itself, so that an upgrade
finds it. What a source said about being asked (back-off, Retry-After, gone) belongs to the address
alone.

Nobody can tell from a snapshot's key which address it belongs to. So each address has a list of the
keys under which it was read, and whoever forgets one feed of it erases them all. A key is put on
the list before its first reading is stored, and stays there for longer than any reading is kept.

With a ``secret`` a key is HMAC-SHA256 (RFC 2104) and says nothing to whoever reads the store;
without one it is a domain-separated SHA-256, which is good enough for addresses that hold a long
random token, as secret addresses do.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from extcal.fetch.feed import Feed, url_key

__all__ = [
    "Keys",
    "address_of",
    "attempts_key",
    "host_key",
    "list_key",
    "read_secret",
    "snapshot_key",
    "spread",
]


class Keys(NamedTuple):
    """Where a feed is found in the store: its reading, two things of its address, its host."""

    snapshot: str
    attempts: str
    listed: str
    host: str


def snapshot_key(feed: Feed, reach: str, layout: int, secret: bytes | None) -> str:
    """The key of what ``feed`` says; ``reach`` spells horizon and history."""
    return "s:" + _digest(secret, b"snapshot", feed.identity(), reach.encode(), b"%d" % layout)


def attempts_key(feed: Feed, layout: int, secret: bytes | None, *, private: bool = False) -> str:
    """The key of how asking the address of ``feed`` went.

    ``private``: the fetcher asks for each feed as somebody else, so that what one was told, such as
    401, says nothing about another of the same address.
    """
    whose = feed.identity() if private else feed.url_identity()
    return "a:" + _digest(secret, b"attempts", whose, b"%d" % layout)


def list_key(feed: Feed, layout: int, secret: bytes | None) -> str:
    """The key of the list of snapshots of the address of ``feed``."""
    return "l:" + _digest(secret, b"list", address_of(feed), b"%d" % layout)


def host_key(host: str, layout: int, secret: bytes | None) -> str:
    """The key of what is known of ``host``."""
    return "h:" + _digest(secret, b"host", host.encode(), b"%d" % layout)


def address_of(feed: Feed) -> bytes:
    """Key material for the address of ``feed`` alone, whoever logs in there. As secret as it is.

    A password that was changed must not hide what was read with the one before it.
    """
    return url_key(feed.url.open())


def spread(key: str) -> float:
    """The number in [0, 1) that belongs to ``key``: always the same, and as good as random."""
    return int(key[2:10], 16) / 2**32


def read_secret(secret: bytes | str | None) -> bytes | None:
    """The cache's secret as bytes; ValueError for an empty one, TypeError for another type."""
    if secret is None:
        return None
    if isinstance(secret, str):
        secret = secret.encode()
    if not isinstance(secret, bytes):
        raise TypeError(f"secret takes bytes, str or None, not {type(secret).__name__}")
    if not secret:
        raise ValueError("secret is empty; pass None to go without one")
    return secret


def _digest(secret: bytes | None, domain: bytes, *parts: bytes) -> str:
    # Lengths in front, so that no two lists of parts give the same message.
    message = b"extcal " + domain + b"".join(b"\0%d:" % len(part) + part for part in parts)
    if secret is None:
        return hashlib.sha256(message).hexdigest()
    return hmac.digest(secret, message, "sha256").hex()
