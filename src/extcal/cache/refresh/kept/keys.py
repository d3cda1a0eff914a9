"""The keys of the store: digests that do not show an address.

The key of a snapshot is made of everything that its content depends on: the address, zone, owner,
policy, detail and published range of the feed, horizon and history of the cache, and the layout of
the bytes. So two users of one address with different zones have two snapshots. The versions that a
reading was made with (time zone data, extcal) are not part of the key but of the reading, so that
an upgraded cache still finds it. The key of attempt records (back-off, Retry-After, gone) is made
of the address alone.

A snapshot's key does not show which address it belongs to. So each address has a list of the keys
under which it was read, and ``forget`` erases all of them. A key is put on the list before its
first reading is stored, and stays there for longer than any reading is kept.

A source that confirms a reading changes only a small cell beside it, whose key differs from the
snapshot's in its first letter.

With a ``secret`` a key is HMAC-SHA256 (RFC 2104): even somebody who reads the store and guesses an
address cannot check the guess. Without one it is a domain-separated SHA-256, which is good enough
for addresses that contain a long random token, as secret addresses do.
"""

from __future__ import annotations

import hashlib

from extcal.fetch.feed import Feed, url_key
from extcal.values import NamedTuple

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
    """The keys of a feed: of its reading, of two records of its address, of its host."""

    snapshot: str
    attempts: str
    listed: str
    host: str


def snapshot_key(feed: Feed, reach: str, layout: int, secret: bytes | None) -> str:
    """The key of the reading of ``feed``; ``reach`` is the text of horizon and history."""
    return "s:" + _digest(secret, b"snapshot", feed.identity(), reach.encode(), b"%d" % layout)


def attempts_key(feed: Feed, layout: int, secret: bytes | None, *, private: bool = False) -> str:
    """The key of the attempt record of the address of ``feed``.

    ``private``: the fetcher identifies itself differently for each feed. Then an answer to one
    feed, such as 401, says nothing about another feed of the same address.
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
    """Key material for the address of ``feed``, without its name and password. It is secret.

    After a password was changed, ``forget`` must still find what was read with the old one.
    """
    return url_key(feed.url.open())


def spread(key: str) -> float:
    """A number in [0, 1) that is always the same for ``key``, and evenly distributed over keys."""
    return int(key[2:10], 16) / 2**32


class Secret(bytes):
    """The secret of a cache, which does not show its bytes: frames and attributes are shown."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        """A pickle has plain bytes, so that other versions of extcal can read it."""
        return bytes, (bytes(self),)

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__


def read_secret(secret: bytes | str | None) -> Secret | None:
    """The cache's secret as bytes; ValueError for an empty one, TypeError for another type."""
    if secret is None:
        return None
    kind, given = type(secret).__name__, _sealed(secret)
    del secret
    if given is None:
        raise TypeError(f"secret takes bytes, str or None, not {kind}")
    if not given:
        raise ValueError("secret is empty; pass None to go without one")
    return given


def _sealed(secret: object) -> Secret | None:
    if isinstance(secret, str):
        return Secret(secret.encode())
    return Secret(secret) if isinstance(secret, bytes) else None


def _digest(secret: bytes | None, domain: bytes, *parts: bytes) -> str:
    # Each part is preceded by its length. So ("ab", "c") and ("a", "bc") give different messages.
    message = b"extcal " + domain + b"".join(b"\0%d:" % len(part) + part for part in parts)
    if secret is None:
        return hashlib.sha256(message).hexdigest()
    import hmac

    return hmac.digest(secret, message, "sha256").hex()
