"""The application that ``INSTALLED_APPS`` names."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks

from extcal.contrib.django.checks import check_settings


class ExtcalConfig(AppConfig):
    """External calendars: fields, system checks and the command that renews encryption."""

    name = "extcal.contrib.django"
    label = "extcal"
    verbose_name = "External calendars"

    def ready(self) -> None:
        """Register the system checks."""
        checks.register(check_settings)
