"""``manage.py renew_feed_addresses``: encrypt all addresses with the first of the keys."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.core.management.base import BaseCommand

from extcal.contrib.django.fields import FeedAddressField


class Command(BaseCommand):
    """Afterwards the older keys can be removed from the settings.

    An address that changes meanwhile is left as it was saved, with the key of that moment.
    """

    help = "Encrypts all stored calendar addresses with the first key of EXTCAL['KEYS']."

    def handle(self, *args: Any, **options: Any) -> None:
        """Renew them, and say how many could not be read."""
        renewed = unreadable = 0
        for model in apps.get_models():
            for field in model._meta.local_concrete_fields:
                if not isinstance(field, FeedAddressField):
                    continue
                rows = model._base_manager.exclude(**{field.attname: None})
                for key, address in rows.values_list("pk", field.attname).iterator():
                    try:
                        new = address.renewed()
                    except InvalidToken:
                        unreadable += 1
                        continue
                    same = model._base_manager.filter(
                        **{"pk": key, f"{field.attname}__stored_as": address}
                    )
                    renewed += same.update(**{field.attname: new})
        self.stdout.write(f"{renewed} addresses are encrypted with the first key")
        if unreadable:
            self.stderr.write(f"{unreadable} addresses could not be read with any of the keys")
