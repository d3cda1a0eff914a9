"""extcal in a Django project: the address of a user's calendar, encrypted, in a model and a form.

``INSTALLED_APPS`` gets ``"extcal.contrib.django"``, and a model::

    calendar = FeedAddressField()

Its value is a :class:`FeedAddress` or None. :func:`calendars` returns the cache of the process. The
setting ``EXTCAL`` is a dict; each key may be left out:

- ``KEYS``: a list of long random texts. The first encrypts, all decrypt. Without it they are
  ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``.
- ``STORE``: what several processes share: the address of a Redis or Valkey, or the path of an
  SQLite file. Without it each process has a memory of its own.
- ``CACHE``: the dotted name of a function without arguments that makes the cache, for everything
  else. ``STORE`` is not read then.

Needs ``extcal[django]``. Django 5.2 and newer.
"""

from __future__ import annotations

from extcal.contrib.django.address import FeedAddress
from extcal.contrib.django.caches import calendars
from extcal.contrib.django.error_pages import AddressFilter
from extcal.contrib.django.fields import FeedAddressField
from extcal.contrib.django.forms import FeedAddressFormField

__all__ = [
    "AddressFilter",
    "FeedAddress",
    "FeedAddressField",
    "FeedAddressFormField",
    "calendars",
]
