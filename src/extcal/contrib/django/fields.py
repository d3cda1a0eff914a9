"""The field of a model."""

from __future__ import annotations

from typing import Any

from django.core import checks
from django.core.exceptions import FieldError, ValidationError
from django.db import models
from django.db.models.lookups import Exact, IsNull
from django.db.models.query_utils import DeferredAttribute

import extcal
from extcal.arguments import discreet
from extcal.contrib.django.address import PREFIX, FeedAddress
from extcal.contrib.django.forms import FeedAddressFormField


class _Assigned(DeferredAttribute):
    """What is assigned becomes a FeedAddress at once, so that no instance holds a clear address."""

    @discreet
    def __set__(self, instance: Any, value: object) -> None:
        if hasattr(value, "resolve_expression"):  # an F() or Case() that the database evaluates
            instance.__dict__[self.field.attname] = value
            return
        read = _address(value)
        del value
        instance.__dict__[self.field.attname] = _accepted(read)


class _OnlyNull(Exact):
    """``filter(calendar=None)``; each encryption differs, so that nothing else can be found."""

    @discreet
    def get_prep_lookup(self) -> None:
        if self.rhs is not None:
            raise FieldError("an encrypted address cannot be searched for: only for None")


class StoredAs(Exact):
    """``filter(calendar__stored_as=address)``: the same encrypted text, byte by byte."""


class FeedAddressField(models.Field):
    """The secret address of a calendar, encrypted in the database. Its value: FeedAddress or None.

    An address as text or a :class:`~extcal.Feed` may be assigned; an address that cannot be one
    raises :class:`~extcal.FeedUrlError`. ``null`` and ``blank`` are true unless they are given:
    nobody has a calendar at first. It can be searched for None only.
    """

    description = "The address of an external calendar, encrypted"
    descriptor_class = _Assigned

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("null", True)
        options.setdefault("blank", True)
        super().__init__(*args, **options)

    def get_internal_type(self) -> str:
        """The type of the column."""
        return "TextField"

    def check(self, **options: Any) -> list[checks.CheckMessage]:
        """The checks of every field, and what an encrypted column cannot be."""
        found: list[checks.CheckMessage] = super().check(**options)
        for name in ("primary_key", "unique", "db_index", "choices"):
            if getattr(self, name, None):
                found.append(
                    checks.Error(
                        f"FeedAddressField cannot have {name}.",
                        hint="The same address is encrypted differently each time.",
                        obj=self,
                        id="extcal.E010",
                    )
                )
        return found

    def from_db_value(self, value: str | None, *_: object) -> FeedAddress | None:
        """What the column holds."""
        return FeedAddress(value) if value else None

    @discreet
    def to_python(self, value: object) -> FeedAddress | None:
        """Of a text, a Feed, or what a dump holds. Raises ValidationError with advice."""
        read = _address(value)
        del value
        if isinstance(read, extcal.FeedUrlError):
            raise ValidationError(str(read), code=read.kind)
        return _accepted(read)

    @discreet
    def get_prep_value(self, value: object) -> str | None:
        """What goes into the column: encrypted text."""
        address = _accepted(_address(value))
        return None if address is None else address.token

    def value_to_string(self, obj: models.Model) -> str | None:  # type: ignore[override,unused-ignore]
        """What goes into a dump: encrypted text, which loads again with the same keys."""
        return self.get_prep_value(self.value_from_object(obj))

    def get_lookup(self, lookup_name: str) -> Any:
        """Only whether there is an address can be asked of the database."""
        return {"exact": _OnlyNull, "isnull": IsNull, "stored_as": StoredAs}.get(lookup_name)

    def formfield(self, **options: Any) -> Any:
        """The field of a form, which never shows the address again."""
        return super().formfield(**{"form_class": FeedAddressFormField, **options})


def _address(value: object) -> FeedAddress | extcal.FeedUrlError | None:
    """A refusal is returned, so that its caller can forget the value before it raises."""
    if value is None or value == "":
        return None
    if isinstance(value, FeedAddress):
        return value
    if isinstance(value, extcal.Feed):
        return FeedAddress.of(value)
    if not isinstance(value, str):
        raise TypeError(f"the address of a calendar is text or a Feed, not {type(value).__name__}")
    if value.startswith(PREFIX):
        return FeedAddress(value)
    try:
        feed = extcal.Feed.from_user_input(value)
    except extcal.FeedUrlError as error:
        return error.with_traceback(None)
    return FeedAddress.of(feed)


def _accepted(read: FeedAddress | extcal.FeedUrlError | None) -> FeedAddress | None:
    if isinstance(read, extcal.FeedUrlError):
        raise read
    return read
