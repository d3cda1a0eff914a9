"""The field of a form: what a person pastes goes in, and never comes out again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

import extcal
from extcal.contrib.django.address import FeedAddress
from extcal.messages.addresses import WHERE_TO_FIND


class FeedAddressInput(forms.TextInput):
    """A text input that is always empty, and beside it the present calendar and a box to remove it.

    Its data is the text and whether the box was ticked.
    """

    template_name = "extcal/feed_address.html"

    def get_context(self, name: str, value: object, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """What the template needs; a pasted text is not in it."""
        present = value if isinstance(value, FeedAddress) else None
        attrs = {"autocomplete": "off", "spellcheck": "false", **(attrs or {})}
        if present is not None:
            attrs.pop("required", None)
        context: dict[str, Any] = super().get_context(name, None, attrs)
        context["widget"].update(
            present=present,
            remove_name=f"{name}-remove",
            removable=present is not None and not self.is_required,
        )
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> tuple[str, bool]:
        """The pasted text, and whether the calendar is to be removed."""
        removed = forms.CheckboxInput().value_from_datadict(data, files, f"{name}-remove")
        return data.get(name) or "", bool(removed)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Whether the form was sent without this field."""
        return name not in data and f"{name}-remove" not in data

    def id_for_label(self, id_: str) -> str:
        """The label belongs to the text input."""
        return id_


class FeedAddressFormField(forms.Field):
    """Takes the address of a calendar as people paste it. Its value: a FeedAddress, or None.

    An empty text keeps the present calendar, which is the form's initial value; only the box
    "Remove this calendar" removes it. What is refused is a ValidationError whose ``code`` is the
    kind of :class:`~extcal.FeedUrlError` and whose message has advice. ``policy``: which addresses
    the fetcher may reach, :class:`~extcal.UrlPolicy`.
    """

    widget = FeedAddressInput
    default_error_messages = {  # noqa: RUF012 - Django's own way
        "contradiction": _("Either paste a new address or remove the calendar, not both."),
    }

    def __init__(self, *, policy: extcal.UrlPolicy | None = None, **options: Any) -> None:
        if not options.get("help_text"):
            options["help_text"] = WHERE_TO_FIND[None]
        super().__init__(**options)
        self.policy = extcal.UrlPolicy() if policy is None else policy
        self._present: FeedAddress | None = None

    def get_bound_field(self, form: Any, field_name: str) -> Any:
        """Remember the present value: a form copies its fields, so that this is this form's."""
        present = form.get_initial_for_field(self, field_name)
        self._present = present if isinstance(present, FeedAddress) else None
        return super().get_bound_field(form, field_name)

    def bound_data(self, data: object, initial: object) -> object:
        """What is shown again after an error: the present calendar, never what was pasted."""
        return initial

    def clean(self, value: tuple[str, bool] | FeedAddress | None) -> FeedAddress | None:
        """What the field comes to. Raises ValidationError."""
        if not isinstance(value, tuple):
            return value  # disabled: the initial value
        pasted, remove = value[0].strip(), value[1]
        del value
        if not pasted:
            left = None if remove else self._present
            self.validate(left)
            return left
        if remove:
            del pasted
            raise ValidationError(self.error_messages["contradiction"], code="contradiction")
        read = self._read(pasted)
        del pasted
        if isinstance(read, extcal.FeedUrlError):
            raise ValidationError(str(read), code=read.kind)
        return read

    def _read(self, pasted: str) -> FeedAddress | extcal.FeedUrlError:
        try:
            feed = extcal.Feed.from_user_input(pasted)
            del pasted
            self.policy.check(feed)  # what the fetcher would refuse every time
        except extcal.FeedUrlError as error:
            return error.with_traceback(None)
        return FeedAddress.of(feed)

    def has_changed(self, initial: object, data: object) -> bool:
        """Whether something was pasted, or the box was ticked."""
        return isinstance(data, tuple) and bool(data[0].strip() or data[1])
