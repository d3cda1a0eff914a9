"""The setting ``EXTCAL``, and the keys that are derived from it."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KNOWN = frozenset({"CACHE", "KEYS", "STORE"})


def setting(name: str) -> Any:
    """``EXTCAL[name]``, or None. Raises ImproperlyConfigured if ``EXTCAL`` is not a mapping."""
    found = getattr(settings, "EXTCAL", {})
    if not isinstance(found, Mapping):
        raise ImproperlyConfigured(f"EXTCAL is a dict, not {type(found).__name__}")
    return found.get(name)


def keys() -> tuple[str, ...]:
    """The texts from which keys are derived, the current one first.

    Raises ImproperlyConfigured if there is none, or if one is not text.
    """
    found = setting("KEYS")
    if found is None:
        found = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if isinstance(found, str) or not all(isinstance(key, str) and key for key in found):
        raise ImproperlyConfigured("EXTCAL['KEYS'] is a list of texts, none of them empty")
    if not found:
        raise ImproperlyConfigured("EXTCAL['KEYS'] is empty: without a key nothing is encrypted")
    return tuple(found)


def cipher() -> MultiFernet:
    """What encrypts addresses with the first key, and decrypts them with any."""
    return MultiFernet(
        [Fernet(urlsafe_b64encode(_derived(key, b"extcal address"))) for key in keys()]
    )


def store_secret() -> bytes:
    """The ``secret`` of the cache: a stolen store reveals no address that somebody guesses."""
    return _derived(keys()[0], b"extcal store")


def _derived(key: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(key.encode())
