"""The cache of this process."""

from __future__ import annotations

import os
from functools import cache

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

import extcal
from extcal.contrib.django.settings import setting, store_secret


@cache
def calendars() -> extcal.CalendarCache:
    """The :class:`~extcal.CalendarCache` of this process, made when it is first asked for.

    What a parent process made is not used by its children: each makes one of its own, so that a
    server may load the application before it forks. Raises ImproperlyConfigured if the setting
    ``EXTCAL`` leads to no cache.
    """
    made_by = setting("CACHE")
    if made_by is not None:
        made = import_string(made_by)()
        if not isinstance(made, extcal.CalendarCache):
            raise ImproperlyConfigured(f"EXTCAL['CACHE'] made a {type(made).__name__}")
        return made
    return extcal.CalendarCache(store=_store(), secret=store_secret())


def _store() -> extcal.Store | None:
    named = setting("STORE")
    if named is None:
        return None
    if str(named).startswith(("redis://", "rediss://", "unix://")):
        return extcal.RedisStore(str(named))
    return extcal.SQLiteStore(named)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=calendars.cache_clear)
