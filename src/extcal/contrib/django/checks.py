"""System checks: what is wrong with the setting ``EXTCAL`` shows at ``manage.py check``."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from extcal.contrib.django.error_pages import AddressFilter
from extcal.contrib.django.settings import KNOWN, keys, setting

FILTER = "extcal.contrib.django.AddressFilter"


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """The keys, the factory of the cache, unknown names, and the filter of error pages."""
    found: list[checks.CheckMessage] = []
    try:
        keys()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="extcal.E001")]
    for name in sorted(set(getattr(settings, "EXTCAL", {})) - KNOWN):
        found.append(
            checks.Error(
                f"EXTCAL has no {name!r}.", hint=f"It has {', '.join(KNOWN)}.", id="extcal.E002"
            )
        )
    if setting("CACHE") is not None:
        try:
            import_string(setting("CACHE"))
        except (ImportError, TypeError, AttributeError) as error:
            found.append(checks.Error(f"EXTCAL['CACHE']: {error}", id="extcal.E003"))
    reporter = import_string(settings.DEFAULT_EXCEPTION_REPORTER_FILTER)
    if not issubclass(reporter, AddressFilter):
        found.append(
            checks.Warning(
                "Error pages and error mails would show the address of a calendar that was pasted.",
                hint=f'DEFAULT_EXCEPTION_REPORTER_FILTER = "{FILTER}", or a subclass of it.',
                id="extcal.W001",
            )
        )
    return found
