"""The address of a feed as the database keeps it."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import InvalidToken
from django.core.exceptions import ImproperlyConfigured

import extcal
from extcal.contrib.django.settings import cipher
from extcal.fetch.feed import SealedUrl

PREFIX = "extcal1:"
"""What an encrypted address begins with, in the database and in dumps."""

_CLOSED = "None of the keys in EXTCAL['KEYS'] opens this address: was a key removed too early?"


class FeedAddress:
    """The address of a calendar, and its name and password if there are any: encrypted.

    It is opened only by :meth:`feed`; its repr and str show the server's name and the fingerprint.
    Equal are those that hold the same address. A template may show it as it is.
    """

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        self._token = token

    @classmethod
    def of(cls, feed: extcal.Feed) -> FeedAddress:
        """Encrypt the address of ``feed``, with the first of the keys.

        The other arguments of the feed are not kept: whoever asks for it passes them, since they
        often stand in other columns.
        """
        locked = cipher()  # first: what it raises must not have the clear address in a frame
        opened = json.dumps([feed.reveal(), feed.reveal_auth()])
        return cls(PREFIX + locked.encrypt(opened.encode()).decode())

    @property
    def token(self) -> str:
        """What the database keeps: text that only somebody with a key can read."""
        return self._token

    def feed(self, **options: Any) -> extcal.Feed:
        """The :class:`~extcal.Feed`; ``options`` are its arguments: ``timezone``, ``owner`` ...

        Raises ImproperlyConfigured if none of the keys opens the address.
        """
        sealed = self._open()
        if sealed is None:
            raise ImproperlyConfigured(_CLOSED)
        return extcal.Feed(sealed, **options)

    def renewed(self) -> FeedAddress:
        """The same address, encrypted with the first of the keys."""
        token = cipher().rotate(self._token.removeprefix(PREFIX).encode())
        return FeedAddress(PREFIX + token.decode())

    def _open(self) -> SealedUrl | None:
        try:
            opened = cipher().decrypt(self._token.removeprefix(PREFIX).encode())
        except InvalidToken:
            return None
        url, auth = json.loads(opened)
        try:
            return extcal.Feed(url, auth=None if auth is None else tuple(auth)).url
        finally:
            del opened, url, auth  # an error must not have the clear address in a frame

    def __str__(self) -> str:
        sealed = self._open()
        if sealed is None:
            return "an address that cannot be read"
        feed = extcal.Feed(sealed)
        return f"{feed.host or 'file'} #{feed.fingerprint}"

    def __repr__(self) -> str:
        if not hasattr(self, "_token"):
            return "<FeedAddress>"
        return f"<FeedAddress {self}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FeedAddress):
            return NotImplemented
        mine = self._open()
        if mine is None:
            return self._token == other._token
        return mine == other._open()

    def __hash__(self) -> int:
        return hash(self._open() or self._token)
